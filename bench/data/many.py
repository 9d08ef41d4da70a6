"""Many h5ad files with few values in a cell: what opening costs shows on them, not what reading does."""

from __future__ import annotations

import dataclasses
import json
import shutil
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anndata
import h5py
import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from bench import pagecache
from bench.manyspec import CELL_TYPES, DONORS, label_codes

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.manyspec import ManySpec

__all__ = ["ManyFiles", "ensure_many"]

_SPEC = "spec.json"


@dataclasses.dataclass(frozen=True)
class ManyFiles:
    """Files on disk, all of the same parameters."""

    spec: ManySpec
    folder: Path

    @property
    def paths(self) -> list[Path]:
        """The h5ad files, in order."""
        return [self.folder / f"part_{file:03d}.h5ad" for file in range(self.spec.files)]

    def size(self) -> int:
        """Bytes of all files."""
        return sum(path.stat().st_size for path in self.paths)

    def evict(self) -> None:
        """Have the system forget the files' pages, so that the next reader fetches them from the disk."""
        pagecache.evict(self.paths)


def ensure_many(spec: ManySpec, root: Path, say: Callable[[str], None] = lambda _: None) -> ManyFiles:
    """Return the files of these parameters, making them when `root` does not have them yet.

    One file for each gene list is written by anndata; the others are copies in which the labels are written anew.
    """
    made = ManyFiles(spec, root / spec.key())
    if (made.folder / _SPEC).exists():
        return made
    root.mkdir(parents=True, exist_ok=True)
    say(f"making {spec.files} files of {spec.cells:,} cells (kept in {made.folder})")
    with tempfile.TemporaryDirectory(dir=root, prefix="unfinished-") as name:
        folder = Path(name) / "data"
        folder.mkdir()
        unfinished = ManyFiles(spec, folder)
        for number, path in enumerate(unfinished.paths):
            if number < spec.lists:
                _write(spec, number, path)
            else:
                shutil.copyfile(unfinished.paths[number % spec.lists], path)
            _label(spec, number, path)
        (folder / _SPEC).write_text(json.dumps(dataclasses.asdict(spec), indent=2) + "\n")
        shutil.rmtree(made.folder, ignore_errors=True)
        folder.rename(made.folder)
    return made


def _write(spec: ManySpec, number: int, path: Path) -> None:
    cells = np.arange(spec.cells)
    # Each list is the one before it, shifted: some genes go, others come.
    names = [f"ENSG{number * max(1, spec.genes // 100) + gene:011d}" for gene in range(spec.genes)]
    x = _counts(spec)
    obs: dict[str, Any] = {
        "cell_type": pd.Categorical.from_codes(label_codes(spec, 0), categories=_types()),
        "donor": pd.Categorical.from_codes(cells * DONORS // spec.cells, categories=_donors(number)),
    }
    layers, obsm = {}, {}
    if spec.rich:
        obs["sample"] = pd.array([f"sample {cell % 96:02d}" for cell in cells], dtype=object)
        obs["n_counts"] = (cells % 5000).astype(np.float32)
        obs["n_genes"] = (cells % 3000).astype(np.int64)
        obs["is_primary"] = cells % 3 == 0
        layers["counts"] = x
        obsm["X_pca"] = np.zeros((spec.cells, 50), np.float32)
    frame = pd.DataFrame(obs, index=pd.Index([f"cell_{cell:08d}" for cell in cells]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what anndata and pandas have to say to each other
        data = anndata.AnnData(X=x, obs=frame, var=pd.DataFrame(index=pd.Index(names)), layers=layers, obsm=obsm)
        data.write_h5ad(path)


def _counts(spec: ManySpec) -> csr_matrix:
    """Give each cell ``values`` genes of the middle of the list, which all lists have, with equal values."""
    cells = np.arange(spec.cells)
    low, high = spec.genes // 4, spec.genes - spec.genes // 4
    step = (high - low) // spec.values
    columns = low + (cells % step)[:, None] + np.arange(spec.values) * step
    values = np.repeat((cells % CELL_TYPES + 1).astype(np.float32), spec.values)
    indptr = np.arange(spec.cells + 1) * spec.values
    return csr_matrix((values, columns.reshape(-1).astype(np.int32), indptr.astype(np.int32)), (spec.cells, spec.genes))


def _label(spec: ManySpec, number: int, path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file["obs/cell_type/codes"][:] = label_codes(spec, number)
        file["obs/donor/categories"][:] = _donors(number)


def _types() -> list[str]:
    return [f"type {label:02d}" for label in range(CELL_TYPES)]


def _donors(number: int) -> list[str]:
    return [f"donor {number:03d}.{donor:02d}" for donor in range(DONORS)]
