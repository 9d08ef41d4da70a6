"""One run of one case, in a process of its own: ``python -m bench.worker JOB`` prints the result as JSON."""

from __future__ import annotations

import contextlib
import importlib
import itertools
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench import peers
from bench.check import check
from bench.job import Job, Result
from bench.memory import Memory, daemon_memory, family, total_pss_mb
from bench.timing import CPUClock, Progress

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["main", "measure"]


def measure(job: Job) -> Result:
    """Open the collection, take batches for the warm-up and the window, and tell what came.

    Epochs follow each other inside the window, so what starting one costs is in the rate.
    """
    peer = peers.load(job.case.peer)
    for module in peer.modules:
        importlib.import_module(module)
    started = time.perf_counter()
    with peer.open(job) as source:
        opened = time.perf_counter()
        batches = _endless(source)
        batch = next(batches)
        first = time.perf_counter()
        with np.load(job.rows) as rows:
            expected = min(job.batch, len(rows["store"]))
        check(source.sample(batch), Path(job.rows), expected)
        del batch
        _take(source, batches, job.warm_up)
        before = _Readings.now(job.daemon)
        clock = CPUClock(before.pids)
        progress = _take(source, batches, job.seconds)
        foreign = clock.foreign()
        after = _Readings.now(job.daemon)
        largest = before.larger(after)
        return Result(
            case=job.case.name,
            delivers=source.delivers,
            cells_per_second=progress.slope(),
            open_seconds=opened - started,
            first_batch_seconds=first - opened,
            longest_stall=progress.longest_gap(),
            pss=largest.pss,
            daemon_own=largest.daemon.own if largest.daemon else None,
            daemon_ring=largest.daemon.shared if largest.daemon else None,
            daemon_mapped=largest.daemon.mapped if largest.daemon else None,
            batches=len(progress.times),
            foreign_cpu=foreign,
            versions=peer.versions(),
        )


class _Readings:
    """The memory of all processes of a run at one moment."""

    def __init__(self, pids: list[int], pss: float, daemon: Memory | None) -> None:
        self.pids, self.pss, self.daemon = pids, pss, daemon

    @classmethod
    def now(cls, daemon: int | None) -> _Readings:
        pids = family(os.getpid())
        if daemon is not None:
            pids.append(daemon)
        return cls(pids, total_pss_mb(pids), daemon_memory(daemon))

    def larger(self, other: _Readings) -> _Readings:
        daemon = self.daemon
        if self.daemon and other.daemon:
            pairs = zip(_parts(self.daemon), _parts(other.daemon), strict=True)
            daemon = Memory(*(max(pair) for pair in pairs))
        return _Readings(self.pids, max(self.pss, other.pss), daemon)


def _parts(memory: Memory) -> tuple[float, float, float]:
    return memory.own, memory.shared, memory.mapped


def _endless(source: peers.Source) -> Iterator[Any]:
    for number in itertools.count():
        empty = True
        for batch in source.epoch(number):
            empty = False
            yield batch
        if empty:
            raise RuntimeError(f"epoch {number} has no batch")


def _take(source: peers.Source, batches: Iterator[Any], seconds: float) -> Progress:
    """Consume batches for a while, holding each until the next has come, as a for loop does."""
    progress = Progress()
    end = time.perf_counter() + seconds
    for batch in batches:
        if progress.add(source.cells(batch)) >= end:
            return progress
    raise AssertionError("endless batches ended")


def main() -> None:
    """Read the job from the command line; print the result, and nothing else, to standard output."""
    job = Job.loads(sys.argv[1])
    # Libraries that print must not spoil the answer.
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    with contextlib.closing(answer):
        print(measure(job).dumps(), file=answer)


if __name__ == "__main__":
    main()
