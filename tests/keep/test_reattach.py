"""Cached, unpickled and foreign objects return to a session, and nothing else returns with them."""

from __future__ import annotations

import gc
import pickle
import uuid
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine, event, func, insert, inspect, select, text
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import (
    Session,
    joinedload,
    load_only,
    make_transient,
    scoped_session,
    selectinload,
    sessionmaker,
    undefer,
)
from sqlalchemy.orm.exc import StaleDataError, UnmappedInstanceError

from outlive import MissingRowsError, ObjectStateError, reattach, reattach_all
from tests.store import (
    Coupon,
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
    Tag,
    statements,
)

# SQLAlchemy 2.0.0 says so of SQLite.
pytestmark = pytest.mark.filterwarnings("ignore:Dialect sqlite.* does not support updated rowcount")


@pytest.fixture
def cached(engine: Engine) -> Callable[..., list[Any]]:
    """Detached objects of a class, in the order of their keys, loaded with these options."""

    def load(class_: type[Any], *options: Any) -> list[Any]:
        with Session(engine) as session:
            statement = select(class_).order_by(*inspect(class_).primary_key).options(*options)
            return list(session.scalars(statement).unique())

    return load


def run(engine: Engine, *sql: str) -> None:
    """What another connection does."""
    with engine.begin() as connection:
        for statement in sql:
            connection.execute(text(statement))


def row(engine: Engine, sql: str) -> Any:
    with engine.connect() as connection:
        return connection.execute(text(sql)).one_or_none()


def look(*objs: Any) -> list[Any]:
    """All that there is to see of objects and of what is loaded behind them, without a read."""
    seen: dict[int, Any] = {}
    waiting = list(objs)
    while waiting:
        obj = waiting.pop()
        state = inspect(obj)
        if id(obj) in seen:
            continue
        values = {name: value for name, value in state.dict.items() if name != "_sa_instance_state"}
        for relation in state.mapper.relationships:
            if relation.key in values and values[relation.key] is not None:
                loaded = values[relation.key]
                targets = list(loaded) if relation.uselist else [loaded]
                values[relation.key] = [id(target) for target in targets]
                waiting.extend(targets)
        shown = {name: repr(value) for name, value in values.items()}
        expired, modified, changed = set(state.expired_attributes), state.modified, dict(state.committed_state)
        seen[id(obj)] = (state.key, state.session_id, expired, modified, changed, shown)
    return list(seen.values())


# --- what comes back


def test_a_cached_object_comes_back_as_one_of_the_session(session: Session, cached: Any):
    order = cached(Order)[0]

    found = reattach(session, order)

    assert found in session
    assert found is not order
    assert (1, "new") == (found.id, found.state)


def test_objects_come_in_the_order_given_and_twice_where_one_is_there_twice(session: Session, cached: Any):
    orders = cached(Order)

    found = reattach_all(session, [orders[2], orders[0], orders[2]])

    assert [3, 1, 3] == [order.id for order in found]
    assert found[0] is found[2]


def test_an_unpickled_object_is_taken(session: Session, cached: Any):
    order = pickle.loads(pickle.dumps(cached(Order, selectinload(Order.items))[0]))

    found = reattach(session, order)

    assert (1, [1, 2]) == (found.id, [item.position for item in found.items])
    assert found.items[0] in session


def test_an_object_of_another_session_stays_there(engine: Engine, session: Session):
    with Session(engine) as other:
        order = other.get(Order, 1)
        found = reattach(session, order)

        assert order in other
        assert found in session
        assert order is not found


def test_an_object_of_this_session_comes_back_itself_without_a_select(engine: Engine, session: Session):
    order = session.get(Order, 1)
    session.expire(order)

    with statements(engine) as sent:
        found = reattach_all(session, [order])

    assert ([order], []) == (found, sent)


def test_a_copy_beside_the_object_of_this_session_is_merged_into_it(session: Session, cached: Any):
    mine = session.get(Order, 1)
    copy = cached(Order)[0]
    copy.state = "paid"

    assert [mine, mine] == reattach_all(session, [mine, copy])
    assert "paid" == mine.state


