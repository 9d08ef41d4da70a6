"""The harness's own Go programs, built before they are needed."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING

from bench.turns import ROOT, WorkerError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["ToolError", "build", "inflate", "limits", "run"]

_PACKAGES = ("bench/bareloop", "bench/hardware", "bench/readers/decode")


class ToolError(WorkerError):
    """A program could not be built, or failed."""


def build(folder: Path) -> Path:
    """Build all programs into a folder, and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    packages = [f"./{package}" for package in _PACKAGES]
    command = ["go", "build", "-trimpath", "-o", f"{folder.resolve()}/", *packages]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env={**os.environ, "CGO_ENABLED": "0"})
    except FileNotFoundError:
        raise ToolError("Go is not on PATH; the bare loop and the machine's limits need it") from None
    if done.returncode:
        raise ToolError(f"{' '.join(command)}: {done.stderr.strip()}")
    return folder.resolve()


def limits(tools: Path, words: Sequence[str], timeout: float = 120.0) -> list[dict[str, float | str]]:
    """Run the program ``hardware``; return what it measured, each with a name, a value and a unit."""
    return [json.loads(line) for line in run([str(tools / "hardware"), *words], timeout).splitlines()]


def inflate(tools: Path, path: Path, threads: int) -> float:
    """Return how many bytes a second come out when the matrix of a gzip h5ad file is decoded chunk by chunk."""
    words = [str(tools / "decode"), "stream", str(threads), str(path), "X/data", "X/indices"]
    answer = json.loads(run(words, 120.0))
    return float(answer["bytes"] / answer["seconds"])


def run(command: Sequence[str], timeout: float, variables: dict[str, str] | None = None) -> str:
    """Run a program and return what it prints; `ToolError` if it fails."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=timeout, env={**os.environ, **(variables or {})}
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ToolError(str(error)) from None
    if done.returncode:
        raise ToolError(f"{' '.join(command[:2])}: {done.stderr.strip()}")
    return done.stdout
