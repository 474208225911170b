"""``outlive check``: paths, selection, configuration, output and exit codes."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from outlive.check.flow.census import Coverage, Share
from outlive.report import coverage
from outlive.report.text import render

LATE = "x = 1  # OL201 none: not loaded\n"


@pytest.fixture(autouse=True)
def engine(toy):
    return toy


@pytest.fixture
def stdin(monkeypatch):
    def give(data: str | bytes) -> None:
        raw = data.encode() if isinstance(data, str) else data
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw)))

    return give


def test_nothing_found_is_exit_code_0(outlive, write):
    write("a.py", "x = 1\n")
    answer = outlive("check")

    assert (0, "All good: 1 file checked.\n", "") == (answer.code, answer.out, answer.err)


def test_something_found_is_exit_code_1(outlive, write, engine):
    write("a.py", LATE)
    answer = outlive("check")
    result = engine.check([Path("a.py")], [])

    assert (1, "") == (answer.code, answer.err)
    assert answer.out.startswith("error[OL201] lazy-read-after-close: not loaded\n --> a.py:1:1\n")
    assert render([], result.texts, checked=1) not in answer.out


def test_advice_alone_is_something_found(outlive, write):
    write("a.py", "x = 1  # OL401 none: expires\n")

    assert 1 == outlive("check").code


def test_exit_zero_is_0_whatever_is_found(outlive, write):
    write("a.py", LATE)
    answer = outlive("check", "--exit-zero")

    assert 0 == answer.code
    assert "lazy-read-after-close" in answer.out


def test_the_working_directory_is_checked_by_default(outlive, write, engine):
    write("a.py", "")
    write("shop/b.py", "")
    outlive("check")

    assert [((Path("a.py"), Path("shop/b.py")), {})] == engine.calls


def test_paths_are_files_and_folders(outlive, write, engine):
    write("a.py", "")
    write("shop/b.py", "")
    write("other/c.py", "")
    outlive("check", "shop", "a.py")

    assert [((Path("a.py"), Path("shop/b.py")), {})] == engine.calls


def test_a_missing_path_is_exit_code_2_and_names_it(outlive, write, engine):
    write("a.py", LATE)
    answer = outlive("check", "a.py", "missing.py")

    assert (2, "", "error: missing.py: No such file or directory\n") == (answer.code, answer.out, answer.err)
    assert [] == engine.calls


def test_a_folder_without_python_files_is_a_warning(outlive):
    Path("empty").mkdir()
    answer = outlive("check", "empty")

    assert (0, "warning: no Python files in empty\n") == (answer.code, answer.err)


def test_an_unknown_option_is_exit_code_2(outlive):
    answer = outlive("check", "--nonsense")

    assert (2, "") == (answer.code, answer.out)
    assert "--nonsense" in answer.err


def test_warnings_go_to_standard_error(outlive, write, engine):
    engine.warnings = ("the cache is broken",)
    write("a.py", "")
    answer = outlive("check", "--output-format", "json")

    assert ("[]\n", "warning: the cache is broken\n") == (answer.out, answer.err)


@pytest.mark.parametrize(
    ("option", "codes"),
    [
        ("OL201", ["OL201"]),
        ("ol201", ["OL201"]),
        ("OL2", ["OL201", "OL202"]),
        ("lazy-read-after-close", ["OL201"]),
        ("Lazy-Read-After-Close", ["OL201"]),
        ("OL202, OL3", ["OL202", "OL301"]),
        ("OL", ["OL201", "OL202", "OL301"]),
    ],
)
def test_select_takes_codes_their_beginnings_and_names(outlive, write, option, codes):
    write("a.py", LATE + LATE.replace("OL201", "OL202") + LATE.replace("OL201", "OL301"))
    found = outlive("check", "--output-format", "json", "--select", option).json

    assert codes == [each["code"] for each in found]


def test_select_can_be_repeated(outlive, write):
    write("a.py", LATE + LATE.replace("OL201", "OL202") + LATE.replace("OL201", "OL301"))
    found = outlive("check", "--output-format", "json", "--select", "OL202", "--select", "OL301").json

    assert ["OL202", "OL301"] == [each["code"] for each in found]


def test_ignore_is_taken_from_the_selection(outlive, write):
    write("a.py", LATE + LATE.replace("OL201", "OL202") + LATE.replace("OL201", "OL301"))
    found = outlive("check", "--output-format", "json", "--select", "OL2", "--ignore", "lazy-read-after-close").json

    assert ["OL202"] == [each["code"] for each in found]


def test_only_ignored_findings_are_exit_code_0(outlive, write):
    write("a.py", LATE)
    answer = outlive("check", "--ignore", "OL201")

    assert (0, "All good: 1 file checked.\n") == (answer.code, answer.out)


@pytest.mark.parametrize(
    ("option", "value", "near"),
    [
        ("--select", "lazy-read-after-closing", "did you mean lazy-read-after-close? "),
        ("--ignore", "lazy_read_after_close", "did you mean lazy-read-after-close? "),
        ("--ignore", "OL2O1", "did you mean OL201? "),
        ("--select", "zzz", ""),
    ],
)
def test_an_unknown_code_or_name_is_exit_code_2_with_the_near_match(outlive, write, option, value, near):
    write("a.py", LATE)
    answer = outlive("check", option, value)

    expected = (
        f"error: {option}: {value!r} is not a code, the beginning of a code or a name of a hazard; "
        f"{near}`outlive explain` lists them\n"
    )
    assert (2, "", expected) == (answer.code, answer.out, answer.err)


@pytest.mark.parametrize("value", ["", ",", " , "])
def test_an_empty_selection_is_exit_code_2(outlive, value):
    assert 2 == outlive("check", "--select", value).code


def test_a_syntax_error_is_a_finding_and_the_rest_is_checked(outlive, write):
    write("a.py", "x = (\n")
    write("b.py", LATE)
    answer = outlive("check", "--output-format", "json")

    assert 1 == answer.code
    assert ["OL001", "OL201"] == [each["code"] for each in answer.json]


def test_a_syntax_error_can_be_ignored(outlive, write):
    write("a.py", "x = (\n")
    answer = outlive("check", "--ignore", "syntax-error")

    assert (0, "") == (answer.code, answer.err)


def test_a_syntax_error_that_is_not_selected_is_at_least_a_warning(outlive, write):
    write("a.py", "x = (\n")
    answer = outlive("check", "--select", "OL2")

    expected = "warning: a.py:1: not checked: '(' was never closed (OL001 is not selected)\n"
    assert (0, expected) == (answer.code, answer.err)


def test_exclude_leaves_out_what_matches(outlive, write, engine):
    for name in ("a.py", "migrations/b.py", "shop/c_pb2.py", "shop/d.py"):
        write(name, "")
    outlive("check", "--exclude", "migrations/,*_pb2.py", "--exclude", "/a.py")

    assert [((Path("shop/d.py"),), {})] == engine.calls


def test_exclude_takes_paths_as_shells_complete_them(outlive, write, engine):
    for name in ("old/a.py", "shop/old/b.py"):
        write(name, "")
    outlive("check", "--exclude", "./old/")

    assert [((Path("shop/old/b.py"),), {})] == engine.calls


def test_exclude_with_a_wrong_pattern_is_exit_code_2(outlive):
    answer = outlive("check", "--exclude", "!")

    assert (2, "error: --exclude: '!' is not a gitignore pattern\n") == (answer.code, answer.err)


def test_the_configuration_selects_ignores_and_excludes(outlive, write):
    write("pyproject.toml", '[tool.outlive]\nselect = ["OL2"]\nignore = ["OL202"]\nexclude = ["old/"]\n')
    write("a.py", LATE + LATE.replace("OL201", "OL202") + LATE.replace("OL201", "OL301"))
    write("old/b.py", LATE)
    found = outlive("check", "--output-format", "json").json

    assert [("a.py", "OL201")] == [(each["filename"], each["code"]) for each in found]


def test_the_command_line_takes_the_place_of_the_configurations_selection(outlive, write):
    write("pyproject.toml", '[tool.outlive]\nselect = ["OL2"]\nignore = ["OL202"]\n')
    write("a.py", LATE + LATE.replace("OL201", "OL202") + LATE.replace("OL201", "OL301"))
    selected = outlive("check", "--output-format", "json", "--select", "OL202,OL3").json
    ignored = outlive("check", "--output-format", "json", "--ignore", "OL201").json

    assert ["OL301"] == [each["code"] for each in selected]
    assert ["OL202"] == [each["code"] for each in ignored]


def test_the_command_line_adds_to_the_configurations_exclusions(outlive, write, engine):
    write("pyproject.toml", '[tool.outlive]\nexclude = ["old/"]\n')
    for name in ("a.py", "old/b.py", "new/c.py"):
        write(name, "")
    outlive("check", "--exclude", "new/")

    assert [((Path("a.py"),), {})] == engine.calls


def test_the_configuration_is_that_of_the_path(outlive, write):
    write("app/pyproject.toml", '[tool.outlive]\nignore = ["OL201"]\nexclude = ["/old/"]\n')
    write("app/a.py", LATE)
    write("app/old/b.py", LATE)

    assert 0 == outlive("check", "app/a.py").code
    assert 0 == outlive("check", "app").code


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('selekt = ["OL2"]', "unknown key 'selekt' in [tool.outlive]; did you mean select?"),
        ('select = "OL2"', "select = 'OL2' in [tool.outlive]; expected a list of strings"),
        ("select = [", "not valid TOML: Invalid value (at end of document)"),
        ("select = " + "[" * 5000, "nested too deeply to be read"),
        ('exclude = ["!"]', "exclude: '!' is not a gitignore pattern"),
    ],
)
def test_a_wrong_configuration_is_exit_code_2_with_file_and_key(outlive, write, folder, text, complaint):
    write("pyproject.toml", f"[tool.outlive]\n{text}")
    answer = outlive("check")

    assert (2, "", f"error: {folder}/pyproject.toml: {complaint}\n") == (answer.code, answer.out, answer.err)


@pytest.mark.parametrize("arguments", [[], ["--ignore", "OL1"]])
def test_an_unknown_hazard_in_the_configuration_is_exit_code_2_even_if_an_option_takes_its_place(
    outlive, write, folder, arguments
):
    write("pyproject.toml", '[tool.outlive]\nignore = ["OL2O1"]')
    answer = outlive("check", *arguments)

    assert 2 == answer.code
    assert answer.err.startswith(f"error: {folder}/pyproject.toml: ignore: 'OL2O1' is not ")


def test_concise_output_is_a_line_per_finding(outlive, write):
    write("a.py", LATE)

    assert "a.py:1:1: OL201 lazy-read-after-close: not loaded\n" == outlive("check", "--output-format", "concise").out


def test_json_output_is_a_list_and_nothing_else(outlive, write):
    write("a.py", LATE)
    answer = outlive("check", "--output-format", "json")

    assert [("a.py", {"row": 1, "column": 1})] == [(each["filename"], each["location"]) for each in answer.json]
    assert "" == answer.err


def test_standard_input_is_checked_under_its_name(outlive, stdin, engine):
    stdin(LATE)
    answer = outlive("check", "-", "--stdin-filename", "shop/a.py", "--output-format", "concise")

    assert (1, "shop/a.py:1:1: OL201 lazy-read-after-close: not loaded\n") == (answer.code, answer.out)
    assert [((Path("shop/a.py"),), {"shop/a.py": LATE})] == engine.calls


def test_standard_input_is_asked_for_by_its_name_alone(outlive, stdin):
    stdin(LATE)

    assert 1 == outlive("check", "--stdin-filename", "a.py").code


def test_standard_input_without_a_name_has_one_all_the_same(outlive, stdin):
    stdin(LATE)
    answer = outlive("check", "-", "--output-format", "concise")

    assert "<stdin>:1:1: OL201 lazy-read-after-close: not loaded\n" == answer.out


def test_standard_input_takes_the_place_of_the_file_in_the_program(outlive, write, stdin, engine):
    write("a.py", LATE)
    write("b.py", "")
    stdin("fixed = 1\n")
    answer = outlive("check", "-", ".", "--stdin-filename", "a.py")

    assert (0, "All good: 2 files checked.\n") == (answer.code, answer.out)
    assert [((Path("a.py"), Path("b.py")), {"a.py": "fixed = 1\n"})] == engine.calls


def test_a_name_for_standard_input_needs_standard_input(outlive, write):
    write("a.py", "")
    answer = outlive("check", "a.py", "--stdin-filename", "a.py")

    assert (2, "error: --stdin-filename names standard input: add - to the paths\n") == (answer.code, answer.err)


def test_standard_input_is_decoded_as_python_would(outlive, stdin, engine):
    stdin("# coding: latin-1\ns = 'é'\n".encode("latin-1"))
    outlive("check", "-")

    assert {"<stdin>": "# coding: latin-1\ns = 'é'\n"} == engine.calls[0][1]


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"x = '\xff'\n", "the file is neither UTF-8 nor in an encoding that it declares: "),
        (b"# coding: nonsense\n", "the file is neither UTF-8 nor in an encoding that it declares: unknown encoding: "),
        (b"# coding: undefined\n", "the file is neither UTF-8 nor in an encoding that it declares: "),
        (b"x = 1\0\n", "the file is binary (it contains a null byte)"),
    ],
)
def test_standard_input_that_is_no_source_is_exit_code_2(outlive, stdin, data, complaint):
    stdin(data)
    answer = outlive("check", "-")

    assert 2 == answer.code
    assert answer.err.startswith(f"error: standard input: {complaint}")


@pytest.mark.parametrize("name", ["", ".", "/"])
def test_a_name_for_standard_input_that_names_no_file_is_exit_code_2(outlive, stdin, name):
    stdin(LATE)
    answer = outlive("check", "-", "--stdin-filename", name)

    assert (2, f"error: --stdin-filename: {name!r} does not name a file\n") == (answer.code, answer.err)


def test_the_cache_lies_in_the_projects_root_and_ignores_itself(outlive, write, folder, engine):
    write("pyproject.toml", "")
    write("shop/a.py", "")
    outlive("check", "shop")

    assert [folder / ".outlive_cache"] == engine.caches
    assert "*\n" == Path(".outlive_cache/.gitignore").read_text("utf-8")


def test_without_cache_nothing_is_read_or_written(outlive, write, engine):
    write("a.py", "")
    outlive("check", "--no-cache")

    assert [None] == engine.caches
    assert not Path(".outlive_cache").exists()


def test_the_environment_names_another_cache(outlive, write, folder, engine, monkeypatch):
    monkeypatch.setenv("OUTLIVE_CACHE_DIR", f"{folder}/kept/between/runs")
    write("a.py", "")
    outlive("check")

    assert [folder / "kept" / "between" / "runs"] == engine.caches
    assert ["a.py", "kept"] == sorted(map(str, Path().iterdir()))


def test_a_folder_that_the_user_chose_as_cache_gets_no_ignore_file(outlive, write, monkeypatch):
    monkeypatch.setenv("OUTLIVE_CACHE_DIR", ".")
    write("a.py", "")
    outlive("check")

    assert ["a.py"] == list(map(str, Path().iterdir()))


def test_a_cache_that_cannot_be_made_is_a_warning(outlive, write, engine, monkeypatch):
    monkeypatch.setenv("OUTLIVE_CACHE_DIR", "a.py/cache")
    write("a.py", LATE)
    answer = outlive("check")

    expected = "warning: no cache: a.py/cache: Not a directory; set OUTLIVE_CACHE_DIR to a folder, or give --no-cache\n"
    assert (1, expected, [None]) == (answer.code, answer.err, engine.caches)


@pytest.mark.parametrize(
    "case",
    [
        ({}, False, False),
        ({}, True, True),
        ({"NO_COLOR": "1"}, True, False),
        ({"NO_COLOR": ""}, True, True),
        ({"FORCE_COLOR": "1"}, False, True),
        ({"FORCE_COLOR": ""}, False, False),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, True, False),
        ({"TERM": "dumb"}, True, False),
    ],
)
def test_colour_is_for_terminals_unless_the_environment_decides(outlive, write, monkeypatch, case):
    variables, is_terminal, is_coloured = case
    write("a.py", LATE)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: is_terminal, raising=False)

    assert is_coloured == ("\x1b[" in outlive("check").out)


@pytest.mark.parametrize("form", ["json", "concise"])
def test_output_for_programs_is_never_coloured(outlive, write, monkeypatch, form):
    monkeypatch.setenv("FORCE_COLOR", "1")
    write("a.py", LATE)

    assert "\x1b" not in outlive("check", "--output-format", form).out


def test_the_width_is_that_of_the_terminal(outlive, write, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    write("a.py", "x = 1  # OL201 none: not loaded" + "!" * 200)
    _, _, *lines = outlive("check").out.splitlines()

    assert 60 == max(map(len, lines[: lines.index("")]))


def test_output_for_programs_is_json_without_findings_too(outlive, write):
    write("a.py", "")

    assert [] == json.loads(outlive("check", "--output-format", "json").out)


COVERAGE = Coverage(Share(3, 4), Share(5, 5), Share(1, 1), Share(0, 0), Share(9, 10), (("a.py", "f"),))


@pytest.mark.parametrize("form", ["full", "concise"])
def test_coverage_is_a_table_after_the_findings(outlive, write, engine, form):
    write("a.py", LATE)
    engine.coverage = COVERAGE
    plain, answer = (outlive("check", "--output-format", form, *more) for more in ([], ["--coverage"]))

    assert f"{plain.out}\n{coverage.render(COVERAGE)}" == answer.out
    assert 1 == answer.code


def test_coverage_in_json_stands_beside_the_findings(outlive, write, engine):
    write("a.py", LATE)
    engine.coverage = COVERAGE
    plain, answer = (outlive("check", "--output-format", "json", *more) for more in ([], ["--coverage"]))

    assert plain.json == answer.json["findings"]
    assert {"known": 3, "all": 4} == answer.json["coverage"]["functions"]
    assert [{"filename": "a.py", "function": "f"}] == answer.json["coverage"]["given_up"]


def test_coverage_of_what_diff_would_change_is_an_error(outlive, write):
    write("a.py", LATE)
    answer = outlive("check", "--coverage", "--diff")

    assert (2, "") == (answer.code, answer.out)
