"""``outlive check --fix`` and ``--diff``: what is changed, what is not, and what is said about it."""

from __future__ import annotations

import io
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from outlive.check import engine
from outlive.cli import main
from outlive.cli import rewrite as rewriting

SAFE = "x = 1  # OL201 safe: not loaded\n"
REVIEW = "y = 1  # OL202 unsafe: expunged\n"
NONE = "z = 1  # OL301 none: expired\n"


pytestmark = pytest.mark.usefixtures("toy")


def codes(answer) -> list[str]:
    return [each["code"] for each in answer.json]


def test_safe_fixes_are_applied_and_the_rest_is_reported(outlive, write):
    file = write("a.py", SAFE + REVIEW + NONE)
    answer = outlive("check", "--fix", "--output-format", "json")

    assert "x = 1\n" + REVIEW + NONE == file.read_text()
    assert (1, ["OL202", "OL301"]) == (answer.code, codes(answer))
    assert "fixed: a.py:1: OL201 lazy-read-after-close: take the mark away\n" == answer.err


def test_unsafe_fixes_are_applied_when_asked_for(outlive, write):
    file = write("a.py", SAFE + REVIEW)
    answer = outlive("check", "--fix", "--unsafe-fixes")

    assert "x = 1\ny = 1\n" == file.read_text()
    assert (0, "All good: 1 file checked.\n") == (answer.code, answer.out)


def test_exit_zero_holds_for_fixes_too(outlive, write):
    write("a.py", SAFE + NONE)

    assert 0 == outlive("check", "--fix", "--exit-zero").code


def test_unsafe_fixes_without_fix_or_diff_are_exit_code_2(outlive, write):
    write("a.py", REVIEW)
    answer = outlive("check", "--unsafe-fixes")

    expected = "error: --unsafe-fixes needs --fix, which applies the fixes, or --diff, which shows them\n"
    assert (2, expected) == (answer.code, answer.err)


def test_only_what_is_selected_is_fixed(outlive, write):
    file = write("a.py", SAFE + REVIEW)
    outlive("check", "--fix", "--unsafe-fixes", "--ignore", "OL201")

    assert SAFE + "y = 1\n" == file.read_text()


def test_without_anything_to_fix_no_file_is_touched(outlive, write):
    file = write("a.py", NONE)
    before = file.stat()
    answer = outlive("check", "--fix")

    assert (1, "") == (answer.code, answer.err)
    assert (before.st_ino, before.st_mtime_ns) == (file.stat().st_ino, file.stat().st_mtime_ns)


def test_fixing_twice_changes_nothing_more(outlive, write):
    file = write("a.py", SAFE + NONE)
    outlive("check", "--fix")
    before = file.stat()
    outlive("check", "--fix")

    assert (before.st_ino, before.st_mtime_ns) == (file.stat().st_ino, file.stat().st_mtime_ns)


def test_several_files_are_fixed(outlive, write):
    files = [write(name, SAFE) for name in ("a.py", "shop/b.py")]

    assert 0 == outlive("check", "--fix").code
    assert ["x = 1\n", "x = 1\n"] == [file.read_text() for file in files]


@pytest.mark.parametrize("kind", ["useless", "harmful", "broken", "outside"])
def test_a_fix_that_does_not_hold_is_dropped_and_the_others_are_applied(outlive, write, kind):
    bad = f"y = 1  # OL202 {kind}: expunged\n"
    file = write("a.py", SAFE + bad + SAFE)
    answer = outlive("check", "--fix", "--output-format", "json")

    assert "x = 1\n" + bad + "x = 1\n" == file.read_text()
    assert (1, ["OL202"]) == (answer.code, codes(answer))
    complaint = (
        "not fixed: a.py:2: OL202 read-after-expunge: the fix would not remove this finding, or would add another"
    )
    assert complaint in answer.err.splitlines()


def test_a_fix_that_breaks_the_syntax_is_dropped_even_if_syntax_errors_are_ignored(outlive, write):
    text = "y = 1  # OL202 broken: expunged\n"
    file = write("a.py", text)
    outlive("check", "--fix", "--ignore", "OL001")

    assert text == file.read_text()


def test_many_fixes_are_tried_at_once(outlive, write, toy):
    write("a.py", SAFE * 50)
    outlive("check", "--fix")

    assert 3 >= len(toy.calls)


