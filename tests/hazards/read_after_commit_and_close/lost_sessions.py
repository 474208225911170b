"""Sessions that nothing holds any longer: with the last name of one that has no transaction its objects detach."""

_kept = []
_by_name = {}


class _Service:
    def __init__(self):
        self.session = None

    def load(self):
        session = SessionLocal()
        self.session = session
        book = session.get(Book, 1)
        session.commit()
        return book


def _keep(session):
    _kept.append(session)


def _add(title):
    session = SessionLocal()
    book = Book(title=title)
    session.add(book)
    session.commit()
    return book


def _add_and_refresh(title):
    session = SessionLocal()
    book = Book(title=title)
    session.add(book)
    session.commit()
    session.refresh(book)
    return book


def _add_and_give_both(title):
    session = SessionLocal()
    book = Book(title=title)
    session.add(book)
    session.commit()
    return session, book


def _change(session, title):
    book = session.get(Book, 1)
    book.title = title
    session.commit()
    return book


def name_of_the_session_for_another():
    session = SessionLocal()
    book = session.get(Book, 1)
    session.commit()
    session = SessionLocal()
    print(book.title)  # finding: book.title expired at the commit and its session is gone
    session.close()


def name_of_the_session_deleted():
    session = SessionLocal()
    book = session.get(Book, 1)
    session.commit()
    del session
    print(book.title)  # finding: book.title expired at the commit and its session is gone


def another_session_under_another_name():
    session = SessionLocal()
    book = session.get(Book, 1)
    session.commit()
    other = SessionLocal()
    print(book.title)  # quiet: its session is still there
    other.close()
    session.close()


def read_before_the_name_goes():
    session = SessionLocal()
    book = session.get(Book, 1)
    session.commit()
    print(book.title)
    session = SessionLocal()
    print(book.title)  # quiet: loaded before
    session.close()


def session_with_a_transaction():
    session = SessionLocal()
    book = session.get(Book, 1)
    session.commit()
    session.connection()
    session = SessionLocal()
    print(book.title)  # quiet: a transaction holds its session, for a while
    session.close()


def session_with_a_change():
    session = SessionLocal()
    book = session.get(Book, 1)
    session.commit()
    book.price = 3
    session = SessionLocal()
    print(book.title)  # quiet: the change has begun a transaction
    session.close()


def session_in_a_list():
    session = SessionLocal()
    sessions = [session]
    book = session.get(Book, 1)
    session.commit()
    session = SessionLocal()
    print(book.title)  # quiet: the list holds its session
    for each in (session, *sessions):
        each.close()


def session_in_a_dictionary_of_the_module():
    session = SessionLocal()
    _by_name["main"] = session
    book = session.get(Book, 1)
    session.commit()
    session = SessionLocal()
    print(book.title)  # quiet: the dictionary holds its session
    session.close()
    _by_name.pop("main").close()


def session_given_to_somebody():
    session = SessionLocal()
    _keep(session)
    book = session.get(Book, 1)
    session.commit()
    session = SessionLocal()
    print(book.title)  # quiet: somebody holds its session
    session.close()
    _kept.pop().close()


def session_of_a_query():
    session = SessionLocal()
    query = session.query(Book)
    book = query.first()
    session.commit()
    session = SessionLocal()
    print(book.title, query)  # quiet: the query holds its session
    session.close()


def session_of_a_closure():
    session = SessionLocal()
    book = session.get(Book, 1)

    def close():
        session.close()

    session.commit()
    print(book.title)  # quiet: the closure, and the name, hold its session
    close()


def session_of_a_function():
    book = _add("Malafrena")
    print(book.title)  # finding: book.title expired at the commit and its session is gone


def session_of_a_function_that_refreshes():
    book = _add_and_refresh("Orsinia")
    print(book.title)  # quiet: loaded


def session_of_a_function_that_returns_it():
    session, book = _add_and_give_both("Gifts")
    print(book.title)  # quiet: its session came along
    session.close()


def session_of_an_argument():
    session = SessionLocal()
    book = _change(session, "Voices")
    print(book.title)  # quiet: its session is still here
    session.close()


def session_of_a_service():
    service = _Service()
    book = service.load()
    print(book.title)  # quiet: the service holds its session
    service.session.close()


def factory_that_keeps():
    session = sessionmaker(engine, expire_on_commit=False)()
    book = session.get(Book, 1)
    session.commit()
    session = SessionLocal()
    print(book.title)  # quiet: loaded, whatever became of the session
    session.close()
