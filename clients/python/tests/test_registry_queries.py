"""Query sets: conditions, order, slices, one record of them, tables, search; and what Python's own filtering says."""

from __future__ import annotations

import datetime as dt
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import loaderd as ln
from loaderd import Q

NAMES = [
    "alpha",
    "Alpha",
    "ALPHA beta",
    "beta",
    "be_ta",
    "be%ta",
    "Élan",
    "élan",
    "10",
    "9",
    "",
    "x\\y",
    "tab\t",
    "'; DROP TABLE run; --",
]


@pytest.fixture
def labels(registry: Path) -> list[ln.ULabel]:
    return [ln.ULabel(name=name or "empty", description=name or None).save() for name in NAMES]


# --- one by one ---------------------------------------------------------------------------------------------------


def test_sets_are_lazy_and_ask_once(labels: list[ln.ULabel], monkeypatch: pytest.MonkeyPatch) -> None:
    from loaderd._registry import wire

    asked: list[str] = []
    call = wire.call
    monkeypatch.setattr(wire, "call", lambda name, *args: asked.append(name) or call(name, *args))
    found = ln.ULabel.filter(name__startswith="a").exclude(name="x").order_by("name")
    assert asked == []
    assert [len(found), len(list(found)), found[0], found.first(), found.count(), bool(found)][:2] == [1, 1]
    assert asked == ["query"]
    assert len(found.all()) == 1
    assert asked == ["query"] * 2


def test_one_of_them(labels: list[ln.ULabel]) -> None:
    names = ln.ULabel.filter(name__in=["alpha", "beta", "9"]).order_by("name")
    assert (names.first(), names.last(), names[1]) == (labels[9], labels[3], labels[0])
    assert (ln.ULabel.filter().first(), ln.ULabel.filter().last()) == (labels[0], labels[-1])
    assert names.reverse().to_list("name") == ["beta", "alpha", "9"]
    assert ln.ULabel.filter(name="alpha").one() == labels[0] == ln.ULabel.get(name="alpha")
    assert ln.ULabel.get(labels[0].id) == ln.ULabel.get(labels[0].uid) == ln.ULabel.get(Q(name="alpha")) == labels[0]
    none = ln.ULabel.filter(name="none")
    assert (none.first(), none.last(), none.one_or_none(), none.count(), none.exists()) == (None, None, None, 0, False)
    assert ln.ULabel.get_or_none(name="none") is None
    for ask in (
        none.one,
        lambda: ln.ULabel.get(name="none"),
        lambda: ln.ULabel.get("none"),
        lambda: ln.ULabel.get(999),
    ):
        with pytest.raises(ln.DoesNotExist, match="ULabel"):
            ask()
    for ask in (names.one, names.one_or_none, lambda: ln.ULabel.get(name__startswith="be")):
        with pytest.raises(ln.MultipleResultsFound, match="3 records ULabel"):
            ask()
    assert labels[0] in names
    assert labels[1] not in names
    assert "alpha" not in names


def test_slices_are_those_of_lists(labels: list[ln.ULabel]) -> None:
    everything, whole = ln.ULabel.filter(), list(ln.ULabel.filter())
    cuts = [slice(*cut) for cut in [(None, 3), (2, None), (2, 5), (0, 0), (5, 2), (3, 99), (99, None), (None, None)]]
    for cut in cuts:
        part = everything[cut]
        assert list(part) == whole[cut]
        assert (part.count(), part.exists(), part.first()) == (
            len(whole[cut]),
            bool(whole[cut]),
            next(iter(whole[cut]), None),
        )
        assert part.last() == (whole[cut][-1] if whole[cut] else None)
        for inner in cuts:
            assert list(part[inner]) == whole[cut][inner]
    for wrong in (slice(-2, None), slice(None, -1), slice(0, 9, 2), -1):
        with pytest.raises(ValueError, match=r"counted from the end|no end to count from"):
            everything[wrong]
    with pytest.raises(IndexError, match="14 records"):
        everything[99]
    for change in (lambda s: s.filter(name="x"), lambda s: s.order_by("name"), lambda s: s.exclude(name="x")):
        with pytest.raises(ValueError, match="slice"):
            change(everything[:3])


