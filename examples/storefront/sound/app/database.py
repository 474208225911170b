"""Engines and sessions: asynchronous for the web, synchronous for the worker and the reports."""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator

from sqlalchemy import create_engine, make_url
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import sessionmaker

DRIVERS = {
    "sqlite": ("sqlite+aiosqlite", "sqlite+pysqlite"),
    "postgresql": ("postgresql+psycopg", "postgresql+psycopg"),
}

url = make_url(os.environ.get("STOREFRONT_DATABASE_URL") or f"sqlite:///{tempfile.gettempdir()}/storefront.db")
async_driver, sync_driver = DRIVERS[url.get_backend_name()]

engine = create_async_engine(url.set(drivername=async_driver))
SessionLocal = async_sessionmaker(engine, expire_on_commit=False)

worker_engine = create_engine(url.set(drivername=sync_driver))
WorkerSession = sessionmaker(worker_engine, expire_on_commit=False)


async def get_session() -> AsyncIterator[AsyncSession]:
    async with SessionLocal() as session:
        yield session
