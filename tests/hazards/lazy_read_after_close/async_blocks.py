"""The same with async sessions."""

# since SQLAlchemy 2.0.4


async def never_loaded():
    async with AsyncSessionLocal() as session:
        author = (await session.scalars(select(Author))).one()
    print(author.name)  # quiet: a loaded column
    print(author.books)  # finding: author.books is not loaded


async def loaded():
    async with AsyncSessionLocal() as session:
        author = (await session.scalars(select(Author).options(selectinload(Author.books)))).one()
    print(author.books)  # quiet: loaded with the query


async def result_in_a_variable():
    async with AsyncSessionLocal() as session:
        result = await session.execute(select(Author).where(Author.id == 1))
        author = result.scalar_one()
    print(author.books)  # finding: author.books is not loaded


async def result_in_a_variable_loaded():
    async with AsyncSessionLocal() as session:
        result = await session.execute(select(Author).options(joinedload(Author.books)))
        author = result.unique().scalar_one()
    print(author.books)  # quiet: loaded with the query


async def refreshed_by_name():
    async with AsyncSessionLocal() as session:
        author = await session.get(Author, 1)
        await session.refresh(author, ["books"])
    print(author.books)  # quiet: refresh loads what it names


async def touched_in_run_sync():
    async with AsyncSessionLocal() as session:
        author = await session.get(Author, 1)
        await session.run_sync(lambda _: author.books)
    print(author.books)  # quiet: loaded by run_sync


async def new_and_committed_keeping():
    Keeping = async_sessionmaker(async_engine, expire_on_commit=False)
    async with Keeping() as session:
        author = Author(name="Octavia")
        session.add(author)
        await session.commit()
    print(author.id)  # quiet: expire_on_commit=False
    print(author.books)  # finding: author.books is not loaded