def test_a_generator_and_nothing_are_taken(engine: Engine, session: Session, cached: Any):
    orders = cached(Order)

    with statements(engine) as sent:
        assert [] == reattach_all(session, [])
    assert [] == sent
    assert [1, 2, 3] == [order.id for order in reattach_all(session, (order for order in orders))]


def test_a_scoped_session_is_taken(engine: Engine, cached: Any):
    sessions = scoped_session(sessionmaker(engine))

    assert reattach(sessions, cached(Order)[0]) in sessions
    sessions.remove()


@pytest.mark.parametrize(
    "class_", [Coupon, Supplier, Item, Product, Shelf, Customer, Employee], ids=lambda c: c.__name__
)
def test_every_kind_of_class_is_taken(session: Session, cached: Any, class_: type[Any]):
    copies = cached(class_)

    found = reattach_all(session, copies)

    assert [inspect(obj).identity for obj in copies] == [inspect(obj).identity for obj in found]
    assert [type(obj) for obj in copies] == [type(obj) for obj in found]
    assert set() == set(session.dirty) | set(session.new)


def test_the_order_of_a_collection_that_has_none_is_no_change(session: Session, cached: Any):
    [shelf, *_] = cached(Shelf, selectinload(Shelf.boxes))
    shelf.boxes.reverse()

    found = reattach(session, shelf)

    assert 2 == len(found.boxes)
    assert set() == set(session.dirty)


# --- what it costs


def test_ten_thousand_take_one_select_per_thousand(engine: Engine, session: Session, cached: Any):
    with engine.begin() as connection:
        connection.execute(insert(Coupon), [{"id": 100 + n, "code": str(n)} for n in range(9_999)])
    coupons = cached(Coupon)

    with statements(engine) as sent:
        found = reattach_all(session, coupons)

    assert (10_000, 10) == (len(found), len(sent))


def test_changed_copies_take_no_more(engine: Engine, session: Session, cached: Any):
    orders = cached(Order)
    for order in orders:
        order.state = "paid"

    with statements(engine) as sent:
        reattach_all(session, orders)

    assert 1 == len(sent)
    assert 3 == len(session.dirty)


@pytest.mark.parametrize("change", [False, True])
def test_a_graph_takes_one_select_per_class_and_one_per_collection(
    engine: Engine, session: Session, cached: Any, change: bool
):
    items = selectinload(Order.items).joinedload(Item.product).selectinload(Product.tags)
    orders = cached(Order, joinedload(Order.customer), items, selectinload(Order.invoice), undefer(Order.notes))
    if change:
        orders[0].state = "paid"
        orders[0].notes = "changed"
        orders[0].items[0].product.tags[0].name = "changed"

    with statements(engine) as sent:
        reattach_all(session, orders)
        reads = len(sent)
        session.flush()

    classes = [Order, Customer, Item, Product, Tag]
    collections = [Order.items, Order.invoice, Product.tags]
    assert len(classes) + len(collections) == reads
    assert (2 if change else 0) == sum(statement.startswith("UPDATE") for statement in sent)


def test_what_the_session_has_costs_no_select(engine: Engine, session: Session, cached: Any):
    orders = cached(Order, joinedload(Order.customer))
    held = session.scalars(select(Order).options(joinedload(Order.customer))).all()

    with statements(engine) as sent:
        found = reattach_all(session, orders)

    assert ([], held) == (sent, found)


def test_what_a_copy_had_loaded_is_loaded(engine: Engine, session: Session, cached: Any):
    orders = cached(Order, joinedload(Order.customer), selectinload(Order.items), undefer(Order.notes))

    found = reattach_all(session, orders)
    with statements(engine) as sent:
        read = [(order.customer.name, len(order.items), order.notes) for order in found]

    assert [("Ada", 2, "note 1"), ("Ada", 2, "note 2"), ("Ada", 2, "note 3")] == read
    assert [] == sent


def test_a_relationship_is_not_followed_back(engine: Engine, session: Session, cached: Any):
    orders = cached(Order, joinedload(Order.customer).selectinload(Customer.orders))

    with statements(engine) as sent:
        found = reattach(session, orders[0])

    assert found in session
    assert [3, 2] == [len(orders[0].customer.orders), len(sent)]
    assert {Order: 1, Customer: 1} == Counter(type(obj) for obj in session)


