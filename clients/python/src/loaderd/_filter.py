"""What ``obs_filter`` takes, and its form on the wire (``docs/protocol.md``, "spec")."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np

from loaderd._errors import InvalidArgument, LoaderdWarning
from loaderd._warn import warn

MOST_VALUES: Final = 1_000_000
"""Values of one filter: they fit one message."""

Terms = list[tuple[str, list[Any], bool]]


def wire_filter(obs_filter: Any) -> str | Terms | None:
    """Make an expression, or terms that must all hold, of what the user passes; None: all rows.

    A term is a key, values of which a row has one, and whether a missing value will do, too.

    Raises
    ------
    InvalidArgument
        It is nothing of the kind, or holds a value that no label can be.
    """
    if obs_filter is None:
        return None
    if isinstance(obs_filter, str):
        if not obs_filter.strip():
            raise _wrong("obs_filter is an empty expression", "leave it out to keep all rows")
        return obs_filter
    if not isinstance(obs_filter, Mapping):
        obs_filter = _pair(obs_filter)
    terms = [(_key(key), *_values(key, value)) for key, value in obs_filter.items()]
    if sum(len(values) for _, values, _ in terms) > MOST_VALUES:
        raise _wrong(f"obs_filter has more than {MOST_VALUES:,} values", "map all rows, and choose among them by index")
    return terms


def warn_unknown(unknown: list[tuple[str, str]]) -> None:
    """Warn of keys that no file has, with the hint of each."""
    for key, hint in unknown:
        warn(f"obs_filter selects nothing: no file has the obs column {key!r}; {hint}", LoaderdWarning)


def _pair(given: Any) -> dict[Any, Any]:
    if not isinstance(given, (tuple, list)) or len(given) != 2:
        raise _wrong(
            f"obs_filter={given!r}; it is a dict of column -> value or values, or an expression",
            'for example {"cell_type": ["B", "T"]}, or "n_counts > 500"',
        )
    warn("a pair for obs_filter is deprecated; use a dict: obs_filter={key: values}", DeprecationWarning)
    return {given[0]: given[1]}


def _key(key: Any) -> str:
    if not isinstance(key, str):
        raise _wrong(f"obs_filter has the key {key!r}; keys are names of obs columns", "")
    return str(key)


def _values(key: str, given: Any) -> tuple[list[Any], bool]:
    """Give the values that are no NaN, each once, as the wire carries them, and whether there is a NaN."""
    if isinstance(given, Mapping):
        raise _wrong(f"obs_filter[{key!r}] is a dict", "give a value or a list of values")
    if hasattr(given, "__array__") and np.ndim(given) == 0:
        given = np.asarray(given)[()]
    if isinstance(given, (set, frozenset)):
        warn(f"obs_filter[{key!r}] is a set, which equals no label; give a list", LoaderdWarning)
        return [], False
    several = isinstance(given, Iterable) and not isinstance(given, (str, bytes))
    values: dict[tuple[type, Any], Any] = {}
    null = False
    for value in given if several else [given]:
        if _is_missing(value):
            null = True
            continue
        plain = _plain(key, value)
        values[type(plain), plain] = plain
    return list(values.values()), null


def _is_missing(value: Any) -> bool:
    # pandas' NA and NaT are known by name, so that pandas need not be there.
    return (
        value is None
        or type(value).__name__ in ("NAType", "NaTType")
        or (isinstance(value, (float, np.floating)) and bool(np.isnan(value)))
    )


def _plain(key: str, value: Any) -> str | bool | int | float:
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, (float, np.floating)):
        return float(value)
    if isinstance(value, (int, np.integer)) and -(1 << 63) <= int(value) < 1 << 64:
        return int(value)
    raise _wrong(
        f"obs_filter[{key!r}] has the value {value!r}", "values are text, numbers, booleans, or None for missing"
    )


def _wrong(message: str, hint: str) -> InvalidArgument:
    return InvalidArgument(message, stage="open", object="obs_filter", hint=hint)
