"""``audit``: what would fail once the session is closed, said without touching anything."""

from __future__ import annotations

import asyncio
import gc
import json
import pickle
import sys
import weakref
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy
import sqlalchemy.orm
from sqlalchemy import Engine, ForeignKey, select, update
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    defer,
    load_only,
    mapped_column,
    raiseload,
    relationship,
    scoped_session,
    selectinload,
)
from sqlalchemy.orm.exc import DetachedInstanceError, UnmappedInstanceError

from outlive import (
    Audit,
    Cause,
    UnsafeError,
    async_sessionmaker,
    audit,
    ensure_loaded,
    refresh_all,
    sessionmaker,
    unloaded,
)
from outlive.keep.audits import AuditEntry
from tests import corners, store
from tests.databases import MEMORY, Database
from tests.keep import worlds
from tests.keep.reading import happens
from tests.keep.worlds import OPERATIONS, World
from tests.store import Coupon, Customer, Employee, Item, Manager, Order, Product, statements

# SQLAlchemy 2.0.0 says so of each UPDATE with RETURNING and a version counter.
pytestmark = pytest.mark.filterwarnings("ignore:Dialect sqlite.* does not support updated rowcount")


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    with sessionmaker(engine)() as session:
        yield session


@pytest.fixture
def memory() -> Iterator[Session]:
    """For what does not depend on a database."""
    with MEMORY.engine(store) as engine, sessionmaker(engine)() as session:
        yield session


def attributes(audited: Audit) -> set[str]:
    return {f"{row.entity.__name__}.{row.attribute}" for row in audited.rows}


# --- what is in it


def test_each_attribute_that_would_fail_is_an_entry(session: Session):
    order = session.get(Order, 1)
    audited = audit(session)

    assert (
        AuditEntry(Order, (1,), "notes", Cause.DEFERRED),
        AuditEntry(Order, (1,), "customer", Cause.NEVER_LOADED),
        AuditEntry(Order, (1,), "items", Cause.NEVER_LOADED),
        AuditEntry(Order, (1,), "invoice", Cause.NEVER_LOADED),
    ) == audited.entries
    assert order is not None


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda it: it.__name__)
@pytest.mark.parametrize("model", [store, corners], ids=lambda it: it.__name__)
def test_it_says_of_many_objects_what_can_be_said_of_each(model: Any, operation: Callable[[World], None]):
    wrong = []
    for load in (worlds.everything, with_option(defer("*")), with_option(raiseload("*", sql_only=True))):
        with MEMORY.engine(model) as engine, sessionmaker(engine)() as session:
            world = World(session, model.Base)
            if happens(world, load, operation):
                one_by_one = [
                    (type(obj), sqlalchemy.inspect(obj).identity, name, cause)
                    for obj in world.objs
                    for name, cause in unloaded(obj).items()
                    if cause is not Cause.RAISE
                ]
                together = [(it.entity, it.identity_key, it.attribute, it.cause) for it in audit(world.objs)]
                wrong += [set(one_by_one) ^ set(together)] if sorted_texts(one_by_one) != sorted_texts(together) else []

    assert [] == wrong


def with_option(option: Any) -> Callable[[type[Any]], Any]:
    return lambda class_: select(class_).options(option)


def sorted_texts(entries: list[Any]) -> list[str]:
    return sorted(map(repr, entries))


def test_what_it_names_raises_once_the_session_is_closed_and_nothing_else_does(session: Session):
    objs = [*session.scalars(select(Order)), *session.scalars(select(Employee)), *session.scalars(select(Customer))]
    session.execute(update(Order).values(total=1))
    audited = {(it.entity, it.identity_key, it.attribute) for it in audit(session)}
    session.close()

    failing = set()
    for obj in objs:
        state = sqlalchemy.inspect(obj)
        for name in state.mapper.attrs.keys():  # noqa: SIM118  iterating it gives properties
            try:
                getattr(obj, name)
            except DetachedInstanceError:
                failing.add((type(obj), state.identity, name))
            except sqlalchemy.exc.InvalidRequestError:
                pass  # `lazy="raise"`, as it did before
    by_design = {(Order, (number,), "secret") for number in (1, 2, 3)}
    assert failing - by_design == audited


