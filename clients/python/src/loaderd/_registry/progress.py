"""A bar for what takes long."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

T = TypeVar("T")

_PATIENCE: Final = 0.5  # seconds until it is shown
_PAUSE: Final = 0.1  # seconds between two looks
_WIDTH: Final = 30


class Progress:
    """A bar on standard error, of what takes longer than a moment; in terminals and notebooks only.

    Parameters
    ----------
    what
        What is done.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._next = time.monotonic() + _PATIENCE
        self._shown = 0  # characters that stand there

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._shown:
            print(file=sys.stderr, flush=True)

    def tell(self, message: dict[str, Any]) -> None:
        """Show how far it is.

        Parameters
        ----------
        message
            ``done`` and ``total``, numbers; ``what``, of these.
        """
        self.show(int(message.get("done") or 0), int(message.get("total") or 0), str(message.get("what") or ""))

    def show(self, done: int, total: int, of: str = "") -> None:
        """Show how far it is.

        Parameters
        ----------
        done, total
            Numbers.
        of
            What they count.
        """
        now = time.monotonic()
        if (now < self._next and not (self._shown and done == total)) or not _watched():
            return
        self._next = now + _PAUSE
        share = min(1.0, done / total) if total else 0.0
        bar = "#" * round(share * _WIDTH)
        text = f"{self._what} [{bar:<{_WIDTH}}] {share:4.0%} {_count(done, of)} of {_count(total, of)}"
        print(f"\r{text:<{self._shown}}", end="", file=sys.stderr, flush=True)
        self._shown = len(text)

    def over(self, things: Iterable[T], total: int) -> Iterator[T]:
        """Go through things, and show how far it is.

        Parameters
        ----------
        things
            Any.
        total
            How many there are.
        """
        with self:
            for done, thing in enumerate(things):
                self.show(done, total)
                yield thing
            self.show(total, total)


def _watched() -> bool:
    return sys.stderr.isatty() or "ipykernel" in sys.modules


def _count(number: int, of: str) -> str:
    if of != "bytes":
        return f"{number:,}"
    size, units = float(number), iter(("B", "kB", "MB", "GB"))
    unit = next(units)
    while size >= 1000 and (following := next(units, None)) is not None:
        size, unit = size / 1000, following
    return f"{size:.3g} {unit}"
