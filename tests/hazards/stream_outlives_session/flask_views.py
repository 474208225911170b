"""Responses of Flask, whose generators run when the view has returned."""

from flask import Blueprint, Flask, Response, current_app, stream_with_context
from sqlalchemy import event
from sqlalchemy.orm import scoped_session

app = Flask("shop")
shelf = Blueprint("shelf", __name__)
class _Noted(Session):
    """Transactions that are open are known."""


_transactions = set()


@event.listens_for(_Noted, "after_transaction_create")
def _begun(session, transaction):
    _transactions.add(transaction)


@event.listens_for(_Noted, "after_transaction_end")
def _ended(session, transaction):
    _transactions.discard(transaction)


_open_session = sessionmaker(engine, class_=_Noted)
_current = scoped_session(SessionLocal)


def _get(path):
    with app.test_client().get(path) as response:
        return response.text


def _titles_of(author):
    for book in author.books:
        yield book.title


def _titles(session):
    for book in session.scalars(select(Book)):
        yield book.title


def _titles_and_the_end(session):
    try:
        for book in session.scalars(select(Book)):
            yield book.title
    finally:
        session.close()


def _each(books):
    for book in books:
        yield book.title


@app.get("/not-loaded")
def _not_loaded():
    with SessionLocal() as session:
        author = session.get(Author, 1)
        return Response(_titles_of(author))  # finding: when `Response` runs this, author.books is not loaded and its


def not_loaded():
    _get("/not-loaded")


@app.get("/with-context")
def _with_context():
    with SessionLocal() as session:
        author = session.get(Author, 1)
        return Response(stream_with_context(_titles_of(author)), mimetype="text/csv")  # finding: author.books is not


def with_context():
    _get("/with-context")


@app.get("/under-a-name")
def _under_a_name():
    with SessionLocal() as session:
        titles = _titles_of(session.get(Author, 1))
        response = Response(response=titles)  # finding: when `Response` runs this, author.books is not loaded
    response.headers["X-Total"] = "2"
    response.set_cookie("seen", "1")
    return response


def under_a_name():
    _get("/under-a-name")


@app.get("/as-it-is")
def _as_it_is():
    with SessionLocal() as session:
        return _titles_of(session.get(Author, 1))  # finding: when the response runs this, author.books is not loaded


def as_it_is():
    _get("/as-it-is")


@shelf.route("/in-a-tuple")
def _in_a_tuple():
    with SessionLocal() as session:
        return _titles_of(session.get(Author, 1)), {"Content-Type": "text/csv"}  # finding: author.books is not loaded


app.register_blueprint(shelf)


def in_a_tuple():
    _get("/in-a-tuple")


@app.get("/response-class")
def _response_class():
    with SessionLocal() as session:
        return current_app.response_class(_titles_of(session.get(Author, 1)))  # finding: `current_app.response_class`


def response_class():
    _get("/response-class")


@app.get("/response-class-of-the-application")
def _response_class_of_the_application():
    with SessionLocal() as session:
        return app.response_class(_titles_of(session.get(Author, 1)))  # finding: author.books is not loaded


def response_class_of_the_application():
    _get("/response-class-of-the-application")


@app.get("/closure")
def _closure():
    with SessionLocal() as session:
        author = session.get(Author, 1)

        def titles():
            yield author.name
            for book in author.books:
                yield book.title

        return Response(titles())  # finding: author.books is not loaded and its session is closed


def closure():
    _get("/closure")


@app.get("/expired")
def _expired():
    with SessionLocal() as session:
        author = session.get(Author, 1)
        author.name = "Ursula K."
        session.commit()
        return Response(_name(author))  # finding: author.name expired at the commit and its session is closed


def _name(author):
    yield author.name


def expired():
    _get("/expired")


def _answer(author):
    return Response(_titles_of(author))  # finding: author.books is not loaded and its session is closed


@app.get("/helper")
def _helper():
    with SessionLocal() as session:
        return _answer(session.get(Author, 1))


def helper():
    _get("/helper")


