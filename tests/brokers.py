"""Message brokers of a test's own, which it may crash."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import SystemRandom

from tests.servers import unavailable

PATIENCE = 60


@dataclass
class Broker:
    """A server that has on disk what it has accepted.

    Attributes:
        address: Where applications find it.
        port: The same, for whoever wants to know whether it answers.
        command: What starts it.
        folder: Its log, and its process id.
        settings: Of its environment.
    """

    address: str
    port: int
    command: list[str]
    folder: Path
    settings: dict[str, str] = field(default_factory=dict[str, str])
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns when it answers."""
        (self.folder / "pid").unlink(missing_ok=True)
        deadline = time.monotonic() + PATIENCE
        while not self.answers():
            # RabbitMQ ends at once if its name is not free yet.
            if self.process is None or self.process.poll() is not None:
                self.launch()
            assert time.monotonic() < deadline, (self.folder / "log").read_text("utf-8")
            time.sleep(0.05)

    def launch(self) -> None:
        with (self.folder / "log").open("ab") as log:
            environment = {**os.environ, **self.settings}
            self.process = subprocess.Popen(self.command, env=environment, stdout=log, stderr=log)

    def answers(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return (self.folder / "pid").exists()
        return False

    def kill(self) -> None:
        """End it as a loss of power would."""
        with suppress(FileNotFoundError, ProcessLookupError):
            # Of the server: what was started may be a script around it.
            os.kill(int((self.folder / "pid").read_text("utf-8")), signal.SIGKILL)
        if self.process is not None:
            self.process.wait()


@contextmanager
def redis() -> Iterator[Broker]:
    def broker(folder: Path, port: int) -> Broker:
        files = ["--dir", str(folder), "--pidfile", str(folder / "pid"), "--save", ""]
        durable = ["--appendonly", "yes", "--appendfsync", "always"]
        command = ["redis-server", "--bind", "127.0.0.1", "--port", str(port), *files, *durable]
        return Broker(f"redis://127.0.0.1:{port}/0", port, command, folder)

    with _running("redis-server", broker) as running:
        yield running


@contextmanager
def rabbitmq() -> Iterator[Broker]:
    def broker(folder: Path, port: int) -> Broker:
        if os.geteuid() == 0:
            shutil.chown(folder, "rabbitmq")
        # Instead of the machine's, which may say where the machine's own server listens.
        (folder / "own.conf").write_text(f"listeners.tcp.local = 127.0.0.1:{port}\n", "utf-8")
        settings = {
            "CONFIG_FILE": str(folder / "own.conf"),
            "DIST_PORT": str(free_port()),
            "LOG_BASE": str(folder),
            "MNESIA_BASE": str(folder),
            "NODENAME": f"outlive-{port}@localhost",
            "PID_FILE": str(folder / "pid"),
        }
        environment = {f"RABBITMQ_{name}": value for name, value in settings.items()}
        address = f"amqp://guest:guest@127.0.0.1:{port}/%2F"
        return Broker(address, port, ["rabbitmq-server"], folder, environment)

    with _running("rabbitmq-server", broker) as running:
        yield running


@contextmanager
def _running(program: str, broker: Callable[[Path, int], Broker]) -> Iterator[Broker]:
    if shutil.which(program) is None:
        unavailable(f"no {program} to start")
    folder = Path(tempfile.mkdtemp(prefix=f"outlive-{program}."))
    made = broker(folder, free_port())
    try:
        made.start()
        yield made
    finally:
        made.kill()
        shutil.rmtree(folder)


def free_port() -> int:
    """Not one of those that connections get: while the server is down, one of them would take it."""
    while True:
        port = SystemRandom().randrange(20_000, 32_000)
        with socket.socket() as free, suppress(OSError):
            free.bind(("127.0.0.1", port))
            return port
