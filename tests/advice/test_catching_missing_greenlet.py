"""Advice: "catch ``MissingGreenlet``".  It often comes wrapped, with the same code: match that."""

from __future__ import annotations

import asyncio
import gc
import warnings
from typing import TYPE_CHECKING

import pytest
import sqlalchemy
from sqlalchemy.exc import MissingGreenlet, StatementError

from tests.advice.orders import Order, async_session, fill
from tests.databases import Database

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

IS_2_0 = sqlalchemy.__version__.startswith("2.0.")


async def shape(engine: AsyncEngine) -> tuple[str, str | None, str | None]:
    """Type and code of what an expired read raises, and the type inside."""
    async with engine.begin() as connection:
        await connection.run_sync(fill)
    async with async_session(engine) as session:
        order = await session.get(Order, 1)
        session.expire(order)
        try:
            print(order.number)
        except (MissingGreenlet, StatementError) as exc:
            inner = getattr(exc, "orig", None)
            return type(exc).__name__, exc.code, type(inner).__name__ if inner else None
    raise AssertionError("the read did not raise")


def test_what_an_expired_read_raises(async_database: Database) -> None:
    async def run() -> tuple[str, str | None, str | None]:
        async with async_database.async_engine() as engine:
            return await shape(engine)

    bare = IS_2_0 or "asyncpg" in async_database.url
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)
        found = asyncio.run(run())
        gc.collect()

    assert (("MissingGreenlet", "xd2s", None) if bare else ("StatementError", "xd2s", "MissingGreenlet")) == found


def test_pydantic_wraps_it_as_a_validation_error() -> None:
    pydantic = pytest.importorskip("pydantic")

    class Schema(pydantic.BaseModel, from_attributes=True):
        number: str

    class Expired:
        @property
        def number(self) -> str:
            raise MissingGreenlet("no await here")

    with pytest.raises(pydantic.ValidationError) as caught:
        Schema.model_validate(Expired())

    (error,) = caught.value.errors()

    assert "get_attribute_error" == error["type"]
    assert "MissingGreenlet: no await here" in error["ctx"]["error"]
