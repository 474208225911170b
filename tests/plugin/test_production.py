"""Sessions of tests in the shape of those in production."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Engine, StaticPool, create_engine, event, func, select, text
from sqlalchemy.orm import Session, scoped_session, sessionmaker
from sqlalchemy.orm.exc import DetachedInstanceError

import outlive
from outlive import explain
from outlive.recorder import callers
from outlive.testing.plugin import codes_of
from outlive.testing.production import Production, production_shaped
from outlive.testing.settings import Shape
from tests.databases import UNAWAITED
from tests.shelf import Author, Book, fill

BOTH = Shape.EXPIRE | Shape.CLOSE


def troubled(error: BaseException) -> None:
    raise AssertionError from error


@pytest.fixture
def engine() -> Iterator[Engine]:
    """One connection for all threads, as tests of applications have it."""
    engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    with engine.begin() as connection:
        fill(connection)
    yield engine
    engine.dispose()


@pytest.fixture(autouse=True)
def makers(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As the plugin does it: the sessions of a test and its fixtures are the test's."""
    for code in codes_of(request.function):
        monkeypatch.setitem(callers.makers, code, "")
    with outlive.watch(notes=False):
        yield


@pytest.fixture
def shaped() -> Iterator[Production]:
    with production_shaped(BOTH, troubled) as production:
        yield production


def one(session: Any) -> Author:
    return session.scalars(select(Author)).one()


def is_loaded(author: Author) -> bool:
    return "name" in vars(author)


# -- expiry -----------------------------------------------------------------------------------------------------------


FACTORIES: dict[str, Callable[[Engine], Any]] = {
    "Session": lambda engine: Session(engine, expire_on_commit=False),
    "sessionmaker": lambda engine: sessionmaker(engine, expire_on_commit=False)(),
    "configure": lambda engine: configured(engine)(),
    "scoped_session": lambda engine: scoped_session(sessionmaker(engine, expire_on_commit=False)),
    "subclass": lambda engine: type("Own", (Session,), {})(engine, expire_on_commit=False),
    "sqlmodel": lambda engine: pytest.importorskip("sqlmodel", exc_type=ImportError).Session(
        engine, expire_on_commit=False
    ),
}


def configured(engine: Engine) -> sessionmaker[Session]:
    factory = sessionmaker(engine)
    factory.configure(expire_on_commit=False)
    return factory


@pytest.mark.parametrize("make", FACTORIES.values(), ids=FACTORIES)
def test_a_commit_expires_whatever_the_factory_says(make: Callable[[Engine], Any], engine: Engine) -> None:
    session = make(engine)
    with production_shaped(Shape.EXPIRE, troubled):
        author = one(session)
        session.commit()
        was_loaded = is_loaded(author)
    one(session)
    session.commit()

    assert (False, True) == (was_loaded, is_loaded(author))
    session.close()


def test_a_session_of_flask_sqlalchemy_expires() -> None:
    flask, extension = pytest.importorskip("flask"), pytest.importorskip("flask_sqlalchemy")
    app = flask.Flask(__name__)
    app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite://"
    db = extension.SQLAlchemy(app, session_options={"expire_on_commit": False})
    with app.app_context(), production_shaped(Shape.EXPIRE, troubled):
        fill(db.session.connection())
        author = one(db.session)
        db.session.commit()

        assert not is_loaded(author)
        db.engine.dispose()


@pytest.mark.filterwarnings(UNAWAITED)
def test_an_async_session_expires(async_database: Any) -> None:
    from sqlalchemy.ext.asyncio import async_sessionmaker  # noqa: PLC0415  fails without greenlet

    async def story(engine: Any) -> bool:
        async with engine.begin() as connection:
            await connection.run_sync(fill)
        async with async_sessionmaker(engine, expire_on_commit=False)() as session:
            author = (await session.scalars(select(Author))).one()
            await session.commit()
            return is_loaded(author)

    with production_shaped(Shape.EXPIRE, troubled):
        assert not async_database.tell(story)


def test_a_factory_of_ours_keeps_its_values_in_production_too(engine: Engine, shaped: Production) -> None:
    with outlive.sessionmaker(engine)() as session:
        author = one(session)
        session.commit()

        assert is_loaded(author)
        assert not shaped.has_overruled


def test_whether_a_session_was_overruled_is_known(engine: Engine, shaped: Production) -> None:
    with Session(engine) as session:
        session.commit()
    assert not shaped.has_overruled
    with Session(engine, expire_on_commit=False) as session:
        session.commit()

    assert shaped.has_overruled


