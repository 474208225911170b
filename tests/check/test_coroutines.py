"""What the flow knows about methods that are awaited, held against SQLAlchemy and SQLModel."""

from __future__ import annotations

import inspect

import pytest

from outlive.check.flow.coroutines import METHODS

asyncio_of_sqlalchemy = pytest.importorskip("sqlalchemy.ext.asyncio", exc_type=ImportError)
SESSIONS = [asyncio_of_sqlalchemy.AsyncSession, asyncio_of_sqlalchemy.async_scoped_session]


def coroutines_of(session_class: type) -> set[str]:
    names = [name for name in dir(session_class) if not name.startswith("_")]
    return {name for name in names if inspect.iscoroutinefunction(getattr(session_class, name))}


@pytest.mark.parametrize("session_class", SESSIONS)
def test_every_method_that_has_to_be_awaited_is_known(session_class: type) -> None:
    assert coroutines_of(session_class) == coroutines_of(session_class) & METHODS


@pytest.mark.parametrize("session_class", SESSIONS)
def test_what_is_not_awaited_is_not_listed(session_class: type) -> None:
    others = {name for name in dir(session_class) if not name.startswith("_")} - coroutines_of(session_class)

    assert set() == others & METHODS


def test_every_method_of_sqlmodels_session_is_known() -> None:
    session = pytest.importorskip("sqlmodel.ext.asyncio.session", exc_type=ImportError)

    assert coroutines_of(session.AsyncSession) == coroutines_of(session.AsyncSession) & METHODS
