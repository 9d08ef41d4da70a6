"""What names files: paths, and objects like those of lamindb."""

from __future__ import annotations

import sys
import types
import warnings
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

import loaderd
from loaderd._inputs import Inputs
from reference import Files

Make = Callable[..., loaderd.MappedCollection]


class Cloud:
    """A UPath that is elsewhere: no PathLike."""

    protocol = "s3"
    suffix = ".h5ad"

    def __init__(self, path: str) -> None:
        self.path = path

    def __str__(self) -> str:
        return f"s3://{self.path}"


class Near(type(Path())):  # type: ignore[misc]
    """A UPath that is local: a pathlib path with a protocol."""

    protocol = "file"


class Artifact:
    def __init__(self, path: Any, suffix: str = ".h5ad", local: str = "") -> None:
        self.path, self.suffix, self.local = path, suffix, local
        self.calls: list[Any] = []

    def cache(self, *, is_run_input: Any = None, mute: bool = False) -> Any:
        self.calls.append(is_run_input)
        return Near(self.local or str(self.path))


class QuerySet(list[Any]):
    def __init__(self, members: list[Any], ordered: bool = True) -> None:
        super().__init__(members)
        self.ordered = ordered

    def all(self) -> QuerySet:
        return self


class Collection:
    def __init__(self, members: list[Any], adding: bool = False) -> None:
        self._artifacts = members
        self._state = types.SimpleNamespace(adding=adding)

    @property
    def ordered_artifacts(self) -> QuerySet:
        assert not self._state.adding
        return QuerySet(self._artifacts)

    @property
    def artifacts(self) -> QuerySet:
        return QuerySet(self._artifacts[::-1], ordered=False)


A, B, C = "/d/a.h5ad", "/d/b.h5ad", "/d/c.zarr"


@pytest.mark.parametrize(
    ("given", "paths"),
    [
        pytest.param(A, [A], id="a path"),
        pytest.param(Path(A), [A], id="a pathlib path"),
        pytest.param(Near(A), [A], id="a local UPath"),
        pytest.param((A, Path(B)), [A, B], id="several paths"),
        pytest.param((p for p in (A, B)), [A, B], id="an iterator"),
        pytest.param(Artifact(A), [A], id="an artifact"),
        pytest.param([Artifact(B), A, Artifact(C, ".anndata.zarr")], [B, A, C], id="artifacts and paths"),
        pytest.param(QuerySet([Artifact(B), Artifact(A, ".h5ad.gz")]), [B, A], id="a query set in its order"),
        pytest.param(Collection([Artifact(B), Artifact(A)]), [B, A], id="a collection in its order"),
        pytest.param([Collection([Artifact(B)]), Collection([Artifact(A)])], [B, A], id="collections"),
        pytest.param(types.SimpleNamespace(artifacts=[Artifact(A)]), [A], id="what only has artifacts"),
        pytest.param(types.SimpleNamespace(suffix=".h5ad", path=A), [A], id="an artifact without a cache"),
        pytest.param(
            types.SimpleNamespace(suffix=".h5ad", path="/x", cache=lambda: A), [A], id="a cache without arguments"
        ),
    ],
)
def test_files_are_found_in_order(given: Any, paths: list[str]) -> None:
    assert Inputs(given).paths == paths


def test_streaming_takes_the_path_and_caching_the_copy() -> None:
    one = Artifact(A, local=B)
    assert Inputs([one]).paths == [B]
    assert one.calls == [False]  # what is tracked is not each file
    assert Inputs([one], stream=True).paths == [A]
    assert len(one.calls) == 1


def test_other_files_are_left_out_with_a_warning() -> None:
    given = Collection([Artifact("/d/t.parquet", ".parquet"), Artifact(A)])
    with pytest.warns(loaderd.LoaderdWarning, match=r"'\.parquet'"):
        assert Inputs(given).paths == [A]
    with (
        pytest.warns(loaderd.LoaderdWarning, match=r"'\.csv'"),
        pytest.raises(loaderd.InvalidArgument, match="no artifact is an h5ad file"),
    ):
        Inputs(Collection([Artifact("/d/t.csv", ".csv")]))


def test_a_query_without_order_and_a_collection_that_is_not_saved_are_warned_about() -> None:
    with pytest.warns(loaderd.LoaderdWarning, match="no order"):
        assert Inputs(QuerySet([Artifact(B), Artifact(A)], ordered=False)).paths == [B, A]
    with pytest.warns(loaderd.LoaderdWarning, match="not saved"):
        assert Inputs(Collection([Artifact(B), Artifact(A)], adding=True)).paths == [B, A]


@pytest.mark.parametrize(
    ("given", "stream"),
    [
        pytest.param("s3://bucket/a.h5ad", False, id="a URL"),
        pytest.param(Cloud("bucket/a.h5ad"), False, id="a UPath"),
        pytest.param(Artifact(Cloud("bucket/a.h5ad"), local=A), True, id="an artifact that is streamed"),
    ],
)
def test_what_is_not_here_is_refused_by_name(given: Any, stream: bool) -> None:
    with pytest.raises(loaderd.Unsupported, match=r"s3://bucket/a\.h5ad: only local files") as e:
        Inputs([given], stream=stream)
    assert e.value.hint
    if stream:
        assert Inputs([given]).paths == [A]


@pytest.mark.parametrize("given", [3, None, b"a.h5ad", {"a": 1}, [["a.h5ad", 3]]], ids=repr)
def test_what_names_no_files_is_refused(given: Any) -> None:
    with pytest.raises(loaderd.InvalidArgument, match="a path is a str or PathLike, not"):
        Inputs(given)


@pytest.fixture
def lineage(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What lamindb is told, by a module that stands for its own."""
    told: list[Any] = []
    module = types.ModuleType("lamindb.models._lineage")
    module.track_run_inputs = lambda *args: told.append(args)  # type: ignore[attr-defined]
    for name in ("lamindb", "lamindb.models"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    monkeypatch.setitem(sys.modules, "lamindb.models._lineage", module)
    monkeypatch.setattr(Collection, "__module__", "lamindb.models.collection")
    return told


def test_what_was_given_is_tracked_once_it_is_open(mapped: Make, files: Files, lineage: list[Any]) -> None:
    given = Collection([Artifact(p) for p in files.paths])
    one = mapped(given)
    assert one.path_list == [str(p) for p in files.paths]
    assert lineage == [(given, None)]
    mapped(given, is_run_input="run")
    assert lineage[1:] == [(given, "run")]
    mapped(given, is_run_input=False)
    with pytest.raises(loaderd.NotFound):
        mapped(Collection([Artifact("/nowhere/a.h5ad")]))
    assert len(lineage) == 2


def test_from_lamindb_maps_its_objects_and_no_others(daemon: Any, files: Files, lineage: list[Any]) -> None:
    given = Collection([Artifact(p) for p in files.paths])
    with loaderd.from_lamindb(given, join="outer") as one:
        assert one.path_list == [str(p) for p in files.paths]
    assert lineage == [(given, None)]
    for other in (files.paths[0], [given], QuerySet([Artifact(files.paths[0])])):
        with pytest.raises(loaderd.InvalidArgument, match="of lamindb"):
            loaderd.from_lamindb(other)


def test_objects_that_are_not_of_lamindb_are_not_tracked(mapped: Make, files: Files) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(mapped(Collection([Artifact(PurePosixPath(str(files.paths[0])))]))) > 0
