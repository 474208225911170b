"""Unloaded attributes in async code, while the session is open."""

# since SQLAlchemy 2.0.13

from sqlalchemy.ext.asyncio import AsyncAttrs
from sqlalchemy.orm.attributes import set_committed_value

AsyncKeeping = async_sessionmaker(async_engine, expire_on_commit=False)


class Reader(AsyncAttrs, Base):
    __tablename__ = "reader"

    id: Mapped[int] = mapped_column(primary_key=True)
    favourite_id: Mapped[int | None] = mapped_column(ForeignKey("author.id"))
    favourite: Mapped[Author | None] = relationship()
    eager: Mapped[Author | None] = relationship(lazy="joined", viewonly=True)


async def _reader(session):
    await session.run_sync(lambda sync_session: Base.metadata.create_all(sync_session.connection()))
    session.add(Reader(id=1, favourite_id=1))
    await session.flush()
    session.expunge_all()
    return await session.get(Reader, 1)


async def never_loaded():
    async with AsyncKeeping() as session:
        author = (await session.scalars(select(Author))).one()
        print(author.name)  # quiet: a loaded column
        print(author.books)  # finding: author.books is not loaded: reading it needs `await`


async def got_by_key():
    async with AsyncKeeping() as session:
        author = await session.get(Author, 1)
        print(author.books)  # finding: author.books is not loaded: reading it needs `await`


async def many_to_one():
    async with AsyncKeeping() as session:
        book = await session.get(Book, 1)
        print(book.author_id)  # quiet: the foreign key is a column
        print(book.author)  # finding: book.author is not loaded: reading it needs `await`


async def deferred_column():
    async with AsyncKeeping() as session:
        author = await session.get(Author, 1)
        print(author.biography)  # finding: author.biography is not loaded: reading it needs `await`


async def undeferred_column():
    async with AsyncKeeping() as session:
        author = await session.get(Author, 1, options=[undefer(Author.biography)])
        print(author.biography)  # quiet: loaded with the query


async def loaded_by_option():
    async with AsyncKeeping() as session:
        result = await session.execute(select(Author).options(selectinload(Author.books)))
        author = result.scalar_one()
        print(author.books)  # quiet: loaded with the query


async def parent_is_in_the_identity_map():
    async with AsyncKeeping() as session:
        author = await session.get(Author, 1)
        book = await session.get(Book, 1)
        print(author.name, book.author.name)  # quiet: the identity map has it, so no SQL


async def children_know_their_parent():
    async with AsyncKeeping() as session:
        author = await session.get(Author, 1, options=[selectinload(Author.books)])
        print([book.author.name for book in author.books])  # quiet: the identity map has it, so no SQL


async def second_hop_is_missing():
    async with AsyncKeeping() as session:
        book = (await session.scalars(select(Book).where(Book.id == 1).options(joinedload(Book.author)))).one()
        print(book.author.name)  # quiet: loaded with the query
        print(book.author.books)  # finding: book.author.books is not loaded: reading it needs `await`


async def second_hop_is_there():
    async with AsyncKeeping() as session:
        query = select(Book).options(joinedload(Book.author).selectinload(Author.books))
        for book in await session.scalars(query):
            print(len(book.author.books))  # quiet: both hops are loaded


async def refreshed_by_name():
    async with AsyncKeeping() as session:
        author = await session.get(Author, 1)
        await session.refresh(author, ["books"])
        print(author.books)  # quiet: refresh loads what it names


async def refreshed_without_a_name():
    async with AsyncKeeping() as session:
        author = await session.get(Author, 1)
        await session.refresh(author)
        print(author.name)  # quiet: a column
        len(author.books)  # also expired-read-in-async: author.books was dropped by the refresh


async def mapping_loads_it():
    async with AsyncKeeping() as session:
        reader = await _reader(session)
        print(reader.eager.name)  # quiet: lazy="joined" loads it with every query


async def awaited():
    async with AsyncKeeping() as session:
        reader = await _reader(session)
        favourite = await reader.awaitable_attrs.favourite
        print(favourite.name)  # quiet: awaited
        print(reader.favourite.name)  # quiet: loaded by the awaited read


async def not_awaited():
    async with AsyncKeeping() as session:
        reader = await _reader(session)
        session.expunge(reader.eager)
        print(reader.id)  # quiet: a column
        print(reader.favourite)  # finding: reader.favourite is not loaded: reading it needs `await`


async def run_sync_reads():
    async with AsyncKeeping() as session:
        author = await session.get(Author, 1)
        print(await session.run_sync(lambda _: [book.title for book in author.books]))  # quiet: run_sync may load


def _titles(session, author_id):
    author = session.get(Author, author_id)
    return [book.title for book in author.books]  # quiet: runs in run_sync, where loading is fine


async def run_sync_calls_a_function():
    async with AsyncKeeping() as session:
        print(await session.run_sync(_titles, 1))


async def new_object_before_its_flush():
    async with AsyncKeeping() as session:
        author = Author(name="Octavia")
        session.add(author)
        print(author.books)  # quiet: a pending object has an empty collection


