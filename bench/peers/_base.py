"""What a loader must offer to be measured. A new one is a module beside this with a `PEER`."""

from __future__ import annotations

import abc
import enum
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from bench.check import Sample
    from bench.job import Case, Job

__all__ = ["Interpreter", "Peer", "Source"]


class Interpreter(enum.Enum):
    """Which Python runs a peer."""

    PROJECT = "project"  #: the one that runs the harness: it has loaderd
    BENCH = "bench"  #: the harness's own environment, from bench/requirements


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


class Peer(abc.ABC):
    """A loader. Its module must import without it: the harness lists cases before any environment exists."""

    interpreter = Interpreter.BENCH
    #: The file of bench/requirements that has what it needs beside ``base.txt``.
    requirements: str | None = None
    #: What is imported before the clock starts.
    modules: tuple[str, ...] = ()
    #: Whether runs are served by a daemon, which the harness starts before and stops after each.
    daemon = False
    #: The module of the peer, mostly this one, whose `prepare` makes what it reads instead of the h5ad files.
    prepared_by: str | None = None

    @abc.abstractmethod
    def cases(self) -> list[Case]:
        """Return the rows it gives the table."""

    @abc.abstractmethod
    def open(self, job: Job) -> AbstractContextManager[Source]:
        """Open the job's files with ``cell_type`` as label and an inner join of genes."""

    @abc.abstractmethod
    def versions(self) -> dict[str, str]:
        """Return the versions that matter, by package."""

    def prepare(self, paths: tuple[str, ...], folder: Path, seed: int) -> None:
        """Make what `open` reads from the h5ad files, in a folder that is there and empty."""
        raise NotImplementedError
