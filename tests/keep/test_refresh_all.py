"""Objects are read anew, in one statement per class; nothing else of them changes, and nothing is lost unasked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import CHAR, Engine, String, delete, event, insert, inspect, select, text, update
from sqlalchemy.exc import ArgumentError, InvalidRequestError, OperationalError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    defer,
    mapped_column,
    raiseload,
    scoped_session,
    selectinload,
    sessionmaker,
    undefer,
)
from sqlalchemy.orm.exc import ObjectDeletedError, UnmappedInstanceError
from sqlalchemy.sql.selectable import ForUpdateArg

import outlive
from outlive import Cause, MissingRowsError, ObjectStateError, refresh_all
from outlive.sessions.expiry import cause_of
from tests.store import (
    Address,
    Box,
    Customer,
    Employee,
    Engineer,
    Invoice,
    Item,
    Manager,
    Order,
    Product,
    Shelf,
    Supplier,
    product_tag,
    statements,
)

# SQLAlchemy said so of every UPDATE with a version counter on SQLite, in its first 2.0 releases.
pytestmark = pytest.mark.filterwarnings("ignore:.*versioning cannot be verified:sqlalchemy.exc.SAWarning")


@contextmanager
def elsewhere(session: Session) -> Iterator[Session]:
    """Another connection, which changes rows."""
    with Session(session.get_bind()) as other:
        yield other
        other.commit()


def loaded(obj: object) -> set[str]:
    return set(inspect(obj, raiseerr=True).dict) - {"_sa_instance_state"}


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """Which expires nothing: what is read anew comes from a refresh."""
    with Session(engine, expire_on_commit=False) as session:
        yield session


def orders_of(session: Session, *options: Any) -> list[Order]:
    orders = list(session.scalars(select(Order).order_by(Order.id).options(*options)))
    session.commit()
    return orders


# --- what is read


def test_one_statement_reads_all_objects_of_a_class(engine: Engine, session: Session):
    orders = orders_of(session)
    with elsewhere(session) as other:
        other.execute(update(Order).values(state="paid", total=Order.id))

    with statements(engine) as sent:
        found = refresh_all(session, orders)

    assert 1 == len(sent)
    assert [("paid", 1), ("paid", 2), ("paid", 3)] == [(order.state, order.total) for order in orders]
    assert orders == found


def test_expired_objects_are_read_in_one_statement(engine: Engine, session: Session):
    orders = orders_of(session)
    session.expire_all()

    with statements(engine) as sent:
        refresh_all(session, orders)
        assert ["new"] * 3 == [order.state for order in orders]
        assert [1, 2, 3] == [order.id for order in orders]

    assert 1 == len(sent)


def test_each_class_costs_one_statement_and_the_columns_of_subclasses_come_along(engine: Engine, session: Session):
    people = list(session.scalars(select(Employee).order_by(Employee.id)))
    refresh_all(session, people, [Manager.budget, Engineer.language])
    session.commit()
    with elsewhere(session) as other:
        other.execute(text("UPDATE manager SET budget = 500"))
        other.execute(text("UPDATE employee SET language = 'rust', name = 'new'"))

    with statements(engine) as sent:
        refresh_all(session, [*people, session.get(Product, UUID(int=1))])

    assert 4 + 1 == len(sent)
    assert ["new"] * 4 == [person.name for person in people]
    assert (500, "rust") == (people[0].budget, people[1].language)


def test_loaded_relationships_stay_loaded(engine: Engine, session: Session):
    orders = orders_of(session, selectinload(Order.items), selectinload(Order.customer), selectinload(Order.invoice))
    before = [(order.items, list(order.items), order.customer) for order in orders]

    with statements(engine) as sent:
        refresh_all(session, orders)

    assert 1 == len(sent)
    assert before == [(order.items, list(order.items), order.customer) for order in orders]
    assert all(order.items is items for order, (items, _, _) in zip(orders, before, strict=True))


def test_a_deferred_column_is_read_if_it_is_loaded(session: Session):
    plain, with_notes, _ = orders_of(session)
    refresh_all(session, with_notes, ["notes"])
    session.commit()
    with elsewhere(session) as other:
        other.execute(update(Order).values(notes="other"))

    refresh_all(session, [plain, with_notes])

    assert "other" == inspect(with_notes).dict["notes"]
    assert not {"notes", "secret"} & loaded(plain)


def test_a_column_that_the_query_left_out_stays_out_and_guarded(session: Session):
    [order, *_] = orders_of(session, defer(Order.total, raiseload=True), raiseload(Order.items))

    refresh_all(session, order)

    assert "total" not in loaded(order)
    with pytest.raises(InvalidRequestError, match="raiseload"):
        order.total  # noqa: B018
    with pytest.raises(InvalidRequestError, match="raise"):
        order.items  # noqa: B018


def test_composites_and_mutable_values_are_read(session: Session):
    customer = session.get(Customer, 1)
    assert (Address("Main Street", "London"), {"theme": "dark"}) == (customer.address, customer.settings)
    session.commit()
    with elsewhere(session) as other:
        other.execute(update(Customer).values(city="Paris", settings={"theme": "light"}))

    refresh_all(session, customer)

    assert (Address("Main Street", "Paris"), {"theme": "light"}) == (customer.address, customer.settings)
    assert not session.is_modified(customer)
    assert customer.settings is not None
    customer.settings["theme"] = "grey"
    assert session.is_modified(customer)


def test_listeners_of_the_refresh_event_hear_of_it(session: Session):
    heard: list[tuple[object, set[str]]] = []

    def hear(target: object, _context: object, names: Any) -> None:
        heard.append((target, set(names)))

    event.listen(Product, "refresh", hear)
    try:
        product = session.get(Product, UUID(int=1))
        refresh_all(session, product, ["price", "name"])
    finally:
        event.remove(Product, "refresh", hear)

    assert [(product, {"price", "name"})] == heard


def test_keys_of_two_columns(engine: Engine, session: Session):
    items = list(session.scalars(select(Item)))
    session.commit()
    with elsewhere(session) as other:
        other.execute(update(Item).values(quantity=9))

    with statements(engine) as sent:
        refresh_all(session, items)

    assert (1, {9}) == (len(sent), {item.quantity for item in items})


def test_an_imperative_mapping(session: Session):
    supplier = session.scalars(select(Supplier)).one()
    session.commit()
    with elsewhere(session) as other:
        other.execute(text("UPDATE supplier SET name = 'new'"))

    refresh_all(session, supplier)

    assert "new" == supplier.name  # type: ignore[attr-defined]


@pytest.mark.parametrize(("objects", "chunks"), [(1_000, 1), (1_001, 2), (10_000, 10)])
def test_chunks_of_1000_cost_one_statement_each(objects: int, chunks: int, engine: Engine, session: Session):
    session.execute(insert(Product), [{"id": UUID(int=n), "name": f"{n}"} for n in range(3, objects + 1)])
    products = list(session.scalars(select(Product)))
    session.execute(update(Product).values(price=7).execution_options(synchronize_session=False))

    with statements(engine) as sent:
        refresh_all(session, products)

    assert (objects, chunks) == (len(products), len(sent))
    assert {7} == {product.price for product in products}


def test_the_objects_come_back_in_the_order_given_each_once(session: Session):
    first, second, third = orders_of(session)

    assert [third, first, second] == refresh_all(session, (order for order in [third, first, third, second]))


def test_nothing_to_do_costs_nothing(engine: Engine, session: Session):
    order = session.get(Order, 1)

    with statements(engine) as sent:
        assert [] == refresh_all(session, [])
        assert [order] == refresh_all(session, [order], [])

    assert [] == sent


def test_a_scoped_session_is_a_session(engine: Engine):
    registry = scoped_session(sessionmaker(engine))
    order = registry.get(Order, 1)

    assert [order] == refresh_all(registry, order)
    registry.remove()


# --- names


def test_only_what_is_named_is_read(engine: Engine, session: Session):
    orders = orders_of(session)
    with elsewhere(session) as other:
        other.execute(update(Order).values(state="paid", total=1, notes="other"))

    with statements(engine) as sent:
        refresh_all(session, orders, ["state", Order.notes])

    assert 1 == len(sent)
    assert {("paid", "other")} == {(order.state, order.notes) for order in orders}
    assert 1 not in {order.total for order in orders}


def test_a_composite_may_be_named(session: Session):
    customer = session.get(Customer, 1)
    session.commit()
    with elsewhere(session) as other:
        other.execute(update(Customer).values(city="Paris", name="Bob"))

    refresh_all(session, customer, [Customer.address])

    assert (Address("Main Street", "Paris"), "Ada") == (customer.address, customer.name)


def test_a_named_collection_is_read_in_one_statement(engine: Engine, session: Session):
    orders = orders_of(session, selectinload(Order.items))
    with elsewhere(session) as other:
        other.execute(delete(Item).where(Item.position == 1))
        other.add(Item(order_id=3, position=7))

    with statements(engine) as sent:
        refresh_all(session, orders, ["items"])

    assert 1 == len(sent)
    assert [[2], [2], [2, 7]] == [[item.position for item in order.items] for order in orders]


def test_a_named_relationship_that_is_guarded_is_read_and_guarded_again(session: Session):
    [order, *_] = orders_of(session)
    refresh_all(session, order, [Order.guarded_items])
    assert 2 == len(order.guarded_items)

    session.expire(order)
    with pytest.raises(InvalidRequestError, match="lazy='raise'"):
        order.guarded_items  # noqa: B018


@pytest.mark.parametrize("name", ["by_selectin", "by_join", "by_subquery", "at_once", "boxes"])
def test_a_named_relationship_of_each_strategy(name: str, engine: Engine, session: Session):
    shelves = list(session.scalars(select(Shelf).order_by(Shelf.id)).unique())
    session.commit()
    with elsewhere(session) as other:
        other.execute(delete(Box).where(Box.label.endswith("1")))

    with statements(engine) as sent:
        refresh_all(session, shelves, [name])

    assert 1 == len(sent)
    assert [["box 12"], ["box 22"]] == [[box.label for box in inspect(shelf).dict[name]] for shelf in shelves]


def test_an_attribute_of_a_subclass_means_its_objects(engine: Engine, session: Session):
    people = list(session.scalars(select(Employee).order_by(Employee.id)))
    with statements(engine) as sent:
        found = refresh_all(session, people, [Manager.budget])

    assert (1, people) == (len(sent), found)
    assert [True, False, False, False] == ["budget" in loaded(person) for person in people]


# --- many-to-one


@pytest.fixture
def moved(session: Session) -> list[Order]:
    """Orders with their customer, the first two of which another connection has given to another one."""
    orders = orders_of(session, selectinload(Order.customer))
    with elsewhere(session) as other:
        other.add(bob := Customer(name="Bob"))
        other.flush()
        other.execute(update(Order).where(Order.id < 3).values(customer_id=bob.id))
    return orders


def test_a_reference_follows_its_foreign_key(moved: list[Order], engine: Engine, session: Session):
    with statements(engine) as sent:
        refresh_all(session, moved)
        names = [order.customer and order.customer.name for order in moved]

    assert 2 == len(sent)
    assert ["Bob", "Bob", "Ada"] == names


def test_a_named_reference_is_read_with_its_foreign_key(moved: list[Order], engine: Engine, session: Session):
    with statements(engine) as sent:
        refresh_all(session, moved, ["customer"])

    assert 2 == len(sent)
    assert ["Bob", "Bob", "Ada"] == [order.customer and order.customer.name for order in moved]
    assert [2, 2, 1] == [order.customer_id for order in moved]


def test_a_reference_that_became_empty_is_none(moved: list[Order], engine: Engine, session: Session):
    with elsewhere(session) as other:
        other.execute(update(Order).values(customer_id=None))

    with statements(engine) as sent:
        refresh_all(session, moved)

    assert 1 == len(sent)
    assert [None] * 3 == [order.customer for order in moved]


def test_a_reference_that_was_empty_is_found(session: Session):
    session.execute(update(Order).values(customer_id=None))
    orders = orders_of(session, selectinload(Order.customer))
    with elsewhere(session) as other:
        other.execute(update(Order).values(customer_id=1))

    refresh_all(session, orders)

    assert ["Ada"] * 3 == [order.customer and order.customer.name for order in orders]


def test_a_reference_follows_a_foreign_key_that_was_expired(moved: list[Order], session: Session):
    for order in moved:
        session.expire(order, ["customer_id"])

    refresh_all(session, moved)

    assert ["Bob", "Bob", "Ada"] == [order.customer and order.customer.name for order in moved]


def test_a_reference_that_is_not_loaded_stays_so(session: Session):
    orders = orders_of(session)

    refresh_all(session, orders)

    assert not any("customer" in loaded(order) for order in orders)


# --- changes that are not flushed


def test_a_change_that_would_be_lost_is_refused_before_anything_is(engine: Engine, session: Session):
    orders = orders_of(session)
    orders[1].state = "paid"
    session.expire(orders[0], ["state"])

    with statements(engine) as sent, pytest.raises(ObjectStateError, match=r"Order \(2,\) of state.*dirty='flush'"):
        refresh_all(session, orders)

    assert [] == sent
    assert "paid" == orders[1].state
    assert {"state"} == inspect(orders[0]).expired_attributes


def test_changes_are_flushed_first_if_told(session: Session):
    orders = orders_of(session)
    orders[1].state = "paid"

    refresh_all(session, orders, dirty="flush")

    assert ["new", "paid", "new"] == [order.state for order in orders]
    assert "paid" == session.scalar(select(Order.state).where(Order.id == 2))
    assert not session.dirty


def test_changes_are_discarded_if_told(session: Session):
    orders = orders_of(session)
    orders[1].state = "paid"
    del orders[2].state

    refresh_all(session, orders, dirty="discard")

    assert ["new"] * 3 == [order.state for order in orders]
    assert not any(session.is_modified(order) for order in orders)
    session.flush()
    assert {"new"} == set(session.scalars(select(Order.state)))


def test_a_changed_key_is_discarded_too(session: Session):
    [order, *_] = orders_of(session)
    order.id = 100

    refresh_all(session, order, dirty="discard")

    assert (1, False) == (order.id, session.is_modified(order))


def test_changes_of_other_attributes_stay_and_are_not_flushed(engine: Engine, session: Session):
    [order, *_] = orders_of(session)
    order.state = "paid"
    order.items.append(new := Item(position=3))
    session.add(Customer(name="new"))

    with statements(engine) as sent:
        refresh_all(session, order, ["total", Order.invoice])

    assert ["SELECT", "SELECT"] == [statement.split()[0] for statement in sent]
    assert "paid" == order.state
    assert new in order.items
    assert order in session.dirty


def test_a_change_of_a_collection_is_none_of_a_column(session: Session):
    [order, *_] = orders_of(session, selectinload(Order.items))
    order.items.append(new := Item(position=3))

    refresh_all(session, order)

    assert [1, 2, 3] == [item.position for item in order.items]
    assert new in session.new


def test_a_value_that_was_set_and_is_the_same_is_no_change(session: Session):
    [order, *_] = orders_of(session)
    order.state = order.state
    with elsewhere(session) as other:
        other.execute(update(Order).values(state="paid"))

    refresh_all(session, order)

    assert ("paid", False) == (order.state, session.is_modified(order))


@pytest.mark.parametrize("names", [None, ["customer_id"], ["customer"]])
def test_an_assigned_reference_is_a_change_of_its_foreign_key(names: list[str] | None, session: Session):
    [order, *_] = orders_of(session, selectinload(Order.customer))
    order.customer = Customer(name="Bob")

    with pytest.raises(ObjectStateError, match=r"Order \(1,\) of customer"):
        refresh_all(session, order, names)
    with pytest.raises(ObjectStateError, match=r"Order \(1,\) of customer.*other side.*flush or undo"):
        refresh_all(session, order, names, dirty="discard")

    assert order.customer is not None
    assert "Bob" == order.customer.name
    refresh_all(session, order, names, dirty="flush")
    assert "Bob" == order.customer.name


def test_a_changed_collection_that_is_named_is_refused(session: Session):
    [order, *_] = orders_of(session, selectinload(Order.items))
    order.items.pop()

    for dirty in ("raise", "discard"):
        with pytest.raises(ObjectStateError, match=r"Order \(1,\) of items"):
            refresh_all(session, order, ["items"], dirty=dirty)  # type: ignore[call-overload]

    assert 1 == len(order.items)


def test_what_a_back_reference_added_to_a_collection_without_a_value_stays(session: Session):
    [order, *_] = orders_of(session)
    session.add(new := Item(position=3, order=order))

    refresh_all(session, order, ["items"])

    assert [1, 2, 3] == [item.position for item in order.items]
    assert new in session.new


def test_a_changed_mutable_value_is_refused(session: Session):
    customer = session.get(Customer, 1)
    assert customer.settings is not None
    customer.settings["theme"] = "light"

    with pytest.raises(ObjectStateError, match=r"Customer \(1,\) of settings"):
        refresh_all(session, customer)

    assert {"theme": "light"} == customer.settings


def test_many_changes_are_counted(session: Session):
    boxes = [Box(label=str(number)) for number in range(8)]
    session.add_all(boxes)
    session.commit()
    for box in boxes:
        box.label = "changed"

    with pytest.raises(ObjectStateError, match="and 3 more"):
        refresh_all(session, boxes)


# --- rows that are gone


@pytest.fixture
def gone(session: Session) -> list[Order]:
    """Three orders, of which another connection has deleted the second."""
    orders = orders_of(session, selectinload(Order.items), undefer(Order.notes))
    with elsewhere(session) as other:
        other.execute(delete(Item).where(Item.order_id == 2))
        other.execute(delete(Order).where(Order.id == 2))
        other.execute(update(Order).values(state="paid"))
    return orders


def test_rows_that_are_gone_are_reported_when_all_others_are_read(gone: list[Order], session: Session):
    with pytest.raises(MissingRowsError, match=r"Order \(2,\)") as caught:
        refresh_all(session, gone)

    assert (gone[1],) == caught.value.missing
    assert ["paid", "paid"] == [gone[0].state, gone[2].state]


def test_rows_that_are_gone_are_skipped_if_told(gone: list[Order], session: Session):
    assert [gone[0], gone[2]] == refresh_all(session, gone, missing="skip")

    assert 2 == gone[1].id
    with pytest.raises(ObjectDeletedError):
        gone[1].state  # noqa: B018


def test_an_empty_collection_tells_whether_the_row_is_gone(gone: list[Order], engine: Engine, session: Session):
    with statements(engine) as sent:
        assert [gone[0], gone[2]] == refresh_all(session, gone, ["items"], missing="skip")

    assert 2 == len(sent)


def test_an_empty_collection_of_a_row_that_is_there_is_empty(session: Session):
    [order, *_] = orders_of(session, selectinload(Order.items))
    with elsewhere(session) as other:
        other.execute(delete(Item).where(Item.order_id == 1))

    assert [order] == refresh_all(session, order, ["items"])
    assert [] == order.items


# --- locks


@pytest.mark.parametrize(
    "lock",
    [
        True,
        {"nowait": True},
        {"read": True},
        {"read": True, "nowait": True},
        {"of": Order},
        {"key_share": True},
        ForUpdateArg(skip_locked=True),
    ],
)
def test_the_rows_are_locked_as_session_refresh_does(lock: Any, engine: Engine, session: Session):
    orders = orders_of(session)

    with statements(engine) as sent:
        refresh_all(session, orders, with_for_update=lock)
    with statements(engine) as by_sqlalchemy:
        session.refresh(orders[0], with_for_update=lock)

    locks = [re.findall(" (?:FOR|LOCK IN) .*", statement) for statement in (*sent, *by_sqlalchemy)]
    assert locks[0] == locks[1]
    assert ([] == locks[0]) == (engine.dialect.name == "sqlite")


def test_a_relationship_that_is_read_locks_the_row_of_its_object(engine: Engine, session: Session):
    orders = orders_of(session)

    with statements(engine) as sent:
        refresh_all(session, orders, [Order.items], with_for_update=True)

    assert 2 == len(sent)
    assert sent[0].endswith(" FOR UPDATE") == (engine.dialect.name != "sqlite")


def test_a_lock_that_others_hold_is_an_error_and_loses_nothing(engine: Engine, session: Session):
    if engine.dialect.name == "sqlite":
        pytest.skip("this database locks no rows")
    orders = orders_of(session)
    with Session(engine) as other:
        other.scalars(select(Order).where(Order.id == 2).with_for_update()).all()

        with pytest.raises(OperationalError):
            refresh_all(session, orders, None, {"nowait": True})
        assert "state" in loaded(orders[0])
        session.rollback()
        with pytest.raises(MissingRowsError, match=r"locked by others.*Order \(2,\)"):
            refresh_all(session, orders, None, {"skip_locked": True})


def test_a_row_that_is_passed_over_for_its_lock_is_not_read_without(engine: Engine, session: Session):
    if engine.dialect.name == "sqlite":
        pytest.skip("this database locks no rows")
    event.listen(session, "do_orm_execute", lambda state: None)
    orders = orders_of(session)
    with Session(engine) as other:
        other.scalars(select(Order).where(Order.id == 2).with_for_update()).all()

        found = refresh_all(session, orders, None, {"skip_locked": True}, missing="skip")

    assert [orders[0], orders[2]] == found


@pytest.mark.parametrize("lock", [{}, {"no_such": True}, 5, "nowait"])
def test_a_lock_that_is_none_is_an_error_before_anything_is_read(lock: Any, engine: Engine, session: Session):
    [order, *_] = orders_of(session)

    with statements(engine) as sent, pytest.raises((ArgumentError, TypeError), match=r"with_for_update|no_such"):
        refresh_all(session, order, with_for_update=lock)

    assert [] == sent
    assert "state" in loaded(order)


# --- sessions


@pytest.mark.parametrize("make", [sessionmaker, outlive.sessionmaker])
def test_both_sessions_read_what_the_user_has_expired(make: Callable[..., Any], engine: Engine):
    with make(engine)() as session:
        order = session.get(Order, 1)
        other = session.get(Order, 2)
        session.expire(other, ["total"])
        session.expire(order)

        refresh_all(session, order)

        assert not {"state", "total", "version"} - loaded(order)
        assert {"total"} == inspect(other).expired_attributes
        assert not inspect(order).expired


def test_what_is_left_expired_was_expired_by_the_refresh(engine: Engine):
    with outlive.sessionmaker(engine)() as session:
        order = session.get(Order, 1)
        assert order.items
        session.execute(text("DELETE FROM item"))
        session.execute(text("DELETE FROM orders"))

        refresh_all(session, order, missing="skip")

        assert Cause.REFRESH is cause_of(inspect(order), "state")


def test_the_recipe_for_soft_deletion_hides_no_row_from_a_refresh(session: Session):
    from sqlalchemy.orm import with_loader_criteria  # noqa: PLC0415

    orders = orders_of(session)
    with elsewhere(session) as other:
        other.execute(update(Order).values(state="hidden"))

    @event.listens_for(session, "do_orm_execute")
    def leave_out(state: Any) -> None:
        if not state.is_column_load and not state.is_relationship_load:
            state.statement = state.statement.options(with_loader_criteria(Order, Order.state != "hidden"))

    assert orders == refresh_all(session, orders)
    assert {"hidden"} == {order.state for order in orders}


def test_a_key_that_the_database_gives_back_with_other_blanks_is_found(engine: Engine, session: Session):
    if engine.dialect.name == "sqlite":
        pytest.skip("it leaves blanks alone")
    # PostgreSQL fills a CHAR with blanks, MariaDB cuts them off.
    blank = "" if engine.dialect.name == "postgresql" else " "

    class Base(DeclarativeBase):
        pass

    class Country(Base):
        __tablename__ = "land"
        code: Mapped[str] = mapped_column(CHAR(5), primary_key=True)
        name: Mapped[str] = mapped_column(String(20))

    Base.metadata.create_all(session.connection())
    countries = [Country(code=code + blank, name="old") for code in ("NO", "SE")]
    session.add_all(countries)
    session.flush()
    session.execute(text("UPDATE land SET name = 'new'"))
    session.execute(text("DELETE FROM land WHERE code = 'SE'"))

    assert countries[:1] == refresh_all(session, countries, missing="skip")
    assert "new" == countries[0].name


# --- objects and names that it cannot work with


def test_objects_of_another_session_are_refused_with_the_remedy(engine: Engine, session: Session):
    with Session(engine) as other:
        foreign = other.get(Order, 1)

        with pytest.raises(ObjectStateError, match=r"Order \(1,\) belongs to another session.*outlive\.reattach"):
            refresh_all(session, [session.get(Order, 2), foreign])


@pytest.mark.parametrize("state", ["transient", "pending", "detached", "deleted"])
def test_an_object_that_is_not_persistent_is_refused(state: str, session: Session):
    product = session.get(Product, UUID(int=1)) if state in {"detached", "deleted"} else Product(name="new")
    match state:
        case "pending":
            session.add(product)
        case "detached":
            session.close()
        case "deleted":
            session.execute(delete(product_tag))
            session.execute(update(Item).values(product_id=None))
            session.delete(product)
            session.flush()

    with pytest.raises(ObjectStateError, match=f"Product .* is {state}"):
        refresh_all(session, product)


@pytest.mark.parametrize("given", [None, "order", 5, Order, [None], [object()]])
def test_what_is_no_mapped_object_is_refused(given: object, session: Session):
    with pytest.raises(UnmappedInstanceError, match="expected"):
        refresh_all(session, given)


def test_an_async_session_is_refused_with_the_remedy(session: Session):
    with pytest.raises(TypeError, match=r"outlive\.asyncio"):
        refresh_all(AsyncSession(), session.get(Order, 1))  # type: ignore[arg-type]


NAMES: list[tuple[Any, str]] = [
    ("state", "attribute_names is a list of attributes, got 'state'"),
    (Order.state, "attribute_names is a list of attributes"),
    (["no_such"], "Order maps no column or relationship 'no_such'"),
    ([None], "expected an attribute of a mapped class"),
    ([Item.quantity], "Item.quantity is no attribute of Order"),
    ([Order.items.of_type(Item)], "expected Order.items itself"),
    (["state", "nope"], "Order maps no column or relationship 'nope'"),
]


@pytest.mark.parametrize(("names", "message"), NAMES)
def test_a_name_that_means_nothing_is_an_error_before_anything_is_read(
    names: Any, message: str, engine: Engine, session: Session
):
    [order, *_] = orders_of(session)

    with statements(engine) as sent, pytest.raises(ArgumentError, match=message):
        refresh_all(session, order, names)

    assert [] == sent
    assert "state" in loaded(order)


@pytest.mark.parametrize("name", ["events", "visits"])
def test_a_relationship_that_never_holds_its_objects_cannot_be_read(name: str, session: Session):
    with pytest.raises(ArgumentError, match=f"Customer.{name} is lazy="):
        refresh_all(session, session.get(Customer, 1), [name])


@pytest.mark.parametrize("options", [{"dirty": "ignore"}, {"missing": "insert"}])
def test_an_option_without_meaning_is_an_error(options: dict[str, Any], session: Session):
    with pytest.raises(ArgumentError, match="dirty= is raise, flush or discard"):
        refresh_all(session, session.get(Order, 1), **options)


def test_invoices_lead_to_another_order_after_a_refresh(session: Session):
    session.add(invoice := Invoice(order_id=1))
    session.commit()
    assert invoice.order is not None
    session.commit()
    with elsewhere(session) as other:
        other.execute(update(Invoice).values(order_id=2))

    refresh_all(session, invoice)

    assert (2, 2) == (invoice.order_id, invoice.order.id)
