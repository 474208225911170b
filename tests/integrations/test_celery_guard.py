"""Mapped objects are refused before a message with them leaves, and before a result with them is stored."""

from __future__ import annotations

import re
from collections import namedtuple
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Engine, create_engine, select
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import Session

from outlive import LiveObjectError, LiveObjectWarning, reference
from tests.shelf import Author, Base, Book, fill

celery = pytest.importorskip("celery")

from outlive.integrations.celery import protect  # noqa: E402
from tests.integrations import celery_shop, queue_orders  # noqa: E402

chain, chord, group = celery.chain, celery.chord, celery.group
SERIALIZERS = ("json", "pickle")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = create_engine(f"sqlite:///{tmp_path / 'shelf.db'}")
    with engine.begin() as connection:
        fill(connection)
    yield engine
    engine.dispose()


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    with Session(engine) as session:
        yield session


@pytest.fixture
def author(session: Session) -> Author:
    return session.get(Author, 1)


@pytest.fixture
def app() -> Iterator[Any]:
    app = celery_shop.make(task_default_queue=uuid4().hex)
    protect(app, Base)
    yield app
    app.close()


@dataclass
class Parcel:
    content: object


class Box:
    def __init__(self, content: object) -> None:
        self.content = content


class OwnWay(Box):
    def __reduce__(self) -> tuple[Any, ...]:
        return OwnWay, (None,)


Pair = namedtuple("Pair", "left right")  # noqa: PYI024  what people write


WAYS: dict[str, Callable[[Any, Author, str], object]] = {
    "delay": lambda app, author, _: app.tasks["give"].delay(author),
    "apply_async": lambda app, author, way: app.tasks["give"].apply_async([author], serializer=way),
    "keyword": lambda app, author, way: app.tasks["give"].apply_async(kwargs={"value": author}, serializer=way),
    "send_task": lambda app, author, way: app.send_task("elsewhere", [author], serializer=way),
    "send_task of a task here": lambda app, author, way: app.send_task("give", [author], serializer=way),
    "signature": lambda app, author, way: app.tasks["give"].s(author).set(serializer=way).delay(),
    "signature of another program": lambda app, author, way: app.signature("elsewhere", [author]).delay(),
    "chain, first": lambda app, author, _: chain(app.tasks["give"].s(author), app.tasks["count"].s()).delay(),
    "chain, last": lambda app, author, _: chain(app.tasks["give"].s(1), app.tasks["give"].si(author)).delay(),
    "group": lambda app, author, _: group(app.tasks["give"].s(1), app.tasks["give"].s(author)).delay(),
    "chord, header": lambda app, author, _: chord([app.tasks["give"].s(author)], app.tasks["count"].s()).delay(),
    "chord, body": lambda app, author, _: chord([app.tasks["give"].s(1)], app.tasks["give"].si(author)).delay(),
    "link": lambda app, author, way: app.tasks["give"].apply_async([1], link=app.tasks["give"].si(author)),
    "link_error": lambda app, author, way: app.tasks["give"].apply_async([1], link_error=app.tasks["give"].si(author)),
    "link, by position": lambda app, author, _: app.tasks["give"].apply_async(
        [1], None, None, None, app.tasks["give"].si(author)
    ),
    "link_error, by position": lambda app, author, _: app.tasks["give"].apply_async(
        [1], None, None, None, None, [app.tasks["give"].si(author)]
    ),
    "chunks": lambda app, author, _: app.tasks["give"].chunks([(author,)], 1).apply_async(),
    "map": lambda app, author, _: app.tasks["give"].map([author]).delay(),
}


@pytest.mark.parametrize("serializer", SERIALIZERS)
@pytest.mark.parametrize("way", WAYS)
def test_no_way_to_publish_lets_an_object_pass(app: Any, author: Author, way: str, serializer: str) -> None:
    app.conf.task_serializer = serializer
    with pytest.raises(LiveObjectError, match=r"is Author \(1,\) \(persistent\)"):
        WAYS[way](app, author, serializer)

    assert 0 == celery_shop.waiting(app)


EAGER = [way for way in WAYS if not way.startswith(("send_task", "signature of another"))]


@pytest.mark.parametrize("way", EAGER)
def test_eager_tasks_are_no_exception(app: Any, author: Author, way: str) -> None:
    app.conf.task_always_eager = True

    with pytest.raises(LiveObjectError):
        WAYS[way](app, author, "json")


def test_a_call_in_the_same_process_is_no_boundary(app: Any, author: Author) -> None:
    assert author is app.tasks["give"](author)
    assert author.name == app.tasks["name_of"].apply([author]).get()


@pytest.mark.parametrize(
    ("make", "path"),
    [
        (lambda author: {"a": [1, {"b": author}]}, "args[0]['a'][1]['b']"),
        (lambda author: (1, (author,)), "args[0][1][0]"),
        (lambda author: {author}, "args[0]{...}"),
        (lambda author: {author: 1}, "args[0] (a key)"),
        (lambda author: author.books, "args[0][0]"),
        (lambda author: Parcel([author]), "args[0].content[0]"),
        (Box, "args[0].content"),
        (lambda author: Pair(1, author), "args[0][1]"),
    ],
)
def test_the_error_names_the_place(app: Any, author: Author, make: Callable[[Author], Any], path: str) -> None:
    with pytest.raises(LiveObjectError) as caught:
        app.tasks["give"].apply_async([make(author)], serializer="pickle")

    assert path == caught.value.paths[0]
    assert f"{path} is " in str(caught.value)


