"""Reads after a commit in async code, while the session is open."""

# since SQLAlchemy 2.0.13

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncAttrs

AsyncKeeping = async_sessionmaker(async_engine, expire_on_commit=False)


class Reader(AsyncAttrs, Base):
    __tablename__ = "reader"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


async def _add_reader(session):
    await session.run_sync(lambda sync_session: Base.metadata.create_all(sync_session.connection()))
    session.add(Reader(id=1, name="Genly"))
    await session.flush()


async def any_column():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        await session.commit()
        print(book.title)  # finding: book.title expired at the commit: reading it needs `await`


async def primary_key_of_a_new_object():
    async with AsyncSessionLocal() as session:
        book = Book(title="Lavinia")
        session.add(book)
        await session.commit()
        return book.id  # finding: book.id expired at the commit: reading it needs `await`


async def relationship_of_a_new_object():
    async with AsyncSessionLocal() as session:
        author = Author(name="Octavia", books=[Book(title="Kindred")])
        session.add(author)
        await session.commit()
        return author.books  # finding: author.books expired at the commit: reading it needs `await`


async def begin_inside_the_session():
    async with AsyncSessionLocal() as session:
        async with session.begin():
            book = await session.get(Book, 1)
            print(book.title)  # quiet: the transaction is open
        print(book.title)  # finding: book.title expired at the commit: reading it needs `await`


async def refreshed():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        await session.commit()
        await session.refresh(book)
        print(book.title)  # quiet: refreshed after the commit


async def only_one_was_refreshed():
    async with AsyncSessionLocal() as session:
        first, second = await session.get(Book, 1), await session.get(Book, 2)
        await session.commit()
        await session.refresh(first)
        print(first.title)  # quiet: refreshed after the commit
        print(second.title)  # finding: second.title expired at the commit: reading it needs `await`


async def keeping():
    async with AsyncKeeping() as session:
        book = await session.get(Book, 1)
        await session.commit()
        print(book.title)  # quiet: expire_on_commit=False


async def keeping_in_the_call():
    async with AsyncSession(async_engine, expire_on_commit=False) as session:
        book = await session.get(Book, 1)
        await session.commit()
        print(book.title)  # quiet: expire_on_commit=False


async def got_again():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        await session.commit()
        book = await session.get(Book, 1)
        print(book.title)  # quiet: get() reloads an expired object


async def returned_without_a_read():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        await session.commit()
        return book is not None  # quiet: no attribute is read


async def assigned_after():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        await session.commit()
        book.title = "Lavinia"  # quiet: assigning loads nothing
        print(book.title)  # quiet: assigned


async def deleted():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        await session.delete(book)
        await session.commit()
        print(book.title)  # quiet: a deleted object is not expired


async def run_sync_reads():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        await session.commit()
        print(await session.run_sync(lambda _: book.title))  # quiet: run_sync may load


async def awaitable_attribute():
    async with AsyncSessionLocal() as session:
        await _add_reader(session)
        reader = await session.get(Reader, 1)
        await session.commit()
        print(await reader.awaitable_attrs.name)  # quiet: awaited
        print(reader.id)  # quiet: the awaited read reloaded every column


async def second_row_of_a_loop():
    async with AsyncSessionLocal() as session:
        books = (await session.scalars(select(Book))).all()
        for book in books:
            book.price += 1  # finding: book.price expired at the commit: reading it needs `await`
            await session.commit()


async def second_row_of_a_loop_refreshed():
    async with AsyncSessionLocal() as session:
        books = (await session.scalars(select(Book))).all()
        for book in books:
            print(book.title)  # finding: book.title expired at the commit: reading it needs `await`
            await session.commit()
            await session.refresh(book)


async def every_row_got_anew():
    async with AsyncSessionLocal() as session:
        for book_id in (1, 2):
            book = await session.get(Book, book_id)
            book.price += 1  # quiet: got in this round
            await session.commit()


async def refreshed_before_use():
    async with AsyncSessionLocal() as session:
        books = (await session.scalars(select(Book))).all()
        for book in books:
            await session.refresh(book)
            book.price += 1  # quiet: refreshed in this round
            await session.commit()


async def loop_that_leaves_after_its_commit():
    async with AsyncSessionLocal() as session:
        books = (await session.scalars(select(Book))).all()
        for book in books:
            book.price += 1  # quiet: the loop ends with the first commit
            await session.commit()
            break


async def one_commit_after_the_loop():
    async with AsyncSessionLocal() as session:
        books = (await session.scalars(select(Book))).all()
        for book in books:
            book.price += 1  # quiet: the commit comes after the loop
        await session.commit()


async def keys_only_in_the_loop():
    async with AsyncSessionLocal() as session:
        for book_id in (await session.scalars(select(Book.id))).all():
            print(book_id)  # quiet: numbers
            await session.commit()


async def early_return(dry_run):
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        if dry_run:
            return book.title  # quiet: before the commit
        await session.commit()
        return None


