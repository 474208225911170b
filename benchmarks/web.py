"""What the web boundary costs: session_dependency on a SessionRoute beside the dependency of FastAPI's tutorial.

    python benchmarks/web.py                        # SQLite, in a file
    python benchmarks/web.py --database postgresql  # at OUTLIVE_TEST_POSTGRES, in a schema of its own
    python benchmarks/web.py write                  # rows whose name begins so
    python benchmarks/web.py --repeats 25

A process of its own serves both with uvicorn, and they are asked over a socket, in turn in each round, so that a busy
minute falls on both.  The ratio is that of the CPU time that the server needs for a request, the median of all rounds:
a server that is busy answers as many requests as that allows, and other programs disturb it less than the clock.
Where others keep all cores busy it still varies by a fifth: ``tests/integrations/web/test_cost.py`` counts calls.
Requests per second are those of the fastest round, latencies those of all rounds.  Theirs answers a write before it
commits; ours after.  Compare the ratio between machines, not the figures.

The program ends with 1 if a bound is missed, unless ``--quick`` was given, whose figures mean nothing.
"""

# No `from __future__ import annotations`: FastAPI could not resolve the names that belong to a function.

import argparse
import asyncio
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Annotated, Any
from uuid import uuid4

import uvicorn
from fastapi import Depends, FastAPI
from fastapi.responses import PlainTextResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel
from sqlalchemy import Engine, create_engine, event, make_url, orm, text
from sqlalchemy.ext import asyncio as sa_asyncio
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

import outlive
from outlive.integrations.fastapi import SessionRoute, lifespan, session_dependency

SERVER = os.environ.get("OUTLIVE_TEST_POSTGRES", "postgresql://root@127.0.0.1:5432/test")
DRIVERS = {"sqlite": ("sqlite", "sqlite+aiosqlite"), "postgresql": ("postgresql+psycopg", "postgresql+asyncpg")}
CLIENTS = {"sqlite": 1, "postgresql": 8}
"""SQLite has one writer at a time; others would wait by sleeping."""
REQUESTS, QUICK = 80, 16
AT_LEAST = 0.95


class Base(DeclarativeBase):
    """One class."""


class Order(Base):
    """What a request reads, and what it writes."""

    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str]
    total: Mapped[int]


class OrderOut(BaseModel, from_attributes=True):
    """What is answered; a tutorial that does not flush has no id yet."""

    id: int | None
    number: str
    total: int


# The program.


def application(url: str, async_url: str) -> FastAPI:
    """Both ways, each for sync and async sessions."""
    engine, async_engine = create_engine(url), sa_asyncio.create_async_engine(async_url)
    for each in (engine, async_engine.sync_engine):
        event.listen(each, "connect", prepare)
    app = FastAPI(lifespan=lifespan(engine, async_engine))
    theirs, their_async = orm.sessionmaker(engine), sa_asyncio.async_sessionmaker(async_engine)

    def get_session() -> Iterator[Session]:
        with theirs() as session:
            yield session
            session.commit()

    async def get_async_session() -> AsyncIterator[sa_asyncio.AsyncSession]:
        async with their_async() as session:
            yield session
            await session.commit()

    add_sync(app, "theirs", Depends(get_session), APIRoute)
    add_async(app, "theirs", Depends(get_async_session), APIRoute)
    add_sync(app, "ours", session_dependency(outlive.sessionmaker(engine)), SessionRoute)
    add_async(app, "ours", session_dependency(outlive.async_sessionmaker(async_engine)), SessionRoute)

    return app


def prepare(connection: Any, _record: object) -> None:
    """Do not wait for the disk; use the schema of this run."""
    cursor = connection.cursor()
    cursor.execute(os.environ["BENCHMARK_PREPARE"])
    cursor.close()
    connection.commit()


def add_sync(app: FastAPI, way: str, depends: Any, route_class: type[APIRoute]) -> None:
    """A path operation that reads, one that writes."""
    app.router.route_class = route_class

    @app.get(f"/{way}/sync")
    def read(session: Annotated[Session, depends]) -> OrderOut:
        return OrderOut.model_validate(session.get(Order, 1))

    @app.post(f"/{way}/sync", response_model=OrderOut)
    def write(session: Annotated[Session, depends]) -> Order:
        order = Order(number="A-1", total=1)
        session.add(order)
        return order

    _ = read, write


