from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI
from sqlalchemy import delete, event, text, update

app = FastAPI()
router = APIRouter()
_happened = []


async def _order(path):
    """What happens, in this order, while the application answers."""

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        if message["type"] == "http.response.body":
            _happened.append("response")

    app.include_router(router)
    scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": []}
    await app(scope, receive, send)
    return [what for n, what in enumerate(_happened) if what != _happened[n - 1] or n == 0]


class _Noted(Session):
    pass


@event.listens_for(_Noted, "after_commit")
def _committed(session):
    _happened.append("commit")


_open_session = async_sessionmaker(async_engine, sync_session_class=_Noted)


async def _get_session():
    async with _open_session() as session:
        yield session
        await session.commit()  # finding: `session.commit()` runs after the response was sent, and `_add` and 6 other


_Open = Annotated[AsyncSession, Depends(_get_session)]


@app.get("/add")
async def _add(session: AsyncSession = Depends(_get_session)):
    session.add(Author(name="Octavia"))


@router.get("/flush")
async def _add_and_flush(session: _Open):
    author = Author(name="Octavia")
    session.add(author)
    await session.flush()
    return author.id


@app.get("/change")
async def _change(session: _Open):
    book = await session.get(Book, 1)
    book.price = 11


@app.get("/delete")
async def _delete(session: _Open):
    await session.delete(await session.get(Book, 1))


@app.get("/update")
async def _update(session: _Open):
    await session.execute(update(Book).values(price=12))


@app.get("/text")
async def _update_by_text(session: _Open):
    await session.execute(text("UPDATE book SET price = 12"))


async def _save(session, book):
    session.add(book)


@app.get("/helper")
async def _add_by_a_helper(session: _Open):
    await _save(session, Book(title="Kindred"))


async def added():
    assert ["response", "commit"] == await _order("/add")


async def flushed():
    assert ["response", "commit"] == await _order("/flush")


async def changed():
    assert ["response", "commit"] == await _order("/change")


async def deleted():
    assert ["response", "commit"] == await _order("/delete")


async def updated():
    assert ["response", "commit"] == await _order("/update")


async def updated_by_text():
    assert ["response", "commit"] == await _order("/text")


async def helped():
    assert ["response", "commit"] == await _order("/helper")


async def _get_begun():
    async with _open_session.begin() as session:  # finding: the commit of `_open_session.begin()` runs after
        yield session


@app.get("/begun")
async def _add_begun(session: AsyncSession = Depends(_get_begun)):
    session.add(Author(name="Octavia"))


async def begun():
    assert ["response", "commit"] == await _order("/begun")


@asynccontextmanager
async def _unit_of_work():
    session = _open_session()
    try:
        yield session
        await session.commit()
    except Exception:
        await session.rollback()
        raise
    finally:
        await session.close()


async def _get_by_block():
    async with _unit_of_work() as session:  # finding: the commit of `_unit_of_work()` runs after the response was sent
        yield session


@app.get("/block")
async def _add_by_block(session: AsyncSession = Depends(_get_by_block)):
    session.add(Author(name="Octavia"))


async def block():
    assert ["response", "commit"] == await _order("/block")


class _Shelf:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    def put(self, book):
        self.session.add(book)

    async def save(self):
        await self.session.commit()


async def _get_open():
    async with _open_session() as session:
        yield session


async def _get_shelf(session: AsyncSession = Depends(_get_open)):
    shelf = _Shelf(session)
    yield shelf
    await shelf.save()  # finding: the commit of `shelf.save()` runs after the response was sent


@app.get("/shelf")
async def _put(shelf: _Shelf = Depends(_get_shelf)):
    shelf.put(Book(title="Kindred"))


async def shelf():
    assert ["response", "commit"] == await _order("/shelf")


async def _get_for_function():
    async with _open_session() as session:
        yield session
        await session.commit()  # quiet: with scope="function" it runs before


@app.get("/function")
async def _add_for_function(session: AsyncSession = Depends(_get_for_function, scope="function")):
    session.add(Author(name="Octavia"))


