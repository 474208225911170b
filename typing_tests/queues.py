from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any, assert_type

import dramatiq
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Session, scoped_session, sessionmaker

from outlive.integrations import celery as tasks
from outlive.integrations import dramatiq as actors
from outlive.integrations.concurrency import guard_background_tasks, guard_executor, guard_tasks


class Base(DeclarativeBase):
    pass


SessionLocal = sessionmaker()


def protect(app: Any, broker: dramatiq.Broker) -> None:
    tasks.protect(app, Base)
    tasks.protect(app, Base.registry, mode="warn")
    tasks.protect(app, Base, mode="reference", session=SessionLocal, missing="none", changed="load")
    tasks.protect(app, Base, session=scoped_session(SessionLocal))
    actors.protect(broker, Base, mode="reference", session=SessionLocal, missing="skip", changed="skip")
    assert_type(tasks.task_session(), Session)
    assert_type(actors.task_session(), Session)


def later(session: Session, async_session: AsyncSession, task: Any, actor: dramatiq.Actor[[int], None]) -> None:
    tasks.delay_on_commit(session, task, 1, key=2)
    tasks.delay_on_commit(async_session, task)
    actors.send_on_commit(session, actor, 1)


def guard(loop: asyncio.AbstractEventLoop) -> None:
    assert_type(guard_executor(ThreadPoolExecutor()), ThreadPoolExecutor)
    guard_tasks(loop, mode="warn")
    guard_background_tasks()
