"""Runs in turn: every case once, then every case again, so that what drifts in a machine drifts for all."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bench import peers
from bench.daemon import Daemon, DaemonError
from bench.job import Result
from bench.peers import Interpreter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from bench.environment import BenchEnvironment
    from bench.job import Case, Job

__all__ = ["ROOT", "Runner", "WorkerError", "ask"]

#: The repository.
ROOT = Path(__file__).resolve().parent.parent

_GRACE_SECONDS = 120.0  # for opening, the first batch and the end, beyond warm-up and window


class WorkerError(RuntimeError):
    """A worker process ended without an answer."""


@dataclasses.dataclass(frozen=True)
class Runner:
    """Starts workers.

    Parameters
    ----------
    environment
        Where peers that are not loaderd run.
    binary
        The ``loaderd`` that is measured.
    """

    environment: BenchEnvironment
    binary: Path

    def turns(self, cases: Sequence[Case], runs: int, job: Callable[[Case], Job]) -> Iterator[Result]:
        """Yield the results of all runs as they come; a run that fails gives a result with an error."""
        for _ in range(runs):
            for case in cases:
                yield self.run(job(case))

    def run(self, job: Job) -> Result:
        """Do one run, with a fresh process, and a fresh daemon where the peer has one."""
        try:
            with self.served(job) as (command, variables, served):
                timeout = job.seconds + job.warm_up + _GRACE_SECONDS
                answer = ask([*command, "-m", "bench.worker", served.dumps()], variables, timeout)
        except (WorkerError, DaemonError) as error:
            return Result(case=job.case.name, error=str(error))
        return Result.loads(answer)

    @contextlib.contextmanager
    def served(self, job: Job) -> Iterator[tuple[list[str], dict[str, str], Job]]:
        """Give the interpreter, the environment variables and the job for a worker; hold its daemon meanwhile."""
        peer = peers.load(job.case.peer)
        if peer.interpreter is Interpreter.BENCH:
            command, variables = [str(self.environment.python)], self.environment.variables()
        else:
            command, variables = [sys.executable], {}
        if not peer.daemon:
            yield command, variables, job
            return
        with Daemon(self.binary) as daemon:
            yield command, {**variables, **daemon.variables}, dataclasses.replace(job, daemon=daemon.pid)


def ask(command: Sequence[str], variables: dict[str, str], timeout: float) -> str:
    """Run a worker and return the last line that it prints.

    Whatever it started ends with it.

    Raises
    ------
    WorkerError
        If it fails, or takes longer than `timeout` seconds.
    """
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **variables, "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            raise WorkerError(f"no answer within {timeout:.0f} s") from None
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    if process.returncode or not out.strip():
        last = err.strip().splitlines()[-1:] or [f"ended with {process.returncode} and said nothing"]
        raise WorkerError(last[0])
    return out.strip().splitlines()[-1]
