"""Transforms of layers, compared with scanpy's formulas on the files as anndata reads them."""

from __future__ import annotations

import math
import pickle
import warnings
from typing import Any

import anndata
import numpy as np
import pandas as pd
import pytest
import torch
from scipy.sparse import csc_matrix, csr_matrix, issparse

import loaderd
from loaderd import _rows
from loaderd import transforms as tf


def whole(files: Any, join: str, layer: str, change: Any = None) -> np.ndarray[Any, Any]:
    """All rows over the joined genes, after ``change`` of each file's own matrix (float64)."""
    var, parts = files.var(join), []
    for a in files.read:
        x = a.X if layer == "X" else a.layers[layer]
        x = np.asarray(x.toarray() if issparse(x) else x, dtype=np.float64)
        frame = pd.DataFrame(x if change is None else change(x), columns=a.var_names)
        parts.append(frame.reindex(columns=var, fill_value=0).to_numpy())
    return np.concatenate(parts)


def normalized(x: np.ndarray[Any, Any], target: float) -> np.ndarray[Any, Any]:
    """``scanpy.pp.normalize_total``."""
    totals = x.sum(axis=1, keepdims=True)
    totals = totals / target
    return x / np.where(totals == 0, 1, totals)


def scaled(x: np.ndarray[Any, Any], limit: float | None = None, center: bool = True) -> np.ndarray[Any, Any]:
    """``scanpy.pp.scale``: variances are of the sample."""
    std = x.std(axis=0, ddof=1)
    std[std == 0] = 1
    x = (x - x.mean(axis=0)) / std if center else x / std
    return x if limit is None else np.clip(x, -limit, limit) if center else np.minimum(x, limit)


def everything(data: Any, key: str = "X", form: str = "dense", **options: Any) -> np.ndarray[Any, Any]:
    (batch,) = data.loader(data.n_obs, format=form, to="scipy", **options)
    return np.asarray(batch[key].toarray() if issparse(batch[key]) else batch[key])


def close(found: Any, wanted: Any) -> None:
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, wanted, rtol=3e-6, atol=3e-6)


LOG = [tf.normalize_total(1e4), tf.log1p()]


@pytest.mark.parametrize("form", ["dense", "csr"])
@pytest.mark.parametrize("join", ["inner", "outer"])
@pytest.mark.parametrize("layer", ["X", "counts"], ids=["float32, sparse and dense", "int32 counts"])
def test_log_normalised_cells_are_scanpys_over_all_genes_of_their_file(
    mapped: Any, files: Any, form: str, join: str, layer: str
) -> None:
    steps = [tf.normalize_total(1e4, on=layer), tf.log1p(on=layer)]
    data = mapped(layers_keys=[layer], join=join, transforms=steps)
    wanted = whole(files, join, layer, lambda x: np.log1p(normalized(x, 1e4)))
    close(everything(data, layer, form), wanted)
    close(data[7][layer], wanted[7])
    rows = data.__getitems__([3, 250])
    close(rows[1][layer], wanted[250])


def test_over_joined_the_total_is_of_the_genes_that_are_left(mapped: Any, files: Any) -> None:
    data = mapped(transforms=[tf.normalize_total(50, over="joined")])
    close(everything(data), normalized(whole(files, "inner", "X"), 50))


@pytest.mark.parametrize(
    ("step", "wanted", "sparse"),
    [
        (tf.log1p(base=2), lambda x: np.log2(1 + x), True),
        (tf.clip(max=3), lambda x: np.clip(x, None, 3), True),
        (tf.clip(min=1.5), lambda x: np.clip(x, 1.5, None), False),
        (tf.binarize(), lambda x: x > 0, True),
        (tf.binarize(4.5), lambda x: x > 4.5, True),
        (tf.binarize(-1), lambda x: x > -1, False),
    ],
    ids=str,
)
def test_a_step_is_numpys_and_csr_is_given_where_zeros_stay(
    mapped: Any, files: Any, step: Any, wanted: Any, sparse: bool
) -> None:
    data = mapped(join="outer", transforms=[step])
    close(everything(data), wanted(whole(files, "outer", "X")))
    if sparse:
        close(everything(data, form="csr"), wanted(whole(files, "outer", "X")))
    else:
        with pytest.raises(
            loaderd.InvalidArgument,
            match=f'{type(step).__name__} makes another value of 0.*format="dense"'.replace(".*", "(.|\n)*"),
        ):
            everything(data, form="csr")


