"""Files to test with, and what they hold by anndata's own reading."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix, issparse

GENES = 700
KINDS = ["B cell", "T cell", "monocyte", "unknown", "never used"]


@dataclass
class Files:
    """Several h5ad files, read whole."""

    paths: list[Path]
    read: list[Any]  # AnnData

    @property
    def n_obs(self) -> int:
        return sum(a.n_obs for a in self.read)

    @property
    def store(self) -> np.ndarray[Any, Any]:
        """The file of each row."""
        return np.repeat(np.arange(len(self.read)), [a.n_obs for a in self.read])

    def var(self, join: str) -> list[str]:
        """The joined variables: inner in the order of the first file, outer sorted."""
        names = [list(a.var_names) for a in self.read]
        if join == "outer":
            return sorted(set().union(*names))
        return [v for v in names[0] if all(v in set(other) for other in names)]

    def matrix(self, join: str, layer: str = "X") -> np.ndarray[Any, Any]:
        """A layer of all rows over the joined variables, 0 where a file lacks a variable or the layer."""
        var = self.var(join)
        parts = []
        for a in self.read:
            if layer != "X" and layer not in a.layers:
                parts.append(np.zeros((a.n_obs, len(var)), dtype=np.float32))
                continue
            x = a.X if layer == "X" else a.layers[layer]
            frame = pd.DataFrame(x.toarray() if issparse(x) else x, columns=a.var_names)
            parts.append(frame.reindex(columns=var, fill_value=0).to_numpy(dtype=x.dtype))
        return np.concatenate(parts)

    def obs(self, key: str) -> list[Any]:
        """A column of all rows; None where it is missing."""
        values: list[Any] = []
        for a in self.read:
            if key in a.obs:
                column = a.obs[key]
                values += [None if gone else v for v, gone in zip(column.tolist(), column.isna(), strict=True)]
            else:
                values += [None] * a.n_obs
        return values

    def categories(self, key: str) -> list[Any]:
        """What an encoder of the column counts through: all declared or occurring labels, sorted."""
        found: set[Any] = set()
        for a in self.read:
            if key in a.obs:
                column = a.obs[key]
                found |= set(column.cat.categories if hasattr(column, "cat") else column.dropna())
        return sorted(found)

    def codes(self, key: str) -> list[int | None]:
        """The column, encoded; None where it is missing."""
        number = {label: i for i, label in enumerate(self.categories(key))}
        return [None if v is None else number[v] for v in self.obs(key)]


def write_files(folder: Path) -> Files:
    """Write three files whose genes, columns and forms differ; the same bytes of data every time."""
    rng = np.random.default_rng(7)
    names = np.array([f"G{i:04d}" for i in range(GENES)])
    paths = []
    for i, (cells, dense) in enumerate([(150, False), (90, True), (60, False)]):
        order = rng.permutation(GENES)[: GENES - 60 * i]
        counts = (rng.random((cells, len(order))) < 0.15) * rng.integers(1, 90, (cells, len(order)))
        x = counts.astype(np.float32) / 8
        kind = pd.Categorical.from_codes(rng.integers(-1 if i == 1 else 0, 4, cells), KINDS)
        obs = pd.DataFrame({"kind": kind}, index=[f"{i}-{j}" for j in range(cells)])
        obs["donor"] = pd.Categorical([f"d{j % 3 + i}" for j in range(cells)])
        obs["depth"] = rng.integers(0, 1 << 40, cells)
        obs["score"] = rng.random(cells).astype(np.float32)
        obs.loc[obs.index[3], "score"] = np.nan
        obs["good"] = rng.random(cells) < 0.5
        obs["note"] = [f"n{j % 7}" for j in range(cells)]
        if i == 0:
            obs["only_first"] = np.arange(cells, dtype=np.int32)
        a = anndata.AnnData(
            X=x if dense else unsorted(csr_matrix(x), rng), obs=obs, var=pd.DataFrame(index=names[order])
        )
        a.layers["counts"] = csr_matrix(counts.astype(np.int32))
        if i != 2:
            a.layers["partial"] = x * 2
        a.obsm["pca"] = rng.random((cells, 5))
        if i == 0:
            a.obsm["first"] = rng.random((cells, 2)).astype(np.float32)
        paths.append(folder / f"part{i}.h5ad")
        a.write_h5ad(paths[-1])
    return Files(paths, [anndata.read_h5ad(p) for p in paths])


def unsorted(matrix: Any, rng: np.random.Generator) -> Any:
    """Store the values of each row in no order."""
    for start, end in zip(matrix.indptr[:-1], matrix.indptr[1:], strict=True):
        p = rng.permutation(end - start)
        matrix.indices[start:end] = matrix.indices[start:end][p]
        matrix.data[start:end] = matrix.data[start:end][p]
    matrix.has_sorted_indices = False
    return matrix
