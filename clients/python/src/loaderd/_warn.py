"""Warnings that point at the user's line."""

from __future__ import annotations

import os
import sys
import warnings

from loaderd._errors import DaemonRestartedWarning

_HERE = os.path.dirname(os.path.abspath(__file__)) + os.sep
_told: set[tuple[str, int]] = set()  # daemons whose loss was told: (socket, pid)


def warn(message: str, category: type[Warning]) -> None:
    """Warn at the innermost line outside this package."""
    level, frame = 1, sys._getframe(0)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_HERE):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)


def outside() -> str:
    """Name the file of the innermost line outside this package, as its code was compiled."""
    frame = sys._getframe(0)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_HERE):
        frame = frame.f_back
    return frame.f_code.co_filename


def tell_restart(socket: str, pid: int, log: str) -> None:
    """Warn that the daemon ``pid`` died and another took over; once, whoever of this process notices it."""
    if (socket, pid) not in _told:
        _told.add((socket, pid))
        warn(
            f"the loaderd daemon (pid {pid}) is gone; another one takes over and reading goes on at the same place. "
            f"See {log}",
            DaemonRestartedWarning,
        )
