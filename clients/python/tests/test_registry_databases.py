"""Several databases: what is copied from one to another, and files that go while they are used."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import loaderd as ln
from loaderd import _wire


def numbers(at: int) -> pd.DataFrame:
    return pd.DataFrame({"z": [at]})


def test_a_version_of_one_database_is_not_taken_for_that_of_another(registry: Path) -> None:
    ln.add_database("other", "other.db")
    first = ln.Artifact(numbers(0), key="v.parquet").save()
    ln.Collection([first], name="C").save(using="other")
    there = ln.Artifact.using("other").get(first.uid)
    here = ln.Artifact(numbers(1), key="v.parquet").save()
    second = ln.Artifact(numbers(2), is_new_version_of=there).save(using="other")
    assert here.uid == second.uid
    with pytest.raises(ln.IntegrityError, match=here.uid):
        ln.Collection([here], name="D").save(using="other")
    with pytest.raises(ln.IntegrityError, match=here.uid):
        ln.Collection([first], name="D", meta=here).save(using="other")
    saved = ln.Collection([second], name="D").save(using="other")
    assert saved.ordered_artifacts.one().hash == second.hash
    assert ln.Collection([here], name="D").save().ordered_artifacts.one().hash == here.hash


def test_versions_that_are_saved_to_another_database_stay_what_they_are(registry: Path) -> None:
    ln.add_database("other", "other.db")
    label = ln.ULabel(name="l").save()
    first = ln.Artifact(numbers(0), key="v.parquet").save()
    first.ulabels.add(label)
    second = ln.Artifact(numbers(1), key="v.parquet").save()
    first.refresh_from_db()
    uids = [second.uid, first.uid]
    second.save(using="other")
    first.save(using="other")
    family = ln.Artifact.using("other").filter(key="v.parquet").order_by("-uid")
    assert [(one.uid, one.version, one.is_latest) for one in family] == [(uids[0], "2", True), (uids[1], "1", False)]
    assert ln.Artifact.using("other").get(uids[1]).ulabels.one().name == "l"
    collection = ln.Collection([ln.Artifact.get(uids[1])], name="C").save()
    collection.ulabels.add(label)
    collection.save(using="other")
    assert ln.Collection.using("other").get(collection.uid).ulabels.one().name == "l"


def test_the_default_database_has_one_name_more(registry: Path) -> None:
    ln.add_database("other", "other.db")
    label = ln.ULabel(name="l").save(using="default")
    artifact = ln.Artifact(numbers(0), key="v.parquet").save(using="default")
    collection = ln.Collection([artifact], name="C").save(using="default")
    for record in (label, artifact, collection):
        found = type(record).get(record.uid)
        assert (record, record._state.db) == (found, None)
        assert type(record).using("default").get(record.uid) == found
    artifact.ulabels.add(label)
    collection.save(using="other")
    assert collection._state.db == "other"


def test_what_another_database_has_alone_is_said_to_be_of_that(registry: Path) -> None:
    for name in ("other", "third"):
        ln.add_database(name, f"{name}.db")
    label = ln.ULabel(name="l").save(using="other")
    artifact = ln.Artifact(numbers(0), key="v.parquet").save(using="other")
    collection = ln.Collection([artifact], name="C").save(using="other")
    run = ln.Run(transform=ln.Transform(key="t.py")).save(using="other")
    for record in (label, artifact, collection, run):
        for using in ("default", "third"):
            said = rf"of the database 'other', and '{using}' lacks .*\n.*using='other'"
            with pytest.raises(ln.InvalidArgument, match=said):
                record.save(using=using)
        assert record._state.db == "other"
        assert not type(record).filter().exists()
    new = {
        "a run": ln.Artifact(numbers(1), key="w.parquet", run=run),
        "a transform": ln.Run(transform=run.transform),
        "a type": ln.ULabel(name="m", type=label),
        "a member": ln.Collection([artifact], name="D"),
        "metadata": ln.Collection([ln.Artifact(numbers(2), key="x.parquet")], name="D", meta=artifact),
        "a member's run": ln.Collection([ln.Artifact(numbers(3), key="y.parquet", run=run)], name="D"),
    }
    own = ln.ULabel(name="own").save()
    own.type = label
    for what, record in (new | {"a change": own}).items():
        with pytest.raises(ln.InvalidArgument, match="of the database 'other', and 'default'"):
            record.save()
        assert what == "a change" or record._state.adding
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that there is a collection of this member
        for record in new.values():
            assert record.save(using="other")._state.db == "other"


def test_a_version_of_another_database_is_not_taken_for_that_of_the_default_one(registry: Path) -> None:
    for name in ("other", "third"):
        ln.add_database(name, f"{name}.db")
    first = ln.Artifact(numbers(0), key="v.parquet").save()
    theirs = ln.Artifact(numbers(1), is_new_version_of=ln.Artifact.get(first.uid).save(using="other")).save(
        using="other"
    )
    collection = ln.Collection([theirs], name="C").save(using="other")
    described = ln.Collection([ln.Artifact(numbers(2), key="w")], name="D", meta=theirs).save(using="other")
    own = ln.Artifact(numbers(3), key="v.parquet").save()
    assert (own.uid, own.hash == theirs.hash) == (theirs.uid, False)
    changed = ln.Collection([first], name="E").save()
    changed.meta_artifact = theirs
    tries = [(one, using) for using in ("default", "third") for one in (
        ln.Collection([theirs], name="F"), ln.Collection([first], name="F", meta=theirs),
        ln.Collection.using("other").get(collection.uid), ln.Collection.using("other").get(described.uid),
    )]  # fmt: skip
    for one, using in [*tries, (changed, "default")]:
        with pytest.raises(
            ln.IntegrityError, match=rf"{theirs.uid}.* of the database 'other' is another one in 'default'"
        ):
            one.save(using=using)
    assert ln.Collection.filter().to_list("name") == ["E"]
    assert ln.Collection([theirs], name="C").save(using="other") == collection


def test_what_is_deleted_by_a_daemon_that_dies_is_deleted(registry: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    artifact, other = (ln.Artifact(numbers(at), key=f"{at}.parquet").save() for at in (0, 1))
    request = _wire.Channel.request

    def lost(self: Any, message: Any, tell: Any = None) -> Any:
        answer = request(self, message, tell)
        if message.get("call") == "delete" and answer["op"] == "answer":
            raise _wire.ConnectionLost("it died")
        return answer

    with monkeypatch.context() as patched:
        patched.setattr(_wire.Channel, "request", lost)
        artifact.delete(permanent=True)
    assert not ln.Artifact.filter(key="0.parquet", visibility=None).exists()
    ln.Artifact.get(other.uid).delete(permanent=True)
    with pytest.raises(ln.DoesNotExist):
        other.delete(permanent=True)


def test_what_is_meant_for_another_registry_is_not_saved_in_this_one(
    registry: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    artifact, mine = ln.Artifact(numbers(1), key="k").save(), os.environ["LOADERD_DATA_DIR"]
    monkeypatch.setenv("LOADERD_DATA_DIR", "another")
    made = (lambda: ln.ULabel(name="x").save(), lambda: ln.Artifact(numbers(2), key="k"))
    for use in (ln.databases, artifact.load, *made):
        with pytest.raises(ln.InvalidArgument, match=f"{registry / 'another'} here, and the daemon .* in {mine}"):
            use()
    ln.stop()
    assert ln.databases() == {"default": str(registry / "another" / "registry.db")}
    assert not ln.Artifact.filter().exists()


def test_paths_of_databases_need_not_be_text(registry: Path) -> None:
    odd = Path(os.fsdecode(b"c\xff.db")).absolute()
    ln.add_database("odd", odd)
    assert Path(ln.databases()["odd"]) == odd
    label = ln.ULabel(name="l").save(using="odd")
    assert ln.ULabel.using("odd").get(label.uid) == label


def test_what_is_said_of_a_file_is_text_whatever_its_name(registry: Path) -> None:
    path, moved = (Path(os.fsdecode(name)).absolute() for name in (b"a\xff.csv", b"b\xfe.csv"))
    path.write_text("a\n1\n")
    artifact = ln.Artifact(path, description="odd").save()
    path.rename(moved)
    with pytest.warns(ln.LoaderdWarning, match="nothing is any more"):
        again = ln.Artifact(moved, description="odd").save()
    assert (again, Path(again.path)) == (artifact, moved)
