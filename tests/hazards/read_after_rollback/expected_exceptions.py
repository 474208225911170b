"""A test that expects an exception goes on behind it."""

import sys
from unittest import TestCase

import pytest
from sqlalchemy.orm.exc import DetachedInstanceError


Keeping = sessionmaker(engine, expire_on_commit=False)


class _RefusedError(Exception):
    pass


def _roll_back_and_leave(session):
    session.rollback()
    sys.exit(1)


def _roll_back_and_refuse(session):
    session.rollback()
    raise _RefusedError


def exit_is_expected():
    with Keeping() as session:
        book = session.get(Book, 1)
        with pytest.raises(SystemExit):
            _roll_back_and_leave(session)
    print(book.title)  # finding: book.title expired at the rollback and its session is closed


def refusal_is_expected():
    with Keeping() as session:
        book = session.get(Book, 1)
        with pytest.raises(_RefusedError) as caught:
            _roll_back_and_refuse(session)
    print(caught.value, book.title)  # finding: book.title expired at the rollback and its session is closed


def refusal_is_expected_and_all_is_loaded():
    with Keeping() as session:
        book = session.get(Book, 1)
        with pytest.raises(_RefusedError):
            _roll_back_and_refuse(session)
        session.refresh(book)
    print(book.title)  # quiet: loaded again


def the_late_read_is_expected():
    with Keeping() as session:
        book = session.get(Book, 1)
        session.rollback()
    with pytest.raises(DetachedInstanceError):
        print(book.title)  # quiet: the test is about that


class _Test(TestCase):
    def runTest(self):
        pass

    def refuses(self):
        with Keeping() as session:
            book = session.get(Book, 1)
            with self.assertRaises(_RefusedError):
                _roll_back_and_refuse(session)
        print(book.title)  # finding: book.title expired at the rollback and its session is closed

    def reads_late(self):
        with Keeping() as session:
            book = session.get(Book, 1)
            session.rollback()
        with self.assertRaisesRegex(DetachedInstanceError, "not bound"):
            print(book.title)  # quiet: the test is about that


def in_a_test_case():
    _Test().refuses()


def expected_in_a_test_case():
    _Test().reads_late()
