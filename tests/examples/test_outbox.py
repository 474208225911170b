"""The example with an outbox loses no task, whenever a process or the broker is killed; some may come twice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, text

from tests import brokers, servers
from tests.integrations.queue_runs import until

pytest.importorskip("celery")
ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "outbox"
KILLED = 4
ORDERS = 300


def environment(**settings: str) -> dict[str, str]:
    path = os.pathsep.join([str(EXAMPLE), str(ROOT / "src")])
    return {**os.environ, "PYTHONPATH": path, **{f"OUTBOX_{name}": value for name, value in settings.items()}}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked")
def test_killed_between_commit_and_publish() -> None:
    servers.require_broker(servers.RABBITMQ)
    with servers.postgresql_schema() as address:
        database = address.replace("postgresql://", "postgresql+psycopg://", 1)
        settings = environment(DATABASE=database, BROKER=servers.RABBITMQ, QUEUE=f"outlive-{uuid4().hex}")
        script = Path(__file__).with_name("outbox_killed.py")
        command = [sys.executable, script, str(KILLED)]
        done = subprocess.run(command, env=settings, capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stderr
    told = json.loads(done.stdout)

    # Each process was killed after its third order.
    assert {"placed": 3 * KILLED, "sent": 2 * KILLED, "twice": 0} == told["delay_on_commit"]
    assert {"placed": 6 * KILLED, "sent": 3 * KILLED} == {name: told["outbox"][name] for name in ("placed", "sent")}
    assert told["outbox"]["twice"] > 0


@contextmanager
def running(*module: str, log: Path, env: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("ab") as out:
        command = [sys.executable, "-m", *module]
        process = subprocess.Popen(command, env=env, stdout=out, stderr=subprocess.STDOUT)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=60)


@pytest.mark.parametrize("broker", [brokers.rabbitmq, brokers.redis], ids=["rabbitmq", "redis"])
def test_a_broker_that_dies_under_the_relay(broker: Any, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with servers.postgresql_schema() as address, broker() as running_broker, ExitStack() as stack:
        database = address.replace("postgresql://", "postgresql+psycopg://", 1)
        env = environment(DATABASE=database, BROKER=running_broker.address)
        engine = create_engine(database)
        stack.callback(engine.dispose)

        def count(what: str) -> Any:
            with engine.connect() as connection:
                return connection.scalar(text(f"SELECT count(*) FROM {what}"))

        def place_orders() -> None:
            orders = f"for _ in range({ORDERS}): shop.place_order()"
            code = f"import shop\nshop.Base.metadata.create_all(shop.engine)\n{orders}"
            subprocess.run([sys.executable, "-c", code], env=env, check=True)

        place_orders()
        with running("shop", log=log, env=env) as relay:
            assert until(lambda: count("outbox") < ORDERS, every=0)
            running_broker.kill()
            place_orders()
            assert count("outbox") > ORDERS
            running_broker.start()
            assert until(lambda: count("outbox") == 0), log.read_text("utf-8")
            assert relay.poll() is None
        with running("celery", "-A", "shop", "worker", "--pool", "threads", "-c", "2", log=log, env=env):
            assert until(lambda: count("orders WHERE shipped = 1") == 2 * ORDERS), log.read_text("utf-8")
        assert 0 == count("orders WHERE shipped > 1")


def test_a_task_that_comes_twice_is_done_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTBOX_DATABASE", f"sqlite:///{tmp_path / 'shop.db'}")
    monkeypatch.setenv("OUTBOX_BROKER", "memory://")
    monkeypatch.syspath_prepend(str(EXAMPLE))
    import shop  # noqa: PLC0415  it reads its settings when it is imported

    shop.Base.metadata.create_all(shop.engine)
    number = shop.place_order()
    for _ in range(2):
        shop.ship.apply([number], task_id="the same")
    with shop.SessionLocal() as session:
        assert 1 == session.get(shop.Order, number).shipped
    shop.engine.dispose()
    shop.app.close()
    del sys.modules["shop"]
