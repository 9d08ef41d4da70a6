"""One iteration over a loader, across the deaths of daemons."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from loaderd import _fork
from loaderd._errors import BatchesHeldWarning
from loaderd._source import Losses, Source
from loaderd._stream import Counters, Stream
from loaderd._warn import warn
from loaderd._wire import ConnectionLost, Message

if TYPE_CHECKING:
    from collections.abc import Collection

    from loaderd._batch import Batch
    from loaderd._parked import Parked
    from loaderd.loader import Options


@dataclass
class Cursor:
    """A place in the data: how far an iteration has come, in rows of the global order."""

    epoch: int
    position: int


class LoaderIterator:
    """The batches of one epoch, or what is left of it.

    It connects when it is made, and disconnects with `close`, or when it is collected, or at the end, unless it leaves
    its connection to the next epoch. If the daemon dies, or a wait is interrupted with Ctrl-C, the next batch is asked
    for again on a new connection: none is left out or repeated.

    Parameters
    ----------
    source, encoded, options, counters, parked
        The loader's.
    cursor
        Where to start. It moves on as batches are yielded.
    empty
        Nothing is left after ``cursor``.
    follow
        Whether another epoch is likely to follow.
    """

    def __init__(
        self,
        source: Source,
        encoded: Collection[str],
        options: Options,
        cursor: Cursor,
        counters: Counters,
        parked: Parked,
        *,
        empty: bool,
        follow: bool,
    ) -> None:
        self._source = source
        self._encoded = encoded
        self._options = options
        self._cursor = cursor
        self._counters = counters
        self._losses = Losses(source)
        self._step = options.batch_size * options.world_size
        self._done = empty
        self._warned = False
        self._lock = threading.Lock()
        self._parked = parked
        self._follow = follow
        self._stream = parked.take(cursor.epoch, cursor.position, options)  # guarded by _lock
        _fork.register(self)
        while not empty and self._stream is None:  # so that the daemon works while the caller does something else first
            try:
                self._opened()
            except ConnectionLost as lost:
                self._replace(lost)

    def __iter__(self) -> LoaderIterator:
        return self

    def __next__(self) -> Batch:
        cursor = self._cursor
        before = cursor.position
        try:
            with self._lock:
                before = cursor.position
                batch = None if self._done else self._next()
                if batch is None:
                    self._finish()
                else:
                    cursor.position = min(before + self._step, self._source.n_obs)
                    if self._stream is not None and self._stream.crowded:
                        self._warn_once()
        except BaseException:  # Ctrl-C, or a warning that is an error: the caller does not get this batch
            cursor.position = before
            self._disconnect()
            raise
        # No call from here on: Python would look for a Ctrl-C after it, and the batch would be lost.
        if batch is None:
            raise StopIteration
        return batch

    def _next(self) -> Batch | None:
        while True:
            try:
                batch = (self._stream or self._opened()).next()
            except ConnectionLost as lost:
                self._replace(lost)
            else:
                self._losses.reset()
                return batch

    def _finish(self) -> None:
        self._done = True
        stream = self._stream
        if stream is not None and stream.follow_on():
            self._stream = None
            self._parked.put(stream, self._cursor.epoch + 1, self._options)
        else:
            self._disconnect()

    def _warn_once(self) -> None:
        if not self._warned:
            self._warned = True
            warn(
                "batches are kept alive until no shared memory is left, so further ones are copied out of it, which is "
                "slower; keep what you need of a batch instead of the batch, or raise prefetch",
                BatchesHeldWarning,
            )

    def _opened(self) -> Stream:
        if self._stream is None:
            at = self._cursor
            self._stream = Stream(
                self._source, self._encoded, self._options, at.epoch, at.position, self._counters, follow=self._follow
            )
        return self._stream

    def _replace(self, lost: ConnectionLost) -> None:
        """Have the next attempt go to another daemon, for this one died."""
        self._counters.restarts += 1
        self._losses.add(self._disconnect(), lost)

    def _disconnect(self) -> int:
        stream, self._stream = self._stream, None
        if stream is None:
            return 0
        stream.close()
        return stream.channel.daemon_pid

    def stats(self) -> tuple[int, Message | None]:
        """Count the batches that the user keeps alive, and ask the daemon what it says."""
        with self._lock:
            if self._stream is None:
                return 0, None
            try:
                return self._stream.held(), self._stream.stats()
            except ConnectionLost:
                return 0, None  # the next batch will deal with it
            except BaseException:
                self._disconnect()
                raise

    def close(self) -> None:
        """End the iteration. Batches that were given out stay valid; may be called again."""
        with self._lock:
            self._done = True
            self._disconnect()

    def __del__(self) -> None:
        if getattr(self, "_stream", None) is not None:  # no lock: nobody else has this object
            self._disconnect()

    def after_fork(self) -> None:
        """Forget the parent's connection; the next batch is asked for on a new one."""
        self._lock = threading.Lock()
        self._stream = None
