"""Facts and findings by content: data only, so that a cache from a stranger can at worst be wrong, never run code."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import msgspec

from outlive.check.facts import Facts
from outlive.check.findings import Finding
from outlive.check.remembered import Unit

T = TypeVar("T")
_SEAL = 16


encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(Facts).decode


def _key() -> bytes:
    """What is kept depends on the code that made it, and on the grammar of the running Python."""
    key = hashlib.blake2b(repr(sys.version_info[:2]).encode(), digest_size=32)
    for file in sorted(Path(__file__).parents[1].rglob("*.py")):
        key.update(file.read_bytes())
    return key.digest()


class _Found(msgspec.Struct, array_like=True):
    """What was found in a program, and the digest of all that was in it."""

    program: str
    findings: tuple[Finding, ...]


_decode_units = msgspec.msgpack.Decoder(dict[str, Unit]).decode
_decode_found = msgspec.msgpack.Decoder(_Found).decode


class Cache:
    """A folder with a file for the facts of each content, and one for the findings of each check that was asked for.

    Anything wrong with it falls back to reading the source.
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self.warnings: tuple[str, ...] = ()
        self._key = _key() if folder is not None else b""

    def facts(self, text: str, read: Callable[[str], Facts]) -> Facts:
        """The facts of a text, from the cache where it has them."""
        if self.folder is None:
            return read(text)
        file = self._file(self.folder, self._digest([text]))
        facts = self._read(file, decode)
        if facts is None:
            facts = read(text)
            self._write(file, facts)
        return facts

    def findings(
        self, asked: Iterable[str], program: Iterable[str], find: Callable[[], tuple[Finding, ...]]
    ) -> tuple[Finding, ...]:
        """What is found in a program, from the cache if nothing in it has changed since this was last asked for.

        Args:
            asked: Everything besides the texts that the answer depends on; the last answer is kept for each.
            program: The texts.
            find: Gives the answer.
        """
        if self.folder is None:
            return find()
        file = self._file(self.folder, self._digest(["findings", *asked]))
        digest = self._digest(program)
        known = self._read(file, _decode_found)
        if known is not None and known.program == digest:
            return known.findings
        found = find()
        self._write(file, _Found(digest, found))
        return found

    def units(self, asked: Iterable[str]) -> dict[str, Unit]:
        """What was noted the last time that this was asked, by file."""
        if self.folder is None:
            return {}
        return self._read(self._file(self.folder, self._digest(["units", *asked])), _decode_units) or {}

    def keep_units(self, asked: Iterable[str], units: dict[str, Unit]) -> None:
        if self.folder is not None:
            self._write(self._file(self.folder, self._digest(["units", *asked])), units)

    def _digest(self, parts: Iterable[str]) -> str:
        digest = hashlib.blake2b(digest_size=20, key=self._key)
        for part in parts:
            data = part.encode(errors="surrogatepass")
            digest.update(b"%d:" % len(data))
            digest.update(data)
        return digest.hexdigest()

    def _file(self, folder: Path, digest: str) -> Path:
        return folder / digest[:2] / digest

    def _read(self, file: Path, decode: Callable[[bytes], T]) -> T | None:
        try:
            whole = file.read_bytes()
            seal, data = whole[:_SEAL], whole[_SEAL:]
            return decode(data) if seal == self._seal(file, data) else None
        except (OSError, msgspec.MsgspecError, RecursionError):
            return None

    def _seal(self, file: Path, data: bytes) -> bytes:
        """What stands in front of the data, so that half a file, or one in the place of another, is not believed."""
        return hashlib.blake2b(file.name.encode() + data, digest_size=_SEAL, key=self._key).digest()

    def _write(self, file: Path, value: Facts | _Found | dict[str, Unit]) -> None:
        if self.folder is None:
            return  # Something else could not be written.
        partial = file.with_name(f"{file.name}.{os.getpid()}")
        try:
            data = encode(value)
            file.parent.mkdir(parents=True, exist_ok=True)
            partial.write_bytes(self._seal(file, data) + data)
            partial.replace(file)
        except (RecursionError, OverflowError, UnicodeEncodeError):
            # Nested too deeply to be kept, an integer of more than 64 bits, half a surrogate pair ("\ud800"):
            # it is read anew each time.
            return
        except OSError as error:
            with suppress(OSError):
                partial.unlink()
            self.folder = None
            self.warnings = (f"the cache is not used: {error}",)
