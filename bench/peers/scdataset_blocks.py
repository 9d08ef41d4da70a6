"""scDataset: blocks of neighbouring cells, many batches read at once."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.job import Case
from bench.peers._base import Peer, Source
from bench.peers._batches import Batch, BatchSource
from bench.peers._dataloader import csr_tensor, versions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.job import Job

__all__ = ["PEER"]

_BLOCK = 16  # neighbouring cells that stay together
_FETCH = 16_384  # cells that are read at once


class _Fetched:
    """What one fetch read, kept sparse: scDataset's own transform makes it dense at once, which is slower."""

    def __init__(self, view: Any) -> None:
        self._x = view.X.tocsr()
        self._codes = view.obs["cell_type"].cat.codes.to_numpy()

    def __getitem__(self, rows: Any) -> tuple[Any, Any]:
        return self._x[rows], self._codes[rows]


class _Deliver:
    """Makes tensors of a batch, in the process that loads it."""

    def __init__(self, dense: bool) -> None:
        self._dense = dense

    def __call__(self, batch: tuple[Any, Any]) -> tuple[Any, Any]:
        import torch

        x, codes = batch
        return (torch.from_numpy(x.toarray()) if self._dense else csr_tensor(x)), torch.from_numpy(codes)


class ScDatasetPeer(Peer):
    """scDataset over anndata's AnnCollection, backed.

    Its own transform of what it fetched fails with this version of anndata; `_Fetched` is in its place.
    """

    requirements = "scdataset"
    modules = ("torch.utils.data", "anndata.experimental", "scdataset")

    def cases(self) -> list[Case]:
        """Return its best dense way and its best CSR way."""
        csr = Case("scDataset, 0 workers, CSR", "scdataset_blocks", formats=("csr",), shuffle="block")
        return [Case("scDataset, 2 workers", "scdataset_blocks", workers=2, shuffle="block", quick=False), csr]

    @contextlib.contextmanager
    def open(self, job: Job) -> Iterator[Source]:
        """Open the files backed, and a dataset over them."""
        import anndata
        from anndata.experimental import AnnCollection
        from scdataset import BlockShuffling, scDataset
        from torch.utils.data import DataLoader

        files = [anndata.read_h5ad(path, backed="r") for path in job.paths]
        names = [str(name) for name in files[0].obs["cell_type"].cat.categories]
        dataset = scDataset(
            AnnCollection(files, join_obs="inner", join_vars="inner"),
            BlockShuffling(block_size=_BLOCK),
            batch_size=job.batch,
            fetch_factor=max(1, _FETCH // job.batch),
            fetch_transform=_Fetched,
            batch_transform=_Deliver(dense=job.format == "dense"),
            seed=job.seed,
        )
        workers = job.case.workers
        loader = DataLoader(dataset, batch_size=None, num_workers=workers, persistent_workers=workers > 0)

        def batches(_: int) -> Iterator[Batch]:
            for x, codes in loader:
                yield Batch(x, np.asarray(codes))

        try:
            yield BatchSource("dense torch" if job.format == "dense" else "CSR torch", batches, names)
        finally:
            for file in files:
                file.file.close()

    def versions(self) -> dict[str, str]:
        """Return the versions of scDataset and what it reads with."""
        return versions("scdataset", "anndata", "h5py")


PEER: Peer = ScDatasetPeer()