def test_many_records_come_in_pages(labels: list[ln.ULabel], monkeypatch: pytest.MonkeyPatch) -> None:
    from loaderd._registry import pages, queryset

    whole = ln.ULabel.filter().order_by("-name").to_list("name")
    monkeypatch.setattr(pages, "PAGE", 3)
    assert ln.ULabel.filter().order_by("-name").to_list("name") == whole
    assert [label.name for label in ln.ULabel.filter().order_by("-name")[2:11]] == whole[2:11]
    ask = queryset.QuerySet._ask

    def late(self: Any, what: str, *args: Any, **more: Any) -> Any:
        if what == "uids":  # what is saved meanwhile comes before the first page
            ln.ULabel(name="日").save()
        return ask(self, what, *args, **more)

    monkeypatch.setattr(queryset.QuerySet, "_ask", late)
    assert ln.ULabel.filter().order_by("-name").to_list("name") == ["日", *whole]


def test_records_that_are_too_long_for_one_answer_come_in_several(
    labels: list[ln.ULabel], monkeypatch: pytest.MonkeyPatch
) -> None:
    from loaderd._registry import wire

    call, most = wire.call, 3

    def short(name: str, args: dict[str, Any], *more: Any) -> Any:
        answer = call(name, args, *more)
        if args.get("what") == "rows" and len(answer) > most:
            raise ln.ProtocolError("the answer message takes 312022642 bytes; the limit is 268435456")
        return answer

    monkeypatch.setattr(wire, "call", short)
    assert list(ln.ULabel.filter().order_by("id")) == labels
    assert list(ln.ULabel.filter().order_by("-id")[2:9]) == labels[::-1][2:9]
    most = 0
    with pytest.raises(ln.ProtocolError):
        list(ln.ULabel.filter())


def test_conditions_reach_through_relations(registry: Path, labels: list[ln.ULabel]) -> None:
    run = ln.track(key="make.py")
    artifact = ln.Artifact("a.h5ad", key="a.h5ad").save()
    other = ln.Artifact("b.h5ad", key="b.h5ad", run=False).save()
    artifact.ulabels.add(labels[0], labels[3])
    other.ulabels.add(labels[3])
    me = artifact.created_by
    for lookups in (
        {"run": run}, {"run__uid": run.uid}, {"run__transform__key": "make.py"}, {"transform": run.transform},
        {"run__in": [run]}, {"ulabels": labels[0]}, {"ulabels__name__in": ["alpha"]},
        {"ulabels__name": "alpha", "created_by": me},
    ):  # fmt: skip
        assert ln.Artifact.filter(**lookups).one() == artifact, lookups
    assert ln.Artifact.filter(run=None).one() == ln.Artifact.filter(run__isnull=True).one() == other
    assert ln.Artifact.filter(ulabels__name__startswith="b").count() == 2
    assert ln.Artifact.filter(ulabels__name="alpha").filter(ulabels__name="beta").one() == artifact
    assert not ln.Artifact.filter(ulabels__name="alpha", ulabels__description="beta").exists()  # of one label
    assert set(ln.ULabel.filter(artifacts__key="a.h5ad")) == {labels[0], labels[3]}
    assert ln.Artifact.filter(ulabels__in=labels).distinct().count() == 2
    assert ln.Artifact.filter(created_at__lte=dt.datetime.now(dt.timezone.utc)).count() == 2
    assert not ln.Artifact.filter(created_at__gt=dt.datetime.now()).exists()
    assert ln.Artifact.filter(created_at__gt=dt.date(2020, 1, 1)).count() == 2
    assert ln.Artifact.filter(created_at__gt=pd.Timestamp("2020-01-01")).count() == 2  # local, as Python's
    assert ln.Artifact.filter(created_at__gt=pd.Timestamp("2020-01-01", tz="Europe/Berlin")).count() == 2
    assert not ln.Artifact.filter(created_at__gt=pd.Timestamp.now()).exists()
    for none in (pd.NaT, dt.datetime(1, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=3)))):
        with pytest.raises(ln.InvalidArgument, match="time"):
            ln.Artifact.filter(created_at__gt=none)


