"""Relationships that were loaded eagerly, and then a commit."""

# since SQLAlchemy 2.0.4

Keeping = sessionmaker(engine, expire_on_commit=False)


class Reader(Base):
    __tablename__ = "reader"

    id: Mapped[int] = mapped_column(primary_key=True)
    loans: Mapped[list["Loan"]] = relationship(lazy="selectin")


class Loan(Base):
    __tablename__ = "loan"

    id: Mapped[int] = mapped_column(primary_key=True)
    reader_id: Mapped[int] = mapped_column(ForeignKey("reader.id"))


def _shelve(connection):
    Base.metadata.create_all(connection)
    connection.execute(insert(Reader), {"id": 1})
    connection.execute(insert(Loan), {"id": 1, "reader_id": 1})


with engine.begin() as connection:
    _shelve(connection)


def selectinload_then_commit():
    with SessionLocal() as session:
        author = session.scalars(select(Author).options(selectinload(Author.books))).one()
        session.commit()
    print(author.books)  # finding: author.books expired at the commit and its session is closed


def joinedload_then_commit():
    with SessionLocal() as session:
        book = session.scalars(select(Book).where(Book.id == 1).options(joinedload(Book.author))).one()
        session.commit()
    print(book.author)  # finding: book.author expired at the commit and its session is closed


def begin_block():
    with SessionLocal.begin() as session:
        author = session.scalars(select(Author).options(selectinload(Author.books))).one()
    for book in author.books:  # finding: author.books expired at the commit and its session is closed
        print(book.title)


def on_the_mapping():
    with SessionLocal() as session:
        reader = session.get(Reader, 1)
        session.commit()
    print(reader.loans)  # finding: reader.loans expired at the commit and its session is closed


def keeping():
    with Keeping() as session:
        author = session.scalars(select(Author).options(selectinload(Author.books))).one()
        session.commit()
    print(author.books)  # quiet: expire_on_commit=False


def loaded_after_the_commit():
    with SessionLocal() as session:
        session.commit()
        author = session.scalars(select(Author).options(selectinload(Author.books))).one()
    print(author.books)  # quiet: the commit came before the load


def read_before_the_commit():
    with SessionLocal() as session:
        author = session.scalars(select(Author).options(selectinload(Author.books))).one()
        books = list(author.books)
        session.commit()
        print(len(books))  # quiet: a list of its own
    print(len(books))  # quiet: the list itself is no object


def refreshed_with_the_option_of_its_query():
    with SessionLocal() as session:
        author = session.scalars(select(Author).options(selectinload(Author.books))).one()
        session.commit()
        session.refresh(author)
    print(author.books)  # quiet: refresh repeats the options of the query


def refreshed_by_name():
    with SessionLocal() as session:
        author = session.scalars(select(Author).options(selectinload(Author.books))).one()
        session.commit()
        session.refresh(author, ["books"])
    print(author.books)  # quiet: refresh loads what it names


def any_read_reloads_it():
    with SessionLocal() as session:
        author = session.scalars(select(Author).options(selectinload(Author.books))).one()
        session.commit()
        print(author.name)
    print(author.books)  # quiet: the read before repeated the options of the query


def close_without_commit():
    with SessionLocal() as session:
        author = session.scalars(select(Author).options(selectinload(Author.books))).one()
    print(author.books)  # quiet: close keeps what is loaded


def in_the_open_session():
    with SessionLocal() as session:
        author = session.scalars(select(Author).options(selectinload(Author.books))).one()
        session.commit()
        print(author.books)  # quiet: a sync session loads it again


def on_one_path(save):
    with SessionLocal() as session:
        author = session.scalars(select(Author).options(selectinload(Author.books))).one()
        if save:
            session.commit()
    print(author.books)  # finding: author.books expired at the commit and its session is closed


async def attached_async():
    async with AsyncSessionLocal() as session:
        author = (await session.scalars(select(Author).options(selectinload(Author.books)))).one()
        await session.commit()
        print(author.books)  # finding: author.books expired at the commit: reading it needs `await`


async def refreshed_async():
    async with AsyncSessionLocal() as session:
        author = (await session.scalars(select(Author).options(selectinload(Author.books)))).one()
        await session.commit()
        await session.refresh(author)
        print(author.books)  # quiet: refresh repeats the options of the query


async def selected_again_async():
    query = select(Author).options(selectinload(Author.books))
    async with AsyncSessionLocal() as session:
        author = (await session.scalars(query)).one()
        await session.commit()
        author = (await session.scalars(query)).one()
        print(author.books)  # quiet: loaded again


async def keeping_async():
    AsyncKeeping = async_sessionmaker(async_engine, expire_on_commit=False)
    async with AsyncKeeping() as session:
        author = (await session.scalars(select(Author).options(selectinload(Author.books)))).one()
        await session.commit()
        print(author.books)  # quiet: expire_on_commit=False


async def awaitable_after_the_commit():
    async with AsyncSessionLocal() as session:
        author = (await session.scalars(select(Author).options(selectinload(Author.books)))).one()
        await session.commit()
        print(await session.run_sync(lambda _: len(author.books)))  # quiet: run_sync may load


def a_change_is_flushed_before_a_column_is_refreshed():
    with SessionLocal() as session:
        author = session.scalars(select(Author).options(selectinload(Author.books))).one()
        session.commit()
        author.biography = "Changed"
        session.refresh(author, ["name"])
    print(author.books)  # quiet: the flush has loaded the whole row


def a_column_is_refreshed():
    with SessionLocal() as session:
        author = session.scalars(select(Author).options(selectinload(Author.books))).one()
        session.commit()
        session.refresh(author, ["name"])
    print(author.books)  # finding: author.books expired at the commit and its session is closed
