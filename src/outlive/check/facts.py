"""What one file says, as data: depends on its bytes alone, so it can be cached by content and made in any process."""

from __future__ import annotations

import msgspec

from outlive.check.ir import Statement, Term


class Parameter(msgspec.Struct, array_like=True, gc=False):
    """``kind`` is ``""``, ``"*"``, ``"**"`` or ``"k"`` (keyword only)."""

    name: str
    kind: str
    annotation: Term | None
    default: Term | None


class Function(msgspec.Struct, array_like=True):
    """A ``def`` or a ``lambda``, with its body lowered.

    Attributes:
        parent: Index of the class in whose body it stands, or -1.
        nested: It stands inside another function.
        free: Names that it assigns with ``global`` or ``nonlocal``.
        loads: Names that it reads, itself or in a function inside it; empty unless it is nested.
    """

    qualname: str
    name: str
    parameters: list[Parameter]
    returns: Term | None
    decorators: list[Term]
    is_async: bool
    is_generator: bool
    parent: int
    nested: bool
    free: list[str]
    loads: list[str]
    body: list[Statement]
    span: int


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


class Facts(msgspec.Struct, array_like=True):
    """One file.

    Attributes:
        imports: Local name -> dotted name; a relative import keeps its leading dots.
        stars: Modules imported with ``*``.
        globals: Module-level names bound to a declarative expression (``SessionLocal = sessionmaker(engine)``).
        functions: All of them, nested ones and lambdas included.
        body: The module's own statements, lowered.
        suppressed: Line -> what is silenced there (see ``source.suppressions``).
        error: ``(line, column, message)`` of a syntax error; everything else is empty then.
    """

    imports: dict[str, str] = {}
    stars: list[str] = []
    globals: dict[str, Term] = {}
    functions: list[Function] = []
    classes: list[Class] = []
    body: list[Statement] = []
    suppressed: dict[int, list[str]] = {}
    error: tuple[int, int, str] | None = None
