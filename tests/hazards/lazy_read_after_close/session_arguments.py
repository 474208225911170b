"""Sessions that may be left out of a call, and are not."""

from contextlib import contextmanager

_held = {}


@contextmanager
def _given_or_new(session: Session | None = None):
    if session:
        yield session
    else:
        with SessionLocal() as session:
            yield session


def _authors(session: Session | None = None):
    with _given_or_new(session) as session:
        return session.scalars(select(Author)).all()


def _one(session: Session = None):
    if session is None:
        with SessionLocal() as own:
            return own.scalars(select(Author)).first()
    return session.scalars(select(Author)).first()


def left_out():
    for author in _authors():
        print(author.books)  # finding: author.books is not loaded and its session is closed


def _with_the_one_that_is_held(sessions):
    for author in _authors(session=sessions["only"]):
        print(author.books)  # quiet: the session that was given is still open
    print(_one(sessions["only"]).books)  # quiet: the session that was given is still open


def given():
    with SessionLocal() as session:
        _held["only"] = session
        _with_the_one_that_is_held(_held)
