"""What holds for every command: exit codes, streams that break, start-up."""

from __future__ import annotations

import os
import platform
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from outlive.check import engine
from outlive.cli import main

OUTLIVE = [sys.executable, "-W", "error", "-m", "outlive"]


def test_without_a_command_the_usage_is_printed(outlive):
    answer = outlive()

    assert (2, "") == (answer.code, answer.out)
    assert answer.err.startswith("usage: outlive ")


@pytest.mark.parametrize("arguments", [["--vers"], ["check", "--exit"]])
def test_an_option_is_not_abbreviated(outlive, arguments):
    """A later option with the same beginning would change what a script does."""
    assert 2 == outlive(*arguments).code


def test_an_unknown_command_is_exit_code_2(outlive):
    assert 2 == outlive("chekc").code


@pytest.mark.parametrize("command", [[], ["check"], ["explain"]])
def test_help_is_exit_code_0_and_names_the_exit_codes(outlive, command):
    answer = outlive(*command, "--help")

    assert (0, "") == (answer.code, answer.err)
    assert answer.out.startswith("usage: outlive ")


@pytest.mark.parametrize("option", ["--version", "-V"])
def test_the_version_names_python_too(outlive, option):
    answer = outlive(option)

    assert 0 == answer.code
    assert answer.out.startswith("outlive ")
    assert answer.out.endswith(f", Python {platform.python_version()}\n")


def test_ctrl_c_is_exit_code_130_without_a_traceback(outlive, monkeypatch, write):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(engine, "check", interrupt)
    write("a.py", "")
    answer = outlive("check")

    assert (130, "", "") == (answer.code, answer.out, answer.err)


def test_an_internal_error_is_exit_code_2_and_hides_nothing(outlive, monkeypatch, write):
    def fail(*_, **__):
        raise LookupError("no such thing")

    monkeypatch.setattr(engine, "check", fail)
    write("a.py", "")
    answer = outlive("check")
    first, *_, cause, last = answer.err.splitlines()

    assert (2, "") == (answer.code, answer.out)
    assert "Traceback (most recent call last):" == first
    assert "LookupError: no such thing" == cause
    assert "error: this is a bug in Outlive, not in your code; please report it with the lines above" == last


def test_a_reader_who_has_gone_is_quiet_and_keeps_the_exit_code():
    with subprocess.Popen([*OUTLIVE, "explain"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()

        assert (b"", 0) == (process.stderr.read(), process.wait())


@pytest.mark.skipif(os.name != "posix", reason="needs a POSIX shell")
@pytest.mark.parametrize(
    ("closed", "code", "out", "err"),
    [
        (">&-", 1, "", ""),
        ("2>&-", 1, "a.py:1:5: OL001 syntax-error: unmatched ')'\n", ""),
        ("nofile.py 2>&-", 2, "", ""),
        ("- <&-", 2, "", "error: standard input is closed; expected Python source\n"),
    ],
)
def test_closed_streams_are_no_error_of_ours(write, closed, code, out, err):
    write("a.py", "x = )\n")
    command = f"{shlex.join(OUTLIVE)} check --no-cache --output-format concise {closed}"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)

    assert (code, out, err) == (done.returncode, done.stdout, done.stderr)


def test_a_name_too_long_for_the_system_is_exit_code_2_without_a_traceback(outlive):
    answer = outlive("check", "a" * 300)

    assert (2, 1) == (answer.code, answer.err.count("\n"))
    assert "File name too long" in answer.err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
@pytest.mark.parametrize("arguments", [["explain"], ["explain", "OL201"], ["check"], ["--help"], ["--version"]])
def test_output_that_cannot_be_written_is_exit_code_2_and_says_why(arguments, write):
    write("a.py", "")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([*OUTLIVE, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, check=False)

    expected = "error: standard output cannot be written: No space left on device\n"
    assert (2, expected) == (done.returncode, done.stderr)


def test_a_character_that_the_output_cannot_encode_is_escaped(write):
    write("é.py", "x = (\n")
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    command = [*OUTLIVE, "check", "--output-format", "concise", "--no-cache"]
    done = subprocess.run(command, env=environment, capture_output=True, check=False)

    assert (1, b"") == (done.returncode, done.stderr)
    assert done.stdout.startswith(b"\\xe9.py:1:")


def test_a_file_name_that_is_not_utf_8_is_reported(folder):
    try:
        (folder / os.fsdecode(b"caf\xe9.py")).write_text("x = (\n")
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    for form, name in [("full", b"caf\\udce9.py"), ("concise", b"caf\\udce9.py"), ("json", b'"caf\\udce9.py"')]:
        command = [*OUTLIVE, "check", "--output-format", form, "--no-cache"]
        done = subprocess.run(command, capture_output=True, check=False)

        assert (1, b"") == (done.returncode, done.stderr)
        assert name in done.stdout


def test_both_names_of_the_command_are_the_same():
    done = subprocess.run([*OUTLIVE, "explain"], capture_output=True, text=True, check=True)

    assert done.stdout.startswith("OL001  syntax-error")


def test_help_imports_no_more_than_argparse():
    program = "import sys; from outlive.cli import main; main(['--help']); print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    imported = set(done.stdout.splitlines()[-1].split())

    assert set() == imported & {"outlive.check.engine", "outlive.hazards", "msgspec", "pathspec", "rich", "sqlalchemy"}


def test_main_takes_the_process_arguments_by_default(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["outlive", "explain", "OL201"])

    assert 0 == main()
    assert capsys.readouterr().out.startswith("OL201 lazy-read-after-close\n")


def test_a_message_cannot_control_the_terminal(outlive):
    answer = outlive("check", "\x1b[2J.py")

    assert (2, "error: \\x1b[2J.py: No such file or directory\n") == (answer.code, answer.err)