def test_a_session_is_asked_for_the_objects_that_the_program_holds(session: Session):
    order = session.get(Order, 1)
    session.get(Coupon, 1)
    gc.collect()

    assert {Order} == {row.entity for row in audit(session).rows}
    assert order is not None


def test_pending_objects_are_lost_and_do_not_fail(session: Session):
    session.add(Customer(name="new"))

    assert (0, 0) == (len(audit(session)), audit(session).objects)


def test_an_object_is_among_them_until_its_delete_is_flushed(session: Session):
    coupon = session.get(Coupon, 1)
    session.delete(coupon)
    before = audit(session).objects
    session.flush()

    assert (1, 0, 1) == (before, audit(session).objects, audit(coupon).objects)


def test_objects_in_any_state(session: Session):
    persistent, detached, pending, transient = session.get(Order, 1), session.get(Order, 2), Order(), Order()
    session.expunge(detached)
    session.add(pending)
    audited = audit([persistent, detached, pending, transient])

    assert 4 == audited.objects
    assert {(1,), (2,)} == {entry.identity_key for entry in audited}


def test_objects_of_several_sessions(engine: Engine):
    with sessionmaker(engine)() as one, sessionmaker(engine)() as two:
        audited = audit([one.get(Order, 1), two.get(Order, 1)])

    assert ((1,), (1,)) == audited.rows[0].identity_keys


def test_an_object_without_a_row_has_no_key():
    with MEMORY.engine(corners) as engine, sessionmaker(engine)() as session:
        street = corners.Street(name="Elm Street")
        session.add(street)
        session.flush()
        session.rollback()
        (entry,) = audit(street)
        text = str(audit(street))

    assert AuditEntry(corners.Street, None, "surface", Cause.FLUSH) == entry
    assert "without a row" in text


def test_what_is_guarded_raises_already_so_it_is_no_entry(session: Session):
    order = session.scalars(select(Order).options(raiseload("*"))).first()
    audited = audit(order)

    assert {"Order.notes"} == attributes(audited)
    assert {"secret", "customer", "items", "guarded_items", "invoice"} == {it.attribute for it in audited.forbidden}


def test_the_causes_of_one_attribute_are_told_apart(session: Session):
    orders = session.scalars(select(Order).order_by(Order.id)).all()
    orders[0].items  # noqa: B018
    session.expire(orders[0], ["items"])

    assert {((1,),): Cause.EXPIRE, ((2,), (3,)): Cause.NEVER_LOADED} == {
        row.identity_keys: row.cause for row in audit(session).rows if row.attribute == "items"
    }


# --- what can be audited


def test_a_scoped_session(engine: Engine):
    scoped = scoped_session(sessionmaker(engine))
    order = scoped.get(Order, 1)
    audited = audit(scoped)
    scoped.remove()

    assert "Order.items" in attributes(audited)
    assert order is not None


@pytest.mark.parametrize("is_scoped", [False, True], ids=["plain", "scoped"])
def test_an_async_session_without_an_await(is_scoped: bool, async_database: Database):
    from sqlalchemy.ext.asyncio import AsyncEngine, async_scoped_session  # noqa: PLC0415  fails without greenlet

    async def story(engine: AsyncEngine) -> Audit:
        factory = async_sessionmaker(engine)
        scoped = async_scoped_session(factory, asyncio.current_task)
        session = scoped if is_scoped else factory()
        order = await session.get(Order, 1)
        audited = audit(session)
        assert order is not None
        await session.close()
        return audited

    audited = async_database.tell(story, store)

    assert "Order.items" in attributes(audited)
    assert "\n  await ensure_loaded(session, orders, " in str(audited)


def test_one_object(session: Session):
    assert 4 == len(audit(session.get(Order, 1)))


