"""Whatever a file holds, a check ends with findings and not with an error of its own."""

from __future__ import annotations

import re
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outlive.check.engine import check, check_source
from outlive.check.flow import rows
from outlive.check.flow.frames import ROOT_STEPS
from outlive.check.flow.interpreter import Interpreter
from outlive.hazards.catalog import all_hazards

PROGRAMS = [path.read_text("utf-8") for path in sorted((Path(__file__).parents[1] / "hazards").glob("*/*.py"))]
HAZARDS = all_hazards()
PIECES = [
    "(", ")", "[", "]", "{", "}", ":", ",", ".", "*", "**", "@", "=", ":=", "->", '"', "'''", "#", "\\", "\n", "\t",
    "\r", "\0", "\ufeff", "é", "async ", "await ", "yield ", "yield from ", "lambda: ", "return ", "del ", "global ",
    "class ", "def ", "with ", "for ", "try:", "except:", "finally:", "match x:\n case _:", "raise ", "import ",
    "from . import *", "f'{", "}'", "type X = int\n",
]  # fmt: skip
WORD = re.compile(r"[A-Za-z_]+")


@st.composite
def changed(draw: st.DrawFn) -> str:
    """A program with some spans taken out, put elsewhere or replaced, perhaps cut off."""
    text = draw(st.sampled_from(PROGRAMS))
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(text)))
        end = draw(st.integers(start, min(len(text), start + 80)))
        piece = draw(st.sampled_from(PIECES) | st.just(text[start:end]))
        where = draw(st.integers(0, len(text)))
        text = text[:start] + text[end:] if draw(st.booleans()) else text
        text = text[:where] + piece + text[where:]
    return text[: draw(st.integers(0, len(text)))] if draw(st.booleans()) else text


@st.composite
def rewired(draw: st.DrawFn) -> str:
    """A program with lines taken out, repeated or put elsewhere, and with words in the place of others."""
    lines = draw(st.sampled_from(PROGRAMS)).splitlines() or [""]
    words = sorted({"session", *(word for line in lines for word in WORD.findall(line))})
    for _ in range(draw(st.integers(1, 6))):
        index = draw(st.integers(0, len(lines) - 1))
        match draw(st.sampled_from(["remove", "repeat", "move", "word", "word", "word"])):
            case "remove":
                lines[index] = " " * (len(lines[index]) - len(lines[index].lstrip())) + "pass"
            case "repeat":
                lines.insert(index, lines[index])
            case "move":
                lines.insert(draw(st.integers(0, len(lines))), lines[index])
            case _:
                if found := list(WORD.finditer(lines[index])):
                    start, end = draw(st.sampled_from(found)).span()
                    lines[index] = lines[index][:start] + draw(st.sampled_from(words)) + lines[index][end:]
    return "\n".join(lines)


@given(changed() | rewired())
@settings(deadline=None, max_examples=150)
def test_mutated_and_truncated_programs(text: str):
    for finding in check_source(text, HAZARDS):
        assert 1 <= finding.place.line <= text.count("\n") + text.count("\r") + 1


@given(st.binary(max_size=300), st.sampled_from([b"", b"# coding: latin-1\n", b"# coding: utf-7\n", b"\xef\xbb\xbf"]))
@settings(deadline=None)
def test_bytes_that_were_never_python(tmp_path_factory: pytest.TempPathFactory, data: bytes, head: bytes):
    file = tmp_path_factory.mktemp("bytes") / "odd.py"
    file.write_bytes(head + data)

    assert all(finding.place.filename == str(file) for finding in check([file], HAZARDS).findings)


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("abcd"), st.integers(0, 5)), max_size=12))
@settings(deadline=None)
def test_modules_that_import_and_inherit_in_circles(links: list[tuple[str, str, int]]):
    texts = dict.fromkeys("abcd", "from sqlalchemy.orm import DeclarativeBase, Session, relationship\n")
    for one, other, kind in links:
        texts[one] += (
            f"from {other} import *\n",
            f"import {other}\n",
            f"from {other} import X as Y, f\n",
            f"from {other} import X\nclass X(X):\n    y = relationship('X', backref='z')\n",
            f"from {other} import f as g\ndef f(s: Session):\n    x = g(s)\n    s.commit()\n    return x.y or f(s)\n",
            f"import {other}\nX = {other}.X\nf = {other}.f\n",
        )[kind]
    files = {f"{name}.py": text for name, text in texts.items()}

    check([Path(name) for name in files], HAZARDS, texts=files)


LOADS = "from sqlalchemy.orm import Session\ndef f(session: Session, Author, call):\n"
BODIES = {
    "assignments": "    a = session.get(Author, 1)\n",
    "calls": "    x{0} = call({0})\n",
    "branches": "    if call({0}):\n        session.commit()\n",
    "names": "    if call({0}):\n        x{0} = session.get(Author, {0})\n",
    "loops": "    for x in session.scalars(Author):\n        session.commit()\n",
    "handlers": "    try:\n        session.commit()\n    except E{0}:\n        session.rollback()\n",
    "sessions": "    with Session(call) as session:\n        a{0} = session.get(Author, 1)\n",
}


@pytest.mark.parametrize("line", BODIES.values(), ids=BODIES)
def test_a_function_of_many_lines_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch, line: str):
    steps = count_steps(monkeypatch, LOADS + "".join(map(line.format, range(2_000))))

    assert ROOT_STEPS >= steps


