"""What the review says of an application before it serves anybody."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from outlive.integrations.fastapi import Review, review, versions
from outlive.lifecycle.errors import UnsafeError

HEAD = """
from typing import Annotated
from fastapi import APIRouter, Depends, FastAPI
from pydantic import BaseModel, ConfigDict
from sqlalchemy import ForeignKey, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship
import outlive
from outlive.integrations.fastapi import SessionRoute, response_options, session_dependency

class Base(DeclarativeBase):
    pass

class Author(Base):
    __tablename__ = "author"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]

    @property
    def initial(self):
        return self.name[0]

class AuthorOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: int
    name: str

class WithInitial(AuthorOut):
    initial: str

class Wrong(AuthorOut):
    born: int

factory = outlive.sessionmaker(create_engine("sqlite://"))
app = FastAPI()
"""
LIBRARY = """
from sqlalchemy.orm import Session

class SessionOf:
    def __init__(self, engine):
        self.engine = engine

    def __call__(self):
        with Session(self.engine) as session:
            yield session
            session.commit()
"""
Reviewed: TypeAlias = Callable[[str], Review]


@pytest.fixture
def reviewed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reviewed]:
    """The review of an application whose last lines are given."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)

    def review_of(lines: str) -> Review:
        (tmp_path / "reviewed_app.py").write_text(HEAD + lines)
        importlib.invalidate_caches()
        app: Any = importlib.import_module("reviewed_app").app
        return review(app)

    yield review_of
    for name in ("reviewed_app", "reviewed_library"):
        sys.modules.pop(name, None)


def found(review: Review) -> list[tuple[str, str]]:
    return [(finding.code, finding.message) for finding in review.findings]


def test_nothing_is_said_of_an_application_that_is_sound(reviewed: Reviewed) -> None:
    sound = reviewed("""
SessionDep = Annotated[Session, session_dependency(factory)]
app.router.route_class = SessionRoute

@app.get("/authors", response_model=list[AuthorOut])
def show(session: SessionDep, options: Annotated[tuple, response_options(Author)]) -> list[Author]:
    return session.scalars(select(Author).options(*options)).all()

@app.get("/initials", response_model=list[WithInitial])
def initials(session: SessionDep) -> list[Author]:
    return session.scalars(select(Author)).all()
""")

    assert [] == found(sound)
    assert 2 == sound.routes
    assert "2 routes reviewed" in str(sound)
    sound.raise_if_unsafe()


