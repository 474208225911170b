"""Retries, handlers that always raise, methods of abstract classes, attributes that are set by name."""

from contextlib import asynccontextmanager

AsyncKeeping = async_sessionmaker(async_engine, expire_on_commit=False)
TRIES = 3


class _TakenError(Exception):
    pass


class Saved(Base):
    __abstract__ = True

    id: Mapped[int] = mapped_column(primary_key=True)

    async def save(self, session, titles=()):
        for attempt in range(TRIES):
            try:
                session.add(self)
                for title in titles:
                    await session.merge(Book(id=1, title=title))
                await session.flush()
                await session.refresh(self)
                return self
            except IntegrityError as error:
                if titles and attempt < TRIES - 1:
                    await session.rollback()
                    titles = ()
                    continue
                _refuse(error)

    async def remove(self, session):
        try:
            await session.delete(self)
            await session.merge(Book(id=2, title=None))
            await session.flush()
        except IntegrityError:
            await session.rollback()
            print(f"cannot remove {self.id}")  # finding: self.id expired at the rollback: reading it needs `await`

    async def remove_by_key(self, session):
        key = self.id
        try:
            await session.delete(self)
            await session.merge(Book(id=2, title=None))
            await session.flush()
        except IntegrityError:
            await session.rollback()
            print(f"cannot remove {key}")  # quiet: read before


class Ticket(Saved):
    __tablename__ = "ticket"

    seat: Mapped[int] = mapped_column(unique=True)


def _refuse(error):
    if "UNIQUE" in str(error):
        raise _TakenError from error
    raise ValueError from error


async def _table(session):
    await session.run_sync(lambda sync_session: Base.metadata.create_all(sync_session.connection()))
    await session.commit()


async def _ticket(session):
    await _table(session)
    session.add(Ticket(id=5, seat=5))
    await session.commit()
    return await session.get(Ticket, 5)


async def handler_in_a_method_of_an_abstract_class():
    async with AsyncKeeping() as session:
        await (await _ticket(session)).remove(session)


async def key_read_before_in_a_method_of_an_abstract_class():
    async with AsyncKeeping() as session:
        await (await _ticket(session)).remove_by_key(session)


async def saved_at_last():
    async with AsyncKeeping() as session:
        await _table(session)
        ticket = Ticket(seat=7)
        await ticket.save(session)
        await session.refresh(ticket)  # quiet: whoever comes out of the retries has saved it
        print(ticket.id)  # quiet: and refreshed


async def saved_at_the_second_try():
    async with AsyncKeeping() as session:
        await _table(session)
        book = await session.get(Book, 2)
        ticket = Ticket(seat=8)
        await ticket.save(session, [None])
        print(book.title)  # finding: book.title expired at the rollback: reading it needs `await`


async def values_put_back_by_name():
    async with AsyncKeeping() as session:
        book = await session.get(Book, 2)
        names = [column.key for column in Book.__table__.columns if not column.primary_key]
        values = {name: getattr(book, name) for name in names}
        await session.rollback()
        for name, value in values.items():
            setattr(book, name, value)
        print(book.title)  # quiet: it has been put back


@asynccontextmanager
async def _stubborn_session():
    for attempt in range(TRIES):
        try:
            async with AsyncKeeping() as session:
                try:
                    yield session
                except IntegrityError:
                    await session.rollback()
                    raise
            return
        except ConnectionError:
            if attempt == TRIES - 1:
                raise


async def block_that_runs_once():
    books = []
    async with _stubborn_session() as session:
        for book in books:
            print(book.title)
        books.append(await session.get(Book, 2))  # quiet: the block runs once, whatever the generator would try
