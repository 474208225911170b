# since SQLAlchemy 2.0.16
"""Sessions of Flask-SQLAlchemy, also where the program has a class of its own below ``SQLAlchemy``."""

from contextlib import contextmanager

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy import SQLAlchemy as _Library
from sqlalchemy.pool import StaticPool


class _Extension(_Library):
    def apply_pool_defaults(self, app, options):
        return {**options, "pool_pre_ping": True}

    def save(self):
        self.session.commit()
        self.session.close()

    @contextmanager
    def saving(self):
        yield self.session
        self.session.commit()
        self.session.remove()


class _Below(_Extension):
    def __init__(self, **words):
        super().__init__(**words)
        self.is_ours = True


class _WithOptions(_Library):
    def __init__(self):
        super().__init__(session_options={"expire_on_commit": False})


class _WithSessions(_Library):
    def _make_scoped_session(self, options):
        return super()._make_scoped_session({**options, "expire_on_commit": False})


plain_db = SQLAlchemy()
db = _Extension()
below_db = _Below()
optioned_db = _WithOptions()
own_db = _WithSessions()
told_db = _Extension(session_options={"expire_on_commit": False})

_app = Flask("example")
_app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite://"
_app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {
    "creator": lambda: engine.raw_connection().driver_connection,
    "poolclass": StaticPool,
}
for _each in (plain_db, db, below_db, optioned_db, own_db, told_db):
    _each.init_app(_app)
    _app.extensions.pop("sqlalchemy")


def of_the_library():
    with _app.app_context():
        book = plain_db.session.get(Book, 1)
        plain_db.session.commit()
        plain_db.session.close()
        print(book.title)  # finding: book.title expired at the commit


def of_a_subclass():
    with _app.app_context():
        book = db.session.get(Book, 1)
        db.session.commit()
        print(book.title)  # quiet: the session is still there
        db.session.commit()
        db.session.close()
        print(book.title)  # finding: book.title expired at the commit


def of_a_subclass_with_a_constructor():
    with _app.app_context():
        book = below_db.session.scalars(below_db.select(Book)).first()
        below_db.session.commit()
        below_db.session.remove()
        print(book.title)  # finding: book.title expired at the commit


def method_of_a_subclass():
    with _app.app_context():
        book = db.session.get(Book, 1)
        db.save()
        print(book.title)  # finding: book.title expired at the commit


def context_manager_of_a_subclass():
    with _app.app_context():
        with below_db.saving() as session:
            book = session.get(Book, 1)
        print(book.title)  # finding: book.title expired at the commit


class _Shelf(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    label = db.Column(db.String(20))


def query_of_a_model():
    with _app.app_context():
        _Shelf.metadata.create_all(engine)
        db.session.add(_Shelf(id=1, label="new"))
        db.session.commit()
        shelf = _Shelf.query.first()
        db.session.commit()
        db.session.remove()
        print(shelf.label)  # finding: shelf.label expired at the commit


def that_is_told_to_keep():
    with _app.app_context():
        book = told_db.session.get(Book, 1)
        told_db.session.commit()
        told_db.session.close()
        print(book.title)  # quiet: the commit expires nothing


def added_to_one_that_keeps():
    with _app.app_context():
        book = Book(title="The Telling")
        told_db.session.add(book)
        told_db.session.commit()
        assert book.id is not None
    with SessionLocal() as session:
        book = session.get(Book, 1)
        session.commit()
    print(book.title)  # finding: book.title expired at the commit


def whose_constructor_says_so():
    with _app.app_context():
        book = optioned_db.session.get(Book, 1)
        optioned_db.session.commit()
        optioned_db.session.close()
        print(book.title)  # quiet: the commit expires nothing


def that_makes_sessions_in_its_own_way():
    with _app.app_context():
        book = own_db.session.get(Book, 1)
        own_db.session.commit()
        own_db.session.close()
        print(book.title)  # quiet: the commit expires nothing


def that_has_another_session_for_a_while(session):
    with _app.app_context():
        own = db.session
        setattr(db, "ses" + "sion", session)
        book = Book(title="Always Coming Home")
        db.session.add(book)
        session.commit()
        setattr(db, "ses" + "sion", own)
        print(book.id)  # quiet: the session that is given stands for that of the extension
