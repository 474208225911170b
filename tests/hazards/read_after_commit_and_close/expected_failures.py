"""Reads that a test expects to fail: ``pytest.raises``, ``assertRaises``."""

import unittest

import pytest

_case = unittest.TestCase()
_Sessions = sessionmaker(engine)


def of_pytest():
    with _Sessions() as session:
        book = session.get(Book, 1)
        session.commit()
    with pytest.raises(Exception):
        print(book.title)  # quiet: it is to raise


def of_unittest():
    with _Sessions() as session:
        book = session.get(Book, 1)
        session.commit()
    with _case.assertRaises(Exception):
        print(book.title)  # quiet: it is to raise
    with _case.assertRaisesRegex(Exception, "not bound"):
        print(book.title)  # quiet: it is to raise


def behind_the_block():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        session.commit()
    with pytest.raises(ValueError):
        int(str(print))
    print(book.title)  # finding: book.title expired at the commit
