"""Files of what was in memory: each artifact has its own, and none is lost."""

from __future__ import annotations

import gc
import warnings
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import loaderd as ln
from conftest import Daemon
from loaderd._registry import wire


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
