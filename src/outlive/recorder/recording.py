"""What was seen while somebody watched: a plain value, kept in a ring and written as JSON."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from os import PathLike
from pathlib import Path
from typing import Self, TypeAlias

import msgspec

from outlive.lifecycle.errors import InvalidRecordingError
from outlive.lifecycle.explanation import Explanation
from outlive.lifecycle.frames import At, line_of, shown

VERSION = 1
"""Of the JSON: a reader refuses a later one."""


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that a session did, or one error.

    Attributes:
        time: Seconds since the epoch.
        what: ``commit``, ``rollback``, ``release`` and ``rollback to savepoint``, ``close``, ``reset``,
            ``invalidate``, ``expunge``, ``expunge_all`` or ``error``.
        session: Number of the session, SQLAlchemy's ``hash_key``; 0 for an error, which may be outside any.
        filename: The user's code that asked for it; empty where a library works by itself.
        line: 1-based; 0 without a file.
        thread: Name of the thread.
        task: Name of the asyncio task; empty outside one.
        objects: How many objects the session held.
        explanation: Of an error.
    """

    time: float
    what: str
    session: int = 0
    filename: str = ""
    line: int = 0
    thread: str = ""
    task: str = ""
    objects: int = 0
    explanation: Explanation | None = None

    def __str__(self) -> str:
        where = f"{self.filename}:{self.line}: " if self.filename else ""
        told = f"{self.explanation.what}" if self.explanation else f"session {self.session}: {self.what}"
        return f"{where}{told}"


Raw: TypeAlias = tuple[float, str, int, At | None, str, str, int, Explanation | None]
"""An entry as it is noted, with the file as Python has it: what it takes to show that can wait."""


def _entry(raw: Raw) -> Entry:
    time, what, session, at, thread, task, objects, explanation = raw
    filename, line = (shown(at[0].co_filename), line_of(at)) if at else ("", 0)
    return Entry(time, what, session, filename, line, thread, task, objects, explanation)


class _File(msgspec.Struct):
    version: int
    dropped: int
    entries: list[Entry]


class Recording:
    """The last things that happened, the oldest first.

    Holds no mapped object, and no value of one but the primary keys of objects that failed.

    Attributes:
        size: How many entries are kept; the oldest goes when another comes.
    """

    def __init__(self, entries: Iterable[Entry] = (), *, size: int = 10_000, dropped: int = 0) -> None:
        if size < 1:
            raise ValueError(f"a recording keeps at least 1 entry, got size={size!r}")
        self.size = size
        self._entries: deque[Entry | Raw] = deque(entries, maxlen=size)
        self._seen = len(self._entries) + dropped

    def add(self, entry: Entry | Raw) -> None:
        """Keep an entry, for the oldest if there is no room."""
        self._seen += 1
        self._entries.append(entry)

    @property
    def dropped(self) -> int:
        """How many entries have gone."""
        return self._seen - len(self._entries)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All of them."""
        return tuple(it if isinstance(it, Entry) else _entry(it) for it in self._entries.copy())

    @property
    def explanations(self) -> tuple[Explanation, ...]:
        """Those of the errors."""
        return tuple(entry.explanation for entry in self if entry.explanation is not None)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Recording) and self.entries == other.entries and self.dropped == other.dropped

    __hash__ = None  # type: ignore[assignment]

    def __str__(self) -> str:
        return "\n".join(map(str, self))

    def save(self, path: str | PathLike[str]) -> None:
        """Write it as JSON."""
        file = _File(VERSION, self.dropped, list(self.entries))
        Path(path).write_bytes(msgspec.json.encode(file, enc_hook=str))

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Self:
        """Read what ``save`` has written.

        Raises:
            InvalidRecordingError: Not such a file, or one of a later version.
        """
        try:
            file = msgspec.json.decode(Path(path).read_bytes(), type=_File)
        except msgspec.DecodeError as error:
            raise InvalidRecordingError(f"{path}: expected a recording of outlive: {error}") from error
        if file.version > VERSION:
            raise InvalidRecordingError(f"{path}: is of version {file.version}, and this outlive reads up to {VERSION}")
        return cls(file.entries, size=max(10_000, len(file.entries)), dropped=file.dropped)
