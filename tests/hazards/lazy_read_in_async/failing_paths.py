"""Paths on which something raises: what comes behind depends on the others."""

AsyncKeeping = async_sessionmaker(async_engine, expire_on_commit=False)


async def read_twice():
    async with AsyncKeeping() as session:
        author = await session.get(Author, 1)
        print(author.books)  # finding: author.books is not loaded: reading it needs `await`
        print(author.books)


async def read_on_one_path_and_later_on_all(with_books):
    async with AsyncKeeping() as session:
        options = [selectinload(Author.books)] if with_books else []
        author = await session.get(Author, 1, options=options)
        print(len(author.books))  # finding: author.books is not loaded: reading it needs `await`
        print(author.books[0].title)  # quiet: reached only where the books are loaded


async def second_hop_behind_a_first_that_fails(with_author):
    query = select(Book).where(Book.id == 1)
    if with_author:
        query = query.options(joinedload(Book.author).selectinload(Author.books))
    async with AsyncKeeping() as session:
        book = (await session.scalars(query)).one()
        author = book.author  # finding: book.author is not loaded: reading it needs `await`
        print(author.books)  # quiet: reached only where both hops are loaded


async def expired_on_one_path(save):
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        if save:
            await session.commit()
        print(book.title)  # also expired-read-in-async: book.title expired at the commit
        print(book.price)  # quiet: where the title could be read, so can the price


async def expired_on_one_path_and_another_object(save):
    async with AsyncSessionLocal() as session:
        book, author = await session.get(Book, 1), await session.get(Author, 1)
        if save:
            await session.commit()
        print(book.title)  # also expired-read-in-async: book.title expired at the commit
        print(author.name)  # quiet: reached only where nothing was committed


async def always_expired_after_one_path(save):
    async with AsyncSessionLocal() as session:
        book, author = await session.get(Book, 1), await session.get(Author, 1)
        if save:
            await session.commit()
            print(book.title)  # also expired-read-in-async: book.title expired at the commit
        await session.commit()
        print(author.name)  # also expired-read-in-async: author.name expired at the commit


async def both_fail_on_their_own():
    async with AsyncKeeping() as session:
        author = await session.get(Author, 1)
        book = await session.get(Book, 1)
        session.expunge(author)
        print(book.title)  # quiet: a loaded column
        print(book.author)  # finding: book.author is not loaded: reading it needs `await`


async def branches_that_both_fail(shout):
    async with AsyncKeeping() as session:
        author = (await session.scalars(select(Author))).one()
        if shout:
            print(author.books, "!")  # finding: author.books is not loaded: reading it needs `await`
        else:
            print(author.biography)  # finding: author.biography is not loaded: reading it needs `await`


async def caught_and_read_again():
    async with AsyncKeeping() as session:
        author = await session.get(Author, 1)
        try:
            raise ValueError
        except ValueError:
            print(author.name)  # quiet: a loaded column
        print(author.books)  # finding: author.books is not loaded: reading it needs `await`


async def a_many_to_one_that_may_have_no_key(anonymous):
    async with AsyncKeeping() as session:
        if anonymous:
            session.add(Book(title="Beowulf"))
            await session.commit()
        book = (await session.scalars(select(Book).order_by(Book.author_id).limit(1))).one()
        print(book.author)  # finding: book.author is not loaded: reading it needs `await`
    print(book.author)  # quiet: reached only without an author, which the read above has found out
