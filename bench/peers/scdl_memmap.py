"""BioNeMo's SCDL: rows of memory-mapped arrays."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.job import Case
from bench.peers._base import Peer, Source
from bench.peers._batches import Batch, BatchSource
from bench.peers._dataloader import versions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.job import Job

__all__ = ["PEER"]

_STORE = "scdl"


class ScdlPeer(Peer):
    """A map-style dataset behind PyTorch's DataLoader, with the collate function that it brings.

    Labels are another, slower look-up there. They are left out, so its rates are a little too good.
    """

    requirements = "scdl"
    modules = ("torch.utils.data", "bionemo.scdl.io.single_cell_memmap_dataset")
    prepared_by = "scdl_memmap"

    def cases(self) -> list[Case]:
        """Return dense and CSR, without workers: with two it is slower."""
        return [
            Case("SCDL, DataLoader, 0 workers", "scdl_memmap"),
            Case("SCDL, DataLoader, 0 workers, CSR", "scdl_memmap", formats=("csr",)),
            Case("SCDL, DataLoader, 2 workers", "scdl_memmap", workers=2, default=False),
        ]

    def prepare(self, paths: tuple[str, ...], folder: Path, seed: int) -> None:
        """Convert the files, and make one dataset of them."""
        from bionemo.scdl.io.single_cell_collection import SingleCellCollection

        parts = folder / "parts"
        collection = SingleCellCollection(str(parts))
        collection.load_h5ad_multi(str(Path(paths[0]).parent), max_workers=2, use_processes=True, use_X_not_raw=True)
        collection.flatten(str(folder / _STORE), destroy_on_copy=True)

    @contextlib.contextmanager
    def open(self, job: Job) -> Iterator[Source]:
        """Open the dataset; batches get the width of the genes, which its collate function does not know."""
        import torch
        from bionemo.scdl.io.single_cell_memmap_dataset import SingleCellMemMapDataset
        from bionemo.scdl.util.torch_dataloader_utils import collate_sparse_matrix_batch
        from torch.utils.data import DataLoader

        dataset = SingleCellMemMapDataset(f"{job.prepared}/{_STORE}")
        width = int(dataset.number_of_variables()[0])
        loader = DataLoader(
            dataset,
            batch_size=job.batch,
            shuffle=True,
            num_workers=job.case.workers,
            collate_fn=collate_sparse_matrix_batch,
            generator=torch.Generator().manual_seed(job.seed),
            persistent_workers=job.case.workers > 0,
        )

        def whole(x: Any) -> Any:
            size = (x.shape[0], width)
            return torch.sparse_csr_tensor(
                x.crow_indices(), x.col_indices(), x.values(), size=size, check_invariants=False
            )

        def batches(_: int) -> Iterator[Batch]:
            for x in loader:
                yield Batch(whole(x).to_dense() if job.format == "dense" else whole(x), None)

        yield BatchSource(f"{'dense' if job.format == 'dense' else 'CSR'} torch, no labels", batches)

    def versions(self) -> dict[str, str]:
        """Return its version."""
        return versions("bionemo-scdl", "anndata")


PEER: Peer = ScdlPeer()
