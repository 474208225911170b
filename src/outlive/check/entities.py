"""Which classes are mapped, and what their attributes are."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal, TypeAlias

from outlive.check import facts
from outlive.check.facts import Attribute
from outlive.check.ir import Term
from outlive.check.program import ClassSymbol, External, FunctionSymbol, GlobalSymbol, Module, Program, Symbol

Guard: TypeAlias = Literal["", "raise", "raise_on_sql"]

_COLLECTIONS = frozenset({"list", "List", "set", "Set", "Sequence", "Collection", "Iterable", "dict", "Dict", "tuple"})
_EAGER = frozenset({"selectin", "joined", "subquery", "immediate", "False"})
_JOINED = frozenset({"joined", "False"})
_BY_QUERY = frozenset({"selectin", "subquery"})
_QUIET = frozenset({"dynamic", "write_only", "noload"})
_GUARDS: dict[str, Guard] = {"raise": "raise", "raise_on_sql": "raise_on_sql"}
_BASES = ("declarative_base", "automap_base", "generate_base")
_COLUMN_CALLS = frozenset({"mapped_column", "Column", "column_property", "Field", "deferred", "query_expression"})


@dataclass(frozen=True, slots=True)
class Column:
    """A mapped column.

    Attributes:
        deferred: Not loaded by a query that does not ask for it.
        onupdate: The database computes it at UPDATE, so a flush of a change expires it.
        factory: The constructor gives it a value (dataclass or SQLModel ``default_factory``).
        filled: A key that no row is without: its own, or a foreign one that may not be null.
        foreign: It has a ``ForeignKey``.
        refers: The table of that, where it can be read.
    """

    primary_key: bool = False
    deferred: bool = False
    onupdate: bool = False
    factory: bool = False
    filled: bool = False
    foreign: bool = False
    refers: str = ""


@dataclass(frozen=True, slots=True)
class Relationship:
    """A mapped relationship.

    Attributes:
        target: The class it leads to, ``None`` where that is not known.
        many: A collection; ``None`` where that cannot be told.
        eager: Every query loads it (``lazy="selectin"``).
        ends: That ends where its target is on the way already: ``always``, or ``joined`` to what joins led to.
        quiet: Reading it never emits SQL (dynamic, write-only, noload).
        by_key: A to-one side whose row is found by its key alone, so that the identity map can answer.
        deletes: What is behind it is deleted with its owner, or that cannot be read.
        saves: What is behind it goes into its owner's session (save-update cascade).
        guard: The ``lazy`` by which a read raises instead of loading.
        by_tables: Only the foreign keys of both tables say whether it is a collection.
    """

    target: ClassSymbol | None
    many: bool | None
    eager: bool
    quiet: bool
    by_key: bool = True
    deletes: bool = False
    saves: bool = True
    ends: Literal["", "always", "joined"] = ""
    guard: Guard = ""
    by_tables: bool = False


@dataclass(eq=False, slots=True)
class Entity:
    """A mapped class.

    Attributes:
        lineage: Itself and its ancestors in the program, nearest first.
        known: All ancestors are known, so an attribute that is not here does not exist.
        table: Its ``__tablename__``, where it can be read.
        proxies: Association proxies: the relationship that is read for one, and the attribute behind it.
        below: Columns of classes that inherit from it, which a query for it does not load, and one of these classes.
        eager_defaults: Server-generated values are fetched by every flush.
        is_sqlmodel: It has SQLModel's methods besides.
    """

    symbol: ClassSymbol
    lineage: tuple[ClassSymbol, ...]
    known: bool
    table: str = ""
    columns: dict[str, Column] = field(default_factory=dict[str, Column])
    relationships: dict[str, Relationship] = field(default_factory=dict[str, Relationship])
    proxies: dict[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    below: dict[str, str] = field(default_factory=dict[str, str])
    eager_defaults: bool = False
    async_attrs: bool = False
    is_sqlmodel: bool = False

    @property
    def name(self) -> str:
        return self.symbol.facts.name

    @property
    def key(self) -> str | None:
        """Name of the only primary key attribute."""
        keys = [name for name, column in self.columns.items() if column.primary_key]
        return keys[0] if len(keys) == 1 else None

    @property
    def cascades(self) -> bool:
        """Whether others are deleted with it."""
        return any(relationship.deletes for relationship in self.relationships.values())

    def refers_by(self, name: str, target: Entity | None = None) -> bool | None:
        """Whether the foreign key of a relationship is its owner's (many-to-one); ``None`` where nobody can tell."""
        column = self.columns.get(f"{name}_id")
        if column is not None and column.foreign:
            return True
        if target is None or not target.table or not self.table:
            return None
        keys = [column for column in self.columns.values() if column.foreign]
        if any(not column.refers or column.refers == target.table for column in keys):
            return True if any(column.refers == target.table for column in keys) else None
        return False if any(column.refers == self.table for column in target.columns.values()) else None

    def meets(self, other: Entity) -> bool:
        """Whether one row can be an object of both: one class is the other, or inherits from it."""
        return self.symbol in other.lineage or other.symbol in self.lineage


