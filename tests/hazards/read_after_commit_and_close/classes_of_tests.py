"""Classes of tests, whose tests begin with what ``setUp`` or ``setup_method`` leaves in fields."""

import unittest

from sqlalchemy.orm import scoped_session

_Registry = scoped_session(sessionmaker(engine))


class _Prepared(unittest.TestCase):
    def setUp(self) -> None:
        self.session = SessionLocal()
        self.book = self.session.get(Book, 1)
        self.title = self.book.title

    def tearDown(self):
        self.session.close()


class _Books(_Prepared):
    def test_closed_too_early(self):
        self.session.commit()
        self.session.close()
        self.assertTrue(self.book.title)  # finding: self.book.title expired at the commit

    def test_still_open(self):
        self.session.commit()
        self.assertTrue(self.book.title)  # quiet: the session is closed behind the test

    def test_what_was_read_before(self):
        self.session.commit()
        self.session.close()
        self.assertTrue(self.title)  # quiet: a string

    def test_what_is_to_fail(self):
        self.session.commit()
        self.session.close()
        with self.assertRaises(Exception):
            print(self.book.title)  # quiet: it is to raise
        with self.assertRaisesRegex(Exception, "not bound"):
            print(self.book.title)  # quiet: it is to raise


class _More(_Prepared):
    def setUp(self):
        super().setUp()
        self.session.commit()
        self.session.close()

    def test_closed_by_its_beginning(self):
        self.assertTrue(self.book.title)  # finding: self.book.title expired at the commit


class _Again(_Prepared):
    def setUp(self):
        super().setUp()
        self.session.expire_on_commit = False

    def test_that_keeps(self):
        self.session.commit()
        self.session.close()
        self.assertTrue(self.book.title)  # quiet: the session keeps what is loaded


class _Mixin:
    def test_of_a_mixin(self):
        with self.factory() as session:
            book = session.get(Book, 1)
            session.commit()
        assert book.title  # finding: book.title expired at the commit


class _Mixed(_Mixin, unittest.TestCase):
    def setUp(self):
        self.factory = sessionmaker(engine)


class _TwoWays:
    def test_of_a_mixin(self):
        with self.factory() as session:
            book = session.get(Book, 1)
            session.commit()
        assert book.title  # quiet: one of its classes keeps


class _Keeping(_TwoWays, unittest.TestCase):
    def setUp(self):
        self.factory = sessionmaker(engine, expire_on_commit=False)


class _Expiring(_TwoWays, unittest.TestCase):
    def setUp(self):
        self.factory = sessionmaker(engine)


class _Behind(_Prepared):
    def tearDown(self):
        super().tearDown()
        assert self.book.title  # missed: what runs behind a test only closes, as far as that is concerned

    def test_that_commits(self):
        self.session.commit()


class _Configured(unittest.TestCase):
    def setUp(self):
        _Registry.remove()
        _Registry.configure(expire_on_commit=False)
        self.registry = _Registry
        self.session = _Registry()

    def test_that_keeps(self):
        book = self.session.get(Book, 1)
        self.registry.commit()
        self.registry.remove()
        self.assertTrue(book.title)  # quiet: the registry was told to keep


class _Registered(unittest.TestCase):
    def setUp(self):
        self.session = _Registry()

    def test_that_expires(self):
        book = self.session.get(Book, 1)
        self.session.commit()
        _Registry.remove()
        self.assertTrue(book.title)  # finding: book.title expired at the commit


class _OfAClass(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.factory = sessionmaker(engine)

    def setUp(self):
        self.session = self.factory()
        self.addCleanup(self.session.close)

    def test_a_session_of_its_own(self):
        with self.factory() as session:
            book = session.get(Book, 1)
            session.commit()
        self.assertTrue(book.title)  # finding: book.title expired at the commit

    def test_until_the_end(self):
        book = self.session.get(Book, 1)
        self.session.commit()
        self.assertTrue(book.title)  # quiet: the session is closed behind the test


class _Plain:
    def setup_method(self, method):
        self.session = SessionLocal()

    def teardown_method(self, method):
        self.session.close()

    def test_closed_too_early(self):
        book = self.session.get(Book, 1)
        self.session.commit()
        self.session.close()
        assert book.title  # finding: book.title expired at the commit

    def test_in_the_end(self):
        book = self.session.get(Book, 1)
        self.session.commit()
        assert book.title  # quiet: the session is open


def of_unittest(early, written, failing):
    if failing:
        _Books("test_what_is_to_fail").debug()
    elif written:
        _Books("test_what_was_read_before").debug()
    else:
        _Books("test_closed_too_early" if early else "test_still_open").debug()


def of_a_class_below():
    _More("test_closed_by_its_beginning").debug()


def of_a_class_that_keeps():
    _Again("test_that_keeps").debug()


def of_a_mixin():
    _Mixed("test_of_a_mixin").debug()


def of_a_mixin_with_two_ways():
    _Keeping("test_of_a_mixin").debug()


def of_a_registry(configured):
    if configured:
        _Configured("test_that_keeps").debug()
    else:
        _Registered("test_that_expires").debug()


def behind_the_test():
    _Behind("test_that_commits").debug()


def of_a_whole_class(early):
    _OfAClass.setUpClass()
    _OfAClass("test_a_session_of_its_own" if early else "test_until_the_end").debug()


def of_pytest(early):
    test = _Plain()
    test.setup_method(None)
    getattr(test, "test_closed_too_early" if early else "test_in_the_end")()
    test.teardown_method(None)
