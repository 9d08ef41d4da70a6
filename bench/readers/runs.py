"""One run of one case: the process, its cores, its time and its memory."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from bench.readers.cases import Answer, Case
from bench.turns import ROOT, WorkerError, ask

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from bench.readers.inputs import Input

__all__ = ["RunError", "build", "run"]

_PACKAGE = "./bench/readers/decode"
_BUILDS = {"klauspost": ("0", []), "libdeflate": ("1", ["-tags", "libdeflate"])}
_SECONDS = 300.0


class RunError(RuntimeError):
    """A run or a build failed; the message has its last words."""


def build(cache: Path) -> dict[str, Path]:
    """Build our reader for each inflate there is, and return the commands by its name."""
    commands = {}
    for name, (cgo, flags) in _BUILDS.items():
        if name == "libdeflate" and subprocess.run(["pkg-config", "--exists", "libdeflate"]).returncode:
            continue
        commands[name] = cache / f"decode-{name}"
        command = ["go", "build", "-trimpath", *flags, "-o", str(commands[name].resolve()), _PACKAGE]
        done = subprocess.run(
            command, cwd=ROOT, env={**os.environ, "CGO_ENABLED": cgo}, stderr=subprocess.PIPE, text=True
        )
        if done.returncode:
            raise RunError(f"{' '.join(command)}: {done.stderr.strip()}")
    return commands


def run(case: Case, source: Input, commands: Mapping[str, Path]) -> Answer:
    """Do one run on as many cores as the case has.

    Raises
    ------
    RunError
        If it fails.
    """
    allowed = sorted(os.sched_getaffinity(0))
    if case.cores > len(allowed):
        raise RunError(f"{case.name}: {case.cores} cores are wanted, {len(allowed)} are there")
    command = ["taskset", "--cpu-list", ",".join(map(str, allowed[-case.cores :]))]
    if case.reader in _BUILDS:
        command += [str(commands[case.reader]), case.mode, str(case.cores), str(source.path), *source.arrays]
    else:
        job = [json.dumps(part) for part in (dataclasses.asdict(case), str(source.path), source.arrays)]
        command += [sys.executable, "-m", "bench.readers.peer", *job]
    try:
        fields: dict[str, Any] = json.loads(ask(command, {}, _SECONDS))
    except WorkerError as error:
        raise RunError(f"{case.name}: {error}") from None
    if case.reader in _BUILDS:
        fields["versions"] = {
            "Go": fields.pop("go").removeprefix("go"),
            f"inflate ({case.reader})": fields.pop("inflate"),
        }
    return Answer(**{**fields, "crc32": tuple(fields["crc32"] or ())})
