"""Holds what an explanation says while the recorder is on against what a generated program has done."""

from __future__ import annotations

from collections.abc import Iterator

from tests.truth.programs import write_program
from tests.truth.running import NAME, Failure, run_program


def judge_watched(seeds: range, *, is_async: bool) -> tuple[int, list[str]]:
    """How many late reads the programs of some seeds have, and what is wrong with their explanations."""
    judged = 0
    wrong: list[str] = []
    for seed in seeds:
        program = write_program(seed, is_async=is_async)
        for run in run_program(program, watched=True):
            for failure in run.failures:
                if failure.read is not None:
                    judged += 1
                    wrong += [f"{program.text}\n{run.way}\n{failure}\n{problem}" for problem in _problems(failure)]
    return judged, wrong


def _problems(failure: Failure) -> Iterator[str]:
    told = failure.explanation
    if told is None or failure.read is None:
        yield "not explained"
        return
    if told.attribute != failure.read[1]:
        yield f"another attribute: {told.attribute}"
    lines = {word: line for step in told.where for word in ("expired", "detached") if (line := _line(str(step), word))}
    if failure.lost_at is not None and lines.get("expired") not in (failure.lost_at, *failure.erased_at):
        yield f"expired elsewhere: {told}"
    if failure.detached_at is not None and lines.get("detached") != failure.detached_at:
        yield f"detached elsewhere: {told}"


def _line(step: str, word: str) -> int | None:
    place, _, message = step.partition(": ")
    return int(place.removeprefix(f"{NAME}.py:")) if message.startswith(word) else None
