"""Many-to-one reads that the identity map answers, without SQL."""

from sqlalchemy import or_

AsyncKeeping = async_sessionmaker(async_engine, expire_on_commit=False)


async def _author_name(session, author: Author):
    book = await session.get(Book, 1)
    return book.author.name, author.name  # quiet: whoever gives the author holds it


async def _author_name_of_an_optional(session, author: Author | None = None):
    book = await session.get(Book, 1)
    return book.author.name, author  # quiet: whoever gives the author holds it


async def _rename(session, book: Book):
    return book.author.name  # quiet: nobody knows how the book was loaded


async def _author_name_by_key(session, author_id: int):
    book = await session.get(Book, 1)
    return book.author.name, author_id  # finding: book.author is not loaded: reading it needs `await`


async def _author_name_of_another(session, other: Book):
    book = await session.get(Book, 1)
    return book.author.name, other  # finding: book.author is not loaded: reading it needs `await`


async def target_is_an_argument():
    async with AsyncKeeping() as session:
        author = await session.get(Author, 1)
        print(await _author_name(session, author))
        print(await _author_name_of_an_optional(session, author))


async def book_is_an_argument():
    async with AsyncKeeping() as session:
        book = await session.get(Book, 1, options=[joinedload(Book.author)])
        print(await _rename(session, book))


async def only_a_key_is_an_argument():
    async with AsyncKeeping() as session:
        await _author_name_by_key(session, 1)


async def another_class_is_an_argument():
    async with AsyncKeeping() as session:
        book = await session.get(Book, 2)
        await _author_name_of_another(session, book)


async def loaded_as_a_list_before():
    async with AsyncKeeping() as session:
        authors = (await session.scalars(select(Author))).all()
        for book in (await session.scalars(select(Book))).all():
            print(book.author.name)  # quiet: the identity map has it, so no SQL
        print(len(authors))


async def restricted_by_the_key(session):
    author = await session.get(Author, 1)
    for book in await session.scalars(select(Book).where(Book.author_id == author.id)):
        print(book.author.name)  # quiet: the identity map has it, so no SQL


async def _books_of(session, author_id):
    for book in await session.scalars(select(Book).where(Book.author_id == author_id)):
        print(book.author.name)  # quiet: who asks by the key of a row holds that row


async def _books_of_by_keyword(session, author_id):
    for book in await session.scalars(select(Book).filter_by(author_id=author_id)):
        print(book.author.name)  # quiet: who asks by the key of a row holds that row


async def _books_of_several(session, author_ids):
    for book in await session.scalars(select(Book).where(Book.author_id.in_(author_ids), Book.price > 1)):
        print(book.author.name)  # quiet: who asks by the keys of rows holds those rows


async def _books_of_one_of(session, author_id):
    for book in await session.scalars(select(Book).where(or_(Book.author_id == author_id, Book.price < 1))):
        print(book.author.name)  # quiet: who asks by the key of a row holds that row


async def _books_by_price(session, price):
    for book in await session.scalars(select(Book).where(Book.price == price)):
        print(book.author.name)  # finding: book.author is not loaded: reading it needs `await`


async def _books_by_title(session, title):
    for book in await session.scalars(select(Book).filter_by(title=title)):
        print(book.author.name)  # finding: book.author is not loaded: reading it needs `await`


async def asked_by_the_key():
    async with AsyncKeeping() as session:
        author = await session.get(Author, 1)
        await _books_of(session, author.id)
        await _books_of_by_keyword(session, author.id)
        await _books_of_several(session, [author.id])
        await _books_of_one_of(session, author.id)


async def asked_by_price():
    async with AsyncKeeping() as session:
        await _books_by_price(session, 10)


async def asked_by_title():
    async with AsyncKeeping() as session:
        await _books_by_title(session, "The Dispossessed")


async def asked_by_the_key_read_after_close():
    async with AsyncKeeping() as session:
        author = await session.get(Author, 1)
        query = select(Book).where(Book.author_id == author.id, Book.id == 1)
        book = (await session.scalars(query)).one()
    print(author.name, book.title)  # quiet: loaded columns
    print(book.author)  # also lazy-read-after-close: book.author is not loaded and its session is closed


