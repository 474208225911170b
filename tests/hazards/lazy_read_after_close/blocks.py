"""Relationships and deferred columns after the `with` block."""

# since SQLAlchemy 2.0.4

from sqlalchemy.orm import contains_eager, defer, immediateload, load_only, raiseload, subqueryload
from sqlalchemy.orm.attributes import set_committed_value


def never_loaded():
    with SessionLocal() as session:
        author = session.scalars(select(Author)).one()
    print(author.books)  # finding: author.books is not loaded and its session is closed
    print(author.id, author.name)


def columns_only():
    with SessionLocal() as session:
        author = session.scalars(select(Author)).one()
    print(author.id, author.name)  # quiet: loaded columns stay readable


def many_to_one():
    with SessionLocal() as session:
        book = session.get(Book, 1)
    print(book.author_id)  # quiet: the foreign key is a column
    print(book.author.name)  # finding: book.author is not loaded


def parent_in_the_same_session():
    with SessionLocal() as session:
        author = session.get(Author, 1)
        book = session.get(Book, 1)
    print(author.name)  # quiet: a loaded column
    print(book.author)  # finding: book.author is not loaded


def deferred_column():
    with SessionLocal() as session:
        author = session.get(Author, 1)
    print(author.biography)  # finding: author.biography is not loaded


def undeferred_column():
    with SessionLocal() as session:
        author = session.scalars(select(Author).options(undefer(Author.biography))).one()
    print(author.biography)  # quiet: loaded with the query


def deferred_by_the_query():
    with SessionLocal() as session:
        book = session.scalars(select(Book).options(defer(Book.price)).where(Book.id == 1)).one()
    print(book.title)  # quiet: loaded
    print(book.price)  # finding: book.price is not loaded


def left_out_by_load_only():
    with SessionLocal() as session:
        book = session.scalars(select(Book).options(load_only(Book.title)).where(Book.id == 1)).one()
    print(book.id, book.title)  # quiet: the primary key always comes along
    print(book.price)  # finding: book.price is not loaded


def loaded_by_selectinload():
    with SessionLocal() as session:
        author = session.scalars(select(Author).options(selectinload(Author.books))).one()
    print(author.books)  # quiet: loaded with the query


def loaded_by_joinedload():
    with SessionLocal() as session:
        author = session.scalars(select(Author).options(joinedload(Author.books))).unique().one()
    print(author.books)  # quiet: loaded with the query


def loaded_by_subqueryload():
    with SessionLocal() as session:
        author = session.scalars(select(Author).options(subqueryload(Author.books))).one()
    print(author.books)  # quiet: loaded with the query


def loaded_by_immediateload():
    with SessionLocal() as session:
        author = session.scalars(select(Author).options(immediateload(Author.books))).one()
    print(author.books)  # quiet: loaded with the query


def loaded_by_contains_eager():
    with SessionLocal() as session:
        query = select(Author).join(Author.books).options(contains_eager(Author.books))
        author = session.scalars(query).unique().one()
    print(author.books)  # quiet: loaded with the query


def option_given_to_get():
    with SessionLocal() as session:
        author = session.get(Author, 1, options=[selectinload(Author.books)])
    print(author.books)  # quiet: loaded by get()


def all_relationships_at_once():
    with SessionLocal() as session:
        author = session.scalars(select(Author).options(selectinload("*"))).one()
    print(author.books)  # quiet: the star loads every relationship


def option_of_another_relationship():
    with SessionLocal() as session:
        book = session.scalars(select(Book).where(Book.id == 1).options(joinedload(Book.author))).one()
    print(book.author.name)  # quiet: loaded with the query
    print(book.author.books)  # finding: book.author.books is not loaded


def nested_option():
    with SessionLocal() as session:
        query = select(Book).where(Book.id == 1).options(joinedload(Book.author).selectinload(Author.books))
        book = session.scalars(query).one()
    print(book.author.books[0].title)  # quiet: both hops are loaded


def query_built_in_steps():
    with SessionLocal() as session:
        query = select(Author)
        query = query.where(Author.id == 1)
        query = query.options(selectinload(Author.books))
        author = session.execute(query).scalar_one()
    print(author.books)  # quiet: loaded with the query


def query_built_in_steps_without_option():
    with SessionLocal() as session:
        query = select(Author)
        query = query.where(Author.id == 1)
        author = session.execute(query).scalar_one()
    print(author.books)  # finding: author.books is not loaded


