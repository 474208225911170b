"""What type checkers make of the fixture ``lifetimes``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, assert_type

from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from outlive import Explanation, Recording
from outlive.testing import Lifetimes
from outlive.testing.commits import LateCommits
from outlive.testing.loads import LazyLoads


class Base(DeclarativeBase):
    pass


class Author(Base):
    __tablename__ = "author"
    id: Mapped[int] = mapped_column(primary_key=True)
    friends: Mapped[list[Author]] = relationship()


def test_in_a_row(lifetimes: Lifetimes, session: Session, author: Author) -> None:
    assert_type(lifetimes.assert_no_errors().assert_safe_to_detach(session).assert_no_errors(), Lifetimes)
    lifetimes.assert_safe_to_detach([author], Author.id, Author.friends).assert_safe_to_detach(
        author, ignore=[Author.id]
    )
    assert_type(lifetimes.errors, tuple[Explanation, ...])
    assert_type(lifetimes.recording, Recording)


def test_blocks(lifetimes: Lifetimes, app: Callable[..., Any]) -> None:
    with lifetimes.no_lazy_loads(Author.friends, ignore=[Author.id]) as loads:
        assert_type(loads, LazyLoads)
    with lifetimes.commits_before_response() as commits:
        assert_type(commits, LateCommits)
        commits.watch(app)
    lifetimes.no_lazy_loads("friends")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
