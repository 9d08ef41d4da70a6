"""Tables of codes: saved, loaded, imposed on other files, and compared when a loader goes on."""

from __future__ import annotations

import json
import re
import stat
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
import pytest

import loaderd
from loaderd import Encoders
from loaderd._encoders import _marks

Make = Callable[..., loaderd.MappedCollection]


@pytest.fixture
def file(tmp_path: Path) -> Callable[..., str]:
    """Writes an h5ad file whose ``obs`` has these columns."""

    def write(name: str, **obs: Any) -> str:
        n = len(next(iter(obs.values())))
        frame = pd.DataFrame(obs, index=[f"{name}{i}" for i in range(n)])
        path = tmp_path / f"{name}.h5ad"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            anndata.AnnData(np.ones((n, 2), np.float32), obs=frame, var=pd.DataFrame(index=["g", "h"])).write_h5ad(path)
        return str(path)

    return write


TABLES: dict[str, dict[Any, int]] = {
    "text": {"B": 0, "T, naïve": 1, 'quo"te': 2, "unknown": -1},
    "whole": {3: 0, 1: 1, -(2**62): 2, 2**63: 3},
    "real": {0.5: 0, 1e300: 1, 2.0: 2},
    "truth": {True: 0, False: 1},
    "none": {},
}


def test_what_is_loaded_is_what_was_saved_with_its_types(tmp_path: Path) -> None:
    path = tmp_path / "encoders.json"
    Encoders(TABLES).save(path)
    found = Encoders.load(path)
    assert dict(found) == TABLES
    for key, table in TABLES.items():
        assert [type(label) for label in found[key]] == [type(label) for label in table]
        assert list(found[key]) == list(table)
    assert found == Encoders(TABLES)
    assert found.hash == Encoders(TABLES).hash
    assert [p.name for p in tmp_path.iterdir()] == ["encoders.json"]
    assert stat.S_IMODE(path.stat().st_mode) & 0o600 == 0o600
    assert json.loads(path.read_text())["version"] == 1


