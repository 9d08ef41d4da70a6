"""``mapped.obs`` and ``mapped.to_adata`` beside what anndata makes of the same files."""

from __future__ import annotations

import builtins
import pickle
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix, issparse

import loaderd

Make = Callable[..., loaderd.MappedCollection]


def one(seed: int, genes: range, n: int, **obs: Any) -> anndata.AnnData:
    rng = np.random.default_rng(seed)
    counts = rng.poisson(0.7, (n, len(genes))).astype(np.float32)
    frame = pd.DataFrame(
        {
            "type": pd.Categorical(rng.choice(["T", "B", None], n), categories=["T", "B"]),
            "batch": pd.Categorical([f"b{seed}"] * n),
            "text": np.array(rng.choice(["x", "é", ""], n), dtype=object),
            "count": rng.integers(0, 9, n),
            "score": np.where(rng.random(n) < 0.3, np.nan, rng.random(n)),
            "good": rng.random(n) < 0.5,
            "maybe": pd.array(rng.choice([1, 2, None], n), dtype="Int64"),
            "perhaps": pd.array(rng.choice([True, False, None], n), dtype="boolean"),
        }
        | obs,
        index=[f"cell{i}" for i in range(n)],  # the same in all files
    )
    var = pd.DataFrame(index=[f"g{g}" for g in genes])
    made = anndata.AnnData(csr_matrix(counts), obs=frame, var=var)
    made.raw = made.copy()
    made.layers["twice"] = csr_matrix(counts * 2)
    made.obsm["X_pca"] = rng.random((n, 3))
    return made


@pytest.fixture
def several(tmp_path: Path) -> tuple[list[str], list[anndata.AnnData]]:
    """Files, and what anndata reads of them."""
    paths, found = [], []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for seed, genes, n in ((1, range(8), 7), (2, range(2, 11), 5), (3, range(1, 9), 6)):
            extra = {"only": np.arange(n), "label": pd.Categorical(["l"] * n), "yes": [True] * n} if seed == 2 else {}
            paths.append(str(tmp_path / f"{seed}.h5ad"))
            one(seed, genes, n, **extra).write_h5ad(paths[-1])
            found.append(anndata.read_h5ad(paths[-1]))
    return paths, found


def concat(found: list[anndata.AnnData], join: Any) -> anndata.AnnData:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return anndata.concat(found, join=join)


def equal_frames(ours: pd.DataFrame, theirs: pd.DataFrame) -> None:
    assert list(ours.columns) == list(theirs.columns)
    assert list(ours.index) == list(theirs.index)
    for key in theirs:
        a, b = ours[key].reset_index(drop=True), theirs[key].reset_index(drop=True)
        if a.dtype != b.dtype:  # text: pandas 3 has a dtype of its own
            if not len(b) and b.dtype == np.float64:
                continue  # what pandas makes of a column of no rows that some parts lack; ours is that of all rows
            assert not isinstance(b.dtype, pd.CategoricalDtype)
            assert not pd.api.types.is_numeric_dtype(b.dtype), key
            a, b = a.astype(object), b.astype(object)
        pd.testing.assert_series_equal(a, b, check_categorical=True)


def same_matrix(ours: Any, theirs: Any) -> None:
    assert ours.dtype == theirs.dtype
    np.testing.assert_array_equal(ours.toarray(), theirs.toarray())


@pytest.mark.parametrize("join", ["inner", "outer"])
@pytest.mark.parametrize(
    "indices",
    [
        pytest.param(None, id="all rows"),
        pytest.param([17, 0, 8, 8, -2, 3], id="rows in any order and twice"),
        pytest.param(np.arange(18) % 3 == 0, id="a mask"),
        pytest.param([], id="no row"),
    ],
)
def test_rows_are_those_of_anndata_concat(
    mapped: Make, several: tuple[list[str], list[anndata.AnnData]], join: Any, indices: Any
) -> None:
    paths, found = several
    one = mapped(paths, layers_keys=["X", "twice"], obsm_keys=["X_pca"], obs_keys=["type"], join=join)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that names of observations are not unique
        ours = one.to_adata(indices, raw=True)
    theirs = concat(found, join)
    order = theirs.var_names if join == "inner" else theirs.var_names.sort_values()  # ours are sorted
    assert list(ours.var_names) == list(order if join == "outer" else one.var_joint)
    at = np.arange(18) if indices is None else np.asarray(indices)
    at = np.flatnonzero(at) if at.dtype == bool else at.astype(int)
    theirs = theirs[at, ours.var_names]
    assert issparse(ours.X)
    same_matrix(ours.X, theirs.X)
    same_matrix(ours.layers["twice"], theirs.layers["twice"])
    np.testing.assert_array_equal(ours.obsm["X_pca"], theirs.obsm["X_pca"])
    joined = theirs.obs if join == "outer" else theirs.obs[[c for c in ours.obs if c in theirs.obs]]
    equal_frames(ours.obs, joined)
    assert list(ours.var.columns) == []
    assert dict(ours.uns) == {}
    raw = concat([f.raw.to_adata() for f in found], join)
    same_matrix(ours.raw.X, raw[at, ours.raw.var_names].X)