def test_a_relationship_of_the_same_name_is_no_way_back(session: Session, cached: Any):
    [order, *_] = cached(Order, selectinload(Order.items))
    order.items[0].product = Product(name="new", price=1)

    found = reattach(session, order)

    assert "new" == found.items[0].product.name


def test_a_collection_of_garbage_in_between_loses_nothing(engine: Engine, session: Session, cached: Any):
    orders = cached(Order, selectinload(Order.items))

    @event.listens_for(engine, "before_cursor_execute")
    def collect(*_: Any) -> None:
        gc.collect()

    with statements(engine) as sent:
        found = reattach_all(session, orders)

    assert [2, 2, 2] == [len(order.items) for order in found]
    assert 3 == len(sent)


# --- what is carried over


def test_pending_changes_are_carried_over_and_flushed(engine: Engine, session: Session, cached: Any):
    order = cached(Order)[0]
    order.state = "paid"

    found = reattach(session, order)
    session.commit()

    assert ("paid", 2) == tuple(row(engine, "SELECT state, version FROM orders WHERE id = 1"))
    assert "paid" == found.state


def test_a_change_is_written_too_if_the_session_has_the_object(engine: Engine, session: Session, cached: Any):
    mine = session.get(Order, 1)
    copy = cached(Order)[0]
    copy.state = "paid"

    reattach(session, copy)
    session.commit()

    assert ("paid",) == tuple(row(engine, "SELECT state FROM orders WHERE id = 1"))
    assert "paid" == mine.state


def test_copies_without_changes_write_nothing(engine: Engine, session: Session, cached: Any):
    orders = cached(Order, selectinload(Order.items), undefer(Order.notes), joinedload(Order.customer))

    reattach_all(session, orders)
    with statements(engine) as sent:
        session.flush()

    assert ([], set()) == (sent, set(session.dirty))


def test_a_loaded_deferred_column_is_not_written_unless_it_changed(engine: Engine, session: Session, cached: Any):
    orders = cached(Order, undefer(Order.notes))
    orders[0].state = "paid"
    orders[1].notes = "changed"

    reattach_all(session, orders)
    with statements(engine) as sent:
        session.flush()

    updates = [sql for sql in sent if sql.startswith("UPDATE")]
    assert [True, False] == [" state=" in sql for sql in updates]
    assert [False, True] == [" notes=" in sql for sql in updates]


def test_what_is_not_loaded_stays_what_the_database_has(engine: Engine, session: Session, cached: Any):
    order = cached(Order, load_only(Order.state))[0]
    order.state = "paid"
    run(engine, "UPDATE orders SET total = 99 WHERE id = 1")

    found = reattach(session, order)
    session.flush()

    assert ("paid", 99, "note 1") == (found.state, found.total, found.notes)


def test_an_expired_copy_gets_everything_from_the_database(engine: Engine, session: Session):
    with Session(engine) as other:
        order = other.get(Order, 1)
        other.commit()
    run(engine, "UPDATE orders SET state = 'paid' WHERE id = 1")

    assert "paid" == reattach(session, order).state


def test_an_attribute_that_is_expired_gets_its_value_from_the_database(engine: Engine, session: Session):
    with Session(engine) as other:
        order = other.get(Order, 1)
        other.expire(order, ["state"])
    order.total = 7
    run(engine, "UPDATE orders SET state = 'paid' WHERE id = 1")

    found = reattach(session, order)

    assert ("paid", 7) == (found.state, found.total)


def test_an_expired_object_of_the_session_is_loaded_before_it_is_compared(
    engine: Engine, session: Session, cached: Any
):
    orders = session.scalars(select(Order).order_by(Order.id)).all()
    copies = cached(Order)
    session.expire_all()

    with statements(engine) as sent:
        found = reattach_all(session, copies)

    assert (orders, 1) == (found, len(sent))
    assert set() == set(session.dirty)


def test_nothing_is_flushed(engine: Engine, session: Session, cached: Any):
    pending = Coupon(code="pending")
    session.add(pending)
    order = cached(Order)[0]
    order.state = "paid"

    with statements(engine) as sent:
        reattach(session, order)

    assert ["SELECT"] == [sql.split()[0] for sql in sent]
    assert pending in session.new