def options_from_elsewhere():
    options = [selectinload(Author.books)]
    with SessionLocal() as session:
        author = session.scalars(select(Author).options(*options)).one()
    print(author.books)  # quiet: the options are not known here


def touched_before_close():
    with SessionLocal() as session:
        author = session.get(Author, 1)
        print(len(author.books))
    print(author.books)  # quiet: loaded by the read before


def touched_by_a_bare_expression():
    with SessionLocal() as session:
        author = session.get(Author, 1)
        author.books
    print(author.books)  # quiet: loaded by the read before


def refreshed_by_name():
    with SessionLocal() as session:
        author = session.get(Author, 1)
        session.refresh(author, ["books"])
    print(author.books)  # quiet: refresh loads what it names


def refreshed_by_keyword():
    with SessionLocal() as session:
        author = session.get(Author, 1)
        session.refresh(author, attribute_names=["books"])
    print(author.books)  # quiet: refresh loads what it names


def refresh_drops_what_was_loaded_lazily():
    with SessionLocal() as session:
        author = session.get(Author, 1)
        print(author.books)  # quiet: the session is open
        session.refresh(author)
    print(author.books)  # finding: author.books was dropped by the refresh and its session is closed


def second_query_loads_it():
    with SessionLocal() as session:
        author = session.get(Author, 1)
        session.scalars(select(Author).options(selectinload(Author.books))).all()
    print(author.books)  # quiet: the second query filled the same object


def assigned_by_hand():
    with SessionLocal() as session:
        author = session.get(Author, 1)
        book = Book(title="Lavinia", author=author)
        session.add(book)
        session.flush()
    print(book.author.name)  # quiet: an assigned relationship is loaded


def assigned_after_the_load():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        book.author = session.get(Author, 1)
    print(book.author.name)  # quiet: an assigned relationship is loaded


def set_committed():
    with SessionLocal() as session:
        author = session.get(Author, 1)
        set_committed_value(author, "books", [])
    print(author.books)  # quiet: set by hand, like a load


def new_and_never_flushed():
    with SessionLocal() as session:
        author = Author(name="Octavia")
        session.add(author)
    print(author.books)  # quiet: a transient object has an empty collection


def new_and_flushed():
    with SessionLocal() as session:
        author = Author(name="Octavia")
        session.add(author)
        session.flush()
    print(author.books)  # finding: author.books is not loaded


def new_with_its_books():
    with SessionLocal() as session:
        author = Author(name="Octavia", books=[Book(title="Kindred")])
        session.add(author)
        session.flush()
    print(author.books)  # quiet: the collection was given


def append_reads_the_collection():
    with SessionLocal() as session:
        author = session.get(Author, 1)
    author.books.append(Book(title="Lavinia"))  # finding: author.books is not loaded


def rows_of_a_list():
    with SessionLocal() as session:
        books = session.scalars(select(Book)).all()
    for book in books:
        print(book.title)  # quiet: a loaded column
        print(book.author)  # finding: book.author is not loaded


def rows_of_a_list_loaded():
    with SessionLocal() as session:
        books = session.scalars(select(Book).options(joinedload(Book.author))).all()
    print({book.author.name for book in books})  # quiet: loaded with the query


def unpacked_from_a_row():
    with SessionLocal() as session:
        author, book = session.execute(select(Author, Book).join(Author.books).where(Book.id == 1)).one()
    print(author.name, book.title)  # quiet: loaded columns
    print(book.author)  # finding: book.author is not loaded


def open_session():
    with SessionLocal() as session:
        author = session.scalars(select(Author)).one()
        print(author.books)  # quiet: the session is open


def attached_again():
    with SessionLocal() as session:
        author = session.scalars(select(Author)).one()
    with SessionLocal() as session:
        session.add(author)
        print(author.books)  # quiet: attached again, so it loads


def class_attribute():
    with SessionLocal() as session:
        session.scalars(select(Author)).one()
    print(Author.books)  # quiet: the class attribute builds queries


def attribute_of_something_else():
    class Shelf:
        books = ("The Dispossessed",)

    with SessionLocal() as session:
        author = session.scalars(select(Author)).one()
    author = Shelf()
    print(author.books)  # quiet: not a mapped object any more


def raising_relationship_that_is_not_read():
    with SessionLocal() as session:
        author = session.scalars(select(Author).options(raiseload(Author.books))).one()
    print(author.name)  # quiet: a loaded column
