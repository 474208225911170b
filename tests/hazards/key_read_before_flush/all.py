"""Primary keys of new objects.  The assertions show the wrong value that comes out."""

from uuid import UUID, uuid4

from sqlalchemy import insert


class Receipt(Base):
    __tablename__ = "receipt"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)


class Voucher(Base):
    __tablename__ = "voucher"

    code: Mapped[str] = mapped_column(primary_key=True)

    def __init__(self):
        self.code = "VOUCHER"


Base.metadata.create_all(engine)


def into_a_response():
    with SessionLocal() as session:
        author = Author(name="Octavia")
        session.add(author)
        response = {"id": author.id}  # finding: author.id is None until the session flushes
        session.commit()
    assert response == {"id": None}


def into_a_foreign_key():
    with SessionLocal() as session:
        author = Author(name="Octavia")
        session.add(author)
        book = Book(title="Kindred", author_id=author.id)  # finding: author.id is None until the session flushes
        session.add(book)
        session.commit()
        assert book.author_id is None


def returned():
    def create(session):
        author = Author(name="Octavia")
        session.add(author)
        return author.id  # finding: author.id is None until the session flushes

    with SessionLocal() as session:
        assert create(session) is None


def added_together():
    with SessionLocal() as session:
        author = Author(name="Octavia")
        session.add_all([author, Book(title="Kindred")])
        key = author.id  # finding: author.id is None until the session flushes
        assert key is None


def without_autoflush():
    with SessionLocal() as session, session.no_autoflush:
        author = Author(name="Octavia")
        session.add(author)
        session.scalars(select(Book)).all()
        key = author.id  # finding: author.id is None until the session flushes
        assert key is None


def client_side_default():
    with SessionLocal() as session:
        receipt = Receipt()
        session.add(receipt)
        link = f"/receipts/{receipt.id}"  # finding: receipt.id is None until the session flushes
        assert link == "/receipts/None"


def begin_block():
    with SessionLocal.begin() as session:
        author = Author(name="Octavia")
        session.add(author)
        key = author.id  # finding: author.id is None until the session flushes
    assert key is None


async def from_async_code():
    async with AsyncSessionLocal() as session:
        author = Author(name="Octavia")
        session.add(author)
        response = {"id": author.id}  # finding: author.id is None until the session flushes
        await session.commit()
    assert response == {"id": None}


def after_a_flush():
    with SessionLocal() as session:
        author = Author(name="Octavia")
        session.add(author)
        session.flush()
        assert author.id == 2  # quiet: flushed


def after_a_commit():
    with SessionLocal() as session:
        author = Author(name="Octavia")
        session.add(author)
        session.commit()
        assert author.id == 2  # quiet: the commit flushed, the read reloads


def after_a_query():
    with SessionLocal() as session:
        author = Author(name="Octavia")
        session.add(author)
        session.scalars(select(Book)).all()
        assert author.id == 2  # quiet: the query flushed first


def after_a_get():
    with SessionLocal() as session:
        author = Author(name="Octavia")
        session.add(author)
        session.get(Book, 1)
        assert author.id == 2  # quiet: get() asked the database, which flushed first


def after_a_get_from_the_identity_map():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        author = Author(name="Octavia")
        session.add(author)
        assert session.get(Book, 1) is book
        key = author.id  # finding: author.id is None until the session flushes
        assert key is None


def after_a_statement():
    with SessionLocal() as session:
        author = Author(name="Octavia")
        session.add(author)
        session.execute(insert(Book).values(title="Lavinia"))
        assert author.id == 2  # quiet: the statement flushed first


def after_a_savepoint_began():
    with SessionLocal() as session:
        author = Author(name="Octavia")
        session.add(author)
        with session.begin_nested():
            assert author.id == 2  # quiet: begin_nested flushes


def after_a_legacy_query():
    with SessionLocal() as session:
        author = Author(name="Octavia")
        session.add(author)
        session.query(Book).count()
        assert author.id == 2  # quiet: the query flushed first


def after_a_lazy_load():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        author = Author(name="Octavia")
        session.add(author)
        print(book.author.name)
        assert author.id == 2  # quiet: the lazy load flushed first


def key_given():
    with SessionLocal() as session:
        author = Author(id=7, name="Octavia")
        session.add(author)
        assert author.id == 7  # quiet: given to the constructor


def key_assigned():
    with SessionLocal() as session:
        author = Author(name="Octavia")
        author.id = 7
        session.add(author)
        assert author.id == 7  # quiet: assigned


