"""loaderd's own loader: ready batches from the ring."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.check import Sample
from bench.job import Case
from bench.peers._base import Interpreter, Peer, Source
from bench.peers._dataloader import row_sums, versions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.job import Job

__all__ = ["PEER", "LoaderSource"]


class LoaderSource:
    """An open `loaderd.MappedCollection` and a loader over it.

    Parameters
    ----------
    dataset
        The collection.
    job
        Batch size, format and seed.
    """

    def __init__(self, dataset: Any, job: Job) -> None:
        self.delivers = "dense torch, in the ring" if job.format == "dense" else "CSR torch, in the ring"
        self._labels = {code: name for name, code in dataset.encoders["cell_type"].items()}
        self._loader = dataset.loader(
            batch_size=job.batch, shuffle=True, seed=job.seed, format=job.format, dtype="float32", to="torch"
        )

    def epoch(self, number: int) -> Iterator[Any]:
        """Iterate once; a loader goes on to the next epoch by itself."""
        return iter(self._loader)

    def cells(self, batch: Any) -> int:
        """Return the number of rows."""
        return int(batch["X"].shape[0])

    def sample(self, batch: Any) -> Sample:
        """Return sums, stores and label names."""
        return Sample(
            row_sums(batch["X"]),
            batch["_store_idx"].numpy(),
            [self._labels[code] for code in batch["cell_type"].tolist()],
        )


class LoaderdLoaderPeer(Peer):
    """`mapped.loader(shuffle=True)`."""

    interpreter = Interpreter.PROJECT
    modules = ("torch.utils.data", "loaderd")
    daemon = True

    def cases(self) -> list[Case]:
        """Return the one way of using it."""
        return [Case("loaderd, mapped.loader", "loaderd_loader", formats=("dense", "csr"), role="loaderd")]

    @contextlib.contextmanager
    def open(self, job: Job) -> Iterator[Source]:
        """Open the collection, with all genes or those of the panel."""
        import loaderd

        panel = None
        if job.panel:
            with np.load(job.rows) as rows:
                panel = rows["panel"].tolist()
        with loaderd.mapped(list(job.paths), obs_keys=["cell_type"], join="inner", var_names=panel) as dataset:
            yield LoaderSource(dataset, job)

    def versions(self) -> dict[str, str]:
        """Return the versions of the client and of torch."""
        import loaderd

        return {"loaderd": loaderd.__version__, **versions()}


PEER: Peer = LoaderdLoaderPeer()