def test_without_a_counter_the_value_of_the_copy_wins(engine: Engine, session: Session, cached: Any):
    coupon = cached(Coupon)[0]
    run(engine, "UPDATE coupon SET code = 'theirs'")

    reattach(session, coupon)
    session.commit()

    assert ("TEN",) == tuple(row(engine, "SELECT code FROM coupon"))


# --- relationships


def test_a_child_added_to_a_copy_is_inserted(engine: Engine, session: Session, cached: Any):
    order = cached(Order, selectinload(Order.items))[0]
    order.items.append(Item(position=3, quantity=9))

    found = reattach(session, order)
    session.commit()

    assert [1, 2, 3] == [item.position for item in found.items]
    assert (9,) == tuple(row(engine, "SELECT quantity FROM item WHERE order_id = 1 AND position = 3"))


def test_a_child_that_brings_its_key_is_inserted_or_found(engine: Engine, session: Session, cached: Any):
    order = cached(Order, selectinload(Order.items))[0]
    order.items[0].product = Product(id=uuid.UUID(int=1), name="found", price=10)
    order.items[1].product = Product(id=uuid.UUID(int=9), name="inserted", price=10)

    reattach(session, order)
    session.commit()

    with engine.connect() as connection:
        names = connection.scalars(select(Product.name).order_by(Product.id)).all()
    assert ["found", "product 2", "inserted"] == names


def test_a_child_removed_from_a_copy_is_removed(engine: Engine, session: Session, cached: Any):
    order = cached(Order, selectinload(Order.items))[0]
    del order.items[0]

    reattach(session, order)
    session.commit()

    assert (1,) == tuple(row(engine, "SELECT count(*) FROM item WHERE order_id = 1"))


def test_many_to_many_is_carried_over(engine: Engine, session: Session, cached: Any):
    products = cached(Product, selectinload(Product.tags))
    products[0].tags.append(products[1].tags[1])
    products[1].tags.clear()

    with statements(engine) as sent:
        reattach_all(session, products)
        assert 3 == len(sent)
        session.commit()

    assert (2,) == tuple(row(engine, "SELECT count(*) FROM product_tag"))


def test_a_hierarchy_is_carried_over(engine: Engine, session: Session, cached: Any):
    employees = cached(Employee, selectinload(Employee.reports), selectinload(Employee.boss))
    employees[3].boss = employees[1]
    assert [Manager, Engineer, Engineer, Employee] == [type(employee) for employee in employees]

    with statements(engine) as sent:
        found = reattach_all(session, employees)
        reads = len(sent)
        session.commit()

    assert {Manager, Engineer, Employee} == {type(employee) for employee in found}
    assert reads <= 6
    assert (2,) == tuple(row(engine, "SELECT boss_id FROM employee WHERE id = 4"))


def test_a_one_to_one_is_carried_over(engine: Engine, session: Session, cached: Any):
    with Session(engine) as other, other.begin():
        other.add(Invoice(order_id=1))
    orders = cached(Order, selectinload(Order.invoice))
    orders[1].invoice = orders[0].invoice

    with statements(engine) as sent:
        reattach_all(session, orders)
        assert 3 == len(sent)
        session.commit()

    assert (2,) == tuple(row(engine, "SELECT order_id FROM invoice"))


def test_a_relationship_that_may_not_load_by_itself_is_taken(session: Session, cached: Any):
    orders = cached(Order, selectinload(Order.guarded_items))

    found = reattach_all(session, orders)

    assert [2, 2, 2] == [len(order.guarded_items) for order in found]


def test_a_changed_reference_is_carried_over(engine: Engine, session: Session, cached: Any):
    run(engine, "INSERT INTO customer (id, name) VALUES (50, 'Bob')")
    orders = cached(Order, joinedload(Order.customer))
    orders[0].customer = cached(Customer)[1]
    orders[1].customer = None

    reattach_all(session, orders)
    session.commit()

    with engine.connect() as connection:
        assert [50, None, 1] == list(connection.scalars(select(Order.customer_id).order_by(Order.id)))


def test_a_related_object_of_this_session_is_taken_itself(session: Session, cached: Any):
    customer = session.get(Customer, 1)
    order = cached(Order)[0]
    order.customer = None
    order.__dict__["customer"] = customer

    assert customer is reattach(session, order).customer


