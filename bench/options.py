"""The command line."""

from __future__ import annotations

import argparse
import fnmatch
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from bench import peers
from bench.data import DataSpec
from bench.turns import ROOT

if TYPE_CHECKING:
    from bench.job import Case

__all__ = ["Options", "choose", "parse"]

_CACHE = ROOT / ".cache"


class Options(argparse.Namespace):
    """What was asked for; names are those of the options."""

    mode: str
    cells: int
    genes: int
    files: int
    differ: float
    compression: str
    seed: int
    batch: int
    format: str
    runs: int
    seconds: float
    warm_up: float
    epochs: int
    only: list[str]
    cache: Path
    binary: Path
    json: Path | None
    write: bool

    def command(self) -> str:
        """Return the command that repeats this, without the places of files."""
        words = [] if self.mode == "compare" else [self.mode]
        for name, default in vars(parse([])).items():
            value = getattr(self, name)
            if name in ("mode", "cache", "binary", "json") or value == default:
                continue
            option = "--" + name.replace("_", "-")
            for each in value if isinstance(value, list) else [value]:
                words += [option] if each is True else [option, shlex.quote(str(each))]
        return f'make bench BENCH="{" ".join(words)}"'

    def data(self) -> DataSpec:
        """Return the data's parameters."""
        return DataSpec(
            cells=self.cells,
            genes=self.genes,
            files=self.files,
            compression="gzip" if self.compression == "gzip" else "none",
            differ=self.differ,
            seed=self.seed,
        )


def parse(arguments: list[str]) -> Options:
    """Read the command line; ends the program with a message if it is wrong."""
    parser = argparse.ArgumentParser(
        prog="bench", description="Measure loaderd beside other loaders.", formatter_class=_Formatter
    )
    parser.add_argument(
        "mode",
        nargs="?",
        choices=("compare", "soak", "client", "open", "scale", "data"),
        default="compare",
        help="compare: one table of all loaders; soak: the daemon's memory over many epochs; "
        "client: what a ready batch costs its consumer; open: opening 200 files; "
        "scale: opening 50 million cells in 500 files; data: only make the data of compare and soak",
    )
    data = parser.add_argument_group("data")
    data.add_argument("--cells", type=int, default=100_000, help="cells in all files together")
    data.add_argument("--genes", type=int, default=20_000, help="genes of each file")
    data.add_argument("--files", type=int, default=4, help="number of h5ad files")
    data.add_argument("--differ", type=float, default=0.0, help="share of all genes that a file lacks; 0: equal lists")
    data.add_argument("--compression", choices=("none", "gzip"), default="none", help="filter of the files' arrays")
    data.add_argument("--seed", type=int, default=7, help="seed of the data and of the shuffles")
    runs = parser.add_argument_group("runs")
    runs.add_argument("--batch", type=int, default=128, help="rows of a batch")
    runs.add_argument(
        "--format", choices=("dense", "csr"), default="dense", help="batches asked for, where a loader has both"
    )
    runs.add_argument("--runs", type=int, default=3, help="runs of each case; the table has medians")
    runs.add_argument("--seconds", type=float, default=5.0, help="length of the measured window")
    runs.add_argument("--warm-up", type=float, default=2.0, help="seconds before it")
    runs.add_argument("--epochs", type=int, default=20, help="epochs of a soak")
    runs.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="PATTERN",
        help="only cases whose name has this part or fits this pattern (*, ?); may be repeated",
    )
    places = parser.add_argument_group("places")
    places.add_argument("--cache", type=Path, default=_CACHE, help="folder for data and the peers' environment")
    places.add_argument("--binary", type=Path, default=ROOT / "bin" / "loaderd", help="the loaderd that is measured")
    places.add_argument(
        "--json", type=Path, default=None, metavar="FILE", help="append every run to FILE as a line of JSON"
    )
    places.add_argument("--write", action="store_true", help="put the table into bench/RESULTS.md")
    options = parser.parse_args(arguments, namespace=Options())
    for name in ("batch", "runs", "epochs"):
        if getattr(options, name) < 1:
            parser.error(f"--{name} is {getattr(options, name)}; it must be 1 or more")
    if options.seconds <= 0 or options.warm_up < 0:
        parser.error("--seconds must be above 0, --warm-up 0 or more")
    try:
        options.data()
        choose(options.only)
    except ValueError as error:
        parser.error(str(error))
    return options


class _Formatter(argparse.ArgumentDefaultsHelpFormatter):
    """Shows defaults, but not those of options that are off or empty."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        return action.help if action.default in (None, False, []) else super()._get_help_string(action)


def choose(patterns: list[str]) -> list[Case]:
    """Return the cases to measure: the default ones, or all that fit a pattern.

    Raises
    ------
    ValueError
        If a pattern fits none; the message has the names.
    """
    cases = peers.cases()
    if not patterns:
        return [case for case in cases if case.default]
    chosen: list[Case] = []
    for pattern in patterns:
        fitting = [case for case in cases if pattern in case.name or fnmatch.fnmatch(case.name, pattern)]
        if not fitting:
            names = "; ".join(case.name for case in cases)
            raise ValueError(f"no case fits --only {pattern!r}; there are: {names}")
        chosen += [case for case in fitting if case not in chosen]
    return chosen
