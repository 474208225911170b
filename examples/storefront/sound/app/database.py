"""Engines and sessions: asynchronous for the web, synchronous for the worker and the reports."""

from __future__ import annotations

import os
import tempfile
from typing import Annotated

from sqlalchemy import create_engine, make_url
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from outlive import async_sessionmaker, sessionmaker
from outlive.integrations.fastapi import session_dependency

DRIVERS = {
    "sqlite": ("sqlite+aiosqlite", "sqlite+pysqlite"),
    "postgresql": ("postgresql+psycopg", "postgresql+psycopg"),
}

url = make_url(os.environ.get("STOREFRONT_DATABASE_URL") or f"sqlite:///{tempfile.gettempdir()}/storefront.db")
async_driver, sync_driver = DRIVERS[url.get_backend_name()]

engine = create_async_engine(url.set(drivername=async_driver))
SessionLocal = async_sessionmaker(engine)

worker_engine = create_engine(url.set(drivername=sync_driver))
WorkerSession = sessionmaker(worker_engine)

SessionDep = Annotated[AsyncSession, session_dependency(SessionLocal)]
