"""Where the time of a batch goes: a profile of the daemon by stages, beside the client and the machine's limits."""

from __future__ import annotations

import dataclasses
import json
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from bench import report, tools
from bench.settings import DENSE, LOADER, known, of_name
from bench.tables import Table
from bench.turns import work

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bench.job import Job
    from bench.suite import Suite
    from bench.turns import Runner

__all__ = ["STAGES", "Profile", "Sample", "measure", "parse", "stage", "table"]

_TIMEOUT = 120.0
_SEEN = 0.1e-6  # seconds for a batch; less is not shown


@dataclasses.dataclass(frozen=True)
class Sample:
    """Some time in one place.

    Parameters
    ----------
    seconds
        Of a processor.
    stack
        Names of functions, the innermost first.
    """

    seconds: float
    stack: tuple[str, ...]


#: The daemon's stages: a name, and what functions have in their stack. The first that fits a stack is its stage.
STAGES: tuple[tuple[str, str], ...] = (
    ("garbage collection", r"^runtime\.(gcBgMarkWorker|bgsweep|bgscavenge|gcAssistAlloc|gcStart)"),
    ("open files", r"mapped\.\(\*opener\)"),
    ("find and check rows", r"cache/rowstore\.(\(\*Table\)\.(Row|Has|Address|Prefetch|Expect)|Row\.(Check|Prefetch))"),
    ("expand rows", r"cache/rowstore\.\(\*Kernel\)"),
    ("decompress", r"mapped/codec\."),
    ("read files", r"mapped/(h5|zarr)\."),
    ("encode rows for the store", r"cache/rowstore\.Append(Sparse|Dense)"),
    ("write the store", r"cache/rowstore\.(\(\*Table\)\.|\(\*writer\))"),
    ("cut chunks into rows", r"mapped\.\(\*(rowTable|rowWriter|rowKeeper|chunkReader|source|fragments?)\)"),
    ("choose the order", r"loaderd/sampler\."),
    ("lay out, labels", r"loaderd/mapped\."),
    ("make rings", r"loaderd/ipc\.(NewRing|\(\*Ring\)|memoryLimits|reserve)"),
    ("hand over", r"(loaderd/ipc\.|internal/poll\.|^net\.|msgpack)"),
    ("plan, frames", r"internal/daemon\."),
    ("schedule", r"^runtime\."),
    ("the rest", r""),
)
_PATTERNS = tuple((name, re.compile(pattern)) for name, pattern in STAGES)


def stage(stack: Iterable[str]) -> str:
    """Return the stage of a stack."""
    names = list(stack)
    return next(name for name, pattern in _PATTERNS if not pattern.pattern or any(map(pattern.search, names)))


def parse(text: str) -> list[Sample]:
    """Read what ``go tool pprof -raw`` prints of a processor profile."""
    body = text.partition("\nSamples:\n")[2]
    taken, _, rest = body.partition("\nLocations\n")
    names = _locations(rest.partition("\nMappings")[0])
    samples = []
    for line in taken.splitlines():
        numbers, colon, places = line.partition(":")
        fields = numbers.split()
        if not colon or len(fields) != 2 or not fields[1].isdigit():
            continue  # the head, or a label of the sample before
        stack = tuple(name for place in places.split() for name in names.get(place, ()))
        samples.append(Sample(int(fields[1]) / 1e9, stack))
    return samples


def _locations(text: str) -> dict[str, tuple[str, ...]]:
    """Return the functions of each location, those that were inlined into others first."""
    found: dict[str, list[str]] = {}
    here = ""
    for line in text.splitlines():
        head = re.match(r"\s*(\d+): 0x[0-9a-f]+ M=\d+ (.*)", line)
        if head:
            here, line = head[1], head[2]
        name = line.split()
        if here and name:
            found.setdefault(here, []).append(name[0])
    return {place: tuple(names) for place, names in found.items()}


