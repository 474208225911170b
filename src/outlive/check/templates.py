"""The templates of a program: files that Jinja renders, in folders beside its modules."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib.util import find_spec
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from outlive.check.facts import Facts
from outlive.check.remembered import digest_of
from outlive.check.source import Source

if TYPE_CHECKING:
    from outlive.check.program import Module

LARGEST = 1_000_000
"""Bytes of a template."""

_RENDERS = re.compile(r"\b(?:TemplateResponse|get_template|render_template)\(")
_FOLDER = re.compile(
    r"""\b(?:(?:directory|template_folder)\s*=\s*|(?:FileSystemLoader|Jinja2Templates)\(\s*)["'](?P<folder>[^"'\n]+)["']"""
)
_CALLS = ("TemplateResponse(", "get_template(", "render_template(")
_FOLDERS = ("directory", "template_folder", "FileSystemLoader", "Jinja2Templates")
"""One of them is in every match of the expression, which is far slower to look for."""

_SUFFIXES = frozenset({".htm", ".html", ".j2", ".jinja", ".jinja2", ".txt", ".xml"})


@dataclass(frozen=True)
class Templates:
    """Templates by the name of their file.

    Attributes:
        sources: Their texts.
        folders: Names of the folders in which they lie.
    """

    sources: Mapping[str, Source] = field(default_factory=dict[str, Source])
    folders: tuple[str, ...] = ()

    @cached_property
    def digest(self) -> str:
        """Of all that they say, and of whether anybody can parse that."""
        texts = [part for source in self.sources.values() for part in (source.filename, source.text)]
        return digest_of([str(is_jinja_installed()), *texts]).hex()

    @cached_property
    def modules(self) -> Mapping[str, Module]:
        """What stands for each of them where a place is told."""
        from outlive.check.program import Module  # noqa: PLC0415  not needed where nothing is followed

        return {name: Module(name, (), is_package=False, facts=Facts()) for name in self.sources}

    def find(self, filename: str, name: str) -> Source | None:
        """The template that is meant in a file of the program: the nearest one, upwards."""
        for parent in PurePath(filename).parents:
            for folder in self.folders:
                found = self.sources.get(str(parent / folder / name))
                if found is not None:
                    return found
        return None


@cache
def is_jinja_installed() -> bool:
    return find_spec("jinja2") is not None


def templates_of(sources: Mapping[str, Source]) -> Templates:
    """The templates beside those files of a program that render any; none where Jinja is not installed."""
    rendering = [source for source in sources.values() if _has(source.text, _CALLS) and _RENDERS.search(source.text)]
    if not rendering or not is_jinja_installed():
        return Templates()
    naming = [source.text for source in sources.values() if _has(source.text, _FOLDERS)]
    named = {match["folder"] for text in naming for match in _FOLDER.finditer(text)}
    folders = ("templates", *sorted(folder for folder in named if folder != "templates" and ".." not in folder))
    above = Path(os.path.commonpath(list(sources))).parent
    places = {parent for source in rendering for parent in PurePath(source.filename).parents}
    found: dict[str, Source] = {}
    for parent in sorted(place for place in places if not place.is_absolute() or place.is_relative_to(above)):
        for folder in folders:
            for file in _files(Path(parent, folder)):
                text = _read(file)
                if text is not None:
                    found[str(file)] = Source(str(file), text)
    return Templates(found, folders)


def _has(text: str, words: Sequence[str]) -> bool:
    return any(word in text for word in words)


def _files(folder: Path) -> Iterator[Path]:
    for at, _, names in os.walk(folder):
        for name in sorted(names):
            if PurePath(name).suffix in _SUFFIXES:
                yield Path(at, name)


def _read(file: Path) -> str | None:
    try:
        return file.read_text(encoding="utf-8") if file.stat().st_size <= LARGEST else None
    except (OSError, UnicodeDecodeError):
        return None
