"""One connection that streams one epoch, from some position to its end."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Any

from loaderd._convert import Converter
from loaderd._errors import DaemonGone, ProtocolError, from_wire
from loaderd._ring import Leases, Segment
from loaderd._schema import Reader
from loaderd._wire import ConnectionLost, Message

if TYPE_CHECKING:
    from collections.abc import Collection

    from loaderd._batch import Batch
    from loaderd._source import Source
    from loaderd.loader import Options

_GEN = 0  # of the only stream of a connection


class Counters:
    """What a loader counts, over all its iterations."""

    def __init__(self) -> None:
        self.batches = 0
        self.rows = 0
        self.bytes = 0
        self.copied = 0
        """Batches copied out because too many were held."""
        self.waited = 0.0
        """Seconds in which the next batch was not ready."""
        self.restarts = 0
        """Daemons lost."""


class Stream:
    """Receives batches in order.

    Parameters
    ----------
    source
        The files.
    encoded
        The encoded ``obs`` keys.
    options
        Of the loader.
    epoch, position
        Where to start.
    counters
        Counted up.
    """

    def __init__(
        self, source: Source, encoded: Collection[str], options: Options, epoch: int, position: int, counters: Counters
    ) -> None:
        self._counters = counters
        self._queue: deque[Message] = deque()  # came while something else was waited for
        self._left = 0
        self.crowded = False
        self.channel = source.attach()
        self._leases = Leases(wakeable=True)
        try:
            self.channel.watch(self._leases.wake_fd)
            self.channel.send(_start_message(options, epoch, position))
            started = self._next_message()
            if started.get("op") != "started":
                raise ProtocolError(f"the daemon answered start with {started.get('op')!r}", stage="start")
            self._frames = int(started["frames"])
            self._left = int(started["steps"])
            self._segments = {started["seg"]: Segment(self.channel.take_fd(), started["seg_size"])}
            self._ring = started["seg"]
            self._reader = Reader(started["schema"])
            self._convert = Converter(self._reader, options.to, encoded, strings=options.strings).batch
        except BaseException:
            self.close()
            raise

    def next(self) -> Batch | None:
        """Give the next batch, None after the last.

        Raises
        ------
        ConnectionLost
            The daemon is gone. The stream must be closed, as after any other exception from here.
        """
        if not self._left:
            return None
        self._leases.flush(self.channel)
        ready = self._queue.popleft() if self._queue else self._next_message()
        if ready["op"] != "ready" or ready["gen"] != _GEN:
            raise ProtocolError(f"the daemon sent {ready['op']!r} where a batch was expected", stage="next")
        if ready.get("fds"):
            self._add_segment(ready)
        held = self._leases.held()
        # One frame must stay for the daemon. A `for` loop holds two: the batch it works on, and this one.
        self.crowded = held >= 2 and held + 1 >= self._frames
        arrays = self._reader.read(ready, self._segments[ready["seg"]], self._leases, hold=not self.crowded)
        batch = self._convert(arrays)
        self._left -= 1
        counters = self._counters
        counters.batches += 1
        counters.rows += ready["n"]
        counters.bytes += ready["size"]
        counters.copied += self.crowded
        return batch

    def _add_segment(self, ready: Message) -> None:
        # The ring stays. Of the others only the last announced can be named again.
        segment = Segment(self.channel.take_fd(), ready["seg_size"])
        self._segments = {self._ring: self._segments[self._ring], ready["seg"]: segment}

    def _next_message(self) -> Message:
        """Take the next message of the stream; while waiting for it, send the releases that become due."""
        channel, leases = self.channel, self._leases
        message = channel.take()
        if message is None:
            since = time.perf_counter()
            leases.waiting = True
            try:
                while message is None:
                    leases.flush(channel)
                    message = channel.receive()
                    leases.drain_wake()
            finally:
                leases.waiting = False
                self._counters.waited += time.perf_counter() - since
        if message["op"] == "error":
            if message.get("code") == DaemonGone.code:
                raise ConnectionLost("the daemon is leaving")
            raise from_wire(message)
        return message

    def stats(self) -> Message:
        """Ask the daemon what it says of this stream."""
        request = 1
        self.channel.send({"op": "stats", "id": request})
        while True:
            message = self._next_message()
            if message["op"] == "stats" and message.get("id") == request:
                return {key: value for key, value in message.items() if key not in ("op", "id")}
            self._queue.append(message)

    def held(self) -> int:
        """Count the batches that the user keeps alive."""
        return self._leases.held()

    def close(self) -> None:
        """End the stream. Arrays that were given out stay valid; the connection goes with the last of them."""
        self._left = 0
        try:
            keep = [seq for _, seq in self._leases.looked_at()]
            self.channel.send({"op": "stop", "gen": _GEN, "keep": keep})
        except ConnectionLost:
            self.channel.close()
        self._leases.retire(self.channel)
        self._segments = {}


def _start_message(options: Options, epoch: int, position: int) -> dict[str, Any]:
    return {
        "op": "start",
        "gen": _GEN,
        "order": {"kind": "shuffle" if options.shuffle else "sequential", "seed": options.seed},
        "epoch": epoch,
        "position": position,
        "batch_size": options.batch_size,
        "drop_last": options.drop_last,
        "rank": options.rank,
        "world_size": options.world_size,
        "format": options.format,
        "dtype": options.dtype,
        "prefetch": options.prefetch,
    }
