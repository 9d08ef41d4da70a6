"""Records that are saved in one step with the record that names them: runs, and what they are runs of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loaderd._errors import DoesNotExist
from loaderd._registry import wire

if TYPE_CHECKING:
    from loaderd._registry.record import Record
    from loaderd._registry.wire import Row

Named = list[tuple["Record", str, "Record"]]
"""A record, the field in which it names another one, and that."""


def unsaved(*records: Record) -> Named:
    """Find the records that are not saved and that others name, whose own come after them.

    Parameters
    ----------
    *records
        Those that are to be saved.
    """
    found: Named = []
    for record in records:
        for name, other in record._related.items():
            if other._state.adding and other._model in ("run", "transform"):
                found += [(record, name, other), *unsaved(other)]
    return found


def settle(named: Named, using: str | None) -> None:
    """Let the records become what the registry made of them.

    Parameters
    ----------
    named
        What `unsaved` gave before those that name them were saved.
    using
        The database.
    """
    for owner, name, other in named:
        if other._state.adding:
            other._take(_found(other, owner._values.get(name), using), using)
        if owner._values.get(name) == other.uid:
            owner._related[name] = other


def _found(other: Record, named: str | None, using: str | None) -> Row:
    """Give what was saved: a transform may have been there, under another uid."""
    try:
        row: Row = wire.call("get", {"model": other._model, "uid": other.uid}, using)
    except DoesNotExist:
        row = wire.call("get", {"model": other._model, "uid": named}, using)
    return row
