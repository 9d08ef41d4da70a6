"""One iteration over a loader, across the deaths of daemons."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from loaderd import _fork
from loaderd._errors import BatchesHeldWarning
from loaderd._source import Losses, Source
from loaderd._stream import Counters, Stream
from loaderd._warn import warn
from loaderd._wire import ConnectionLost, Message

if TYPE_CHECKING:
    from collections.abc import Collection

    from loaderd._batch import Batch
    from loaderd.loader import Options


@dataclass
class Cursor:
    """A place in the data: how far an iteration has come, in rows of the global order."""

    epoch: int
    position: int


class LoaderIterator:
    """The batches of one epoch, or what is left of it.

    It connects when it is made, and disconnects at the end, with `close`, or when it is collected. If the daemon
    dies, or a wait is interrupted with Ctrl-C, the next batch is asked for again on a new connection: none is left
    out or repeated.

    Parameters
    ----------
    source, encoded, options, counters
        The loader's.
    cursor
        Where to start. It moves on as batches are yielded.
    empty
        Nothing is left after ``cursor``.
    """

    def __init__(
        self,
        source: Source,
        encoded: Collection[str],
        options: Options,
        cursor: Cursor,
        counters: Counters,
        *,
        empty: bool,
    ) -> None:
        self._source = source
        self._encoded = encoded
        self._options = options
        self._cursor = cursor
        self._counters = counters
        self._losses = Losses(source)
        self._done = empty
        self._warned = False
        self._lock = threading.Lock()
        self._stream: Stream | None = None  # guarded by _lock
        _fork.register(self)
        if not empty:
            self._attempt(self._opened)  # so that the daemon works while the caller does something else first

    def __iter__(self) -> LoaderIterator:
        return self

    def __next__(self) -> Batch:
        before = self._cursor.position
        try:
            with self._lock:
                before = self._cursor.position
                batch: Batch | None = None if self._done else self._attempt(self._advance)
                if batch is None:
                    self._done = True
                    self._disconnect()
                elif self._stream is not None and self._stream.crowded:
                    self._warn_once()
        except BaseException:  # Ctrl-C, or a warning that is an error: the caller does not get this batch
            self._cursor.position = before
            self._disconnect()
            raise
        # No call from here on: Python would look for a Ctrl-C after it, and the batch would be lost.
        if batch is None:
            raise StopIteration
        return batch

    def _advance(self) -> Batch | None:
        batch = self._opened().next()
        if batch is not None:
            step = self._options.batch_size * self._options.world_size
            self._cursor.position = min(self._cursor.position + step, self._source.n_obs)
            self._losses.reset()
        return batch

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
            self._stream = Stream(self._source, self._encoded, self._options, at.epoch, at.position, self._counters)
        return self._stream

    def _attempt(self, what: Any) -> Any:
        """Do it, with another daemon if this one dies."""
        while True:
            try:
                return what()
            except ConnectionLost as lost:
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