def test_the_hash_is_of_labels_and_codes_and_not_of_their_order_or_numbers_types() -> None:
    one = Encoders({"k": {"a": 0, "b": 1}, "n": {1: 0}})
    assert (
        one.hash
        == Encoders({"n": {1.0: 0}, "k": {"b": 1, "a": 0}}).hash
        == Encoders({"n": {True: 0}, "k": one["k"]}).hash
    )
    for other in (
        {"k": {"a": 1, "b": 0}, "n": {1: 0}},
        {"k": {"a": 0, "b": 1}, "n": {"1": 0}},
        {"k": {"a": 0, "b": 1}},
    ):
        assert one.hash != Encoders(other).hash
        assert one != Encoders(other)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("{", "not a file of encoders", id="no JSON"),
        pytest.param("[1]", "not a file of encoders", id="another JSON"),
        pytest.param('{"format": "loaderd encoders", "version": 2}', "version 2", id="a later version"),
        pytest.param('{"format": "loaderd encoders", "version": 1}', "damaged", id="no tables"),
        pytest.param(
            '{"format": "loaderd encoders", "version": 1, "encoders": {"k": [["a", 0], ["b", 0]]}}',
            "same code 0",
            id="two labels of one code",
        ),
        pytest.param(
            '{"format": "loaderd encoders", "version": 1, "encoders": {"k": [["a", 0], ["a", 1]]}}',
            "twice",
            id="a label twice",
        ),
        pytest.param(
            '{"format": "loaderd encoders", "version": 1, "hash": "0", "encoders": {"k": [["a", 0]]}}',
            "hash",
            id="edited",
        ),
    ],
)
def test_a_file_that_is_wrong_is_refused(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "encoders.json"
    path.write_text(text)
    with pytest.raises(loaderd.BadFile, match=words):
        Encoders.load(path)
    with pytest.raises(loaderd.NotFound):
        Encoders.load(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("table", "words"),
    [
        pytest.param({"a": 0, "b": 0}, "'a' and 'b' the same code 0", id="one code twice"),
        pytest.param({"a": -2}, "-2", id="a code below -1"),
        pytest.param({"a": 0.0}, "0.0", id="a code that is no whole number"),
        pytest.param({"a": True}, "True", id="a code that is a truth"),
        pytest.param({float("nan"): 0}, "nan", id="a missing label"),
        pytest.param({None: 0}, "None", id="no label"),
        pytest.param({("a",): 0}, "'a'", id="a label that is no scalar"),
    ],
)
def test_tables_that_are_none_are_refused(table: dict[Any, Any], words: str) -> None:
    with pytest.raises(loaderd.InvalidArgument, match=words):
        Encoders({"k": table})


def test_numpy_scalars_are_labels_and_codes() -> None:
    table = Encoders({"k": {np.str_("a"): np.int64(0), np.float32(0.5): np.int8(1)}})["k"]
    assert table == {"a": 0, 0.5: 1}
    assert [type(label) for label in table] == [str, float]


def test_codes_become_labels_again() -> None:
    found = Encoders({"k": {"a": 0, "b": 2, "u": -1}}).decode("k", [[2, 0], [-1, 1]])
    assert found.tolist() == [["b", "a"], [None, None]]
    with pytest.raises(loaderd.InvalidArgument, match="did you mean 'k'"):
        Encoders({"k": {}}).decode("kk", [0])


COLUMNS = [
    pytest.param(pd.Categorical(["b", "c", "b"], categories=["c", "b"]), id="categorical"),
    pytest.param(np.array(["b", "c", "b"], dtype=object), id="text"),
    pytest.param(np.array([2, 30, 2]), id="whole numbers"),
    pytest.param(np.array([2.5, 30.0, 2.5]), id="real numbers"),
    pytest.param(np.array([True, False, True]), id="truths"),
    pytest.param(pd.array([2, 30, None], dtype="Int64"), id="nullable"),
]


@pytest.mark.parametrize("values", COLUMNS)
@pytest.mark.parametrize("how", ["dict", "object", "path", "collection"])
def test_codes_of_one_collection_are_those_of_the_next(
    mapped: Make, file: Callable[..., str], tmp_path: Path, values: Any, how: str
) -> None:
    train = file("train", k=values)
    alone = file("alone", k=values[:1])  # by itself its label would be 0
    last_first = {label: 7 - code for label, code in mapped([train], obs_keys=["k"]).encoders["k"].items()}
    source = mapped([train], obs_keys=["k"], encoders={"k": last_first})
    assert source.encoders == {"k": last_first}
    saved = tmp_path / "encoders.json"
    Encoders(source.encoders).save(saved)
    given = {"dict": source.encoders, "object": Encoders(source.encoders), "path": saved, "collection": source}[how]
    for path, n in ((train, 3), (alone, 1)):
        imposed = mapped([path], obs_keys=["k"], encoders=given)
        assert imposed.encoders == {"k": last_first}
        assert [type(label) for label in imposed.encoders["k"]] == [type(label) for label in source.encoders["k"]]
        expected = [last_first[v] if not pd.isna(v) else -1 for v in list(values)[:n]]
        (batch,) = imposed.loader(batch_size=8, to="numpy")
        assert batch["k"].tolist() == expected
        rows = [imposed[i]["k"] for i in range(n)]
        assert [-1 if np.isnan(code) else code for code in rows] == expected


def test_a_label_that_is_not_in_the_table_is_named_with_its_file(mapped: Make, file: Callable[..., str]) -> None:
    paths = [file("a", k=["x", "y"]), file("b", k=["x", "zebra"])]
    with pytest.raises(loaderd.InvalidArgument, match="is not among the 3") as e:
        mapped(paths, obs_keys=["k"], encoders={"k": {"x": 0, "y": 1, "Zebra": 2}})
    assert '"zebra"' in str(e.value)
    assert "b.h5ad" in e.value.object + str(e.value)
    assert 'unseen="unknown"' in e.value.hint
    assert "Zebra" in e.value.hint
    one = mapped(paths, obs_keys=["k"], encoders={"k": {"y": 0}}, unseen="unknown")
    (batch,) = one.loader(batch_size=4, to="numpy")
    assert batch["k"].tolist() == [-1, 0, -1, -1]
    assert one.encoders == {"k": {"y": 0}}
    one = mapped(paths, obs_keys=["k"], encoders={"k": {"x": 1, "y": 0}}, unknown_label="zebra")
    (batch,) = one.loader(batch_size=4, to="numpy")
    assert batch["k"].tolist() == [1, 0, 1, -1]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param({"encoders": {"kk": {"x": 0}}}, "did you mean 'k'", id="tables of other keys"),
        pytest.param(
            {"encoders": {"k": {"x": 0}}, "encode_labels": False}, "none of these is encoded", id="not encoded"
        ),
        pytest.param({"encoders": 3}, "encoders=3", id="no tables"),
        pytest.param({"encoders": {"k": {"x": 0}}, "unseen": "ignore"}, "unseen='ignore'", id="another unseen"),
        pytest.param({"encoders": {"k": {"x": 0}}, "unknown_label": "x"}, "code 0", id="the unknown label has a code"),
    ],
)
def test_what_cannot_be_imposed_is_said(
    mapped: Make, file: Callable[..., str], options: dict[str, Any], words: str
) -> None:
    with pytest.raises(loaderd.InvalidArgument, match=words):
        mapped([file("a", k=["x", "x"])], obs_keys=["k"], **options)