def test_a_row_with_an_object(app: Any, session: Session) -> None:
    rows = session.execute(select(Book.id, Author).join(Author.books)).all()

    with pytest.raises(LiveObjectError) as caught:
        app.tasks["give"].delay(rows)

    assert ("args[0][0][1]", "args[0][1][1]") == caught.value.paths


def test_a_pydantic_model_with_an_object(app: Any, author: Author) -> None:
    pydantic = pytest.importorskip("pydantic")

    class Order(pydantic.BaseModel, arbitrary_types_allowed=True, extra="allow"):
        author: Author

    with pytest.raises(LiveObjectError) as caught:
        app.tasks["give"].delay(Order(author=author, other=[author]))

    assert ("args[0].author", "args[0].other[0]") == caught.value.paths


def test_a_sqlmodel_in_a_task_that_takes_pydantic_models(app: Any) -> None:
    sqlmodel = pytest.importorskip("sqlmodel", exc_type=ImportError)

    class Hero(sqlmodel.SQLModel, table=True):
        __tablename__ = f"hero_{uuid4().hex}"
        id: int | None = sqlmodel.Field(default=None, primary_key=True)

    @app.task(pydantic=True, shared=False)
    def save(hero: Hero) -> None:
        raise AssertionError("no worker runs here")

    with pytest.raises(LiveObjectError, match="is Hero"):
        save.delay(Hero())


def test_an_object_behind_a_proxy(app: Any, author: Author) -> None:
    local = pytest.importorskip("werkzeug.local")
    current_user = local.LocalProxy(lambda: author)

    with pytest.raises(LiveObjectError, match=r"Author \(1,\)"):
        app.tasks["give"].apply_async([current_user], serializer="pickle")


def test_the_error_names_the_state_and_the_remedy(app: Any, engine: Engine) -> None:
    def told(obj: object) -> str:
        with pytest.raises(LiveObjectError) as caught:
            app.tasks["give"].delay(obj)
        return str(caught.value).partition("args[0] is ")[2]

    new = Author(name="Octavia")
    assert told(new).startswith("Author (transient, not flushed).")
    assert "session.add() it and commit first." in told(new)
    with Session(engine) as session:
        author = session.get(Author, 1)
        author.name = author.name
        assert told(author).startswith("Author (1,) (persistent).")
        author.name = "Ursula K."
        assert told(author).startswith("Author (1,) (persistent, dirty (name)).")
        assert "Commit first. Send author.id and load it in the task" in told(author)
        session.commit()
        assert told(author).startswith("Author (1,) (persistent, expired).")
        session.add(new)
        assert told(new).startswith("Author (pending, not flushed).")
    assert told(author).startswith("Author (1,) (detached, expired).")


def test_plain_values_references_and_an_own_way_to_pickle_pass(app: Any, author: Author) -> None:
    circle: list[object] = []
    circle.append(circle)
    for value in (1, "x", {"a": [1.5, None]}, Box(1), OwnWay(author), circle, reference(author)):
        app.tasks["give"].apply_async([value], serializer="pickle")

    app.tasks["give"].delay({"ref": reference(author)})
    assert 8 == celery_shop.waiting(app)


def test_warn_warns_and_sends(app: Any, author: Author) -> None:
    protect(app, Base, mode="warn")

    with pytest.warns(LiveObjectWarning, match=re.escape("args[0] is Author (1,)")) as warned:
        app.tasks["give"].apply_async([author], serializer="pickle")

    assert 1 == len(warned)
    assert 1 == celery_shop.waiting(app)


def test_another_application_is_left_alone(author: Author, app: Any) -> None:
    other = celery_shop.make(task_default_queue=uuid4().hex)

    other.tasks["give"].apply_async([author], serializer="pickle")

    assert 1 == celery_shop.waiting(other)
    other.close()


def test_each_application_has_what_it_was_given_last(app: Any, author: Author, engine: Engine) -> None:
    other = celery_shop.make(task_always_eager=True)
    protect(other, Base, mode="warn", session=lambda: Session(engine))
    protect(other, queue_orders.Base)
    protect(other, Base, mode="reference", session=lambda: Session(engine))
    protect(app, Base, mode="reference")
    protect(app, Base)

    assert author.name == other.tasks["name_of"].delay(author).get()
    with pytest.raises(LiveObjectError):
        app.tasks["name_of"].delay(author)
    other.close()


def test_a_result_is_refused_before_the_commit(app: Any, engine: Engine) -> None:
    protect(app, Base, session=lambda: Session(engine))
    result = app.tasks["rename_and_return"].apply([1, "Octavia"], throw=False)

    assert isinstance(result.result, LiveObjectError)
    assert "returned by the task 'rename_and_return': the result is Author (1,)" in str(result.result)
    with Session(engine) as session:
        assert "Ursula" == session.get(Author, 1).name


def test_a_result_that_goes_nowhere_is_nobodys_business(engine: Engine) -> None:
    app = celery_shop.make(backend=None, task_always_eager=True, task_eager_propagates=True)
    protect(app, Base, session=lambda: Session(engine))

    app.tasks["rename_and_return"].delay(1, "Octavia")

    with Session(engine) as session:
        assert "Octavia" == session.get(Author, 1).name
    app.close()


def test_an_unknown_option_is_an_error_at_once(app: Any) -> None:
    with pytest.raises(ArgumentError, match="mode= is raise, warn, reference, got 'references'"):
        protect(app, Base, mode="references")
    with pytest.raises(TypeError, match="expected a declarative base"):
        protect(app, object)
