"""Factories of modules that come with something else: ``engine, Session = connect(url)``."""


def _connect():
    return engine, sessionmaker(engine)


_engine, _Made = _connect()
_expiring, _keeping = sessionmaker(engine), sessionmaker(engine, expire_on_commit=False)


def made_by_a_function():
    with _Made() as session:
        book = session.get(Book, 1)
        session.commit()
    print(book.title)  # finding: book.title expired at the commit


def one_of_two():
    with _expiring() as session:
        book = session.get(Book, 1)
        session.commit()
    print(book.title)  # finding: book.title expired at the commit


def the_other():
    with _keeping() as session:
        book = session.get(Book, 1)
        session.commit()
    print(book.title)  # quiet: this one keeps
