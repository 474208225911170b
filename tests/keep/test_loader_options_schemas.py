"""What converting into a schema reads, as told by ``fields_of``, held against what pydantic and msgspec really read."""

from __future__ import annotations

import dataclasses
import gc
import subprocess
import sys
import warnings
import weakref
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import (
    Annotated,
    Any,
    ClassVar,
    Generic,
    Literal,
    NamedTuple,
    NewType,
    NotRequired,
    Required,
    TypedDict,
    TypeVar,
)

import msgspec
import pydantic
import pytest
from pydantic import AliasChoices, AliasPath, BaseModel, ConfigDict, Field, PrivateAttr, RootModel, computed_field
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from typing_extensions import TypeAliasType

from outlive import SchemaError, loader_options, reads
from outlive.keep.schemas import Reads, SchemaField, fields_of, is_schema, schemas_in
from tests.keep.responses import Out
from tests.store import Product

T = TypeVar("T")
PYDANTIC = tuple(int(part) for part in pydantic.VERSION.split(".")[:2])


class Inner(Out):
    a: int


class Node(Out):
    children: list[Node]


class Early(Out):
    later: list[Later]


class Later(Out):
    a: int


class Unbuilt(BaseModel):
    model_config = ConfigDict(from_attributes=True, alias_generator=str.upper, defer_build=True)
    x: int


class Page(Out, Generic[T]):
    content: list[T]


class Inners(RootModel[list[Inner]]):
    pass


class Recorded:
    """An object that notes which attributes are asked of it."""

    def __init__(self, **has: object) -> None:
        self.__dict__["_has"] = has
        self.__dict__["_asked"] = []

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        self._asked.append(name)
        if name in self._has:
            return self._has[name]
        raise AttributeError(name)


def asked(schema: type[BaseModel], **has: object) -> list[str]:
    """The names that pydantic asks for, each once, in the order in which it does."""
    recorded = Recorded(**has)
    with suppress(pydantic.ValidationError):
        schema.model_validate(recorded)
    return list(dict.fromkeys(recorded._asked))


def field_of(schema: Any, name: str) -> SchemaField:
    return {field.name: field for field in fields_of(schema)}[name]


def sources(schema: Any) -> list[str | int]:
    (field,) = fields_of(schema)
    return [source[0] for source in field.sources]


def schema_with(field: Any = ..., **config: Any) -> type[BaseModel]:
    return pydantic.create_model("Made", __config__=ConfigDict(from_attributes=True, **config), x=(int, field))


newer = pytest.mark.skipif(PYDANTIC < (2, 11), reason="validate_by_name and validate_by_alias came with pydantic 2.11")

ALIASES = [
    pytest.param(schema_with(), id="name"),
    pytest.param(schema_with(3), id="default"),
    pytest.param(schema_with(Field(alias="y")), id="alias"),
    pytest.param(schema_with(Field(3, alias="y")), id="alias and default"),
    pytest.param(schema_with(Field(serialization_alias="y")), id="serialization alias"),
    pytest.param(schema_with(Field(validation_alias="y")), id="validation alias"),
    pytest.param(schema_with(Field(alias="y", validation_alias="z")), id="both aliases"),
    pytest.param(schema_with(Field(alias="y"), populate_by_name=True), id="populate by name"),
    pytest.param(schema_with(Field(validation_alias=AliasChoices("y", "z"))), id="choices"),
    pytest.param(
        schema_with(Field(validation_alias=AliasChoices("y", "z")), populate_by_name=True), id="choices, name"
    ),
    pytest.param(schema_with(Field(validation_alias=AliasPath("y", "z"))), id="path"),
    pytest.param(schema_with(Field(validation_alias=AliasPath("y", 0, "z"))), id="path with an index"),
    pytest.param(schema_with(Field(validation_alias=AliasChoices(AliasPath("y", "z"), "q"))), id="choices of paths"),
    pytest.param(schema_with(alias_generator=str.upper), id="alias generator"),
    pytest.param(schema_with(Field(alias="y"), alias_generator=str.upper), id="alias generator and alias"),
    pytest.param(Unbuilt, id="alias generator, not built"),
    pytest.param(schema_with(Field(alias="y"), validate_by_name=True), id="by name too", marks=newer),
    pytest.param(
        schema_with(Field(alias="y"), validate_by_name=True, validate_by_alias=False), id="by name only", marks=newer
    ),
    pytest.param(schema_with(Field(alias="y"), validate_by_alias=False), id="not by alias", marks=newer),
    pytest.param(schema_with(Field(exclude=True)), id="excluded"),
    pytest.param(schema_with(extra="allow"), id="extra allowed"),
]


