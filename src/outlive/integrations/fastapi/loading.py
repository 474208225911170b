"""Loader options that come from the response model of a route."""

# No `from __future__ import annotations`: see dependency.py.

from dataclasses import dataclass
from typing import Any

from fastapi import Request, params
from sqlalchemy.orm.interfaces import ORMOption

from outlive.keep.options import loader_options
from outlive.lifecycle.errors import SetupError


def response_options(model: type[Any]) -> params.Depends:
    """A dependency: the loader options that the response model of the route needs from a mapped class::

        OrderOptions = Annotated[tuple[ORMOption, ...], response_options(Order)]

        @app.get("/orders/{order_id}")
        async def show(order_id: int, session: SessionDep, options: OrderOptions) -> OrderOut:
            return await session.get_one(Order, order_id, options=options)

    The route says once what it answers, as ``response_model`` or as its return annotation, and the query loads just
    that: see ``loader_options``.  Of ``list[OrderOut]`` and ``OrderOut | None`` it is ``OrderOut`` that counts.

    Args:
        model: A mapped class.

    Raises (at a request):
        SetupError: The route has no response model.
        SchemaError: The response model names what the class lacks.
    """
    return params.Depends(ResponseOptions(model))


@dataclass(frozen=True)
class ResponseOptions:
    """What FastAPI calls."""

    model: type[Any]

    async def __call__(self, request: Request) -> tuple[ORMOption, ...]:
        """The options for the route of this request."""
        route = request.scope["route"]
        return self.of(route.response_model, f"{request.method} {request.scope['path']}")

    def of(self, response_model: Any, route: str) -> tuple[ORMOption, ...]:
        """The options for a route."""
        if response_model is None:
            raise SetupError(f"{route} has no response model, so nothing says what to load of {self.model.__name__}")
        return loader_options(self.model, response_model)
