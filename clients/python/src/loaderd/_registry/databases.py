"""The databases of the registry: the default one, and those that were given names."""

from __future__ import annotations

import os
from typing import Any

from loaderd._errors import IntegrityError, InvalidArgument
from loaderd._registry import paths, wire
from loaderd._wire import path_on_wire


def databases() -> dict[str, str]:
    """List the databases that ``save(using=…)`` and `Record.using` can name.

    Returns
    -------
    dict
        The path of each by its name; that of the default one is ``"default"``.
    """
    found = wire.call("databases", {})
    return {name: paths.from_wire(path) for name, path in found.items()}


def add_database(name: str, path: Any, *, replace: bool = False) -> None:
    """Give a database a name, and make its file if there is none.

    Parameters
    ----------
    name
        Letters, digits, ``_``, ``.`` and ``-``.
    path
        The path of its file.
    replace
        Take the name from another database, whose file stays as it is.

    Raises
    ------
    InvalidArgument
        It is no such name, or no path.
    IntegrityError
        Another database has the name.
    RegistryError
        The file is no database of loaderd.
    """
    local = paths.local_or_url(path)
    if local is None or paths.is_url(local):
        raise InvalidArgument(f"path={path!r}; it is the path of a file", stage="registry", object="path")
    if not isinstance(name, str):
        raise InvalidArgument(f"name={name!r}; it is a text", stage="registry", object="name")
    wire.text(name, "name")
    known = databases().get(name)
    if known is not None and name != "default" and not _same(known, local) and not replace:
        message = f"the name {name!r} is that of {known}, not of {local}"
        hint = "give another name, or take this one with replace=True"
        raise IntegrityError(message, stage="registry", object=name, hint=hint)
    wire.call("database", {"name": name, "path": path_on_wire(local)})


def _same(one: str, other: str) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)
