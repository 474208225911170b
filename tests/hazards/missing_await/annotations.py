"""An annotation says that a session is async; what is really given says more."""


class _Repository:
    def __init__(self, session: AsyncSession):
        self.session = session

    async def find(self, key):
        return await self.session.get(Author, key)

    def touch(self, names):
        for name in names:
            self.session.add(Author(name=name))
            self.session.commit()  # quiet: the only caller gives a sync session

    async def touch_async(self, names):
        for name in names:
            self.session.add(Author(name=name))
            self.session.commit()  # quiet: some caller gives a sync session


class _Shop:
    def __init__(self, session: AsyncSession):
        self.session = session

    def touch(self, name):
        self.session.add(Author(name=name))
        self.session.commit()  # finding: `self.session.commit()` is not awaited: it never runs

    async def touch_async(self, name):
        self.session.add(Author(name=name))
        self.session.commit()  # finding: `self.session.commit()` is not awaited: it never runs


def _names():
    with SessionLocal() as session:
        return session.scalars(select(Author.name)).all()


async def _names_async():
    async with AsyncSessionLocal() as session:
        return (await session.scalars(select(Author.name))).all()


def _rename(session: AsyncSession, author: Author):
    author.name = "Ursula"
    session.commit()
    print(author.name)  # quiet: it is loaded again, since the session is not async


def sync_session():
    with SessionLocal() as session:
        _Repository(session).touch(["Octavia"])
    assert "Octavia" in _names()


def read_after_the_commit():
    with SessionLocal() as session:
        _rename(session, session.get(Author, 1))


async def sync_session_in_async_code():
    with SessionLocal() as session:
        await _Repository(session).touch_async(["Octavia"])
    assert "Octavia" in _names()


async def async_session():
    async with AsyncSessionLocal() as session:
        print(await _Repository(session).find(1))
        _Shop(session).touch("Octavia")
    async with AsyncSessionLocal() as session:
        await _Shop(session).touch_async("Octavia")
    assert "Octavia" not in await _names_async()
