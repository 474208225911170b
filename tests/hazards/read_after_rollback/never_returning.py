"""A handler that ends in a call that never returns: what it has rolled back is not read behind it."""

import argparse
import os
import sys
from contextlib import suppress
from typing import NoReturn
from unittest import SkipTest, TestCase

import pytest

Keeping = sessionmaker(engine, expire_on_commit=False)


def _say(message):
    print(message)


def _fail(message):
    _say(message)
    sys.exit(1)


def _fail_with(message):
    try:
        _say(message)
    finally:
        _fail(message)


def _maybe_fail(message):
    if "locked" in str(message):
        sys.exit(1)


def _promised(message) -> NoReturn:
    getattr(sys, "exit")(message)  # noqa: B009


def _roll_back_and_leave(session):
    session.rollback()
    exit(1)


async def _leave():
    sys.exit(1)


def sys_exit(fails):
    with suppress(SystemExit), Keeping() as session:
        book = session.get(Book, 1)
        book.title = None if fails else "Lavinia"
        try:
            session.commit()
        except IntegrityError:
            session.rollback()
            session.close()
            sys.exit(1)
        session.close()
        print(book.title)  # quiet: `sys.exit` never returns


def printed_instead(fails):
    with suppress(SystemExit), Keeping() as session:
        book = session.get(Book, 1)
        book.title = None if fails else "Lavinia"
        try:
            session.commit()
        except IntegrityError:
            session.rollback()
            session.close()
            print("failed")
        session.close()
        print(book.title)  # finding: book.title expired at the rollback


def a_function_that_leaves(fails):
    with suppress(SystemExit), Keeping() as session:
        book = session.get(Book, 1)
        book.title = None if fails else "Lavinia"
        try:
            session.commit()
        except IntegrityError as error:
            session.rollback()
            session.close()
            _fail(error)
        session.close()
        print(book.title)  # quiet: `_fail` ends in `sys.exit`


def a_function_of_functions(fails):
    with suppress(SystemExit), Keeping() as session:
        book = session.get(Book, 1)
        book.title = None if fails else "Lavinia"
        try:
            session.commit()
        except IntegrityError as error:
            session.rollback()
            session.close()
            _fail_with(error)
        session.close()
        print(book.title)  # quiet: it ends in one that ends in `sys.exit`


def a_promise(fails):
    with suppress(SystemExit), Keeping() as session:
        book = session.get(Book, 1)
        book.title = None if fails else "Lavinia"
        try:
            session.commit()
        except IntegrityError as error:
            session.rollback()
            session.close()
            _promised(error)
        session.close()
        print(book.title)  # quiet: its annotation says that it never returns


def leaves_on_some_ways(fails):
    with suppress(SystemExit), Keeping() as session:
        book = session.get(Book, 1)
        book.title = None if fails else "Lavinia"
        try:
            session.commit()
        except IntegrityError as error:
            session.rollback()
            session.close()
            _maybe_fail(error)
        session.close()
        print(book.title)  # finding: book.title expired at the rollback


def leaves_with_the_session(fails):
    with suppress(SystemExit), Keeping() as session:
        book = session.get(Book, 1)
        book.title = None if fails else "Lavinia"
        try:
            session.commit()
        except IntegrityError:
            _roll_back_and_leave(session)
        session.close()
        print(book.title)  # quiet: it never returns either


def not_even_a_finally(breaks):
    with Keeping() as session:
        book = session.get(Book, 1)
        try:
            session.flush()
            if breaks:
                raise ConnectionError
        except IntegrityError:
            session.rollback()
            session.close()
            os._exit(1)
        except ConnectionError:
            pass
        finally:
            session.close()
            print(book.title)  # quiet: after `os._exit` nothing runs


def a_name_of_its_own(fails):
    def exit(status):
        print(status)

    with Keeping() as session:
        book = session.get(Book, 1)
        book.title = None if fails else "Lavinia"
        try:
            session.commit()
        except IntegrityError:
            session.rollback()
            session.close()
            exit(1)
        session.close()
        print(book.title)  # finding: book.title expired at the rollback


