"""What path operations and dependencies say in their source."""

from __future__ import annotations

import ast
import inspect
import textwrap
from typing import Any, get_type_hints

_CHANGING = {"add", "add_all", "delete", "merge"}
_ENDING = {"begin", "commit"}


def has_yield(call: Any) -> bool:
    """Whether a dependency goes on after it has given its value."""
    function = function_of(call)
    return inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function)


def commits_after_yield(call: Any) -> bool:
    """Whether a dependency commits what was done with its value."""
    body = _tree(call) if has_yield(call) else None
    if body is None:
        return False
    given = next(node.lineno for node in ast.walk(body) if isinstance(node, ast.Yield))
    return any(
        (isinstance(node, ast.Call) and _is_call_of("commit", node) and node.lineno > given)
        or (
            isinstance(node, ast.With | ast.AsyncWith)
            and _begins(node)
            and node.lineno < given <= (node.end_lineno or 0)
        )
        for node in ast.walk(body)
    )


def leaves_changes(endpoint: Any, session: str) -> bool:
    """Whether a path operation changes something in its session, and neither commits nor calls what might."""
    body = _tree(endpoint)
    if body is None:
        return False
    calls = [node for node in ast.walk(body) if isinstance(node, ast.Call)]
    given = [each for call in calls for each in (*call.args, *(keyword.value for keyword in call.keywords))]
    methods = {
        call.func.attr for call in calls if isinstance(call.func, ast.Attribute) and _is_name(call.func.value, session)
    }
    is_given_away = any(_is_name(each, session) for each in given)
    return bool(_CHANGING & methods) and not _ENDING & methods and not is_given_away


def hints_of(call: Any) -> dict[str, Any]:
    """The types of parameters and of what is returned; none where only a type checker knows their names."""
    try:
        return get_type_hints(function_of(call), include_extras=True)
    except Exception:  # noqa: BLE001  annotations are expressions
        return {}


def function_of(call: Any) -> Any:
    """What is run where FastAPI calls a dependency: a function, or the ``__call__`` of an instance."""
    unwrapped = inspect.unwrap(call)
    if inspect.isroutine(unwrapped) or inspect.isclass(unwrapped):
        return unwrapped
    return type(unwrapped).__call__


def name_of(call: Any) -> str:
    """For a message."""
    return f"`{getattr(call, '__name__', type(call).__name__)}`"


def _tree(call: Any) -> ast.AST | None:
    try:
        return ast.parse(textwrap.dedent(inspect.getsource(function_of(call))))
    except (OSError, TypeError, SyntaxError):
        return None


def _begins(block: ast.With | ast.AsyncWith) -> bool:
    return any(_is_call_of("begin", item.context_expr) for item in block.items)


def _is_call_of(method: str, node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == method


def _is_name(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name
