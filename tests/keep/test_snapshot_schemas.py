"""A schema as shape: real instances of it, out of what is loaded, and never a default in place of what is not."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Any, Generic, NamedTuple, TypedDict, TypeVar
from uuid import UUID

import msgspec
import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session, selectinload

from outlive import NotLoadedError, SchemaError, reads, snapshot
from tests.keep.museum import Exhibit, Floor, Guide, Money, Note, Place
from tests.store import Address, Customer, Employee, Engineer, Item, Manager, Order, Product, Tag, statements

pydantic = pytest.importorskip("pydantic")

T = TypeVar("T")


class ProductOut(pydantic.BaseModel):
    name: str


class ItemOut(pydantic.BaseModel):
    quantity: int
    product: ProductOut | None = None


class OrderOut(pydantic.BaseModel):
    id: int
    total: Decimal | None
    items: list[ItemOut] = pydantic.Field(default_factory=list)
    notes: str = "none"


@dataclass
class ProductData:
    name: str


@dataclass(frozen=True)
class ItemData:
    quantity: int
    product: ProductData | None = None


@dataclass
class OrderData:
    id: int
    total: Decimal | None
    items: list[ItemData] = field(default_factory=list)
    notes: str = "none"


class ProductStruct(msgspec.Struct):
    name: str


class ItemStruct(msgspec.Struct):
    quantity: int
    product: ProductStruct | None = None


class OrderStruct(msgspec.Struct):
    id: int
    total: Decimal | None
    items: list[ItemStruct] = []
    notes: str = "none"


each_schema = pytest.mark.parametrize("schema", [OrderOut, OrderData, OrderStruct])


def order(**values: Any) -> Order:
    lamp = Product(id=UUID(int=1), name="lamp")
    items = [Item(position=1, quantity=2, product=lamp), Item(position=2, quantity=3, product=None)]
    return Order(**{"id": 1, "total": Decimal("2.50"), "items": items, "notes": "call", **values})


@each_schema
def test_an_instance_of_the_schema_is_made(schema: Any):
    made = snapshot(order(), schema)

    assert schema is type(made)
    assert (1, Decimal("2.50"), "call") == (made.id, made.total, made.notes)
    assert [(2, "lamp"), (3, None)] == [(item.quantity, item.product and item.product.name) for item in made.items]


@each_schema
def test_many_objects_make_a_list(schema: Any):
    assert [1, 2] == [made.id for made in snapshot([order(), order(id=2)], schema)]


@each_schema
def test_the_objects_of_a_query_are_enough_and_no_statement_is_sent(engine: Engine, schema: Any):
    items = selectinload(Order.items).selectinload(Item.product)
    with Session(engine) as session:
        orders = session.scalars(select(Order).options(items).order_by(Order.id)).all()
        with statements(engine) as sent:
            made = snapshot(orders, schema, unloaded="omit")

    assert [] == sent
    assert ["product 1", "product 2"] == [item.product.name for item in made[0].items]
    assert "none" == made[0].notes


@each_schema
@pytest.mark.parametrize("name", ["items", "notes", "total"])
def test_what_is_needed_and_not_loaded_raises_also_where_there_is_a_default(session: Session, schema: Any, name: str):
    held = session.scalars(select(Order).options(selectinload(Order.items)).order_by(Order.id)).first()
    session.refresh(held, ["notes"])
    session.expire(held, [name])

    with pytest.raises(NotLoadedError, match=rf"^Order.{name} of Order \(1,\) (is not loaded|was expired)"):
        snapshot(held, schema)


@each_schema
def test_what_a_nested_schema_needs_and_is_not_loaded_is_named(session: Session, schema: Any):
    held = session.scalars(select(Order).options(selectinload(Order.items)).order_by(Order.id)).first()
    session.refresh(held, ["notes"])

    with pytest.raises(NotLoadedError, match=r"^Item.product of Item \(1, 1\) is not loaded"):
        snapshot(held, schema)


@each_schema
def test_omitted_attributes_take_their_default_and_those_without_one_raise(session: Session, schema: Any):
    held = session.get(Order, 1)

    assert ([], "none") == (
        snapshot(held, schema, unloaded="omit").items,
        snapshot(held, schema, unloaded="omit").notes,
    )
    session.expire(held, ["total"])
    with pytest.raises(NotLoadedError, match=r"^Order.total of Order \(1,\) was expired"):
        snapshot(held, schema, unloaded="omit")


@each_schema
def test_the_instances_are_the_users_to_change(schema: Any):
    held = order()
    made = snapshot(held, schema)
    made.items.clear()
    made.total = None

    assert (2, Decimal("2.50")) == (len(held.items), held.total)


# --- pydantic


def test_a_snapshot_can_be_read_by_pydantic_itself():
    made = OrderOut.model_validate(snapshot(order()), from_attributes=True)

    assert snapshot(order(), OrderOut) == made


def test_pydantic_gets_no_default_for_what_a_snapshot_lacks(session: Session):
    taken = snapshot(session.get(Order, 1))

    with pytest.raises(pydantic.ValidationError, match=r"NotLoadedError: Order.items of Order"):
        OrderOut.model_validate(taken, from_attributes=True)


def test_what_is_in_pydantics_model_is_validated():
    with pytest.raises(pydantic.ValidationError, match=r"items.0.quantity"):
        snapshot(order(items=[Item(quantity="many", product=None)]), OrderOut)


class Renamed(pydantic.BaseModel):
    number: int = pydantic.Field(validation_alias="id")
    customer_name: str = pydantic.Field(validation_alias=pydantic.AliasPath("customer", "name"))
    first: int = pydantic.Field(validation_alias=pydantic.AliasChoices("unheard", "version"))


def test_aliases_name_the_attributes():
    made = snapshot(order(version=3, customer=Customer(name="Ada")), Renamed)

    assert {"number": 1, "customer_name": "Ada", "first": 3} == made.model_dump()


def test_what_an_alias_leads_to_has_to_be_loaded():
    with pytest.raises(NotLoadedError, match=r"^Customer.name of new Customer is not loaded"):
        snapshot(order(version=3, customer=Customer(id=1)), Renamed)


class Node(pydantic.BaseModel):
    id: int
    reports: list[Node] = pydantic.Field(default_factory=list)


@dataclass
class NodeData:
    id: int
    reports: tuple[NodeData, ...] = ()


@pytest.mark.parametrize("schema", [Node, NodeData])
def test_a_recursive_schema_makes_a_tree(schema: Any):
    boss = Employee(id=1, reports=[Employee(id=2, reports=[Employee(id=3, reports=[])]), Employee(id=4, reports=[])])

    made = snapshot(boss, schema)

    assert [2, 4] == [report.id for report in made.reports]
    assert [3] == [report.id for report in made.reports[0].reports]


class ManagerOut(pydantic.BaseModel):
    budget: int


class EngineerOut(pydantic.BaseModel):
    language: str


class Team(pydantic.BaseModel):
    reports: list[ManagerOut | EngineerOut]


@dataclass
class ManagerData:
    budget: int


@dataclass
class EngineerData:
    language: str


@dataclass
class TeamData:
    reports: list[ManagerData | EngineerData]


@pytest.mark.parametrize(
    ("schema", "kinds"), [(Team, [ManagerOut, EngineerOut]), (TeamData, [ManagerData, EngineerData])]
)
def test_objects_of_subclasses_become_the_schema_that_fits(schema: Any, kinds: list[type]):
    boss = Employee(id=1, reports=[Manager(id=2, budget=5), Engineer(id=3, language="python")])

    assert kinds == [type(report) for report in snapshot(boss, schema).reports]


class Page(pydantic.BaseModel, Generic[T]):
    items: list[T]


def test_a_generic_schema_is_a_schema():
    made = snapshot(order(), Page[ItemOut])

    assert [2, 3] == [item.quantity for item in made.items]


class Adorned(pydantic.BaseModel):
    facts: Any
    words: list[str]
    place: Place
    price: Money
    floor: Floor


def test_values_are_copies_that_can_be_changed():
    exhibit = Exhibit(facts={"a": [1]}, words=["b"], place=Place("hall", []), price=Money(5, "EUR"), floor=Floor.FIRST)

    made = snapshot(exhibit, Adorned)
    made.facts["a"].append(2)
    made.place.room = "cellar"

    assert ({"a": [1]}, "hall") == (exhibit.facts, exhibit.place.room)
    assert (Place, Money, Floor) == (type(made.place), type(made.price), type(made.floor))


class WithComputed(pydantic.BaseModel):
    id: int

    @pydantic.computed_field
    def label(self) -> str:
        return f"no. {self.id}"


def test_computed_fields_of_the_schema_are_its_own():
    assert {"id": 1, "label": "no. 1"} == snapshot(Exhibit(id=1), WithComputed).model_dump()


class Labelled(pydantic.BaseModel):
    label: str = "none"


class Summed(pydantic.BaseModel):
    quantity: Annotated[int, reads(Order.items)]

    @pydantic.model_validator(mode="before")
    @classmethod
    def add_up(cls, given: Any) -> Any:
        return {"quantity": sum(item.quantity for item in given.items)}


def test_what_a_validator_of_the_schema_computes_can_be_declared():
    assert 5 == snapshot(order(), Summed).quantity


@pytest.mark.parametrize("mode", ["raise", "omit"])
def test_a_schema_that_reads_code_of_the_class_is_refused(mode: Any):
    with pytest.raises(SchemaError, match=r"Labelled.label is read from Exhibit.label, which is no column and no rel"):
        snapshot(Exhibit(), Labelled, unloaded=mode)


class Constant(pydantic.BaseModel):
    run_code: Any = None


def test_a_schema_that_reads_what_is_not_mapped_is_refused():
    with pytest.raises(SchemaError, match=r"Constant.run_code is read from Exhibit.run_code, which is no column"):
        snapshot(Exhibit(), Constant)


class Mistaken(pydantic.BaseModel):
    total_price: int = 0


@dataclass
class MistakenData:
    total_price: int = 0


@pytest.mark.parametrize("schema", [Mistaken, MistakenData])
def test_a_schema_that_names_what_the_class_does_not_have_is_refused(schema: Any):
    with pytest.raises(SchemaError, match="total_price is read from 'total_price', which Order does not have"):
        snapshot(order(), schema)


def test_sqlmodel_makes_its_instances():
    sqlmodel = pytest.importorskip("sqlmodel", exc_type=ImportError)

    class Brief(sqlmodel.SQLModel):
        id: int
        total: Decimal

    made = snapshot(order(), Brief)

    assert (Brief, {"id": 1, "total": Decimal("2.50")}) == (type(made), made.model_dump())


# --- dataclasses and their like


@dataclass
class Collected:
    guides: frozenset[GuideData]
    notes: dict[str, NoteData]
    before: ExhibitName | None
    after: Annotated[tuple[ExhibitName, ...] | None, "most recent first"]


@dataclass(frozen=True)
class GuideData:
    name: str


@dataclass
class NoteData:
    text: str


@dataclass
class ExhibitName:
    title: str


def test_a_dataclass_gets_the_collections_that_it_wants():
    exhibit = Exhibit(
        guides={Guide(name="Ann")},
        notes={"en": Note(language="en", text="urn")},
        before=Exhibit(name="jar"),
        after=[Exhibit(name="pot")],
    )

    assert Collected(
        frozenset({GuideData("Ann")}), {"en": NoteData("urn")}, ExhibitName("jar"), (ExhibitName("pot"),)
    ) == snapshot(exhibit, Collected)


def test_the_same_object_becomes_the_same_instance():
    held = order()
    held.items[1].product = held.items[0].product

    first, second = snapshot(held, OrderData).items

    assert first.product is second.product


@dataclass
class AddressData:
    city: str


@dataclass
class CustomerData:
    name: str
    address: AddressData


@dataclass
class SameAddress:
    address: Address


def test_a_composite_is_taken_as_it_is_or_becomes_another_schema():
    customer = Customer(name="Ada", address=Address("Main Street", "London"))

    assert CustomerData("Ada", AddressData("London")) == snapshot(customer, CustomerData)
    assert SameAddress(Address("Main Street", "London")) == snapshot(customer, SameAddress)


@dataclass
class Back:
    order: Front


@dataclass
class Front:
    items: list[Back]


def test_a_dataclass_that_would_contain_itself_is_refused():
    with pytest.raises(SchemaError, match="Back of new Item would contain itself: give the field that leads back"):
        snapshot(Order(items=[Item()]), Front)


@dataclass
class Link:
    id: int
    before: Link | None


def test_a_chain_of_five_thousand_objects_becomes_dataclasses():
    exhibit = Exhibit(id=0, before=None)
    for n in range(1, 5000):
        exhibit = Exhibit(id=n, before=exhibit)

    made, depth = snapshot(exhibit, Link), 1
    while made.before is not None:
        made, depth = made.before, depth + 1

    assert 5000 == depth


class Tagged(TypedDict):
    name: str


class Facts(TypedDict):
    year: int


@dataclass
class Dated:
    facts: Facts


def test_json_stays_what_it_is_in_a_typed_dict():
    assert Dated({"year": 1512}) == snapshot(Exhibit(facts={"year": 1512}), Dated)


class Named(NamedTuple):
    name: str
    products: list[ProductData]


def test_typed_dicts_and_named_tuples_are_schemas_too():
    tag = Tag(name="new", products=[Product(name="lamp")])

    assert {"name": "new"} == snapshot(tag, Tagged)
    assert Named("new", [ProductData("lamp")]) == snapshot(tag, Named)


@dataclass
class Mixed:
    id: int
    items: list[ItemOut]


def test_a_pydantic_model_may_be_nested_in_a_dataclass():
    assert Mixed(1, snapshot(order(), OrderOut).items) == snapshot(order(), Mixed)


@dataclass
class Everything:
    id: int
    items: list[Any]


def test_related_objects_without_a_schema_are_snapshots():
    made = snapshot(order(), Everything)

    assert [2, 3] == [item.quantity for item in made.items]


@dataclass
class Late:
    id: int
    label: str = field(init=False, default="")

    def __post_init__(self) -> None:
        self.label = f"no. {self.id}"


def test_a_field_that_is_not_given_to_a_dataclass_is_not_read():
    assert "no. 1" == snapshot(order(), Late).label


@dataclass
class OnlyManagers:
    budget: int


def test_an_object_that_lacks_what_its_relatives_have_is_named():
    with pytest.raises(SchemaError, match=r"OnlyManagers.budget has no default, and new Engineer no such attribute"):
        snapshot([Manager(budget=1), Engineer()], OnlyManagers)


def test_ten_thousand_objects_become_a_schema():
    made = snapshot([Tag(id=n, name=str(n)) for n in range(10_000)], ProductOut)

    assert [str(n) for n in range(10_000)] == [one.name for one in made]