def test_keys_without_a_table_are_encoded_by_the_files(mapped: Make, file: Callable[..., str]) -> None:
    one = mapped([file("a", k=["x"], j=["q"])], obs_keys=["k", "j"], encoders={"k": {"x": 4}, "other": {"a": 0}})
    assert one.encoders == {"k": {"x": 4}, "j": {"q": 0}}


# --- states -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("then", "now", "words"),
    [
        pytest.param(
            {"a": 0, "b": 1, "c": 2}, {"a": 0, "c": 1, "b": 2}, "code 1 was 'b', and is 'c' here", id="swapped"
        ),
        pytest.param({"a": 0, "b": 1}, {"a": 0, "B": 1}, "code 1 was another label, .* and is 'B' here", id="another"),
        pytest.param({"a": 0}, {"a": 0, "b": 1}, r"'b' \(code 1 here\) was not in it", id="one more here"),
        pytest.param({"a": 0, "b": 1}, {"a": 0}, "another label of code 1, and here there is none", id="one less here"),
        pytest.param({"a": 0, "b": 2}, {"a": 0, "b": 1}, "code 1 was no label's, and is 'b' here", id="a gap closed"),
        pytest.param({"a": 0, "u": -1}, {"a": 0, "v": -1}, "code -1 was another label, .* 'v'", id="unknown ones"),
        pytest.param({1: 0, 2: 1}, {"1": 0, "2": 1}, "code 0 was another label", id="numbers and texts"),
    ],
)
def test_the_first_label_that_differs_is_named(then: Any, now: Any, words: str) -> None:
    marks = Encoders({"same": {"s": 0}, "k": then}).marks()
    found = Encoders({"same": {"s": 0}, "k": now}).difference(marks)
    assert found is not None
    key, where = found
    assert key == "k"
    assert re.search(words, where), where
    assert Encoders({"k": then}).difference(marks) is None


def test_marks_of_many_labels_stay_short_and_still_say_where() -> None:
    then = {f"donor {i:05d}": i for i in range(10_000)}
    now = then | {"donor 04321": 4322, "donor 04322": 4321}
    marks = Encoders({"k": then}).marks()
    assert len(marks["k"]) < 1600
    found = Encoders({"k": now}).difference(marks)
    assert found is not None
    assert "codes 4320 to 4339" in found[1]
    assert _marks(then) != _marks(now)


def test_a_loader_with_other_codes_refuses_a_state_and_names_the_label(mapped: Make, file: Callable[..., str]) -> None:
    path = file("a", k=["x", "y", "x"])
    state = mapped([path], obs_keys=["k"]).loader(batch_size=2, seed=1).state_dict()
    json.dumps(state)
    other = mapped([path], obs_keys=["k"], encoders={"k": {"y": 0, "x": 1}}).loader(batch_size=2, seed=1)
    with pytest.raises(loaderd.InvalidArgument, match=r"encoder of 'k' .*code 0 was 'x', and is 'y' here"):
        other.load_state_dict(state)
    same = mapped([path], obs_keys=["k"], encoders={"k": {"x": 0, "y": 1}}).loader(batch_size=2, seed=1)
    same.load_state_dict(state)  # the same codes, though given
    more = mapped([path, file("b", k=["yak"])], obs_keys=["k"]).loader(batch_size=2, seed=1)
    with pytest.raises(loaderd.InvalidArgument, match=r"'yak' \(code 2 here\) was not in it"):
        more.load_state_dict(state)
