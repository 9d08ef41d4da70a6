"""What conditions are made of: how many there are, records in place of values, and values that there are none of."""

from __future__ import annotations

import functools
import io
import operator
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import loaderd as ln
from loaderd import Q
from loaderd._registry.q import MOST_CONDITIONS, MOST_DEPTH

NAMES = ["alpha", "beta", "9", "Alpha", "a-b"]


@pytest.fixture
def labels(registry: Path) -> list[ln.ULabel]:
    return [ln.ULabel(name=name).save() for name in NAMES]


def test_many_conditions_combine_flat_up_to_the_limit(labels: list[ln.ULabel]) -> None:
    for combine, found in ((operator.or_, 1), (operator.and_, 0)):
        many = functools.reduce(combine, (Q(name=f"x{i}") for i in range(MOST_CONDITIONS - 1)))
        assert ln.ULabel.filter(combine(many, Q(name="alpha"))).count() == found
        with pytest.raises(ln.InvalidArgument, match=r"4,001 conditions[^$]*name__in"):
            ln.ULabel.filter(combine(many, Q(name="alpha")), description="x")
    chained = ln.ULabel.filter()
    for _ in range(100):
        chained = chained.filter(name="alpha")
    assert chained.one() == labels[0]


def test_alternatives_of_one_field_are_asked_for_at_once(registry: Path, labels: list[ln.ULabel]) -> None:
    artifact = ln.Artifact("a.h5ad", key="a.h5ad").save()
    artifact.ulabels.add(labels[0])
    either = functools.reduce(operator.or_, (Q(ulabels__name=f"x{i}") for i in range(1000)))
    assert ln.Artifact.filter(either | Q(ulabels__name__in=["y", "alpha"]) | Q(key=None)).one() == artifact
    assert ln.Artifact.filter(either | Q(key__exact="a.h5ad") | Q(key="b") | Q(size__gt=10**9)).one() == artifact
    assert not ln.Artifact.filter(either | Q(key=None) | Q(key="b")).exists()
    query = ln.Artifact.filter(either | Q(key=None) | Q(key="b"))._where()
    assert [part[1] for part in query[1][0][1]] == ["ulabels__name__in", "key", "key"]
    for wrong in (7, ["x"]):
        with pytest.raises(ln.InvalidArgument):
            ln.Artifact.filter(Q(key="a") | Q(key=wrong)).count()


def test_conditions_nest_up_to_the_limit(labels: list[ln.ULabel]) -> None:
    query, nested = Q(name="alpha"), 0
    with pytest.raises(ln.InvalidArgument, match="nested 33 deep"):
        while True:
            query = ~query
            nested += 1
    assert nested == MOST_DEPTH - 1
    assert ln.ULabel.filter(Q(name="beta") | Q(~Q(name__in=NAMES) | Q(name="9"))).count() == 2
    inner = Q(name="alpha")
    for _ in range(MOST_DEPTH - 3):
        inner = ~inner
    assert ln.ULabel.filter(inner).count() in (1, len(labels) - 1)
    with pytest.raises(ln.InvalidArgument, match="nested 33 deep"):
        ln.ULabel.filter(~~inner).filter(name="alpha")


def test_records_are_equal_or_not(registry: Path, labels: list[ln.ULabel]) -> None:
    for name, value, said in (
        ("id__gt", labels[0], "equal to one"),
        ("ulabels__isnull", labels[0], "equal to one"),
        ("id__in", [labels[0], labels[0].created_by], "several kinds: ULabel, User"),
        ("id__in", [labels[0], 2], "no value of the registry"),
    ):
        with pytest.raises(ln.InvalidArgument, match=said):
            Q(**{name: value})


