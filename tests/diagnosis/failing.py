"""Running programs that are expected to fail."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from outlive import Explanation, explain
from tests.databases import Database
from tests.shelf import fill


def explained(program: Callable[..., Any], database: Database) -> Explanation | None:
    return explain(error_of(program, database))


def error_of(program: Callable[..., Any], database: Database) -> BaseException:
    """What a program raises on a freshly filled database."""
    try:
        run(program, database)
    except Exception as error:
        return error
    raise AssertionError(f"{program.__name__} did not fail")


def run(program: Callable[..., Any], database: Database) -> Any:
    with database.engine() as engine:
        with engine.begin() as connection:
            fill(connection)
        return program(engine)


def async_error_of(program: Callable[..., Any], database: Database) -> BaseException:
    """What a coroutine raises on a freshly filled database; asked for after its event loop has closed."""
    try:
        asyncio.run(run_async(program, database))
    except Exception as error:
        return error
    raise AssertionError(f"{program.__name__} did not fail")


async def run_async(program: Callable[..., Any], database: Database) -> Any:
    async with database.async_engine() as engine:
        async with engine.begin() as connection:
            await connection.run_sync(fill)
        return await program(engine)
