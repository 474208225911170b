import msgspec


class _BookOut(msgspec.Struct):
    title: str


class _AuthorOut(msgspec.Struct):
    id: int
    books: list[_BookOut]


class _NameOut(msgspec.Struct):
    name: str


def converted():
    with Session(engine) as session:
        author = session.get(Author, 1)
    msgspec.convert(author, _AuthorOut, from_attributes=True)  # finding: Author.books is not loaded and its session


def list_of_structs():
    with Session(engine) as session:
        authors = session.scalars(select(Author)).all()
    msgspec.convert(authors, list[_AuthorOut], from_attributes=True)  # finding: Author.books is not loaded and its


def columns_only():
    with Session(engine) as session:
        author = session.get(Author, 1)
    msgspec.convert(author, type=_NameOut, from_attributes=True)  # quiet: columns are loaded


def open_session():
    with Session(engine) as session:
        author = session.get(Author, 1)
        msgspec.convert(author, _AuthorOut, from_attributes=True)  # quiet: the session loads them
