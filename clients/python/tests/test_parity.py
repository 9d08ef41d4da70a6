"""What of lamindb's interface does not depend on data, or depends on the place: see docs/differences.md."""

from __future__ import annotations

import inspect
import os
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from torch.utils.data import DataLoader, get_worker_info

import loaderd


@pytest.fixture
def two(tmp_path: Path) -> list[Path]:
    """Two files whose X, depth and grade are of different types."""
    paths = [tmp_path / "a.h5ad", tmp_path / "b.h5ad"]
    for path, dtype, grades in zip(paths, ("float32", "int64"), ([3, 1, 3], [1, 2, 2]), strict=True):
        obs = pd.DataFrame(
            {"depth": np.arange(3, dtype=dtype), "grade": pd.Categorical(grades), "kind": pd.Categorical(list("xyx"))},
            index=["0", "1", "2"],
        )
        x = csr_matrix(np.arange(12).reshape(3, 4).astype(dtype))
        anndata.AnnData(X=x, obs=obs, var=pd.DataFrame(index=list("efgh"))).write_h5ad(path)
    return paths


def test_the_order_of_arguments_is_that_of_lamindb() -> None:
    names = list(inspect.signature(loaderd.mapped).parameters)
    assert names[1:13] == [
        "layers_keys", "obs_keys", "obsm_keys", "obs_filter", "join", "encode_labels", "unknown_label",
        "cache_categories", "parallel", "dtype", "stream", "is_run_input",
    ]  # fmt: skip


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("is_run_input", [None, False, True])
def test_arguments_of_collection_mapped_are_accepted(mapped: Any, two: Any, stream: bool, is_run_input: Any) -> None:
    data = mapped(two, None, None, None, None, "inner", True, None, False, True, None, stream, is_run_input)
    assert len(data) == 6
    assert (data.cache_categories, data.parallel, data.dtype) == (False, True, None)
    assert (data.obs_keys, data.obsm_keys, data.encode_labels, data.unknown_label) == (None, None, False, None)


def test_text_where_a_list_is_meant_is_one_name(mapped: Any, two: Any) -> None:
    data = mapped(str(two[0]), obs_keys=["kind", "depth"], encode_labels="kind")
    assert (len(data), data.encode_labels) == (3, ["kind"])
    assert list(data.encoders) == ["kind"]


def test_attributes_that_depend_on_the_place(mapped: Any, two: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(two[0].parent)
    data = mapped(["b.h5ad", two[0]])
    assert data.path_list == [os.path.abspath("b.h5ad"), str(two[0])]
    assert mapped("*.h5ad").path_list == [str(path) for path in two]
    assert not hasattr(data, "storages")
    assert not hasattr(data, "conns")


def test_rows_have_the_types_of_their_store_and_batches_one(mapped: Any, two: Any) -> None:
    data = mapped(two, obs_keys=["depth", "grade"], encode_labels=False)
    for i, dtype in ((0, np.float32), (5, np.int64), (2, np.float32), (3, np.int64)):
        row = data[i]
        assert row["X"].dtype == dtype
        assert type(row["depth"]) is dtype
        assert type(row["grade"]) is np.int64
    assert [data[i]["grade"] for i in range(6)] == [3, 1, 3, 1, 2, 2]
    (batch,) = data.loader(6)
    assert str(batch["X"].dtype) == "torch.float64"
    (batch,) = DataLoader(data, batch_size=6)
    assert str(batch["X"].dtype) == "torch.float64"
    assert batch["grade"].tolist() == [3, 1, 3, 1, 2, 2]


def look(rows: list[Any]) -> tuple[bool, list[int]]:
    info = get_worker_info()
    return info.dataset._getter is not None, [int(row["X"][0]) for row in rows]


def test_the_worker_function_connects_a_worker(mapped: Any, two: Any) -> None:
    data = mapped(two)
    loader = DataLoader(
        data, batch_size=3, num_workers=1, worker_init_fn=data.torch_worker_init_fn, collate_fn=look,
        multiprocessing_context="spawn",
    )  # fmt: skip
    assert list(loader) == [(True, [0, 4, 8])] * 2
    assert loaderd.MappedCollection.torch_worker_init_fn(0) is None  # in no worker, nothing is done
