"""``loader_options``: what does not fit is named, with what to write instead."""

from __future__ import annotations

from typing import Annotated, Any, Optional

import pytest
from pydantic import AliasPath, BaseModel, Field
from sqlalchemy import inspect
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, aliased, mapped_column

from outlive import OutliveError, SchemaError, loader_options, reads
from tests.databases import MEMORY
from tests.keep.library import Book
from tests.keep.responses import Out
from tests.store import Customer, Employee, Item, Order, Product, Shelf, Tag


class OrderOut(Out):
    id: int


class CustomerOut(Out):
    id: int


class BackToOrder(Out):
    order: OrderWithItems


class OrderWithItems(Out):
    items: list[BackToOrder]


class Tree(Out):
    boss: Optional[Tree]  # noqa: UP045  as it is written for Python 3.9
    reports: list[Tree]


class Brief(Out):
    reports: list[CustomerOut]


class TwoWays(Out):
    reports: list[TwoWays]
    brief: list[Brief] = Field(validation_alias="reports")


class Person(Out):
    orders: list[Purchase]


class Purchase(Out):
    customer: Person


def message(model: Any, schema: Any, kind: type[Exception] = SchemaError) -> str:
    with pytest.raises(kind) as caught:
        loader_options(model, schema)
    return str(caught.value)


def test_a_schema_error_is_an_error_of_this_package_and_a_value_error():
    class Wrong(Out):
        nope: int

    with pytest.raises(OutliveError) as caught:
        loader_options(Order, Wrong)
    assert isinstance(caught.value, ValueError)


def test_a_misspelt_field_is_named_with_the_name_that_was_meant():
    class Wrong(Out):
        itmes: list[OrderOut]

    assert (
        "Wrong.itmes is read from 'itmes', which Order does not have, did you mean 'items'? If the field is not read "
        "from the object, say so: `itmes: Annotated[list[OrderOut], outlive.reads()]`"
    ) == message(Order, Wrong)


def test_a_field_without_anything_like_it_is_named():
    class Wrong(Out):
        zzz: int | None

    assert "Wrong.zzz is read from 'zzz', which Order does not have. If the field" in message(Order, Wrong)


def test_a_misspelt_alias_is_named():
    class Wrong(Out):
        amount: int = Field(alias="totl")

    assert "Wrong.amount is read from 'totl', which Order does not have, did you mean 'total'?" in message(Order, Wrong)


def test_a_default_would_hide_a_misspelt_field():
    class Wrong(Out):
        stat: str = "?"

    assert "did you mean 'state'? Its default would be used. If the field is not read" in message(Order, Wrong)


def test_a_misspelt_field_of_a_nested_schema_is_named():
    class ProductOut(Out):
        nmae: str

    class ItemOut(Out):
        product: ProductOut | None

    class Wrong(Out):
        items: list[ItemOut]

    assert message(Order, Wrong).startswith("ProductOut.nmae is read from 'nmae', which Product does not have")


def test_a_misspelt_step_of_a_path_is_named():
    class Wrong(Out):
        customer_name: str = Field(validation_alias=AliasPath("customer", "nmae"))

    assert message(Order, Wrong).startswith(
        "Wrong.customer_name is read from 'nmae', which Customer does not have, did you mean 'name'?"
    )


def test_the_metadata_of_the_base_class_is_not_the_column_of_that_name():
    class Wrong(Out):
        metadata: dict[str, Any]

    assert "Wrong.metadata is read from 'metadata', which Book does not have, did you mean 'metadata_'?" in message(
        Book, Wrong
    )


@pytest.mark.parametrize("annotation", [int, str, Any, list[int], dict[str, Any], object, list])
def test_a_relationship_that_is_read_as_something_without_fields_is_named(annotation: Any):
    class Wrong(Out):
        items: annotation

    text = message(Order, Wrong)
    written = f"{getattr(annotation, '__name__', annotation)}" if isinstance(annotation, type) else str(annotation)
    assert (
        "Wrong.items is read from 'items', and Order.items is a relationship to Item. Give the field a schema" in text
    )
    assert text.endswith("outlive.reads(Order.items)]`")
    assert written.rpartition(".")[2].rstrip("]") in text


def test_the_remedy_for_a_relationship_can_be_pasted():
    class Wrong(Out):
        items: Any

    remedy = message(Order, Wrong).rpartition("items: ")[2].rstrip("`")

    assert "Annotated[Any, outlive.reads(Order.items)]" == remedy

    class Right(Out):
        items: Annotated[Any, reads(Order.items)]

    assert loader_options(Order, Right)


def test_a_column_that_is_read_as_a_schema_is_named():
    class Wrong(Out):
        state: CustomerOut

    assert (
        "Wrong.state is read from 'state', and Order.state is a column of str, not a relationship that could be read "
        "as `CustomerOut`"
    ) == message(Order, Wrong)


@pytest.mark.parametrize("annotation", [CustomerOut | str, list[CustomerOut] | int, CustomerOut | Any], ids=str)
def test_a_column_may_be_read_as_a_schema_or_something_else(annotation: Any):
    class Right(Out):
        state: annotation

    assert loader_options(Order, Right)


