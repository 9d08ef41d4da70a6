"""Collections: members and their order, identity, versions, trash, labels."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import loaderd as ln


@pytest.fixture
def three(registry: Path) -> list[ln.Artifact]:
    """Three artifacts, saved: two of cells and a table."""
    Path("t.csv").write_text("a,b\n1,2\n")
    return [ln.Artifact(name, key=name).save() for name in ("a.h5ad", "b.h5ad", "t.csv")]


def lamindbs_hash(artifacts: list[ln.Artifact]) -> str:
    text = ":".join(sorted({str(a.hash) for a in artifacts}))
    return base64.urlsafe_b64encode(hashlib.md5(text.encode()).digest()).decode()[:22]


# --- members ------------------------------------------------------------------------------------------------------


def test_members_keep_their_order(three: list[ln.Artifact]) -> None:
    given = [three[2], three[0], three[1]]
    collection = ln.Collection(given, name="mine")
    assert collection.save() is collection
    found = ln.Collection.get(collection.uid)
    assert list(found.ordered_artifacts) == given
    assert sorted(found.artifacts.all(), key=lambda a: a.id) == three
    assert set(found.unordered_artifacts) == set(three)
    assert found.ordered_artifacts.ordered
    assert not found.unordered_artifacts.ordered
    assert isinstance(found.artifacts, ln.ArtifactQuerySet)
    assert found.ordered_artifacts.filter(suffix=".h5ad").to_list("key") == ["a.h5ad", "b.h5ad"]
    assert found.ordered_artifacts.last() == three[1]
    assert three[0].collections.one() == collection


def test_the_hash_is_lamindbs_and_does_not_depend_on_order(three: list[ln.Artifact]) -> None:
    one, other = ln.Collection(three, name="one"), ln.Collection(three[::-1], name="other")
    assert one.hash == other.hash == lamindbs_hash(three)
    one.save()
    other.save()
    assert one.hash == other.hash == lamindbs_hash(three)
    assert one != other
    assert list(other.ordered_artifacts) == three[::-1]


def test_the_same_artifacts_in_the_same_order_are_one_collection_that_keeps_its_name(three: list[ln.Artifact]) -> None:
    first = ln.Collection(three, name="first", description="d").save()
    with pytest.warns(ln.LoaderdWarning, match="first"):
        again = ln.Collection(three, name="second").save()
    assert again == first
    assert (again.name, again.description) == ("first", "d")
    assert first.save() == first
    assert ln.Collection.filter().count() == 1


def test_unsaved_members_are_saved_with_it(registry: Path) -> None:
    members = [ln.Artifact("a.h5ad", key="a.h5ad"), ln.Artifact(pd.DataFrame({"x": [1]}), description="x")]
    collection = ln.Collection(members, name="mine").save()
    assert all(member.id is not None for member in members)
    assert list(collection.ordered_artifacts) == members
    assert members[1].load()["x"].tolist() == [1]


def test_members_that_are_versions_of_each_other_know_it_when_saved(registry: Path) -> None:
    members = [ln.Artifact(pd.DataFrame({"x": [at]}), key="x") for at in range(3)]
    ln.Collection(members, name="versions").save()
    assert [member.version for member in members] == ["1", "2", "3"]
    assert [member.is_latest for member in members] == [False, False, True]
    assert [ln.Artifact.get(member.uid).version for member in members] == ["1", "2", "3"]


def test_nothing_is_saved_if_a_member_cannot_be(registry: Path) -> None:
    members = [ln.Artifact("a.h5ad", key="a.h5ad"), ln.Artifact("b.h5ad", key="b.h5ad")]
    frame = ln.Artifact(pd.DataFrame({"x": [1]}), description="x")
    Path("b.h5ad").write_bytes(b"other")
    with pytest.raises(ln.SourceChanged, match=r"b\.h5ad"):
        ln.Collection([frame, *members], name="mine").save()
    assert not ln.Artifact.filter(visibility=None).exists()
    assert not ln.Collection.filter(visibility=None).exists()
    assert ln.Collection([frame, members[0]], name="mine").save().ordered_artifacts.count() == 2


def test_an_artifact_given_twice_is_a_member_once(three: list[ln.Artifact]) -> None:
    with pytest.warns(ln.LoaderdWarning, match="more than once"):
        collection = ln.Collection([three[0], three[1], three[0]], name="mine").save()
    assert list(collection.ordered_artifacts) == three[:2]


def test_append_makes_a_new_version_in_order(three: list[ln.Artifact]) -> None:
    collection = ln.Collection([three[1], three[0]], name="mine", description="d").save()
    longer = collection.append(three[2])
    assert longer.id is None
    longer.save()
    assert list(longer.ordered_artifacts) == [three[1], three[0], three[2]]
    assert (longer.name, longer.description, longer.version) == ("mine", "d", "2")
    assert longer.stem_uid == collection.stem_uid
    assert list(collection.ordered_artifacts) == [three[1], three[0]]


def test_what_two_append_to_one_version_is_both_in_the_latest(three: list[ln.Artifact]) -> None:
    first = ln.Collection(three[:1], name="mine", reference="r").save()
    mine = first.append(three[1])
    theirs = ln.Collection.get(first.uid).append(ln.Artifact(pd.DataFrame({"x": [7]}), key="seven.parquet"))
    chained = mine.append(three[2])
    theirs.save()
    with pytest.warns(ln.LoaderdWarning, match=f"the new one follows {theirs.uid}"):
        chained.save()
    (seven,) = ln.Artifact.filter(key="seven.parquet")
    assert list(chained.ordered_artifacts) == [three[0], seven, three[1], three[2]]
    assert list(theirs.ordered_artifacts) == [three[0], seven]
    assert (chained.version, mine.version, theirs.version, chained.reference) == ("4", "3", "2", "r")
    assert ln.Collection.get(name="mine", is_latest=True) == chained
    with pytest.warns(ln.LoaderdWarning, match="more than once"):
        again = chained.append(three[1])
    with pytest.warns(ln.LoaderdWarning, match="no new version"):
        assert again.save() == chained


# --- what it is made of -------------------------------------------------------------------------------------------


def test_one_artifact_of_a_frame_a_table_or_a_folder(registry: Path) -> None:
    df = pd.DataFrame({"x": [1, 2]})
    Path("t.csv").write_text("a,b\n1,2\n")
    (registry / "folder").mkdir()
    (registry / "folder" / "a.txt").write_text("a")
    for data in (df, "./t.csv", registry / "folder"):
        collection = ln.Collection(data, name=str(type(data))).save()
        found = ln.Collection.get(collection.uid)
        assert found.artifact is not None
        assert list(found.ordered_artifacts) == [found.artifact] == [collection.artifact]
    artifact = ln.Artifact("a.h5ad", key="a.h5ad")
    assert ln.Collection(artifact, name="x").save().artifact is None
    assert ln.Collection([artifact], name="x").artifact is None


def test_metadata_are_an_artifact_or_a_frame(three: list[ln.Artifact]) -> None:
    collection = ln.Collection(three[:2], name="one", meta=three[2]).save()
    assert ln.Collection.get(collection.uid).meta_artifact == three[2]
    df = pd.DataFrame({"plate": ["p", "q"]})
    made = ln.Collection(three[:1], name="two", meta=df).save()
    assert made.meta_artifact.id is not None
    pd.testing.assert_frame_equal(ln.Collection.get(made.uid).meta_artifact.load(), df)
    assert ln.Collection.filter(meta_artifact=three[2]).one() == collection


def test_a_query_set_makes_a_collection(three: list[ln.Artifact]) -> None:
    cells = ln.Artifact.filter(otype="AnnData").order_by("-key")
    assert ln.Collection(cells, name="cells").save().ordered_artifacts.to_list("key") == ["b.h5ad", "a.h5ad"]


def test_every_field_by_position_and_by_its_names(three: list[ln.Artifact]) -> None:
    run = ln.track(key="test.py")
    values = (three[:1], "n", "1.2", "d", three[2], "ref", "url", run, None)
    one = ln.Collection(*values)
    other = ln.Collection(data=three[:1], name="n", version_tag="1.2", description="d", meta_artifact=three[2],
                          reference="ref", reference_type="url", run=run, revises=None)  # fmt: skip
    for collection in (one, other):
        assert (collection.name, collection.version, collection.version_tag) == ("n", "1.2", "1.2")
        assert (collection.description, collection.reference, collection.reference_type) == ("d", "ref", "url")
        assert (collection.meta_artifact, collection.run) == (three[2], run)
    one.save()
    assert (one.run, one.transform, one.version) == (run, run.transform, "1.2")


def test_one_that_is_there_gets_what_it_lacks_and_says_what_stays(three: list[ln.Artifact]) -> None:
    first = ln.Collection(three[:2], name="n", reference="r").save()
    with pytest.warns(ln.LoaderdWarning) as said:
        again = ln.Collection(three[:2], name="m", description="d", reference="r", meta=three[2]).save()
    assert [str(one.message) for one in said] == [
        f'{first.uid} is there already, with the name "n", which stays; not "m"'
    ]
    assert (again, again.name, again.description, again.meta_artifact) == (first, "n", "d", three[2])
    first.refresh_from_db()
    assert (first.description, first.meta_artifact, first.version) == ("d", three[2], None)


# --- versions -----------------------------------------------------------------------------------------------------


def test_a_new_version_numbers_both_at_once_and_writes_both_when_saved(three: list[ln.Artifact]) -> None:
    old = ln.Collection(three[:1], description="d").save()
    assert old.version is None
    new = ln.Collection(three[:2], is_new_version_of=old)
    assert (old.version, new.version, new.stem_uid) == ("1", "2", old.stem_uid)
    assert ln.Collection.get(old.uid).version is None
    new.save()
    assert [(c.version, c.is_latest) for c in ln.Collection.get(new.uid).versions] == [("2", True), ("1", False)]
    assert (old.version, old.is_latest, new.is_latest) == ("1", False, True)
    third = ln.Collection(three, revises=new).save()
    assert (third.version, third.uid[16:]) == ("3", "0002")
    assert ln.Collection.get(description="d") == third
    assert list(ln.Collection.filter(description="d", is_latest=False)) == [old, new]


def test_the_old_one_has_no_number_in_the_registry_until_there_is_a_new_one(three: list[ln.Artifact]) -> None:
    old = ln.Collection(three[:1], name="mine").save()
    new = ln.Collection(three[:2], is_new_version_of=old)
    assert old.version == "1"
    assert "version='1'" in repr(old)
    old.description = "d"
    old.save()
    assert old.version is None
    assert (ln.Collection.get(old.uid).version, ln.Collection.get(old.uid).description) == (None, "d")
    again = ln.Collection(three[:2], is_new_version_of=old)
    assert old.version == "1"
    assert old.save().version is None
    assert again.uid == new.uid
    assert [new.save().version, old.version, ln.Collection.get(old.uid).version] == ["2", "1", "1"]


def test_an_old_one_that_is_not_saved_has_no_number_either(three: list[ln.Artifact]) -> None:
    old = ln.Collection(three[:1], name="mine")
    new = ln.Collection(three[:2], is_new_version_of=old)
    assert old.version == "1"
    old.save()
    assert (old.version, ln.Collection.get(old.uid).version) == (None, None)
    new.save()
    assert [ln.Collection.get(one.uid).version for one in (old, new)] == ["1", "2"] == [old.version, new.version]


def test_the_number_that_is_set_by_hand_is_saved(three: list[ln.Artifact]) -> None:
    old = ln.Collection(three[:1], name="mine").save()
    ln.Collection(three[:2], is_new_version_of=old)
    old.version = "1"
    assert (old.save().version, ln.Collection.get(old.uid).version) == ("1", "1")


def test_a_successor_with_the_same_members_is_the_old_one_and_says_so(three: list[ln.Artifact]) -> None:
    old, other = (ln.Collection(three[:n], name=str(n)).save() for n in (1, 2))
    for members, is_it in ((three[:1], old), (three[:2], other)):
        same = ln.Collection(members, name=is_it.name, is_new_version_of=old)
        assert (old.version, same.version) == ("1", "2")
        with pytest.warns(ln.LoaderdWarning, match=old.uid) as warned:
            same.save()
        assert len(warned) == 1
        assert same == is_it
        assert [old.version, same.version, ln.Collection.get(old.uid).version] == [None, None, None]
        old.description = is_it.name
        assert old.save().version is None
    assert ln.Collection.filter().count() == 2


def test_a_new_version_of_what_is_not_saved_saves_it_first(three: list[ln.Artifact]) -> None:
    old = ln.Collection(three[:1], name="mine")
    new = ln.Collection(three[:2], is_new_version_of=old).save()
    assert (old.version, new.version, new.stem_uid) == ("1", "2", old.stem_uid)
    assert new.name == "mine"
    assert old.id is not None


@pytest.mark.parametrize(("before", "after"), [("1", "2"), ("9", "10"), ("1.3.1", "2.0.0"), ("2023.1", "2024.0")])
def test_the_next_version(three: list[ln.Artifact], before: str, after: str) -> None:
    old = ln.Collection(three[:1], name="mine", version=before).save()
    new = ln.Collection(three[:2], is_new_version_of=old).save()
    assert (ln.Collection.get(old.uid).version, ln.Collection.get(new.uid).version) == (before, after)


def test_a_version_of_an_old_version_follows_the_latest_with_a_warning(three: list[ln.Artifact]) -> None:
    first = ln.Collection(three[:1], name="mine").save()
    second = ln.Collection(three[:2], is_new_version_of=first).save()
    with pytest.warns(ln.LoaderdWarning, match=second.uid):
        third = ln.Collection(three, is_new_version_of=first)
    assert third.save().version == "3"


def test_two_that_follow_the_same_are_two_versions(three: list[ln.Artifact]) -> None:
    first = ln.Collection(three[:1], name="mine").save()
    one = ln.Collection(three[:2], is_new_version_of=ln.Collection.get(first.uid))
    other = ln.Collection(three, is_new_version_of=ln.Collection.get(first.uid))
    one.save()
    with pytest.warns(ln.LoaderdWarning, match="newest"):
        other.save()
    assert (one.version, other.version) == ("2", "3")
    assert first.versions.filter(is_latest=True).one() == other


def test_the_one_that_two_follow_stays_itself(three: list[ln.Artifact]) -> None:
    first = ln.Collection(three[:1], name="C").save()
    uid = first.uid
    second, third = (ln.Collection(three[i : i + 1], is_new_version_of=first) for i in (1, 2))
    second.save()
    with pytest.warns(ln.LoaderdWarning, match="newest"):
        third.save()
    assert first.uid == uid
    first.description = "of the first"
    first.save()
    assert [c.description for c in ln.Collection.filter(stem_uid=first.stem_uid).order_by("uid")] == [
        "of the first",
        None,
        None,
    ]


def test_members_are_changed_and_the_hash_follows(three: list[ln.Artifact]) -> None:
    collection = ln.Collection(three[:1], name="C").save()
    collection.description = "not saved yet"
    for change, members in (
        (lambda c: c.artifacts.add(three[1], three[2]), three),
        (lambda c: c.ordered_artifacts.set(three[::-1]), three[::-1]),
        (lambda c: c.ordered_artifacts.set([three[1], three[2]]), three[1:]),
        (lambda c: c.artifacts.set(three[:2]), [three[1], three[0]]),
        (lambda c: c.artifacts.remove(three[1]), three[:1]),
    ):
        change(collection)
        assert list(collection.ordered_artifacts) == members
        there = ln.Collection.get(collection.uid)
        assert [collection.hash, collection.order_hash] == [there.hash, there.order_hash]
        assert collection.hash == lamindbs_hash(members)
    assert collection.description == "not saved yet"
    three[0].delete()
    collection.artifacts.set(three[1:])
    assert list(collection.ordered_artifacts.filter(visibility=None)) == three[1:]


def test_a_member_in_the_trash_is_still_a_member(three: list[ln.Artifact]) -> None:
    collection = ln.Collection(three[:2], name="C").save()
    before = collection.load()
    three[0].delete()
    collection = ln.Collection.get(collection.uid)
    assert len(collection.cache()) == 2
    assert len(collection.load()) == len(before)
    longer = collection.append(three[2]).save()
    three[0].restore()
    assert [a.uid for a in longer.ordered_artifacts] == [a.uid for a in three]


def test_what_is_saved_under_a_key_that_is_there_is_its_new_version(three: list[ln.Artifact]) -> None:
    first = ln.Collection(three[:1], key="atlas/all").save()
    second = ln.Collection(three[:2], key="atlas/all").save()
    assert (second.stem_uid, second.version) == (first.stem_uid, "2")
    assert ln.Collection.get(key="atlas/all") == second
    assert ln.Collection(three, name="atlas/all").save().version is None  # a name is a title


def test_what_is_made_for_a_new_version_has_its_title(registry: Path) -> None:
    old = ln.Collection(pd.DataFrame({"x": [1]}), description="My dataframe").save()
    new = ln.Collection(pd.DataFrame({"x": [2]}), meta=pd.DataFrame({"m": [1]}), is_new_version_of=old)
    assert (new.artifact.description, new.meta_artifact.description) == ("My dataframe", "metadata of My dataframe")
    for wrong in (7, "none.csv"):
        with pytest.raises(ValueError if wrong == 7 else FileNotFoundError):
            ln.Collection(wrong, is_new_version_of=ln.Collection.get(old.uid))
    other = ln.Collection.get(old.uid)
    with pytest.raises(FileNotFoundError):
        ln.Collection("none.csv", is_new_version_of=other)
    assert other.version is None


def test_what_is_deleted_for_good_has_no_members(three: list[ln.Artifact]) -> None:
    uid = ln.Collection(three, name="mine").save().uid
    got = ln.Collection.get(uid)
    got.delete(permanent=True)
    for use in (got.save, got.cache, got.load):
        with pytest.raises(ln.InvalidArgument, match="deleted for good"):
            use()


# --- trash, labels, features --------------------------------------------------------------------------------------


def test_trash_gives_the_head_to_another_version_and_restore_takes_it_back(three: list[ln.Artifact]) -> None:
    old = ln.Collection(three[:1], name="mine").save()
    new = ln.Collection(three[:2], is_new_version_of=old).save()
    new.delete()
    assert (new.visibility, new.is_latest, ln.Collection.get(old.uid).is_latest) == (2, False, True)
    assert ln.Collection.filter().one() == old
    new.restore()
    assert (new.visibility, new.is_latest, ln.Collection.get(old.uid).is_latest) == (0, True, False)
    new.delete(permanent=True)
    assert ln.Artifact.filter().count() == 3


def test_labels_and_features(three: list[ln.Artifact]) -> None:
    collection = ln.Collection(three[:2], name="mine").save()
    label = ln.ULabel(name="good").save()
    collection.ulabels.add(label)
    assert ln.Collection.filter(ulabels__name="good").one() == collection == label.collections.one()
    assert collection.feature_sets.filter(features__name="cell_type").exists()
    collection.ulabels.remove(label)
    assert not collection.ulabels.exists()


def test_describe_shows_members_in_order(three: list[ln.Artifact]) -> None:
    text = ln.Collection([three[1], three[0]], name="mine", description="d").save().describe(return_str=True)
    assert text is not None
    assert text.index("b.h5ad") < text.index("a.h5ad")
    assert "mine" in text
    assert "not saved" in str(ln.Collection(three, name="x").describe(return_str=True))


# --- what is refused ----------------------------------------------------------------------------------------------

REFUSED: list[tuple[str, Any, type[Exception], str]] = [
    ("no artifacts", lambda a: ln.Collection([], name="n"), IndexError, "no artifacts"),
    ("nothing", lambda a: ln.Collection(name="n"), ValueError, "NoneType"),
    ("a number", lambda a: ln.Collection(7, name="n"), ValueError, "7"),
    ("a list of paths", lambda a: ln.Collection(["a.h5ad"], name="n"), AssertionError, "a.h5ad"),
    ("an unknown keyword", lambda a: ln.Collection(a, nme="n"), ln.FieldValidationError, "did you mean 'name'"),
    ("too much by position", lambda a: ln.Collection(a, *"nvdmrrri", None, None), ValueError, "by position"),
    ("a name twice", lambda a: ln.Collection(a, "n", name="n"), ln.FieldValidationError, "both"),
    ("two names of one thing", lambda a: ln.Collection(a, artifacts=a), ln.FieldValidationError, "both"),
    ("a new version of an artifact", lambda a: ln.Collection(a, revises=a[0]), TypeError, "is a Collection"),
    ("metadata that are none", lambda a: ln.Collection(a, name="n", meta=7), TypeError, "7"),
    ("a missing file", lambda a: ln.Collection("./no.csv", name="n"), FileNotFoundError, "no.csv"),
    ("a version that is a number", lambda a: ln.Collection(a, name="n", version=3), TypeError, "version=3"),
    ("a key that leads upwards", lambda a: ln.Collection(a, key="../../etc"), ValueError, "relative path"),
    ("a deletion that is neither", lambda a: ln.Collection(a, name="n").delete(permanent="no"), TypeError, "permanent"),
    ("a name that is no text", lambda a: ln.Collection(a, name=7), TypeError, "name=7"),
    ("members of what is not saved", lambda a: ln.Collection(a, name="n").artifacts, ValueError, "not saved"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "error", "said"), [c[1:] for c in REFUSED], ids=[c[0] for c in REFUSED])
def test_what_cannot_be_is_refused(three: list[ln.Artifact], make: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said) as raised:
        make(three)
    assert isinstance(raised.value, ln.LoaderdError)


def test_the_version_of_the_one_revised_is_refused(three: list[ln.Artifact]) -> None:
    old = ln.Collection(three[:1], name="mine").save()
    with pytest.raises(ValueError, match="'1'"):
        ln.Collection(three[:2], is_new_version_of=old, version="1")
    assert old.version is None


def frames(*numbers: int) -> list[pd.DataFrame]:
    return [pd.DataFrame({"z": [number]}) for number in numbers]


def test_members_that_follow_one_artifact_are_all_members(registry: Path) -> None:
    old, *new = frames(1, 2, 3)
    first = ln.Artifact(old, key="z.parquet").save()
    members = [ln.Artifact(one, is_new_version_of=first) for one in new]
    with pytest.warns(ln.LoaderdWarning, match="follows"):
        collection = ln.Collection(members, name="both").save()
    assert [one.load()["z"].item() for one in collection.ordered_artifacts] == [2, 3]
    assert list(collection.ordered_artifacts) == members
    assert [one.version for one in members] == ["2", "3"]


def test_members_of_one_content_are_one_artifact_and_the_others_stay_what_they_are(registry: Path) -> None:
    members = [ln.Artifact(one, description=str(at)) for at, one in enumerate(frames(1, 1, 2, 3))]
    with pytest.warns(ln.LoaderdWarning, match="content of another"):
        collection = ln.Collection(members, name="three")
    with pytest.warns(ln.LoaderdWarning) as said:
        collection.save()
    assert len(said) == 2
    assert 'description "0", which stays; not "1"' in str(said[0].message)
    assert "more than once" in str(said[1].message)
    assert [one.load()["z"].item() for one in members] == [1, 1, 2, 3]
    assert list(collection.ordered_artifacts) == [members[0], *members[2:]]
    assert members[1] == members[0]


def test_a_collection_is_saved_with_all_that_comes_with_it_or_nothing_is(registry: Path) -> None:
    base = ln.Artifact(frames(0)[0], key="z.parquet").save()
    run = ln.Run(transform=ln.Transform(name="T"), name="R")
    (registry / "late.csv").write_text("a\n1\n")
    members = [
        ln.Artifact("a.h5ad", key="a.h5ad", run=run),
        ln.Artifact(frames(1)[0], is_new_version_of=base, run=run),
        ln.Artifact("late.csv", key="late.csv"),
    ]
    collection = ln.Collection(members, name="C", meta=frames(9)[0], run=run)
    assert (ln.Run.filter().count(), ln.Transform.filter().count()) == (0, 0)
    (registry / "late.csv").rename(registry / "away.csv")
    with pytest.raises(ln.LoaderdError):
        collection.save()
    kinds = (ln.Collection, ln.Run, ln.Transform)
    assert ([kind.filter().count() for kind in kinds], ln.Artifact.filter().one()) == ([0, 0, 0], base)
    (registry / "away.csv").rename(registry / "late.csv")
    collection.save()
    assert [kind.filter().one() for kind in kinds] == [collection, run, run.transform]
    assert list(collection.ordered_artifacts) == members
    assert [one.run for one in (collection, *members)] == [run, run, run, None]
    assert [one.version for one in base.versions] == ["2", "1"] == [members[1].version, base.version]
    assert collection.meta_artifact.load()["z"].item() == 9
    assert ln.Artifact.get(members[1].uid).load()["z"].item() == 1