def key_set_by_its_own_constructor():
    with SessionLocal() as session:
        voucher = Voucher()
        session.add(voucher)
        assert voucher.code == "VOUCHER"  # quiet: its own __init__ sets the key


def keywords_unpacked():
    data = {"id": 7, "name": "Octavia"}
    with SessionLocal() as session:
        author = Author(**data)
        session.add(author)
        assert author.id == 7  # quiet: the key may be among the keywords


def set_by_setattr():
    with SessionLocal() as session:
        author = Author(name="Octavia")
        for name, value in {"id": 7}.items():
            setattr(author, name, value)
        session.add(author)
        assert author.id == 7  # quiet: any attribute may have been set


def asking_whether_it_is_new():
    with SessionLocal() as session:
        author = Author(name="Octavia")
        session.add(author)
        if author.id is None:  # quiet: the question is whether there is a key
            session.flush()
        assert author.id == 2  # quiet: flushed


def asking_whether_it_has_a_key():
    with SessionLocal() as session:
        author = Author(name="Octavia")
        session.add(author)
        if not author.id:  # quiet: the question is whether there is a key
            session.flush()
        assert author.id == 2  # quiet: flushed


def expecting_none():
    with SessionLocal() as session:
        author = Author(name="Octavia")
        session.add(author)
        assert author.id is None  # quiet: this is what it expects


def loaded_object():
    with SessionLocal() as session:
        author = session.get(Author, 1)
        session.add(author)
        assert author.id == 1  # quiet: it has been there before


def found_or_made(fresh):
    with SessionLocal() as session:
        author = None if fresh else session.get(Author, 1)
        if author is None:
            author = Author(name="Octavia")
            session.add(author)
            session.flush()
        print(author.id)  # quiet: flushed where it was made


def other_column():
    with SessionLocal() as session:
        author = Author(name="Octavia")
        session.add(author)
        print(author.name)  # quiet: given to the constructor


def linked_by_the_relationship():
    with SessionLocal() as session:
        author = Author(name="Octavia")
        session.add(author)
        session.add(Book(title="Kindred", author=author))  # quiet: the relationship, not the key
        session.commit()


def read_by_the_statement():
    with SessionLocal() as session:
        author = Author(name="Octavia")
        session.add(author)
        books = session.scalars(select(Book).where(Book.author_id == Author.id)).all()
        print(books)  # quiet: the key of the class, not of the object


def _save(session):
    session.flush()


def flushed_by_a_helper():
    with SessionLocal() as session:
        author = Author(name="Octavia")
        session.add(author)
        _save(session)
        assert author.id == 2  # quiet: flushed by the helper


def passed_to_code_that_is_not_known():
    with SessionLocal() as session:
        author = Author(name="Octavia")
        session.add(author)
        {"save": _save}["save"](session)
        assert author.id == 2  # quiet: the call may have flushed


async def after_a_flush_async():
    async with AsyncSessionLocal() as session:
        author = Author(name="Octavia")
        session.add(author)
        await session.flush()
        assert author.id == 2  # quiet: flushed


async def after_a_refresh_async():
    async with AsyncSessionLocal() as session:
        author = Author(name="Octavia")
        session.add(author)
        await session.commit()
        await session.refresh(author)
        assert author.id == 2  # quiet: committed


def rolled_back_key_stays():
    with SessionLocal() as session:
        author = Author(name="Octavia")
        session.add(author)
        session.flush()
        session.rollback()
        assert author.id == 2  # quiet: transient again, with its values


def new_collection():
    with SessionLocal() as session:
        author = Author(name="Octavia")
        session.add(author)
        found = [author.id for _ in author.books]  # quiet: there are none
        if len(author.books) > 1:
            found.append(author.id)
        if author.books:
            found.append(author.id)
        session.commit()
    assert found == []


def given_if_it_has_none():
    with SessionLocal() as session:
        author = Author(name="Octavia")
        session.add(author)
        if author.id is None:
            author.id = 1000
        assert author.id == 1000  # quiet: given above
        session.rollback()


def flushed_far_away():
    def first(session):
        return second(session)

    def second(session):
        return third(session)

    def third(session):
        return fourth(session)

    def fourth(session):
        return fifth(session)

    def fifth(session):
        return sixth(session)

    def sixth(session):
        return seventh(session)

    def seventh(session):
        return eighth(session)

    def eighth(session):
        session.flush()

    with SessionLocal() as session:
        author = Author(name="Octavia")
        session.add(author)
        first(session)
        assert author.id is not None  # quiet: who is given the session may flush it
        session.commit()
    print(author.name)  # also read-after-commit-and-close: author.name expired at the commit
