"""Rates and what disturbs them."""

from __future__ import annotations

import dataclasses
import os
import time
from pathlib import Path

__all__ = ["FOREIGN", "CPUClock", "Progress", "process_seconds"]

#: Cores that other processes may keep busy; above this a run was disturbed.
FOREIGN = 0.35


@dataclasses.dataclass
class Progress:
    """When how many cells had come, batch by batch, from the first moment on.

    The rate is the slope of the least-squares line through the points of a window: unlike a quotient, it does not hang
    on when the window's first and last batch happened to come.
    """

    times: list[float] = dataclasses.field(default_factory=list)
    cells: list[int] = dataclasses.field(default_factory=list)

    def add(self, cells: int) -> float:
        """Note that `cells` more have come now; return the time."""
        now = time.perf_counter()
        self.times.append(now)
        self.cells.append((self.cells[-1] if self.cells else 0) + cells)
        return now

    def slope(self) -> float:
        """Return cells per second.

        Raises
        ------
        ValueError
            If there are fewer than two points.
        """
        n = len(self.times)
        if n < 2:
            raise ValueError(f"{n} batches came in the window; a rate needs two or more: give more --seconds")
        t0, c0 = self.times[0], self.cells[0]
        ts = [t - t0 for t in self.times]
        cs = [c - c0 for c in self.cells]
        mean_t, mean_c = sum(ts) / n, sum(cs) / n
        across = sum((t - mean_t) * (c - mean_c) for t, c in zip(ts, cs, strict=True))
        return across / sum((t - mean_t) ** 2 for t in ts)

    def longest_gap(self) -> float:
        """Return the longest time between two batches, in seconds."""
        return max((b - a for a, b in zip(self.times, self.times[1:], strict=False)), default=0.0)


class CPUClock:
    """Tells how many cores' worth of time went to processes other than these, since it was made.

    Parameters
    ----------
    pids
        The processes of the measurement; children count as theirs if given, or if they end within it.
    """

    def __init__(self, pids: list[int]) -> None:
        self._pids = pids
        self._start = time.monotonic()
        self._busy = _machine_seconds()
        self._ours = sum(map(process_seconds, pids))

    def foreign(self) -> float:
        """Cores that others kept busy on average; also what the kernel does for nobody in particular."""
        elapsed = time.monotonic() - self._start
        busy = _machine_seconds() - self._busy
        ours = sum(map(process_seconds, self._pids)) - self._ours
        return max(0.0, (busy - ours) / elapsed) if elapsed > 0 else 0.0


def _machine_seconds() -> float:
    fields = [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    idle = fields[3] + fields[4]  # idle and iowait
    return (sum(fields) - idle) / os.sysconf("SC_CLK_TCK")


def process_seconds(pid: int) -> float:
    """Return the seconds of processors that a process and those of its children that have ended have used."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    fields = text.rpartition(")")[2].split()  # the name before may hold spaces
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