async def function_scope():
    assert ["commit", "response"] == await _order("/function")


async def _get_for_request():
    async with _open_session() as session:
        yield session
        await session.commit()  # quiet: somebody has asked for just that


@app.get("/request")
async def _add_for_request(session: AsyncSession = Depends(_get_for_request, scope="request")):
    session.add(Author(name="Octavia"))


async def request_scope():
    assert ["response", "commit"] == await _order("/request")


async def _get_to_read():
    async with _open_session() as session:
        yield session
        await session.commit()  # quiet: nothing has been changed


@app.get("/read")
async def _read(session: AsyncSession = Depends(_get_to_read)):
    await session.execute(text("SELECT 1"))
    author = await session.get(Author, 1)
    session.add(author)
    return author.name


async def read_only():
    assert ["response", "commit"] == await _order("/read")


async def _get_saved():
    async with _open_session() as session:
        yield session
        await session.commit()  # quiet: the path operation has committed


@app.get("/saved")
async def _save_before(session: AsyncSession = Depends(_get_saved)):
    session.add(Author(name="Octavia"))
    await session.commit()


@app.get("/block-saved")
async def _save_in_a_block(session: AsyncSession = Depends(_get_saved)):
    async with session.begin():
        session.add(Author(name="Octavia"))


@app.get("/undone")
async def _undo(session: AsyncSession = Depends(_get_saved)):
    session.add(Author(name="Octavia"))
    await session.rollback()


@app.get("/refused")
async def _refuse(session: AsyncSession = Depends(_get_saved)):
    author = await session.get(Author, 1)
    try:
        author.name = "Octavia"
        await session.commit()
    except ValueError:
        return "refused"


class _Reader:
    def __init__(self, author):
        self.author = author

    def name(self):
        if self.author.name == "Octavia":
            self.author.name = "Octavia E. Butler"
        return self.author.name


@app.get("/saved-before")
async def _save_and_show(session: AsyncSession = Depends(_get_saved)):
    author = await session.get(Author, 1)
    author.name = "Octavia"
    await session.commit()
    await session.refresh(author)
    return _Reader(author).name()


async def saved():
    assert ["commit", "response", "commit"] == await _order("/saved")


async def saved_before_it_is_shown():
    assert ["commit", "response", "commit"] == await _order("/saved-before")


async def saved_in_a_block():
    assert ["commit", "response", "commit"] == await _order("/block-saved")


async def refused_where_it_cannot_be_saved():
    assert ["commit", "response", "commit"] == await _order("/refused")


async def undone():
    assert ["response", "commit"] == await _order("/undone")


async def _get_to_log():
    async with _open_session() as session:
        session.add(Author(name="a reader"))
        yield session
        session.add(Author(name="done"))
        await session.commit()  # quiet: these are changes of the dependency itself


@app.get("/log")
async def _logged(session: AsyncSession = Depends(_get_to_log)):
    return (await session.get(Author, 1)).name


async def logged():
    assert ["response", "commit"] == await _order("/log")


async def _get_shared():
    async with _open_session() as session:
        yield session
        await session.commit()  # quiet: both share a session, and one of them commits


async def _get_author(session: AsyncSession = Depends(_get_shared)):
    return await session.get(Author, 1)


@app.get("/shared")
async def _rename(author: Author = Depends(_get_author), session: AsyncSession = Depends(_get_shared)):
    author.name = "Octavia"
    await session.commit()


async def shared():
    assert ["commit", "response", "commit"] == await _order("/shared")


async def not_a_path_operation():
    async with asynccontextmanager(_get_saved)() as session:
        await session.execute(delete(Book))
    assert _happened == ["commit"]


async def _get_tried():
    async with _open_session() as session:
        yield session
        await session.commit()  # quiet: the path operation has committed, or failed


@app.get("/tried")
async def _try(session: AsyncSession = Depends(_get_tried)):
    author = await session.get(Author, 1)
    author.name = "Octavia"
    try:
        await session.commit()
    except Exception:
        await session.delete(author)
        await session.commit()


async def tried():
    assert ["commit", "response", "commit"] == await _order("/tried")
