"""Where rows are kept in a form that is small and fast to read, and writing them there ahead of their first use."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from loaderd import _paths
from loaderd._progress import Progress, size

if TYPE_CHECKING:
    from collections.abc import Callable

    from loaderd._query import Array
    from loaderd._source import Source
    from loaderd._wire import Message

_told: set[str] = set()  # problems that were told


@dataclass(frozen=True)
class RowStore:
    """Where the rows of a collection are kept, small and fast to read, and how much that takes, in bytes.

    Parameters
    ----------
    dir
        The folder; empty if there is none.
    rows, stored
        Rows of all matrices that are kept or may be, and those that are.
    needs
        What all of them take; an estimate until they are there.
    has
        What those take that are there.
    total, allowed
        What the rows of all collections take, and what they may take.
    free
        What is free on the disk.
    complete
        Nothing is left to be written.
    problem
        Why there is no folder, or some rows cannot be kept there; empty if there is none.
    """

    dir: str
    rows: int
    stored: int
    needs: int
    has: int
    total: int
    allowed: int
    free: int
    complete: bool
    problem: str

    @classmethod
    def from_wire(cls, value: Message | None) -> RowStore | None:
        """Read a daemon's words."""
        if value is None:
            return None
        return cls(**{name: value[name] for name in cls.__dataclass_fields__})


class Prepared:
    """The part of `MappedCollection` that is about the row store."""

    @property
    def row_store(self) -> RowStore | None:
        """What is in the row store of these files, asked anew each time.

        None if nothing of them goes there, as of dense matrices that are not compressed, or ``LOADERD_ROWSTORE`` is
        ``off``.
        """
        return RowStore.from_wire(self._query("row_store")[0])

    def prepare(self, progress: bool | Callable[[int, int], None] = True) -> RowStore | None:
        """Write all rows to the row store, so that nothing is decoded while training.

        Without this, each chunk of a compressed file is decoded when one of its rows is first asked for, and rows that
        are not compressed are written when they are asked for again. What is written stays, across daemons and
        sessions: after Ctrl-C the next call goes on where this one was. Loaders and other calls of `prepare` may run
        meanwhile; none does the work of another again.

        Parameters
        ----------
        progress
            Whether a bar is shown, in terminals and notebooks; or a function that is told ``(done, total)``, in rows,
            some times a second.

        Returns
        -------
        RowStore or None
            What is there then; None if nothing of these files goes there.

        Raises
        ------
        NotEnoughDisk
            The rows do not fit into what the row store may take, or it has no folder that can be written. Those that
            fit are there.
        NotFound
            The folder was removed meanwhile.
        Unsupported
            ``LOADERD_ROWSTORE`` is ``off``.
        """
        if callable(progress):
            told = progress
            value = self._query("prepare", long=True, tell=lambda message: told(message["done"], message["total"]))[0]
        elif progress:
            with Progress("row store") as bar:
                value = self._query("prepare", long=True, tell=bar.tell)[0]
        else:
            value = self._query("prepare", long=True)[0]
        return RowStore.from_wire(value)

    def _announce(self) -> None:
        """Say in a line what is still to be written, and where."""
        if os.environ.get("RANK", "0") != "0":  # of several processes that train together, one is enough
            return
        for line in _lines(RowStore.from_wire(self._source.describe().get("row_store"))):
            print(f"loaderd: {line}", file=sys.stderr)

    # What MappedCollection has.

    def _query(
        self, what: str, *, long: bool = False, tell: Callable[[Message], None] | None = None, **args: Any
    ) -> tuple[Any, dict[str, Array]]:
        raise NotImplementedError

    _source: Source


def _lines(store: RowStore | None) -> list[str]:
    if store is None:
        return []
    if store.problem:
        if store.problem in _told:
            return []
        _told.add(store.problem)
        lacks = "some rows cannot be kept" if store.dir else "there is no row store"
        return [f"{lacks}, so compressed files are decoded again in every epoch: {store.problem}"]
    lines = []
    named = os.environ.get("LOADERD_ROWSTORE", "")
    if named and os.path.realpath(_paths.row_store(named) or os.devnull) != os.path.realpath(store.dir):
        lines.append(
            f"LOADERD_ROWSTORE={named} here, but the daemon that runs keeps rows in {store.dir}; "
            "after `loaderd stop` the next one does as you say"
        )
    left, room = store.needs - store.has, store.allowed - store.total
    if not store.complete and left > 0:
        fits = "" if left <= room else f", which is room for about {max(0, room) / left:.0%} of it"
        lines.append(
            f"rows are kept in {store.dir}, small and fast to read: about {size(left)} of {size(store.needs)} are "
            f"still to be written ({size(store.allowed)} are allowed, {size(store.total)} taken{fits})"
        )
    return lines