def test_values_of_a_distinct_set_come_once(registry: Path, labels: list[ln.ULabel]) -> None:
    for key in ("a.h5ad", "b.h5ad"):
        ln.Artifact(key, key=key).save().ulabels.add(labels[0], labels[3])
    table = ln.Artifact(pd.DataFrame({"x": [1]}), key="t.parquet").save()
    found = ln.Artifact.filter().order_by("id")
    for looked_at in (False, True):
        once = found.distinct()
        if looked_at:
            len(once)
        assert once.to_list("suffix") == [".h5ad", ".parquet"]
        assert once[:1].to_list("suffix") == [".h5ad"]
        assert once.to_list("created_by__handle") == once.to_list("created_by__handle")[:1]
        assert once.to_list("created_by") == [table.created_by]
        assert once.to_list("ulabels__name") == [["alpha", "beta"], []]
        assert once.to_list("created_at") == [one.created_at for one in once]
        assert len(once.to_dataframe(include="created_by__handle")) == once.count() == 3
    assert found.to_list("suffix") == [".h5ad", ".h5ad", ".parquet"]
    assert found.to_list("created_by__handle") == [table.created_by.handle] * 3


def test_the_last_is_the_last_of_the_order(registry: Path, labels: list[ln.ULabel]) -> None:
    made = [ln.Artifact(name, key=name).save() for name in ("a.h5ad", "b.h5ad")]
    low, middle, high = (ln.ULabel(name=name).save() for name in ("x1", "x2", "x3"))
    made[0].ulabels.add(low, high)
    made[1].ulabels.add(middle)
    for order in ("ulabels__name", "-ulabels__name", "key", "-run__uid", None):
        found = ln.Artifact.filter().order_by(*([] if order is None else [order]))
        records = list(found.all())
        assert (found.all().first(), found.all().last()) == (records[0], records[-1]), order
        assert list(found.reverse()) == records[::-1], order
        assert list(found.reverse().reverse()) == records, order
    collection = ln.Collection(made[::-1], name="C").save()
    members = collection.ordered_artifacts
    assert list(members.reverse()) == made
    assert (members.first(), members.last()) == (made[1], made[0])


def test_names_of_the_documentation_and_of_today_are_those_of_queries(registry: Path) -> None:
    artifacts = [ln.Artifact(name, key=name).save() for name in ("a.h5ad", "b.h5ad")]
    old = ln.Collection(artifacts[:1], name="one", version_tag="1.0").save()
    new = ln.Collection(artifacts, revises=old).save()
    run = ln.track(key="reads")
    new.cache()
    assert ln.Collection.filter(version_tag="1.0").one() == old
    assert ln.Collection.filter(unordered_artifacts__key="b.h5ad").one() == new
    assert ln.Collection.filter(ordered_artifacts__in=artifacts).order_by("-version_tag").to_list("version") == [
        "2.0",
        "1.0",
    ]
    assert ln.Artifact.filter(collections__unordered_artifacts__key="b.h5ad").count() == 2
    assert (
        ln.Collection.filter(input_of=run).one() == new == ln.Collection.filter(input_of__transform__key="reads").one()
    )
    assert ln.Collection.filter().order_by("id").to_list("unordered_artifacts__key")[0] == ["a.h5ad"]
    assert not ln.Collection.filter(previous_runs__isnull=False).exists()


@pytest.mark.parametrize(
    ("lookups", "error", "said"),
    [
        pytest.param({"sufix": ".h5ad"}, ln.FieldError, "suffix", id="an unknown field"),
        pytest.param({"sufix": ".h5ad"}, ln.InvalidArgument, "suffix", id="which is an invalid argument"),
        pytest.param({"run__transfrm__key": "x"}, ln.FieldError, "transform", id="an unknown field of a relation"),
        pytest.param({"key__contians": "x"}, ln.InvalidArgument, "contains", id="an unknown operator"),
        pytest.param({"created_by": "me"}, ln.FieldError, "created_by__handle=", id="a text for a record"),
        pytest.param({"run__transform__in": ["x"]}, ln.FieldError, "transform__key=", id="and of a record of it"),
        pytest.param({"ulabels": "x"}, ln.FieldError, "ulabels__name=", id="a text for a label"),
        pytest.param({"size__gt": "big"}, ln.InvalidArgument, "size", id="a text for a number"),
        pytest.param({"key__in": "abc"}, ln.InvalidArgument, "takes a list", id="a text for a list"),
        pytest.param({"size__range": [1, 2, 3]}, ln.InvalidArgument, "a range has two", id="a range of three"),
        pytest.param({"key__regex": "("}, ln.InvalidArgument, r"\(", id="a regular expression that is none"),
        pytest.param({"key": object()}, ln.InvalidArgument, "no value of the registry", id="an object"),
    ],
)
def test_conditions_that_mean_nothing_are_refused(registry: Path, lookups: Any, error: Any, said: str) -> None:
    with pytest.raises(error, match=said):
        ln.Artifact.filter(**lookups).count()