async def on_one_path(save):
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        if save:
            await session.commit()
        print(book.title)  # finding: book.title expired at the commit: reading it needs `await`


async def on_one_path_refreshed(save):
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        if save:
            await session.commit()
            await session.refresh(book)
        print(book.title)  # quiet: refreshed where it was committed


async def flush_expires_nothing_else():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        book.price = 12
        await session.flush()
        print(book.title, book.price)  # quiet: a flush keeps plain columns


async def onupdate_column_after_a_flush():
    async with AsyncKeeping() as session:
        book = await session.get(Book, 1)
        book.price = 12
        await session.flush()
        print(book.changed_at)  # also server-value-expired-by-flush: book.changed_at expired at the flush


async def onupdate_column_after_a_commit():
    async with AsyncKeeping() as session:
        book = await session.get(Book, 1)
        book.price = 12
        await session.commit()
        print(book.price)  # quiet: expire_on_commit=False
        print(book.changed_at)  # also server-value-expired-by-flush: book.changed_at expired at the flush


async def onupdate_column_refreshed():
    async with AsyncKeeping() as session:
        book = await session.get(Book, 1)
        book.price = 12
        await session.commit()
        await session.refresh(book, ["changed_at"])
        print(book.changed_at)  # quiet: refreshed


async def server_default_of_an_insert():
    async with AsyncKeeping() as session:
        book = Book(title="Lavinia")
        session.add(book)
        await session.commit()
        print(book.changed_at)  # quiet: an INSERT brings its defaults back


async def refresh_drops_what_run_sync_loaded():
    async with AsyncKeeping() as session:
        author = await session.get(Author, 1)
        await session.run_sync(lambda _: author.books)
        print(author.books)  # quiet: loaded by run_sync
        await session.refresh(author)
        print(author.name)  # quiet: refreshed
        len(author.books)  # finding: author.books was dropped by the refresh


async def refresh_names_one_column():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        await session.commit()
        await session.refresh(book, ["title"])
        print(book.title)  # quiet: refreshed
        print(book.price)  # finding: book.price expired at the commit: reading it needs `await`


async def savepoint():
    async with AsyncSessionLocal() as session:
        async with session.begin_nested():
            book = await session.get(Book, 1)
        print(book.title)  # quiet: releasing a savepoint expires nothing


async def expunged_before():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        session.expunge(book)
        await session.commit()
        print(book.title)  # quiet: no longer in the session when it committed


async def bulk_update_of_another_class():
    async with AsyncSessionLocal() as session:
        author = await session.get(Author, 1)
        await session.execute(update(Book).values(price=11))
        print(author.name)  # quiet: authors were not updated


async def _save(session):
    await session.commit()


async def _save_and_refresh(session, book):
    await session.commit()
    await session.refresh(book)


async def helper_commits():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        await _save(session)
        print(book.title)  # finding: book.title expired at the commit: reading it needs `await`


async def helper_commits_and_refreshes():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        await _save_and_refresh(session, book)
        print(book.title)  # quiet: refreshed by the helper


def _label(book):
    return f"{book.title} ({book.price})"


async def read_by_a_helper():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        print(_label(book))  # quiet: before the commit
        await session.commit()
        print(_label(book))  # finding: Book.title expired at the commit: reading it needs `await`


class _Shop:
    def __init__(self, session: AsyncSession):
        self.session = session

    async def sell(self, book_id):
        book = await self.session.get(Book, book_id)
        book.price += 1
        await self.session.commit()
        return book.price  # quiet: nobody knows whether this session expires


async def session_of_unknown_origin(session):
    await _Shop(session).sell(1)


async def task_reads_before_the_commit():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        title = await asyncio.to_thread(lambda: book.title)
        await session.commit()
        print(title)  # quiet: a string


async def flushed_while_expired():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        await session.commit()
        book.title = "Lavinia"
        await session.flush()
        print(book.price)  # quiet: the flush of a change loads the row of an expired object


async def change_given_up_by_a_refresh():
    async with AsyncKeeping() as session:
        book = await session.get(Book, 1)
        book.title = "Lavinia"
        await session.refresh(book, ["title"])
        print(book.changed_at)  # quiet: refresh() expires first, so there was no change to flush


async def many_to_one_refreshed():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        await session.commit()
        await session.refresh(book, ["author"])
        print(book.title)  # quiet: the foreign key came with the whole row


async def collection_refreshed():
    async with AsyncSessionLocal() as session:
        author = await session.get(Author, 1)
        await session.commit()
        await session.refresh(author, ["books"])
        print(author.id)  # quiet: the key was needed to find the books
        print(author.name)  # finding: author.name expired at the commit: reading it needs `await`


async def loaded_again_with_a_query_for_all_in_every_round():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        for _ in range(3):
            book.price += 1  # quiet: the query below has loaded it again
            await session.commit()
            authors = (await session.scalars(select(Author).options(selectinload(Author.books)))).all()
        print(len(authors))
