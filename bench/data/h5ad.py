"""Write one h5ad file block by block, in the form in which anndata writes it at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
from anndata.io import write_elem

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import pandas as pd
    from numpy.typing import NDArray

    from bench.data.content import Block
    from bench.data.spec import Compression

__all__ = ["write_h5ad"]

_EMPTY = ("obsm", "varm", "obsp", "varp", "layers", "uns")


def write_h5ad(
    path: Path,
    *,
    obs: pd.DataFrame,
    var: pd.DataFrame,
    lengths: NDArray[np.int64],
    blocks: Iterable[Block],
    compression: Compression = "none",
) -> None:
    """Write an AnnData file whose ``X`` is CSR, ``float32``.

    Everything but ``X`` is written by anndata. ``X`` gets the attributes, data types, chunk shapes and filters that
    anndata's ``write_h5ad`` would give it; h5py derives the chunk shape from the final length, and so the number of
    stored values must be known before the first is written.

    Parameters
    ----------
    path
        Where to write; an existing file is replaced.
    obs, var
        The frames of cells and genes.
    lengths
        Number of stored values of each cell.
    blocks
        The cells in order.
    compression
        ``"none"`` or ``"gzip"``, for all arrays, as the argument of ``AnnData.write_h5ad``.
    """
    options: dict[str, Any] = {} if compression == "none" else {"compression": compression}
    with h5py.File(path, "w") as file:
        root = file["/"]
        root.attrs["encoding-type"] = "anndata"
        root.attrs["encoding-version"] = "0.1.0"
        _write_x(root, (len(obs), len(var)), lengths, blocks, options)
        write_elem(root, "obs", obs, dataset_kwargs=options)
        write_elem(root, "var", var, dataset_kwargs=options)
        for name in _EMPTY:
            write_elem(root, name, {}, dataset_kwargs=options)


def _write_x(
    root: h5py.Group,
    shape: tuple[int, int],
    lengths: NDArray[np.int64],
    blocks: Iterable[Block],
    options: dict[str, Any],
) -> None:
    group = root.create_group("X")
    group.attrs["encoding-type"] = "csr_matrix"
    group.attrs["encoding-version"] = "0.1.0"
    group.attrs["shape"] = shape
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    nnz = int(indptr[-1])
    if nnz < 2**31:  # scipy takes the smallest of the two that fits
        indptr = indptr.astype(np.int32)
    data = group.create_dataset("data", shape=(nnz,), dtype=np.float32, maxshape=(None,), **options)
    indices = group.create_dataset("indices", shape=(nnz,), dtype=indptr.dtype, maxshape=(None,), **options)
    group.create_dataset("indptr", data=indptr, maxshape=(None,), **options)
    for block in blocks:
        first, end = int(indptr[block.start]), int(indptr[block.start + len(block.lengths)])
        if end - first != len(block.indices):
            raise ValueError(f"cells from {block.start}: {len(block.indices)} values, {end - first} were announced")
        data[first:end] = block.values
        indices[first:end] = block.indices
