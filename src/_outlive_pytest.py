"""The pytest plugin, as far as every run of every project loads it: the standard library and pytest, no more.

What watches, explains and asserts is in ``outlive.testing``, which is imported when a run, a test or a fixture asks.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from outlive.testing import Lifetimes
    from outlive.testing.plugin import LifetimePlugin

_NAME = "outlive.testing"
_MARKER = """\
outlive(enabled=True, *, production_sessions=None, redact=None): watch this test with Outlive, or do not; \
production_sessions: True, False, "expire" or "close"; redact: leave primary keys out of what is reported."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """What can be asked for."""
    group = parser.getgroup("outlive", "Outlive: lifetimes of SQLAlchemy's objects")
    group.addoption(
        "--outlive", action="store_true", help="explain lifetime errors of failing tests: who erased the value, where"
    )
    group.addoption(
        "--outlive-production-sessions",
        action="store_true",
        help="expire on every commit, and detach objects at the end of each request, whatever the fixtures say; "
        "turns --outlive on",
    )
    group.addoption("--outlive-redact", action="store_true", help="leave primary keys out of explanations")
    parser.addini("outlive", "as --outlive", type="bool", default=False)
    parser.addini(
        "outlive_production_sessions",
        'as --outlive-production-sessions: true, "expire" (on commit) or "close" (at the end of a request) alone',
        default="",
    )
    parser.addini("outlive_redact", "as --outlive-redact", type="bool", default=False)


def pytest_configure(config: pytest.Config) -> None:
    """Load what is asked for in every test."""
    config.addinivalue_line("markers", _MARKER)
    if (
        config.getoption("--outlive")
        or config.getoption("--outlive-production-sessions")
        or config.getini("outlive")
        or config.getini("outlive_production_sessions")
    ):
        _load(config)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Load what single tests ask for."""
    if any("outlive" in item.keywords or "lifetimes" in getattr(item, "fixturenames", ()) for item in session.items):
        _load(session.config).read_markers(session.items)


@pytest.fixture
def lifetimes(request: pytest.FixtureRequest) -> Iterator[Lifetimes]:
    """What happens to SQLAlchemy's objects during the test, and assertions about it."""
    with _load(request.config).lifetimes_of(request.node) as found:
        yield found


def _load(config: pytest.Config) -> LifetimePlugin:
    """The plugin itself, registered once."""
    found: LifetimePlugin | None = config.pluginmanager.get_plugin(_NAME)
    if found is None:
        if int(pytest.__version__.partition(".")[0]) < 8:
            raise pytest.UsageError(f"outlive needs pytest 8 or later, found {pytest.__version__}")
        try:
            import_module("outlive").watch  # noqa: B018  says it well if SQLAlchemy is missing
            from outlive.testing.plugin import LifetimePlugin  # noqa: PLC0415  only when asked
        except ImportError as error:
            raise pytest.UsageError(f"outlive: {error}") from error
        found = LifetimePlugin(config)
        config.pluginmanager.register(found, _NAME)
    return found
