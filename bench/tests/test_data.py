"""The generator against anndata: what is read back, and the form on disk."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
import scipy.sparse

from bench.data import DataSpec, ensure, ensure_copies
from bench.data.content import Content

if TYPE_CHECKING:
    from pathlib import Path

TINY = DataSpec(cells=1301, genes=60, files=3)


def in_memory(content: Content, file: int) -> scipy.sparse.csr_matrix:
    """One file's cells, put together without h5py."""
    blocks = list(content.blocks(file))
    lengths = np.concatenate([block.lengths for block in blocks])
    return scipy.sparse.csr_matrix(
        (
            np.concatenate([block.values for block in blocks]),
            np.concatenate([block.indices for block in blocks]),
            np.concatenate([[0], np.cumsum(lengths)]),
        ),
        shape=(len(lengths), content.spec.genes),
    )


@pytest.mark.parametrize("compression", ["none", "gzip"])
@pytest.mark.parametrize("differ", [0.0, 0.2], ids=["one gene list", "lists that differ"])
def test_anndata_reads_back_exactly_what_was_drawn(tmp_path: Path, compression: Any, differ: float) -> None:
    spec = DataSpec(cells=1301, genes=60, files=3, compression=compression, differ=differ)
    collection = ensure(spec, tmp_path)
    content = Content(spec)
    assert len(collection.paths) == 3
    for file, path in enumerate(collection.paths):
        read = anndata.read_h5ad(path)
        x = in_memory(content, file)
        assert read.X.format == "csr"
        assert read.X.dtype == np.float32
        np.testing.assert_array_equal(read.X.indptr, x.indptr)
        np.testing.assert_array_equal(read.X.indices, x.indices)
        np.testing.assert_array_equal(read.X.data, x.data)
        assert list(read.var_names) == content.gene_names(file)
        codes = content.cell_types(file)
        assert read.obs["cell_type"].cat.codes.tolist() == codes.tolist()
        assert read.obs["cell_type"].tolist() == [f"type {code:02d}" for code in codes]
        assert read.obs_names.is_unique
        assert read.n_obs == spec.cells_of(file)


def tree(path: Path) -> dict[str, Any]:
    """Everything of a file but the numbers: attributes, types, shapes, chunks, filters."""
    found: dict[str, Any] = {}

    def note(name: str, item: Any) -> None:
        facts: dict[str, Any] = {key: repr(value) for key, value in item.attrs.items()}
        if isinstance(item, h5py.Dataset):
            facts["layout"] = (item.dtype, item.shape, item.chunks, item.maxshape)
            facts["filters"] = (item.compression, item.compression_opts, item.shuffle, item.fletcher32)
        found[name] = facts

    with h5py.File(path) as file:
        note("/", file)
        file.visititems(note)
    return found


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_the_form_on_disk_is_the_one_anndata_writes(tmp_path: Path, compression: Any) -> None:
    spec = DataSpec(cells=3000, genes=200, files=1, compression=compression)
    (path,) = ensure(spec, tmp_path).paths
    read = anndata.read_h5ad(path)
    own = tmp_path / "own.h5ad"
    read.write_h5ad(own, compression=None if compression == "none" else compression)
    ours, anndatas = tree(path), tree(own)
    assert ours == anndatas
    chunks = ours["X/data"]["layout"][2]
    assert chunks is not None
    assert chunks[0] < ours["X/data"]["layout"][1][0], "the data must be large enough to have several chunks"


def test_the_same_parameters_make_the_same_bytes(tmp_path: Path) -> None:
    first, second = ensure(TINY, tmp_path / "a"), ensure(TINY, tmp_path / "b")
    for one, other in zip(first.paths, second.paths, strict=True):
        assert one.read_bytes() == other.read_bytes()


def test_another_seed_makes_other_cells() -> None:
    one, other = Content(TINY), Content(DataSpec(cells=1301, genes=60, files=3, seed=8))
    assert (in_memory(one, 0) != in_memory(other, 0)).nnz > 0
    assert (in_memory(one, 0)[:400] != in_memory(one, 1)[:400]).nnz > 0, "files must differ too"


def test_the_data_never_changes_for_a_version_of_the_generator() -> None:
    content = Content(TINY)
    x = in_memory(content, 1)
    facts = {
        "nnz": int(x.nnz),
        "sum": float(x.sum()),
        "weighted": int((x.indices.astype(np.int64) * np.arange(x.nnz)).sum()),
        "labels": content.cell_types(1)[:8].tolist(),
    }
    assert facts == FROZEN, "raise bench.data.spec.VERSION, so that cached data is not taken for the new"


#: What the first version of the generator draws.
FROZEN: dict[str, Any] = {"nnz": 2262, "sum": 5625.0, "weighted": 75333133, "labels": [0, 20, 1, 3, 0, 0, 0, 0]}


def test_log_normalised_values_are_those_of_the_counts(tmp_path: Path) -> None:
    counts = in_memory(Content(TINY), 1)
    (_, path, _) = ensure(dataclasses.replace(TINY, values="lognorm"), tmp_path).paths
    read = anndata.read_h5ad(path)
    dense = counts.toarray().astype(np.float64)
    totals = dense.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(read.X.toarray(), np.log1p(dense / np.maximum(totals, 1) * 1e4), rtol=1e-6)
    assert read.X.dtype == np.float32


