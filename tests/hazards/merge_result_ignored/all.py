"""What `session.merge` returns.  The assertions show the write that is lost, or the value that is missing."""


def _detached():
    with SessionLocal() as session:
        return session.get(Book, 1)


def _price():
    with SessionLocal() as session:
        return session.get(Book, 1).price


def changed_after_merge():
    book = _detached()
    with SessionLocal() as session:
        session.merge(book)  # finding: the merged object is thrown away, and book is changed
        book.price = 25
        session.commit()
    assert _price() == 10


def begin_block():
    book = _detached()
    with SessionLocal.begin() as session:
        session.merge(book)  # finding: the merged object is thrown away, and book is changed
        book.price = 25
    assert _price() == 10


def key_of_a_new_object():
    with SessionLocal() as session:
        book = Book(title="Lavinia")
        session.merge(book)  # finding: the merged object is thrown away, and book is read
        session.commit()
        key = book.id
    assert key is None


def on_one_path(cheap):
    book = _detached()
    with SessionLocal() as session:
        session.merge(book)  # finding: the merged object is thrown away, and book is changed
        if cheap:
            book.price = 5
        session.commit()
    assert _price() == 10


async def changed_after_merge_async():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
    async with AsyncSessionLocal() as session:
        await session.merge(book)  # finding: the merged object is thrown away, and book is changed
        book.price = 25
        await session.commit()
    async with AsyncSessionLocal() as session:
        assert (await session.get(Book, 1)).price == 10


def result_kept():
    book = _detached()
    with SessionLocal() as session:
        book = session.merge(book)  # quiet: the result is kept
        book.price = 25
        session.commit()
    assert _price() == 25


def result_kept_under_another_name():
    book = _detached()
    with SessionLocal() as session:
        merged = session.merge(book)  # quiet: the result is kept
        merged.price = 25
        session.commit()
    assert _price() == 25


def result_used_at_once():
    book = _detached()
    with SessionLocal() as session:
        session.merge(book).price = 25  # quiet: the result is used
        session.commit()
    assert _price() == 25


def result_returned():
    def attach(session, book):
        return session.merge(book)  # quiet: the result is returned

    with SessionLocal() as session:
        attach(session, _detached()).price = 25
        session.commit()
    assert _price() == 25


def changed_before_merge():
    book = _detached()
    book.price = 25
    with SessionLocal() as session:
        session.merge(book)  # quiet: merge copies the change, the original is not used again
        session.commit()
    assert _price() == 25


def upsert():
    with SessionLocal() as session:
        session.merge(Book(id=1, title="The Dispossessed", price=25))  # quiet: the object is not used again
        session.commit()
    assert _price() == 25


def upsert_with_a_name():
    with SessionLocal() as session:
        book = Book(id=1, title="The Dispossessed", price=25)
        session.merge(book)  # quiet: the object is not used again
        session.commit()
    assert _price() == 25


def upsert_in_a_loop():
    with SessionLocal() as session:
        for number in (1, 2):
            book = Book(id=number, title=f"Volume {number}", price=25)
            session.merge(book)  # quiet: another object in every round
        session.commit()
    assert _price() == 25


def merged_list():
    books = [_detached()]
    with SessionLocal() as session:
        for book in books:
            session.merge(book)  # quiet: not used again
        session.commit()


def already_in_this_session():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        session.merge(book)  # quiet: merge returns the very same object
        book.price = 25
        session.commit()
    assert _price() == 25


def reading_what_the_original_has():
    book = _detached()
    with SessionLocal() as session:
        session.merge(book)  # quiet: the original still has its loaded columns
        print(book.title)
        session.commit()


def result_of_a_comprehension():
    books = [_detached()]
    with SessionLocal() as session:
        books = [session.merge(book) for book in books]  # quiet: the results are kept
        books[0].price = 25
        session.commit()
    assert _price() == 25


def name_bound_anew():
    book = _detached()
    with SessionLocal() as session:
        session.merge(book)  # quiet: the original is not used again
        book = session.get(Book, 1)
        book.price = 25
        session.commit()
    assert _price() == 25


def merge_of_something_else():
    class Table:
        def merge(self, other):
            return other

    book = _detached()
    Table().merge(book)  # quiet: not a session
    book.price = 25


async def result_kept_async():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
    async with AsyncSessionLocal() as session:
        book = await session.merge(book)  # quiet: the result is kept
        book.price = 25
        await session.commit()


def _save(session, book):
    if book.id:
        session.merge(book)
        book.price = 25
    else:
        session.add(book)  # quiet: a new object has no key, so it always comes here


def new_objects_take_the_other_way():
    with SessionLocal() as session:
        _save(session, Book(title="Lavinia", price=1))
        session.commit()
