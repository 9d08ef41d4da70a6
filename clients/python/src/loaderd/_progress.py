"""A bar for what takes long."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from typing_extensions import Self

    from loaderd._wire import Message

_PATIENCE: Final = 0.5  # seconds until it is shown
_PAUSE: Final = 0.1  # seconds between two looks


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
        self._watched = sys.stderr.isatty() or "ipykernel" in sys.modules
        self._bar: Any = None
        self._shown = 0  # characters of text that stand there

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()
        elif self._shown:
            print(file=sys.stderr, flush=True)

    def tell(self, message: Message) -> None:
        """Show what a ``progress`` message says."""
        done, total = int(message["done"]), int(message["total"])
        now = time.monotonic()
        begun = self._bar is not None or self._shown
        if not self._watched or (now < self._next and not (begun and done == total)):
            return
        self._next = now + _PAUSE
        if not begun:
            self._bar = _tqdm(self._what, total, str(message["what"]))
        if self._bar is not None:
            self._bar.n = done
            self._bar.refresh()
            return
        share = done / total if total else 0.0
        text = f"{self._what}: {share:4.0%}, {done:,} of {total:,} {message['what']}"
        print(f"\r{text:<{self._shown}}", end="", file=sys.stderr, flush=True)
        self._shown = len(text)


def _tqdm(what: str, total: int, of: str) -> Any:
    """Make tqdm's bar, as a terminal or a notebook shows it; None without tqdm."""
    import warnings

    try:
        with warnings.catch_warnings():  # in a notebook without widgets it says so
            warnings.simplefilter("ignore")
            from tqdm.auto import tqdm
    except ImportError:
        return None
    return tqdm(desc=what, total=total, unit=f" {of}", unit_scale=True, file=sys.stderr)