def test_one_bad_fix_among_many_costs_few_checks(outlive, write, toy):
    file = write("a.py", SAFE * 32 + "y = 1  # OL202 harmful: expunged\n" + SAFE * 31)
    outlive("check", "--fix")

    assert 63 == file.read_text().count("x = 1\n")
    assert 20 >= len(toy.calls)


def test_overlapping_fixes_are_applied_one_after_the_other(outlive, write):
    file = write("a.py", "x = 1  # OL201 line: first  # OL202 line: second  # OL301 line: third\n")
    answer = outlive("check", "--fix")

    assert ("done()\n", 0) == (file.read_text(), answer.code)
    assert 3 == answer.err.count("fixed: a.py:1: ")


def test_a_diff_changes_nothing_and_is_exit_code_1(outlive, write):
    file = write("a.py", SAFE + NONE)
    answer = outlive("check", "--diff")

    assert SAFE + NONE == file.read_text()
    expected = f"--- a.py\n+++ a.py\n@@ -1,2 +1,2 @@\n-{SAFE}+x = 1\n {NONE}"
    assert (1, expected) == (answer.code, answer.out)
    assert "1 problem would be fixed, 1 would remain\n" == answer.err


def test_git_applies_a_diff_of_a_file_with_a_byte_order_mark(outlive, write):
    file = write("a.py", "\ufeff" + SAFE)
    command = ["git", "apply", "-p0", "--whitespace=nowarn", "-"]
    subprocess.run(command, input=outlive("check", "--diff").out.encode(), check=True)

    assert b"\xef\xbb\xbfx = 1\n" == file.read_bytes()


def test_a_diff_of_nothing_is_exit_code_0(outlive, write):
    write("a.py", REVIEW)
    answer = outlive("check", "--diff")

    assert (0, "", "0 problems would be fixed, 1 would remain\n") == (answer.code, answer.out, answer.err)


def test_a_diff_shows_unsafe_fixes_when_asked_for(outlive, write):
    write("b.py", REVIEW)
    write("a.py", SAFE)
    answer = outlive("check", "--diff", "--unsafe-fixes")

    assert ["--- a.py", "--- b.py"] == [line for line in answer.out.splitlines() if line.startswith("---")]


def test_a_diff_takes_precedence_over_fix(outlive, write):
    file = write("a.py", SAFE)

    assert 1 == outlive("check", "--diff", "--fix").code
    assert SAFE == file.read_text()


def test_a_diff_with_exit_zero_is_exit_code_0(outlive, write):
    write("a.py", SAFE)

    assert 0 == outlive("check", "--diff", "--exit-zero").code


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (SAFE.replace("\n", "\r\n") + "\ts\r\n", "x = 1\r\n\ts\r\n"),
        (SAFE.rstrip("\n"), "x = 1"),
        ("s = 'é😀'\n" + SAFE, "s = 'é😀'\nx = 1\n"),
        ("s = '\u2028'\n\f\n" + SAFE, "s = '\u2028'\n\f\nx = 1\n"),
    ],
    ids=["crlf", "no newline at the end", "non-ascii", "form feed"],
)
def test_what_is_not_fixed_stays_byte_for_byte(outlive, write, before, after):
    file = write("a.py", before.replace("\ts", "if x:\r\n\ts = 1"))
    outlive("check", "--fix")

    assert after.replace("\ts", "if x:\r\n\ts = 1").encode() == file.read_bytes()


def test_a_byte_order_mark_is_kept(outlive, write):
    file = write("a.py", "\ufeff" + SAFE)
    outlive("check", "--fix")

    assert b"\xef\xbb\xbfx = 1\n" == file.read_bytes()


def test_a_declared_encoding_is_kept(outlive):
    file = Path("a.py")
    file.write_bytes(f"# coding: latin-1\ns = 'é'\n{SAFE}".encode("latin-1"))
    outlive("check", "--fix")

    assert "# coding: latin-1\ns = 'é'\nx = 1\n".encode("latin-1") == file.read_bytes()


def test_the_mode_is_kept(outlive, write):
    file = write("a.py", SAFE)
    file.chmod(0o750)
    outlive("check", "--fix")

    assert ("x = 1\n", 0o750) == (file.read_text(), stat.S_IMODE(file.stat().st_mode))