def not_awaited(fails):
    with Keeping() as session:
        book = session.get(Book, 1)
        book.title = None if fails else "Lavinia"
        try:
            session.commit()
        except IntegrityError:
            session.rollback()
            session.close()
            _leave().close()
        session.close()
        print(book.title)  # finding: book.title expired at the rollback


def exit_is_caught(fails):
    session = Keeping()
    book = session.get(Book, 1)
    try:
        book.title = None if fails else "Lavinia"
        try:
            session.commit()
        except IntegrityError:
            session.rollback()
            session.close()
            sys.exit(1)
    except SystemExit:
        print(book.title)  # finding: book.title expired at the rollback


def exit_is_not_an_exception(fails):
    session = Keeping()
    book = session.get(Book, 1)
    try:
        book.title = None if fails else "Lavinia"
        try:
            session.commit()
        except IntegrityError:
            session.rollback()
            session.close()
            sys.exit(1)
        session.close()
        raise ConnectionError
    except Exception:
        print(book.title)  # quiet: no handler of Exception catches SystemExit
    except BaseException:
        print("left")


def a_finally_runs():
    session = Keeping()
    book = session.get(Book, 1)
    try:
        session.rollback()
        session.close()
        sys.exit(1)
    finally:
        print(book.title)  # finding: book.title expired at the rollback


def a_parser(fails):
    parser = argparse.ArgumentParser(exit_on_error=False)
    with suppress(SystemExit), Keeping() as session:
        book = session.get(Book, 1)
        book.title = None if fails else "Lavinia"
        try:
            session.commit()
        except IntegrityError as error:
            session.rollback()
            session.close()
            parser.error(str(error))
        session.close()
        print(book.title)  # quiet: `ArgumentParser.error` never returns


def a_parser_that_goes_on(fails):
    parser = argparse.ArgumentParser()
    with Keeping() as session:
        book = session.get(Book, 1)
        book.title = None if fails else "Lavinia"
        try:
            session.commit()
        except IntegrityError:
            session.rollback()
            session.close()
            parser.print_usage()
        session.close()
        print(book.title)  # finding: book.title expired at the rollback


def a_test_fails(fails):
    with suppress(BaseException), Keeping() as session:
        book = session.get(Book, 1)
        book.title = None if fails else "Lavinia"
        try:
            session.commit()
        except IntegrityError as error:
            session.rollback()
            session.close()
            pytest.fail(str(error))
        session.close()
        print(book.title)  # quiet: `pytest.fail` never returns


def a_test_is_skipped(fails):
    session = Keeping()
    book = session.get(Book, 1)
    book.title = None if fails else "Lavinia"
    try:
        try:
            session.commit()
        except IntegrityError:
            session.rollback()
            session.close()
            pytest.skip("no database")
        session.close()
        raise ConnectionError
    except Exception:
        print(book.title)  # quiet: what it raises is no Exception
    except BaseException:
        print("skipped")


class _Test(TestCase):
    def runTest(self):
        pass

    def saves(self, title):
        session = Keeping()
        book = session.get(Book, 1)
        book.title = title
        try:
            session.commit()
        except IntegrityError as error:
            session.rollback()
            session.close()
            self.fail(error)
        session.close()
        print(book.title)  # quiet: `TestCase.fail` never returns

    def saves_or_skips(self, title):
        session = Keeping()
        book = session.get(Book, 1)
        book.title = title
        try:
            session.commit()
        except IntegrityError:
            session.rollback()
            session.close()
            self.skipTest("no database")
        session.close()
        print(book.title)  # quiet: `TestCase.skipTest` does not either

    def saves_and_says_so(self, title):
        session = Keeping()
        book = session.get(Book, 1)
        book.title = title
        try:
            session.commit()
        except IntegrityError:
            session.rollback()
            session.close()
            self.id()
        session.close()
        print(book.title)  # finding: book.title expired at the rollback


def a_test_case(fails):
    with suppress(AssertionError):
        _Test().saves(None if fails else "Lavinia")


def a_test_case_that_skips(fails):
    with suppress(SkipTest):
        _Test().saves_or_skips(None if fails else "Lavinia")


def a_test_case_that_goes_on(fails):
    _Test().saves_and_says_so(None if fails else "Lavinia")
