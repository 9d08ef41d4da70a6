"""Starts workers: each run is a process of its own, with a daemon of its own where there is one."""

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
    from collections.abc import Iterator, Sequence

    from bench.environment import BenchEnvironment
    from bench.job import Job

__all__ = ["ROOT", "Runner", "WorkerError", "ask", "work"]

#: The repository.
ROOT = Path(__file__).resolve().parent.parent

_GRACE_SECONDS = 180.0  # for opening, the first batch and the end, beyond warm-up and window


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
    rowstore
        Where its daemons keep rows, or None: each for itself alone.
    client
        Folder of another Python client than the one that is installed.
    before
        Words before the daemon's command line, such as those of a memory limit.
    arguments
        Words after ``loaderd serve``.
    """

    environment: BenchEnvironment
    binary: Path
    rowstore: Path | None = None
    client: Path | None = None
    before: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()

    def run(self, job: Job, module: str = "bench.worker", words: Sequence[str] = ()) -> Result:
        """Do one run, with a fresh process, and a fresh daemon where the peer has one.

        Parameters
        ----------
        job
            What is measured.
        module
            What is run; it prints a `Result`.
        words
            Its arguments beside the job.
        """
        missing = self.missing(job.case.peer)
        if missing is not None:
            return Result(case=job.case.name, error=missing)
        try:
            with self.served(job) as (command, variables, served):
                return work(command, variables, served, module, words)
        except (WorkerError, DaemonError) as error:
            return Result(case=job.case.name, error=str(error))

    def missing(self, peer: str) -> str | None:
        """Tell why a peer can not run, as far as its packages are concerned."""
        loaded = peers.load(peer)
        if loaded.interpreter is not Interpreter.BENCH:
            return None
        return self.environment.failed(loaded.requirements)

    def interpreter(self, peer: str) -> tuple[list[str], dict[str, str]]:
        """Return the interpreter of a peer, and its environment variables."""
        if peers.load(peer).interpreter is Interpreter.BENCH:
            return [str(self.environment.python)], self.environment.variables()
        return [sys.executable], {"PYTHONPATH": str(self.client)} if self.client is not None else {}

    @contextlib.contextmanager
    def served(self, job: Job) -> Iterator[tuple[list[str], dict[str, str], Job]]:
        """Give the interpreter, the environment variables and the job for a worker; hold its daemon meanwhile."""
        command, variables = self.interpreter(job.case.peer)
        if not peers.load(job.case.peer).daemon:
            yield command, variables, job
            return
        with Daemon(self.binary, self.rowstore, self.before, self.arguments) as daemon:
            yield command, {**variables, **daemon.variables}, dataclasses.replace(job, daemon=daemon.pid)


def work(
    command: Sequence[str],
    variables: dict[str, str],
    job: Job,
    module: str = "bench.worker",
    words: Sequence[str] = (),
) -> Result:
    """Have a job done by a process of its own.

    Raises
    ------
    WorkerError
        If it fails, or takes far longer than the job says.
    """
    timeout = job.seconds + job.warm_up + _GRACE_SECONDS
    return Result.loads(ask([*command, "-m", module, job.dumps(), *words], variables, timeout))


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
