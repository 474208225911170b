"""Advice: "``Session.clear()``", "``GreenletSpawnError``".  Neither exists."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, exc
from sqlalchemy.orm import Session, scoped_session, sessionmaker
from sqlalchemy.orm import exc as orm_exc

from tests.advice.orders import Order


def test_no_session_has_clear(engine: Engine) -> None:
    with Session(engine) as session, pytest.raises(AttributeError, match="clear"):
        session.clear()

    assert not hasattr(scoped_session(sessionmaker(engine)), "clear")


def test_async_sessions_have_no_clear_either() -> None:
    pytest.importorskip("greenlet")
    sessions = pytest.importorskip("sqlalchemy.ext.asyncio")

    assert not hasattr(sessions.AsyncSession, "clear")
    assert not hasattr(sessions.async_scoped_session, "clear")


def test_expunge_all_does_what_clear_promises(engine: Engine) -> None:
    with Session(engine) as session:
        order = session.get(Order, 1)
        session.expunge_all()

        assert order not in session


def test_there_is_no_greenlet_spawn_error() -> None:
    assert not hasattr(exc, "GreenletSpawnError")
    assert not hasattr(orm_exc, "GreenletSpawnError")


def test_missing_greenlet_is_its_name() -> None:
    assert ("xd2s", True) == (exc.MissingGreenlet.code, issubclass(exc.MissingGreenlet, exc.InvalidRequestError))


def test_detached_instance_error_has_a_code_as_well() -> None:
    assert "bhk3" == orm_exc.DetachedInstanceError.code