def test_arguments_that_mean_nothing_are_refused(registry: Path) -> None:
    for make in (lambda: ln.Artifact.filter("a.h5ad"), lambda: ln.Artifact.filter(Q("a")), lambda: Q(7)):
        with pytest.raises(ln.InvalidArgument, match=r"is a Q"):
            make()
    with pytest.raises(ln.FieldError, match="suffix"):
        ln.Artifact.filter().order_by("sufix").first()
    with pytest.raises(ln.InvalidArgument, match="names of fields"):
        ln.Artifact.filter().order_by(7)  # type: ignore[arg-type]
    assert ln.Artifact.filter(...).count() == ln.Artifact.filter(Q(), Q() | Q(), ~Q()).count() == 0


def test_conditions_combine_and_are_shown() -> None:
    one, two = Q(key="a"), Q(size__gt=1)
    assert repr(one & ~two | Q(key=None)) == "Q((key='a' & ~(size__gt=1)) | key=None)"
    assert (one & Q(), Q() & one, one | Q(), Q() | one, ~~Q()) == (one, one, one, one, Q())
    assert one & two == Q(one, two) == Q(key="a", size__gt=1)
    assert len({one, Q(key="a"), two}) == 2
    with pytest.raises(TypeError):
        one & {"key": "a"}


def test_hidden_and_deleted_records_are_asked_for(registry: Path) -> None:
    shown, hidden, gone = (
        ln.Artifact(Path(n).write_text(n) and n, key=n, visibility=int(n == "h")).save() for n in "shg"
    )
    gone.delete()
    for visibility, found in ((0, [shown]), (1, [hidden]), (2, [gone]), (None, [shown, hidden, gone])):
        assert list(ln.Artifact.filter(visibility=visibility)) == found
    assert list(ln.Artifact.filter()) == [shown]
    assert ln.Artifact.filter(uid=gone.uid).one() == gone == ln.Artifact.get(gone.id)
    assert ln.Artifact.filter(hash=hidden.hash).one() == hidden


def test_a_table_of_records(registry: Path, labels: list[ln.ULabel]) -> None:
    artifact = ln.Artifact("a.h5ad", key="a.h5ad").save()
    artifact.ulabels.add(labels[0], labels[3])
    ln.Artifact("b.h5ad", key="b.h5ad").save()
    df = ln.Artifact.filter().to_dataframe(include=["created_by__handle", "ulabels__name"])
    assert (df.index.name, df["key"].tolist(), df["size"].dtype) == ("id", ["b.h5ad", "a.h5ad"], "int64")
    assert str(df["created_at"].dtype).startswith("datetime64[")
    assert df["created_at"].dt.tz is not None
    assert df["created_by__handle"].unique().tolist() == [artifact.created_by.handle]
    assert [sorted(each) for each in df["ulabels__name"]] == [[], ["alpha", "beta"]]
    assert ln.ULabel.filter().to_dataframe(limit=3)["name"].tolist() == [label.name for label in labels[:-4:-1]]
    pd.testing.assert_frame_equal(ln.ULabel.df(order_by="id"), ln.ULabel.filter().order_by("id").df())
    assert list(ln.ULabel.filter(name="none").df().columns) == list(ln.ULabel.df().columns)
    assert ln.Artifact.filter().order_by("key").to_list("created_by__handle") == [artifact.created_by.handle] * 2