def test_a_link_stays_a_link(outlive, write):
    target = write("real/original.txt", SAFE)
    Path("a.py").symlink_to(target)
    outlive("check", "--fix", "a.py")

    assert Path("a.py").is_symlink()
    assert "x = 1\n" == target.read_text()


def test_a_read_only_file_is_a_clear_message_and_nothing_is_lost(outlive, write):
    readonly, other = write("a.py", SAFE), write("b.py", SAFE)
    readonly.chmod(0o444)
    answer = outlive("check", "--fix", "--output-format", "json")

    assert (SAFE, "x = 1\n") == (readonly.read_text(), other.read_text())
    expected = [
        "error: a.py: not fixed: the file is read-only",
        "fixed: b.py:1: OL201 lazy-read-after-close: take the mark away",
    ]
    assert expected == answer.err.splitlines()
    assert (1, ["a.py"]) == (answer.code, [each["filename"] for each in answer.json])


def test_a_file_that_changes_meanwhile_is_left_alone(outlive, write, toy, monkeypatch):
    file = write("a.py", SAFE)

    def check_and_change(*arguments, **options):
        result = toy.check(*arguments, **options)
        file.write_text("changed = 1\n")
        return result

    monkeypatch.setattr(engine, "check", check_and_change)
    answer = outlive("check", "--fix")

    assert "changed = 1\n" == file.read_text()
    assert "error: a.py: not fixed: the file has changed since it was checked\n" == answer.err


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_write_that_fails_loses_nothing_and_leaves_nothing_behind(outlive, write, monkeypatch, step):
    file = write("a.py", SAFE)

    def fail(*_):
        raise OSError(28, "No space left on device")

    owner = os if step == "fsync" else Path
    monkeypatch.setattr(owner, step, fail)
    answer = outlive("check", "--fix", "--no-cache")

    assert SAFE == file.read_text()
    assert ["a.py"] == list(map(str, Path().iterdir()))
    assert (1, "error: a.py: not fixed: No space left on device\n") == (answer.code, answer.err)


def test_text_that_the_encoding_does_not_have_is_not_written(write):
    file = write("a.py", "# coding: ascii\n")

    expected = "the fix contains 'é', which its encoding (ascii) does not have"
    assert expected == rewriting.rewrite("a.py", "# coding: ascii\n", "# coding: ascii\nx = 'é'\n")
    assert "# coding: ascii\n" == file.read_text()


def test_a_file_that_is_gone_is_a_clear_message():
    assert "No such file or directory" == rewriting.rewrite("gone.py", "", "x = 1\n")


def give(monkeypatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))


def test_standard_input_is_fixed_on_standard_output_and_reported_beside_it(monkeypatch, capfdbinary, write):
    write("shop/a.py", "other = 1\n")
    give(monkeypatch, (SAFE + NONE).replace("\n", "\r\n"))
    code = main(["check", "-", "--stdin-filename", "shop/a.py", "--fix", "--output-format", "concise"])
    out, err = capfdbinary.readouterr()

    assert (1, ("x = 1\n" + NONE).replace("\n", "\r\n").encode()) == (code, out)
    expected = [
        b"fixed: shop/a.py:1: OL201 lazy-read-after-close: take the mark away",
        b"shop/a.py:2:1: OL301 expired-read-in-async: expired",
    ]
    assert expected == err.splitlines()
    assert "other = 1\n" == Path("shop/a.py").read_text()


def test_standard_input_without_anything_to_fix_is_printed_as_it_is(monkeypatch, capfdbinary):
    give(monkeypatch, "\ufeffs = 'é'\n")

    assert 0 == main(["check", "-", "--fix", "--output-format", "concise"])
    assert "\ufeffs = 'é'\n".encode() == capfdbinary.readouterr().out


def test_standard_input_can_be_shown_as_a_diff(monkeypatch, outlive):
    give(monkeypatch, SAFE)
    answer = outlive("check", "-", "--diff", "--stdin-filename", "a.py")

    assert (1, f"--- a.py\n+++ a.py\n@@ -1 +1 @@\n-{SAFE}+x = 1\n") == (answer.code, answer.out)


def test_standard_input_and_files_cannot_be_fixed_at_once(monkeypatch, outlive, write):
    write("b.py", SAFE)
    give(monkeypatch, SAFE)
    answer = outlive("check", "-", "b.py", "--fix")

    expected = "error: --fix changes files or prints standard input; expected either - or other paths\n"
    assert (2, expected) == (answer.code, answer.err)