@app.get("/query")
def _query():
    with _open_session() as session:
        return Response(_titles(session))  # finding, silent: its session is closed; it begins anew, and nobody ends that


def query():
    _get("/query")
    assert _transactions


@app.get("/closed-by-hand")
def _closed_by_hand():
    session = _open_session()
    try:
        return Response(_titles(session))  # finding, silent: its session is closed; it begins anew, and nobody ends that
    finally:
        session.close()


def closed_by_hand():
    _get("/closed-by-hand")
    assert _transactions


@app.get("/result")
def _result():
    with SessionLocal() as session:
        return Response(_each(session.scalars(select(Book))))  # finding, lkrp: the session of its result is closed


def result():
    _get("/result")


@app.get("/before")
def _before():
    with SessionLocal() as session:
        author = session.get(Author, 1, options=[undefer(Author.biography)])
    return Response(_titles_of(author))  # also lazy-read-after-close: Author.books is not loaded and its session


def detached_before():
    _get("/before")


@app.get("/loaded")
def _loaded():
    with SessionLocal() as session:
        author = session.get(Author, 1, options=[selectinload(Author.books)])
        return Response(_titles_of(author))  # quiet: loaded with the query


def loaded():
    _get("/loaded")


@app.get("/all")
def _all():
    with SessionLocal() as session:
        return Response(_each(session.scalars(select(Book)).all()))  # quiet: all there


def all_there():
    _get("/all")


@app.get("/values")
def _values():
    with SessionLocal() as session:
        titles = [book.title for book in session.get(Author, 1).books]
    return Response(title for title in titles)  # quiet: values


def values():
    _get("/values")


def _titles_by_key(author_id):
    with SessionLocal() as session:
        for book in session.get(Author, author_id).books:
            yield book.title


@app.get("/own-session")
def _own_session():
    with SessionLocal() as session:
        author = session.get(Author, 1)
        return Response(_titles_by_key(author.id))  # quiet: a session of its own


def own_session():
    _get("/own-session")


@app.get("/closed-at-the-end")
def _closed_at_the_end():
    with _open_session() as session:
        return Response(_titles_and_the_end(session))  # quiet: the generator closes it again


def closed_at_the_end():
    _get("/closed-at-the-end")
    assert not _transactions


def _commits(session):
    for book in session.scalars(select(Book)).all():
        yield book.title
    session.commit()


@app.get("/committed")
def _committed():
    with _open_session() as session:
        return Response(_commits(session))  # quiet: nothing is left open


def committed():
    _get("/committed")
    assert not _transactions


@app.get("/open")
def _open():
    session = SessionLocal()
    return Response(_titles_and_the_end(session))  # quiet: nobody has closed it


def still_open():
    _get("/open")


@app.get("/scoped")
def _scoped():
    author = _current.get(Author, 1)
    return Response(_titles_of(author))  # quiet: the session of the thread


def scoped():
    _get("/scoped")
    _current.remove()


@app.get("/on-close")
def _on_close():
    with _open_session() as session:
        response = Response(_titles(session))  # quiet: closed once more with the response
    response.call_on_close(session.close)
    return response


def closed_with_the_response():
    _get("/on-close")
    assert not _transactions


@app.get("/joined")
def _joined():
    with SessionLocal() as session:
        response = Response(_titles_of(session.get(Author, 1)))  # quiet: the body is made here
        return response.get_data(as_text=True)


def made_at_once():
    _get("/joined")


def _joined_titles(author):
    return ", ".join(_titles_of(author))


@app.get("/joined-by-hand")
def _joined_by_hand():
    with SessionLocal() as session:
        return Response(_joined_titles(session.get(Author, 1)))  # quiet: a text


def joined_by_hand():
    _get("/joined-by-hand")


class _Sheet:
    def __init__(self, rows):
        self.rows = list(rows)


def something_else_that_takes_a_generator():
    with SessionLocal() as session:
        sheet = _Sheet(_titles_of(session.get(Author, 1)))  # quiet: iterated over here
    print(sheet.rows)
