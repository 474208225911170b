"""Sessions that are asked about objects they do not hold."""


def refresh_of_a_detached_object():
    with SessionLocal() as session:
        book = session.get(Book, 1)
    with SessionLocal() as session:
        session.refresh(book)  # finding: `refresh` of book, which is detached


def refresh_after_close():
    session = SessionLocal()
    book = session.get(Book, 1)
    session.close()
    session.refresh(book)  # finding: `refresh` of book, which is detached


def refresh_of_an_expunged_object():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        session.expunge(book)
        session.refresh(book)  # finding: `refresh` of book, which is detached


def refresh_of_an_object_never_added():
    with SessionLocal() as session:
        book = Book(title="Lavinia")
        session.refresh(book)  # finding: `refresh` of book, which is never added


def refresh_in_the_wrong_session():
    with SessionLocal() as session, SessionLocal() as other:
        book = session.get(Book, 1)
        other.refresh(book)  # finding: `refresh` of book, which is of another session


def expire_of_a_detached_object():
    with SessionLocal() as session:
        book = session.get(Book, 1)
    with SessionLocal() as session:
        session.expire(book)  # finding: `expire` of book, which is detached


def expunge_of_a_detached_object():
    with SessionLocal() as session:
        book = session.get(Book, 1)
    with SessionLocal() as session:
        session.expunge(book)  # finding: `expunge` of book, which is detached


def delete_of_an_object_never_added():
    with SessionLocal() as session:
        book = Book(title="Lavinia")
        session.delete(book)  # finding: `delete` of book, which is never added


def delete_in_the_wrong_session():
    with SessionLocal() as session, SessionLocal() as other:
        book = session.get(Book, 1)
        other.delete(book)  # finding: `delete` of book, which is of another session


async def refresh_of_a_detached_object_async():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
    async with AsyncSessionLocal() as session:
        await session.refresh(book)  # finding: `refresh` of book, which is detached


async def refresh_in_the_wrong_session_async():
    async with AsyncSessionLocal() as session, AsyncSessionLocal() as other:
        book = await session.get(Book, 1)
        await other.refresh(book)  # finding: `refresh` of book, which is of another session


def _find(book_id):
    with SessionLocal() as session:
        return session.get(Book, book_id)


def refresh_of_what_a_helper_loaded():
    book = _find(1)
    with SessionLocal() as session:
        session.refresh(book)  # finding: `refresh` of book, which is detached


def _reload(session, book):
    session.refresh(book)


def refresh_by_a_helper():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        _reload(session, book)  # quiet: its own session


def refresh_in_its_own_session():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        session.refresh(book)  # quiet: persistent here


def refresh_after_commit():
    with SessionLocal() as session:
        book = Book(title="Lavinia")
        session.add(book)
        session.commit()
        session.refresh(book)  # quiet: persistent since the commit


def refresh_after_flush():
    with SessionLocal() as session:
        book = Book(title="Lavinia")
        session.add(book)
        session.flush()
        session.refresh(book)  # quiet: persistent since the flush


def refresh_after_add_of_a_detached_object():
    with SessionLocal() as session:
        book = session.get(Book, 1)
    with SessionLocal() as session:
        session.add(book)
        session.refresh(book)  # quiet: add() takes a detached object back


def refresh_after_merge():
    with SessionLocal() as session:
        book = session.get(Book, 1)
    with SessionLocal() as session:
        book = session.merge(book)
        session.refresh(book)  # quiet: the merged object is here


def refresh_after_a_new_load():
    with SessionLocal() as session:
        book = session.get(Book, 1)
    with SessionLocal() as session:
        book = session.get(Book, book.id)
        session.refresh(book)  # quiet: loaded by this session


def refresh_through_the_scoped_factory():
    from sqlalchemy.orm import scoped_session

    Shop = scoped_session(SessionLocal)
    book = Shop.get(Book, 1)
    Shop().refresh(book)  # quiet: the same session both times
    Shop.remove()


def refresh_through_its_own_session():
    from sqlalchemy.orm import object_session

    with SessionLocal() as session:
        book = session.get(Book, 1)
        object_session(book).refresh(book)  # quiet: its own session


def delete_of_a_detached_object():
    with SessionLocal() as session:
        book = session.get(Book, 1)
    with SessionLocal() as session:
        session.delete(book)  # quiet: delete() takes a detached object back
        session.commit()


def expunge_of_a_new_object():
    with SessionLocal() as session:
        book = Book(title="Lavinia")
        session.add(book)
        session.expunge(book)  # quiet: pending here


def expunge_of_what_an_assignment_took_back():
    with SessionLocal() as session:
        book, author = session.get(Book, 1), session.get(Author, 1)
        session.expunge(author)
        book.author = author
        session.expunge(author)  # quiet: the relationship of a persistent object adds it again


def expire_in_its_own_session():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        session.expire(book)  # quiet: persistent here


def on_one_path(again):
    with SessionLocal() as session:
        book = session.get(Book, 1)
        if again:
            session.close()
            book = session.get(Book, 1)
        session.refresh(book)  # quiet: loaded again where it was closed


def objects_of_a_parameter(session):
    book = session.get(Book, 1)
    session.refresh(book)  # quiet: the same session both times


def reached_through_a_relationship():
    with SessionLocal() as session:
        author = session.get(Author, 1)
        session.refresh(author.books[0])  # quiet: loaded by this session


def cascaded_by_add():
    with SessionLocal() as session:
        author = Author(name="Octavia", books=[Book(title="Kindred")])
        book = author.books[0]
        session.add(author)
        session.flush()
        session.refresh(book)  # quiet: the relationship brought it in


def cascaded_by_assignment():
    with SessionLocal() as session:
        book = Book(title="Lavinia")
        author = session.get(Author, 1)
        author.books.append(book)
        session.flush()
        session.refresh(book)  # quiet: the relationship brought it in


def cascaded_from_its_parent():
    with SessionLocal() as session:
        author = Author(name="Octavia")
        session.add(Book(title="Kindred", author=author))
        session.flush()
        session.refresh(author)  # quiet: the relationship brought it in


class _Repository:
    def __init__(self, session):
        self.session = session

    def save(self, book):
        self.session.add(book)
        self.session.commit()
        self.session.refresh(book)  # quiet: added above
        return book


def repository():
    with SessionLocal() as session:
        _Repository(session).save(Book(title="Lavinia"))


async def add_commit_refresh_async():
    async with AsyncSessionLocal() as session:
        book = Book(title="Lavinia")
        session.add(book)
        await session.commit()
        await session.refresh(book)  # quiet: persistent since the commit


def _store(session, author, is_new=False):
    if is_new:
        session.add(author)
        session.flush()
    session.refresh(author)  # quiet: the flag that the caller passes says whether it has to be added
    return author.name


def flag_says_whether_it_is_new(known):
    with SessionLocal() as session:
        author = session.get(Author, 1) if known else None
        is_new = author is None
        if is_new:
            author = Author(name="Iain M. Banks")
        _store(session, author, is_new)


def deleted_and_rolled_back():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        session.rollback()
        session.delete(book)
        session.rollback()
        session.commit()
        session.refresh(book)  # quiet: the second rollback has taken the `delete` back
