"""Where the socket, its lock, the log and the binary are (``docs/protocol.md``, "Where the socket is")."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from loaderd._errors import InvalidArgument, NotFound
from loaderd._protocol import MAJOR

_JOB_VARIABLES = ("LOADERD_JOB", "SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID", "JOB_ID")


def runtime_dir() -> str:
    """Name the folder of the socket."""
    own = os.environ.get("LOADERD_RUNTIME_DIR")
    if own:
        return os.path.abspath(own)
    xdg = os.environ.get("XDG_RUNTIME_DIR")
    return os.path.join(xdg, "loaderd") if xdg else f"/tmp/loaderd-{os.getuid()}"


def socket_path() -> str:
    """Name the socket of the daemon that this process talks to."""
    whole = os.environ.get("LOADERD_SOCKET")
    if whole:
        return os.path.abspath(whole)
    job = next((value for name in _JOB_VARIABLES if (value := os.environ.get(name))), "")
    suffix = "-" + re.sub(rb"[^A-Za-z0-9_.-]", b"_", os.fsencode(job)).decode() if job else ""
    return os.path.join(runtime_dir(), f"loaderd-{os.getuid()}-p{MAJOR}{suffix}.sock")


def absolute(folder: str) -> str:
    """Make a path of the environment absolute; ``~`` is the home folder, though no shell has read it."""
    return os.path.abspath(os.path.expanduser(folder))


def row_store(named: str) -> str:
    """Name the folder that a value of ``LOADERD_ROWSTORE`` means; "" if that is that there is none."""
    return "" if named.lower() in ("off", "none", "0") else absolute(named)


def lock_path(socket: str) -> str:
    """Name the lock beside ``socket``."""
    return socket.removesuffix(".sock") + ".lock"


def log_path(socket: str) -> str:
    """Name the log of the daemon at ``socket``."""
    folder = os.environ.get("LOADERD_STATE_DIR")
    if not folder:
        state = os.environ.get("XDG_STATE_HOME") or os.path.join(os.path.expanduser("~"), ".local", "state")
        folder = os.path.join(state, "loaderd")
    return os.path.join(absolute(folder), os.path.basename(socket).removesuffix(".sock") + ".log")


def check_folder(socket: str) -> bool:
    """Check that the folder of ``socket`` is private to this user; False when there is none yet."""
    folder = os.path.dirname(socket)
    try:
        found = os.lstat(folder)
    except FileNotFoundError:
        return False
    hint = "remove it, or name another folder in LOADERD_RUNTIME_DIR"
    if not stat.S_ISDIR(found.st_mode):
        raise InvalidArgument(f"{folder} is not a directory, or is a link", stage="connect", object=folder, hint=hint)
    if found.st_uid != os.getuid():
        owner = f"{folder} belongs to user {found.st_uid}, not to you ({os.getuid()})"
        raise InvalidArgument(owner, stage="connect", object=folder, hint=hint)
    if stat.S_IMODE(found.st_mode) & 0o077:
        mode = f"{folder} has mode {stat.S_IMODE(found.st_mode):04o}; others could reach the socket in it"
        raise InvalidArgument(mode, stage="connect", object=folder, hint=f"chmod 700 {folder}")
    return True


def make_folder(socket: str) -> None:
    """Make the folder of ``socket`` if it is missing, and check it."""
    folder = os.path.dirname(socket)
    try:
        os.makedirs(os.path.dirname(folder), exist_ok=True)
        os.mkdir(folder, 0o700)
    except FileExistsError:
        pass
    except OSError as e:
        hint = "name a folder that you may write to in LOADERD_RUNTIME_DIR"
        message = f"cannot make the folder {folder} for the daemon's socket: {e.strerror}"
        raise InvalidArgument(message, stage="start", object=folder, hint=hint) from e
    check_folder(socket)


def find_binary() -> str | None:
    """Find the daemon's binary: ``LOADERD_BIN``, the package's own, the source tree's, then PATH."""
    named = os.environ.get("LOADERD_BIN")
    if named:
        return _named_binary(named)
    package = Path(__file__).resolve().parent
    own = [package / "_bin" / "loaderd"]
    tree = package.parents[3] if len(package.parents) > 3 else package
    if (tree / "go.mod").is_file():  # an editable install
        own.append(tree / "bin" / "loaderd")
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    candidates = [*own, *(Path(folder, "loaderd") for folder in folders if folder)]
    return next((str(c) for c in candidates if _is_binary(c)), None)


def _named_binary(named: str) -> str:
    path = os.path.abspath(named)
    hint = "set LOADERD_BIN to the loaderd binary, or unset it"
    if not os.path.isfile(path):
        raise NotFound(f"LOADERD_BIN={named}: no such file", stage="start", object=path, hint=hint)
    if not os.access(path, os.X_OK):
        raise InvalidArgument(f"LOADERD_BIN={named}: not executable", stage="start", object=path, hint=hint)
    return path


def _is_binary(path: Path) -> bool:
    # The package's own command is a Python script of the same name, often first on PATH. It execs what is found here.
    try:
        with path.open("rb") as f:
            return f.read(2) != b"#!" and os.access(path, os.X_OK)
    except OSError:
        return False
