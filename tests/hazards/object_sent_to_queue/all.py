"""Arguments of Celery tasks."""

from celery import Celery, Task, shared_task

app = Celery("bookshop", broker="memory://")


@app.task
def _print_label(book, copies=1):
    return (book.title, copies)


@app.task(bind=True)
def _print_label_bound(self, book_id):
    return book_id


@shared_task
def _announce(book):
    return book


class _Delivery:
    """Not a task, though it can be delayed."""

    def delay(self, book):
        return book.title

    def apply_async(self, args):
        return args


def delay():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        _print_label.delay(book)  # finding: sends book, a mapped Book, out of its session


def delay_by_keyword():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        _print_label.delay(book=book)  # finding: sends book, a mapped Book, out of its session


def delay_of_a_shared_task():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        _announce.delay(book)  # finding: sends book, a mapped Book, out of its session


def apply_async():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        _print_label.apply_async(args=[book])  # finding: sends book, a mapped Book, out of its session


def apply_async_by_position():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        _print_label.apply_async((book,), countdown=5)  # finding: sends book, a mapped Book, out of its session


def apply_async_by_keyword():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        _print_label.apply_async(kwargs={"book": book})  # finding: sends book, a mapped Book, out of its session


def send_task():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        app.send_task("bookshop.print_label", args=[book])  # finding: sends book, a mapped Book, out of its session


def send_task_by_keyword():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        app.send_task("bookshop.print_label", kwargs={"book": book})  # finding: sends book, a mapped Book, out of its session


def new_object():
    with SessionLocal() as session:
        book = Book(title="Lavinia")
        session.add(book)
        session.commit()
        _print_label.delay(book)  # finding: sends book, a mapped Book, out of its session


def transient_object():
    book = Book(title="Lavinia")
    _print_label.delay(book)  # finding: sends book, a mapped Book, out of its session


def detached_object():
    with SessionLocal() as session:
        book = session.get(Book, 1)
    _print_label.delay(book)  # finding: sends book, a mapped Book, out of its session


def one_of_many():
    with SessionLocal() as session:
        for book in session.scalars(select(Book)):
            _print_label.delay(book)  # finding: sends book, a mapped Book, out of its session


async def from_async_code():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        _print_label.delay(book)  # finding: sends book, a mapped Book, out of its session


def key_only():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        _print_label_bound.delay(book.id)  # quiet: a number
        _print_label_bound.apply_async(args=[book.id])  # quiet: a number
        _print_label_bound.apply_async(kwargs={"book_id": book.id})  # quiet: a number
        app.send_task("bookshop.print_label", args=[book.id])  # quiet: a number


def columns_only():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        _announce.delay({"id": book.id, "title": book.title})  # quiet: plain data
        _announce.delay(f"{book.title}")  # quiet: a string
        _announce.delay([book.id for book in session.scalars(select(Book))])  # quiet: numbers


def row_of_columns():
    with SessionLocal() as session:
        book_id = session.scalars(select(Book.id)).first()
        _print_label_bound.delay(book_id)  # quiet: a number


def called_here():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        _print_label(book)  # quiet: a plain call, in this process
        _print_label.run(book)  # quiet: a plain call, in this process


def something_else_that_delays():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        _Delivery().delay(book)  # quiet: not a task
        _Delivery().apply_async(args=[book])  # quiet: not a task


def missing_row():
    with SessionLocal() as session:
        book = session.get(Book, 99)
    if book is None:
        _announce.delay(book)  # quiet: None here


def _key(book):
    return book.id


def key_from_a_function():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        _print_label_bound.delay(_key(book))  # quiet: the function returns a number


def option_of_the_queue():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        _print_label_bound.apply_async(args=[book.id], countdown=book.price)  # quiet: numbers


class _KeyTask(Task):
    def delay(self, book):
        return book.id


class _KeyCelery(Celery):
    task_cls = _KeyTask


keys = _KeyCelery("keys", broker="memory://", set_as_current=False)


@keys.task
def _print_key(book):
    return book


def application_of_the_programs_own_kind():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        _print_key.delay(book)  # quiet: a class of its own may send objects in a way of its own
