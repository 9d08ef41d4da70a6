"""Everything in memory, gathered by scipy: what a user has who owns enough of it."""

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
    from pathlib import Path

    from numpy.typing import NDArray

    from bench.job import Job

__all__ = ["ARRAYS", "PEER"]

#: The arrays that `prepare` writes, each into a file of its own.
ARRAYS = ("data", "indices", "indptr", "labels", "names")


class ScipyPeer(Peer):
    """One CSR matrix of all cells, of which the rows of a batch are taken.

    What is prepared is that matrix as plain arrays, which a run reads into memory at once.
    """

    modules = ("torch", "scipy.sparse")
    prepared_by = "scipy_memory"

    def cases(self) -> list[Case]:
        """Return two dense ways, a new array for each batch and one that is used again, and CSR."""
        peer = "scipy_memory"
        return [
            Case("scipy in memory, toarray()", peer, mode="toarray", role="memory", quick=False),
            Case("scipy in memory, toarray(out=)", peer, mode="out", role="memory"),
            Case("scipy in memory, CSR", peer, mode="csr", formats=("csr",), role="memory"),
        ]

    def prepare(self, paths: tuple[str, ...], folder: Path, seed: int) -> None:
        """Read all files and write their rows as one matrix."""
        import anndata

        whole = anndata.concat([anndata.read_h5ad(path) for path in paths], join="inner", merge="same")
        labels = whole.obs["cell_type"].astype("category")
        arrays = {
            "data": whole.X.data,
            "indices": whole.X.indices.astype(np.int32),
            "indptr": whole.X.indptr.astype(np.int64),
            "labels": labels.cat.codes.to_numpy(),
            "names": np.array([str(name) for name in labels.cat.categories]),
        }
        for name in ARRAYS:
            np.save(folder / f"{name}.npy", arrays[name])
        (folder / "columns").write_text(f"{whole.n_vars}\n")

    @contextlib.contextmanager
    def open(self, job: Job) -> Iterator[Source]:
        """Read the matrix."""
        from scipy.sparse import csr_matrix

        data, indices, indptr, labels, names = (np.load(f"{job.prepared}/{name}.npy") for name in ARRAYS)
        if indptr[-1] < 2**31:
            indptr = indptr.astype(np.int32)  # torch wants both index arrays of one type
        with open(f"{job.prepared}/columns") as file:
            columns = int(file.read())
        matrix = csr_matrix((data, indices, indptr), shape=(len(indptr) - 1, columns))
        delivers = "CSR torch" if job.case.mode == "csr" else "dense torch"
        yield BatchSource(delivers, lambda number: _batches(matrix, labels, job, number), names.tolist())

    def versions(self) -> dict[str, str]:
        """Return scipy's version."""
        return versions("scipy")


def _batches(matrix: Any, labels: NDArray[Any], job: Job, number: int) -> Iterator[Batch]:
    import torch

    order = np.random.default_rng([job.seed, number]).permutation(matrix.shape[0])
    buffer = np.empty((job.batch, matrix.shape[1]), np.float32) if job.case.mode == "out" else None
    for start in range(0, len(order), job.batch):
        rows = order[start : start + job.batch]
        taken = matrix[rows]
        if job.case.mode == "csr":
            x = csr_tensor(taken)
        elif buffer is None:
            x = torch.from_numpy(taken.toarray())
        else:
            x = torch.from_numpy(taken.toarray(out=buffer[: len(rows)]))
        yield Batch(x, labels[rows])


PEER: Peer = ScipyPeer()
