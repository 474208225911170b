"""`setattr` with names that only the request knows."""

from pydantic import BaseModel

Keeping = sessionmaker(engine, expire_on_commit=False)
AsyncKeeping = async_sessionmaker(async_engine, expire_on_commit=False)


class _Patch(BaseModel):
    price: int | None = None
    title: str | None = None


def _apply(book, patch):
    for name, value in patch.model_dump(exclude_unset=True).items():
        setattr(book, name, value)


def fields_of_a_request():
    patch = _Patch(price=12)
    with Keeping() as session:
        book = session.get(Book, 1)
        for name, value in patch.model_dump(exclude_unset=True).items():
            setattr(book, name, value)
        session.commit()
    print(book.price)  # quiet: expire_on_commit=False
    print(book.changed_at)  # finding: book.changed_at expired at the flush of an UPDATE


async def fields_of_a_request_async():
    async with AsyncKeeping() as session:
        book = await session.get(Book, 1)
        _apply(book, _Patch(price=12))
        await session.flush()
        print(book.title)  # quiet: a loaded column
        print(book.changed_at)  # finding: book.changed_at expired at the flush of an UPDATE


async def refreshed():
    async with AsyncKeeping() as session:
        book = await session.get(Book, 1)
        _apply(book, _Patch(price=12))
        await session.flush()
        await session.refresh(book)
        print(book.changed_at)  # quiet: refreshed


async def flushed_by_a_query():
    async with AsyncKeeping() as session:
        book = await session.get(Book, 1)
        _apply(book, _Patch(price=12))
        await session.scalars(select(Author))
        print(book.changed_at)  # finding: book.changed_at expired at the flush of an UPDATE


def on_a_new_object():
    with Keeping() as session:
        book = Book()
        _apply(book, _Patch(title="Lavinia"))
        session.add(book)
        session.commit()
    print(book.changed_at)  # quiet: an INSERT brings its defaults back


def on_something_else():
    with Keeping() as session:
        book = session.get(Book, 1)
        patch = _Patch()
        for name, value in {"price": 12}.items():
            setattr(patch, name, value)
        session.commit()
    print(book.changed_at)  # quiet: nothing of the book was changed
