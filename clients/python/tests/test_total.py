"""Batches of a loader are total: every key, one dtype, and masks that say what is not there."""

from __future__ import annotations

import pickle
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
import pytest
import torch
from scipy.sparse import csr_matrix, issparse

import loaderd

GENES = ["a", "b", "c"]
LABELS = ["B", "NK", "T", "unknown"]
FORMS = [("dense", "torch"), ("dense", "numpy"), ("csr", "torch"), ("csr", "numpy"), ("csr", "scipy")]


@dataclass
class Uneven:
    """Stores of which each lacks something that another has."""

    paths: list[str]
    read: list[Any]
    store: np.ndarray[Any, Any]

    def obs(self, key: str) -> list[Any]:
        """A column of all rows; None where there is no value."""
        found: list[Any] = []
        for a in self.read:
            if key not in a.obs:
                found += [None] * a.n_obs
            else:
                column = a.obs[key]
                found += [None if gone else v for v, gone in zip(column.tolist(), column.isna(), strict=True)]
        return found


@pytest.fixture(scope="module", params=["h5ad", "zarr"])
def uneven(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Uneven:
    folder = tmp_path_factory.mktemp(request.param)
    rng = np.random.default_rng(5)
    read, paths = [], []
    for i, rows in enumerate([5, 0, 4, 3]):
        x = rng.integers(0, 4, (rows, 3)).astype(np.float32)
        a = anndata.AnnData(
            csr_matrix(x) if i % 2 == 0 else x,
            obs=pd.DataFrame(index=[f"{i}-{j}" for j in range(rows)]),
            var=pd.DataFrame(index=GENES),
        )
        labels = rng.integers(-1, 4, rows)
        if i != 3:
            a.obs["label"] = pd.Categorical.from_codes(labels, LABELS)
            a.obs["score"] = rng.random(rows).astype(np.float32)
        if i == 0:
            a.obs["label"] = pd.Categorical.from_codes([0, -1, 3, 2, 1], LABELS)
            a.obs["count"] = np.arange(rows, dtype=np.int16)
            a.layers["extra"] = csr_matrix(x * 2)
            a.obsm["pca"] = rng.random((rows, 2)).astype(np.float32)
            a.obsm["cells"] = rng.integers(0, 9, (rows, 2))
        a.obs["note"] = [f"n{j % 2}" for j in range(rows)] if rows else np.array([], dtype=object)
        a.obs["grade"] = pd.Categorical.from_codes(rng.integers(-1, 2, rows), [3, 7])
        if i in (0, 2):
            raw = ["q", "a", "p"] if i == 0 else ["p", "a"]
            a.raw = anndata.AnnData(rng.integers(1, 9, (rows, len(raw))), obs=a.obs, var=pd.DataFrame(index=raw))
        path = folder / f"u{i}.{request.param}"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            a.write_zarr(path) if request.param == "zarr" else a.write_h5ad(path)
        read.append(a)
        paths.append(str(path))
    return Uneven(paths, read, np.repeat(range(4), [a.n_obs for a in read]))


def dense(x: Any) -> np.ndarray[Any, Any]:
    if isinstance(x, loaderd.CSR):
        x = csr_matrix((x.data, x.indices, x.indptr), x.shape)
    x = x.to_dense() if getattr(x, "layout", None) == torch.sparse_csr else x
    return np.asarray(x.toarray() if hasattr(x, "toarray") else x)


KEYS: dict[str, Any] = {
    "layers_keys": ["X", "extra", "raw.X"],
    "obsm_keys": ["pca", "cells"],
    "obs_keys": ["label", "score", "count", "note", "grade"],
    "encode_labels": ["label"],
    "unknown_label": "unknown",
}


@pytest.mark.parametrize(("form", "to"), FORMS)
def test_every_key_is_in_every_batch_with_one_dtype_and_a_mask_says_what_is_there(
    mapped: Any, uneven: Uneven, form: Any, to: Any
) -> None:
    data = mapped(uneven.paths, **KEYS)
    loader = data.loader(2, shuffle=True, seed=1, format=form, to=to)
    there = {
        "extra": uneven.store == 0,
        "obsm_pca": uneven.store == 0,
        "obsm_cells": uneven.store == 0,
        "raw.X": np.isin(uneven.store, [0, 2]),
        "X": np.ones(12, bool),
        "_store_idx": np.ones(12, bool),
    }
    there |= {key: np.array([v is not None for v in uneven.obs(key)]) for key in KEYS["obs_keys"]}
    dtypes: dict[str, set[str]] = {}
    seen = 0
    for batch in loader:
        seen += len(batch["_idx"])
        rows = np.asarray(batch["_idx"])
        for key, value in batch.items():
            kind = value.data if isinstance(value, loaderd.CSR) else value
            dtypes.setdefault(key, set()).add(str(kind.dtype).removeprefix("torch."))
        for key, wanted in there.items():
            mask = batch.mask[key]
            assert isinstance(mask, torch.Tensor if to == "torch" else np.ndarray)
            assert np.asarray(mask).tolist() == wanted[rows].tolist()
        for key in ("extra", "raw.X", "obsm_cells"):
            assert not dense(batch[key])[~there[key][rows]].any()
        assert np.isnan(dense(batch["obsm_pca"])[~there["obsm_pca"][rows]]).all()
        assert np.isnan(np.asarray(batch["score"])[~there["score"][rows]]).all()
        assert not np.asarray(batch["count"])[~there["count"][rows]].any()
        with pytest.raises(KeyError):
            batch.mask["nothing"]
    assert seen == 12
    assert {key: found for key, found in dtypes.items() if len(found) > 1} == {}
    keys = ["X", "extra", "raw.X", "obsm_pca", "obsm_cells", "label", "score", "count", "note", "grade"]
    assert list(dtypes) == ["_store_idx", *keys, "_idx"]
    assert {dtypes[key].pop() for key in ("label", "_store_idx", "_idx")} == {"int64"}


def test_a_missing_label_is_minus_one_like_the_unknown_one_and_the_mask_tells_them_apart(
    mapped: Any, uneven: Uneven
) -> None:
    data = mapped(uneven.paths, obs_keys="label", unknown_label="unknown")
    loader = data.loader(12, to="numpy")
    (batch,) = loader
    wanted = uneven.obs("label")
    table = loader.encoders["label"]
    assert table == data.encoders["label"] == {"unknown": -1, "B": 0, "NK": 1, "T": 2}
    for code, there, label in zip(batch["label"], batch.mask["label"], wanted, strict=True):
        assert there == (label is not None)
        assert code == (-1 if label is None else table[label])
    assert {(int(c), bool(m)) for c, m in zip(batch["label"], batch.mask["label"], strict=True)} >= {
        (-1, True),
        (-1, False),
    }
    assert loader.categories["label"] == batch.categories["label"] == ("B", "NK", "T")
    assert [None if v != v else v for v in batch.labels("label")] == [
        None if label in (None, "unknown") else label for label in wanted
    ]


def test_raw_is_joined_by_name_in_batches_and_keeps_its_own_columns_in_rows(mapped: Any, uneven: Uneven) -> None:
    for join, names in (("inner", ["a", "p"]), ("outer", ["a", "p", "q"])):
        data = mapped(uneven.paths, layers_keys=["X", "raw.X"], join=join)
        for form, to in FORMS:
            (batch,) = data.loader(12, format=form, to=to)
            found, at = dense(batch["raw.X"]), 0
            for a in uneven.read:
                if a.raw is not None:
                    frame = pd.DataFrame(a.raw.X, columns=a.raw.var_names).reindex(columns=names, fill_value=0)
                    assert np.array_equal(found[at : at + a.n_obs], frame)
                at += a.n_obs
        for i in (0, 4, 5, 8, 1, -1):
            a = uneven.read[uneven.store[i]]
            if a.raw is None:
                assert "raw.X" not in data[i]
            else:
                assert np.array_equal(data[i]["raw.X"], a.raw.X[i if i < 5 else i - 5])
        joined = data.__getitems__([0, 5, 7])
        assert [row["raw.X"].tolist() for row in joined] == found[[0, 5, 7]].tolist()


def test_raw_that_shares_nothing_is_an_error_of_loaders_alone(mapped: Any, uneven: Uneven, tmp_path: Path) -> None:
    a = uneven.read[0].copy()
    a.raw = anndata.AnnData(np.ones((5, 1)), obs=a.obs, var=pd.DataFrame(index=["z"]))
    a.write_h5ad(tmp_path / "other.h5ad")
    data = mapped([uneven.paths[2], tmp_path / "other.h5ad"], layers_keys=["X", "raw.X"])
    assert data[8]["raw.X"].tolist() == [1]
    with pytest.raises(loaderd.NoSharedVars, match="outer"):
        data.loader()


@pytest.mark.parametrize("to", ["torch", "numpy", "scipy"])
def test_text_comes_as_codes_with_a_table_and_as_objects_on_request(mapped: Any, uneven: Uneven, to: Any) -> None:
    data = mapped(uneven.paths, obs_keys=["label", "note", "grade"], encode_labels=False)
    loader = data.loader(5, to=to)
    found: list[Any] = []
    for batch in loader:
        codes = np.asarray(batch["label"])
        assert codes.dtype == np.int32
        assert isinstance(batch["label"], torch.Tensor if to == "torch" else np.ndarray)
        assert batch.categories == loader.categories == {"label": tuple(LABELS), "note": ("n0", "n1")}
        assert (codes[~np.asarray(batch.mask["label"])] == -1).all()
        categorical = pd.Categorical.from_codes(codes, batch.categories["label"])
        assert categorical.tolist() == pytest.approx(batch.labels("label").tolist(), nan_ok=True)
        found += [None if v != v else v for v in categorical.tolist()]
        with pytest.raises(loaderd.UnknownKey, match="'grade' holds no codes"):
            batch.labels("grade")
        again = pickle.loads(pickle.dumps(batch))
        assert again.categories == batch.categories
        assert np.asarray(again.mask["note"]).all()
        assert batch.copy().categories is batch.categories
        labels = batch.labels("label").tolist()
        assert batch.to_arrow()["label"].to_pylist() == [None if v != v else v for v in labels]
    assert found == uneven.obs("label")
    objects = list(data.loader(5, to=to, strings="objects"))
    assert type(objects[0]["label"]) is (list if to == "torch" else np.ndarray)
    values = [v for batch in objects for v in batch["label"]]
    assert [None if v != v else v for v in values] == uneven.obs("label")
    assert objects[0].categories == {}
    assert data.loader(5, strings="objects").categories == {}
    with pytest.raises(loaderd.InvalidArgument, match="'codes' or 'objects'"):
        data.loader(strings="object")


def test_rows_keep_their_strings(mapped: Any, uneven: Uneven) -> None:
    data = mapped(uneven.paths, obs_keys=["note"], encode_labels=False)
    assert data[0]["note"] == "n0"
    loader = torch.utils.data.DataLoader(data, batch_size=3)
    assert next(iter(loader))["note"] == ["n0", "n1", "n0"]


def test_masks_go_along_with_a_batch_that_is_moved(mapped: Any, uneven: Uneven) -> None:
    (batch,) = mapped(uneven.paths, obs_keys=["label", "note"]).loader(12, to="torch")
    moved = batch.to("cpu")
    assert moved.mask["note"].all()
    assert moved.mask["label"].tolist() == batch.mask["label"].tolist()
    assert moved.categories is batch.categories
    assert "note" not in batch.mask


def test_obsm_of_unequal_widths_is_an_error_when_the_loader_is_made(mapped: Any, tmp_path: Path) -> None:
    for i in (1, 2):
        a = anndata.AnnData(np.ones((2, 1), dtype=np.float32), obsm={"pca": np.ones((2, i))})
        a.write_h5ad(tmp_path / f"{i}.h5ad")
    data = mapped(str(tmp_path / "*.h5ad"), obsm_keys="pca")
    assert [data[i]["obsm_pca"].shape for i in (0, 3)] == [(1,), (2,)]
    with pytest.raises(loaderd.InvalidArgument, match="has 1 columns and"):
        data.loader(format="csr")


def test_the_fixture_has_what_the_tests_are_about(uneven: Uneven) -> None:
    assert [a.n_obs for a in uneven.read] == [5, 0, 4, 3]
    assert sum(issparse(a.X) for a in uneven.read) == 2
