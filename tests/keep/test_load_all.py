"""References become objects again, in another session, with one SELECT per class."""

from __future__ import annotations

import gc
import uuid
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Engine, event, insert, inspect, select, text
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import Session, load_only, scoped_session, sessionmaker, with_loader_criteria
from sqlalchemy.orm.exc import StaleDataError

from outlive import InvalidReferenceError, MissingRowsError, ObjectStateError, Reference, load_all, reference
from tests.databases import Database
from tests.keep import keyed
from tests.store import Coupon, Employee, Engineer, Item, Manager, Order, Product, Shelf, statements


def add_coupons(engine: Engine, number: int) -> list[Reference[Coupon]]:
    with engine.begin() as connection:
        connection.execute(insert(Coupon), [{"id": 100 + n, "code": str(n)} for n in range(number)])
    return [Reference(Coupon, (100 + n,)) for n in range(number)]


# --- what comes back


def test_the_object_of_a_reference_comes_back(session: Session):
    order = Reference(Order, (1,)).load(session)

    assert session.get(Order, 1) is order


def test_objects_come_in_the_order_given_and_twice_where_a_reference_is_there_twice(session: Session):
    refs = [Reference(Order, (number,)) for number in (3, 1, 2, 1)]

    orders = load_all(session, refs)

    assert [3, 1, 2, 1] == [order.id for order in orders]
    assert orders[1] is orders[3]


def test_a_generator_of_references_is_taken(session: Session):
    orders = load_all(session, (Reference(Order, (number,)) for number in (2, 1)))

    assert [2, 1] == [order.id for order in orders]


def test_no_references_cost_nothing(engine: Engine, session: Session):
    with statements(engine) as sent:
        found = load_all(session, [])

    assert ([], []) == (found, sent)


def test_one_select_per_class(engine: Engine, session: Session):
    refs = [
        Reference(Item, (1, 2)),
        Reference(Order, (2,)),
        Reference(Product, (uuid.UUID(int=1),)),
        Reference(Item, (3, 1)),
        Reference(Manager, (1,)),
        Reference(Order, (1,)),
    ]

    with statements(engine) as sent:
        found = load_all(session, refs)

    assert 4 == len(sent)
    assert refs == [Reference(type(obj), inspect(obj).identity) for obj in found]


def test_ten_thousand_take_one_select_per_thousand(engine: Engine, session: Session):
    refs = add_coupons(engine, 10_000)

    with statements(engine) as sent:
        found = load_all(session, reversed(refs))

    assert 10 == len(sent)
    assert [*reversed(refs)] == [reference(coupon) for coupon in found]


def test_what_the_session_has_costs_no_select(engine: Engine, session: Session):
    orders = session.scalars(select(Order)).all()

    with statements(engine) as sent:
        found = load_all(session, [reference(order) for order in orders])

    assert ([], orders) == (sent, found)


def test_what_the_session_has_expired_is_loaded_with_the_rest(engine: Engine, session: Session):
    orders = session.scalars(select(Order)).all()
    refs = [reference(order) for order in orders]
    session.expire(orders[0])
    session.expire(orders[1], ["state"])
    session.expunge(orders[2])

    with statements(engine) as sent:
        found = load_all(session, refs)
        states = [order.state for order in found]

    assert 1 == len(sent)
    assert ["new"] * 3 == states
    assert orders[:2] == found[:2]


def test_an_expired_object_keeps_its_pending_changes(session: Session):
    order = session.get(Order, 1)
    session.expire(order)
    order.state = "paid"

    with session.no_autoflush:
        [found] = load_all(session, [Reference(Order, (1,))])

    assert ("paid", True) == (found.state, session.is_modified(found))


def test_a_collection_of_garbage_in_between_loses_nothing(engine: Engine, session: Session):
    refs = add_coupons(engine, 1_000)

    @event.listens_for(engine, "before_cursor_execute")
    def collect(*_: Any) -> None:
        gc.collect()

    assert 1_000 == len(load_all(session, refs))


def test_relationships_that_load_with_their_object_are_loaded(engine: Engine, session: Session):
    found = load_all(session, [Reference(Shelf, (number,)) for number in (2, 1)])
    with statements(engine) as sent:
        boxes = [
            [len(boxes) for boxes in (shelf.by_selectin, shelf.by_join, shelf.by_subquery, shelf.at_once)]
            for shelf in found
        ]

    assert [[2, 2, 2, 2]] * 2 == boxes
    assert [] == sent


def test_references_of_a_closed_session_load_in_another(engine: Engine, session: Session):
    with Session(engine) as first:
        order = first.get(Order, 1)
        first.commit()
    ref = reference(order)

    assert (1, None) == (load_all(session, [ref])[0].id, ref.version)


def test_a_scoped_session_is_taken(engine: Engine):
    sessions = scoped_session(sessionmaker(engine))

    orders = load_all(sessions, [Reference(Order, (1,))])

    assert orders[0] in sessions
    sessions.remove()


