"""Finding a running daemon, and starting one (``docs/protocol.md``, "Where the socket is")."""

from __future__ import annotations

import fcntl
import os
import select
import socket
import struct
import subprocess
import sys
import time
from contextlib import closing

from loaderd import _fork, _paths
from loaderd._errors import DaemonGone, ProtocolError, from_wire
from loaderd._protocol import MAJOR, MINOR
from loaderd._version import __version__
from loaderd._wire import Channel, ConnectionLost, Message

START_SECONDS = 15.0
"""How long a daemon may take from its start to its first answer."""

_LONGEST_PAUSE = 0.02
_SUN_PATH = 107  # bytes of a socket's path that the kernel takes, on Linux
_builds: dict[tuple[str, int], str] = {}  # (binary, mtime in ns) -> build


def connect(*, start: bool | None = None, patience: float = 0.0) -> Channel:
    """Give a channel to the daemon, after ``hello`` and ``welcome``.

    Parameters
    ----------
    start
        Start a daemon if none runs; None: unless ``LOADERD_AUTOSTART`` is off.
    patience
        Seconds to wait for a daemon that somebody else starts, if we may not.

    Raises
    ------
    DaemonGone
        None runs and none could be started.
    VersionError
        The running one speaks another major version.
    """
    path = _paths.socket_path()
    if start is None:
        start = os.environ.get("LOADERD_AUTOSTART", "1").lower() not in ("0", "false", "no", "off")
    channel = _try(path)
    if start:
        return _start(path) if channel is None or _make_way(channel) else channel
    deadline = time.monotonic() + patience
    while channel is None:
        if time.monotonic() > deadline:
            raise DaemonGone(
                f"no daemon answers at {path}",
                stage="connect",
                object=path,
                hint="start one with `loaderd serve`, or unset LOADERD_AUTOSTART",
            )
        time.sleep(_LONGEST_PAUSE)
        channel = _try(path)
    return channel


def _try(path: str) -> Channel | None:
    """Connect and shake hands; None when nobody answers there."""
    try:
        if not _paths.check_folder(path):
            return None
        channel = Channel(_dial(path))
    except (FileNotFoundError, ConnectionRefusedError, ConnectionResetError, BlockingIOError):
        return None
    except DaemonGone:  # itself an OSError
        raise
    except OSError as e:
        raise DaemonGone(f"cannot connect to {path}: {e.strerror or e}", stage="connect", object=path) from e
    try:
        _shake_hands(channel)
    except ConnectionLost:  # before welcome: it was just leaving
        channel.close()
        return None
    except BaseException:
        channel.close()
        raise
    return channel


def _dial(path: str) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.settimeout(START_SECONDS)
        if len(os.fsencode(path)) <= _SUN_PATH:
            sock.connect(path)
        else:
            folder = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                sock.connect(f"/proc/self/fd/{folder}/{os.path.basename(path)}")
            finally:
                os.close(folder)
        _check_peer(sock, path)
    except BaseException:
        sock.close()
        raise
    return sock


def _check_peer(sock: socket.socket, path: str) -> None:
    if hasattr(socket, "SO_PEERCRED"):
        _, uid, _ = struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
        if uid != os.getuid():
            message = f"the daemon at {path} belongs to user {uid}, not to you ({os.getuid()})"
            raise DaemonGone(message, stage="connect", object=path, hint="name another folder in LOADERD_RUNTIME_DIR")


def _shake_hands(channel: Channel) -> None:
    hello: Message = {
        "op": "hello",
        "protocol": [MAJOR, MINOR],
        "build": own_build() or "",
        "pid": os.getpid(),
        "client": f"loaderd-python {__version__} on Python {sys.version_info[0]}.{sys.version_info[1]}",
    }
    channel.send(hello)
    answer = channel.receive(START_SECONDS)
    if answer is None:
        raise DaemonGone(
            f"the daemon did not answer within {START_SECONDS:.0f} s", stage="connect", hint="loaderd stop"
        )
    if answer.get("op") == "error":
        if answer.get("code") == DaemonGone.code:
            raise ConnectionLost("the daemon is leaving")
        raise from_wire(answer)
    if answer.get("op") != "welcome":
        raise ProtocolError(f"the daemon answered hello with {answer.get('op')!r}", stage="connect")
    channel.greeted(int(answer.get("pid", 0)))
    channel.build = str(answer.get("build", ""))


# --- builds -----------------------------------------------------------------------------------------------------


def own_build() -> str | None:
    """Name the build of the binary that we would start; None when there is no binary, or it does not say."""
    binary = _paths.find_binary()
    if binary is None:
        return None
    key = (binary, os.stat(binary).st_mtime_ns)
    if key not in _builds:
        try:
            asked = subprocess.run(
                [binary, "version", "--build"], stdin=subprocess.DEVNULL, capture_output=True, timeout=START_SECONDS
            )
            _builds[key] = asked.stdout.decode(errors="replace").strip() if asked.returncode == 0 else ""
        except (OSError, subprocess.TimeoutExpired):
            _builds[key] = ""  # starting it will say what is wrong with it
    return _builds[key] or None


