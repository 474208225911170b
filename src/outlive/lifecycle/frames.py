"""Whose code a frame runs: the user's or a library's."""

from __future__ import annotations

import os
import sysconfig
from pathlib import Path
from types import CodeType, FrameType
from typing import TypeAlias

_NAMES = """
sqlalchemy sqlmodel flask_sqlalchemy advanced_alchemy greenlet aiosqlite asyncpg psycopg psycopg_pool
pydantic pydantic_core msgspec marshmallow marshmallow_sqlalchemy cattrs jinja2 mako
fastapi starlette anyio uvicorn hypercorn httpx litestar flask werkzeug blinker strawberry graphql
celery kombu billiard taskiq dramatiq arq rq
pluggy _pytest pytest pytest_asyncio xdist execnet trio hypothesis outlive _outlive_pytest
"""
LIBRARIES = frozenset(_NAMES.split())
"""Top-level packages whose lines are never the place to look at."""

_STANDARD_LIBRARY = tuple({sysconfig.get_path(name) + os.sep for name in ("stdlib", "platstdlib")})


def is_library(frame: FrameType) -> bool:
    """Whether the frame belongs to a known library or the standard library rather than to the user."""
    name = frame.f_globals.get("__name__")
    filename = frame.f_code.co_filename
    is_generated = filename.startswith("<")
    if not isinstance(name, str):
        # SQLAlchemy's generated wrappers have neither a module nor a file.
        return is_generated
    # The ``__repr__`` of a dataclass stands in no file, but its module does; what was typed has no file at all.
    if is_generated and "__file__" in frame.f_globals:
        return True
    if name.partition(".")[0] in LIBRARIES or filename.startswith("<frozen "):
        return True
    return filename.startswith(_STANDARD_LIBRARY) and "-packages" not in filename


def shown(filename: str) -> str:
    """The file as people write it: relative to the working directory when below it."""
    here = str(Path.cwd()) + os.sep
    return filename.removeprefix(here)


At: TypeAlias = tuple[CodeType, int]
"""A place in the user's code as Python has it: what runs, and which of its instructions.

Which line that is Python counts from the top of the function, at each question: so that is asked when it is shown.
"""


def line_of(at: At) -> int:
    """The line, 1-based."""
    code, instruction = at
    found = (line for start, end, line in code.co_lines() if start <= instruction < end)
    return next(found, None) or code.co_firstlineno
