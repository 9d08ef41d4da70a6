"""What is done with the data of collections and of sets of artifacts: mapped, cached, loaded, opened."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.feather as feather
import pytest
import zarr
from pandas.testing import assert_frame_equal
from upath import UPath

import loaderd as ln
from loaderd._progress import Progress
from loaderd._registry import wire


@pytest.fixture(scope="module", autouse=True)
def engines_run(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Have polars and zarr start what they keep for the life of the process."""
    zarr.create_array(store=zarr.storage.MemoryStore(), data=np.zeros(1))
    path = tmp_path_factory.mktemp("polars") / "t.parquet"
    pl.DataFrame({"x": [1]}).write_parquet(path)
    pl.scan_parquet([path, path]).collect()


def cells(*names: str) -> list[ln.Artifact]:
    return [ln.Artifact(name, key=name).save() for name in names]


def tables(write: Any, ending: str) -> tuple[list[ln.Artifact], list[pd.DataFrame]]:
    """Write two tables that share a column, and make artifacts of them."""
    frames = [pd.DataFrame({"x": [1, 2], "y": [0.5, 1.5]}), pd.DataFrame({"x": [3], "z": ["t"]})]
    made = []
    for at, frame in enumerate(frames):
        write(frame, f"t{at}{ending}")
        made.append(ln.Artifact(f"t{at}{ending}", key=f"t{at}{ending}").save())
    return made, frames


# --- mapped -------------------------------------------------------------------------------------------------------


def test_a_collection_is_mapped_in_its_order(registry: Path) -> None:
    collection = ln.Collection(cells("b.h5ad", "a.h5ad"), name="cells").save()
    with collection.mapped(obs_keys=["cell_type"]) as mapped:
        assert [Path(p).name for p in mapped.path_list] == ["b.h5ad", "a.h5ad"]
        assert mapped.shape == (500, 40)
        first = anndata.read_h5ad("b.h5ad")[0].to_df()[mapped.var_joint]
        np.testing.assert_array_equal(mapped[0]["X"], first.to_numpy()[0])
    with ln.mapped(collection) as mapped, ln.Artifact.get(key="a.h5ad").mapped(obs_keys="cell_type") as one:
        assert (len(mapped), len(one)) == (500, 300)


def test_positions_are_those_of_the_documentation(registry: Path) -> None:
    collection = ln.Collection(cells("a.h5ad", "b.h5ad"), name="cells").save()
    with collection.mapped(
        "X", ["cell_type"], None, "outer", False, None, True, False, "float64", False, False
    ) as mapped:
        assert (mapped.shape, mapped.encode_labels, mapped.dtype) == ((500, 60), False, "float64")
    artifacts = ln.Artifact.filter().order_by("key")
    with artifacts.mapped("X", ["cell_type"], None, {"cell_type": "B cell"}, "outer", False) as mapped:
        assert mapped.filtered
        assert mapped.shape[1] == 60
    with collection.mapped(obs_filter={"cell_type": "B cell"}, var_names=["GENE1", "GENE20"]) as mapped:
        assert mapped.n_vars == 2


def test_the_old_name_of_obs_keys_warns(registry: Path) -> None:
    collection = ln.Collection(cells("a.h5ad"), name="cells").save()
    with pytest.warns(ln.LoaderdWarning, match="obs_keys"):
        mapped = collection.mapped(label_keys=["cell_type"])
    assert mapped.obs_keys == ["cell_type"]
    mapped.close()
    with pytest.raises(ln.InvalidArgument, match="two names"):
        collection.mapped(label_keys=["cell_type"], obs_keys=["cell_type"])
    with pytest.raises(TypeError, match="did you mean 'obs_keys'"):
        collection.mapped(obs_kys=["cell_type"])


def test_other_members_are_left_out_with_a_warning(registry: Path) -> None:
    Path("t.csv").write_text("a\n1\n")
    made = cells("a.h5ad", "t.csv", "b.h5ad")
    ln.Collection(made, name="mixed").save()
    with pytest.warns(ln.LoaderdWarning, match=rf"uid='{made[1].uid}', key='t\.csv', suffix='\.csv': it is neither"):
        mapped = ln.Collection.get(name="mixed").mapped()
    assert len(mapped.path_list) == 2
    mapped.close()
    table = ln.Collection(ln.Artifact.filter(suffix=".csv"), name="table")
    with (
        pytest.warns(ln.LoaderdWarning, match="not saved"),
        pytest.warns(ln.LoaderdWarning, match=r"'\.csv'"),
        pytest.raises(ln.InvalidArgument),
    ):
        table.mapped()


