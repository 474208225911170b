"""An integration without its library says what to install."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))["project"]


@pytest.mark.parametrize("extra", ["celery", "dramatiq", "fastapi"])
def test_a_missing_library_is_named_with_its_extra(extra: str) -> None:
    program = f"import sys; sys.modules[{extra!r}] = None; import outlive.integrations.{extra}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    told = f"outlive.integrations.{extra} needs {extra}, which is missing or too old: pip install 'outlive[{extra}]'"
    assert f"ImportError: {told}" == done.stderr.splitlines()[-1]
    [requirement] = PROJECT["optional-dependencies"][extra]
    assert requirement.startswith(f"{extra}>=")
