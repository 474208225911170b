"""Dependencies of Litestar: they have names, and the nearest layer wins."""

import httpx
from litestar import Controller, Litestar, Router, get, post
from litestar.di import NamedDependency, Provide
from litestar.response import Response

_raised = []
_Keeping = async_sessionmaker(async_engine, expire_on_commit=False)


async def _session():
    async with AsyncSessionLocal() as session:
        yield session


async def _keeping_session():
    async with _Keeping() as session:
        yield session


# Litestar wants one name for each provider.
async def _session_of_the_controller():
    async with AsyncSessionLocal() as session:
        yield session


async def _keeping_session_of_the_controller():
    async with _Keeping() as session:
        yield session


async def _session_of_the_router():
    async with AsyncSessionLocal() as session:
        yield session


class _Books:
    def __init__(self, session):
        self.session = session

    async def get(self, key):
        return await self.session.get(Book, key)

    async def save(self):
        await self.session.commit()


async def _books(session: NamedDependency[AsyncSession]) -> _Books:
    return _Books(session)


@post("/application")
async def _of_the_application(session: NamedDependency[AsyncSession]) -> str:
    book = await session.get(Book, 1)
    await session.commit()
    return book.title  # finding: book.title expired at the commit: reading it needs `await`


@post("/handler", dependencies={"session": _keeping_session})
async def _of_the_handler(session: NamedDependency[AsyncSession]) -> str:
    book = await session.get(Book, 1)
    await session.commit()
    return book.title  # quiet: the handler has a dependency of its own, which keeps


@post("/needs-another")
async def _that_needs_another(books: NamedDependency[_Books]) -> str:
    book = await books.get(1)
    await books.save()
    return book.title  # finding: book.title expired at the commit: reading it needs `await`


@post("/needs-what-keeps", dependencies={"session": Provide(_keeping_session)})
async def _that_needs_what_the_handler_has(books: _Books) -> str:
    book = await books.get(1)
    await books.save()
    return book.title  # quiet: the session of the handler is the one that the books get


class _Controller(Controller):
    path = "/controller"
    dependencies = {
        "keeping": Provide(_keeping_session_of_the_controller),
        "expiring": Provide(_session_of_the_controller),
    }

    @post("/keeping")
    async def keep(self, keeping: AsyncSession) -> str:
        book = await keeping.get(Book, 1)
        await keeping.commit()
        return book.title  # quiet: the dependency of the controller keeps

    @post("/expiring")
    async def expire(self, expiring: AsyncSession) -> str:
        book = await expiring.get(Book, 1)
        await expiring.commit()
        return book.title  # finding: book.title expired at the commit: reading it needs `await`


@get("/router")
async def _of_a_router(database: AsyncSession) -> str:
    book = await database.get(Book, 1)
    await database.commit()
    return book.title  # finding: book.title expired at the commit: reading it needs `await`


async def _of_nobody(session: AsyncSession):
    book = await session.get(Book, 1)
    await session.commit()
    print(book.title)  # quiet: a parameter of the same name, but not of a handler


def _remember(request, error):
    _raised.append(error)
    return Response("failed", status_code=500)


def _application():
    dependencies = {"session": Provide(_session), "books": _books}
    handlers = [
        _of_the_application,
        _of_the_handler,
        _that_needs_another,
        _that_needs_what_the_handler_has,
        _Controller,
        Router("/", route_handlers=[_of_a_router], dependencies={"database": Provide(_session_of_the_router)}),
    ]
    return Litestar(handlers, dependencies=dependencies, exception_handlers={Exception: _remember})


async def _send(method, path):
    transport = httpx.ASGITransport(app=_application())
    async with httpx.AsyncClient(transport=transport, base_url="http://bookshop") as client:
        await client.request(method, path)
    if _raised:
        raise _raised.pop()


async def the_application_provides():
    await _send("POST", "/application")


async def a_dependency_needs_another():
    await _send("POST", "/needs-another")


async def the_controller_provides():
    await _send("POST", "/controller/expiring")


async def a_router_provides():
    await _send("GET", "/router")


async def nothing_fails():
    for path in ("/handler", "/needs-what-keeps", "/controller/keeping"):
        await _send("POST", path)
    async with _Keeping() as session:
        await _of_nobody(session)
