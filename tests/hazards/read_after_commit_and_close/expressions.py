"""Expressions that choose: `and`, `or`, `if`, `:=`, `match`, comprehensions with conditions."""


def and_or(fresh, cheap):
    with SessionLocal() as session:
        book = session.get(Book, 1)
        session.commit()
        book_id = book.id if fresh else None
    print(fresh and book.title or "unknown")  # quiet: read only where it was loaded
    print(cheap and book_id or "unknown")  # quiet: a number


def and_or_the_other_way(fresh):
    with SessionLocal() as session:
        book = session.get(Book, 1)
        session.commit()
        if fresh:
            session.refresh(book)
    print(fresh and "fresh" or book.title)  # finding: book.title expired at the commit


def or_and(fresh, cheap):
    with SessionLocal() as session:
        book = session.get(Book, 1)
        session.commit()
        if fresh:
            session.refresh(book)
    print(not fresh or (cheap and book.title))  # quiet: read only where it was refreshed


def nested_choices(fresh, second):
    with SessionLocal() as session:
        book = session.get(Book, 2) if second else session.get(Book, 1)
        session.commit()
        if fresh:
            session.refresh(book)
    print(book.title if fresh else "second" if second else "first")  # quiet: read only where it was refreshed


def nested_choices_read_on_the_wrong_one(fresh, second):
    with SessionLocal() as session:
        book = session.get(Book, 2) if second else session.get(Book, 1)
        session.commit()
        if fresh:
            session.refresh(book)
    print("fresh" if fresh else book.title if second else "first")  # finding: book.title expired at the commit


def bound_in_a_condition(second):
    with SessionLocal() as session:
        if (book := session.get(Book, 2 if second else 99)) is not None:
            session.commit()
            session.refresh(book)
    if book is not None:
        print(book.title)  # quiet: refreshed after the commit


def bound_in_an_or():
    with SessionLocal() as session:
        if not (book := session.get(Book, 99) or session.get(Book, 1)):
            return
        session.commit()
    print(book.title)  # finding: book.title expired at the commit


def bound_in_a_loop():
    with SessionLocal() as session:
        left = [1, 2]
        while left and (book := session.get(Book, left.pop())):
            session.commit()
            print(book.title)  # quiet: the session is open
    print(book.title)  # quiet: read after the last commit


def first_that_is_there():
    with SessionLocal() as session:
        book = session.get(Book, 99) or session.get(Book, 2) or session.get(Book, 1)
        session.commit()
        session.refresh(book)
    print(book.title)  # quiet: refreshed, whichever it is


def first_that_is_there_expired():
    with SessionLocal() as session:
        book = session.get(Book, 99) or session.get(Book, 2) or session.get(Book, 1)
        session.commit()
    print(book.title)  # finding: book.title expired at the commit


def matched_with_a_fresh_case(fresh):
    with SessionLocal() as session:
        book = session.get(Book, 1)
        match fresh:
            case True:
                session.commit()
                session.refresh(book)
            case False:
                session.flush()
            case _:
                session.commit()
                session.refresh(book)
    print(book.title)  # quiet: refreshed wherever it was committed


def matched_with_a_case_that_refreshes_nothing(fresh):
    with SessionLocal() as session:
        book = session.get(Book, 1)
        match fresh:
            case True:
                session.commit()
                session.refresh(book)
            case _:
                session.commit()
    print(book.title)  # finding: book.title expired at the commit


def matched_by_kind(kind=None):
    with SessionLocal() as session:
        book = session.get(Book, 1)
        match kind:
            case "sold" | "lent":
                session.commit()
                session.refresh(book)
            case None:
                pass
            case str() as other:
                print(other)
                session.commit()
                session.refresh(book)
    print(book.title)  # quiet: refreshed wherever it was committed


def matched_by_shape():
    with SessionLocal() as session:
        match session.scalars(select(Book)).all():
            case [first, *rest] if rest:
                session.commit()
                print(first is not None)  # quiet: no attribute is read
            case [first]:
                pass
            case _:
                return
    print(first is None)  # quiet: no attribute is read


def two_conditions_in_a_comprehension():
    with SessionLocal() as session:
        books = session.scalars(select(Book)).all()
        session.commit()
        titles = [book.title for book in books if book.price > 1 if book.id < 9]
    print(titles)  # quiet: strings
    print([book.title for book in books if book if book.price > 1])  # quiet: the comprehension has loaded them again


def two_conditions_in_a_comprehension_after_close():
    with SessionLocal() as session:
        books = session.scalars(select(Book)).all()
        session.commit()
    print([book for book in books if book if book.price > 1])  # finding: book.price expired at the commit


def condition_that_needs_no_row():
    with SessionLocal() as session:
        books = session.scalars(select(Book)).all()
        session.commit()
    print([book for book in books if book if book is not None])  # quiet: no attribute is read


def nested_comprehension():
    with SessionLocal() as session:
        authors = session.scalars(select(Author).options(selectinload(Author.books))).all()
        prices = {author.name: [book.price for book in author.books] for author in authors}
        session.commit()
    print(prices)  # quiet: numbers
    print({book.title for author in authors for book in author.books})  # also eager-load-lost-at-commit: author.books expired


def query_chosen(second):
    with SessionLocal() as session:
        query = select(Book).where(Book.id == 2) if second else select(Book).where(Book.id == 1)
        book = session.scalars(query).one()
        session.commit()
        if second:
            session.refresh(book)
    if second:
        print(book.title)  # quiet: refreshed where it is read


def query_chosen_not_refreshed(second):
    with SessionLocal() as session:
        query = select(Book).where(Book.id == 2) if second else select(Book).where(Book.id == 1)
        book = session.scalars(query).one()
        session.commit()
    print(book.title)  # finding: book.title expired at the commit


def chained_comparison():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        session.commit()
    print(1 < book.price < 99)  # finding: book.price expired at the commit


def keyword_of_a_call(fresh):
    with SessionLocal() as session:
        book = session.get(Book, 1)
        session.commit()
        if fresh:
            session.refresh(book)
    print(dict(title=book.title if fresh else None))  # quiet: read only where it was refreshed
