"""What an object of our factories can be asked after its session has gone on, and what that costs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, event, inspect, select, update
from sqlalchemy import orm as sqlalchemy_orm
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, scoped_session, undefer
from sqlalchemy.orm.exc import ObjectDeletedError

from outlive import sessionmaker
from tests import store
from tests.databases import VERSION, Database
from tests.store import Coupon, Customer, Employee, Manager, Order, Shelf, Supplier, statements

# SQLAlchemy said so of every UPDATE with a version counter on SQLite, in its first 2.0 releases.
pytestmark = pytest.mark.filterwarnings("ignore:.*versioning cannot be verified:sqlalchemy.exc.SAWarning")
bulk_update_expires_computed_columns = pytest.mark.skipif(
    VERSION < (2, 0, 36), reason="a bulk UPDATE expires onupdate columns since SQLAlchemy 2.0.36"
)


@pytest.fixture
def engine(every_database: Database) -> Iterator[Engine]:
    with every_database.engine(store) as engine:
        yield engine


@pytest.fixture
def factory(engine: Engine) -> sessionmaker[Session]:
    return sessionmaker(engine)


def expired_columns(obj: object) -> set[str]:
    state = inspect(obj, raiseerr=True)
    return state.expired_attributes.intersection(state.mapper.column_attrs.keys())


def has_returning(engine: Engine) -> bool:
    with engine.connect():
        return engine.dialect.update_returning


# --- after a commit


def test_a_changed_object_stays_readable_after_commit_and_close(factory: sessionmaker[Session]):
    with factory() as session:
        order = session.get(Order, 1)
        order.state = "paid"
        session.commit()

    assert ("paid", 1) == (order.state, order.id)
    assert order.changed_at is not None
    assert set() == expired_columns(order)


def test_the_value_is_that_of_the_database(engine: Engine, factory: sessionmaker[Session]):
    with factory() as session:
        order = session.get(Order, 1)
        order.total = Order.total + 1
        session.commit()
    with Session(engine) as session:
        stored = session.get(Order, 1)

        assert (stored.total, stored.changed_at, stored.version) == (order.total, order.changed_at, order.version)


def test_one_changed_row_costs_no_select_where_the_database_returns(engine: Engine, factory: sessionmaker[Session]):
    with factory() as session:
        coupon = session.get(Coupon, 1)
        coupon.code = "TWENTY"
        with statements(engine) as sent:
            session.commit()

    selects = 0 if has_returning(engine) else 1
    assert ["UPDATE"] + ["SELECT"] * selects == [statement.split()[0] for statement in sent]
    assert coupon.used_at is not None


def test_many_changed_rows_cost_one_select_for_each_class(engine: Engine, factory: sessionmaker[Session]):
    with factory() as session:
        session.add_all(Coupon(code=str(number)) for number in range(5))
        session.add_all(Supplier(str(number)) for number in range(5))
        session.commit()
        coupons = session.scalars(select(Coupon)).all()
        suppliers = session.scalars(select(Supplier)).all()
        for coupon in coupons:
            coupon.code += "!"
        for supplier in suppliers:
            supplier.name += "!"
        with statements(engine) as sent:
            session.commit()

    assert 2 == sum(statement.startswith("SELECT") for statement in sent)
    assert 2 == sum(statement.startswith("UPDATE") for statement in sent)
    assert [set()] * 12 == [expired_columns(obj) for obj in (*coupons, *suppliers)]


def test_more_rows_than_a_chunk_cost_one_select_for_each_chunk(engine: Engine, factory: sessionmaker[Session]):
    with factory() as session:
        session.add_all(Coupon(code=str(number)) for number in range(2_001))
        session.commit()
        coupons = session.scalars(select(Coupon)).all()
        for coupon in coupons:
            coupon.code = "same"
        with statements(engine) as sent:
            session.commit()

    assert 3 == sum(statement.startswith("SELECT") for statement in sent)
    assert all(coupon.used_at is not None for coupon in coupons)


def test_nothing_to_fetch_costs_nothing(engine: Engine, factory: sessionmaker[Session]):
    with factory() as session:
        session.scalars(select(Order)).all()
        with statements(engine) as sent:
            session.commit()

    assert [] == sent


def test_what_an_earlier_flush_expired_is_there_after_the_commit(engine: Engine, factory: sessionmaker[Session]):
    with factory() as session:
        orders = session.scalars(select(Order)).all()
        for order in orders:
            order.state = "sent"
        session.flush()
        session.commit()

    assert [set()] * 3 == [expired_columns(order) for order in orders]


@bulk_update_expires_computed_columns
@pytest.mark.parametrize("synchronize", ["auto", "fetch", "evaluate"])
def test_what_a_bulk_update_expired_is_there_after_the_commit(factory: sessionmaker[Session], synchronize: str):
    with factory() as session:
        coupon = session.get(Coupon, 1)
        statement = update(Coupon).where(Coupon.id == 1).values(code=Coupon.code + "!")
        session.execute(statement, execution_options={"synchronize_session": synchronize})
        session.commit()

    assert "TEN!" == coupon.code
    assert coupon.used_at is not None


def test_a_new_object_has_its_key_and_what_the_server_computed(factory: sessionmaker[Session]):
    with factory() as session:
        order = Order(customer_id=1)
        session.add(order)
        session.commit()

    assert ("new", 4) == (order.state, order.id)
    assert order.changed_at is not None


def test_what_was_never_set_is_still_none_after_the_close(factory: sessionmaker[Session]):
    with factory() as session:
        orders = [Order(customer_id=1), Order(customer_id=1)]
        session.add_all(orders)
        session.commit()
        for order in orders:
            order.state = "sent"
        session.commit()

    assert [None, None] == [order.total for order in orders]


def test_the_columns_of_a_subclass_come_along(factory: sessionmaker[Session]):
    with factory() as session:
        boss = session.scalars(select(Employee).where(Employee.id == 1)).one()
        assert isinstance(boss, Manager)
        boss.budget = 5
        session.commit()

    assert boss.touched is not None
    assert "Grace" == boss.name


def test_begin_is_no_way_around_it(factory: sessionmaker[Session]):
    with factory.begin() as session:
        one = session.get(Coupon, 1)
        one.code = "A"
    with factory() as session, session.begin():
        two = session.get(Coupon, 1)
        two.code = "B"

    assert one.used_at is not None
    assert two.used_at is not None


def test_the_release_of_a_savepoint_leaves_no_column_expired(factory: sessionmaker[Session]):
    with factory() as session:
        orders = session.scalars(select(Order)).all()
        with session.begin_nested():
            for order in orders:
                order.state = "sent"

        assert [set()] * 3 == [expired_columns(order) for order in orders]


def test_what_a_listener_changes_before_the_commit_is_there_too(factory: sessionmaker[Session]):
    @event.listens_for(factory, "before_commit")
    def change(session: Session) -> None:
        for obj in session.identity_map.values():
            obj.code = "changed late"

    with factory() as session:
        coupon = session.get(Coupon, 1)
        session.commit()

    assert "changed late" == coupon.code
    assert coupon.used_at is not None


def test_a_listener_before_the_commit_sees_what_is_new(factory: sessionmaker[Session]):
    seen: list[object] = []
    event.listen(factory, "before_commit", lambda session: seen.extend(session.new))
    with factory() as session:
        coupon = Coupon(code="NEW")
        session.add(coupon)
        session.commit()

    assert [coupon] == seen


def test_your_own_expire_stays(engine: Engine, factory: sessionmaker[Session]):
    with factory() as session:
        order, coupon = session.get(Order, 1), session.get(Coupon, 1)
        session.expire(order, ["state"])
        session.expire(coupon)
        order.total = Order.total + 1
        with statements(engine) as sent:
            session.commit()

        assert {"state"} == expired_columns(order)
        assert {"id", "code", "used_at"} == expired_columns(coupon)
        assert [] == [statement for statement in sent if "coupon" in statement]


def test_expire_all_stays(engine: Engine, factory: sessionmaker[Session]):
    with factory() as session:
        order = session.get(Order, 1)
        session.expire_all()
        with statements(engine) as sent:
            session.commit()

        assert [] == sent
        assert "state" in expired_columns(order)


def test_your_own_expire_has_the_last_word_on_what_a_refresh_has_left(factory: sessionmaker[Session]):
    with factory() as session:
        order = session.get(Order, 1)
        assert order.notes == "note 1"
        session.refresh(order)
        assert "notes" in inspect(order).expired_attributes
        session.expire_all()
        session.commit()

        assert "notes" not in inspect(order).dict


def test_an_expired_value_of_another_object_of_the_class_is_not_loaded_by_the_way(factory: sessionmaker[Session]):
    with factory() as session:
        kept, mine = session.scalars(select(Order).where(Order.id < 3).order_by(Order.id)).all()
        kept.total = Order.total + 1
        mine.state = "sent"
        session.flush()
        session.expire(mine, ["total"])
        session.commit()

        assert (set(), {"total"}) == (expired_columns(kept), expired_columns(mine))


def test_a_deferred_column_stays_unloaded(engine: Engine, factory: sessionmaker[Session]):
    with factory() as session:
        orders = session.scalars(select(Order)).all()
        for order in orders:
            order.state = "sent"
        session.commit()

    assert [("notes", "secret")] * 3 == [
        tuple(name for name in ("notes", "secret") if name not in inspect(order).dict) for order in orders
    ]


def test_relationships_that_load_with_their_object_cost_nothing_more(engine: Engine, factory: sessionmaker[Session]):
    with factory() as session:
        shelf = session.get(Shelf, 1)
        session.execute(
            update(Shelf).values(label=Shelf.label + "!"), execution_options={"synchronize_session": "fetch"}
        )
        session.rollback()
        with statements(engine) as sent:
            session.commit()

    assert 1 == len(sent)
    assert "shelf 1" == shelf.label


def test_a_mutable_value_is_still_tracked_after_it_was_fetched(engine: Engine, factory: sessionmaker[Session]):
    with factory() as session:
        customer = session.get(Customer, 1)
        session.rollback()
        session.commit()
        assert customer.settings is not None
        customer.settings["theme"] = "light"
        session.commit()
    with Session(engine) as session:
        assert {"theme": "light"} == session.get(Customer, 1).settings


def test_pending_changes_are_written_and_not_overwritten(engine: Engine, factory: sessionmaker[Session]):
    with factory() as session:
        order = session.get(Order, 1)
        session.execute(update(Order).values(total=Order.total + 1), execution_options={"synchronize_session": "fetch"})
        order.state = "mine"
        session.commit()
    with Session(engine) as session:
        assert "mine" == order.state == session.get(Order, 1).state


# --- after a rollback


def raising_savepoint(session: Session) -> None:
    with pytest.raises(ZeroDivisionError), session.begin_nested():
        change_and_fail(session)


def change_and_fail(session: Session) -> None:
    for obj in session.identity_map.values():
        obj.name = "changed"
    session.flush()
    raise ZeroDivisionError


def failing_flush(session: Session) -> None:
    session.add_all([Manager(id=1, name="twice")])
    with pytest.raises(IntegrityError):
        session.flush()
    session.rollback()


@pytest.mark.filterwarnings("ignore:New instance .* with identity key:sqlalchemy.exc.SAWarning")
@pytest.mark.parametrize("roll_back", [Session.rollback, raising_savepoint, failing_flush])
def test_the_key_stays_readable_after_a_rollback(
    engine: Engine, factory: sessionmaker[Session], roll_back: Callable[[Session], None]
):
    with factory() as session:
        boss = session.get(Manager, 1)
        roll_back(session)
        with statements(engine) as sent:
            assert 1 == boss.id
        assert [] == sent
        assert {"name", "budget"} <= expired_columns(boss)
    assert 1 == boss.id


def test_the_key_stays_readable_after_a_block_that_raises(engine: Engine, factory: sessionmaker[Session]):
    kept: list[Manager] = []

    def read_and_fail(session: Session) -> None:
        kept.append(session.get(Manager, 1))
        change_and_fail(session)

    with pytest.raises(ZeroDivisionError), factory.begin() as session:
        read_and_fail(session)
    with pytest.raises(ZeroDivisionError), factory() as session, session.begin():
        read_and_fail(session)

    assert [1, 1] == [boss.id for boss in kept]


def test_everything_else_reloads_after_a_rollback(engine: Engine, factory: sessionmaker[Session]):
    with factory() as session:
        boss = session.get(Manager, 1)
        boss.name = "changed"
        session.rollback()
        with statements(engine) as sent:
            assert ("Grace", 100) == (boss.name, boss.budget)

        assert 1 == len(sent)


def test_a_rollback_hides_no_deleted_row(engine: Engine, factory: sessionmaker[Session]):
    with factory() as session:
        coupon = session.get(Coupon, 1)
        session.rollback()
        with engine.begin() as connection:
            connection.execute(store.Base.metadata.tables["coupon"].delete())

        assert session.get(Coupon, 1) is None
        with pytest.raises(ObjectDeletedError):
            coupon.code  # noqa: B018


def test_a_key_that_the_rollback_took_back_is_the_old_one(factory: sessionmaker[Session]):
    with factory() as session:
        coupon = session.get(Coupon, 1)
        coupon.id = 77
        session.flush()
        session.rollback()

        assert 1 == coupon.id


def test_a_commit_after_the_rollback_leaves_nothing_expired(engine: Engine, factory: sessionmaker[Session]):
    with factory() as session:
        order = session.get(Order, 1, options=[undefer(Order.notes)])
        session.rollback()
        with statements(engine) as sent:
            session.commit()

    assert 1 == len(sent)
    assert ("new", "note 1") == (order.state, order.notes)
    assert "secret" not in inspect(order).dict


def test_a_flush_after_the_rollback_leaves_in_hand_what_it_always_did(engine: Engine, factory: sessionmaker[Session]):
    with factory() as session:
        changed, deleted = session.get(Order, 1), session.get(Coupon, 1)
        session.rollback()
        changed.state = "sent"
        session.delete(deleted)
        session.flush()
        with statements(engine) as sent:
            assert (1, "TEN") == (changed.customer_id, deleted.code)
        assert [] == sent


def test_objects_that_leave_the_session_keep_what_they_have(factory: sessionmaker[Session]):
    with factory() as session:
        order, coupon = session.get(Order, 1), session.get(Coupon, 1)
        order.state = "sent"
        session.commit()
        session.expunge(order)
        session.rollback()
        session.expunge_all()

    assert ("sent", 1) == (order.state, coupon.id)


# --- a drop-in


def test_expire_on_commit_gives_the_behaviour_of_sqlalchemy_back(engine: Engine):
    factory = sessionmaker(engine, expire_on_commit=True)
    with factory() as session:
        coupon = session.get(Coupon, 1)
        coupon.code = "A"
        with statements(engine) as sent:
            session.commit()

        assert {"id", "code", "used_at"} == expired_columns(coupon)
        assert not any("RETURNING" in statement or "SELECT" in statement for statement in sent)

        session.refresh(coupon)
        session.rollback()

        assert {"id", "code", "used_at"} == expired_columns(coupon)


def test_one_session_of_the_factory_can_opt_out(engine: Engine, factory: sessionmaker[Session]):
    with factory(expire_on_commit=True) as session:
        coupon = session.get(Coupon, 1)
        session.commit()

        assert {"id", "code", "used_at"} == expired_columns(coupon)


class Named(Session):
    """A session class of the user's own."""

    name = "mine"

    def flush(self, objects: Any = None) -> None:
        self.name = "flushed"
        super().flush(objects)


