"""A daemon for one run, with a socket of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

__all__ = ["Daemon", "DaemonError"]

_START_SECONDS = 15.0
_STOP_SECONDS = 10.0


class DaemonError(RuntimeError):
    """The daemon did not start; the message has its last words."""


class Daemon:
    """A running ``loaderd serve``, from ``with`` to its end. It is never one that the user runs.

    Parameters
    ----------
    binary
        The ``loaderd`` to run.
    rowstore
        Folder for rows that it keeps, or None: one that goes with it.
    before
        Words before its command line, such as those of a memory limit.
    arguments
        Words after ``loaderd serve``.
    """

    def __init__(
        self, binary: Path, rowstore: Path | None = None, before: Sequence[str] = (), arguments: Sequence[str] = ()
    ) -> None:
        self._binary = binary
        self._rowstore = rowstore
        self._before = before
        self._arguments = arguments

    def __enter__(self) -> Daemon:
        if not self._binary.exists():
            raise DaemonError(f"there is no {self._binary}; make it with `make setup`")
        self._folder = tempfile.TemporaryDirectory(prefix="loaderd-bench-")
        folder = Path(self._folder.name)
        self._log = folder / "log"
        self.variables = {
            "LOADERD_BIN": str(self._binary),
            "LOADERD_SOCKET": str(folder / "loaderd.sock"),
            "LOADERD_RUNTIME_DIR": str(folder),
            "LOADERD_STATE_DIR": str(folder),
            "LOADERD_ROWSTORE": str((self._rowstore or folder / "rows").resolve()),
        }
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [*self._before, str(self._binary), "serve", *self._arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **self.variables},
                start_new_session=True,
            )
        try:
            self._wait()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def log(self) -> str:
        """Return what it has written."""
        return self._log.read_text(errors="replace")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._folder.cleanup()

    def _wait(self) -> None:
        end = time.monotonic() + _START_SECONDS
        while not self._answers():
            if self._process.poll() is not None:
                last = "\n".join(self.log().strip().splitlines()[-8:])
                raise DaemonError(f"{self._binary} serve ended with {self._process.returncode}:\n{last}")
            if time.monotonic() > end:
                raise DaemonError(f"{self._binary} serve does not listen after {_START_SECONDS:.0f} s")
            time.sleep(0.01)

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(self.variables["LOADERD_SOCKET"])
            except (FileNotFoundError, ConnectionRefusedError):
                return False
        return True
