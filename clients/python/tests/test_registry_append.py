"""What is appended to a collection that is not saved yet."""

from __future__ import annotations

import warnings
from pathlib import Path

import pandas as pd
import pytest

import loaderd as ln


@pytest.fixture
def three(registry: Path) -> list[ln.Artifact]:
    """Three tables, saved."""
    return [ln.Artifact(pd.DataFrame({"z": [at]}), key=f"{at}.parquet").save() for at in range(3)]


@pytest.mark.parametrize("field", ["key", "name", "description"])
def test_what_is_appended_to_a_new_one_of_known_members_is_of_no_other_family(
    three: list[ln.Artifact], field: str
) -> None:
    theirs, mine = "cm", "other"
    first = ln.Collection(three[:1], **{field: theirs}).save()
    head = first.append(three[1]).save()
    new = ln.Collection(three[:1], **{field: mine}, reference="r").append(three[2])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the members are there under another name
        assert new.save() is new
    assert list(new.ordered_artifacts) == [three[0], three[2]]
    assert (getattr(new, field), new.version, new.reference, new.is_latest) == (mine, None, "r", True)
    assert new.stem_uid != first.stem_uid
    assert ln.Collection.filter(is_latest=True, **{field: theirs}).one() == head
    assert list(head.ordered_artifacts) == three[:2]


def test_a_chain_that_comes_upon_members_of_another_family_stays_in_its_own(three: list[ln.Artifact]) -> None:
    theirs = ln.Collection(three[:2], key="cm").save()
    base = ln.Collection(three[1:2], key="other").save()
    base.artifacts.set(three[:1])
    chained = base.append(three[1]).append(three[2])
    with pytest.warns(ln.LoaderdWarning, match="cm"):
        chained.save()
    assert list(chained.ordered_artifacts) == three
    assert (chained.key, chained.version, chained.stem_uid) == ("other", "2", base.stem_uid)
    assert ln.Collection.get(key="cm") == theirs


def test_what_is_appended_to_a_new_one_under_its_own_key_follows_the_latest(three: list[ln.Artifact]) -> None:
    first = ln.Collection(three[:1], key="cm").save()
    new = ln.Collection(three[:1], key="cm").append(three[2]).save()
    assert (new.key, new.version, new.stem_uid) == ("cm", "2", first.stem_uid)
    assert list(new.ordered_artifacts) == [three[0], three[2]]


def test_what_a_stale_object_knows_of_names_is_not_put_on_the_new_version(three: list[ln.Artifact]) -> None:
    metadata = [ln.Artifact(pd.DataFrame({"m": [at]}), description=f"m{at}").save() for at in range(2)]
    stale = ln.Collection(three[:1], key="k", name="n", description="d", meta=metadata[0]).save()
    now = ln.Collection.get(stale.uid)
    now.key, now.name, now.description, now.meta_artifact = "k2", "n2", "d2", metadata[1]
    now.save()
    for new in (
        stale.append(three[1]),
        stale.append(three[2]).append(ln.Artifact(pd.DataFrame({"z": [5]}), description="fifth")),
        ln.Collection(three[1:], is_new_version_of=stale),
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that there is a newer one by now
            new.save()
        found = ln.Collection.get(new.uid)
        assert (new.key, new.name, new.description) == ("k2", "n2", "d2")
        assert (found.key, found.name, found.description) == ("k2", "n2", "d2")
        if new._artifacts != three[1:]:
            assert new.meta_artifact == found.meta_artifact == metadata[1]


def test_what_is_set_on_a_new_version_is_on_it(three: list[ln.Artifact]) -> None:
    first = ln.Collection(three[:1], key="k", description="d").save()
    second = first.append(three[1])
    second.description = "mine"
    third = second.append(three[2])
    assert (second.key, second.description, third.description) == ("k", "mine", "mine")
    third.save()
    assert [one.description for one in (first, second, third)] == ["d", "mine", "mine"]


@pytest.mark.parametrize("unsaved", [False, True])
def test_an_artifact_takes_the_names_that_the_one_before_has_when_it_is_saved(registry: Path, unsaved: bool) -> None:
    old = ln.Artifact("a.h5ad", key="k", description="d")
    if not unsaved:
        old.save()
    new = ln.Artifact("b.h5ad", is_new_version_of=old)
    newest = ln.Artifact(pd.DataFrame({"z": [1]}), is_new_version_of=new)
    assert (new.key, new.description, newest.key) == ("k", "d", "k")
    if unsaved:
        old.save()
    now = ln.Artifact.get(old.uid)
    now.description = "d2"
    now.save()
    newest.save()
    assert [(one.key, one.description) for one in (new, newest)] == [("k", "d2")] * 2


@pytest.mark.parametrize("is_saved", [True, False], ids=["of a saved one", "of one that is not saved"])
def test_what_is_appended_has_the_metadata_that_were_set_and_not_saved(
    three: list[ln.Artifact], is_saved: bool
) -> None:
    collection = ln.Collection(three[:1], name="c")
    if is_saved:
        collection.save()
    collection.meta_artifact = ln.Artifact(pd.DataFrame({"m": [1]}), description="metadata")
    after = collection.append(three[1]).save()
    assert after.meta_artifact == ln.Artifact.get(description="metadata")
    assert ln.Collection.get(after.uid).meta_artifact == after.meta_artifact
    assert (after.version, len(after.ordered_artifacts)) == ("2", 2)
