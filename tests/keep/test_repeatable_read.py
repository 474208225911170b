"""A transaction that reads the same rows again and again: what is new in it, and what is not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, delete, insert, inspect, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from outlive import MissingRowsError, Reference, ensure_loaded, fresh, load_all, reattach, refresh_all
from tests import store
from tests.conftest import chosen
from tests.store import Item, Order, Product


@pytest.fixture(params=["psycopg", "pymysql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """MariaDB's transactions do so by default."""
    with chosen(request, tmp_path).engine(store) as engine:
        yield engine


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    by_default = engine.dialect.name == "mariadb"
    with Session(engine if by_default else engine.execution_options(isolation_level="REPEATABLE READ")) as session:
        yield session


@pytest.fixture
def order(session: Session) -> Order:
    """With its items; the first read of the transaction."""
    order = session.get(Order, 1)
    assert 2 == len(order.items)
    return order


def others_go_on(engine: Engine) -> None:
    """One order and its items change, the next goes, another one comes."""
    with engine.begin() as connection:
        connection.execute(update(Order.__table__).values(state="paid", version=2).where(Order.id == 1))
        connection.execute(update(Item).values(quantity=9).where(Item.order_id == 1))
        connection.execute(delete(Item).where(Item.order_id == 2))
        connection.execute(delete(Order).where(Order.id == 2))
        connection.execute(insert(Order.__table__).values(id=9, version=1))


# --- without a lock


@pytest.mark.parametrize("end", [Session.commit, Session.rollback])
def test_a_refresh_brings_nothing_new_before_the_end(
    end: Callable[[Session], None], engine: Engine, session: Session, order: Order
):
    others_go_on(engine)

    refresh_all(session, [order, *order.items])
    within = (order.state, order.items[0].quantity, fresh(session, order, Order.state))
    end(session)
    refresh_all(session, [order, *order.items])

    assert ("new", 1, "new") == within
    assert ("paid", 9, "paid") == (order.state, order.items[0].quantity, fresh(session, order, Order.state))


def test_a_row_that_is_gone_is_there_before_the_end(engine: Engine, session: Session, order: Order):
    gone = session.get(Order, 2)
    others_go_on(engine)

    assert [order, gone] == refresh_all(session, [order, gone])
    session.commit()
    assert [order] == refresh_all(session, [order, gone], missing="skip")


def test_what_is_loaded_later_is_as_old_as_the_rest(engine: Engine, session: Session, order: Order):
    others_go_on(engine)

    other = load_all(session, [Reference(Order, (2,))])[0]
    ensure_loaded(session, other, Order.items)

    assert [(2, 1), (2, 2)] == [inspect(item).identity for item in other.items]


def test_a_reference_to_what_came_later_finds_no_row(engine: Engine, session: Session, order: Order):
    others_go_on(engine)
    ref = Reference(Order, (9,))

    with pytest.raises(MissingRowsError, match="or committed after this transaction began to read"):
        load_all(session, [ref])
    session.commit()
    assert 9 == load_all(session, [ref])[0].id


def test_a_reference_to_what_has_changed_finds_the_old_version(engine: Engine, session: Session, order: Order):
    others_go_on(engine)
    ref = Reference(Order, (1,), version=2)

    with pytest.raises(StaleDataError, match=r"Order \(1,\) has version 1, the reference has version 2"):
        load_all(session, [ref])
    session.commit()
    assert "paid" == load_all(session, [ref])[0].state


def test_a_copy_of_an_old_version_is_refused_by_the_flush(engine: Engine, session: Session, order: Order):
    with Session(engine) as other:
        copy = other.get(Order, 1)
    copy.state = "mine"
    session.get(Product, UUID(int=1))
    session.expunge_all()
    others_go_on(engine)

    found = reattach(session, copy)

    assert ("mine", 1) == (found.state, found.version)
    with pytest.raises((StaleDataError, DBAPIError), match=r"expected to update 1 row|could not serialize access"):
        session.commit()


# --- with a lock


@pytest.mark.parametrize("lock", [True, {"read": True}, {"skip_locked": True}], ids=str)
def test_a_lock_reads_what_is_there_now_or_fails(lock: Any, engine: Engine, session: Session, order: Order):
    gone = session.get(Order, 2)
    others_go_on(engine)

    if engine.dialect.name == "postgresql":
        with pytest.raises(DBAPIError, match="could not serialize access"):
            refresh_all(session, [order, gone], with_for_update=lock)
        return
    assert [order] == refresh_all(session, [order, gone], with_for_update=lock, missing="skip")
    assert "paid" == order.state


def test_what_a_lock_has_read_is_old_again_without_it(engine: Engine, session: Session, order: Order):
    if engine.dialect.name == "postgresql":
        pytest.skip("fails with the lock")
    others_go_on(engine)
    refresh_all(session, order, [Order.state, Order.items], with_for_update=True)
    refresh_all(session, order.items)
    locked = (order.state, order.items[0].quantity)
    refresh_all(session, order)

    assert (("paid", 1), "new") == (locked, order.state)


def test_a_database_that_isolates_snapshots_fails_with_the_lock(engine: Engine, session: Session, order: Order):
    if engine.dialect.name == "postgresql":
        pytest.skip("always does")
    try:
        session.execute(text("SET SESSION innodb_snapshot_isolation = ON"))
    except DBAPIError:
        pytest.skip("knows no such setting")
    others_go_on(engine)

    with pytest.raises(DBAPIError, match="Record has changed since last read"):
        refresh_all(session, order, with_for_update=True)
