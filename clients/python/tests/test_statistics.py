"""Statistics of a collection, compared with numpy's of the files as anndata reads them."""

from __future__ import annotations

import os
import signal
import threading
from typing import Any

import anndata
import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

import loaderd
from loaderd import transforms as tf


def check(found: Any, x: np.ndarray[Any, Any], has: np.ndarray[Any, Any] | None = None) -> None:
    """``has`` says for each value of ``x`` whether it counts."""
    x = x.astype(np.float64)
    counted = x if has is None else np.where(has, x, np.nan)
    np.testing.assert_allclose(found.mean, np.nan_to_num(np.nanmean(counted, axis=0)), rtol=1e-6)
    np.testing.assert_allclose(found.var, np.nan_to_num(np.nanvar(counted, axis=0, ddof=1)), rtol=1e-6, atol=1e-12)
    np.testing.assert_array_equal(found.std, np.sqrt(found.var))
    np.testing.assert_array_equal(found.nonzero, (x != 0).sum(axis=0))
    np.testing.assert_allclose(found.total, x.sum(axis=1), rtol=1e-6)
    np.testing.assert_array_equal(found.cell_nonzero, (x != 0).sum(axis=1))
    assert found.n == len(x)


def present(files: Any, join: str) -> np.ndarray[Any, Any]:
    var = files.var(join)
    return np.concatenate([np.tile(np.isin(var, a.var_names), (a.n_obs, 1)) for a in files.read])


@pytest.mark.parametrize("join", ["inner", "outer"])
@pytest.mark.parametrize("layer", ["X", "counts"])
def test_statistics_are_those_of_the_rows(mapped: Any, files: Any, join: str, layer: str) -> None:
    data = mapped(layers_keys=["X", "counts"], join=join)
    found = data.statistics(layer)
    check(found, files.matrix(join, layer))
    np.testing.assert_array_equal(found.present, present(files, join).sum(axis=0))
    check(data.statistics(layer, absent="skip"), files.matrix(join, layer), present(files, join))


def test_of_what_the_transforms_make_or_of_others(mapped: Any, files: Any) -> None:
    data = mapped(join="outer", transforms=[tf.normalize_total(1e4), tf.log1p()])
    (batch,) = data.loader(data.n_obs, to="numpy")
    check(data.statistics(), batch["X"])
    check(data.statistics(transforms=[]), files.matrix("outer"))
    check(data.statistics(transforms=[tf.binarize()]), files.matrix("outer") > 0)


@pytest.mark.parametrize("limit", [None, 3])
def test_scaling_by_statistics_gives_mean_0_and_deviation_1(mapped: Any, limit: float | None) -> None:
    log = [tf.normalize_total(1e4), tf.log1p()]
    found = mapped(join="outer", transforms=log).statistics()
    data = mapped(join="outer", transforms=[*log, tf.scale.from_statistics(found, max_value=limit)])
    again = data.statistics()
    if limit is None:
        np.testing.assert_allclose(again.mean, 0, atol=1e-6)
        np.testing.assert_allclose(again.var[found.var > 0], 1, rtol=1e-5)
    (batch,) = data.loader(data.n_obs, to="numpy")
    x = batch["X"].astype(np.float64)
    np.testing.assert_allclose(again.mean, x.mean(axis=0), atol=1e-6)
    assert limit is None or np.abs(x).max() <= limit


def test_labels_are_counted(mapped: Any, files: Any) -> None:
    data = mapped(obs_keys=["kind", "donor", "depth", "note"], encode_labels=["kind", "donor"], unknown_label="unknown")
    found = data.statistics()
    assert list(found.labels) == ["kind", "donor", "note"]  # of numbers there are no labels
    for key, labels in found.labels.items():
        occurring = pd.Series(files.obs(key)).value_counts(dropna=True).to_dict()
        assert {k: v for k, v in labels.items() if v} == occurring
        assert set(labels) >= set(files.categories(key))
        assert found.missing[key] == sum(v is None for v in files.obs(key))
    assert "depth" not in found.labels
    assert "300 cells" in repr(found)


def test_cells_of_a_file_without_the_layer_count_nowhere(mapped: Any, files: Any) -> None:
    found = mapped(layers_keys=["partial"]).statistics("partial")
    has = files.store != 2
    x = files.matrix("inner", "partial")
    assert found.n == has.sum()
    np.testing.assert_allclose(found.mean, x[has].mean(axis=0), rtol=1e-6)
    assert np.isnan(found.total[~has]).all()
    np.testing.assert_allclose(found.total[has], x[has].sum(axis=1), rtol=1e-6)


def test_what_cannot_be_asked_is_named(mapped: Any) -> None:
    data = mapped(layers_keys=["counts"])
    with pytest.raises(loaderd.UnknownKey, match="did you mean `counts`"):
        data.statistics("count")
    with pytest.raises(loaderd.InvalidArgument, match="absent='zero'"):
        data.statistics("counts", absent="zero")
    data.close()
    with pytest.raises(loaderd.Closed):
        data.statistics("counts")


def test_they_are_kept_in_a_file_where_a_folder_is_given(
    mapped: Any, files: Any, daemon: Any, tmp_path: Any, monkeypatch: Any
) -> None:
    monkeypatch.setenv("LOADERD_CACHE_DIR", str(tmp_path))
    first = mapped(obs_keys="donor").statistics()
    (kept,) = (tmp_path / "statistics").iterdir()
    before = kept.stat().st_mtime_ns
    loaderd.stop()
    second = mapped(obs_keys="donor").statistics()
    assert kept.stat().st_mtime_ns == before
    for name in ("mean", "var", "total", "nonzero", "cell_nonzero", "present"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    assert first.labels == second.labels


def test_ctrl_c_ends_the_pass_and_rows_can_be_asked_for(mapped: Any, tmp_path: Any) -> None:
    x = csr_matrix(np.random.default_rng(0).random((20_000, 400), dtype=np.float32))
    anndata.AnnData(x).write_h5ad(tmp_path / "x.h5ad", compression="gzip")
    data = mapped([tmp_path / "x.h5ad"] * 60)
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        data.statistics()
    timer.join()
    np.testing.assert_array_equal(data[5]["X"], x[5].toarray()[0])
