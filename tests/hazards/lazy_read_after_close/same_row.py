"""Two names for one row: who asks by a key that is taken gets the object that is there."""

Keeping = sessionmaker(engine, expire_on_commit=False)


def got_twice():
    with SessionLocal() as session:
        first = session.get(Author, 1)
        second = session.get(Author, 1, options=[selectinload(Author.books)])
        assert second is first
    print(second.name)  # quiet: a loaded column
    print(second.books)  # finding: second.books is not loaded


def selected_twice():
    with SessionLocal() as session:
        first = session.get(Author, 1)
        session.scalars(select(Author).where(Author.id == 1).options(selectinload(Author.books))).one()
    print(first.books)  # quiet: a query fills in what the object lacks


def condition_the_other_way_round():
    with SessionLocal() as session:
        first = session.scalars(select(Author).where(1 == Author.id).options(selectinload(Author.books))).one()
        second = session.scalars(select(Author).where(Author.id == 1)).one()
        assert second is first
    print(second.books)  # quiet: loaded with the first query


def legacy_query():
    with SessionLocal() as session:
        first = session.query(Author).options(selectinload(Author.books)).filter_by(id=1).one()
        second = session.query(Author).filter(Author.id == 1).one()
        assert second is first
    print(second.books)  # quiet: loaded with the first query


def filter_by_of_what_is_joined():
    with SessionLocal() as session:
        session.add(Author(name="Octavia"))
        session.commit()
        author = session.get(Author, 2, options=[selectinload(Author.books)])
        other = session.query(Author).join(Author.books).filter_by(id=2).one()
    print(author.books)  # quiet: loaded with the query
    print(other.books)  # finding: other.books is not loaded


def read_under_the_other_name():
    with SessionLocal() as session:
        first = session.get(Author, 1)
        second = session.get(Author, 1)
        print(len(second.books))
    print(first.books)  # quiet: one object


def expired_and_asked_for_again():
    with SessionLocal() as session:
        author = session.get(Author, 1, options=[selectinload(Author.books)])
        session.commit()
        session.get(Author, 1)
    print(author.books)  # quiet: get() refreshes with the options of the first query


def expired_and_selected_again():
    with SessionLocal() as session:
        author = session.get(Author, 1, options=[selectinload(Author.books)])
        session.commit()
        session.scalars(select(Author).where(Author.id == 1)).one()
        print(author.name)  # quiet: loaded by the second query
    print(author.name)  # quiet: loaded by the second query
    print(len(author.books))  # also eager-load-lost-at-commit: author.books expired at the commit


def in_another_session():
    with SessionLocal() as session:
        first = session.get(Author, 1)
        print(len(first.books))
    with SessionLocal() as session:
        second = session.get(Author, 1)
    print(second.books)  # finding: second.books is not loaded


def nobody_holds_the_first(flag):
    with SessionLocal() as session:
        print(len(session.get(Author, 1).books))
        author = session.get(Author, 1)
    if flag:
        print(author.books)  # finding: author.books is not loaded


def another_key(flag):
    with SessionLocal() as session:
        session.add(Author(name="Octavia"))
        session.commit()
        first = session.get(Author, 1, options=[selectinload(Author.books)])
        second = session.get(Author, 2)
    print(first.books)  # quiet: loaded with the query
    print(second.books)  # finding: second.books is not loaded


def _by_a_parameter(key):
    with SessionLocal() as session:
        first = session.get(Author, key, options=[selectinload(Author.books)])
        second = session.scalars(select(Author).where(Author.id == key)).one()
        assert second is first
    print(second.books)  # quiet: one key, one row
    print(second.biography)  # finding: second.biography is not loaded


def by_a_parameter():
    _by_a_parameter(1)


class _Authors:
    def __init__(self, session, key):
        self.session = session
        self.key = key

    def get(self):
        return self.session.get(Author, self.key)


