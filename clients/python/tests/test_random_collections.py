"""Random collections, in every form, through the daemon: all is as the plain model has it."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import zarr

import loaderd
from conftest import ROOT
from plain import Plain

sys.path.insert(0, str(ROOT / "testdata" / "reference"))

import refobserve
import refstores

STORES = 14
ROUNDS = 120
GENES = [f"g{i}" for i in range(8)]
NUMBERS = ["depth", "score", "flag"]
TEXTS = ["kind", "note"]


def matrix(rng: np.random.Generator, rows: int, cols: int) -> Any:
    """Make a matrix of any form and type."""
    dtype = rng.choice(["f4", "f8", "i2", "i8", "u1", "bool"])
    x = np.where(rng.random((rows, cols)) < 0.5, rng.integers(0, 100, (rows, cols)), 0).astype(dtype)
    form = rng.choice(["dense", "csr", "csc"]) if rows and cols else "dense"
    return x if form == "dense" else sp.csr_matrix(x) if form == "csr" else sp.csc_matrix(x)


def text_column(rng: np.random.Generator, rows: int) -> Any:
    """Make a column of text of any kind."""
    labels = np.array(["B", "T", "é", "nan", "", "NK"], dtype=object)
    values = rng.choice(labels, rows) if rows else np.array([], dtype=object)
    gone = rng.random(rows) < 0.3
    kind = rng.integers(3)
    if kind == 0:
        return values
    if kind == 1:
        return pd.array([None if g else v for v, g in zip(values, gone, strict=True)], dtype="string")
    return pd.Categorical(
        [None if g else v for v, g in zip(values, gone, strict=True)], categories=rng.permutation(labels)
    )


def number_column(rng: np.random.Generator, rows: int) -> Any:
    """Make a column of numbers of any kind."""
    values = rng.integers(0, 5, rows)
    gone = rng.random(rows) < 0.3
    kind = rng.integers(7)
    if kind == 0:
        return np.where(gone, np.nan, values / 2).astype(rng.choice(["f4", "f8"]))
    if kind == 1:
        return pd.array([None if g else int(v) for v, g in zip(values, gone, strict=True)], dtype="Int16")
    if kind == 2:
        return pd.Categorical(np.where(gone, -1, values), categories=[4, 3, 2, 1, 0])
    if kind == 3:
        return pd.Categorical(
            [None if g else v / 4 for v, g in zip(values, gone, strict=True)], categories=[0.0, 0.25, 0.5, 0.75, 1.0]
        )
    if kind == 4:
        return values % 2 == 0
    return values.astype(rng.choice(["i1", "i4", "i8", "u2"]))


def store(rng: np.random.Generator, number: int) -> Any:
    """Make a store that lacks this and that."""
    rows, names = int(rng.choice([0, 1, 3, 6])), rng.permutation(GENES)[: rng.integers(3, 9)].tolist()
    if rng.random() < 0.3:
        names = GENES
    obs = {key: number_column(rng, rows) for key in NUMBERS if rng.random() < 0.75}
    obs |= {key: text_column(rng, rows) for key in TEXTS if rng.random() < 0.75}
    made = refstores.anndata(f"c{number}_", matrix(rng, rows, len(names)), names, obs)
    if rng.random() < 0.6:
        made.layers["counts"] = matrix(rng, rows, len(names))
    if rng.random() < 0.6:
        made.obsm["pca"] = np.asarray(rng.random((rows, 2)), rng.choice(["f4", "f8"]))
    if rng.random() < 0.5:
        width = int(rng.integers(1, 4))
        raw = sp.csr_matrix(rng.integers(0, 3, (rows, width)).astype("f4"))
        made.raw = refstores.anndata(f"c{number}_", raw, [f"r{i}" for i in rng.permutation(4)[:width]])
    return made


def case(rng: np.random.Generator, read: dict[Path, Any]) -> tuple[list[Path], dict[str, Any]]:
    """Choose stores, options and what to look at."""
    paths = [list(read)[i] for i in rng.integers(0, len(read), rng.integers(1, 4))]
    some = [read[path] for path in paths]

    def those(keys: list[str], have: Any) -> list[str]:
        return [k for k in keys if any(k in have(a) for a in some) and rng.random() < 0.6]

    columns = those(NUMBERS + TEXTS, lambda a: a.obs)
    kwargs: dict[str, Any] = {
        "layers_keys": ["X"] * int(rng.integers(2))
        + those(["counts"], lambda a: a.layers)
        + those(["raw.X"], lambda a: ["raw.X"] * bool(a.raw)),
        "obsm_keys": those(["pca"], lambda a: a.obsm),
        "obs_keys": columns,
        "join": [None, "inner", "outer"][rng.integers(3)],
        "encode_labels": [True, False, columns[:1]][rng.integers(3)],
    }
    if rng.random() < 0.3:
        kwargs["unknown_label"] = str(rng.choice(["T", "nan", "nobody"]))
    if rng.random() < 0.2:
        kwargs["dtype"] = str(rng.choice(["float32", "float64", "int32"]))
    if rng.random() < 0.5:
        values: dict[str, list[Any]] = {
            "text": ["B", "é", "nan", {"NaN!": 0}],
            "number": [0, 1.0, 0.5, True, {"NaN!": 0}],
        }
        kwargs["obs_filter"] = {
            str(k): [values["text" if k in TEXTS else "number"][i] for i in rng.integers(0, 4, rng.integers(1, 4))]
            for k in rng.choice(NUMBERS + TEXTS, rng.integers(1, 3), replace=False)
        }
    there = those(NUMBERS + TEXTS, lambda a: a.obs)
    weights = [[k] for k in there] + ([[there, 2.0], [there, None, True]] if there else [])
    return paths, {"kwargs": kwargs, "labels": there, "weights": weights, "aligned": [GENES]}


@pytest.fixture(scope="session")
def zarr_runs() -> None:
    """Let zarr start its event loop, whose sockets stay, before the census of a test begins."""
    zarr.create_array(store={}, shape=1, dtype="i1")


@pytest.mark.parametrize("form", ["h5", "z3"])
def test_random_collections_are_as_the_plain_model_has_them(
    zarr_runs: None, daemon: Any, tmp_path: Path, form: str
) -> None:
    rng = np.random.default_rng(5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what the libraries have to say to each other
        read = {tmp_path / (f"s{i}" + refstores.FORMS[form]): store(rng, i) for i in range(STORES)}
        for path, adata in read.items():
            refstores.write(path, adata, form)
    opened = 0
    for i in range(ROUNDS):
        paths, what = case(rng, read)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            wanted = refobserve.observe(Plain, what, paths)
            found = refobserve.observe(loaderd.mapped, what, [str(path) for path in paths])
        opened += wanted["open"] is None
        for step in wanted | found:
            one, other = wanted.get(step), found.get(step)
            both_fail = all(isinstance(it, list) and it[:1] == ["error"] for it in (one, other))
            assert both_fail or one == other, f"round {i}, {step}: {one} is wanted, not {other}; {what} {paths}"
    assert opened > ROUNDS * 0.8