def test_the_text_of_a_set_lists_the_first_records(labels: list[ln.ULabel]) -> None:
    text = repr(ln.ULabel.filter().order_by("id"))
    assert text.startswith("QuerySet[ULabel]:\n  ULabel(id=")
    assert "alpha" in text
    assert repr(ln.Artifact.filter()) == "ArtifactQuerySet[Artifact]:"


def test_search_finds_words_and_orders_by_fit(labels: list[ln.ULabel]) -> None:
    found = ln.ULabel.search("alpha")
    assert list(found) == [labels[1], labels[0], labels[2]]  # whole names first, the newest of them first
    assert (found.first(), found.last(), found.count(), found[1:].to_list("name")) == (
        labels[1], labels[2], 3, ["alpha", "ALPHA beta"],
    )  # fmt: skip
    assert ln.ULabel.search("beta alpha").one() == labels[2]
    assert ln.ULabel.filter(name__startswith="A").search("alpha").to_list("name") == ["Alpha", "ALPHA beta"]
    assert len(ln.ULabel.search("alpha", limit=1)) == 1
    assert not ln.ULabel.search("nothing like it").exists()
    assert ln.ULabel.search("alpha").to_dataframe()["name"].tolist() == ["Alpha", "alpha", "ALPHA beta"]
    with pytest.raises(ln.InvalidArgument, match="no word"):
        ln.ULabel.search(" ").first()
    with pytest.raises(ln.InvalidArgument, match="a search of a query cannot be narrowed"):
        found.filter(name="x")


# --- against Python -----------------------------------------------------------------------------------------------

Row = dict[str, Any]


def test(operator: str, have: Any, value: Any) -> bool:
    """Say what an operator says of a value; of none, only isnull says anything."""
    if operator == "isnull":
        return (have is None) == value
    if have is None:
        return False
    plain: dict[str, Callable[[], bool]] = {
        "exact": lambda: have == value,
        "iexact": lambda: have.lower() == value.lower(),
        "contains": lambda: value in have,
        "icontains": lambda: value.lower() in have.lower(),
        "startswith": lambda: have.startswith(value),
        "istartswith": lambda: have.lower().startswith(value.lower()),
        "endswith": lambda: have.endswith(value),
        "iendswith": lambda: have.lower().endswith(value.lower()),
        "in": lambda: have in value,
        "gt": lambda: have > value,
        "gte": lambda: have >= value,
        "lt": lambda: have < value,
        "lte": lambda: have <= value,
        "range": lambda: value[0] <= have <= value[1],
        "regex": lambda: re.search(value, have) is not None,
        "iregex": lambda: re.search(value, have, re.I) is not None,
    }
    return plain[operator]()


test.__test__ = False  # type: ignore[attr-defined]

Tree = tuple[Any, ...]
"""("lookup", field, operator, value), ("and" | "or", [tree…]) or ("not", tree)."""


def holds(tree: Tree, row: Row, label: str | None, negated: bool = False) -> bool:
    """Say whether a condition holds of a row, where labels are spoken of: of this label of it."""
    if tree[0] == "lookup":
        _, field, operator, value = tree
        if field != "ulabels__name":
            return test(operator, row[field], value)
        if negated:
            return any(test(operator, each, value) for each in row["labels"])
        return label is not None and test(operator, label, value)
    if tree[0] == "not":
        return not holds(tree[1], row, label, True)
    parts = (holds(part, row, label, negated) for part in tree[1])
    return all(parts) if tree[0] == "and" else any(parts)


def chosen(calls: list[Tree], rows: list[Row]) -> list[Row]:
    """Filter rows as a chain of calls does, each of which may speak of another label."""
    return [row for row in rows if all(any(holds(c, row, label) for label in row["labels"] or [None]) for c in calls)]


def as_q(tree: Tree) -> Q:
    if tree[0] == "lookup":
        return Q(**{f"{tree[1]}__{tree[2]}" if tree[2] != "exact" else tree[1]: tree[3]})
    if tree[0] == "not":
        return ~as_q(tree[1])
    out = as_q(tree[1][0])
    for part in tree[1][1:]:
        out = out & as_q(part) if tree[0] == "and" else out | as_q(part)
    return out