def test_a_query_set_stands_for_its_records(registry: Path, labels: list[ln.ULabel]) -> None:
    artifacts = [ln.Artifact(f"{name}.h5ad", key=name).save() for name in "ab"]
    artifacts[0].ulabels.add(labels[0])
    ln.Collection(artifacts, name="both").save()
    some, one = ln.ULabel.filter(name__startswith="a"), ln.Artifact.filter(key="a")
    for lookups in ({"id__in": some}, {"pk__in": some}, {"uid__in": some}, {"id__in": list(some)}):
        assert list(ln.ULabel.filter(**lookups)) == list(some)
    assert list(ln.ULabel.exclude(id__in=some)) == labels[1:4]
    assert ln.Artifact.filter(ulabels__in=some).one() == artifacts[0]
    assert ln.Artifact.filter(ulabels__id__in=some[:1]).one() == artifacts[0]
    assert ln.ULabel.filter(artifacts__in=one).one() == labels[0] == ln.ULabel.get(artifacts__uid=artifacts[0])
    assert ln.ULabel.filter(artifacts__collections__in=ln.Collection.filter()).one() == labels[0]
    assert not ln.Artifact.filter(id__in=ln.Artifact.filter(key="none")).exists()
    assert ln.Artifact.filter(run__in=ln.Run.filter()).count() == 0
    assert ln.Artifact.filter(id=artifacts[1]).one() == artifacts[1]


WRONG_RECORDS: list[tuple[str, Any, str]] = [
    ("ulabels__in", ln.Artifact.filter(), "is a ULabel, or several; it is compared with a Artifact"),
    ("id__in", ln.ULabel.filter(), "is a Artifact, or several; it is compared with a ULabel"),
    ("key__in", ln.Artifact.filter(), r"to_list\('key'\)"),
    ("created_by", ln.User.filter(), "created_by__in"),
]


@pytest.mark.parametrize(("name", "records", "said"), WRONG_RECORDS, ids=[case[0] for case in WRONG_RECORDS])
def test_records_of_another_kind_are_refused(registry: Path, name: str, records: Any, said: str) -> None:
    with pytest.raises(ln.InvalidArgument, match=said):
        ln.Artifact.filter(**{name: records})


NO_VALUES: list[tuple[str, Callable[[], Any], str]] = [
    ("a number beyond 64 bits", lambda: ln.ULabel.filter(id=2**70), "id: a number of 71 bits"),
    ("a number beyond them by one", lambda: ln.ULabel.filter(id__gt=1 << 63), "id__gt: a number of 64 bits"),
    ("one among others", lambda: ln.ULabel.filter(id__in=[1, -(2**64)]), "id__in: a number of 65 bits"),
    ("one to get", lambda: ln.ULabel.get(2**70), "id: a number of 71 bits"),
    ("half of a character", lambda: ln.ULabel.filter(name="a\udcff"), r"name: 'a\\udcff'"),
    ("half of one to save", lambda: ln.ULabel(name="a\udcff"), r"name: 'a\\udcff'"),
    ("half of one as a name", lambda: ln.ULabel.filter(**{"n\udcff": 1}), r"filter: 'n\\udcff'"),
    ("half of one to search", lambda: ln.ULabel.search("\udcff"), r"search: '\\udcff'"),
    ("half of one as an order", lambda: ln.ULabel.filter().order_by("\udcff").first(), "registry call query"),
    ("half of one as a column", lambda: ln.ULabel.filter().to_list("\udcff"), "registry call query"),
    ("a zero character", lambda: ln.ULabel(name="a\0"), "zero characters"),
    ("a long text", lambda: ln.ULabel(name="n", description="x" * (5 << 20)), "5,242,880 characters"),
    ("a search for a number", lambda: ln.ULabel.search(7), "looks for a text"),  # type: ignore[arg-type]
    ("many results", lambda: ln.ULabel.search("x", 2**70), "limit=1180591620717411303424"),
    ("parameters beyond 64 bits", lambda: ln.Run(params={"n": [2**80]}), "params: a number of 81 bits"),
    ("parameters that are no JSON", lambda: ln.Run(params={"n": float("nan")}), "JSON knows no NaN"),
    ("parameters in themselves", lambda: ln.Run(params={"n": ROUND}), "params: list in 32 others"),
    ("a database's name", lambda: ln.ULabel.using(7).count(), "using=7"),  # type: ignore[arg-type]
]
ROUND: list[Any] = []
ROUND.append(ROUND)