def test_obs_has_the_columns_asked_for_as_labels(
    mapped: Make, several: tuple[list[str], list[anndata.AnnData]]
) -> None:
    paths, found = several
    theirs = concat(found, "outer").obs
    one = mapped(paths, obs_keys=["type", "only", "count"])
    equal_frames(one.obs, theirs[["type", "only", "count"]])
    equal_frames(one.get_obs(), theirs)
    equal_frames(one.get_obs("score"), theirs[["score"]])
    equal_frames(one.get_obs(["text", "perhaps"], [5, 17, 5]), theirs[["text", "perhaps"]].iloc[[5, 17, 5]])
    changed = one.obs
    changed.loc[:, "count"] = 99
    equal_frames(one.obs[["count"]], theirs[["count"]])
    assert list(mapped(paths).obs.columns) == []
    assert list(mapped(paths).obs.index) == list(theirs.index)


def test_obs_follows_the_filter(mapped: Make, several: tuple[list[str], list[anndata.AnnData]]) -> None:
    paths, found = several
    theirs = concat(found, "outer").obs
    kept = (theirs["type"] == "T").to_numpy()
    one = mapped(paths, obs_filter={"type": "T"}, obs_keys=["batch"])
    equal_frames(one.get_obs(["count", "batch"]), theirs.loc[kept, ["count", "batch"]])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ours = one.to_adata()
    same_matrix(ours.X, concat(found, "inner")[np.flatnonzero(kept), ours.var_names].X)


def test_a_column_that_no_file_has_is_named(mapped: Make, several: tuple[list[str], list[anndata.AnnData]]) -> None:
    with pytest.raises(loaderd.UnknownKey, match="score"):
        mapped(several[0]).get_obs("scores")


def test_nothing_per_cell_is_kept_or_pickled_until_asked_for(
    mapped: Make, several: tuple[list[str], list[anndata.AnnData]]
) -> None:
    one = mapped(several[0], obs_keys=["type"])
    before = len(pickle.dumps(one))
    assert one._obs is None
    assert len(one.obs) == 18
    assert len(pickle.dumps(one)) == before
    again = pickle.loads(pickle.dumps(one))
    assert len(again.obs) == 18
    again.close()


def test_without_a_join_variables_have_no_names(mapped: Make, several: tuple[list[str], list[anndata.AnnData]]) -> None:
    with pytest.raises(loaderd.Unsupported, match='join="inner"'):
        mapped(several[0], join=None).to_adata()


@pytest.mark.parametrize(("call", "package"), [("get_obs", "pandas"), ("to_adata", "anndata")])
def test_a_package_that_is_not_there_is_named_with_the_extra(
    mapped: Make,
    several: tuple[list[str], list[anndata.AnnData]],
    monkeypatch: pytest.MonkeyPatch,
    call: str,
    package: str,
) -> None:
    real = loaderd._obs.importlib.import_module  # type: ignore[attr-defined]

    def without(name: str, *rest: Any) -> Any:
        if name.partition(".")[0] == package:
            raise builtins.ImportError(name)
        return real(name, *rest)

    one = mapped(several[0])
    monkeypatch.setattr("loaderd._obs.importlib.import_module", without)
    with pytest.raises(ImportError, match=rf"{call} needs {package}: pip install 'loaderd\[anndata\]'"):
        getattr(one, call)()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_halves_come_as_float32(several: Any, mapped: Callable[..., Any], dtype: str) -> None:
    paths, _ = several
    pytest.importorskip("torch")
    whole = mapped(paths, join="outer", obsm_keys=["X_pca"]).to_adata([0, 3])
    half = mapped(paths, join="outer", obsm_keys=["X_pca"], dtype=dtype).to_adata([0, 3])
    assert half.X.dtype == half.obsm["X_pca"].dtype == np.float32
    np.testing.assert_allclose(half.X.toarray(), whole.X.toarray(), rtol=1e-2)


def test_a_closed_collection_has_no_obs(several: Any, mapped: Callable[..., Any]) -> None:
    one = mapped(several[0], obs_keys=["type"])
    one.close()
    for ask in (lambda: one.get_obs(), lambda: one.to_adata(), lambda: one.get_merged_labels("type")):
        with pytest.raises(loaderd.Closed):
            ask()


def test_a_sparse_half_is_refused_for_scipy_and_says_why(mapped: Callable[..., Any]) -> None:
    loader = mapped().loader(2, format="csr", to="scipy", dtype="float16")
    with pytest.raises(loaderd.InvalidArgument, match="scipy has no sparse float16"):
        next(iter(loader))
