"""How long opening many files takes, and what it costs in memory: ``bench open`` and ``bench scale``."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import json
import os
import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.daemon import Daemon
from bench.manyspec import ManySpec, expected_sum
from bench.memory import process_memory
from bench.tables import Table
from bench.timing import CPUClock
from bench.turns import ask

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bench.data import ManyFiles

__all__ = ["CASES", "STATES", "Case", "Opening", "lines", "main", "table", "turns"]


@dataclasses.dataclass(frozen=True)
class Case:
    """What is opened, and what is wanted of it.

    Parameters
    ----------
    name
        The mode of the harness.
    spec
        The files.
    options
        Of ``loaderd.mapped``.
    cold, warm
        Seconds that opening may take: nothing is in memory; the daemon has the collection open.
    first_batch
        Seconds that the first batch may take, or None.
    daemon
        Bytes a cell that the daemon may take beyond those of no file, or None.
    client
        MB (10⁶ bytes) that the client may take in all, or None.
    """

    name: str
    spec: ManySpec
    options: dict[str, Any]
    cold: float
    warm: float
    first_batch: float | None = None
    daemon: float | None = None
    client: float | None = None


CASES = {
    case.name: case
    for case in (
        Case(
            "open",
            ManySpec(files=200, cells=5_000, values=50, rich=True),
            {
                "layers_keys": ["X", "counts"],
                "obs_keys": ["cell_type", "donor", "sample", "n_counts", "n_genes", "is_primary"],
                "obsm_keys": ["X_pca"],
                "encode_labels": ["cell_type", "donor", "sample"],
            },
            cold=3,
            warm=0.3,
        ),
        Case(
            "scale",
            ManySpec(files=500, cells=100_000),
            {"obs_keys": ["cell_type", "donor"]},
            cold=10,
            warm=1,
            first_batch=1,
            daemon=12,
            client=100,
        ),
    )
}


@dataclasses.dataclass(frozen=True)
class Opening:
    """One opening by one client process. Times are in seconds, memory in MB (10⁶ bytes).

    Parameters
    ----------
    state
        What was there before: ``"cold"``, ``"in page cache"`` or ``"in daemon"``.
    open
        What the call of ``loaderd.mapped`` and then every attribute that is not per cell took, pandas being imported.
    mapped
        The part of the call alone.
    first_batch
        From the call of ``loader`` to its first batch, dense and shuffled; before the attributes.
    daemon
        The daemon's own memory (heap, stacks) after the attributes, less what it took before.
    peak
        The largest that the daemon's resident memory has been so far.
    client
        The client's memory after the first batch, the interpreter and numpy included, rings not.
    with_pandas
        The same after the attributes, some of which import pandas.
    foreign
        Cores that other processes kept busy meanwhile.
    """

    state: str
    open: float
    mapped: float
    first_batch: float
    daemon: float
    peak: float
    client: float
    with_pandas: float
    foreign: float


STATES = ("cold", "in page cache", "in daemon")
"""What may be there before: nothing; the files' pages; the open collection, of another client."""

_TIMEOUT = 300.0  # seconds for one opening

ATTRIBUTES = (
    "shape",
    "n_obs",
    "n_vars",
    "n_obs_list",
    "n_vars_list",
    "original_shapes",
    "var_joint",
    "var_list",
    "join_vars",
    "encoders",
    "layers_keys",
    "obs_keys",
    "obsm_keys",
    "path_list",
)
"""What is asked for after opening; all but what has an entry for each cell."""


def turns(case: Case, files: ManyFiles, binary: Path, runs: int) -> Iterator[Opening]:
    """Open in each state by turns, each time with a fresh client."""
    for _ in range(runs):
        files.evict()
        with Daemon(binary) as daemon:
            empty = process_memory(daemon.pid).own
            for state in ("cold", "in daemon"):
                yield _in_a_process(case, files, daemon, empty, state)
        with Daemon(binary) as daemon:
            yield _in_a_process(case, files, daemon, process_memory(daemon.pid).own, "in page cache")


def _in_a_process(case: Case, files: ManyFiles, daemon: Daemon, empty: float, state: str) -> Opening:
    job = {"case": case.name, "folder": str(files.folder), "daemon": daemon.pid, "empty": empty, "state": state}
    answer = ask([sys.executable, "-m", "bench.opening", json.dumps(job)], daemon.variables, _TIMEOUT)
    return Opening(**json.loads(answer))


