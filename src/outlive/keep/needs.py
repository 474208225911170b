"""What of a mapped class a schema needs: a tree of columns and relationships."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias, TypeVar

from sqlalchemy import inspect
from sqlalchemy.ext.associationproxy import AssociationProxy
from sqlalchemy.orm import ColumnProperty, CompositeProperty, Mapper, RelationshipProperty, SynonymProperty

from outlive.keep import mismatches
from outlive.keep.mismatches import has_attribute
from outlive.keep.schemas import Reads, SchemaField, Steps, fields_of

K = TypeVar("K")
Node: TypeAlias = tuple[Mapper[Any], frozenset[Any]]
"""A mapped class, and the schemas that its objects are converted into at one place."""


@dataclass(frozen=True)
class Need:
    """What has to be loaded of the objects of a class.

    Attributes:
        mapper: Of that class.
        columns: Names of column attributes.
        related: Relationships, and what is needed of the objects there.
        recursive: Self-referential relationships whose objects need the same again.
        whole: Whether all columns are needed that load by default.
        subclasses: What the objects of each subclass need, all of it.
    """

    mapper: Mapper[Any]
    columns: frozenset[str] = frozenset()
    related: Mapping[str, Need] = field(default_factory=dict[str, "Need"])
    recursive: frozenset[str] = frozenset()
    whole: bool = False
    subclasses: Mapping[Mapper[Any], Need] = field(default_factory=dict[Mapper[Any], "Need"])

    def __bool__(self) -> bool:
        return bool(self.columns or self.related or self.recursive or self.whole)

    def __or__(self, other: Need) -> Need:
        return Need(
            self.mapper,
            self.columns | other.columns,
            _merged(self.related, other.related),
            self.recursive | other.recursive,
            self.whole or other.whole,
            _merged(self.subclasses, other.subclasses),
        )

    def beyond(self, base: Need) -> Need:
        """What an object of this class needs that loading it with what ``base`` needs does not bring."""
        inherited = set(base.mapper.column_attrs.keys())
        return Need(
            self.mapper,
            self.columns - base.columns,
            {name: need for name, need in self.related.items() if name not in base.related},
            self.recursive - base.recursive,
            whole=self.whole and not inherited.issuperset(self.mapper.column_attrs.keys()),
        )


def need_of(mapper: Mapper[Any], schemas: Iterable[Any], trail: tuple[Node, ...] = ()) -> Need:
    """What objects of a class, and those behind them, need to be converted into these schemas.

    Args:
        mapper: Of the class; objects of its subclasses may be among them.
        schemas: Alternatives: each object may be tried as any of them.
        trail: The nodes that have led here.

    Raises:
        SchemaError: A schema names what the class and its subclasses lack, or needs what cannot be derived.
    """
    here: Node = (mapper, frozenset(schemas))
    need = Need(mapper)
    for schema in schemas:
        for schema_field in fields_of(schema):
            reading = _Reading(schema, schema_field, (*trail, here))
            found = _with_subclasses(mapper, reading.from_object)
            if found is None:
                raise mismatches.lacks(schema, schema_field, mapper, schema_field.sources[0][0])
            need |= found
    ends = need.recursive.union(*(sub.recursive for sub in need.subclasses.values()))
    if len(ends) > 1 or ends & need.related.keys():
        raise mismatches.branches(mapper, schemas, sorted(ends))
    return need


@dataclass(frozen=True)
class _Reading:
    """The reading of one field of a schema; ``trail`` ends with the node that has it."""

    schema: Any
    field: SchemaField
    trail: tuple[Node, ...]

    def from_object(self, mapper: Mapper[Any]) -> Need | None:
        """What the field needs of an object of exactly this class; ``None`` if that has no such attribute."""
        if self.field.reads is not None:
            return self._declared(mapper, self.field.reads)
        need: Need | None = None
        for source in self.field.sources:
            if has_attribute(mapper, source[0]):
                found = self._along(mapper, source)
                need = found if need is None else need | found
                if len(source) == 1:
                    break  # a longer one may lead nowhere at run time: then the next source is tried
        return need

    def _declared(self, mapper: Mapper[Any], declared: Reads) -> Need:
        need = Need(mapper)
        reading = self
        for path in declared.paths:
            owner: Mapper[Any] = inspect(path[0].class_)
            if mapper.isa(owner):
                need |= reading._along(mapper, tuple(attribute.key for attribute in path))
            elif not owner.isa(self.trail[-1][0]):
                raise mismatches.foreign(self.schema, self.field, mapper, path[0])
            reading = replace(self, field=replace(self.field, schemas=()))
        return need

    def _along(self, mapper: Mapper[Any], steps: Steps, *, direct: bool = True) -> Need:
        """What a path of attributes needs from an object on; ``direct`` if that is the one with the field."""
        name, rest = str(steps[0]), steps[1:]
        match mapper.attrs.get(name) or mapper.all_orm_descriptors.get(name):
            case RelationshipProperty() as relation:
                return self._through(mapper, relation, rest, direct=direct)
            case ColumnProperty() as column:
                if not rest:
                    mismatches.check_column(self.schema, self.field, mapper, column)
                return Need(mapper, frozenset({name}))
            case CompositeProperty() as composite:
                return Need(mapper, frozenset(prop.key for prop in composite.props))
            case SynonymProperty() as synonym:
                return self._along(mapper, (synonym.name, *rest), direct=direct)
            case AssociationProxy() as proxy:
                return self._along(mapper, (proxy.target_collection, proxy.value_attr, *rest), direct=direct)
            case _:
                mismatches.check_unmapped(self.schema, self.field, mapper, name)
                return Need(mapper)

    def _through(self, mapper: Mapper[Any], relation: RelationshipProperty[Any], rest: Steps, *, direct: bool) -> Need:
        mismatches.check_loadable(self.schema, self.field, mapper, relation)
        need = self._behind(mapper, relation, rest, direct=direct)
        if relation.collection_class in {None, list, set}:  # pyright: ignore[reportUnknownMemberType]
            return need
        # A keyed collection reads columns of its objects while they are loaded, and nothing tells which.
        if need.recursive:
            return replace(need, whole=True)
        return need | Need(mapper, related={relation.key: Need(relation.mapper, whole=True)})

    def _behind(self, mapper: Mapper[Any], relation: RelationshipProperty[Any], rest: Steps, *, direct: bool) -> Need:
        while rest and isinstance(rest[0], int):
            rest = rest[1:]
        if not rest:
            return self._end(mapper, relation, direct=direct)
        found = _with_subclasses(
            relation.mapper,
            lambda target: self._along(target, rest, direct=False) if has_attribute(target, rest[0]) else None,
        )
        if found is None:
            raise mismatches.lacks(self.schema, self.field, relation.mapper, rest[0])
        return Need(mapper, related={relation.key: found})

    def _end(self, mapper: Mapper[Any], relation: RelationshipProperty[Any], *, direct: bool) -> Need:
        """What of the objects is needed that the field consists of."""
        node: Node = (relation.mapper, frozenset(self.field.schemas))
        if direct and node == self.trail[-1]:
            return Need(mapper, recursive=frozenset({relation.key}))
        if node in self.trail:
            raise mismatches.endless([schemas for _, schemas in self.trail], node[1])
        if self.field.schemas:
            return Need(mapper, related={relation.key: need_of(relation.mapper, self.field.schemas, self.trail)})
        mismatches.check_objects(self.schema, self.field, mapper, relation)
        found = _with_subclasses(relation.mapper, lambda target: Need(target, whole=True))
        return Need(mapper, related={relation.key: found or Need(relation.mapper)})


def _with_subclasses(mapper: Mapper[Any], need_of_one: Callable[[Mapper[Any]], Need | None]) -> Need | None:
    """What objects of a class and of its subclasses need; ``None`` if none of the classes can serve it."""
    found = {one: need for one in mapper.self_and_descendants if (need := need_of_one(one)) is not None}
    if not found:
        return None
    return replace(found.pop(mapper, Need(mapper)), subclasses=found)


def _merged(one: Mapping[K, Need], other: Mapping[K, Need]) -> dict[K, Need]:
    return {**one, **{key: one[key] | need if key in one else need for key, need in other.items()}}
