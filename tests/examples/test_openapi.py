"""The sound version of the example keeps what its OpenAPI says, whatever Schemathesis thinks of sending."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

httpx = pytest.importorskip("httpx")

SOUND = Path(__file__).resolve().parents[2] / "examples" / "storefront" / "sound"
SERVE = """
import socket, uvicorn
listening = socket.create_server(("127.0.0.1", 0))
print(listening.getsockname()[1], flush=True)
uvicorn.Server(uvicorn.Config("app.main:app", log_level="error")).run([listening])
"""


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """Where a process of its own serves the application."""
    for framework in ("aiosqlite", "celery", "fastapi", "uvicorn"):
        pytest.importorskip(framework)
    path = os.pathsep.join(filter(None, [str(SOUND), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "PYTHONPATH": path, "STOREFRONT_DATABASE_URL": f"sqlite:///{tmp_path}/storefront.db"}
    command = [sys.executable, "-c", SERVE]
    with (tmp_path / "log").open("w+") as log:
        process = subprocess.Popen(
            command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=log, text=True
        )
        assert process.stdout is not None
        try:
            yield answering(f"http://127.0.0.1:{process.stdout.readline().strip()}")
        finally:
            process.terminate()
            process.communicate()
            log.seek(0)
            print(log.read())


def answering(url: str) -> str:
    for _ in range(500):
        with suppress(httpx.ConnectError):
            httpx.get(f"{url}/openapi.json", timeout=30)
            break
        time.sleep(0.02)
    return url


@pytest.mark.skipif(importlib.util.find_spec("schemathesis") is None, reason="Schemathesis is not installed")
def test_no_request_is_a_server_error_or_answered_with_what_the_openapi_does_not_say(url: str, tmp_path: Path) -> None:
    schema = httpx.get(f"{url}/openapi.json").json()
    (tmp_path / "openapi.json").write_text(json.dumps(schema), "utf-8")
    checks = "not_a_server_error,response_schema_conformance,content_type_conformance"
    options = [
        "--checks",
        checks,
        "--max-examples",
        "15",
        "--phases",
        "fuzzing",
        "--generation-deterministic",
        "--no-color",
    ]
    command = [sys.executable, "-m", "schemathesis.cli", "run", "openapi.json", "--url", url, *options]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    count = sum(map(len, schema["paths"].values()))
    assert 0 == done.returncode, done.stdout + done.stderr
    assert f"Operations:\n  Selected: {count}/{count}\n  Tested: {count}\n" in done.stdout
