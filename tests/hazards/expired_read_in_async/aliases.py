"""One row under several names, and what reloads it."""

# since SQLAlchemy 2.0.13

from sqlalchemy import text, update
from sqlalchemy.ext.asyncio import AsyncAttrs
from sqlalchemy.orm import make_transient

AsyncKeeping = async_sessionmaker(async_engine, expire_on_commit=False)


class Reader(AsyncAttrs, Base):
    __tablename__ = "reader"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    notes: Mapped[list["Note"]] = relationship(cascade="all, delete-orphan")


class Note(Base):
    __tablename__ = "note"

    id: Mapped[int] = mapped_column(primary_key=True)
    reader_id: Mapped[int] = mapped_column(ForeignKey("reader.id"))


async def _add_reader(session):
    await session.run_sync(lambda sync_session: Base.metadata.create_all(sync_session.connection()))
    session.add(Reader(id=1, name="Genly"))
    await session.flush()


async def two_names_one_refreshed():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        same = (await session.scalars(select(Book).where(Book.id == 1))).one()
        await session.commit()
        await session.refresh(same)
        print(book.title)  # quiet: the same row, which the refresh has loaded


async def two_names_one_read_with_await():
    async with AsyncSessionLocal() as session:
        await _add_reader(session)
        reader = await session.get(Reader, 1)
        same = (await session.scalars(select(Reader))).one()
        await session.commit()
        await same.awaitable_attrs.name
        print(reader.name)  # quiet: the same row, which the awaited read has loaded


async def two_names_one_read_in_run_sync():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        same = (await session.scalars(select(Book).where(Book.id == 1))).one()
        await session.commit()
        await session.run_sync(lambda _: same.title)
        print(book.title)  # quiet: the same row, which run_sync has loaded


async def two_names_none_refreshed():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        same = (await session.scalars(select(Book).where(Book.id == 1))).one()
        await session.commit()
        print(same is book)  # quiet: no attribute is read
        print(book.title)  # finding: book.title expired at the commit: reading it needs `await`


async def two_rows_one_refreshed():
    async with AsyncSessionLocal() as session:
        first = await session.get(Book, 1)
        second = await session.get(Book, 2)
        await session.commit()
        await session.refresh(second)
        print(second.title)  # quiet: refreshed
        print(first.title)  # finding: first.title expired at the commit: reading it needs `await`


async def two_rows_got_again():
    async with AsyncSessionLocal() as session:
        first = await session.get(Book, 1)
        await session.commit()
        second = await session.get(Book, 2)
        print(second.title)  # quiet: got after the commit
        print(first.title)  # finding: first.title expired at the commit: reading it needs `await`


async def got_again_under_another_name():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        await session.commit()
        await session.get(Book, 1)
        print(book.title)  # quiet: get() has loaded the row again


async def another_class_got_after_the_commit():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        await session.commit()
        author = await session.get(Author, 1)
        print(author.name)  # quiet: got after the commit
        print(book.title)  # finding: book.title expired at the commit: reading it needs `await`


async def row_loaded_again_behind_another():
    async with AsyncSessionLocal() as session:
        author = await session.get(Author, 1)
        await session.commit()
        book = (await session.scalars(select(Book).options(joinedload(Book.author)))).first()
        print(author.name, book.author.name)  # quiet: the later query has loaded the row again


async def row_not_loaded_again():
    async with AsyncSessionLocal() as session:
        author = await session.get(Author, 1)
        await session.commit()
        book = (await session.scalars(select(Book))).first()
        print(book.title)  # quiet: loaded after the commit
        print(author.name)  # finding: author.name expired at the commit: reading it needs `await`


def _by_title(title):
    return select(Book).where(Book.title == title)


def _statement(kind):
    return {"books": select(Book)}[kind]


async def query_of_a_helper_after_the_commit():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        await session.commit()
        (await session.scalars(_by_title("The Dispossessed"))).all()
        print(book.title)  # quiet: the query may have loaded the row again


async def query_by_another_column_after_the_commit():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        await session.commit()
        (await session.scalars(select(Book).where(Book.title == "The Dispossessed"))).all()
        print(book.title)  # quiet: the query may have loaded the row again


