"""What SQLAlchemy's own merge does where ``reattach`` does something else: the documentation says so."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine, delete, select, update
from sqlalchemy.orm import Session, undefer
from sqlalchemy.orm.exc import StaleDataError

from tests.store import Coupon, Customer, Order, statements

pytestmark = pytest.mark.filterwarnings("ignore:Dialect sqlite.* does not support updated rowcount")


def cached(engine: Engine, class_: type[Any], *options: Any) -> list[Any]:
    with Session(engine) as session:
        return list(session.scalars(select(class_).order_by(class_.id).options(*options)))


def test_it_sends_a_select_for_each_object(engine: Engine, session: Session):
    orders = cached(engine, Order)

    with statements(engine) as sent, session.no_autoflush:
        merged = [session.merge(order) for order in orders]
    assert (3, 3) == (len(merged), len(sent))

    session.expunge_all()
    if hasattr(session, "merge_all"):
        with statements(engine) as sent:
            merged = session.merge_all(orders)
        assert (3, 3) == (len(merged), len(sent))


def test_it_inserts_a_row_that_was_deleted_meanwhile(engine: Engine, session: Session):
    [coupon] = cached(engine, Coupon)
    session.execute(delete(Coupon))

    session.merge(coupon)
    session.flush()

    assert ["TEN"] == list(session.scalars(select(Coupon.code)))


def test_it_writes_a_loaded_deferred_column_that_did_not_change(engine: Engine, session: Session):
    order = cached(engine, Order, undefer(Order.notes))[0]

    merged = session.merge(order)
    with statements(engine) as sent:
        session.flush()

    assert "UPDATE orders SET version=" in sent[0]
    assert 2 == merged.version


def test_it_lets_the_last_of_two_copies_win(engine: Engine, session: Session):
    one, two = (cached(engine, Customer)[0] for _ in range(2))
    one.name = "changed"

    merged = [session.merge(copy) for copy in (one, two)]

    assert "Ada" == merged[0].name


def test_it_has_changed_something_when_it_finds_another_version(engine: Engine, session: Session):
    orders = cached(engine, Order)
    orders[0].state = "mine"
    session.execute(update(Order).where(Order.id == 2).values(version=2))

    session.merge(orders[0])
    with pytest.raises(StaleDataError):
        session.merge(orders[1])

    assert "mine" == session.scalar(select(Order.state).where(Order.id == 1))


def test_without_a_load_it_writes_a_change_as_if_the_row_had_it(engine: Engine, session: Session):
    mine = session.get(Order, 1)
    order = cached(engine, Order)[0]
    order.state = "paid"

    assert mine is session.merge(order, load=False)
    session.flush()

    assert ("paid", False) == (mine.state, session.is_modified(mine))
    assert "new" == session.scalar(select(Order.state).where(Order.id == 1))
