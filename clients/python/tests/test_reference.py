"""Every case recorded from lamindb's own ``MappedCollection``, again with loaderd: the same but for named differences.

The cases, and how they were recorded, are in ``testdata/reference``. Where loaderd is to differ, `RULES` names the
difference of ``docs/differences.md``, and then what is right comes from the plain model. The model in turn has to agree
with the recording wherever no rule applies.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import loaderd
from conftest import ROOT
from differences import RULES, Rule
from plain import Plain

REFERENCE = ROOT / "testdata" / "reference"
sys.path.insert(0, str(REFERENCE))

import refcases  # noqa: E402
import refobserve  # noqa: E402
import refstores  # noqa: E402

PARTS = sorted({case["part"] for case in refcases.CASES.values()})


@pytest.fixture(scope="session")
def recorded() -> dict[str, dict[str, Any]]:
    """What lamindb did: case -> step -> what was seen."""
    found = json.loads(gzip.decompress((REFERENCE / "recorded.json.gz").read_bytes()))["cases"]
    assert found.keys() == refcases.CASES.keys(), "run testdata/reference/record.py"
    return dict(found)


@pytest.fixture(scope="session")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with all stores of the cases."""
    folder = tmp_path_factory.mktemp("stores")
    refstores.make(folder, refcases.stores(refcases.CASES))
    return folder


@pytest.fixture(scope="session")
def right(stores: Path) -> Callable[[str], dict[str, Any]]:
    """Gives what is right in a case, by the plain model."""
    known: dict[str, dict[str, Any]] = {}

    def look(ident: str) -> dict[str, Any]:
        if ident not in known:
            case = refcases.CASES[ident]
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                known[ident] = refobserve.observe(Plain, case, refcases.paths(stores, case))
        return known[ident]

    return look


def rule_for(ident: str, step: str, was: Any) -> Rule | None:
    """Find the rule by which a step of a case is to differ from what was recorded."""
    return next((rule for rule in RULES if rule.applies(refcases.CASES[ident], step, was)), None)


def agree(wanted: Any, found: Any) -> bool:
    """Tell whether two observations are the same. An exception may be of further classes than it has to be."""
    if isinstance(wanted, list) and wanted[:1] == ["error"]:
        return isinstance(found, list) and found[:1] == ["error"] and set(wanted[1]) <= set(found[1])
    return bool(wanted == found)


def compare(wanted: dict[str, Any], found: dict[str, Any]) -> Iterator[str]:
    """Give what differs, step by step."""
    for step in wanted | found:
        if not agree(wanted.get(step), found.get(step)):
            yield f"{step}\n    wanted {wanted.get(step)}\n    found  {found.get(step)}"


def wanted_of(ident: str, recorded: dict[str, Any], right: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
    """Give what a case is to show: as recorded, but for the differences."""
    was = recorded[ident]
    rule = rule_for(ident, "open", was["open"])
    if rule:
        return {"open": ["error", rule.error]} if rule.error is not None else right(ident)
    if was["open"] is not None:
        return was
    out = {}
    for step, seen in was.items():
        rule = rule_for(ident, step, seen)
        if rule is None:
            out[step] = seen
        else:
            out[step] = ["error", rule.error] if rule.error is not None else right(ident)[step]
    return out


def report(problems: list[str]) -> None:
    """Fail with the first of the problems."""
    if problems:
        pytest.fail(f"{len(problems)} differ:\n" + "\n".join(problems[:15]), pytrace=False)


@pytest.mark.parametrize("part", PARTS)
def test_every_recorded_case_is_as_lamindb_has_it_but_for_named_differences(
    daemon: Any, part: str, recorded: Any, stores: Path, right: Any
) -> None:
    problems = []
    for ident, case in refcases.CASES.items():
        if case["part"] == part:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # of a pair as obs_filter
                warnings.simplefilter("ignore", loaderd.LoaderdWarning)  # of filters that select nothing
                found = refobserve.observe(loaderd.mapped, case, refcases.paths(stores, case))
            problems += [f"{ident}: {p}" for p in compare(wanted_of(ident, recorded, right), found)]
    report(problems)


@pytest.mark.parametrize("part", PARTS)
def test_the_plain_model_agrees_with_lamindb_but_for_named_differences(part: str, recorded: Any, right: Any) -> None:
    problems = []
    for ident, was in recorded.items():
        if refcases.CASES[ident]["part"] != part or was["open"] is not None:
            continue
        wanted = wanted_of(ident, recorded, right)
        if wanted["open"] is None:
            problems += [f"{ident}: {p}" for p in compare(wanted, right(ident))]
    report(problems)


def test_every_difference_is_seen_in_a_case_and_written_down(recorded: Any, right: Any) -> None:
    page = (ROOT / "docs" / "differences.md").read_text()
    seen = set()
    for ident, was in recorded.items():
        for step, value in was.items():
            rule = rule_for(ident, step, value)
            if rule and rule.name not in seen:
                wanted = ["error", rule.error] if rule.error is not None else right(ident).get(step)
                if value != wanted:
                    seen.add(rule.name)
    assert seen == {rule.name for rule in RULES}
    for rule in RULES:
        assert re.search(rf"^\| {re.escape(rule.name)} \|", page, re.MULTILINE), rule.name
