"""What will fail in an application, from its routes and its source."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from sqlalchemy import inspect as look
from sqlalchemy.orm import Mapper

from outlive.check import engine
from outlive.check.findings import Finding
from outlive.hazards.catalog import Hazard, all_hazards
from outlive.integrations.fastapi import sources, versions
from outlive.integrations.fastapi.dependency import SessionDependency
from outlive.integrations.fastapi.loading import ResponseOptions
from outlive.integrations.fastapi.walking import FoundRoute, dependencies_of, routes_of, uses_in
from outlive.keep.schemas import fields_of, looks_at_objects, name_of_type, schemas_in
from outlive.lifecycle.errors import SchemaError, SetupError, UnsafeError
from outlive.lifecycle.places import Place
from outlive.report import json, text

COMMITS_LATE, READS_UNLOADED, EMPTY, MIXED_SCOPES = "OL601", "OL602", "OL604", "OL606"
_SESSIONS = {"sqlalchemy.orm.session.Session", "sqlalchemy.ext.asyncio.session.AsyncSession"}
_CODES = (COMMITS_LATE, READS_UNLOADED, EMPTY, MIXED_SCOPES)
_NAME_IT = "let the response model name what the class has"


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
        message = f"{sources.name_of(call)} commits after the response was sent, and {who} the commit to it"
        remedy = 'ask for it with `scope="function"`' if versions.HAS_SCOPES else "commit in the path operation"
        yield _finding(hazards[COMMITS_LATE], call, message, f"{remedy}, or use `session_dependency`")


def _response_models(route: FoundRoute) -> Iterator[tuple[str, str, str]]:
    """Response models that the mapped classes behind them cannot serve."""
    asked = [used.call for used in dependencies_of(route.dependant) if isinstance(used.call, ResponseOptions)]
    for options in asked:
        try:
            options.of(route.route.response_model, route.name)
        except (SchemaError, SetupError, TypeError) as error:
            yield READS_UNLOADED, str(error), _NAME_IT
    if asked:
        return
    for model, schema in _converted(route):
        for name in _lacking(model, schema):
            message = f"{name_of_type(schema)}.{name} is required, and {model.__name__} has no `{name}`"
            yield READS_UNLOADED, message, _NAME_IT


def _converted(route: FoundRoute) -> Iterator[tuple[type[Any], Any]]:
    """The mapped class that a path operation says it returns, and the schema that is made of it, if each is one.

    Where only one of them is in a list, or a page, something in between makes the other.
    """
    returned, answered = sources.hints_of(route.route.endpoint).get("return"), route.route.response_model
    types = [found for found in (returned, *get_args(returned)) if isinstance(found, type)]
    models = [found for found in types if isinstance(look(found, raiseerr=False), Mapper)]
    schemas = schemas_in(answered)
    if len(models) == len(schemas) == 1 and _contains_many(returned) == _contains_many(answered):
        yield models[0], schemas[0]


def _contains_many(annotation: Any) -> bool:
    return get_origin(annotation) not in {None, Union, UnionType, Annotated}


def _lacking(model: type[Any], schema: Any) -> Iterator[str]:
    """Fields that neither a class nor a subclass of it can serve; none of a schema that looks at the object itself."""
    mapper: Mapper[Any] = look(model)
    classes: list[type[Any]] = [one.class_ for one in mapper.self_and_descendants]
    if looks_at_objects(schema):
        return
    for field in fields_of(schema):
        names = [str(source[0]) for source in field.sources]
        is_served = any(hasattr(class_, name) for class_ in classes for name in names)
        if not (is_served or field.has_default or field.reads is not None):
            yield field.name


def _scopes(route: FoundRoute) -> Iterator[tuple[str, str, str]]:
    """Sessions that one request asks for under two scopes: it gets two of them."""
    scopes: dict[Any, set[str]] = {}
    sessions: set[Any] = set()
    for asking, used in uses_in(route.dependant):
        if used.call is not None and sources.has_yield(used.call):
            scopes.setdefault(used.call, set()).add(getattr(used, "scope", None) or "request")
            if _is_session(sources.hints_of(asking.call).get(used.name or "")):
                sessions.add(used.call)
    for call, found in scopes.items():
        if len(found) > 1 and call in sessions:
            name = sources.name_of(call)
            message = f"gets two sessions from {name}, which is asked for with two scopes"
            yield MIXED_SCOPES, message, f"ask for {name} with the same scope everywhere"


def _is_session(annotation: Any) -> bool:
    kind = annotation.__origin__ if get_origin(annotation) is Annotated else annotation
    names = {f"{base.__module__}.{base.__name__}" for base in getattr(kind, "__mro__", ())}
    return not _SESSIONS.isdisjoint(names)


def _ending_late(route: FoundRoute, checked: set[str]) -> Iterator[Any]:
    """Dependencies that commit after the response what the path operation leaves to them; unless the check sees it."""
    for used in route.dependant.dependencies:
        is_late = getattr(used, "scope", None) != "function" if versions.HAS_SCOPES else versions.TEARDOWN_IS_LATE
        is_ours = isinstance(used.call, SessionDependency)
        if (
            is_late
            and not is_ours
            and _place(used.call).filename not in checked
            and sources.commits_after_yield(used.call)
            and sources.leaves_changes(route.route.endpoint, used.name or "")
        ):
            yield used.call


def _place(call: Any) -> Place:
    """Where a function begins; in a file under the working directory, from there."""
    code = getattr(sources.function_of(call), "__code__", None)
    return Place(str(_printed(Path(code.co_filename))), code.co_firstlineno) if code else Place("?", 1)


def _finding(hazard: Hazard, call: Any, message: str, remedy: str) -> Finding:
    return replace(Finding(_place(call), message, help=remedy), code=hazard.code, name=hazard.name)
