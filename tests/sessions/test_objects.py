"""Which objects a session may work with."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from outlive import ObjectStateError, ensure_loaded, reattach, refresh_all
from outlive.sessions.objects import is_persistent_in
from tests.store import Base, Invoice, Order, Shelf


@pytest.fixture
def session() -> Iterator[Session]:
    """With one shelf."""
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine, expire_on_commit=False) as session:
        session.add(Shelf(id=1, label="mine"))
        session.commit()
        session.expunge_all()
        yield session
    engine.dispose()


def is_persistent(session: Session, obj: object) -> bool:
    """By our word, which says what SQLAlchemy's own say."""
    state = inspect(obj, raiseerr=True)
    found = is_persistent_in(session, state)

    assert found == (state.persistent and state.session is session)
    return found


def test_a_pending_object_is_not_persistent_before_its_flush_and_after_its_rollback(session: Session):
    session.add(shelf := Shelf(id=2, label="new"))

    assert not is_persistent(session, shelf)
    session.flush()
    assert is_persistent(session, shelf)
    session.rollback()
    assert not is_persistent(session, shelf)


def test_a_deleted_object_is_persistent_until_its_flush_and_after_its_rollback(session: Session):
    shelf = session.get(Shelf, 1)

    session.delete(shelf)
    assert is_persistent(session, shelf)
    assert [shelf] == refresh_all(session, shelf)
    assert shelf is reattach(session, shelf)
    session.flush()
    assert not is_persistent(session, shelf)
    session.rollback()
    assert is_persistent(session, shelf)


@pytest.mark.parametrize("flushed", [False, True])
def test_a_deleted_object_is_reached_until_its_flush(session: Session, *, flushed: bool):
    session.add(order := Order(id=1, notes="note"))
    session.flush()
    session.add(invoice := Invoice(order=order))
    session.commit()
    session.expire(order, ["notes"])

    session.delete(order)
    if flushed:
        session.execute(text("UPDATE invoice SET order_id = NULL"))
        session.flush()
        set_committed_value(invoice, "order", order)
    ensure_loaded(session, invoice, (Invoice.order, Order.notes))

    assert flushed != ("notes" in inspect(order).dict)


def test_an_object_of_another_session_of_a_closed_one_or_of_none_is_not_persistent(session: Session):
    shelf = session.get(Shelf, 1)
    with Session(session.get_bind()) as other:
        assert not is_persistent(other, shelf)
    session.expunge(shelf)
    assert not is_persistent(session, shelf)
    session.add(shelf)
    assert is_persistent(session, shelf)
    session.close()
    assert not is_persistent(session, shelf)


def test_an_object_is_persistent_under_its_new_key_and_under_its_old_one_again(session: Session):
    shelf = session.get(Shelf, 1)
    assert shelf is not None

    shelf.id = 5
    session.flush()
    assert is_persistent(session, shelf)
    session.rollback()
    assert is_persistent(session, shelf)


@pytest.mark.filterwarnings("ignore:Identity map already had an identity:sqlalchemy.exc.SAWarning")
def test_an_object_that_another_one_has_replaced_is_refused(session: Session):
    shelf = session.get(Shelf, 1)
    session.execute(text("DELETE FROM shelf"))
    session.add(new := Shelf(label="new"))
    session.flush()

    # As SQLAlchemy does.
    assert (1, True) == (new.id, inspect(shelf).persistent)
    with pytest.raises(InvalidRequestError, match="not persistent within this Session"):
        session.refresh(shelf)
    with pytest.raises(ObjectStateError, match=r"Shelf \(1,\) was replaced: its row was deleted, and another object"):
        refresh_all(session, [new, shelf])
