"""Branches, loops, exceptions."""

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm.exc import DetachedInstanceError


def on_one_path(save):
    with SessionLocal() as session:
        book = session.get(Book, 1)
        if save:
            session.commit()
    print(book.title)  # finding: book.title expired at the commit


def on_no_path(save):
    with SessionLocal() as session:
        book = session.get(Book, 1)
        if save:
            session.commit()
            session.refresh(book)
    print(book.title)  # quiet: refreshed where it was committed


def the_same_flag_guards_both(save):
    with SessionLocal() as session:
        book = session.get(Book, 1)
        if save:
            session.commit()
    if not save:
        print(book.title)  # quiet: read only where it was not committed


def returns_before_the_commit(dry_run):
    with SessionLocal() as session:
        book = session.get(Book, 1)
        if dry_run:
            return book.title  # quiet: before the commit
        session.commit()
        return book.title  # quiet: the session is open


def early_return_skips_the_commit(dry_run):
    with SessionLocal() as session:
        book = session.get(Book, 1)
        if not dry_run:
            session.commit()
            return None
    return book.title  # quiet: reached only without the commit


def missing_row():
    with SessionLocal() as session:
        book = session.get(Book, 99)
        session.commit()
    if book is None:
        return None  # quiet: the only path that runs here
    return "sold"


def closed_in_finally():
    session = SessionLocal()
    try:
        book = session.get(Book, 1)
        session.commit()
    finally:
        session.close()
    return book.price  # finding: book.price expired at the commit


def read_inside_try_before_finally():
    session = SessionLocal()
    try:
        book = session.get(Book, 1)
        session.commit()
        return book.price  # quiet: read before finally closes
    finally:
        session.close()


def read_in_else():
    session = SessionLocal()
    try:
        book = session.get(Book, 1)
        session.commit()
    except SQLAlchemyError:
        raise
    else:
        return book.price  # quiet: read before finally closes
    finally:
        session.close()


def commit_in_a_loop():
    with SessionLocal() as session:
        books = session.scalars(select(Book)).all()
        for book in books:
            book.price += 1  # quiet: the session is open
            session.commit()
    for book in books:
        print(book.price)  # finding: book.price expired at the commit


def commit_in_a_loop_over_keys():
    sold = []
    with SessionLocal() as session:
        for book_id in (1, 2):
            book = session.get(Book, book_id)
            book.price += 1
            session.commit()
            sold.append(book.price)  # quiet: the session is open
    return sold  # quiet: numbers


def commit_and_refresh_in_a_loop():
    with SessionLocal() as session:
        for book_id in (1, 2):
            book = session.get(Book, book_id)
            session.commit()
            session.refresh(book)
    print(book.title)  # quiet: the last one was refreshed after the last commit


def refreshed_one_by_one_after_the_loop():
    with SessionLocal() as session:
        books = session.scalars(select(Book)).all()
        session.commit()
        for book in books:
            session.refresh(book)
    print([book.title for book in books])  # quiet: refreshed after the commit


def loop_that_leaves_at_once():
    with SessionLocal() as session:
        while True:
            book = session.get(Book, 1)
            if book.price > 5:
                title = book.title
                break
            session.commit()
    print(title, book.price)  # quiet: left before the commit


def either_of_two_objects(second):
    with SessionLocal() as session:
        book = session.get(Book, 2) if second else session.get(Book, 1)
        session.commit()
    print(book.title)  # finding: book.title expired at the commit


def matched(second):
    with SessionLocal() as session:
        match second:
            case True:
                book = session.get(Book, 2)
            case _:
                book = session.get(Book, 1)
        session.commit()
    print(book.title)  # finding: book.title expired at the commit


def bound_by_a_walrus():
    with SessionLocal() as session:
        if book := session.get(Book, 1):
            session.commit()
    print(book.title)  # finding: book.title expired at the commit


def the_program_expects_it():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        session.commit()
    try:
        return book.title  # quiet: the handler is there for exactly this
    except DetachedInstanceError:
        return None


def one_finding_for_many_reads():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        session.commit()
    print(book.title)  # finding: book.title expired at the commit
    print(book.price)
    print(book.id)


def closed_by_hand_and_used_again():
    session = SessionLocal()
    book = session.get(Book, 1)
    session.commit()
    session.close()
    book = session.get(Book, 1)
    print(book.title)  # quiet: a closed session can be used again
    session.close()
    print(book.title)  # quiet: loaded, and no commit since


def the_name_of_a_closed_session_is_taken():
    session = SessionLocal()
    book = session.get(Book, 1)
    session.commit()
    other, session = session, SessionLocal()
    session.close()
    print(book.title)  # quiet: its own session is open
    other.close()


def deleted_while_expired():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        session.commit()
        session.delete(book)
        session.flush()
    print(book.title)  # quiet: the DELETE loaded the row


def loaded_again_behind_a_relationship():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        print(book.author.name)
        session.commit()
        print(book.author is None)
    print(book.author.name)  # quiet: the lazy load brought the author back


def selected_again_after_a_change():
    with SessionLocal(expire_on_commit=False) as session:
        book = session.get(Book, 1)
        book.title = "Lavinia"
        again = session.scalars(select(Book).where(Book.id == 1)).one()
    print(book.changed_at, again.title)  # quiet: the query brought back what its own flush had expired


def a_transaction_that_has_begun():
    with SessionLocal() as session:
        author = session.get(Author, 1)
        if not session.in_transaction():
            session.commit()
    print(author.name)  # quiet: the query has begun one


def a_transaction_that_has_not_begun():
    with SessionLocal() as session:
        author = session.get(Author, 1)
        session.commit()
        if not session.in_transaction():
            print("nothing to do")
    print(author.name)  # finding: author.name expired at the commit