def test_nothing_stays_behind() -> None:
    def there() -> tuple[Any, ...]:
        names = ("expire_on_commit", "__enter__", "__exit__", "close", "__init__")
        return tuple(vars(Session).get(name) for name in names)

    before = there()
    with production_shaped(BOTH, troubled):
        assert before != there()

    assert before == there()


# -- the end of a request ---------------------------------------------------------------------------------------------


class Shop:
    """A program with a cache, and what it does in a request."""

    def __init__(self) -> None:
        self.cache: dict[str, Author] = {}
        self.work: Callable[[Any], Any] = lambda _: None

    def serve(self, session: Any) -> None:
        self.work(session)

    def keep(self, session: Any) -> None:
        """Put an object where the next request finds it."""
        self.cache["author"] = one(session)


def fastapi_app(shop: Shop, session: Any) -> Any:
    fastapi = pytest.importorskip("fastapi")
    app = fastapi.FastAPI()

    def get_session() -> Session:
        raise AssertionError("not in a test")

    @app.get("/")
    def read(session: Any = fastapi.Depends(get_session)) -> None:  # noqa: B008  FastAPI's idiom
        shop.serve(session)

    app.dependency_overrides[get_session] = lambda: session
    return app


def asked_by_test_client(shop: Shop, session: Any) -> None:
    pytest.importorskip("httpx")
    testclient = pytest.importorskip("fastapi.testclient")
    assert testclient.TestClient(fastapi_app(shop, session)).get("/").status_code == 200


def asked_by_transport(shop: Shop, session: Any) -> None:
    httpx = pytest.importorskip("httpx")

    async def ask() -> int:
        transport = httpx.ASGITransport(fastapi_app(shop, session))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return (await client.get("/")).status_code

    assert asyncio.run(ask()) == 200


def asked_of_flask(shop: Shop, session: Any) -> None:
    flask = pytest.importorskip("flask")
    app = flask.Flask(__name__)

    @app.get("/")
    def read() -> str:
        shop.serve(session)
        return ""

    assert app.test_client().get("/").status_code == 200


CLIENTS = (asked_by_test_client, asked_by_transport, asked_of_flask)


@pytest.fixture(params=CLIENTS, ids=lambda client: client.__name__)
def ask(request: pytest.FixtureRequest) -> Callable[[Shop, Any], None]:
    """Asks a program once, whose session is the test's."""
    for module in ("fastapi", "flask"):
        pytest.importorskip(module)
    with production_shaped(BOTH, troubled) as production:
        production.meet()
        yield request.param


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """As tests have it: everything is rolled back with the outer transaction."""
    callers.makers[inspect.currentframe().f_code] = "the fixture `session`"
    with engine.connect() as connection, connection.begin() as transaction:
        session = Session(connection, expire_on_commit=False, join_transaction_mode="create_savepoint")
        yield session
        session.close()
        assert transaction.is_active
        transaction.rollback()


def test_what_a_request_has_loaded_is_detached_at_its_end(ask: Any, session: Session) -> None:
    shop = Shop()
    shop.work = shop.keep
    ask(shop, session)

    with pytest.raises(DetachedInstanceError) as caught:
        shop.cache["author"].books  # noqa: B018
    explanation = explain(caught.value)
    assert explanation
    [left] = [step for step in explanation.where if "detached here" in step.message]
    assert "its request was over, and outside of tests its session is closed then" in left.message
    assert "tests/plugin/test_production.py" == left.place.filename


def test_while_the_request_runs_its_objects_can_be_read(ask: Any, session: Session) -> None:
    shop, titles = Shop(), []
    shop.work = lambda session: titles.extend(book.title for book in one(session).books)
    ask(shop, session)

    assert ["The Dispossessed", "The Lathe of Heaven"] == titles


def test_what_the_test_holds_stays_in_its_session(ask: Any, session: Session) -> None:
    author = one(session)
    shop = Shop()

    def rename(session: Session) -> None:
        one(session).name = "Octavia"
        session.commit()

    shop.work = rename
    ask(shop, session)
    session.refresh(author)

    assert ("Octavia", 2) == (author.name, len(author.books))


def test_what_was_committed_stays_in_the_outer_transaction(ask: Any, session: Session) -> None:
    shop = Shop()

    def write(session: Session) -> None:
        session.add(Book(title="Kindred"))
        session.commit()

    shop.work = write
    ask(shop, session)

    assert 3 == session.scalar(select(func.count()).select_from(Book))


def test_what_was_not_committed_is_not_lost(ask: Any, session: Session) -> None:
    """The dependency may commit in whose place the test has put its session."""
    shop = Shop()

    def write(session: Session) -> None:
        one(session).name = "Octavia"
        session.add(Book(title="Kindred"))
        session.flush()
        session.add(Book(title="Dawn", author=one(session)))
        session.get(Book, 1).title = "Rocannon's World"

    shop.work = write
    ask(shop, session)

    assert ["Rocannon's World", "The Lathe of Heaven", "Kindred", "Dawn"] == [*session.scalars(select(Book.title))]
    assert ["Octavia"] == [*session.scalars(select(Author.name))]


