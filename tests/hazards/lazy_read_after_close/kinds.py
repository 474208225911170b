"""One function for objects of several classes, told apart by ``isinstance``."""


class Seat(Base):
    __tablename__ = "seat"

    id: Mapped[int] = mapped_column(primary_key=True)
    row: Mapped[str] = mapped_column(deferred=True)


class Balcony(Seat):
    __tablename__ = "balcony"

    id: Mapped[int] = mapped_column(ForeignKey("seat.id"), primary_key=True)
    view: Mapped[str] = mapped_column(deferred=True)


def _label(thing):
    if isinstance(thing, Author):
        return f"author {thing.id}: {thing.biography}"
    if isinstance(thing, (Seat, Base)):
        return f"other {thing.id}"
    return str(thing)


def _seat_label(seat):
    if isinstance(seat, Balcony):
        return seat.view
    return str(seat.id)


def of_another_class():
    with SessionLocal() as session:
        book = session.get(Book, 1)
    print(_label(book))  # quiet: a book has no biography


def of_that_class():
    with SessionLocal() as session:
        author = session.get(Author, 1)
    print(_label(author))  # finding: Author.biography is not loaded and its session is closed


def of_a_subclass_perhaps():
    with SessionLocal() as session:
        Base.metadata.create_all(session.connection())
        session.merge(Seat(id=1, row="A"))
        session.flush()
        session.expunge_all()
        seat = session.get(Seat, 1)
    print(_seat_label(seat))  # quiet: a plain seat, and what a balcony has is not loaded with it anyway