def draw(rng: random.Random, rows: list[Row], depth: int) -> Tree:
    """Draw a condition."""
    kind = rng.choice(["lookup"] * 2 + ["and", "or", "not"]) if depth else "lookup"
    if kind == "not":
        return "not", draw(rng, rows, depth - 1)
    if kind != "lookup":
        parts = [draw(rng, rows, depth - 1) for _ in range(rng.randint(2, 3))]
        # Inside one call, & joins what it finds; a bracket of its own would be another call.
        flat = [p for part in parts for p in (part[1] if part[0] == kind == "and" else [part])]
        return kind, flat
    field = rng.choice(["key", "description", "size", "ulabels__name", "visibility", "created_at"])
    if field == "visibility":
        return "lookup", field, "in", [0, 1]
    if field == "ulabels__name":
        values = [label for row in rows for label in row["labels"]]
    else:
        values = [row[field] for row in rows if row[field] is not None]
    value, other = rng.choice(values), rng.choice(values)
    operator = rng.choice(["exact", "in", "gt", "gte", "lt", "lte", "range"])
    if isinstance(value, str) and rng.random() < 0.6:
        operator = rng.choice(
            ["iexact", "contains", "icontains", "startswith", "istartswith", "endswith", "iendswith", "regex", "iregex"]
        )
        start = rng.randrange(len(value) + 1)
        value = value[start : start + rng.randint(1, 3)] if rng.random() < 0.8 else value
        value = (
            re.escape(value).replace("\\'", "'")
            if operator.endswith("regex")
            else value.swapcase()
            if operator[0] == "i"
            else value
        )
    elif field == "description" and rng.random() < 0.3:
        operator, value = "isnull", rng.random() < 0.5
    if operator in ("in", "range"):
        value = sorted([value, other]) if operator == "range" else [value, other]
    return "lookup", field, operator, value


def artifacts(rng: random.Random, folder: Path) -> list[Row]:
    """Save artifacts of all sorts; give what is known of each."""
    labels = {name: ln.ULabel(name=name).save() for name in ("good", "Good", "bad", "über", "go_d")}
    rows = []
    for at in range(40):
        path = folder / f"{at}.bin"
        path.write_bytes(bytes([at]) * rng.choice([1, 2, 2, 3, 50]))
        one = ln.Artifact(path, key=f"{rng.choice(NAMES)}:{at}", description=rng.choice([None, *NAMES[:-1]]) or None)
        one.save()
        own = sorted(rng.sample(sorted(labels), rng.choice([0, 0, 1, 2, 3])))
        if own:
            one.ulabels.add(*(labels[name] for name in own))
        row = {
            name: getattr(one, name) for name in ("id", "uid", "key", "description", "size", "created_at", "visibility")
        }
        rows.append(row | {"labels": own})
    return rows


def test_queries_are_as_python_filters(registry: Path) -> None:
    rng = random.Random(7)
    rows = artifacts(rng, registry)
    found_some = 0
    for _ in range(300):
        calls = [draw(rng, rows, 3) for _ in range(rng.randint(1, 2))]
        query = ln.Artifact.filter()
        for call in calls:
            if call[0] == "not" and rng.random() < 0.5:
                query = query.exclude(as_q(call[1]))
            else:
                query = query.filter(as_q(call))
        want = chosen(calls, rows)
        field, turned = rng.choice(["key", "description", "size", "created_at", "id"]), rng.random() < 0.5
        want.sort(key=lambda row: (row[field] is not None, row[field] or 0, row["id"]), reverse=turned)
        query = query.order_by("-" * turned + field)
        uids = [row["uid"] for row in want]
        assert query.to_list("uid") == uids, query._said()
        cut = slice(rng.randint(0, 5), rng.choice([None, 3, 10]))
        fresh = query.all()
        assert (fresh.count(), fresh.exists()) == (len(uids), bool(uids))
        assert fresh[cut].to_list("uid") == uids[cut]
        assert [one and one.uid for one in (fresh.first(), fresh.last())] == [
            uids[0] if uids else None,
            uids[-1] if uids else None,
        ]
        found_some += 0 < len(uids) < len(rows)
    assert found_some > 100  # the test says something
