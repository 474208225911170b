"""Facts by content: data only, so that a cache from a stranger can at worst be wrong about itself, never run code."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from outlive.check.facts import Facts


def _key() -> bytes:
    """What facts depend on besides the text: the code that makes them, and the grammar of the running Python."""
    key = hashlib.blake2b(repr(sys.version_info[:2]).encode(), digest_size=32)
    for file in sorted(Path(__file__).parent.rglob("*.py")):
        key.update(file.read_bytes())
    return key.digest()


class Cache:
    """A folder of facts, one file for each content; anything wrong with it falls back to reading the source."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self.warnings: tuple[str, ...] = ()
        self._key = _key()
        self._decoder = msgspec.msgpack.Decoder(Facts)
        self._encoder = msgspec.msgpack.Encoder()

    def facts(self, text: str, read: Callable[[str], Facts]) -> Facts:
        """The facts of a text, from the cache where it has them."""
        if self.folder is None:
            return read(text)
        digest = hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=20, key=self._key).hexdigest()
        file = self.folder / digest[:2] / digest
        try:
            return self._decoder.decode(file.read_bytes())
        except (OSError, msgspec.MsgspecError, RecursionError):
            pass
        found = read(text)
        self._write(file, found)
        return found

    def _write(self, file: Path, facts: Facts) -> None:
        partial = file.with_name(f"{file.name}.{os.getpid()}")
        try:
            data = self._encoder.encode(facts)
            file.parent.mkdir(parents=True, exist_ok=True)
            partial.write_bytes(data)
            partial.replace(file)
        except (RecursionError, OverflowError, UnicodeEncodeError):
            # Nested too deeply to be kept, an integer of more than 64 bits, half a surrogate pair ("\ud800"):
            # it is read anew each time.
            return
        except OSError as error:
            partial.unlink(missing_ok=True)
            self.folder = None
            self.warnings = (f"the cache is not used: {error}",)
