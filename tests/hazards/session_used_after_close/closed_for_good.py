"""Sessions that close for good."""

# since SQLAlchemy 2.0.22

FinalSession = sessionmaker(engine, close_resets_only=False)


def read():
    with FinalSession() as session:
        print(session.get(Book, 1).title)
    try:
        session.get(Book, 2)  # finding: the session is closed for good: InvalidRequestError
    except Exception as error:
        assert "permanently closed" in str(error)


def write_to_a_session_of_its_own():
    session = Session(engine, close_resets_only=False)
    session.close()
    try:
        session.add(Book(title="Lavinia"))  # finding: the session is closed for good: InvalidRequestError
    except Exception as error:
        assert "permanently closed" in str(error)


def close_again():
    with FinalSession() as session:
        print(session.get(Book, 1).title)
    session.close()  # quiet: closing is always fine
    session.rollback()  # quiet: the same


def explicit_reset():
    session = Session(engine, close_resets_only=False)
    session.reset()
    print(session.get(Book, 1).title)  # quiet: reset is not close
    session.close()


def resets_by_default():
    with Session(engine, close_resets_only=True) as session:
        print(session.get(Book, 1).title)
    print(session.get(Book, 2).title)  # quiet: it begins anew, and is closed below
    session.close()
