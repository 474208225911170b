"""A snapshot has the values of what was loaded, says what was not, and touches neither object nor database."""

from __future__ import annotations

import asyncio
import gc
import weakref
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, String, inspect, select
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    load_only,
    mapped_column,
    scoped_session,
    selectin_polymorphic,
    selectinload,
    sessionmaker,
    undefer,
)
from sqlalchemy.orm.exc import UnmappedInstanceError

import outlive
from outlive import NotLoadedError, ObjectStateError, Snapshot, ensure_loaded, snapshot
from outlive.keep import plans
from outlive.keep.layouts import Absent
from tests.databases import Tell
from tests.keep import museum
from tests.store import (
    Address,
    Colour,
    Coupon,
    Customer,
    Employee,
    Engineer,
    Item,
    Manager,
    Order,
    Product,
    Supplier,
    Tag,
    statements,
)

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

WHOLE = (
    selectinload(Order.items).selectinload(Item.product).selectinload(Product.tags),
    selectinload(Order.customer),
    undefer(Order.notes),
)


def values(obj: Any) -> dict[str, Any]:
    """What is loaded."""
    return {name: value for name, value in inspect(obj).dict.items() if name != "_sa_instance_state"}


# --- what is taken


def test_columns_and_relationships_are_read_from_it_after_the_session(engine: Engine):
    with Session(engine) as session:
        taken = snapshot(session.scalars(select(Order).options(*WHOLE).order_by(Order.id)).first())

    assert (1, "note 1", "Ada", "product 2", ["new", "sale"]) == (
        taken.id,
        taken.notes,
        taken.customer.name,
        taken.items[1].product.name,
        [tag.name for tag in taken.items[1].product.tags],
    )


def test_values_keep_their_types(session: Session):
    order = snapshot(session.get(Order, 1))
    product = snapshot(session.get(Product, UUID(int=1)))

    assert [Decimal("12.50"), datetime(2026, 11, 25, 12)] == [order.total, order.placed_at]
    assert [UUID(int=1), Colour.RED, b"\x00\x01"] == [product.id, product.colour, product.picture]
    assert [Decimal, datetime, UUID, Colour, bytes] == [
        *map(type, [order.total, order.placed_at, product.id, product.colour, product.picture])
    ]


def test_the_snapshot_of_many_objects_is_a_list_in_their_order(session: Session):
    orders = session.scalars(select(Order).order_by(Order.id.desc())).all()

    assert [3, 2, 1] == [taken.id for taken in snapshot(orders)]


def test_an_iterator_of_objects_is_as_good_as_a_list(session: Session):
    assert [1, 2, 3] == [taken.id for taken in snapshot(session.scalars(select(Order).order_by(Order.id)))]


def test_no_objects_give_no_snapshots():
    assert [] == snapshot([]) == snapshot(iter(())) == snapshot([], [Order.id])


def test_the_same_object_twice_is_the_same_snapshot(session: Session):
    order = session.scalars(select(Order).options(*WHOLE).order_by(Order.id)).first()

    first, second, customer = snapshot([order, order, order.customer])

    assert first is second
    assert customer is first.customer


def test_an_object_on_two_ways_is_the_same_snapshot(session: Session):
    one, other, *_ = snapshot(session.scalars(select(Order).options(*WHOLE)).all())

    assert one.items[0].product is other.items[0].product


def test_an_object_is_found_again_where_a_circle_closes(session: Session):
    order = session.scalars(
        select(Order).options(selectinload(Order.items).selectinload(Item.order)).order_by(Order.id)
    ).first()

    taken = snapshot(order)

    assert taken is taken.items[0].order is taken.items[1].order


def test_what_is_taken_is_what_the_object_has(session: Session):
    customer = session.get(Customer, 1)

    assert values(customer) == vars(snapshot(customer))


def test_a_relationship_without_an_object_is_none(session: Session):
    order = Order(id=9, version=1, customer=None, items=[])

    assert (None, []) == (snapshot(order).customer, snapshot(order).items)


def test_a_scalar_one_to_one_is_taken(session: Session):
    order = session.scalars(select(Order).options(selectinload(Order.invoice)).order_by(Order.id)).first()

    assert None is snapshot(order).invoice


