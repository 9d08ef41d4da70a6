"""Panels, joins by a column, and what a collection says of its variables, as anndata and pandas have them."""

from __future__ import annotations

import pickle
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
import torch
import zarr
from scipy.sparse import csr_matrix, issparse

import loaderd


@dataclass
class Many:
    """Stores of one format, with what is in them."""

    paths: list[str]
    read: list[Any]

    def matrix(self, layer: str, columns: list[str]) -> np.ndarray[Any, Any]:
        """A layer of all rows over some variables, 0 where a store lacks one."""
        parts = []
        for a in self.read:
            if (layer == "raw.X" and a.raw is None) or layer not in ("X", "raw.X", *a.layers):
                parts.append(np.zeros((a.n_obs, len(columns))))
                continue
            x, names = (a.raw.X, a.raw.var_names) if layer == "raw.X" else (a.X, a.var_names)
            x = a.layers.get(layer, x)
            frame = pd.DataFrame(x.toarray() if issparse(x) else x, columns=names)
            parts.append(frame.reindex(columns=columns, fill_value=0).to_numpy(dtype=float))
        return np.concatenate(parts)


def store(path: Path, names: list[str], rows: int, *, dense: bool = False, raw: list[str] | None = None) -> Any:
    """Write a store of small whole numbers that depend on its name."""
    rng = np.random.default_rng(len(path.name) * 1000 + rows)
    make = (lambda x: x) if dense else csr_matrix

    def counts(width: int) -> Any:
        return make(((rng.random((rows, width)) < 0.6) * rng.integers(1, 50, (rows, width))).astype(np.float32))

    var = pd.DataFrame(index=pd.Index(names, dtype=object))
    var["gene_ids"] = [f"ENSG{n}" for n in names]
    var["symbol"] = pd.Categorical([n.upper() for n in names])
    var["entrez"] = np.arange(len(names)) + 10
    obs = pd.DataFrame(index=[f"{path.stem}{i}" for i in range(rows)])
    a = anndata.AnnData(X=counts(len(names)), obs=obs, var=var)
    a.layers["counts"] = counts(len(names))
    if raw is not None:
        ids = pd.DataFrame({"gene_ids": [f"ENSG{n}" for n in raw]}, index=raw)
        a.raw = anndata.AnnData(X=counts(len(raw)), obs=obs, var=ids)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if path.suffix == ".zarr":
            a.write_zarr(path)
        else:
            a.write_h5ad(path)
    return a


