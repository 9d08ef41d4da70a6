"""What a loader must offer to be measured. A new one is a module beside this with a `PEER`."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from bench.check import Sample
    from bench.job import Case, Job

__all__ = ["Interpreter", "Peer", "Source"]


class Interpreter(enum.Enum):
    """Which Python runs a peer."""

    PROJECT = "project"  #: the one that runs the harness: it has loaderd
    BENCH = "bench"  #: the harness's own environment, from bench/requirements.txt


class Source(Protocol):
    """An open collection."""

    #: What a batch holds, in words.
    delivers: str

    def epoch(self, number: int) -> Iterator[Any]:
        """Iterate over the batches of one epoch, shuffled."""
        ...

    def cells(self, batch: Any) -> int:
        """Return the number of rows of a batch, at no cost."""
        ...

    def sample(self, batch: Any) -> Sample:
        """Return what of a batch can be checked."""
        ...


class Peer(Protocol):
    """A loader. Its module must import without it: the harness lists cases before any environment exists."""

    interpreter: Interpreter
    #: What is imported before the clock starts.
    modules: tuple[str, ...]
    #: Whether runs are served by a daemon, which the harness starts before and stops after each.
    daemon: bool

    def cases(self) -> list[Case]:
        """Return the rows it gives the table."""
        ...

    def open(self, job: Job) -> AbstractContextManager[Source]:
        """Open the job's files with ``cell_type`` as label and an inner join of genes."""
        ...

    def versions(self) -> dict[str, str]:
        """Return the versions that matter, by package."""
        ...
