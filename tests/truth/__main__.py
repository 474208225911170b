"""Judge ``check`` by many generated programs: ``python -m tests.truth --programs 10000 --seed 0``.

``--watch`` judges what ``watch`` says instead.
``--show N`` prints programs with the line that check and SQLAlchemy disagree about; ``--only 4711`` runs one.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter

import sqlalchemy

from tests.truth.judging import Verdict, judge
from tests.truth.programs import write_program
from tests.truth.running import run_program
from tests.truth.watching import judge_watched

BATCH = 100
REPORTED = 0.985
"""The share of reads that raise first which has to be reported."""


def judge_seeds(seeds: range, *, kinds: tuple[bool, ...] = (False, True)) -> Verdict:
    """The programs of some seeds, sync and async."""
    verdict = Verdict()
    for start in range(seeds.start, seeds.stop, BATCH):
        batch = range(start, min(start + BATCH, seeds.stop))
        programs = [write_program(seed, is_async=is_async) for seed in batch for is_async in kinds]
        made = judge([(program, run_program(program)) for program in programs])
        verdict.judged += made.judged
        verdict.disagreements += made.disagreements
    return verdict


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--show", type=int, default=0)
    parser.add_argument("--kind", default="")
    parser.add_argument("--only", type=int)
    parser.add_argument("--watch", action="store_true")
    options = parser.parse_args()
    seeds = range(options.seed, options.seed + options.programs // 2)
    if options.only is not None:
        seeds = range(options.only, options.only + 1)
    if options.watch:
        return _watch(seeds, options.show)
    verdict = judge_seeds(seeds)
    for disagreement in [one for one in verdict.disagreements if options.kind in one.kind][: options.show]:
        print(disagreement, end="\n\n")
    print(f"SQLAlchemy {sqlalchemy.__version__}, {2 * len(seeds)} programs")
    for what, times in [*verdict.judged.items(), *Counter(one.kind for one in verdict.disagreements).items()]:
        print(f"{times:8} {what}")
    too_few = verdict.judged["reported"] < REPORTED * verdict.judged["raising reads"]
    return 1 if too_few or verdict.of_kind("false alarm") else 0


def _watch(seeds: range, show: int) -> int:
    judged, wrong = 0, list[str]()
    for is_async in (False, True):
        reads, problems = judge_watched(seeds, is_async=is_async)
        judged += reads
        wrong += problems
    for problem in wrong[:show]:
        print(problem, end="\n\n")
    print(f"SQLAlchemy {sqlalchemy.__version__}, {2 * len(seeds)} programs")
    print(f"{judged:8} late reads\n{len(wrong):8} told wrongly")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
