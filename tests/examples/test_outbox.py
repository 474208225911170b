"""The example with an outbox loses no task, whenever a process is killed; what it costs is that some come twice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

from tests import servers

pytest.importorskip("celery")
ROOT = Path(__file__).parents[2]
KILLED = 4


def environment(**settings: str) -> dict[str, str]:
    path = os.pathsep.join([str(ROOT / "examples" / "outbox"), str(ROOT / "src")])
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


def test_a_task_that_comes_twice_is_done_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTBOX_DATABASE", f"sqlite:///{tmp_path / 'shop.db'}")
    monkeypatch.setenv("OUTBOX_BROKER", "memory://")
    monkeypatch.syspath_prepend(str(ROOT / "examples" / "outbox"))
    import shop  # noqa: PLC0415  it reads its settings when it is imported

    shop.Base.metadata.create_all(shop.engine)
    number = shop.place_order()
    for _ in range(2):
        shop.ship.apply([number], task_id="the same")
    with sessionmaker(create_engine(os.environ["OUTBOX_DATABASE"]))() as session:
        assert 1 == session.get(shop.Order, number).shipped
    shop.engine.dispose()
    shop.app.close()
    del sys.modules["shop"]
