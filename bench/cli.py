"""The harness: make the data, run the workers, print and keep what they found."""

from __future__ import annotations

import dataclasses
import sys
import time
from typing import TYPE_CHECKING

from bench import against, data, machine, opening, page, profiling, results, soak
from bench.daemon import DaemonError
from bench.environment import BenchEnvironment, EnvironmentSetupError
from bench.options import choose, parse
from bench.records import Records
from bench.settings import LOADER, Setting, known, of_name
from bench.suite import PARTS, Suite
from bench.turns import ROOT, Runner, WorkerError

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.options import Options
    from bench.tables import Table

__all__ = ["main"]

_PAGE = ROOT / "bench" / "RESULTS.md"


def main(arguments: list[str] | None = None) -> int:
    """Run the harness; return 0 if everything of loaderd that was asked for was measured."""
    options = parse(sys.argv[1:] if arguments is None else arguments)
    modes: dict[str, Callable[[Options], int]] = {
        "table": _table,
        "quick": _table,
        "client": _table,
        "compare": _compare,
        "against": _against,
        "profile": _profile,
        "soak": _soak,
        "open": _open,
        "scale": _open,
        "page": _show,
        "data": _data,
    }
    try:
        return modes[options.mode](options)
    except (EnvironmentSetupError, WorkerError, DaemonError) as error:
        _say(f"bench: {error}")
        return 1
    except KeyboardInterrupt:
        return 130


def _table(options: Options) -> int:
    suite = _suite(options, install=options.mode == "table")
    for part in options.part:
        began = time.monotonic()
        try:
            suite.run(part)
        except (WorkerError, DaemonError) as error:  # a part that fails must not take the others with it
            _say(f"{part}: {error}")
            suite.records.add("failed", part, {"error": str(error)})
        suite.records.add("took", part, {"seconds": time.monotonic() - began})
    return _finish(options, suite.records)


def _compare(options: Options) -> int:
    suite = _suite(options)
    name = f"{options.format}, {options.batch}, {options.values}"
    suite.rates([Setting(name, options.format, options.batch, options.values)])
    return _finish(options, suite.records)


def _finish(options: Options, records: Records) -> int:
    print(results.in_words(records))
    if options.write:
        _say(f"wrote {', '.join(results.write(records))}")
    ours = [record for kind in ("rate", "epoch", "first") for record in records.of(kind)]
    cases = known()
    failed = any(each.fields["error"] and cases[each.fields["case"]].role == "loaderd" for each in ours)
    return 1 if failed or records.of("failed") else 0


def _show(options: Options) -> int:
    if options.json is None or not options.json.exists():
        _say(f"bench: there is no file {options.json}")
        return 1
    return _finish(options, Records.read(options.json))


def _against(options: Options) -> int:
    records = _records(options)
    found = against.measure(options, _runner(options, install=False), records, _say)
    print(found.text())
    return 0 if found.rows else 1


def _profile(options: Options) -> int:
    suite = _suite(options, install=False)
    found = profiling.measure(suite)
    print(found)
    if options.write:
        facts = suite.records.of("run")[0].fields["facts"]
        _section(options, "profile", "Where the time of a batch goes", facts, [found])
    return 0


def _soak(options: Options) -> int:
    suite = _suite(options, install=False)
    setting = of_name(options.format)
    found = soak.watch(suite.runner, suite.job(setting, known()[LOADER]), options.epochs)
    for epoch in found:
        suite.records.add("soak", setting.name, dataclasses.asdict(epoch))
    good, sentence = soak.verdict(found)
    print(soak.table(found).text())
    print(sentence)
    if options.write:
        facts = suite.records.of("run")[0].fields["facts"]
        _section(options, "soak", f"Soak: {setting.name}", facts, [soak.table(found).markdown(), f"- {sentence}"])
    return 0 if good else 1


def _open(options: Options) -> int:
    case = opening.CASES[options.mode]
    files = data.ensure_many(case.spec, options.cache / "bench-data", _say)
    _say(f"{case.spec.files} files of {case.spec.cells:,} cells, {files.size() / 1e6:,.0f} MB")
    records = Records(options.json)
    found = []
    for each in opening.turns(case, files, options.binary.resolve(), options.runs):
        found.append(each)
        records.add("opening", case.name, dataclasses.asdict(each))
        _say(f"  {each.state}: {each.open:.3f} s")
    said = opening.lines(case, found)
    table: Table = opening.table(case, found)
    print(table.text())
    print(*(sentence for _, sentence in said), sep="\n")
    if options.write:
        spec = case.spec
        facts = {
            "data": f"{spec.files} files × {spec.cells:,} cells × {spec.genes:,} genes, {spec.lists} gene lists, "
            f"{spec.values} values a cell, {files.size() / 1e6:,.0f} MB",
            "opened with": ", ".join(f"{name}={value}" for name, value in case.options.items()),
            **machine.describe(files.folder),
        }
        body = [table.markdown(), "\n".join(f"- {sentence}" for _, sentence in said)]
        _section(options, case.name, f"Opening: {case.name}", facts, body)
    return 0 if all(good for good, _ in said) else 1


def _data(options: Options) -> int:
    collection = data.ensure(options.data(), options.cache / "bench-data", _say)
    _say(f"{collection.size() / 1e6:,.0f} MB in {len(collection.paths)} files: {collection.folder}")
    return 0


def _suite(options: Options, *, install: bool = True) -> Suite:
    records = _records(options)
    cases = choose(options.only)
    if options.mode == "quick":
        slow = [case.name for case in cases if not case.quick]
        parts = [part for part in PARTS if part not in options.part]
        _say(f"left out, as this is quick: {'; '.join(slow)}; the parts {', '.join(parts)}")
        cases = [case for case in cases if case.quick]
    return Suite(options, _runner(options, install=install), cases, records, _say)


def _records(options: Options) -> Records:
    """Begin the records with what is measured, where, and by which command."""
    collection = data.ensure(options.data(), options.cache / "bench-data", _say)
    spec = options.data()
    lists = "one gene list" if spec.differ == 0 else f"gene lists that lack {spec.differ:.0%} of all genes each"
    facts = {
        "data": f"{spec.cells:,} cells × {spec.genes:,} genes, {spec.files} files, {lists}, "
        f"compression {spec.compression}, {collection.size() / 1e6:,.0f} MB",
        "runs": f"{options.runs} of each case, {options.seconds:g} s after {options.warm_up:g} s, by turns",
        **machine.describe(collection.folder),
    }
    records = Records(options.json or options.cache / "bench-runs" / f"{options.mode}.jsonl")
    records.add("run", "", {"mode": options.mode, "command": options.command(), "facts": facts})
    return records


def _runner(options: Options, *, install: bool = True) -> Runner:
    environment = BenchEnvironment(options.cache.resolve() / "bench-peers")
    if install:
        try:
            environment.ensure(_say)
        except EnvironmentSetupError as error:  # loaderd can be measured without peers; their lines tell the rest
            _say(f"bench: {error}")
    return Runner(environment, options.binary.resolve(), options.cache / "bench-rows")


def _section(options: Options, name: str, title: str, facts: dict[str, str], body: list[str]) -> None:
    head = [f"## {title}", f"`{options.command()}`"]
    head.append("\n".join(f"- {fact}: {value}" for fact, value in facts.items()))
    page.update(_PAGE, name, "\n\n".join([*head, *filter(None, body)]))
    _say(f"wrote {_PAGE.relative_to(ROOT)}")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
