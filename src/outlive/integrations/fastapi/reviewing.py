"""What will fail in an application, from its routes and its source."""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args, get_type_hints

from sqlalchemy import inspect as look
from sqlalchemy.orm import Mapper

from outlive.check import engine
from outlive.check.findings import Finding
from outlive.hazards.catalog import Hazard, all_hazards
from outlive.integrations.fastapi import versions
from outlive.integrations.fastapi.dependency import SessionDependency
from outlive.integrations.fastapi.loading import ResponseOptions
from outlive.integrations.fastapi.walking import FoundRoute, dependencies_of, routes_of
from outlive.keep.schemas import fields_of, name_of_type, schemas_in
from outlive.lifecycle.errors import SchemaError, SetupError, UnsafeError
from outlive.lifecycle.places import Place
from outlive.report import json, text

COMMITS_LATE, READS_UNLOADED, EMPTY, MIXED_SCOPES = "OL601", "OL602", "OL604", "OL606"
_CODES = (COMMITS_LATE, READS_UNLOADED, EMPTY, MIXED_SCOPES)
_NAME_IT = "let the response model name what the class has"
_WRITING = {"POST", "PUT", "PATCH", "DELETE"}


@dataclass(frozen=True)
class Review:
    """What will fail in an application.

    Attributes:
        findings: Sorted by file and place, as ``outlive check`` reports them.
        routes: How many were looked at.
        texts: The source of the files that were checked, by name.
    """

    findings: tuple[Finding, ...]
    routes: int
    texts: Mapping[str, str]

    def __str__(self) -> str:
        return self.to_text()

    def to_text(self, *, width: int = 120, colour: bool = False) -> str:
        """As ``outlive check`` prints it, for a terminal of so many columns."""
        found = text.render(self.findings, self.texts, checked=len(self.texts), width=width, colour=colour)
        return f"{found.rstrip()} {text.count(self.routes, 'route')} reviewed.\n"

    def to_json(self) -> str:
        """The findings as ``outlive check --output-format json`` prints them."""
        return json.render(self.findings)

    def raise_if_unsafe(self) -> None:
        """For a test.

        Raises:
            UnsafeError: Something was found; the message is the whole review.
        """
        if self.findings:
            raise UnsafeError(str(self))


def review(app: Any) -> Review:
    """Say what will fail in an application: its routes, their dependencies and scopes, its response models.

        def test_the_application_is_sound():
            review(app).raise_if_unsafe()

    The source of the application is checked for ``commit-after-response``, ``response-reads-unloaded``,
    ``empty-response-after-commit`` and ``mixed-dependency-scopes``, for the FastAPI that is installed.  What the
    source alone does not tell is looked up: dependencies of libraries, scopes that meet in a router, response models
    against the classes that ``response_options`` or a return annotation names.  Nothing is called, no SQL is emitted.

    Args:
        app: A FastAPI application, with all its routes.
    """
    routes = list(routes_of(app))
    files = _files(routes)
    hazards = [hazard for hazard in all_hazards() if hazard.code in _CODES]
    checked = engine.check(files, hazards, fastapi=versions.RELEASE)
    found = [*checked.findings, *_looked_up(routes, {str(file) for file in files}, {one.code: one for one in hazards})]
    found.sort(key=lambda finding: (finding.place, finding.code))
    return Review(tuple(found), len(routes), checked.texts)


def _files(routes: list[FoundRoute]) -> list[Path]:
    """The files of the application: what is imported and lies where its path operations do."""
    roots = {_root(inspect.unwrap(route.route.endpoint)) for route in routes} - {None}
    loaded = {module.__file__ for module in list(sys.modules.values()) if getattr(module, "__file__", None)}
    sources = [Path(name) for name in sorted(filter(None, loaded)) if name.endswith(".py")]
    return [_printed(file) for file in sources if any(root and _is_below(file, root) for root in roots)]


def _root(endpoint: Callable[..., Any]) -> Path | None:
    """The folder that the module of a function is imported from; in an installed package, that package's."""
    module = sys.modules.get(getattr(endpoint, "__module__", ""))
    if module is None or not getattr(module, "__file__", None):
        return None
    file, depth = (
        Path(str(module.__file__)),
        module.__name__.count(".") + (Path(str(module.__file__)).stem == "__init__"),
    )
    folder = file.parents[depth]
    return folder / module.__name__.partition(".")[0] if "site-packages" in folder.parts else folder


def _is_below(file: Path, root: Path) -> bool:
    return file.is_relative_to(root) and "site-packages" not in file.relative_to(root).parts


def _printed(file: Path) -> Path:
    return file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file


def _looked_up(routes: list[FoundRoute], checked: set[str], hazards: Mapping[str, Hazard]) -> Iterator[Finding]:
    late: dict[Any, list[FoundRoute]] = {}
    for route in routes:
        for code, message, remedy in [*_response_models(route), *_scopes(route)]:
            yield _finding(hazards[code], route.route.endpoint, f"{route.name}: {message}", remedy)
        for call in _ending_late(route, checked):
            late.setdefault(call, []).append(route)
    for call, used_by in late.items():
        names = [route.name for route in used_by]
        who = (
            f"{names[0]} leaves"
            if len(names) == 1
            else f"{names[0]} and {text.count(len(names) - 1, 'other route')} leave"
        )
        message = f"{_name(call)} commits after the response was sent, and {who} the commit to it"
        remedy = 'ask for it with `scope="function"`' if versions.HAS_SCOPES else "commit in the path operation"
        yield _finding(hazards[COMMITS_LATE], call, message, f"{remedy}, or use `session_dependency`")