def test_a_query_set_is_mapped_in_its_order_and_warns_without_one(registry: Path) -> None:
    cells("a.h5ad", "b.h5ad")
    with ln.Artifact.filter(otype="AnnData").order_by("-created_at").mapped() as mapped:
        assert [Path(p).name for p in mapped.path_list] == ["b.h5ad", "a.h5ad"]
    with pytest.warns(ln.LoaderdWarning, match="order_by"):
        ln.Artifact.filter(otype="AnnData").mapped().close()
    collection = ln.Collection(ln.Artifact.filter().order_by("key"), name="cells").save()
    collection.ordered_artifacts.mapped().close()
    with pytest.warns(ln.LoaderdWarning, match="order_by"):
        collection.unordered_artifacts.mapped().close()


def test_what_is_not_saved_is_mapped_with_a_warning(registry: Path) -> None:
    collection = ln.Collection([ln.Artifact("a.h5ad", key="a.h5ad")], name="cells")
    with pytest.warns(ln.LoaderdWarning, match="not saved"):
        mapped = collection.mapped()
    assert len(mapped) == 300
    mapped.close()


# --- cached -------------------------------------------------------------------------------------------------------


def test_paths_of_local_data_are_those_of_the_stored_files(registry: Path) -> None:
    collection = ln.Collection(cells("b.h5ad", "a.h5ad"), name="cells").save()
    for paths in (collection.cache(), collection.stage()):
        assert paths == [registry / "b.h5ad", registry / "a.h5ad"]
        assert all(isinstance(path, UPath) for path in paths)


def test_data_that_are_gone_or_changed_are_told_of(registry: Path) -> None:
    collection = ln.Collection(cells("b.h5ad", "a.h5ad"), name="cells").save()
    shutil.copyfile("b.h5ad", "a.h5ad")
    with pytest.warns(ln.LoaderdWarning, match=r"a\.h5ad is not what was registered"):
        collection.cache()
    Path("b.h5ad").unlink()
    with pytest.raises(FileNotFoundError, match=r"b\.h5ad"):
        collection.cache()


def test_a_file_that_was_written_to_is_told_of_though_its_size_is_the_same(registry: Path) -> None:
    Path("t.csv").write_text("a\n1\n")
    artifact = ln.Artifact("t.csv", key="t.csv").save()
    later = time.time() + 100
    os.utime("t.csv", (later, later))
    assert artifact.cache() == registry / "t.csv"  # its content is what it was
    Path("t.csv").write_text("a\n2\n")
    os.utime("t.csv", (later, later + 1))
    with pytest.warns(ln.LoaderdWarning, match=r"t\.csv is not what was registered: it was written to at"):
        assert list(artifact.load()["a"]) == [2]


def test_query_sets_give_paths_too(registry: Path) -> None:
    cells("b.h5ad", "a.h5ad")
    artifacts = ln.Artifact.filter().order_by("key")
    for paths in (artifacts.cache(), artifacts.stage()):
        assert paths == [registry / "a.h5ad", registry / "b.h5ad"]
    with pytest.warns(ln.LoaderdWarning, match="no order"):
        ln.Artifact.filter().cache()
    assert ln.Artifact.filter(key="none").order_by("key").cache() == []


