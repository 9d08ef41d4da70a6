"""Several trainers at one daemon: ``python -m bench.consumers JOB COUNT`` prints one result for all of them."""

from __future__ import annotations

import contextlib
import dataclasses
import multiprocessing
import os
import sys
from typing import TYPE_CHECKING, Any

from bench.job import Job, Result
from bench.timing import CPUClock
from bench.worker import measure

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main", "together"]

_WAIT = 120.0  # seconds for the slowest to have its first batch


def together(results: Sequence[Result], foreign: float | None = None) -> Result:
    """Return the sum of what consumers had, and the most of what is the daemon's."""

    def most(field: str) -> float | None:
        return max((value for result in results if (value := getattr(result, field)) is not None), default=None)

    rates = [result.cells_per_second or 0.0 for result in results]
    return Result(
        case=results[0].case,
        delivers=results[0].delivers,
        cells_per_second=sum(rates),
        first_batch_seconds=most("first_batch_seconds"),
        longest_stall=most("longest_stall"),
        daemon_own=most("daemon_own"),
        daemon_ring=most("daemon_ring"),
        daemon_mapped=most("daemon_mapped"),
        batches=sum(result.batches for result in results),
        foreign_cpu=foreign,
        versions=results[0].versions,
    )


def _consume(job: Job, barrier: Any, answers: Any) -> None:
    try:
        answers.put(measure(job, barrier.wait).dumps())
    except BaseException as error:
        barrier.abort()
        answers.put(Result(job.case.name, error=f"{type(error).__name__}: {error}").dumps())
        raise


def main() -> None:
    """Start the consumers, let them begin together, and print what they had."""
    job, count = Job.loads(sys.argv[1]), int(sys.argv[2])
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    context = multiprocessing.get_context("spawn")
    barrier, answers = context.Barrier(count, timeout=_WAIT), context.Queue()
    jobs = [dataclasses.replace(job, seed=job.seed + number) for number in range(count)]
    processes = [context.Process(target=_consume, args=(each, barrier, answers)) for each in jobs]
    for process in processes:
        process.start()
    clock = CPUClock([os.getpid(), *([job.daemon] if job.daemon is not None else [])])
    results = [Result.loads(answers.get(timeout=_WAIT + job.warm_up + job.seconds)) for _ in processes]
    for process in processes:
        process.join()
    errors = [result for result in results if result.error is not None]
    with contextlib.closing(answer):
        print((errors[0] if errors else together(results, clock.foreign())).dumps(), file=answer)


if __name__ == "__main__":
    main()
