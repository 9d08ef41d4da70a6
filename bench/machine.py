"""What machine this is, in the words of a results page."""

from __future__ import annotations

import os
import platform
from pathlib import Path

__all__ = ["describe", "load_average"]


def describe(data: Path) -> dict[str, str]:
    """Return processor, memory, system and the file system that holds `data`."""
    return {
        "processor": f"{_cpu()}, {len(os.sched_getaffinity(0))} of {os.cpu_count()} logical cores",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "system": f"Linux {platform.release().partition('-')[0]}, Python {platform.python_version()}",
        "data on": _file_system(data),
    }


def load_average() -> float:
    """Return the number of processes that ran or waited for a processor in the last minute, on average."""
    return os.getloadavg()[0]


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() in ("model name", "Model"):
            return value.strip()
    return platform.machine()


def _file_system(path: Path) -> str:
    """Return the type of the mount with the longest prefix of `path`."""
    best, kind = "", "unknown"
    whole = str(path.resolve())
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, point, this, *_ = line.split()
        inside = whole == point or whole.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):
            best, kind = point, this
    return kind