@pytest.mark.parametrize("schema", ALIASES)
def test_sources_are_what_pydantic_asks_for_in_its_order(schema: type[BaseModel]):
    assert asked(schema) == sources(schema)


@pytest.mark.parametrize("schema", ALIASES)
def test_pydantic_stops_at_the_first_source_that_is_there(schema: type[BaseModel]):
    for number, source in enumerate(sources(schema)):
        assert sources(schema)[: number + 1] == asked(schema, **{str(source): Recorded(z=1)})[: number + 1]


def test_a_path_of_which_the_end_is_missing_leads_to_the_next_source():
    schema = schema_with(Field(validation_alias=AliasChoices(AliasPath("y", "z"), "q")))

    assert ["y", "q"] == asked(schema, y=None, q=1)


def test_class_variables_private_attributes_and_computed_fields_are_not_read():
    class Schema(Out):
        a: int
        kind: ClassVar[str] = "k"
        _private: int = PrivateAttr(1)

        @computed_field  # type: ignore[prop-decorator]
        @property
        def doubled(self) -> int:
            return self.a * 2

    assert ["a"] == asked(Schema, a=1) == [field.name for field in fields_of(Schema)]


def test_fields_of_base_classes_are_read():
    class Derived(Inner):
        b: int

    assert ["a", "b"] == asked(Derived) == [field.name for field in fields_of(Derived)]


def test_the_type_of_an_overridden_field_is_that_of_the_subclass():
    class Derived(Node):
        children: list[Inner]

    assert (Inner,) == field_of(Derived, "children").schemas


class Part(msgspec.Struct):
    a: int


class Whole(msgspec.Struct, rename="camel"):
    the_parts: list[Part]
    count: int = 0


Alias = TypeAliasType("Alias", list[Inner])
GenericAlias = TypeAliasType("GenericAlias", list[T], type_params=(T,))


@pytest.mark.parametrize(
    "annotation",
    [
        Inner,
        Inner | None,
        list[Inner],
        set[Inner],
        frozenset[Inner],
        tuple[Inner, ...],
        Sequence[Inner],
        dict[str, Inner],
        Mapping[Inner, Inner],
        list[Inner] | None,
        list[Inner | None],
        Annotated[list[Inner], "note"],
        list[Annotated[Inner, "note"]],
        Inners,
        list[Inners],
        Alias,
        GenericAlias[Inner],
        NewType("New", Inner),  # type: ignore[valid-newtype]
        Required[Inner],
        NotRequired[list[Inner]],
        TypeVar("Bound", bound=Inner),
    ],
    ids=str,
)
def test_a_schema_is_found_in_every_type_that_contains_it(annotation: Any):
    assert (Inner,) == schemas_in(annotation)


@pytest.mark.parametrize(
    "annotation", [int, Any, None, "Inner", type[Inner], Literal["a"], list[int], dict[Inner, int], T, 3, ...], ids=str
)
def test_no_schema_is_found_where_there_is_none(annotation: Any):
    assert () == schemas_in(annotation)


def test_the_parts_of_a_union_are_found_each_once_in_order():
    assert (Node, Inner) == schemas_in(Node | Inner | list[Node] | None)


def test_a_generic_model_has_the_types_that_it_was_given():
    assert (Inner,) == field_of(Page[Inner], "content").schemas
    assert () == field_of(Page, "content").schemas


def test_a_generic_dataclass_has_the_types_that_it_was_given():
    @dataclasses.dataclass
    class Pair(Generic[T]):
        one: T
        others: list[T]

    assert [(Inner,), (Inner,)] == [field.schemas for field in fields_of(Pair[Inner])]


def test_a_recursive_model_has_itself():
    assert (Node,) == field_of(Node, "children").schemas


def test_postponed_annotations_are_resolved():
    assert (Later,) == field_of(Early, "later").schemas


class IncompleteModel(Out):
    x: NoSuchName  # noqa: F821


@dataclasses.dataclass
class IncompleteData:
    x: NoSuchName  # noqa: F821


class IncompleteStruct(msgspec.Struct):
    x: NoSuchName  # noqa: F821


class IncompleteDict(TypedDict):
    x: NoSuchName  # noqa: F821


@pytest.mark.parametrize("schema", [IncompleteModel, IncompleteData, IncompleteStruct, IncompleteDict])
def test_an_annotation_that_cannot_be_resolved_is_named(schema: Any):
    with pytest.raises(SchemaError, match=f"^{schema.__name__} has .* cannot be resolved: name 'NoSuchName' is not"):
        fields_of(schema)


