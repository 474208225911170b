"""Findings in a small shop, for the tests of all renderers."""

from __future__ import annotations

from outlive.check.findings import Edit, Finding, Fix, Safety
from outlive.lifecycle.evidence import Evidence
from outlive.lifecycle.places import Place

DB = """\
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker(engine)
"""
ORDERS = """\
from shop.db import SessionLocal

def latest():
    with SessionLocal() as session:
        order = session.get(Order, 1)

        session.commit()
    return order



print(latest().items)
"""
TEXTS = {"shop/db.py": DB, "shop/orders.py": ORDERS}


def at(filename: str, line: int, part: str, texts: dict[str, str] | None = None) -> Place:
    """The place of a part of a line."""
    column = (texts or TEXTS)[filename].split("\n")[line - 1].index(part) + 1
    return Place(filename, line, column, line, column + len(part))


KEEP = Fix(
    (Edit(Place("shop/db.py", 3, 35, 3, 35), ", expire_on_commit=False"),), Safety.SAFE, "add expire_on_commit=False"
)
LATE = Finding(
    at("shop/orders.py", 12, "latest().items"),
    "latest().items is not loaded and its session is closed",
    evidence=(
        Evidence(at("shop/orders.py", 5, "session.get(Order, 1)"), "loaded here"),
        Evidence(at("shop/db.py", 3, "sessionmaker(engine)"), "objects of this factory expire on commit"),
        Evidence(at("shop/orders.py", 7, "session.commit()"), "expired here"),
    ),
    help="load items with the query",
    fix=KEEP,
    code="OL101",
    name="read-after-commit-and-close",
)
