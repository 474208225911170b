"""What reading an attribute really does, held against what ``unloaded`` says of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, Select, event, inspect
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import RelationshipDirection
from sqlalchemy.orm.exc import DetachedInstanceError, ObjectDeletedError

from outlive import Cause, unloaded
from tests import databases
from tests.keep.worlds import World


class SqlRefusedError(Exception):
    pass


@contextmanager
def refusing_sql(engine: Engine) -> Iterator[None]:
    """Let SQL raise, so that a read shows that it needs some, and changes nothing."""

    def refuse(*_: object) -> None:
        raise SqlRefusedError

    event.listen(engine, "before_cursor_execute", refuse)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", refuse)


def happens(world: World, load: Callable[[type[Any]], Select[Any]], operation: Callable[[World], None]) -> bool:
    """Load and do it; false if it cannot be done, because it needs what the query has forbidden to load."""
    world.objs = world.load(load)
    try:
        operation(world)
    except (InvalidRequestError, AttributeError) as error:
        if "is not available due to" in str(error) or "does not have a value" in str(error):
            return False
        raise
    return True


def said_of(world: World) -> list[Mapping[str, Cause]]:
    return [unloaded(obj) for obj in world.objs]


def wrong_in_session(world: World, said: list[Mapping[str, Cause]]) -> list[str]:
    """Where reading an object that may be in its session does not do what was said.

    SQL has to be refused, or to need an ``await`` that is not there.
    """
    return [
        it
        for obj, causes in zip(world.objs, said, strict=True)
        for it in (_wrong_in_session(obj, causes) if inspect(obj).session else _wrong_detached(obj, causes))
    ]


def wrong_detached(world: World, said: list[Mapping[str, Cause]]) -> list[str]:
    """Where reading does not do what was said, once the objects have left the session."""
    for obj in world.objs:
        # Closing the session leaves deleted objects in it.
        if inspect(obj).session:
            world.session.expunge(obj)
    world.session.close()
    return [it for obj, causes in zip(world.objs, said, strict=True) for it in _wrong_detached(obj, causes)]


def label_of(obj: object) -> str:
    return f"{type(obj).__name__} {inspect(obj).identity}"


def _wrong_in_session(obj: object, causes: Mapping[str, Cause]) -> Iterator[str]:
    now = inspect(obj).dict
    values = dict(now)
    for name in _attributes_of(obj):
        done = _read(obj, name)
        cause = causes.get(name)
        match done:
            case "fine":
                agrees = cause is None
            case "known":  # a many-to-one can be read without SQL, though it was not loaded
                agrees = cause is not Cause.RAISE
            case "forbidden":
                agrees = cause is Cause.RAISE
            case "SQL" if cause is Cause.RAISE:  # for the key that it is loaded with: then it raises
                agrees = any(it not in values for it in _keys_for(obj, name))
            case _:
                agrees = cause is not None
        if not agrees:
            yield f"{label_of(obj)}.{name} in its session: {done}, {cause}"
    now.clear()
    now.update(values)


def _wrong_detached(obj: object, causes: Mapping[str, Cause]) -> Iterator[str]:
    for name in _attributes_of(obj):
        done = _read(obj, name)
        if (done in {"detached", "forbidden"}) != (name in causes):
            yield f"{label_of(obj)}.{name} detached: {done}, {causes.get(name)}"


def _attributes_of(obj: object) -> list[str]:
    """Those that the mapping gives a value of their own."""
    mapper = inspect(obj).mapper
    return [it.key for it in mapper.attrs if it.key not in mapper.synonyms and it.key in mapper.class_manager]


def _keys_for(obj: object, name: str) -> list[str]:
    mapper = inspect(obj).mapper
    relation = mapper.relationships.get(name)
    return [mapper.get_property_by_column(it).key for it in relation.local_columns] if relation else []


def _read(obj: object, name: str) -> str:
    """What reading the attribute does: ``fine``, ``known``, or how it fails.

    ``known`` is a many-to-one relationship that has no object, or one of its session.
    """
    try:
        value = getattr(obj, name)
    except AttributeError:
        return "fine"  # an attribute that a concrete subclass does not have
    except SqlRefusedError:
        return "SQL"
    except DetachedInstanceError:
        return "detached"
    except ObjectDeletedError:
        return "deleted"
    except Exception as error:
        if _needs_await(error):
            databases.let_go(error)
            return "SQL"
        if isinstance(error, InvalidRequestError) and "is not available due to" in str(error):
            return "forbidden"
        return f"{type(error).__name__}: {error}"
    relation = inspect(obj).mapper.relationships.get(name)
    if relation is None or relation.direction is not RelationshipDirection.MANYTOONE:
        return "fine"
    return "known" if value is None or inspect(value).session is inspect(obj).session else "fine"


def _needs_await(error: BaseException) -> bool:
    return getattr(error, "code", None) == "xd2s" or type(getattr(error, "orig", None)).__name__ == "MissingGreenlet"
