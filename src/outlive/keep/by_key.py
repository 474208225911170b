"""Objects by their primary keys, which the database may find equal where Python does not: text in another case, say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy.orm import Mapper, Session
from sqlalchemy.orm.attributes import instance_state
from sqlalchemy.orm.interfaces import ORMOption

from outlive.sessions.lookups import Key, lookup_of_objects
from outlive.sessions.rows import key_of


def objects_by_key(
    session: Session,
    mapper: Mapper[Any],
    keys: Iterable[Key],
    *,
    identity_token: object = None,
    options: Sequence[ORMOption] = (),
) -> dict[Key, Any]:
    """The objects with these primary keys, loaded as ``Session.get`` does; those without a row are absent.

    One SELECT per 1,000 keys, and more only where a key leads to a row that has it written otherwise.  The caller must
    hold what it gets: the identity map does not.
    """
    lookup = lookup_of_objects(session, mapper, identity_token, options)

    def select(some: Sequence[Key]) -> dict[Key, Any]:
        return {key_of(instance_state(obj)): obj for obj in lookup.rows(some).scalars().unique()}

    found: dict[Key, Any] = {}
    for chunk in lookup.chunks(keys):
        rows = select(chunk)
        found |= rows
        unmet = [key for key in chunk if key not in rows]
        strangers = bool(rows.keys() - chunk)
        if rows and not strangers and (texts := [key for key in unmet if any(isinstance(part, str) for part in key)]):
            # A row to which two keys lead has one of them: it is no stranger.
            strangers = bool(select(texts))
        for key in unmet if strangers else ():
            obj = session.get(mapper.class_, key, options=options, identity_token=identity_token)
            if obj is not None:
                found[key] = obj
    return found
