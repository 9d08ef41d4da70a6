"""The measurements of the table, part by part; what they find goes into records."""

from __future__ import annotations

import dataclasses
import functools
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from bench import data, half, larger, peers, preparation, soak, tools
from bench.daemon import DaemonError
from bench.job import Job, Result
from bench.settings import DENSE, EPOCHS, GROUPS, LOADER, known, of_name, pairs
from bench.turns import WorkerError, ask, work

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench.data import Collection, Values
    from bench.job import Case, Task
    from bench.options import Options
    from bench.records import Records
    from bench.settings import Setting
    from bench.turns import Runner

__all__ = ["PARTS", "QUICK", "Suite"]

_CONSUMERS = 4
_EPOCH_SECONDS = 120.0  # the most that a first epoch may take; what is left of it is scaled
_COSTS_SECONDS = 120.0  # the most that measuring the client may take
_SHORT = 0.5  # seconds of a run that is only there to fill something


class Suite:
    """Measures; each part is a method.

    Parameters
    ----------
    options
        Sizes, lengths, places.
    runner
        Starts workers.
    cases
        What is measured.
    records
        Get what is found.
    say
        Is told what is being done.
    """

    def __init__(
        self, options: Options, runner: Runner, cases: Sequence[Case], records: Records, say: Callable[[str], None]
    ) -> None:
        self.options = options
        self.runner = runner
        self.cases = cases
        self.records = records
        self.say = say

    def run(self, part: str) -> None:
        """Measure one of `PARTS`."""
        self.say(f"--- {part}: {PARTS[part][0]}")
        PARTS[part][1](self)

    # Parts.

    def limits(self) -> None:
        """Measure the machine."""
        window = str(max(0.3, self.options.seconds / 5))
        collection = self.collection("counts")
        collection.warm()
        files = [str(path) for path in collection.paths]
        for words in (["memcpy", window], ["read", window, *files], ["random", window, "4096", *files]):
            for limit in tools.limits(self.tools, words):
                self.note(limit)
        for threads in (1, 2):
            rate = tools.inflate(self.tools, collection.paths[0], threads)
            name = f"gzip decoded by loaderd's own reader, {threads} thread{'s' if threads > 1 else ''}"
            self.note({"name": name, "value": rate / 1e6, "unit": "MB/s out"})

    def group(self, name: str) -> None:
        """Measure the settings of a group, all cases of all of them in turn."""
        self.rates(GROUPS[name])

    def rates(self, settings: Sequence[Setting]) -> None:
        """Measure rates: every case once, then every case again."""
        measured = pairs(settings, self.cases)
        for values in {setting.values for setting in settings}:
            self.collection(values).warm()
        for run in range(self.options.runs):
            for number, (setting, case) in enumerate(measured):
                result = self._result(case, functools.partial(self._rate, setting, case))
                self.keep("rate", setting.name, result, f"{run + 1}.{number + 1}/{len(measured)}")

    def client(self) -> None:
        """Measure what a batch that is ready costs the trainer."""
        job = self.job(DENSE, known()[LOADER])
        for _ in range(self.options.runs):
            with self.runner.served(job) as (command, variables, served):
                answer = ask([*command, "-m", "bench.clientcost", served.dumps()], variables, _COSTS_SECONDS)
            for cost in json.loads(answer):
                self.records.add("client", cost["format"], cost)
                self.say(f"  client, {cost['format']}, {cost['queued']} queued: {cost['warm']:.1f} µs a batch")

    def consumers(self) -> None:
        """Measure one consumer and several at once, by turns."""
        case = known()[LOADER]
        for _ in range(self.options.runs):
            for setting in (DENSE, of_name("csr")):
                for count in (1, _CONSUMERS):
                    result = self.runner.run(self.job(setting, case), "bench.consumers", [str(count)])
                    self.keep(f"consumers {count}", setting.name, result)

    def epoch(self) -> None:
        """Measure the first epoch, from files as they are; peers that prepare get theirs made before, with its time."""
        collection = self.collection("counts")
        collection.warm()
        for setting, case in pairs(EPOCHS, self.cases):
            for _ in range(self.options.runs if case.role == "loaderd" else 1):
                result = self._result(case, functools.partial(self._first_epoch, setting, case))
                self.keep("epoch", setting.name, result)

    def first(self) -> None:
        """Measure the first batch, from cold files by a new daemon, and from a daemon that has served them."""
        case = known()[LOADER]
        collection = self.collection("counts")
        for _ in range(self.options.runs):
            with tempfile.TemporaryDirectory(dir=self.cache, prefix="rows-") as rows:
                runner = dataclasses.replace(self.runner, rowstore=Path(rows))
                collection.evict()
                self.keep("first", "cold", runner.run(self.job(DENSE, case, task="first")))
            collection.warm()
            self.keep("first", "warm", self._warm_first(case))

    def memory(self) -> None:
        """Watch the daemon's memory over some epochs."""
        case = known()[LOADER]
        for setting in (DENSE, of_name("csr")):
            found = soak.watch(self.runner, self.job(setting, case), self.options.epochs)
            for epoch in found:
                self.records.add("soak", setting.name, dataclasses.asdict(epoch))
            self.say(f"  {setting.name}: {soak.verdict(found)[1]}")

    def larger(self) -> None:
        """Measure ten times the cells, with memory for a part of their rows."""
        larger.measure(self)

    def half(self) -> None:
        """Measure a row store that has room for half of the rows."""
        half.measure(self)

    # What parts share.

    @functools.cached_property
    def tools(self) -> Path:
        """The folder of the harness's own programs, built now if they were not."""
        return tools.build(self.cache / "bin")

    @property
    def cache(self) -> Path:
        """The folder that keeps everything."""
        return self.options.cache

    def collection(self, values: Values) -> Collection:
        """Return the data with such values, making it when it is not there."""
        spec = dataclasses.replace(self.options.data(), values=values)
        return data.ensure(spec, self.cache / "bench-data", self.say)

    def job(
        self,
        setting: Setting,
        case: Case,
        *,
        task: Task = "rate",
        fill: bool = False,
        collection: Collection | None = None,
    ) -> Job:
        """Return the job of a case in a setting.

        Raises
        ------
        bench.turns.WorkerError
            If what the case reads could not be made.
        """
        collection = collection or self.collection(setting.values)
        paths = tuple(str(path.resolve()) for path in collection.paths)
        by = peers.load(case.peer).prepared_by
        return Job(
            case=case,
            paths=paths,
            rows=str(collection.rows.resolve()),
            batch=setting.batch,
            format=setting.format,
            seconds=_EPOCH_SECONDS if task == "epoch" else self.options.seconds,
            warm_up=self.options.warm_up,
            seed=self.options.seed,
            task=task,
            panel=setting.panel,
            fill=fill,
            prepared=None if by is None else self.prepared(by, collection, paths).folder,
            tools=str(self.tools) if case.role == "limit" else "",
        )

    def prepared(
        self, peer: str, collection: Collection, paths: tuple[str, ...], *, timed: bool = False
    ) -> preparation.Preparation:
        """Return what a peer made of a collection, having it made when it is not there."""
        missing = self.runner.missing(peer)
        if missing is not None:
            raise WorkerError(missing)
        root = self.cache / "bench-prepared" / collection.folder.name
        return preparation.ensure(peer, paths, root, self.options.seed, self.runner, self.say, timed=timed)

    def note(self, limit: dict[str, float | str]) -> None:
        """Keep a limit of the machine."""
        self.records.add("limit", "", limit)
        self.say(f"  {limit['name']}: {limit['value']:,.4g} {limit['unit']}")

    def _result(self, case: Case, run: Callable[[], Result]) -> Result:
        try:
            return run()
        except (WorkerError, DaemonError) as error:
            return Result(case.name, error=str(error))

    def keep(self, kind: str, setting: str, result: Result, where: str = "") -> None:
        """Keep what a run found, and say it."""
        self.records.add_result(kind, setting, result)
        if result.error is not None:
            said = result.error
        elif kind == "epoch":
            said = f"{result.epoch_seconds:,.2f} s"
        elif result.cells_per_second is not None:
            said = f"{result.cells_per_second:,.0f} cells/s"
        else:
            said = f"{(result.open_seconds or 0) + (result.first_batch_seconds or 0):.3f} s"
        self.say(f"  {where + ' ' if where else ''}{result.case}, {kind}, {setting}: {said}")

    def _rate(self, setting: Setting, case: Case) -> Result:
        return self.runner.run(self.job(setting, case, fill=case.role == "loaderd"))

    def _first_epoch(self, setting: Setting, case: Case) -> Result:
        by = peers.load(case.peer).prepared_by
        if by is not None:
            self.records.add("prepared", case.name, dataclasses.asdict(self._timed(by, setting.values)))
        with tempfile.TemporaryDirectory(dir=self.cache, prefix="rows-") as rows:
            runner = dataclasses.replace(self.runner, rowstore=Path(rows))
            return runner.run(self.job(setting, case, task="epoch"))

    @functools.cache  # noqa: B019 - a suite lives as long as the process
    def _timed(self, peer: str, values: Values) -> preparation.Preparation:
        """Return what a peer prepared, made again, once, when its time was that of a busy machine."""
        collection = self.collection(values)
        paths = tuple(str(path.resolve()) for path in collection.paths)
        return self.prepared(peer, collection, paths, timed=True)

    def _warm_first(self, case: Case) -> Result:
        """Take the first batch of a client at a daemon that has served another one before."""
        fill = dataclasses.replace(self.job(DENSE, case, fill=True), seconds=_SHORT, warm_up=0.0)
        first = self.job(DENSE, case, task="first")

        def run() -> Result:
            with self.runner.served(fill) as (command, variables, served):
                work(command, variables, served)
                return work(command, variables, dataclasses.replace(first, daemon=served.daemon))

        return self._result(case, run)


def _group(name: str) -> Callable[[Suite], None]:
    return lambda suite: suite.group(name)


#: What can be measured, in the order in which it is: a sentence, and how.
PARTS: dict[str, tuple[str, Callable[[Suite], None]]] = {
    "limits": ("what the machine can do at most", Suite.limits),
    "dense": ("dense batches of 128; log-normalised; a panel of genes", _group("dense")),
    "csr": ("CSR batches of 128; log-normalised", _group("csr")),
    "4096": ("batches of 4096", _group("4096")),
    "client": ("what a batch costs the trainer", Suite.client),
    "consumers": (f"{_CONSUMERS} trainers at once", Suite.consumers),
    "first": ("the first batch, from cold and from a daemon that is warm", Suite.first),
    "epoch": ("the first epoch, nothing prepared", Suite.epoch),
    "memory": ("the daemon's memory over epochs", Suite.memory),
    "half": ("room for half of the rows in the row store", Suite.half),
    "larger": ("ten times the cells, more rows than the page cache may hold", Suite.larger),
}

#: The parts of a quick run.
QUICK = ("limits", "dense", "csr", "client", "first")
