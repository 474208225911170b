"""The boundary of a task: what may leave for it, how that arrives, and what it may return."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeAlias, TypeVar, cast, get_args

from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from outlive.boundary.commits import on_commit
from outlive.boundary.live import live_objects, plain
from outlive.boundary.refusal import refusal
from outlive.boundary.transport import TAGS, Arrival, Base, allow, arrivals_in, loaded, referred
from outlive.boundary.units import Factory, forget_connections, unit_of_work
from outlive.keep.classes import entity_of, mappers_of
from outlive.keep.references import Reference, load_all
from outlive.keep.snapshots import Snapshot
from outlive.lifecycle.errors import (
    InvalidReferenceError,
    LiveObjectError,
    LiveObjectWarning,
    MissingRowsError,
    SkippedTaskError,
)

T = TypeVar("T")
Args: TypeAlias = Sequence[Any]
Kwargs: TypeAlias = Mapping[str, Any]
Mode: TypeAlias = Literal["raise", "warn", "reference"]
Missing: TypeAlias = Literal["raise", "skip", "none"]
Changed: TypeAlias = Literal["raise", "skip", "load"]

_CHOICES: dict[str, tuple[Any, ...]] = {
    "mode": get_args(Mode),
    "missing": get_args(Missing),
    "changed": get_args(Changed),
}
_TAGGED = b"outlive."  # with which all tags begin
_WHY = "A message carries plain values; an object stays with its session."


@dataclass(frozen=True, slots=True)
class Boundary:
    """How an application's tasks are protected; ``protect`` of each queue describes the parts.

    Raises:
        ArgumentError: An option has another value than those it can have.
        TypeError: ``base`` is no declarative base, mapped class or registry.
    """

    base: Base
    mode: Mode = "raise"
    session: Factory | None = None
    missing: Missing = "raise"
    changed: Changed = "raise"

    def __post_init__(self) -> None:
        for name, known in _CHOICES.items():
            if getattr(self, name) not in known:
                raise ArgumentError(f"{name}= is {', '.join(known)}, got {getattr(self, name)!r}")
        allow(self.base)

    def leaving(self, values: Mapping[str, T], what: str, *, returned: bool = False) -> Mapping[str, T]:
        """The values as they may leave: the same ones, or with references in the place of mapped objects.

        Args:
            values: By their names in the message of an error.
            what: See ``refusal``.
            returned: Whether a task returns them.

        Raises:
            LiveObjectError: There is a mapped object in them; with the mode ``reference``, one that has no row, has
                changes that its row lacks, or stands where no reference can.
            InvalidReferenceError: Data that would arrive as a reference or a snapshot.
        """
        if is_harmless(values):
            return values
        if self.mode == "reference":
            values = {name: referred(value) for name, value in values.items()}
        _refuse_imitations(values)
        try:
            refuse_live(values, what, returned=returned)
        except LiveObjectError as error:
            if self.mode != "warn":
                raise
            warnings.warn(str(error), LiveObjectWarning, stacklevel=4)
        return values

    def look_at_all(self, values: Mapping[str, Any], what: str) -> None:
        """Refuse what several messages have, before the first of them leaves.

        Raises:
            LiveObjectError: As ``leaving`` does; with the mode ``warn``, which warns of each message, nothing.
        """
        if self.mode != "warn":
            self.leaving(values, what)

    def forget_connections(self) -> None:
        """Give up, in a process that was forked, the connections of its parent."""
        if self.session is not None:
            forget_connections(self.session)

    def run(self, task: str, call: Callable[..., Any], args: Args, kwargs: Kwargs, *, returns: bool = True) -> Any:
        """Run a task with what has arrived for it, in a session of its own if there is a factory.

        Args:
            task: Its name.
            call: Its function.
            args: Its arguments as they have arrived.
            kwargs: Those with names.
            returns: Whether its result goes anywhere.

        Raises:
            SkippedTaskError: Rows are gone or have changed, and such a task is to be skipped.
            MissingRowsError: See ``outlive.load_all``, as all others that are not those of the task.
        """
        if self.session is None:
            args, kwargs = self._arrived(None, task, args, kwargs)
            return self._result(task, call(*args, **kwargs), returns)
        with unit_of_work(self.session) as session:
            args, kwargs = self._arrived(session, task, args, kwargs)
            # Before the commit: what is refused must not have happened.
            return self._result(task, call(*args, **kwargs), returns)

    def _arrived(self, session: Session | None, task: str, args: Args, kwargs: Kwargs) -> tuple[Args, Kwargs]:
        if plain((args, kwargs)) is not None:
            return args, kwargs
        arrived = arrivals_in([*args, kwargs])
        self._check_classes(arrived)
        refs = [one for one in arrived if isinstance(one, Reference)]
        if not refs or self.mode != "reference":
            return args, kwargs
        if session is None:
            raise TypeError(f"the task {task!r} has got references: protect(..., session=SessionLocal) loads them")
        # By place, not by value: the hash of a reference takes as long as loading it.
        objects = {id(ref): obj for ref, obj in zip(refs, self._load(session, task, refs), strict=True)}
        return loaded([*args], objects), loaded(dict(kwargs), objects)

    def _check_classes(self, arrived: Iterable[Arrival]) -> None:
        """What may be read is for all applications of this process; what may arrive is for this one."""
        mine = {entity_of(mapper.class_) for mapper in mappers_of(self.base)}
        # By class first: a thousand references have one.
        classes = {one.outlive_layout.kind.entity if isinstance(one, Snapshot) else one.class_ for one in arrived}
        for class_ in classes:
            name = class_ if isinstance(class_, str) else entity_of(class_)
            if name not in mine:
                raise InvalidReferenceError(f"the message is refused: no mapped class is {name!r}")

    def _load(self, session: Session, task: str, refs: list[Reference[Any]]) -> list[Any]:
        """The objects of references, ``None`` for one without a row where that is wanted."""
        try:
            return load_all(session, refs, version="ignore" if self.changed == "load" else "check")
        except StaleDataError as error:
            if self.changed == "skip":
                raise SkippedTaskError(f"the task {task!r} was skipped: {error}") from error
            raise
        except MissingRowsError as error:
            if self.missing == "skip":
                raise SkippedTaskError(f"the task {task!r} was skipped: {error}") from error
            if self.missing == "raise":
                raise
            gone = set(error.missing)
            there = iter(self._load(session, task, [ref for ref in refs if ref not in gone]))
            return [None if ref in gone else next(there) for ref in refs]

    def _result(self, task: str, result: T, returns: bool) -> T:
        if not returns:
            return result
        return self.leaving({"the result": result}, f"returned by the task {task!r}", returned=True)["the result"]


def send_on_commit(
    session: object,
    boundary: Boundary | None,
    values: Mapping[str, Any],
    what: str,
    send: Callable[..., object],
    **more: Any,
) -> None:
    """Send a task once the transaction of a session is committed; its references are made after that.

    Args:
        session: Any kind of session.
        boundary: How the tasks are protected, if they are.
        values: Its ``args`` and ``kwargs``.
        what: See ``refusal``.
        send: Called with them.
        more: What else leaves with it and must not hold a mapped object.

    Raises:
        LiveObjectError: See ``Boundary.leaving``; where the mode is neither ``warn`` nor ``reference``, at once.
    """
    if boundary is None or boundary.mode == "raise":
        refuse = boundary.leaving if boundary else refuse_live
        refuse({**values, **more}, what)

    def prepare() -> Callable[[], object]:
        # Else it is looked at when it is sent.
        sent = boundary.leaving(values, what) if boundary and boundary.mode == "reference" else values
        return partial(send, *sent["args"], **sent["kwargs"])

    on_commit(session, prepare)


def is_harmless(values: object) -> bool:
    """Whether values are plain data without anything that could arrive as a reference or a snapshot."""
    data = plain(values)
    return data is not None and _TAGGED not in data


def refuse_live(values: Mapping[str, Any], what: str, *, returned: bool = False) -> None:
    """Refuse mapped objects in values, by their names.

    Raises:
        LiveObjectError: There are some; see ``refusal``.
    """
    if plain(values) is None and (found := live_objects(values.items())):
        raise refusal(found, what, _WHY, returned=returned)


def _refuse_imitations(values: Mapping[str, Any]) -> None:
    """Refuse data, of a web form say, that the other side would take for a reference or a snapshot."""
    ahead: list[Any] = [values]
    seen: set[int] = set()
    while ahead:
        value = ahead.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, dict):
            items = cast("dict[object, object]", value)
            if items.get("__type__") in TAGS:
                what = "outlive.reference() and outlive.snapshot() make what may stand there"
                raise InvalidReferenceError(f"data that imitates {items['__type__']} was about to be sent: {what}")
            ahead += items.values()
        elif isinstance(value, (list, tuple)):
            ahead += cast("list[object]", value)
