"""A bar for what takes long."""

from __future__ import annotations

import sys
import time
import warnings
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

T = TypeVar("T")

_PATIENCE: Final = 0.5  # seconds until it is shown
_PAUSE: Final = 0.1  # seconds between two looks
_WIDTH: Final = 30


class Progress:
    """A bar on standard error, of what takes longer than a moment; in terminals and notebooks only.

    It is tqdm's where that is installed, else a line of text.

    Parameters
    ----------
    what
        What is done.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._next = time.monotonic() + _PATIENCE
        self._bar: Any = None  # tqdm's
        self._shown = 0  # characters of text that stand there

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()
        elif self._shown:
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
        begun = self._bar is not None or self._shown
        if (now < self._next and not (begun and done == total)) or not _watched():
            return
        self._next = now + _PAUSE
        if not begun:
            self._bar = _tqdm(desc=self._what, total=total or None, unit=of[:1] if of == "bytes" else f" {of}".rstrip())
        if self._bar is None:
            self._write(done, total, of)
        else:
            self._bar.n = done
            self._bar.refresh()

    def _write(self, done: int, total: int, of: str) -> None:
        share = min(1.0, done / total) if total else 0.0
        bar = "#" * round(share * _WIDTH)
        text = f"{self._what} [{bar:<{_WIDTH}}] {share:4.0%} {_counts(done, total, of)}"
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


def _tqdm(**options: Any) -> Any:
    """Make tqdm's bar, as a terminal or a notebook shows it; None without tqdm."""
    try:
        with warnings.catch_warnings():  # in a notebook without widgets it says so
            warnings.simplefilter("ignore")
            from tqdm.auto import tqdm
    except ImportError:
        return None
    return tqdm(unit_scale=True, file=sys.stderr, **options)


def _counts(done: int, total: int, of: str) -> str:
    if of == "bytes":
        return f"{size(done)} of {size(total)}"
    return f"{done:,} of {total:,} {of}".rstrip()


def size(count: float) -> str:
    """Write a number of bytes for people."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 999.5:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB"
