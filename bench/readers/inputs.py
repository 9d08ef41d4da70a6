"""The files that are read: made once for each set of parameters, from the benchmark's own data."""

from __future__ import annotations

import dataclasses
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import anndata
import h5py
import numpy as np
import zarr
from anndata.io import read_elem, write_elem

from bench import data

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

__all__ = ["Input", "ensure"]

#: To be raised when the same parameters give other files.
_VERSION = 1

_X = ("X/data", "X/indices", "X/indptr")
_LARGE = 48 << 20  # bytes of a large chunk; with the stored bytes of two it does not fit what memory is allowed


@dataclasses.dataclass(frozen=True)
class Input:
    """A file, and which of its arrays are read."""

    path: Path
    arrays: tuple[str, ...]


def ensure(cells: int, root: Path, say: Callable[[str], None]) -> dict[str, Input]:
    """Return the inputs by name, making those that `root` does not have yet.

    Parameters
    ----------
    cells
        Cells of the CSR matrix, of 20,000 genes.
    root
        Folder that keeps data.
    say
        Is told what is being done.
    """
    collection = data.ensure(data.DataSpec(cells=cells, files=1, compression="gzip"), root, say)
    source = collection.paths[0]
    made: dict[str, tuple[str, tuple[str, ...], Callable[[Path], None]]] = {
        "blosc zarr v2": (f"{cells}-v2.zarr", _X, lambda path: _to_zarr(source, path, 2)),
        "zstd zarr v3": (f"{cells}-v3.zarr", _X, lambda path: _to_zarr(source, path, 3)),
        "40,000 chunks": ("chunks.h5", ("x",), _many_chunks),
        "gzip, large chunks": ("large.h5", ("x",), lambda path: _large_chunks(path, shuffle=False)),
        "shuffled gzip, large chunks": ("shuffled.h5", ("x",), lambda path: _large_chunks(path, shuffle=True)),
        "zstd zarr v3, large chunks": ("large.zarr", ("x",), _large_zarr),
    }
    inputs = {"gzip h5ad": Input(source, _X)}
    for name, (file, arrays, make) in made.items():
        path = root / f"readers-{_VERSION}-{file}"
        if not path.exists():
            say(f"making {name} ({path})")
            _whole_or_not_at_all(path, make)
        inputs[name] = Input(path, arrays)
    return inputs


def _whole_or_not_at_all(path: Path, make: Callable[[Path], None]) -> None:
    folder = Path(tempfile.mkdtemp(dir=path.parent, prefix="unfinished-"))
    try:
        make(folder / path.name)
        os.replace(folder / path.name, path)
    finally:
        shutil.rmtree(folder)


def _to_zarr(source: Path, path: Path, version: Literal[2, 3]) -> None:
    """Write ``X`` as anndata does by default: blosc in version 2, zstd in version 3."""
    with h5py.File(source) as file, anndata.settings.override(zarr_write_format=version):
        write_elem(zarr.open_group(path, mode="w", zarr_format=version), "X", read_elem(file["X"]))


def _many_chunks(path: Path) -> None:
    chunks, rows = 40_000, 64
    with h5py.File(path, "w") as file:
        values = np.arange(chunks * rows, dtype=np.int32)
        file.create_dataset("x", data=values, chunks=(rows,), compression="gzip", maxshape=(None,))


def _large_values() -> NDArray[Any]:
    """Six chunks of values that hardly compress, so that what is stored is large, too."""
    bits = np.random.Generator(np.random.PCG64(7)).integers(0, 1 << 23, 6 * _LARGE // 4, dtype=np.uint32)
    values: NDArray[Any] = (bits | np.uint32(0x3F800000)).view(np.float32)
    return values


def _large_chunks(path: Path, *, shuffle: bool) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset(
            "x", data=_large_values(), chunks=(_LARGE // 4,), compression="gzip", compression_opts=1, shuffle=shuffle
        )


def _large_zarr(path: Path) -> None:
    group = zarr.open_group(path, mode="w", zarr_format=3)
    array = group.create_array("x", shape=(6 * _LARGE // 4,), chunks=(_LARGE // 4,), dtype="float32")
    array[:] = _large_values()
