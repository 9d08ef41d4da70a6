"""Tables of labels and their codes that outlive a collection: saved, loaded, imposed on another, compared."""

from __future__ import annotations

import base64
import contextlib
import difflib
import hashlib
import json
import math
import os
import tempfile
from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np

from loaderd._errors import BadFile, InvalidArgument, NotFound

Label = str | int | float | bool
Table = dict[Label, int]

_FORMAT: Final = "loaderd encoders"
_VERSION: Final = 1
_MOST_MARKS: Final = 512  # of a table in a state


class Encoders(Mapping[str, Table]):
    """Label -> code, for each of several ``obs`` keys; to be kept with a model and imposed on other files.

    A collection encodes labels by what its own files hold. A model that was trained on one collection needs the same
    codes for the next::

        loaderd.Encoders(train.encoders).save("encoders.json")
        valid = loaderd.mapped("valid/*.h5ad", obs_keys=["cell_type"], encoders="encoders.json")

    Parameters
    ----------
    tables
        What ``mapped.encoders`` gives, or a dict of such. Labels are str, int, float or bool (numpy's too); codes are
        -1 for labels that count as unknown, else each of one label.

    Raises
    ------
    InvalidArgument
        A label or a code is none, or two labels have one code.
    """

    def __init__(self, tables: Mapping[str, Mapping[Any, int]]) -> None:
        self._tables = {str(key): _checked(str(key), table) for key, table in tables.items()}

    @classmethod
    def of(cls, what: Any) -> Encoders:
        """Make them of tables, of a collection, or of a file's path."""
        if isinstance(what, cls):
            return what
        if isinstance(what, (str, os.PathLike)):
            return cls.load(what)
        tables = getattr(what, "encoders", what)
        if not isinstance(tables, Mapping) or not all(isinstance(table, Mapping) for table in tables.values()):
            message = (
                f"encoders={what!r}; it is a dict of key -> dict of label -> code, Encoders, a collection, or a path"
            )
            raise InvalidArgument(message, stage="open", object="encoders")
        return cls(tables)

    # --- files ----------------------------------------------------------------------------------------------

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write them to a JSON file, whole or not at all. The types of labels are kept."""
        name = os.fspath(path)
        tables = {key: [[label, code] for label, code in table.items()] for key, table in self._tables.items()}
        text = json.dumps(
            {"format": _FORMAT, "version": _VERSION, "hash": self.hash, "encoders": tables},
            ensure_ascii=False,
            indent=1,
        )
        descriptor, beside = tempfile.mkstemp(prefix=".loaderd-", dir=os.path.dirname(name) or ".")
        try:
            with open(descriptor, "w", encoding="utf-8") as file:
                file.write(text + "\n")
            os.chmod(beside, 0o666 & ~_umask())
            os.replace(beside, name)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(beside)
            raise

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Encoders:
        """Read what `save` wrote.

        Raises
        ------
        NotFound
            There is no such file.
        BadFile
            It is something else, of a later version, or was changed by hand so that its hash is wrong.
        """
        name = os.fspath(path)
        try:
            with open(name, encoding="utf-8") as file:
                found = json.load(file)
        except FileNotFoundError as e:
            raise NotFound(f"{name}: no such file", stage="open", object=name) from e
        except (ValueError, OSError) as e:
            raise BadFile(f"{name} is not a file of encoders: {e}", stage="open", object=name) from e
        if not isinstance(found, dict) or found.get("format") != _FORMAT:
            raise BadFile(
                f"{name} is not a file of encoders", stage="open", object=name, hint="Encoders.save writes one"
            )
        if found.get("version") != _VERSION:
            message = f"{name} has version {found.get('version')!r}; this loaderd reads {_VERSION}"
            raise BadFile(message, stage="open", object=name, hint="update loaderd")
        try:
            made = cls({key: dict(_pairs(key, pairs)) for key, pairs in found["encoders"].items()})
        except (InvalidArgument, KeyError, TypeError, ValueError, AttributeError) as e:
            raise BadFile(f"{name} is damaged: {e}", stage="open", object=name) from e
        if made.hash != found.get("hash"):
            message = f"{name} is damaged: its tables do not have the hash that it says"
            raise BadFile(message, stage="open", object=name, hint="make it again with Encoders.save")
        return made

    # --- as a mapping ---------------------------------------------------------------------------------------

    def __getitem__(self, key: str) -> Table:
        return dict(self._tables[key])

    def __iter__(self) -> Iterator[str]:
        return iter(self._tables)

    def __len__(self) -> int:
        return len(self._tables)

    def __eq__(self, other: object) -> bool:
        return self.hash == other.hash if isinstance(other, Encoders) else super().__eq__(other)

    def __hash__(self) -> int:
        return hash(self.hash)

    def __repr__(self) -> str:
        keys = ", ".join(f"{key}: {len(table)} labels" for key, table in self._tables.items())
        return f"Encoders({keys})"

    @property
    def hash(self) -> str:
        """Of keys, labels and codes, 16 hex digits. Equal numbers count as one label, whatever their type."""
        parts = [[key, _mark_text(table)] for key, table in sorted(self._tables.items())]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]

    def decode(self, key: str, codes: Any) -> np.ndarray[Any, Any]:
        """Give the labels of codes, as objects; None for -1 and for codes that no label has.

        Raises
        ------
        InvalidArgument
            There is no table of that key.
        """
        if key not in self._tables:
            close = difflib.get_close_matches(key, self._tables, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"there are {sorted(self._tables)}"
            raise InvalidArgument(f"there is no table of {key!r}", object=key, hint=hint)
        label_of = {code: label for label, code in self._tables[key].items() if code >= 0}
        wanted = np.asarray(codes)
        out = np.empty(wanted.shape, dtype=object)
        out.reshape(-1)[:] = [label_of.get(code) for code in wanted.reshape(-1).tolist()]
        return out

    # --- on the wire, in states -----------------------------------------------------------------------------

    def wire(self, encoded: list[str], unseen: str) -> dict[str, list[list[Any]]]:
        """Give the tables of those keys that are encoded as ``open`` carries them."""
        rest = [[None, -1]] if unseen == "unknown" else []
        tables = {key: table for key, table in self._tables.items() if key in encoded}
        if not tables:
            close = [c for key in self._tables for c in difflib.get_close_matches(key, encoded, n=1)]
            hint = f"did you mean {close[0]!r}?" if close else "name the keys in obs_keys, and encode them"
            message = f"encoders has tables of {list(self._tables)}, and none of these is encoded ({encoded})"
            raise InvalidArgument(message, stage="open", object="encoders", hint=hint)
        return {key: [[label, code] for label, code in table.items()] + rest for key, table in tables.items()}

    def marks(self) -> dict[str, str]:
        """Give what a state keeps of each table: its hash, and enough of its labels to say where another differs."""
        return {key: _marks(table) for key, table in self._tables.items()}

    def difference(self, marks: Mapping[str, str]) -> tuple[str, str] | None:
        """Say which key's table is not the one that gave these `marks`, and where; None if all are."""
        for key, table in self._tables.items():
            theirs = marks.get(key)
            if theirs is not None and theirs != _marks(table):
                return key, _first_difference(table, theirs)
        return None


