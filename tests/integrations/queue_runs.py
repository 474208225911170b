"""An application behind a real broker, its rows in PostgreSQL, and workers that the test may kill."""

from __future__ import annotations

import importlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session

from tests import servers
from tests.integrations.queue_orders import fill

ROOT = Path(__file__).parents[2]
WAIT = 60
STOP = 10
"""Seconds that a worker gets to end; one whose broker has died under it may never do so."""
READY = {"celery": (" ready.", 1), "dramatiq": ("is ready for action", 2)}
"""What a worker writes into its log when it is, and how often."""


@dataclass(frozen=True)
class Shop:
    """An application.

    Attributes:
        queue: ``celery`` or ``dramatiq``.
        tasks: Its module, in this process.
        engine: The database of its tasks.
        log: Of all its workers.
    """

    queue: str
    tasks: ModuleType
    engine: Engine
    log: Path

    def logged(self, text: str, times: int = 1) -> bool:
        return until(lambda: self.log.read_text("utf-8").count(text) >= times)

    def asked(self, query: Any) -> Any:
        with Session(self.engine) as session:
            return session.scalar(query)

    def wait_for(self, query: Any, value: object) -> bool:
        """Whether the database comes to say so."""
        return until(lambda: self.asked(query) == value)

    def saved(self, row: Any) -> Any:
        """A row that was committed, detached."""
        with Session(self.engine, expire_on_commit=False) as session:
            session.add(row)
            session.commit()
        return row


def until(happens: Callable[[], bool], *, every: float = 0.05) -> bool:
    """Whether something comes to pass in time."""
    deadline = time.monotonic() + WAIT
    while not happens():
        if time.monotonic() > deadline:
            return False
        time.sleep(every)
    return True


@contextmanager
def shop(queue: str, broker: str, folder: Path, environment: pytest.MonkeyPatch) -> Iterator[Shop]:
    """The application in this process, its database filled; no worker yet."""
    servers.require_broker(servers.REDIS)
    servers.require_broker(broker)
    module = f"tests.integrations.{queue}_worker"
    with servers.postgresql_schema() as address, ExitStack() as stack:
        database = address.replace("postgresql://", "postgresql+psycopg://", 1)
        name = f"outlive-{uuid4().hex}"
        settings = {"BROKER": broker, "RESULTS": servers.REDIS, "DATABASE": database, "QUEUE": name}
        for setting, value in settings.items():
            environment.setenv(f"ORDERS_{setting}", value)
        engine = create_engine(database)
        stack.callback(engine.dispose)
        fill(engine)
        sys.modules.pop(module, None)
        tasks = importlib.import_module(module)
        stack.callback(sys.modules.pop, module, None)
        stack.callback(tasks.close)
        log = folder / "worker.log"
        log.touch()
        yield Shop(queue, tasks, engine, log)


@contextmanager
def worker(shop: Shop, pool: str = "threads") -> Iterator[subprocess.Popen[bytes]]:
    """A worker that is ready: of Celery with this pool, of Dramatiq with two processes."""
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "INFO"]
    name = ["-n", f"{uuid4().hex}@%h", "--pool", pool, "-c", "2"]
    module = f"tests.integrations.{shop.queue}_worker"
    options = ["-A", module, "worker", *name, *quiet] if shop.queue == "celery" else ["-p", "2", "-t", "2", module]
    ready, times = READY[shop.queue]
    before = shop.log.read_text("utf-8").count(ready)
    with shop.log.open("ab") as out:
        command = [sys.executable, "-m", shop.queue, *options]
        process = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT)
    try:
        assert shop.logged(ready, before + times), shop.log.read_text("utf-8")
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=STOP)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