@pytest.mark.parametrize("many", [list, tuple, iter, set], ids=["list", "tuple", "generator", "set"])
def test_any_iterable(many: Callable[[Any], Any], session: Session):
    audited = audit(many([session.get(Order, 1), session.get(Order, 2), session.get(Order, 1)]))

    assert 2 == audited.objects
    assert {(1,), (2,)} == set(audited.rows[0].identity_keys)


def test_the_result_of_a_query_whose_objects_nobody_else_holds(session: Session):
    assert 3 == audit(session.scalars(select(Order))).objects


def test_nothing(session: Session):
    assert (0, False, ()) == (len(audit([])), bool(audit([])), audit(iter(())).entries)
    assert "no object to look at" in str(audit(session))


def test_a_closed_session_has_no_objects(engine: Engine):
    with sessionmaker(engine)() as session:
        order = session.get(Order, 1)

    assert (0, 4) == (len(audit(session)), len(audit(order)))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (None, "a mapped object or an iterable of them, got None"),
        (Order, "got the class Order"),
        ("orders", "got 'orders'"),
        (SimpleNamespace(), "got an instance of SimpleNamespace"),
        ([Order(), None], "mapped objects, got None at index 1"),
        ([Order], "got the class Order at index 0"),
    ],
    ids=["none", "class", "text", "object", "none in a list", "class in a list"],
)
def test_what_is_neither_session_nor_objects_is_refused(given: object, message: str):
    with pytest.raises(UnmappedInstanceError, match=message):
        audit(given)


def test_a_factory_is_not_its_session(engine: Engine):
    with pytest.raises(UnmappedInstanceError, match="sessionmaker"):
        audit(sessionmaker(engine))


# --- without touching anything


class Base(DeclarativeBase):
    pass


class Bomb(Base):
    """An object that must not be touched."""

    __tablename__ = "bomb"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    fuse_id: Mapped[int | None] = mapped_column(ForeignKey("bomb.id"))
    fuse: Mapped[Bomb | None] = relationship(remote_side="Bomb.id")

    def explode(self, *_: object) -> Any:
        raise AssertionError("touched")

    __repr__ = __str__ = __eq__ = __bool__ = __len__ = __iter__ = __contains__ = explode
    size = property(explode)

    def __hash__(self) -> int:
        return self.explode()


def test_nothing_of_an_object_is_called_read_or_held():
    with MEMORY.engine() as engine, sessionmaker(engine)() as session:
        Base.metadata.create_all(session.connection())
        session.connection().execute(sqlalchemy.insert(Bomb.__table__).values(name="a"))
        session.commit()
        (bomb,) = session.scalars(select(Bomb))
        audited = [audit(session), audit(bomb), audit([bomb, bomb])]
        texts = [(str(it), it.to_json(), repr(it)) for it in audited]
        with pytest.raises(UnsafeError):
            audited[0].raise_if_unsafe()
        reference = weakref.ref(bomb)
        del bomb
        gc.collect()

        assert reference() is None
        assert all("Bomb" in text for it in texts for text in it)


def test_it_holds_no_object_after_an_error(session: Session):
    order = session.get(Order, 1)
    reference = weakref.ref(order)
    with pytest.raises(UnmappedInstanceError):
        audit([order, None])
    del order
    gc.collect()

    assert reference() is None


def test_it_emits_no_sql_and_begins_no_transaction(engine: Engine):
    with sessionmaker(engine)() as session:
        orders = session.scalars(select(Order)).all()
        session.rollback()
        with statements(engine) as sent:
            audit(session)
            audit(orders)

        assert ([], False) == (sent, session.in_transaction())


def test_ten_thousand_objects_cost_a_few_calls_each():
    with MEMORY.engine(store) as engine, sessionmaker(engine)() as session:
        session.execute(sqlalchemy.insert(store.Tag), [{"name": str(number)} for number in range(10_000)])
        session.commit()
        tags = session.scalars(select(store.Tag)).all()
        audit(session)
        after_a_query = calls(lambda: audit(session)) / len(tags)
        session.rollback()
        after_a_rollback = calls(lambda: audit(session)) / len(tags)
        as_a_list = calls(lambda: audit(tags)) / len(tags)

    # The weak reference to the object is called, `likeness` and `notes_of`, with set operations of theirs.
    assert after_a_query < 12
    assert after_a_rollback < 12
    assert as_a_list < 24