@pytest.fixture(scope="session", params=["h5ad", "zarr"])
def form(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def many(form: str, tmp_path_factory: pytest.TempPathFactory) -> Many:
    folder = tmp_path_factory.mktemp(form)
    letters = list("zyxwvutsrqponm")
    plan = [
        (letters, 7, False, ["z", "y", "extra", "x"]),
        ([*letters[::-1], "É", "a1"], 5, True, ["x", "z", "other"]),
        (letters[3:9], 4, False, None),
    ]
    paths = [folder / f"s{i}.{form}" for i in range(len(plan))]
    read = [
        store(p, names, rows, dense=dense, raw=raw) for p, (names, rows, dense, raw) in zip(paths, plan, strict=True)
    ]
    return Many([str(p) for p in paths], read)


def epoch(loader: Any, key: str) -> np.ndarray[Any, Any]:
    """One epoch of a key, dense, in the order of the rows."""
    batches = list(loader)
    parts = []
    for b in batches:
        x = b[key]
        if isinstance(x, loaderd.CSR):
            x = csr_matrix((x.data, x.indices, x.indptr), x.shape)
        x = x.to_dense() if getattr(x, "layout", None) == torch.sparse_csr else x
        parts.append(x.toarray() if hasattr(x, "toarray") else np.asarray(x))
    order = np.argsort(np.concatenate([np.asarray(b["_idx"]) for b in batches]))
    return np.concatenate(parts)[order]


PANEL = ["s", "z", "absent", "É", "x", "w"]
FORMS = [("dense", "torch"), ("dense", "numpy"), ("csr", "torch"), ("csr", "numpy"), ("csr", "scipy")]


# --- panels -----------------------------------------------------------------------------------------------------


LITTLE = pytest.mark.filterwarnings("ignore::loaderd.CoverageWarning")


@LITTLE
@pytest.mark.parametrize("join", ["inner", "outer", None])
@pytest.mark.parametrize(("form_of_batch", "to"), FORMS)
def test_a_panel_is_the_columns_whatever_the_files_hold(
    mapped: Any, many: Many, join: Any, form_of_batch: Any, to: Any
) -> None:
    data = mapped(many.paths, layers_keys=["X", "counts", "raw.X"], join=join, var_names=PANEL)
    assert list(data.var_joint) == PANEL
    assert data.shape == (16, len(PANEL))
    assert data.n_vars_list == [14, 16, 6]
    loader = data.loader(5, shuffle=True, seed=1, format=form_of_batch, to=to)
    for layer in ("X", "counts", "raw.X"):
        wanted = many.matrix(layer, PANEL)
        assert np.array_equal(epoch(loader, layer), wanted)
        for i in (0, 8, 13):
            if layer != "raw.X" or i < 12:
                assert np.array_equal(data[i][layer], wanted[i])
            else:
                assert layer not in data[i]


@LITTLE
def test_a_panel_may_be_any_list_of_names(mapped: Any, many: Many) -> None:
    for given in (tuple(PANEL), np.array(PANEL), pd.Index(PANEL), pd.Series(PANEL), iter(PANEL)):
        data = mapped(many.paths, var_names=given)
        assert list(data.var_joint) == PANEL
    copy = pickle.loads(pickle.dumps(data))
    assert np.array_equal(copy[3]["X"], data[3]["X"])
    copy.close()


@LITTLE
def test_the_coverage_says_how_many_and_which(mapped: Any, many: Many) -> None:
    data = mapped(many.paths, layers_keys=["X", "raw.X"], var_names=[*PANEL[:3], "x", "w", "v", "É"])
    report = data.coverage
    assert report["path"].tolist() == many.paths
    assert report["present"].tolist() == [5, 6, 3]
    assert report["n_vars"].tolist() == [14, 16, 6]
    assert report["missing"].tolist() == [["absent", "É"], ["absent"], ["z", "absent", "x", "É"]]
    assert report["fraction"].tolist() == [5 / 7, 6 / 7, 3 / 7]
    assert report["raw_present"].tolist() == [2, 2, pd.NA]
    assert data.var.loc["É"].tolist() == [1, False, True, False]
    assert mapped(many.paths).coverage is None
    with pytest.warns(loaderd.CoverageWarning, match=r"among the variables of raw.X: .*s1"):
        raw = mapped(many.paths, layers_keys="raw.X", var_names=["extra", "y", "z"])
    assert raw.coverage["present"].tolist() == [3, 1, 0]
    assert raw.coverage["n_vars"].tolist() == [4, 3, 0]
    assert raw.var["n_files"].tolist() == [1, 1, 2]


def test_little_coverage_is_a_warning_that_names_files_and_near_matches(mapped: Any, many: Many) -> None:
    with pytest.warns(loaderd.CoverageWarning, match=r"1 file has fewer than half of the 4 var_names: .*s2.* \(none\)"):
        mapped(many.paths, var_names=["z", "y", "É", "a1"])
    with pytest.warns(loaderd.CoverageWarning, match=r"did you mean `z` for `Z`"):
        mapped(many.paths, var_names=["Z", "Y", "X", "w"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mapped(many.paths, var_names=["w", "v", "z", "none"])


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"var_names": ["Z", "Y"]}, loaderd.NoSharedVars, "did you mean `z` for `Z`, `y` for `Y`"),
        ({"var_names": ["ENSGz", "ENSGy"]}, loaderd.NoSharedVars, "var_key=\"gene_ids\""),
        ({"var_names": ["ENSGz.5"], "var_key": "gene_ids"}, loaderd.NoSharedVars, "`ENSGz` for `ENSGz.5`"),
        ({"var_names": ["w"], "layers_keys": "raw.X"}, loaderd.NoSharedVars, "raw/var"),
        ({"var_names": ["z", "y", "z"]}, loaderd.InvalidArgument, "\"z\" stands at 0 and at 2"),
        ({"var_names": []}, loaderd.InvalidArgument, "empty"),
        ({"var_names": "z"}, loaderd.InvalidArgument, "list of names"),
        ({"var_names": ["z", 3]}, loaderd.InvalidArgument, "strings"),
        ({"var_key": "gene_id"}, loaderd.UnknownKey, "did you mean `gene_ids`"),
        ({"var_key": 3}, loaderd.InvalidArgument, "one name"),
    ],
    ids=lambda v: "" if isinstance(v, (str, type)) else str(v),
)  # fmt: skip
def test_panels_that_cannot_be_are_errors(mapped: Any, many: Many, options: Any, error: Any, says: str) -> None:
    with pytest.raises(error) as raised:
        mapped(many.paths, **options)
    assert says in str(raised.value)
    if error is not loaderd.UnknownKey:
        assert isinstance(raised.value, ValueError)


