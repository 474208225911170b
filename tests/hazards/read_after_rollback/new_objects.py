"""What a rollback makes of objects that were added: transient again, if they were added in what it rolls back."""

from sqlalchemy.exc import InvalidRequestError

Keeping = sessionmaker(engine, expire_on_commit=False)


class _Refused(Exception):
    pass


def added_and_flushed():
    with SessionLocal() as session:
        author = Author(name="Octavia")
        session.add(author)
        session.flush()
        session.rollback()
    print(author.name)  # quiet: transient again, with its values
    print(author.books)  # quiet: transient again


def added_and_committed_before():
    with Keeping() as session:
        author = Author(name="Octavia")
        session.add(author)
        session.commit()
        session.get(Book, 1)
        session.rollback()
    print(author.name)  # finding: author.name expired at the rollback


def added_in_the_savepoint():
    with Keeping() as session:
        try:
            with session.begin_nested():
                author = Author(name="Octavia")
                session.add(author)
                raise _Refused
        except _Refused:
            pass
    print(author.name)  # quiet: transient again


def added_before_the_savepoint():
    with Keeping() as session:
        author = Author(name="Octavia")
        session.add(author)
        try:
            with session.begin_nested():
                author.name = "Octavia Butler"
                raise _Refused
        except _Refused:
            pass
    print(author.name)  # finding: author.name expired at the rollback


def added_in_a_savepoint_that_was_released():
    with Keeping() as session:
        with session.begin_nested():
            author = Author(name="Octavia")
            session.add(author)
        session.rollback()
    print(author.name)  # quiet: transient again, with all of the transaction


def refreshed_after():
    with SessionLocal() as session:
        author = Author(name="Octavia")
        session.add(author)
        session.flush()
        session.rollback()
        session.add(author)
        session.flush()
        session.refresh(author)
        print(author.name)  # quiet: added again


def deleted():
    with Keeping() as session:
        book = session.get(Book, 1)
        session.delete(book)
        session.flush()
        session.rollback()
    print(book.title)  # finding: book.title expired at the rollback


def read_behind_a_delete_that_is_refused(failed):
    with SessionLocal() as session:
        author, book = session.get(Author, 1), Book(title="Lavinia")
        session.add(book)
        session.flush()
        if failed:
            session.rollback()
            try:
                session.delete(book)
            except InvalidRequestError:
                return
    print(author.name)  # quiet: after the rollback nobody comes here: delete() refuses a transient object


def read_behind_a_delete_of_a_row_that_the_session_has(failed):
    with Keeping() as session:
        detached = session.get(Book, 1)
    with Keeping() as session:
        books = session.scalars(select(Book)).all()
        if failed:
            session.rollback()
            try:
                session.delete(detached)
            except InvalidRequestError:
                return
    print(books[0].title)  # quiet: after the rollback nobody comes here: delete() refuses a second object of one row


def appended_to_a_list_that_was_given():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        print(book.author.name)
        author = Author(name="Rebecca", books=[Book(title="The Return of the Soldier")])
        session.add(author)
        session.rollback()
    author.books.append(book)
    print(book.author.name)  # quiet: the other side of the collection


def refreshed_before_the_rollback():
    with Keeping() as session:
        author = session.get(Author, 1)
        book = Book(title="Kindred", author=author)
        session.add(book)
        session.flush()
        session.refresh(book)
        session.rollback()
    print(book.title)  # quiet: transient again, with what the refresh has loaded
    print(book.author.name if book.author else None)  # quiet: the refresh has dropped it, and there is no row to load from


def expired_before_the_rollback():
    with Keeping() as session:
        author = Author(name="Octavia")
        session.add(author)
        session.flush()
        session.expire(author)
        session.rollback()
    print(author.books)  # quiet: there is no row to load from
    print(author.name)  # also expire-then-read: author.name was expired by hand and the rollback has taken its row


def updated_before_the_rollback():
    with Keeping() as session:
        book = Book(title="Kindred")
        session.add(book)
        session.flush()
        book.title = "Dawn"
        session.flush()
        session.rollback()
    print(book.title)  # quiet: transient again, with its values


def deleted_before_the_savepoint():
    with Keeping() as session:
        book = session.get(Book, 1)
        session.delete(book)
        try:
            with session.begin_nested():
                raise _Refused
        except _Refused:
            pass
        session.commit()
    print(book.title)  # quiet: the savepoint began with its DELETE, so it stays deleted, and what is deleted does not expire


def deleted_in_the_savepoint():
    with Keeping() as session:
        book = session.get(Book, 1)
        try:
            with session.begin_nested():
                session.delete(book)
                session.flush()
                raise _Refused
        except _Refused:
            pass
    print(book.title)  # quiet: it is back, and the rollback of a savepoint expires only what was changed inside


def deleted_after_it_was_expunged(failed):
    with Keeping() as session:
        author = session.get(Author, 1)
        print(len(author.books))
        if failed:
            session.rollback()
            session.expunge_all()
        session.delete(author)
        session.flush()
        print([book.title for book in author.books])  # quiet: the DELETE has loaded them again


def selected_again_with_all_the_others():
    with Keeping() as session:
        authors = session.scalars(select(Author)).all()
        author = session.scalars(select(Author).where(Author.id == 1)).one()
        try:
            with session.begin_nested():
                author.name = "Ursula K. Le Guin"
                raise _Refused
        except _Refused:
            again = session.scalars(select(Author)).all()
    print(len(authors), len(again), author.name)  # quiet: every author was loaded again