def test_copies_are_as_many_files_with_the_same_cells(tmp_path: Path) -> None:
    collection = ensure(TINY, tmp_path)
    copies = ensure_copies(collection, 3)
    assert len(copies.paths) == 9
    for number, path in enumerate(copies.paths):
        assert path.read_bytes() == collection.paths[number % 3].read_bytes()
    with np.load(collection.rows) as one, np.load(copies.rows) as all_of_them:
        assert sorted(one.files) == sorted(all_of_them.files)
        np.testing.assert_array_equal(all_of_them["total"][1301:2602], one["total"])
        np.testing.assert_array_equal(all_of_them["store"][2602:], one["store"] + 6)
    assert ensure_copies(collection, 3) == copies


def test_cells_and_genes_are_as_in_real_counts() -> None:
    content = Content(DataSpec(cells=1500, genes=20_000, files=1))
    x = in_memory(content, 0)
    lengths = np.diff(x.indptr)
    assert lengths.min() >= 1450
    assert lengths.max() <= 2050
    assert np.quantile(lengths, 0.001) >= 1500
    assert np.quantile(lengths, 0.999) <= 2000
    assert 0.70 < np.mean(x.data == 1) < 0.74
    assert x.data.max() > 20
    assert np.all(x.data == np.round(x.data))
    popularity = np.sort(np.bincount(x.indices, minlength=20_000))[::-1] / 1500
    assert popularity[99] > 0.9, "the hundred most popular genes are in nearly every cell"
    # Zipf: away from saturation, twenty times the rank means a twentieth of the popularity.
    assert 15 < popularity[900:1100].mean() / popularity[18_000:].mean() < 25


def test_gene_lists_differ_as_much_as_asked() -> None:
    spec = DataSpec(cells=30, genes=900, files=3, differ=0.1)
    content = Content(spec)
    assert spec.universe == 1000
    lists = [set(content.gene_names(file)) for file in range(3)]
    assert [len(names) for names in lists] == [900, 900, 900]
    common = set.intersection(*lists)
    assert 600 < len(common) < 850
    for file in range(3):
        names = np.array(content.gene_names(file))
        assert set(names[content.shared(file)]) == common
        assert list(names) == sorted(names)


def test_rows_tells_what_an_inner_join_delivers(tmp_path: Path) -> None:
    collection = ensure(DataSpec(cells=601, genes=60, files=2, differ=0.2), tmp_path)
    parts = [anndata.read_h5ad(path) for path in collection.paths]
    shared = parts[0].var_names.intersection(parts[1].var_names)
    with np.load(collection.rows) as rows:
        totals = np.concatenate([np.asarray(part[:, shared].X.sum(axis=1)).ravel() for part in parts])
        np.testing.assert_array_equal(rows["total"], totals)
        panel = rows["panel"].tolist()
        assert 0 < len(panel) < 12, "about a tenth of the genes"
        held = [np.asarray(part[:, part.var_names.isin(panel)].X.sum(axis=1)).ravel() for part in parts]
        np.testing.assert_array_equal(rows["panel_total"], np.concatenate(held))
        labels = pd.concat([part.obs["cell_type"].astype(str) for part in parts])
        assert rows["names"][rows["label"]].tolist() == labels.tolist()
        assert rows["store"].tolist() == [0] * 301 + [1] * 300


def test_data_is_made_once(tmp_path: Path) -> None:
    said: list[str] = []
    collection = ensure(TINY, tmp_path, said.append)
    assert len(said) == 4
    times = [path.stat().st_mtime_ns for path in collection.paths]
    assert ensure(TINY, tmp_path, said.append) == collection
    assert len(said) == 4
    assert [path.stat().st_mtime_ns for path in collection.paths] == times
    assert json.loads((collection.folder / "spec.json").read_text())["cells"] == 1301
    assert [folder.name for folder in tmp_path.iterdir()] == [TINY.key()]


def test_an_interrupted_making_leaves_no_data(tmp_path: Path) -> None:
    def interrupt(line: str) -> None:
        if "part_01" in line:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ensure(TINY, tmp_path, interrupt)
    assert list(tmp_path.iterdir()) == []


def test_every_parameter_names_other_data() -> None:
    other = [
        DataSpec(cells=1302, genes=60, files=3),
        DataSpec(cells=1301, genes=61, files=3),
        DataSpec(cells=1301, genes=60, files=2),
        DataSpec(cells=1301, genes=60, files=3, compression="gzip"),
        DataSpec(cells=1301, genes=60, files=3, differ=0.1),
        DataSpec(cells=1301, genes=60, files=3, seed=8),
        DataSpec(cells=1301, genes=60, files=3, values="lognorm"),
    ]
    assert len({spec.key() for spec in [TINY, *other]}) == 8


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"files": 0}, "files is 0"),
        ({"cells": 2}, "cells is 2; 3 files need"),
        ({"genes": 3}, "genes is 3"),
        ({"compression": "lzf"}, "compression is 'lzf'"),
        ({"differ": 1.0}, "differ is 1.0"),
        ({"values": "scaled"}, "values is 'scaled'"),
    ],
)
def test_wrong_parameters_are_refused_by_name(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DataSpec(**{"cells": 1301, "genes": 60, "files": 3, **changes})
