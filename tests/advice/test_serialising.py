"""Advice: "``from_attributes`` is how to serialise".  It reads every field; SQLModel and msgspec lose data silently."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from sqlalchemy import Engine, create_engine, select
from sqlalchemy.orm import Session, selectinload
from sqlalchemy.pool import StaticPool

from tests.advice.orders import Item, Order, fill

pydantic = pytest.importorskip("pydantic")


@pytest.fixture
def engine() -> Iterator[Engine]:
    engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    with engine.begin() as connection:
        fill(connection)
    yield engine
    engine.dispose()


class ItemSchema(pydantic.BaseModel, from_attributes=True):
    name: str


class OrderSchema(pydantic.BaseModel, from_attributes=True):
    number: str
    items: list[ItemSchema] = pydantic.Field(default_factory=list)


def detached(engine: Engine, *options: Any, commit: bool = False) -> Order:
    with Session(engine) as session:
        order = session.scalars(select(Order).options(*options)).one()
        if commit:
            session.commit()
        return order


def test_pydantic_reads_a_field_even_if_it_has_a_default(engine: Engine) -> None:
    with pytest.raises(pydantic.ValidationError) as caught:
        OrderSchema.model_validate(detached(engine))

    assert [("get_attribute_error", ("items",))] == [(error["type"], error["loc"]) for error in caught.value.errors()]
    assert "DetachedInstanceError" in caught.value.errors()[0]["ctx"]["error"]


def test_pydantic_reads_what_the_query_loaded(engine: Engine) -> None:
    schema = OrderSchema.model_validate(detached(engine, selectinload(Order.items)))

    assert {"number": "A-1", "items": [{"name": "lamp"}, {"name": "bulb"}]} == schema.model_dump()


def test_msgspec_swallows_the_error_and_uses_defaults(engine: Engine) -> None:
    class Struct(msgspec.Struct):
        number: str = "?"
        price: int = 0

    struct = msgspec.convert(detached(engine, commit=True), Struct, from_attributes=True)

    assert Struct("?", 0) == struct


@pytest.fixture
def hero(engine: Engine) -> Iterator[Any]:
    """A committed SQLModel object that was not refreshed, in its open session."""
    sqlmodel = pytest.importorskip("sqlmodel", exc_type=ImportError)  # the newest needs SQLAlchemy 2.0.14
    registry = sqlmodel.main.default_registry.__class__()

    class Hero(sqlmodel.SQLModel, registry=registry):
        pass

    class Person(Hero, table=True):
        id: int | None = sqlmodel.Field(default=None, primary_key=True)
        name: str

    Person.metadata.create_all(engine)
    with sqlmodel.Session(engine) as session:
        person = Person(name="Genly")
        session.add(person)
        session.commit()
        yield person
    Person.metadata.remove(Person.__table__)


def test_sqlmodel_dumps_an_expired_object_as_nothing(hero: Any) -> None:
    assert ({}, "{}") == (hero.model_dump(), hero.model_dump_json())


def test_sqlmodel_prints_an_expired_object_as_nothing(hero: Any) -> None:
    assert "Person()" == repr(hero)


def test_one_read_brings_everything_back(hero: Any) -> None:
    assert "Genly" == hero.name
    assert {"id": 1, "name": "Genly"} == hero.model_dump()


def test_fastapi_answers_200_and_nothing(hero: Any) -> None:
    fastapi = pytest.importorskip("fastapi")
    testclient = pytest.importorskip("fastapi.testclient")
    app = fastapi.FastAPI()

    @app.get("/", response_model=None)
    async def route() -> Any:
        return hero

    response = testclient.TestClient(app).get("/")

    assert (200, {}) == (response.status_code, response.json())


def test_the_json_encoder_of_fastapi_gives_nothing(hero: Any) -> None:
    encoders = pytest.importorskip("fastapi.encoders")

    assert {} == encoders.jsonable_encoder(hero)


def test_so_does_a_plain_mapped_object_through_the_encoder(engine: Engine) -> None:
    encoders = pytest.importorskip("fastapi.encoders")

    assert {} == encoders.jsonable_encoder(detached(engine, commit=True))
    assert {"id": 1, "name": "lamp", "order_id": 1} == encoders.jsonable_encoder(loaded_item(engine))


def loaded_item(engine: Engine) -> Item:
    with Session(engine) as session:
        return session.get(Item, 1)
