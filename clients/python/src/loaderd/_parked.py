"""Between two epochs: the stream that goes on with the next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loaderd import _fork

if TYPE_CHECKING:
    from loaderd._stream import Stream
    from loaderd.loader import Options


class Parked:
    """Keeps the stream of an epoch that has come to its end, for whoever wants the next epoch.

    The next epoch then begins with memory that is there already, and with batches that are ready. A stream that nobody
    comes for is closed with this object. A forked or unpickled copy has none.
    """

    def __init__(self) -> None:
        self._place: tuple[Stream, int, Options] | None = None
        _fork.register(self)

    def put(self, stream: Stream, epoch: int, options: Options) -> None:
        """Keep ``stream``, of which the next batch is the first of ``epoch``, in place of any other."""
        old, self._place = self._place, (stream, epoch, options)
        if old is not None:
            old[0].close()

    def take(self, epoch: int, position: int, options: Options) -> Stream | None:
        """Give the stream of which the next batch is the one at ``position``, if it is here and its daemon too.

        Any other is closed.
        """
        place, self._place = self._place, None
        if place is None:
            return None
        if place[1:] == (epoch, options) and not position and place[0].channel.alive():
            return place[0]
        place[0].close()
        return None

    def close(self) -> None:
        """Close what is here. May be called again."""
        place, self._place = self._place, None
        if place is not None:
            place[0].close()

    def __del__(self) -> None:
        if getattr(self, "_place", None) is not None:
            self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        return Parked, ()

    def after_fork(self) -> None:
        """Forget the parent's stream."""
        self._place = None
