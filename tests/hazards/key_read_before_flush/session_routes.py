"""A SessionRoute of Outlive commits before the response is made, so keys are in it."""

import json
from typing import Annotated

import outlive
from fastapi import FastAPI
from outlive.integrations.fastapi import SessionRoute, session_dependency
from pydantic import BaseModel, ConfigDict

app = FastAPI()
app.router.route_class = SessionRoute
SessionDep = Annotated[AsyncSession, session_dependency(outlive.async_sessionmaker(async_engine))]


class AuthorOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: int | None
    name: str


async def _answer(path):
    body = b""

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        nonlocal body
        body += message.get("body", b"")

    await app({"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": []}, receive, send)
    return json.loads(body)


@app.get("/made")
async def _made(session: SessionDep) -> AuthorOut:
    author = Author(name="Octavia")
    session.add(author)
    return author  # quiet: committed before the response reads it


async def made():
    assert (await _answer("/made"))["id"] is not None


@app.get("/too-early")
async def _too_early(session: SessionDep) -> dict:
    author = Author(name="Octavia")
    session.add(author)
    return {"id": author.id}  # finding: author.id is None until the session flushes


async def too_early():
    assert {"id": None} == await _answer("/too-early")
