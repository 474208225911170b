"""Instances of the program's classes as conditions: `if not opening:`."""


class Opening:
    def begin(self):
        return SessionLocal()

    def end(self, session):
        pass


class Closing(Opening):
    def end(self, session):
        session.close()


class Empty(Opening):
    def __len__(self):
        return 0


class Handler:
    def __init__(self, opening=None):
        if not opening:
            self.opening = Closing()
        else:
            self.opening = opening


class Asking:
    def __init__(self, opening=None):
        self.opening = Closing() if opening is None else opening


def instance_that_is_given():
    handler = Handler(Opening())
    session = handler.opening.begin()
    book = session.get(Book, 1)
    session.commit()
    handler.opening.end(session)
    print(book.title)  # quiet: an instance is true
    session.close()


def instance_that_is_not_none():
    handler = Asking(Opening())
    session = handler.opening.begin()
    book = session.get(Book, 1)
    session.commit()
    handler.opening.end(session)
    print(book.title)  # quiet: an instance is not None
    session.close()


def instance_that_is_missing():
    handler = Handler()
    session = handler.opening.begin()
    book = session.get(Book, 1)
    session.commit()
    handler.opening.end(session)
    print(book.title)  # finding: book.title expired at the commit


def instance_that_says_when_it_is_true():
    handler = Handler(Empty())
    session = handler.opening.begin()
    book = session.get(Book, 1)
    session.commit()
    handler.opening.end(session)
    print(book.title)  # missed: its length is not known
