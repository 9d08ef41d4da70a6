"""The daemon is found, or started, by the rule of the protocol page, whoever else does the same at that moment."""

from __future__ import annotations

import os
import random
import re
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import loaderd
from census import processes_of, wait_until_gone
from conftest import BINARY, Daemon
from loaderd import _paths, _start

# Fifty processes, forked from one that has imported what it needs, all begin at the same moment.
CROWD = r"""
import os, sys, loaderd
gate, ready = os.pipe(), os.pipe()
children = []
for i in range(50):
    pid = os.fork()
    if pid == 0:
        os.close(gate[1])
        os.write(ready[1], b".")
        os.read(gate[0], 1)
        code = 1
        try:
            with loaderd.mapped(sys.argv[1]) as mapped:
                assert len(mapped) == 150 and mapped[3]["X"].any()
                os.write(1, b"%d\n" % loaderd.status()["pid"])
                code = 0
        except BaseException as e:
            print(type(e).__name__, e, file=sys.stderr, flush=True)
        os._exit(code)
    children.append(pid)
for _ in children:
    os.read(ready[0], 1)
os.close(gate[1])
sys.exit(max(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children))
"""


def run(script: str, *arguments: str, timeout: float = 120) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script, *arguments],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_fifty_clients_starting_at_once_make_one_daemon(daemon: Daemon, files: Any) -> None:
    pids = run(CROWD, str(files.paths[0])).split()
    assert len(pids) == 50
    assert set(pids) == {str(daemon.pid())}
    assert daemon.log().count("msg=serving") == 1