async def held_but_read_after_expunge():
    async with AsyncKeeping() as session:
        author = await session.get(Author, 1)
        book = await session.get(Book, 1)
        session.expunge(book)
        print(author.name)  # quiet: a loaded column
        print(book.author)  # also read-after-expunge: book.author is not loaded and its object was expunged


async def expunged_target():
    async with AsyncKeeping() as session:
        author = await session.get(Author, 1)
        session.expunge(author)
        book = await session.get(Book, 1)
        print(book.author.name)  # finding: book.author is not loaded: reading it needs `await`


async def held_in_another_session():
    async with AsyncKeeping() as other, AsyncKeeping() as session:
        author = await other.get(Author, 1)
        book = await session.get(Book, 1)
        print(author.name)  # quiet: a loaded column
        print(book.author.name)  # finding: book.author is not loaded: reading it needs `await`


async def collection_of_a_held_row():
    async with AsyncKeeping() as session:
        book = await session.get(Book, 1)
        author = await session.get(Author, 1)
        print(book.author.name)  # quiet: the identity map has it, so no SQL
        print(author.books)  # finding: author.books is not loaded: reading it needs `await`


async def key_never_set():
    async with AsyncKeeping() as session:
        book = Book(title="Beowulf")
        session.add(book)
        await session.commit()
        print(book.author)  # quiet: without a key it is None, without SQL


async def key_set_to_none():
    async with AsyncKeeping() as session:
        book = Book(title="Beowulf", author_id=None)
        session.add(book)
        await session.commit()
        print(book.author)  # quiet: without a key it is None, without SQL


async def key_set_by_the_constructor():
    async with AsyncKeeping() as session:
        book = Book(title="Lavinia", author_id=1)
        session.add(book)
        await session.flush()
        print(book.author)  # finding: book.author is not loaded: reading it needs `await`


async def key_set_later():
    async with AsyncKeeping() as session:
        book = Book(title="Lavinia")
        book.author_id = 1
        session.add(book)
        await session.flush()
        print(book.author)  # finding: book.author is not loaded: reading it needs `await`


async def key_of_a_held_row():
    async with AsyncKeeping() as session:
        author = await session.get(Author, 1)
        book = Book(title="Lavinia", author_id=author.id)
        session.add(book)
        await session.flush()
        print(book.author.name)  # quiet: the identity map has it, so no SQL


async def keywords_that_are_not_known():
    async with AsyncKeeping() as session:
        given = {"title": "Lavinia", "author": await session.get(Author, 1)}
        book = Book(**given)
        session.add(book)
        await session.commit()
        print(book.author.name)  # quiet: what was given is not known


async def behind_one_of_those_that_are_there():
    async with AsyncSessionLocal() as session:
        authors = (await session.scalars(select(Author).order_by(Author.id))).all()
        book = (await session.scalars(select(Book).where(Book.id == 1))).one()
        print(book.author.biography, len(authors))  # finding: book.author.biography is not loaded


async def behind_one_of_those_that_have_it():
    async with AsyncSessionLocal() as session:
        authors = (await session.scalars(select(Author).options(undefer(Author.biography)))).all()
        book = (await session.scalars(select(Book).where(Book.id == 1))).one()
        print(book.author.biography, len(authors))  # quiet: loaded for each of them


async def behind_one_of_those_that_were_refreshed():
    async with AsyncSessionLocal() as session:
        authors = (await session.scalars(select(Author).order_by(Author.id))).all()
        book = (await session.scalars(select(Book).where(Book.id == 1))).one()
        for author in authors:
            await session.refresh(author, ["biography"])
        print(book.author.biography)  # quiet: loaded for each of them


_cache = {}


def _shelf(author):
    found = []
    for book in author.books:
        cached = _cache.get(book.id)
        if cached is not None:
            found.append(cached)
            continue
        found.append((book, book.title))
    return found


def _first(author: Author):
    for book, _ in _shelf(author):
        if book.title:
            return book
    raise LookupError


async def _reprint(session: AsyncSession, author: Author):
    book = _first(author)
    reprint = Book(title=book.title, author_id=author.id)
    session.add(reprint)
    await session.flush()
    print(reprint.author.name)  # quiet: the author is held, whatever the loop has made of his books


async def held_by_the_caller():
    async with AsyncKeeping() as session:
        query = select(Author).where(Author.id == 1).options(selectinload(Author.books))
        await _reprint(session, (await session.scalars(query)).one())