def test_objects_of_subclasses_bring_their_own_attributes(session: Session):
    query = select(Employee).order_by(Employee.id).options(selectin_polymorphic(Employee, [Manager, Engineer]))

    boss, *others = snapshot(session.scalars(query))

    assert (100, ["python", "python"], "clerk") == (
        boss.budget,
        [other.language for other in others[:2]],
        others[2].name,
    )


def test_classes_with_the_same_attributes_are_told_apart():
    class Base(DeclarativeBase):
        pass

    class Left(Base):
        __tablename__ = "left"
        id: Mapped[int] = mapped_column(primary_key=True)

    class Right(Base):
        __tablename__ = "right"
        id: Mapped[int] = mapped_column(primary_key=True)

    taken = snapshot([Left(id=1), Right(id=1), Left(id=2)])

    assert ["<Snapshot new Left id=1>", "<Snapshot new Right id=1>", "<Snapshot new Left id=2>"] == [*map(repr, taken)]


def test_a_tree_is_taken_up_and_down(session: Session):
    query = select(Employee).order_by(Employee.id)
    options = selectinload(Employee.reports), selectinload(Employee.boss)

    boss, *_ = snapshot(session.scalars(query.options(*options)))

    assert [2, 3, 4] == [report.id for report in boss.reports]
    assert [boss] * 3 == [report.boss for report in boss.reports]


def test_imperative_and_dataclass_mappings_are_taken(session: Session):
    supplier = snapshot(session.scalars(select(Supplier)).one())
    coupon = snapshot(session.scalars(select(Coupon)).one())

    assert ("ACME", 0, "TEN", None) == (supplier.name, supplier.rank, coupon.code, coupon.used_at)


def test_a_composite_is_taken_with_its_columns(session: Session):
    customer = snapshot(session.get(Customer, 1))

    assert (Address("Main Street", "London"), "London") == (customer.address, customer.city)


def test_synonyms_are_read_under_either_name():
    exhibit = museum.Exhibit(name="urn", before=museum.Exhibit(name="jar"))

    taken = snapshot(exhibit)

    assert ("urn", "urn", "jar") == (taken.name, taken.title, taken.predecessor.title)


def test_attributes_of_the_object_that_are_not_mapped_are_not_part(session: Session):
    order = session.get(Order, 1)
    order.basket = ["a list that nobody copies"]

    assert "basket" not in vars(snapshot(order))


def test_a_column_that_is_an_expression_is_taken(session: Session):
    museum.Base.metadata.create_all(session.connection())
    session.add(museum.Exhibit(id=1, name="urn"))
    session.flush()
    session.expire_all()
    exhibit = session.get(museum.Exhibit, 1)
    session.refresh(exhibit)

    assert "loud" == snapshot(exhibit).shout


def test_an_object_of_sqlmodel_is_taken():
    sqlmodel = pytest.importorskip("sqlmodel", exc_type=ImportError)

    class Comic(sqlmodel.SQLModel, registry=sqlmodel.main.default_registry.__class__()):
        pass

    class Hero(Comic, table=True):
        id: int | None = sqlmodel.Field(default=None, primary_key=True)
        name: str

    assert {"id": 1, "name": "Ada"} == vars(snapshot(Hero(id=1, name="Ada")))


@pytest.mark.parametrize("name", ["events", "visits"])
def test_write_only_and_dynamic_relationships_are_not_part(session: Session, name: str):
    customer = session.get(Customer, 1)
    getattr(customer, name)

    taken = snapshot(customer)

    assert name not in vars(taken)
    with pytest.raises(NotLoadedError, match=f"Customer.{name} of Customer \\(1,\\) is not loaded: it is "):
        getattr(taken, name)


def test_an_attribute_that_is_mapped_later_is_taken():
    class Base(DeclarativeBase):
        pass

    class Plant(Base):
        __tablename__ = "plant"
        id: Mapped[int] = mapped_column(primary_key=True)

    snapshot(Plant(id=1))
    Plant.height = mapped_column(String(5))

    assert "tall" == snapshot(Plant(id=1, height="tall")).height


# --- in which state