@dataclasses.dataclass(frozen=True)
class Profile:
    """One run of loaderd with a profile.

    Parameters
    ----------
    name
        What was asked for.
    stages
        Seconds of processors of the daemon, by stage.
    batches
        That it sent.
    size
        Bytes of all of them.
    wall
        Seconds between two batches, on average.
    client
        Seconds of processors of the trainer for a batch.
    limit
        Seconds between two batches of the bare loop, or None.
    """

    name: str
    stages: dict[str, float]
    batches: int
    size: int
    wall: float
    client: float
    limit: float | None = None


def measure(suite: Suite) -> str:
    """Profile dense and CSR batches from the row store, and a first epoch; return what was found in Markdown."""
    suite.run("limits")
    suite.run("client")
    found = [_from_store(suite, name) for name in ("dense", "csr")]
    found.append(_first_epoch(suite))
    heads = [("Where a batch of 128 goes, µs of a processor", table(found))]
    for heading, more in (
        ("What a batch that is ready costs the client", report.client(suite.records)),
        ("Limits of the machine", report.limits(suite.records)),
    ):
        if more is not None:
            heads.append((heading, more))
    return "\n\n".join(f"### {heading}\n\n{each.markdown()}" for heading, each in heads)


def _from_store(suite: Suite, name: str) -> Profile:
    setting, case = of_name(name), known()[LOADER]
    suite.collection("counts").warm()
    job = suite.job(setting, case)
    suite.runner.run(dataclasses.replace(job, task="epoch"))  # so that the profile is of an epoch that finds all rows
    profile = _profiled(suite.runner, job, name)
    bare = [each for each in known().values() if each.role == "limit" and name in each.formats]
    rates = [suite.runner.run(suite.job(setting, each)).cells_per_second or 0.0 for each in bare]
    return dataclasses.replace(profile, limit=setting.batch / max(rates) if any(rates) else None)


def _first_epoch(suite: Suite) -> Profile:
    with tempfile.TemporaryDirectory(dir=suite.cache, prefix="rows-") as rows:
        runner = dataclasses.replace(suite.runner, rowstore=Path(rows))
        return _profiled(runner, suite.job(DENSE, known()[LOADER], task="epoch"), "dense, first epoch")


def _profiled(runner: Runner, job: Job, name: str) -> Profile:
    with tempfile.TemporaryDirectory(prefix="loaderd-bench-") as folder:
        path = Path(folder) / "profile"
        profiled = dataclasses.replace(runner, arguments=("--cpu-profile", str(path)))
        with profiled.served(job) as (command, variables, served):
            result = work(command, variables, served)
            status = json.loads(tools.run([str(runner.binary), "status", "--json"], _TIMEOUT, variables))
        text = tools.run(["go", "tool", "pprof", "-raw", str(runner.binary), str(path)], _TIMEOUT)
    stages = dict.fromkeys((stage_name for stage_name, _ in STAGES), 0.0)
    for sample in parse(text):
        stages[stage(sample.stack)] += sample.seconds
    rate = result.cells_per_second or 0.0
    client = (result.client_cpu or 0.0) / max(1, result.batches)
    return Profile(name, stages, status["batches"], status["bytes"], job.batch / rate, client)


def table(found: Sequence[Profile]) -> Table:
    """Return one table: a line for each stage, a column for each profile."""

    def line(name: str, values: Iterable[float | None]) -> tuple[str, ...]:
        return name, *("–" if value is None else f"{value * 1e6:,.1f}" for value in values)

    lines = [
        line(f"daemon: {name}", [each.stages[name] / each.batches for each in found])
        for name, _ in STAGES
        if any(each.stages[name] / each.batches > _SEEN for each in found)
    ]
    lines += [
        line("daemon, in all", [sum(each.stages.values()) / each.batches for each in found]),
        line("client", [each.client or None for each in found]),
        line("from batch to batch", [each.wall for each in found]),
        line("the same, bare loop", [each.limit for each in found]),
    ]
    sizes = ("MB of a frame", *(f"{each.size / each.batches / 1e6:.2f}" for each in found))
    return Table(("µs", *(each.name for each in found)), (*lines, sizes))
