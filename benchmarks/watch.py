"""What watching costs: the same work with and without, in turn, in one process.

    python benchmarks/watch.py                        # SQLite in memory
    python benchmarks/watch.py --database postgresql  # the request at OUTLIVE_TEST_POSTGRES
    python benchmarks/watch.py --processes 50

Rounds are short and in pairs, one without and one with a watch, so that a machine that slows down slows both; what is
added is the median of the pairs' differences in CPU time: a watch waits for nothing.  The time without is CPU time, for
PostgreSQL that of the clock, because a request waits.  Where a process puts what in memory makes half or twice of what
is added; so each figure is the median over several processes.  Compare the last columns between machines, not the
microseconds.
The program ends with 1 if a bound is missed, unless ``--quick`` was given, whose figures mean nothing.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from importlib.metadata import version
from multiprocessing import get_context
from statistics import median
from uuid import uuid4

from sqlalchemy import Engine, String, create_engine, make_url, select, text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.pool import StaticPool

import outlive

SERVER = os.environ.get("OUTLIVE_TEST_POSTGRES", "postgresql://root@127.0.0.1:5432/test")
OBJECTS = 2_000
REQUESTS = 20


class Base(DeclarativeBase):
    """One class."""


class Order(Base):
    """What a request reads and changes."""

    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(primary_key=True)
    status: Mapped[str] = mapped_column(String(20))
    total: Mapped[int]


@dataclass(frozen=True)
class Given:
    """What a round works on."""

    engine: Engine
    session: Session
    orders: Sequence[Order] = ()


@dataclass(frozen=True)
class Row:
    """One thing to do, how often one round does it, and what watching may add to it.

    Attributes:
        prepare: Makes what ``work`` is given, outside the measured time.
        rounds: For each repetition that was asked for.
        before: How often it is done before time is measured: Python makes what it has seen often faster, and forgets
            that when somebody begins to watch, as a server does once.
        at_most_us: Added microseconds for each.
        at_most: Share of the time without.
    """

    name: str
    prepare: Callable[[Engine], Given]
    work: Callable[[Given], None]
    count: int
    rounds: int = 1
    before: int = 0
    at_most_us: float | None = None
    at_most: float | None = None


def empty(engine: Engine) -> Given:
    """Nothing."""
    return Given(engine, Session(engine))


def loaded(engine: Engine) -> Given:
    """A session with many objects, and the objects."""
    session = Session(engine)
    return Given(engine, session, session.scalars(select(Order)).all())


def read(given: Given) -> None:
    """An attribute of each."""
    for order in given.orders:
        order.total  # noqa: B018


def close(given: Given) -> None:
    """All of them leave."""
    given.session.close()


def commit(given: Given) -> None:
    """All of them expire."""
    given.session.commit()


def requests(given: Given) -> None:
    """Get, update, commit, close."""
    for number in range(REQUESTS):
        with Session(given.engine) as session:
            order = session.get(Order, number % OBJECTS + 1)
            assert order is not None
            order.status = "paid" if order.status == "new" else "new"
            session.commit()


SQLITE = (
    Row("read an attribute", loaded, read, OBJECTS, rounds=10, before=5, at_most_us=0.005),
    Row("close, per object", loaded, close, OBJECTS, at_most_us=0.5),
    Row("commit, per object", loaded, commit, OBJECTS),
    Row("request in memory", empty, requests, REQUESTS, rounds=10, before=5, at_most_us=40, at_most=0.10),
)
POSTGRESQL = (Row("request to PostgreSQL", empty, requests, REQUESTS, rounds=10, before=5, at_most=0.02),)
ROWS = {"sqlite": SQLITE, "postgresql": POSTGRESQL}
# A request to a server scatters more: the median of seven processes, by a percent.
PROCESSES = {"sqlite": 7, "postgresql": 25}


def measure(row: Row, engine: Engine, repeats: int, clock: Callable[[], float]) -> tuple[float, float]:
    """What one takes without a watch, and what a watch adds, in seconds: medians over all pairs of rounds."""
    spent: list[float] = []
    busy: dict[bool, list[float]] = {False: [], True: []}
    for turn in range(repeats * row.rounds):
        for is_watched in (False, True) if turn % 2 else (True, False):
            with outlive.watch() if is_watched else nullcontext():
                given = row.prepare(engine)
                for _ in range(row.before):
                    row.work(given)
                gc.collect()
                gc.disable()
                start, start_busy = clock(), time.process_time()
                row.work(given)
                busy[is_watched].append(time.process_time() - start_busy)
                if not is_watched:
                    spent.append(clock() - start)
                gc.enable()
                given.session.close()
    added = [watched - without for without, watched in zip(busy[False], busy[True], strict=True)]
    return median(spent) / row.count, median(added) / row.count


@contextmanager
def database(name: str) -> Generator[Engine]:
    """Filled with orders."""
    schema = f"benchmark_{uuid4().hex[:8]}"
    if name == "sqlite":
        engine = create_engine("sqlite://", poolclass=StaticPool)
    else:
        url = make_url(SERVER).set(drivername="postgresql+psycopg")
        engine = create_engine(url, connect_args={"options": f"-csearch_path={schema}"})
        with engine.begin() as connection:
            connection.execute(text(f"create schema {schema}"))
    try:
        Base.metadata.create_all(engine)
        with Session(engine) as session:
            session.add_all(Order(status="new", total=number) for number in range(OBJECTS))
            session.commit()
        yield engine
    finally:
        if name != "sqlite":
            with engine.begin() as connection:
                connection.execute(text(f"drop schema {schema} cascade"))
        engine.dispose()


def figures(name: str, repeats: int) -> list[tuple[float, float]]:
    """What ``measure`` says of each row, in a process of its own."""
    clock = time.process_time if name == "sqlite" else time.perf_counter
    with database(name) as engine:
        return [measure(row, engine, repeats, clock) for row in ROWS[name]]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", choices=tuple(ROWS), default="sqlite")
    parser.add_argument("--processes", type=int, help=f"by default {PROCESSES}")
    parser.add_argument("--repeats", type=int, default=4)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    wanted = options.processes or PROCESSES[options.database]
    processes, repeats = (1, 1) if options.quick else (wanted, options.repeats)
    print(f"SQLAlchemy {version('sqlalchemy')}, Python {sys.version.split()[0]}, {options.database}\n")
    print(f"{'':24}{'without':>12}{'watched':>12}{'added':>12}{'':>9}")
    with get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        found = pool.starmap(figures, [(options.database, repeats)] * processes, chunksize=1)
    missed = 0
    for row, told in zip(ROWS[options.database], zip(*found, strict=True), strict=True):
        without, more = (median(each) for each in zip(*told, strict=True))
        added, share = more * 1e6, more / without
        is_over = (row.at_most_us is not None and added > row.at_most_us) or (
            row.at_most is not None and share > row.at_most
        )
        missed += is_over
        line = f"{without * 1e6:9.2f} us{(without + more) * 1e6:9.2f} us{added:9.2f} us{share:8.1%}"
        print(f"{row.name:24}{line}{'  over the bound' if is_over else ''}")
    return 1 if missed and not options.quick else 0


if __name__ == "__main__":
    sys.exit(main())
