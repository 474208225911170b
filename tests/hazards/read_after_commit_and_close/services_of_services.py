"""Services that are given services: who makes the session stands three constructors away."""


class _Database:
    def __init__(self):
        self.factory = sessionmaker(engine)

    def get_session(self):
        return self.factory()


class _Books:
    def __init__(self, database: _Database):
        self.database = database

    def rename(self):
        with self.database.get_session() as session:
            book = session.get(Book, 1)
            session.commit()
        return book

    def load(self):
        with self.database.get_session() as session:
            return session.get(Book, 1)


class _Shop:
    def __init__(self, books: _Books):
        self.books = books

    def rename(self):
        return self.books.rename().title  # finding: self.books.rename().title expired at the commit

    def show(self):
        return self.books.load().title  # quiet: nothing has been committed


def _label(shop: _Shop):
    book = shop.books.rename()
    return book.title  # finding: book.title expired at the commit


def rename():
    _Shop(_Books(_Database())).rename()


def show():
    _Shop(_Books(_Database())).show()


def label():
    _label(_Shop(_Books(_Database())))
