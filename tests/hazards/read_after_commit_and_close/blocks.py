"""Sessions in `with` blocks."""


def commit_inside_read_after():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        book.price = 12
        session.commit()
    print(book.title)  # finding: book.title expired at the commit and its session is closed


def even_the_primary_key():
    with SessionLocal() as session:
        book = Book(title="Lavinia")
        session.add(book)
        session.commit()
    return {"id": book.id}  # finding: book.id expired at the commit


def session_made_in_place():
    with Session(engine) as session:
        book = session.scalars(select(Book).where(Book.id == 1)).one()
        session.commit()
    return f"{book.title} costs {book.price}"  # finding: expired at the commit


def begin_block_commits_at_its_end():
    with SessionLocal.begin() as session:
        book = session.get(Book, 1)
    print(book.title)  # finding: book.title expired at the commit


def begin_beside_the_session():
    with SessionLocal() as session, session.begin():
        book = session.get(Book, 1)
        print(book.title)  # quiet: the transaction is open
    print(book.title)  # finding: book.title expired at the commit


def begin_inside_the_session():
    with SessionLocal() as session:
        with session.begin():
            book = session.get(Book, 1)
        print(book.title)  # quiet: expired, but the session is open and loads it again
    print(book.title)  # quiet: loaded again


def every_row_of_a_list():
    with SessionLocal() as session:
        books = session.scalars(select(Book)).all()
        session.commit()
    for book in books:
        print(book.title)  # finding: book.title expired at the commit


def in_a_comprehension():
    with SessionLocal() as session:
        books = session.scalars(select(Book)).all()
        session.commit()
    return [book.title for book in books]  # finding: book.title expired at the commit


def number_of_rows_needs_no_row():
    with SessionLocal() as session:
        books = session.scalars(select(Book)).all()
        session.commit()
    print(len(books))  # quiet: the list is a plain list
    print(bool(books), books[0] is books[1])  # quiet: no attribute is read


def close_alone_expires_nothing():
    with SessionLocal() as session:
        book = session.get(Book, 1)
    print(book.title, book.price)  # quiet: loaded columns stay readable after close


def a_factory_that_keeps():
    Keeping = sessionmaker(engine, expire_on_commit=False)
    with Keeping() as session:
        book = session.get(Book, 1)
        session.commit()
    print(book.title)  # quiet: expire_on_commit=False


def a_session_that_keeps():
    with Session(engine, expire_on_commit=False) as session:
        book = Book(title="Lavinia")
        session.add(book)
        session.commit()
    print(book.id, book.title, book.changed_at)  # quiet: expire_on_commit=False; server defaults come with the INSERT


def the_call_overrides_the_factory():
    with SessionLocal(expire_on_commit=False) as session:
        book = session.get(Book, 1)
        session.commit()
    print(book.title)  # quiet: expire_on_commit=False


def the_call_overrides_the_factory_for_the_worse():
    Keeping = sessionmaker(engine, expire_on_commit=False)
    with Keeping(expire_on_commit=True) as session:
        book = session.get(Book, 1)
        session.commit()
    print(book.title)  # finding: book.title expired at the commit


def set_on_the_session():
    with SessionLocal() as session:
        session.expire_on_commit = False
        book = session.get(Book, 1)
        session.commit()
    print(book.title)  # quiet: the session was told to keep


def configured_later():
    Late = sessionmaker(engine)
    Late.configure(expire_on_commit=False)
    with Late() as session:
        book = session.get(Book, 1)
        session.commit()
    print(book.title)  # quiet: the factory was told to keep


def keyword_that_is_computed():
    with SessionLocal(expire_on_commit=not True) as session:
        book = session.get(Book, 1)
        session.commit()
    print(book.title)  # quiet: the value of the keyword is not a plain literal


def keywords_unpacked():
    options = {"expire_on_commit": False}
    with Session(engine, **options) as session:
        book = session.get(Book, 1)
        session.commit()
    print(book.title)  # quiet: the keywords are not known


def refreshed_before_the_end():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        session.commit()
        session.refresh(book)
    print(book.title)  # quiet: refreshed after the commit


def one_read_reloads_all_columns():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        session.commit()
        book_id = book.id
    print(book_id, book.title)  # quiet: reading book.id reloaded every column


def got_again_after_the_commit():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        session.commit()
        book = session.get(Book, 1)
    print(book.title)  # quiet: get() reloads an expired object


def selected_again_after_the_commit():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        session.commit()
        book = session.scalars(select(Book).where(Book.id == 1)).one()
    print(book.title)  # quiet: the SELECT fills an expired object


def expunged_before_the_commit():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        session.expunge(book)
        session.commit()
    print(book.title)  # quiet: no longer in the session when it committed


def deleted_rows_keep_their_columns():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        session.delete(book)
        session.commit()
    print(book.title)  # quiet: a deleted object is not expired


def savepoints_do_not_expire():
    with SessionLocal() as session:
        with session.begin_nested():
            book = session.get(Book, 1)
    print(book.title)  # quiet: releasing a savepoint expires nothing


def columns_are_plain_values():
    with SessionLocal() as session:
        rows = session.execute(select(Book.id, Book.title)).all()
        session.commit()
    for row in rows:
        print(row.title)  # quiet: a row of columns, not an object


def values_taken_before():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        title = book.title
        session.commit()
    print(title)  # quiet: a string


def loaded_after_the_commit():
    with SessionLocal() as session:
        session.commit()
        book = session.get(Book, 1)
    print(book.title)  # quiet: the commit came before the load


def assigned_after_close():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        session.commit()
    book.title = "The Dispossessed, 2nd edition"  # quiet: assigning loads nothing
    print(book.title)  # quiet: assigned


def what_an_object_knows_without_its_row():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        session.commit()
    print(type(book).__name__, isinstance(book, Book), book is not None)  # quiet: no attribute of the row
    print(book.__tablename__, Book.title.key)  # quiet: attributes of the class


def added_to_another_session():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        session.commit()
    with SessionLocal() as session:
        session.add(book)
        print(book.title)  # quiet: attached again, so it loads


def merged_into_another_session():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        session.commit()
    with SessionLocal() as session:
        book = session.merge(book)
        print(book.title)  # quiet: the merged object is in the session


def name_bound_anew():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        session.commit()
    with SessionLocal() as session:
        book = session.get(Book, 2)
    print(book.title)  # quiet: another object


def new_object_never_added():
    with SessionLocal() as session:
        book = Book(title="Lavinia")
        session.commit()
    print(book.title)  # quiet: transient, in no session


def delete_of_a_detached_object():
    with SessionLocal() as session:
        book = session.get(Book, 1, options=[joinedload(Book.author)])
    with SessionLocal() as session:
        session.delete(book)
        session.commit()
    print(book.author.name)  # quiet: only the book was in that session
