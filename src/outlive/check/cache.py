"""Facts by content: data only, so that a cache from a stranger can at worst be wrong about itself, never run code."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from outlive.check.facts import Facts

_FORMAT = f"2 {sys.version_info[0]}.{sys.version_info[1]}"
"""Changes with the shape of the facts; the grammar is that of the running Python."""


class Cache:
    """A folder of facts, one file for each content; anything wrong with it falls back to reading the source."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self.warnings: tuple[str, ...] = ()
        self._decoder = msgspec.msgpack.Decoder(Facts)
        self._encoder = msgspec.msgpack.Encoder()

    def facts(self, text: str, read: Callable[[str], Facts]) -> Facts:
        """The facts of a text, from the cache where it has them."""
        if self.folder is None:
            return read(text)
        digest = hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=20, key=_FORMAT.encode()).hexdigest()
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
        except (OSError, RecursionError, OverflowError) as error:
            self.folder = None
            self.warnings = (f"the cache is not used: {error}",)
