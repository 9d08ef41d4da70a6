"""Versions: what follows what, what is no new version, and what is said of it."""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import loaderd as ln
from loaderd._registry import wire


def numbers(at: int) -> pd.DataFrame:
    return pd.DataFrame({"z": [at]})


@pytest.mark.parametrize("there", [False, True], ids=["a new key", "a key that is there"])
def test_two_that_are_made_under_one_key_before_either_is_saved_follow_each_other(registry: Path, there: bool) -> None:
    if there:
        ln.Artifact(numbers(0), key="k.parquet").save()
    first, second = (ln.Artifact(numbers(at), key="k.parquet") for at in (1, 2))
    first.save()
    second.save()
    family = list(second.versions)
    assert family[:2] == [second, first]
    assert [one.version for one in family] == [str(at) for at in range(len(family), 0, -1)]
    assert [one.load()["z"].item() for one in (first, second)] == [1, 2]


def test_a_version_that_is_set_before_it_is_saved_is_its_version(registry: Path) -> None:
    first = ln.Artifact(numbers(1), key="k.parquet").save()
    for data, fields in ((2, {"is_new_version_of": first}), (3, {"key": "k.parquet"})):
        artifact = ln.Artifact(numbers(data), **fields)
        artifact.version = f"mine {data}"
        assert artifact.save().version == f"mine {data}"
        assert ln.Artifact.get(key="k.parquet").version == f"mine {data}"
        artifact.version = str(data)
        artifact.save()


def test_content_that_is_changed_back_is_an_old_version_and_says_what_makes_it_the_latest(registry: Path) -> None:
    for name in "ab":
        shutil.copyfile(f"{name}.h5ad", "data.h5ad")
        ln.Artifact("data.h5ad", key="data.h5ad").save()
    newest = ln.Artifact.get(key="data.h5ad")
    shutil.copyfile("a.h5ad", "data.h5ad")
    with pytest.warns(ln.LoaderdWarning, match=rf"is its version 1 .* newer are deleted, such as 2 \({newest.uid}\)"):
        again = ln.Artifact("data.h5ad", key="data.h5ad").save()
    newest.delete()
    assert ln.Artifact.get(key="data.h5ad") == again
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ln.Artifact("data.h5ad", key="data.h5ad").save()
        assert again.cache() == registry / "data.h5ad"


def test_what_is_given_with_content_that_is_there_is_set_where_that_has_none(registry: Path) -> None:
    first = ln.Artifact("a.h5ad", description="d").save()
    again = ln.Artifact("a.h5ad", key="k.h5ad", description="d", kind="dataset", version="1.0")
    assert (again.key, again.kind, again.version) == ("k.h5ad", "dataset", "1.0")
    assert ln.Artifact.get(first.uid).key is None  # until it is saved
    again.save()
    first.refresh_from_db()
    assert (first.key, first.description, first.kind, first.version) == ("k.h5ad", "d", "dataset", "1.0")


@pytest.mark.parametrize(
    ("name", "has", "given"),
    [
        ("key", "k", "other"), ("description", "d", "other"), ("kind", "dataset", "model"), ("version", "1", "2"),
        ("visibility", 0, 1), ("otype", "AnnData", "mine"),
    ],
)  # fmt: skip
def test_what_is_given_with_content_that_has_something_else_stays_out_and_is_said(
    registry: Path, name: str, has: object, given: object
) -> None:
    first = ln.Artifact("a.h5ad", **({"description": "d"} | {name: has})).save()
    with pytest.warns(ln.LoaderdWarning, match=f"whose {name} is {has!r} and stays that, not {given!r}") as warned:
        again = ln.Artifact("a.h5ad", **({"description": "d"} | {name: given}))
    assert len(warned) == 1
    again.save()
    first.refresh_from_db()
    assert getattr(first, name) == has == getattr(again, name)
    setattr(again, name, given)
    again.save()
    first.refresh_from_db()
    assert getattr(first, name) == given


def test_a_latest_version_that_does_not_know_it_is_not_warned_of(registry: Path) -> None:
    first = ln.Artifact(numbers(1), key="k.parquet").save()
    second = ln.Artifact(numbers(2), key="k.parquet").save()
    first = ln.Artifact.get(first.uid)
    second.delete()
    assert not first.is_latest  # as it was read
    assert ln.Artifact(numbers(3), is_new_version_of=first).save().is_latest


def test_a_version_that_is_deleted_for_good_is_not_restored_and_saved_anew_it_is_a_first_one(registry: Path) -> None:
    members = [ln.Artifact(numbers(at), description=str(at)).save() for at in (1, 2)]
    first = ln.Collection(members[:1], name="C").save()
    second = ln.Collection(members, is_new_version_of=first).save()
    second.delete()
    second.delete(permanent=True)
    with pytest.raises(ln.InvalidArgument, match="is deleted for good, so nobody can restore it"):
        second.restore()
    with pytest.warns(ln.LoaderdWarning, match="a record that is deleted"):
        second.save()
    assert (second.version, second.visibility, second.is_latest, second.uid[16:]) == (None, 0, True, "0000")
    assert list(second.ordered_artifacts) == members


