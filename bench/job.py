"""What one run is asked and what it answers; both travel between processes as JSON."""

from __future__ import annotations

import dataclasses
import json
from typing import Any, Literal

__all__ = ["Case", "Format", "Job", "Result"]

Format = Literal["dense", "csr"]


@dataclasses.dataclass(frozen=True)
class Case:
    """One way of using one loader: a row of the table.

    Parameters
    ----------
    name
        What the table shows and ``--only`` matches.
    peer
        Name of its module in `bench.peers`.
    workers
        DataLoader workers; 0 where there is no DataLoader.
    default
        Whether it is measured without being asked for by ``--only``.
    """

    name: str
    peer: str
    workers: int = 0
    default: bool = True


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
        What is asked for; a peer that has only one delivers that.
    seconds
        Length of the measured window.
    warm_up
        Seconds before it.
    seed
        Seed of the shuffle.
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
    daemon: int | None = None

    def dumps(self) -> str:
        """Return the job as JSON."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def loads(cls, text: str) -> Job:
        """Read what `dumps` wrote."""
        fields: dict[str, Any] = json.loads(text)
        fields["case"] = Case(**fields["case"])
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
        Slope over the window.
    open_seconds
        From the call that opens the collection to its return.
    first_batch_seconds
        From there to the first batch.
    longest_stall
        Longest time between two batches of the window.
    pss
        PSS of all processes in total: trainer, DataLoader workers, daemon. The larger of the readings
        before and after the window; so are the next three.
    daemon_own, daemon_ring, daemon_mapped
        The daemon's PSS in anonymous memory, in rings, and in mapped files.
    batches
        Batches of the window.
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
    longest_stall: float | None = None
    pss: float | None = None
    daemon_own: float | None = None
    daemon_ring: float | None = None
    daemon_mapped: float | None = None
    batches: int = 0
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
