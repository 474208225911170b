"""What a name can stand for, as far as the life of objects is concerned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from msgspec import Struct, structs

from outlive.check.program import ClassSymbol, External, FunctionSymbol, GlobalSymbol, Module, ModuleSymbol

_ARGS, _KEYWORDS = "%args", "%keywords"


class Unknown(Struct, frozen=True):
    """Anything that does not matter or cannot be known.

    Attributes:
        source: What is the same wherever the value goes, such as a parameter: it can be a key; 0 for all else.
        there: It is true: neither ``None`` nor empty.
        given: It is not ``None``, and may be empty: what stands under a key, or else a number.
    """

    source: int = 0
    there: bool = False
    given: bool = False


class Const(Struct, frozen=True):
    """A literal."""

    value: str | bool | int | None


class Every(Struct, frozen=True):
    """Instead of a key: every row of a table; with ``part``, some of them, which nothing but their own key tells."""

    part: bool = False


class Ref(Struct, frozen=True):
    """An object on the heap of the state: mapped, or an instance of another class of the program."""

    oid: int


class SessionRef(Struct, frozen=True, eq=False):
    """A session; ``inner`` when it is named as the sync session of an ``AsyncSession``."""

    sid: int
    inner: bool = False

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SessionRef) and self.sid == other.sid

    def __hash__(self) -> int:
        return hash(self.sid)


class Many(Struct, frozen=True):
    """A collection or iterator whose elements are alike."""

    element: Value


class Group(Struct, frozen=True):
    """A tuple, list or dict of known values; ``names`` are the string keys of a dict."""

    items: tuple[Value, ...]
    names: tuple[str, ...] = ()


class Load(Struct, frozen=True):
    """What a query loads beyond the mapping's own: relationships (with what they load), deferred columns, limits.

    Attributes:
        rels: Relationship -> what is loaded behind it.
        columns: Columns that are undeferred.
        only: ``load_only``: the columns that are loaded; ``None`` for all.
        without: Columns or relationships that are explicitly not loaded.
        vague: Options that cannot be read: nothing is known to be unloaded.
        keyed: Columns that the query is restricted by.
    """

    rels: tuple[tuple[str, Load], ...] = ()
    columns: frozenset[str] = frozenset()
    only: frozenset[str] | None = None
    without: frozenset[str] = frozenset()
    vague: bool = False
    keyed: frozenset[str] = frozenset()

    def get(self, name: str) -> Load | None:
        return next((load for rel, load in self.rels if rel == name), None)

    def merged(self, other: Load) -> Load:
        rels = dict(self.rels)
        for name, load in other.rels:
            rels[name] = rels[name].merged(load) if name in rels else load
        only = self.only if other.only is None else other.only | (self.only or frozenset())
        return Load(
            tuple(rels.items()),
            self.columns | other.columns,
            only,
            self.without | other.without,
            self.vague or other.vague,
            self.keyed | other.keyed,
        )


class Mapped(Struct, frozen=True):
    """``Author.books``: an attribute of a mapped class, in a query; also a condition on it.

    Attributes:
        equals: What it is to be equal to; ``SOME`` where it is compared in another way.
    """

    owner: ClassSymbol
    name: str
    equals: Value | None = None


class Option(Struct, frozen=True):
    """``selectinload(Author.books)``: ``path`` leads to where a chained call continues."""

    load: Load
    path: tuple[str, ...] = ()


class Query(Struct, frozen=True):
    """``select(Author)``, ``session.query(Author)``: what it returns, with its options.

    Attributes:
        entities: One value per column of a row; a ``ClassSymbol`` wrapped in ``ClassValue`` for a mapped class; of a
            change, what it changes.
        spot: The call of ``select``; where ``.options(...)`` can be added.
        sid: The session of a legacy query.
        kind: ``select``, ``query`` or ``change`` (insert, update, delete).
        key: The primary key that its rows are asked for by, ``EVERY`` as long as nothing narrows it.
        joined: It has joins, so ``filter_by`` is about something else.
        returning: One value per column of the rows that a change gives back.
        deletes: It is a change that deletes rows.
    """

    entities: tuple[Value, ...]
    load: Load
    spot: Spot
    sid: int | None = None
    kind: str = "select"
    key: Value | None = None
    joined: bool = False
    returning: tuple[Value, ...] = ()
    deletes: bool = False

    @property
    def row(self) -> tuple[Value, ...]:
        """One value per column of its rows."""
        return self.returning if self.kind == "change" else self.entities


class Rows(Struct, frozen=True):
    """The result of an executed query; ``row`` is what one row is; ``scalar`` its first column."""

    row: Value
    scalar: Value


class Factory(Struct, frozen=True):
    """``sessionmaker(...)``, ``Session``, ``Flask``'s ``db.session``: what makes sessions.

    Attributes:
        is_async: ``AsyncSession`` and its like.
        expires: ``expire_on_commit``; ``None`` where it cannot be read.
        name: The class that is made, in SQLAlchemy's words; empty for a subclass with methods of its own.
        spot: The call that made the factory, ``None`` for a class.
        fixable: ``expire_on_commit=False`` can be added to that call.
        scoped: Attribute access goes to the session of the thread.
        autoflush: A query flushes first.
        final: ``close_resets_only=False``.
        asked: ``expires`` was said at the call that made the session, not by the factory.
        keeps: It is ours: keys outlive a rollback, and what a flush takes is fetched again.
    """

    is_async: bool
    expires: bool | None
    name: str
    spot: Spot | None = None
    fixable: bool = False
    scoped: bool = False
    autoflush: bool = True
    final: bool = False
    asked: bool = False
    keeps: bool = False


class ClassValue(Struct, frozen=True):
    """A class of the program."""

    symbol: ClassSymbol


class Member(Struct, frozen=True):
    """A member of an enumeration of the program."""

    owner: ClassSymbol
    name: str


class Shelf(Struct, frozen=True):
    """A dict of a module, or what a library offers for one, that functions fill: ``BOOKS[1] = book``."""

    symbol: GlobalSymbol


class FunctionValue(Struct, frozen=True, eq=False):
    """A function, a bound method or a lambda, with what it closes over.

    Attributes:
        closure: What the names around it stood for when it was made.
        home: Frame of these names; while it is alive, they stand for what they stand for there.
        bare: Without its decorators: what they are given.

    What ``functools.partial`` has given it is in ``closure``, too, under names that no program has.
    """

    symbol: FunctionSymbol
    owner: Value | None = None
    closure: Mapping[str, Value] = {}
    home: int = -1
    bare: bool = False

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FunctionValue) and (self.symbol, self.owner, self.bare) == (
            other.symbol,
            other.owner,
            other.bare,
        )

    def __hash__(self) -> int:
        return hash((self.symbol, self.owner))

    @property
    def args(self) -> tuple[Value, ...]:
        """Its first arguments, that a partial has."""
        given = self.closure.get(_ARGS)
        return given.items if isinstance(given, Group) else ()

    @property
    def keywords(self) -> dict[str, Value]:
        """Its keyword arguments, that a partial has."""
        given = self.closure.get(_KEYWORDS)
        return dict(zip(given.names, given.items, strict=True)) if isinstance(given, Group) else {}

    def partial(self, args: tuple[Value, ...], keywords: Mapping[str, Value]) -> FunctionValue:
        """``functools.partial(function, *args, **keywords)``"""
        named = {**self.keywords, **keywords}
        given = {_ARGS: Group((*self.args, *args)), _KEYWORDS: Group(tuple(named.values()), tuple(named))}
        return structs.replace(self, closure={**self.closure, **given})


class MethodValue(Struct, frozen=True):
    """``session.commit`` without the call, ``functools.partial`` of it, a library's bound method."""

    base: Value
    name: str


