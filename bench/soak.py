"""Whether the daemon's memory grows: many epochs of ``mapped.loader``, read while they run.

``python -m bench.soak JOB EPOCHS`` runs them and prints all of them as one line of JSON.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import json
import math
import os
import sys
import time
from typing import TYPE_CHECKING, Any

from bench import peers
from bench.job import Job
from bench.memory import process_memory
from bench.tables import Table
from bench.turns import ask

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.turns import Runner

__all__ = ["Epoch", "main", "table", "trend", "verdict", "watch"]

_EVERY = 0.25  # seconds between readings
_SETTLED = 2  # epochs after which memory should not grow
_CHANCE = 0.01  # a rise as steady as that by chance alone is called none
_MOST = 120.0  # seconds for an epoch; more mean that something hangs
_MATTERS = 0.1  # MB an epoch; below this a rise is called none


@dataclasses.dataclass(frozen=True)
class Epoch:
    """One epoch. Memory is in MB (10⁶ bytes), the largest of all readings.

    Parameters
    ----------
    number
        0, 1, 2 …
    cells_per_second
        Cells of the epoch over its time.
    daemon_own, daemon_ring, daemon_mapped
        The daemon's PSS in anonymous memory, in rings, in mapped files.
    client
        PSS of the trainer.
    """

    number: int
    cells_per_second: float
    daemon_own: float
    daemon_ring: float
    daemon_mapped: float
    client: float


def watch(runner: Runner, job: Job, count: int) -> list[Epoch]:
    """Run so many epochs of a job in a process of its own, and return what each took.

    Raises
    ------
    bench.turns.WorkerError, bench.daemon.DaemonError
        If that fails.
    """
    with runner.served(job) as (command, variables, served):
        answer = ask([*command, "-m", "bench.soak", served.dumps(), str(count)], variables, 120 + _MOST * count)
    return [Epoch(**fields) for fields in json.loads(answer)]


def epochs(job: Job, count: int) -> Iterator[Epoch]:
    """Run epochs one after the other and yield what each took."""
    if job.daemon is None:
        raise ValueError("a soak needs a daemon to watch")
    with peers.load(job.case.peer).open(job) as source:
        for number in range(count):
            yield _epoch(source, number, job.daemon)


def _epoch(source: peers.Source, number: int, daemon: int) -> Epoch:
    start = time.perf_counter()
    due, cells = start, 0
    most = [0.0, 0.0, 0.0, 0.0]

    def read() -> None:
        server, client = process_memory(daemon), process_memory(os.getpid())
        now = [server.own, server.shared, server.mapped, client.total]
        most[:] = map(max, most, now)

    for batch in source.epoch(number):
        cells += source.cells(batch)
        if time.perf_counter() >= due:
            read()
            due = time.perf_counter() + _EVERY
    elapsed = time.perf_counter() - start
    read()
    return Epoch(number, cells / elapsed, *most)


def trend(values: Sequence[float]) -> tuple[float, float]:
    """Return the median slope between all pairs (Theil–Sen) and the one-sided p of a rise (Mann–Kendall).

    Neither is moved by a single odd epoch.
    """
    n = len(values)
    pairs = list(itertools.combinations(range(n), 2))
    if not pairs:
        return 0.0, 1.0
    slopes = sorted((values[j] - values[i]) / (j - i) for i, j in pairs)
    middle = len(slopes) // 2
    slope = slopes[middle] if len(slopes) % 2 else (slopes[middle - 1] + slopes[middle]) / 2
    rises = sum((values[j] > values[i]) - (values[j] < values[i]) for i, j in pairs)
    deviation = math.sqrt(n * (n - 1) * (2 * n + 5) / 18)
    z = (rises - (rises > 0)) / deviation
    return slope, 0.5 * math.erfc(z / math.sqrt(2))


def verdict(found: Sequence[Epoch]) -> tuple[bool, str]:
    """Say whether the daemon's own memory rises after the second epoch."""
    settled = [epoch.daemon_own for epoch in found[_SETTLED:]]
    if len(settled) < 5:
        return True, f"{len(found)} epochs are too few to speak of a trend; give --epochs {_SETTLED + 5} or more"
    slope, p = trend(settled)
    rises = p < _CHANCE and slope > _MATTERS
    largest = max(epoch.daemon_own for epoch in found)
    word = "rises" if rises else "no upward trend"
    return not rises, (
        f"daemon's own memory: {largest:,.0f} MB at most; after epoch {_SETTLED}: {word} "
        f"({slope:+.2f} MB an epoch, p = {p:.2g})"
    )


def table(found: Sequence[Epoch]) -> Table:
    """Return the epochs as a table."""
    head = ("epoch", "cells/s", "daemon own MB", "ring MB", "mapped MB", "client MB")
    return Table(head, tuple(_line(epoch) for epoch in found), left=0)


def _line(epoch: Epoch) -> tuple[str, ...]:
    numbers = (epoch.daemon_own, epoch.daemon_ring, epoch.daemon_mapped, epoch.client)
    return str(epoch.number), f"{epoch.cells_per_second:,.0f}", *(f"{number:,.1f}" for number in numbers)


def main() -> None:
    """Soak as a worker."""
    job, count = Job.loads(sys.argv[1]), int(sys.argv[2])
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    with contextlib.closing(answer):
        found: list[dict[str, Any]] = [dataclasses.asdict(epoch) for epoch in epochs(job, count)]
        print(json.dumps(found), file=answer)


if __name__ == "__main__":
    main()
