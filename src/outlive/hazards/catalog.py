"""What a hazard is, and the walk that finds them all."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from inspect import cleandoc

from outlive.check.findings import Finding
from outlive.check.flow import Flow


@dataclass(frozen=True, slots=True)
class Hazard:
    """One way in which an object fails outside its session.

    Attributes:
        code: ``OL201``; for ``# noqa`` and tables.
        module: ``__name__`` of the hazard's module; its last part is the hazard's name.
        doc: The module's docstring: summary line, *Why it matters*, *What to do*, *Misses*.
        raises: SQLAlchemy's error code (``bhk3``), an exception's name where SQLAlchemy has no code,
            or ``None`` where the harm is silent.
        bad: A program over the bookshop that fails.
        good: The same program done right.
        check: Yields findings from a flow; ``None`` for hazards seen at run time only.
    """

    code: str
    module: str
    doc: str | None
    raises: str | None
    bad: str
    good: str
    check: Callable[[Flow], Iterator[Finding]] | None

    @property
    def name(self) -> str:
        """Kebab-case name, derived from the file name."""
        return self.module.rpartition(".")[2].replace("_", "-")

    @property
    def text(self) -> str:
        """The whole explanation, dedented."""
        return cleandoc(self.doc or "")

    @property
    def summary(self) -> str:
        """First line of the explanation."""
        return self.text.partition("\n")[0]


@cache
def all_hazards() -> tuple[Hazard, ...]:
    """Every hazard of this package, ordered by code."""
    package = __name__.rpartition(".")[0]
    path = importlib.import_module(package).__path__
    modules = (importlib.import_module(f"{package}.{found.name}") for found in pkgutil.iter_modules(path))
    hazards = [module.HAZARD for module in modules if hasattr(module, "HAZARD")]
    return tuple(sorted(hazards, key=lambda hazard: hazard.code))
