"""What a schema reads from the objects that are converted into it: pydantic, SQLModel, msgspec, dataclass, TypedDict.

Pydantic is not imported here: a class of pydantic is recognised by the module that it comes with.
"""

from __future__ import annotations

import dataclasses
import sys
import typing
from collections.abc import Iterable, Iterator, Mapping
from types import UnionType
from typing import Annotated, Any, ForwardRef, TypeAlias, TypeVar, Union, cast, get_args, get_origin

import msgspec
from sqlalchemy import inspect
from sqlalchemy.orm import Mapper, QueryableAttribute

from outlive.lifecycle.errors import SchemaError

Steps: TypeAlias = tuple[str | int, ...]
"""Names of attributes, and indexes of lists, from an object to a value."""
AttributePath: TypeAlias = "QueryableAttribute[Any] | tuple[QueryableAttribute[Any], ...]"


@dataclasses.dataclass(frozen=True, eq=False)
class Reads:
    """What ``reads`` returns: metadata for ``Annotated``.

    Attributes:
        paths: Each path a tuple of attributes.
    """

    paths: tuple[tuple[QueryableAttribute[Any], ...], ...]


def reads(*paths: AttributePath) -> Reads:
    """Say what a field of a schema reads, where that cannot be derived.

    It stands beside the type: ``quantity: Annotated[int, reads(Order.items)]``.  Needed for a field that is served by a
    ``@property`` or a ``hybrid_property`` of the mapped class, for one that a validator computes from a relationship,
    and, without any path, for one that is not read from the object at all.
    What is declared replaces what would be derived.

    Args:
        paths: Each an attribute, or a tuple of attributes for a chain: ``(Order.items, Item.product)``.  An object at
            the end of a path is loaded with all its columns, unless the field has a schema of its own for it: then
            the first path is the one that leads there.

    Raises:
        TypeError: A path of something else than attributes of mapped classes.
    """
    chains = [path if isinstance(path, tuple) else (path,) for path in paths]
    for attribute in (attribute for chain in chains for attribute in cast("tuple[object, ...]", chain)):
        if not isinstance(attribute, QueryableAttribute):
            raise TypeError(f"expected attributes of mapped classes, such as Order.items, got {attribute!r}")
    return Reads(tuple(chains))


@dataclasses.dataclass(frozen=True)
class SchemaField:
    """One field of a schema.

    Attributes:
        name: Its name in the schema.
        sources: Where its value comes from: alternatives, in the order in which they are tried.
        schemas: The schemas among its types: each is read from an object of its own.
        others: The other types that it accepts, without ``None``.
        has_default: Whether the field has a value if no source has.
        reads: What was declared with ``reads``.
        annotation: The type as it was written, for messages.
    """

    name: str
    sources: tuple[Steps, ...]
    schemas: tuple[Any, ...]
    others: tuple[Any, ...]
    has_default: bool
    reads: Reads | None
    annotation: Any


def fields_of(schema: Any) -> tuple[SchemaField, ...]:
    """What converting an object into this schema reads, field by field.

    Args:
        schema: One of ``schemas_in``.

    Raises:
        SchemaError: An annotation cannot be resolved.
    """
    try:
        return tuple(_fields(schema))
    except NameError as error:
        problem = str(error).partition("\n")[0]
        raise SchemaError(f"{name_of_type(schema)} has an annotation that cannot be resolved: {problem}") from error


def schemas_in(annotation: Any) -> tuple[Any, ...]:
    """The schemas that a type consists of: of ``list[OrderOut | None]`` it is ``OrderOut``."""
    return tuple(dict.fromkeys(leaf for leaf in _leaves(annotation, {}) if is_schema(leaf)))


def is_schema(annotation: Any) -> bool:
    """Whether a type has fields of its own to be read from an object."""
    kind: Any = get_origin(annotation) or annotation
    if not isinstance(kind, type):
        return False
    if _is_pydantic(kind):
        return True
    if isinstance(inspect(kind, raiseerr=False), Mapper):
        return False
    if issubclass(cast("type[object]", kind), msgspec.Struct) or dataclasses.is_dataclass(kind):
        return True
    return _is_kind(kind, Mapping | tuple) and not {"__total__", "_fields"}.isdisjoint(dir(cast("object", kind)))


def looks_at_objects(schema: Any) -> bool:
    """Whether a validator of the schema gets the object before its fields are read, and may give something else."""
    decorators = getattr(schema, "__pydantic_decorators__", None)
    validators = decorators.model_validators.values() if decorators is not None else ()
    return any(each.info.mode in {"before", "wrap"} for each in validators)


def name_of_type(annotation: Any) -> str:
    """As it stands in the source: ``OrderOut``, ``list[ItemOut] | None``."""
    if isinstance(annotation, type) and not get_args(annotation):
        return annotation.__qualname__.rpartition(".<locals>.")[2] or annotation.__name__
    return str(annotation)


def _is_pydantic(kind: type) -> bool:
    pydantic = sys.modules.get("pydantic")
    return pydantic is not None and issubclass(kind, pydantic.BaseModel) and hasattr(kind, "model_fields")


def _fields(schema: Any) -> Iterator[SchemaField]:
    origin = get_origin(schema) or schema
    given = dict(zip(getattr(origin, "__parameters__", ()), get_args(schema), strict=False))
    if _is_pydantic(origin):
        yield from _pydantic_fields(origin)
        yield from _computed_fields(origin)
    elif issubclass(origin, msgspec.Struct):
        yield from _struct_fields(origin, given)
    elif dataclasses.is_dataclass(origin):
        yield from _dataclass_fields(origin, given)
    else:
        yield from _named_fields(origin, given)


