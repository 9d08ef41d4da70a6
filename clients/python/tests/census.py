"""Counts what a run has left behind."""

from __future__ import annotations

import time
from pathlib import Path


def processes_of(marker: str) -> list[int]:
    """List the processes whose environment mentions ``marker``, such as the folder that a run was given."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            environ = (process / "environ").read_bytes()
        except OSError:  # gone, or somebody else's
            continue
        if marker.encode() in environ and runs(int(process.name)):
            found.append(int(process.name))
    return found


def runs(pid: int) -> bool:
    """Tell whether there is a process ``pid``, other than one that has ended and that nobody has asked about yet."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def wait_until_gone(marker: str, seconds: float = 10.0) -> list[int]:
    """Wait for all processes of ``marker`` to end, and list those that did not."""
    deadline = time.monotonic() + seconds
    while (left := processes_of(marker)) and time.monotonic() < deadline:
        time.sleep(0.02)
    return left


def files_in(folder: Path) -> list[str]:
    """List the files, sockets and links below ``folder``, not the folders."""
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_symlink() or not p.is_dir())
