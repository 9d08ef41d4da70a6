"""Build hook: the wheel carries the daemon, as ``loaderd/_bin/loaderd``.

The binary is the one that ``LOADERD_BUILD_BINARY`` names (``make wheel`` sets it), else it is built here with Go
from the sources two folders up. Where there is a static C library it is linked statically, so that one wheel serves
every Python and every Linux of a processor; the tag says so only when the binary is indeed static. An editable install
carries no binary: the client then finds the tree's own ``bin/loaderd``.
"""

from __future__ import annotations

import os
import platform
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

TARGET = "loaderd/_bin/loaderd"
TAGS = "netgo,osusergo,sqlite_omit_load_extension"
VERSION_VARIABLE = "github.com/loaderd/loaderd/internal/build.Version"


class BinaryHook(BuildHookInterface):  # type: ignore[misc]
    """Adds the binary and the platform tag to a wheel."""

    PLUGIN_NAME = "custom"
    _scratch: str | None = None

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Find or build the binary and say where in the wheel it goes."""
        if version == "editable":
            return
        binary = self._given() or self._build()
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{platform_tag(binary)}"
        build_data["force_include"][str(binary)] = TARGET

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove what was built on the way."""
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)

    def _given(self) -> Path | None:
        name = os.environ.get("LOADERD_BUILD_BINARY")
        if not name:
            return None
        binary = Path(name)
        if not os.access(binary, os.X_OK):
            raise RuntimeError(f"LOADERD_BUILD_BINARY={name}: not an executable file")
        return binary.resolve()

    def _build(self) -> Path:
        top = Path(self.root).parent.parent
        if not (top / "cmd" / "loaderd").is_dir():
            raise RuntimeError(
                f"no Go sources in {top}, so the daemon cannot be built: install from a checkout of the repository, "
                "install a wheel, or name a binary in LOADERD_BUILD_BINARY"
            )
        go = shutil.which("go")
        if go is None:
            raise RuntimeError("the daemon is written in Go, and no go is on PATH; install Go, or install a wheel")
        script = ["sh", "internal/build/version.sh"]
        build = subprocess.run(script, cwd=top, check=True, capture_output=True, text=True).stdout.strip()
        self._scratch = tempfile.mkdtemp(prefix="loaderd-build-")
        binary = Path(self._scratch, "loaderd")
        link = subprocess.run(["sh", "internal/build/link.sh"], cwd=top, check=True, capture_output=True, text=True)
        flags = f"-X {VERSION_VARIABLE}={build}"
        if link.stdout.strip() == "static":
            flags += ' -linkmode external -extldflags "-static"'
        build_it = [go, "build", "-trimpath", "-tags", TAGS, "-ldflags", flags, "-o", str(binary), "./cmd/loaderd"]
        subprocess.run(build_it, cwd=top, env=os.environ | {"CGO_ENABLED": "1"}, check=True)
        return binary


def platform_tag(binary: Path) -> str:
    """Name the platforms on which ``binary`` runs, in the words of wheel file names."""
    machine = platform.machine().lower()
    if sys.platform == "darwin":
        return f"macosx_12_0_{machine}"  # the oldest that Go supports
    if not is_static(binary):
        return f"linux_{machine}"
    return f"manylinux_2_17_{machine}.manylinux2014_{machine}.musllinux_1_1_{machine}"


def is_static(binary: Path) -> bool:
    """Tell whether a 64-bit little-endian ELF file asks for no dynamic loader (has no ``PT_INTERP`` segment)."""
    interp = 3
    with binary.open("rb") as f:
        head = f.read(64)
        if head[:6] != b"\x7fELF\x02\x01":
            raise RuntimeError(f"{binary}: not a 64-bit little-endian ELF file")
        (offset,) = struct.unpack_from("<Q", head, 32)
        size, count = struct.unpack_from("<HH", head, 54)
        f.seek(offset)
        table = f.read(size * count)
    return all(struct.unpack_from("<I", table, i * size)[0] != interp for i in range(count))
