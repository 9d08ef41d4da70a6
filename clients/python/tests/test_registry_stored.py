"""Files of what was in memory: each artifact has its own, and none is lost."""

from __future__ import annotations

import copy
import gc
import multiprocessing
import os
import pickle
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import loaderd as ln
from conftest import Daemon
from loaderd._registry import content, wire


def numbers(at: int) -> pd.DataFrame:
    return pd.DataFrame({"z": [at]})


def test_no_version_is_written_over_another_that_is_in_the_trash(registry: Path) -> None:
    first = ln.Artifact(numbers(1), key="r.parquet").save()
    second = ln.Artifact(numbers(2), is_new_version_of=first).save()
    second.delete()
    first.refresh_from_db()
    third = ln.Artifact(numbers(3), is_new_version_of=first).save()
    second.restore()
    assert [one.load()["z"].item() for one in (first, second, third)] == [1, 2, 3]


def test_what_follows_one_record_at_once_has_files_of_its_own(registry: Path, daemon: Daemon) -> None:
    base = ln.Artifact(numbers(0), key="r.parquet").save()
    new = [ln.Artifact(numbers(at), is_new_version_of=ln.Artifact.get(base.uid)) for at in (1, 2, 3)]
    for one in new:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that others came in between
            one.save()
    assert [(one.load()["z"].item(), one.hash) for one in new] == [
        (at, wire.hash_of(new[at - 1].path.read_bytes())) for at in (1, 2, 3)
    ]
    for one in (*new, base):
        ln.Artifact.get(one.uid).delete(permanent=True)
    assert list((daemon.folder / "data" / "artifacts" / ".loaderd").iterdir()) == []


def test_a_file_that_is_there_is_never_overwritten(registry: Path, daemon: Daemon) -> None:
    artifact = ln.Artifact(numbers(1), description="one")
    taken = daemon.folder / "data" / "artifacts" / ".loaderd" / f"{artifact.uid}.parquet"
    taken.write_text("somebody's")
    artifact.save()
    assert (taken.read_text(), artifact.load()["z"].item()) == ("somebody's", 1)


@pytest.mark.parametrize(
    "raised", [KeyboardInterrupt(), ln.DaemonGone("gone"), ln.LoaderdWarning("as an error")], ids=repr
)
@pytest.mark.parametrize("saved", [True, False], ids=["saved", "not saved"])
def test_what_is_interrupted_keeps_the_file_of_what_is_saved(
    registry: Path, monkeypatch: pytest.MonkeyPatch, raised: BaseException, saved: bool
) -> None:
    artifact, call = ln.Artifact(numbers(7), description="one"), wire.call

    def interrupted(name: str, *args: Any) -> Any:
        if name == "save":
            if saved:
                call(name, *args)
            raise raised
        return call(name, *args)

    with monkeypatch.context() as patched, pytest.raises(type(raised)):
        patched.setattr(wire, "call", interrupted)
        artifact.save()
    if saved:
        copied = ln.Artifact.get(description="one")
        assert copied.load()["z"].item() == 7
    artifact.save()  # once more
    uid = artifact.uid
    del artifact
    gc.collect()
    assert ln.Artifact.filter().one() == ln.Artifact.get(uid)
    assert ln.Artifact.get(uid).load()["z"].item() == 7


