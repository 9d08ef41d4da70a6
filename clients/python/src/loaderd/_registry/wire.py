"""Calls of the registry, which the daemon has (``docs/protocol.md``, "Registry")."""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import enum
import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import numpy as np

from loaderd import _paths, _start
from loaderd._errors import DaemonGone, DoesNotExist, InvalidArgument, ProtocolError, from_wire
from loaderd._wire import ConnectionLost, Message, path_on_wire

Row = dict[str, Any]
"""A record as messages have it."""

_MOST_LOSSES: Final = 3
_MOST_DEPTH: Final = 32  # of lists and dicts in a value
_MOST_TEXT: Final = 4 << 20  # characters


def call(name: str, args: Message, using: str | None = None, tell: Callable[[Message], None] | None = None) -> Any:
    """Ask the registry, on a connection for this once, and give the value of the answer.

    A connection takes a fraction of a millisecond, and none is then left to threads or forks. A call whose daemon is
    lost is made again: all calls may be, since a record keeps its ``uid``.

    Parameters
    ----------
    name
        Of the call.
    args
        Plain values.
    using
        The database; None: the default one.
    tell
        Told of each ``progress`` message.

    Raises
    ------
    LoaderdError
        What the daemon says against it.
    DaemonGone
        No daemon runs and none could be started, or several in a row died.
    """
    if using is not None:
        if not isinstance(using, str):
            message = f"using={using!r}; it is the name of a database, or None"  # type: ignore[unreachable]
            raise InvalidArgument(message, stage="registry", object="using", hint="databases() lists them")
        args = args | {"using": using}
    folder = os.environ.get("LOADERD_DATA_DIR")
    if folder:  # the daemon may have been started with another
        args = args | {"data_dir": path_on_wire(_paths.absolute(folder))}
    losses = 0
    while True:
        try:
            with contextlib.closing(_start.connect(patience=5.0 if losses else 0.0)) as channel:
                answer = channel.request({"op": "registry", "call": name, "args": args}, tell)
        except (UnicodeEncodeError, OverflowError) as e:  # what is in no field and no lookup, such as names to order by
            raise InvalidArgument(f"registry call {name}: {e}", stage="registry", object=name) from e
        except ConnectionLost as lost:
            losses += 1
            if losses > _MOST_LOSSES:
                message = f"the daemon is gone {losses} times in a row ({lost}); registry call {name}"
                raise DaemonGone(message, stage="registry", object=name, hint="its log says why") from lost
            continue
        if answer.get("op") == "error":
            if answer.get("code") == DaemonGone.code and losses < _MOST_LOSSES:
                losses += 1
                continue
            if losses and name == "delete" and answer.get("code") == DoesNotExist.code:
                return None  # the daemon that was lost had done it
            raise from_wire(answer)
        if answer.get("op") != "answer":
            raise ProtocolError(f"the daemon answered registry with {answer.get('op')!r}", stage="registry")
        return answer["value"]


def to_wire(value: Any, what: str, depth: int = 0) -> Any:
    """Make a plain value of one that a field or a lookup has.

    Raises
    ------
    InvalidArgument
        There is no such value in the registry.
    """
    if isinstance(value, enum.Enum):
        value = value.value
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, float)):
        return value
    if isinstance(value, int):
        if not -(1 << 63) <= value < 1 << 63:
            raise _no_value(
                what, f"a number of {value.bit_length()} bits", "numbers have 64 bits, one of them the sign"
            )
        return value
    if isinstance(value, str):
        return text(value, what)
    if isinstance(value, dt.datetime):
        return to_time(value)
    if isinstance(value, dt.date):
        return to_time(dt.datetime(value.year, value.month, value.day, tzinfo=dt.timezone.utc))
    if isinstance(value, os.PathLike):
        return path_on_wire(os.fsdecode(value))
    if depth >= _MOST_DEPTH:
        raise _no_value(what, f"{type(value).__name__} in {depth} others", f"lists and dicts nest {_MOST_DEPTH} deep")
    if isinstance(value, Mapping):
        return {text(str(key), what): to_wire(each, what, depth + 1) for key, each in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, (bytes, bytearray)):
        return [to_wire(each, what, depth + 1) for each in value]
    shown = f"{value!r}; a {type(value).__name__}"
    raise _no_value(what, shown, "use text, numbers, times, or a list of these")


def text(value: str, what: str) -> str:
    """Check that a text can be stored.

    Raises
    ------
    InvalidArgument
        It is no Unicode, or has zero characters.
    """
    try:
        value.encode()
    except UnicodeEncodeError as e:
        odd = value[e.start]
        hint = f"{odd!r} is half of a character, or a byte of a path that is not UTF-8, which goes as a pathlib.Path"
        raise _no_value(what, f"{value!r:.80}", hint) from None
    if len(value) > _MOST_TEXT:
        hint = f"{_MOST_TEXT:,} characters are the most; keep it in a file, as an artifact"
        raise _no_value(what, f"a text of {len(value):,} characters", hint)
    if "\0" in value:
        raise _no_value(what, f"{value!r:.80}", "a text has no zero characters")
    return value


def _no_value(what: str, shown: str, hint: str) -> InvalidArgument:
    message = f"{what}: {shown} is no value of the registry"
    return InvalidArgument(message, stage="registry", object=what, hint=hint)


def to_time(value: dt.datetime) -> str:
    """Spell a time as messages have it: in UTC, with microseconds. One without a zone is local.

    Raises
    ------
    InvalidArgument
        It is no time, as that of pandas that is missing, or at the edge of those that Python has.
    """
    parts = (value.year, value.month, value.day, value.hour, value.minute, value.second, value.microsecond)
    try:  # pandas' own times refuse to be local
        plain = dt.datetime(*parts, tzinfo=value.tzinfo, fold=value.fold)
        utc = plain.astimezone(dt.timezone.utc).replace(tzinfo=None)
    except (TypeError, ValueError, OverflowError) as e:
        raise _no_value("time", f"{value!r}", "give another, or None for one that is missing") from e
    return utc.isoformat(timespec="microseconds") + "Z"


def from_time(text: str) -> dt.datetime:
    """Read a time of a message."""
    return dt.datetime.fromisoformat(text.replace("Z", "+00:00"))


def hash_of(data: bytes) -> str:
    """Give the hash of a short text, as files of its size have it."""
    digest = hashlib.md5(data, usedforsecurity=False).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")[:22]
