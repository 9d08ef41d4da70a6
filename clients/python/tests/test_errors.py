"""Bad input is a typed error that names the thing and the cure, at once, and the daemon lives."""

from __future__ import annotations

import pickle
import time
import warnings
from pathlib import Path
from typing import Any

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest

import loaderd


@pytest.fixture
def bad(tmp_path: Path, files: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with files that are wrong in one way each."""
    monkeypatch.chdir(tmp_path)
    good = files.paths[0].read_bytes()
    Path("text.h5ad").write_text("obs,var\n")
    Path("empty.h5ad").write_bytes(b"")
    Path("cut.h5ad").write_bytes(good[: len(good) // 3])
    Path("good.h5ad").write_bytes(good)
    Path("no_x.h5ad").write_bytes(good)
    with h5py.File("no_x.h5ad", "a") as f:
        del f["X"]
    var = pd.DataFrame(index=[f"other{i}" for i in range(5)])
    obs = pd.DataFrame(index=list("abc"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what anndata says to pandas
        anndata.AnnData(X=np.ones((3, 5), np.float32), obs=obs, var=var).write_h5ad("other_genes.h5ad")
    return tmp_path


CASES: list[tuple[str, tuple[Any, ...], dict[str, Any], type[Exception], type[Exception], list[str]]] = [
    ("a missing file", ("nope.h5ad",), {}, loaderd.NotFound, FileNotFoundError, ["nope.h5ad"]),
    ("a missing file among good ones", (["good.h5ad", "x/y.h5ad"],), {}, loaderd.NotFound, OSError, ["x/y.h5ad"]),
    ("a pattern without matches", ("data/*.h5ad",), {}, loaderd.NotFound, OSError, ["data/*.h5ad"]),
    ("a text file", ("text.h5ad",), {}, loaderd.BadFile, OSError, ["text.h5ad"]),
    ("an empty file", ("empty.h5ad",), {}, loaderd.BadFile, OSError, ["empty.h5ad"]),
    ("a truncated file", ("cut.h5ad",), {}, loaderd.BadFile, OSError, ["cut.h5ad"]),
    ("a file without X", ("no_x.h5ad",), {}, loaderd.NoElement, KeyError, ["X", "no_x.h5ad"]),
    ("a directory", (".",), {}, loaderd.LoaderdError, Exception, []),
    ("a layer that no file has", ("good.h5ad", "count"), {}, loaderd.LoaderdError, KeyError, ["count", "counts"]),
    ("an obs key that no file has", ("good.h5ad",), {"obs_keys": "donr"}, loaderd.UnknownKey, KeyError, ["donor"]),
    ("an obsm key that no file has", ("good.h5ad",), {"obsm_keys": "pcb"}, loaderd.UnknownKey, KeyError, ["pca"]),
    ("no shared genes", (["good.h5ad", "other_genes.h5ad"],), {}, loaderd.NoSharedVars, ValueError, ["outer"]),
    ("no paths", ([],), {}, loaderd.InvalidArgument, ValueError, ["empty"]),
    ("a number as path", (7,), {}, loaderd.InvalidArgument, ValueError, ["7"]),
    ("a remote path", ("s3://bucket/a.h5ad",), {}, loaderd.Unsupported, NotImplementedError, ["s3://bucket"]),
    ("an unknown join", ("good.h5ad",), {"join": "iner"}, loaderd.InvalidArgument, ValueError, ["iner", "inner"]),
    ("a filter of a wrong form", ("good.h5ad",), {"obs_filter": 3}, loaderd.InvalidArgument, ValueError, ["=3"]),
    ("no filter expression", ("good.h5ad",), {"obs_filter": " "}, loaderd.InvalidArgument, ValueError, ["empty"]),
    ("a filter expression that does not end", ("good.h5ad",), {"obs_filter": "donor == 'a' and"},
     loaderd.InvalidArgument, ValueError, ["at the end", "^"]),
    ("a filter expression with a column that no file has", ("good.h5ad",), {"obs_filter": "donr == 'a'"},
     loaderd.UnknownKey, KeyError, ["donor", "character 1"]),
    ("a filter value that no label is", ("good.h5ad",), {"obs_filter": {"donor": 1j}},
     loaderd.InvalidArgument, ValueError, ["1j"]),
    ("a filter with a dict", ("good.h5ad",), {"obs_filter": {"donor": {}}},
     loaderd.InvalidArgument, ValueError, ["donor"]),
    ("a filter key that is no name", ("good.h5ad",), {"obs_filter": {3: "a"}},
     loaderd.InvalidArgument, ValueError, ["key 3"]),
    ("an encoded key that is not asked for", ("good.h5ad",), {"obs_keys": ["donor"], "encode_labels": ["doner"]},
     loaderd.InvalidArgument, ValueError, ["doner", "did you mean 'donor'"]),
    ("an unknown label of another key", ("good.h5ad",), {"obs_keys": ["donor"], "unknown_label": {"kind": "x"}},
     loaderd.InvalidArgument, ValueError, ["kind"]),
    ("an unknown label that is none", ("good.h5ad",), {"obs_keys": ["donor"], "unknown_label": 3},
     loaderd.InvalidArgument, ValueError, ["unknown_label=3"]),
    ("a key twice", ("good.h5ad",), {"obs_keys": ["donor", "donor"]}, loaderd.InvalidArgument, ValueError, ["donor"]),
    ("a dtype that is none", ("good.h5ad",), {"dtype": "floaty"}, loaderd.InvalidArgument, ValueError, ["floaty"]),
    ("a policy that is none", ("good.h5ad",), {"on_daemon_loss": "ignore"}, loaderd.InvalidArgument, ValueError,
     ["ignore", "restart"]),
]  # fmt: skip


@pytest.mark.parametrize(("args", "kwargs", "cls", "also", "words"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_bad_input_is_a_typed_error_within_a_second(
    daemon: Any, bad: Path, args: Any, kwargs: Any, cls: Any, also: Any, words: list[str]
) -> None:
    with loaderd.mapped("good.h5ad"):
        before = daemon.pid()
        since = time.monotonic()
        with pytest.raises(cls) as caught:
            loaderd.mapped(*args, **kwargs)
        assert time.monotonic() - since < 1
        assert isinstance(caught.value, loaderd.LoaderdError)
        assert isinstance(caught.value, also)
        for word in words:
            assert word in str(caught.value)
        assert daemon.pid() == before
    again = pickle.loads(pickle.dumps(caught.value))
    assert (type(again), str(again), again.hint) == (type(caught.value), str(caught.value), caught.value.hint)
    assert str(type(caught.value)("a message alone")) == "a message alone"  # as torch makes it in a worker's parent


@pytest.mark.parametrize(
    ("index", "cls", "word"),
    [
        (300, loaderd.IndexOutOfRange, "row 300 of a collection of 300 rows; valid are -300 to 299"),
        (-301, IndexError, "row -301"),
        (10**30, IndexError, "row 10000"),
        (1.0, IndexError, "1.0"),
        ("a", IndexError, "'a'"),
        (None, TypeError, "NoneType"),
        (slice(3), TypeError, "slice"),
        ([1, 2], TypeError, "list"),
        (True, TypeError, "bool"),
        (np.True_, TypeError, "bool"),
    ],
    ids=str,
)
def test_bad_indices(mapped: Any, index: Any, cls: Any, word: str) -> None:
    data = mapped()
    with pytest.raises(cls) as caught:
        data[index]
    assert word in str(caught.value)
    assert data[0]["_store_idx"] == 0


@pytest.mark.parametrize(
    ("indices", "cls"),
    [([1, 300], IndexError), ([-301], IndexError), ([1.5], IndexError), ([1 << 63], IndexError), (["a"], IndexError),
     ([True, False], TypeError), ([[1], [2]], TypeError)],
    ids=str,
)  # fmt: skip
def test_bad_lists_of_indices(mapped: Any, indices: Any, cls: Any) -> None:
    data = mapped()
    with pytest.raises(cls):
        data.__getitems__(indices)
    assert len(data.__getitems__([299, -300])) == 2


def test_a_closed_collection_says_so(mapped: Any) -> None:
    with mapped() as data:
        loader = data.loader(100)
        row = data[0]
        assert not data.closed
    assert data.closed
    assert "closed" in repr(data)
    for use in (lambda: data[0], lambda: data.__getitems__([1]), lambda: data.loader()):
        with pytest.raises(loaderd.Closed, match=r"call loaderd\.mapped again"):
            use()
    data.close()
    assert len(data) == 300
    assert row["X"].sum() > 0
    assert len(list(loader)) == 3


def test_patterns_folders_and_relative_paths(daemon: Any, files: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = files.paths[0].parent
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(folder))
    for given in ("part*.h5ad", str(folder / "part?.h5ad"), ["part0.h5ad", "part[12].h5ad"], "~/part*.h5ad"):
        with loaderd.mapped(given) as data:
            assert data.path_list == [str(p) for p in files.paths]
    with loaderd.mapped(Path("part1.h5ad")) as data:
        assert data.path_list == [str(files.paths[1])]


def test_a_name_that_looks_like_a_pattern(daemon: Any, files: Any, tmp_path: Path) -> None:
    odd = tmp_path / "what [1].h5ad"
    odd.write_bytes(files.paths[0].read_bytes())
    with loaderd.mapped(odd) as data:
        assert len(data) == 150


def test_a_file_truncated_under_a_stream_is_an_error_of_that_stream_alone(
    mapped: Any, files: Any, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.h5ad"
    copy.write_bytes(files.paths[0].read_bytes())
    good, doomed = mapped(files.paths[1]), mapped(copy)
    batches = iter(good.loader(1))
    next(batches)
    with copy.open("r+b") as f:
        f.truncate(copy.stat().st_size // 2)
    with pytest.raises(loaderd.LoaderdError) as caught:
        for _ in range(3):
            list(doomed.loader(10))
    assert isinstance(caught.value, (loaderd.SourceChanged, loaderd.BadFile))
    assert "copy.h5ad" in str(caught.value)
    assert len(list(batches)) == 89
    assert good[0]["_store_idx"] == 0
