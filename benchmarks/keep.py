"""What Keep costs beside what people write by hand.

    python benchmarks/keep.py                      # every row
    python benchmarks/keep.py snapshot             # rows whose name begins so
    python benchmarks/keep.py --repeats 25 --json figures.json

Each row measures two ways to the same end, in turn in each round, so that a busy minute falls on both; the table has
the medians of the rounds.  Compare the ratio between machines and versions, not the milliseconds: it is CPU time, which
other programs disturb less than the clock.
"""

from __future__ import annotations

import argparse
import gc
import json
import pickle
import platform
import sys
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import pydantic
from sqlalchemy import String, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from outlive import snapshot


class Base(DeclarativeBase):
    """The registry of the benchmark."""


class Article(Base):
    """Six columns of six types."""

    __tablename__ = "article"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(50))
    weight: Mapped[float]
    sold: Mapped[bool]
    made_at: Mapped[datetime]
    price: Mapped[Decimal]


class ArticleOut(pydantic.BaseModel, from_attributes=True):
    """All of it."""

    id: int
    name: str
    weight: float
    sold: bool
    made_at: datetime
    price: Decimal


@dataclass(frozen=True, slots=True)
class Measured:
    """A row of the table.

    Attributes:
        name: What was measured, beside what.
        ours: One figure per round.
        theirs: One figure per round.
        unit: Of the figures.
        bound: What the ratio must be.
        at_least: Whether the bound is that ours is so many times better; else, that it costs so many times as much.
    """

    name: str
    ours: Sequence[float]
    theirs: Sequence[float]
    unit: str
    bound: float
    at_least: bool

    @property
    def ratio(self) -> float:
        ours, theirs = median(self.ours), median(self.theirs)
        return theirs / ours if self.at_least else ours / theirs

    @property
    def holds(self) -> bool:
        return self.ratio >= self.bound if self.at_least else self.ratio <= self.bound


# One function per row.


def snapshot_beside_pydantic(objects: int, repeats: int) -> Measured:
    """``from_attributes`` of the same columns."""
    with articles(objects) as objs:
        ours, theirs = rounds(repeats, lambda: snapshot(objs), lambda: [ArticleOut.model_validate(obj) for obj in objs])
    return Measured("snapshot beside pydantic from_attributes", ours, theirs, "ms", 2.5, at_least=True)


def snapshot_beside_dict(objects: int, repeats: int) -> Measured:
    """The least that anybody can do: a copy of ``__dict__``, SQLAlchemy's state included."""
    with articles(objects) as objs:
        ours, theirs = rounds(repeats, lambda: snapshot(objs), lambda: [dict(obj.__dict__) for obj in objs])
    return Measured("snapshot beside a copy of __dict__", ours, theirs, "ms", 4, at_least=False)


def snapshot_into_pydantic(objects: int, repeats: int) -> Measured:
    """A schema as shape, which says what is not loaded, beside pydantic alone, which loads it or takes a default."""
    with articles(objects) as objs:
        ours, theirs = rounds(
            repeats, lambda: snapshot(objs, ArticleOut), lambda: [ArticleOut.model_validate(obj) for obj in objs]
        )
    return Measured("snapshot into pydantic beside from_attributes", ours, theirs, "ms", 2, at_least=False)


def snapshot_pickled(objects: int, repeats: int) -> Measured:  # noqa: ARG001  a size does not vary
    """The bytes that cross a process boundary."""
    with articles(objects) as objs:
        ours, theirs = len(pickle.dumps(snapshot(objs))), len(pickle.dumps(objs))
    return Measured("snapshot pickled beside the objects", [ours / 2**20], [theirs / 2**20], "MiB", 1, at_least=False)


ROWS: tuple[Callable[[int, int], Measured], ...] = (
    snapshot_beside_pydantic,
    snapshot_beside_dict,
    snapshot_into_pydantic,
    snapshot_pickled,
)


# What is measured, and how.


@contextmanager
def articles(objects: int) -> Generator[Sequence[Article]]:
    """Detached objects, as they come out of a query."""
    engine = create_engine("sqlite://")
    with Session(engine) as session:
        Base.metadata.create_all(session.connection())
        session.add_all(
            Article(
                id=n, name=f"article {n}", weight=n / 3, sold=n % 2 == 0, made_at=datetime(2026, 1, 1), price=Decimal(n)
            )
            for n in range(objects)
        )
        session.flush()
        session.expunge_all()
        found = session.scalars(select(Article)).all()
    yield found
    engine.dispose()


def rounds(repeats: int, *ways: Callable[[], Any]) -> list[list[float]]:
    """Milliseconds of CPU for each way, one per round; a first round does not count."""
    figures: list[list[float]] = [[] for _ in ways]
    for turn in range(repeats + 1):
        for way, spent in zip(ways, figures, strict=True):
            gc.collect()
            start = time.process_time()
            kept = way()
            if turn:
                spent.append((time.process_time() - start) * 1000)
            del kept
    return figures


def table(measured: Sequence[Measured]) -> str:
    cells = [["", "ours", "beside", "ratio", "bound", ""]]
    for row in measured:
        bound = f"{'>=' if row.at_least else '<='} {row.bound:g}"
        figures = (f"{median(values):.1f} {row.unit}" for values in (row.ours, row.theirs))
        cells.append([row.name, *figures, f"{row.ratio:.2f}", bound, "" if row.holds else "missed"])
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if n else cell.ljust(width)
            for n, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in cells
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what is asked for; 1 if a bound is missed."""
    asked = parser().parse_args(arguments)
    header = {"outlive": version("outlive"), "python": platform.python_version(), "sqlalchemy": version("sqlalchemy")}
    print(", ".join(f"{name} {value}" for name, value in header.items()))
    measured = [row(asked.objects, asked.repeats) for row in ROWS if row.__name__.startswith(tuple(asked.rows) or "")]
    print(table(measured))
    if asked.json:
        figures = {**header, "rows": [{**asdict(row), "ratio": row.ratio} for row in measured]}
        asked.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 0 if all(row.holds for row in measured) else 1


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    made.add_argument("rows", nargs="*", metavar="ROW", help="rows whose names begin so (default: all)")
    made.add_argument("--objects", type=int, default=10_000, metavar="N", help="default: 10000")
    made.add_argument("--repeats", type=int, choices=range(1, 1000), default=9, metavar="N", help="default: 9")
    made.add_argument("--json", type=Path, metavar="FILE", help="write every single figure")
    return made


if __name__ == "__main__":
    sys.exit(main())
