"""Commits that come when the response has started: if they fail, the client has been told that they did not."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from functools import partial
from inspect import iscoroutinefunction
from typing import Any

from outlive.recorder import exchanges
from outlive.recorder.exchanges import LateCommit
from outlive.testing.frameworks import Applications

_REMEDIES = """\
If that commit fails, the client has been told that it succeeded, and what was written is lost.
  - Commit in the path operation, before it returns.
  - FastAPI 0.121 and later: `Depends(..., scope="function")` ends a dependency before the response is sent.
More: outlive explain commit-after-response"""


class LateCommits:
    """The late commits of a block, in the order in which they happened.

    Attributes:
        all: Each of them.
    """

    def __init__(self) -> None:
        self.all: list[LateCommit] = []

    def __iter__(self) -> Iterator[LateCommit]:
        return iter(self.all)

    def __len__(self) -> int:
        return len(self.all)

    def __str__(self) -> str:
        if not self.all:
            return ""
        what = "1 commit" if len(self) == 1 else f"{len(self)} commits"
        lines = [f"  {commit}" for commit in self.all]
        return "\n".join([f"{what} came after the response had started:", *lines, _REMEDIES])

    def watch(self, app: Callable[..., Any]) -> Callable[..., Any]:
        """An ASGI or WSGI application whose requests are seen, of any framework."""
        is_asgi = iscoroutinefunction(app) or iscoroutinefunction(getattr(app, "__call__", None))  # noqa: B004
        return exchanges.asgi(app, self.all.append) if is_asgi else exchanges.wsgi(app, self.all.append)


@contextmanager
def late_commits() -> Generator[LateCommits]:
    """Collect those of a block."""
    found = LateCommits()
    exchanges.listen()
    late = found.all.append
    applications = Applications(asgi=partial(exchanges.asgi, late=late), wsgi=partial(exchanges.wsgi, late=late))
    applications.meet()
    try:
        yield found
    finally:
        applications.leave()
        exchanges.stop_listening()
