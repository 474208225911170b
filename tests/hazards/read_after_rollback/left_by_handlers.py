"""What a handler leaves behind says later that it has run."""

from contextlib import contextmanager

Keeping = sessionmaker(engine, expire_on_commit=False)


def _save(session, title):
    try:
        session.merge(Book(id=2, title=title))
        session.commit()
    except IntegrityError as error:
        session.rollback()
        return str(error)
    return None


def _note(error):
    return error.args[1:]


def the_exception():
    for title in ("Kindred", None):
        failed = None
        with Keeping() as session:
            author = session.scalars(select(Author)).first()
            try:
                session.merge(Book(id=2, title=title))
                session.commit()
            except IntegrityError as error:
                session.rollback()
                failed = error
        if failed:
            continue
        print(author.name)  # quiet: not after the rollback


def another_exception():
    for title in ("Kindred", None):
        failed = None
        with Keeping() as session:
            author = session.scalars(select(Author)).first()
            try:
                session.merge(Book(id=2, title=title))
                session.commit()
            except IntegrityError:
                session.rollback()
                failed = RuntimeError("not saved")
        if failed is not None:
            continue
        print(author.name)  # quiet: not after the rollback


def a_message():
    for title in ("Kindred", None):
        message = ""
        with Keeping() as session:
            author = session.scalars(select(Author)).first()
            try:
                session.merge(Book(id=2, title=title))
                session.commit()
            except IntegrityError as error:
                session.rollback()
                message = f"not saved: {error}"
        if message:
            continue
        print(author.name)  # quiet: not after the rollback


def an_answer():
    for title in ("Kindred", None):
        with Keeping() as session:
            author = session.scalars(select(Author)).first()
            message = _save(session, title)
        if message:
            continue
        print(author.name)  # quiet: not after the rollback


def a_count():
    for title in ("Kindred", None):
        failures = 0
        with Keeping() as session:
            author = session.scalars(select(Author)).first()
            try:
                session.merge(Book(id=2, title=title))
                session.commit()
            except IntegrityError:
                session.rollback()
                failures += 1
        if failures:
            continue
        print(author.name)  # quiet: not after the rollback


def a_list():
    for title in ("Kindred", None):
        errors = []
        with Keeping() as session:
            author = session.scalars(select(Author)).first()
            try:
                session.merge(Book(id=2, title=title))
                session.commit()
            except IntegrityError as error:
                session.rollback()
                errors.append(error)
        if len(errors) > 0:
            continue
        print(author.name)  # quiet: not after the rollback


def a_list_of_more():
    for title in ("Kindred", None):
        errors, found = [], []
        with Keeping() as session:
            author = session.scalars(select(Author)).first()
            for word in (title,):
                if word is None:
                    found.append("no title")
            if found:
                session.rollback()
                errors.extend(found)
        errors.extend(_note(ValueError()))
        if errors:
            continue
        print(author.name)  # quiet: not after the rollback


def a_word_under_a_key():
    for title in ("Kindred", None):
        errors = {}
        with Keeping() as session:
            author = session.scalars(select(Author)).first()
            try:
                session.merge(Book(id=2, title=title))
                session.commit()
            except IntegrityError as error:
                session.rollback()
                errors["book"] = error
        if errors:
            continue
        print(author.name)  # quiet: not after the rollback


def what_may_be_nothing():
    for title in ("Kindred", None):
        note = None
        with Keeping() as session:
            author = session.scalars(select(Author)).first()
            try:
                session.merge(Book(id=2, title=title))
                session.commit()
            except IntegrityError as error:
                session.rollback()
                note = _note(error)
        if note:
            continue
        print(author.name)  # finding: author.name expired at the rollback and its session is closed


def a_list_that_gains_nothing():
    for title in ("Kindred", None):
        errors, found = [], []
        with Keeping() as session:
            author = session.scalars(select(Author)).first()
            try:
                session.merge(Book(id=2, title=title))
                session.commit()
            except IntegrityError as error:
                session.rollback()
                found = _note(error)
                errors.extend(found)
        if errors:
            continue
        print(author.name)  # finding: author.name expired at the rollback and its session is closed


def an_empty_list():
    for title in ("Kindred", None):
        errors = []
        with Keeping() as session:
            author = session.scalars(select(Author)).first()
            try:
                session.merge(Book(id=2, title=title))
                session.commit()
            except IntegrityError as error:
                session.rollback()
                errors.append(error)
        if len(errors) == 0:
            continue
        print(author.name)  # finding: author.name expired at the rollback and its session is closed


@contextmanager
def _locked(session, title):
    try:
        yield
    except Exception:
        session.add(Book(title=title))
        session.flush()
        raise


def failure_of_the_context():
    for title in ("Kindred", None):
        with Keeping() as session:
            author = session.scalars(select(Author)).first()
            try:
                with _locked(session, title):
                    int("seven")
            except ValueError:
                print(author.name)  # quiet: a flush that fails in the context hides the ValueError
            except IntegrityError:
                print(author.name)  # finding, 7s2a: author.name expired when the flush failed
