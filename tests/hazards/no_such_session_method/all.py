"""Methods that a session has, and methods that it has not."""

from sqlalchemy.ext.asyncio import async_scoped_session
from sqlalchemy.orm import scoped_session


class _ClearingSession(Session):
    def clear(self):
        self.expunge_all()


class _AnythingSession(Session):
    def __getattr__(self, name):
        return lambda *args: None


class _Browser:
    """A session of another kind."""

    def __init__(self):
        self.cookies = {}

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        pass

    def clear(self):
        self.cookies.clear()


def clear():
    with SessionLocal() as session:
        session.clear()  # finding: Session has no method `clear`


def clear_on_a_session_made_in_place():
    session = Session(engine)
    session.clear()  # finding: Session has no method `clear`


def save():
    with SessionLocal() as session:
        session.save(Book(title="Lavinia"))  # finding: Session has no method `save`


def find():
    with Session(engine) as session:
        session.find(Book, 1)  # finding: Session has no method `find`


def persist():
    with Session(engine) as session:
        session.persist(Book(title="Lavinia"))  # finding: Session has no method `persist`


def evict():
    with Session(engine) as session:
        session.evict(session.get(Book, 1))  # finding: Session has no method `evict`


def remove():
    with SessionLocal() as session:
        session.remove()  # finding: Session has no method `remove`


def annotated_parameter(session: Session):
    session.clear()  # finding: Session has no method `clear`


async def query_async():
    async with AsyncSessionLocal() as session:
        session.query(Book)  # finding: AsyncSession has no method `query`


async def clear_async():
    async with AsyncSession(async_engine) as session:
        session.clear()  # finding: AsyncSession has no method `clear`


async def annotated_parameter_async(session: AsyncSession):
    await session.query(Book).first()  # finding: AsyncSession has no method `query`


async def bulk_async():
    async with AsyncSessionLocal() as session:
        await session.bulk_save_objects([Book(title="Lavinia")])  # finding: AsyncSession has no method `bulk_save_objects`


def on_one_path(tidy):
    with SessionLocal() as session:
        if tidy:
            session.clear()  # finding: Session has no method `clear`


def expunge_all():
    with SessionLocal() as session:
        session.expunge_all()  # quiet: exists


def methods_that_exist():
    with SessionLocal() as session:
        session.query(Book).all()  # quiet: exists on a sync session
        session.bulk_save_objects([Book(title="Lavinia")])  # quiet: exists on a sync session
        session.reset() if hasattr(session, "reset") else None  # quiet: exists since 2.0.22
        session.get_bind()  # quiet: exists
        session.invalidate()  # quiet: exists


def attributes_that_exist():
    with SessionLocal() as session:
        session.info.clear()  # quiet: a dictionary
        session.info["shop"] = 1
        print(session.new, session.dirty, session.deleted, session.identity_map)  # quiet: attributes
        print(session.no_autoflush, session.bind, session.autoflush)  # quiet: attributes
        session.connection().execute(select(1))  # quiet: exists


def own_session_class():
    with _ClearingSession(engine) as session:
        session.clear()  # quiet: its own method


def own_session_class_with_any_method():
    with _AnythingSession(engine) as session:
        session.clear()  # quiet: __getattr__ answers


def own_session_class_through_a_factory():
    Clearing = sessionmaker(engine, class_=_ClearingSession)
    with Clearing() as session:
        session.clear()  # quiet: its own method


def session_of_another_kind():
    with _Browser() as session:
        session.clear()  # quiet: not SQLAlchemy's


def unknown_parameter(session):
    getattr(session, "expunge_all")()  # quiet: by name
    session.expire_all()  # quiet: exists


def scoped_session_removed():
    Shop = scoped_session(SessionLocal)
    Shop.get(Book, 1)
    Shop.remove()  # quiet: exists on a scoped session


def scoped_session_called():
    Shop = scoped_session(SessionLocal)
    Shop().expunge_all()  # quiet: exists
    Shop.configure(autoflush=False) if not Shop.registry.has() else Shop.remove()  # quiet: exists


async def async_scoped_session_removed():
    Shop = async_scoped_session(AsyncSessionLocal, scopefunc=asyncio.current_task)
    await Shop.get(Book, 1)
    await Shop.remove()  # quiet: exists on a scoped session


async def methods_that_exist_async():
    async with AsyncSessionLocal() as session:
        print(session.sync_session, session.in_transaction())  # quiet: exist
        await session.stream(select(Book))  # quiet: exists
        await session.run_sync(lambda sync_session: sync_session.query(Book).all())  # quiet: the sync session has it
        await session.connection()  # quiet: exists
        session.expire_all()  # quiet: exists


def asked_first():
    with SessionLocal() as session:
        if hasattr(session, "clear"):
            session.clear()
        session.expunge_all()  # quiet: exists


def expected_to_fail():
    with SessionLocal() as session:
        try:
            session.clear()  # quiet: the handler is there for exactly this
        except AttributeError:
            session.expunge_all()


def patched():
    with SessionLocal() as session:
        session.clear = session.expunge_all
        session.clear()  # quiet: assigned above


class _ExecutingSession(Session):
    def exec(self, statement):
        return self.execute(statement)


def _exec(session: Session):
    return session.exec(select(Book))  # quiet: an annotation allows a subclass, and that may have it


def annotated_and_given_a_subclass():
    with _ExecutingSession(engine) as session:
        _exec(session)
