"""What every test has: a daemon of its own, and a census of what it left behind."""

from __future__ import annotations

import contextlib
import gc
import json
import multiprocessing
import os
import shutil
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import loaderd
from census import processes_of
from fakedaemon import FakeDaemon
from loaderd import _paths, _start
from reference import Files, write_files
from small_files import write_small_files

ROOT = Path(__file__).resolve().parents[3]
BINARY = Path(os.environ.get("LOADERD_BIN") or ROOT / "bin" / "loaderd").resolve()


def descriptors() -> dict[str, str]:
    """Tell what the open descriptors of this process are that a client may have made."""
    found = {}
    for fd in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{fd}")
        except OSError:
            continue
        if target.startswith(("socket:", "/memfd:loaderd")) or "eventfd" in target or target.endswith(".lock"):
            found[fd] = target
    return found


def mappings() -> list[str]:
    """List the mappings of rings."""
    return [line for line in Path("/proc/self/maps").read_text().splitlines() if "memfd:loaderd" in line]


@pytest.fixture(scope="session", autouse=True)
def cheap_collections() -> Iterator[None]:
    """Let the garbage collector pass over the million objects that imports made, for it runs around each test."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(autouse=True)
def census() -> Iterator[None]:
    """Fail a test that leaves descriptors, mappings or processes."""
    gc.collect()
    before = descriptors()
    yield
    gc.collect()
    assert descriptors().items() <= before.items()
    assert mappings() == []
    assert multiprocessing.active_children() == []


@dataclass
class Daemon:
    """Where the daemon of a test is. It is started by the first call of the client."""

    folder: Path

    @property
    def socket(self) -> str:
        return _paths.socket_path()

    def pids(self) -> list[int]:
        """List the daemon's processes."""
        found = []
        for pid in processes_of(str(self.folder)):
            with contextlib.suppress(OSError):
                if Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[1:2] == [b"serve"]:
                    found.append(pid)
        return found

    def pid(self) -> int:
        (pid,) = self.pids()
        return pid

    def log(self) -> str:
        return "".join(p.read_text() for p in (self.folder / "state").glob("*.log"))

    def status(self) -> dict[str, Any]:
        done = subprocess.run([str(BINARY), "status", "--json"], capture_output=True, text=True, check=True, timeout=20)
        return dict(json.loads(done.stdout))


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty place for a daemon, which the environment names. Its path is short, as sockets need."""
    folder = Path(tempfile.mkdtemp(prefix="ld-"))
    for name in [n for n in os.environ if n.startswith(("LOADERD_", "SLURM_JOB", "PBS_JOB", "LSB_JOB", "JOB_ID"))]:
        monkeypatch.delenv(name)
    for name in ("RANK", "WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LOADERD_RUNTIME_DIR", str(folder / "run"))
    monkeypatch.setenv("LOADERD_STATE_DIR", str(folder / "state"))
    monkeypatch.setenv("LOADERD_DATA_DIR", str(folder / "data"))
    monkeypatch.setenv("LOADERD_ROWSTORE", str(folder / "rows"))
    monkeypatch.setenv("LOADERD_ROWSTORE_SIZE", "1G")  # on a disk that is nearly full too
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def daemon(place: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Daemon]:
    """A daemon, the real one, started by the first call of the client and stopped after the test."""
    assert BINARY.is_file(), f"{BINARY} is not there; `make setup` builds it"
    monkeypatch.setenv("LOADERD_BIN", str(BINARY))
    here = Daemon(place)
    yield here
    gc.collect()
    loaderd.stop()
    deadline = time.monotonic() + 10
    while here.pids() and time.monotonic() < deadline:  # it may have been leaving by itself
        time.sleep(0.01)
    assert here.pids() == [], here.log()
    assert "panic" not in here.log()


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """The files that tests read, and what anndata says is in them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return write_files(tmp_path_factory.mktemp("files"))


@pytest.fixture(scope="session")
def small_files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The files ``a.h5ad`` and ``b.h5ad`` of the documents."""
    return write_small_files(tmp_path_factory.mktemp("small"))


@pytest.fixture
def registry(
    daemon: Daemon, small_files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """An empty registry, and a working directory with ``a.h5ad`` and ``b.h5ad``. No run goes on."""
    for path in small_files:
        shutil.copyfile(path, tmp_path / path.name)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    loaderd.context.run = loaderd.context.transform = None


@pytest.fixture
def mapped(daemon: Daemon, files: Files) -> Iterator[Callable[..., loaderd.MappedCollection]]:
    """Calls ``loaderd.mapped`` on the files, and closes what it gave."""
    made: list[loaderd.MappedCollection] = []

    def make(paths: Any = None, *args: Any, **kwargs: Any) -> loaderd.MappedCollection:
        made.append(loaderd.mapped(files.paths if paths is None else paths, *args, **kwargs))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def fakes(place: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., FakeDaemon]]:
    """Makes daemons at this test's socket, one after the other."""
    monkeypatch.setenv("LOADERD_AUTOSTART", "0")
    monkeypatch.setattr(_start, "own_build", lambda: "fake")
    made: list[FakeDaemon] = []

    def make(**options: Any) -> FakeDaemon:
        made.append(FakeDaemon(_paths.socket_path(), **options))
        return made[-1]

    yield make
    for fake in made:
        fake.close()
        fake.join()
    gc.collect()
