"""One connection that streams an epoch, from some position to its end, and those after it."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Any, NoReturn

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
    follow
        Whether the daemon is to go on with the next epoch, and so on.
    """

    def __init__(
        self,
        source: Source,
        encoded: Collection[str],
        options: Options,
        epoch: int,
        position: int,
        counters: Counters,
        *,
        follow: bool,
    ) -> None:
        self._counters = counters
        self._queue: deque[Message] = deque()  # came while something else was waited for
        self._left = self._next = 0  # batches of this epoch, and of the next
        self.crowded = False
        self.channel = source.attach()
        self._leases = Leases(wakeable=True)
        try:
            self.channel.watch(self._leases.wake_fd)
            self.channel.send(_start_message(options, epoch, position, follow=follow))
            started = self._next_message()
            if started.get("op") != "started":
                raise ProtocolError(f"the daemon answered start with {started.get('op')!r}", stage="start")
            frames = int(started["frames"])
            # One frame must stay for the daemon. A `for` loop holds two: the batch it works on, and the next.
            self._most_held = max(2, frames - 1)
            # Each release wakes the daemon, so several go together where it has others to fill meanwhile.
            self._most_due = max(1, frames // 4)
            self._left = int(started["steps"])
            self._next = int(started.get("next") or 0)
            self._segments = {started["seg"]: Segment(self.channel.take_fd(), started["seg_size"])}
            self._ring = started["seg"]
            self._reader = Reader(started["schema"])
            self._convert = Converter(self._reader, options.to, encoded, strings=options.strings).batch
        except BaseException:
            self.close()
            raise

    def next(self) -> Batch | None:
        """Give the next batch, None after the last of an epoch.

        Raises
        ------
        ConnectionLost
            The daemon is gone. The stream must be closed, as after any other exception from here.
        """
        if not self._left:
            return None
        leases = self._leases
        if leases.due(self._most_due):
            leases.flush(self.channel)
        ready = self._queue.popleft() if self._queue else self.channel.take() or self._awaited()
        if ready["op"] != "ready" or ready["gen"] != _GEN:
            self._refuse(ready)
        if "fds" in ready:
            self._add_segment(ready)
        self.crowded = leases.holds(self._most_held)
        arrays = self._reader.read(ready, self._segments[ready["seg"]], leases, hold=not self.crowded)
        batch = self._convert(arrays)
        self._left -= 1
        counters = self._counters
        counters.batches += 1
        counters.rows += ready["n"]
        counters.bytes += ready["size"]
        counters.copied += self.crowded
        return batch

    def follow_on(self) -> bool:
        """Have `next` go on with the next epoch, now that one is over; tell whether there is more to come."""
        self._left = self._next
        return self._left > 0

    def _add_segment(self, ready: Message) -> None:
        # The ring stays. Of the others only the last announced can be named again.
        segment = Segment(self.channel.take_fd(), ready["seg_size"])
        self._segments = {self._ring: self._segments[self._ring], ready["seg"]: segment}

    def _awaited(self) -> Message:
        """Wait for the next message, and send the releases that become due meanwhile."""
        channel, leases = self.channel, self._leases
        since = time.perf_counter()
        leases.waiting = True
        try:
            while True:
                leases.flush(channel)
                if channel.wait():
                    leases.drain_wake()
                message = channel.take()
                if message is not None:
                    return message
        finally:
            leases.waiting = False
            self._counters.waited += time.perf_counter() - since

    def _next_message(self) -> Message:
        message = self.channel.take() or self._awaited()
        if message["op"] == "error":
            self._refuse(message)
        return message

    @staticmethod
    def _refuse(message: Message) -> NoReturn:
        """Raise what a message means that is not the batch expected."""
        if message["op"] != "error":
            raise ProtocolError(f"the daemon sent {message['op']!r} where a batch was expected", stage="next")
        if message.get("code") == DaemonGone.code:
            raise ConnectionLost("the daemon is leaving")
        raise from_wire(message)

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
        self._left = self._next = 0
        try:
            keep = [seq for _, seq in self._leases.looked_at()]
            self.channel.send({"op": "stop", "gen": _GEN, "keep": keep})
        except ConnectionLost:
            self.channel.close()
        self._leases.retire(self.channel)
        self._segments = {}


def _start_message(options: Options, epoch: int, position: int, *, follow: bool) -> dict[str, Any]:
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
        "follow": follow,
    }
