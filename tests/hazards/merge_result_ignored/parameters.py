"""Objects that come in as arguments: whoever merges one knows that it need not be in the session."""

from typing import Generic, Literal, TypeVar

from sqlalchemy.exc import InvalidRequestError

T = TypeVar("T", bound="Base")


def _detached():
    with SessionLocal() as session:
        return session.get(Book, 1)


def _refuses(work, *arguments):
    try:
        work(*arguments)
    except InvalidRequestError as error:
        return "is not persistent within this Session" in str(error)
    return False


class _Repository(Generic[T]):
    def __init__(self, session: Session):
        self.session = session

    def attach(self, obj: T, how: Literal["add", "merge"] = "add") -> T:
        match how:
            case "add":
                self.session.add(obj)
            case "merge":
                self.session.merge(obj)  # finding: the merged object is thrown away, and obj is refreshed
        return obj

    def add(self, obj: T) -> T:
        added = self.attach(obj)
        self.session.flush()
        self.session.refresh(added)  # quiet: added
        return added

    def update(self, obj: T) -> T:
        updated = self.attach(obj, how="merge")
        self.session.flush()
        self.session.refresh(updated)
        return updated

    def replace(self, obj: T) -> T:
        replaced = self.session.merge(obj)  # quiet: the result is used
        self.session.flush()
        self.session.refresh(replaced)
        return replaced

    def store(self, obj: T) -> None:
        self.session.merge(obj)  # quiet: nobody uses the original any longer
        self.session.flush()


def _reload(session: Session, book: Book):
    session.merge(book)  # finding: the merged object is thrown away, and book is refreshed
    session.refresh(book)


def _change(session: Session, book: Book):
    session.merge(book)  # quiet: it may be in the session
    book.price = 25


def of_any_class():
    with SessionLocal() as session:
        assert _refuses(_Repository(session).update, _detached())


def of_a_class():
    with SessionLocal() as session:
        assert _refuses(_reload, session, _detached())


def others():
    with SessionLocal() as session:
        repository = _Repository(session)
        repository.store(_detached())
        print(repository.replace(_detached()).title)
        print(repository.add(Book(title="Lavinia")).title)
        _change(session, session.get(Book, 1))
