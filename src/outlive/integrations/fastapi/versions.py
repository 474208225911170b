"""When the installed FastAPI runs what stands after the ``yield`` of a dependency."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import fastapi
from fastapi import params
from fastapi.dependencies import utils

from outlive.check.targets import NEWEST, Version, ends_early, parsed

VERSION: str = fastapi.__version__
RELEASE: Version = parsed(".".join(VERSION.split(".")[:2])) or NEWEST

HAS_SCOPES: bool = "scope" in inspect.signature(params.Depends).parameters
"""Since 0.121 a dependency says itself whether it ends with the function or with the request."""

TEARDOWN_IS_LATE: bool = not HAS_SCOPES and not ends_early(RELEASE)
"""Whether a dependency is always torn down after the response was sent."""

STREAMS_GENERATORS: bool = hasattr(utils, "get_stream_item_type")
"""Whether a path operation may be a generator whose values are sent as they come."""


def depends(dependency: Callable[..., Any]) -> params.Depends:
    """``Depends``, torn down before the response is sent where that can be had."""
    scope: dict[str, Any] = {"scope": "function"} if HAS_SCOPES else {}
    return params.Depends(dependency, **scope)
