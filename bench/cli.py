"""The harness: make the data, run the workers, print and keep what they found."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from typing import TYPE_CHECKING, Any

from bench import clientcost, data, machine, opening, page, peers, report, soak
from bench.daemon import Daemon, DaemonError
from bench.environment import BenchEnvironment, EnvironmentSetupError
from bench.job import Case, Job, Result
from bench.options import choose, parse
from bench.peers import Interpreter
from bench.peers._dataloader import versions as peer_versions
from bench.turns import ROOT, Runner, WorkerError, ask

if TYPE_CHECKING:
    from bench.options import Options

__all__ = ["main"]

_PAGE = ROOT / "bench" / "RESULTS.md"


def main(arguments: list[str] | None = None) -> int:
    """Run the harness; return 0 if everything asked for was measured."""
    options = parse(sys.argv[1:] if arguments is None else arguments)
    try:
        if options.mode in opening.CASES:
            return _open(options, opening.CASES[options.mode])
        collection = data.ensure(options.data(), options.cache / "bench-data", _say)
        if options.mode == "data":
            _say(f"{collection.size() / 1e6:,.0f} MB in {len(collection.paths)} files: {collection.folder}")
            return 0
        size = f"{options.files} files, {collection.size() / 1e6:,.0f} MB"
        _say(f"{options.cells:,} cells × {options.genes:,} genes, {size}")
        collection.warm()
        if options.mode == "soak":
            return _soak(options, collection)
        if options.mode == "client":
            return _client(options, collection)
        return _compare(options, collection)
    except (EnvironmentSetupError, WorkerError, DaemonError) as error:
        _say(f"bench: {error}")
        return 1
    except KeyboardInterrupt:
        return 130


def _compare(options: Options, collection: data.Collection) -> int:
    cases = choose(options.only)
    runner = _runner(options, cases)
    results = []
    for number, result in enumerate(runner.turns(cases, options.runs, lambda case: _job(options, collection, case))):
        results.append(result)
        _keep(options, dataclasses.asdict(result))
        _say(f"  [{number + 1}/{len(cases) * options.runs}] {_in_words(result)}")
    rows = report.rows(results)
    said = [*report.comparison(rows), *report.notes(rows)]
    print(report.table(rows))
    print(*said, sep="\n")
    if options.write:
        versions = {name: number for result in results for name, number in result.versions.items()}
        body = [report.markdown(rows), "\n".join(f"- {line}" for line in said)]
        _write(options, collection, "Comparison", body, versions)
    return 1 if any(row.errors for row in rows) else 0


def _soak(options: Options, collection: data.Collection) -> int:
    case = next(case for case in peers.cases() if case.name == soak.CASE)
    runner = _runner(options, [case])
    with runner.served(_job(options, collection, case)) as (command, variables, job):
        # An epoch of 100,000 cells takes seconds; a minute each means that something hangs.
        timeout = 120 + 60 * options.epochs * max(1.0, options.cells / 100_000)
        answer = ask([*command, "-m", "bench.soak", job.dumps(), str(options.epochs)], variables, timeout)
    epochs = [soak.Epoch(**fields) for fields in json.loads(answer)]
    for epoch in epochs:
        _keep(options, {"soak": dataclasses.asdict(epoch)})
    good, sentence = soak.verdict(epochs)
    print(soak.table(epochs))
    print(sentence)
    if options.write:
        _write(options, collection, "Soak", [soak.markdown(epochs), f"- {sentence}"], {})
    return 0 if good else 1


def _client(options: Options, collection: data.Collection) -> int:
    with Daemon(options.binary.resolve()) as daemon:
        os.environ.update(daemon.variables)
        import loaderd

        found = []
        paths = [str(path.resolve()) for path in collection.paths]
        with loaderd.mapped(paths, obs_keys=["cell_type"], join="inner") as dataset:
            for form, queued in clientcost.CASES:
                with clientcost.record(dataset, form, options.batch, options.seed) as recording:
                    found.append(clientcost.cost(recording, queued))
                _keep(options, {"client": dataclasses.asdict(found[-1])})
        versions = {"loaderd": loaderd.__version__, **peer_versions()}
    said = clientcost.lines(found)
    print(clientcost.table(found))
    print(*(sentence for _, sentence in said), sep="\n")
    if options.write:
        body = [clientcost.markdown(found), "\n".join(f"- {sentence}" for _, sentence in said)]
        _write(options, collection, "The client", body, versions)
    return 0 if all(good for good, _ in said) else 1


def _open(options: Options, case: opening.Case) -> int:
    files = data.ensure_many(case.spec, options.cache / "bench-data", _say)
    _say(f"{case.spec.files} files of {case.spec.cells:,} cells, {files.size() / 1e6:,.0f} MB")
    found = []
    for each in opening.turns(case, files, options.binary.resolve(), options.runs):
        found.append(each)
        _keep(options, {case.name: dataclasses.asdict(each)})
        _say(f"  {each.state}: {each.open:.3f} s")
    said = opening.lines(case, found)
    print(opening.table(case, found))
    print(*(sentence for _, sentence in said), sep="\n")
    if options.write:
        spec = case.spec
        facts = {
            "data": f"{spec.files} files × {spec.cells:,} cells × {spec.genes:,} genes, {spec.lists} gene lists, "
            f"{spec.values} values a cell, {files.size() / 1e6:,.0f} MB",
            "opened with": ", ".join(f"{name}={value}" for name, value in case.options.items()),
            **machine.describe(files.folder),
        }
        body = [opening.markdown(case, found), "\n".join(f"- {sentence}" for _, sentence in said)]
        _section(options, case.name, f"Opening: {case.name}", facts, body)
    return 0 if all(good for good, _ in said) else 1


def _runner(options: Options, cases: list[Case]) -> Runner:
    environment = BenchEnvironment(options.cache.resolve() / "bench-venv")
    if any(peers.load(case.peer).interpreter is Interpreter.BENCH for case in cases):
        environment.ensure(_say)
    return Runner(environment, options.binary.resolve())


def _job(options: Options, collection: data.Collection, case: Case) -> Job:
    return Job(
        case=case,
        paths=tuple(str(path.resolve()) for path in collection.paths),
        rows=str(collection.rows.resolve()),
        batch=options.batch,
        format="csr" if options.format == "csr" else "dense",
        seconds=options.seconds,
        warm_up=options.warm_up,
        seed=options.seed,
    )


def _in_words(result: Result) -> str:
    if result.cells_per_second is None:
        return f"{result.case}: {result.error}"
    return f"{result.case}: {result.cells_per_second:,.0f} cells/s"


def _keep(options: Options, found: dict[str, Any]) -> None:
    if options.json is not None:
        spec = options.data().as_dict()
        line = {**found, "data": spec, "batch": options.batch, "format": options.format, "load": machine.load_average()}
        options.json.parent.mkdir(parents=True, exist_ok=True)
        with options.json.open("a") as file:
            print(json.dumps(line), file=file)


def _write(
    options: Options,
    collection: data.Collection,
    title: str,
    body: list[str],
    versions: dict[str, str],
) -> None:
    spec = options.data()
    lists = "one gene list" if spec.differ == 0 else f"gene lists that lack {spec.differ:.0%} of all genes each"
    facts = {
        "data": f"{spec.cells:,} cells × {spec.genes:,} genes, {spec.files} files, {lists}, "
        f"compression {spec.compression}, {collection.size() / 1e6:,.0f} MB",
        "batch": f"{options.batch}, {options.format}, exact shuffle",
        **machine.describe(collection.folder),
    }
    if versions:
        facts["versions"] = ", ".join(f"{name} {number}" for name, number in sorted(versions.items()))
    name = f"{title.lower()} {options.format} {spec.compression}"
    _section(options, name, f"{title}: {options.format}, {spec.compression}", facts, body)


def _section(options: Options, name: str, title: str, facts: dict[str, str], body: list[str]) -> None:
    head = [f"## {title}", f"`{options.command()}`"]
    head.append("\n".join(f"- {fact}: {value}" for fact, value in facts.items()))
    page.update(_PAGE, name, "\n\n".join([*head, *filter(None, body)]))
    _say(f"wrote {_PAGE.relative_to(ROOT)}")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