def test_what_is_interrupted_while_it_is_moved_can_be_saved(registry: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    artifact, moved = ln.Artifact(numbers(7), description="one"), content._moved

    def interrupted(*paths: str) -> bool:
        moved(*paths)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(content, "_moved", interrupted)
        artifact.save()
    assert artifact.save().load()["z"].item() == 7


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_what_a_copy_saved_elsewhere_is_not_removed_by_who_is_refused_or_finds_its_content(
    registry: Path, copied: Callable[[ln.Artifact], ln.Artifact]
) -> None:
    ln.add_database("other", "other.db")
    artifact = ln.Artifact(numbers(1), key="k.parquet")
    other = copied(artifact).save(using="other")
    ln.Artifact(numbers(2), key="k.parquet").save()
    artifact.version = "1"
    with pytest.raises(ln.IntegrityError):
        artifact.save()
    gc.collect()
    assert other.load()["z"].item() == 1
    ln.Artifact(numbers(1), key="another.parquet").save()
    with pytest.warns(ln.LoaderdWarning, match="key"):
        artifact.save()
    del artifact
    gc.collect()
    assert other.load()["z"].item() == 1


def test_what_is_gone_with_its_record_is_told_of(registry: Path) -> None:
    artifact = ln.Artifact(numbers(1), key="k.parquet")
    copy.deepcopy(artifact).save().delete(permanent=True)
    with pytest.raises(ln.NotFound, match="gone"):
        artifact.save()


def test_what_the_registry_refuses_is_removed_with_its_object(registry: Path, daemon: Daemon) -> None:
    first = ln.Artifact(numbers(1), key="one").save()
    second, artifact = (ln.Artifact(numbers(at), is_new_version_of=first, version="mine") for at in (2, 3))
    second.save()
    folder = daemon.folder / "data" / "artifacts" / ".loaderd"
    with pytest.raises(ln.IntegrityError):
        artifact.save()
    assert len(list(folder.iterdir())) == 3
    del artifact
    gc.collect()
    assert {first.path, second.path} == set(folder.iterdir())


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
@pytest.mark.parametrize("first", ["original", "copy"])
def test_a_copy_takes_no_file_from_the_record_of_the_other(
    registry: Path, copied: Callable[[ln.Artifact], ln.Artifact], first: str
) -> None:
    artifact = ln.Artifact(numbers(1), key="k.parquet")
    saved, other = (artifact, copied(artifact))[:: 1 if first == "original" else -1]
    saved.save()
    assert other.save() == saved
    del artifact, other
    gc.collect()
    assert saved.load()["z"].item() == 1
    assert ln.Artifact.filter().one().load()["z"].item() == 1


@pytest.mark.parametrize("parent_saves", [True, False], ids=["the parent saves it, too", "the parent forgets it"])
def test_what_a_forked_child_saves_stays(registry: Path, parent_saves: bool) -> None:
    artifact = ln.Artifact(numbers(1), key="k.parquet")
    child = multiprocessing.get_context("fork").Process(target=artifact.save)
    child.start()
    child.join(60)
    assert child.exitcode == 0
    if parent_saves:
        assert artifact.save() == ln.Artifact.get(key="k.parquet")
    del artifact, child
    gc.collect()
    assert ln.Artifact.get(key="k.parquet").load()["z"].item() == 1


def test_what_a_forked_child_is_refused_is_still_the_parents(registry: Path) -> None:
    first = ln.Artifact(numbers(0), key="r").save()
    second, artifact = (ln.Artifact(numbers(at), is_new_version_of=first, version="mine") for at in (1, 2))
    second.save()

    def refused() -> None:
        with pytest.raises(ln.IntegrityError):
            artifact.save()

    child = multiprocessing.get_context("fork").Process(target=refused)
    child.start()
    child.join(60)
    assert child.exitcode == 0
    artifact.version = "theirs"
    with pytest.warns(ln.LoaderdWarning, match="follows"):
        artifact.save()
    assert artifact.load()["z"].item() == 2


def test_one_object_is_saved_by_two_threads_as_one_record(registry: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        for at in range(20):
            artifact = ln.Artifact(numbers(at), key=f"k{at}.parquet")
            every = [artifact, artifact, copy.copy(artifact), artifact]
            saved = list(pool.map(ln.Artifact.save, every, timeout=60))
            assert {one.uid for one in saved} == {artifact.uid}
            assert ln.Artifact.filter(key=f"k{at}.parquet").one().load()["z"].item() == at


def test_what_two_processes_move_at_once_has_one_name_in_the_end(registry: Path, daemon: Daemon) -> None:
    artifact = ln.Artifact(numbers(1), key="k.parquet")
    other = pickle.loads(pickle.dumps(artifact))
    (folder,) = (daemon.folder / "data" / "artifacts").glob(".loaderd")
    (written,) = folder.iterdir()
    os.link(written, registry / "seen by the other")
    artifact.save()
    os.rename(registry / "seen by the other", written)
    assert other.save() == artifact
    assert list(folder.iterdir()) == [artifact.path]
    assert other.load()["z"].item() == 1


def test_what_is_deleted_for_good_before_it_is_saved_is_told_of(registry: Path) -> None:
    first = ln.Artifact(numbers(1), key="k.parquet").save()
    again, unchanged = ln.Artifact(numbers(1), key="k.parquet"), ln.Artifact.get(first.uid)
    collection = ln.Collection([ln.Artifact(numbers(2), key="l")], name="c").save()
    stale = ln.Collection.get(collection.uid)
    for one in (first, collection):
        one.delete(permanent=True)
    for gone in (again, unchanged, stale):
        with pytest.raises(ln.DoesNotExist, match="deleted for good"):
            gone.save()


def test_what_is_a_file_of_the_users_is_said_not_to_be_stored(registry: Path) -> None:
    numbers(1).to_csv("own.csv", index=False)
    own = ln.Artifact("own.csv", key="k.csv").save()
    with pytest.warns(ln.LoaderdWarning, match=r"at .*/own\.csv, and is not stored once more; it is lost when"):
        assert ln.Artifact(numbers(1), key="k.csv").save() == own
    ln.Artifact(numbers(2), key="k.csv").save()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ln.Artifact(numbers(2), key="k.csv").save()


@pytest.mark.parametrize("made", [lambda: ln.ULabel(name="x"), lambda: ln.Artifact(numbers(1), key="k")])
def test_a_copy_of_a_record_has_fields_of_its_own(registry: Path, made: Callable[[], Any]) -> None:
    record = made().save()
    copied = copy.copy(record)
    copied.description = "of the copy"
    assert (record.description, copied == record) == (None, True)
    copied.save()
    assert (record.save().description, type(record).get(record.uid).description) == (None, "of the copy")
