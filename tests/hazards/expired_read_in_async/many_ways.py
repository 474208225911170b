"""A call with more ways through it than can be followed: one of them is."""


async def _sort_out(session, flags):
    for first in flags:
        for second in flags:
            for third in flags:
                for fourth in flags:
                    one = (await session.scalars(select(Book).where(Book.title == first))).first()
                    two = (await session.scalars(select(Book).where(Book.title == second))).first()
                    if first and one:
                        await session.refresh(one, ["author"])
                    if second and two:
                        await session.refresh(two, ["author"])
                    if third and one:
                        session.expire(one, ["title"])
                    if fourth and two:
                        session.expire(two, ["title"])
                    if first == third and one:
                        session.expunge(one)
                    if second == fourth and two:
                        session.expunge(two)
    await session.commit()


async def through_one_of_them():
    async with AsyncSessionLocal() as session:
        author = (await session.scalars(select(Author).where(Author.name == "Ursula"))).one()
        await _sort_out(session, "".split())
        return author.name  # finding: author.name expired at the commit


async def loaded_again():
    async with AsyncSessionLocal() as session:
        author = (await session.scalars(select(Author).where(Author.name == "Ursula"))).one()
        await _sort_out(session, "".split())
        await session.refresh(author)
        return author.name  # quiet: loaded again
