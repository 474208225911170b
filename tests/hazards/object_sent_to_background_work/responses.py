"""Background tasks that a response has: it runs them when it has been sent."""

import httpx
from litestar import Litestar, get
from litestar.background_tasks import BackgroundTask
from litestar.di import Provide
from litestar.response import Response
from starlette.applications import Starlette
from starlette.background import BackgroundTask as StarletteTask
from starlette.responses import PlainTextResponse
from starlette.routing import Route

_raised = []


async def _session():
    async with AsyncSession(async_engine, expire_on_commit=False) as session:
        yield session


async def _count_books(author):
    try:
        print(len(author.books))
    except Exception as error:
        _raised.append(error)


async def _print_name(author):
    print(author.name)


@get("/litestar")
async def _of_litestar(session: AsyncSession) -> Response[str]:
    author = await session.get(Author, 1)
    return Response("ok", background=BackgroundTask(_count_books, author))  # finding: author.books is not loaded


@get("/loaded")
async def _that_needs_what_is_loaded(session: AsyncSession) -> Response[str]:
    author = await session.get(Author, 1)
    return Response("ok", background=BackgroundTask(_print_name, author))  # quiet: it is readable without its session


async def _of_starlette(request):
    async with AsyncSession(async_engine, expire_on_commit=False) as session:
        author = await session.get(Author, 1)
    return PlainTextResponse("ok", background=StarletteTask(_count_books, author))  # finding: author.books is not loaded


async def _get(application, path):
    async with httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://shop") as client:
        await client.get(path)
    if _raised:
        raise _raised.pop()


async def litestar():
    handlers = [_of_litestar, _that_needs_what_is_loaded]
    application = Litestar(handlers, dependencies={"session": Provide(_session)})
    await _get(application, "/loaded")
    await _get(application, "/litestar")


async def starlette():
    await _get(Starlette(routes=[Route("/starlette", _of_starlette)]), "/starlette")
