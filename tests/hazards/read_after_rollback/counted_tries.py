"""Tries that are counted: whoever comes out of the loop has not failed in its last round, where that raises."""

from contextlib import suppress

Keeping = sessionmaker(engine, expire_on_commit=False)
AsyncKeeping = async_sessionmaker(async_engine, expire_on_commit=False)
TRIES = 3


class _Settings:
    tries = 2


def raised_in_the_last_round(fails):
    book = None
    with suppress(IntegrityError):
        for attempt in range(TRIES):
            with Keeping() as session:
                book = session.get(Book, 1)
                try:
                    book.title = None if fails else "Lavinia"
                    session.commit()
                    break
                except IntegrityError:
                    session.rollback()
                    if attempt == TRIES - 1:
                        raise
        print(book.title)  # quiet: the last failure is raised


def said_in_the_last_round(fails):
    book = None
    with suppress(IntegrityError):
        for attempt in range(TRIES):
            with Keeping() as session:
                book = session.get(Book, 1)
                try:
                    book.title = None if fails else "Lavinia"
                    session.commit()
                    break
                except IntegrityError:
                    session.rollback()
                    if attempt == TRIES - 1:
                        print("given up")
        print(book.title)  # finding: book.title expired at the rollback


def raised_in_no_round(fails):
    book = None
    with suppress(IntegrityError):
        for attempt in range(TRIES):
            with Keeping() as session:
                book = session.get(Book, 1)
                try:
                    book.title = None if fails else "Lavinia"
                    session.commit()
                    break
                except IntegrityError:
                    session.rollback()
                    if attempt == TRIES:
                        raise
        print(book.title)  # finding: book.title expired at the rollback


def a_number(fails):
    book = None
    with suppress(IntegrityError):
        for attempt in range(3):
            with Keeping() as session:
                book = session.get(Book, 1)
                try:
                    book.title = None if fails else "Lavinia"
                    session.commit()
                    break
                except IntegrityError:
                    session.rollback()
                    if attempt == 2:
                        raise
        print(book.title)  # quiet: the last failure is raised


def another_number(fails):
    book = None
    with suppress(IntegrityError):
        for attempt in range(3):
            with Keeping() as session:
                book = session.get(Book, 1)
                try:
                    book.title = None if fails else "Lavinia"
                    session.commit()
                    break
                except IntegrityError:
                    session.rollback()
                    if attempt == 3:
                        raise
        print(book.title)  # finding: book.title expired at the rollback


def not_before_the_last(fails):
    book = None
    with suppress(IntegrityError):
        for attempt in range(TRIES):
            with Keeping() as session:
                book = session.get(Book, 1)
                try:
                    book.title = None if fails else "Lavinia"
                    session.commit()
                    break
                except IntegrityError:
                    session.rollback()
                    if attempt < TRIES - 1:
                        continue
                    raise
        print(book.title)  # quiet: the last failure is raised


def not_before_the_last_and_said(fails):
    book = None
    with suppress(IntegrityError):
        for attempt in range(TRIES):
            with Keeping() as session:
                book = session.get(Book, 1)
                try:
                    book.title = None if fails else "Lavinia"
                    session.commit()
                    break
                except IntegrityError:
                    session.rollback()
                    if attempt < TRIES - 1:
                        continue
                    print("given up")
        print(book.title)  # finding: book.title expired at the rollback


def from_one(fails):
    book = None
    with suppress(IntegrityError):
        for attempt in range(1, TRIES + 1):
            with Keeping() as session:
                book = session.get(Book, 1)
                try:
                    book.title = None if fails else "Lavinia"
                    session.commit()
                    break
                except IntegrityError:
                    session.rollback()
                    if attempt >= TRIES:
                        raise
        print(book.title)  # quiet: the last failure is raised


