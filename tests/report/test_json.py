"""Findings as JSON."""

from __future__ import annotations

import json
from dataclasses import replace

from outlive.check.findings import Confidence, Safety, Severity
from outlive.lifecycle.places import Place
from outlive.report import json as report
from tests.report.findings import KEEP, LATE


def only(finding):
    [found] = json.loads(report.render([finding]))
    return found


def test_a_finding_has_every_key():
    expected = {
        "code": "OL101",
        "name": "read-after-commit-and-close",
        "message": "latest().items is not loaded and its session is closed",
        "severity": "error",
        "confidence": "certain",
        "filename": "shop/orders.py",
        "location": {"row": 12, "column": 7},
        "end_location": {"row": 12, "column": 21},
        "evidence": [
            {"filename": "shop/orders.py", "location": {"row": 5, "column": 17}, "message": "loaded here"},
            {
                "filename": "shop/db.py",
                "location": {"row": 3, "column": 16},
                "message": "objects of this factory expire on commit",
            },
            {"filename": "shop/orders.py", "location": {"row": 7, "column": 9}, "message": "expired here"},
        ],
        "help": "load items with the query",
        "fix": {
            "applicability": "safe",
            "message": "add expire_on_commit=False",
            "edits": [
                {
                    "filename": "shop/db.py",
                    "location": {"row": 3, "column": 35},
                    "end_location": {"row": 3, "column": 35},
                    "content": ", expire_on_commit=False",
                }
            ],
        },
        "url": "https://outlive.readthedocs.io/hazards/read-after-commit-and-close/",
    }

    assert expected == only(LATE)


def test_nothing_found_is_an_empty_list():
    assert "[]\n" == report.render([])


def test_findings_keep_their_order():
    both = [LATE, replace(LATE, code="OL201")]

    assert ["OL101", "OL201"] == [found["code"] for found in json.loads(report.render(both))]


def test_what_is_not_known_is_null():
    found = only(replace(LATE, help=None, fix=None))

    assert (None, None) == (found["help"], found["fix"])


def test_a_fix_that_a_person_reviews_is_unsafe():
    assert "unsafe" == only(replace(LATE, fix=replace(KEEP, safety=Safety.REVIEW)))["fix"]["applicability"]


def test_advice_that_is_likely_says_so():
    found = only(replace(LATE, severity=Severity.ADVICE, confidence=Confidence.LIKELY))

    assert ("advice", "likely") == (found["severity"], found["confidence"])


def test_a_place_without_an_end_is_empty():
    found = only(replace(LATE, place=Place("shop/orders.py", 12)))

    assert {"row": 12, "column": 1} == found["location"] == found["end_location"]


def test_the_output_is_ascii_and_exact():
    message = "naïve \x1b[31m \u2028 \udce9 注文"
    text = report.render([replace(LATE, message=message)])

    assert text.isascii()
    assert message == json.loads(text)[0]["message"]
