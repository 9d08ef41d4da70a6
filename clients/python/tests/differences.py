"""Where loaderd is to differ from what was recorded of lamindb, by the names of docs/differences.md."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Case = dict[str, Any]


@dataclass
class Rule:
    """One difference.

    Parameters
    ----------
    name
        That of its row in docs/differences.md.
    applies
        Whether a step of a case is to differ, by the case, the step and what was recorded. The right value is that of
        the plain model.
    error
        Or, if not None, an exception that is one of these builtin classes.
    """

    name: str
    applies: Callable[[Case, str, Any], bool]
    error: list[str] | None = None


def failed(was: Any, *classes: str) -> bool:
    """Tell whether an exception of one of some classes was recorded."""
    return isinstance(was, list) and was[:1] == ["error"] and any(c in was[1] for c in classes)


def holds(was: Any, word: str) -> bool:
    """Tell whether a word is anywhere in what was recorded."""
    return was == word or (isinstance(was, list) and any(holds(part, word) for part in was))


def has(case: Case, *stores: str) -> bool:
    """Tell whether a case maps one of some stores."""
    return any(store in stores for store in case["stores"])


def zarr(case: Case) -> bool:
    return any(form != "h5" for form in case["forms"])


def kwarg(case: Case, name: str) -> Any:
    return case.get("kwargs", {}).get(name)


def about(step: str, *kinds: str) -> bool:
    """Tell whether a step looks at one of some things."""
    return step.split(" ")[0] in kinds


LABELS = ("labels", "weights")
COUNTS = ("n_obs", "n_obs_list", "shape", "original_shapes", "len")
LACKS = {
    "cell_type": ["c"], "only_a": ["b", "c"], "only_a_cat": ["b", "c"], "score": ["c"], "ok": ["c"], "small": ["c"],
    "tiny": ["c"], "equal": ["c"], "share": ["c"], "word": [], "note": [],
}  # fmt: skip


def lacks(case: Case, step: str, was: Any) -> bool:
    """Tell whether labels are looked at that some store does not have."""
    keys = [key for key in LACKS if key in step.replace("'", " ").replace(",", " ").split()]
    return about(step, *LABELS) and not failed(was) and any(has(case, *LACKS[key]) for key in keys)


def nan_where_absent(case: Case, step: str, was: Any) -> bool:
    terms = kwarg(case, "obs_filter")
    wants_missing = isinstance(terms, dict) and any(holds(str(v), "NaN!") or "NaN!" in str(v) for v in terms.values())
    return wants_missing and (has(case, "c") or "only_a_cat" in terms) and failed(was, "UnboundLocalError", "ValueError")


NUMBERS = ("grade", "grade_na", "good", "share")
RULES: list[Rule] = [
    # What cannot be mapped.
    Rule("a key in no store", lambda c, s, w: c["name"].startswith("option:") and "of none" in c["name"] and s == "open", ["KeyError"]),
    Rule("a key twice", lambda c, s, w: c["name"].startswith("option:") and ("twice" in c["name"] or "one name" in c["name"]) and s == "open", ["ValueError"]),
    Rule("a wrong dtype", lambda c, s, w: c["name"] == "option: dtype" and s == "open", ["TypeError"]),
    Rule("a folder that is no store", lambda c, s, w: has(c, "folder"), ["FileNotFoundError"]),
    Rule("Q12", lambda c, s, w: has(c, "null_raw") and failed(w, "AttributeError") and s == "open"),
    Rule("Q19 CSC", lambda c, s, w: has(c, "csc", "csc_parts") and s == "open" and failed(w, "ValueError")),
    Rule("a data frame in obsm", lambda c, s, w: has(c, "frame") and about(s, "row") and failed(w, "KeyError")),
    # Filters.
    Rule("Q7", lambda c, s, w: c["name"] == "filter no column" and s == "open" and failed(w, "ValueError")),
    Rule("Q9", lambda c, s, w: has(c, "rows0", "rows0b", "missing") and failed(w, "IndexError") and about(s, "open", "labels", "weights", "categories")),
    Rule("Q6", lambda c, s, w: s == "open" and nan_where_absent(c, s, w)),
    Rule("Q3", lambda c, s, w: failed(w, "TypeError", "ValueError") and (s == "open" and "categories of" in c["name"] or about(s, *LABELS) and any(n in s for n in NUMBERS))),
    Rule("Q8", lambda c, s, w: c["name"] == "filter missing beside a label called nan" and not failed(w)),
    # Labels.
    Rule("weights of no column", lambda c, s, w: s == "weights [[]]", ["ValueError"]),
    Rule("Q10", lambda c, s, w: has(c, "old06", "old07") and (failed(w, "TypeError", "KeyError", "AttributeError") or about(s, "row", "labels", "weights", "categories", "encoders", "collate"))),
    Rule("Q2", lambda c, s, w: zarr(c) and failed(w, "TypeError") and (kwarg(c, "cache_categories") is False or about(s, "categories"))),
    Rule("Q4", lambda c, s, w: kwarg(c, "obs_keys") in ("count", "flag", "word") and (s == "open" and failed(w, "TypeError") or about(s, "encoders", "row", "categories"))),
    Rule("Q5", lambda c, s, w: about(s, "encoders", "row", "categories") and ("score" in str(kwarg(c, "obs_keys")) or "score" in s or "depth" in str(kwarg(c, "obs_keys")) + s and has(c, "c") or has(c, "missing"))),
    Rule("Q11", lacks),
    Rule("Q1", lambda c, s, w: zarr(c) and (about(s, *LABELS) or kwarg(c, "obs_filter") is not None)),
    # Rows.
    Rule("Q13", lambda c, s, w: has(c, "big") and about(s, "row", "collate")),
    Rule("Q19 repeats", lambda c, s, w: has(c, "repeats") and about(s, "row", "collate")),
    Rule("Q21", lambda c, s, w: s == "row then" and not failed(w, "KeyError"), ["RuntimeError"]),
    Rule("a tuple as index", lambda c, s, w: s == "index tuple", ["TypeError"]),
    # Types of Python.
    Rule("no encoders", lambda c, s, w: s == "encoders" and failed(w, "AttributeError")),
    Rule("plain labels", lambda c, s, w: about(s, "encoders", "categories") and holds(w, "scalar")),
    Rule("plain counts", lambda c, s, w: about(s, *COUNTS) and holds(w, "scalar")),
]