def from_one_and_never_above(fails):
    book = None
    with suppress(IntegrityError):
        for attempt in range(1, TRIES + 1):
            with Keeping() as session:
                book = session.get(Book, 1)
                try:
                    book.title = None if fails else "Lavinia"
                    session.commit()
                    break
                except IntegrityError:
                    session.rollback()
                    if attempt > TRIES:
                        raise
        print(book.title)  # finding: book.title expired at the rollback


def next_one_is_too_many(fails):
    book = None
    with suppress(IntegrityError):
        for attempt in range(TRIES):
            with Keeping() as session:
                book = session.get(Book, 1)
                try:
                    book.title = None if fails else "Lavinia"
                    session.commit()
                    break
                except IntegrityError:
                    session.rollback()
                    if attempt + 1 == TRIES:
                        raise
        print(book.title)  # quiet: the last failure is raised


def sides_exchanged(fails):
    book = None
    with suppress(IntegrityError):
        for attempt in range(TRIES):
            with Keeping() as session:
                book = session.get(Book, 1)
                try:
                    book.title = None if fails else "Lavinia"
                    session.commit()
                    break
                except IntegrityError:
                    session.rollback()
                    if not TRIES - 1 > attempt:
                        raise
        print(book.title)  # quiet: the last failure is raised


def down_to_one(fails):
    book = None
    with suppress(IntegrityError):
        for attempt in range(TRIES, 0, -1):
            with Keeping() as session:
                book = session.get(Book, 1)
                try:
                    book.title = None if fails else "Lavinia"
                    session.commit()
                    break
                except IntegrityError:
                    session.rollback()
                    if attempt == 1:
                        raise
        print(book.title)  # quiet: the last failure is raised


def down_to_none(fails):
    book = None
    with suppress(IntegrityError):
        for attempt in range(TRIES - 1, -1, -1):
            with Keeping() as session:
                book = session.get(Book, 1)
                try:
                    book.title = None if fails else "Lavinia"
                    session.commit()
                    break
                except IntegrityError:
                    session.rollback()
                    if not attempt:
                        raise
        print(book.title)  # quiet: the last failure is raised


def of_an_attribute(fails):
    book = None
    with suppress(IntegrityError):
        for attempt in range(_Settings.tries):
            with Keeping() as session:
                book = session.get(Book, 1)
                try:
                    book.title = None if fails else "Lavinia"
                    session.commit()
                    break
                except IntegrityError:
                    session.rollback()
                    if attempt != _Settings.tries - 1:
                        continue
                    raise
        print(book.title)  # quiet: the last failure is raised


def or_something_else(fails):
    book = None
    with suppress(IntegrityError):
        for attempt in range(TRIES):
            with Keeping() as session:
                book = session.get(Book, 1)
                try:
                    book.title = None if fails else "Lavinia"
                    session.commit()
                    break
                except IntegrityError as error:
                    session.rollback()
                    if "locked" in str(error) or attempt == TRIES - 1:
                        raise
        print(book.title)  # quiet: the last failure is raised


def and_something_else(fails):
    book = None
    with suppress(IntegrityError):
        for attempt in range(TRIES):
            with Keeping() as session:
                book = session.get(Book, 1)
                try:
                    book.title = None if fails else "Lavinia"
                    session.commit()
                    break
                except IntegrityError as error:
                    session.rollback()
                    if "locked" in str(error) and attempt == TRIES - 1:
                        raise
        print(book.title)  # finding: book.title expired at the rollback


def more_tries_than_rounds(fails):
    book = None
    with suppress(IntegrityError):
        tries = 1
        for attempt in range(tries):
            with Keeping() as session:
                book = session.get(Book, 1)
                try:
                    book.title = None if fails else "Lavinia"
                    session.commit()
                    break
                except IntegrityError:
                    session.rollback()
                    tries += 1
                    if attempt == tries - 1:
                        raise
        print(book.title)  # finding: book.title expired at the rollback


