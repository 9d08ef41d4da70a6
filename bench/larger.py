"""Ten times the cells, more rows than the page cache may hold, beside what the disk can do at random."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from bench import data, pagecache, pressure, tools
from bench.settings import DENSE, LOADER, known, of_name

if TYPE_CHECKING:
    from pathlib import Path

    from bench.suite import Suite

__all__ = ["LIMIT", "NAME", "TIMES", "measure"]

#: How many times the cells.
TIMES = 10

#: What the records are filed under: the rates as ``rate`` of settings that end in this, the reads as a limit.
NAME = f"{TIMES} × the cells"
LIMIT = "random reads of a row from the row store's files"

_SHARE = 0.25  # of the row store that fits the memory beside what the daemon may need itself
_OWN = 150_000_000  # bytes of the daemon's own, and
_SMALL = 1 << 20  # bytes of a file that has no rows, or hardly any
_FRAMES = 8  # frames that its ring may have


def measure(suite: Suite) -> None:
    """Fill the row store; then, with little memory, measure loaderd and the disk."""
    small = suite.collection("counts")
    collection = data.ensure_copies(small, TIMES)
    case, rows = known()[LOADER], suite.cache / "bench-rows-larger"
    runner = dataclasses.replace(suite.runner, rowstore=rows)
    settings = [dataclasses.replace(each, name=f"{each.name}, {NAME}") for each in (of_name("csr"), DENSE)]
    whole = dataclasses.replace(suite.job(settings[0], case, task="epoch", collection=collection), seconds=900.0)
    suite.keep("filled", NAME, runner.run(whole))
    files = [path for path in rows.rglob("*") if path.is_file() and path.stat().st_size > _SMALL]
    size = sum(path.stat().st_size for path in files)
    if not files:
        suite.say(f"  nothing in {rows}: this loaderd keeps no rows")
        return
    cells = suite.options.cells * TIMES
    frame = suite.options.genes * 4 * DENSE.batch
    memory = int(_SHARE * size) + _OWN + _FRAMES * frame
    pagecache.evict([*files, *collection.paths])
    with pressure.limited(memory) as short:
        suite.say(f"  {size / 1e6:,.0f} MB of rows, {memory / 1e6:,.0f} MB of memory by {short.how}")
        disk(suite, files, size // cells)
        pressed = dataclasses.replace(runner, before=short.before)
        taken = []  # by the daemon and its ring; what is left of its memory is the page cache's
        for _ in range(suite.options.runs):
            for setting in settings:
                result = pressed.run(suite.job(setting, case, collection=collection))
                suite.keep("rate", setting.name, result)
                taken.append(((result.daemon_own or 0.0) + (result.daemon_ring or 0.0)) * 1e6)
    fields = {"size": size, "memory": memory, "how": short.how, "cells": cells, "share": (memory - min(taken)) / size}
    suite.records.add("larger", NAME, fields)


def disk(suite: Suite, files: list[Path], size: int) -> None:
    """Measure reads of a row's size at random, and keep the best."""
    words = ["random", str(suite.options.seconds / 2), str(size), *map(str, files)]
    found = tools.limits(suite.tools, words)
    best = max(found, key=lambda limit: limit["value"])
    suite.note({**best, "name": LIMIT})
