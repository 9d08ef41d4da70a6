"""Files with labels of every kind, and what a filter and a label are by pandas."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
from scipy.sparse import random as random_sparse

COLUMNS = ["kind", "text", "count", "score", "good", "grade", "flag", "nullable", "n_counts"]


def frame(seed: int, rows: int) -> Any:
    """Make an obs with a column of each kind that anndata writes; some labels are missing."""
    rng = np.random.default_rng(seed)
    obs = pd.DataFrame(index=[f"cell{seed}_{i}" for i in range(rows)])
    kind = pd.Series(pd.Categorical(rng.choice(["B", "T", "nan"], rows), ["T", "B", "nan", "unused"]), index=obs.index)
    kind[rng.random(rows) < 0.2] = np.nan
    obs["kind"] = kind
    obs["text"] = rng.choice(["u", "v", "3"], rows).astype(object)
    obs["count"] = rng.integers(0, 4, rows).astype([np.int64, np.int32][seed % 2])
    obs["score"] = rng.choice([0.1, 0.5, 2.0, np.nan], rows).astype([np.float32, np.float64][seed % 2])
    obs["good"] = rng.random(rows) < 0.5
    obs["grade"] = pd.Categorical(rng.choice([1, 2, 10], rows), [1, 2, 10])
    obs["flag"] = pd.Categorical(rng.choice([True, False], rows), [False, True])
    nullable = pd.Series(rng.integers(0, 3, rows), index=obs.index, dtype="Int64")
    nullable[rng.random(rows) < 0.3] = pd.NA
    obs["nullable"] = nullable
    obs["n_counts"] = rng.integers(0, 1000, rows)
    return obs


def write(folder: Path, form: str, frames: list[Any]) -> list[str]:
    """Write a file for each frame, ``form`` being "h5ad" or "zarr"."""
    paths = []
    for i, obs in enumerate(frames):
        x = random_sparse(len(obs), 4, density=0.6, format="csr", random_state=i, dtype=np.float32)
        data = anndata.AnnData(x, obs=obs, var=pd.DataFrame(index=list("abcd")))
        path = folder / f"{i}.{form}"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of formats to come
            (data.write_h5ad if form == "h5ad" else data.write_zarr)(path)
        paths.append(str(path))
    return paths


def isin(obs: Any, key: str, values: list[Any]) -> np.ndarray[Any, Any]:
    """Say which rows have one of the values; None and NaN stand for missing ones."""
    if key not in obs:
        return np.zeros(len(obs), dtype=bool)
    missing = obs[key].isna().to_numpy()
    labels = [None if gone else v for v, gone in zip(obs[key].tolist(), missing, strict=True)]
    wanted = [v for v in values if not pd.isna(v)]
    found = np.array([any(v is not None and v == w for w in wanted) for v in labels], dtype=bool)
    return found | missing if len(wanted) < len(values) else found


def labels(frames: list[Any], key: str) -> list[Any]:
    """List the labels of all rows; None for a missing one, also of a frame without the column."""
    out: list[Any] = []
    for obs in frames:
        if key not in obs:
            out += [None] * len(obs)
        else:
            out += [None if gone else v for v, gone in zip(obs[key].tolist(), obs[key].isna(), strict=True)]
    return out
