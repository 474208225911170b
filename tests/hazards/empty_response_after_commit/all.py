import json

from fastapi import APIRouter, Depends, FastAPI
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse

app = FastAPI()
router = APIRouter()


async def _answer(path):
    body = b""

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        nonlocal body
        body += message.get("body", b"")

    app.include_router(router)
    scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": []}
    await app(scope, receive, send)
    return json.loads(body)


async def _get_session():
    async with AsyncSessionLocal() as session:
        yield session


@app.get("/attached")
async def _attached(session: AsyncSession = Depends(_get_session)):
    author = Author(name="Octavia")
    session.add(author)
    await session.commit()
    return author  # finding: author has no values since the commit, and the response is `{}`


async def attached():
    assert {} == await _answer("/attached")


@router.get("/sync", response_model=None)
async def _sync():
    with Session(engine) as session:
        author = session.get(Author, 1)
        session.commit()
        return author  # finding: author has no values since the commit, and the response is `{}`


async def sync():
    assert {} == await _answer("/sync")


@app.get("/within")
async def _within(session: AsyncSession = Depends(_get_session)):
    author = await session.get(Author, 1)
    await session.commit()
    return {"author": author, "ok": True}  # finding: the Author has no values since the commit


async def within():
    assert {"author": {}, "ok": True} == await _answer("/within")


@app.get("/many")
async def _many(session: AsyncSession = Depends(_get_session)):
    books = (await session.scalars(select(Book))).all()
    await session.rollback()
    return books  # finding: books has no values since the rollback, and the response is `{}`


async def many():
    assert [{}, {}] == await _answer("/many")


def encoder():
    with Session(engine) as session:
        author = session.get(Author, 1)
        session.expire(author)
        encoded = jsonable_encoder(author)  # finding: author has no values since being expired, and `jsonable_encoder`
    assert {} == encoded


def _encoded(author):
    return jsonable_encoder(author)


def encoder_in_a_callee():
    with Session(engine) as session:
        author = session.get(Author, 1)
        session.commit()
        encoded = _encoded(author)  # finding: the Author has no values since the commit
    assert {} == encoded


@app.get("/kept")
async def _kept():
    async with AsyncSession(async_engine, expire_on_commit=False) as session:
        author = await session.get(Author, 1)
        await session.commit()
    return author  # quiet: the session keeps the values


async def kept():
    assert "Ursula" == (await _answer("/kept"))["name"]


@app.get("/refreshed")
async def _refreshed(session: AsyncSession = Depends(_get_session)):
    author = await session.get(Author, 1)
    await session.commit()
    await session.refresh(author)
    return author  # quiet: loaded again


async def refreshed():
    assert "Ursula" == (await _answer("/refreshed"))["name"]


@app.get("/read")
async def _read():
    with Session(engine) as session:
        author = session.get(Author, 1)
        session.commit()
        assert author.id
        return author  # quiet: the read has loaded all columns


async def read():
    assert "Ursula" == (await _answer("/read"))["name"]


@app.get("/changed")
async def _changed():
    with Session(engine) as session:
        author = session.get(Author, 1)
        session.commit()
        author.name = "Octavia"
        return author  # quiet: not empty, and whether the rest is wanted is not known


async def changed():
    assert {"name": "Octavia"} == await _answer("/changed")


@app.get("/dictionary")
async def _dictionary():
    with Session(engine) as session:
        author = session.get(Author, 1)
        session.commit()
        return {"name": author.name}  # quiet: an attribute is read


async def dictionary():
    assert {"name": "Ursula"} == await _answer("/dictionary")


@app.get("/response")
async def _response():
    with Session(engine) as session:
        author = session.get(Author, 1)
        name = author.name
        session.commit()
        return JSONResponse({"name": name})  # quiet: made before the commit


async def response():
    assert {"name": "Ursula"} == await _answer("/response")


def _not_a_path_operation():
    with Session(engine) as session:
        author = session.get(Author, 1)
        session.commit()
        return author  # quiet: nobody serialises it


def not_a_path_operation():
    assert _not_a_path_operation() is not None


def after_an_error():
    with Session(engine) as session:
        author = session.get(Author, 1)
        try:
            session.commit()
            session.refresh(author)
        except Exception:
            session.rollback()
    encoded = jsonable_encoder(author)  # quiet: empty only where the refresh has failed
    assert "Ursula" == encoded["name"]


class _Readable(Author):
    def __iter__(self):
        return iter([("name", self.name)])


def encoder_that_reads():
    with Session(engine) as session:
        author = session.scalars(select(_Readable)).one()
        session.commit()
        encoded = jsonable_encoder(author)  # quiet: its own __iter__ reads an attribute
    assert {"name": "Ursula"} == encoded


def encoder_of_a_new_object():
    encoded = jsonable_encoder(Author(name="Octavia"))  # quiet: it has what it was given
    assert {"name": "Octavia"} == encoded