def test_a_transient_object_is_taken(session: Session):
    taken = snapshot(Order(version=1, total=Decimal(3)))

    assert {"version": 1, "total": Decimal(3)} == vars(taken)
    assert "<Snapshot new Order version=1 total=Decimal('3')>" == repr(taken)


def test_a_pending_object_is_taken_and_not_flushed(engine: Engine, session: Session):
    order = Order(id=9, items=[Item(position=1)])
    session.add(order)

    with statements(engine) as sent:
        taken = snapshot(order)

    assert [] == sent
    assert (9, 1) == (taken.id, taken.items[0].position)
    assert order in session.new


def test_a_changed_object_is_taken_with_its_changes_and_not_flushed(engine: Engine, session: Session):
    order = session.get(Order, 1)
    order.total = Decimal(7)

    with statements(engine) as sent:
        taken = snapshot(order)

    assert [] == sent
    assert Decimal(7) == taken.total
    assert session.is_modified(order)


def test_a_deleted_object_is_taken(session: Session):
    order = session.get(Order, 1)
    session.delete(order)
    session.flush()

    assert inspect(order).deleted
    assert 1 == snapshot(order).id


def test_objects_of_several_sessions_and_of_none_are_taken_together(engine: Engine, session: Session):
    with Session(engine) as other:
        detached = other.get(Order, 2)

    taken = snapshot([session.get(Order, 1), detached, Order(id=3)])

    assert [1, 2, 3] == [order.id for order in taken]


def test_objects_of_a_scoped_session_are_taken(engine: Engine):
    session = scoped_session(sessionmaker(engine))
    try:
        assert 1 == snapshot(session.get(Order, 1)).id
    finally:
        session.remove()


def test_what_is_pending_and_only_sql_is_refused_until_the_flush(session: Session):
    order = session.get(Order, 1)
    order.total = Order.total + 1

    with pytest.raises(ObjectStateError, match=r"^Order.total of Order \(1,\) is a SQL expression"):
        snapshot(order)


def test_async_objects_are_taken_without_a_greenlet(tell: Tell):
    from sqlalchemy.ext.asyncio import AsyncSession  # noqa: PLC0415  fails without greenlet

    async def story(engine: AsyncEngine) -> None:
        async with AsyncSession(engine) as session:
            order = (await session.scalars(select(Order).options(*WHOLE))).first()
            await session.commit()
            expired = snapshot(order)
            await session.refresh(order)
            with statements(engine.sync_engine) as sent:
                taken = snapshot(order)

        assert [] == sent
        assert {} == vars(expired)
        assert 1 == taken.id
        with pytest.raises(NotLoadedError, match=r"Order.total of Order \(1,\) was expired"):
            expired.total  # noqa: B018

    tell(story)


# --- what is not loaded


def test_reading_an_unloaded_relationship_names_object_attribute_and_remedy(session: Session):
    taken = snapshot(session.get(Order, 1))

    with pytest.raises(NotLoadedError) as caught:
        taken.items  # noqa: B018

    assert (
        "Order.items of Order (1,) is not loaded: before the snapshot, ensure_loaded(session, order, Order.items), "
        "or with the query, .options(selectinload(Order.items))"
    ) == str(caught.value)


def test_the_remedies_work_when_pasted(session: Session):
    order = session.get(Order, 1)
    ensure_loaded(session, order, Order.items)
    other = session.scalars(select(Order).where(Order.id == 2).options(selectinload(Order.items))).one()

    assert [2, 2] == [len(taken.items) for taken in snapshot([order, other])]


def test_reading_a_deferred_column_names_the_option_that_loads_it(session: Session):
    taken = snapshot(session.get(Order, 1))

    with pytest.raises(NotLoadedError, match=r"with the query, \.options\(undefer\(Order.notes\)\)$"):
        taken.notes  # noqa: B018


def test_reading_an_expired_column_says_that_it_was_expired(session: Session):
    order = session.get(Order, 1)
    session.expire(order, ["total"])
    taken = snapshot(order)

    with pytest.raises(NotLoadedError, match=r"^Order.total of Order \(1,\) was expired: before the snapshot"):
        taken.total  # noqa: B018
    assert 1 == taken.version


