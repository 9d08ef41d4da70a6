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