def add_async(app: FastAPI, way: str, depends: Any, route_class: type[APIRoute]) -> None:
    """The same in async code."""
    app.router.route_class = route_class

    @app.get(f"/{way}/async")
    async def read(session: Annotated[sa_asyncio.AsyncSession, depends]) -> OrderOut:
        return OrderOut.model_validate(await session.get(Order, 1))

    @app.post(f"/{way}/async", response_model=OrderOut)
    async def write(session: Annotated[sa_asyncio.AsyncSession, depends]) -> Order:
        order = Order(number="A-1", total=1)
        session.add(order)
        return order

    _ = read, write


@dataclass
class Idle:
    """The application, and the CPU time of its process once nothing runs: theirs works on after its answer."""

    app: FastAPI
    running: int = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif scope["path"] == "/cpu":
            while self.running:  # noqa: ASYNC110  an event would cost each request
                await asyncio.sleep(0.0005)
            await PlainTextResponse(str(time.process_time()))(scope, receive, send)
        else:
            self.running += 1
            try:
                await self.app(scope, receive, send)
            finally:
                self.running -= 1


def serve(url: str, async_url: str) -> None:
    """Serve it, and say at which port."""
    # asyncio sends at once on a socket that says it is TCP, and else lets the kernel wait for more.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        print(listening.getsockname()[1], flush=True)
        config = uvicorn.Config(Idle(application(url, async_url)), log_level="error", access_log=False)
        uvicorn.Server(config).run([listening])


