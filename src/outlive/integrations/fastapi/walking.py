"""The routes of an application, and the dependencies of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import routing
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Mount


@dataclass(frozen=True)
class FoundRoute:
    """A route as the application serves it.

    Attributes:
        route: As it was declared.
        path: With the prefixes of the routers and mounts around it.
        dependant: The path operation with all that it depends on, through included routers, too.
    """

    route: APIRoute
    path: str
    dependant: Dependant

    @property
    def name(self) -> str:
        """``POST /orders``."""
        return f"{', '.join(sorted(self.route.methods or ()))} {self.path}"


def routes_of(app: Any, prefix: str = "") -> Iterator[FoundRoute]:
    """The routes of an application, those of included routers and mounted applications among them; no WebSockets."""
    for route, served in _served(app.routes):
        if isinstance(route, APIRoute):
            yield FoundRoute(route, prefix + served.path, served.dependant)
        elif isinstance(route, Mount) and hasattr(route.app, "routes"):
            yield from routes_of(route.app, prefix + route.path)


def _served(routes: Sequence[BaseRoute]) -> Iterator[tuple[BaseRoute, Any]]:
    """Each route as it was declared, and what says how it is served."""
    if hasattr(routing, "iter_route_contexts"):  # an included router keeps its routes since FastAPI 0.137
        for context in routing.iter_route_contexts(routes):
            yield context.original_route, context
        return
    for route in routes:
        included: Any = getattr(route, "effective_route_contexts", None)
        if included is not None:  # FastAPI 0.137.0 and 0.137.1, which have no public name for it
            yield from ((context.original_route, context) for context in included())
        else:
            yield route, route


def dependencies_of(dependant: Dependant) -> Iterator[Dependant]:
    """All that a path operation depends on, directly or not."""
    for _, used in uses_in(dependant):
        yield used


def uses_in(dependant: Dependant) -> Iterator[tuple[Dependant, Dependant]]:
    """The same, each with what asks for it."""
    for used in dependant.dependencies:
        yield dependant, used
        yield from uses_in(used)
