"""What is asked of the daemon about a collection beside its rows (``docs/protocol.md``, "Queries")."""

from __future__ import annotations

import mmap
import os
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from loaderd._errors import DaemonGone, ProtocolError, from_wire
from loaderd._wire import ConnectionLost

if TYPE_CHECKING:
    from collections.abc import Callable

    from loaderd._wire import Channel, Message


class Array(NamedTuple):
    """One array of an answer."""

    values: np.ndarray[Any, np.dtype[Any]]
    """The caller's own."""
    categories: list[Any] | None
    """What codes stand for (-1 for none of them), or None if values stand for themselves."""


def ask(
    channel: Channel, what: str, args: Message, tell: Callable[[Message], None] | None = None
) -> tuple[Any, dict[str, Array]]:
    """Ask a query on a channel that has the files open; give its value, and its arrays by name.

    ``tell`` is told of each ``progress`` message.

    Raises
    ------
    ConnectionLost
        The daemon is gone.
    LoaderdError
        What the daemon says against it.
    """
    answer = channel.request({"op": "query", "what": what, "args": args}, tell)
    if answer.get("op") == "error":
        if answer.get("code") == DaemonGone.code:
            raise ConnectionLost("the daemon is leaving")
        raise from_wire(answer)
    if answer.get("op") != "answer":
        raise ProtocolError(f"the daemon answered query with {answer.get('op')!r}", stage="query")
    arrays = _read(channel.take_fd(), answer) if answer.get("fds") else {}
    return answer["value"], arrays


def _read(fd: int, answer: Message) -> dict[str, Array]:
    try:
        size = answer["seg_size"]
        if os.fstat(fd).st_size < size:
            raise ProtocolError("the daemon sent a segment that is smaller than announced", stage="query")
        memory = mmap.mmap(fd, size, prot=mmap.PROT_READ)
    finally:
        os.close(fd)
    with memory:
        return {a["name"]: Array(_copy(memory, size, a), a["categories"]) for a in answer["arrays"]}


def _copy(memory: mmap.mmap, size: int, array: Message) -> np.ndarray[Any, np.dtype[Any]]:
    dtype, shape, at = np.dtype(array["dtype"]), tuple(array["shape"]), array["at"]
    out = np.empty(shape, dtype)
    if at < 0 or at + out.nbytes > size:
        raise ProtocolError(f"the array {array['name']!r} leaves its segment", stage="query")
    out.reshape(-1)[:] = np.ndarray((out.size,), dtype, memory, at)
    return out