@pytest.mark.parametrize("limit", [None, 2.0])
@pytest.mark.parametrize("center", [True, False])
def test_scaled_genes_are_scanpys(mapped: Any, files: Any, limit: float | None, center: bool) -> None:
    x = whole(files, "outer", "X", lambda x: np.log1p(normalized(x, 1e4)))
    scale = tf.scale(x.mean(axis=0), x.std(axis=0, ddof=1), max_value=limit, zero_center=center)
    data = mapped(join="outer", transforms=[*LOG, scale])
    np.testing.assert_allclose(everything(data), scaled(x, limit, center), rtol=2e-5, atol=2e-6)
    if center:
        with pytest.raises(loaderd.InvalidArgument, match="zero_center=False"):
            everything(data, form="csr")
    else:
        np.testing.assert_allclose(everything(data, form="csr"), scaled(x, limit, center), rtol=2e-5, atol=2e-6)


@pytest.fixture(scope="module")
def stored(files: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The counts of the second file in every storage. zarr's own event loop begins here, outside of the tests."""
    folder, paths = tmp_path_factory.mktemp("stored"), {}
    counts = files.read[1].layers["counts"].toarray()
    for form in (csr_matrix, csc_matrix, np.asarray):
        a = anndata.AnnData(form(counts), var=pd.DataFrame(index=files.read[1].var_names))
        for kind in ("h5ad", "zarr"):
            paths[form.__name__, kind] = folder / f"{form.__name__}.{kind}"
        a.write_h5ad(paths[form.__name__, "h5ad"])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            a.write_zarr(paths[form.__name__, "zarr"])
    return paths


@pytest.mark.parametrize("kind", ["h5ad", "zarr"])
@pytest.mark.parametrize("form", ["csr_matrix", "csc_matrix", "asarray"])
def test_every_storage_gives_the_same_bytes(mapped: Any, files: Any, stored: Any, kind: str, form: str) -> None:
    steps = [tf.normalize_total(1e4, on="counts"), tf.log1p(on="counts")]
    first = mapped(files.paths[1], layers_keys=["counts"], transforms=steps)
    again = mapped(stored[form, kind], transforms=LOG)
    for shape in ("dense", "csr"):
        assert np.array_equal(everything(first, "counts", shape), everything(again, "X", shape))
    tokens = mapped(stored[form, kind], transforms=[*LOG, tf.rank_tokens(40)])
    assert np.array_equal(everything(tokens, "tokens"), ranked(everything(first, "counts"), 40))
    one, other = first.statistics("counts"), again.statistics()
    assert np.array_equal(one.mean, other.mean)
    assert np.array_equal(one.var, other.var)


def ranked(x: np.ndarray[Any, Any], k: int, pad: int = -1) -> np.ndarray[Any, Any]:
    out = np.full((len(x), k), pad)
    for row, values in zip(out, x, strict=True):
        order = np.argsort(-values, kind="stable")
        order = order[values[order] > 0][:k]
        row[: len(order)] = order
    return out


@pytest.mark.parametrize("k", [1, 30, 600])
@pytest.mark.parametrize("join", ["inner", "outer"])
def test_tokens_are_the_genes_by_falling_value(mapped: Any, files: Any, k: int, join: str) -> None:
    x = whole(files, join, "X").astype(np.float32)
    divisor = np.linspace(0.5, 3, x.shape[1])
    divisor[5] = np.nan
    data = mapped(join=join, transforms=[tf.rank_tokens(k, divisor=divisor, values=True, length=True)])
    with np.errstate(invalid="ignore"):
        values = (x / divisor).astype(np.float32)
    wanted = ranked(values, k)
    (batch,) = data.loader(data.n_obs, to="numpy")
    assert "X" not in batch
    assert batch["tokens"].dtype == np.int32
    assert np.array_equal(batch["tokens"], wanted)
    assert batch["tokens_length"].tolist() == (wanted >= 0).sum(axis=1).tolist()
    found = np.where(wanted >= 0, np.take_along_axis(values, wanted.clip(0), axis=1), 0)
    assert np.array_equal(batch["tokens_values"], found)
    assert np.array_equal(data[11]["tokens"], wanted[11])
    ids = np.arange(x.shape[1]) + 2
    data = mapped(join=join, transforms=[tf.rank_tokens(k, ids=ids, pad=0, dtype="int64", name="genes")])
    (batch,) = data.loader(data.n_obs, to="torch")
    assert batch["genes"].dtype == torch.int64
    assert np.array_equal(batch["genes"].numpy(), np.where(ranked(x, k) < 0, 0, ranked(x, k) + 2))


def test_several_layers_each_have_their_own_and_what_a_file_lacks_stays_masked(mapped: Any, files: Any) -> None:
    data = mapped(layers_keys=["X", "counts", "partial"], transforms=[tf.log1p(on=["X", "partial"])])
    (batch,) = data.loader(data.n_obs, to="numpy")
    close(batch["X"], np.log1p(whole(files, "inner", "X")))
    close(batch["partial"], np.log1p(files.matrix("inner", "partial")))
    assert np.array_equal(batch["counts"], files.matrix("inner", "counts"))
    assert batch["counts"].dtype == np.int32
    assert np.array_equal(batch.mask["partial"], files.store != 2)


@pytest.mark.parametrize("form", ["dense", "csr"])
@pytest.mark.parametrize("by", ["dtype of the loader", "dtype of the collection", "cast"])
def test_bfloat16_is_rounded_as_torch_rounds(mapped: Any, files: Any, form: str, by: str) -> None:
    options = {"dtype": "bfloat16"} if by == "dtype of the collection" else {}
    cast = [tf.cast(torch.bfloat16)] if by == "cast" else []
    data = mapped(transforms=[*LOG, *cast], **options)
    exact = torch.from_numpy(everything(mapped(transforms=LOG)))
    loader = data.loader(100, format=form, to="torch", dtype=torch.bfloat16 if by == "dtype of the loader" else None)
    parts = [batch["X"] for batch in loader]
    assert all(p.dtype == torch.bfloat16 for p in parts)
    found = torch.cat([p.to(torch.float32).to_dense() for p in parts])
    assert torch.equal(found, exact.to(torch.bfloat16).to(torch.float32))


def test_bfloat16_without_torch_is_an_error_that_says_why(mapped: Any, monkeypatch: Any) -> None:
    data = mapped(dtype="bfloat16")
    with pytest.raises(loaderd.InvalidArgument, match=r'numpy and scipy do not have(.|\n)*to="torch"'):
        data.loader(4, to="scipy")
    assert data[3]["X"].dtype == torch.bfloat16
    with monkeypatch.context() as patch, pytest.raises(loaderd.InvalidArgument, match="bfloat16"):
        patch.setattr(_rows, "in_use", lambda: False)
        data[0]
    with pytest.raises(loaderd.InvalidArgument, match="bfloat16"):
        next(iter(mapped(transforms=[tf.cast("bfloat16")]).loader(4, to="numpy")))
    (batch,) = torch.utils.data.DataLoader(data, batch_size=data.n_obs)
    assert batch["X"].dtype == torch.bfloat16
    with pytest.raises(loaderd.Unsupported, match="Arrow"):
        batch.to_arrow()


@pytest.mark.parametrize("name", ["float16", "bfloat16"])
def test_rounding_is_torchs_for_float32_of_every_size(mapped: Any, tmp_path: Any, name: str) -> None:
    rng = np.random.default_rng(1)
    bits = rng.integers(0, 1 << 32, (100, 1000), dtype=np.uint64).astype(np.uint32)
    x = bits.view(np.float32)
    x[np.isnan(x)] = 1
    halves = np.arange(1 << 16, dtype=np.uint32) << 16  # between any two bfloat16 and right on them
    ties = halves[rng.integers(0, 1 << 16, 1000)] | 0x8000
    x[0], x[1] = ties.view(np.float32), (ties & 0xFFFF0000).view(np.float32)
    x[np.isnan(x)] = 1
    anndata.AnnData(x).write_h5ad(tmp_path / "x.h5ad")
    (batch,) = mapped(tmp_path / "x.h5ad").loader(100, to="torch", dtype=name)
    wanted = torch.from_numpy(x).to(getattr(torch, name))
    assert torch.equal(batch["X"].view(torch.int16), wanted.view(torch.int16))
    if name == "float16":
        with np.errstate(over="ignore"):
            assert np.array_equal(batch["X"].numpy(), x.astype(np.float16))


@pytest.mark.parametrize(
    ("steps", "match"),
    [
        (lambda: ["log1p"], "loaderd.transforms.log1p"),
        (lambda: "normalise_total", "loaderd.transforms.normalize_total"),
        (lambda: [np.log1p], "loaderd.transforms.log1p"),
        (lambda: [tf.log1p(on="XX")], "did you mean `X`"),
        (lambda: [tf.normalize_total(0)], "above 0, got 0"),
        (lambda: [tf.normalize_total(1, over="all")], "one of file, joined"),  # type: ignore[arg-type]
        (lambda: [tf.clip(2, 1)], "min must not be above max: 2 and 1"),
        (lambda: [tf.scale([1.0, 2.0], [1.0, 1.0])], "mean has 2 values, and X has 5"),
        (lambda: [tf.scale([1.0, 2.0], [1.0])], "mean has 2 values and std 1"),
        (lambda: [tf.scale([[1.0]], [1.0])], r"shape \(1, 1\)"),
        (lambda: [tf.scale(["a"], [1.0])], "not an array of numbers"),
        (lambda: [tf.clip(max=[1])], "neither a number nor text"),  # type: ignore[arg-type]
        (lambda: [tf.rank_tokens(0)], "k must be from 1"),
        (lambda: [tf.rank_tokens(8, name="_idx")], "_idx"),
        (lambda: [tf.rank_tokens(8), tf.log1p()], "nothing can follow rank_tokens"),
        (lambda: [tf.cast("float12")], "float12"),
    ],
)
def test_what_cannot_be_is_named_with_its_cure(mapped: Any, steps: Any, match: str) -> None:
    with pytest.raises(loaderd.InvalidArgument, match=match):
        mapped(transforms=steps())


def test_a_state_is_of_its_transforms(mapped: Any) -> None:
    n = mapped().n_vars
    first = mapped(transforms=[tf.scale(np.zeros(n), np.ones(n))])
    state = first.loader(8).state_dict()
    mapped(transforms=[tf.scale(np.zeros(n), np.ones(n))]).loader(8).load_state_dict(state)
    with pytest.raises(loaderd.InvalidArgument, match="spec"):
        mapped(transforms=[tf.scale(np.ones(n), np.ones(n))]).loader(8).load_state_dict(state)
    with pickle.loads(pickle.dumps(first)) as again:
        assert np.array_equal(again[5]["X"], first[5]["X"])


def test_transforms_are_values() -> None:
    assert tf.normalize_total(1e4) == tf.normalize_total(1e4, over="file", on="X") != tf.normalize_total(1)
    with pytest.raises(AttributeError):
        tf.log1p().base = 2  # type: ignore[misc]
    assert tf.log1p(on=["X", "raw.X"]).to_wire() == [["log1p", {"base": None, "on": k}] for k in ("X", "raw.X")]
    assert tf.scale([0, 1], torch.ones(2)).to_wire()[0][1]["std"] == np.ones(2).tobytes()
    assert math.isnan(tf.rank_tokens(2, divisor=[1, math.nan]).divisor[1])


def test_a_panel_changes_no_value_and_a_filter_chooses_the_cells_of_statistics(mapped: Any, files: Any) -> None:
    panel = [*files.var("inner")[5:40:3], "no such gene"]
    data = mapped(obs_filter={"donor": "d2"}, var_names=panel, transforms=LOG)
    chosen = np.array([donor == "d2" for donor in files.obs("donor")])
    everywhere = whole(files, "outer", "X", lambda x: np.log1p(normalized(x, 1e4)))
    columns = [files.var("outer").index(name) for name in panel[:-1]]
    wanted = np.hstack([everywhere[np.ix_(chosen, columns)], np.zeros((chosen.sum(), 1))])
    close(everything(data), wanted)
    close(everything(data, form="csr"), wanted)
    found = data.statistics()
    assert (found.n, len(found.total)) == (chosen.sum(), chosen.sum())
    np.testing.assert_allclose(found.mean, wanted.mean(axis=0), rtol=1e-5, atol=1e-12)
    np.testing.assert_allclose(found.var, wanted.var(axis=0, ddof=1), rtol=1e-5, atol=1e-12)
    assert (found.present[-1], found.nonzero[-1]) == (0, 0)