def test_one_call_has_all_members(registry: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    collection = ln.Collection(cells("b.h5ad", "a.h5ad"), name="cells").save()
    calls: list[str] = []
    call = wire.call
    monkeypatch.setattr(wire, "call", lambda name, *args: calls.append(name) or call(name, *args))  # type: ignore[func-returns-value]
    uses = [
        collection.cache,
        ln.Artifact.filter().order_by("key").cache,
        lambda: collection.load(join="inner"),
        lambda: collection.mapped().close(),
        lambda: ln.mapped(list(collection.ordered_artifacts)).close(),
        lambda: ln.mapped(ln.Artifact.filter().order_by("key")).close(),
    ]
    for use in uses:
        calls.clear()
        use()
        assert calls.count("cache") == 1


def test_members_that_are_not_saved_have_paths(registry: Path) -> None:
    made = [ln.Artifact("b.h5ad", key="b"), ln.Artifact(pd.DataFrame({"x": [1]}), key="x").save()]
    collection = ln.Collection([made[0], made[1], ln.Artifact(pd.DataFrame({"x": [2]}), key="y")], name="mixed")
    first, *others = collection.cache()
    assert first == registry / "b.h5ad"
    assert [list(pd.read_parquet(path)["x"]) for path in others] == [[1], [2]]


@pytest.fixture
def copies(registry: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of copies; the working directory is on a slow file system."""
    monkeypatch.setenv("LOADERD_CACHE_DIR", str(place / "cache"))
    monkeypatch.setenv("LOADERD_CACHE_COPY", f"/nowhere:{registry}")
    return place / "cache" / "copies"


def test_slow_data_are_copied_and_read_from_their_copies(copies: Path) -> None:
    collection = ln.Collection(cells("b.h5ad", "a.h5ad"), name="cells").save()
    found = collection.cache()
    assert [path.name for path in found] == ["b.h5ad", "a.h5ad"]
    for path in found:
        assert path.is_relative_to(copies)
        assert path.read_bytes() == Path(path.name).read_bytes()
        assert path.stat().st_mtime_ns == Path(path.name).stat().st_mtime_ns
    with collection.mapped() as mapped, collection.mapped(stream=True) as stored:
        assert mapped.path_list == [str(path) for path in found]
        assert [Path(path) for path in stored.path_list] == [Path("b.h5ad").absolute(), Path("a.h5ad").absolute()]
        np.testing.assert_array_equal(mapped[7]["X"], stored[7]["X"])
    table = pd.DataFrame({"x": [1, 2]})
    table.to_parquet("t.parquet")
    dataset = ln.Artifact("t.parquet", key="t").save().open()
    assert all(file.startswith(str(copies)) for file in dataset.files)


def test_copies_follow_their_sources_and_outlive_them(copies: Path) -> None:
    Path("t.csv").write_text("a\n1\n")
    artifact = ln.Artifact("t.csv", key="t.csv").save()
    first = artifact.cache()
    assert artifact.cache() == first
    Path("t.csv").write_text("a\n1\n2\n")
    with pytest.warns(ln.LoaderdWarning, match="6 bytes instead of 4"):
        assert list(artifact.load()["a"]) == [1, 2]
    assert not first.exists()
    Path("t.csv").unlink()
    with pytest.warns(ln.LoaderdWarning, match=r"t\.csv is gone; its copy of 20"):
        assert list(artifact.load()["a"]) == [1, 2]
    shutil.rmtree(copies)
    with pytest.raises(FileNotFoundError, match=r"t\.csv"):
        artifact.load()


def test_a_folder_is_copied_whole(copies: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of formats of zarr
        anndata.read_h5ad("a.h5ad").write_zarr("a.zarr")
    artifact = ln.Artifact("a.zarr", key="a.zarr").save()
    with artifact.mapped() as mapped, ln.mapped("a.zarr") as stored:
        (path,) = mapped.path_list
        assert Path(path).is_relative_to(copies)
        np.testing.assert_array_equal(mapped[3]["X"], stored[3]["X"])
    assert (artifact.load().X != anndata.read_h5ad("a.h5ad").X).nnz == 0


def test_who_reads_an_older_copy_learns_that_it_is_gone(copies: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of formats of zarr
        anndata.read_h5ad("a.h5ad").write_zarr("a.zarr")
    artifact = ln.Artifact("a.zarr", key="a.zarr").save()
    with artifact.mapped() as mapped:
        row = mapped[3]["X"]
        os.utime("a.zarr/X/data/0")
        assert str(artifact.cache()) != mapped.path_list[0]
        with pytest.raises(ln.SourceChanged):
            mapped[3]
    with artifact.mapped() as again:
        np.testing.assert_array_equal(again[3]["X"], row)


def test_a_slow_folder_that_is_no_absolute_path_is_an_error(copies: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOADERD_CACHE_COPY", "nfs")
    with pytest.raises(ln.LoaderdError, match="nfs"):
        ln.Artifact("a.h5ad", key="a")


# --- loaded -------------------------------------------------------------------------------------------------------

WRITERS = [
    (".parquet", lambda df, path: df.to_parquet(path)),
    (".csv", lambda df, path: df.to_csv(path, index=False)),
    (".tsv", lambda df, path: df.to_csv(path, index=False, sep="\t")),
    (".feather", lambda df, path: df.to_feather(path)),
    (".arrow", lambda df, path: feather.write_feather(df, path)),
    (".ipc", lambda df, path: feather.write_feather(df, path)),
]


PACKED = [
    (f"{kind}{packed}", lambda df, path, sep=sep: df.to_csv(path, index=False, sep=sep))
    for kind, sep in ((".csv", ","), (".tsv", "\t"))
    for packed in (".gz", ".bz2", ".xz")
]


@pytest.mark.parametrize(("ending", "write"), WRITERS + PACKED, ids=[ending for ending, _ in WRITERS + PACKED])
def test_tables_are_loaded_as_one(registry: Path, ending: str, write: Any) -> None:
    artifacts, frames = tables(write, ending)
    collection = ln.Collection(artifacts, name="tables").save()
    for one in (collection, ln.Artifact.filter().order_by("id")):
        assert_frame_equal(one.load(), pd.concat(frames, join="outer"))
        assert_frame_equal(one.load("inner", ignore_index=True), pd.concat(frames, join="inner", ignore_index=True))
    assert_frame_equal(artifacts[0].load(), frames[0])


def test_cells_are_loaded_as_one_with_the_artifact_of_each(registry: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what anndata says of the versions of zarr
        anndata.read_h5ad("b.h5ad").write_zarr("c.anndata.zarr")
    collection = ln.Collection(cells("b.h5ad", "a.h5ad"), name="cells").save()
    for join in ("outer", "inner"):
        found = collection.load(join)
        parts = [anndata.read_h5ad(name) for name in ("b.h5ad", "a.h5ad")]
        own = anndata.concat(parts, join=join, label="artifact_uid", keys=[a.uid for a in collection.ordered_artifacts])
        assert (found.X != own.X).nnz == 0
        assert_frame_equal(found.obs, own.obs)
        assert list(found.var_names) == list(own.var_names)
    assert "batch" in collection.load(label="batch", keys=["p", "q"]).obs
    store = ln.Artifact("c.anndata.zarr", key="c.anndata.zarr").save()
    assert store.otype == "AnnData"
    assert ln.Collection([store], name="store").save().load().shape == (200, 50)


def test_only_one_suffix_is_loaded_as_one(registry: Path) -> None:
    Path("t.csv").write_text("a\n1\n")
    collection = ln.Collection(cells("a.h5ad", "t.csv"), name="mixed").save()
    with pytest.raises(ValueError, match=r"'\.csv', '\.h5ad'"):
        collection.load()
    with pytest.raises(ValueError, match="there are none"):
        ln.Artifact.filter(key="no").order_by("id").load()
    Path("x.bin").write_bytes(b"x")
    with pytest.raises(ValueError, match=r"'\.bin'"):
        ln.Artifact("x.bin", key="x").save().load()


def test_a_bar_shows_how_far_it_is_in_a_terminal_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for terminal in (True, False):
        out = io.StringIO()
        monkeypatch.setattr(out, "isatty", lambda terminal=terminal: terminal)
        monkeypatch.setattr(sys, "stderr", out)
        monkeypatch.setitem(sys.modules, "tqdm.auto", None)
        bar = Progress("loading")
        bar._next = 0.0
        assert list(bar.over("abc", 3)) == ["a", "b", "c"]
        assert out.getvalue().endswith("100% 3 of 3\n") == terminal
        assert bool(out.getvalue()) == terminal


# --- opened -------------------------------------------------------------------------------------------------------

OPENED = [
    *WRITERS,
    *(each for each in PACKED if each[0].endswith(".gz")),
    (".ndjson.gz", lambda df, path: df.to_json(path, orient="records", lines=True)),
    (".ndjson", lambda df, path: df.to_json(path, orient="records", lines=True)),
    (".json", lambda df, path: df.to_json(path, orient="records", lines=True)),
]


def alike(write: Any, ending: str) -> list[ln.Artifact]:
    """Write a file and a folder of tables of one kind."""
    Path("folder/deep").mkdir(parents=True)
    for at, name in enumerate(("t", "folder/one", "folder/deep/two")):
        write(pd.DataFrame({"x": [at, at]}), name + ending)
    Path("folder/_SUCCESS").touch()
    Path("folder/.hidden.txt").touch()
    return [ln.Artifact(name, key=name).save() for name in (f"t{ending}", "folder")]


@pytest.mark.parametrize(("ending", "write"), OPENED, ids=[ending for ending, _ in OPENED])
def test_tables_are_opened_by_both_engines(registry: Path, ending: str, write: Any) -> None:
    collection = ln.Collection(alike(write, ending), name="tables").save()
    for one in (collection, ln.Artifact.filter().order_by("id")):
        opened = one.open()
        assert isinstance(opened, ds.Dataset)
        assert sorted(opened.to_table()["x"].to_pylist()) == [0, 0, 1, 1, 2, 2]
        with one.open(engine="polars") as lazy:
            assert isinstance(lazy, pl.LazyFrame)
            assert sorted(lazy.collect()["x"].to_list()) == [0, 0, 1, 1, 2, 2]
    assert sorted(collection.ordered_artifacts[1].open().to_table()["x"].to_pylist()) == [1, 1, 2, 2]


@pytest.mark.parametrize(("ending", "write"), OPENED, ids=[ending for ending, _ in OPENED])
def test_a_name_is_no_pattern(registry: Path, ending: str, write: Any) -> None:
    Path("f[1]").mkdir()
    Path("f1").mkdir()
    for at, name in enumerate(("a[1]*?", "a1xx", "f[1]/b", "f1/b")):
        write(pd.DataFrame({"x": [at]}), name + ending)
    for at, path in ((0, f"a[1]*?{ending}"), (2, "f[1]")):
        artifact = ln.Artifact(path, key=path).save()
        assert artifact.open().to_table()["x"].to_pylist() == [at]
        with artifact.open(engine="polars") as lazy:
            assert lazy.collect()["x"].to_list() == [at]


def test_keywords_go_to_the_engine(registry: Path) -> None:
    (artifact, _), _ = tables(WRITERS[0][1], ".parquet")
    assert artifact.open(schema=pa.schema({"x": pa.int64()})).schema.names == ["x"]
    with artifact.open("polars", n_rows=1) as lazy:
        assert lazy.collect().height == 1


BROKEN = [".parquet", ".csv", ".tsv", ".csv.gz", ".csv.xz", ".feather", ".arrow", ".h5ad"]


@pytest.mark.parametrize("ending", BROKEN)
def test_a_file_that_is_not_what_its_name_says_is_named(registry: Path, ending: str) -> None:
    Path(f"bad{ending}").write_bytes(b"" if ending in (".csv", ".tsv") else b"\x89 this is something else")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ln.LoaderdWarning)  # that its features are not known
        artifact = ln.Artifact(f"bad{ending}", key=f"bad{ending}").save()
    with pytest.raises(ln.BadFile, match=rf"bad{ending} cannot be read as {ending}: "):
        artifact.load()
    if ending in (".parquet", ".feather", ".csv.gz"):
        with pytest.raises(ln.BadFile, match=rf"bad{ending} cannot be read"):
            artifact.open()


def test_keywords_that_a_reader_does_not_take_are_named(registry: Path) -> None:
    (artifact, _), _ = tables(WRITERS[0][1], ".parquet")
    with pytest.raises(ln.InvalidArgument, match=r"t0\.parquet cannot be read as \.parquet with columns=\['no'\]"):
        artifact.load(columns=["no"])
    with pytest.raises(ln.InvalidArgument, match="join='both'; it is 'inner' or 'outer'"):
        ln.Artifact.filter().order_by("id").load(join="both")


def test_what_cannot_be_opened_is_refused(registry: Path) -> None:
    Path("t.csv").write_text("a\n1\n")
    Path("empty").mkdir()
    Path("empty/_SUCCESS").touch()
    pd.DataFrame({"x": [1]}).to_orc("t.orc")
    csv, orc, h5ad = (ln.Artifact(name, key=name).save() for name in ("t.csv", "t.orc", "a.h5ad"))
    cases: list[tuple[list[ln.Artifact], str, str]] = [
        ([csv, orc], "pyarrow", "'.csv', '.orc'"),
        ([h5ad], "pyarrow", "does not read '.h5ad'"),
        ([h5ad], "polars", "does not read '.h5ad'"),
        ([orc], "polars", "does not read '.orc'"),
        ([csv], "pandas", "it is 'pyarrow' or 'polars'"),
        ([ln.Artifact("empty", key="empty").save()], "pyarrow", "no files"),
    ]
    for artifacts, engine, said in cases:
        with pytest.raises(ValueError, match=said), contextlib.ExitStack() as stack:
            opened = ln.Collection(artifacts, name="x").open(engine)
            if engine == "polars":
                stack.enter_context(opened)
    assert orc.open().count_rows() == 1


def test_one_artifact_takes_the_join_that_several_take(registry: Path) -> None:
    artifact = ln.Artifact("a.h5ad", key="a.h5ad").save()
    for join in ("outer", "inner"):
        assert artifact.load(join=join).shape == artifact.load().shape
    with pytest.raises(ln.InvalidArgument, match="join='left'"):
        artifact.load(join="left")
