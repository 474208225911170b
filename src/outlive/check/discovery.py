"""Paths -> the Python files to check.

Folders are walked without following symbolic links; ``.gitignore`` files count at every level up to the repository's
root.  What a user names is checked, whatever an ignore file says about it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pathspec import GitIgnoreSpec

from outlive.lifecycle.errors import UsageError

SKIPPED = frozenset({".git", ".nox", ".outlive_cache", ".tox", "__pycache__", "node_modules"})
"""Folders that never hold source of the project; nor does a folder with a ``pyvenv.cfg``."""


@dataclass(frozen=True, slots=True)
class Patterns:
    """Gitignore patterns and the folder (absolute) that they are relative to."""

    folder: str
    spec: GitIgnoreSpec

    def verdict(self, path: str, *, is_folder: bool) -> tuple[bool | None, int | None]:
        """Whether a path (absolute) is ignored, ``None`` if nothing is said, and the pattern that says so."""
        prefix = self.folder.rstrip(os.sep) + os.sep
        if not path.startswith(prefix):
            return None, None
        found = self.spec.check_file(path[len(prefix) :] + ("/" if is_folder else ""))
        return found.include, found.index

    def sparing(self, folder: str) -> Patterns:
        """These patterns without those that ignore a folder as a whole."""
        kept = list(self.spec.patterns)
        rest = self
        while True:
            ignored, index = rest.verdict(folder, is_folder=True)
            if not ignored or index is None:
                return rest
            del kept[index]
            rest = Patterns(self.folder, GitIgnoreSpec(kept))


@dataclass(frozen=True, slots=True)
class Discovery:
    """The files found, named as they should be printed, and what could not be looked at."""

    files: tuple[Path, ...]
    warnings: tuple[str, ...]


def exclusion(folder: Path, lines: Sequence[str], *, origin: str) -> Patterns:
    """Patterns that a user wrote, relative to a folder.

    Raises:
        UsageError: one of them is not a gitignore pattern; names the origin.
    """
    for line in lines:
        if not _is_pattern(line):
            raise UsageError(f"{origin}: {line!r} is not a gitignore pattern")
    # Git finds nothing by "./old", which is how shells complete a path.
    spec = GitIgnoreSpec.from_lines(line[1:] if line.startswith("./") else line for line in lines)
    return Patterns(_absolute(folder), spec)


def discover(paths: Iterable[str], *, exclude: Sequence[Patterns] = ()) -> Discovery:
    """All files to check, each once, sorted by name.

    Raises:
        UsageError: a path does not exist, is a loop of symbolic links, or is neither a file nor a folder.
    """
    walk = _Walk(exclude)
    for path in paths:
        walk.add(path)
    # Not one by one and not compared as paths: a program has thousands.
    here = str(Path.cwd()).rstrip(os.sep) + os.sep
    files = [Path(path.removeprefix(here)) for path in walk.files.values()]
    return Discovery(tuple(sorted(files, key=lambda file: file.parts)), tuple(walk.warnings))


def printable(path: str | Path) -> Path:
    """A path as it should be printed: relative below the working directory, else absolute."""
    absolute = Path(_absolute(path))
    here = Path.cwd()
    return absolute.relative_to(here) if absolute.is_relative_to(here) else absolute


def _absolute(path: str | Path) -> str:
    # Not resolve(): a user's link keeps the name that the user gave it.
    return os.path.normpath(Path.cwd() / path)


@dataclass(slots=True)
class _Walk:
    """The files found so far, by their real paths."""

    exclude: Sequence[Patterns]
    files: dict[str, str] = field(default_factory=dict[str, str])
    warnings: list[str] = field(default_factory=list[str])

    def add(self, path: str) -> None:
        absolute = _absolute(path)
        try:
            mode = Path(absolute).stat().st_mode
        except OSError as error:
            raise UsageError(f"{path}: {error.strerror}") from error
        if stat.S_ISDIR(mode):
            self._folder(absolute)
        elif stat.S_ISREG(mode):
            self._file(absolute, os.path.realpath(absolute))
        else:
            raise UsageError(f"{path}: neither a file nor a folder; standard input is -")

    def _folder(self, top: str) -> None:
        exclude = [one.sparing(top) for one in self.exclude]
        pending = [(top, [one.sparing(top) for one in self._ignore_files_above(top)])]
        real_top = os.path.realpath(top)
        while pending:
            folder, inherited = pending.pop()
            entries = self._entries(folder)
            names = {entry.name for entry in entries}
            if folder != top and "pyvenv.cfg" in names:
                continue
            # The ignore files around a repository say nothing about what is in it.
            ignores = [] if ".git" in names and folder != top else inherited
            if ".gitignore" in names:
                ignores = [*ignores, self._ignore_file(folder)]
            for entry in entries:
                is_folder = entry.is_dir(follow_symlinks=False)
                if entry.name in SKIPPED if is_folder else not self._is_source(entry):
                    continue
                if any(_is_ignored(entry.path, some, is_folder=is_folder) for some in (exclude, ignores)):
                    continue
                if is_folder:
                    pending.append((entry.path, ignores))
                else:
                    is_link = entry.is_symlink()
                    real = os.path.realpath(entry.path) if is_link else real_top + entry.path[len(top) :]
                    self._file(entry.path, real)

    def _file(self, path: str, real: str) -> None:
        # Of several names of one file its own wins, then the first; the order of the paths does not matter.
        names = [path, self.files.get(real, path)]
        self.files[real] = min(names, key=lambda name: (name != real, name))

    def _entries(self, folder: str) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(folder) as entries:
                return list(entries)
        except OSError as error:
            self.warnings.append(f"{printable(folder)}: folder skipped: {error.strerror}")
            return []

    def _is_source(self, entry: os.DirEntry[str]) -> bool:
        # Emacs locks a file by a dangling link named ".#file.py".
        if not entry.name.endswith(".py") or entry.name.startswith(".#"):
            return False
        try:
            mode = entry.stat().st_mode
        except OSError:
            return True  # A dangling link or a loop of links: reading the file will tell.
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            self.warnings.append(f"{printable(entry.path)}: skipped: not a regular file")
        return stat.S_ISREG(mode)

    def _ignore_files_above(self, top: str) -> list[Patterns]:
        """Those of the repository around a folder, outermost first; none without a repository."""
        around = [Path(top), *Path(top).parents]
        for depth, folder in enumerate(around):
            if (folder / ".git").exists():
                above = reversed(around[1 : depth + 1])
                return [self._ignore_file(str(one)) for one in above if (one / ".gitignore").exists()]
        return []

    def _ignore_file(self, folder: str) -> Patterns:
        file = Path(folder, ".gitignore")
        lines: list[str] = []
        try:
            lines = file.read_text(encoding="utf-8-sig", errors="surrogateescape").split("\n")
        except OSError as error:
            self.warnings.append(f"{printable(file)}: not applied: {error.strerror}")
        for number, line in enumerate(lines, 1):
            if not _is_pattern(line):
                self.warnings.append(f"{printable(file)}:{number}: not a gitignore pattern: {line!r}")
        return Patterns(folder, GitIgnoreSpec.from_lines([line for line in lines if _is_pattern(line)]))


def _is_pattern(line: str) -> bool:
    try:
        GitIgnoreSpec.from_lines([line])
    except ValueError:
        return False
    return True


def _is_ignored(path: str, ignores: Sequence[Patterns], *, is_folder: bool) -> bool:
    for one in reversed(ignores):
        ignored, _ = one.verdict(path, is_folder=is_folder)
        if ignored is not None:
            return ignored
    return False