def tables_of(opened: Mapping[str, Any]) -> dict[str, Table]:
    """Give label -> code of each encoded key of an answer to ``open``."""
    return {c["key"]: dict(c["encoder"] or []) for c in opened["columns"] or [] if c["encoded"]}


def _umask() -> int:
    now = os.umask(0o077)
    os.umask(now)
    return now


def _pairs(key: str, pairs: Any) -> Iterator[tuple[Any, int]]:
    seen: set[Any] = set()
    for label, code in pairs:
        if label in seen:
            raise InvalidArgument(f"the table of {key!r} has {label!r} twice", object=key)
        seen.add(label)
        yield label, code


def _checked(key: str, table: Mapping[Any, int]) -> Table:
    out: Table = {}
    of: dict[int, Any] = {}
    for given, number in table.items():
        label = given.item() if isinstance(given, np.generic) else given
        if not isinstance(label, (str, int, float)) or (isinstance(label, float) and math.isnan(label)):
            message = (
                f"the table of {key!r} has the label {given!r}; labels are str, int, float or bool, and never missing"
            )
            raise InvalidArgument(message, stage="open", object=f"encoders[{key!r}]")
        code = number.item() if isinstance(number, np.generic) else number
        if isinstance(code, bool) or not isinstance(code, int) or code < -1:
            message = f"the table of {key!r} gives {label!r} the code {number!r}; codes are whole numbers, at least -1"
            raise InvalidArgument(message, stage="open", object=f"encoders[{key!r}]")
        if code >= 0 and code in of:
            message = f"the table of {key!r} gives {of[code]!r} and {label!r} the same code {code}"
            raise InvalidArgument(message, stage="open", object=f"encoders[{key!r}]")
        out[label], of[code] = code, label
    return out