@pytest.mark.parametrize("name", ["settings", "address"])
def test_a_column_of_json_and_a_composite_may_be_read_as_a_schema(name: str):
    class Right(Out):
        x: CustomerOut = Field(validation_alias=name)

    assert loader_options(Customer, Right)


@pytest.mark.parametrize(("name", "kind"), [("events", "write_only"), ("visits", "dynamic")])
def test_a_relationship_that_cannot_be_loaded_is_named(name: str, kind: str):
    class Wrong(Out):
        x: list[CustomerOut] = Field(validation_alias=name)

    assert (
        f"Wrong.x is read from {name!r}, and Customer.{name} is a {kind} relationship, which cannot be loaded. Get its "
        "objects by a query of their own, and say that the field is not read from the object: "
        "`x: Annotated[list[CustomerOut], outlive.reads()]`"
    ) == message(Customer, Wrong)


def test_a_schema_that_leads_back_over_two_relationships_is_named():
    assert (
        "OrderWithItems is read again without end, OrderWithItems -> BackToOrder -> OrderWithItems: options can load "
        "this for a single relationship of a class to itself only. Give the field that leads back a schema that does "
        "not"
    ) == message(Order, OrderWithItems)


def test_the_same_cycle_is_named_from_its_other_side():
    assert "BackToOrder -> OrderWithItems -> BackToOrder" in message(Item, BackToOrder)


def test_a_cycle_below_the_schema_is_named():
    class Wrong(Out):
        orders: list[Purchase]

    assert "Wrong -> Purchase -> Person -> Purchase" in message(Customer, Wrong)


def test_a_recursive_schema_with_two_ways_down_is_named():
    assert "Tree is read again through Employee.boss and Employee.reports" in message(Employee, Tree)


def test_a_recursive_schema_that_reads_its_relationship_in_another_way_too_is_named():
    class Name(Out):
        name: str

    class Two(Out):
        reports: list[Two]
        names: list[Name] = Field(validation_alias="reports")

    assert "Two is read again through Employee.reports" in message(Employee, Two)


def test_a_declared_path_of_another_class_is_named():
    class Wrong(Out):
        total: Annotated[int, reads(Customer.name)]

    assert (
        "Wrong.total declares that it reads Customer.name, which is no attribute of Order: a path begins at the class "
        "that the schema is read from"
    ) == message(Order, Wrong)


def test_a_declared_path_that_does_not_hang_together_is_named():
    class Wrong(Out):
        total: Annotated[int, reads((Order.items, Customer.name))]

    assert message(Order, Wrong).startswith("Wrong.total is read from 'name', which Item does not have")


class Base(DeclarativeBase):
    pass


@pytest.mark.parametrize(
    ("model", "shown"),
    [
        (OrderOut, "OrderOut"),
        (Order(), "<tests.store.Order object"),
        (None, "None"),
        ("Order", "'Order'"),
        (int, "int"),
        (Base, "Base"),
        (Order.items, "<sqlalchemy.orm.attributes"),
        (inspect(Order), "<Mapper at"),
        (aliased(Order), "<AliasedClass at"),
        (Order.__table__, "Table('orders'"),
    ],
    ids=lambda value: None,
)
def test_what_is_no_mapped_class_is_named(model: Any, shown: str):
    assert message(model, OrderOut, TypeError).startswith(f"expected a mapped class, got {shown}")


@pytest.mark.parametrize(
    ("schema", "shown"),
    [
        (Customer, "Customer"),
        (int, "int"),
        (None, "None"),
        ("OrderOut", "'OrderOut'"),
        (OrderOut(id=1), "OrderOut(id=1)"),
        (list[int], "list[int]"),
        ([OrderOut], "[<class"),
        (Order.items, "<sqlalchemy.orm.attributes"),
    ],
    ids=lambda value: None,
)
def test_what_is_no_schema_is_named(schema: Any, shown: str):
    text = message(Order, schema, TypeError)
    assert text.startswith(f"expected a schema, such as a pydantic model or a dataclass, got {shown}")


def test_swapped_arguments_are_told():
    assert "expected the mapped class first: loader_options(Order, OrderOut)" == message(OrderOut, Order, TypeError)


def test_a_schema_without_fields_needs_the_key():
    class Nothing(Out):
        pass

    class Thing(Base):
        __tablename__ = "thing"
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str]

    with MEMORY.engine() as engine, Session(engine) as session:
        Base.metadata.create_all(session.connection())
        session.add(Thing(id=1, name="x"))
        session.commit()
        session.expunge_all()
        thing = session.get(Thing, 1, options=loader_options(Thing, Nothing))

    assert {"id": 1} == {key: value for key, value in thing.__dict__.items() if key != "_sa_instance_state"}


def test_a_model_without_from_attributes_is_a_schema():
    class Plain(BaseModel):
        name: str

    assert loader_options(Tag, Plain) == loader_options(Tag, Plain)
    assert loader_options(Shelf, create_schema("label"))
    assert loader_options(Product, create_schema("name"))


def create_schema(name: str) -> Any:
    return type("Made", (BaseModel,), {"__annotations__": {name: str}, "__module__": __name__})
