"""Loader options that come from elsewhere, and those of another query."""

from sqlalchemy.orm import lazyload, load_only


def _found(options=None):
    query = select(Author).where(Author.id == 1)
    if options:
        query = query.options(*options)
    with SessionLocal() as session:
        return session.scalars(query).one()


def _found_by_key(*options):
    with SessionLocal() as session:
        return session.get(Author, 1, options=options)


def _book(more=()):
    query = select(Book).where(Book.id == 1).options(joinedload(Book.author).options(*more))
    with SessionLocal() as session:
        return session.scalars(query).one()


def starred():
    more = [selectinload(Author.books)]
    with SessionLocal() as session:
        author = session.scalars(select(Author).options(*more)).one()
    print(author.books)  # quiet: the options are not known here


def starred_after_one_that_is_known():
    more = [undefer(Author.biography)]
    with SessionLocal() as session:
        author = session.scalars(select(Author).options(selectinload(Author.books), *more)).one()
    print(author.books)  # quiet: loaded with the query
    print(author.biography)  # quiet: the options are not known here


def starred_behind_a_relationship():
    book = _book([selectinload(Author.books)])
    print(book.author.name)  # quiet: loaded with the query
    print(book.author.books)  # quiet: the options behind the author are not known here


def starred_behind_another_relationship():
    more = [joinedload(Book.author)]
    with SessionLocal() as session:
        author = session.scalars(select(Author).options(selectinload(Author.books).options(*more))).one()
    print(author.books[0].author)  # quiet: the options behind the books are not known here
    print(author.biography)  # finding: author.biography is not loaded


def options_of_a_relationship():
    with SessionLocal() as session:
        option = joinedload(Book.author).options(selectinload(Author.books))
        book = session.scalars(select(Book).where(Book.id == 1).options(option)).one()
    print(book.author.books)  # quiet: both hops are loaded
    print(book.author.biography)  # finding: book.author.biography is not loaded


def options_given_to_a_helper():
    author = _found(options=[selectinload(Author.books)])
    print(author.books)  # quiet: the list is not empty, so the helper uses it


def options_given_to_a_helper_by_position():
    author = _found((selectinload(Author.books), undefer(Author.biography)))
    print(author.books, author.biography)  # quiet: the tuple is not empty, so the helper uses it


def no_options_given_to_a_helper():
    author = _found(options=[])
    print(author.books)  # finding: author.books is not loaded


def options_left_out():
    author = _found()
    print(author.books)  # finding: author.books is not loaded


def options_of_get_given_to_a_helper():
    author = _found_by_key(selectinload(Author.books))
    print(author.books)  # quiet: loaded by get()


def options_of_get_left_out():
    author = _found_by_key()
    print(author.name)  # quiet: a loaded column


def options_chosen_by_a_flag(with_books):
    options = [selectinload(Author.books)] if with_books else []
    author = _found(options)
    if with_books:
        print(author.books)  # quiet: read only where it was loaded
    print(author.name)  # quiet: a loaded column


def options_gathered(with_books):
    options = []
    if with_books:
        options.append(selectinload(Author.books))
    author = _found(options)
    if with_books:
        print(author.books)  # quiet: read only where it was loaded


def options_extended():
    options = []
    options.extend([selectinload(Author.books)])
    author = _found(options)
    print(author.books)  # quiet: the list is no longer empty


def options_added():
    options = []
    options += [selectinload(Author.books)]
    author = _found(options)
    print(author.books)  # quiet: the list is no longer empty


def options_added_to_others():
    options = [undefer(Author.biography)]
    author = _found([*options, selectinload(Author.books)])
    print(author.books)  # quiet: the list is not empty
    author = _found(options + [selectinload(Author.books)])
    print(author.books)  # quiet: the list is not empty


def nested_options_of_a_later_query():
    with SessionLocal() as session:
        author = session.get(Author, 1)
        query = select(Book).options(joinedload(Book.author).selectinload(Author.books))
        book = session.scalars(query).first()
    print(book.author.books)  # quiet: both hops are loaded
    print(author.books)  # quiet: the later query filled the row that is held here


def later_query_without_the_second_hop():
    with SessionLocal() as session:
        author = session.get(Author, 1)
        book = session.scalars(select(Book).options(joinedload(Book.author))).first()
    print(book.author.name)  # quiet: loaded with the query
    print(author.books)  # finding: author.books is not loaded


def nested_options_of_an_earlier_query():
    with SessionLocal() as session:
        query = select(Book).options(joinedload(Book.author).selectinload(Author.books))
        book = session.scalars(query).first()
        author = session.get(Author, book.author_id)
    print(author.books)  # quiet: the identity map holds the object that has them


def unloading_beside_a_limit():
    with SessionLocal() as session:
        behind = selectinload(Author.books).options(lazyload(Book.author), load_only(Book.title))
        author = session.scalars(select(Author).options(behind)).one()
    for book in author.books:
        print(book.title)  # quiet: loaded with the query
        print(book.price)  # finding: book.price is not loaded


def unloading_a_relationship():
    with SessionLocal() as session:
        author = session.scalars(select(Author).options(lazyload(Author.books))).one()
    print(author.name)  # quiet: a loaded column
    print(author.biography)  # finding: author.biography is not loaded


def with_another_entity():
    with SessionLocal() as session:
        author = session.query(Book).join(Book.author).options(joinedload(Book.author)).with_entities(Author).first()
    print(author.name)  # quiet: the query is for the author now
    print(author.books)  # finding: author.books is not loaded


def with_the_same_entity():
    with SessionLocal() as session:
        author, _ = session.query(Author).options(selectinload(Author.books)).with_entities(Author, Author.id).first()
    print(author.books)  # quiet: the options are for the author still


def with_columns_alone():
    with SessionLocal() as session:
        rows = session.query(Author).with_entities(Author.id, Author.name).all()
    print([name for _, name in rows])  # quiet: no object


def with_only_another_entity():
    with SessionLocal() as session:
        book = session.scalars(select(Book.id).with_only_columns(Book)).first()
    print(book.title)  # quiet: loaded with the query
    print(book.author)  # finding: book.author is not loaded