# --- rows that are gone


def test_a_row_that_is_gone_is_an_error_and_stays_gone(engine: Engine, session: Session, cached: Any):
    coupons = cached(Coupon)
    run(engine, "DELETE FROM coupon")

    with pytest.raises(MissingRowsError) as caught:
        reattach_all(session, coupons)
    session.commit()

    message = "no row for Coupon (1,): deleted meanwhile; missing='insert' writes them again, 'skip' leaves them out"
    assert message == str(caught.value)
    assert tuple(coupons) == caught.value.missing
    assert (0,) == tuple(row(engine, "SELECT count(*) FROM coupon"))


def test_a_row_that_is_gone_can_be_inserted_again(engine: Engine, session: Session, cached: Any):
    coupons = cached(Coupon)
    run(engine, "DELETE FROM coupon")

    [found] = reattach_all(session, coupons, missing="insert")
    session.commit()

    assert (1, "TEN") == tuple(row(engine, "SELECT id, code FROM coupon"))
    assert (1, "TEN") == (found.id, found.code)


def test_a_row_that_is_gone_can_be_left_out(engine: Engine, session: Session, cached: Any):
    items = cached(Item)
    run(engine, "DELETE FROM item WHERE order_id = 2")

    found = reattach_all(session, items, missing="skip")
    session.commit()

    assert [(1, 1), (1, 2), (3, 1), (3, 2)] == [(item.order_id, item.position) for item in found]
    assert (4,) == tuple(row(engine, "SELECT count(*) FROM item"))


def test_one_object_without_a_row_is_none_if_it_is_left_out(engine: Engine, session: Session, cached: Any):
    [coupon] = cached(Coupon)
    run(engine, "DELETE FROM coupon")

    assert None is reattach(session, coupon, missing="skip")


def test_a_row_that_is_gone_is_found_out_though_the_session_has_the_expired_object(
    engine: Engine, session: Session, cached: Any
):
    mine = session.get(Coupon, 1)
    session.commit()
    coupons = cached(Coupon)
    run(engine, "DELETE FROM coupon")

    with pytest.raises(MissingRowsError):
        reattach_all(session, coupons)
    [found] = reattach_all(session, coupons, missing="insert")
    session.commit()

    assert ("TEN", False) == (found.code, found is mine)


def test_nothing_has_changed_when_a_row_is_missing(engine: Engine, session: Session, cached: Any):
    orders = cached(Order)
    orders[0].state = "paid"
    run(engine, "DELETE FROM item", "DELETE FROM orders WHERE id = 3")

    with pytest.raises(MissingRowsError):
        reattach_all(session, orders)

    assert set() == set(session.dirty) | set(session.new)


@pytest.mark.parametrize("loaded", [(), (Coupon.code,)])
def test_what_is_not_loaded_cannot_be_inserted_again(engine: Engine, session: Session, cached: Any, loaded: Any):
    with Session(engine) as other:
        coupon = other.get(Coupon, 1)
        other.expire(coupon)
        for attribute in loaded:
            other.refresh(coupon, [attribute.key])
    run(engine, "DELETE FROM coupon")

    with pytest.raises(
        ObjectStateError, match=r"Coupon \(1,\) cannot be inserted again: .*`used_at` of it is not loaded"
    ):
        reattach(session, coupon, missing="insert")


def test_a_missing_child_is_an_error(engine: Engine, session: Session, cached: Any):
    orders = cached(Order, selectinload(Order.items))
    run(engine, "DELETE FROM item WHERE order_id = 1 AND position = 2")

    with pytest.raises(MissingRowsError, match=r"no row for Item \(1, 2\): deleted meanwhile") as caught:
        reattach_all(session, orders)

    assert (orders[0].items[1],) == caught.value.missing


def test_a_missing_child_can_be_inserted_again(engine: Engine, session: Session, cached: Any):
    orders = cached(Order, selectinload(Order.items))
    run(engine, "DELETE FROM item WHERE order_id = 1 AND position = 2")

    reattach_all(session, orders, missing="insert")
    session.commit()

    assert (2,) == tuple(row(engine, "SELECT quantity FROM item WHERE order_id = 1 AND position = 2"))


