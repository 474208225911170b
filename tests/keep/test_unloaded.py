"""``unloaded``: what it says of an attribute is what reading the attribute does."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy.orm
from sqlalchemy import Engine, Select, inspect, literal, select
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import Session, defer, lazyload, raiseload, selectin_polymorphic, selectinload, with_expression
from sqlalchemy.orm.exc import DetachedInstanceError, UnmappedInstanceError

import outlive
from outlive import Cause, unloaded
from tests import corners, databases, store
from tests.corners import Country, Street, Town, Vehicle
from tests.databases import Database
from tests.keep import worlds
from tests.keep.reading import happens, refusing_sql, said_of, wrong_detached, wrong_in_session
from tests.keep.worlds import OPERATIONS, World
from tests.store import Customer, Employee, Item, Order, Shelf, statements

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

# SQLAlchemy 2.0.0 says so of each UPDATE with RETURNING and a version counter.
pytestmark = pytest.mark.filterwarnings("ignore:Dialect sqlite.* does not support updated rowcount")

Load = Callable[[type[Any]], Select[Any]]


def with_option(option: Any) -> Load:
    return lambda class_: select(class_).options(option)


LOADS: dict[str, Load] = {
    "plain": select,
    "everything": worlds.everything,
    "raiseload": with_option(raiseload("*")),
    "raise_on_sql": with_option(raiseload("*", sql_only=True)),
    "lazyload": with_option(lazyload("*")),
    "defer": with_option(defer("*")),
    "defer, raise": with_option(defer("*", raiseload=True)),
}
FACTORIES: dict[str, Callable[[Engine], Any]] = {
    "ours": outlive.sessionmaker,
    "ours, expiring": lambda engine: outlive.sessionmaker(engine, expire_on_commit=True),
    "SQLAlchemy's": sqlalchemy.orm.sessionmaker,
}
COMBINATIONS = [
    ("ours", "everything"),
    ("ours, expiring", "raise_on_sql"),
    ("SQLAlchemy's", "plain"),
    ("SQLAlchemy's", "defer"),
]
THOROUGHLY = (worlds.nothing, worlds.rollback, worlds.expire_columns, worlds.commit_changes, worlds.pickled)
"""What is done with all factories to objects that were loaded in any way."""
EVERYWHERE = (*THOROUGHLY, worlds.flush_changes, worlds.add_and_flush)
"""What is done on every database."""


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> dict[ModuleType, Path]:
    """A filled database of each model."""
    folder = tmp_path_factory.mktemp("templates")
    paths = {model: folder / model.__name__ for model in (store, corners)}
    for model, path in paths.items():
        with databases.sqlite("sqlite", str(path)).engine(model):
            pass
    return paths


@pytest.fixture
def shop(sync_database: Database) -> Any:
    with sync_database.engine(store) as engine, outlive.sessionmaker(engine)() as session:
        yield session


@pytest.fixture
def world(templates: dict[ModuleType, Path], tmp_path: Path) -> Any:
    shutil.copy(templates[corners], tmp_path / "corners.db")
    database = databases.sqlite("sqlite", str(tmp_path / "corners.db"))
    with database.engine() as engine, outlive.sessionmaker(engine)() as session:
        yield session


# --- the truth


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda it: it.__name__)
@pytest.mark.parametrize("model", [store, corners], ids=lambda it: it.__name__)
def test_it_names_exactly_what_cannot_be_read(
    model: ModuleType, operation: Callable[[World], None], templates: dict[ModuleType, Path], tmp_path: Path
):
    every = [(factory, load) for factory in FACTORIES for load in LOADS]
    wrong = []
    for factory, load in every if operation in THOROUGHLY else COMBINATIONS:
        shutil.copy(templates[model], tmp_path / "test.db")
        with databases.sqlite("sqlite", str(tmp_path / "test.db")).engine() as engine:
            wrong += [f"{factory}, {load}: {it}" for it in disagreements(model, engine, (factory, load), operation)]

    assert [] == wrong


@pytest.mark.parametrize("operation", EVERYWHERE, ids=lambda it: it.__name__)
def test_it_does_on_every_database(operation: Callable[[World], None], sync_database: Database):
    with sync_database.engine(store) as engine:
        assert [] == disagreements(store, engine, ("ours", "everything"), operation)


def disagreements(
    model: ModuleType, engine: Engine, how: tuple[str, str], operation: Callable[[World], None]
) -> list[str]:
    factory, load = how
    with FACTORIES[factory](engine)() as session:
        world = World(session, model.Base)
        if not happens(world, LOADS[load], operation):
            return []
        said = said_of(world)
        with refusing_sql(engine), session.no_autoflush:
            wrong = wrong_in_session(world, said)
        return wrong + wrong_detached(world, said)


@pytest.mark.filterwarnings(databases.UNAWAITED)
@pytest.mark.parametrize("operation", EVERYWHERE, ids=lambda it: it.__name__)
def test_in_async_code_it_names_exactly_what_needs_an_await(
    operation: Callable[[World], None], async_database: Database
):
    async def story(engine: AsyncEngine) -> list[str]:
        async with outlive.async_sessionmaker(engine)() as session:
            world = World(session.sync_session, store.Base)
            await session.run_sync(lambda _: happens(world, LOADS["plain"], operation))
            said = said_of(world)
            with session.no_autoflush:
                wrong = wrong_in_session(world, said)
            return wrong + await session.run_sync(lambda _: wrong_detached(world, said))

    assert [] == async_database.tell(story, store)


# --- what it says, and why


def test_a_relationship_is_in_it_until_it_is_loaded(shop: Session):
    order = shop.get(Order, 1)
    before = "items" in unloaded(order)
    order.items  # noqa: B018

    assert (True, False) == (before, "items" in unloaded(order))


def test_the_causes_of_an_object_as_a_query_leaves_it(shop: Session):
    assert {
        "notes": Cause.DEFERRED,
        "secret": Cause.RAISE,
        "customer": Cause.NEVER_LOADED,
        "items": Cause.NEVER_LOADED,
        "guarded_items": Cause.RAISE,
        "invoice": Cause.NEVER_LOADED,
    } == unloaded(shop.get(Order, 1))


def test_columns_that_a_query_for_the_base_class_left_out_are_deferred(shop: Session):
    boss = shop.scalars(select(Employee).where(Employee.name == "Grace")).one()

    assert {"budget": Cause.DEFERRED, "touched": Cause.DEFERRED} == {
        name: cause for name, cause in unloaded(boss).items() if name in inspect(boss).mapper.column_attrs
    }


def test_they_are_not_when_the_query_asks_for_the_subclass(shop: Session):
    query = select(Employee).options(selectin_polymorphic(Employee, [store.Manager])).where(Employee.name == "Grace")
    boss = shop.scalars(query).one()

    assert {"boss", "reports"} == set(unloaded(boss))


def test_options_of_the_query_decide(shop: Session):
    query = select(Order).options(
        defer(Order.total),
        defer(Order.state, raiseload=True),
        raiseload(Order.items),
        selectinload(Order.guarded_items),
    )
    order = shop.scalars(query).first()

    assert {"total": Cause.DEFERRED, "state": Cause.RAISE, "items": Cause.RAISE, "guarded_items": None} == {
        name: unloaded(order).get(name) for name in ("total", "state", "items", "guarded_items")
    }


def test_a_composite_value_goes_with_its_columns(shop: Session):
    customer = shop.get(Customer, 1)
    shop.expire(customer, ["street"])

    assert (Cause.EXPIRE, Cause.EXPIRE) == (unloaded(customer)["street"], unloaded(customer)["address"])


def test_a_composite_value_that_was_built_stays_though_the_object_has_left(shop: Session):
    customer = shop.get(Customer, 1)
    customer.address  # noqa: B018

    assert "address" not in unloaded(customer)


def test_collections_that_are_asked_for_their_rows_are_never_in_it(shop: Session):
    customer = shop.get(Customer, 1)
    shop.expire(customer)

    assert set() == {"events", "visits"}.intersection(unloaded(customer))


def test_they_can_be_read_detached(shop: Session):
    customer = shop.get(Customer, 1)
    shop.expunge(customer)

    assert customer.events.select() is not None
    with pytest.warns(sqlalchemy.exc.SAWarning, match="is detached, dynamic relationship"):
        assert [] == list(customer.visits)


def test_nothing_is_unloaded_of_an_object_without_a_row(shop: Session):
    transient, pending = Order(), Order()
    shop.add(pending)

    assert ({}, {}) == (unloaded(transient), unloaded(pending))


def test_what_the_database_was_to_compute_is_lost_with_a_new_object(world: Session):
    street = Street(name="Elm Street")
    world.add(street)
    world.flush()
    world.rollback()

    assert inspect(street).transient
    assert {"surface": Cause.FLUSH} == unloaded(street)
    with pytest.raises(DetachedInstanceError):
        street.surface  # noqa: B018


def test_a_collection_that_a_backref_has_added_to_is_in_it(shop: Session):
    order = shop.get(Order, 1)
    Item(order=order, position=9)

    assert "items" not in inspect(order).unloaded
    assert "items" in unloaded(order)


def test_a_many_to_one_is_in_it_although_no_sql_is_needed_for_it(shop: Session):
    customer, order = shop.get(Customer, 1), shop.get(Order, 1)
    said = unloaded(order)
    with statements(shop.connection().engine) as sent:
        assert order.customer is customer
    shop.expire(order, ["customer"])
    shop.expunge(order)

    assert [] == sent
    assert "customer" in said
    with pytest.raises(DetachedInstanceError):
        order.customer  # noqa: B018


@pytest.mark.parametrize(("town", "cause"), [(1, Cause.RAISE), (4, Cause.NEVER_LOADED)], ids=["set", "null"])
def test_raise_on_sql_forbids_only_what_needs_sql(town: int, cause: Cause, world: Session):
    assert cause is unloaded(world.get(Town, town))["region"]


def test_raise_on_sql_does_not_forbid_what_the_session_has(world: Session):
    town = world.get(Town, 1)
    country = world.get(Country, 1)

    assert Cause.NEVER_LOADED is unloaded(town)["country"]
    assert town.country is country


def test_a_relationship_whose_foreign_key_must_not_be_loaded_must_not_either(world: Session):
    query = select(Street).options(defer(Street.town_id, raiseload=True))
    street = world.scalars(query).first()

    assert Cause.RAISE is unloaded(street)["town"]
    with pytest.raises(InvalidRequestError, match="town_id' is not available"):
        street.town  # noqa: B018


def test_an_expression_that_no_query_gave_is_not_in_it(world: Session):
    town = world.get(Town, 1)

    assert "asked" not in unloaded(town)
    assert town.asked is None


def test_an_expression_that_was_erased_reads_as_none_so_it_is_not_in_it(world: Session):
    town = world.scalars(select(Town).options(with_expression(Town.asked, literal(7))).where(Town.id == 1)).one()
    asked = town.asked
    world.expire(town)
    world.expunge(town)

    assert (7, None) == (asked, town.asked)
    assert "asked" not in unloaded(town)


def test_synonyms_hybrids_and_proxies_have_no_value_of_their_own(world: Session):
    town = world.get(Town, 1)
    world.expire(town)

    assert set() == {"title", "greeting", "street_names"}.intersection(unloaded(town))


def test_a_concrete_subclass_lacks_what_it_does_not_map(world: Session):
    boat = world.scalars(select(corners.Boat)).one()
    world.expire(boat)

    assert {"id", "name", "draught"} == set(unloaded(boat))
    assert set() == set(unloaded(world.scalars(select(Vehicle)).first()))


def test_a_deleted_object_stays_what_it_is_when_its_session_closes(shop: Session):
    box = shop.scalars(select(store.Box)).first()
    shop.delete(box)
    shop.flush()
    shop.close()

    assert inspect(box).deleted
    assert {"shelf": Cause.NEVER_LOADED} == unloaded(box)


def test_eager_relationships_are_in_it_where_nothing_loaded_them(shop: Session):
    shelf = Shelf(label="new")
    shop.add(shelf)
    shop.commit()

    assert {"by_selectin", "by_join", "by_subquery", "at_once"} <= set(unloaded(shelf))


def test_columns_stand_first_and_the_order_is_that_of_the_mapping(shop: Session):
    assert ["notes", "secret", "customer", "items", "guarded_items", "invoice"] == list(unloaded(shop.get(Order, 1)))


def test_it_cannot_be_changed(shop: Session):
    with pytest.raises(TypeError):
        unloaded(shop.get(Order, 1))["items"] = Cause.UNKNOWN  # type: ignore[index]


def test_it_emits_no_sql_and_loads_nothing(shop: Session):
    order = shop.get(Order, 1)
    shop.expire(order)
    before = copy.copy(inspect(order).dict)
    with statements(shop.connection().engine) as sent:
        unloaded(order)

    assert [] == sent
    assert before == inspect(order).dict


# --- bad input


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (None, "None"),
        (Order, "the class Order"),
        ("order", "'order'"),
        (SimpleNamespace(), "an instance of SimpleNamespace"),
    ],
    ids=["none", "class", "text", "object"],
)
@pytest.mark.parametrize("function", [outlive.unloaded, outlive.expired])
def test_what_is_no_mapped_object_is_refused(function: Callable[[object], object], given: object, shown: str):
    with pytest.raises(UnmappedInstanceError, match=f"expected one mapped object, got {shown}"):
        function(given)


def test_a_list_of_objects_is_refused_with_the_remedy():
    with pytest.raises(UnmappedInstanceError, match=r"list: use outlive\.audit"):
        unloaded([Order()])


def test_the_object_of_a_closed_session_can_be_asked(shop: Session):
    order = shop.get(Order, 1)
    shop.close()

    assert "items" in unloaded(order)
