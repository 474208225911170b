"""Dependencies of Litestar: what stands behind a parameter, by its name alone.

The application, its routers, a controller and the decorator of a handler name them, and the nearest wins.  What comes
behind the ``yield`` of one runs when the response has been made from what the handler returns: before it is sent,
before a body is streamed, and before background tasks.

Source: Litestar 2.25, run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from outlive.check import ir
from outlive.check.flow import dependencies
from outlive.check.flow.dependencies import Dependency
from outlive.check.flow.frames import Frame
from outlive.check.flow.relevance import walk
from outlive.check.ir import Term
from outlive.check.program import ClassSymbol, External, FunctionSymbol, GlobalSymbol, Module, Program

if TYPE_CHECKING:
    from outlive.check.flow.interpreter import Interpreter

Asked = tuple[Module, Term]
"""What provides, and where that is written."""

_HANDLERS = frozenset(
    {
        "asgi", "delete", "get", "head", "patch", "post", "put", "route", "websocket", "websocket_listener",
        "websocket_stream",
    }
)  # fmt: skip
_LIBRARIES = frozenset({"litestar", "starlite"})


class Providers:
    """What a program that is made with Litestar provides under names."""

    def __init__(self, program: Program) -> None:
        self.program = program
        imports = (name for module in program.modules for name in module.facts.imports.values())
        self.is_used = any(map(_is_of_library, imports))
        self.above: Mapping[str, Asked | None] | None = None
        """What applications and routers provide; ``None`` where two differ."""

    def of_parameter(self, run: Interpreter, root: Frame, name: str) -> Dependency | None:
        """What Litestar calls for a parameter of a handler, or of one of its providers."""
        _, _, module, index = run.frames[root.id]
        symbol = FunctionSymbol(module, index)
        if index < 0 or not self.is_handler(symbol):
            return None
        asked = self._nearest(run, symbol, name)
        return dependencies.provided(run, *asked) if asked is not None else None

    def is_handler(self, symbol: FunctionSymbol) -> bool:
        if not self.is_used:
            return False
        found = (self.program.resolve(symbol.module, d.head) for d in symbol.facts.decorators if d.head)
        return any(
            isinstance(each, External) and _is_of_library(each.dotted) and each.last in _HANDLERS for each in found
        )

    def digest(self, run: Interpreter) -> str:
        """Of what stands in functions, which is all that walks depend on besides their own files."""
        return repr([(name, asked and _what(run, asked)) for name, asked in sorted(self._outermost(run).items())])

    def _nearest(self, run: Interpreter, symbol: FunctionSymbol, name: str) -> Asked | None:
        layers = [(symbol.module, decorator.keyword("dependencies")) for decorator in symbol.facts.decorators]
        if symbol.facts.parent >= 0:
            for class_ in self.program.lineage(ClassSymbol(symbol.module, symbol.facts.parent))[0]:
                layers += [(class_.module, a.value) for a in class_.facts.attributes if a.name == "dependencies"]
        for module, term in layers:
            found = dict(self._named(module, term)).get(name)
            if found is not None:
                return found
        return self._outermost(run).get(name)

    def _outermost(self, run: Interpreter) -> Mapping[str, Asked | None]:
        if self.above is not None:
            return self.above
        found: dict[str, Asked | None] = {}
        for module in self.program.modules if self.is_used else ():
            for body in module.bodies_with("dependencies"):
                for name, asked in self._in_calls(module, body):
                    same = found.setdefault(name, asked)
                    if same is not None and _what(run, same) != _what(run, asked):
                        found[name] = None
        self.above = found
        return found

    def _in_calls(self, module: Module, body: Sequence[ir.Statement]) -> Iterator[tuple[str, Asked]]:
        """``Litestar(..., dependencies={"session": Provide(get_session)})``"""
        made: dict[str, Term] = {}  # The same name stands for one thing after the other.
        for node in walk(body):
            match node:
                case ir.Call(keywords=keywords):
                    given = dict(keywords).get("dependencies")
                    yield from self._named(module, _term(made, given)) if given is not None else ()
                    name = _term(made, node.base).text + (f".{node.method}" if node.method else "")
                    made[node.target] = Term("call", name, [_term(made, each) for each in node.args], span=node.span)
                case ir.Pack(kind="dict", keys=keys, items=items):
                    pairs = [
                        (key.value, _term(made, item))
                        for key, item in zip(keys, items, strict=False)
                        if isinstance(key, ir.Lit) and isinstance(key.value, str)
                    ]
                    made[node.target] = Term("group", "{}", keywords=pairs)
                case ir.Read():
                    made[node.target] = Term("name", f"{_term(made, node.base).text}.{node.name}", span=node.span)
                case ir.Bind():
                    made[node.target] = _term(made, node.value)
                case _:
                    pass

    def _named(self, module: Module, term: Term | None) -> Iterator[tuple[str, Asked]]:
        """Names and what is provided under them; the dict itself may have a name."""
        for _ in range(3):
            if term is None or term.kind != "name":
                break
            symbol = self.program.resolve(module, term.text)
            if not isinstance(symbol, GlobalSymbol):
                return
            module, term = symbol.module, self.program.global_term(symbol)
        if term is not None and term.kind == "group" and term.text == "{}":
            yield from ((name, (module, value)) for name, value in term.keywords)


def _is_of_library(dotted: str) -> bool:
    return dotted.partition(".")[0] in _LIBRARIES


def _what(run: Interpreter, asked: Asked) -> str:
    """A name for a provider that is the same wherever it is written."""
    found = dependencies.provided(run, *asked)
    if found is None:
        return f"{asked[0].filename} {asked[1].span}"
    symbol = found.function.symbol
    return f"{symbol.module.filename} {symbol.facts.qualname}"


def _term(made: Mapping[str, Term], operand: ir.Operand) -> Term:
    """What an operand stands for, as it is written."""
    return made.get(operand) or Term("name", operand) if isinstance(operand, str) else Term("value")