def _response_models(route: FoundRoute) -> Iterator[tuple[str, str, str]]:
    """Response models that the mapped classes behind them cannot serve."""
    asked = [used.call for used in dependencies_of(route.dependant) if isinstance(used.call, ResponseOptions)]
    for options in asked:
        try:
            options.of(route.route.response_model, route.name)
        except (SchemaError, SetupError) as error:
            yield READS_UNLOADED, str(error), _NAME_IT
    if not asked and route.route.response_model is not None and schemas_in(route.route.response_model):
        for model in _returned(route.route.endpoint):
            for schema, name in _lacking(model, route.route.response_model):
                yield READS_UNLOADED, f"{schema}.{name} is required, and {model.__name__} has no `{name}`", _NAME_IT


def _lacking(model: type[Any], response_model: Any) -> Iterator[tuple[str, str]]:
    """Fields that neither a class nor a subclass of it can serve, with their schemas."""
    mapper: Mapper[Any] = look(model)
    classes: list[type[Any]] = [one.class_ for one in mapper.self_and_descendants]
    for schema in schemas_in(response_model):
        for field in fields_of(schema):
            names = [str(source[0]) for source in field.sources]
            is_served = any(hasattr(class_, name) for class_ in classes for name in names)
            if not (is_served or field.has_default or field.reads is not None):
                yield name_of_type(schema), field.name


def _returned(endpoint: Callable[..., Any]) -> list[type[Any]]:
    """The mapped classes in the return annotation of a path operation."""
    try:
        annotation = get_type_hints(inspect.unwrap(endpoint)).get("return")
    except Exception:  # noqa: BLE001  names that only a type checker has
        return []
    types = [found for found in (annotation, *get_args(annotation)) if isinstance(found, type)]
    return [found for found in types if isinstance(look(found, raiseerr=False), Mapper)]


def _scopes(route: FoundRoute) -> Iterator[tuple[str, str, str]]:
    """Dependencies with ``yield`` that one request asks for under two scopes: it gets two of them."""
    scopes: dict[Any, set[str]] = {}
    for used in dependencies_of(route.dependant):
        if used.call is not None and _body(used.call) is not None:
            scopes.setdefault(used.call, set()).add(getattr(used, "scope", None) or "request")
    for call, found in scopes.items():
        if len(found) > 1:
            message = f"gets two sessions from {_name(call)}, which is asked for with two scopes"
            yield MIXED_SCOPES, message, f"ask for {_name(call)} with the same scope everywhere"


def _ending_late(route: FoundRoute, checked: set[str]) -> Iterator[Any]:
    """Dependencies that commit after the response, where the check of the source does not see it."""
    if not _WRITING & set(route.route.methods or ()) or "commit(" in _source(route.route.endpoint):
        return
    for used in {id(used.call): used for used in dependencies_of(route.dependant)}.values():
        is_late = getattr(used, "scope", None) != "function" if versions.HAS_SCOPES else versions.TEARDOWN_IS_LATE
        is_ours = isinstance(used.call, SessionDependency)
        is_seen = _place(used.call).filename in checked
        if is_late and not is_ours and not is_seen and _commits_after_yield(used.call):
            yield used.call


def _commits_after_yield(call: Any) -> bool:
    body = _body(call)
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


def _begins(block: ast.With | ast.AsyncWith) -> bool:
    return any(_is_call_of("begin", item.context_expr) for item in block.items)


def _is_call_of(method: str, node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == method


def _body(call: Any) -> ast.AST | None:
    """The syntax tree of a dependency with ``yield``."""
    function = _function(call)
    if not (inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function)):
        return None
    try:
        return ast.parse(_source(function))
    except SyntaxError:
        return None


def _source(call: Any) -> str:
    try:
        return textwrap.dedent(inspect.getsource(_function(call)))
    except (OSError, TypeError):
        return ""


def _function(call: Any) -> Any:
    """What is run where FastAPI calls a dependency: a function, or the ``__call__`` of an instance."""
    unwrapped = inspect.unwrap(call)
    if inspect.isroutine(unwrapped) or inspect.isclass(unwrapped):
        return unwrapped
    return type(unwrapped).__call__


def _name(call: Any) -> str:
    return f"`{getattr(call, '__name__', type(call).__name__)}`"


def _place(call: Any) -> Place:
    code = getattr(_function(call), "__code__", None)
    return Place(str(_printed(Path(code.co_filename))), code.co_firstlineno) if code else Place("?", 1)


def _finding(hazard: Hazard, call: Any, message: str, remedy: str) -> Finding:
    return replace(Finding(_place(call), message, help=remedy), code=hazard.code, name=hazard.name)
