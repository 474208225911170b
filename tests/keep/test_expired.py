"""``expired``: who erased a value, through the operations that erase one."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy.orm
from sqlalchemy import Engine, delete, event, func, inspect, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, make_transient_to_detached, selectinload, undefer

from outlive import Cause, async_sessionmaker, expired, sessionmaker, unloaded
from tests import corners, store
from tests.databases import MEMORY, VERSION, Database
from tests.keep import worlds
from tests.keep.reading import happens, label_of
from tests.keep.worlds import OPERATIONS, World
from tests.store import Coupon, Customer, Employee, Item, Manager, Order, Product, statements

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

# SQLAlchemy 2.0.0 says so of each UPDATE with RETURNING and a version counter.
pytestmark = pytest.mark.filterwarnings("ignore:Dialect sqlite.* does not support updated rowcount")

LAZY = {Cause.NEVER_LOADED, Cause.DEFERRED, Cause.RAISE}


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """Of our factory, expiring on commit: so that a commit erases."""
    with sessionmaker(engine, expire_on_commit=True)() as session:
        yield session


@pytest.fixture
def corner_session() -> Iterator[Session]:
    with MEMORY.engine(corners) as engine, sessionmaker(engine, expire_on_commit=True)() as session:
        yield session


def loaded_order(session: Session) -> Order:
    """With its items and its notes, and without its customer."""
    order = session.scalars(
        select(Order).options(selectinload(Order.items), undefer(Order.notes)).where(Order.id == 1)
    ).one()
    assert {"secret", "customer", "guarded_items", "invoice"} == set(unloaded(order))
    return order


def causes(order: Order) -> dict[str, Cause | None]:
    """Of a plain column, a deferred one and a relationship that were loaded, and of a relationship that was not."""
    found = unloaded(order)
    return {name: found.get(name) for name in ("state", "notes", "items", "customer")}


def all_erased_by(cause: Cause) -> dict[str, Cause]:
    return {"state": cause, "notes": cause, "items": cause, "customer": Cause.NEVER_LOADED}


# --- the truth: what is planted is what is named


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda it: it.__name__)
@pytest.mark.parametrize("load", [select, worlds.everything], ids=["plain", "everything"])
@pytest.mark.parametrize("model", [store, corners], ids=lambda it: it.__name__)
def test_the_cause_is_what_was_done(model: Any, load: Any, operation: Callable[[World], None]):
    with MEMORY.engine(model) as engine, sessionmaker(engine, expire_on_commit=True)() as session:
        world = World(session, model.Base)
        before: dict[Any, set[str]] = {}

        def note_and_do(world: World) -> None:
            before.update({obj: set(inspect(obj).dict) for obj in world.objs})
            operation(world)

        happens(world, load, note_and_do)
        wrong = [it for obj, values in before.items() for it in misnamed(obj, values, operation)]

    assert [] == wrong


LOADING = {worlds.end_a_block, worlds.fail_in_a_block, worlds.delete_and_rollback, worlds.delete_and_commit}
"""Operations that load more before they erase it."""


def misnamed(obj: Any, values: set[str], operation: Callable[[World], None]) -> Iterator[str]:
    mapper = inspect(obj).mapper
    for name, cause in unloaded(obj).items():
        had_value = name in values or operation in LOADING
        is_lazy = name in mapper.relationships or (name in mapper.column_attrs and mapper.column_attrs[name].deferred)
        match cause:
            case Cause.RAISE:
                is_right = True
            case Cause.NEVER_LOADED | Cause.DEFERRED:
                is_right = not had_value or operation in {*LOADING, worlds.populate_existing}
            case Cause.FLUSH | Cause.BULK_UPDATE | Cause.BULK_DELETE | Cause.UNKNOWN:
                is_right = cause in OPERATIONS[operation]
            case _:
                is_right = cause in OPERATIONS[operation] and (had_value or not is_lazy)
        if not is_right:
            yield f"{label_of(obj)}.{name}: {cause}, {'had a value' if had_value else 'had none'}"


def test_every_cause_is_planted_by_some_operation():
    assert set(Cause) - LAZY == set().union(*OPERATIONS.values())


# --- commit


def test_commit(session: Session):
    order = loaded_order(session)
    session.commit()

    assert all_erased_by(Cause.COMMIT) == causes(order)


def test_the_end_of_a_begin_block_is_a_commit(engine: Engine):
    with sessionmaker(engine, expire_on_commit=True).begin() as session:
        order = loaded_order(session)

    assert all_erased_by(Cause.COMMIT) == causes(order)


def test_nothing_is_expired_after_a_commit_that_keeps_values(engine: Engine):
    with sessionmaker(engine)() as session:
        order = loaded_order(session)
        session.commit()

    assert {} == expired(order)


def test_a_savepoint_release_before_the_commit_changes_nothing(session: Session):
    order = loaded_order(session)
    with session.begin_nested():
        order.total = None
    flushed = dict(expired(order))
    session.commit()

    assert {"changed_at": Cause.FLUSH} == flushed
    assert all_erased_by(Cause.COMMIT) == causes(order)


# --- rollback


def test_rollback(session: Session):
    order = loaded_order(session)
    session.rollback()

    assert all_erased_by(Cause.ROLLBACK) == causes(order)


def test_a_begin_block_that_raises_is_a_rollback(engine: Engine):
    with sessionmaker(engine)() as session, suppress(ZeroDivisionError), session.begin():
        order = loaded_order(session)
        raise ZeroDivisionError

    assert all_erased_by(Cause.ROLLBACK) == causes(order)


def test_a_flush_that_fails_is_a_rollback(session: Session):
    order = loaded_order(session)
    session.add(Item(order_id=2, position=1))
    with pytest.raises(IntegrityError):
        session.flush()

    assert all_erased_by(Cause.ROLLBACK) == causes(order)


def test_a_savepoint_rollback_of_a_changed_object(session: Session):
    order, other = loaded_order(session), session.get(Order, 2)
    savepoint = session.begin_nested()
    order.total = None
    session.flush()
    savepoint.rollback()

    assert all_erased_by(Cause.ROLLBACK) == causes(order)
    assert {} == expired(other)


def test_a_savepoint_rollback_of_an_object_with_a_pending_change(session: Session):
    order = loaded_order(session)
    savepoint = session.begin_nested()
    order.total = None
    savepoint.rollback()

    assert all_erased_by(Cause.ROLLBACK) == causes(order)


def test_a_flush_that_fails_in_a_savepoint(session: Session):
    order = loaded_order(session)
    with suppress(IntegrityError), session.begin_nested():
        order.total = None
        session.add(Item(order_id=2, position=1))

    assert all_erased_by(Cause.ROLLBACK) == causes(order)


def test_a_deleted_object_that_a_rollback_brings_back(session: Session):
    coupon = session.get(Coupon, 1)
    order = loaded_order(session)
    session.delete(coupon)
    session.delete(order)
    session.flush()
    session.rollback()

    assert dict.fromkeys(("id", "code", "used_at"), Cause.ROLLBACK) == expired(coupon)
    assert Cause.ROLLBACK is expired(order)["items"]


def test_the_rollback_of_a_connection_that_is_gone(engine: Engine):
    with sessionmaker(engine)() as session:
        coupon = session.get(Coupon, 1)

        def fail(*_: object) -> None:
            raise ZeroDivisionError

        event.listen(engine, "rollback", fail)
        with pytest.raises(ZeroDivisionError):
            session.rollback()
        event.remove(engine, "rollback", fail)

        assert {Cause.ROLLBACK} == set(expired(coupon).values())


def test_a_deferred_column_that_was_never_loaded_is_not_erased_by_a_rollback(session: Session):
    order = session.get(Order, 1)
    session.rollback()

    assert Cause.DEFERRED is unloaded(order)["notes"]
    assert "notes" not in expired(order)


def test_in_a_session_of_sqlalchemy_nobody_knows(engine: Engine):
    with Session(engine) as session:
        order = loaded_order(session)
        session.rollback()

        assert {"state": Cause.UNKNOWN, "notes": Cause.UNKNOWN, "items": Cause.UNKNOWN, "customer": Cause.UNKNOWN} == (
            causes(order)
        )


# --- flush


def test_the_flush_of_an_onupdate(session: Session):
    order = loaded_order(session)
    order.total = None
    session.flush()

    assert {"changed_at": Cause.FLUSH} == expired(order)


def test_the_flush_of_an_expression(session: Session):
    product = session.scalars(select(Product)).first()
    product.price = Product.price + 1
    session.flush()

    assert {"price": Cause.FLUSH} == expired(product)


def test_an_autoflush_is_a_flush(session: Session):
    order = loaded_order(session)
    order.total = None
    session.scalars(select(Coupon)).all()

    assert {"changed_at": Cause.FLUSH} == expired(order)


def test_an_autoflush_within_a_refresh_is_a_flush(session: Session):
    order, coupon = loaded_order(session), session.get(Coupon, 1)
    order.total = None
    session.refresh(coupon)

    assert {"changed_at": Cause.FLUSH} == expired(order)


def test_what_an_insert_leaves_to_the_database(corner_session: Session):
    street = corners.Street(name="Elm Street")
    corner_session.add(street)
    corner_session.flush()

    assert {"surface": Cause.FLUSH} == expired(street)


def test_a_savepoint_within_a_flush_does_not_hide_it(session: Session):
    order = loaded_order(session)

    @event.listens_for(session, "before_flush")
    def listener(session: Session, *_: object) -> None:
        with session.begin_nested():
            pass

    order.total = None
    session.flush()

    assert {"changed_at": Cause.FLUSH} == expired(order)


# --- bulk


def test_a_bulk_update_of_an_expression(session: Session):
    order = loaded_order(session)
    session.execute(update(Order).values(state=func.coalesce(Order.state, "x")))

    assert Cause.BULK_UPDATE is expired(order)["state"]


def test_the_bulk_update_of_a_query_object(session: Session):
    order = loaded_order(session)
    session.query(Order).update({"state": func.coalesce(Order.state, "x")}, synchronize_session="fetch")

    assert Cause.BULK_UPDATE is expired(order)["state"]


def test_a_bulk_update_of_an_object_with_a_pending_change(session: Session):
    order = session.get(Order, 1)
    with session.no_autoflush:
        order.state = "pending"
        session.execute(update(Order).values(state="bulk"))

    assert Cause.BULK_UPDATE is expired(order)["state"]


def test_a_bulk_delete_erases_what_it_cannot_compare(session: Session):
    coupon = session.get(Coupon, 1)
    session.expire(coupon, ["code"])
    criteria = delete(Coupon).where(Coupon.code == "no such code")
    session.execute(criteria, execution_options={"synchronize_session": "evaluate"})

    assert {"id": Cause.BULK_DELETE, "code": Cause.BULK_DELETE, "used_at": Cause.BULK_DELETE} == expired(coupon)


def test_after_such_a_delete_the_key_stays_readable_as_after_a_rollback(engine: Engine):
    with sessionmaker(engine)() as session:
        coupon = session.get(Coupon, 1)
        session.expire(coupon, ["code"])
        criteria = delete(Coupon).where(Coupon.code == "no such code")
        session.execute(criteria, execution_options={"synchronize_session": "evaluate"})

        assert {"code", "used_at"} == set(expired(coupon))


# --- refresh


def test_refresh_leaves_what_it_does_not_load_again(session: Session):
    order = session.get(Order, 1)
    order.customer, order.notes  # noqa: B018
    session.refresh(order)

    assert {"customer": Cause.REFRESH, "notes": Cause.REFRESH} == expired(order)
    assert Cause.NEVER_LOADED is unloaded(order)["items"]


def test_refresh_cascades(corner_session: Session):
    town = corner_session.get(corners.Town, 1)
    streets = list(town.streets)
    street = streets[0]
    street.town  # noqa: B018
    corner_session.refresh(town)

    assert Cause.REFRESH is expired(street)["name"]
    assert Cause.REFRESH is expired(street)["town"]


def test_what_was_erased_before_a_refresh_was_not_erased_by_it(session: Session):
    order = session.get(Order, 1)
    order.customer, order.notes  # noqa: B018
    session.commit()
    session.refresh(order)

    assert {"customer": Cause.COMMIT, "notes": Cause.COMMIT} == expired(order)


# --- expire


def test_expire(session: Session):
    order = loaded_order(session)
    session.expire(order)

    assert all_erased_by(Cause.EXPIRE) == causes(order)


@pytest.mark.parametrize("names", [list, tuple, iter], ids=["list", "tuple", "iterator"])
def test_expire_with_names(names: Callable[[list[str]], Any], session: Session):
    order = loaded_order(session)
    session.expire(order, names(["state", "items", "customer"]))

    assert {"state": Cause.EXPIRE, "items": Cause.EXPIRE} == expired(order)
    assert Cause.NEVER_LOADED is unloaded(order)["customer"]


def test_expire_with_an_empty_list_expires_everything_and_with_an_empty_iterator_nothing(session: Session):
    order, other = loaded_order(session), session.get(Coupon, 1)
    session.expire(order, [])
    session.expire(other, iter([]))

    assert all_erased_by(Cause.EXPIRE) == causes(order)
    assert {} == expired(other)


def test_expire_cascades(session: Session):
    order = loaded_order(session)
    item = order.items[0]
    item.order  # noqa: B018
    session.expire(order)

    assert Cause.EXPIRE is expired(item)["quantity"]
    assert Cause.EXPIRE is expired(item)["order"]
    assert Cause.NEVER_LOADED is unloaded(item)["product"]


def test_expire_all(session: Session):
    order = loaded_order(session)
    session.expire_all()

    assert all_erased_by(Cause.EXPIRE_ALL) == causes(order)


def test_expire_within_a_commit_is_the_users_own(engine: Engine):
    with sessionmaker(engine)() as session:
        order = loaded_order(session)
        event.listen(session, "after_commit", lambda session: session.expire(order))
        session.commit()

        assert all_erased_by(Cause.EXPIRE) == causes(order)


# --- merge


def test_merge_without_load_leaves_what_the_other_lacks(engine: Engine, session: Session):
    with sessionmaker(engine)() as before:
        order = loaded_order(before)
        before.expire(order, ["state"])
    merged = session.merge(order, load=False)

    assert {"state": Cause.MERGE} == expired(merged)


@pytest.mark.skipif(VERSION < (2, 1), reason="merge_all came with SQLAlchemy 2.1")
def test_merge_all_does_too(engine: Engine, session: Session):
    with sessionmaker(engine)() as before:
        order = loaded_order(before)
        before.expire(order, ["state"])
    (merged,) = session.merge_all([order], load=False)

    assert {"state": Cause.MERGE} == expired(merged)


def test_merge_with_load_erases_nothing(engine: Engine, session: Session):
    with sessionmaker(engine)() as before:
        order = before.get(Order, 1)
        before.expire(order, ["state"])
    merged = session.merge(order)

    assert {} == expired(merged)
    assert Cause.DEFERRED is unloaded(merged)["notes"]


# --- notes that are out of date


def test_a_value_that_was_read_again_is_not_expired(session: Session):
    order = loaded_order(session)
    session.commit()
    order.state  # noqa: B018

    assert {"notes": Cause.COMMIT} == expired(order)


def test_the_last_cause_counts(session: Session):
    order = loaded_order(session)
    session.commit()
    order.state  # noqa: B018
    session.rollback()

    assert Cause.ROLLBACK is expired(order)["state"]


def test_a_session_of_sqlalchemy_makes_a_note_of_ours_out_of_date(engine: Engine):
    with sessionmaker(engine)() as session:
        order = loaded_order(session)
        session.expire(order, ["state"])
    with Session(engine) as session:
        session.add(order)
        session.commit()

        assert Cause.UNKNOWN is expired(order)["state"]


def test_a_query_for_the_base_class_leaves_out_what_an_earlier_note_does_not_name(session: Session):
    boss = session.scalars(select(Employee).where(Employee.name == "Grace")).one()
    session.expire(boss, ["name"])

    assert {"name": Cause.EXPIRE} == expired(boss)
    assert Cause.DEFERRED is unloaded(boss)["budget"]


def test_what_is_erased_of_a_subclass_is_not_left_out(session: Session):
    boss = session.get(Manager, 1)
    session.expire(boss, ["budget", "touched"])

    assert {"budget": Cause.EXPIRE, "touched": Cause.EXPIRE} == expired(boss)


# --- nobody watched


def test_the_cause_is_not_pickled(session: Session):
    order = loaded_order(session)
    session.expire(order, ["state"])

    assert {"state": Cause.UNKNOWN} == expired(pickle.loads(pickle.dumps(order)))


def test_an_object_that_never_was_in_a_session():
    order = Order(id=7)
    make_transient_to_detached(order)

    assert {Cause.UNKNOWN} == set(expired(order).values())
    assert "id" not in expired(order)


def test_what_a_session_of_sqlalchemy_reloads_is_no_longer_expired(engine: Engine):
    with Session(engine) as session:
        order = session.get(Order, 1)
        session.commit()
        order.state  # noqa: B018

        assert {} == expired(order)
        assert (Cause.DEFERRED, Cause.NEVER_LOADED) == (unloaded(order)["notes"], unloaded(order)["customer"])


def test_nothing_is_expired_of_a_new_object():
    assert {} == expired(Customer(name="Ada"))


# --- classes of the user's own


class OwnSession(Session):
    """With overrides, as people write them."""

    def expire(self, instance: object, attribute_names: Any = None) -> None:
        super().expire(instance, attribute_names)

    def refresh(self, instance: object, attribute_names: Any = None, with_for_update: Any = None) -> None:
        super().refresh(instance, attribute_names, with_for_update)

    def commit(self) -> None:
        super().commit()


@pytest.mark.parametrize(
    ("operation", "cause"),
    [
        (lambda session, order: session.commit(), Cause.COMMIT),
        (lambda session, order: session.rollback(), Cause.ROLLBACK),
        (lambda session, order: session.expire(order), Cause.EXPIRE),
        (lambda session, order: session.expire_all(), Cause.EXPIRE_ALL),
    ],
    ids=["commit", "rollback", "expire", "expire_all"],
)
def test_a_session_class_of_your_own(operation: Callable[[Session, Order], None], cause: Cause, engine: Engine):
    with sessionmaker(engine, class_=OwnSession, expire_on_commit=True)() as session:
        order = loaded_order(session)
        operation(session, order)

        assert all_erased_by(cause) == causes(order)


# --- async


async def changed(session: Any, order: Order) -> None:
    order.total = None
    await session.flush()


async def done(value: object = None) -> None:
    """What an ``AsyncSession`` does without an await."""


ASYNC: dict[str, tuple[Callable[[Any, Order], Coroutine[Any, Any, Any]], str, Cause]] = {
    "commit": (lambda session, order: session.commit(), "state", Cause.COMMIT),
    "rollback": (lambda session, order: session.rollback(), "state", Cause.ROLLBACK),
    "flush": (changed, "changed_at", Cause.FLUSH),
    "bulk update": (
        lambda session, order: session.execute(update(Order).values(state=func.coalesce(Order.state, "x"))),
        "state",
        Cause.BULK_UPDATE,
    ),
    "refresh": (lambda session, order: session.refresh(order), "notes", Cause.REFRESH),
    "expire": (lambda session, order: done(session.expire(order)), "state", Cause.EXPIRE),
    "expire names": (lambda session, order: done(session.expire(order, ["state"])), "state", Cause.EXPIRE),
    "expire_all": (lambda session, order: done(session.expire_all()), "state", Cause.EXPIRE_ALL),
}


@pytest.mark.parametrize("operation", ASYNC)
def test_in_async_code(operation: str, async_database: Database):
    do, name, cause = ASYNC[operation]

    async def story(engine: AsyncEngine) -> Cause:
        own = {"sync_session_class": OwnSession} if operation == "rollback" else {}
        async with async_sessionmaker(engine, expire_on_commit=True, **own)() as session:
            order = (await session.scalars(select(Order).where(Order.id == 1))).one()
            await session.run_sync(lambda _: order.notes)
            await do(session, order)
            return expired(order)[name]

    assert cause is async_database.tell(story, store)


def test_in_async_code_a_block_that_raises(async_database: Database):
    async def story(engine: AsyncEngine) -> Cause:
        with suppress(ZeroDivisionError):
            async with async_sessionmaker(engine).begin() as session:
                order = (await session.scalars(select(Order).where(Order.id == 1))).one()
                raise ZeroDivisionError
        return expired(order)["state"]

    assert Cause.ROLLBACK is async_database.tell(story, store)


# --- what it costs


def test_it_emits_no_sql(engine: Engine, session: Session):
    order = loaded_order(session)
    session.commit()
    with statements(engine) as sent:
        expired(order)

    assert [] == sent


def test_it_cannot_be_changed(session: Session):
    order = loaded_order(session)
    session.expire(order)
    with pytest.raises(TypeError):
        expired(order)["state"] = Cause.COMMIT  # type: ignore[index]


def test_a_session_of_sqlalchemy_pays_for_no_notes(engine: Engine):
    with sqlalchemy.orm.sessionmaker(engine)() as session:
        order = loaded_order(session)
        session.commit()

        assert [] == [name for name in inspect(order).__dict__ if "outlive" in name]
