"""Objects that `functools.partial` carries to a function."""

import functools


def _show(label, author, end="\n"):
    print(label, author.name, end=end)


class _Page:
    def show(self, author, label):
        print(label, author.name)


def _committed():
    with SessionLocal() as session:
        author = session.get(Author, 1)
        session.commit()
    return author


def a_position():
    functools.partial(_show, "author", _committed())()  # finding: Author.name expired at the commit


def a_keyword():
    show = functools.partial(_show, author=_committed())
    show("author", end="")  # finding: Author.name expired


def one_of_another():
    show = functools.partial(functools.partial(_show, "author"), _committed())
    show(end="")  # finding: Author.name expired


def a_keyword_that_the_call_replaces():
    show = functools.partial(_show, author=_committed())
    with SessionLocal() as session:
        show("author", author=session.get(Author, 1))  # quiet: another author is given


def a_method():
    show = functools.partial(_Page().show, label="author")
    show(_committed())  # finding: Author.name expired


def what_is_behind_it():
    show = functools.partial(_show, "author")
    show(_committed())  # finding: Author.name expired


async def a_thread():
    async with AsyncSessionLocal() as session:
        author = await session.get(Author, 1)
        await session.commit()
        show = functools.partial(_show, "author", author)
        await asyncio.to_thread(show)  # also object-sent-to-background-work: author.name expired at the commit
