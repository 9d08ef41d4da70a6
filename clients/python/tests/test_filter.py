"""``obs_filter``: values and expressions choose the rows that pandas chooses."""

from __future__ import annotations

import os
import signal
from typing import Any

import numpy as np
import pandas as pd
import pytest

import labelfiles
import loaderd
from loaderd import _filter

NAN = float("nan")

# Each with the same in plain lists.
VALUES: list[tuple[str, dict[str, Any], dict[str, list[Any]]]] = [
    ("one value", {"kind": "B"}, {"kind": ["B"]}),
    ("a list", {"kind": ["B", "T"]}, {"kind": ["B", "T"]}),
    ("a tuple", {"kind": ("B", "T")}, {"kind": ["B", "T"]}),
    ("an array", {"count": np.array([1, 3])}, {"count": [1, 3]}),
    ("an array of no dimension", {"kind": np.array("B")}, {"kind": ["B"]}),
    ("a Series", {"kind": pd.Series(["B", "T"])}, {"kind": ["B", "T"]}),
    ("a categorical Series", {"kind": pd.Series(["B", None], dtype="category")}, {"kind": ["B", None]}),
    ("a value that no row has", {"kind": "unused"}, {"kind": ["unused"]}),
    ("no value", {"kind": []}, {"kind": []}),
    (
        "several columns",
        {"kind": ["B", "T"], "good": True, "count": [1, 2]},
        {"kind": ["B", "T"], "good": [True], "count": [1, 2]},
    ),
    ("integers by equal floats", {"count": [1.0, 2.5]}, {"count": [1]}),
    ("integers by a boolean", {"count": True}, {"count": [1]}),
    ("booleans by an integer", {"good": 1}, {"good": [True]}),
    ("text is no number", {"text": 3}, {"text": []}),
    ("text that looks like a number", {"text": "3"}, {"text": ["3"]}),
    ("text beside numbers", {"text": [3, "u", 0.5]}, {"text": ["u"]}),
    ("a float64 against float32", {"score": [0.1, 0.5]}, {"score": [0.1, 0.5]}),
    ("missing by NaN", {"kind": NAN}, {"kind": [None]}),
    ("missing by None beside a value", {"kind": ["B", None]}, {"kind": ["B", None]}),
    ("missing by pandas' NA, in front", {"nullable": [pd.NA, 1]}, {"nullable": [None, 1]}),
    ("missing ones of a float column", {"score": [np.float32("nan")]}, {"score": [None]}),
    ("missing ones of a column that has none", {"good": [None]}, {"good": []}),
    ("the label spelled nan", {"kind": ["nan"]}, {"kind": ["nan"]}),
    ("a categorical of integers", {"grade": [1, np.int64(10)]}, {"grade": [1, 10]}),
    ("a categorical of booleans", {"flag": np.True_}, {"flag": [True]}),
    ("a nullable column", {"nullable": 2}, {"nullable": [2]}),
    ("no column at all", {}, {}),
]

# Each with what pandas says of one file.
EXPRESSIONS: list[tuple[str, Any]] = [
    ("n_counts > 500 and kind in ['B', 'T']", lambda o: (o.n_counts > 500) & o.kind.isin(["B", "T"])),
    ("100 < n_counts <= 700", lambda o: (o.n_counts > 100) & (o.n_counts <= 700)),
    ("score is null or kind is null", lambda o: o.score.isna() | o.kind.isna()),
    ("score != 0.5", lambda o: o.score != 0.5),
    ("not score > 0.3", lambda o: ~(o.score > 0.3)),
    ("kind not in ['B', None]", lambda o: ~(o.kind.isin(["B"]) | o.kind.isna())),
    ("kind matches '^[BT]$'", lambda o: o.kind.isin(["B", "T"])),
    ("text.str.startswith('u') | ~good & flag", lambda o: (o.text == "u") | (~o.good & o.flag.astype(bool))),
    ("grade >= 2 and nullable.notna()", lambda o: (o.grade.astype(int) >= 2) & o.nullable.notna()),
    ("nullable < count", lambda o: (o.nullable < o["count"]).fillna(False)),
    ('`n_counts` between 10 and 900 and "u" == text', lambda o: o.n_counts.between(10, 900) & (o.text == "u")),
]


