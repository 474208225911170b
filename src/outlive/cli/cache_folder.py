"""Where facts are kept between runs."""

from __future__ import annotations

import os
from pathlib import Path

NAME = ".outlive_cache"
VARIABLE = "OUTLIVE_CACHE_DIR"


def cache_folder(root: Path) -> tuple[Path | None, tuple[str, ...]]:
    """The folder of the cache, made if necessary; ``None`` and a warning if that is not possible.

    It is ``OUTLIVE_CACHE_DIR``, or one in the project's root that keeps itself out of version control.
    """
    chosen = os.environ.get(VARIABLE)
    folder = Path(chosen) if chosen else root / NAME
    try:
        folder.mkdir(parents=True, exist_ok=True)
        ignore = folder / ".gitignore"
        # A folder that the user chose may hold other things; those are the user's to ignore.
        if not chosen and not ignore.exists():
            ignore.write_text("*\n", encoding="utf-8")
    except OSError as error:
        return None, (f"no cache: {folder}: {error.strerror}; set {VARIABLE} to a folder, or give --no-cache",)
    return folder, ()