def test_an_identity_token_is_kept_and_found_again(engine: Engine, session: Session):
    ref = Reference(Order, (1,), "europe")

    order = ref.load(session)
    with statements(engine) as sent:
        again = ref.load(session)

    assert (order, ref.identity_token, []) == (again, reference(order).identity_token, sent)
    assert order is not session.get(Order, 1)


# --- inheritance


def test_a_subclass_is_loaded_whole_with_one_select(engine: Engine, session: Session):
    with statements(engine) as sent:
        [manager] = load_all(session, [Reference(Manager, (1,))])
        values = (manager.name, manager.budget)

    assert ("Grace", 100) == values
    assert 1 == len(sent)


def test_a_reference_to_the_base_gives_whole_objects_of_subclasses(engine: Engine, session: Session):
    with statements(engine) as sent:
        found = load_all(session, [Reference(Employee, (number,)) for number in (1, 2, 4)])
        values = (found[0].budget, found[1].language)

    assert [Manager, Engineer, Employee] == [type(obj) for obj in found]
    assert (100, "python") == values
    assert 3 == len(sent)


def test_a_row_that_has_become_of_another_class_is_missing(session: Session):
    session.execute(text("UPDATE employee SET type = 'employee' WHERE id = 2"))

    assert [] == load_all(session, [Reference(Engineer, (2,))], missing="skip")
    assert [2] == [obj.id for obj in load_all(session, [Reference(Employee, (2,))])]
    assert [] == load_all(session, [Reference(Engineer, (2,))], missing="skip")


# --- rows that are gone


def test_missing_rows_are_an_error_that_has_their_references(session: Session):
    refs = [Reference(Order, (number,)) for number in (1, 77, 2, 78)]

    with pytest.raises(MissingRowsError) as caught:
        load_all(session, refs)

    why = "deleted meanwhile, not committed yet, or committed after this transaction began to read"
    assert f"no row for Order (77,), Order (78,): {why}" == str(caught.value)
    assert (refs[1], refs[3]) == caught.value.missing


def test_a_long_list_of_missing_rows_is_cut_short(session: Session):
    with pytest.raises(MissingRowsError, match=r"no row for Coupon \(6,\), .*, Coupon \(10,\) and 995 more: "):
        load_all(session, [Reference(Coupon, (6 + n,)) for n in range(1_000)])


def test_missing_rows_can_be_left_out(session: Session):
    found = load_all(session, [Reference(Order, (number,)) for number in (77, 2, 78, 1)], missing="skip")

    assert [2, 1] == [order.id for order in found]


def test_a_single_reference_whose_row_is_gone_is_an_error(session: Session):
    with pytest.raises(MissingRowsError, match=r"no row for Item \(1, 77\): "):
        Reference(Item, (1, 77)).load(session)


def test_an_expired_object_whose_row_another_connection_has_deleted_is_missing(engine: Engine, session: Session):
    order = session.get(Order, 1)
    session.commit()
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM item"))
        connection.execute(text("DELETE FROM orders WHERE id = 1"))

    with pytest.raises(MissingRowsError):
        load_all(session, [reference(order)])


def test_rows_that_a_listener_hides_are_missing(session: Session):
    @event.listens_for(session, "do_orm_execute")
    def hide(state: Any) -> None:
        state.statement = state.statement.options(with_loader_criteria(Order, Order.id != 2))

    found = load_all(session, [Reference(Order, (number,)) for number in (1, 2)], missing="skip")

    assert [1] == [order.id for order in found]


def test_a_deleted_object_has_no_reference(session: Session):
    coupon = session.get(Coupon, 1)
    session.delete(coupon)
    session.flush()
    with pytest.raises(ObjectStateError) as flushed:
        reference(coupon)
    session.commit()
    with pytest.raises(ObjectStateError) as committed:
        reference(coupon)

    assert "Coupon (1,) is deleted: there is no row to refer to" == str(flushed.value) == str(committed.value)


def test_an_object_whose_deletion_was_rolled_back_has_a_reference_again(session: Session):
    coupon = session.get(Coupon, 1)
    session.delete(coupon)
    session.flush()
    session.rollback()

    assert coupon is reference(coupon).load(session)


def test_a_reference_after_a_rollback_costs_nothing(engine: Engine, session: Session):
    order = session.get(Order, 1)
    session.rollback()

    with statements(engine) as sent:
        ref = reference(order)

    assert (Reference(Order, (1,)), []) == (ref, sent)


# --- versions


