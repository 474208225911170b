"""Services and repositories whose base classes have the session, and the queries."""

from typing import Generic, TypeVar

T = TypeVar("T")

AsyncKeeping = async_sessionmaker(async_engine, expire_on_commit=False)


class _Service:
    def __init__(self, session: AsyncSession):
        self.session = session

    @classmethod
    def over(cls, session):
        return cls(session)


class _ShopService(_Service):
    def __init__(self, session: AsyncSession, currency=None):
        super().__init__(session)
        self.currency = currency

    @classmethod
    def over(cls, session):
        return super().over(session)

    async def author(self):
        return (await self.session.scalars(select(Author))).one()

    async def author_with_books(self):
        return (await self.session.scalars(select(Author).options(selectinload(Author.books)))).one()


class _Nested(_ShopService):
    def __init__(self, session: AsyncSession):
        super().__init__(session, currency="EUR")

    async def author(self):
        author = await super().author()
        print(author.name)  # quiet: a loaded column
        return author


async def base_has_the_session():
    async with AsyncKeeping() as session:
        author = await _ShopService(session).author()
        print(author.books)  # finding: author.books is not loaded: reading it needs `await`


async def base_has_the_session_and_the_query_loads():
    async with AsyncKeeping() as session:
        author = await _ShopService(session).author_with_books()
        print(author.books)  # quiet: the query loads it


async def base_has_the_method():
    async with AsyncKeeping() as session:
        author = await _Nested(session).author()
        print(author.books)  # finding: author.books is not loaded: reading it needs `await`


async def made_by_a_class_method_of_the_base():
    async with AsyncKeeping() as session:
        author = await _ShopService.over(session).author()
        print(author.books)  # finding: author.books is not loaded: reading it needs `await`


class _Root(_Service):
    async def find(self):
        return (await self.session.scalars(select(Author))).one()


class _Eager(_Root):
    async def find(self):
        return (await self.session.scalars(select(Author).options(selectinload(Author.books)))).one()


class _Logging(_Root):
    async def find(self):
        return await super().find()


class _Diamond(_Logging, _Eager):
    pass


async def next_in_line_is_a_sibling():
    async with AsyncKeeping() as session:
        author = await _Diamond(session).find()
        print(author.books)  # quiet: `super()` of the first base is the second one, which loads it


async def the_base_alone():
    async with AsyncKeeping() as session:
        author = await super(_Logging, _Logging(session)).find()
        print(author.books)  # finding: author.books is not loaded: reading it needs `await`


class _Repository(Generic[T]):
    def __init__(self, session: AsyncSession, model: type[T]):
        self.session = session
        self.model = model

    async def first(self) -> T | None:
        return (await self.session.scalars(select(self.model))).first()


class _Authors(_Repository[Author]):
    def __init__(self, session: AsyncSession):
        super().__init__(session, Author)


async def generic_repository():
    async with AsyncKeeping() as session:
        author = await _Authors(session).first()
        print(author.books)  # finding: author.books is not loaded: reading it needs `await`


async def row_with_two_objects():
    async with AsyncKeeping() as session:
        row = (await session.execute(select(Author, Book).join(Author.books))).first()
        print(row.Author.name)  # quiet: a loaded column
        print(row.Author.books)  # finding: row.Author.books is not loaded: reading it needs `await`


async def _with_flags(session, oldest=False, newest=False, limit=None):
    query = select(Author)
    if oldest:
        query = query.where(Author.id < 5)
    if newest:
        query = query.where(Author.id > 0)
    if limit is not None:
        query = query.limit(limit)
    return (await session.scalars(query)).first()


async def query_built_by_flags():
    async with AsyncKeeping() as session:
        author = await _with_flags(session)
        print(author.books)  # finding: author.books is not loaded: reading it needs `await`
