"""Work that is shared among processes.

Processes are forked, so that they know what this one knows; where there is no ``fork`` this one works alone.  What
they find comes back as bytes.  Whatever goes wrong in one of them is done here again, and goes wrong here.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterator
from contextlib import suppress

_NUMBER = struct.Struct("<I")
_HEAD = struct.Struct("<IQ")
_END = 2**32 - 1
_QUEUE = 4_096
"""Bytes that a pipe takes at once on every system: that many numbers wait in it, each for a range of items."""


def cores() -> int:
    """How many processes can run at once."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def spread(
    jobs: int,
    count: int,
    here: Callable[[int], None],
    away: Callable[[int], bytes],
    back: Callable[[int, bytes], None],
) -> None:
    """Do every item once, in one of several processes; whoever is idle takes the next.

    Args:
        jobs: How many processes, this one included.
        count: How many items.
        here: Does one in this process.
        away: Does one in another process.
        back: Takes what that has given.
    """
    jobs = min(jobs, count)
    if jobs < 2 or not hasattr(os, "fork"):
        for number in range(count):
            here(number)
        return
    step = -(-count // (_QUEUE // _NUMBER.size))
    queue, put = os.pipe()
    os.write(put, b"".join(map(_NUMBER.pack, range(0, count, step))))
    os.close(put)
    workers: list[tuple[int, int]] = []
    with suppress(OSError):  # No more processes: those that are there do it.
        workers += (_fork(queue, step, count, away) for _ in range(jobs - 1))
    done: set[int] = set()
    try:
        for number in _taken(queue, step, count):
            here(number)
            done.add(number)
        for _, results in workers:
            for number, data in _results(results):
                back(number, data)
                done.add(number)
    finally:
        os.close(queue)
        for process, results in workers:
            with suppress(OSError):
                os.close(results)
            os.waitpid(process, 0)
    for number in range(count):
        if number not in done:
            here(number)


def _taken(queue: int, step: int, count: int) -> Iterator[int]:
    """The items that this process gets."""
    while data := os.read(queue, _NUMBER.size):
        (first,) = _NUMBER.unpack(data)
        yield from range(first, min(first + step, count))


def _fork(queue: int, step: int, count: int, away: Callable[[int], bytes]) -> tuple[int, int]:
    """A process that takes items too; its id, and where its results are to be read."""
    results, put = os.pipe()
    process = os.fork()
    if process:
        os.close(put)
        return process, results
    # From here on this is the other process: it must not come back to the caller, whatever happens.
    try:
        os.close(results)
        found = [(number, away(number)) for number in _taken(queue, step, count)]
        with os.fdopen(put, "wb") as file:
            for number, data in found:
                file.write(_HEAD.pack(number, len(data)))
                file.write(data)
            file.write(_HEAD.pack(_END, 0))
    finally:
        os._exit(0)


def _results(results: int) -> list[tuple[int, bytes]]:
    """All that a process has found; nothing if it has not come to its end."""
    found: list[tuple[int, bytes]] = []
    with os.fdopen(os.dup(results), "rb") as file:
        while head := file.read(_HEAD.size):
            number, size = _HEAD.unpack(head)
            if number == _END:
                return found
            found.append((number, file.read(size)))
    return []
