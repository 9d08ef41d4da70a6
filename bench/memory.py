"""How much memory processes take, each shared page counted once over all of them."""

from __future__ import annotations

import dataclasses
from pathlib import Path

__all__ = ["Memory", "daemon_memory", "family", "parse_rollup", "process_memory", "total_pss_mb"]

_PROC = Path("/proc")


@dataclasses.dataclass(frozen=True)
class Memory:
    """Proportional set size (PSS) of one process, in MB (10⁶ bytes).

    Parameters
    ----------
    own
        Anonymous pages: heap, stacks.
    shared
        Shared memory: rings.
    mapped
        Pages of files: the program's own code, libraries, and what else of the page cache is mapped.
    """

    own: float
    shared: float
    mapped: float

    @property
    def total(self) -> float:
        """All of it."""
        return self.own + self.shared + self.mapped


def parse_rollup(text: str) -> Memory:
    """Read the text of ``/proc/PID/smaps_rollup``.

    Raises
    ------
    ValueError
        If the kernel does not split PSS by kind (Linux before 5.9).
    """
    kilobytes = {}
    for line in text.splitlines()[1:]:
        name, _, rest = line.partition(":")
        kilobytes[name] = int(rest.split()[0])
    try:
        parts = [kilobytes[name] * 1024 / 1e6 for name in ("Pss_Anon", "Pss_Shmem", "Pss_File")]
    except KeyError as error:
        raise ValueError(f"smaps_rollup has no {error}; Linux 5.9 or newer is needed") from None
    return Memory(*parts)


def process_memory(pid: int) -> Memory:
    """Return the memory of one process.

    Raises
    ------
    ProcessLookupError
        If it has ended.
    """
    try:
        return parse_rollup((_PROC / str(pid) / "smaps_rollup").read_text())
    except FileNotFoundError:
        raise ProcessLookupError(f"process {pid} has ended") from None


def family(pid: int) -> list[int]:
    """Return a process and all its living descendants."""
    found = [pid]
    for parent in found:
        for task in (_PROC / str(parent) / "task").glob("*/children"):
            try:
                found.extend(int(child) for child in task.read_text().split())
            except (FileNotFoundError, ProcessLookupError):
                continue  # ended since it was listed
    return found


def total_pss_mb(pids: list[int]) -> float:
    """Return the PSS of processes in total, in MB; those that ended count nothing."""
    total = 0.0
    for pid in pids:
        try:
            total += process_memory(pid).total
        except ProcessLookupError:
            continue
    return total


def daemon_memory(pid: int | None) -> Memory | None:
    """Return the daemon's memory, or None where there is no daemon."""
    return None if pid is None else process_memory(pid)
