"""Show what both versions of the storefront answer; with ``--explain`` also what was wrong with the broken one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent


def main() -> None:
    broken, sound = answers("broken"), answers("sound")
    rows = [("", "broken", "sound"), *((name, broken[name][0], sound[name][0]) for name in broken)]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    for name, bad, good in rows:
        print(f"{name:{widths[0]}}  {bad:{widths[1]}}  {good}")
    if "--explain" in sys.argv:
        for name, (shown, explanation) in broken.items():
            if explanation:
                print(f"\n{name}: {shown}\n{explanation}")


def answers(version: str) -> dict[str, tuple[str, str | None]]:
    """What one version answers; from a process of its own, because both packages are called ``app``."""
    with tempfile.TemporaryDirectory() as folder:
        own_database = {"STOREFRONT_DATABASE_URL": f"sqlite:///{folder}/storefront.db"}
        path = os.pathsep.join(filter(None, [str(HERE / version), os.environ.get("PYTHONPATH")]))
        environment = {**own_database, **os.environ, "PYTHONPATH": path}
        command = [sys.executable, str(HERE / "play.py")]
        play = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=False)  # noqa: S603
    if play.returncode:
        raise SystemExit(play.returncode)
    answered: dict[str, tuple[str, str | None]] = json.loads(play.stdout)
    return answered


if __name__ == "__main__":
    main()
