"""What is set with ``setattr``, by names that come from a dict, may be any attribute of a new object."""

AsyncKeeping = async_sessionmaker(async_engine, expire_on_commit=False)


def _values_of(schema, values):
    if schema:
        return schema.model_dump()
    return values


def _fill(made, **kwargs):
    for key, value in kwargs.items():
        setattr(made, key, value)
    return made


def _fill_carefully(made, **kwargs):
    for key, value in kwargs.items():
        if value is not None:
            setattr(made, key, value)


async def _create(session, kind, schema=None, **kwargs):
    values = _values_of(schema, kwargs)
    made = kind()
    _fill(made, **values)
    session.add(made)
    await session.commit()
    return made


async def through_a_helper():
    async with AsyncKeeping() as session:
        author = await _create(session, Author, name="Octavia", books=[Book(title="Kindred")])
        print([book.title for book in author.books])  # quiet: it may have been set


async def through_a_helper_that_sets_another():
    async with AsyncKeeping() as session:
        author = await _create(session, Author, name="Octavia")
        print(author.books)  # missed: any attribute may have been set


async def on_a_condition():
    async with AsyncKeeping() as session:
        author = Author(name="Octavia")
        _fill_carefully(author, books=[Book(title="Kindred")])
        session.add(author)
        await session.commit()
        print(author.books)  # quiet: it may have been set


async def by_a_dict_of_the_caller():
    async with AsyncKeeping() as session:
        await _by_a_dict(session, {"name": "Octavia", "books": []})


async def _by_a_dict(session, values):
    author = Author()
    for key in values:
        setattr(author, key, values[key])
    session.add(author)
    await session.commit()
    print(author.books)  # quiet: it may have been set


async def by_its_constructor():
    async with AsyncKeeping() as session:
        author = Author(name="Octavia")
        session.add(author)
        await session.commit()
        print(author.books)  # finding: author.books is not loaded: reading it needs `await`


async def by_a_name_that_is_known():
    async with AsyncKeeping() as session:
        author = Author()
        setattr(author, "name", "Octavia")
        session.add(author)
        await session.commit()
        print(author.books)  # finding: author.books is not loaded: reading it needs `await`


async def after_the_commit():
    async with AsyncKeeping() as session:
        author = Author(name="Octavia")
        session.add(author)
        await session.commit()
        _fill(author, name="Octavia E.")
        print(author.name)  # quiet: set


async def set_before_a_commit_that_expires():
    async with AsyncSessionLocal() as session:
        author = await _create(session, Author, name="Octavia", books=[])
        print(author.name)  # also expired-read-in-async: author.name expired at the commit
