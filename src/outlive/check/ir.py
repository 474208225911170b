"""The small language into which functions are lowered: what matters to the life of objects, in order of evaluation.

Every value has a name (temporaries start with ``%``), every call stands on its own, and conditions inside
expressions have become statements.  Nothing here refers to ``ast``, so files are analysed from the cache.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec


class Node(msgspec.Struct, array_like=True, gc=False):
    """Base of all nodes: encoded as arrays, never part of a reference cycle."""


class Lit(Node, tag=0):
    """A literal that matters: a string, a bool or ``None``; other literals are ``Lit("...")`` with ``opaque``."""

    value: str | bool | int | None
    opaque: bool = False


Operand: TypeAlias = str | Lit


class Read(Node, tag=1):
    """``target = base.name``; ``tested`` when the value is only compared or tested for truth."""

    target: str
    base: Operand
    name: str
    span: int
    tested: bool = False


class Store(Node, tag=2):
    """``base.name = value``"""

    base: Operand
    name: str
    value: Operand
    span: int


class Call(Node, tag=3):
    """``target = base.method(...)``, or ``target = base(...)`` when ``method`` is empty.

    ``spans`` are those of ``args`` followed by ``keywords``; ``starred`` when ``*`` or ``**`` hides some of them;
    ``dropped`` when the result is thrown away; ``awaited`` when it is awaited on the spot; ``unpacked`` are the values
    behind a ``*``, each with its place among ``args``, and ``mapped`` those behind a ``**``; ``handed`` when it is an
    argument of what starts a coroutine; ``calm`` when it does not raise, as far as a handler around it is concerned;
    ``home`` is where ``base`` was taken from: ``self`` and ``items`` of
    ``self.items.append(...)``, and then where that was; ``[]`` is an element.
    """

    target: str
    base: Operand
    method: str
    args: list[Operand]
    keywords: list[tuple[str, Operand]]
    starred: bool
    span: int
    method_span: int
    spans: list[int]
    dropped: bool = False
    awaited: bool = False
    unpacked: list[tuple[int, Operand]] = []
    mapped: list[Operand] = []
    handed: bool = False
    calm: bool = False
    home: list[tuple[Operand, str]] = []

    @property
    def operands(self) -> list[Operand]:
        """All arguments, as ``spans`` has them."""
        return [*self.args, *(value for _, value in self.keywords)]


class Bind(Node, tag=4):
    """``target = value``"""

    target: str
    value: Operand


class Pack(Node, tag=5):
    """``target = (a, b)``, ``[a, b]``, ``{a, b}`` or ``{k: a}``; ``kind`` is tuple, list, set or dict.

    Of ``*a`` an item is an element; ``starred`` has its index and all of ``a``.
    """

    target: str
    kind: str
    items: list[Operand]
    keys: list[Operand]
    starred: list[tuple[int, Operand]] = []


class Unpack(Node, tag=6):
    """``a, b = value``; an empty name is not a plain name; ``star`` is the index of a starred target or -1."""

    targets: list[str]
    value: Operand
    star: int


class Item(Node, tag=7):
    """``target = base[index]``; a slice has ``sliced``."""

    target: str
    base: Operand
    index: Operand
    sliced: bool
    span: int


class Put(Node, tag=8):
    """A container gains a value: ``base[key] = value``, or an element of a comprehension.

    ``home`` is as that of a call.
    """

    base: Operand
    key: Operand
    value: Operand
    span: int = 0
    home: list[tuple[Operand, str]] = []


class Touch(Node, tag=9):
    """``target`` is computed from the operands in a way that keeps none of them.

    ``how``: ``format`` calls ``str`` on them, ``text`` puts that into a text, ``equal`` is ``==`` or ``is``, ``in`` is
    itself, ``none`` and ``some`` compare one with ``None``, ``compare`` is any other comparison, ``add`` is ``+``,
    ``join`` another operator between two.
    """

    target: str
    operands: list[Operand]
    how: str
    span: int


class Await(Node, tag=10):
    """``target = await value``"""

    target: str
    value: Operand


class Yield(Node, tag=11):
    """``target = yield value``; ``whole`` for ``yield from``."""

    target: str
    value: Operand
    whole: bool
    span: int


class MakeFunction(Node, tag=12):
    """A ``def`` or ``lambda``: ``index`` in the functions of the file."""

    target: str
    index: int


class MakeClass(Node, tag=13):
    """A ``class`` statement: ``index`` in the classes of the file."""

    target: str
    index: int


class Return(Node, tag=14):
    """``return value``"""

    value: Operand
    span: int


class Raise(Node, tag=15):
    """``raise``, and the dotted name of what is raised or called for it, where it has one."""

    span: int
    name: str = ""


class Break(Node, tag=16):
    """``break``"""


class Continue(Node, tag=17):
    """``continue``"""


class Forget(Node, tag=18):
    """``del name``, or a name bound to something that does not matter.

    ``above``: the temporaries with higher numbers are done with, so that paths that differ in nothing else meet again.
    """

    names: list[str]
    above: int = -1


class If(Node, tag=19):
    """Two ways.  Equal ``key`` (with ``negated``) means an equal answer while the names in it are not assigned."""

    test: Operand
    key: str
    negated: bool
    body: list[Statement]
    orelse: list[Statement]


class For(Node, tag=20):
    """``for element in iterable``, also of comprehensions; ``element`` is unpacked by the head of ``body``.

    ``key`` is a condition that says whether there is anything to iterate over, or empty; ``last`` is one that is true
    in the last round, or empty.
    """

    iterable: Operand
    element: str
    body: list[Statement]
    orelse: list[Statement]
    span: int
    key: str = ""
    last: str = ""


class While(Node, tag=21):
    """``while test``; ``head`` computes the test."""

    head: list[Statement]
    test: Operand
    key: str
    negated: bool
    body: list[Statement]
    orelse: list[Statement]


class Handler(Node, tag=22):
    """``except types as name``; ``types`` are operands computed nowhere, dotted names as written."""

    types: list[str]
    name: str
    body: list[Statement]


class Try(Node, tag=23):
    """``try`` / ``except`` / ``else`` / ``finally``; ``resumed`` where a generator goes on inside its body."""

    body: list[Statement]
    handlers: list[Handler]
    orelse: list[Statement]
    final: list[Statement]
    resumed: bool = False


class With(Node, tag=24):
    """``with context as target``; ``resumed`` where a generator goes on inside, so that it is only to be left."""

    context: Operand
    target: str
    body: list[Statement]
    span: int
    resumed: bool = False


Statement: TypeAlias = (
    Read | Store | Call | Bind | Pack | Unpack | Item | Put | Touch | Await | Yield | MakeFunction | MakeClass | Return
    | Raise | Break | Continue | Forget | If | For | While | Try | With
)  # fmt: skip


class Term(Node, tag=30):
    """A declarative expression: an annotation, a base class, a decorator, a default, a class attribute's value.

    ``kind`` is name (dotted, in ``text``), call, item (subscript), text (string), value (other literal), group
    (tuple, list, union) or other.
    """

    kind: str
    text: str = ""
    parts: list[Term] = []
    keywords: list[tuple[str, Term]] = []
    span: int = 0

    @property
    def head(self) -> str:
        """Dotted name of a name, call or subscript; empty otherwise."""
        return self.text if self.kind in ("name", "call", "item") else ""

    def keyword(self, name: str) -> Term | None:
        """The keyword argument of a call, if given."""
        return next((value for key, value in self.keywords if key == name), None)