@contextmanager
def served(url: str, async_url: str) -> Generator[int]:
    """The port of a process that serves it."""
    command = [sys.executable, __file__, "--serve", url, async_url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()


# Who asks.


@dataclass
class Measured:
    """One way, asked for in rounds.

    Attributes:
        per_second: Requests, of each round.
        cpu_us: Of the server for a request, of each round.
        latencies_ms: Of all requests.
    """

    per_second: list[float] = field(default_factory=list[float])
    cpu_us: list[float] = field(default_factory=list[float])
    latencies_ms: list[float] = field(default_factory=list[float])

    def latency(self, share: float) -> float:
        """That which this share of the requests does not exceed."""
        ordered = sorted(self.latencies_ms)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


@dataclass(frozen=True)
class Client:
    """Connections that stay open.

    A library would cost more than what is measured.
    """

    connections: Sequence[tuple[asyncio.StreamReader, asyncio.StreamWriter]]

    @classmethod
    async def connected(cls, port: int, count: int) -> "Client":
        return cls([await asyncio.open_connection("127.0.0.1", port) for _ in range(count)])

    async def ask(self, method: str, path: str, number: int = 0) -> bytes:
        """The body of an answer."""
        reader, writer = self.connections[number]
        writer.write(f"{method} {path} HTTP/1.1\r\nHost: shop\r\nContent-Length: 0\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        body = await reader.readexactly(length)
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"{method} {path}: {head.decode()}{body.decode()}")
        return body

    async def round(self, method: str, path: str, requests: int, into: Measured | None) -> None:
        """Ask so many times, on all connections at once."""
        latencies: list[float] = []

        async def ask_on(number: int) -> None:
            for _ in range(requests // len(self.connections)):
                begun = time.perf_counter()
                await self.ask(method, path, number)
                latencies.append((time.perf_counter() - begun) * 1e3)

        cpu, begun = float(await self.ask("GET", "/cpu")), time.perf_counter()
        await asyncio.gather(*map(ask_on, range(len(self.connections))))
        cpu = float(await self.ask("GET", "/cpu")) - cpu
        if into is not None:
            into.per_second.append(len(latencies) / (time.perf_counter() - begun))
            into.cpu_us.append(cpu / len(latencies) * 1e6)
            into.latencies_ms.extend(latencies)


@dataclass(frozen=True)
class Plan:
    """How to measure a row."""

    port: int
    clients: int
    requests: int
    repeats: int

    async def measure(self, method: str, kind: str) -> dict[str, Measured]:
        """Ours and theirs, in turn; a first round does not count: statements are compiled, connections made."""
        client = await Client.connected(self.port, self.clients)
        measured = {"ours": Measured(), "theirs": Measured()}
        for number in range(self.repeats + 1):
            ways = list(measured.items())
            for way, into in ways if number % 2 else reversed(ways):
                await client.round(method, f"/{way}/{kind}", self.requests, into if number else None)
        for _, writer in client.connections:
            writer.close()
        return measured


ROWS = {
    "read, sync": ("GET", "sync"),
    "read, async": ("GET", "async"),
    "write, sync": ("POST", "sync"),
    "write, async": ("POST", "async"),
}


# Databases.


@contextmanager
def database(name: str) -> Generator[tuple[str, str]]:
    """The addresses of one with an order, for each driver."""
    sync_driver, async_driver = DRIVERS[name]
    if name == "sqlite":
        os.environ["BENCHMARK_PREPARE"] = "PRAGMA synchronous = OFF"
        with tempfile.TemporaryDirectory() as folder:
            url = make_url(f"sqlite:///{Path(folder, 'shop.db')}")
            fill(create_engine(url))
            yield str(url), str(url.set(drivername=async_driver))
        return
    schema = f"benchmark_{uuid4().hex}"
    url = make_url(SERVER).set(drivername=sync_driver)
    os.environ["BENCHMARK_PREPARE"] = f"SET search_path TO {schema}"
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
    event.listen(engine, "connect", prepare)
    engine.dispose()
    try:
        fill(engine)
        async_url = url.set(drivername=async_driver)
        yield url.render_as_string(hide_password=False), async_url.render_as_string(hide_password=False)
    finally:
        with engine.begin() as connection:
            connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
        engine.dispose()


def fill(engine: Engine) -> None:
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(Order(number="A-0", total=0))
        session.commit()
    engine.dispose()


# The table.


def lines_of(name: str, measured: dict[str, Measured]) -> Iterator[str]:
    for way, each in measured.items():
        percentiles = "".join(f"{each.latency(share):9.2f}" for share in (0.5, 0.95, 0.99))
        figures = f"{max(each.per_second):10.0f}{min(each.cpu_us):10.0f}{percentiles}"
        yield f"{name if way == 'ours' else '':14}{way:8}{figures}"


def ratio_of(measured: dict[str, Measured]) -> float:
    """Throughput of ours beside theirs: the median of the rounds, in each of which both had the same neighbours."""
    rounds = zip(measured["theirs"].cpu_us, measured["ours"].cpu_us, strict=True)
    return median(theirs / ours for theirs, ours in rounds)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", metavar="ROW", help="rows whose names begin so (default: all)")
    parser.add_argument("--database", choices=DRIVERS, default="sqlite")
    parser.add_argument("--repeats", type=int, default=40)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--serve", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(*options.serve)
        return 0
    requests, repeats = (QUICK, 1) if options.quick else (REQUESTS, options.repeats)
    names = ", ".join(f"{name} {version(name)}" for name in ("fastapi", "sqlalchemy", "uvicorn"))
    print(f"{names}, Python {sys.version.split()[0]}, {options.database}\n")
    print(f"{'':22}{'per s':>10}{'CPU us':>10}{'p50 ms':>9}{'p95 ms':>9}{'p99 ms':>9}{'ratio':>9}")
    missed = 0
    with database(options.database) as urls, served(*urls) as port:
        plan = Plan(port, CLIENTS[options.database], requests, repeats)
        for name, (method, kind) in ROWS.items():
            if name.startswith(tuple(options.rows) or ""):
                measured = asyncio.run(plan.measure(method, kind))
                ours, theirs = lines_of(name, measured)
                ratio = ratio_of(measured)
                missed += ratio < AT_LEAST
                print(f"{ours}{ratio:9.2f}{'' if ratio >= AT_LEAST else f'  under {AT_LEAST}'}\n{theirs}", flush=True)
    return 1 if missed and not options.quick else 0


if __name__ == "__main__":
    sys.exit(main())