def test_a_file_whose_record_is_deleted_for_good_is_saved_anew_and_shown(registry: Path) -> None:
    first, second = (ln.Artifact(f"{name}.h5ad", key="k").save() for name in "ab")
    for one in (second, first):
        one.delete()
        one.delete(permanent=True)
    with pytest.warns(ln.LoaderdWarning, match="a record that is deleted"):
        second.save()
    assert (second.version, second.visibility, second.is_latest, second.uid[16:]) == (None, 0, True, "0000")
    assert ln.Artifact.filter().one() == second


def test_an_artifact_keeps_one_of_its_names(registry: Path) -> None:
    artifact = ln.Artifact("a.h5ad", key="k", description="d").save()
    artifact.key = None
    artifact.save()
    artifact.description = None
    with pytest.raises(ln.FieldValidationError, match="a key or a description"):
        artifact.save()
    assert ln.Artifact.get(artifact.uid).description == "d"
    with pytest.raises(ln.FieldValidationError, match="n_observations=-1; it is 0 at least"):
        artifact.n_observations = -1


def test_a_collection_of_members_that_it_had_before_says_that_it_is_an_old_version(registry: Path) -> None:
    members = [ln.Artifact(numbers(at), description=str(at)).save() for at in (1, 2)]
    first = ln.Collection(members[:1], key="c").save()
    newest = ln.Collection(members, key="c").save()
    with pytest.warns(ln.LoaderdWarning, match=rf"is its version 1 .* newer are deleted, such as 2 \({newest.uid}\)"):
        assert ln.Collection(members[:1], key="c").save() == first


