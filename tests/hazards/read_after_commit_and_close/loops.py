"""Loops around, before and after the commit."""


def the_same_collection_twice():
    with SessionLocal() as session:
        books = session.scalars(select(Book)).all()
        for book in books:
            book.price += 1
        session.commit()
        for book in books:
            session.refresh(book)
    print([book.title for book in books])  # quiet: both loops run, or none


def the_same_collection_twice_not_refreshed():
    with SessionLocal() as session:
        books = session.scalars(select(Book)).all()
        for book in books:
            book.price += 1
        session.commit()
        for book in books:
            print(type(book))  # quiet: no attribute is read
    print([book.title for book in books])  # finding: book.title expired at the commit


def commit_of_what_was_found():
    with SessionLocal() as session:
        books = session.scalars(select(Book)).all()
        if books:
            session.commit()
    for book in books:
        print(book.title)  # finding: book.title expired at the commit


def loop_that_does_not_run():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        for _ in []:
            session.commit()
    print(book.title)  # quiet: an empty list


def loop_over_a_list_that_stays_empty(keep):
    sold = []
    with SessionLocal() as session:
        book = session.get(Book, 1)
        if not keep:
            sold.append(book.id)
        for _ in sold:
            session.commit()
    if keep:
        print(book.title)  # quiet: nothing was sold, so nothing was committed


def loop_over_a_list_that_a_helper_fills():
    def fill(numbers):
        numbers.extend([1, 2])

    sold = []
    fill(sold)
    with SessionLocal() as session:
        book = session.get(Book, 1)
        for _ in sold:
            session.commit()
    print(book.title)  # finding: book.title expired at the commit


def list_filled_in_a_loop():
    with SessionLocal() as session:
        cheap = []
        for book in session.scalars(select(Book)):
            if book.price < 99:
                cheap.append(book)
        if cheap:
            session.commit()
    for book in cheap:
        print(book.title)  # finding: book.title expired at the commit


def list_filled_in_a_loop_and_refreshed():
    with SessionLocal() as session:
        cheap = []
        for book in session.scalars(select(Book)):
            if book.price < 99:
                cheap.append(book)
        session.commit()
        for book in cheap:
            session.refresh(book)
    for book in cheap:
        print(book.title)  # quiet: each of them was refreshed


def flag_set_in_a_loop():
    changed = False
    with SessionLocal() as session:
        book = session.get(Book, 1)
        for price in (11, 12):
            if price > 20:
                changed = True
        if changed:
            session.commit()
            session.refresh(book)
    print(book.title)  # quiet: refreshed where it was committed


def number_of_rounds():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        for _ in range(2):
            book.price += 1  # quiet: the session is open
            session.commit()
    print(book.price)  # finding: book.price expired at the commit


def got_in_every_round():
    with SessionLocal() as session:
        for number in range(1, 3):
            book = session.get(Book, number)
            book.price += 1
            session.commit()
            session.refresh(book)
    print(book.price)  # quiet: refreshed after the last commit


def session_per_round():
    for number in range(1, 3):
        with SessionLocal() as session:
            book = session.get(Book, number)
            book.price += 1  # quiet: a session of its own
            session.commit()
        print(book.price)  # finding: book.price expired at the commit


def session_per_round_keeps():
    for number in range(1, 3):
        with SessionLocal(expire_on_commit=False) as session:
            book = session.get(Book, number)
            book.price += 1
            session.commit()
        print(book.price)  # quiet: expire_on_commit=False


def object_of_the_round_before():
    last = None
    for number in range(1, 3):
        if last is not None:
            print(last.title)  # finding: last.title expired at the commit
        with SessionLocal() as session:
            last = session.get(Book, number)
            session.commit()


def object_of_the_round_before_kept():
    last = None
    for number in range(1, 3):
        if last is not None:
            print(last.title)  # quiet: loaded, and no commit since
        with SessionLocal() as session:
            last = session.get(Book, number)


def two_collections():
    with SessionLocal() as session:
        books = session.scalars(select(Book)).all()
        authors = session.scalars(select(Author)).all()
        session.commit()
        for author in authors:
            session.refresh(author)
    print([author.name for author in authors])  # quiet: refreshed
    print([book.title for book in books])  # finding: book.title expired at the commit


def nested_loops():
    with SessionLocal() as session:
        for author in session.scalars(select(Author)).all():
            for book in author.books:
                book.price += 1  # quiet: the session is open
            session.commit()
            print(author.name)  # quiet: the session is open
    print(author.name)  # quiet: read after the last commit


def nested_loops_read_after():
    with SessionLocal() as session:
        for author in session.scalars(select(Author)).all():
            for book in author.books:
                book.price += 1
                session.commit()
    print(book.title)  # finding: book.title expired at the commit


def else_of_a_loop():
    with SessionLocal() as session:
        for book in session.scalars(select(Book)):
            if book.price > 99:
                break
        else:
            session.commit()
    print(book.title)  # finding: book.title expired at the commit


def continued():
    with SessionLocal() as session:
        books = session.scalars(select(Book)).all()
        session.commit()
        for book in books:
            if book.id == 1:
                continue
            session.refresh(book)
    print([book.title for book in books])  # quiet: the test of book.id has loaded the row too


def while_there_is_work():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        while book.price < 12:  # quiet: the session is open
            book.price += 1
            session.commit()
    print(book.price)  # quiet: the condition has loaded the row again


def while_there_is_work_left():
    left = 2
    with SessionLocal() as session:
        book = session.get(Book, 1)
        while left:
            book.price += 1
            left -= 1
            session.commit()
    print(book.price)  # finding: book.price expired at the commit


def a_deferred_column_that_another_query_has_loaded():
    with SessionLocal() as session:
        author = session.scalars(select(Author).where(Author.id == 1)).one()
        authors = session.scalars(select(Author).options(undefer(Author.biography)).order_by(Author.id)).all()
        session.refresh(author)
    print(author.biography, len(authors))  # finding: author.biography was dropped by the refresh
