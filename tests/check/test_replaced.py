"""A function that a test replaces is unknown to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from outlive.check.engine import check
from outlive.hazards.catalog import all_hazards
from tests.hazards.programs import BOOKSHOP

SHOP = (
    BOOKSHOP
    + """
def load():
    with SessionLocal() as session:
        author = session.get(Author, 1)
        session.commit()
    return author

def greet():
    return load().name  # expired
"""
)
TESTS = {
    "nothing": "def test_greeting():\n    assert load().name\n",
    "monkeypatch": """
@pytest.fixture(autouse=True)
def loads_nothing(monkeypatch):
    monkeypatch.setattr("shop.load", lambda: Author(name="Le Guin"))

def test_greeting():
    assert load().name
""",
    "an object": """
def test_greeting(monkeypatch):
    monkeypatch.setattr(shop, "load", lambda: Author(name="Le Guin"))
    assert load().name
""",
    "patch": """
def test_greeting():
    with patch("shop.load", return_value=Author(name="Le Guin")):
        assert load().name
""",
    "a decorator": """
@patch.object(shop, "load", return_value=Author(name="Le Guin"))
def test_greeting(_):
    assert load().name
""",
    "another function": """
@patch("shop.greet")
def test_greeting(_):
    assert load().name
""",
}


@pytest.mark.parametrize(
    ("kind", "is_found"),
    [
        ("nothing", True),
        ("monkeypatch", False),
        ("an object", False),
        ("patch", False),
        ("a decorator", False),
        ("another function", True),
    ],
)
def test_what_is_replaced_is_not_followed(kind: str, is_found: bool) -> None:
    head = "import pytest\nimport shop\nfrom unittest.mock import patch\nfrom shop import Author, load\n"
    texts = {"shop.py": SHOP, "test_shop.py": head + TESTS[kind]}
    found = check([Path(name) for name in texts], all_hazards(), texts=texts).findings

    assert ["shop.py", *["test_shop.py"] * is_found] == sorted(finding.place.filename for finding in found)


def test_what_a_conftest_replaces_is_replaced_in_all_tests() -> None:
    texts = {
        "shop.py": SHOP,
        "conftest.py": "import pytest\n" + TESTS["monkeypatch"].partition("def test_")[0],
        "test_shop.py": "from shop import load\n" + TESTS["nothing"],
    }

    assert ["shop.py"] == [
        finding.place.filename for finding in check([Path(name) for name in texts], all_hazards(), texts=texts).findings
    ]
