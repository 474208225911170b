"""The pytest plugin itself, loaded when a run, a test or a fixture asks for it."""

from __future__ import annotations

import inspect
import traceback
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from types import CodeType
from typing import Any, TypeVar

import pytest

from outlive.recorder import callers
from outlive.recorder.watching import Watch, watch
from outlive.testing.lifetimes import Lifetimes
from outlive.testing.production import Production, production_shaped
from outlive.testing.report import told
from outlive.testing.settings import Settings, settings_of, settings_of_run

T = TypeVar("T")
_SETUPS = ("setUp", "asyncSetUp", "setUpClass", "setup_method", "setup_class")


class OutliveWarning(UserWarning):
    """Something went wrong in Outlive itself, which changes no test's outcome."""


@dataclass(frozen=True, slots=True)
class Observed:
    """A test while it runs.

    Attributes:
        item: The test.
        settings: What is asked of it.
        watch: What has been seen since its first fixture.
        production: What its sessions are made to do; ``None`` if they are left alone.
    """

    item: pytest.Item
    settings: Settings
    watch: Watch
    production: Production | None

    @property
    def lifetimes(self) -> Lifetimes:
        """For its fixture."""
        return Lifetimes(self.watch.recording, redact=self.settings.redact)


class LifetimePlugin:
    """Watches tests, and explains in their reports what went wrong.

    One watch of the whole run keeps SQLAlchemy hooked into, so that one for each test costs next to nothing.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._run = settings_of_run(config)
        self._observed: Observed | None = None
        self._base = _watch(self._run, sample=0) if self._run.enabled else None

    def read_markers(self, items: Iterable[pytest.Item]) -> None:
        """Look at the markers of all tests before the first one runs.

        Raises:
            pytest.UsageError: One has arguments that make no sense.
        """
        for item in items:
            settings_of(item, self._run)

    def pytest_unconfigure(self) -> None:
        """The run is over."""
        if self._base is not None:
            self._base.stop()
        callers.makers.clear()

    # -- a test --------------------------------------------------------------------------------------------------------

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Watch from before its first fixture until after its last."""
        settings = settings_of(item, self._run)
        if not settings.enabled:
            return (yield)
        callers.makers.update(_tests_of(item))
        with self._observing(item, settings):
            return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Generator[None, Any, Any]:
        """Whose the sessions are that a fixture makes, or what it hands out."""
        if self._observed is not None and not fixturedef.argname.startswith("_xunit_"):
            # Now: a plugin for coroutines is about to put another function in its place.
            label = f"the fixture `{fixturedef.argname}` ({fixturedef.scope} scope)"
            callers.makers.update(dict.fromkeys(codes_of(fixturedef.func), label))
        try:
            return (yield)
        finally:
            self._meet_frameworks()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self) -> Generator[None, Any, Any]:
        """A test may have imported its program while it was collected."""
        self._meet_frameworks()
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Explain a failure in its report."""
        report = yield
        observed = self._observed
        error = call.excinfo.value if call.excinfo is not None else None
        if observed is None or error is None or not report.failed:
            return report
        if text := _safely(observed.item, lambda: _told(observed, error)):
            _add_section(report, text)
        return report

    @contextmanager
    def lifetimes_of(self, item: pytest.Item) -> Generator[Lifetimes]:
        """For the fixture of that name; watches from now on if nobody knew that the test would ask for it."""
        if self._observed is not None:
            yield self._observed.lifetimes
        else:
            with self._observing(item, settings_of(item, self._run)) as observed:
                yield observed.lifetimes

    @contextmanager
    def _observing(self, item: pytest.Item, settings: Settings) -> Generator[Observed]:
        with ExitStack() as stack:
            seen = stack.enter_context(_watch(settings))
            production = None
            if settings.shape:
                production = stack.enter_context(production_shaped(settings.shape, partial(_tell, item)))
            before, self._observed = self._observed, Observed(item, settings, seen, production)
            try:
                yield self._observed
            finally:
                self._observed = before

    def _meet_frameworks(self) -> None:
        observed = self._observed
        if observed is not None and observed.production is not None:
            _safely(observed.item, observed.production.meet)


def _told(observed: Observed, error: BaseException) -> str:
    production = observed.production
    return told(
        error,
        observed.watch.recording.explanations,
        redact=observed.settings.redact,
        is_overruled=production is not None and production.has_overruled,
    )


def _watch(settings: Settings, *, sample: float = 1) -> Watch:
    # The report says it below the traceback; a note would say it twice.
    return watch(notes=False, queries=True, redact=settings.redact, sample=sample)


def _safely(item: pytest.Item, work: Callable[[], T]) -> T | None:
    try:
        return work()
    except Exception as error:  # noqa: BLE001  told, and not raised into the run
        _tell(item, error)
        return None


def _tell(item: pytest.Item, error: BaseException) -> None:
    """What goes wrong here, in the summary of warnings; past the filters, which could make an error of it."""
    text = "".join(traceback.format_exception(error))
    warning = OutliveWarning(f"Outlive failed; the outcome of the test is its own. Please report this:\n{text}")
    item.ihook.pytest_warning_recorded.call_historic(
        kwargs={
            "warning_message": warnings.WarningMessage(warning, OutliveWarning, __file__, 1),
            "when": "runtest",
            "nodeid": item.nodeid,
            "location": None,
        }
    )


def _add_section(report: pytest.TestReport, text: str) -> None:
    """To what failed rather than to what was captured: so it is shown and written to files wherever that is."""
    add = getattr(report.longrepr, "addsection", None)
    if add is not None:
        add("outlive", text)
    else:
        report.sections.append(("outlive", text))


def _tests_of(item: pytest.Item) -> Iterator[tuple[CodeType, str]]:
    """The code of a test, and of what its class does before it."""
    owner = getattr(item, "cls", None)
    named = {name: getattr(owner, name) for name in _SETUPS if hasattr(owner, name)}
    for label, function in {"": getattr(item, "function", None), **named}.items():
        yield from ((code, label and f"`{label}`") for code in codes_of(function))


def codes_of(function: Any) -> Iterator[CodeType]:
    """The code of a function, and of those that are written in it."""
    code: object = getattr(inspect.unwrap(function), "__code__", None)
    waiting = [code]
    while waiting:
        one = waiting.pop()
        if isinstance(one, CodeType):
            yield one
            waiting.extend(one.co_consts)
