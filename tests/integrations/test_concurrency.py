"""Objects of a session are refused by executors, event loops and background tasks."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import Session
from sqlalchemy.pool import StaticPool

from outlive import LiveObjectError, LiveObjectWarning, reference, snapshot
from outlive.integrations.concurrency import guard_background_tasks, guard_executor, guard_tasks
from tests.shelf import Author, fill


@pytest.fixture
def engine() -> Iterator[Engine]:
    engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    with engine.begin() as connection:
        fill(connection)
    yield engine
    engine.dispose()


@pytest.fixture
def author(engine: Engine) -> Iterator[Author]:
    with Session(engine) as session:
        yield session.get(Author, 1)


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as executor:
        yield guard_executor(executor)


@dataclass
class Mail:
    to: Author

    def send(self) -> None:
        raise AssertionError("it is not sent")


class Mailer:
    """A service, which may hold what it likes."""

    def __init__(self, author: Author) -> None:
        self.author = author

    def send(self) -> str:
        return "sent"


def look(value: object = None, **_: object) -> object:
    return value


def closure_of(author: Author) -> Callable[[], object]:
    return lambda: author.name


def default_of(author: Author) -> Callable[[], object]:
    def work(author: Author = author) -> object:
        return author

    return work


WORK: dict[str, Callable[[Author], tuple[Any, ...]]] = {
    "argument": lambda author: (look, author),
    "in a list": lambda author: (look, [1, {"a": author}]),
    "closure": lambda author: (closure_of(author),),
    "default": lambda author: (default_of(author),),
    "partial": lambda author: (functools.partial(look, author),),
    "partial of a closure": lambda author: (functools.partial(closure_of(author)),),
    "method of the object": lambda author: (author.__repr__,),
    "method of a dataclass": lambda author: (Mail(author).send,),
}


@pytest.mark.parametrize("work", WORK)
def test_an_executor_refuses(executor: ThreadPoolExecutor, author: Author, work: str) -> None:
    function, *args = WORK[work](author)

    with pytest.raises(LiveObjectError, match=r"handed to another thread or process: .*is Author \(1,\)"):
        executor.submit(function, *args)


def test_map_and_run_in_executor_are_guarded_with_it(executor: ThreadPoolExecutor, author: Author) -> None:
    async def story() -> None:
        await asyncio.get_running_loop().run_in_executor(executor, look, author)

    with pytest.raises(LiveObjectError):
        list(executor.map(look, [author]))
    with pytest.raises(LiveObjectError):
        asyncio.run(story())


def test_what_can_be_handed_over(executor: ThreadPoolExecutor, author: Author, engine: Engine) -> None:
    taken, ref = snapshot(author), reference(author)
    with Session(engine) as session:
        detached = session.get(Author, 1)

    def load() -> str:
        with Session(engine) as session:
            return ref.load(session).name

    assert "Ursula" == executor.submit(lambda: taken.name).result()
    assert "Ursula" == executor.submit(load).result()
    assert detached is executor.submit(look, detached).result()
    assert "sent" == executor.submit(Mailer(author).send).result()
    assert "x" == executor.submit(look, value=Author(name="x")).result().name


def test_a_detached_object_that_has_expired_is_refused(executor: ThreadPoolExecutor, engine: Engine) -> None:
    with Session(engine) as session:
        author = session.get(Author, 1)
        session.commit()

    with pytest.raises(LiveObjectError, match=r"Author \(1,\) \(detached, expired\)"):
        executor.submit(look, author)


def test_warn_warns_and_goes_on(author: Author) -> None:
    with ThreadPoolExecutor(1) as executor:
        guard_executor(guard_executor(executor), mode="warn")
        with pytest.warns(LiveObjectWarning, match=r"args\[0\] is Author") as warned:
            assert author is executor.submit(look, author).result()

    assert [__file__] == [one.filename for one in warned]


async def greet(author: Author) -> str:
    return author.name


@pytest.mark.parametrize(
    "create",
    [
        lambda author: asyncio.create_task(greet(author)),
        lambda author: asyncio.ensure_future(greet(author)),
        lambda author: asyncio.gather(greet(author)),
        lambda author: asyncio.get_running_loop().create_task(greet(author), name="greet"),
    ],
)
def test_an_event_loop_refuses(author: Author, create: Callable[[Author], Any]) -> None:
    async def story() -> None:
        guard_tasks()
        await create(author)

    with pytest.raises(LiveObjectError, match=r"captured by a task: author is Author \(1,\)"):
        asyncio.run(story())


def test_a_task_group_and_a_closure(author: Author) -> None:
    async def story() -> None:
        async def inner() -> str:
            return author.name

        guard_tasks()
        async with asyncio.TaskGroup() as group:
            group.create_task(inner())

    with pytest.raises(ExceptionGroup) as caught:
        asyncio.run(story())
    assert isinstance(caught.value.exceptions[0], LiveObjectError)


def test_other_tasks_are_created_as_ever(author: Author) -> None:
    async def story() -> list[str]:
        guard_tasks(mode="warn")
        guard_tasks()
        taken = snapshot(author)

        async def inner() -> str:
            return taken.name

        async with asyncio.timeout(5):
            return await asyncio.gather(inner(), asyncio.create_task(asyncio.sleep(0, "slept"), name="sleep"))

    assert ["Ursula", "slept"] == asyncio.run(story())


def test_background_tasks(author: Author, monkeypatch: pytest.MonkeyPatch) -> None:
    background = pytest.importorskip("starlette.background")
    monkeypatch.setattr(background.BackgroundTask, "__init__", background.BackgroundTask.__init__)
    guard_background_tasks()
    tasks = background.BackgroundTasks()

    with pytest.raises(LiveObjectError, match="captured by a background task"):
        tasks.add_task(look, author)
    with pytest.raises(LiveObjectError):
        background.BackgroundTask(closure_of(author))
    tasks.add_task(look, author.id)

    assert 1 == len(tasks.tasks)
    asyncio.run(tasks())


def test_another_mode() -> None:
    with pytest.raises(ArgumentError, match="mode= is raise or warn"):
        guard_executor(ThreadPoolExecutor(), mode="reference")