def while_there_are_tries(fails):
    book = None
    with suppress(IntegrityError):
        attempt = 0
        while attempt < TRIES:
            with Keeping() as session:
                book = session.get(Book, 1)
                try:
                    book.title = None if fails else "Lavinia"
                    session.commit()
                    break
                except IntegrityError:
                    session.rollback()
                    attempt += 1
                    if attempt >= TRIES:
                        raise
        print(book.title)  # quiet: the last failure is raised


def while_there_are_tries_and_never_above(fails):
    book = None
    with suppress(IntegrityError):
        attempt = 0
        while attempt < TRIES:
            with Keeping() as session:
                book = session.get(Book, 1)
                try:
                    book.title = None if fails else "Lavinia"
                    session.commit()
                    break
                except IntegrityError:
                    session.rollback()
                    attempt += 1
                    if attempt > TRIES:
                        raise
        print(book.title)  # finding: book.title expired at the rollback


def while_and_equal(fails):
    book = None
    with suppress(IntegrityError):
        attempt = 0
        while attempt < TRIES:
            with Keeping() as session:
                book = session.get(Book, 1)
                try:
                    book.title = None if fails else "Lavinia"
                    session.commit()
                    break
                except IntegrityError:
                    session.rollback()
                    attempt += 1
                    if attempt == TRIES:
                        raise
        print(book.title)  # quiet: the last failure is raised


def while_in_steps_of_two(fails):
    book = None
    with suppress(IntegrityError):
        attempt = 0
        while attempt < TRIES:
            with Keeping() as session:
                book = session.get(Book, 1)
                try:
                    book.title = None if fails else "Lavinia"
                    session.commit()
                    break
                except IntegrityError:
                    session.rollback()
                    attempt += 2
                    if attempt == TRIES:
                        raise
        print(book.title)  # finding: book.title expired at the rollback


def while_some_are_left(fails):
    book = None
    with suppress(IntegrityError):
        left = TRIES
        while left > 0:
            with Keeping() as session:
                book = session.get(Book, 1)
                try:
                    book.title = None if fails else "Lavinia"
                    session.commit()
                    break
                except IntegrityError:
                    session.rollback()
                    left -= 1
                    if not left:
                        raise
        print(book.title)  # quiet: the last failure is raised


def while_some_are_left_and_said(fails):
    book = None
    with suppress(IntegrityError):
        left = TRIES
        while left > 0:
            with Keeping() as session:
                book = session.get(Book, 1)
                try:
                    book.title = None if fails else "Lavinia"
                    session.commit()
                    break
                except IntegrityError:
                    session.rollback()
                    left -= 1
                    if not left:
                        print("given up")
        print(book.title)  # finding: book.title expired at the rollback


def while_left(fails):
    book = None
    with suppress(IntegrityError):
        left = TRIES
        while left:
            with Keeping() as session:
                book = session.get(Book, 1)
                try:
                    book.title = None if fails else "Lavinia"
                    session.commit()
                    break
                except IntegrityError:
                    session.rollback()
                    left -= 1
                    if left == 0:
                        raise
        print(book.title)  # quiet: the last failure is raised


def expired_in_a_round_before(fails):
    book = None
    with suppress(IntegrityError), Keeping() as session:
        book = session.get(Book, 1)
        other = session.get(Book, 2)
        for attempt in range(TRIES):
            try:
                book.title = None if fails and attempt == 0 else "Lavinia"
                session.commit()
                break
            except IntegrityError:
                session.rollback()
                if attempt == TRIES - 1:
                    raise
        session.close()
        print(other.title)  # finding: other.title expired at the rollback


async def raised_in_the_last_round_async(fails):
    book = None
    with suppress(IntegrityError):
        for attempt in range(TRIES):
            async with AsyncKeeping() as session:
                book = await session.get(Book, 1)
                try:
                    book.title = None if fails else "Lavinia"
                    await session.commit()
                    break
                except IntegrityError:
                    await session.rollback()
                    if attempt == TRIES - 1:
                        raise
        print(book.title)  # quiet: the last failure is raised
