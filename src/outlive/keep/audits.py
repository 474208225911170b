"""``audit``: what would fail once the session is closed, before it is closed."""

from __future__ import annotations

import json
import sys
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

from sqlalchemy.orm import Mapper, QueryableAttribute, Session, scoped_session
from sqlalchemy.orm.attributes import instance_dict

from outlive.keep.attributes import Attribute, attribute_of
from outlive.keep.audit_text import failure, table
from outlive.keep.unloaded import causes, kinds_of, likeness
from outlive.lifecycle.causes import Cause
from outlive.lifecycle.errors import UnsafeError
from outlive.sessions.objects import as_list, states_of

IdentityKey: TypeAlias = tuple[object, ...] | None


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One read that would fail: an attribute of an object.

    Attributes:
        entity: The class of the object.
        identity_key: SQLAlchemy's primary key tuple of the object, ``None`` if it has no row.
        attribute: The name of the attribute.
        cause: Why it has no value.
    """

    entity: type[Any]
    identity_key: IdentityKey
    attribute: str
    cause: Cause


@dataclass(frozen=True, slots=True)
class AuditRow:
    """The entries of an audit with one class, attribute and cause: a row of its table.

    Attributes:
        entity: The class of the objects.
        attribute: The name of the attribute.
        cause: Why it has no value.
        identity_keys: One for each object; see ``AuditEntry``.
    """

    entity: type[Any]
    attribute: str
    cause: Cause
    identity_keys: tuple[IdentityKey, ...]


@dataclass(frozen=True, slots=True)
class Audit:
    """What would fail once the session is closed; ``str()`` of it is a table with remedies.

    True if something would, and as long as there are entries.  Holds classes and keys, and none of the objects.

    Attributes:
        rows: By class; its columns first.
        forbidden: What ``lazy="raise"``, ``"raise_on_sql"`` and ``raiseload`` guard, and was not loaded.  Reading it
            raises now as it will then, by design, so it is not counted; ``raise_if_unsafe`` minds it where it is named.
        objects: How many objects were looked at.
        is_async: Whether they belong to an ``AsyncSession``, which the remedies then await.
    """

    rows: tuple[AuditRow, ...]
    forbidden: tuple[AuditRow, ...] = ()
    objects: int = 0
    is_async: bool = False

    def __len__(self) -> int:
        return sum(len(row.identity_keys) for row in self.rows)

    def __iter__(self) -> Iterator[AuditEntry]:
        for row in self.rows:
            for identity_key in row.identity_keys:
                yield AuditEntry(row.entity, identity_key, row.attribute, row.cause)

    def __str__(self) -> str:
        return table(self.rows, self.objects, is_async=self.is_async)

    @property
    def entries(self) -> tuple[AuditEntry, ...]:
        """Every read that would fail, in the order of ``rows``."""
        return tuple(self)

    def to_json(self) -> str:
        """``rows`` and ``objects``; values of keys that JSON lacks are their ``str()``."""
        rows = [
            {
                "class": f"{row.entity.__module__}.{row.entity.__qualname__}",
                "attribute": row.attribute,
                "cause": row.cause,
                "identity_keys": row.identity_keys,
            }
            for row in self.rows
        ]
        return json.dumps({"objects": self.objects, "rows": rows}, default=str, ensure_ascii=False)

    def raise_if_unsafe(
        self, *attributes: QueryableAttribute[Any], ignore: Iterable[QueryableAttribute[Any]] = ()
    ) -> None:
        """Raise if one of these attributes, any if none is named, would fail.

        ::

            audit(orders).raise_if_unsafe(Order.items)
            audit(session).raise_if_unsafe(ignore=[Order.notes])

        Args:
            attributes: The attributes that matter.  One that is named counts even if ``lazy="raise"`` guards it.
            ignore: Attributes that may fail.

        Raises:
            UnsafeError: Names objects, attributes, causes and remedies.
            sqlalchemy.exc.ArgumentError: What is given is no attribute of a mapped class, or never has a value.
        """
        __tracebackhide__ = True  # pytest then shows the line of the test
        wanted = [attribute_of(it) for it in attributes]
        ignored = [attribute_of(it) for it in ignore]
        rows = self.rows
        if wanted:
            rows = tuple(row for row in self.rows + self.forbidden if any(_is_of(row, it) for it in wanted))
        rows = tuple(row for row in rows if not any(_is_of(row, it) for it in ignored))
        if rows:
            raise UnsafeError(failure(rows, is_async=self.is_async))


def audit(session_or_objects: object) -> Audit:
    """What would raise ``DetachedInstanceError`` once the session is closed, as things stand.

    To be asked right before the session closes, after the last commit, or in a test of what a function returns.  Emits
    no SQL and waits for nothing, so this one function serves async code too.  Reads no attribute of an object, calls
    none of its methods, and holds none.

    Not in it, because it does not raise: what ``lazy="raise"`` guards (it raises already); the attributes of pending
    objects (closing the session makes them transient, and *loses* them); ``WriteOnlyMapped`` collections, and
    ``DynamicMapped`` ones, which come up empty with a warning; see ``unloaded``.

    Args:
        session_or_objects: A ``Session``, ``AsyncSession`` or a scoped one, for all persistent objects that the program
            still holds (the identity map is weak); or one mapped object, or an iterable of them, in any state.

    Raises:
        UnmappedInstanceError: Something else, or something else among the objects; the message says at which index.
    """
    session = _session_of(session_or_objects)
    objs = as_list(session_or_objects) if session is None else []
    states = states_of(objs) if session is None else session.identity_map.all_states()
    groups: dict[Hashable, _Group] = {}
    of_last: Any = None
    names: list[str] = []
    kinds: Any = None
    missing = frozenset[str]()
    for state in states:
        obj = state.obj()  # another thread may drop it, and its values with it
        if obj is not None:
            # Most objects are like the one before.  `state.mapper` would be remembered by each state.
            mapper, before = state.manager.mapper, names
            names = [*instance_dict(obj)]
            if names != before or mapper is not of_last:
                of_last, kinds = mapper, kinds_of(mapper)
                missing = kinds.all_names.difference(names)
            like = likeness(state, kinds, missing)
            group = groups.get(like)
            if group is None:
                group = groups[like] = _Group(mapper, dict(causes(state)), [])
            group.identity_keys.append(state.key[1] if state.key else None)
    rows = _rows(groups.values())
    return Audit(
        rows=tuple(row for row in rows if row.cause is not Cause.RAISE),
        forbidden=tuple(row for row in rows if row.cause is Cause.RAISE),
        objects=sum(len(group.identity_keys) for group in groups.values()),
        is_async=next((state.async_session is not None for state in states if state.session is not None), False),
    )


def _session_of(given: object) -> Session | None:
    if isinstance(given, Session):
        return given
    if isinstance(given, scoped_session):
        return cast("scoped_session[Session]", given)()
    # Whoever has an AsyncSession has imported this, and without greenlet it cannot be imported.
    asyncio: Any = sys.modules.get("sqlalchemy.ext.asyncio")
    found: Any = given
    if asyncio is not None and isinstance(found, asyncio.async_scoped_session):
        found = found()
    return found.sync_session if asyncio is not None and isinstance(found, asyncio.AsyncSession) else None


@dataclass(frozen=True, slots=True)
class _Group:
    """Objects of which the same can be said."""

    mapper: Mapper[Any]
    causes: Mapping[str, Cause]
    identity_keys: list[IdentityKey]


def _rows(groups: Iterable[_Group]) -> list[AuditRow]:
    found: dict[tuple[Mapper[Any], str, Cause], list[IdentityKey]] = {}
    for group in groups:
        for name, cause in group.causes.items():
            found.setdefault((group.mapper, name, cause), []).extend(group.identity_keys)
    return [
        AuditRow(mapper.class_, name, cause, tuple(found[mapper, name, cause]))
        for mapper, name, cause in sorted(found, key=_place)
    ]


def _place(row: tuple[Mapper[Any], str, Cause]) -> tuple[str, str, int, int]:
    mapper, name, cause = row
    entity = mapper.class_
    return entity.__name__, entity.__module__, kinds_of(mapper).names.index(name), list(Cause).index(cause)


def _is_of(row: AuditRow, attribute: Attribute) -> bool:
    return row.attribute == attribute.name and issubclass(row.entity, attribute.mapper.class_)
