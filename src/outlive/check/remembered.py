"""What was noted from each file's functions the last time, for as long as nothing has changed that they look at."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

import msgspec


class Unit(msgspec.Struct, array_like=True):
    """The walk from the functions of one file.

    Attributes:
        key: Digest of what it depends on besides the text of functions.
        read: Files with the functions that it looked at.
        texts: Digest of their texts.
        noted: What it noted, packed.
    """

    key: bytes
    read: list[str]
    texts: bytes
    noted: bytes


class Remembered:
    """The units of one program: those that are known, and after the walk all that are still true.

    Attributes:
        digests: That of each file's text.
    """

    def __init__(self, digests: Mapping[str, str], known: Mapping[str, Unit]) -> None:
        self.digests = digests
        self.known = known
        self.units: dict[str, Unit] = {}

    def recall(self, filename: str, key: bytes) -> bytes | None:
        """What was noted from a file, if that would be noted again."""
        unit = self.known.get(filename)
        if unit is None or unit.key != key or unit.texts != self.texts(unit.read):
            return None
        self.units[filename] = unit
        return unit.noted

    def keep(self, filename: str, key: bytes, read: list[str], noted: bytes) -> None:
        self.units[filename] = Unit(key, read, self.texts(read), noted)

    def texts(self, files: Iterable[str]) -> bytes:
        """Digest of the texts of some files."""
        return digest_of([self.digests.get(file, "") for file in files])


def digest_of(parts: Iterable[str]) -> bytes:
    digest = hashlib.blake2b(digest_size=20)
    for part in parts:
        data = part.encode(errors="surrogatepass")
        digest.update(b"%d:" % len(data))
        digest.update(data)
    return digest.digest()
