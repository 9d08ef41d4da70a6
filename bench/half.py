"""Room for half of the rows: what is kept stays kept, and the rest is served from the files."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from bench.settings import DENSE, LOADER, known

if TYPE_CHECKING:
    from bench.suite import Suite

__all__ = ["NAME", "measure"]

#: What the rates are filed under.
NAME = "dense, room for half of the rows"


def measure(suite: Suite) -> None:
    """Fill a row store of half the size that is needed, and measure what it gives."""
    case, setting = known()[LOADER], dataclasses.replace(DENSE, name=NAME)
    suite.collection("counts").warm()
    with tempfile.TemporaryDirectory(dir=suite.cache, prefix="rows-") as folder:
        whole, half = Path(folder) / "whole", Path(folder) / "half"
        runner = dataclasses.replace(suite.runner, rowstore=whole)
        suite.keep("filled", NAME, runner.run(suite.job(setting, case, task="epoch")))
        allowed = _bytes(whole) // 2
        if not allowed:
            suite.say("  nothing is kept: this loaderd has no row store")
            return
        runner = dataclasses.replace(suite.runner, rowstore=half, arguments=("--rowstore-size", str(allowed)))
        for number in range(suite.options.runs):
            suite.keep("rate", NAME, runner.run(suite.job(setting, case, fill=number == 0)))
            kept = {"allowed": allowed, "kept": _bytes(half)}
            suite.records.add("half", NAME, kept)
            suite.say(f"  {kept['kept'] / 1e6:,.0f} MB kept, {allowed / 1e6:,.0f} MB allowed")


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
