"""Loads what a schema needs, closes the session, and converts: for tests of ``loader_options``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, TypeAdapter
from sqlalchemy import Engine, inspect, select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import Session

from outlive import loader_options
from tests.store import statements


class Out(BaseModel):
    """Read from attributes."""

    model_config = ConfigDict(from_attributes=True)


@dataclass
class Response:
    objects: list[Any]
    converted: list[Any]
    sent: list[str]

    def dumped(self) -> list[Any]:
        return [one.model_dump() for one in self.converted]


def respond(engine: Engine, model: type, schema: Any, statement: Any = None) -> Response:
    """What a handler answers with objects whose session has been closed."""
    query = select(model) if statement is None else statement
    with statements(engine) as sent:
        with Session(engine) as session:
            objects = list(session.scalars(query.options(*loader_options(model, schema))))
        return Response(objects, convert(objects, schema), sent)


async def respond_async(engine: AsyncEngine, model: type, schema: Any) -> Response:
    with statements(engine.sync_engine) as sent:
        async with AsyncSession(engine) as session:
            objects = list(await session.scalars(select(model).options(*loader_options(model, schema))))
            converted = convert(objects, schema)
        assert converted == convert(objects, schema)
        return Response(objects, converted, sent)


def convert(objects: list[Any], schema: Any) -> list[Any]:
    adapter = TypeAdapter(schema)
    return [adapter.validate_python(one, from_attributes=True) for one in objects]


def loaded(obj: object) -> set[str]:
    """The mapped attributes that have a value."""
    state = inspect(obj)
    return set(state.mapper.attrs.keys()) - state.unloaded
