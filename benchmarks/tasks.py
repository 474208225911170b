"""What the task boundary costs: publishing with the guard, loading what was sent as references, sizes of messages.

    python benchmarks/tasks.py                        # rows in SQLite, in memory
    python benchmarks/tasks.py --database postgresql  # at OUTLIVE_TEST_POSTGRES, in a schema of its own
    python benchmarks/tasks.py --quick                # does it run?

The broker is in memory: with a real one publishing takes longer, and the guard weighs less.  Both ways are measured in
turn; the table has the fastest round of each, in CPU time of this process; loading from PostgreSQL in wall time.  The
program ends with 1 if a bound is missed, unless ``--quick`` was given, whose figures mean nothing.
"""

from __future__ import annotations

import argparse
import gc
import os
import pickle
import sys
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast
from uuid import uuid4

import celery  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]
from kombu.utils import json  # pyright: ignore[reportMissingTypeStubs]
from sqlalchemy import Engine, create_engine, insert, select, text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

from outlive import reference
from outlive.boundary.crossing import Boundary
from outlive.integrations.celery import protect, task_session

SERVER = os.environ.get("OUTLIVE_TEST_POSTGRES", "postgresql://root@127.0.0.1:5432/test")
PLAIN: tuple[Any, ...] = (1, "a text", {"ids": [1, 2, 3]})
BIG: tuple[Any, ...] = ([{"id": number, "name": "x" * 20, "price": 1.5} for number in range(100)],)


class Base(DeclarativeBase):
    """Orders of six columns."""


class Order(Base):
    """What is sent."""

    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(primary_key=True)
    customer: Mapped[str]
    address: Mapped[str]
    status: Mapped[str]
    total: Mapped[int]
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012  SQLAlchemy's way


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table: ours beside theirs, and what the ratio must be, ``at_least`` or at most."""

    name: str
    ours: float
    theirs: float
    bound: float
    unit: str
    at_least: bool = False

    @property
    def ratio(self) -> float:
        return self.theirs / self.ours if self.at_least else self.ours / self.theirs

    @property
    def holds(self) -> bool:
        return self.ratio >= self.bound if self.at_least else self.ratio <= self.bound


def publish(name: str, args: tuple[Any, ...], bound: float, rounds: int, times: int) -> Row:
    """``delay`` of a protected application beside another one."""
    ours, theirs = task(is_protected=True), task(is_protected=False)

    def way(published: Any) -> Callable[[], object]:
        def publish() -> None:
            for _ in range(times):
                published.delay(*args)

        return publish

    spent = fastest(rounds, time.process_time, way(ours), way(theirs))
    ours_us, theirs_us = (seconds / times * 1e6 for seconds in spent)
    return Row(name, ours_us, theirs_us, bound=bound, unit="us")


def task(*, is_protected: bool) -> Any:
    app: Any = celery.Celery("benchmark", broker="memory://", set_as_current=False)
    app.conf.task_default_queue = uuid4().hex
    if is_protected:
        protect(app, Base)
    return app.task(do_nothing, name="do_nothing", shared=False)


def do_nothing(*args: object) -> None:
    """Runs nowhere."""


def load(engine: Engine, rounds: int, many: int) -> Row:
    """A task that gets references, beside one that gets primary keys and loads each object."""
    with Session(engine) as session:
        orders = session.scalars(select(Order).limit(many)).all()
    refs, keys = [reference(order) for order in orders], [order.id for order in orders]
    boundary = Boundary(Base, "reference", sessionmaker(engine))

    def get_each(keys: Sequence[int]) -> None:
        session = task_session()
        held = [session.get(Order, key) for key in keys]
        del held

    def ours() -> None:
        boundary.run("benchmark", do_nothing, [refs], {})

    def theirs() -> None:
        boundary.run("benchmark", get_each, [keys], {})

    clock = time.perf_counter if engine.dialect.name == "postgresql" else time.process_time
    spent = fastest(rounds, clock, ours, theirs)
    name = f"{many:,} references beside as many get()"
    ours_ms, theirs_ms = (seconds * 1e3 for seconds in spent)
    return Row(name, ours_ms, theirs_ms, bound=10, unit="ms", at_least=True)


def sizes(engine: Engine) -> Iterator[Row]:
    """The bytes of a message's arguments."""
    with Session(engine) as session:
        orders = session.scalars(select(Order).limit(20)).all()
    for name, sent in (("a reference", orders[:1]), ("20 references", orders)):
        ours: str = cast("Any", json).dumps([reference(order) for order in sent])
        bound = 0.5 if len(sent) == 1 else 1
        yield Row(f"{name} beside a pickle", len(ours), len(pickle.dumps(sent)), bound=bound, unit="bytes")


def fastest(rounds: int, clock: Callable[[], float], *ways: Callable[[], object]) -> Sequence[float]:
    """Seconds of the fastest round of each; the first one does not count."""
    found = [float("inf")] * len(ways)
    for turn in range(rounds + 1):
        for index, way in enumerate(ways):
            gc.collect()
            gc.disable()
            start = clock()
            way()
            seconds = clock() - start
            gc.enable()
            if turn:
                found[index] = min(found[index], seconds)
    return found


@contextmanager
def database(name: str, many: int) -> Generator[Engine]:
    """An engine with orders."""
    url, schema = "sqlite://", f"outlive_{uuid4().hex}"
    if name == "postgresql":
        url = f"{SERVER.replace('postgresql://', 'postgresql+psycopg://', 1)}?options=-csearch_path%3D{schema}"
    engine = create_engine(url)
    with engine.begin() as connection:
        if name == "postgresql":
            connection.execute(text(f"CREATE SCHEMA {schema}"))
        Base.metadata.create_all(connection)
        values = {"customer": "Ada Lovelace", "address": "12 St James's Square", "status": "new", "total": 1}
        connection.execute(insert(Order), [{**values, "id": key, "version": 1} for key in range(1, many + 1)])
    try:
        yield engine
    finally:
        if name == "postgresql":
            with engine.begin() as connection:
                connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
        engine.dispose()


def main() -> int:
    options = arguments().parse_args()
    rounds, times, many = (1, 2, 20) if options.quick else (100, 40, 1000)
    with database(options.database, many) as engine:
        rows = [
            publish("publish plain arguments", PLAIN, 1.05, rounds, times),
            publish("publish a list of 100 dicts", BIG, 1.1, rounds // 2, times // 2),
            load(engine, max(1, rounds // 3), many),
            *sizes(engine),
        ]
    print(f"Python {sys.version.split()[0]}, Celery {celery.__version__}, {options.database}")
    print(f"{'':40}{'ours':>12}{'theirs':>12}{'ratio':>8}{'bound':>8}")
    for row in rows:
        figures = f"{row.ours:>12,.1f}{row.theirs:>12,.1f}{row.ratio:>8.2f}{row.bound:>8}"
        print(f"{row.name + ', ' + row.unit:40}{figures}{'' if row.holds else '  missed'}")
    return 0 if options.quick or all(row.holds for row in rows) else 1


def arguments() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    made.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite", help="default: sqlite")
    made.add_argument("--quick", action="store_true", help="few objects, one round: does it run?")
    return made


if __name__ == "__main__":
    sys.exit(main())
