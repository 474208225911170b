"""Größe, 価格, naïve: text that is not ASCII before, inside and behind the finding."""


def größe():
    with SessionLocal() as session:
        büch = session.get(Book, 1)
        session.commit()
    print("Größe 価格 🙂", büch.title)  # finding: büch.title expired at the commit


def many_lines():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        session.commit()
    return (
        "title: "
        # the comment stays
        + book.title  # finding: book.title expired at the commit
    )


def two_statements_on_a_line():
    with SessionLocal() as session: book = session.get(Book, 1); session.commit()
    print(book.title); print("é")  # finding: book.title expired at the commit


def a_session_over_several_lines():
    with Session(
        engine,  # the shop's
    ) as session:
        book = session.get(Book, 1)
        session.commit()
    return book.title  # finding: book.title expired at the commit


def strings_are_not_code():
    text = """
    with SessionLocal() as session:
        book = session.get(Book, 1)
        session.commit()
    print(book.title)
    """
    return text  # quiet: a string