def test_reading_a_column_that_the_query_left_out_says_so(session: Session):
    taken = snapshot(session.scalars(select(Order).options(load_only(Order.version)).order_by(Order.id)).first())

    with pytest.raises(NotLoadedError, match=r"^Order.total of Order \(1,\) is not loaded"):
        taken.total  # noqa: B018


def test_reading_what_a_new_object_never_had_says_that_it_has_no_value(session: Session):
    taken = snapshot(Order(version=1))

    with pytest.raises(NotLoadedError, match=r"^Order.id of new Order is not loaded: it has never been set"):
        taken.id  # noqa: B018


def test_reading_a_composite_that_nobody_has_built_says_how_it_is_built():
    customer = Customer(street="Main Street")
    taken = snapshot(customer)

    with pytest.raises(NotLoadedError, match=r"read customer\.address before the snapshot"):
        taken.address  # noqa: B018
    assert customer.address == snapshot(customer).address


def test_an_unloaded_attribute_is_not_mistaken_for_one_that_is_not_there(session: Session):
    taken = snapshot(session.get(Order, 1))

    with pytest.raises(NotLoadedError):
        getattr(taken, "items", [])
    with pytest.raises(NotLoadedError):
        hasattr(taken, "items")


def test_an_attribute_that_the_class_does_not_have_is_an_attribute_error(session: Session):
    taken = snapshot(session.get(Order, 1))

    with pytest.raises(AttributeError, match="a snapshot of Order has no attribute 'itmes'"):
        taken.itmes  # noqa: B018


@pytest.mark.parametrize("name", ["is_free", "label", "cached", "loud_name", "languages"])
def test_code_of_the_class_is_not_run_when_it_is_read(name: str):
    taken = snapshot(museum.Exhibit(name="urn"))

    with pytest.raises(NotLoadedError, match=f"Exhibit.{name} of new Exhibit is not loaded: .* runs no code"):
        getattr(taken, name)


def test_omitted_attributes_are_as_if_the_class_did_not_have_them(session: Session):
    taken = snapshot(session.get(Order, 1), unloaded="omit")

    assert (False, "default") == (hasattr(taken, "items"), getattr(taken, "notes", "default"))
    with pytest.raises(AttributeError, match=r"Order.items was not loaded, and left out of the snapshot"):
        taken.items  # noqa: B018


def test_related_objects_omit_too(session: Session):
    taken = snapshot(
        session.scalars(select(Order).options(selectinload(Order.items)).order_by(Order.id)).first(), unloaded="omit"
    )

    assert not hasattr(taken.items[0], "product")


# --- what it does not touch


def test_taking_sends_no_statement_and_runs_no_code_of_the_class(engine: Engine):
    with Session(engine) as session:
        museum.Base.metadata.create_all(session.connection())
        session.add(museum.Exhibit(id=1, name="urn", guides={museum.Guide(name="Ann")}))
        session.commit()
        exhibit = session.scalars(select(museum.Exhibit).options(selectinload(museum.Exhibit.guides))).one()
        session.expire(exhibit, ["words"])

        with statements(engine) as sent:
            taken = snapshot(exhibit)
            repr(taken)

        assert [] == sent
        assert {guide.name for guide in taken.guides} == {"Ann"}


def test_taking_leaves_the_object_as_it_was(session: Session):
    customer = session.get(Customer, 1)
    before = dict(inspect(customer).dict)

    snapshot(customer)

    assert before == inspect(customer).dict
    assert not session.is_modified(customer)


def test_a_snapshot_keeps_neither_object_nor_session_alive(engine: Engine):
    session = Session(engine)
    taken = snapshot(session.scalars(select(Order).options(*WHOLE)).all())
    gc.collect()

    assert 3 == len(taken)
    assert [] == list(session.identity_map.all_states())
    session.close()


def test_a_snapshot_is_gone_with_its_last_reference(session: Session):
    orders = session.scalars(select(Order)).all()
    gc.collect()
    gc.disable()
    try:
        taken = [weakref.ref(snap) for snap in snapshot(orders)]

        assert [None] * 3 == [reference() for reference in taken]
    finally:
        gc.enable()