def test_a_missing_child_can_be_left_out(engine: Engine, session: Session, cached: Any):
    orders = cached(Order, selectinload(Order.items))
    orders[0].state = "paid"
    orders[0].items[0].quantity = 7
    before = look(*orders)
    run(engine, "DELETE FROM item WHERE order_id = 1 AND position = 2")

    found = reattach_all(session, orders, missing="skip")
    session.commit()

    assert [[1], [1, 2], [1, 2]] == [[item.position for item in order.items] for order in found]
    assert ("paid", 7) == (found[0].state, found[0].items[0].quantity)
    assert (None,) == (row(engine, "SELECT quantity FROM item WHERE order_id = 1 AND position = 2"),)
    assert before == look(*orders)


def test_where_a_reference_leads_to_a_row_that_is_gone_the_database_is_right(
    engine: Engine, session: Session, cached: Any
):
    orders = cached(Order, joinedload(Order.customer))
    orders[0].state = "paid"
    run(engine, "UPDATE orders SET customer_id = NULL WHERE id < 3", "INSERT INTO customer (id, name) VALUES (2, 'B')")
    run(engine, "UPDATE orders SET customer_id = 2 WHERE id = 3", "DELETE FROM customer WHERE id = 1")

    with pytest.raises(MissingRowsError, match=r"no row for Customer \(1,\)"):
        reattach_all(session, orders)
    found = reattach_all(session, orders, missing="skip")
    session.commit()

    assert [(None, None), (None, None), (2, "B")] == [
        (order.customer_id, order.customer and order.customer.name) for order in found
    ]
    assert ("paid", None) == tuple(row(engine, "SELECT state, customer_id FROM orders WHERE id = 1"))


def test_a_missing_end_of_a_many_to_many_can_be_left_out(engine: Engine, session: Session, cached: Any):
    products = cached(Product, selectinload(Product.tags))
    products[0].name = "changed"
    run(engine, "DELETE FROM product_tag WHERE tag_id = 1", "DELETE FROM tag WHERE id = 1")

    found = reattach_all(session, products, missing="skip")
    session.commit()

    assert [[], ["sale"]] == [[tag.name for tag in product.tags] for product in found]
    assert "changed" == found[0].name


def test_what_only_a_missing_object_leads_to_is_left_out_with_it(engine: Engine, session: Session, cached: Any):
    [boss, *_] = cached(Employee, selectinload(Employee.reports))
    run(engine, "UPDATE employee SET boss_id = NULL", "DELETE FROM manager", "DELETE FROM employee WHERE id = 1")

    assert [] == reattach_all(session, [boss], missing="skip")
    assert set() == set(session.dirty) | set(session.new)


def test_the_row_of_an_object_that_was_deleted_here_is_gone(engine: Engine, session: Session, cached: Any):
    [copy] = cached(Coupon)
    mine = session.get(Coupon, 1)
    session.delete(mine)
    session.flush()

    with pytest.raises(MissingRowsError):
        reattach(session, copy)


# --- versions


def test_a_row_of_another_version_is_an_error_before_anything_is_changed(engine: Engine, session: Session, cached: Any):
    orders = cached(Order)
    orders[0].state = "mine"
    run(engine, "UPDATE orders SET state = 'theirs', version = 2 WHERE id = 2")

    with pytest.raises(StaleDataError) as caught:
        reattach_all(session, orders)

    assert "Order (2,) has version 2, the copy has version 1" == str(caught.value)
    assert set() == set(session.dirty)


def test_the_version_of_a_related_object_is_compared_too(engine: Engine, session: Session, cached: Any):
    [customer] = cached(Customer, selectinload(Customer.orders))
    run(engine, "UPDATE orders SET version = 2 WHERE id = 2")

    with pytest.raises(StaleDataError, match=r"Order \(2,\) has version 2, the copy has version 1"):
        reattach(session, customer)


def test_a_copy_that_has_no_version_loaded_takes_any(engine: Engine, session: Session, cached: Any):
    order = cached(Order, load_only(Order.state))[0]
    inspect(order).dict.pop("version", None)
    order.state = "mine"
    run(engine, "UPDATE orders SET version = 2 WHERE id = 1")

    reattach(session, order)
    session.commit()

    assert ("mine", 3) == tuple(row(engine, "SELECT state, version FROM orders WHERE id = 1"))