class Entities:
    """All mapped classes of a program, read on demand."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._known: dict[ClassSymbol, Entity | None] = {}
        self._below: dict[ClassSymbol, Entity | None] = {}
        self._eager: dict[ClassSymbol, Mapping[ClassSymbol, set[str]]] = {}
        self._backrefs: dict[ClassSymbol, dict[str, Relationship]] | None = None
        self._unsettled: list[Entity] = []
        self._settling = False

    def get(self, symbol: ClassSymbol) -> Entity | None:
        """The mapping of a class; ``None`` if it is not mapped."""
        if symbol not in self._known:
            self._known[symbol] = None  # Against cycles through relationship targets.
            self._known[symbol] = entity = self._read(symbol)
            if entity is not None:
                self._unsettled.append(entity)
                self._settle()
        return self._known[symbol]

    def _settle(self) -> None:
        """Say of relationships whether they are collections, where the tables tell."""
        if self._settling:
            return
        self._settling = True
        while self._unsettled:
            entity = self._unsettled.pop()
            for name, relationship in entity.relationships.items():
                target = self.behind(relationship) if relationship.by_tables else None
                if target is not None and not entity.meets(target):
                    entity.relationships[name] = replace(relationship, many=_is_many(entity, name, target))
        self._settling = False

    def behind(self, relationship: Relationship | None) -> Entity | None:
        """What a relationship leads to; ``None`` if that is not known, or not mapped."""
        if relationship is None or relationship.target is None:
            return None
        return self.get(relationship.target)

    def loaded_with(self, entity: Entity) -> Mapping[ClassSymbol, set[str]]:
        """The classes of what eager loading on the mappings brings with an entity, and the relationships to them.

        Behind a collection any row may be, and the name is empty.  What leads back to the entity ends there.
        """
        if entity.symbol not in self._eager:
            found: dict[ClassSymbol, set[str]] = {}
            seen: set[tuple[ClassSymbol, bool]] = set()
            waiting = [(entity, False)]
            while waiting:
                owner, is_one_of_many = waiting.pop()
                for name, relationship in self._eager_relationships(owner):
                    target, many = self.behind(relationship), is_one_of_many or relationship.many is not False
                    if target is None or (target is entity and owner is not entity):
                        continue
                    for symbol in target.lineage:
                        found.setdefault(symbol, set()).add("" if many else name)
                    if target is not entity and (target.symbol, many) not in seen:
                        seen.add((target.symbol, many))
                        waiting.append((target, many))
            self._eager[entity.symbol] = found
        return self._eager[entity.symbol]

    def _eager_relationships(self, entity: Entity) -> Iterator[tuple[str, Relationship]]:
        """Its own, and those of the heirs that are loaded whole with it.

        Source: SQLAlchemy 2.0 and 2.1, ``polymorphic_load`` and ``with_polymorphic``, run.
        """
        whole = "with_polymorphic" in self._mapper_arguments(entity.lineage)
        heirs = (
            self.get(symbol)
            for symbol in self.heirs.get(entity.symbol, ())
            if whole or "polymorphic_load" in self._mapper_arguments((symbol,))
        )
        for each in (entity, *heirs):
            for name, relationship in each.relationships.items() if each is not None else ():
                if relationship.eager:
                    yield name, relationship

    def annotated(self, module: Module, name: str) -> Entity | None:
        """What an annotation names: a mapped class, or any below a base or the bound of a type variable."""
        symbol = self.program.resolve(module, name)
        if isinstance(symbol, GlobalSymbol):
            symbol = self._bound(symbol)
        return self.get(symbol) or self.below(symbol) if isinstance(symbol, ClassSymbol) else None

    def _bound(self, variable: GlobalSymbol) -> Symbol | None:
        """``TypeVar("T", bound=Base)``"""
        term = self.program.global_term(variable)
        bound = term.keyword("bound") if term.head.rpartition(".")[2] == "TypeVar" else None
        return self.program.resolve(variable.module, bound.text) if bound is not None and bound.text else None

    def below(self, base: ClassSymbol) -> Entity | None:
        """What is known of an object of any class below a declarative base; ``None`` for another class."""
        if base not in self._below:
            is_base = any(
                isinstance(b, External) and b.sqlalchemy.startswith("DeclarativeBase") for b in self.program.bases(base)
            )
            inside, outside, _ = self.program.lineage(base)
            self._below[base] = self._of(base, inside, outside, False) if is_base else None
        return self._below[base]

    def _read(self, symbol: ClassSymbol) -> Entity | None:
        inside, outside, known = self.program.lineage(symbol)
        return self._of(symbol, inside, outside, known) if self._is_mapped(symbol, inside, outside, known) else None

    def _of(
        self, symbol: ClassSymbol, inside: list[ClassSymbol], outside: list[External | GlobalSymbol], known: bool
    ) -> Entity:
        ours = ("sqlalchemy", "sqlmodel", "flask_sqlalchemy", "typing", "abc", "object", "dataclasses")
        known = known and all(isinstance(base, GlobalSymbol) or base.library in ours for base in outside)
        entity = Entity(symbol, tuple(inside), known)
        names = {base.sqlalchemy for base in outside if isinstance(base, External)}
        entity.async_attrs, entity.is_sqlmodel = "AsyncAttrs" in names, "SQLModel" in names
        for class_ in inside:
            for attribute in class_.facts.attributes:
                self._attribute(entity, class_.module, attribute, "SQLModel" in names)
            told = {attribute.name for attribute in class_.facts.attributes}
            for name, index in class_.facts.methods.items():
                if name not in told and any(
                    "declared_attr" in d.head for d in class_.module.function(index).decorators
                ):
                    entity.known = False  # What it returns is not read here.
                    entity.columns.pop(name, None)
            for module, mapping in self._mappings.get(class_, ()):
                self._map(entity, module, mapping)
        for ancestor in inside:
            for name, backref in self._backrefs_of(ancestor).items():
                entity.relationships.setdefault(name, backref)
        entity.below = self._below_of(entity)
        return entity

    def _below_of(self, entity: Entity) -> dict[str, str]:
        """The columns of its heirs, unless one that has a column of that name is loaded with it.

        Source: SQLAlchemy 2.0 and 2.1, joined and single table inheritance, run.
        """
        heirs = self.heirs.get(entity.symbol, ())
        own = self._mapper_arguments(entity.lineage)
        if not heirs or "polymorphic_on" not in own or "with_polymorphic" in own:
            return {}
        found: dict[str, str] = {}
        loaded: set[str] = {*entity.columns, *entity.relationships}
        for class_ in entity.lineage:
            loaded |= class_.facts.methods.keys() | {attribute.name for attribute in class_.facts.attributes}
        for symbol in heirs:
            heir = self.get(symbol)
            arguments = self._mapper_arguments((symbol,))
            if heir is None:
                continue
            if "polymorphic_identity" not in arguments or "polymorphic_load" in arguments or "concrete" in arguments:
                loaded |= heir.columns.keys()
            found |= {name: heir.name for name in heir.columns if name not in found}
        return {name: heir for name, heir in found.items() if name not in loaded}

    def _mapper_arguments(self, lineage: Iterable[ClassSymbol]) -> set[str]:
        """The keys of ``__mapper_args__``."""
        return {
            word
            for class_ in lineage
            for attribute in class_.facts.attributes
            if attribute.name == "__mapper_args__" and attribute.value is not None
            for word, _ in self._words(class_.module, attribute.value)
        }

    @cached_property
    def heirs(self) -> Mapping[ClassSymbol, list[ClassSymbol]]:
        """The classes below a class, mapped or not."""
        found: dict[ClassSymbol, list[ClassSymbol]] = {}
        for symbol in self.program.classes():
            for above in self.program.lineage(symbol)[0][1:]:
                found.setdefault(above, []).append(symbol)
        return found

    def _is_mapped(
        self,
        symbol: ClassSymbol,
        inside: list[ClassSymbol],
        outside: list[External | GlobalSymbol],
        known: bool,
    ) -> bool:
        if any(d.head.endswith((".mapped", "mapped_as_dataclass")) for d in symbol.facts.decorators):
            return True
        if any(mapping.table is not None for class_ in inside for _, mapping in self._mappings.get(class_, ())):
            return True
        names = {base.sqlalchemy for base in outside if isinstance(base, External)}
        table = any(word == "table" and value.text == "True" for word, value in symbol.facts.keywords)
        if "SQLModel" in names:
            return table or any(
                word == "table" and value.text == "True" for c in inside for word, value in c.facts.keywords
            )
        # An abstract class has no table, but its methods get objects of the classes that have.
        columns = any(
            a.name in ("__tablename__", "__table__", "__abstract__") or _is_mapped_attribute(a)
            for class_ in inside
            for a in class_.facts.attributes
        )
        declarative = (
            bool(names & {"DeclarativeBase", "DeclarativeBaseNoMeta", "MappedAsDataclass", "Model"})
            or any(self._is_declarative_base(base) for base in outside)
            or any(map(_makes_a_base, inside))
            or not known
        )
        direct = _makes_a_base(symbol) or any(
            isinstance(b, External) and b.sqlalchemy.startswith("DeclarativeBase") for b in self.program.bases(symbol)
        )
        return columns and declarative and not direct

    def _is_declarative_base(self, base: External | GlobalSymbol) -> bool:
        if isinstance(base, External):
            return base.library not in ("typing", "abc", "dataclasses", "object", "enum", "pydantic")
        return self._makes_base(base.module, self.program.global_term(base))

    def _makes_base(self, module: Module, term: Term) -> bool:
        """``declarative_base()``, a function of the program that calls it, and ``cast(Any, declarative_base())``."""
        last = term.head.rpartition(".")[2]
        if last == "cast" and len(term.parts) == 2:
            return self._makes_base(module, term.parts[1])
        if last in _BASES or last == "Model":
            return True
        made = self.program.resolve(module, term.head) if term.kind == "call" and term.head else None
        return isinstance(made, FunctionSymbol) and any(f"{name}(" in made.facts.text for name in _BASES)

    @cached_property
    def _mappings(self) -> Mapping[ClassSymbol, list[tuple[Module, facts.Mapping]]]:
        """What classes are given outside of their bodies, and the module that says so."""
        found: dict[ClassSymbol, list[tuple[Module, facts.Mapping]]] = {}
        for module in self.program.modules:
            for mapping in module.facts.mappings:
                symbol = self.program.resolve(module, mapping.mapped.head) if mapping.mapped.head else None
                if isinstance(symbol, ClassSymbol):
                    found.setdefault(symbol, []).append((module, mapping))
        return found

    def _map(self, entity: Entity, module: Module, mapping: facts.Mapping) -> None:
        """The columns of a table, and the attributes that are named beside it."""
        table, place = mapping.table, module
        if table is not None and table.kind == "name":
            symbol = self.program.resolve(module, table.head)
            table = self.program.global_term(symbol) if isinstance(symbol, GlobalSymbol) else None
            place = symbol.module if isinstance(symbol, GlobalSymbol) else module
        for name, value in mapping.properties:
            entity.known = entity.known and name != "**"
            self._attribute(entity, module, Attribute(name, None, value, value.span), False)
        if table is None or table.head.rpartition(".")[2] != "Table":
            entity.known = entity.known and mapping.table is None  # What it has besides is not seen.
            return
        if table.parts and table.parts[0].kind == "text":
            entity.table = entity.table or table.parts[0].text
        for part in table.parts[1:]:
            key = part.keyword("key") or (part.parts[0] if part.parts else None)
            if part.head.rpartition(".")[2] == "Column" and key is not None and key.kind == "text":
                self._attribute(entity, place, Attribute(key.text, None, part, part.span), False)

    def _attribute(self, entity: Entity, module: Module, attribute: Attribute, is_sqlmodel: bool) -> None:
        name = attribute.name
        if name == "__tablename__" and attribute.value is not None and attribute.value.kind == "text":
            entity.table = entity.table or attribute.value.text
        if name == "__mapper_args__":
            entity.eager_defaults |= "eager_defaults" in repr(attribute.value)
        if name.startswith("__") or name in entity.columns or name in entity.relationships:
            return
        value, annotation = attribute.value, attribute.annotation
        call = value.head.rpartition(".")[2] if value is not None and value.kind == "call" else ""
        wrapper = annotation.head.rpartition(".")[2] if annotation is not None else ""
        if call in ("relationship", "Relationship", "dynamic_loader"):
            assert value is not None
            entity.relationships[name] = self._relationship(module, annotation, value)
        elif call in _COLUMN_CALLS:
            assert value is not None
            entity.columns[name] = _column(value, annotation)
        elif call == "association_proxy" and value is not None and len(value.parts) == 2:
            entity.proxies[name] = value.parts[0].text, value.parts[1].text
        elif (wrapper == "Mapped" and value is None) or (
            is_sqlmodel and annotation is not None and wrapper != "ClassVar" and call in ("", "Field")
        ):
            entity.columns[name] = Column()
        elif wrapper == "Mapped" and call not in ("association_proxy", "synonym", "composite"):
            # `Mapped[...] = some_helper()`: a column or a relationship, we cannot know which.
            entity.known = False

    def _relationship(self, module: Module, annotation: Term | None, value: Term) -> Relationship:
        many, target = self._target(module, annotation)
        if target is None and value.parts:
            _, target = self._target(module, _parsed(value.parts[0]))
        given = value.keyword("argument")
        if target is None and given is not None:
            _, target = self._target(module, _parsed(given))
        uselist = value.keyword("uselist")
        if uselist is not None and uselist.text in ("True", "False"):
            many = uselist.text == "True"
        words = dict(self._words(module, value))
        lazy = words.get("lazy")
        style = lazy.text if lazy is not None else "select"
        wrapper = annotation.head.rpartition(".")[2] if annotation is not None else ""
        quiet = style in _QUIET or wrapper in ("DynamicMapped", "WriteOnlyMapped")
        dynamic = lazy is not None and lazy.kind not in ("text", "value")
        quiet = quiet or dynamic or value.head.endswith("dynamic_loader") or ("**" in words and lazy is None)
        cascade = words.get("cascade")
        deletes = cascade is not None and (cascade.kind != "text" or "all" in cascade.text or "delete" in cascade.text)
        saves = "viewonly" not in words and (
            cascade is None or (cascade.kind == "text" and ("all" in cascade.text or "save-update" in cascade.text))
        )
        ends = _end_of_loading(style) if "join_depth" not in words else ""
        guard = "" if quiet else _GUARDS.get(style, "")
        by_key = not _has_more_than_a_key(words)
        by_tables = False
        if many is None:
            many, by_tables = _is_many_by(words)
        return Relationship(target, many, style in _EAGER, quiet, by_key, deletes, saves, ends, guard, by_tables)

    def _words(self, module: Module, value: Term, depth: int = 3) -> Iterator[tuple[str, Term]]:
        """The keywords of a call or dict, with those behind a ``**``; as ``**`` what cannot be read."""
        for word, given in value.keywords:
            if word not in ("**", "sa_relationship_kwargs"):
                yield word, given
                continue
            place, inner = module, given
            symbol = self.program.resolve(module, given.head) if given.kind == "name" and given.head else None
            if isinstance(symbol, GlobalSymbol):
                place, inner = symbol.module, self.program.global_term(symbol)
            if depth and (inner.text == "{}" or (inner.kind == "call" and inner.head == "dict")):
                yield from self._words(place, inner, depth - 1)
            else:
                yield "**", given

    def _target(self, module: Module, annotation: Term | None) -> tuple[bool | None, ClassSymbol | None]:
        """Whether an annotation is a collection, and the class in it."""
        if annotation is None:
            return None, None
        many: bool | None = False
        stack = [annotation]
        while stack:
            term = stack.pop()
            last = term.head.rpartition(".")[2]
            if term.kind == "item":
                if last in _COLLECTIONS:
                    many = True
                stack.extend(term.parts)
            elif term.kind in ("group", "other"):
                stack.extend(term.parts)
            elif term.kind in ("name", "text") and last not in ("None", "Any"):
                found = self.find(module, term.text)
                if found is not None:
                    return many, found
        return (many if annotation.kind == "item" else None), None

    def find(self, module: Module, name: str) -> ClassSymbol | None:
        """A class by the name that a relationship or annotation gives it: in its module, else unique in the program."""
        symbol = self.program.resolve(module, name)
        if isinstance(symbol, ClassSymbol):
            return symbol
        last = name.rpartition(".")[2]
        same = [c for c in self._by_name.get(last, ()) if c.facts.name == last]
        if len(same) > 1:
            near = [c for c in same if c.module.parts[:-1] == module.parts[:-1]]
            same = near or same
        return same[0] if len(same) == 1 else None

    @cached_property
    def _by_name(self) -> dict[str, list[ClassSymbol]]:
        found: dict[str, list[ClassSymbol]] = {}
        for symbol in self.program.classes():
            found.setdefault(symbol.facts.name, []).append(symbol)
        return found

    def _backrefs_of(self, symbol: ClassSymbol) -> dict[str, Relationship]:
        if self._backrefs is None:
            self._backrefs = {}
            for owner, module, attribute in self._all_relationships():
                assert attribute.value is not None
                backref = attribute.value.keyword("backref")
                if backref is None:
                    continue
                name = backref.text if backref.kind == "text" else backref.parts[0].text if backref.parts else ""
                target = self._relationship(module, attribute.annotation, attribute.value).target
                words = dict(self._words(module, backref))
                style = words["lazy"].text if "lazy" in words else "noload" if "**" in words else "select"
                its_own = dict(self._words(module, attribute.value))
                many, by_tables = _is_many_by(words.keys() | its_own.keys() - {"uselist"})
                if name and target is not None:
                    made = Relationship(
                        owner, many, style in _EAGER, style in _QUIET,
                        ends=_end_of_loading(style), guard=_GUARDS.get(style, ""), by_tables=by_tables,
                    )  # fmt: skip
                    self._backrefs.setdefault(target, {})[name] = made
        return self._backrefs.get(symbol, {})

    def _all_relationships(self) -> Iterator[tuple[ClassSymbol, Module, Attribute]]:
        for symbol in self.program.classes():
            for attribute in symbol.facts.attributes:
                if attribute.value is not None and attribute.value.head.endswith("relationship"):
                    yield symbol, symbol.module, attribute
        for symbol, given in self._mappings.items():
            for module, mapping in given:
                for name, value in mapping.properties:
                    if value.head.endswith("relationship"):
                        yield symbol, module, Attribute(name, None, value, value.span)


def _is_many_by(words: Collection[str]) -> tuple[bool | None, bool]:
    """Whether a relationship with such keywords is a collection; else whether the tables say it alone."""
    if "secondary" in words and "uselist" not in words and "**" not in words:
        return True, False
    return None, not {"**", "primaryjoin", "remote_side", "uselist"}.intersection(words)


def _is_many(owner: Entity, name: str, target: Entity) -> bool | None:
    """Whether a relationship without a word about it is a collection: the key is on the other side alone.

    Source: SQLAlchemy 2.0 and 2.1, ``relationship.uselist``, run.
    """
    refers, is_referred = owner.refers_by(name, target), target.refers_by("", owner)
    if refers is False and is_referred:
        return True
    return False if refers and not is_referred else None


def _makes_a_base(symbol: ClassSymbol) -> bool:
    """``@as_declarative()``, ``@registry.as_declarative_base()``, ``class Base(metaclass=DeclarativeMeta)``"""
    decorated = any(each.head.rpartition(".")[2].startswith("as_declarative") for each in symbol.facts.decorators)
    return decorated or any(
        word == "metaclass" and value.head.endswith("DeclarativeMeta") for word, value in symbol.facts.keywords
    )


def _end_of_loading(style: str) -> Literal["", "always", "joined"]:
    """Where what a mapping loads eagerly comes to a class that is on the way already.

    Source: SQLAlchemy 2.0 and 2.1, ``relationship.join_depth``, each way run.
    """
    return "always" if style in _BY_QUERY else "joined" if style in _JOINED else ""


def _is_mapped_attribute(attribute: Attribute) -> bool:
    annotation, value = attribute.annotation, attribute.value
    if annotation is not None and annotation.head.rpartition(".")[2] == "Mapped":
        return True
    return value is not None and value.head.rpartition(".")[2] in ("Column", "mapped_column", "relationship")


def _column(value: Term, annotation: Term | None) -> Column:
    wrapped = value.head.endswith("deferred")
    if wrapped and value.parts:
        value = value.parts[0]
    inner = value.keyword("sa_column")
    if inner is not None and inner.kind == "call":
        value = inner
    primary = value.keyword("primary_key")
    deferred = value.keyword("deferred")
    onupdate = value.keyword("onupdate")
    return Column(
        primary_key=primary is not None and primary.text == "True",
        deferred=wrapped or (deferred is not None and deferred.text == "True"),
        onupdate=value.keyword("server_onupdate") is not None or (onupdate is not None and _is_sql(onupdate)),
        factory=value.keyword("default_factory") is not None
        or (value.keyword("init") is not None and value.keyword("default") is not None),
        filled=_is_filled(value, annotation),
        foreign=_is_foreign(value),
        refers=_table_of_key(value),
    )


def _is_filled(value: Term, annotation: Term | None) -> bool:
    primary, nullable = value.keyword("primary_key"), value.keyword("nullable")
    if primary is not None and primary.text == "True":
        return True
    if not _is_foreign(value):
        return False
    if nullable is not None:
        return nullable.text == "False"
    inner = annotation.parts[0] if annotation is not None and annotation.kind == "item" and annotation.parts else None
    return inner is not None and inner.kind == "name"  # `Mapped[int]`, neither Optional nor a union.


def _is_foreign(value: Term) -> bool:
    return any(part.head.rpartition(".")[2] == "ForeignKey" for part in value.parts)


def _table_of_key(value: Term) -> str:
    """``ForeignKey("author.id")``"""
    for part in value.parts:
        if part.head.rpartition(".")[2] == "ForeignKey" and part.parts and part.parts[0].kind == "text":
            return part.parts[0].text.rpartition(".")[0].rpartition(".")[2]
    return ""


def _has_more_than_a_key(words: Mapping[str, Term]) -> bool:
    """A table in between, or a condition of several parts: to load it takes SQL, whatever the session holds.

    Source: SQLAlchemy 2.0, ``LazyLoader.use_get``.
    """
    return "secondary" in words or ("primaryjoin" in words and _is_conjunction(words["primaryjoin"]))


def _is_conjunction(term: Term) -> bool:
    inner = term.parts[0] if term.text == "lambda" and term.parts else term
    return "and_(" in inner.text or inner.head.rpartition(".")[2] == "and_"


def _is_sql(term: Term) -> bool:
    """``func.now()`` or ``text("...")``; a Python callable is evaluated by the ORM and known after the flush."""
    head = term.head
    return term.kind == "call" and (".func." in f".{head}" or head.rpartition(".")[2] in ("text", "FetchedValue"))


def _parsed(term: Term) -> Term:
    """``relationship("Item")``, ``relationship("shop.models.Item")`` and ``relationship(lambda: Item)``."""
    return Term("name", term.text, span=term.span) if term.kind == "text" else term