def measure(case: Case, paths: str, daemon: int, empty: float, state: str) -> Opening:
    """Open the files, ask for the attributes, take and check one batch. ``empty`` is the daemon's memory before."""
    import loaderd

    clock = CPUClock([os.getpid(), daemon])
    started = time.perf_counter()
    with loaderd.mapped(paths, **case.options) as mapped:
        opened = time.perf_counter()
        batch = next(iter(mapped.loader(batch_size=128, shuffle=True, seed=1, to="numpy")))
        first = time.perf_counter()
        client = _client()
        _check(case.spec, batch, mapped.encoders["cell_type"])
        importlib.import_module("pandas")  # some attributes need it; imports are not what is measured
        called = time.perf_counter()
        for name in ATTRIBUTES:
            getattr(mapped, name)
        asked = time.perf_counter()
        return Opening(
            state,
            open=opened - started + asked - called,
            mapped=opened - started,
            first_batch=first - opened,
            daemon=process_memory(daemon).own - empty,
            peak=_peak(daemon),
            client=client,
            with_pandas=_client(),
            foreign=clock.foreign(),
        )


def _client() -> float:
    memory = process_memory(os.getpid())
    return memory.own + memory.mapped


def _check(spec: ManySpec, batch: Any, encoder: dict[str, int]) -> None:
    if sorted(encoder.values()) != list(range(len(encoder))):
        raise AssertionError(f"the codes of cell_type are {sorted(encoder.values())}")
    found = np.asarray(batch["X"]).sum(axis=1)
    wanted = expected_sum(spec, np.asarray(batch["cell_type"]), np.asarray(batch["_store_idx"]))
    if not np.array_equal(found, wanted):
        raise AssertionError(f"rows sum to {found[:5]}…, and those of the files to {wanted[:5]}…")


def _peak(pid: int) -> float:
    with open(f"/proc/{pid}/status") as status:
        for line in status:
            if line.startswith("VmHWM"):
                return int(line.split()[1]) * 1024 / 1e6
    raise ValueError("/proc/PID/status has no VmHWM")


_HEAD = (
    "before",
    "open s",
    "of it mapped() s",
    "first batch s",
    "daemon MB",
    "bytes a cell",
    "peak MB",
    "client MB",
    "with pandas MB",
    "runs",
)


def table(case: Case, found: list[Opening]) -> Table:
    """Return the medians of the runs."""
    return Table(_HEAD, tuple(_row(case, state, found) for state in STATES if any(o.state == state for o in found)))


def _row(case: Case, state: str, found: list[Opening]) -> tuple[str, ...]:
    runs = [opening for opening in found if opening.state == state]

    def middle(field: str) -> float:
        return float(np.median([getattr(opening, field) for opening in runs]))

    return (
        state,
        *(f"{middle(field):.3f}" for field in ("open", "mapped", "first_batch")),
        f"{middle('daemon'):,.1f}",
        f"{middle('daemon') * 1e6 / (case.spec.files * case.spec.cells):.2f}",
        f"{middle('peak'):,.0f}",
        f"{middle('client'):,.1f}",
        f"{middle('with_pandas'):,.1f}",
        str(len(runs)),
    )


def lines(case: Case, found: list[Opening]) -> list[tuple[bool, str]]:
    """Compare the medians with what is wanted: whether each holds, and in words."""
    cells = case.spec.files * case.spec.cells

    def middle(state: str, field: str) -> float:
        return float(np.median([getattr(opening, field) for opening in found if opening.state == state]))

    wanted = [
        ("open, cold", middle("cold", "open"), case.cold, "s"),
        ("open, in daemon", middle("in daemon", "open"), case.warm, "s"),
        ("first batch, cold", middle("cold", "first_batch"), case.first_batch, "s"),
        ("daemon", middle("cold", "daemon") * 1e6 / cells, case.daemon, "bytes a cell"),
        ("client", middle("cold", "client"), case.client, "MB"),
    ]
    said = [
        (value <= most, f"{what}: {value:.2f} {unit} (wanted: {most:g} or less)")
        for what, value, most, unit in wanted
        if most is not None
    ]
    foreign = max(opening.foreign for opening in found)
    return [*said, (True, f"cores that other processes kept busy: {foreign:.2f} at most")]


def main() -> None:
    """Open as a worker: ``python -m bench.opening JOB`` prints an opening as JSON."""
    job = json.loads(sys.argv[1])
    case = CASES[job["case"]]
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    with contextlib.closing(answer):
        opening = measure(case, job["folder"] + "/*.h5ad", job["daemon"], job["empty"], job["state"])
        print(json.dumps(dataclasses.asdict(opening)), file=answer)


if __name__ == "__main__":
    main()
