"""The Python environment that peers run in: made once from bench/requirements.txt."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["BenchEnvironment", "EnvironmentSetupError"]

_REQUIREMENTS = Path(__file__).with_name("requirements.txt")

# Run inside the environment: every pin that applies there must hold, wherever the package came from.
_CHECK = """
import importlib.metadata, json, sys
from packaging.requirements import Requirement
wrong = []
for line in json.loads(sys.argv[1]):
    pin = Requirement(line)
    if pin.marker is not None and not pin.marker.evaluate():
        continue
    found = importlib.metadata.version(pin.name)
    if not pin.specifier.contains(found, prereleases=True):
        wrong.append(f"{pin} (found {found})")
sys.exit("; ".join(wrong) or 0)
"""


class EnvironmentSetupError(RuntimeError):
    """The environment could not be made; the message has pip's last words."""


class BenchEnvironment:
    """A virtual environment for peers.

    Packages of the harness's own environment are seen from it, at lower priority, so that PyTorch (gigabytes) is not
    installed a second time where its version is the pinned one. pip installs whatever differs from a pin into the
    environment itself.

    Parameters
    ----------
    folder
        Where it is; made by `ensure`.
    requirements
        The pins.
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

    def ensure(self, say: Callable[[str], None]) -> None:
        """Make the environment unless it is there and up to date.

        Raises
        ------
        EnvironmentSetupError
            If packages cannot be installed, or a pin does not hold.
        """
        stamp = self.folder / "stamp"
        if stamp.exists() and stamp.read_text() == self._key():
            return
        say(f"making the peers' environment from {self.requirements.name}; a first time takes some minutes")
        shutil.rmtree(self.folder, ignore_errors=True)
        self._run([sys.executable, "-m", "venv", str(self.folder)])
        self._borrow()
        pip = [str(self.python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        self._run([*pip, "packaging", "-r", str(self.requirements)])
        self._run([str(self.python), "-c", _CHECK, json.dumps(self._pins())])
        stamp.write_text(self._key())

    def _pins(self) -> list[str]:
        lines = (line.partition("#")[0].strip() for line in self.requirements.read_text().splitlines())
        return [line for line in lines if line]

    def _key(self) -> str:
        text = "\n".join([sys.version, sys.prefix, *self._pins()])
        return hashlib.sha256(text.encode()).hexdigest() + "\n"

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

    def _run(self, command: list[str]) -> None:
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **self.variables()})
        if done.returncode:
            last = (done.stderr or done.stdout).strip().splitlines()[-8:]
            raise EnvironmentSetupError("\n".join(["the peers' environment could not be made:", *last]))
