"""What peers make of the files before they can load: made once, its time and size kept with it.

``python -m bench.preparation PEER FOLDER SEED PATH…`` makes it, as a process of its own.
"""

from __future__ import annotations

import dataclasses
import json
import resource
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bench import peers
from bench.timing import FOREIGN, CPUClock
from bench.turns import ask

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.turns import Runner

__all__ = ["Preparation", "ensure", "main"]

_ABOUT = "about.json"
_TIMEOUT = 1800.0


@dataclasses.dataclass(frozen=True)
class Preparation:
    """What a peer made.

    Parameters
    ----------
    peer
        Name of its module.
    folder
        Where it is.
    seconds
        How long it took, imports not counted.
    size
        Bytes of all files.
    peak
        Largest resident memory of the process, in MB (10⁶ bytes).
    foreign_cpu
        Cores that other processes kept busy meanwhile.
    versions
        What it was made with.
    pins
        What its packages were pinned to.
    """

    peer: str
    folder: str
    seconds: float
    size: int
    peak: float
    foreign_cpu: float
    versions: dict[str, str]
    pins: str = ""


def ensure(
    peer: str,
    paths: tuple[str, ...],
    root: Path,
    seed: int,
    runner: Runner,
    say: Callable[[str], None] = lambda _: None,
    *,
    timed: bool = False,
) -> Preparation:
    """Return what a peer made of these files, having it made when `root` does not have it yet, or by other pins.

    Parameters
    ----------
    peer
        Name of a module of `bench.peers`, of a peer that prepares.
    paths
        The h5ad files.
    root
        Folder that keeps what is made of these files; made when missing.
    seed
        Of what is shuffled on disk.
    runner
        Knows the peer's interpreter.
    say
        Is told what is being done.
    timed
        Whether its time matters: what was made while other processes were busy is then made again.

    Raises
    ------
    bench.turns.WorkerError
        If it fails.
    """
    folder = root / peer
    about = folder / _ABOUT
    pins = runner.environment.pins(peers.load(peer).requirements)
    if about.exists():
        there = Preparation(**{**json.loads(about.read_text()), "folder": str(folder)})
        if there.pins == pins and not (timed and there.foreign_cpu > FOREIGN):
            return there
    root.mkdir(parents=True, exist_ok=True)
    say(f"{peer} prepares its own files (kept in {folder})")
    command, variables = runner.interpreter(peer)
    with tempfile.TemporaryDirectory(dir=root, prefix="unfinished-") as name:
        made = Path(name) / "made"
        made.mkdir()
        words = [*command, "-m", "bench.preparation", peer, str(made), str(seed), *paths]
        fields = json.loads(ask(words, variables, _TIMEOUT))
        size = sum(path.stat().st_size for path in made.rglob("*") if path.is_file())
        found = Preparation(**fields, folder=str(folder), size=size, pins=pins)
        (made / _ABOUT).write_text(json.dumps(dataclasses.asdict(found), indent=2) + "\n")
        shutil.rmtree(folder, ignore_errors=True)
        made.rename(folder)
    say(f"  {found.seconds:.1f} s, {found.size / 1e6:,.0f} MB, at most {found.peak:,.0f} MB of memory")
    return found


def main() -> None:
    """Prepare; print what it took as one line of JSON."""
    name, folder, seed, *paths = sys.argv[1:]
    peer = peers.load(name)
    for module in peer.modules:
        __import__(module)
    clock = CPUClock([])
    started, used = time.perf_counter(), _used()
    peer.prepare(tuple(paths), Path(folder), int(seed))
    seconds = time.perf_counter() - started
    foreign = max(0.0, clock.foreign() - (_used() - used) / seconds)
    peak = sum(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    found = {"peer": name, "seconds": seconds, "peak": peak * 1024 / 1e6, "foreign_cpu": foreign}
    print(json.dumps({**found, "versions": peer.versions()}))


def _used() -> float:
    """Seconds of processors of this process and of the children that have ended."""
    total = 0.0
    for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
        usage = resource.getrusage(who)
        total += usage.ru_utime + usage.ru_stime
    return total


if __name__ == "__main__":
    main()
