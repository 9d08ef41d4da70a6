"""The files behind a collection: what is asked of the daemon about them, on any connection."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from loaderd import _paths, _start
from loaderd._errors import DaemonGone, ProtocolError, SourceChanged, from_wire
from loaderd._warn import tell_restart
from loaderd._wire import Channel, ConnectionLost, Message, path_on_wire

OnDaemonLoss = Literal["restart", "raise"]

RECONNECT_SECONDS: Final = 5.0
"""How long to wait for another daemon after one was lost, if LOADERD_AUTOSTART is off."""

MOST_LOSSES: Final = 3
"""How many daemons in a row may be lost over one request before it is given up."""


@dataclass
class Source:
    """Files, and what of them is wanted. Small, and picklable.

    Parameters
    ----------
    paths
        Absolute paths, in the order of the rows.
    spec
        As on the wire.
    on_daemon_loss
        ``"restart"`` or ``"raise"``.
    """

    paths: list[str]
    spec: Message
    on_daemon_loss: OnDaemonLoss
    hash: str = ""
    n_obs: int = 0
    n_vars: int | None = None
    description: Message | None = field(default=None, repr=False)
    """The long parts of ``opened``; not pickled, fetched again where they are asked for."""
    patience: float = 0.0
    """Seconds to wait for a daemon that we do not start ourselves; more than 0 after one was lost."""

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"description": None}

    def variant(self, **spec: Any) -> Source:
        """Give the same files of which something else is wanted."""
        return Source(self.paths, self.spec | spec, self.on_daemon_loss)

    def attach(self, *, brief: bool = True) -> Channel:
        """Connect, starting a daemon if need be, and open the files. The caller closes the channel.

        Raises
        ------
        SourceChanged
            The files are no longer what they were when this source was first attached.
        """
        channel = _start.connect(patience=self.patience)
        self.patience = 0.0
        try:
            opened = channel.request(
                {"op": "open", "paths": [path_on_wire(path) for path in self.paths], "spec": self.spec, "brief": brief}
            )
            if opened.get("op") == "error":
                if opened.get("code") == DaemonGone.code:
                    raise ConnectionLost("the daemon is leaving")
                raise from_wire(opened)
            if opened.get("op") != "opened":
                raise ProtocolError(f"the daemon answered open with {opened.get('op')!r}", stage="open")
            self._learn(opened, brief)
        except BaseException:
            channel.close()
            raise
        return channel

    def _learn(self, opened: Message, brief: bool) -> None:
        if self.hash and opened["hash"] != self.hash:
            raise SourceChanged(
                "the files are not what they were when they were mapped: other cells, genes or labels",
                stage="open",
                object=self.paths[0] if len(self.paths) == 1 else f"{len(self.paths)} files",
                hint="call loaderd.mapped again",
            )
        self.hash, self.n_obs, self.n_vars = opened["hash"], int(opened["n_obs"]), opened["n_vars"]
        if not brief:
            self.description = opened

    def describe(self) -> Message:
        """Give the long parts of ``opened``."""
        losses = Losses(self)
        while self.description is None:
            try:
                self.attach(brief=False).close()
            except ConnectionLost as lost:
                losses.add(0, lost)
        return self.description


class Losses:
    """Counts the daemons lost over one request, and says what to do about each.

    Parameters
    ----------
    source
        Has the policy.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._count = 0

    def reset(self) -> None:
        """Note that something came of the last daemon."""
        self._count = 0

    def add(self, pid: int, why: ConnectionLost) -> None:
        """Note that the daemon ``pid`` (0: one that never answered) is gone; return if it is to be tried again.

        Raises
        ------
        DaemonGone
            With the policy ``"raise"``, or after too many.
        """
        socket = _paths.socket_path()
        log = _paths.log_path(socket)
        self._count += 1
        if self._source.on_daemon_loss == "raise" or self._count > MOST_LOSSES:
            times = "" if self._count == 1 else f" {self._count} times in a row"
            raise DaemonGone(
                f"the daemon at {socket} is gone{times} ({why})",
                stage="connection",
                object=socket,
                hint=f"see {log}" + ('; on_daemon_loss="restart" goes on by itself' if self._count == 1 else ""),
            ) from why
        self._source.patience = RECONNECT_SECONDS
        if self._count > 1:
            time.sleep(0.05 * self._count)
        if pid:
            tell_restart(socket, pid, log)