def test_types_beside_a_schema_are_kept_apart_from_it():
    class Schema(Out):
        x: int | Inner | None

    assert ((Inner,), (int,)) == (field_of(Schema, "x").schemas, field_of(Schema, "x").others)


def test_of_a_dataclass_what_is_passed_to_init_is_read():
    @dataclasses.dataclass
    class Schema:
        a: int
        b: list[Inner]
        kind: ClassVar[int] = 1
        given: dataclasses.InitVar[int] = 1
        later: int = dataclasses.field(init=False, default=1)
        c: int = 1

    assert [("a", False), ("b", False), ("c", True)] == [(field.name, field.has_default) for field in fields_of(Schema)]


def test_of_a_typed_dict_and_a_named_tuple_all_is_read():
    class Row(TypedDict):
        a: int
        b: NotRequired[Inner]

    class Pair(NamedTuple):
        a: int
        b: Inner | None = None

    assert [("a", (), False), ("b", (Inner,), True)] == [
        (field.name, field.schemas, field.has_default) for field in fields_of(Row)
    ]
    assert fields_of(Row)[0] == fields_of(Pair)[0]


def test_of_a_struct_all_is_read_that_msgspec_reads():
    recorded = Recorded(the_parts=[Recorded(a=1)], theParts=[Recorded(a=1)])
    msgspec.convert(recorded, Whole, from_attributes=True)

    assert {name for field in fields_of(Whole) for (name,) in field.sources} >= set(recorded._asked)
    assert (Part,) == field_of(Whole, "the_parts").schemas


def test_a_mapped_class_is_no_schema_unless_it_is_a_model():
    class Base(DeclarativeBase):
        pass

    class Thing(Base):
        __tablename__ = "thing"
        id: Mapped[int] = mapped_column(primary_key=True)

    assert not is_schema(Thing)
    assert not is_schema(dict)
    assert not is_schema(tuple)
    assert not is_schema(BaseModel.model_validate)


Declared = Annotated[int, reads()]


@pytest.mark.parametrize("annotation", [Declared, Declared | None, list[Declared]], ids=str)
def test_a_declaration_is_found_wherever_it_stands(annotation: Any):
    @dataclasses.dataclass
    class Data:
        x: Any

    Data.__annotations__["x"] = annotation
    model = pydantic.create_model("Model", x=(annotation, ...))

    assert [True, True] == [isinstance(field_of(schema, "x").reads, Reads) for schema in (Data, model)]


@pytest.mark.parametrize("field", [Field(alias="y"), Field(default=None), 3], ids=str)
def test_a_declaration_is_found_beside_other_metadata(field: Any):
    model = pydantic.create_model("Model", x=(Annotated[int, reads(), "note"], field))

    assert Reads(()).paths == field_of(model, "x").reads.paths


def test_pydantic_and_outlive_do_not_mind_each_other():
    class Model(Out):
        x: Declared = Field(gt=1)

    assert {"x": 3} == Model.model_validate({"x": 3}).model_dump()
    assert {"exclusiveMinimum": 1, "title": "X", "type": "integer"} == Model.model_json_schema()["properties"]["x"]


@pytest.mark.parametrize("path", ["items", 3, None, Inner, ("items",), [], (Inner.a if hasattr(Inner, "a") else int,)])
def test_what_is_no_attribute_cannot_be_declared(path: Any):
    with pytest.raises(TypeError, match=r"expected attributes of mapped classes, such as Order.items, got "):
        reads(path)


def test_a_dataclass_needs_no_pydantic():
    program = """
import sys
for name in ("pydantic", "sqlmodel", "pydantic_core"):
    sys.modules[name] = None
import dataclasses
from outlive import loader_options
from tests.store import Product

@dataclasses.dataclass
class ProductOut:
    name: str

print(len(loader_options(Product, ProductOut)))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert ("1\n", "") == (done.stdout, done.stderr)


def test_options_of_a_schema_that_is_gone_are_gone():
    class Brief(Out):
        name: str

    loader_options(Product, Brief)
    gone = weakref.ref(Brief)
    del Brief
    for _ in range(3):
        gc.collect()

    assert gone() is None


def test_a_model_of_pydantic_1_has_no_fields_to_be_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about Python 3.14
        from pydantic import v1  # noqa: PLC0415

    class Old(v1.BaseModel):
        a: int

    monkeypatch.setitem(sys.modules, "pydantic", v1)  # as where that version is installed

    assert () == schemas_in(list[Old])
    with pytest.raises(TypeError, match=r"expected a schema, such as a pydantic model or a dataclass, got .*Old"):
        loader_options(Product, Old)
