"""The daemon itself: asking it how it is, and ending it."""

from __future__ import annotations

from typing import Any

from loaderd import _paths, _start
from loaderd._errors import DaemonGone, from_wire
from loaderd._wire import ConnectionLost

STOP_SECONDS = 10.0


def status() -> dict[str, Any]:
    """Give what the running daemon says of itself: its pid, build, sessions, collections and counters.

    Returns
    -------
    dict
        As of ``loaderd status --json``.

    Raises
    ------
    DaemonGone
        None runs.
    """
    channel = _start.connect(start=False)
    try:
        answer = channel.request({"op": "status"})
    except ConnectionLost as lost:
        path = _paths.socket_path()
        raise DaemonGone(f"the daemon at {path} is leaving", stage="status", object=path) from lost
    finally:
        channel.close()
    if answer.get("op") == "error":
        raise from_wire(answer)
    return {key: value for key, value in answer.items() if key not in ("op", "id")}


def stop() -> bool:
    """End the running daemon, whoever uses it, and wait until it is gone.

    Returns
    -------
    bool
        Whether one ran.
    """
    try:
        channel = _start.connect(start=False)
    except DaemonGone:
        return False
    try:
        channel.send({"op": "shutdown", "if_idle": False})
        while channel.receive(STOP_SECONDS) is not None:  # bye, then the end
            pass
    except ConnectionLost:
        pass
    finally:
        channel.close()
    _start.wait_exit(channel.daemon_pid, STOP_SECONDS)
    return True
