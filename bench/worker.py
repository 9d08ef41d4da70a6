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
from bench.timing import CPUClock, Progress, process_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["main", "measure"]

_LEAST = 4  # batches of a window


def measure(job: Job, ready: Callable[[], object] = lambda: None) -> Result:
    """Do what the job says.

    Parameters
    ----------
    job
        What is to be done.
    ready
        Called between the first batch and the warm-up: several workers wait for each other there.
    """
    peer = peers.load(job.case.peer)
    for module in peer.modules:
        importlib.import_module(module)
    return {"rate": _rate, "epoch": _epoch, "first": _first}[job.task](peer, job, ready)


def _rate(peer: peers.Peer, job: Job, ready: Callable[[], object]) -> Result:
    """Take batches for the warm-up and the window; epochs follow each other inside, so starting one is in the rate."""
    started = time.perf_counter()
    with peer.open(job) as source:
        opened = time.perf_counter()
        batches = _endless(source)
        batch = next(batches)
        first = time.perf_counter()
        _check(source, batch, job)
        del batch
        ready()
        if job.fill:
            _whole_epoch(job, batches, source)
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
            client_cpu=after.client - before.client,
            daemon_cpu=after.server - before.server if job.daemon is not None else None,
            foreign_cpu=foreign,
            versions=peer.versions(),
        )


def _epoch(peer: peers.Peer, job: Job, ready: Callable[[], object]) -> Result:
    """Take one whole epoch, from the call that opens; or what comes of it in the time allowed."""
    ready()
    clock = CPUClock(family(os.getpid()) + ([job.daemon] if job.daemon is not None else []))
    started = time.perf_counter()
    with peer.open(job) as source:
        opened = time.perf_counter()
        cells, first, last = 0, None, opened
        for batch in source.epoch(0):
            cells += source.cells(batch)
            last = time.perf_counter()
            if first is None:
                first = last
                _check(source, batch, job)
            if last - started > job.seconds:
                break
        if first is None:
            raise RuntimeError("the epoch has no batch")
        share = cells / _cells(job)
        return Result(
            case=job.case.name,
            delivers=source.delivers,
            cells_per_second=cells / (last - started),
            open_seconds=opened - started,
            first_batch_seconds=first - opened,
            epoch_seconds=(last - started) / share,
            epoch_share=share,
            foreign_cpu=clock.foreign(),
            versions=peer.versions(),
        )


def _first(peer: peers.Peer, job: Job, ready: Callable[[], object]) -> Result:
    """Take the first batch alone."""
    ready()
    started = time.perf_counter()
    with peer.open(job) as source:
        opened = time.perf_counter()
        batch = next(source.epoch(0))
        first = time.perf_counter()
        _check(source, batch, job)
        return Result(
            case=job.case.name,
            delivers=source.delivers,
            open_seconds=opened - started,
            first_batch_seconds=first - opened,
            versions=peer.versions(),
        )


class _Readings:
    """The memory and the processor time of all processes of a run at one moment."""

    def __init__(self, pids: list[int], pss: float, daemon: Memory | None, client: float, server: float) -> None:
        self.pids, self.pss, self.daemon = pids, pss, daemon
        self.client, self.server = client, server

    @classmethod
    def now(cls, daemon: int | None) -> _Readings:
        pids = family(os.getpid())
        client = sum(map(process_seconds, pids))
        server = 0.0
        if daemon is not None:
            pids.append(daemon)
            server = process_seconds(daemon)
        return cls(pids, total_pss_mb(pids), daemon_memory(daemon), client, server)

    def larger(self, other: _Readings) -> _Readings:
        daemon = self.daemon
        if self.daemon and other.daemon:
            pairs = zip(_parts(self.daemon), _parts(other.daemon), strict=True)
            daemon = Memory(*(max(pair) for pair in pairs))
        return _Readings(self.pids, max(self.pss, other.pss), daemon, self.client, self.server)


def _parts(memory: Memory) -> tuple[float, float, float]:
    return memory.own, memory.shared, memory.mapped


def _cells(job: Job) -> int:
    with np.load(job.rows) as rows:
        return len(rows["store"])


def _check(source: peers.Source, batch: Any, job: Job) -> None:
    check(source.sample(batch), Path(job.rows), min(job.batch, _cells(job)), panel=job.panel)


def _endless(source: peers.Source) -> Iterator[Any]:
    for number in itertools.count():
        empty = True
        for batch in source.epoch(number):
            empty = False
            yield batch
        if empty:
            raise RuntimeError(f"epoch {number} has no batch")


def _whole_epoch(job: Job, batches: Iterator[Any], source: peers.Source) -> None:
    """Take as many cells as an epoch has; the first batch is gone already, so this ends within the second epoch."""
    left = _cells(job)
    for batch in batches:
        left -= source.cells(batch)
        if left <= 0:
            return


def _take(source: peers.Source, batches: Iterator[Any], seconds: float) -> Progress:
    """Consume batches for a while, holding each until the next has come, as a for loop does.

    A loader that takes seconds for a batch gets the time for as many as a rate needs.
    """
    progress = Progress()
    end = time.perf_counter() + seconds
    for batch in batches:
        if progress.add(source.cells(batch)) >= end and len(progress.times) >= _LEAST * (seconds >= 1):
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
