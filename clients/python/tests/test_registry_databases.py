"""Several databases: what is copied from one to another, and files that go while they are used."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import loaderd as ln


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
