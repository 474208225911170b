"""Threads that run beside each other, or beside the function that has begun them."""

import threading
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy.orm import scoped_session

_engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
_ThreadSession = sessionmaker(_engine)

with _engine.begin() as connection:
    fill(connection)

both = threading.Barrier(2, timeout=5)


def _raise(*futures):
    for error in [future.exception() for future in futures if future.exception()]:
        raise error


def _rename(session, title):
    with session.begin():
        both.wait()
        session.get(Book, 1).title = title


def _rename_slowly(session, title, begun, renamed):
    with session.begin():
        begun.set()
        renamed.wait(5)


def _rename_alone(session, title):
    with session.begin():
        session.get(Book, 1).title = title


def _titles():
    with _ThreadSession() as session:
        return session.scalars(select(Book.title)).all()


def in_an_executor():
    with ThreadPoolExecutor() as executor, _ThreadSession() as session:
        one = executor.submit(_rename, session, "Tehanu")
        other = executor.submit(_rename, session, "Lavinia")  # finding: `executor.submit()` uses a session that is in use by another thread
        other.exception()
        both.abort()
        _raise(other)


def beside_the_caller():
    begun, renamed = threading.Event(), threading.Event()
    with _ThreadSession() as session:
        thread = threading.Thread(target=_rename_slowly, args=(session, "Tehanu", begun, renamed))
        thread.start()
        begun.wait(5)
        try:
            with session.begin():  # finding: `session.begin()` uses a session that is in use by another thread
                pass
        finally:
            renamed.set()
            thread.join()


def one_after_the_other():
    with ThreadPoolExecutor() as executor, _ThreadSession() as session:
        executor.submit(_rename_alone, session, "Tehanu").result()
        executor.submit(_rename_alone, session, "Lavinia").result()  # quiet: the first is done


def done_before_the_commit():
    with _ThreadSession() as session:
        thread = threading.Thread(target=_rename_alone, args=(session, "Tehanu"))
        thread.start()
        thread.join()
        session.commit()  # quiet: the thread is done


def a_session_each():
    with ThreadPoolExecutor(1) as executor:
        one = executor.submit(_titles)
        other = executor.submit(_titles)  # quiet: each opens its own
        assert one.result() == other.result()


def a_session_for_each_thread():
    registry = scoped_session(_ThreadSession)

    def rename(title):
        _rename_alone(registry, title)
        registry.remove()

    with ThreadPoolExecutor(1) as executor:
        _raise(executor.submit(rename, "Tehanu"), executor.submit(rename, "Lavinia"))  # quiet: each thread has its own
