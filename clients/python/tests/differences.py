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
    """Tell whether some store of a case is zarr."""
    return any(form != "h5" for form in case["forms"])


def kwarg(case: Case, name: str) -> Any:
    """Give a keyword argument of a case."""
    return case.get("kwargs", {}).get(name)


def about(step: str, *kinds: str) -> bool:
    """Tell whether a step looks at one of some things."""
    return step.split(" ")[0] in kinds


LABELS = ("labels", "weights")
COUNTS = ("n_obs", "n_obs_list", "shape", "original_shapes", "len")
TABLES = ("encoders", "row", "categories")
NUMBERS = ("grade", "grade_na", "good", "share")
LACKS = {
    **dict.fromkeys(["cell_type", "score", "ok", "small", "tiny", "equal", "share"], ("c",)),
    **dict.fromkeys(["only_a", "only_a_cat"], ("b", "c")),
}
"""The stores that lack a column."""


def option(case: Case, step: str, *words: str) -> bool:
    """Tell whether a case is the opening with a wrong option of which its name speaks."""
    return step == "open" and case["name"].startswith("option: ") and any(word in case["name"] for word in words)


def lacked_labels(case: Case, step: str, was: Any) -> bool:
    """Tell whether labels are looked at that some store does not have."""
    keys = [key for key in LACKS if key in step.replace("'", " ").replace(",", " ").split()]
    return about(step, *LABELS) and not failed(was) and any(has(case, *LACKS[key]) for key in keys)


def missing_and_lacked(case: Case, step: str, was: Any) -> bool:
    """Tell whether a filter is for missing values of a column that a store lacks."""
    terms = kwarg(case, "obs_filter")
    if step != "open" or not isinstance(terms, dict) or "NaN!" not in str(terms):
        return False
    return (has(case, "c") or "only_a_cat" in terms) and failed(was, "UnboundLocalError", "ValueError")


def number_categories(case: Case, step: str, was: Any) -> bool:
    """Tell whether categories that are numbers are filtered or merged, and that failed."""
    filtered = step == "open" and "categories of" in case["name"]
    merged = about(step, *LABELS) and any(key in step for key in NUMBERS)
    return failed(was, "TypeError", "ValueError") and (filtered or merged)


def old_layout(case: Case, step: str, was: Any) -> bool:
    """Tell whether labels of a file of old are looked at."""
    refused = failed(was, "TypeError", "KeyError", "AttributeError")
    return has(case, "old06", "old07") and (refused or about(step, *TABLES, *LABELS, "collate"))


def uncached_zarr(case: Case, step: str, was: Any) -> bool:
    """Tell whether categories of a zarr store are read and are not in the cache."""
    uncached = kwarg(case, "cache_categories") is False or about(step, "categories")
    return zarr(case) and failed(was, "TypeError") and uncached


def nullable(case: Case, step: str, was: Any) -> bool:
    """Tell whether a nullable column with missing values is encoded."""
    if kwarg(case, "obs_keys") not in ("count", "flag", "word"):
        return False
    return about(step, *TABLES) or (step == "open" and failed(was, "TypeError"))


def nan_among_floats(case: Case, step: str, was: Any) -> bool:
    """Tell whether a column with NaN is encoded."""
    keys = f"{kwarg(case, 'obs_keys')} {step}"
    return about(step, *TABLES) and ("score" in keys or ("depth" in keys and has(case, "c")))


def zarr_text(case: Case, step: str, was: Any) -> bool:
    """Tell whether labels of a zarr store are merged or filtered."""
    return zarr(case) and (about(step, *LABELS) or kwarg(case, "obs_filter") is not None)


RULES: list[Rule] = [
    # What cannot be mapped.
    Rule("a key in no store", lambda case, step, was: option(case, step, "of none"), ["KeyError"]),
    Rule("a key twice", lambda case, step, was: option(case, step, "twice", "one name"), ["ValueError"]),
    Rule("a wrong dtype", lambda case, step, was: option(case, step, "dtype"), ["TypeError"]),
    Rule("a folder that is no store", lambda case, step, was: has(case, "folder"), ["FileNotFoundError"]),
    Rule("Q12", lambda case, step, was: has(case, "null_raw") and failed(was, "AttributeError") and step == "open"),
    Rule("Q19 CSC", lambda case, step, was: has(case, "csc", "csc_parts") and step == "open"),
    Rule("a data frame in obsm", lambda case, step, was: has(case, "frame") and failed(was, "KeyError")),
    # Filters.
    Rule("Q7", lambda case, step, was: case["name"] == "filter no column" and failed(was, "ValueError")),
    Rule("Q9", lambda case, step, was: has(case, "rows0", "rows0b", "missing") and failed(was, "IndexError")),
    Rule("Q6", missing_and_lacked),
    Rule("Q3", number_categories),
    Rule("Q8", lambda case, step, was: case["name"] == "filter missing beside a label called nan" and not failed(was)),
    # Labels.
    Rule("weights of no column", lambda case, step, was: step == "weights [[]]", ["ValueError"]),
    Rule("Q10", old_layout),
    Rule("Q2", uncached_zarr),
    Rule("Q4", nullable),
    Rule("Q5", nan_among_floats),
    Rule("Q11", lacked_labels),
    Rule("Q1", zarr_text),
    # Rows.
    Rule("Q13", lambda case, step, was: has(case, "big") and about(step, "row", "collate")),
    Rule("Q19 repeats", lambda case, step, was: has(case, "repeats") and about(step, "row", "collate")),
    Rule("Q21", lambda case, step, was: step == "row then" and not failed(was, "KeyError"), ["RuntimeError"]),
    Rule("a tuple as index", lambda case, step, was: step == "index tuple", ["TypeError"]),
    # Types of Python.
    Rule("no encoders", lambda case, step, was: step == "encoders" and failed(was, "AttributeError")),
    Rule("plain labels", lambda case, step, was: about(step, "encoders", "categories") and holds(was, "scalar")),
    Rule("plain counts", lambda case, step, was: about(step, *COUNTS) and holds(was, "scalar")),
]
