"""The text of a reference: one line of JSON, read as data from a stranger."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

import msgspec
from sqlalchemy.orm import Mapper
from sqlalchemy.types import TypeEngine

from outlive.keep.classes import name_of_class, named
from outlive.keep.keys import Encoded, decode, encode

FORMAT = 1
"""The number of the format: a reader refuses one that it does not know."""
LONGEST = 65_536
"""Characters of the longest text."""


class Parts(NamedTuple):
    """What a reference is made of."""

    class_: type[Any]
    identity: tuple[Any, ...]
    identity_token: Any
    version: Any


class _Text(msgspec.Struct, omit_defaults=True):
    reference: int
    class_: str = msgspec.field(name="class")
    key: list[Encoded]
    version: Encoded = None
    token: Encoded = None


_decoder = msgspec.json.Decoder(_Text)


def write(mapper: Mapper[Any], parts: Parts) -> str:
    """The text.

    Raises:
        ValueError: A value that JSON cannot carry, a class whose name is not its own, or a text that is too long.
    """
    name = name_of_class(parts.class_)
    named(mapper.registry.mappers, name)
    text = _Text(
        FORMAT,
        name,
        [encode(value, column.type) for value, column in zip(parts.identity, mapper.primary_key, strict=True)],
        encode(parts.version, _version_type(mapper)),
        encode(parts.identity_token, None),
    )
    written = msgspec.json.encode(text).decode()
    if len(written) > LONGEST:
        raise ValueError(f"it would be longer than {LONGEST} characters")
    return written


def read(text: object, mappers: Collection[Mapper[Any]]) -> Parts:
    """What a text refers to, which is one of these mappers' classes.

    Raises:
        ValueError: It does not; says what was expected.
    """
    parsed = _parse(text)
    mapper = named(mappers, parsed.class_)
    columns = mapper.primary_key
    if len(parsed.key) != len(columns):
        raise ValueError(f"{parsed.class_} has a primary key of {len(columns)}, not {len(parsed.key)}")
    identity = tuple([decode(raw, column.type) for raw, column in zip(parsed.key, columns, strict=True)])
    version = decode(parsed.version, _version_type(mapper))
    return Parts(mapper.class_, identity, decode(parsed.token, None), version)


def _parse(text: object) -> _Text:
    if not isinstance(text, str):
        raise ValueError(f"a {type(text).__name__} is no text")
    if len(text) > LONGEST:
        raise ValueError(f"it is longer than {LONGEST} characters")
    try:
        parsed = _decoder.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError) as error:
        raise ValueError(str(error)) from error
    if parsed.reference != FORMAT:
        raise ValueError(f"its format is {parsed.reference}, and format {FORMAT} is what this release reads")
    return parsed


def _version_type(mapper: Mapper[Any]) -> TypeEngine[Any] | None:
    return None if mapper.version_id_col is None else mapper.version_id_col.type
