"""lamindb's MappedCollection behind PyTorch's DataLoader."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from bench.job import Case
from bench.peers._base import Peer, Source
from bench.peers._dataloader import DataLoaderSource, versions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.job import Job

__all__ = ["PEER"]


class LamindbPeer(Peer):
    """MappedCollection reads row by row in the process that asks; it needs no lamindb instance.

    With workers it gets ``parallel=True`` and its own ``worker_init_fn``, which its documentation advises for speed.
    It has dense batches alone.
    """

    requirements = "lamindb"
    modules = ("torch.utils.data", "lamindb.core")

    def cases(self) -> list[Case]:
        """Return it without and with two workers."""
        return [
            Case("lamindb, DataLoader, 0 workers", "lamindb_mapped"),
            Case("lamindb, DataLoader, 2 workers", "lamindb_mapped", workers=2),
        ]

    @contextlib.contextmanager
    def open(self, job: Job) -> Iterator[Source]:
        """Open the collection."""
        from lamindb.core import MappedCollection

        workers = job.case.workers
        dataset = MappedCollection(
            list(job.paths), layers_keys=["X"], obs_keys=["cell_type"], join="inner", parallel=workers > 0
        )
        try:
            init = MappedCollection.torch_worker_init_fn
            yield DataLoaderSource(dataset, batch=job.batch, workers=workers, seed=job.seed, worker_init=init)
        finally:
            dataset.close()

    def versions(self) -> dict[str, str]:
        """Return the versions of lamindb and what it reads with."""
        return versions("lamindb", "anndata", "h5py")


PEER: Peer = LamindbPeer()
