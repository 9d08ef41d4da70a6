"""annbatch: chunks of a collection that it has shuffled on disk."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from bench.check import Sample
from bench.job import Case
from bench.peers._base import Peer, Source
from bench.peers._dataloader import row_sums, versions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bench.job import Job

__all__ = ["PEER"]

_CHUNK, _PRELOAD = 512, 32  # annbatch's defaults: 16,384 cells at once, whatever the batch
_STORE = "collection.zarr"


class _Source:
    """Batches of a `Loader`, turned into what is asked for."""

    def __init__(self, loader: Any, mode: str) -> None:
        self._loader = loader
        self._mode = mode
        self.delivers = "CSR torch" if mode == "csr" else "dense torch"

    def epoch(self, number: int) -> Iterator[Any]:
        """Iterate once; the loader's generator makes every epoch another."""
        import torch

        for batch in self._loader:
            x = batch["X"]
            if self._mode == "to_dense":
                x = x.to_dense()
            elif self._mode == "toarray":
                x = torch.from_numpy(x.toarray())
            yield x, batch["obs"]

    def cells(self, batch: Any) -> int:
        """Return the number of rows."""
        return int(batch[0].shape[0])

    def sample(self, batch: Any) -> Sample:
        """Return sums and label names; which file a row came from is lost in its collection."""
        x, obs = batch
        return Sample(row_sums(x), labels=[str(label) for label in obs["cell_type"]])


class AnnbatchPeer(Peer):
    """Chunks of 512 cells, 32 at once, from a collection written in random order; decoded by zarrs.

    It delivers CSR. Dense batches are made of that in the two ways that its users have: by PyTorch, and by scipy.
    """

    requirements = "annbatch"
    modules = ("torch", "annbatch", "zarrs")
    prepared_by = "annbatch_loader"

    def cases(self) -> list[Case]:
        """Return both dense ways and CSR."""
        return [
            Case("annbatch, torch to_dense()", "annbatch_loader", mode="to_dense", shuffle="block", quick=False),
            Case("annbatch, scipy toarray()", "annbatch_loader", mode="toarray", shuffle="block"),
            Case("annbatch, CSR", "annbatch_loader", mode="csr", formats=("csr",), shuffle="block"),
        ]

    def prepare(self, paths: tuple[str, ...], folder: Path, seed: int) -> None:
        """Write its collection: all cells in random order, in zarr."""
        import numpy as np
        from annbatch import DatasetCollection

        self._configure()
        collection = DatasetCollection(str(folder / _STORE))
        collection.add_adatas(list(paths), shuffle=True, rng=np.random.default_rng(seed))

    @contextlib.contextmanager
    def open(self, job: Job) -> Iterator[Source]:
        """Open the collection, with ``cell_type`` alone of ``obs``."""
        import anndata
        import numpy as np
        from annbatch import DatasetCollection, Loader

        def load(group: Any) -> Any:
            obs = anndata.io.read_elem(group["obs"])[["cell_type"]]
            return anndata.AnnData(X=anndata.io.sparse_dataset(group["X"]), obs=obs)

        self._configure()
        with anndata.settings.override(remove_unused_categories=False):
            loader = Loader(
                batch_size=job.batch,
                chunk_size=_CHUNK,
                preload_nchunks=_PRELOAD,
                shuffle=True,
                to=None if job.case.mode == "toarray" else "torch",
                rng=np.random.default_rng(job.seed),
            )
            loader.use_collection(DatasetCollection(f"{job.prepared}/{_STORE}"), load_adata=load)
            yield _Source(loader, job.case.mode)

    def _configure(self) -> None:
        import zarr

        zarr.config.set({"codec_pipeline.path": "zarrs.ZarrsCodecPipeline"})

    def versions(self) -> dict[str, str]:
        """Return the versions of annbatch and of what reads and gathers for it."""
        return versions("annbatch", "zarr", "zarrs", "numba", "anndata")


PEER: Peer = AnnbatchPeer()
