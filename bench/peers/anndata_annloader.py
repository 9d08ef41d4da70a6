"""anndata's own AnnLoader over backed files."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from bench.job import Case
from bench.peers._base import Peer, Source
from bench.peers._batches import Batch, BatchSource
from bench.peers._dataloader import versions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.job import Job

__all__ = ["PEER"]


class AnnLoaderPeer(Peer):
    """A batch is one sorted read of the backed files; workers are of no use to it, as HDF5 files can not be shared."""

    modules = ("torch", "anndata.experimental")

    def cases(self) -> list[Case]:
        """Return the one way of using it."""
        return [Case("AnnLoader, 0 workers", "anndata_annloader")]

    @contextlib.contextmanager
    def open(self, job: Job) -> Iterator[Source]:
        """Open the files backed, and a loader over them."""
        import anndata
        import numpy as np
        import torch
        from anndata.experimental import AnnCollection, AnnLoader

        np.random.seed(job.seed)  # noqa: NPY002 - the generator that it shuffles with
        files = [anndata.read_h5ad(path, backed="r") for path in job.paths]
        names = [str(name) for name in files[0].obs["cell_type"].cat.categories]
        codes = {name: code for code, name in enumerate(names)}

        def dense(x: Any) -> Any:
            return torch.from_numpy(x.toarray())

        def encode(labels: Any) -> Any:
            return torch.tensor([codes[label] for label in labels])

        # Converters of its own would copy every dense batch once more.
        convert = {"X": dense, "obs": {"cell_type": encode}}
        collection = AnnCollection(files, join_obs="inner", join_vars="inner", convert=convert)
        loader = AnnLoader(collection, batch_size=job.batch, shuffle=True, use_default_converter=False)

        def batches(_: int) -> Iterator[Batch]:
            for batch in loader:
                yield Batch(batch.X, batch.obs["cell_type"].numpy())

        try:
            yield BatchSource("dense torch", batches, names)
        finally:
            for file in files:
                file.file.close()

    def versions(self) -> dict[str, str]:
        """Return the versions of anndata and what it reads with."""
        return versions("anndata", "h5py")


PEER: Peer = AnnLoaderPeer()