def test_a_dependency_of_a_library_that_commits_late_is_told_once(
    reviewed: Reviewed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (library := tmp_path / "site-packages").mkdir()
    (library / "reviewed_library.py").write_text(LIBRARY)
    monkeypatch.syspath_prepend(library)
    late = reviewed("""
from reviewed_library import SessionOf
get_session = SessionOf(create_engine("sqlite://"))

@app.post("/authors")
def create(name: str, session: Session = Depends(get_session)) -> None:
    session.add(Author(name=name))

@app.put("/authors")
def change(name: str, session: Session = Depends(get_session)) -> None:
    session.add(Author(name=name))

@app.get("/authors")
def show(session: Session = Depends(get_session)) -> None: ...
""")

    if not versions.HAS_SCOPES and not versions.TEARDOWN_IS_LATE:
        assert [] == found(late)
        return
    assert [
        (
            "OL601",
            (
                "`SessionOf` commits after the response was sent, "
                "and POST /authors and 1 other route leave the commit to it"
            ),
        )
    ] == found(late)
    with pytest.raises(UnsafeError, match="commits after the response was sent"):
        late.raise_if_unsafe()
    assert "OL601" == json.loads(late.to_json())[0]["code"]


@pytest.mark.parametrize(
    "body",
    [
        "return session.get(Author, 1)",
        "save(session, Author(name=name))",
        "session.add(Author(name=name)); save(session=session)",
        "session.add(Author(name=name)); session.commit()",
    ],
)
def test_a_path_operation_that_leaves_nothing_to_a_late_commit_is_sound(
    reviewed: Reviewed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str
) -> None:
    (library := tmp_path / "site-packages").mkdir()
    (library / "reviewed_library.py").write_text(LIBRARY)
    monkeypatch.syspath_prepend(library)
    sound = reviewed(f"""
from reviewed_library import SessionOf
get_session = SessionOf(create_engine("sqlite://"))

def save(session, author=None):
    session.commit()

@app.post("/authors", response_model=None)
def create(name: str, session: Session = Depends(get_session)):
    {body}
""")

    assert [] == found(sound)


@pytest.mark.skipif(not versions.HAS_SCOPES, reason="this FastAPI has one scope")
def test_what_is_asked_for_under_two_scopes_and_is_no_session_is_sound(reviewed: Reviewed) -> None:
    sound = reviewed("""
from threading import Lock

def alone():
    with Lock() as lock:
        yield lock

@app.get("/authors", dependencies=[Depends(alone, scope="function")])
def show(lock: Annotated[Lock, Depends(alone)]) -> None: ...
""")

    assert [] == found(sound)


@pytest.mark.skipif(not versions.HAS_SCOPES, reason="this FastAPI has one scope")
def test_scopes_that_meet_in_a_router_are_told(reviewed: Reviewed) -> None:
    mixed = reviewed("""
class Sessions:
    def __call__(self):
        with Session() as session:
            yield session

sessions = Sessions()
router = APIRouter(dependencies=[Depends(sessions, scope="function")])

@router.get("/authors")
def show(session: Session = Depends(sessions)) -> None: ...

app.include_router(router, prefix="/api")
""")

    message = "GET /api/authors: gets two sessions from `Sessions`, which is asked for with two scopes"
    assert [("OL606", message)] == found(mixed)


def test_a_response_model_that_its_class_cannot_serve_is_told(reviewed: Reviewed) -> None:
    wrong = reviewed("""
SessionDep = Annotated[Session, session_dependency(factory)]
app.router.route_class = SessionRoute

@app.get("/asked", response_model=Wrong)
def asked(session: SessionDep, options: Annotated[tuple, response_options(Author)]):
    return session.get(Author, 1, options=options)

@app.get("/annotated", response_model=list[Wrong])
def annotated(session: SessionDep) -> list[Author]:
    return []

@app.get("/none")
def none(session: SessionDep, options: Annotated[tuple, response_options(Author)]):
    return {}

@app.get("/number")
def number(session: SessionDep, options: Annotated[tuple, response_options(Author)]) -> int:
    return 1
""")

    told = found(wrong)
    assert ["OL602"] * 4 == [code for code, _ in told]
    assert "GET /asked: Wrong.born" in told[0][1]
    assert "GET /annotated: Wrong.born is required, and Author has no `born`" == told[1][1]
    assert "GET /none has no response model" in told[2][1]
    assert "GET /number: expected a schema" in told[3][1]


def test_a_response_that_something_else_makes_of_the_objects_is_sound(reviewed: Reviewed) -> None:
    sound = reviewed("""
from typing import Union
from pydantic import model_validator

class Page(BaseModel):
    items: list[AuthorOut]
    total: int

class Born(BaseModel):
    born: int

    @model_validator(mode="before")
    @classmethod
    def flatten(cls, author):
        return {"born": 1929}

@app.get("/pages", response_model=Page)
def pages() -> list[Author]: ...

@app.get("/born", response_model=Born)
def born() -> Author: ...

@app.get("/either", response_model=Union[AuthorOut, Page])
def either() -> Author: ...
""")

    assert 3 == sound.routes
    assert [] == found(sound)


def test_the_command_line_imports_and_reviews(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(HEAD)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "outlive", "review", *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    done = run("app:app")
    assert (0, "importing app\n") == (done.returncode, done.stderr)
    assert "0 routes reviewed" in done.stdout
    (tmp_path / "made.py").write_text("from app import app\n\ndef create_app(name='shop'):\n    return app\n")
    done = run("made:create_app", "--factory")
    assert 0 == done.returncode
    assert "0 routes reviewed" in done.stdout
    done = run("app:factory", "--factory")
    assert "is no FastAPI application but a Session" in done.stderr
    done = run("app:mapped_column.__get__", "--factory")
    assert "cannot be called: TypeError" in done.stderr
    for wrong, said in {
        "app": "expected MODULE:APP",
        "app:nothing": "app has no nothing",
        "nothing:app": "no module of that name",
        "app:factory": "is no FastAPI application but a sessionmaker",
        "made:create_app": "is no FastAPI application but a function; does it make one? --factory calls it",
    }.items():
        done = run(wrong)
        assert 2 == done.returncode
        assert said in done.stderr
