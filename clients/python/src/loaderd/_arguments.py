"""Checks of what the user passes, and its translation to what the wire carries."""

from __future__ import annotations

import difflib
import glob
import operator
import os
import re
from collections.abc import Iterable
from typing import Any, Final

import numpy as np

from loaderd._errors import IndexOutOfRange, InvalidArgument, NotFound, Unsupported

_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_MAGIC: Final = re.compile(r"[*?[]")


def expand(paths: Any) -> list[str]:
    """Make absolute paths of a path, a pattern, or a list of these.

    Raises
    ------
    NotFound
        A pattern matches nothing.
    """
    several = not isinstance(paths, (str, os.PathLike))
    given = list(paths) if several and isinstance(paths, Iterable) else [paths]
    if not given:
        raise InvalidArgument("no paths: the list is empty", stage="open", object="paths")
    found: list[str] = []
    for path in given:
        if not isinstance(path, (str, os.PathLike)):
            message = f"a path is a str or PathLike, not {type(path).__name__}: {path!r}"
            raise InvalidArgument(message, stage="open", object="paths")
        found += _expand_one(os.fsdecode(path))
    return found


def _expand_one(path: str) -> list[str]:
    if _SCHEME.match(path):
        hint = "copy the file here first"
        raise Unsupported(f"{path}: only local files are read", stage="open", object=path, hint=hint)
    local = os.path.expanduser(path)
    if _MAGIC.search(local) and not os.path.exists(local):
        matches = sorted(glob.glob(local, recursive=True))
        if not matches:
            hint = f"the working directory is {os.getcwd()}"
            raise NotFound(f"no file matches {path}", stage="open", object=path, hint=hint)
        return [os.path.abspath(m) for m in matches]
    return [os.path.abspath(local)]


def keys(name: str, value: Any, default: list[str]) -> list[str]:
    """Make a list of names of None, a name, or several."""
    if value is None:
        return default
    if not isinstance(value, Iterable) or isinstance(value, bytes):
        raise InvalidArgument(f"{name}={value!r}; it is a name, or a list of names", stage="open", object=name)
    names = [value] if isinstance(value, str) else list(value)
    for key in names:
        if not isinstance(key, str):
            raise InvalidArgument(f"{name} holds {key!r}; names are strings", stage="open", object=name)
    twice = {key for key in names if names.count(key) > 1}
    if twice:
        raise InvalidArgument(f"{name} names {sorted(twice)[0]!r} twice", stage="open", object=name)
    return names


def panel(names: Any) -> list[str] | None:
    """Make a list of the names of a panel; None stays."""
    if names is None:
        return None
    if isinstance(names, (str, bytes)) or not isinstance(names, Iterable):
        message = f"var_names={names!r}; it is a list of names"
        raise InvalidArgument(message, stage="open", object="var_names")
    found = list(names)
    for name in found:
        if not isinstance(name, str):
            message = f"var_names holds {name!r}; names are strings"
            raise InvalidArgument(message, stage="open", object="var_names")
    return [str(name) for name in found]


def optional_name(option: str, value: Any) -> str | None:
    """Check that an option is one name, or None."""
    if value is None or (isinstance(value, str) and value):
        return value
    raise InvalidArgument(f"{option}={value!r}; it is one name, or None", stage="open", object=option)


def choice(name: str, value: Any, allowed: tuple[Any, ...]) -> Any:
    """Check that an option has one of the values that it may have."""
    if any(value is a or (value == a and type(value) is type(a)) for a in allowed):
        return value
    close = difflib.get_close_matches(str(value), [str(a) for a in allowed], n=1)
    hint = f"did you mean {close[0]!r}?" if close else ""
    listed = " or ".join(repr(a) for a in allowed)
    raise InvalidArgument(f"{name}={value!r}; it is {listed}", object=name, hint=hint)


def labels_spec(obs_keys: list[str], encode_labels: Any, unknown_label: Any) -> tuple[bool | list[str], Any, list[str]]:
    """Check ``encode_labels`` and ``unknown_label``; give both as on the wire, and the keys that are encoded."""
    if isinstance(encode_labels, (bool, int)) or encode_labels is None:
        encode: bool | list[str] = bool(encode_labels)
        encoded = list(obs_keys) if encode else []
    else:
        encode = encoded = keys("encode_labels", encode_labels, [])
    for key in encoded:
        if key not in obs_keys:
            close = difflib.get_close_matches(key, obs_keys, n=1)
            hint = f"did you mean {close[0]!r}?" if close else "name it in obs_keys too"
            message = f"encode_labels names {key!r}, which is not among obs_keys={obs_keys}"
            raise InvalidArgument(message, stage="open", object="encode_labels", hint=hint)
    if isinstance(unknown_label, dict):
        for key in unknown_label:
            if encoded and key not in encoded:
                message = f"unknown_label names {key!r}, which is not an encoded key ({encoded})"
                raise InvalidArgument(message, stage="open", object="unknown_label")
        return encode, {k: str(v) for k, v in unknown_label.items()} or None, encoded
    if unknown_label is not None and not isinstance(unknown_label, str):
        message = f"unknown_label={unknown_label!r}; it is a label, or a dict of key -> label"
        raise InvalidArgument(message, stage="open", object="unknown_label")
    return encode, unknown_label, encoded


def number(name: str, value: Any, least: int, most: int = (1 << 63) - 1) -> int:
    """Check that an option is a whole number in a range."""
    try:
        found = None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        found = None
    if found is None or not least <= found <= most:
        limit = f"at least {least}" if most == (1 << 63) - 1 else f"from {least} to {most}"
        raise InvalidArgument(f"{name}={value!r}; it is a whole number, {limit}", object=name)
    return found


# --- row numbers ------------------------------------------------------------------------------------------------


def row_number(index: Any, n: int) -> int:
    """Make a row number from 0 to ``n - 1`` of an index, which may count from the end."""
    if isinstance(index, (slice, list, tuple, bool, np.bool_)):
        raise TypeError(
            f"a row's index is an integer, not {type(index).__name__}; DataLoader and loader() take several"
        )
    if isinstance(index, (float, np.floating, str)):  # numpy says IndexError of these alone
        raise IndexOutOfRange(f"a row's index is an integer, not {index!r}", stage="get", object="index")
    try:
        number: int = operator.index(index)
    except TypeError:
        raise TypeError(f"a row's index is an integer, not {type(index).__name__}") from None
    if not -n <= number < n:
        raise _beyond(number, n)
    return number + n if number < 0 else number


def row_numbers(indices: Any, n: int) -> np.ndarray[Any, Any]:
    """Make row numbers from 0 to ``n - 1``, int64 little-endian, of several indices."""
    rows = np.asarray(indices)
    if rows.ndim != 1 or rows.dtype.kind == "b":
        raise TypeError(f"row indices are a list of integers, not {indices!r}")
    if not len(rows):
        return rows.astype("<i8")
    if rows.dtype.kind not in "iu":
        raise IndexOutOfRange(f"row indices are integers, not {rows.dtype}", stage="get", object="index")
    least, most = int(rows.min()), int(rows.max())
    if most >= n or least < -n:
        raise _beyond(most if most >= n else least, n)
    if least < 0:
        rows = np.where(rows < 0, rows + n, rows)
    return rows.astype("<i8", copy=False)


def _beyond(index: int, n: int) -> IndexOutOfRange:
    allowed = f"valid are {-n} to {n - 1}" if n else "it is empty"
    message = f"row {index} of a collection of {n} rows; {allowed}"
    return IndexOutOfRange(message, stage="get", object=f"row {index}")
