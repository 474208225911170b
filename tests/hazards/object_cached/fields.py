"""A field of an instance keeps the object itself: one method puts it there, another one reads it later."""

from sqlalchemy.orm import selectinload


class Account:
    def __init__(self):
        self.author = None
        self.by_id = {}
        self.books: list[Book] = []
        self.sold = None

    def log_in(self):
        with SessionLocal() as session:
            self.author = session.scalars(select(Author)).first()

    def shelf(self):
        if self.author is None:
            return []
        return self.author.books  # finding: once `self.author` has it, self.author.books is not loaded

    def name(self):
        return self.author.name  # quiet: a loaded column stays readable

    def remember(self, author_id):
        with SessionLocal() as session:
            self.by_id[author_id] = session.get(Author, author_id)

    def count(self, author_id):
        author = self.by_id.get(author_id)
        return len(author.books) if author else 0  # finding: once `self.by_id` has it, author.books is not loaded

    def load(self):
        with SessionLocal() as session:
            self.books.extend(session.scalars(select(Book)))
            self._show()

    def _show(self):
        for book in self.books:
            print(book.author)  # quiet: called while the session is open

    def sell(self):
        with SessionLocal() as session:
            self.sold = session.get(Book, 1)
            self.sold.price += 1
            session.commit()

    def receipt(self):
        return self.sold.title if self.sold else ""  # finding: once `self.sold` has it, self.sold.title expired at the commit

    @property
    def amount(self):
        return self.sold.price if self.sold else 0  # finding: once `self.sold` has it, self.sold.price expired at the commit


def what_was_logged_in():
    account = Account()
    _later(account.log_in)
    _later(account.name)


def what_was_logged_in_and_is_read():
    account = Account()
    _later(account.log_in)
    _later(account.shelf)


def what_is_under_a_key():
    account = Account()
    _later(account.remember, 1)
    _later(account.count, 1)


def what_is_shown_at_once():
    Account().load()


def what_was_sold():
    account = Account()
    _later(account.sell)
    _later(account.receipt)


def what_it_was_sold_for():
    account = Account()
    _later(account.sell)
    _later(lambda: account.amount)


def _later(method, *arguments):
    """Whoever calls it is not seen."""
    globals()["_called"] = method
    globals()["_called"](*arguments)


class TwoWays:
    """Filled at two places, one of which loads all."""

    def __init__(self):
        self.author = None

    def find(self):
        with SessionLocal() as session:
            self.author = session.get(Author, 1)

    def find_all(self):
        with SessionLocal() as session:
            self.author = session.get(Author, 1, options=[selectinload(Author.books)])

    def shelf(self):
        return self.author.books  # quiet: which of them has filled it is not known


def filled_at_two_places():
    two = TwoWays()
    _later(two.find_all)
    _later(two.shelf)


class Merging:
    def __init__(self):
        self.author = None

    def find(self):
        with SessionLocal() as session:
            self.author = session.get(Author, 1)

    def shelf(self):
        with SessionLocal() as session:
            author = session.merge(self.author, load=False)
            return author.books  # quiet: the one that is read has a session


def merged_before():
    merging = Merging()
    _later(merging.find)
    _later(merging.shelf)


class Attaching:
    def __init__(self):
        self.author = None

    def find(self):
        with SessionLocal() as session:
            self.author = session.get(Author, 1)

    def attach(self, session):
        session.add(self.author)

    def shelf(self):
        return self.author.books  # quiet: somebody may have attached it again


def attached_before(session):
    attaching = Attaching()
    _later(attaching.find)
    with SessionLocal() as other:
        _later(attaching.attach, other)
        _later(attaching.shelf)


class OfItsCaller:
    def __init__(self, session):
        self.session = session
        self.author = None

    def find(self):
        self.author = self.session.get(Author, 1)

    def shelf(self):
        return self.author.books  # quiet: the session of the caller is open


def with_the_session_of_the_caller():
    with SessionLocal() as session:
        it = OfItsCaller(session)
        _later(it.find)
        _later(it.shelf)


class Loading:
    def __init__(self):
        self.author = None

    def find(self):
        with SessionLocal() as session:
            self.author = session.get(Author, 1, options=[selectinload(Author.books)])

    def shelf(self):
        return self.author.books  # quiet: loaded with the query


def loaded_with_the_query():
    loading = Loading()
    _later(loading.find)
    _later(loading.shelf)


class Block:
    def __init__(self):
        self.author = None

    def __enter__(self):
        self.session = SessionLocal()
        self.author = self.session.get(Author, 1)
        return self

    def __exit__(self, *exception):
        self.session.close()

    def shelf(self):
        return self.author.books  # quiet: the session stays open to the end of the block


def within_a_block():
    with Block() as block:
        _later(block.shelf)


class General(Loading):
    def find_one(self):
        with SessionLocal() as session:
            self.other = session.get(Author, 1)

    def name(self):
        return self.other.name  # quiet: a loaded column stays readable


class Derived(General):
    def other_books(self):
        return self.other.books  # finding: once `self.other` has it, self.other.books is not loaded


def left_by_the_base_class():
    derived = Derived()
    _later(derived.find_one)
    _later(derived.name)
    _later(derived.other_books)


class Filling(General):
    def find_again(self):
        with SessionLocal() as session:
            self.other = session.get(Author, 1, options=[selectinload(Author.books)])

    def other_books(self):
        return self.other.books  # quiet: which of them has filled it is not known


def filled_by_the_base_class_and_by_itself():
    filling = Filling()
    _later(filling.find_again)
    _later(filling.other_books)


class Polling:
    async def start(self):
        async with AsyncSessionLocal() as session:
            self.author = await session.get(Author, 1)
            await session.commit()

    async def poll(self):
        print(self.author.name)  # finding: once `self.author` has it, self.author.name expired at the commit


async def a_service_that_goes_on():
    polling = Polling()
    start, poll = polling.start, polling.poll
    await _later_on(start)
    await _later_on(poll)


async def _later_on(method):
    globals()["_called"] = method
    await globals()["_called"]()