def test_a_class_can_be_forgotten_after_its_objects_were_taken():
    class Base(DeclarativeBase):
        pass

    class Passing(Base):
        __tablename__ = "passing"
        id: Mapped[int] = mapped_column(primary_key=True)

    taken = snapshot(Passing(id=1))
    gc.collect()
    before = len(plans._plans)
    del Passing, Base
    gc.collect()

    assert before - 1 == len(plans._plans)
    assert 1 == taken.id


# --- frozen


def test_a_snapshot_cannot_be_changed(session: Session):
    taken = snapshot(session.get(Order, 1))

    with pytest.raises(AttributeError, match="a snapshot cannot be changed: total"):
        taken.total = 3
    with pytest.raises(AttributeError, match="a snapshot cannot be changed: total"):
        del taken.total


def test_a_snapshot_is_made_by_taking_it():
    with pytest.raises(TypeError, match=r"a snapshot is taken of an object: outlive.snapshot\(obj\)"):
        Snapshot()


def test_its_repr_is_short_and_ends_in_a_circle(session: Session):
    order = session.scalars(
        select(Order).options(selectinload(Order.items).selectinload(Item.order)).order_by(Order.id)
    ).first()
    order.state = "x" * 1000

    shown = repr(snapshot(order))

    assert shown.startswith("<Snapshot Order (1,) id=1 version=1 state='xxxxxxxxx")
    assert len(shown) < 400


# --- bad input


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (None, "got None"),
        (5, "got 5"),
        ("order", "got 'order'"),
        (Order, "got the class Order"),
        (object(), "got an instance of object"),
        ([None], "got None at index 0"),
        ([Order], "got the class Order at index 0"),
        ([Order(id=1), {"id": 2}], "got an instance of dict at index 1"),
        ({"order": Order(id=1)}, "got 'order' at index 0"),
    ],
)
def test_what_is_not_mapped_is_refused(given: Any, shown: str):
    with pytest.raises(UnmappedInstanceError, match=shown):
        snapshot(given)


def test_rows_are_refused_with_the_remedy_and_without_printing_their_objects(session: Session):
    with pytest.raises(UnmappedInstanceError, match=r"got a row \(session.scalars\(\) and .* at index 0"):
        snapshot(session.execute(select(Order)).all())


def test_a_snapshot_is_not_an_object_to_be_taken():
    with pytest.raises(UnmappedInstanceError, match="got an instance of Snapshot"):
        snapshot(snapshot(Order(id=1)))


def test_an_unknown_way_with_what_is_unloaded_is_refused():
    with pytest.raises(ValueError, match="unloaded is 'raise' or 'omit', not 'ignore'"):
        snapshot(Order(id=1), unloaded="ignore")


def test_a_none_in_a_collection_is_left_out():
    order = Order(id=1)
    order.items = [Item(position=1)]
    order.items.append(None)

    assert [1] == [item.position for item in snapshot(order).items]


# --- many


def test_ten_thousand_objects_are_taken():
    taken = snapshot([Order(id=n, version=1) for n in range(10_000)])

    assert [*range(10_000)] == [order.id for order in taken]


def test_attributes_with_ever_new_names_leave_nothing_behind():
    order = Order(id=1)
    for n in range(1500):
        setattr(order, f"note_{n}", n)
        snapshot(order)

    assert len(plans.plan_of(inspect(Order)).recipes[Absent.UNLOADED]) < 1010
    assert {"id": 1} == vars(snapshot(order))


def test_a_chain_of_five_thousand_objects_is_no_problem():
    exhibit = museum.Exhibit(name="0")
    for n in range(1, 5000):
        exhibit = museum.Exhibit(name=str(n), before=exhibit)

    taken, again = snapshot(exhibit), snapshot(exhibit)

    assert taken == again
    assert hash(taken) == hash(again)
    assert len(repr(taken)) < 400
    names = [taken.name]
    while "before" in vars(taken):
        taken = taken.before
        names.append(taken.name)
    assert [str(n) for n in reversed(range(5000))] == names


def test_it_is_there_for_async_code_as_well():
    async def take() -> Any:
        return outlive.snapshot(Order(id=1)).id

    assert 1 == asyncio.run(take())


def test_tags_and_products_refer_to_each_other(session: Session):
    query = select(Product).options(selectinload(Product.tags).selectinload(Tag.products))

    product, *_ = snapshot(session.scalars(query))

    assert product in product.tags[0].products
