"""Command line and configuration -> what to check."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from outlive.check import engine
from outlive.check.config import Project, find_project
from outlive.check.discovery import Discovery, discover, exclusion, printable
from outlive.check.findings import Finding
from outlive.check.knowledge import Knowledge, knowledge
from outlive.check.targets import Version, fastapi_of
from outlive.cli import selection, stdin
from outlive.cli.cache_folder import cache_folder
from outlive.cli.stdin import Given
from outlive.hazards.catalog import Hazard, all_hazards
from outlive.lifecycle.errors import UsageError

STDIN = "-"


@dataclass(frozen=True, slots=True)
class Job:
    """Which files to check, and for what.

    Attributes:
        files: All files of the program, as they should be printed.
        given: The one of them that was given on standard input.
        selected: Codes that are selected.
        ignored: Codes that are ignored.
        cache: Folder of the cache; ``None`` for none.
        census: Count how much of the program is understood.
        known: What is known of libraries.
        fastapi: The version of FastAPI that the program runs with.
        jobs: How many processes look, if that was said.
        warnings: What could not be done as asked.
    """

    files: tuple[Path, ...]
    given: Given | None
    selected: frozenset[str]
    ignored: frozenset[str]
    cache: Path | None
    census: bool
    known: Knowledge
    fastapi: Version
    jobs: int | None
    warnings: tuple[str, ...]

    def check(self, texts: Mapping[str, str]) -> engine.Result:
        """Check the program, with these texts in the place of what the files hold."""
        given = {self.given.filename: self.given.text} if self.given else {}
        hazards = [hazard for hazard in all_hazards() if hazard.check is not None and self.asks(hazard)]
        texts = {**given, **texts}
        return engine.check(
            self.files,
            hazards,
            cache=self.cache,
            texts=texts,
            census=self.census,
            known=self.known,
            fastapi=self.fastapi,
            jobs=self.jobs,
        )

    def asks(self, one: Hazard | Finding) -> bool:
        """Whether a hazard or a finding of it is to be reported."""
        return one.code in self.selected - self.ignored

    def unseen(self, findings: Sequence[Finding]) -> Iterator[str]:
        """Files that could not be checked, if nobody asked about that: silence would look like a clean bill."""
        for finding in findings:
            if finding.code not in self.selected | self.ignored:
                yield f"{finding.place}: not checked: {finding.message} ({finding.code} is not selected)"


def job(arguments: argparse.Namespace) -> Job:
    """What the command line asks for, in its project.

    Raises:
        UsageError: options that contradict each other, an unknown hazard, a missing path, a wrong configuration.
    """
    _refuse_contradictions(arguments)
    given = _given(arguments)
    paths = [path for path in arguments.paths if path != STDIN] or ([] if given else ["."])
    project = find_project(folder_of(given.filename if given else paths[0]))
    selected, ignored = _codes(arguments, project)
    found = files_of(project, paths, arguments.exclude)
    cache, trouble = (None, ()) if arguments.no_cache else cache_folder(project.root)
    files = {*found.files, *([Path(given.filename)] if given else [])}
    if not files:
        trouble += (f"no Python files in {', '.join(paths)}",)
    known = knowledge(project.root / name for name in project.settings.libraries)
    warnings = found.warnings + trouble
    fastapi = fastapi_of(project.root, project.settings.target_fastapi)
    return Job(
        tuple(sorted(files)), given, selected, ignored, cache, arguments.coverage, known, fastapi, arguments.jobs,
        warnings,
    )  # fmt: skip


def files_of(project: Project, paths: Sequence[str], exclude: Sequence[str] = ()) -> Discovery:
    """The files under these paths that a project has not excluded, nor the command line."""
    patterns = [exclusion(Path.cwd(), exclude, origin="--exclude")]
    if project.settings.exclude:
        patterns.insert(0, exclusion(project.root, project.settings.exclude, origin=f"{project.file}: exclude"))
    return discover(paths, exclude=patterns)


def _refuse_contradictions(arguments: argparse.Namespace) -> None:
    if arguments.unsafe_fixes and not (arguments.fix or arguments.diff):
        raise UsageError("--unsafe-fixes needs --fix, which applies the fixes, or --diff, which shows them")
    if arguments.coverage and arguments.diff:
        raise UsageError("--coverage tells how much was understood, --diff prints changes alone: expected one of them")
    if arguments.stdin_filename is not None and arguments.paths and STDIN not in arguments.paths:
        raise UsageError("--stdin-filename names standard input: add - to the paths")
    if arguments.fix and STDIN in arguments.paths and set(arguments.paths) != {STDIN}:
        raise UsageError("--fix changes files or prints standard input; expected either - or other paths")


def _given(arguments: argparse.Namespace) -> Given | None:
    if STDIN not in arguments.paths and arguments.stdin_filename is None:
        return None
    name = arguments.stdin_filename
    if name is not None and not Path(name).name:
        raise UsageError(f"--stdin-filename: {name!r} does not name a file")
    return stdin.read("<stdin>" if name is None else str(printable(name)))


def folder_of(path: str) -> Path:
    """The folder that a path names, or that of the file."""
    absolute = Path.cwd() / path
    return absolute if absolute.is_dir() else absolute.parent


def _codes(arguments: argparse.Namespace, project: Project) -> tuple[frozenset[str], frozenset[str]]:
    """Codes selected and ignored; the command line takes the place of the configuration."""
    hazards = all_hazards()
    settings = project.settings
    select = _chosen(arguments.select, "--select", settings.select, f"{project.file}: select")
    ignore = _chosen(arguments.ignore, "--ignore", settings.ignore, f"{project.file}: ignore")
    everything = frozenset(hazard.code for hazard in hazards)
    return select or everything, ignore


def _chosen(option: list[str] | None, name: str, setting: Sequence[str], key: str) -> frozenset[str]:
    # Both are looked up: a mistake in the configuration shows even while an option takes its place.
    configured = selection.several(all_hazards(), setting, origin=key)
    return configured if option is None else selection.several(all_hazards(), option, origin=name)
