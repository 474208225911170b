"""The other side of a relationship: what an assignment fills, and what it leaves unloaded."""

AsyncKeeping = async_sessionmaker(async_engine, expire_on_commit=False)


class Reader(Base):
    __tablename__ = "reader"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    card: Mapped["Card | None"] = relationship(back_populates="reader", uselist=False)
    wishes: Mapped[list["Wish"]] = relationship()


class Card(Base):
    __tablename__ = "card"

    id: Mapped[int] = mapped_column(primary_key=True)
    reader_id: Mapped[int | None] = mapped_column(ForeignKey("reader.id"))
    reader: Mapped[Reader | None] = relationship(back_populates="card")


class Wish(Base):
    __tablename__ = "wish"

    id: Mapped[int] = mapped_column(primary_key=True)
    reader_id: Mapped[int | None] = mapped_column(ForeignKey("reader.id"))
    reader: Mapped[Reader | None] = relationship(overlaps="wishes")


async def _reader(session):
    await session.run_sync(lambda sync_session: Base.metadata.create_all(sync_session.connection()))
    session.add(Reader(id=1, name="Genly", card=Card(id=1)))
    await session.flush()
    session.expunge_all()
    return await session.get(Reader, 1)


async def collection_of_a_row():
    async with AsyncKeeping() as session:
        author = await session.get(Author, 1)
        book = Book(title="Lavinia", author=author)
        session.add(book)
        await session.flush()
        print(book.author.name)  # quiet: assigned
        print(author.books)  # finding: author.books is not loaded: reading it needs `await`


async def collection_of_a_row_that_was_loaded():
    async with AsyncKeeping() as session:
        author = await session.get(Author, 1, options=[selectinload(Author.books)])
        book = Book(title="Lavinia", author=author)
        session.add(book)
        await session.flush()
        print(book in author.books)  # quiet: loaded with the row, and filled by the assignment


async def collection_of_a_new_object():
    async with AsyncKeeping() as session:
        author = Author(name="Octavia")
        session.add_all([author, Book(title="Kindred", author=author)])
        await session.flush()
        print(author.books)  # quiet: filled by the assignment


async def collection_of_a_new_object_assigned_later():
    async with AsyncKeeping() as session:
        author, book = Author(name="Octavia"), Book(title="Kindred")
        book.author = author
        session.add(book)
        await session.flush()
        print(author.books)  # quiet: filled by the assignment


async def collection_of_a_new_object_without_books():
    async with AsyncKeeping() as session:
        author, book = Author(name="Octavia"), Book(title="Lavinia")
        session.add_all([author, book])
        await session.flush()
        print(book.title)  # quiet: a column
        print(author.books)  # finding: author.books is not loaded: reading it needs `await`


async def collection_assigned_after_the_flush():
    async with AsyncKeeping() as session:
        author = Author(name="Octavia")
        session.add(author)
        await session.flush()
        book = Book(title="Kindred", author=author)
        session.add(book)
        print(book.author.name)  # quiet: assigned
        print(author.books)  # finding: author.books is not loaded: reading it needs `await`


async def appended_to_a_collection():
    async with AsyncKeeping() as session:
        author = Author(name="Octavia")
        book = Book(title="Kindred")
        author.books.append(book)
        session.add(author)
        await session.flush()
        print(book.author.name)  # quiet: the append has set the other side
        print(author.books)  # quiet: the append has filled the collection


async def appended_in_a_helper():
    def fill(books):
        books.extend([Book(title="Kindred"), Book(title="Fledgling")])

    async with AsyncKeeping() as session:
        author = Author(name="Octavia")
        fill(author.books)
        session.add(author)
        await session.flush()
        print(author.books)  # quiet: the helper has filled the collection


async def appended_while_pending():
    async with AsyncKeeping() as session:
        author = Author(name="Octavia")
        session.add(author)
        for title in ("Kindred", "Fledgling"):
            author.books.append(Book(title=title))
        await session.commit()
        print(len(author.books))  # quiet: the appends have filled the collection


async def counted_before_the_flush():
    async with AsyncKeeping() as session:
        author = Author(name="Octavia")
        session.add(author)
        print(len(author.books), author.books.count(None))  # quiet: a pending object has an empty collection
        await session.commit()
        print(author.books)  # finding: author.books is not loaded: reading it needs `await`


async def appended_to_a_loaded_collection():
    async with AsyncKeeping() as session:
        author = await session.get(Author, 1, options=[selectinload(Author.books)])
        book = Book(title="Lavinia")
        author.books.append(book)
        await session.flush()
        print(book.author.name)  # quiet: the append has set the other side


async def appended_to_a_plain_list():
    async with AsyncKeeping() as session:
        books = []
        books.append(await session.get(Book, 1))
        print(books[0].title)  # quiet: a loaded column
        print(books[0].author)  # finding: is not loaded: reading it needs `await`


async def given_as_a_collection():
    async with AsyncKeeping() as session:
        book = Book(title="Kindred")
        author = Author(name="Octavia", books=[book])
        session.add(author)
        await session.flush()
        print(book.author.name)  # quiet: the collection has set the other side


async def one_to_one_of_a_new_object():
    async with AsyncKeeping() as session:
        await _reader(session)
        reader = Reader(id=2, name="Therem")
        session.add_all([reader, Card(id=2, reader=reader)])
        await session.flush()
        print(reader.card.id)  # quiet: filled by the assignment


async def one_to_one_from_the_other_side():
    async with AsyncKeeping() as session:
        await _reader(session)
        card = Card(id=2)
        session.add(Reader(id=2, name="Therem", card=card))
        await session.flush()
        print(card.reader.name)  # quiet: filled by the assignment


async def one_to_one_of_a_row():
    async with AsyncKeeping() as session:
        reader = await _reader(session)
        print(reader.name)  # quiet: a loaded column
        print(reader.card)  # finding: reader.card is not loaded: reading it needs `await`


async def one_to_one_loaded():
    async with AsyncKeeping() as session:
        await _reader(session)
        query = select(Reader).options(joinedload(Reader.card))
        reader = (await session.scalars(query)).one()
        print(reader.card.reader.name)  # quiet: the identity map has it, so no SQL


async def one_to_one_of_a_new_object_without_card():
    async with AsyncKeeping() as session:
        await _reader(session)
        reader = Reader(id=2, name="Therem")
        session.add(reader)
        await session.flush()
        print(reader.name)  # quiet: a column
        print(reader.card)  # finding: reader.card is not loaded: reading it needs `await`


async def no_back_reference():
    async with AsyncKeeping() as session:
        await _reader(session)
        reader = Reader(id=2, name="Therem")
        wish = Wish(id=1, reader=reader)
        session.add(wish)
        await session.flush()
        print(wish.reader.name)  # quiet: assigned
        print(reader.wishes)  # missed: the two sides do not know of each other


async def deleted_from_the_collection():
    async with AsyncKeeping() as session:
        author = await session.get(Author, 1, options=[selectinload(Author.books)])
        book = author.books[0]
        author.books.remove(book)
        await session.flush()
        print(book.author)  # quiet: the removal has set the other side
