"""``reference`` and ``load_all``: an object crosses to another process as its class and primary key."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeAlias, TypeVar, cast, overload

from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import Mapper, Session, registry
from sqlalchemy.orm.attributes import instance_state

from outlive.keep.classes import mapper_of, mappers_of
from outlive.keep.identities import (
    check_versions,
    find,
    version_of,
)
from outlive.keep.texts import Parts, read, write
from outlive.lifecycle.errors import InvalidReferenceError, MissingRowsError, ObjectStateError
from outlive.sessions.lookups import Key
from outlive.sessions.objects import AnySession, listed, name_of, session_of, state_of
from outlive.sessions.rows import State

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
Versions: TypeAlias = Literal["check", "ignore"]


@dataclass(frozen=True, slots=True, repr=False)
class Reference(Generic[T_co]):
    """A row, by the class and the primary key of its object: small, hashable, and of no session.

    Two are equal if all of their parts are, the version included.

    Attributes:
        class_: The mapped class; loading gives an object of it or of a subclass.
        identity: The primary key, as SQLAlchemy has it: one value for each column.
        identity_token: SQLAlchemy's token of a shard; ``None`` without sharding.
        version: The value of the ``version_id_col``; ``None`` if there is none or it was not loaded.

    Raises:
        UnmappedClassError: The class is not mapped.
        InvalidReferenceError: The key is not a tuple with a value for each primary key column, or there is a version
            and no counter.
    """

    class_: type[T_co]
    identity: tuple[Any, ...]
    identity_token: Any = None
    version: Any = None

    def __post_init__(self) -> None:
        mapper = mapper_of(self.class_)
        _check_key(mapper, self.identity)
        if self.version is not None and mapper.version_id_col is None:
            raise InvalidReferenceError(f"{self.class_.__name__} has no version counter, got version {self.version!r}")

    def __str__(self) -> str:
        """``Order (1,)``."""
        return f"{self.class_.__name__} {self.identity}"

    def __repr__(self) -> str:
        token = "" if self.identity_token is None else f", identity_token={self.identity_token!r}"
        version = "" if self.version is None else f", version={self.version!r}"
        return f"Reference({self.class_.__name__}, {self.identity}{token}{version})"

    def dumps(self) -> str:
        """The reference as a text: one line of JSON, for ``loads``.

        Raises:
            InvalidReferenceError: A value that JSON cannot carry, a class that shares its name with another one of its
                registry, or a text of more than 65,536 characters.
        """
        parts = Parts(self.class_, self.identity, self.identity_token, self.version)
        try:
            return write(mapper_of(self.class_), parts)
        except ValueError as error:
            raise InvalidReferenceError(f"{self!s:.200} cannot become a text: {error}") from error

    @overload
    @staticmethod
    def loads(text: str, base: type[T]) -> Reference[T]: ...

    @overload
    @staticmethod
    def loads(text: str, base: registry) -> Reference[Any]: ...

    @staticmethod
    def loads(text: str, base: type[Any] | registry) -> Reference[Any]:
        """Read what ``dumps`` wrote.

        The text may come from a stranger: it is compared with what is mapped.  Nothing is imported, constructed or
        called because of it.

        Args:
            text: The text.
            base: What it may refer to.  A mapped class or a declarative base, ``SQLModel`` too, allows itself and its
                subclasses; a ``registry`` allows all that it maps.

        Raises:
            InvalidReferenceError: The text is no reference to one of them; says what was expected.
            TypeError: ``base`` is none of these.
        """
        mappers = mappers_of(base)
        try:
            return Reference(*read(text, mappers))
        except ValueError as error:
            raise InvalidReferenceError(f"expected a text of Reference.dumps(), got {text!r:.200}: {error}") from error

    def load(self, session: AnySession, *, version: Versions = "check") -> T_co:
        """Load the object, as ``load_all`` does.

        Raises:
            MissingRowsError: There is no such row.
            StaleDataError: The row has another version.
        """
        return load_all(session, [self], version=version)[0]


def reference(obj: T) -> Reference[T]:
    """A reference to the row of an object, in whatever state the object's attributes are.

    Reads its state, never the object: no SQL, and expired and detached objects have one too.  Pending changes are not
    part of it: flush, and commit before another process uses it.

    Raises:
        UnmappedInstanceError: Not a mapped object.
        ObjectStateError: It has no identity yet, because it was not flushed, or has lost its row with a deletion.
    """
    state = state_of(obj)
    if state.key is None:
        add = "session.add() and " if state.transient else ""
        raise ObjectStateError(f"{name_of(state)} has no identity yet: {add}session.flush() first")
    if state.was_deleted:
        raise ObjectStateError(f"{name_of(state)} is deleted: there is no row to refer to")
    _, identity, token = state.key
    return Reference(cast("type[T]", state.class_), identity, token, version_of(state))


def load_all(
    session: AnySession,
    refs: Iterable[Reference[T]],
    *,
    missing: Literal["raise", "skip"] = "raise",
    version: Versions = "check",
) -> list[T]:
    """Load the objects of many references, in the order given, with one SELECT per class and 1,000 references.

    An object that the session has, with its columns loaded, costs no SELECT.  The others are loaded as ``Session.get``
    loads them (so the session flushes first, if it has something to flush), the columns of subclasses included.

    Args:
        session: The session that the objects will belong to.
        refs: The references; the same one twice gives the same object twice.
        missing: ``"skip"`` leaves out references without a row.
        version: ``"ignore"`` takes each row as it is.

    Raises:
        MissingRowsError: References without a row; ``missing`` of the exception has them.
        StaleDataError: A row has another version than its reference; names both.
        InvalidReferenceError: Something else among the references.
        sqlalchemy.exc.ArgumentError: Another option.
    """
    if missing not in {"raise", "skip"}:
        raise ArgumentError(f"missing= is raise or skip, got {missing!r}")
    if version not in {"check", "ignore"}:
        raise ArgumentError(f"version= is check or ignore, got {version!r}")
    session = session_of(session)
    given = _given(refs)
    found = _find(session, given)
    if version == "check":
        gone = check_versions(session, list(_versions(given, found)), "the reference")
        if gone:
            found = [None if obj is not None and instance_state(obj) in gone else obj for obj in found]
    lost = [ref for ref, obj in zip(given, found, strict=True) if obj is None]
    if lost and missing == "raise":
        names = listed([str(ref) for ref in lost])
        why = "deleted meanwhile, not committed yet, or committed after this transaction began to read"
        raise MissingRowsError(f"no row for {names}: {why}", lost)
    return [obj for obj in found if obj is not None]


def _check_key(mapper: Mapper[Any], key: tuple[Any, ...]) -> None:
    expected = len(mapper.primary_key)
    if not isinstance(cast("object", key), tuple):
        raise InvalidReferenceError(f"{mapper.class_.__name__}: expected the primary key as a tuple, got {key!r:.100}")
    if len(key) != expected or all(part is None for part in key):
        raise InvalidReferenceError(f"{mapper.class_.__name__} has a primary key of {expected}, got {key!r:.100}")


def _given(refs: Iterable[Reference[T]]) -> list[Reference[T]]:
    if isinstance(refs, Reference):
        raise InvalidReferenceError(f"expected an iterable of references, got {refs!r}: that is ref.load(session)")
    given = list(refs)
    for index, ref in enumerate(given):
        if not isinstance(cast("object", ref), Reference):
            raise InvalidReferenceError(
                f"expected references, got {type(ref).__name__} at index {index}: Reference.loads(text, Base) makes "
                "one of a text, outlive.reference(obj) of an object"
            )
    return given


def _find(session: Session, refs: Sequence[Reference[T]]) -> list[T | None]:
    """The object of each reference; ``None`` where there is no row."""
    kinds = [(ref.class_, ref.identity_token) for ref in refs]
    wanted: defaultdict[tuple[type[T], Any], dict[Key, None]] = defaultdict(dict)
    for kind, ref in zip(kinds, refs, strict=True):
        wanted[kind][ref.identity] = None
    found = {
        (class_, token): find(session, mapper_of(class_), token, identities)
        for (class_, token), identities in wanted.items()
    }
    return [found[kind].get(ref.identity) for kind, ref in zip(kinds, refs, strict=True)]


def _versions(refs: Iterable[Reference[Any]], objs: Iterable[object | None]) -> Iterator[tuple[State, Any]]:
    for ref, obj in zip(refs, objs, strict=True):
        if obj is not None and ref.version is not None:
            yield instance_state(obj), ref.version