async def new_object_after_its_flush():
    async with AsyncKeeping() as session:
        author = Author(name="Octavia")
        session.add(author)
        await session.flush()
        print(author.name)  # quiet: a column
        print(author.books)  # finding: author.books is not loaded: reading it needs `await`


async def reading_before_the_flush_does_not_load():
    async with AsyncKeeping() as session:
        author = Author(name="Octavia")
        session.add(author)
        print(author.books)  # quiet: a pending object has an empty collection
        await session.commit()
        print(author.books)  # finding: author.books is not loaded: reading it needs `await`


async def new_object_with_its_books():
    async with AsyncKeeping() as session:
        author = Author(name="Octavia", books=[])
        session.add(author)
        await session.commit()
        print(author.books)  # quiet: the collection was given


async def assigned_by_hand():
    async with AsyncKeeping() as session:
        author = await session.get(Author, 1)
        book = Book(title="Lavinia", author=author)
        session.add(book)
        await session.commit()
        print(book.author.name)  # quiet: an assigned relationship is loaded


async def assigned_key_only():
    async with AsyncKeeping() as session:
        book = Book(title="Lavinia", author_id=1)
        session.add(book)
        await session.commit()
        print(book.author_id)  # quiet: a column
        print(book.author)  # finding: book.author is not loaded: reading it needs `await`


async def key_is_none():
    async with AsyncKeeping() as session:
        book = Book(title="Beowulf", author=None)
        session.add(book)
        await session.commit()
        print(book.author)  # quiet: assigned


async def set_committed():
    async with AsyncKeeping() as session:
        author = await session.get(Author, 1)
        set_committed_value(author, "books", [])
        print(author.books)  # quiet: set by hand, like a load


async def rows_of_a_list():
    async with AsyncKeeping() as session:
        for book in (await session.scalars(select(Book))).all():
            print(book.title)  # quiet: a loaded column
            print(book.author)  # finding: book.author is not loaded: reading it needs `await`


async def rows_streamed():
    async with AsyncKeeping() as session:
        async for book in await session.stream_scalars(select(Book)):
            print(book.title)  # quiet: a loaded column
            print(book.author)  # finding: book.author is not loaded: reading it needs `await`


async def flag_loads_and_flag_reads(with_books):
    query = select(Author)
    if with_books:
        query = query.options(selectinload(Author.books))
    async with AsyncKeeping() as session:
        author = (await session.scalars(query)).one()
        if with_books:
            print(author.books)  # quiet: read only where it was loaded


async def flag_loads_but_every_path_reads(with_books):
    query = select(Author)
    if with_books:
        query = query.options(selectinload(Author.books))
    async with AsyncKeeping() as session:
        author = (await session.scalars(query)).one()
        print(author.books)  # finding: author.books is not loaded: reading it needs `await`


async def session_as_a_parameter(session):
    author = await session.get(Author, 1)
    print(author.name)  # quiet: a loaded column
    print(author.books)  # finding: author.books is not loaded: reading it needs `await`


async def typed_session_as_a_parameter(session: AsyncSession):
    author = (await session.scalars(select(Author))).one()
    print(author.books)  # finding: author.books is not loaded: reading it needs `await`


def sync_session_as_a_parameter(session):
    author = session.get(Author, 1)
    print(author.books)  # quiet: a sync session loads it


class _Repository:
    def __init__(self, session: AsyncSession):
        self.session = session

    async def author(self, author_id):
        return await self.session.get(Author, author_id)

    async def author_with_books(self):
        result = await self.session.execute(select(Author).options(selectinload(Author.books)))
        return result.scalars().first()


async def repository():
    async with AsyncKeeping() as session:
        author = await _Repository(session).author(1)
        print(author.name)  # quiet: a loaded column
        print(author.books)  # finding: author.books is not loaded: reading it needs `await`


async def repository_loads():
    async with AsyncKeeping() as session:
        author = await _Repository(session).author_with_books()
        print(author.books)  # quiet: loaded with the query


def _to_dict(author):
    return {"name": author.name, "books": [book.title for book in author.books]}


async def read_by_a_callee():
    async with AsyncKeeping() as session:
        author = await session.get(Author, 1)
        return _to_dict(author)  # finding: Author.books is not loaded: reading it needs `await`


async def read_by_a_callee_loaded():
    async with AsyncKeeping() as session:
        author = await session.get(Author, 1, options=[selectinload(Author.books)])
        return _to_dict(author)  # quiet: loaded with the query


async def deferred_column_of_a_new_object():
    async with AsyncSession(async_engine, expire_on_commit=False) as session:
        author = Author(name="Octavia")
        session.add(author)
        await session.commit()
        print(author.biography)  # finding: author.biography is not loaded: reading it needs `await`


async def deferred_column_given_to_a_new_object():
    async with AsyncSession(async_engine, expire_on_commit=False) as session:
        author = Author(name="Octavia", biography="Born in Pasadena.")
        session.add(author)
        await session.commit()
        print(author.biography)  # quiet: given


async def column_not_given_to_a_new_object():
    async with AsyncSession(async_engine, expire_on_commit=False) as session:
        book = Book(title="Kindred")
        session.add(book)
        await session.commit()
        print(book.author_id)  # quiet: a column that was not given reads None
