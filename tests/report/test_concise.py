"""One line per finding."""

from __future__ import annotations

from dataclasses import replace

from outlive.check.findings import Safety
from outlive.report import concise
from tests.report.findings import KEEP, LATE

LINE = "shop/orders.py:12:7: OL101 read-after-commit-and-close: latest().items is not loaded and its session is closed"


def test_a_finding_is_a_line():
    assert f"{LINE}\n" == concise.render([replace(LATE, fix=None)])


def test_a_fix_is_marked_with_who_may_apply_it():
    review = replace(KEEP, safety=Safety.REVIEW)

    assert f"{LINE} [fix: safe]\n{LINE} [fix: --unsafe-fixes]\n" == concise.render([LATE, replace(LATE, fix=review)])


def test_nothing_found_is_nothing_printed():
    assert "" == concise.render([])


def test_a_message_stays_on_its_line():
    line = concise.render([replace(LATE, message="f(\r\n\t\x1b[31mx\u2028)", fix=None)])

    assert line.endswith(": f(\\r\\n    \\x1b[31mx\\u2028)\n")
    assert 1 == len(line.splitlines())
