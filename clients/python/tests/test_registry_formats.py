"""In which format what is in memory is written, and what is not written at all."""

from __future__ import annotations

import gc
import time
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
import pytest

import loaderd as ln
from conftest import Daemon


@pytest.mark.parametrize("ending", ["parquet", "csv", "tsv", "feather", "arrow", "ipc", "csv.gz", "TSV.xz", "v2", ""])
def test_a_frame_is_written_in_the_format_that_its_key_says(registry: Path, ending: str) -> None:
    df = pd.DataFrame({"x": [1, 2], "t": ["a", "b"]})
    artifact = ln.Artifact(df, key=f"tables/mine.{ending}" if ending else "mine").save()
    assert artifact.suffix == (f".{ending.lower()}" if ending not in ("v2", "") else ".parquet")
    assert artifact.path.name == f"{artifact.uid}{artifact.suffix}"
    pd.testing.assert_frame_equal(artifact.load(), df)
    assert artifact.n_observations == 2
    if "." not in ending:
        assert artifact.feature_sets.one().features.to_list("name") == ["x", "t"]


@pytest.mark.parametrize("ending", ["parquet", "csv", "feather", "csv.gz", "tsv.gz", "csv.bz2", "csv.xz"])
def test_a_frame_is_the_same_content_whenever_it_is_written(
    registry: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    df = pd.DataFrame({"x": [1, 2], "t": ["a", "b"]})
    first = ln.Artifact(df, key=f"a.{ending}").save()
    monkeypatch.setattr(time, "time", lambda: 4e9)  # which gzip notes
    assert ln.Artifact(df.copy(), key=f"a.{ending}").save() == first


@pytest.mark.parametrize("mode", ["r", "r+"])
def test_an_object_that_is_backed_by_a_file_stays_so(registry: Path, mode: Any) -> None:
    cells = anndata.AnnData(np.arange(6, dtype="float32").reshape(3, 2))
    cells.write_h5ad("own.h5ad")
    backed = anndata.read_h5ad("own.h5ad", backed=mode)
    for data, key in ((backed, "whole.h5ad"), (backed[:2], "part.h5ad")):
        artifact = ln.Artifact(data, key=key).save()
        assert np.array_equal(artifact.load().X, cells.X[: len(data)])
    assert backed.filename is not None
    assert Path(backed.filename).samefile("own.h5ad")
    backed.file.close()
    assert np.array_equal(backed[1:].to_memory().X, cells.X[1:])


def test_the_index_of_a_frame_is_written_where_it_says_something(registry: Path) -> None:
    named = pd.DataFrame({"x": [1]}, index=pd.Index(["r"], name="row"))
    loaded = ln.Artifact(named, key="named.csv").save().load(index_col="row")
    pd.testing.assert_frame_equal(loaded, named)
    pd.testing.assert_frame_equal(ln.Artifact(named, key="named.feather").save().load(), named)


MIXED = pd.DataFrame({"mixed": [1, "a", [2]], "fine": [1, 2, 3]})
NOT_WRITTEN: list[tuple[str, Any, str, str]] = [
    ("a frame as cells", pd.DataFrame({"x": [1]}), "x.h5ad", r"says \.h5ad, and a DataFrame is written as \.parquet"),
    ("a frame as a sheet", pd.DataFrame({"x": [1]}), "x.xlsx", r"says \.xlsx"),
    ("a packed table of bytes", pd.DataFrame({"x": [1]}), "x.parquet.gz", r"says \.parquet\.gz"),
    ("cells as a table", anndata.AnnData(np.zeros((1, 1))), "x.csv", r"says \.csv, and a AnnData is written as \.h5ad"),
    ("cells as a store", anndata.AnnData(np.zeros((1, 1))), "x.zarr", r"says \.zarr"),
    ("a column of several types", MIXED, "x.parquet", r"cannot be written as \.parquet: .*mixed"),
    ("one without a key", MIXED, "", r"cannot be written as \.parquet: .*mixed"),
]  # fmt: skip


@pytest.mark.parametrize(("data", "key", "said"), [c[1:] for c in NOT_WRITTEN], ids=[c[0] for c in NOT_WRITTEN])
def test_what_is_not_written_so_is_refused_and_leaves_nothing(
    registry: Path, daemon: Daemon, data: Any, key: str, said: str
) -> None:
    with pytest.raises(ln.InvalidArgument, match=said):
        ln.Artifact(data, **({"key": key} if key else {"description": "d"}))
    gc.collect()
    assert list((daemon.folder / "data" / "artifacts" / ".loaderd").glob("*")) == []