def _parameter_in_an_attribute(key):
    with SessionLocal() as session:
        first = session.scalars(select(Author).where(Author.id == key).options(selectinload(Author.books))).one()
        second = _Authors(session, key).get()
        assert second is first
    print(second.books)  # quiet: one key, one row


def parameter_in_an_attribute():
    _parameter_in_an_attribute(1)


def _parameter_that_changes(key):
    with SessionLocal() as session:
        first = session.get(Author, key, options=[selectinload(Author.books)])
        key = key + 1
        second = session.get(Author, key)
    print(first.books)  # quiet: loaded with the query
    print(second.books)  # finding: second.books is not loaded


def parameter_that_changes():
    with SessionLocal.begin() as session:
        session.add(Author(name="Octavia"))
    _parameter_that_changes(1)


def every_row_after_one():
    with SessionLocal() as session:
        author = session.get(Author, 1)
        session.scalars(select(Author).options(selectinload(Author.books))).all()
    print(author.books)  # quiet: every author is loaded, this one too


def one_after_every_row():
    with SessionLocal() as session:
        authors = session.scalars(select(Author).options(selectinload(Author.books)).order_by(Author.name)).all()
        author = session.get(Author, 1)
        assert author in authors
    print(author.books)  # quiet: it is one of them


def every_row_twice():
    with SessionLocal() as session:
        authors = session.scalars(select(Author)).all()
        session.scalars(select(Author).options(selectinload(Author.books))).all()
    print([author.books for author in authors])  # quiet: the same objects


def every_row_and_one_that_was_read():
    with SessionLocal() as session:
        session.add(Author(name="Octavia"))
        session.commit()
        authors = session.scalars(select(Author)).all()
        author = session.get(Author, 1)
        print(len(author.books))
    print(author.books)  # quiet: read before
    print([author.books for author in authors])  # finding: author.books is not loaded


def some_rows_after_one(flag):
    with SessionLocal() as session:
        author = session.get(Author, 1)
        found = session.scalars(select(Author).where(Author.id <= 9 * flag).options(selectinload(Author.books))).all()
        assert bool(found) is flag
    if not flag:
        print(author.books)  # finding: author.books is not loaded


def the_only_row():
    with SessionLocal() as session:
        author = session.get(Author, 1, options=[selectinload(Author.books)])
        same = session.scalars(select(Author)).one()
        assert same is author
    print(same.books)  # quiet: there is but one


def known_on_one_way_only(flag):
    with SessionLocal() as session:
        if flag:
            author = session.get(Author, 1, options=[selectinload(Author.books)])
        again = session.get(Author, 1)
        if flag:
            assert again is author
    if not flag:
        print(again.books)  # finding: again.books is not loaded


def merged_where_it_is_at_home():
    with SessionLocal() as session:
        author = session.get(Author, 1)
        same = session.merge(author)
        print(len(same.books))
    print(author.books)  # quiet: merge() returned what it was given


def row_behind_a_relationship():
    with SessionLocal() as session:
        book = session.get(Book, 1, options=[joinedload(Book.author).selectinload(Author.books)])
        author = session.get(Author, 1)
        assert author is book.author
    print(author.books)  # quiet: it may be the author of that book


def row_behind_a_relationship_of_a_new_object():
    with Keeping() as session:
        book = Book(title="Always Coming Home")
        session.add(book)
        session.flush()
    print(book.author)  # finding: book.author is not loaded


def collection_that_holds_one_row_in_hand():
    with SessionLocal() as session:
        author = session.get(Author, 1, options=[selectinload(Author.books)])
        book = session.get(Book, 1)
        print(book.author.name)
    print([book.author for book in author.books])  # finding: book.author is not loaded


def element_that_leaves_its_list():
    with SessionLocal() as session:
        books = session.scalars(select(Book)).all()
        session.commit()
        session.get(Book, 1)
    print([book.title for book in books])  # also read-after-commit-and-close: book.title expired at the commit