def _field(name: str, sources: Iterable[Steps], annotation: Any, bound: Mapping[Any, Any], **more: Any) -> SchemaField:
    markers = [marker for marker in more.pop("metadata", ()) if isinstance(marker, Reads)]
    leaves = list(dict.fromkeys(_leaves(annotation, bound, markers)))
    schemas = tuple(leaf for leaf in leaves if is_schema(leaf))
    others = tuple(leaf for leaf in leaves if leaf is not type(None) and leaf not in schemas)
    declared = Reads(tuple(path for marker in markers for path in marker.paths)) if markers else None
    return SchemaField(name, tuple(sources), schemas, others, reads=declared, annotation=annotation, **more)


def _pydantic_fields(schema: Any) -> Iterator[SchemaField]:
    schema.model_rebuild()  # resolves what was not yet defined, and applies the `alias_generator`
    for name, info in schema.model_fields.items():
        annotation = info.annotation
        if isinstance(annotation, ForwardRef):  # pydantic 2.0 does not replace it
            annotation = _hints(schema)[name]
        sources = _sources(name, info.validation_alias or info.alias, schema.model_config)
        yield _field(name, sources, annotation, {}, metadata=info.metadata, has_default=not info.is_required())


def _sources(name: str, alias: Any, config: Mapping[str, Any]) -> Iterator[Steps]:
    """Where pydantic looks for the value of a field.

    Source: pydantic 2.0 to 2.14, "Alias" (concepts/alias); run with each.
    """
    by_alias = config.get("validate_by_alias", True)
    if alias is not None and by_alias:
        for choice in getattr(alias, "choices", [alias]):
            yield (choice,) if isinstance(choice, str) else tuple(choice.path)
    if alias is None or not by_alias or config.get("populate_by_name") or config.get("validate_by_name"):
        yield (name,)


def _computed_fields(schema: Any) -> Iterator[SchemaField]:
    """Those that declare what they read; of a schema that is mapped itself, all: they are read from its own objects."""
    mapped = isinstance(inspect(schema, raiseerr=False), Mapper)
    for name in schema.__pydantic_decorators__.computed_fields:
        function = getattr(getattr(schema, name), "fget", None) or getattr(getattr(schema, name), "func", None)
        annotation = _hints(function).get("return", Any)
        field = _field(name, [(name,)], annotation, {}, has_default=False)
        if mapped or field.reads:
            yield field


def _struct_fields(schema: Any, given: Mapping[Any, Any]) -> Iterator[SchemaField]:
    for info in msgspec.structs.fields(schema):
        # msgspec 0.18 reads the name that is written to JSON, later versions the one in Python.
        sources = dict.fromkeys([(info.name,), (info.encode_name,)])
        yield _field(info.name, sources, info.type, given, has_default=not info.required)


def _dataclass_fields(schema: Any, given: Mapping[Any, Any]) -> Iterator[SchemaField]:
    hints = _hints(schema)
    for field in dataclasses.fields(schema):
        if field.init:  # what is not passed to `__init__` is not read
            has_default = (field.default, field.default_factory) != (dataclasses.MISSING, dataclasses.MISSING)
            yield _field(field.name, [(field.name,)], hints[field.name], given, has_default=has_default)


def _named_fields(schema: Any, given: Mapping[Any, Any]) -> Iterator[SchemaField]:
    """Of a ``TypedDict`` or a ``NamedTuple``."""
    optional = {*getattr(schema, "__optional_keys__", ()), *getattr(schema, "_field_defaults", ())}
    for name, annotation in _hints(schema).items():
        has_default = name in optional or get_origin(annotation) is typing.NotRequired
        yield _field(name, [(name,)], annotation, given, has_default=has_default)


def _hints(schema: Any) -> dict[str, Any]:
    return typing.get_type_hints(schema, include_extras=True)


def _leaves(annotation: Any, bound: Mapping[Any, Any], markers: list[Reads] | None = None) -> Iterator[Any]:
    """The types that a type is put together from; what ``reads`` declares within goes to ``markers``."""
    origin = get_origin(annotation)
    alias = origin if hasattr(origin, "__value__") else annotation
    if origin is Annotated:
        if markers is not None:
            markers += [marker for marker in annotation.__metadata__ if isinstance(marker, Reads)]
        yield from _leaves(annotation.__origin__, bound, markers)
    elif hasattr(alias, "__value__") and not isinstance(alias, type):  # `type X = ...`, `TypeAliasType("X", ...)`
        given = dict(zip(getattr(alias, "__type_params__", ()), get_args(annotation), strict=False))
        yield from _leaves(alias.__value__, {**bound, **given}, markers)
    elif isinstance(annotation, TypeVar):
        yield from _leaves(bound.get(annotation, annotation.__bound__ or Any), {}, markers)
    elif _is_root_model(annotation):
        annotation.model_rebuild()
        yield from _leaves(annotation.model_fields["root"].annotation, bound, markers)
    elif origin in {Union, UnionType} or (get_args(annotation) and not is_schema(annotation) and _contains(origin)):
        parts = get_args(annotation)
        for part in parts[1:] if _is_kind(origin, Mapping) else parts:
            if part is not Ellipsis:
                yield from _leaves(part, bound, markers)
    elif hasattr(annotation, "__supertype__"):
        yield from _leaves(annotation.__supertype__, bound, markers)
    else:
        yield annotation


def _contains(origin: Any) -> bool:
    """Whether the arguments of a generic type are types of values in it: unlike ``Literal``'s, or ``type``'s."""
    words = {typing.Required, typing.NotRequired, typing.Final}
    return origin in words or _is_kind(origin, Iterable)


def _is_kind(origin: Any, kind: Any) -> bool:
    return isinstance(origin, type) and issubclass(origin, kind)


def _is_root_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and bool(getattr(annotation, "__pydantic_root_model__", False))