def test_a_session_that_is_behind_the_copy_reads_anew(engine: Engine, session: Session, cached: Any):
    session.expire_on_commit = False
    mine = session.get(Order, 1)
    session.commit()
    run(engine, "UPDATE orders SET state = 'theirs', version = 2 WHERE id = 1")
    copy = cached(Order)[0]
    copy.total = 7

    assert mine is reattach(session, copy)
    session.commit()

    assert ("theirs", 7, 3) == (mine.state, mine.total, mine.version)


# --- shards


def test_an_identity_token_is_kept(session: Session, engine: Engine):
    with Session(engine) as other:
        copy = other.get(Order, 1, identity_token="europe")
    plain = session.get(Order, 1)

    found = reattach(session, copy)

    assert (plain is not found, "europe") == (True, inspect(found).identity_token)


# --- two copies


def test_two_equal_copies_are_one_object(session: Session, cached: Any):
    one, two = (cached(Order, selectinload(Order.items))[0] for _ in range(2))
    del two.__dict__["total"]

    found = reattach_all(session, [one, two])

    assert found[0] is found[1]


def test_two_copies_with_different_values_are_refused(session: Session, cached: Any):
    one, two = (cached(Order)[0] for _ in range(2))
    one.state = "paid"

    with pytest.raises(ObjectStateError) as caught:
        reattach_all(session, [one, two])

    message = "Order (1,) is there twice, with different values of `state`: reattach one of the two"
    assert message == str(caught.value)


def test_two_related_copies_with_different_values_are_refused(session: Session, cached: Any):
    orders = [cached(Order, joinedload(Order.customer))[n] for n in (0, 1)]
    orders[0].customer.name = "Bob"

    with pytest.raises(ObjectStateError, match=r"Customer \(1,\) is there twice, with different values of `name`"):
        reattach_all(session, orders)


def test_a_new_object_with_the_key_of_a_copy_and_different_values_is_refused(session: Session, cached: Any):
    orders = cached(Order, selectinload(Order.items).joinedload(Item.product))
    orders[0].items[0].product = Product(id=uuid.UUID(int=2), name="new")

    with pytest.raises(ObjectStateError, match=r"Product .* is there twice, with different values of `name`"):
        reattach_all(session, orders)


def test_two_copies_with_different_collections_are_refused(session: Session, cached: Any):
    one, two = (cached(Order, selectinload(Order.items))[0] for _ in range(2))
    one.items.pop()

    with pytest.raises(ObjectStateError, match=r"Order \(1,\) is there twice, with different values of `items`"):
        reattach_all(session, [one, two])


# --- inheritance


def test_each_class_takes_one_select_and_is_whole(engine: Engine, session: Session, cached: Any):
    employees = cached(Employee)

    with statements(engine) as sent:
        found = reattach_all(session, employees)
        values = (found[0].budget, found[1].language)

    assert (100, "python") == values
    assert 3 == len(sent)


def test_a_row_that_has_become_of_a_subclass_is_refused(engine: Engine, session: Session, cached: Any):
    clerk = cached(Employee)[3]
    run(engine, "UPDATE employee SET type = 'engineer' WHERE id = 4")

    with pytest.raises(ObjectStateError, match=r"Employee \(4,\) is of class Engineer now: load it anew"):
        reattach(session, clerk)


def test_a_row_that_has_become_of_another_class_is_refused(engine: Engine, session: Session, cached: Any):
    engineer = cached(Employee)[1]
    run(engine, "UPDATE employee SET type = 'employee' WHERE id = 2")

    with pytest.raises(MissingRowsError):
        reattach(session, engineer)
    held = session.get(Employee, 2)
    with pytest.raises(ObjectStateError, match=r"Engineer \(2,\) is of class Employee now"):
        reattach(session, engineer)
    assert "engineer 2" == held.name


# --- the given objects