def test_a_session_class_of_your_own_keeps_what_it_does(engine: Engine):
    factory = sessionmaker(engine, class_=Named, info={"a": 1})
    with factory(info={"b": 2}) as session:
        coupon = session.get(Coupon, 1)
        coupon.code = "A"
        session.commit()

        assert isinstance(session, Named)
        assert ("flushed", {"a": 1, "b": 2}) == (session.name, session.info)
    assert coupon.used_at is not None


def test_the_factory_is_one_of_sqlalchemy(engine: Engine):
    factory: sessionmaker[Session] = sessionmaker()
    factory.configure(bind=engine, autoflush=False)
    with factory() as session:
        assert isinstance(factory, sqlalchemy_orm.sessionmaker)
        assert isinstance(session, Session)
        assert (engine, False) == (session.bind, session.autoflush)


def test_events_can_be_listened_to_on_the_factory_alone(engine: Engine):
    mine, other = sessionmaker(engine), sessionmaker(engine)
    seen: list[object] = []
    event.listen(mine, "after_commit", seen.append)
    with other() as session:
        session.get(Coupon, 1)
        session.commit()
    with mine() as session:
        session.get(Coupon, 1)
        session.commit()

        assert [session] == seen


def test_it_serves_scoped_sessions(factory: sessionmaker[Session]):
    session = scoped_session(factory)
    coupon = session.get(Coupon, 1)
    coupon.code = "A"
    session.commit()
    session.remove()

    assert coupon.used_at is not None


def test_sessions_of_sqlalchemy_are_left_alone(engine: Engine, factory: sessionmaker[Session]):
    with factory() as session:
        session.get(Coupon, 1)
        session.commit()
    with Session(engine) as session:
        coupon = session.get(Coupon, 1)
        session.rollback()

        assert {"id", "code", "used_at"} == expired_columns(coupon)
        assert not {name for name in inspect(coupon).__dict__ if "outlive" in name}


@bulk_update_expires_computed_columns
def test_an_error_of_the_fetch_is_the_users_to_see(engine: Engine, factory: sessionmaker[Session]):
    @event.listens_for(engine, "before_cursor_execute")
    def refuse(*arguments: Any) -> None:
        if arguments[2].startswith("SELECT coupon"):
            raise ZeroDivisionError

    with factory() as session:
        coupon = Coupon(code="A")
        session.add(coupon)
        session.flush()
        session.execute(update(Coupon).values(code=Coupon.code + "!"))
        session.expire_on_commit = False
        event.listen(engine, "before_cursor_execute", refuse)
        with pytest.raises(ZeroDivisionError):
            session.commit()
        session.rollback()

        assert not inspect(coupon).persistent