@pytest.fixture(scope="module", params=["h5ad", "zarr"])
def written(request: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], list[Any]]:
    """Two files with all columns, one without most of them between, and an empty one."""
    frames = [
        labelfiles.frame(0, 60),
        labelfiles.frame(1, 40),
        labelfiles.frame(2, 30),
        labelfiles.frame(3, 20).iloc[:0],
    ]
    frames[1] = frames[1][["grade", "nullable"]]
    return labelfiles.write(tmp_path_factory.mktemp("files"), request.param, frames), frames


@pytest.fixture
def made(written: Any, daemon: Any) -> tuple[list[str], list[Any]]:
    """The files, and a daemon to read them."""
    paths, frames = written
    return paths, frames


def check_rows(data: Any, frames: list[Any], keep: list[Any]) -> None:
    """Compare what a collection says of its rows, and what it gives, with masks over the files."""
    rows = [np.flatnonzero(mask) for mask in keep]
    assert len(data) == data.n_obs == data.shape[0] == sum(len(r) for r in rows)
    assert data.n_obs_list == [len(r) for r in rows]
    assert data.original_shapes == [(len(r), 4) for r in rows]
    assert data.indices.dtype == data.storage_idx.dtype == np.int64
    assert data.indices.tolist() == np.concatenate(rows).tolist()
    assert [r.tolist() for r in data.indices_list] == [r.tolist() for r in rows]
    assert data.storage_idx.tolist() == np.repeat(np.arange(len(rows)), [len(r) for r in rows]).tolist()
    grades = [obs["grade"].iloc[i] for obs, r in zip(frames, rows, strict=True) for i in r]
    found = [(int(b["_store_idx"][i]), int(g)) for b in data.loader(16, to="numpy") for i, g in enumerate(b["grade"])]
    assert found == [(s, {1: 0, 2: 1, 10: 2}[g]) for s, g in zip(data.storage_idx.tolist(), grades, strict=True)]
    for i in range(-1, len(data), 7):
        if len(data):
            assert data[i]["_store_idx"] == data.storage_idx[i]


@pytest.mark.parametrize(("given", "plain"), [v[1:] for v in VALUES], ids=[v[0] for v in VALUES])
def test_values_choose_the_rows_that_have_one_of_them(made: Any, given: dict[str, Any], plain: dict[str, Any]) -> None:
    paths, frames = made
    with loaderd.mapped(paths, obs_keys=["grade", "kind"], obs_filter=given) as data:
        keep = [np.ones(len(obs), dtype=bool) for obs in frames]
        for key, values in plain.items():
            keep = [mask & labelfiles.isin(obs, key, values) for mask, obs in zip(keep, frames, strict=True)]
        check_rows(data, frames, keep)
        assert data.filtered == bool(given)
        assert data.encoders["kind"] == {"B": 0, "T": 1, "nan": 2, "unused": 3}  # whatever the filter keeps
        assert list(data.var_joint) == list("abcd")


@pytest.mark.parametrize(("text", "chosen"), EXPRESSIONS, ids=[e[0] for e in EXPRESSIONS])
def test_expressions_choose_the_rows_that_pandas_chooses(made: Any, text: str, chosen: Any) -> None:
    paths, frames = made
    whole = [0, 2, 3]  # those with all columns
    with loaderd.mapped([paths[i] for i in whole], obs_keys="grade", obs_filter=text) as data:
        kept = [frames[i] for i in whole]
        check_rows(data, kept, [np.asarray(chosen(obs), dtype=bool) for obs in kept])


