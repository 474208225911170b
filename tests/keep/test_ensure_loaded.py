"""What is named is loaded, in one statement per step, and nothing else happens to the objects."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, delete, event, insert, inspect, select, text, update
from sqlalchemy.exc import ArgumentError, InvalidRequestError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session, defer, lazyload, raiseload, scoped_session, selectinload, sessionmaker, undefer
from sqlalchemy.orm.exc import UnmappedInstanceError

import outlive
from outlive import MissingRowsError, ObjectStateError, ensure_loaded
from tests.store import (
    Address,
    Base,
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
    Tag,
    product_tag,
    statements,
)


def loaded(obj: object) -> set[str]:
    return set(inspect(obj, raiseerr=True).dict) - {"_sa_instance_state"}


# --- columns


def test_deferred_columns_of_many_objects_cost_one_statement(engine: Engine, session: Session):
    orders = session.scalars(select(Order)).all()

    with statements(engine) as sent:
        ensure_loaded(session, orders, Order.notes, Order.secret)

    assert 1 == len(sent)
    assert [("note 1", "hidden"), ("note 2", "hidden"), ("note 3", "hidden")] == [(o.notes, o.secret) for o in orders]


def test_what_is_loaded_costs_no_statement(engine: Engine, session: Session):
    orders = session.scalars(select(Order).options(undefer(Order.notes), selectinload(Order.items))).all()

    with statements(engine) as sent:
        ensure_loaded(session, orders, Order.notes, Order.id, Order.items)

    assert [] == sent


def test_only_the_objects_that_lack_a_column_are_asked_for(engine: Engine, session: Session):
    orders = session.scalars(select(Order).order_by(Order.id)).all()
    assert orders[0].notes
    asked: list[Any] = []

    @event.listens_for(engine, "before_cursor_execute")
    def note(_connection: object, _cursor: object, _statement: str, parameters: Any, *_rest: object) -> None:
        asked.extend(parameters if isinstance(parameters, tuple) else parameters.values())

    ensure_loaded(session, orders, Order.notes)

    # PostgreSQL gets them as one array.
    assert [2, 3] == (asked[0] if len(asked) == 1 else asked)


def test_a_loaded_value_is_not_read_anew(engine: Engine, session: Session):
    order = session.get(Order, 1)
    session.execute(update(Order).values(state="paid").execution_options(synchronize_session=False))

    ensure_loaded(session, order, Order.state, Order.notes)

    assert "new" == order.state


def test_a_pending_change_is_neither_flushed_nor_lost(engine: Engine, session: Session):
    order = session.get(Order, 1)
    order.state = "paid"
    order.notes = "mine"
    session.add(Tag(name="later"))

    with statements(engine) as sent:
        ensure_loaded(session, order, Order.notes, Order.secret, Order.items)

    assert ["SELECT", "SELECT"] == [statement.split()[0] for statement in sent]
    assert ("paid", "mine", "hidden") == (order.state, order.notes, order.secret)
    assert {order} == set(session.dirty)


def test_an_expired_column_is_loaded_and_the_others_stay_expired(session: Session):
    order = session.get(Order, 1)
    session.expire(order)

    ensure_loaded(session, order, Order.state)

    assert {"state"} == loaded(order)
    assert "total" in inspect(order).expired_attributes


def test_a_composite_is_loaded_with_its_columns(engine: Engine, session: Session):
    customer = session.scalars(select(Customer).options(defer(Customer.street), defer(Customer.city))).one()
    ensure_loaded(session, customer, Customer.address)

    with statements(engine) as sent:
        assert Address("Main Street", "London") == customer.address
    assert [] == sent


def test_a_mutable_value_is_tracked_after_it_was_loaded(session: Session):
    customer = session.get(Customer, 1)
    session.expire(customer, ["settings"])
    ensure_loaded(session, customer, Customer.settings)

    assert customer.settings is not None
    customer.settings["theme"] = "light"
    assert customer in session.dirty


def test_a_column_whose_read_is_an_error_is_loaded_and_guarded_again_once_it_expires(session: Session):
    order = session.get(Order, 1)
    ensure_loaded(session, order, Order.secret)
    assert "hidden" == order.secret
    session.expire(order, ["secret"])
    ensure_loaded(session, order, Order.state)

    session.expunge(order)
    order = session.get(Order, 1)
    ensure_loaded(session, order, Order.notes)
    with pytest.raises(InvalidRequestError, match="raiseload"):
        order.secret  # noqa: B018


def test_options_of_the_query_that_loaded_an_object_still_guard_what_is_not_named(session: Session):
    options = (defer(Order.total, raiseload=True), raiseload(Order.items), raiseload(Order.customer))
    order = session.scalars(select(Order).where(Order.id == 1).options(*options)).one()

    ensure_loaded(session, order, Order.notes, Order.customer, Order.guarded_items)

    with pytest.raises(InvalidRequestError, match="raiseload"):
        order.total  # noqa: B018
    with pytest.raises(InvalidRequestError, match="raise"):
        order.items  # noqa: B018
    assert order.customer is not None


def test_what_such_options_guard_is_loaded_when_it_is_named(session: Session):
    options = (defer(Order.total, raiseload=True), raiseload("*"))
    order = session.scalars(select(Order).where(Order.id == 1).options(*options)).one()

    ensure_loaded(session, order, Order.total, Order.items, Order.customer)

    assert (2, "Ada") == (len(order.items), order.customer and order.customer.name)
    assert order.total is not None


# --- relationships


@pytest.mark.parametrize("name", ["by_selectin", "by_join", "by_subquery", "at_once", "boxes"])
def test_each_loader_strategy_costs_one_statement(name: str, engine: Engine, session: Session):
    shelves = session.scalars(select(Shelf).options(lazyload("*")).order_by(Shelf.id)).all()

    with statements(engine) as sent:
        ensure_loaded(session, shelves, getattr(Shelf, name))

    assert 1 == len(sent)
    assert [{"box 11", "box 12"}, {"box 21", "box 22"}] == [
        {box.label for box in inspect(shelf).dict[name]} for shelf in shelves
    ]


def test_only_the_relationship_that_is_named_is_loaded(session: Session):
    shelf = session.scalars(select(Shelf).options(lazyload("*")).limit(1)).one()

    ensure_loaded(session, shelf, Shelf.by_join)

    assert {"id", "label", "by_join"} == loaded(shelf)


def test_lazy_raise_does_not_stand_in_the_way_and_still_guards(session: Session):
    orders = session.scalars(select(Order).order_by(Order.id)).all()
    ensure_loaded(session, orders[:2], Order.guarded_items)

    assert [2, 2] == [len(order.guarded_items) for order in orders[:2]]
    with pytest.raises(InvalidRequestError, match="lazy='raise'"):
        orders[2].guarded_items  # noqa: B018
    session.expire(orders[0], ["guarded_items"])
    with pytest.raises(InvalidRequestError, match="lazy='raise'"):
        orders[0].guarded_items  # noqa: B018


def test_a_collection_is_in_the_order_of_its_mapping(session: Session):
    orders = session.scalars(select(Order)).all()

    ensure_loaded(session, orders, Order.items)

    assert [[1, 2]] * 3 == [[item.position for item in order.items] for order in orders]


def test_a_collection_without_rows_is_empty_and_a_reference_to_nothing_is_none(engine: Engine, session: Session):
    order = session.get(Order, 1)
    session.execute(delete(Item).where(Item.order_id == 1))

    ensure_loaded(session, order, Order.items, Order.invoice)

    with statements(engine) as sent:
        assert ([], None) == (order.items, order.invoice)
    assert [] == sent


def test_a_one_to_one_is_loaded(session: Session):
    session.add_all([Invoice(order_id=1), Invoice(order_id=3)])
    session.flush()
    orders = session.scalars(select(Order).order_by(Order.id)).all()

    ensure_loaded(session, orders, Order.invoice)

    assert [1, None, 3] == [order.invoice and order.invoice.order_id for order in orders]


def test_two_rows_of_a_one_to_one_are_warned_of_as_by_a_lazy_load(session: Session):
    session.add_all([Invoice(order_id=1), Invoice(order_id=1)])
    session.flush()

    with pytest.warns(match="Multiple rows returned with uselist=False"):
        ensure_loaded(session, session.get(Order, 1), Order.invoice)


def test_many_to_many_works_in_both_directions(engine: Engine, session: Session):
    products = session.scalars(select(Product).order_by(Product.name)).all()
    tags = session.scalars(select(Tag).order_by(Tag.id)).all()

    with statements(engine) as sent:
        ensure_loaded(session, products, Product.tags)
        ensure_loaded(session, tags, Tag.products)

    assert 2 == len(sent)
    assert [["new"], ["new", "sale"]] == [[tag.name for tag in product.tags] for product in products]
    assert [set(products), {products[1]}] == [set(tag.products) for tag in tags]


def test_a_self_referential_relationship_works_in_both_directions(engine: Engine, session: Session):
    people = session.scalars(select(Employee).order_by(Employee.id)).all()

    with statements(engine) as sent:
        ensure_loaded(session, people, Employee.boss, Employee.reports)

    assert 1 == len(sent)
    assert [None, 1, 1, 1] == [person.boss and person.boss.id for person in people]
    assert [[2, 3, 4], [], [], []] == [[report.id for report in person.reports] for person in people]


# --- many-to-one


def test_targets_in_the_session_cost_no_statement(engine: Engine, session: Session):
    customer = session.get(Customer, 1)
    orders = session.scalars(select(Order)).all()

    with statements(engine) as sent:
        ensure_loaded(session, orders, Order.customer)

    assert [] == sent
    assert all(order.customer is customer for order in orders)


def test_an_empty_foreign_key_costs_no_statement(engine: Engine, session: Session):
    session.execute(update(Order).values(customer_id=None))
    orders = session.scalars(select(Order)).all()

    with statements(engine) as sent:
        ensure_loaded(session, orders, Order.customer)

    assert [] == sent
    assert all("customer" in inspect(order).dict and order.customer is None for order in orders)


def test_a_pending_change_of_the_foreign_key_counts_as_for_a_lazy_load(session: Session):
    session.add(Customer(name="Bob"))
    session.commit()
    order = session.get(Order, 1)
    order.customer_id = 2

    ensure_loaded(session, order, Order.customer)

    assert order.customer is not None
    assert "Bob" == order.customer.name
    assert {order} == set(session.dirty)


def test_a_pending_assignment_stays(session: Session):
    order = session.get(Order, 1)
    order.customer = bob = Customer(name="Bob")

    ensure_loaded(session, order, Order.customer)

    assert bob is order.customer
    assert bob in session.new


def test_an_expired_foreign_key_costs_no_second_statement(engine: Engine, session: Session):
    orders = session.scalars(select(Order)).all()
    session.commit()

    with statements(engine) as sent:
        ensure_loaded(session, orders, Order.customer)

    assert 1 == len(sent)
    assert [{"id", "customer"}] * 3 == [loaded(order) for order in orders]
    assert all(order.customer and order.customer.name == "Ada" for order in orders)


def test_an_expired_target_is_read_in_the_same_statement(engine: Engine, session: Session):
    customer = session.get(Customer, 1)
    orders = session.scalars(select(Order)).all()
    session.expire(customer)

    with statements(engine) as sent:
        ensure_loaded(session, orders, Order.customer)
        assert "Ada" == customer.name

    assert 1 == len(sent)
    assert all(order.customer is customer for order in orders)


def test_an_expired_target_whose_row_is_gone_is_none(session: Session):
    product = session.get(Product, UUID(int=1))
    session.execute(delete(product_tag))
    unprotected = {
        "postgresql": "ALTER TABLE item DROP CONSTRAINT item_product_id_fkey",
        "mariadb": "SET foreign_key_checks = 0",
    }
    if (name := session.get_bind().dialect.name) in unprotected:
        session.execute(text(unprotected[name]))
    session.execute(text("DELETE FROM product"))
    items = session.scalars(select(Item)).all()
    session.expire(product)

    ensure_loaded(session, items, Item.product)

    assert [None] * 6 == [item.product for item in items]


# --- chains and polymorphic lists


def test_a_chain_costs_one_statement_per_step(engine: Engine, session: Session):
    orders = session.scalars(select(Order)).all()

    with statements(engine) as sent:
        ensure_loaded(session, orders, (Order.items, Item.product, Product.tags), (Order.items, Item.order))

    assert 3 == len(sent)
    with statements(engine) as sent:
        assert {"new", "sale"} == {
            tag.name for order in orders for item in order.items if item.product for tag in item.product.tags
        }
    assert [] == sent


def test_a_chain_may_end_in_a_column(engine: Engine, session: Session):
    items = session.scalars(select(Item)).all()

    with statements(engine) as sent:
        ensure_loaded(session, items, (Item.order, Order.notes), (Item.order, Order.secret))

    assert 2 == len(sent)
    assert {"note 1", "note 2", "note 3"} == {item.order.notes for item in items}


def test_a_chain_goes_on_where_something_is_already_loaded(engine: Engine, session: Session):
    orders = session.scalars(select(Order).options(selectinload(Order.items))).all()

    with statements(engine) as sent:
        ensure_loaded(session, orders, (Order.items, Item.product))

    assert 1 == len(sent)


def test_a_chain_passes_over_objects_that_have_no_row_yet(session: Session):
    order = session.scalars(select(Order).options(selectinload(Order.items)).limit(1)).one()
    order.items.append(new := Item(position=3))

    ensure_loaded(session, order, (Order.items, Item.product))

    assert "product" not in loaded(new)
    assert [True, True] == ["product" in loaded(item) for item in order.items[:2]]


def test_an_attribute_of_a_subclass_means_its_objects(engine: Engine, session: Session):
    people = session.scalars(select(Employee).order_by(Employee.id)).all()

    with statements(engine) as sent:
        ensure_loaded(session, people, Manager.budget, Engineer.language)

    assert 2 == len(sent)
    assert [(True, False), (False, True), (False, True), (False, False)] == [
        ("budget" in loaded(person), "language" in loaded(person)) for person in people
    ]


def test_an_inherited_attribute_of_a_subclass_means_its_objects(session: Session):
    people = session.scalars(select(Employee).order_by(Employee.id)).all()

    ensure_loaded(session, people, Engineer.boss)

    assert [False, True, True, False] == ["boss" in loaded(person) for person in people]


# --- pending changes of collections


def test_a_collection_keeps_what_a_back_reference_has_added(session: Session):
    order = session.get(Order, 1)
    with session.no_autoflush:
        session.add(new := Item(position=3, order=order))

        ensure_loaded(session, order, Order.items)

    assert [1, 2, 3] == [item.position for item in order.items]
    assert new in session.new
    assert [new] == inspect(order).attrs["items"].history.added


def test_a_loaded_collection_with_changes_stays_as_it_is(engine: Engine, session: Session):
    order = session.get(Order, 1)
    order.items.pop()
    order.items.append(new := Item(position=3))

    with statements(engine) as sent:
        ensure_loaded(session, order, Order.items)

    assert [] == sent
    assert new is order.items[1]


def test_objects_that_are_in_the_session_stay_the_same_with_their_changes(session: Session):
    item = session.get(Item, (1, 1))
    item.quantity = 50
    order = session.get(Order, 1)

    ensure_loaded(session, order, Order.items)

    assert item is order.items[0]
    assert 50 == item.quantity


def test_targets_load_what_their_own_mapping_says(engine: Engine, session: Session):
    boxes = session.scalars(select(Box)).all()
    ensure_loaded(session, boxes, Box.shelf)

    with statements(engine) as sent:
        assert all(len(box.shelf.by_selectin) == len(box.shelf.by_join) == 2 for box in boxes if box.shelf)
    assert [] == sent


# --- many


@pytest.mark.parametrize(("objects", "chunks"), [(1_000, 1), (1_001, 2), (2_000, 2), (2_001, 3)])
def test_chunks_of_1000_cost_one_statement_each(objects: int, chunks: int, engine: Engine, session: Session):
    session.execute(insert(Customer), [{"name": f"customer {n}"} for n in range(objects - 1)])
    customers = session.scalars(select(Customer).options(defer(Customer.city))).all()

    with statements(engine) as sent:
        ensure_loaded(session, customers, Customer.city, Customer.orders)

    assert (objects, 2 * chunks) == (len(customers), len(sent))
    assert all({"city", "orders"} < loaded(customer) for customer in customers)


def test_ten_thousand_objects(engine: Engine, session: Session):
    session.execute(insert(Box), [{"label": str(n), "shelf_id": 1 + n % 2} for n in range(9_996)])
    boxes = session.scalars(select(Box)).all()
    shelves = [session.get(Shelf, number) for number in (1, 2)]

    with statements(engine) as sent:
        ensure_loaded(session, boxes, Box.shelf)

    assert (10_000, 0) == (len(boxes), len(sent))
    assert all(box.shelf in shelves for box in boxes)


def test_objects_of_a_generator_stay_alive_until_they_are_loaded(engine: Engine, session: Session):
    with statements(engine) as sent:
        ensure_loaded(session, (session.get(Order, number) for number in (1, 2, 3)), Order.notes, Order.items)

    assert 3 + 2 == len(sent)


def test_nothing_to_do_costs_nothing(engine: Engine, session: Session):
    order = session.get(Order, 1)

    with statements(engine) as sent:
        ensure_loaded(session, [], Order.items)
        ensure_loaded(session, order)
        ensure_loaded(session, {order, order}, Order.state)

    assert [] == sent


def test_a_scoped_session_is_a_session(engine: Engine):
    registry = scoped_session(sessionmaker(engine))
    order = registry.get(Order, 1)

    ensure_loaded(registry, order, Order.items)

    assert 2 == len(order.items)
    registry.remove()


# --- criteria that a listener adds


@pytest.fixture
def hidden_items(session: Session) -> None:
    """The recipe for soft deletion: rows that do not count are left out of every query."""
    from sqlalchemy.orm import with_loader_criteria  # noqa: PLC0415

    @event.listens_for(session, "do_orm_execute")
    def leave_out(state: Any) -> None:
        if not state.is_column_load and not state.is_relationship_load:
            state.statement = state.statement.options(
                with_loader_criteria(Item, Item.position == 1, include_aliases=True),
                with_loader_criteria(Order, Order.id == 1, include_aliases=True),
            )


@pytest.mark.usefixtures("hidden_items")
def test_criteria_of_a_listener_apply_to_the_targets(session: Session):
    order = session.get(Order, 1)

    ensure_loaded(session, order, Order.items)

    assert [1] == [item.position for item in order.items]


def test_criteria_of_a_listener_do_not_hide_the_objects_themselves(session: Session, request: pytest.FixtureRequest):
    orders = session.scalars(select(Order).order_by(Order.id)).all()
    session.expire_all()
    request.getfixturevalue("hidden_items")

    ensure_loaded(session, orders, Order.notes, Order.customer, Order.items)

    assert ["note 1", "note 2", "note 3"] == [inspect(order).dict["notes"] for order in orders]
    assert [1, 1, 1] == [len(order.items) for order in orders]
    assert ["Ada"] * 3 == [inspect(order).dict["customer"].name for order in orders]


# --- objects that it cannot work with


def test_rows_that_are_gone_are_reported_after_all_others_are_loaded(session: Session):
    orders = session.scalars(select(Order).order_by(Order.id)).all()
    session.execute(text("DELETE FROM item WHERE order_id = 2"))
    session.execute(text("DELETE FROM orders WHERE id = 2"))

    with pytest.raises(MissingRowsError, match=r"Order \(2,\)") as caught:
        ensure_loaded(session, orders, Order.notes, Order.customer)

    assert (orders[1],) == caught.value.missing
    assert ["note 1", "note 3"] == [inspect(order).dict["notes"] for order in (orders[0], orders[2])]
    assert all("customer" in loaded(order) for order in orders)


@pytest.mark.parametrize(
    ("state", "remedy"),
    [
        ("transient", "session.add"),
        ("pending", "session.flush"),
        ("detached", "outlive.reattach"),
        ("deleted", "row goes with the commit"),
    ],
)
def test_an_object_that_is_not_persistent_is_refused_with_the_remedy(state: str, remedy: str, session: Session):
    order = session.get(Order, 1) if state in {"detached", "deleted"} else Order()
    match state:
        case "pending":
            session.add(order)
        case "detached":
            session.expunge(order)
        case "deleted":
            session.delete(order)
            session.flush()

    with session.no_autoflush, pytest.raises(ObjectStateError, match=rf"Order .* is {state}.*{remedy}"):
        ensure_loaded(session, [order], Order.items)


def test_an_object_of_another_session_is_refused(engine: Engine, session: Session):
    with Session(engine) as other:
        order = other.get(Order, 1)

        with pytest.raises(ObjectStateError, match=r"Order \(1,\) belongs to another session"):
            ensure_loaded(session, [session.get(Order, 2), order], Order.items)


def test_objects_of_a_closed_session_are_refused(session: Session):
    order = session.get(Order, 1)
    session.close()

    with pytest.raises(ObjectStateError, match=r"Order \(1,\) is detached"):
        ensure_loaded(session, order, Order.items)


@pytest.mark.parametrize("given", [None, "order", 5, Order, object()])
def test_what_is_no_mapped_object_is_refused(given: object, session: Session):
    with pytest.raises(UnmappedInstanceError, match="expected"):
        ensure_loaded(session, given, Order.items)


def test_what_is_no_mapped_object_is_named_by_its_place(session: Session):
    with pytest.raises(UnmappedInstanceError, match="got None at index 1"):
        ensure_loaded(session, [session.get(Order, 1), None], Order.items)


def test_an_async_session_is_refused_with_the_remedy(session: Session):
    with pytest.raises(TypeError, match=r"outlive\.asyncio"):
        ensure_loaded(AsyncSession(), session.get(Order, 1), Order.items)  # type: ignore[arg-type]


# --- paths that it cannot work with

PATHS: list[tuple[Any, str]] = [
    ("items", "such as Order.items, got 'items'"),
    (None, "got None"),
    ([Order.items, Item.product], "expected an attribute of a mapped class"),
    (Order.items == None, "expected an attribute of a mapped class"),  # noqa: E711
    (Order.items.of_type(Item), r"expected Order.items itself.*of_type"),
    (Order.items.and_(Item.position == 1), r"expected Order.items itself.*and_"),
    (Item.product, "Item.product is no attribute of Order"),
    ((Order.customer, Item.product), "Item.product cannot follow Order.customer, which leads to Customer"),
    ((Order.state, Item.product), "Item.product cannot follow Order.state, which is no relationship"),
    ((Order.customer, Customer.events), "Customer.events is lazy='write_only'"),
    ((Order.customer, Customer.visits), "Customer.visits is lazy='dynamic'"),
    (Base.metadata, "expected an attribute of a mapped class"),
]


@pytest.mark.parametrize(("path", "message"), PATHS)
def test_a_path_that_leads_nowhere_is_an_error_before_anything_is_loaded(
    path: Any, message: str, engine: Engine, session: Session
):
    order = session.get(Order, 1)

    with statements(engine) as sent, pytest.raises(ArgumentError, match=message):
        ensure_loaded(session, order, Order.notes, path)

    assert [] == sent


def test_it_is_a_public_name():
    assert ensure_loaded is outlive.ensure_loaded
