"""Draw ``docs/finding.svg``, the README's picture: what ``outlive check`` really prints about the bundled example.

Run it from the root of a checkout after the output or the example has changed: ``python docs/finding_picture.py``.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs" / "finding.svg"
COMMAND = ["outlive", "check", "examples/storefront/broken", "--select", "OL101"]


def main() -> None:
    """Write the picture."""
    PICTURE.write_text(picture(first_finding(output())), "utf-8")


def output() -> str:
    """What the command prints on a terminal with colours."""
    environment = {**os.environ, "FORCE_COLOR": "1", "COLUMNS": "110"}
    environment.pop("NO_COLOR", None)
    command = [sys.executable, "-m", *COMMAND, "--no-cache", "--exit-zero"]
    return subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout


def first_finding(text: str) -> str:
    """The first finding of a full output: up to the empty line after it."""
    finding = text.strip("\n").split("\n\n")[0]
    if "-->" not in finding:
        raise SystemExit(f"no finding to draw in the output of {' '.join(COMMAND)}:\n{text}")
    return finding


def picture(finding: str) -> str:
    """The finding below the command that printed it, as SVG that needs no font from the network."""
    lines = Text.from_ansi(f"$ {' '.join(COMMAND)}\n\n{finding}")
    width = max(line.cell_len for line in lines.split()) + 1
    console = Console(record=True, width=width, file=StringIO(), force_terminal=True, color_system="truecolor")
    console.print(lines)
    svg = console.export_svg(title="outlive check", theme=MONOKAI, unique_id="finding")
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    return svg.replace("Fira Code, monospace", "ui-monospace, Menlo, Consolas, monospace")


if __name__ == "__main__":
    main()