def calls(function: Callable[[], object]) -> int:
    """How often Python or C functions are called."""
    count = 0

    def profile(_frame: object, what: str, _argument: object) -> None:
        nonlocal count
        count += what in {"call", "c_call"}

    sys.setprofile(profile)
    try:
        function()
    finally:
        sys.setprofile(None)
    return count


# --- a value


def test_it_is_a_value(memory: Session):
    order = memory.get(Order, 1)
    audited = audit(memory)

    assert audited == audit(order)
    assert audited == pickle.loads(pickle.dumps(audited))
    assert hash(audited) == hash(audit(order))
    with pytest.raises(AttributeError):
        audited.rows = ()  # type: ignore[misc]


def test_it_is_true_if_something_would_fail(memory: Session):
    coupon = memory.get(Coupon, 1)

    assert (False, 0, 1) == (bool(audit(coupon)), len(audit(coupon)), audit(coupon).objects)
    assert audit(memory.get(Order, 1))


def test_as_json(memory: Session):
    order, product = memory.get(Order, 1), memory.get(Product, UUID(int=1))
    found = json.loads(audit([order, product]).to_json())

    assert 2 == found["objects"]
    assert {
        "class": "tests.store.Product",
        "attribute": "tags",
        "cause": "never loaded",
        "identity_keys": [["00000000-0000-0000-0000-000000000001"]],
    } == found["rows"][-1]


# --- in words


def test_as_a_table(memory: Session):
    orders = memory.scalars(select(Order)).all()
    customer = memory.get(Customer, 1)
    for order in orders:
        memory.expire(order, ["changed_at"])

    assert """\
16 reads would fail once the session is closed:

  Class     Attributes                Why           Objects  For example
  Customer  orders                    never loaded        1  (1,)
  Order     changed_at                expire              3  (1,)
  Order     notes                     deferred            3  (1,)
  Order     customer, items, invoice  never loaded        3  (1,)

Load it while the session is open:
  ensure_loaded(session, customers, Customer.orders)
  ensure_loaded(session, orders, Order.changed_at, Order.notes, Order.customer, Order.items, Order.invoice)
What no query has loaded can come with the query:
  select(Customer).options(selectinload(Customer.orders))
  select(Order).options(undefer(Order.notes), selectinload(Order.customer), selectinload(Order.items), \
selectinload(Order.invoice))""" == str(audit([customer, *orders]))


def test_after_a_commit_that_expires_the_table_stays_short():
    with MEMORY.engine(store) as engine, sessionmaker(engine, expire_on_commit=True)() as session:
        customer = session.get(Customer, 1)
        session.commit()

        assert """\
7 reads would fail once the session is closed:

  Class     Attributes                                 Why           Objects  For example
  Customer  id, name, street, city, settings, address  commit              1  (1,)
  Customer  orders                                     never loaded        1  (1,)

Load it while the session is open:
  refresh_all(session, customers)
  ensure_loaded(session, customers, Customer.orders)
What no query has loaded can come with the query:
  select(Customer).options(selectinload(Customer.orders))
What the commit erased stays without `expire_on_commit=True`.""" == str(audit(customer))


def test_of_a_session_of_sqlalchemy_it_says_where_to_learn_more(memory: Session):
    with Session(memory.connection().engine) as session:
        coupon = session.get(Coupon, 1)
        session.commit()

        assert """\
What is unknown was expired where nobody watched;
a session of outlive.sessionmaker keeps it at a commit, and names what else erases it.""" in str(audit(coupon))


def test_if_nothing_would_fail(memory: Session):
    assert "1 object can be read once the session is closed: nothing would fail." == str(audit(memory.get(Coupon, 1)))


