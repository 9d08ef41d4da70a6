"""The wheel carries the daemon, and works in an empty environment without Go."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch

import docblocks
from census import wait_until_gone
from small_files import write_small_files

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[3]

NUMPY_LINES = """
import sys, loaderd
mapped = loaderd.mapped(["a.h5ad", "b.h5ad"], obs_keys=["cell_type"], join="inner")
loader = mapped.loader(batch_size=128, shuffle=True, seed=0)
batches = list(loader)
assert [len(b["cell_type"]) for b in batches] == [128, 128, 128, 116]
assert type(batches[0]["X"]).__module__ == "numpy" and batches[0]["X"].shape == (128, mapped.shape[1])
assert sorted(i for b in batches for i in b["_idx"].tolist()) == list(range(len(mapped)))
assert "torch" not in sys.modules
print(loaderd.__file__)
"""


@pytest.fixture(scope="module")
def wheel() -> Path:
    wheels = list((ROOT / "dist").glob("loaderd-*.whl"))
    assert len(wheels) == 1, f"dist/ holds {len(wheels)} wheels; `make wheel` leaves exactly one"
    return wheels[0]


class Environment:
    """A virtual environment with the wheel in it, an empty HOME, and no Go on PATH."""

    def __init__(self, folder: Path, wheel: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.home.mkdir()
        write_small_files(self.home)
        venv.create(folder / "venv", with_pip=True, symlinks=True)
        self.bin = folder / "venv" / "bin"
        tools = [d for d in ("/usr/bin", "/bin") if not Path(d, "go").exists()]
        kept = {k: v for k, v in os.environ.items() if k.startswith("PIP_") or k.lower().endswith("_proxy")}
        self.variables = kept | {
            "HOME": str(self.home),
            "PATH": os.pathsep.join([str(self.bin), *tools]),
            "LOADERD_RUNTIME_DIR": str(folder / "run"),
            "LOADERD_ROWSTORE": str(folder / "rows"),
            "LOADERD_ROWSTORE_SIZE": "1G",
        }
        assert shutil.which("go", path=self.variables["PATH"]) is None
        cache = os.environ.get("PIP_CACHE_DIR") or self.pip_cache()
        self.run("python", "-m", "pip", "install", "--quiet", "--cache-dir", cache, str(wheel))

    @staticmethod
    def pip_cache() -> str:
        ask = [sys.executable, "-m", "pip", "cache", "dir"]
        return subprocess.run(ask, capture_output=True, text=True, check=True).stdout.strip()

    def run(self, program: str, *arguments: str, timeout: float = 300) -> str:
        """Run a program of the environment in its home folder, and give what it printed."""
        done = subprocess.run(
            [str(self.bin / program), *arguments],
            cwd=self.home,
            env=self.variables,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def lend_torch(self) -> None:
        """Make PyTorch importable without installing it a second time (it is 5 GB): last on the path, so that
        everything else still comes from this environment."""
        packages = self.run("python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
        Path(packages, "lent.pth").write_text(f"{Path(torch.__file__).parents[1]}\n")


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    environment = Environment(tmp_path_factory.mktemp("wheel"), wheel)
    yield environment
    environment.run("loaderd", "stop")
    assert wait_until_gone(str(environment.folder)) == []


def test_the_wheel_says_what_it_runs_on(wheel: Path) -> None:
    name, _, rest = wheel.name.partition("-py3-none-")
    assert name.startswith("loaderd-")
    if sys.platform == "linux":
        assert "musllinux" in rest, "the binary is not static: internal/build/link.sh says why"
    with zipfile.ZipFile(wheel) as z:
        (info,) = [n for n in z.namelist() if n.endswith(".dist-info/WHEEL")]
        assert b"Root-Is-Purelib: false" in z.read(info)


def test_the_wheel_carries_the_binary_and_nothing_of_the_tests(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as z:
        binary = z.getinfo("loaderd/_bin/loaderd")
        assert binary.external_attr >> 16 & 0o111 == 0o111, "not executable"
        assert z.read(binary) == (ROOT / "bin" / "loaderd").read_bytes()
        assert "loaderd/py.typed" in z.namelist()
        (licence,) = [n for n in z.namelist() if n.endswith(".dist-info/licenses/LICENSE")]
        assert z.read(licence) == (ROOT / "LICENSE").read_bytes()
        folders = {n.split("/")[0] for n in z.namelist()}
    assert {f for f in folders if not f.endswith(".dist-info")} == {"loaderd"}


def test_the_command_is_the_daemon_of_the_wheel(installed: Environment) -> None:
    ask = [str(ROOT / "bin" / "loaderd"), "version", "--build"]
    ours = subprocess.run(ask, capture_output=True, text=True, check=True).stdout
    assert installed.run("loaderd", "version", "--build") == ours


def test_it_reads_files_without_torch(installed: Environment) -> None:
    printed = installed.run("python", "-W", "error", "-c", NUMPY_LINES)
    assert printed.startswith(str(installed.folder)), "another installation answered"


def test_the_lines_of_the_readme_run(installed: Environment) -> None:
    installed.lend_torch()
    printed = installed.run("python", "-W", "error", docblocks.__file__, str(ROOT / "README.md"))
    assert "README.md: " in printed
