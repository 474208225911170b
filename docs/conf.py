"""Sphinx: this folder, and one page per hazard that is generated from the hazards themselves."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import version as version_of
from pathlib import Path

from sphinx.application import Sphinx

sys.path.insert(0, str(Path(__file__).parent))

import hazard_pages

from outlive.hazards.catalog import all_hazards

project = "Outlive"
author = "Outlive contributors"
copyright = author  # noqa: A001  Sphinx's name
release = version = version_of("outlive")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
nitpicky = True
nitpick_ignore_regex = [
    ("py:.*", r"(?!outlive\.).*"),  # other projects' names; their inventories would need a network
    ("py:.*", r"outlive\..*\.[A-Z](_co)?"),  # type variables
]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
autodoc_typehints = "description"

html_theme = "furo"
html_title = "Outlive"


def setup(app: Sphinx) -> None:
    """Write what is generated before Sphinx looks for its sources."""
    app.connect("builder-inited", write_hazard_pages)
    app.connect("builder-inited", write_help)


def write_hazard_pages(app: Sphinx) -> None:
    """Write what changed only, so that Sphinx reads again only what changed."""
    folder = Path(app.srcdir) / "hazards"
    folder.mkdir(exist_ok=True)
    pages = hazard_pages.pages(all_hazards())
    for stray in set(folder.glob("*.md")) - {folder / name for name in pages}:
        stray.unlink()
    for name, text in pages.items():
        page = folder / name
        if not page.exists() or page.read_text("utf-8") != text:
            page.write_text(text, "utf-8")


def write_help(app: Sphinx) -> None:
    """What ``--help`` prints, for the reference of the command line."""
    folder = Path(app.srcdir) / "_build"
    folder.mkdir(exist_ok=True)
    for command in ("check", "explain", "review", "run"):
        text = subprocess.check_output(
            [sys.executable, "-m", "outlive", command, "--help"], env={**os.environ, "COLUMNS": "100"}, text=True
        )
        (folder / f"{command}.txt").write_text(text, "utf-8")
