"""What peers that deliver torch batches through a DataLoader share."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.check import Sample

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

__all__ = ["DataLoaderSource", "csr_tensor", "row_sums", "versions"]


def row_sums(x: Any) -> NDArray[np.float64]:
    """Return the sums of a tensor's rows, dense or CSR, in float64."""
    import torch

    if x.layout == torch.sparse_csr:
        indptr, values = x.crow_indices().numpy(), x.values().numpy()
        row = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
        return np.bincount(row, weights=values.astype(np.float64), minlength=len(indptr) - 1).astype(np.float64)
    return np.asarray(x.sum(dim=1, dtype=torch.float64).numpy())


def csr_tensor(matrix: Any) -> Any:
    """Return a scipy CSR matrix as a torch tensor over the same memory, unchecked."""
    import torch

    return torch.sparse_csr_tensor(
        torch.from_numpy(matrix.indptr),
        torch.from_numpy(matrix.indices),
        torch.from_numpy(matrix.data),
        size=matrix.shape,
        check_invariants=False,
    )


def versions(*packages: str) -> dict[str, str]:
    """Return the versions of installed packages and of torch and numpy."""
    return {name: version(name) for name in (*packages, "torch", "numpy")}


class DataLoaderSource:
    """A map-style dataset behind PyTorch's DataLoader with ``shuffle=True``.

    Parameters
    ----------
    dataset
        Rows are dictionaries with ``X``, ``cell_type`` (encoded) and ``_store_idx``; `encoders` tells the codes.
    batch
        Rows of a batch.
    workers
        Processes that load.
    seed
        Seed of the DataLoader's generator.
    worker_init
        What each worker calls first, if the dataset's documentation asks for it.
    """

    delivers = "dense torch"

    def __init__(
        self,
        dataset: Any,
        *,
        batch: int,
        workers: int,
        seed: int,
        worker_init: Callable[[int], None] | None = None,
    ) -> None:
        import torch
        from torch.utils.data import DataLoader

        self._labels = {code: name for name, code in dataset.encoders["cell_type"].items()}
        self._loader = DataLoader(
            dataset,
            batch_size=batch,
            shuffle=True,
            num_workers=workers,
            generator=torch.Generator().manual_seed(seed),
            persistent_workers=workers > 0,
            worker_init_fn=worker_init if workers else None,
        )

    def epoch(self, number: int) -> Iterator[Any]:
        """Iterate once over the DataLoader; its generator makes every epoch another."""
        return iter(self._loader)

    def cells(self, batch: Any) -> int:
        """Return the number of rows."""
        return len(batch["X"])

    def sample(self, batch: Any) -> Sample:
        """Return sums, stores and label names."""
        return Sample(
            row_sums(batch["X"]),
            batch["_store_idx"].numpy(),
            [self._labels[code] for code in batch["cell_type"].tolist()],
        )