# --- marks: a table in few characters ---------------------------------------------------------------------------


def _ordered(table: Table) -> list[Label | None]:
    """List labels by code, None for a code without one; then those that count as unknown, sorted."""
    codes = [code for code in table.values() if code >= 0]
    out: list[Label | None] = [None] * (max(codes) + 1 if codes else 0)
    for label, code in table.items():
        if code >= 0:
            out[code] = label
    return out + sorted((label for label, code in table.items() if code < 0), key=_plain)


def _plain(label: Label | None) -> str:
    """Write a label; numbers that are equal the same way."""
    if isinstance(label, bool) or (isinstance(label, float) and label.is_integer()):
        label = int(label)
    return json.dumps(label)


def _mark_text(table: Table) -> list[str]:
    known = 1 + max(table.values(), default=-1)
    return [str(known), *map(_plain, _ordered(table))]


def _marks(table: Table) -> str:
    """Make ``HASH:KNOWN:STEP:MARKS``, where each mark stands for STEP labels, in three characters."""
    text = _mark_text(table)
    whole = hashlib.sha256(json.dumps(text).encode()).hexdigest()[:16]
    labels = text[1:]
    step = max(1, -(-len(labels) // _MOST_MARKS))
    marks = [_mark(labels[at : at + step]) for at in range(0, len(labels), step)]
    return f"{whole}:{text[0]}:{step}:{''.join(marks)}"


def _mark(labels: list[str]) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(json.dumps(labels).encode()).digest()[:3]).decode()[:3]


def _first_difference(table: Table, theirs: str) -> str:
    """Say in words at which label of ``table`` the table of other `_marks` first differs."""
    ours = _ordered(table)
    _, known, width, text = theirs.split(":")
    step, marks = int(width), [text[at : at + 3] for at in range(0, len(text), 3)]
    own = [_mark([_plain(label) for label in ours[at : at + step]]) for at in range(0, len(ours), step)]
    place = next((i for i, (a, b) in enumerate(zip(own, marks, strict=False)) if a != b), min(len(own), len(marks)))
    at = place * step
    if step > 1 and place < min(len(own), len(marks)):
        return f"it first differs among the codes {at} to {at + step - 1}, which here are {_some(ours[at : at + step])}"
    unknown = at >= 1 + max(table.values(), default=-1)
    if place >= len(marks) and at < len(ours):
        return f"{_name(ours[at])} ({_code(at, unknown)} here) was not in it"
    if place >= len(own):
        return f"it had another label of {_code(at, at >= int(known))}, and here there is none"
    was = next((label for label in ours if label is not None and _mark([_plain(label)]) == marks[place]), None)
    before = f"was {was!r}" if was is not None else "was another label, which is not here"
    if _mark([_plain(None)]) == marks[place]:
        before = "was no label's"
    return f"{_code(at, unknown)} {before}, and is {_name(ours[at])} here"


def _code(at: int, unknown: bool) -> str:
    return "code -1" if unknown else f"code {at}"


def _name(label: Label | None) -> str:
    return "no label's" if label is None else repr(label)


def _some(labels: list[Label | None]) -> str:
    return f"{_name(labels[0])} … {_name(labels[-1])}"