def test_long_names_wide_characters_and_huge_keys_stay_in_their_columns():
    class Base(DeclarativeBase):
        pass

    class 注文(Base):  # noqa: N801, PLC2401
        __tablename__ = "wide"
        schlüssel: Mapped[str] = mapped_column(primary_key=True)  # noqa: PLC2401
        größe: Mapped[int | None] = mapped_column(deferred=True)  # noqa: PLC2401

    class ClassWithAnExtraordinarilyLongName(Base):
        __tablename__ = "long"
        id: Mapped[bytes] = mapped_column(primary_key=True)
        an_attribute_with_a_name_longer_than_the_column_of_names: Mapped[int | None] = mapped_column(deferred=True)
        another: Mapped[int | None] = mapped_column(deferred=True)

    with MEMORY.engine() as engine, sessionmaker(engine)() as session:
        Base.metadata.create_all(session.connection())
        session.add_all([注文(schlüssel="é\n\x1b[31m"), ClassWithAnExtraordinarilyLongName(id=b"x" * 999)])
        session.commit()
        session.expunge_all()
        objs = [*session.scalars(select(注文)), *session.scalars(select(ClassWithAnExtraordinarilyLongName))]
        lines = str(audit(objs)).splitlines()[2:5]

    assert [
        ["Class", "Attributes", "Why", "Objects  For example"],
        [
            "ClassWithAnExtraordinarilyLongName",
            "an_attribute_with_a_name_longer_than_the_column_of_names and 1 more",
            "deferred",
            "      1  (b'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…",
        ],
        ["注文", "größe", "deferred", r"      1  ('é\n\x1b[31m',)"],
    ] == [[cell(line, 2, 36), cell(line, 38, 105), cell(line, 107, 115), cell(line, 117)] for line in lines]


def cell(line: str, start: int, end: int | None = None) -> str:
    """What stands between two columns of a terminal, where the characters of 注文 take two."""
    spread = "".join(character + "\0" * (character in "注文") for character in line)
    return spread[start:end].replace("\0", "").rstrip()


def test_a_long_list_of_names_says_how_many_more(memory: Session):
    orders = memory.scalars(select(Order)).all()
    memory.rollback()

    assert "  Order  version, state, total, placed_at and 2 more  rollback            3  (1,)\n" in str(audit(orders))


@pytest.mark.parametrize(
    ("entity", "variable"),
    [
        ("Order", "orders"),
        ("Box", "boxes"),
        ("Address", "addresses"),
        ("Category", "categories"),
        ("Day", "days"),
        ("OrderItem", "order_items"),
        ("HTTPRequest", "httprequests"),
    ],
)
def test_a_list_of_objects_is_named_after_their_class(entity: str, variable: str):
    class Base(DeclarativeBase):
        pass

    mapped: Any = type(
        entity,
        (Base,),
        {
            "__tablename__": "t",
            "id": mapped_column(sqlalchemy.Integer, primary_key=True),
            "x": mapped_column(sqlalchemy.Integer, deferred=True),
        },
    )
    obj = mapped(id=1)
    sqlalchemy.orm.make_transient_to_detached(obj)

    assert f"ensure_loaded(session, {variable}, {entity}.x)" in str(audit(obj))


# --- what to do, pasted


@pytest.mark.parametrize("query", ["query", "load"])
def test_what_it_says_to_do_helps(query: str, session: Session):
    objs = [obj for class_ in (Customer, Order, Employee, Product, Item) for obj in session.scalars(select(class_))]
    lines = [line.strip() for line in str(audit(objs)).splitlines()]
    words = {**vars(sqlalchemy.orm), **vars(store), "select": select, "session": session}
    words["ensure_loaded"] = ensure_loaded
    words |= {f"{class_.__name__.lower()}s": [it for it in objs if type(it) is class_] for class_ in map(type, objs)}
    if query == "load":
        for line in lines:
            if line.startswith("ensure_loaded("):
                exec(line, words)
        found = objs
    else:
        session.expunge_all()
        found = [obj for it in lines if it.startswith("select(") for obj in session.scalars(eval(it, words)).unique()]
        # Objects of one session, so what two of the queries load of one object comes together.
        found = [*dict.fromkeys(found)]
    rest = {it for it in audit(found).entries if it.entity in set(map(type, objs))}

    assert found
    assert set() == rest


