"""Every value that comes out is the one that anndata reads."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

import loaderd

LARGE = 300  # rows of a batch whose X is above 64 KiB


def collect(loader: Any) -> dict[str, Any]:
    """Put the batches of one epoch together, in the order of the rows."""
    batches = list(loader)
    found = {}
    for key in batches[0]:
        parts = [b[key].to_dense() if getattr(b[key], "layout", None) == torch.sparse_csr else b[key] for b in batches]
        parts = [p.toarray() if hasattr(p, "toarray") else np.asarray(p) for p in parts]
        found[key] = np.concatenate(parts)
    for key in batches[0].mask:
        found["mask:" + key] = np.concatenate([np.asarray(b.mask[key]) for b in batches])
    order = np.argsort(found["_idx"])
    return {key: value[order] for key, value in found.items()}


@pytest.mark.parametrize("join", ["inner", "outer"])
@pytest.mark.parametrize(("form", "to"), [("dense", "torch"), ("dense", "numpy"), ("csr", "torch"), ("csr", "scipy")])
@pytest.mark.parametrize("batch_size", [13, LARGE], ids=["small batches, copied", "large batches, viewed"])
def test_matrices_are_those_of_the_files(
    mapped: Any, files: Any, join: Any, form: Any, to: Any, batch_size: int
) -> None:
    data = mapped(layers_keys=["X", "counts"], join=join)
    found = collect(data.loader(batch_size, shuffle=True, seed=3, format=form, to=to))
    assert (found["_idx"] == np.arange(files.n_obs)).all()
    assert (found["_store_idx"] == files.store).all()
    for layer in ("X", "counts"):
        wanted = files.matrix(join, layer)
        assert found[layer].dtype == wanted.dtype
        assert np.array_equal(found[layer], wanted)


def test_csr_for_numpy_is_three_arrays_with_ascending_columns(mapped: Any, files: Any) -> None:
    wanted = files.matrix("inner")
    for batch in mapped().loader(64, format="csr", to="numpy"):
        x = batch["X"]
        assert isinstance(x, loaderd.CSR)
        assert x.shape == (len(batch["_idx"]), wanted.shape[1])
        assert (x.indptr.dtype, x.indices.dtype) == (np.dtype("int32"), np.dtype("int32"))
        for i, row in enumerate(batch["_idx"]):
            columns = x.indices[x.indptr[i] : x.indptr[i + 1]]
            assert (np.diff(columns) > 0).all()
            assert np.array_equal(columns, np.flatnonzero(wanted[row]))
            assert np.array_equal(x.data[x.indptr[i] : x.indptr[i + 1]], wanted[row][columns])


def test_var_joint_and_shapes(mapped: Any, files: Any) -> None:
    for join in ("inner", "outer"):
        data = mapped(join=join)
        assert isinstance(data.var_joint, pd.Index)
        assert list(data.var_joint) == files.var(join)
        assert data.shape == (files.n_obs, len(files.var(join)))
        assert data.n_obs_list == [a.n_obs for a in files.read]
        assert data.n_vars_list == [a.n_vars for a in files.read]
        assert data.original_shapes == [a.shape for a in files.read]
    assert len(data) == files.n_obs


def test_one_file_keeps_its_own_order_of_variables_and_no_join_has_no_names(mapped: Any, files: Any) -> None:
    one = mapped(files.paths[1])
    assert list(one.var_joint) == list(files.read[1].var_names)
    assert np.array_equal(one[7]["X"], files.read[1].X[7])
    plain = mapped(files.paths[1], join=None)
    assert (plain.var_joint, plain.n_vars, plain.n_vars_list) == (None, None, None)
    assert np.array_equal(plain[7]["X"], files.read[1].X[7])


def test_labels_are_encoded_as_int64_with_one_code_for_all_files(mapped: Any, files: Any) -> None:
    data = mapped(obs_keys=["kind", "donor", "note"])
    found = collect(data.loader(50, to="torch"))
    for key in ("kind", "donor", "note"):
        assert data.encoders[key] == {label: i for i, label in enumerate(files.categories(key))}
        assert found[key].dtype == np.int64
        assert found[key].tolist() == [-1 if c is None else c for c in files.codes(key)]
    assert found["mask:kind"].tolist() == [v is not None for v in files.obs("kind")]
    assert "mask:donor" not in found


def test_the_unknown_label_is_minus_one_and_present(mapped: Any, files: Any) -> None:
    data = mapped(obs_keys=["kind"], unknown_label="unknown")
    assert data.encoders["kind"]["unknown"] == -1
    known = [c for c in files.categories("kind") if c != "unknown"]
    assert {k: v for k, v in data.encoders["kind"].items() if v >= 0} == {label: i for i, label in enumerate(known)}
    found = collect(data.loader(50))
    wanted = [-1 if v is None or v == "unknown" else known.index(v) for v in files.obs("kind")]
    assert found["kind"].tolist() == wanted
    assert found["mask:kind"].tolist() == [v is not None for v in files.obs("kind")]


@pytest.mark.parametrize("to", ["torch", "numpy"])
def test_labels_that_are_not_encoded_come_as_they_are(mapped: Any, files: Any, to: Any) -> None:
    keys = ["kind", "depth", "score", "good", "note"]
    data = mapped(obs_keys=keys, encode_labels=False)
    assert data.encoders == {}
    found = collect(data.loader(70, shuffle=True, seed=1, to=to, strings="objects"))
    dtypes = {"depth": np.int64, "score": np.float32, "good": np.bool_}
    for key in keys:
        for value, wanted in zip(found[key].tolist(), files.obs(key), strict=True):
            gone = isinstance(value, float) and math.isnan(value)
            assert (gone or value == "nan") if wanted is None else value == wanted
        if key in dtypes:
            assert found[key].dtype == dtypes[key]


def test_labels_for_torch_are_a_list_and_for_numpy_an_object_array(mapped: Any) -> None:
    data = mapped(obs_keys="kind", encode_labels=False)
    as_list = next(iter(data.loader(5, to="torch", strings="objects")))["kind"]
    as_array = next(iter(data.loader(5, to="numpy", strings="objects")))["kind"]
    assert isinstance(as_list, list)
    assert as_array.dtype == object
    assert as_array.tolist() == as_list


def test_obsm_and_what_a_file_lacks(mapped: Any, files: Any) -> None:
    data = mapped(
        layers_keys=["X", "partial"], obsm_keys=["pca", "first"], obs_keys=["only_first"], encode_labels=False
    )
    found = collect(data.loader(40, shuffle=True, seed=2))
    first = files.store == 0
    assert found["obsm_pca"].dtype == np.float64
    assert np.array_equal(found["obsm_pca"], np.concatenate([a.obsm["pca"] for a in files.read]))
    assert np.array_equal(found["obsm_first"][first], files.read[0].obsm["first"])
    assert np.isnan(found["obsm_first"][~first]).all()
    assert np.array_equal(found["partial"], files.matrix("inner", "partial"))
    assert found["only_first"][first].tolist() == files.read[0].obs["only_first"].tolist()
    assert (found["mask:obsm_first"] == first).all()
    assert (found["mask:only_first"] == first).all()
    assert (found["mask:partial"] == (files.store != 2)).all()


@pytest.mark.parametrize("dtype", ["float64", np.float16, torch.int32], ids=str)
def test_dtype_is_cast_as_numpy_casts(mapped: Any, files: Any, dtype: Any) -> None:
    wanted = files.matrix("inner").astype(str(dtype).removeprefix("torch.") if "torch" in str(dtype) else dtype)
    row = mapped(dtype=dtype)[5]["X"]
    assert row.dtype == wanted.dtype
    assert np.array_equal(row, wanted[5])
    found = collect(mapped().loader(100, dtype=dtype))
    assert found["X"].dtype == wanted.dtype
    assert np.array_equal(found["X"], wanted)


def test_rows_are_dicts_as_the_reference_gives_them(mapped: Any, files: Any) -> None:
    data = mapped(
        layers_keys=["X", "partial"],
        obsm_keys="first",
        obs_keys=["kind", "depth", "note", "only_first", "score"],
        encode_labels=["kind"],
    )
    x, codes = files.matrix("inner"), files.codes("kind")
    for i in [0, 3, 149, 150, 200, 239, 240, 299, -1, -300, np.int32(5), torch.tensor(7)]:
        row, n = data[i], int(i) % files.n_obs
        store = files.store[n]
        wanted = ["_store_idx", "X", "partial", "obsm_first", "kind", "depth", "note", "only_first", "score"]
        left_out = {0: [], 1: ["obsm_first", "only_first"], 2: ["partial", "obsm_first", "only_first"]}[store]
        assert type(row) is dict
        assert list(row) == [key for key in wanted if key not in left_out]
        assert type(row["_store_idx"]) is np.int64
        assert row["_store_idx"] == store
        assert row["X"].shape == x[n].shape
        assert np.array_equal(row["X"], x[n])
        assert math.isnan(row["kind"]) if codes[n] is None else row["kind"] == codes[n]
        assert type(row["kind"]) is (float if codes[n] is None else int)
        assert type(row["depth"]) is np.int64
        assert row["depth"] == files.obs("depth")[n]
        assert (type(row["note"]), row["note"]) == (str, files.obs("note")[n])
        score = files.obs("score")[n]
        assert math.isnan(row["score"]) if score is None else row["score"] == np.float32(score)


def test_to_arrow_has_the_same_values_and_nulls_where_masked(mapped: Any, files: Any) -> None:
    data = mapped(obs_keys=["kind", "good"], encode_labels=["kind"], obsm_keys="first")
    for form in ("dense", "csr"):
        (batch,) = data.loader(LARGE, format=form)
        record = batch.to_arrow()
        assert record.schema.names == list(batch)
        assert record.num_rows == LARGE
        assert record["kind"].to_pylist() == files.codes("kind")
        assert record["good"].to_pylist() == files.obs("good")
        assert record["obsm_first"].null_count == (files.store != 0).sum()
        x = files.matrix("inner")
        if form == "dense":
            assert np.array_equal(np.stack(record["X"].to_numpy(zero_copy_only=False)), x)
        else:
            assert record["X"][4].as_py() == [{"column": j, "value": x[4, j]} for j in np.flatnonzero(x[4])]


def test_rows_of_files_that_are_not_joined_have_their_own_width(mapped: Any, files: Any) -> None:
    data = mapped(files.paths, join=None)
    first = 0
    for k, adata in enumerate(files.read):
        for i in (0, adata.n_obs - 1):
            row = data[first + i]
            assert row["_store_idx"] == k
            x = adata.X[[i]]
            assert np.array_equal(row["X"], np.asarray(x.toarray() if hasattr(x, "toarray") else x)[0])
        rows = data.__getitems__([first, first + 1])
        assert [r["X"].shape for r in rows] == [(adata.n_vars,)] * 2
        first += adata.n_obs