async def unknown_statement_after_the_commit():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        await session.commit()
        (await session.execute(_statement("books"))).all()
        print(book.title)  # quiet: nobody knows what the statement loads


async def unknown_statement_before_the_commit():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        (await session.execute(_statement("books"))).all()
        await session.commit()
        print(book.title)  # finding: book.title expired at the commit: reading it needs `await`


async def text_after_the_commit():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        await session.commit()
        await session.execute(text("SELECT 1"))
        print(book.title)  # finding: book.title expired at the commit: reading it needs `await`


async def columns_selected_after_the_commit():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        await session.commit()
        titles = (await session.scalars(select(Book.title))).all()
        print(titles)  # quiet: strings
        print(book.title)  # finding: book.title expired at the commit: reading it needs `await`


async def text_that_names_its_class():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        await session.commit()
        query = select(Book).from_statement(text("SELECT * FROM book"))
        (await session.scalars(query)).all()
        print(book.title)  # quiet: the rows were loaded as books


async def deleted_while_expired():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        await session.commit()
        await session.delete(book)
        await session.flush()
        print(book.title)  # quiet: the DELETE has loaded the row


async def deleted_and_not_flushed():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        await session.commit()
        await session.delete(book)
        print(book.title)  # finding: book.title expired at the commit: reading it needs `await`


async def cascade_of_what_is_deleted():
    async with AsyncSessionLocal() as session:
        await _add_reader(session)
        reader = await session.get(Reader, 1)
        await session.commit()
        await session.delete(reader)
        print(reader.notes, reader.name)  # quiet: delete() has loaded what its cascade looks at


async def another_one_deleted():
    async with AsyncSessionLocal() as session:
        book, other = await session.get(Book, 1), await session.get(Book, 2)
        await session.commit()
        await session.delete(other)
        await session.flush()
        print(other.title)  # quiet: the DELETE has loaded the row
        print(book.title)  # finding: book.title expired at the commit: reading it needs `await`


async def merged_new_object():
    async with AsyncSessionLocal() as session:
        book = await session.merge(Book(title="Lavinia"))
        print(book.title)  # quiet: a new object, as given
        await session.commit()
        print(book.title)  # missed: whether merge() found a row cannot be seen


async def merged_object_with_a_key():
    async with AsyncKeeping() as session:
        book = await session.merge(Book(id=1, title="Lavinia"))
        await session.commit()
        print(book.title)  # quiet: expire_on_commit=False


async def merged_before_the_commit():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        same = await session.merge(book)
        await session.commit()
        await session.refresh(same)
        print(book.title)  # quiet: the merge of an object of the session is this object


async def made_transient():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        session.expunge(book)
        make_transient(book)
        await session.commit()
        print(book.title)  # quiet: a transient object is in no session


async def made_transient_and_added():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        session.expunge(book)
        make_transient(book)
        book.id = None
        session.add(book)
        await session.flush()
        print(book.title)  # quiet: inserted as a new row


async def another_one_made_transient():
    async with AsyncSessionLocal() as session:
        book, other = await session.get(Book, 1), await session.get(Book, 2)
        session.expunge(other)
        make_transient(other)
        await session.commit()
        print(other.title)  # quiet: a transient object is in no session
        print(book.title)  # finding: book.title expired at the commit: reading it needs `await`


async def awaited_after_it_was_expunged():
    async with AsyncSessionLocal() as session:
        await _add_reader(session)
        reader = (await session.scalars(select(Reader))).one()
        session.expunge(reader)
        print(await reader.awaitable_attrs.name)  # quiet: a loaded column
        print(await reader.awaitable_attrs.notes)  # also read-after-expunge: notes is not loaded


async def _refresh_if_any(session, book=None):
    change = update(Author).values(name="Livy")
    if book:
        change = change.where(Author.id == book.author_id)
    await session.execute(change)
    await session.commit()
    await session.refresh(book)


async def asked_for_in_a_function():
    async with AsyncSessionLocal() as session:
        book = (await session.scalars(select(Book).where(Book.id == 1))).one()
        await _refresh_if_any(session, book)
        print(book.title)  # quiet: where the function finds none, there is none
