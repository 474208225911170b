from __future__ import annotations

import json
import runpy
from dataclasses import dataclass
from pathlib import Path

import pytest

from outlive.diagnosis.tracebacks import calls_in, place_in


def traceback_of(program) -> object:
    try:
        program()
    except Exception as error:
        return error.__traceback__
    raise AssertionError("did not fail")


def test_no_traceback_has_no_calls():
    assert () == calls_in(None)


def test_a_place_below_the_working_directory_is_relative():
    place = place_in(calls_in(traceback_of(lambda: 1 / 0)))

    assert "tests/diagnosis/test_tracebacks.py" == place.filename


def test_a_place_elsewhere_is_absolute(tmp_path):
    program = tmp_path / "program.py"
    program.write_text("\n1 / 0\n")

    place = place_in(calls_in(traceback_of(lambda: runpy.run_path(str(program)))))

    assert f"{program}:2" == str(place)


def test_the_working_directory_decides(tmp_path, monkeypatch):
    (tmp_path / "program.py").write_text("1 / 0\n")
    monkeypatch.chdir(tmp_path)

    place = place_in(calls_in(traceback_of(lambda: runpy.run_path(str(Path("program.py").resolve())))))

    assert "program.py:1" == str(place)


@pytest.mark.parametrize("module", ["sqlalchemy.orm.session", "pydantic", "outlive.keep", "_pytest.runner"])
def test_a_library_is_never_the_place(module):
    namespace = {"__name__": module}
    exec(compile("def fails(): 1 / 0", f"{module}.py", "exec"), namespace)

    calls = calls_in(traceback_of(lambda: namespace["fails"]() or 0))

    assert ["fails"] == [frame.f_code.co_name for frame in calls[0].library]
    assert "tests/diagnosis/test_tracebacks.py" == calls[0].place.filename


def test_the_standard_library_is_never_the_place():
    calls = calls_in(traceback_of(lambda: json.loads("[")))

    assert "tests/diagnosis/test_tracebacks.py" == place_in(calls).filename
    assert "json.decoder" == calls[0].library[-1].f_globals["__name__"]


def test_code_without_a_file_is_the_users_if_it_has_a_module():
    typed = {"__name__": "__main__"}
    exec(compile("def fails(): 1 / 0", "<stdin>", "exec"), typed)
    generated = {}
    exec(compile("def calls(fails): fails()", "<string>", "exec"), generated)

    calls = calls_in(traceback_of(lambda: generated["calls"](typed["fails"])))

    assert "<stdin>:1" == str(calls[0].place)
    assert ["calls"] == [frame.f_code.co_name for frame in calls[1].library]


def test_generated_code_in_the_users_module_is_never_the_place():
    @dataclass
    class Broken:
        name: str

    place = place_in(calls_in(traceback_of(lambda: repr(Broken.__new__(Broken)))))

    assert "tests/diagnosis/test_tracebacks.py" == place.filename
