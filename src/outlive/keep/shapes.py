"""The shapes of a snapshot: attribute paths, and schemas."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeAlias, cast

from sqlalchemy import inspect
from sqlalchemy.orm import Mapper, QueryableAttribute, RelationshipProperty

from outlive.keep.attributes import Attribute, has, property_of, steps_of
from outlive.keep.graphs import Want
from outlive.keep.layouts import Kind, Part
from outlive.keep.mismatches import has_attribute, lacks
from outlive.keep.plans import plan_of
from outlive.keep.schemas import SchemaField, fields_of, name_of_type
from outlive.lifecycle.errors import SchemaError

Path: TypeAlias = QueryableAttribute[Any] | tuple[QueryableAttribute[Any], ...]
"""An attribute, or a chain of them."""
Names: TypeAlias = tuple[str, ...]


@dataclass(eq=False)
class PathShape:
    """What paths name of the objects at one place.

    Attributes:
        required: Whether it is an error if something that is named is not loaded.
        whole: Whether a path ends here: then the objects come with all columns that are loaded.
        steps: How the paths go on.
    """

    required: bool
    whole: bool = False
    steps: dict[Attribute, PathShape] = field(default_factory=dict[Attribute, "PathShape"])

    def wanted(self, mapper: Mapper[Any]) -> dict[str, Want]:
        """What is named of an object of exactly this class; an attribute of a subclass means objects of that one.

        Raises:
            ArgumentError: An attribute of a class that has nothing to do with that of the object; names both.
        """
        columns = [*mapper.column_attrs, *mapper.composites] if self.whole else []
        wanted = {column.key: Want(None, required=False) for column in columns}
        steps = {attribute.name: shape for attribute, shape in self.steps.items() if has(mapper, attribute)}
        return wanted | {name: Want(shape, self.required) for name, shape in steps.items()}


def path_shape(paths: object, *, required: bool) -> PathShape:
    """The shape that a path, or any iterable of paths, describes: just what is named.

    Raises:
        ArgumentError: Something that is no path: says what to write instead.
    """
    root = PathShape(required)
    is_one = not isinstance(paths, Iterable) or isinstance(paths, (QueryableAttribute, tuple, str, type))
    for path in cast("Iterable[object]", [paths] if is_one else paths):
        shape, end = root, None
        for end in steps_of(path):
            shape = shape.steps.setdefault(end, PathShape(required))
        shape.whole |= end is not None and isinstance(property_of(end.mapper, end.name), RelationshipProperty)
    return root


@lru_cache(maxsize=256)
def fields_read(schema: Any) -> tuple[SchemaField, ...]:
    """The fields of a schema that are not computed from others."""
    decorators = getattr(schema, "__pydantic_decorators__", None)
    computed = decorators.computed_fields if decorators is not None else ()
    return tuple(field for field in fields_of(schema) if field.name not in computed)


@dataclass(frozen=True)
class SchemaShape:
    """What schemas read from the objects at one place.

    Attributes:
        omit: Whether a field with a default may do without its attribute.
        schemas: Each object may become an instance of any of them.
        paths: What a schema further up reads from here by a path: its steps, and the schemas at its end.
        whole: Whether a field takes the objects as they are: then they come with the columns that are loaded.
    """

    omit: bool
    schemas: tuple[Any, ...] = ()
    paths: tuple[tuple[Names, tuple[Any, ...]], ...] = ()
    whole: bool = False

    def wanted(self, mapper: Mapper[Any]) -> dict[str, Want]:
        """By the names of mapped attributes.

        Raises:
            SchemaError: A schema names what the class and its relatives lack, or what only code can compute.
        """
        kind = plan_of(mapper).kind
        columns = [*mapper.column_attrs, *mapper.composites] if self.whole else []
        wanted = {column.key: Want(None, required=False) for column in columns}
        for names, schemas in self.paths:
            self._add(wanted, kind, names, schemas, required=not self.omit)
        for schema in self.schemas:
            for read in fields_read(schema):
                required = not (self.omit and read.has_default)
                for names, schemas in _reads(schema, read, mapper, kind):
                    self._add(wanted, kind, names, schemas, required=required)
        return wanted

    def _add(
        self, wanted: dict[str, Want], kind: Kind, names: Names, schemas: tuple[Any, ...], *, required: bool
    ) -> None:
        name, rest = kind.synonyms.get(names[0], names[0]), names[1:]
        before = wanted.get(name, Want(None, required=False))
        known = before.shape if isinstance(before.shape, SchemaShape) else SchemaShape(self.omit)
        shape = SchemaShape(
            self.omit,
            known.schemas if rest else tuple(dict.fromkeys((*known.schemas, *schemas))),
            (*known.paths, (rest, schemas)) if rest else known.paths,
            known.whole or not (rest or schemas),
        )
        wanted[name] = Want(shape, required or before.required)


def _reads(schema: Any, read: SchemaField, mapper: Mapper[Any], kind: Kind) -> Iterator[tuple[Names, tuple[Any, ...]]]:
    """The paths that a field reads from objects of a class, each with the schemas of the objects at its end."""
    sources = [source for source in read.sources if source[0] in kind.parts or source[0] in kind.synonyms]
    names = [str(source[0]) for source in sources or read.sources]
    is_unmapped = not sources and any(has_attribute(mapper, name) for name in names)
    if is_unmapped or kind.parts.get(names[0]) is Part.COMPUTED:
        raise SchemaError(
            f"{name_of_type(schema)}.{read.name} is read from {kind.name}.{names[0]}, which is no column and no "
            "relationship, and a snapshot runs no code of the class: compute it in the schema"
        )
    if read.reads is not None:
        yield from _declared(read, mapper)
        return
    for source in sources:
        yield tuple(step for step in source if isinstance(step, str)), read.schemas
        if len(source) == 1:
            return  # a longer path may lead nowhere: then the next source is tried
    relatives = {name for one in mapper.base_mapper.self_and_descendants for name in plan_of(one).kind.parts}
    if not sources and relatives.isdisjoint(names):
        raise lacks(schema, read, mapper, names[0])


def _declared(read: SchemaField, mapper: Mapper[Any]) -> Iterator[tuple[Names, tuple[Any, ...]]]:
    """What was declared with ``reads``: the first path leads to the objects that the field has schemas for."""
    schemas = read.schemas
    for path in read.reads.paths if read.reads else ():
        if mapper.isa(inspect(path[0].class_)):
            yield tuple(attribute.key for attribute in path), schemas
        schemas = ()