class Super(Struct, frozen=True):
    """``super()``: an instance or a class, whose methods are looked up behind a class that it is made from."""

    owner: Value
    behind: ClassSymbol


class Context(Struct, frozen=True):
    """A call of a function that yields, to be entered by ``with``, iterated, or depended on.

    Attributes:
        home: Frame that calls it.
    """

    function: FunctionValue
    arguments: tuple[tuple[str, Value], ...]
    span: int
    home: int


class Stack(Struct, frozen=True):
    """``ExitStack()``, ``AsyncExitStack()``: what is entered on it stands in a frame of its own, in that order."""

    frame: int


class Coroutine(Struct, frozen=True):
    """What a call gives before it is awaited.

    Attributes:
        value: What it gives then.
        spot: The call.
        sid: The session whose method it is; ``None`` for a function of the program.
        made_by: That function, with its arguments.
        kept: It has been put into a collection, to be awaited later.
    """

    value: Value
    spot: Spot
    sid: int | None
    made_by: Context | None = None
    kept: bool = False


class Handle(Struct, frozen=True):
    """A task, a thread, a future: work that somebody else does."""

    id: int


class Block(Struct, frozen=True):
    """``session.begin()``, ``session.begin_nested()``, ``factory.begin()`` before it is entered."""

    sid: int
    kind: str


class Spot(Struct, frozen=True):
    """A place in a frame: comparable, and independent of how often the code was walked."""

    frame: int
    span: int


Value: TypeAlias = (
    Unknown | Const | Every | Ref | SessionRef | Many | Group | Mapped | Option | Query | Rows | Factory | ClassValue
    | Shelf | FunctionValue | MethodValue | Super | Context | Stack | Coroutine | Handle | Block | External
    | GlobalSymbol | ModuleSymbol | Member
)  # fmt: skip

UNKNOWN = Unknown()
SOMETHING = Unknown(there=True)
SOME_ANSWER = Unknown(given=True)
NOTHING = Load()
NONE = Const(None)
EVERY = Every()
SOME = Every(part=True)

__all__ = [
    "EVERY",
    "NONE",
    "SOME",
    "SOMETHING",
    "SOME_ANSWER",
    "UNKNOWN",
    "External",
    "GlobalSymbol",
    "Module",
    "ModuleSymbol",
    "Value",
]
