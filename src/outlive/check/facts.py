"""What one file says, as data: depends on its bytes alone, so it can be cached by content and made in any process."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from outlive.check.ir import Statement, Term


class Parameter(msgspec.Struct, array_like=True, gc=False):
    """``kind`` is ``""``, ``"*"``, ``"**"`` or ``"k"`` (keyword only)."""

    name: str
    kind: str
    annotation: Term | None
    default: Term | None


class Body(msgspec.Struct, array_like=True):
    """What a function does.

    Attributes:
        free: Names that it assigns with ``global`` or ``nonlocal``.
        loads: Names that it reads, itself or in a function inside it; empty unless it is nested.
    """

    statements: list[Statement] = []
    is_generator: bool = False
    free: list[str] = []
    loads: list[str] = []


class Function(msgspec.Struct, array_like=True, dict=True):
    """A ``def`` or a ``lambda``; what it does is lowered when somebody asks, because of most functions nobody does.

    Attributes:
        parent: Index of the class in whose body it stands, or -1.
        nested: It stands inside another function.
        text: Its source, in whole lines.
        lowered: What it does, as far as somebody asked.
    """

    qualname: str
    name: str
    parameters: list[Parameter]
    returns: Term | None
    decorators: list[Term]
    is_async: bool
    parent: int
    nested: bool
    span: int
    text: str = ""
    lowered: Body | None = None

    def later(self, look: Callable[[Function], Body]) -> None:
        """Who is asked for what it does."""
        vars(self)["look"] = look

    def _body(self) -> Body:
        body: Body = vars(self)["look"](self)
        return body

    @property
    def body(self) -> list[Statement]:
        return self._body().statements

    @property
    def is_generator(self) -> bool:
        return self._body().is_generator

    @property
    def free(self) -> list[str]:
        return self._body().free

    @property
    def loads(self) -> list[str]:
        return self._body().loads


class Attribute(msgspec.Struct, array_like=True, gc=False):
    """One assignment or annotation in a class body."""

    name: str
    annotation: Term | None
    value: Term | None
    span: int


class Class(msgspec.Struct, array_like=True):
    """A ``class`` statement.

    Attributes:
        methods: Name -> index of the last function of that name in the class body.
        keywords: ``class A(Base, table=True)``.
    """

    qualname: str
    name: str
    bases: list[Term]
    keywords: list[tuple[str, Term]]
    decorators: list[Term]
    attributes: list[Attribute]
    methods: dict[str, int]
    span: int


class Mapping(msgspec.Struct, array_like=True, gc=False):
    """Attributes that a class is given outside of its body.

    Attributes:
        mapped: The class.
        table: The second argument of ``registry.map_imperatively``; ``None`` for ``Order.items = relationship(Item)``.
        properties: Names and what they are: ``relationship(...)``, ``deferred(...)``.
    """

    mapped: Term
    table: Term | None
    properties: list[tuple[str, Term]]


class Facts(msgspec.Struct, array_like=True):
    """One file.

    Attributes:
        imports: Local name -> dotted name; a relative import keeps its leading dots.
        stars: Modules imported with ``*``.
        globals: Module-level names bound to a declarative expression (``SessionLocal = sessionmaker(engine)``).
        functions: All of them; what stands inside a function comes last, once that is lowered.
        free: Names that any of them assigns with ``global`` or ``nonlocal``.
        mappings: What classes are given outside of their bodies, wherever that is written.
        body: The module's own statements, lowered.
        outline: Digest of the text but for what stands in functions.
        error: ``(line, column, message)`` of a syntax error; everything else is empty then.
    """

    imports: dict[str, str] = {}
    stars: list[str] = []
    globals: dict[str, Term] = {}
    functions: list[Function] = []
    free: list[str] = []
    classes: list[Class] = []
    mappings: list[Mapping] = []
    body: list[Statement] = []
    outline: bytes = b""
    error: tuple[int, int, str] | None = None