def test_a_panel_costs_the_memory_of_its_columns(mapped: Any, form: str, tmp_path: Path) -> None:
    panel = [f"g{i}" for i in range(0, 400, 10)]
    store(tmp_path / f"all.{form}", [f"g{i}" for i in range(400)], 300)
    store(tmp_path / f"few.{form}", panel, 300)
    wide, few = (mapped(tmp_path / f"{name}.{form}") for name in ("all", "few"))
    narrow = mapped(tmp_path / f"all.{form}", var_names=panel)

    def size(data: Any, form_of_batch: Any) -> int:
        loader = data.loader(300, format=form_of_batch)
        list(loader)
        return int(loader.stats()["bytes"])

    assert size(narrow, "dense") == size(few, "dense")
    assert size(narrow, "csr") <= 2 * size(few, "csr")  # room for values in all of its columns
    assert size(narrow, "csr") <= size(wide, "csr") / 5


# --- a column of var --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["gene_ids", "symbol"])
@pytest.mark.parametrize("join", ["inner", "outer", None])
def test_variables_are_joined_by_a_column(mapped: Any, many: Many, key: str, join: Any) -> None:
    data = mapped(many.paths, join=join, var_key=key)
    names = [[f"ENSG{n}" if key == "gene_ids" else n.upper() for n in a.var_names] for a in many.read]
    if join is None:
        assert data.var_joint is None
        assert data.check_vars_non_aligned(names[1]) == [0, 2]
        return
    inner = [n for n in names[0] if all(n in other for other in names)]
    joint = inner if join == "inner" else sorted(set().union(*names))
    assert data.var_joint.tolist() == joint
    assert [v.tolist() for v in data.var_list] == names
    back = {n: a for a, n in zip([*many.read[1].var_names], names[1], strict=True)}
    assert np.array_equal(epoch(data.loader(6), "X"), many.matrix("X", [back[n] for n in joint]))


def test_raw_is_joined_by_the_same_column_and_whole_numbers_are_names(mapped: Any, many: Many) -> None:
    data = mapped(many.paths, layers_keys="raw.X", var_key="gene_ids", join="outer")
    assert epoch(data.loader(4), "raw.X").shape == (16, 5)
    first = mapped(many.paths[0], var_key="entrez")
    assert first.var_joint.tolist() == [str(i + 10) for i in range(14)]


@pytest.mark.parametrize(
    ("values", "error", "says"),
    [
        (["A", None, "C"], loaderd.InvalidArgument, "no value for the variable `b`"),
        (pd.Categorical(["A", None, "C"]), loaderd.InvalidArgument, "no value for the variable `b`"),
        (["A", "B", "A"], loaderd.InvalidArgument, 'has "A" twice: for the variable `a` and the variable `c`'),
        (pd.Categorical(["A", "B", "A"]), loaderd.InvalidArgument, 'has "A" twice: for the variable `a` and'),
        ([0.5, 1.5, 2.5], loaderd.InvalidArgument, "text or whole numbers"),
        (None, loaderd.UnknownKey, "no column of"),
    ],
    ids=["missing", "missing category", "twice", "category twice", "floats", "lacking"],
)
def test_a_column_that_does_not_name_is_an_error_of_that_file(
    mapped: Any, many: Many, form: str, tmp_path: Path, values: Any, error: Any, says: str
) -> None:
    a = anndata.AnnData(np.zeros((2, 3), dtype=np.float32), var=pd.DataFrame(index=["a", "b", "c"]))
    if values is not None:
        a.var["gene_ids"] = values
    path = tmp_path / f"bad.{form}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        a.write_zarr(path) if form == "zarr" else a.write_h5ad(path)
    with pytest.raises(error) as raised:
        mapped([*many.paths, path], var_key="gene_ids")
    assert says in str(raised.value)
    assert str(path) in raised.value.object


# --- what a collection says -------------------------------------------------------------------------------------


@pytest.mark.parametrize("join", ["inner", "outer"])
def test_attributes_are_those_of_the_reference(mapped: Any, many: Many, join: Any) -> None:
    data = mapped(many.paths, join=join)
    lists = [pd.Index(a.var_names) for a in many.read]
    for found, wanted in zip(data.var_list, lists, strict=True):
        pd.testing.assert_index_equal(found, pd.Index(wanted.to_numpy(dtype=object)))
    joint = data.var_joint
    assert joint.dtype == object
    assert joint.name is None
    assert data.join_vars == join
    for found, names in zip(data.var_indices, lists, strict=True):
        wanted = names.get_indexer(joint) if join == "inner" else joint.get_indexer(names)
        assert found.dtype == np.int64
        assert np.array_equal(found, wanted)
    assert data.n_vars == len(joint)
    assert data.original_shapes == [a.shape for a in many.read]
    assert type(data.check_vars_sorted()) is bool
    assert (data.check_vars_sorted(), data.check_vars_sorted(ascending=False)) == (False, False)
    assert data.check_vars_non_aligned(lists[1]) == [0, 2]
    assert data.check_vars_non_aligned(list(lists[0])) == [1, 2]
    assert data.check_vars_non_aligned([]) == [0, 1, 2]