def change_order(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE orders SET state = 'paid', version = version + 1 WHERE id = 1"))


def test_a_changed_row_is_an_error_that_names_both_versions(engine: Engine, session: Session):
    change_order(engine)

    with pytest.raises(StaleDataError) as caught:
        load_all(session, [Reference(Order, (number,), version=1) for number in (1, 2)])

    assert "Order (1,) has version 2, the reference has version 1" == str(caught.value)


def test_a_changed_row_can_be_taken_as_it_is(engine: Engine, session: Session):
    change_order(engine)
    ref = Reference(Order, (1,), version=1)

    assert "paid" == load_all(session, [ref], version="ignore")[0].state
    assert "paid" == ref.load(session, version="ignore").state


def test_a_reference_without_a_version_takes_any_row(engine: Engine, session: Session):
    change_order(engine)

    assert "paid" == Reference(Order, (1,)).load(session).state


def test_a_session_that_is_behind_the_reference_reads_anew(engine: Engine, session: Session):
    session.expire_on_commit = False
    order = session.get(Order, 1)
    session.commit()
    change_order(engine)

    with statements(engine) as sent:
        [found] = load_all(session, [Reference(Order, (1,), version=2)])

    assert 1 == len(sent)
    assert (order, "paid", 2) == (found, found.state, found.version)


def test_a_session_that_has_changed_the_object_does_not_read_anew(engine: Engine, session: Session):
    order = session.get(Order, 1)
    order.state = "mine"

    with pytest.raises(StaleDataError, match=r"Order \(1,\) has version 1, the reference has version 2"):
        load_all(session, [Reference(Order, (1,), version=2)])
    assert "mine" == order.state


def test_a_version_that_is_not_loaded_is_loaded(engine: Engine, session: Session):
    order = session.scalars(select(Order).where(Order.id == 1).options(load_only(Order.state))).one()

    with statements(engine) as sent:
        [found] = load_all(session, [Reference(Order, (1,), version=1)])

    assert order is found
    assert 1 == len(sent)


def test_a_session_that_is_behind_a_deletion_says_so(engine: Engine, session: Session):
    session.expire_on_commit = False
    held = session.get(Coupon, 1)
    order = session.get(Order, 1)
    session.commit()
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM item"))
        connection.execute(text("DELETE FROM orders WHERE id = 1"))
    ref = Reference(Order, (1,), version=2)

    assert (1, 1) == (held.id, order.version)
    with pytest.raises(MissingRowsError):
        load_all(session, [ref])


# --- bad input


@pytest.mark.parametrize(
    ("refs", "message"),
    [
        ("Order", "expected references, got str at index 0: Reference.loads"),
        ([Reference(Order, (1,)), Order()], "expected references, got Order at index 1: .*outlive.reference"),
        ([None], "expected references, got NoneType at index 0"),
        (Reference(Order, (1,)), r"expected an iterable of references, got Reference\(Order, .*: that is ref.load"),
    ],
)
def test_what_is_no_reference_is_refused_with_the_remedy(session: Session, refs: Any, message: str):
    with pytest.raises(InvalidReferenceError, match=message):
        load_all(session, refs)


@pytest.mark.parametrize(("option", "value"), [("missing", "insert"), ("missing", None), ("version", "any")])
def test_an_unknown_option_is_refused(session: Session, option: str, value: Any):
    with pytest.raises(ArgumentError, match=f"{option}= is .* or .*, got {value!r}"):
        load_all(session, [], **{option: value})


def test_what_is_no_session_is_refused_with_the_remedy():
    with pytest.raises(TypeError, match="expected a Session or scoped_session, got None"):
        load_all(None, [])  # type: ignore[arg-type]


# --- keys of every type

VALUES: dict[type[Any], Any] = {
    int: 2**40,
    str: 'Zoë "the" {1}',
    uuid.UUID: uuid.UUID(int=7),
    datetime: datetime(2026, 11, 25, 12, 30, 1, 5),
    date: date(2026, 11, 25),
    time: time(12, 30, 1),
    timedelta: timedelta(days=3, seconds=1),
    Decimal: Decimal("12.50"),
    bytes: b"\x00\xff",
    keyed.Size: keyed.Size.LARGE,
    bool: True,
    float: 0.1,
}


@pytest.mark.filterwarnings("ignore:Dialect sqlite.* does .not. support Decimal:sqlalchemy.exc.SAWarning")
@pytest.mark.parametrize("class_", [*keyed.BY.values(), keyed.ByGuid, keyed.ByChar], ids=lambda class_: class_.__name__)
def test_a_row_is_found_by_the_text_of_its_key(every_database: Database, class_: Any):
    value = {keyed.ByGuid: uuid.UUID(int=7), keyed.ByChar: "abc"}.get(class_) or next(
        VALUES[kind] for kind, other in keyed.BY.items() if other is class_
    )
    with every_database.engine() as engine:
        with engine.begin() as connection:
            class_.__table__.create(connection)
        with Session(engine, expire_on_commit=False) as session:
            obj = class_(key_0=value)
            session.add(obj)
            session.commit()
        ref = reference(obj)
        with Session(engine) as session:
            [found] = load_all(session, [Reference.loads(ref.dumps(), keyed.Base)])

        assert isinstance(found, class_)
        assert class_ is keyed.ByChar or ref == reference(found)
