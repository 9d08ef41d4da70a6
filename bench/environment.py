"""The Python environment that peers run in: made once from the files of bench/requirements."""

from __future__ import annotations

import dataclasses
import glob
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["BASE", "BenchEnvironment", "EnvironmentSetupError"]

_REQUIREMENTS = Path(__file__).with_name("requirements")
_STAMP = "stamp.json"
_WANTED = (3, 12)  # from this version of Python on every peer can be installed

#: The file of what all peers need; the others are of one peer each.
BASE = "base"

# Run inside the environment: every pin that applies there must hold, wherever the package came from.
_CHECK = """
import importlib.metadata, json, sys
from packaging.requirements import Requirement
wrong = []
for line in json.loads(sys.argv[1]):
    pin = Requirement(line)
    if pin.marker is not None and not pin.marker.evaluate():
        continue
    try:
        found = importlib.metadata.version(pin.name)
    except importlib.metadata.PackageNotFoundError:
        found = "nothing"
    if found == "nothing" or not pin.specifier.contains(found, prereleases=True):
        wrong.append(f"{pin} (found {found})")
sys.exit("; ".join(wrong) or 0)
"""


@dataclasses.dataclass(frozen=True)
class _Stamp:
    """What stands in the environment's folder when it is made: of which pins, and what of them failed, and why."""

    key: str
    failed: dict[str, str]


class EnvironmentSetupError(RuntimeError):
    """What all peers need could not be installed; the message has pip's last words."""


class BenchEnvironment:
    """A virtual environment for peers.

    It has the harness's own Python where that is new enough, else a newer one of this machine. In the first case
    packages of the harness's environment are seen from it, at lower priority, so that PyTorch (gigabytes) is not
    installed a second time where its version is the pinned one; pip installs what differs from a pin into the
    environment itself.

    A peer that cannot be installed does not keep the others from being measured: `failed` tells of it.

    Parameters
    ----------
    folder
        Where it is; made by `ensure`.
    requirements
        Folder of the pins: ``base.txt`` and a file for each peer.
    """

    def __init__(self, folder: Path, requirements: Path = _REQUIREMENTS) -> None:
        self.folder = folder
        self.requirements = requirements

    @property
    def python(self) -> Path:
        """The environment's interpreter."""
        return self.folder / "bin" / "python"

    def variables(self) -> dict[str, str]:
        """Return what its processes find in their environment: lamindb keeps its settings inside the folder."""
        return {"LAMIN_SETTINGS_DIR": str(self.folder / "lamin")}

    def peers(self) -> list[str]:
        """Return the names of all files of pins but `BASE`."""
        return sorted(path.stem for path in self.requirements.glob("*.txt") if path.stem != BASE)

    def pins(self, name: str | None) -> str:
        """Return the pins of a file, and those that all peers have, in one line."""
        return "; ".join(self._pins(BASE) + ([] if name is None else self._pins(name)))

    def failed(self, name: str | None) -> str | None:
        """Tell why the packages of a file, or those that all peers need, are not there; None when they are."""
        stamp = self._stamp()
        if stamp is None or stamp.key != self._key():
            return "the peers' environment is not there, or has other pins; `make bench` makes it"
        return stamp.failed.get(name or BASE)

    def ensure(self, say: Callable[[str], None]) -> None:
        """Make the environment unless it is there and up to date; peers that failed are tried again.

        Raises
        ------
        EnvironmentSetupError
            If what all peers need cannot be installed, or a pin of it does not hold.
        """
        stamp = self._stamp()
        if stamp is not None and stamp.key == self._key():
            missing = sorted(stamp.failed)
            if not missing:
                return
        else:
            missing = self.peers()
            self._create(say)
        together = [*missing, BASE] if len(missing) > 1 else []
        if not together or self._install(together) is not None:  # one by one, to find the culprits
            problem = self._install([BASE])
            if problem is not None:
                raise EnvironmentSetupError("\n".join(["the peers' environment could not be made:", problem]))
            together = []
        failed = {}
        for name in missing:
            problem = self._wrong(name) if together else self._install([name]) or self._wrong(name)
            if problem is not None:
                failed[name] = problem
                say(f"{name} could not be installed: {problem}")
        text = json.dumps(dataclasses.asdict(_Stamp(self._key(), failed)), indent=2)
        (self.folder / _STAMP).write_text(text + "\n")

    def _stamp(self) -> _Stamp | None:
        try:
            return _Stamp(**json.loads((self.folder / _STAMP).read_text()))
        except (FileNotFoundError, ValueError):
            return None

    def _create(self, say: Callable[[str], None]) -> None:
        python = _newest_python()
        say(f"making the peers' environment with {python}; a first time takes some minutes (kept in {self.folder})")
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        problem = _run([python, "-m", "venv", str(self.folder)])
        if problem is not None:
            raise EnvironmentSetupError(f"the peers' environment could not be made: {problem}")
        if python == sys.executable:
            self._borrow()

    def _install(self, names: Iterable[str]) -> str | None:
        """Install the packages of some files; base's pins bind the versions of all."""
        files = [word for name in names for word in ("-r", str(self.requirements / f"{name}.txt"))]
        pip = [str(self.python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "packaging"]
        return _run([*pip, "-c", str(self.requirements / f"{BASE}.txt"), *files], self.variables())

    def _wrong(self, name: str) -> str | None:
        return _run([str(self.python), "-c", _CHECK, json.dumps([*self._pins(BASE), *self._pins(name)])])

    def _pins(self, name: str) -> list[str]:
        text = (self.requirements / f"{name}.txt").read_text()
        lines = (line.partition("#")[0].strip() for line in text.splitlines())
        return [line for line in lines if line]

    def _key(self) -> str:
        pins = [pin for name in [BASE, *self.peers()] for pin in self._pins(name)]
        borrowed = sys.prefix if sys.version_info >= _WANTED else ""
        text = "\n".join([str(_WANTED), borrowed, *pins])
        return hashlib.sha256(text.encode()).hexdigest()

    def _borrow(self) -> None:
        if sys.prefix == sys.base_prefix:
            return  # not in an environment: what is installed there is not ours to use
        own = subprocess.run(
            [str(self.python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
        (Path(own) / "harness.pth").write_text(
            "".join(f"{path}\n" for path in sys.path if path.endswith("site-packages"))
        )


def _newest_python() -> str:
    """Return the interpreter for peers: the harness's own where that will do, else one that will, else its own."""
    if sys.version_info >= _WANTED:
        return sys.executable
    pyenv = os.environ.get("PYENV_ROOT", str(Path.home() / ".pyenv"))
    candidates = [f"python3.{minor}" for minor in (12, 13, 14)]
    candidates += sorted(glob.glob(f"{glob.escape(pyenv)}/versions/3.1[2-4]*/bin/python"))
    ask = f"import sys; sys.exit(sys.version_info < {_WANTED})"
    for python in candidates:
        if _run([python, "-c", ask]) is None:
            return python
    return sys.executable


def _run(command: list[str], variables: dict[str, str] | None = None) -> str | None:
    """Run a command; return its last words if it fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **(variables or {})})
    except OSError as error:
        return str(error)
    if done.returncode == 0:
        return None
    lines = (done.stderr or done.stdout).strip().splitlines()
    errors = [line for line in lines if "ERROR" in line]
    return "; ".join((errors or lines or [f"ended with {done.returncode}"])[-3:])