def test_equal_files_are_not_joined(mapped: Any, many: Many) -> None:
    data = mapped([many.paths[0]] * 2, join="outer")
    assert (data.join_vars, data.var_indices) == (None, None)
    assert data.var_joint.tolist() == list(many.read[0].var_names)
    assert data.check_vars_sorted(ascending=False)
    assert data.var["n_files"].tolist() == [2] * 14


def test_without_a_join_names_are_read_when_a_check_needs_them(mapped: Any, many: Many) -> None:
    data = mapped(many.paths, join=None)
    nothing = (data.var_list, data.var_joint, data.join_vars, data.var_indices, data.n_vars_list, data.n_vars, data.var)
    assert nothing == (None,) * 7
    assert data.original_shapes == [(7, None), (5, None), (4, None)]
    assert not data.check_vars_sorted()
    assert data.n_vars_list == [14, 16, 6]
    assert [len(v) for v in data.var_list] == [14, 16, 6]
    assert data.original_shapes == [(7, 14), (5, 16), (4, 6)]
    assert (data.var_joint, data.n_vars, data.join_vars) == (None, None, None)


@LITTLE
def test_a_panel_is_how_variables_are_joined(mapped: Any, many: Many) -> None:
    data = mapped(many.paths, join=None, var_names=["z", "w", "É"])
    assert data.join_vars == "panel"
    assert data.var_indices[2].tolist() == [1, -1, -1, -1, -1, -1]
    assert data.original_shapes == [a.shape for a in many.read]


def test_var_has_a_column_for_each_file(mapped: Any, many: Many) -> None:
    frame = mapped(many.paths, join="outer").var
    assert frame.columns.tolist() == ["n_files", *many.paths]
    for path, a in zip(many.paths, many.read, strict=True):
        assert frame.index[frame[path]].tolist() == sorted(a.var_names)
    assert frame.loc["É", "n_files"] == 1
    assert frame.loc["w", "n_files"] == 3


# --- joins of the reference -------------------------------------------------------------------------------------


def write(folder: Path, form: str, i: int, names: Any, rows: int = 3) -> str:
    """Write one store of ones, with an index of any type."""
    a = anndata.AnnData(csr_matrix(np.ones((rows, len(names)), dtype=np.float32)), var=pd.DataFrame(index=names))
    a.var.index = pd.Index(names)
    path = folder / f"v{i}.{form}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        a.write_zarr(path) if form == "zarr" else a.write_h5ad(path)
    return str(path)