def test_a_delete_that_was_not_flushed_is_not_lost(ask: Any, session: Session) -> None:
    shop = Shop()
    shop.work = lambda session: session.delete(session.get(Book, 1))
    ask(shop, session)

    assert [2] == [*session.scalars(select(Book.id))]


def test_what_the_test_has_flushed_and_not_committed_is_not_lost(ask: Any, session: Session) -> None:
    book = Book(title="Kindred")
    session.add(book)
    session.flush()
    shop = Shop()
    shop.work = shop.keep
    ask(shop, session)

    with pytest.raises(DetachedInstanceError):
        shop.cache["author"].books  # noqa: B018
    assert 3 == session.scalar(select(func.count()).select_from(Book))
    assert book in session


def test_no_sql_is_emitted(ask: Any, session: Session) -> None:
    shop, emitted = Shop(), []
    event.listen(session.connection(), "before_cursor_execute", lambda *args: emitted.append(args[2]))

    def load(session: Session) -> None:
        shop.keep(session)
        emitted.clear()

    shop.work = load
    ask(shop, session)

    assert ([], False) == (emitted, shop.cache["author"] in session)


def test_what_the_test_has_not_flushed_yet_stays_pending(ask: Any, session: Session) -> None:
    book, author = Book(title="Kindred"), one(session)
    author.name = "Octavia"
    session.add(book)
    with session.no_autoflush:
        shop = Shop()
        shop.work = lambda session: session.scalars(select(Book)).all()
        ask(shop, session)

        assert (book in session.new, author in session.dirty) == (True, True)
    session.commit()
    assert "Octavia" == session.scalar(text("select name from author"))


def test_a_session_that_the_request_does_not_use_is_left_alone(ask: Any, engine: Engine) -> None:
    other, events = Session(engine), []
    author = one(other)
    for name in ("persistent_to_detached", "detached_to_persistent", "after_transaction_end"):
        event.listen(other, name, lambda *_: events.append(True))
    transaction = other.get_transaction()
    ask(Shop(), Session(engine))

    assert ([], transaction, True) == (events, other.get_transaction(), author in other)
    other.close()


def test_after_a_request_the_test_can_begin_a_transaction(ask: Any, session: Session) -> None:
    author = one(session)
    session.commit()
    shop = Shop()

    def commit(session: Session) -> None:
        shop.cache["book"] = session.get(Book, 1)
        session.commit()

    shop.work = commit
    ask(shop, session)
    with session.begin():
        author.name = "Octavia"

    assert "Octavia" == session.scalar(text("select name from author"))


def test_what_the_request_deletes_is_gone(ask: Any, session: Session) -> None:
    author = one(session)
    shop = Shop()

    def delete(session: Session) -> None:
        session.delete(one(session))
        session.commit()

    shop.work = delete
    ask(shop, session)

    assert (False, None) == (author in session, session.get(Author, 1))


def test_a_session_whose_close_the_fixture_has_disarmed(ask: Any, session: Session) -> None:
    session.close = lambda: None  # type: ignore[method-assign]
    shop = Shop()
    shop.work = shop.keep
    ask(shop, session)
    del session.close

    assert shop.cache["author"] not in session


def test_an_error_of_the_program_stays_what_it_is(session: Session) -> None:
    pytest.importorskip("httpx")
    shop = Shop()

    def fail(_: Session) -> None:
        raise ZeroDivisionError

    shop.work = fail
    with production_shaped(BOTH, troubled), pytest.raises(ZeroDivisionError):
        asked_by_test_client(shop, session)


def test_a_session_of_the_programs_own_is_left_alone(ask: Any, engine: Engine) -> None:
    """It may live longer than a request on purpose."""
    with ThreadPoolExecutor() as threads:
        own = threads.submit(Session, engine).result()
    shop = Shop()
    shop.work = shop.keep
    ask(shop, own)

    assert shop.cache["author"] in own
    own.close()


def test_a_session_of_a_plain_outer_transaction(ask: Any, engine: Engine) -> None:
    with engine.connect() as connection, connection.begin() as transaction:
        session = Session(connection)
        shop = Shop()

        def write(session: Session) -> None:
            session.add(Book(title="Kindred"))
            session.commit()
            shop.keep(session)

        shop.work = write
        ask(shop, session)

        assert (True, 3) == (transaction.is_active, session.scalar(select(func.count()).select_from(Book)))
        assert shop.cache["author"] not in session
        session.close()
        transaction.rollback()


