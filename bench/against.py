"""loaderd as it is here and as it was at a commit, by turns on the same data."""

from __future__ import annotations

import dataclasses
import statistics
import subprocess
from typing import TYPE_CHECKING

from bench.settings import DENSE, LOADER, STOCK, known, of_name
from bench.suite import Suite
from bench.tables import Table
from bench.turns import ROOT, WorkerError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bench.options import Options
    from bench.records import Records
    from bench.turns import Runner

__all__ = ["build", "measure"]

_FOLDER = "bench-against"


def measure(options: Options, here: Runner, records: Records, say: Callable[[str], None]) -> Table:
    """Build the commit of ``--ref`` and measure both; return the medians side by side."""
    commit, tree = build(options.ref, options.cache.resolve() / _FOLDER, say)
    there = dataclasses.replace(
        here,
        binary=tree / "bin" / "loaderd",
        client=tree / "clients" / "python" / "src",
        rowstore=options.cache / _FOLDER / f"{commit}-rows",
    )
    suite = Suite(options, here, [], records, say)
    suite.collection("counts").warm()
    pairs = [(DENSE, known()[LOADER]), (of_name("csr"), known()[LOADER]), (DENSE, known()[STOCK])]
    for _ in range(options.runs):
        for setting, case in pairs:
            for where, runner in ((commit, there), ("here", here)):
                suite.keep(f"rate {where}", setting.name, runner.run(suite.job(setting, case, fill=True)))
    lines = []
    for setting, case in pairs:
        before, now = (
            [
                result.cells_per_second
                for result in records.results(f"rate {where}", setting.name)
                if result.case == case.name and result.cells_per_second is not None
            ]
            for where in (commit, "here")
        )
        if before and now:
            ratio = statistics.median(now) / statistics.median(before)
            lines.append((case.name, setting.name, _words(before), _words(now), f"{ratio:.3f}"))
    return Table(("case", "setting", f"{commit} cells/s", "here cells/s", "here / there"), tuple(lines), left=2)


def _words(rates: list[float]) -> str:
    return f"{statistics.median(rates):,.0f} ({min(rates):,.0f}–{max(rates):,.0f})"


def build(ref: str, folder: Path, say: Callable[[str], None]) -> tuple[str, Path]:
    """Check a commit out into a folder of its own and build its daemon; return its short name and the folder.

    Raises
    ------
    bench.turns.WorkerError
        If there is no such commit, or it does not build.
    """
    commit = _run(["git", "rev-parse", "--short=12", f"{ref}^{{commit}}"], ROOT)
    tree = folder / commit
    if not tree.exists():
        folder.mkdir(parents=True, exist_ok=True)
        _run(["git", "worktree", "prune"], ROOT)  # folders that someone removed
        _run(["git", "worktree", "add", "--detach", str(tree), commit], ROOT)
    say(f"building {commit} in {tree}")
    _run(["make", "bin/loaderd"], tree)
    return commit, tree


def _run(command: list[str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()[-3:]
        raise WorkerError(f"{' '.join(command)}: {'; '.join(last)}")
    return done.stdout.strip()