@pytest.mark.parametrize("scenario", ["clean", "changed", "expired", "partial", "foreign"])
def test_the_given_objects_stay_what_they_are(engine: Engine, session: Session, scenario: str):
    other = Session(engine)
    options = (selectinload(Order.items), joinedload(Order.customer))
    orders = list(other.scalars(select(Order).options(*options)))
    match scenario:
        case "changed":
            orders[0].state = "paid"
            orders[0].items[0].quantity = 7
            orders[0].customer.settings["theme"] = "light"
        case "expired":
            other.expire(orders[0])
        case "partial":
            other.expire(orders[0], ["state", "items"])
    if scenario != "foreign":
        other.close()
    before = look(*orders)

    found = reattach_all(session, orders)
    found[0].state = "other"
    found[1].customer.settings["theme"] = "found"
    session.flush()

    assert before == look(*orders)
    other.close()


def test_a_mutable_value_is_not_shared(session: Session, cached: Any):
    [customer] = cached(Customer)
    customer.settings["theme"] = "light"

    found = reattach(session, customer)
    session.commit()
    found.settings["theme"] = "found"

    assert {"theme": "light"} == customer.settings
    assert found in session.dirty
    session.commit()
    assert {"theme": "found"} == found.settings


# --- bad input


@pytest.mark.parametrize(
    "thing", [None, 1, "Order", Order, [Order(id=1)], object()], ids=lambda thing: type(thing).__name__
)
def test_what_is_not_mapped_is_refused(session: Session, thing: Any):
    with pytest.raises(UnmappedInstanceError, match="expected a mapped object, got "):
        reattach(session, thing)
    with pytest.raises(UnmappedInstanceError, match=r"expected mapped objects, got .* at index 1"):
        reattach_all(session, [session.get(Order, 1), thing])


def test_a_transient_object_is_refused_with_the_remedy(session: Session):
    with pytest.raises(ObjectStateError, match=r"Order \(transient\) has no row to reattach it to: session.add\(\) it"):
        reattach(session, Order(id=1))


def test_a_pending_object_is_refused_with_the_remedy(session: Session):
    order = Order(version=1)
    session.add(order)

    with pytest.raises(
        ObjectStateError, match=r"Order \(pending\) has no row to reattach it to: session.flush\(\) first"
    ):
        reattach(session, order)


def test_a_deleted_object_is_refused(session: Session):
    coupon = session.get(Coupon, 1)
    session.delete(coupon)
    session.flush()

    with pytest.raises(ObjectStateError, match=r"Coupon \(1,\) is deleted: its row goes with the commit"):
        reattach(session, coupon)


def test_an_object_that_was_made_transient_is_refused(session: Session, cached: Any):
    order = cached(Order)[0]
    make_transient(order)

    with pytest.raises(ObjectStateError, match="transient"):
        reattach(session, order)


@pytest.mark.parametrize("missing", ["ignore", None, True])
def test_an_unknown_option_is_refused(session: Session, cached: Any, missing: Any):
    with pytest.raises(ArgumentError, match=f"missing= is raise, insert or skip, got {missing!r}"):
        reattach_all(session, cached(Order), missing=missing)


def test_what_is_no_session_is_refused(cached: Any):
    with pytest.raises(TypeError, match="expected a Session or scoped_session, got None"):
        reattach(None, cached(Order)[0])  # type: ignore[call-overload]


# --- another connection, while the session is in its transaction


def test_a_row_that_is_deleted_after_the_check_is_reported_by_the_flush(engine: Engine, session: Session, cached: Any):
    if engine.dialect.name == "sqlite":
        pytest.skip("SQLite has one writer at a time")
    order = cached(Order)[0]
    order.state = "paid"

    reattach(session, order)
    run(engine, "DELETE FROM item", "DELETE FROM orders WHERE id = 1")

    with pytest.raises(StaleDataError):
        session.commit()
    assert (0,) == tuple(row(engine, "SELECT count(*) FROM orders WHERE id = 1"))


def test_a_row_that_is_changed_after_the_check_is_reported_by_the_flush(engine: Engine, session: Session, cached: Any):
    if engine.dialect.name == "sqlite":
        pytest.skip("SQLite has one writer at a time")
    order = cached(Order)[0]
    order.state = "mine"

    reattach(session, order)
    run(engine, "UPDATE orders SET state = 'theirs', version = 2 WHERE id = 1")

    with pytest.raises(StaleDataError):
        session.commit()
    with engine.connect() as connection:
        assert "theirs" == connection.scalar(select(Order.state).where(Order.id == 1))
        assert 3 == connection.scalar(select(func.count()).select_from(Order))