@pytest.mark.parametrize(
    ("join", "lists", "joint"),
    [
        ("outer", [["b", "a"], [], ["b", "a"]], ["b", "a"]),
        ("outer", [[], ["b", "a"], ["c"]], ["a", "b", "c"]),
        ("inner", [[], []], []),
        ("outer", [["a", "a"], ["a", "a"]], ["a", "a"]),
        ("inner", [["c", "b", "a"], ["a", "x", "c"]], ["c", "a"]),
        ("outer", [["É", "gA", "g1"], ["2", "11", "10"]], ["10", "11", "2", "g1", "gA", "É"]),
    ],
    ids=str,
)
def test_joins(mapped: Any, form: str, tmp_path: Path, join: Any, lists: Any, joint: list[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        paths = [write(tmp_path, form, i, names) for i, names in enumerate(lists)]
    data = mapped(paths, join=join)
    assert data.var_joint.tolist() == joint
    assert data.shape == (3 * len(lists), len(joint))
    for form_of_batch, to in FORMS:
        x = epoch(data.loader(4, format=form_of_batch, to=to), "X")
        assert x.shape == data.shape
        if len(set(map(tuple, lists))) > 1:
            assert x.sum(axis=0).tolist() == [3 * sum(n in names for names in lists) for n in joint]


@pytest.mark.parametrize("join", ["inner", "outer", None])
def test_names_that_repeat_cannot_be_joined(mapped: Any, form: str, tmp_path: Path, join: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        paths = [write(tmp_path, form, i, names) for i, names in enumerate([["a", "b", "b"], ["b", "a"]])]
    if join is None:
        assert mapped(paths, join=None).check_vars_non_aligned(["b", "a"]) == [0]
        return
    with pytest.raises(loaderd.InvalidArgument, match='"b" occurs more than once') as raised:
        mapped(paths, join=join)
    assert isinstance(raised.value, ValueError)
    assert mapped(paths, join=join, var_names=["a"]).var_indices[0].tolist() == [0, -1, -1]
    with pytest.raises(loaderd.InvalidArgument, match='"b" of var_names occurs more than once'):
        mapped(paths, join=join, var_names=["a", "b"])


def test_nothing_shared_is_an_error_that_advises_outer(mapped: Any, form: str, tmp_path: Path) -> None:
    paths = [write(tmp_path, form, i, names) for i, names in enumerate([["a", "b"], ["c"], []])]
    for some in (paths[:2], [paths[0], paths[2]]):
        with pytest.raises(loaderd.NoSharedVars, match="outer"):
            mapped(some)


@pytest.mark.parametrize("join", ["inner", "outer", None])
@pytest.mark.parametrize("var_names", [None, ["b", "q"]], ids=["join", "panel"])
def test_stores_without_rows_or_variables_work_everywhere(
    mapped: Any, form: str, tmp_path: Path, join: Any, var_names: Any
) -> None:
    shapes = [(3, ["a", "b"]), (0, ["a", "b"]), (2, ["b", "a"])]
    paths = [write(tmp_path, form, i, names, rows) for i, (rows, names) in enumerate(shapes)]
    if join == "outer" or var_names:
        paths.append(write(tmp_path, form, 9, [], 2))
    if var_names:
        with pytest.warns(loaderd.CoverageWarning, match="1 file has"):
            data = mapped(paths, join=join, var_names=var_names)
    else:
        data = mapped(paths, join=join)
    width = len(var_names or "ab")
    for form_of_batch, to in FORMS:
        assert epoch(data.loader(3, format=form_of_batch, to=to), "X").shape == (len(data), width)
    assert data[len(data) - 1]["X"].tolist() == ([0, 0] if len(paths) == 4 else [1, 1])
    assert data[3]["X"].tolist() == ([1, 0] if var_names else [1, 1])
    nothing = mapped(paths[1], join=join)
    assert len(nothing) == 0
    assert list(nothing.loader(3)) == []
    with pytest.raises(IndexError):
        nothing[0]


def test_unequal_widths_without_a_join_are_csr_batches_and_no_dense_ones(mapped: Any, many: Many) -> None:
    data = mapped(many.paths, join=None)
    with pytest.raises(loaderd.InvalidArgument, match=r"14 columns .* 16") as raised:
        data.loader(4)
    assert "csr" in str(raised.value)
    widest = max(a.n_vars for a in many.read)
    x = epoch(data.loader(4, format="csr", to="scipy"), "X")
    assert x.shape == (16, widest)
    first = 0
    for a in many.read:
        dense = a.X.toarray() if issparse(a.X) else a.X
        assert np.array_equal(x[first : first + a.n_obs, : a.n_vars], dense)
        assert data[first]["X"].shape == (a.n_vars,)
        first += a.n_obs


@pytest.mark.parametrize(
    ("stored", "names"),
    [
        (np.array([10, 2, 1]), ["10", "2", "1"]),
        (np.array([1.0, 0.5, 1e16]), ["1.0", "0.5", "1e+16"]),
        (np.array([b"x", "é".encode(), b"zz"]), ["x", "é", "zz"]),
    ],
    ids=["integers", "floats", "bytes"],
)
def test_an_index_of_numbers_or_bytes_is_text(
    mapped: Any, form: str, tmp_path: Path, stored: np.ndarray[Any, Any], names: list[str]
) -> None:
    path = write(tmp_path, form, 0, ["a", "b", "c"])
    if form == "zarr":
        if stored.dtype.kind == "S":
            return  # zarr has no such index that anndata reads
        var = zarr.open_group(path, mode="a", use_consolidated=False)["var"]
        del var["_index"]
        var.create_array("_index", data=stored).attrs.update({"encoding-type": "array", "encoding-version": "0.2.0"})
        zarr.consolidate_metadata(path)
    else:
        with h5py.File(path, "a") as file:
            del file["var/_index"]
            file["var/_index"] = stored
            file["var/_index"].attrs.update({"encoding-type": "array", "encoding-version": "0.2.0"})
    data = mapped([path, write(tmp_path, form, 1, ["2", "b"])], join="outer")
    assert data.var_list[0].tolist() == names
    assert data.var_joint.tolist() == sorted({*names, "2", "b"})
    assert mapped(path, var_names=[names[2]])[0]["X"].tolist() == [1]
