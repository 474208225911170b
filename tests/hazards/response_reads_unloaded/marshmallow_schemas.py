from marshmallow import Schema, fields, post_dump, pre_dump


class _BookOut(Schema):
    title = fields.Str()


class _AuthorOut(Schema):
    id = fields.Int()
    works = fields.List(fields.Nested(_BookOut), attribute="books")


class _DeepOut(Schema):
    author = fields.Nested(_AuthorOut)


class _NameOut(Schema):
    name = fields.Str()
    books = fields.Nested(_BookOut, many=True, load_only=True)
    number = fields.Method("count")

    def count(self, author):
        return 1


class _Chosen(_AuthorOut):
    class Meta:
        exclude = ["works"]


class _Careful(_AuthorOut):
    @pre_dump
    def only_what_is_loaded(self, author, **kwargs):
        return {"id": author.id}


class _Wrapping(_AuthorOut):
    @post_dump
    def wrap(self, dumped, **kwargs):
        return {"author": dumped}


def dumped():
    with Session(engine) as session:
        author = session.get(Author, 1)
    _AuthorOut().dump(author)  # finding: Author.books is not loaded and its session is closed; the schema reads it


_schema = _AuthorOut()


def of_the_module():
    with Session(engine) as session:
        author = session.get(Author, 1)
    return _schema.dump(author)  # finding: Author.books is not loaded and its session is closed


def each_of_many():
    with Session(engine) as session:
        authors = session.scalars(select(Author)).all()
    _AuthorOut(many=True).dump(authors)  # finding: Author.books is not loaded and its session is closed


def nested():
    with Session(engine) as session:
        book = session.scalars(select(Book).options(joinedload(Book.author))).first()
    _DeepOut().dump(book)  # finding: Author.books is not loaded and its session is closed


def loaded():
    with Session(engine) as session:
        author = session.scalars(select(Author).options(selectinload(Author.books))).one()
    _AuthorOut().dump(author)  # quiet: loaded with the query


def other_fields():
    with Session(engine) as session:
        author = session.get(Author, 1)
    _NameOut().dump(author)  # quiet: no field that dumps reads a relationship


def left_out():
    with Session(engine) as session:
        author = session.get(Author, 1)
    _AuthorOut(only=["id"]).dump(author)  # quiet: the field is left out


def left_out_by_the_class():
    with Session(engine) as session:
        author = session.get(Author, 1)
    _Chosen().dump(author)  # quiet: the field is left out


def looks_first():
    with Session(engine) as session:
        author = session.get(Author, 1)
    _Careful().dump(author)  # quiet: a hook gives something else


def wrapped():
    with Session(engine) as session:
        author = session.get(Author, 1)
    _Wrapping().dump(author)  # finding: Author.books is not loaded and its session is closed; the schema reads it
