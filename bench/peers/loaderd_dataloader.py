"""loaderd's dataset behind PyTorch's DataLoader: the stock way."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from bench.job import Case
from bench.peers._base import Interpreter, Peer, Source
from bench.peers._dataloader import DataLoaderSource, versions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.job import Job

__all__ = ["PEER"]


class LoaderdDataLoaderPeer(Peer):
    """`loaderd.mapped` used as any map-style dataset."""

    interpreter = Interpreter.PROJECT
    modules = ("torch.utils.data", "loaderd")
    daemon = True

    def cases(self) -> list[Case]:
        """Return it without workers, and with two for those who ask."""
        return [
            Case("loaderd, DataLoader, 0 workers", "loaderd_dataloader", role="loaderd"),
            Case("loaderd, DataLoader, 2 workers", "loaderd_dataloader", workers=2, role="loaderd", default=False),
        ]

    @contextlib.contextmanager
    def open(self, job: Job) -> Iterator[Source]:
        """Open the collection; batches are dense, as DataLoader's are."""
        import loaderd

        with loaderd.mapped(list(job.paths), obs_keys=["cell_type"], join="inner") as dataset:
            yield DataLoaderSource(dataset, batch=job.batch, workers=job.case.workers, seed=job.seed)

    def versions(self) -> dict[str, str]:
        """Return the versions of the client and of torch."""
        import loaderd

        return {"loaderd": loaderd.__version__, **versions()}


PEER: Peer = LoaderdDataLoaderPeer()
