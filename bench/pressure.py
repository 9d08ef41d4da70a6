"""Too little memory, on purpose: for processes in a control group where that is allowed, else for the whole machine."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Pressure", "limited", "main"]

_CGROUPS = Path("/proc/self/cgroup")
_MOUNTS = Path("/proc/self/mountinfo")


@dataclasses.dataclass(frozen=True)
class Pressure:
    """How memory is kept short.

    Parameters
    ----------
    how
        In words.
    before
        Words that a command line must begin with to be under it; none where all processes are.
    """

    how: str
    before: tuple[str, ...] = ()


@contextlib.contextmanager
def limited(size: int) -> Iterator[Pressure]:
    """Leave processes about this many bytes, the page cache of the files that they read included."""
    group = _make_group(size)
    if group is None:
        with _held(size) as held:
            yield held
        return
    enter = f'echo $$ > {group}/cgroup.procs && exec "$@"'
    try:
        yield Pressure("a control group of its own", ("sh", "-c", enter, "sh"))
    finally:
        with contextlib.suppress(OSError):  # a process in it is still ending; an empty group costs nothing
            group.rmdir()


def _make_group(size: int) -> Path | None:
    """Make a control group below this process's own, or beside it where version 2 allows no other place."""
    for parent, limit in _places():
        group = parent / f"loaderd-bench-{os.getpid()}"
        try:
            group.mkdir()
        except OSError:
            continue
        try:
            (group / limit).write_text(str(size))
        except OSError:
            group.rmdir()
            continue
        return group
    return None


def _places() -> Iterator[tuple[Path, str]]:
    mounts = list(_mounts())
    for line in _CGROUPS.read_text().splitlines():
        _, controllers, own = line.split(":", 2)
        for point, kind, options in mounts:
            path = Path(point + own)
            if kind == "cgroup" and "memory" in controllers.split(",") and "memory" in options.split(","):
                yield path, "memory.limit_in_bytes"
            elif kind == "cgroup2" and not controllers:
                yield path, "memory.max"
                yield path.parent, "memory.max"


def _mounts() -> Iterator[tuple[str, str, str]]:
    for line in _MOUNTS.read_text().splitlines():
        before, _, after = line.partition(" - ")
        kind, _, options = after.split(" ", 2)
        yield before.split()[4], kind, options


@contextlib.contextmanager
def _held(size: int) -> Iterator[Pressure]:
    """Have another process hold all memory but this much."""
    hold = max(0, available() - size)
    command = [sys.executable, "-m", "bench.pressure", str(hold)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()  # it has all of it
        try:
            yield Pressure(f"{hold / 1e9:.1f} GB held by another process")
        finally:
            process.kill()


def available() -> int:
    """Return the bytes that processes could take without swapping."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    raise ValueError("/proc/meminfo has no MemAvailable")


def main() -> None:
    """Hold memory: ``python -m bench.pressure BYTES`` says so when it has it, and ends with its input."""
    step = 1 << 26
    held = [b"1" * min(step, left) for left in range(int(sys.argv[1]), 0, -step)]
    print(len(held), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
