"""The connection that answers ``mapped[i]`` and ``mapped.__getitems__``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

from loaderd._errors import DaemonGone, ProtocolError
from loaderd._ring import Leases, Segment
from loaderd._rows import Absent, RowMaker
from loaderd._schema import Reader
from loaderd._wire import Channel, ConnectionLost, Message

if TYPE_CHECKING:
    from collections.abc import Collection

MOST_HELD: Final = 3
"""Frames that the user may keep; the daemon's segment has room for one more."""


class Getter:
    """Asks for rows on a channel of its own, which has the files open.

    Parameters
    ----------
    channel
        Owned from now on.
    dtype
        Of layers and obsm, or None for that of the files.
    encoded
        The ``obs`` keys that are encoded.
    absent
        See `RowMaker`.
    format
        Of layers.
    """

    def __init__(
        self,
        channel: Channel,
        dtype: str | None,
        encoded: Collection[str],
        absent: Absent,
        format: Literal["dense", "csr"] = "dense",  # noqa: A002
    ) -> None:
        self.channel = channel
        self._dtype = dtype
        self._encoded = encoded
        self._absent = absent
        self._format = format
        self._leases = Leases()
        self._gen: int | None = None
        self._segments: dict[int, Segment] = {}
        self._maker: RowMaker | None = None

    @property
    def crowded(self) -> bool:
        """Whether the user keeps so many frames that the next must be copied out."""
        return self._leases.holds(MOST_HELD)

    def ask(self, rows: bytes, *, own: bool = False) -> Message:
        """Ask for rows (int64 little-endian); give the ``ready`` or ``error`` message.

        Parameters
        ----------
        rows
            Their numbers.
        own
            Whether rows of one file are to be as that file has them.
        """
        self._leases.queue(self.channel)
        answer = self.channel.request(
            {"op": "get", "rows": rows, "format": self._format, "dtype": self._dtype, "own": own}
        )
        if answer.get("op") == "error" and answer.get("code") == DaemonGone.code:
            raise ConnectionLost("the daemon is leaving")
        if answer.get("op") not in ("ready", "error"):
            raise ProtocolError(f"the daemon answered get with {answer.get('op')!r}", stage="get")
        return answer

    def read(self, ready: Message, *, hold: bool) -> tuple[RowMaker, list[Any]]:
        """Give the arrays of a ``ready`` message, and what makes rows of them."""
        if "schema" in ready:
            self._gen = ready["gen"]
            self._segments.clear()
            self._maker = RowMaker(Reader(ready["schema"]), self._encoded, self._absent)
        if ready.get("fds"):
            # A later segment takes the place of the earlier, which stays mapped as long as arrays look at it.
            self._segments.clear()
            self._segments[ready["seg"]] = Segment(self.channel.take_fd(), ready["seg_size"])
        segment = self._segments.get(ready["seg"])
        if self._maker is None or segment is None or ready["gen"] != self._gen:
            raise ProtocolError("the daemon sent rows without their schema or segment", stage="get")
        return self._maker, self._maker.reader.read(ready, segment, self._leases, hold=hold)

    def close(self) -> None:
        """End it. Arrays that were given out stay valid; the connection goes with the last of them."""
        self._leases.retire(self.channel)
        self._segments.clear()

    def __del__(self) -> None:
        self.close()
