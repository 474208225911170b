"""Fixed text -> the file, without ever losing what was there."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path

from outlive.check.source import UnreadableError, read_source

WRITABLE = 0o222


def rewrite(filename: str, before: str, after: str) -> str | None:
    """Replace a file's text in one step, in its encoding and with its mode; why that was not possible, or ``None``.

    Nothing is written if the file no longer holds ``before``.  A symbolic link stays one: its target is replaced.
    """
    path = Path(os.path.realpath(filename))
    try:
        # Root may write to any file; a file that says read-only is left alone all the same.
        if not path.stat().st_mode & WRITABLE or not os.access(path, os.W_OK):
            return "the file is read-only"
        text, encoding = read_source(path)
        if text != before:
            return "the file has changed since it was checked"
        _replace(path, after.encode(encoding))
    except UnreadableError as error:
        return str(error)
    except UnicodeEncodeError as error:
        return f"the fix contains {error.object[error.start]!r}, which its encoding ({error.encoding}) does not have"
    except OSError as error:
        return error.strerror or str(error)
    return None


def _replace(path: Path, data: bytes) -> None:
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        shutil.copymode(path, temporary)
        owner = path.stat()
        with contextlib.suppress(OSError, AttributeError):  # only root may give files away; Windows has no owners
            os.chown(temporary, owner.st_uid, owner.st_gid)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