# -- `with` blocks ----------------------------------------------------------------------------------------------------


def test_a_block_around_a_session_that_does_not_close(session: Session, shaped: Production) -> None:
    """As where a factory of the program is replaced by one that gives the test's session."""
    session.close = lambda: None  # type: ignore[method-assign]
    mine = session.get(Book, 1)
    with session:
        author = one(session)
    del session.close

    assert (False, True) == (author in session, mine in session)


def test_a_block_around_a_session_that_closes_is_left_alone(engine: Engine, shaped: Production) -> None:
    session = Session(engine)
    with session:
        author = one(session)

    with pytest.raises(DetachedInstanceError) as caught:
        author.books  # noqa: B018
    assert "its session was closed." in str(explain(caught.value))


@pytest.mark.filterwarnings(UNAWAITED)
def test_a_block_around_an_async_session_that_does_not_close(async_database: Any) -> None:
    from sqlalchemy.ext.asyncio import AsyncSession  # noqa: PLC0415  fails without greenlet

    async def stay_open() -> None:
        pass

    async def story(engine: Any) -> tuple[bool, bool]:
        async with engine.begin() as connection:
            await connection.run_sync(fill)
        session = AsyncSession(engine)
        session.close = stay_open  # type: ignore[method-assign]
        mine = await session.get(Book, 1)
        async with session:
            author = (await session.scalars(select(Author))).one()
        del session.close
        seen = author in session, mine in session
        await session.close()
        return seen

    with production_shaped(BOTH, troubled):
        assert (False, True) == async_database.tell(story)


# -- async sessions ---------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings(UNAWAITED)
def test_an_async_session_at_the_end_of_a_request(async_database: Any) -> None:
    fastapi, httpx = pytest.importorskip("fastapi"), pytest.importorskip("httpx")
    from sqlalchemy.ext.asyncio import AsyncSession  # noqa: PLC0415  fails without greenlet

    app, cache = fastapi.FastAPI(), {}

    async def get_session() -> AsyncSession:
        raise AssertionError("not in a test")

    @app.post("/")
    async def write(session: AsyncSession = fastapi.Depends(get_session)) -> None:  # noqa: B008  FastAPI's idiom
        session.add(Book(title="Kindred"))
        await session.commit()
        cache["author"] = (await session.scalars(select(Author))).one()

    async def story(engine: Any) -> tuple[Any, ...]:
        async with engine.begin() as connection:
            await connection.run_sync(fill)
        async with engine.connect() as connection:
            transaction = await connection.begin()
            session = AsyncSession(connection, join_transaction_mode="create_savepoint", expire_on_commit=False)
            mine = await session.get(Book, 1)
            app.dependency_overrides[get_session] = lambda: session
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                assert (await client.post("/")).status_code == 200
            count = await session.scalar(select(func.count()).select_from(Book))
            seen = cache["author"] in session, mine in session, count, transaction.is_active
            await session.close()
            await transaction.rollback()
            return seen

    with production_shaped(BOTH, troubled):
        seen = async_database.tell(story)

    assert (False, True, 3, True) == seen
    with pytest.raises(DetachedInstanceError):
        cache["author"].books  # noqa: B018


def test_requests_that_overlap_are_one(engine: Engine) -> None:
    httpx, starlette = pytest.importorskip("httpx"), pytest.importorskip("starlette.applications")
    routing, responses = pytest.importorskip("starlette.routing"), pytest.importorskip("starlette.responses")
    session, held, entered, seen = Session(engine), [], asyncio.Event(), []

    async def endpoint(request: Any) -> Any:
        if request.url.path == "/slow":
            held.append(one(session))
            await entered.wait()
            seen.append(held[0] in session)
        return responses.PlainTextResponse("")

    app = starlette.Starlette(routes=[routing.Route("/{path}", endpoint)])

    async def ask() -> None:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            slow = asyncio.create_task(client.get("/slow"))
            await client.get("/fast")
            entered.set()
            await slow

    with production_shaped(BOTH, troubled):
        asyncio.run(ask())

    assert (True, False) == (seen[0], held[0] in session)
    session.close()


def test_a_failure_of_ours_is_told_and_not_raised(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[BaseException] = []

    def fail(*_: object) -> None:
        raise RuntimeError("ours")

    monkeypatch.setattr("outlive.testing.borrowed.note_departure", fail)
    pytest.importorskip("httpx")
    pytest.importorskip("fastapi")
    shop = Shop()
    shop.work = shop.keep
    with production_shaped(BOTH, told.append):
        asked_by_test_client(shop, session)

    assert ["ours"] == [str(error) for error in told]
