"""The marks beside the lines of an edge-case file.

    print(author.books)  # finding: author.books is not loaded     this hazard reports the line, and it fails
    return stream(books)  # finding, lkrp: its session is closed   it fails with another error than the hazard names
    return stream(session)  # finding, silent: it begins anew      it does not fail: an assertion shows what is wrong
    print(author.id)     # quiet: a loaded column stays readable   no hazard reports the line, and it works
    print(author.books)  # missed: the factory is not known        no hazard reports the line, although it fails
    open_session = async_sessionmaker(engine)  # also factory-expires-on-commit: every commit

The text behind ``finding`` and ``also`` is part of the message.  A file that needs a later SQLAlchemy than 2.0.0 says
so in its first lines: ``# since SQLAlchemy 2.0.13``.
"""

from __future__ import annotations

import io
import re
import sys
import tokenize
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from outlive.hazards.catalog import Hazard, all_hazards
from tests.servers import REDIS, require_broker

FOLDER = Path(__file__).parent
MARK = re.compile(r"# (?P<kind>finding|quiet|missed|also(?P<other> [a-z-]+))(, (?P<harm>\w+))?: (?P<text>[^#]+)")

LIBRARIES = (
    "aiocache", "cachelib", "cachetools", "celery", "click", "dogpile", "fastapi", "flask", "flask_caching",
    "flask_sqlalchemy", "httpx", "litestar", "marshmallow", "redis", "sqlmodel",
)  # fmt: skip
"""What the package as users get it does not bring."""

SINCE = re.compile(r"^# since SQLAlchemy (?P<version>[\d.]+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Mark:
    """What one line of an edge-case file claims.

    Attributes:
        line: 1-based.
        kind: ``finding``, ``quiet`` or ``missed``.
        hazard: Name of the hazard that reports the line.
        text: Part of the message, or the reason for silence.
        harm: The error, where it is not what the hazard names, or ``silent``.
    """

    line: int
    kind: str
    hazard: str
    text: str
    harm: str


@dataclass(frozen=True, slots=True)
class EdgeCase:
    """A file of edge cases of one hazard."""

    hazard: Hazard
    path: Path

    @property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @property
    def marks(self) -> tuple[Mark, ...]:
        return marks_in(self.text, self.hazard.name)

    @property
    def since(self) -> tuple[int, ...]:
        """The lowest SQLAlchemy with which the file runs."""
        version = SINCE.search(self.text)
        return tuple(map(int, version["version"].split("."))) if version else (2, 0)

    def __str__(self) -> str:
        return f"{self.hazard.name}/{self.path.stem}"


@cache
def marks_in(text: str, hazard: str) -> tuple[Mark, ...]:
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    comments = [token for token in tokens if token.type == tokenize.COMMENT]
    return tuple(
        Mark(
            comment.start[0],
            "finding" if mark["other"] else mark["kind"],
            (mark["other"] or hazard).strip(),
            mark["text"].strip(),
            mark["harm"] or "",
        )
        for comment in comments
        for mark in MARK.finditer(comment.string)
    )


EDGE_CASES = tuple(
    EdgeCase(hazard, path)
    for hazard in all_hazards()
    for path in sorted(FOLDER.joinpath(hazard.name.replace("-", "_")).glob("*.py"))
)


def skip_without_its_libraries(edge_case: EdgeCase) -> None:
    for library in LIBRARIES:
        if re.search(rf"^(from {library}[ .]|import {library}$)", edge_case.text, re.MULTILINE):
            pytest.importorskip(library, exc_type=ImportError)  # SQLModel needs a later SQLAlchemy than we do
    if "from pydantic.v1 " in edge_case.text and sys.version_info >= (3, 14):
        pytest.skip("pydantic 1 ends with Python 3.13")
    if "import redis\n" in edge_case.text:
        require_broker(REDIS)