def test_what_it_says_to_do_after_a_rollback_helps(session: Session):
    orders = session.scalars(select(Order)).all()
    session.rollback()
    words = {"refresh_all": refresh_all, "ensure_loaded": ensure_loaded, "session": session, "orders": orders}
    for line in str(audit(orders)).splitlines():
        if line.startswith(("  refresh_all(", "  ensure_loaded(")):
            exec(line.strip(), {**vars(store), **words})

    assert () == audit(orders).entries


# --- raise_if_unsafe


def test_nothing_is_raised_if_nothing_would_fail(memory: Session):
    audit(memory.get(Coupon, 1)).raise_if_unsafe()


def test_it_raises_what_fails_and_what_to_do(memory: Session):
    orders = memory.scalars(select(Order)).all()
    with pytest.raises(UnsafeError) as caught:
        audit(orders).raise_if_unsafe(Order.items, Order.notes)

    assert """\
6 reads would fail once the session is closed:
  Order  notes  deferred      3  (1,)
  Order  items  never loaded  3  (1,)
Load it while the session is open:
  ensure_loaded(session, orders, Order.notes, Order.items)""" == str(caught.value)


def test_it_is_an_assertion_that_failed(memory: Session):
    with pytest.raises(AssertionError):
        audit(memory.get(Order, 1)).raise_if_unsafe()


def test_attributes_that_are_loaded_are_safe(memory: Session):
    order = memory.scalars(select(Order).options(selectinload(Order.items))).first()

    audit(order).raise_if_unsafe(Order.items, Order.state)


def test_attributes_can_be_ignored(memory: Session):
    order = memory.scalars(select(Order).options(selectinload(Order.items))).first()

    audit(order).raise_if_unsafe(ignore=[Order.notes, Order.customer, Order.invoice])
    with pytest.raises(UnsafeError, match="invoice"):
        audit(order).raise_if_unsafe(Order.items, Order.invoice, Order.notes, ignore=[Order.notes])


def test_an_attribute_that_is_named_counts_even_if_it_is_guarded(memory: Session):
    order = memory.get(Order, 1)
    audit(order).raise_if_unsafe(ignore=[Order.notes, Order.customer, Order.items, Order.invoice])
    with pytest.raises(UnsafeError, match=r"Order  guarded_items  raise  1  \(1,\)"):
        audit(order).raise_if_unsafe(Order.guarded_items)


def test_the_attribute_of_a_class_is_that_of_its_subclasses(memory: Session):
    boss = memory.get(Manager, 1)
    with pytest.raises(UnsafeError, match="Manager  reports"):
        audit(boss).raise_if_unsafe(Employee.reports)
    audit(memory.get(Employee, 4)).raise_if_unsafe(Manager.reports)


@pytest.mark.parametrize(
    ("given", "message"),
    [("items", "such as Order.items, got 'items'"), (Order, "got <class"), (Customer.events, "write_only")],
    ids=["text", "class", "write only"],
)
def test_what_is_no_attribute_is_refused(given: Any, message: str):
    with pytest.raises(ArgumentError, match=message):
        audit([]).raise_if_unsafe(given)
    with pytest.raises(ArgumentError, match=message):
        audit([]).raise_if_unsafe(ignore=[given])


def test_the_message_has_a_dozen_lines_of_what_fails(memory: Session):
    world = World(memory, store.Base)
    objs = world.load()
    with pytest.raises(UnsafeError) as caught:
        audit(objs).raise_if_unsafe()
    lines = str(caught.value).splitlines()

    assert ["47 reads would fail once the session is closed:", "  and 1 more"] == [lines[0], lines[13]]
    assert ["Load it while the session is open:", "  and 6 more"] == [lines[14], lines[-1]]
    assert 20 == len(lines)


def test_the_class_may_be_loaded_in_part(memory: Session):
    order = memory.scalars(select(Order).options(load_only(Order.state))).first()

    assert {"total", "placed_at", "changed_at", "customer_id", "version"} <= {it.attribute for it in audit(order)}