@pytest.mark.parametrize(("make", "said"), [case[1:] for case in NO_VALUES], ids=[case[0] for case in NO_VALUES])
def test_values_that_the_registry_cannot_have_are_refused(registry: Path, make: Any, said: str) -> None:
    with pytest.raises(ln.InvalidArgument, match=said):
        make()


def test_records_have_what_they_need(registry: Path) -> None:
    cases: list[tuple[Any, str]] = [
        (lambda: ln.ULabel(), "a ULabel needs a name"),
        (lambda: ln.ULabel(name=" "), "a ULabel needs a name"),
        (lambda: ln.ULabel(description="d"), r"needs a name\n.*ULabel\(name=…\)"),
        (lambda: ln.Storage(), "a Storage needs a root"),
        (lambda: ln.User(name="n"), "a User needs a handle"),
        (lambda: ln.Run(name="n"), "a Run needs a transform"),
        (lambda: ln.Transform(type="script"), "a Transform needs a key or name"),
        (lambda: ln.Feature(name="n"), "a Feature needs a dtype"),
    ]
    for make, said in cases:
        with pytest.raises(ln.FieldValidationError, match=said):
            make()
    label, _ = ln.ULabel(name="good").save(), ln.ULabel(name="bad").save()
    for name, error, said in (
        ("", ln.FieldValidationError, "needs a name"),
        (None, ln.FieldValidationError, "needs a name"),
        ("bad", ln.IntegrityError, '"bad" is that of'),
    ):
        label.name = name
        with pytest.raises(error, match=said):
            label.save()
    assert ln.ULabel.get(label.uid).name == "good"
    assert ln.Run(transform=ln.Transform(name="by hand")).save().transform.name == "by hand"


def test_a_storage_is_a_folder_or_a_url(registry: Path) -> None:
    assert [(s.root, s.type) for s in (ln.Storage(root="here"), ln.Storage(root="s3://b/p").save())] == [
        (str(registry / "here"), "local"),
        ("s3://b/p", "s3"),
    ]
    with pytest.raises(ln.FieldValidationError, match="type='gs', but s3://b is of type 's3'"):
        ln.Storage(root="s3://b", type="gs")
    with pytest.raises(ln.FieldValidationError, match="dtype='banana'; it is one of 'int', 'float'"):
        ln.Feature(name="n", dtype="banana")


def test_what_has_no_trash_goes_for_good_only_if_that_is_said(labels: list[ln.ULabel]) -> None:
    for permanent in (None, False):
        with pytest.raises(ln.InvalidArgument, match=r"a ULabel has no trash[^$]*permanent=True"):
            labels[0].delete(permanent)
        with pytest.raises(ln.InvalidArgument, match="has no trash"):
            ln.ULabel.filter(name="alpha").delete(permanent)
    assert ln.ULabel.filter().count() == len(labels)
    labels[0].delete(permanent=True)
    assert labels[0].id is None
    assert not ln.ULabel.filter(name="alpha").exists()


def test_who_is_asked_at_the_terminal_says_whether_it_goes(
    labels: list[ln.ULabel], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("n\ny\n"))
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    labels[0].delete()
    assert ln.ULabel.get(name="alpha") == labels[0]
    labels[0].delete()
    assert not ln.ULabel.filter(name="alpha").exists()


def test_tables_and_numbers_are_asked_for_properly(labels: list[ln.ULabel]) -> None:
    for options, said in (({"limit": "x"}, "limit='x'"), ({"limit": -1}, "limit=-1"), ({"include": 7}, "include=7")):
        with pytest.raises(ln.InvalidArgument, match=said):
            ln.ULabel.filter().to_dataframe(**options)
    assert list(ln.ULabel.search("a", limit=0)) == []
    assert ln.ULabel.get(np.int64(labels[1].id)) == labels[1]


def test_places_beyond_any_end_are_beyond_the_end(labels: list[ln.ULabel]) -> None:
    assert list(ln.ULabel.filter()[2**70 :]) == []
    assert ln.ULabel.filter()[: 2**70].count() == len(labels)
    with pytest.raises(IndexError, match="5 records"):
        ln.ULabel.filter()[2**70]