def test_a_file_without_the_column_has_no_such_rows_and_in_an_expression_missing_ones(made: Any) -> None:
    paths, frames = made
    for given, second in ({"kind": ["B", None]}, 0), ("kind is null", 40), ("kind != 'B'", 40), ("kind == 'B'", 0):
        with loaderd.mapped(paths, obs_filter=given) as data:
            assert data.n_obs_list[1] == second
    assert len(frames[1]) == 40


def test_a_pair_is_deprecated(made: Any) -> None:
    for pair in ("kind", ["B", "T"]), ["kind", ("B", "T")]:
        with pytest.warns(DeprecationWarning, match="use a dict"):
            data = loaderd.mapped(made[0], obs_filter=pair)
        with loaderd.mapped(made[0], obs_filter={"kind": ["B", "T"]}) as same, data:
            assert data.indices.tolist() == same.indices.tolist()


def test_a_column_that_no_file_has_selects_nothing_and_warns_with_near_matches(made: Any) -> None:
    with pytest.warns(loaderd.LoaderdWarning, match=r"'kidn'.*did you mean `kind`"):
        data = loaderd.mapped(made[0], obs_keys="grade", obs_filter={"kidn": "B", "good": True})
    with data:
        assert len(data) == 0
        assert data.indices.tolist() == data.storage_idx.tolist() == []
        assert data.get_merged_labels("grade").tolist() == data.get_label_weights("grade").tolist() == []
        assert data.get_label_weights("grade", return_categories=True) == {}
        assert list(data.loader(4)) == []
        with pytest.raises(IndexError):
            data[0]


def test_a_set_matches_nothing_as_in_lamindb_and_says_so(files: Any, daemon: Any) -> None:
    with (
        pytest.warns(
            loaderd.LoaderdWarning, match=r"obs_filter\['kind'\] is a set, which equals no label; give a list"
        ),
        loaderd.mapped(files.paths, obs_filter={"kind": {"B"}}) as data,
    ):
        assert len(data) == 0


def test_a_filter_survives_the_daemon(made: Any, daemon: Any) -> None:
    with loaderd.mapped(made[0], obs_keys="grade", obs_filter="n_counts > 500") as data:
        before = data.indices.copy()
        data._indices = None
        os.kill(daemon.pid(), signal.SIGKILL)
        with pytest.warns(loaderd.DaemonRestartedWarning):
            assert data[0]["_store_idx"] == 0
        assert data.indices.tolist() == before.tolist()


def test_values_on_the_wire_are_plain_and_each_comes_once() -> None:
    given = {"a": [np.str_("x"), "x", True, 1, 1.0, np.float32(0.5), None], "b": np.uint64(1 << 63)}
    assert _filter.wire_filter(given) == [("a", ["x", True, 1, 1.0, 0.5], True), ("b", [1 << 63], False)]
    assert _filter.wire_filter({}) == []
    with pytest.raises(loaderd.InvalidArgument, match="more than 1,000,000"):
        _filter.wire_filter({"a": range(1_000_001)})
    with pytest.raises(loaderd.InvalidArgument, match="has the value"):
        _filter.wire_filter({"a": [1 << 64]})


def test_a_state_fits_a_filter_that_chooses_the_same_however_it_is_written(files: Any, daemon: Any) -> None:
    def rows(obs_filter: Any, state: Any, n: int) -> tuple[list[int], Any]:
        with loaderd.mapped(files.paths, obs_filter=obs_filter) as data:
            loader = data.loader(1, shuffle=True, seed=1, to="numpy")
            if state is not None:
                loader.load_state_dict(state)
            batches = iter(loader)
            found = [int(next(batches)["_idx"][0]) for _ in range(n)]
            return found, loader.state_dict()

    whole, _ = rows({"kind": ["B cell", "T cell"]}, None, 4)
    first, state = rows({"kind": ["B cell", "T cell"]}, None, 2)
    rest, _ = rows("kind in ('T cell', 'B cell')", state, 2)
    assert first + rest == whole
    with pytest.raises(loaderd.InvalidArgument, match="dataset"):
        rows("kind == 'T cell'", state, 1)