def test_clients_racing_the_idle_exit_never_fail(daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOADERD_IDLE_TIMEOUT", "8ms")
    rng = random.Random(0)
    for _ in range(1000):
        channel = _start.connect()
        assert channel.daemon_pid > 0
        channel.close()
        time.sleep(rng.uniform(0.006, 0.012))
    assert daemon.log().count("msg=serving") > 50  # it did leave, many times


def test_an_idle_daemon_leaves_and_takes_its_socket(
    daemon: Daemon, files: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOADERD_IDLE_TIMEOUT", "50ms")
    with loaderd.mapped(files.paths[0]) as data:
        pid = daemon.pid()
        time.sleep(0.3)
        assert daemon.pid() == pid  # it is not idle while somebody is attached
        assert data[0]
    assert wait_until_gone(str(daemon.folder / "run")) == []
    assert not Path(daemon.socket).exists()
    deadline = time.monotonic() + 5
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not Path(f"/proc/{pid}").exists()  # not even as a zombie: init reaps it, for it is not our child


def test_the_daemon_is_in_a_session_of_its_own(daemon: Daemon, files: Any) -> None:
    with loaderd.mapped(files.paths[0]):
        pid = daemon.pid()
        assert os.getsid(pid) != os.getsid(0)
        assert os.readlink(f"/proc/{pid}/cwd") == "/"
        assert os.readlink(f"/proc/{pid}/fd/0") == "/dev/null"
        assert os.readlink(f"/proc/{pid}/fd/2").endswith(".log")
        ours = set(os.listdir("/proc/self/fd"))
        theirs = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
        assert ours
        assert not [t for t in theirs if t.endswith(".lock")]


def test_folder_socket_and_log_are_private(daemon: Daemon, files: Any) -> None:
    with loaderd.mapped(files.paths[0]):
        for path, mode in (
            (daemon.folder / "run", 0o700),
            (Path(daemon.socket), 0o600),
            (Path(_paths.lock_path(daemon.socket)), 0o600),
            (Path(_paths.log_path(daemon.socket)), 0o600),
        ):
            assert stat.S_IMODE(path.stat().st_mode) == mode, path


def test_a_path_longer_than_a_socket_name_works(daemon: Daemon, files: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOADERD_RUNTIME_DIR", str(daemon.folder / ("long" * 20) / ("deep" * 20)))
    with loaderd.mapped(files.paths[0]) as data:
        assert len(_paths.socket_path()) > 180
        assert len(data) == 150
    assert loaderd.stop()


def test_what_a_killed_daemon_leaves_is_replaced(daemon: Daemon, files: Any) -> None:
    loaderd.mapped(files.paths[0]).close()
    os.kill(daemon.pid(), 9)
    assert wait_until_gone(str(daemon.folder / "run")) == []
    assert Path(daemon.socket).exists()
    with loaderd.mapped(files.paths[0]) as data:
        assert len(data) == 150


def test_without_autostart_nothing_is_started(daemon: Daemon, files: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOADERD_AUTOSTART", "0")
    with pytest.raises(loaderd.DaemonGone, match=re.escape(daemon.socket)) as caught:
        loaderd.mapped(files.paths[0])
    assert "loaderd serve" in caught.value.hint
    assert processes_of(str(daemon.folder / "run")) == []


def test_a_daemon_that_cannot_start_is_an_error_with_its_last_words(
    daemon: Daemon, files: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "loaderd"
    broken.write_text("#!/bin/sh\necho the disk is on fire >&2\nexit 3\n")
    broken.chmod(0o755)
    monkeypatch.setenv("LOADERD_BIN", str(broken))
    since = time.monotonic()
    with pytest.raises(loaderd.DaemonGone, match="the disk is on fire"):
        loaderd.mapped(files.paths[0])
    assert time.monotonic() - since < 5


def test_status_and_stop(daemon: Daemon, files: Any) -> None:
    with pytest.raises(loaderd.DaemonGone):
        loaderd.status()
    assert loaderd.stop() is False
    with loaderd.mapped(files.paths[0]):
        status = loaderd.status()
        assert status["pid"] == daemon.pid()
        assert status["socket"] == daemon.socket
        assert os.getpid() in [s["pid"] for s in status["sessions"]]
        assert loaderd.stop() is True
        assert daemon.pids() == []


# --- where things are -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variables", "wanted"),
    [
        ({}, "/tmp/loaderd-{uid}/loaderd-{uid}-p1.sock"),
        ({"XDG_RUNTIME_DIR": "/run/user/7"}, "/run/user/7/loaderd/loaderd-{uid}-p1.sock"),
        ({"XDG_RUNTIME_DIR": "/x", "LOADERD_RUNTIME_DIR": "/r"}, "/r/loaderd-{uid}-p1.sock"),
        ({"LOADERD_RUNTIME_DIR": "/r", "SLURM_JOB_ID": "12"}, "/r/loaderd-{uid}-p1-12.sock"),
        (
            {"LOADERD_RUNTIME_DIR": "/r", "SLURM_JOB_ID": "12", "LOADERD_JOB": "a b/ü"},
            "/r/loaderd-{uid}-p1-a_b___.sock",
        ),
        ({"LOADERD_RUNTIME_DIR": "/r", "JOB_ID": "3"}, "/r/loaderd-{uid}-p1-3.sock"),
        ({"LOADERD_SOCKET": "/s/own.sock", "LOADERD_RUNTIME_DIR": "/r"}, "/s/own.sock"),
    ],
    ids=str,
)
def test_the_socket_is_where_the_page_says_and_the_binary_agrees(
    place: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], wanted: str
) -> None:
    for name in ("LOADERD_RUNTIME_DIR", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert _paths.socket_path() == wanted.format(uid=os.getuid())


def test_the_binary_finds_the_daemon_of_the_client(daemon: Daemon, files: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOADERD_JOB", "job/7")
    with loaderd.mapped(files.paths[0]):
        assert daemon.status()["pid"] == daemon.pid()
        assert daemon.status()["log"] == _paths.log_path(daemon.socket)
    loaderd.stop()


@pytest.mark.parametrize("wrong", ["a file", "a link", "open to others"])
def test_a_folder_that_others_could_use_is_refused(daemon: Daemon, files: Any, wrong: str) -> None:
    folder = daemon.folder / "run"
    if wrong == "a file":
        folder.write_text("")
    elif wrong == "a link":
        (daemon.folder / "elsewhere").mkdir(mode=0o700)
        folder.symlink_to(daemon.folder / "elsewhere")
    else:
        folder.mkdir()
        folder.chmod(0o755)
    with pytest.raises(loaderd.InvalidArgument, match=re.escape(str(folder))):
        loaderd.mapped(files.paths[0])
    folder.rmdir() if wrong == "open to others" else folder.unlink()


def test_the_order_in_which_the_binary_is_looked_for(
    place: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    scripts, other = tmp_path / "scripts", tmp_path / "other"
    for folder in (scripts, other):
        folder.mkdir()
    (scripts / "loaderd").write_text("#!/usr/bin/python\n")  # the package's own command
    (other / "loaderd").write_bytes(BINARY.read_bytes()[:100])
    for path in (scripts / "loaderd", other / "loaderd"):
        path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{scripts}{os.pathsep}{other}")
    package = tmp_path / "site-packages" / "loaderd"
    package.mkdir(parents=True)
    monkeypatch.setattr(_paths, "__file__", str(package / "_paths.py"))
    assert _paths.find_binary() == str(other / "loaderd")
    (package / "_bin").mkdir()
    (package / "_bin" / "loaderd").write_bytes(b"\x7fELF")
    (package / "_bin" / "loaderd").chmod(0o755)
    assert _paths.find_binary() == str(package / "_bin" / "loaderd")
    monkeypatch.setenv("LOADERD_BIN", str(BINARY))
    assert _paths.find_binary() == str(BINARY)
    monkeypatch.setenv("LOADERD_BIN", str(tmp_path / "nope"))
    with pytest.raises(loaderd.NotFound, match="LOADERD_BIN"):
        _paths.find_binary()
    monkeypatch.setenv("LOADERD_BIN", str(scripts.with_name("x")))
    scripts.with_name("x").write_text("")
    with pytest.raises(loaderd.InvalidArgument, match="not executable"):
        _paths.find_binary()


def test_the_command_is_the_binary(daemon: Daemon) -> None:
    for command in ([sys.executable, "-m", "loaderd"], [sys.executable, "-c", "from loaderd._cli import main; main()"]):
        asked = subprocess.run([*command, "version", "--build"], capture_output=True, text=True, timeout=60, check=True)
        own = subprocess.run([str(BINARY), "version", "--build"], capture_output=True, text=True, check=True)
        assert asked.stdout == own.stdout