def test_the_work_grows_with_the_functions_and_no_faster(monkeypatch: pytest.MonkeyPatch):
    function = "def f{0}(session, book):\n    session.commit()\n    return f{1}(session, book.id)\n"

    def text(count: int) -> str:
        return "".join(function.format(n, (n + 1) % count) for n in range(count))

    few, many = (count_steps(monkeypatch, text(count)) for count in (50, 500))

    assert 11 * few >= many > few > 50


STARVING = """
from sqlalchemy import ForeignKey, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

engine = create_async_engine("sqlite+aiosqlite://")
factory = async_sessionmaker(engine, expire_on_commit=False)

class Base(DeclarativeBase): ...

class Node(Base):
    __tablename__ = "node"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    columns: Mapped[list["Column"]] = relationship()

class Column(Base):
    __tablename__ = "col"
    id: Mapped[int] = mapped_column(primary_key=True)
    node_id: Mapped[int] = mapped_column(ForeignKey("node.id"))

async def main() -> None:
    async with factory() as session:
        await Plan(session).run()

async def pick(session: AsyncSession, name: str) -> Node | None:
    return (await session.scalars(select(Node).where(Node.name == name))).first()

async def long(session: AsyncSession) -> None:
    a, b, c, d, e = [await pick(session, "a"), None, None, None, None]
    for name in "ab":
        if len(name) > 1:
            b = await pick(session, name)
        if name == "b":
            c = await pick(session, name)
        if name == "c":
            d = await pick(session, name)
        if name == "d":
            e = await pick(session, name)
        for each in (a, b, c, d, e):
            if each and each.name == name:
                await session.flush()
    a = b = c = d = e = None

async def deploy(session: AsyncSession, nodes: list[Node]) -> int:
    await long(session)
    return sum(len(node.columns) for node in nodes)

class Plan:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def run(self) -> int:
        nodes = list(await self.session.scalars(select(Node)))
        await long(self.session)
        await long(self.session)
        await long(self.session)
        return await deploy(self.session, nodes)
"""


def test_who_had_no_steps_left_gets_them_from_another_start():
    assert ["OL302"] == [finding.code for finding in check_source(STARVING, HAZARDS)]


def count_steps(monkeypatch: pytest.MonkeyPatch, text: str) -> int:
    steps = 0
    statement = Interpreter.statement

    def count(self, *arguments):
        nonlocal steps
        steps += 1
        return statement(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(Interpreter, "statement", count)
        check_source(text, HAZARDS)
    return steps


@pytest.mark.parametrize(
    "text",
    [
        "x = " + " and ".join(["y"] * 5_000),
        "x = [" + "y, " * 10_000 + "]",
        "x = {" + "y: 1, " * 10_000 + "}",
        "x = f'" + "{y}" * 10_000 + "'",
        "def f(" + ", ".join(f"a{n}" for n in range(10_000)) + "): pass",
        "@d\n" * 2_000 + "def f(): pass",
    ],
    ids=["and", "list", "dict", "format", "parameters", "decorators"],
)
def test_a_wide_expression_needs_memory_for_its_parts_alone(text: str):
    tracemalloc.start()
    try:
        check_source(text, HAZARDS)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert 6_000 * (text.count("y") + text.count("a") + text.count("@")) >= peak


@pytest.mark.parametrize("opening", ["with Session(e) as s{0}:", "for x{0} in session.scalars(A):", "try:", "while c:"])
def test_blocks_as_deep_as_python_allows(opening: str):
    handlers = [f"{' ' * n}except E{n}:\n{' ' * n} session.rollback(); a.id\n" for n in range(19, 0, -1)]
    blocks = "".join(f"{' ' * n}{opening.format(n)}\n" for n in range(1, 20))
    text = f"{LOADS}{blocks}{' ' * 20}session.commit(); a.id\n" + "".join(handlers if opening == "try:" else ())
    compile(text, "deep.py", "exec")

    assert () == check_source(text, HAZARDS)


LOADING_EACH_OTHER = """
from sqlalchemy import ForeignKey, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

class Base(DeclarativeBase):
    pass

class User(Base):
    __tablename__ = "user"
    id: Mapped[int] = mapped_column(primary_key=True)
    groups: Mapped[list["Group"]] = relationship(lazy="selectin")
    shares: Mapped[list["Share"]] = relationship(lazy="selectin")

class Group(Base):
    __tablename__ = "group"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    shares: Mapped[list["Share"]] = relationship(lazy="selectin")

class Share(Base):
    __tablename__ = "share"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    group_id: Mapped[int] = mapped_column(ForeignKey("group.id"))
    user: Mapped[User] = relationship(lazy="joined")
    group: Mapped[Group] = relationship(lazy="joined")

with Session(create_engine("sqlite://")) as session:
    for user in session.scalars(select(User)):
        for share in session.scalars(select(Share)):
            print(share.user.groups, share.group.shares)
        session.commit()
        for again in session.scalars(select(User)):
            print(again.groups)
"""


def test_mappings_that_load_each_other_come_to_an_end(monkeypatch):
    calls = []

    def counted(*given):
        calls.append(given)
        assert len(calls) < 1_000
        return come_upon(*given)

    come_upon = rows.come_upon
    monkeypatch.setattr(rows, "come_upon", counted)

    assert check_source(LOADING_EACH_OTHER, HAZARDS) == ()
    assert calls
