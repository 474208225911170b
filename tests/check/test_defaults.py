"""A session that comes in as an argument is one of those that the program opens."""

from __future__ import annotations

from pathlib import Path

import pytest

from outlive.check.engine import check
from outlive.hazards.catalog import all_hazards

MODELS = """
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

engine = create_async_engine("sqlite+aiosqlite://")

class Base(DeclarativeBase): ...

class Book(Base):
    __tablename__ = "book"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
"""

SERVICE = """
from models import AsyncSession, Book

async def rename(session: AsyncSession) -> str:
    book = await session.get(Book, 1)
    book.title = "The Dispossessed"
    await session.commit()
    return book.title
"""

OPENS = "    async with AsyncSession(engine{}) as session:\n        yield session\n"
DEPENDENCY = "from models import *\nasync def get_session():\n" + OPENS
KEEPING = DEPENDENCY.format(", expire_on_commit=False")
EXPIRING = DEPENDENCY.format("")
FACTORY = "from models import *\nfactory = async_sessionmaker(engine{})\n"

EXPIRED = {
    "a dependency": {"db.py": EXPIRING},
    "several that agree": {"db.py": EXPIRING, "auth.py": EXPIRING},
    "not by tests": {
        "db.py": EXPIRING,
        "test_db.py": KEEPING,
        "conftest.py": FACTORY.format(", expire_on_commit=False"),
    },
    "by a factory first": {"db.py": KEEPING, "jobs.py": FACTORY.format("")},
    "by the factory of tests": {"conftest.py": FACTORY.format("")},
}
NOT_EXPIRED = {
    "a dependency that keeps": {"db.py": KEEPING, "test_db.py": FACTORY.format("")},
    "several that differ": {"db.py": EXPIRING, "auth.py": KEEPING},
    "opened by hand": {
        "db.py": "from models import *\nasync def main():\n" + OPENS.format("").replace("yield", "print")
    },
    "nothing": {},
}


def names(files: dict[str, str]) -> list[str]:
    texts = {"models.py": MODELS, "service.py": SERVICE, **files}
    found = check([Path(name) for name in texts], all_hazards(), texts=texts).findings
    return [finding.name for finding in found if finding.place.filename == "service.py"]


@pytest.mark.parametrize("files", EXPIRED.values(), ids=EXPIRED)
def test_what_all_of_them_do_it_does(files):
    assert names(files) == ["expired-read-in-async"]


@pytest.mark.parametrize("files", NOT_EXPIRED.values(), ids=NOT_EXPIRED)
def test_where_they_differ_it_is_not_known(files):
    assert names(files) == []
