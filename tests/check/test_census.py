"""How much of a program is said to be understood."""

from __future__ import annotations

from pathlib import Path

import pytest

from outlive.check.engine import check
from outlive.check.flow.census import Coverage, Share

SHOP = """
from sqlalchemy import create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

SessionLocal = sessionmaker(create_engine("sqlite://"))

class Base(DeclarativeBase):
    pass

class Author(Base):
    __tablename__ = "author"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
"""


def coverage(program: str) -> Coverage:
    result = check([Path("shop.py")], [], texts={"shop.py": SHOP + program}, census=True)
    assert result.coverage is not None
    return result.coverage


def test_nothing_is_counted_unless_it_is_asked_for():
    assert check([Path("shop.py")], [], texts={"shop.py": SHOP}).coverage is None


def test_what_is_all_known():
    found = coverage("""
def names():
    with SessionLocal() as session:
        authors = session.scalars(select(Author)).all()
        return [author.name for author in authors]
""")

    # sessionmaker() and create_engine() at the top of the module, SessionLocal(), scalars(), select(), all()
    assert Coverage(Share(1, 1), Share(1, 1), Share(1, 1), Share(1, 1), Share(6, 6), ()) == found


def test_a_query_that_the_session_of_a_thread_runs():
    found = coverage("""
from sqlalchemy.orm import scoped_session

Local = scoped_session(SessionLocal)

def author():
    return Local.execute(select(Author)).scalar_one()
""")

    assert (Share(1, 1), Share(1, 1)) == (found.sessions, found.queries)


@pytest.mark.parametrize(
    ("call", "shares"),
    [
        ("session.commit()", Share(0, 1)),
        ("session.append(1)", Share(0, 0)),
    ],
)
def test_a_session_that_nobody_knows_counts_where_its_method_gives_it_away(call: str, shares: Share):
    assert shares == coverage(f"def run(given):\n    session = given\n    {call}\n    SessionLocal\n").sessions


def test_a_session_that_comes_in_may_keep_its_objects_or_not():
    program = "def run(session: Session):\n    session.commit()\n"

    assert Share(1, 1) == coverage(program).sessions
    assert Share(0, 1) == coverage(f"other = sessionmaker(expire_on_commit=False)\n{program}").sessions


@pytest.mark.parametrize(
    ("query", "known"),
    [
        ("session.execute(select(Author))", 1),
        ("session.execute(select(Author.name))", 1),
        ("session.get(Author, 1)", 1),
        ("session.execute(statement)", 0),
        ("session.get(statement, 1)", 0),
        ("session.query(Author).all()", 1),
        ("session.query(statement).all()", 0),
    ],
)
def test_a_query_is_known_by_what_it_selects(query: str, known: int):
    program = f"def run(statement):\n    with SessionLocal() as session:\n        {query}\n"

    assert Share(known, 1) == coverage(program).queries


def test_an_object_that_comes_in_has_values_that_nobody_knows():
    program = """
def show(session: Session, author: Author):
    print(author.name)
    session.refresh(author)
    print(author.name, author.format())
"""

    assert Share(1, 2) == coverage(program).objects


def test_what_is_known_on_one_path_is_known():
    program = """
def run(flag, statement):
    with SessionLocal() as session:
        if flag:
            statement = select(Author)
        session.execute(statement)
"""

    assert Share(1, 1) == coverage(program).queries


def test_a_function_with_too_many_paths_is_named():
    step = "    if flags[{0}]:\n        session.commit()\n        x{0} = session.get(Author, {0})\n"
    long = "def long(flags, session: Session):\n" + "".join(step.format(n) for n in range(6_000))
    found = coverage(f"{long}\ndef short(session: Session):\n    session.commit()\n")

    assert (Share(1, 2), (("shop.py", "long"),)) == (found.functions, found.given_up)
