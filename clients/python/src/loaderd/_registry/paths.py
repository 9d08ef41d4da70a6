"""Where data are: paths of this machine, and URLs."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from loaderd._errors import FieldValidationError

if TYPE_CHECKING:
    from upath import UPath

_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_FILE: Final = re.compile(r"(?i:file|local)://(?:localhost(?=/))?")


def local_or_url(data: Any) -> str | None:
    """Make an absolute path, or a URL, of what names a file or folder; None if it names none."""
    protocol = getattr(data, "protocol", "")
    protocol = protocol if isinstance(protocol, str) else protocol[0]
    if isinstance(data, os.PathLike):
        data = str(data) if protocol not in ("", "file", "local") else os.fspath(data)
    elif protocol and hasattr(data, "path"):  # a UPath that is elsewhere
        data = str(data)
    if isinstance(data, bytes):
        data = os.fsdecode(data)
    if not isinstance(data, str) or not data:
        return None
    if _FILE.match(data):
        data = unquote(_FILE.sub("", data, count=1))
    return str(data) if _URL.match(data) else os.path.abspath(os.path.expanduser(data))


def is_url(path: str) -> bool:
    """Tell whether a stored path is of another machine."""
    return _URL.match(path) is not None


def from_wire(path: str | bytes) -> str:
    """Give a path of a message."""
    return os.fsdecode(path)


def upath(path: str) -> UPath:
    """Make a ``UPath`` of a path or URL."""
    from upath import UPath

    return UPath(path)


def renamed(what: str, given: dict[str, Any], aliases: dict[str, str]) -> dict[str, Any]:
    """Give keywords by the names that they have here.

    Raises
    ------
    FieldValidationError
        Two names of one thing are given.
    """
    out: dict[str, Any] = {}
    for name, value in given.items():
        own = aliases.get(name, name)
        if own in out or (own != name and own in given):
            message = f"{what} got {name} and another name of it; they are one field, {own}"
            raise FieldValidationError(message, stage="registry", object=name)
        out[own] = value
    return out


def only_one(what: str, name: str, positional: Any, given: dict[str, Any]) -> Any:
    """Take the first argument, which may come by position or by name.

    Raises
    ------
    FieldValidationError
        It comes both ways, or not at all.
    """
    named = given.pop(name, None)
    if (positional is None) == (named is None):
        how = "both by position and by name" if named is not None else "not at all"
        message = f"{what} is made of one thing, {name}; it is given {how}"
        raise FieldValidationError(message, stage="registry", object=name)
    return named if positional is None else positional
