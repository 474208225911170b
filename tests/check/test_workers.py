"""Several processes find what one finds, in the same order, whatever happens to them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from outlive.check import engine
from outlive.check.flow import parcel
from outlive.check.workers import spread
from outlive.hazards.catalog import all_hazards
from tests.hazards.programs import BOOKSHOP

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked")


def shared(jobs: int, count: int, *, failing: int = -1) -> tuple[list[int], set[int]]:
    """What was done, sorted, and what of it came from elsewhere."""
    parent, done, elsewhere = os.getpid(), [], set()

    def away(number: int) -> bytes:
        if number == failing and os.getpid() != parent:
            raise ValueError(number)
        return bytes(number % 251 for _ in range(100_000))

    def back(number: int, data: bytes) -> None:
        assert bytes(number % 251 for _ in range(100_000)) == data
        done.append(number)
        elsewhere.add(number)

    spread(jobs, count, done.append, away, back)
    return sorted(done), elsewhere


@pytest.mark.parametrize("jobs", [1, 2, 5])
@pytest.mark.parametrize("count", [0, 1, 2, 50])
def test_every_item_is_done_once(jobs, count):
    assert list(range(count)) == shared(jobs, count)[0]


def test_more_items_than_the_queue_holds():
    done: list[int] = []
    spread(3, 10_000, done.append, lambda _: b"", lambda number, _: done.append(number))

    assert list(range(10_000)) == sorted(done)


@needs_fork
def test_what_goes_wrong_elsewhere_is_done_here():
    for failing in range(8):
        assert list(range(8)) == shared(3, 8, failing=failing)[0]


def test_without_fork_one_process_does_it_all(monkeypatch):
    monkeypatch.delattr(os, "fork", raising=False)

    assert (list(range(9)), set()) == shared(4, 9)


@needs_fork
def test_what_is_found_does_not_depend_on_who_finds_it(monkeypatch):
    """Every second file is walked by a process that knows nothing of the others."""
    texts = {f"{hazard.name}.py": BOOKSHOP + hazard.bad for hazard in all_hazards() if hazard.check}
    files = [Path(name) for name in texts]
    alone = engine.check(files, all_hazards(), texts=texts, jobs=1)
    sent = []
    unpack = parcel.unpack
    monkeypatch.setattr(parcel, "unpack", lambda run, data: sent.append(data) or unpack(run, data))

    def alternately(jobs, count, here, away, back):
        for number in range(count):
            here(number) if number % 2 else back(number, away(number))

    monkeypatch.setattr("outlive.check.flow.analysis.spread", alternately)
    together = engine.check(files, all_hazards(), texts=texts, jobs=2)

    assert alone.findings == together.findings
    assert len(alone.findings) >= len(files) > len(sent) > 5
