"""What one run is asked and what it answers; both travel between processes as JSON."""

from __future__ import annotations

import dataclasses
import json
from typing import Any, Literal

__all__ = ["Case", "Format", "Job", "Result", "Role", "Shuffle", "Task"]

Format = Literal["dense", "csr"]

#: ``"exact"``: every order of the cells is as likely as any other. ``"block"``: neighbours on disk stay together.
Shuffle = Literal["exact", "block"]

#: What a case is in the table: loaderd; another loader; everything in memory; the bare loop, which is the limit.
Role = Literal["loaderd", "peer", "memory", "limit"]

#: What a worker does: batches for some seconds; one whole epoch from nothing; the first batch alone.
Task = Literal["rate", "epoch", "first"]


@dataclasses.dataclass(frozen=True)
class Case:
    """One way of using one loader: a row of the table.

    Parameters
    ----------
    name
        What the table shows and ``--only`` matches.
    peer
        Name of its module in `bench.peers`.
    mode
        Which way of using it, where its module has several.
    workers
        DataLoader workers; 0 where there is no DataLoader.
    formats
        What batches it can deliver in this way.
    shuffle
        How well it shuffles in this way.
    role
        What the case is in the table.
    default
        Whether it is measured without being asked for by ``--only``.
    quick
        Whether a quick run measures it.
    """

    name: str
    peer: str
    mode: str = ""
    workers: int = 0
    formats: tuple[Format, ...] = ("dense",)
    shuffle: Shuffle = "exact"
    role: Role = "peer"
    default: bool = True
    quick: bool = True


@dataclasses.dataclass(frozen=True)
class Job:
    """One run.

    Parameters
    ----------
    case
        What is measured.
    paths
        The h5ad files.
    rows
        The file that tells what a right reader finds.
    batch
        Rows of a batch.
    format
        What is asked for.
    seconds
        Length of the measured window; for ``"epoch"`` the most that an epoch may take.
    warm_up
        Seconds before it.
    seed
        Seed of the shuffle.
    task
        What is to be done.
    panel
        Whether the panel's genes alone are wanted.
    fill
        Whether one epoch comes before the warm-up: what a loader keeps for later epochs is then complete.
    prepared
        Folder of what was made of the files for the peer, if it needs that.
    tools
        Folder of programs that the harness has built.
    daemon
        Process id of the daemon that serves this run, if one does.
    """

    case: Case
    paths: tuple[str, ...]
    rows: str
    batch: int
    format: Format
    seconds: float
    warm_up: float
    seed: int
    task: Task = "rate"
    panel: bool = False
    fill: bool = False
    prepared: str | None = None
    tools: str = ""
    daemon: int | None = None

    def dumps(self) -> str:
        """Return the job as JSON."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def loads(cls, text: str) -> Job:
        """Read what `dumps` wrote."""
        fields: dict[str, Any] = json.loads(text)
        fields["case"] = Case(**{**fields["case"], "formats": tuple(fields["case"]["formats"])})
        fields["paths"] = tuple(fields["paths"])
        return cls(**fields)


@dataclasses.dataclass(frozen=True)
class Result:
    """What one run found. Times are in seconds, memory in MB (10⁶ bytes), ``None`` where it does not apply.

    Parameters
    ----------
    case
        Name of the case.
    delivers
        What a batch holds, in words.
    cells_per_second
        Slope over the window; for ``"epoch"`` the cells over the whole time.
    open_seconds
        From the call that opens the collection to its return.
    first_batch_seconds
        From there to the first batch.
    epoch_seconds
        From the call that opens to the last batch of the first epoch.
    epoch_share
        Share of the epoch that came within the time allowed; `epoch_seconds` is scaled from it when below 1.
    longest_stall
        Longest time between two batches of the window.
    pss
        PSS of all processes in total: trainer, DataLoader workers, daemon. The larger of the readings
        before and after the window; so are the next three.
    daemon_own, daemon_ring, daemon_mapped
        The daemon's PSS in anonymous memory, in rings, and in mapped files.
    batches
        Batches of the window.
    client_cpu, daemon_cpu
        Seconds of processors in the window: of the trainer and its children, of the daemon.
    foreign_cpu
        Cores that other processes kept busy during the window.
    versions
        What was measured with what.
    error
        What went wrong, if anything; the numbers then mean nothing.
    """

    case: str
    delivers: str = ""
    cells_per_second: float | None = None
    open_seconds: float | None = None
    first_batch_seconds: float | None = None
    epoch_seconds: float | None = None
    epoch_share: float | None = None
    longest_stall: float | None = None
    pss: float | None = None
    daemon_own: float | None = None
    daemon_ring: float | None = None
    daemon_mapped: float | None = None
    batches: int = 0
    client_cpu: float | None = None
    daemon_cpu: float | None = None
    foreign_cpu: float | None = None
    versions: dict[str, str] = dataclasses.field(default_factory=dict)
    error: str | None = None

    def dumps(self) -> str:
        """Return the result as one line of JSON."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def loads(cls, text: str) -> Result:
        """Read what `dumps` wrote."""
        return cls(**json.loads(text))
