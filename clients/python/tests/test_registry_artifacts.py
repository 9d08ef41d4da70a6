"""Artifacts: what they are made of, what is known of them, and that the same content is the same record."""

from __future__ import annotations

import base64
import copy
import gc
import hashlib
import os
import shutil
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
import polars as pl
import pytest
from upath import UPath

import loaderd as ln
from conftest import Daemon

MIB50 = 50 << 20


def text_of(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")[:22]


def hash_of_file(path: Path) -> tuple[str, str]:
    """Compute a hash after the description of lamindb's."""
    data = path.read_bytes()
    if len(data) <= MIB50:
        return text_of(hashlib.md5(data).digest()), "md5"
    ends = hashlib.sha1(data[:MIB50]).digest() + hashlib.sha1(data[-MIB50:]).digest()
    return text_of(hashlib.sha1(ends).digest()), "sha1-fl"


def hash_of_folder(folder: Path) -> str:
    hashes = [hash_of_file(path)[0] for path in folder.rglob("*") if path.is_file()]
    parts = [hashlib.md5(each.encode()).digest() for each in sorted(hashes)]
    return text_of(hashlib.md5(b"".join(parts)).digest())


def frame(n: int = 3, start: int = 0) -> pd.DataFrame:
    kinds = pd.Categorical(["x", "y", "x"] * n)[:n]
    return pd.DataFrame({"number": np.arange(start, start + n), "share": np.linspace(0, 1, n), "kind": kinds})


# --- what they are made of ----------------------------------------------------------------------------------------


def test_a_file_stays_where_it_is_and_is_described(registry: Path) -> None:
    artifact = ln.Artifact("a.h5ad", key="atlas/a.h5ad", description="cells")
    assert (artifact.hash, artifact.hash_type) == hash_of_file(registry / "a.h5ad")
    assert artifact.id is None
    assert artifact.save() is artifact
    assert artifact.id is not None
    assert (artifact.key, artifact.description, artifact.suffix) == ("atlas/a.h5ad", "cells", ".h5ad")
    assert artifact.size == os.path.getsize("a.h5ad")
    assert (artifact.otype, artifact.n_observations, artifact.n_files) == ("AnnData", 300, None)
    assert (artifact.version, artifact.is_latest, artifact.visibility) == (None, True, 0)
    assert (len(artifact.uid), artifact.uid[16:], artifact.stem_uid) == (20, "0000", artifact.uid[:16])
    assert isinstance(artifact.path, UPath)
    assert artifact.path == registry / "a.h5ad"
    assert artifact.created_by.handle
    assert artifact.created_at <= artifact.updated_at


@pytest.mark.parametrize("size", [0, 1, MIB50, MIB50 + 1, 2 * MIB50 + 7], ids=lambda n: f"{n} bytes")
def test_the_hash_of_a_file_is_lamindbs(registry: Path, size: int) -> None:
    path = registry / "data.bin"
    path.write_bytes(np.random.default_rng(size).bytes(size))
    artifact = ln.Artifact(path, key="data.bin")
    assert (artifact.hash, artifact.hash_type) == hash_of_file(path)
    assert artifact.size == size


def test_a_folder_has_a_hash_of_its_files_whatever_their_names(registry: Path) -> None:
    folder = registry / "images"
    for at in range(5):
        (folder / f"plate{at % 2}").mkdir(parents=True, exist_ok=True)
        (folder / f"plate{at % 2}" / f"{at}.txt").write_text(f"image {at}")
    artifact = ln.Artifact(folder, key="images").save()
    assert (artifact.hash, artifact.hash_type) == (hash_of_folder(folder), "md5-d")
    assert (artifact.n_files, artifact.size, artifact.suffix) == (5, 35, "")
    assert ln.Artifact.filter().count() == 1  # and no record of each file


def test_a_frame_is_written_to_the_storage_when_it_is_saved(registry: Path, daemon: Daemon) -> None:
    df = frame()
    artifact = ln.Artifact(df, description="numbers")
    assert (artifact.otype, artifact.suffix, artifact.n_observations) == ("DataFrame", ".parquet", 3)
    stored = daemon.folder / "data" / "artifacts" / ".loaderd" / f"{artifact.uid}.parquet"
    assert not stored.exists()
    artifact.save()
    assert artifact.path == stored
    pd.testing.assert_frame_equal(artifact.load(), df)
    assert [(f.name, f.dtype) for f in artifact.feature_sets.one().features] == [
        ("number", "int"), ("share", "float"), ("kind", "cat"),
    ]  # fmt: skip


def test_a_copy_of_what_is_not_saved_is_not_it(registry: Path) -> None:
    copied = copy.deepcopy(ln.Artifact(frame(), description="numbers"))
    gc.collect()
    with pytest.raises(ln.NotFound, match="what was written is gone"):
        copied.save()


def test_an_anndata_is_written_to_the_storage(registry: Path) -> None:
    adata = anndata.read_h5ad("a.h5ad")
    artifact = ln.Artifact.from_anndata(adata, key="mine.h5ad").save()
    assert (artifact.otype, artifact.suffix, artifact.n_observations) == ("AnnData", ".h5ad", 300)
    assert (artifact.load().X != adata.X).nnz == 0


def test_what_is_never_saved_leaves_nothing(registry: Path, daemon: Daemon) -> None:
    artifact = ln.Artifact(frame(), description="numbers")
    folder = daemon.folder / "data" / "artifacts" / ".loaderd"
    assert len(list(folder.iterdir())) == 1
    del artifact
    gc.collect()
    assert list(folder.iterdir()) == []


def test_a_url_is_noted_and_not_read(registry: Path) -> None:
    artifact = ln.Artifact("s3://bucket/a.h5ad", key="a.h5ad").save()
    assert (artifact.hash, artifact.size, artifact.suffix) == (None, None, ".h5ad")
    for use in (artifact.cache, artifact.load, artifact.stage, artifact.open):
        with pytest.raises(ln.Unsupported, match=r"s3://bucket/a\.h5ad"):
            use()
    assert ln.Artifact.get(artifact.uid)._where() == "s3://bucket/a.h5ad"


@pytest.mark.parametrize("scheme", ["file", "FILE"])
def test_a_file_url_is_a_path(registry: Path, scheme: str) -> None:
    artifact = ln.Artifact(f"{scheme}://{registry}/a.h5ad", key="a.h5ad").save()
    assert artifact.path == registry / "a.h5ad"


def test_paths_that_are_not_utf8_work(registry: Path) -> None:
    name = os.fsdecode(b"\xff.csv")
    Path(name).write_text("a,b\n1,2\n")
    artifact = ln.Artifact(name, description="odd").save()
    assert ln.Artifact.get(artifact.uid).path == registry / name
    assert ln.Artifact.filter(path=registry / name).one() == artifact == ln.Artifact.get(path__in=[registry / name])
    assert not ln.Artifact.filter(path=registry / "other.csv").exists()
    assert list(artifact.load().columns) == ["a", "b"]


# --- the same, and other, content ---------------------------------------------------------------------------------


def test_the_same_content_is_the_same_record(registry: Path) -> None:
    first = ln.Artifact("a.h5ad", key="a.h5ad").save()
    shutil.copyfile("a.h5ad", "copy.h5ad")
    for again in (
        ln.Artifact("a.h5ad", key="a.h5ad"),
        ln.Artifact("copy.h5ad", key="a.h5ad"),
        ln.Artifact("a.h5ad", description="d"),
    ):
        assert again.save() == first
        assert again.path == first.path
    with pytest.warns(ln.LoaderdWarning, match=r"'a\.h5ad'"):
        other = ln.Artifact("a.h5ad", key="b.h5ad").save()
    assert (other.uid, other.key) == (first.uid, "a.h5ad")
    assert ln.Artifact.filter().count() == 1


def test_content_in_the_trash_that_is_registered_again_comes_out_of_it(registry: Path) -> None:
    for data in ("a.h5ad", frame()):
        first = ln.Artifact(data, key="mine").save()
        first.delete()
        again = ln.Artifact(data, key="mine")
        with pytest.warns(ln.LoaderdWarning, match=f"{first.uid} was in the trash, and is restored"):
            again.save()
        assert (again.uid, again.visibility, again.is_latest) == (first.uid, 0, True)
        assert ln.Artifact.filter(uid=first.uid, visibility=0).one() == again
        again.delete(permanent=True)


def test_a_member_in_the_trash_that_is_registered_again_comes_out_of_it_with_its_collection(registry: Path) -> None:
    first = ln.Artifact("a.h5ad", key="a.h5ad").save()
    first.delete()
    with pytest.warns(ln.LoaderdWarning, match="restored"):
        ln.Collection([ln.Artifact("a.h5ad", key="a.h5ad")], name="C").save()
    assert ln.Artifact.get(key="a.h5ad").visibility == 0


def test_a_frame_whose_file_is_gone_is_written_again(registry: Path) -> None:
    table = ln.Artifact(frame(), description="numbers").save()
    path = table.path
    path.unlink()
    again = ln.Artifact(frame(), description="numbers").save()
    assert (again, again.path, sorted(path.parent.iterdir())) == (table, path, [path])
    pd.testing.assert_frame_equal(again.load(), frame())


def test_the_same_frame_is_the_same_record_and_leaves_no_second_file(registry: Path, daemon: Daemon) -> None:
    first = ln.Artifact(frame(), description="numbers").save()
    again = ln.Artifact(frame(), description="numbers")
    assert again == first
    assert again.save() == first
    assert len(list((daemon.folder / "data" / "artifacts" / ".loaderd").iterdir())) == 1


def test_saved_twice_before_either_knew_of_the_other(registry: Path, daemon: Daemon) -> None:
    first, second = ln.Artifact(frame(), description="one"), ln.Artifact(frame(), description="two")
    first.save()
    with pytest.warns(ln.LoaderdWarning, match='description "one", which stays; not "two"'):
        assert second.save() == first
    assert second.description == "one"
    assert [p.name for p in (daemon.folder / "data" / "artifacts" / ".loaderd").iterdir()] == [f"{first.uid}.parquet"]


def test_a_record_follows_its_file(registry: Path) -> None:
    artifact = ln.Artifact("a.h5ad", key="a.h5ad").save()
    (registry / "elsewhere").mkdir()
    now = registry / "elsewhere" / "b.h5ad"
    (registry / "a.h5ad").rename(now)
    again = ln.Artifact(now, key="a.h5ad")
    assert (again.uid, again.path) == (artifact.uid, now)
    assert ln.Artifact.get(artifact.uid).path == registry / "a.h5ad"  # until it is saved
    again.description = "moved"
    with pytest.warns(ln.LoaderdWarning, match=r"nothing is any more; it is at .*b\.h5ad"):
        again.save()
    found = ln.Artifact.get(artifact.uid)
    assert (found.path, found.key, found.description) == (now, "a.h5ad", "moved")
    assert found.load().n_obs == 300


def test_a_member_follows_its_file_when_the_collection_is_saved(registry: Path) -> None:
    artifact = ln.Artifact("a.h5ad", key="a.h5ad").save()
    (registry / "a.h5ad").rename(registry / "b.h5ad")
    again = ln.Artifact("b.h5ad", key="a.h5ad")
    with pytest.warns(ln.LoaderdWarning, match="nothing is any more"):
        collection = ln.Collection([again], name="one").save()
    assert collection.artifacts.one().uid == artifact.uid
    assert ln.Artifact.get(artifact.uid).path == registry / "b.h5ad"


def test_empty_files_are_each_their_own(registry: Path) -> None:
    for name in ("one.txt", "two.txt"):
        Path(name).touch()
        ln.Artifact(name, key=name).save()
    assert sorted(ln.Artifact.filter().to_list("key")) == ["one.txt", "two.txt"]


def test_other_content_under_a_key_is_a_new_version(registry: Path) -> None:
    first = ln.Artifact("a.h5ad", key="cells.h5ad").save()
    second = ln.Artifact("b.h5ad", key="cells.h5ad")
    second.save()
    first.refresh_from_db()
    assert (first.version, first.is_latest) == ("1", False)
    assert (second.version, second.is_latest) == ("2", True)
    assert second.stem_uid == first.stem_uid
    assert list(second.versions) == [second, first]
    assert ln.Artifact.get(key="cells.h5ad") == second
    assert ln.Artifact.get(first.stem_uid) == second
    assert ln.Artifact.get(first.uid) == first


def test_a_new_version_named_by_hand(registry: Path) -> None:
    first = ln.Artifact("a.h5ad", key="cells.h5ad", version="1.0.0").save()
    second = ln.Artifact("b.h5ad", revises=first)
    assert (second.key, second.version) == ("cells.h5ad", "2.0.0")
    second.save()
    assert (first.version, first.is_latest, second.is_latest) == ("1.0.0", False, True)


def test_a_successor_with_the_same_content_is_the_old_one_and_says_so(registry: Path) -> None:
    old, other = (ln.Artifact(f"{name}.h5ad", key=name).save() for name in "ab")
    for name, is_it in (("a", old), ("b", other)):
        with pytest.warns(ln.LoaderdWarning, match="no new version") as warned:
            same = ln.Artifact(f"{name}.h5ad", is_new_version_of=old)
        assert len(warned) == 1
        assert same == is_it
        assert (old.version, same.version) == (None, None)
        same.save()
        assert same.key == name
        assert [ln.Artifact.get(one.uid).version for one in (old, other)] == [None, None] == [old.version, same.version]


def test_a_new_version_has_the_names_of_the_one_before(registry: Path) -> None:
    old = ln.Artifact("a.h5ad", key="cells", description="d").save()
    new = ln.Artifact("b.h5ad", is_new_version_of=old)
    assert (new.key, new.description) == ("cells", "d")
    assert (ln.Artifact("b.h5ad", key="cells").description, new.save().description) == ("d", "d")
    other = ln.Artifact(frame(), revises=new, description="e")
    assert (other.key, other.save().description) == ("cells", "e")


def test_what_cannot_be_made_numbers_nothing(registry: Path) -> None:
    old = ln.Artifact("a.h5ad", key="cells").save()
    with pytest.raises(ln.NotFound):
        ln.Artifact("none.h5ad", is_new_version_of=old)
    assert old.version is None


def test_what_is_deleted_for_good_has_no_new_version(registry: Path) -> None:
    old = ln.Artifact("a.h5ad", key="cells").save()
    old.delete(permanent=True)
    with pytest.raises(ln.InvalidArgument, match="deleted for good"):
        ln.Artifact("b.h5ad", is_new_version_of=old)
    with pytest.warns(ln.LoaderdWarning, match="a record that is deleted"):
        old.save()
    assert ln.Artifact("b.h5ad", is_new_version_of=old).save().version == "2"
    with pytest.raises(ln.InvalidArgument, match="one of several versions"):
        old.version = None
        old.save()


def test_a_new_version_of_what_is_not_saved(registry: Path) -> None:
    old = ln.Artifact("a.h5ad", key="cells")
    new = ln.Artifact("b.h5ad", is_new_version_of=old)
    assert (old.version, new.version, new.key, new.stem_uid) == ("1", "2", "cells", old.stem_uid)
    new.save()
    assert [ln.Artifact.get(one.uid).version for one in (old, new)] == ["1", "2"] == [old.version, new.version]


# --- their life ---------------------------------------------------------------------------------------------------


def test_what_is_set_is_saved_and_nothing_else(registry: Path) -> None:
    artifact = ln.Artifact("a.h5ad", key="a.h5ad").save()
    other = ln.Artifact.get(artifact.uid)
    artifact.description = "mine"
    artifact.save()
    other.n_observations = 301
    other.save()
    assert (other.description, other.n_observations) == ("mine", 301)
    artifact.description = "forgotten"
    artifact.refresh_from_db()
    assert (artifact.description, artifact.n_observations) == ("mine", 301)


def test_trash_and_back(registry: Path) -> None:
    artifact = ln.Artifact("a.h5ad", key="a.h5ad").save()
    artifact.delete()
    assert artifact.visibility == 2
    assert not ln.Artifact.filter().exists()
    assert ln.Artifact.filter(visibility=2).one() == artifact
    assert ln.Artifact.filter(visibility=None).one() == artifact
    with pytest.warns(ln.LoaderdWarning, match="permanent=True"):
        artifact.delete()
    artifact.delete(permanent=False)
    artifact.restore()
    assert (artifact.visibility, ln.Artifact.filter().one()) == (0, artifact)
    artifact.delete(permanent=True)
    assert not ln.Artifact.filter(visibility=None).exists()
    assert Path("a.h5ad").exists()
    with pytest.warns(ln.LoaderdWarning, match="not saved"):
        artifact.delete()


def test_what_another_took_out_of_the_trash_goes_there_again(registry: Path) -> None:
    artifact = ln.Artifact("a.h5ad", key="a.h5ad").save()
    artifact.delete()
    ln.Artifact.get(artifact.uid).restore()
    artifact.delete()
    assert ln.Artifact.get(artifact.uid).visibility == 2


def test_a_member_of_a_collection_cannot_be_deleted_for_good(registry: Path) -> None:
    artifact = ln.Artifact("a.h5ad", key="a.h5ad").save()
    collection = ln.Collection([artifact], name="mine").save()
    with pytest.raises(ln.ProtectedError, match=collection.uid):
        artifact.delete(permanent=True)
    collection.delete(permanent=True)
    artifact.delete(permanent=True)


def test_features_are_known_without_the_file(registry: Path) -> None:
    artifact = ln.Artifact("a.h5ad", key="a.h5ad").save()
    Path("a.h5ad").unlink()
    sets = {tuple((f.name, f.dtype) for f in s.features[:2]): s.n for s in artifact.feature_sets}
    assert sets == {(("cell_type", "cat"),): 1, (("GENE0", "num"), ("GENE1", "num")): 50}
    assert ln.Artifact.filter(feature_sets__features__name="cell_type").one() == artifact


def test_tables_have_features(registry: Path) -> None:
    frame().to_parquet("t.parquet")
    frame().to_csv("t.csv", index=False)
    for name in ("t.parquet", "t.csv"):
        found = ln.Artifact(name, key=name).save().feature_sets.one().features
        assert found.to_list("name") == ["number", "share", "kind"]
        assert found.to_list("dtype")[:2] == ["int", "float"]


def test_labels_are_added_and_removed(registry: Path) -> None:
    artifact = ln.Artifact("a.h5ad", key="a.h5ad").save()
    good, bad = ln.ULabel(name="good").save(), ln.ULabel(name="bad").save()
    artifact.ulabels.add(good, bad)
    artifact.ulabels.add(good)
    assert artifact.ulabels.order_by("name").to_list("name") == ["bad", "good"]
    assert ln.Artifact.filter(ulabels__name="bad").one() == artifact
    assert good.artifacts.one() == artifact
    artifact.ulabels.remove(bad)
    assert list(artifact.ulabels) == [good]
    artifact.ulabels.set([bad])
    assert list(artifact.ulabels) == [bad]
    artifact.ulabels.clear()
    assert not artifact.ulabels.exists()


def test_describe_shows_what_it_is(registry: Path, capsys: pytest.CaptureFixture[str]) -> None:
    artifact = ln.Artifact("a.h5ad", key="atlas/a.h5ad").save()
    artifact.ulabels.add(ln.ULabel(name="good").save())
    assert artifact.describe() is None
    shown = capsys.readouterr().out
    for part in ("atlas/a.h5ad", artifact.uid, artifact.hash, "300", "good", "cell_type: cat", str(registry)):
        assert part in shown
    assert artifact.describe(return_str=True) == shown.rstrip("\n")


# --- what is refused ----------------------------------------------------------------------------------------------

REFUSED: list[tuple[str, Any, type[Exception], str]] = [
    ("a missing file", lambda: ln.Artifact("no.h5ad", key="k"), FileNotFoundError, "no.h5ad"),
    ("neither key nor description nor run", lambda: ln.Artifact("a.h5ad"), ValueError, "key or a description"),
    ("a number", lambda: ln.Artifact(7, key="k"), ln.InvalidArgument, "7"),
    ("nothing", lambda: ln.Artifact(key="k"), ln.FieldValidationError, "not at all"),
    ("data twice", lambda: ln.Artifact("a.h5ad", data="b.h5ad", key="k"), ln.FieldValidationError, "both"),
    ("an unknown keyword", lambda: ln.Artifact("a.h5ad", kex="k"), ln.FieldValidationError, "did you mean 'key'"),
    ("a keyword and its other name", lambda: ln.Artifact("a.h5ad", version="1", version_tag="1", key="k"),
     ln.FieldValidationError, "version_tag"),
    ("a key that is no text", lambda: ln.Artifact("a.h5ad", key=7), TypeError, "key=7"),
    *((f"the key {key!r}", lambda key=key: ln.Artifact("a.h5ad", key=key), ValueError, "relative path")
      for key in ("../../etc", "/etc/passwd", "a/../b", "..", "", " ")),
    ("a key that is set to lead upwards", lambda: setattr(ln.Artifact("a.h5ad", key="k"), "key", "../k"), ValueError,
     "relative path"),
    ("a version that is a number", lambda: ln.Artifact("a.h5ad", key="k", version=3), TypeError, "version=3"),
    ("a version that is empty", lambda: ln.Artifact("a.h5ad", key="k", version=""), ValueError, "version=''"),
    ("a number for a new version",
     lambda: ln.Artifact("b.h5ad", revises=ln.Artifact("a.h5ad", key="k"), version=3), TypeError, "version=3"),
    ("a deletion that is neither", lambda: ln.Artifact("a.h5ad", key="k").save().delete(permanent="no"), TypeError,
     "permanent='no'; it is True, False or None"),
    ("a deletion of all that is neither", lambda: ln.Artifact.filter().delete(permanent=1), TypeError, "permanent=1"),
    ("a run that is none", lambda: ln.Artifact("a.h5ad", key="k", run="r"), TypeError, "run='r'"),
    ("a new version of something else", lambda: ln.Artifact("a.h5ad", key="k", revises="a"), TypeError, "'a'"),
    ("a field that the registry sets", lambda: setattr(ln.Artifact("a.h5ad", key="k"), "hash", "x"), AttributeError,
     "hash"),
    ("a field that there is not", lambda: setattr(ln.Artifact("a.h5ad", key="k"), "descripton", "x"), AttributeError,
     "did you mean 'description'"),
    ("labels of what is not saved", lambda: ln.Artifact("a.h5ad", key="k").ulabels, ValueError, "not saved"),
    ("the hash of what is not saved", lambda: hash(ln.Artifact("a.h5ad", key="k")), TypeError, "not saved"),
    ("a label that is no label", lambda: ln.Artifact("a.h5ad", key="k").save().ulabels.add("good"), TypeError,
     "ULabel"),
    ("features by hand", lambda: ln.Artifact("a.h5ad", key="k").save().feature_sets.clear() or
     ln.Artifact("a.h5ad", key="k").feature_sets.add(*ln.FeatureSet.filter()), ValueError, "not set by hand"),
    ("an empty path", lambda: ln.Artifact("", key="k"), ValueError, "not made of a str: ''"),
    ("cells as a frame", lambda: ln.Artifact.from_df(anndata.AnnData(np.zeros((1, 1))), key="k"), TypeError,
     "is a anndata.AnnData, no pandas.DataFrame"),
    ("a path as a frame", lambda: ln.Artifact.from_df("a.h5ad", key="k"), TypeError, "is a str, no pandas.DataFrame"),
    ("a frame as cells", lambda: ln.Artifact.from_anndata(frame(), key="k"), TypeError, "no anndata.AnnData, or path"),
    ("a text as cells", lambda: ln.Artifact.from_anndata(Path("t.txt").write_text("t") and "t.txt", key="k"), TypeError,
     "no file or store of an AnnData"),
    ("a frame of another library", lambda: ln.Artifact(pl.DataFrame(), key="k"), TypeError, "a polars.DataFrame"),
    ("a place that there is not", lambda: ln.Artifact("a.h5ad", key="k", visibility=7), ValueError, "one of 0, 1, 2"),
    ("no frame", lambda: ln.Artifact.from_df([1], key="k"), TypeError, "list"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "error", "said"), [c[1:] for c in REFUSED], ids=[c[0] for c in REFUSED])
def test_what_cannot_be_is_refused_with_the_reason(
    registry: Path, make: Any, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said) as raised:
        make()
    assert isinstance(raised.value, (ln.LoaderdError, AttributeError, TypeError))


def test_a_file_that_changed_after_it_was_looked_at_is_not_saved(registry: Path) -> None:
    artifact = ln.Artifact("a.h5ad", key="a.h5ad")
    shutil.copyfile("b.h5ad", "a.h5ad")
    with pytest.raises(ln.SourceChanged, match=r"a\.h5ad"):
        artifact.save()
    assert not ln.Artifact.filter().exists()


def test_a_version_that_is_taken_is_refused(registry: Path) -> None:
    first = ln.Artifact("a.h5ad", key="cells.h5ad", version="1").save()
    with pytest.raises(ValueError, match="'1'"):
        ln.Artifact("b.h5ad", revises=first, version="1")
    with pytest.raises(ValueError, match="version="):
        ln.Artifact("b.h5ad", revises=ln.Artifact("b.h5ad", key="other", version="beta"))