def _make_way(channel: Channel) -> bool:
    """Ask a daemon of another build to leave if it is idle; True when it does."""
    ours = own_build()
    if ours is None or channel.build == ours:
        return False
    try:
        channel.send({"op": "shutdown", "if_idle": True})
        answer = channel.receive(START_SECONDS)
        if answer is None or answer.get("op") != "bye":
            return False  # busy: it serves us as well as the others
        while channel.receive(START_SECONDS) is not None:
            pass
    except ConnectionLost:
        pass
    channel.close()
    return True


# --- starting ---------------------------------------------------------------------------------------------------


class _Lock:
    """An exclusive ``flock``, which a daemon that is being started inherits."""

    def __init__(self, path: str) -> None:
        self.fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        _fork.register(self)  # a worker forked at this moment would keep the lock for its whole life

    def take(self) -> bool:
        try:
            fcntl.flock(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def close(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def after_fork(self) -> None:
        self.close()


def _start(path: str) -> Channel:
    """Connect to the daemon at ``path``, starting it when nobody else does."""
    _paths.make_folder(path)
    deadline = time.monotonic() + START_SECONDS
    pause = 0.001
    while time.monotonic() < deadline:
        channel = _try(path)
        if channel is not None:
            return channel
        with closing(_Lock(_paths.lock_path(path))) as lock:
            if lock.take():
                # Held until we have met the daemon: it cannot leave before.
                return _try(path) or _meet(path, _spawn(path, lock.fd), deadline)
        # Somebody starts it, or it is leaving. Both hold the lock, and neither for long.
        time.sleep(pause)
        pause = min(pause * 1.5, _LONGEST_PAUSE)
    raise _did_not_start(path, f"within {START_SECONDS:.0f} s")


def _meet(path: str, pid: int, deadline: float) -> Channel:
    """Connect to the daemon ``pid``, which is starting."""
    pause = 0.001
    while time.monotonic() < deadline:
        channel = _try(path)
        if channel is not None:
            return channel
        if wait_exit(pid, pause):
            raise _did_not_start(path, "and ended at once")
        pause = min(pause * 1.5, _LONGEST_PAUSE)
    raise _did_not_start(path, f"within {START_SECONDS:.0f} s")


def _spawn(path: str, lock: int) -> int:
    """Start ``loaderd serve`` and give its pid. It is detached: neither Ctrl-C nor our end reaches it."""
    binary = _paths.find_binary()
    if binary is None:
        raise DaemonGone(
            "no daemon runs, and the loaderd binary is not found",
            stage="start",
            object=path,
            hint="install a wheel that carries it, put it on PATH, or name it in LOADERD_BIN",
        )
    command = [binary, "serve", "--socket", path, "--lock-fd", str(lock)]
    idle = os.environ.get("LOADERD_IDLE_TIMEOUT")
    if idle:
        command += ["--idle-timeout", idle]
    log = _paths.log_path(path)
    os.makedirs(os.path.dirname(log), mode=0o700, exist_ok=True)
    with open(log, "ab", opener=lambda name, flags: os.open(name, flags, 0o600)) as output:
        # The shell ends at once, so the daemon is nobody's child here and leaves no zombie.
        shell = subprocess.run(
            ["/bin/sh", "-c", '"$@" >&2 & echo $!', "sh", *command],
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=output,
            env=_environment(),
            pass_fds=(lock,),
            start_new_session=True,
            check=True,
        )
    return int(shell.stdout)


def _environment() -> dict[str, str]:
    """Give the daemon's variables: ours, but its working directory is another, so folders are absolute."""
    own = dict(os.environ)
    for name in ("LOADERD_ROWSTORE", "LOADERD_CACHE_DIR", "LOADERD_DATA_DIR", "LOADERD_STATE_DIR"):
        folder = own.get(name, "")
        if folder:
            own[name] = (_paths.row_store(folder) or "off") if name == "LOADERD_ROWSTORE" else _paths.absolute(folder)
    return own


def wait_exit(pid: int, seconds: float) -> bool:
    """Wait until the process ``pid`` is gone, for so many seconds at most; tell whether it is."""
    try:
        if not hasattr(os, "pidfd_open"):
            time.sleep(seconds)
            os.kill(pid, 0)
            return False
        fd = os.pidfd_open(pid)
    except OSError:
        return True
    try:
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        return bool(poll.poll(seconds * 1000))
    finally:
        os.close(fd)


def _did_not_start(path: str, how: str) -> DaemonGone:
    log = _paths.log_path(path)
    try:
        with open(log, "rb") as f:
            f.seek(max(0, os.path.getsize(log) - 2000))
            tail = f.read().decode(errors="replace").strip()
    except OSError:
        tail = ""
    said = f"; the last words of its log:\n{tail}" if tail else ""
    message = f"the daemon at {path} did not answer {how}{said}"
    return DaemonGone(message, stage="start", object=path, hint=f"see {log}")
