"""The style of 1.x: `session.query`, scoped sessions, `Model.query`."""

from sqlalchemy.orm import scoped_session

Shop = scoped_session(SessionLocal)


class Shelf(Base):
    __tablename__ = "shelf"
    query = Shop.query_property()

    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("author.id"))
    author: Mapped[Author] = relationship()


Base.metadata.create_all(engine)
with engine.begin() as connection:
    connection.execute(insert(Shelf), {"id": 1, "author_id": 1})


def query_first():
    session = SessionLocal()
    author = session.query(Author).first()
    session.close()
    print(author.name)  # quiet: a loaded column
    print(author.books)  # finding: author.books is not loaded


def query_filtered():
    with SessionLocal() as session:
        author = session.query(Author).filter(Author.name == "Ursula").order_by(Author.id).one()
    print(author.books)  # finding: author.books is not loaded


def query_get():
    with SessionLocal() as session:
        author = session.query(Author).filter_by(id=1).one_or_none()
    print(author.books)  # finding: author.books is not loaded


def query_with_option():
    with SessionLocal() as session:
        author = session.query(Author).options(joinedload(Author.books)).filter_by(id=1).one()
    print(author.books)  # quiet: loaded with the query


def query_all():
    with SessionLocal() as session:
        books = session.query(Book).all()
    for book in books:
        print(book.title)  # quiet: a loaded column


def query_iterated():
    with SessionLocal() as session:
        for book in session.query(Book):
            print(book.author.name)  # quiet: the session is open


def query_of_columns():
    with SessionLocal() as session:
        rows = session.query(Author.id, Author.name).all()
    print([row.name for row in rows])  # quiet: rows of columns


def query_counts():
    with SessionLocal() as session:
        count = session.query(Author).count()
    print(count)  # quiet: a number


def scoped():
    author = Shop.query(Author).first()
    print(author.name)  # quiet: the session is open
    Shop.remove()
    print(author.books)  # finding: author.books is not loaded


def scoped_called():
    session = Shop()
    author = session.query(Author).first()
    print(author.books)  # quiet: the session is open
    Shop.remove()


def model_query():
    shelf = Shelf.query.filter_by(id=1).first()
    print(shelf.author.name)  # quiet: the session is open
    Shop.remove()


def model_query_removed():
    shelf = Shelf.query.filter_by(id=1).first()
    Shop.remove()
    print(shelf.author_id)  # quiet: a loaded column
    print(shelf.author.name)  # missed: which session `Model.query` uses is not followed