def read_of_each_row_and_of_one_that_was_asked_for_by_key(key):
    with SessionLocal() as session:
        authors = session.scalars(select(Author)).all()
        author = session.get(Author, key)
        for each in authors:
            print(each.biography)  # quiet: the session is open
    print(author.biography if author else "")  # quiet: it is one of them


def read_again_of_a_row_that_was_found_by_a_query():
    with SessionLocal() as session:
        books = session.scalars(select(Book).options(joinedload(Book.author))).all()
        book = session.scalar(select(Book).where(Book.id == 1))
        session.commit()
        for each in books:
            print(each.title)  # quiet: loads each row again, with its options
    print(book.author if book else "")  # quiet: it is one of them


def nothing_is_behind_a_new_row():
    with SessionLocal() as session:
        book = Book(title="New")
        session.add(book)
        session.scalars(select(Book).options(selectinload(Book.author)).order_by(Book.id)).all()
    print(book.author.biography if book.author else None)  # quiet: it has no author


def a_new_row_is_not_behind_what_is_refreshed():
    with SessionLocal() as session:
        author = Author(name="New")
        session.add(author)
        session.commit()
        book = session.scalars(select(Book)).first()
        session.refresh(book, ["author"])
        print(author.name)
    print(author.books)  # finding: author.books is not loaded


def behind_rows_that_have_expired():
    with Session(engine) as session:
        books = session.scalars(select(Book).options(selectinload(Book.author).selectinload(Author.books))).all()
        session.rollback()
        author = session.scalars(select(Author).where(Author.id == 1)).one()
    print(author.books, len(books))  # finding: author.books is not loaded


def rows_of_one_condition_twice(any_of_them):
    wanted = Author.id <= 9 * any_of_them
    with SessionLocal() as session:
        first = session.scalars(select(Author).options(selectinload(Author.books)).where(wanted)).all()
        again = session.scalars(select(Author).where(wanted)).all()
    print(len(first), [author.books for author in again])  # quiet: the rows of the first query, which has loaded them


def rows_of_another_condition(any_of_them):
    with SessionLocal() as session:
        several = session.scalars(select(Author).where(Author.id <= 9 * any_of_them)).all()
        author = session.scalars(select(Author).where(Author.name == "Ursula")).one()
    print(len(several), author.books)  # finding: author.books is not loaded


def merged_into_the_object_that_is_there():
    with Keeping() as session:
        old = session.scalars(select(Author).options(selectinload(Author.books)).where(Author.id == 1)).one()
    with Keeping() as session:
        author = session.get(Author, 1)
        merged = session.merge(old)
        assert merged is author
    print(author.books)  # quiet: it has got what the other one had


def merged_into_another_object():
    with Keeping() as session:
        old = session.get(Author, 1)
    with Keeping() as session:
        author = session.get(Author, 1)
        merged = session.merge(old)
        assert merged is author
    print(author.books)  # finding: author.books is not loaded


def got_after_a_merge():
    with Keeping() as session:
        old = session.scalars(select(Author).options(selectinload(Author.books)).where(Author.id == 1)).one()
    with Keeping() as session:
        merged = session.merge(old)
        author = session.get(Author, 1)
        assert author is merged
    print(author.books)  # quiet: the object that was merged into


def refreshed_after_a_merge():
    with Keeping() as session:
        old = session.scalars(select(Author).options(selectinload(Author.books)).where(Author.id == 1)).one()
    with SessionLocal() as session:
        author = session.merge(old)
        session.commit()
        session.refresh(author)
    print(author.books)  # quiet: the options with which the other one was loaded are its own now


def behind_a_row_that_is_loaded_again():
    with SessionLocal() as session:
        book = session.scalars(select(Book).options(joinedload(Book.author)).where(Book.id == 1)).one()
        author = session.scalars(select(Author).where(Author.name == "Ursula")).one()
        session.commit()
        print(book.title)
    print(author.name)  # quiet: it may have come with the book
