"""``python -m bench.readers``: make the files, build the reader, run all cases in turn, print what they found."""

from __future__ import annotations

import argparse
import fnmatch
import statistics
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bench import machine, page
from bench.readers import inputs, runs
from bench.readers.cases import CASES, Answer, verdicts
from bench.turns import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PAGE = ROOT / "bench" / "RESULTS.md"


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; return 0 if everything wanted was reached."""
    options = _parse(arguments)
    folder: Path = options.cache / "bench-data"
    folder.mkdir(parents=True, exist_ok=True)
    chosen = [case for case in CASES if not options.only or any(_fits(case.name, each) for each in options.only)]
    if not chosen:
        names = "; ".join(case.name for case in CASES)
        print(f"bench: no case fits {options.only}; there are: {names}", file=sys.stderr)
        return 2
    try:
        files = inputs.ensure(options.cells, folder, _say)
        commands = runs.build(options.cache)
        chosen = [case for case in chosen if case.reader in {*commands, *_PEERS}]
        found: dict[str, list[Answer]] = {case.name: [] for case in chosen}
        for number in range(options.runs):
            for case in chosen:
                answer = runs.run(case, files[case.input], commands)
                found[case.name].append(answer)
                _say(f"  [{number + 1}/{options.runs}] {case.name}: {answer.seconds:.3f} s, {answer.peak:.0f} MB")
        _compare(found)
    except runs.RunError as error:
        _say(f"bench: {error}")
        return 1
    said = verdicts(found)
    lines = [f"{'reached' if good else 'NOT REACHED'}: {sentence}" for good, sentence in said]
    print(_table(found), *lines, sep="\n")
    if options.write:
        _write(options, folder, found, lines)
    return 0 if all(good for good, _ in said) else 1


_PEERS = ("h5py", "zarr-python")


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.readers", description=__doc__)
    parser.add_argument("--cells", type=int, default=20_000, help="cells of the matrix, of 20,000 genes (20,000)")
    parser.add_argument("--runs", type=int, default=5, help="runs of each case; the table has medians (5)")
    parser.add_argument(
        "--only", action="append", default=[], metavar="PATTERN", help="only cases with this in the name"
    )
    parser.add_argument("--cache", type=Path, default=ROOT / ".cache", help="folder for data and programs")
    parser.add_argument("--write", action="store_true", help="put the table into bench/RESULTS.md")
    options = parser.parse_args(arguments)
    for name in ("cells", "runs"):
        if getattr(options, name) < 1:
            parser.error(f"--{name} is {getattr(options, name)}; it must be 1 or more")
    return options


def _fits(name: str, pattern: str) -> bool:
    return pattern in name or fnmatch.fnmatch(name, pattern)


def _compare(found: Mapping[str, Sequence[Answer]]) -> None:
    """Refuse numbers of readers that do not read the same.

    Raises
    ------
    runs.RunError
        If two of them differ.
    """
    sums: dict[str, tuple[str, tuple[int, ...]]] = {}
    for case in CASES:
        for answer in found.get(case.name, ()) if case.mode == "whole" else ():
            first, crc32 = sums.setdefault(case.input, (case.name, answer.crc32))
            if answer.crc32 != crc32:
                raise runs.RunError(f"{case.name} reads other bytes than {first}")


_HEAD = ("case", "s", "min–max", "CPU s", "MB/s decoded", "peak MB", "runs")


def _rows(found: Mapping[str, Sequence[Answer]]) -> list[list[str]]:
    rows = []
    for name, answers in found.items():
        seconds = [answer.seconds for answer in answers]
        middle = statistics.median(seconds)
        rows.append(
            [
                name,
                f"{middle:.3f}",
                f"{min(seconds):.3f}–{max(seconds):.3f}",
                f"{statistics.median(answer.cpu for answer in answers):.3f}",
                f"{answers[0].bytes / 1e6 / middle:,.0f}" if "index" not in name else "–",
                f"{max(answer.peak for answer in answers):,.0f}",
                str(len(answers)),
            ]
        )
    return rows


def _table(found: Mapping[str, Sequence[Answer]]) -> str:
    lines = [list(_HEAD), *_rows(found)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            text.rjust(width) if column else text.ljust(width)
            for column, (text, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    )


def _write(
    options: argparse.Namespace, folder: Path, found: Mapping[str, Sequence[Answer]], lines: Sequence[str]
) -> None:
    versions = {
        name: number for answers in found.values() for answer in answers for name, number in answer.versions.items()
    }
    words = [f"--cells {options.cells}"] if options.cells != 20_000 else []
    words += [f"--runs {options.runs}"] if options.runs != 5 else []
    facts = {
        "data": f"{options.cells:,} cells × 20,000 genes, X in CSR; decoded whole: data, indices, indptr",
        **machine.describe(folder),
        "versions": ", ".join(f"{name} {number}" for name, number in sorted(versions.items())),
    }
    table = ["| " + " | ".join(line) + " |" for line in [list(_HEAD), ["---", *["---:"] * 6], *_rows(found)]]
    text = [
        "## Readers",
        f'`make bench-readers BENCH="{" ".join([*words, "--write"])}"`',
        "\n".join(f"- {name}: {value}" for name, value in facts.items()),
        "\n".join(table),
        "\n".join(f"- {line}" for line in lines),
    ]
    page.update(_PAGE, "readers", "\n\n".join(text))
    _say(f"wrote {_PAGE.relative_to(ROOT)}")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