def test_two_that_follow_a_dotted_version_at_once_are_both_saved(registry: Path) -> None:
    base = ln.Artifact(numbers(0), key="k.parquet", version="1.2.0").save()
    for fields in ({"key": "k.parquet"}, {"is_new_version_of": base}):
        made = [ln.Artifact(numbers(at + 10 * ("key" in fields)), **fields) for at in range(10, 12)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that another came in between
            versions = [one.save().version for one in made]
        numbered = [int(version.split(".")[0]) for version in versions]
        assert [version.split(".")[1:] for version in versions] == [["0", "0"]] * 2
        assert numbered == [numbered[0], numbered[0] + 1]
        base = made[-1]


def test_metadata_of_a_collection_that_is_there_and_has_others_do_not_become_those(registry: Path) -> None:
    members = [ln.Artifact(numbers(1), description="1").save()]
    first = ln.Collection(members, name="C", meta=numbers(8)).save()
    second = ln.Collection(members, name="C", meta=numbers(9))
    meta = second.meta_artifact
    with pytest.warns(ln.LoaderdWarning, match="meta_artifact"):
        assert second.save() == first
    assert (first.meta_artifact.load()["z"].item(), meta.load()["z"].item()) == (8, 9)


def test_versions_are_those_of_the_records_database(registry: Path) -> None:
    ln.add_database("other", "other.db")
    first = ln.Artifact(numbers(0), key="v.parquet").save(using="other")
    second = ln.Artifact(numbers(1), is_new_version_of=first).save(using="other")
    old = ln.Artifact.using("other").get(first.uid)
    assert list(old.versions) == [second, old]
    assert [one._state.db for one in old.versions] == ["other", "other"]
    with pytest.warns(ln.LoaderdWarning, match="is not the latest version"):
        third = ln.Artifact(numbers(2), is_new_version_of=old)
    assert third.save(using="other").version == "3"
    assert [one.version for one in first.versions] == ["3", "2", "1"]


def test_a_key_means_the_family_whose_latest_has_it(registry: Path) -> None:
    first = ln.Artifact(numbers(1), key="k.parquet").save()
    second = ln.Artifact(numbers(2), key="k.parquet").save()
    second.key = "other.parquet"
    second.save()
    assert ln.Artifact.get(key="k.parquet") == first  # an old version, and the one that has the key
    third = ln.Artifact(numbers(3), key="k.parquet").save()
    assert third.stem_uid != first.stem_uid
    assert ln.Artifact.get(key="k.parquet") == third
    for permanent in (None, True):
        with pytest.raises(ln.IntegrityError, match=f"{first.uid} would be the latest .* that of {third.uid}"):
            second.delete(permanent=permanent)
    assert ln.Artifact.get(key="other.parquet") == second
    first.refresh_from_db()
    first.delete()
    second.delete()
    assert ln.Artifact.get(key="k.parquet") == third


def test_the_beginning_of_a_uid_means_the_latest(registry: Path) -> None:
    made = [ln.Artifact(numbers(at), key="k.parquet").save() for at in range(3)]
    made[2].delete()
    for begin in (made[0].uid[:6], made[0].stem_uid):
        assert ln.Artifact.get(begin) == made[1]
    assert ln.Artifact.get(made[2].uid) == made[2]


def test_several_latest_that_a_condition_fits_are_several(registry: Path) -> None:
    for key in ("a.h5ad", "b.h5ad"):
        ln.Artifact(key, key=key, description="d").save()
    with pytest.raises(ln.MultipleResultsFound):
        ln.Artifact.get(description="d")


@pytest.mark.parametrize("by", ["itself", "another object"])
@pytest.mark.parametrize("left", [False, True], ids=["nothing is left", "a version is left"])
@pytest.mark.parametrize("kind", ["artifact", "collection", "appended", "member"])
def test_what_was_to_follow_a_version_that_is_deleted_for_good_is_saved_without_it(
    registry: Path, kind: str, left: bool, by: str
) -> None:
    members = [ln.Artifact(numbers(at), description=f"member {at}").save() for at in range(4)]

    def made(at: int, **fields: Any) -> Any:
        if kind in ("artifact", "member"):
            return ln.Artifact(numbers(10 + at), **fields)
        return ln.Collection(members[: at + 1], **fields)

    first = made(0, key="k").save() if left else None
    old = made(1, key="k").save()
    new = old.append(members[2]) if kind == "appended" else made(2, is_new_version_of=old)
    gone = old if by == "itself" else type(old).get(old.uid)
    gone.delete(permanent=True)
    with pytest.warns(ln.LoaderdWarning, match=rf"{gone.uid}, which it was to follow, is deleted for good") as warned:
        if kind == "member":
            ln.Collection([new], name="holds it").save()
        else:
            new.save()
    assert len(warned) == 1
    assert new.key == "k"
    assert new.is_latest
    assert list(new.versions) == ([new, first] if first is not None else [new])
    assert new.version == ("2" if left else None)
    assert not type(old).filter(uid=gone.uid, visibility=None).exists()
    if kind == "appended":
        assert list(new.ordered_artifacts) == (members[:1] if left else members[:2]) + [members[2]]


INTERRUPTED: list[tuple[str, Any, Any]] = [
    ("an artifact", lambda: ln.Artifact(numbers(0), key="k"),
     lambda one: ln.Artifact(numbers(1), is_new_version_of=one)),
    ("a collection", lambda: ln.Collection(numbers(0), name="k"),
     lambda one: ln.Collection(numbers(1), is_new_version_of=one)),
    ("what is appended", lambda: ln.Collection(numbers(0), name="k"),
     lambda one: one.append(ln.Artifact(numbers(1), key="m"))),
]  # fmt: skip


@pytest.mark.parametrize(("first", "next_of"), [c[1:] for c in INTERRUPTED], ids=[c[0] for c in INTERRUPTED])
@pytest.mark.parametrize("is_saved", [True, False], ids=["follows a saved one", "follows one that is saved with it"])
def test_a_new_version_whose_save_was_interrupted_is_one_when_it_is_saved_again(
    registry: Path, monkeypatch: pytest.MonkeyPatch, first: Any, next_of: Any, is_saved: bool
) -> None:
    before, call = first(), wire.call
    if is_saved:
        before.save()
    after = next_of(before)

    def interrupted(name: str, *args: Any) -> Any:
        answer = call(name, *args)
        if name in ("save", "append") and answer["revised"] is not None:
            raise KeyboardInterrupt
        return answer

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(wire, "call", interrupted)
        after.save()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", ".* is a member more than once")  # what is appended is there already
        after.save()
    assert [(one.version, one.is_latest) for one in (before, after)] == [("1", False), ("2", True)]
    assert list(after.versions) == [after, before]


def test_what_is_set_of_the_version_before_is_not_forgotten_when_a_new_one_is_saved(registry: Path) -> None:
    before = ln.Artifact(numbers(0), key="k.parquet").save()
    before.description = "set, and saved later"
    ln.Artifact(numbers(1), is_new_version_of=before).save()
    before.save()
    assert (before.version, ln.Artifact.get(before.uid).description) == ("1", "set, and saved later")


def test_what_differs_in_what_the_hash_leaves_out_is_not_one(registry: Path) -> None:
    for at, names in enumerate(("pq", "qp")):  # the same files by other names
        Path(f"{at}.zarr").mkdir()
        for content, name in enumerate(names):
            Path(f"{at}.zarr/{name}").write_text(f"numbers {content}")
    (registry / "0.bin").write_bytes(bytes(130 << 20))
    shutil.copyfile("0.bin", "1.bin")
    with open("1.bin", "r+b") as file:  # the middle of a large one
        file.seek(60 << 20)
        file.write(b"x" * (10 << 20))
    for ending in ("zarr", "bin"):
        first, second = (ln.Artifact(f"{at}.{ending}", key=f"k.{ending}").save() for at in range(2))
        assert (first.hash, second.version, second.stem_uid) == (second.hash, "2", first.stem_uid)
        ln.Collection([second, first], name=ending)  # of which none has the content of the other
        assert (second.path.name, ln.Artifact(second.path, key=f"k.{ending}")) == (f"1.{ending}", second)
