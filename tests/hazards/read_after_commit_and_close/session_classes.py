"""Subclasses of a session with a constructor of their own: what it hands to the next one decides."""

_OPTIONS = {"expire_on_commit": False}


class _Logged(Session):
    def __init__(self, log, bind=None, **options):
        self.log = log
        self.engine = bind or engine
        super().__init__(self.engine, **options)

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        self.close()


class _Older(Session):
    def __init__(self):
        Session.__init__(self, engine, autoflush=False)


class _Said(Session):
    def __init__(self):
        super().__init__(engine, expire_on_commit=False)


class _Optioned(Session):
    def __init__(self):
        super().__init__(engine, **_OPTIONS)


class _Updated(Session):
    def __init__(self, **options):
        options.update(_OPTIONS)
        super().__init__(engine, **options)


class _Flagged(Session):
    def __init__(self):
        super().__init__(engine)
        self.expire_on_commit = False


class _Either(Session):
    def __init__(self, keeping):
        if keeping:
            super().__init__(engine, expire_on_commit=False)
        else:
            super().__init__(engine)


class _Below(_Said):
    def __init__(self):
        super().__init__()


def its_own_constructor():
    with _Logged(print) as session:
        book = session.get(Book, 1)
        session.commit()
    print(book.title)  # finding: book.title expired at the commit


def keywords_that_it_hands_on():
    with _Logged(print, expire_on_commit=False) as session:
        book = session.get(Book, 1)
        session.commit()
    print(book.title)  # quiet: the caller says so


def dict_that_it_hands_on():
    with _Logged(print, **_OPTIONS) as session:
        book = session.get(Book, 1)
        session.commit()
    print(book.title)  # quiet: the caller may say so


def named_instead_of_super():
    with _Older() as session:
        book = session.get(Book, 1)
        session.commit()
    print(book.title)  # finding: book.title expired at the commit


def said_by_the_constructor():
    with _Said() as session:
        book = session.get(Book, 1)
        session.commit()
    print(book.title)  # quiet: the constructor says so


def dict_of_the_constructor():
    with _Optioned() as session:
        book = session.get(Book, 1)
        session.commit()
    print(book.title)  # quiet: the dict may say so


def dict_that_is_filled():
    with _Updated() as session:
        book = session.get(Book, 1)
        session.commit()
    print(book.title)  # quiet: what it hands on is not only what it is given


def set_afterwards():
    with _Flagged() as session:
        book = session.get(Book, 1)
        session.commit()
    print(book.title)  # quiet: the constructor says so


def in_one_of_two_ways():
    with _Either(True) as session:
        book = session.get(Book, 1)
        session.commit()
    print(book.title)  # quiet: in one of them it keeps


def constructor_above_a_constructor():
    with _Below() as session:
        book = session.get(Book, 1)
        session.commit()
    print(book.title)  # quiet: the class above says so
