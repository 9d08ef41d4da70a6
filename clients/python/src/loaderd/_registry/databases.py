"""The databases of the registry: the default one, and those that were given names."""

from __future__ import annotations

from typing import Any

from loaderd._errors import InvalidArgument
from loaderd._registry import paths, wire


def databases() -> dict[str, str]:
    """List the databases that ``save(using=…)`` and `Record.using` can name.

    Returns
    -------
    dict
        The path of each by its name; that of the default one is ``"default"``.
    """
    found = wire.call("databases", {})
    return {name: paths.from_wire(path) for name, path in found.items()}


def add_database(name: str, path: Any) -> None:
    """Give a database a name, and make its file if there is none.

    Parameters
    ----------
    name
        Letters, digits, ``_``, ``.`` and ``-``. A name that is taken is given anew.
    path
        The path of its file.

    Raises
    ------
    InvalidArgument
        It is no such name, or no path.
    RegistryError
        The file is no database of loaderd.
    """
    local = paths.local_or_url(path)
    if local is None or paths.is_url(local):
        raise InvalidArgument(f"path={path!r}; it is the path of a file", stage="registry", object="path")
    wire.call("database", {"name": name, "path": paths.on_wire(local)})
