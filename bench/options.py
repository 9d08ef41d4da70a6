"""The command line."""

from __future__ import annotations

import argparse
import fnmatch
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import peers
from bench.data import DataSpec
from bench.suite import PARTS, QUICK
from bench.turns import ROOT

if TYPE_CHECKING:
    from bench.data import Compression, Values
    from bench.job import Case, Format

__all__ = ["MODES", "Options", "choose", "parse"]

_CACHE = ROOT / ".cache"

#: What the harness can do.
MODES = {
    "table": "the whole comparison, part by part",
    "quick": "parts of it, on less data, in three minutes; nothing is installed",
    "compare": "all loaders in the one setting of --format, --batch, --values",
    "against": "loaderd as it is here and as it was at --ref, by turns",
    "client": "what a ready batch costs its consumer",
    "profile": "where the time of a batch goes",
    "soak": "the daemon's memory over --epochs",
    "open": "opening 200 files",
    "scale": "opening 50 million cells in 500 files",
    "page": "print, and with --write write, what the runs in --json found",
    "data": "only make the data",
}

# What other than the usual defaults a mode has.
_DEFAULTS: dict[str, dict[str, Any]] = {
    "quick": {"cells": 20_000, "runs": 1, "seconds": 1.2, "warm_up": 0.3},
    "client": {"runs": 1},
    "profile": {"runs": 1},
    "soak": {"epochs": 20},
}

# What of a table a mode measures, unless it is asked for parts.
_PARTS = {"table": tuple(PARTS), "quick": QUICK, "client": ("client",)}


class Options(argparse.Namespace):
    """What was asked for; names are those of the options."""

    mode: str
    cells: int
    genes: int
    files: int
    differ: float
    compression: Compression
    values: Values
    seed: int
    batch: int
    format: Format
    runs: int
    seconds: float
    warm_up: float
    epochs: int
    part: list[str]
    only: list[str]
    ref: str
    cache: Path
    binary: Path
    json: Path | None
    write: bool

    def command(self) -> str:
        """Return the command that repeats this, without the places of files."""
        words = [] if self.mode == "table" else [self.mode]
        for name, default in vars(_read(_parser(), [self.mode])).items():
            value = getattr(self, name)
            if name in ("mode", "cache", "binary", "json") or value == default:
                continue
            option = "--" + name.replace("_", "-")
            for each in value if isinstance(value, list) else [value]:
                words += [option] if each is True else [option, shlex.quote(str(each))]
        return f'make bench BENCH="{" ".join(words)}"' if words else "make bench"

    def data(self) -> DataSpec:
        """Return the data's parameters."""
        return DataSpec(
            cells=self.cells,
            genes=self.genes,
            files=self.files,
            compression=self.compression,
            differ=self.differ,
            seed=self.seed,
            values=self.values,
        )


def parse(arguments: list[str]) -> Options:
    """Read the command line; ends the program with a message if it is wrong."""
    parser = _parser()
    options = _read(parser, arguments)
    for name in ("batch", "runs", "epochs"):
        if getattr(options, name) < 1:
            parser.error(f"--{name} is {getattr(options, name)}; it must be 1 or more")
    if options.seconds <= 0 or options.warm_up < 0:
        parser.error("--seconds must be above 0, --warm-up 0 or more")
    for part in options.part:
        if part not in PARTS:
            parser.error(f"--part is {part!r}; there are: {', '.join(PARTS)}")
    if options.mode == "against" and not options.ref:
        parser.error("--ref is empty; it must name a commit")
    if options.mode == "page" and options.json is None:
        parser.error("--json is missing; it names the file of runs")
    try:
        options.data()
        choose(options.only)
    except ValueError as error:
        parser.error(str(error))
    return options


def _read(parser: argparse.ArgumentParser, arguments: list[str]) -> Options:
    """Return the options with the defaults of their mode."""
    mode = parser.parse_args(arguments, namespace=Options()).mode
    parser.set_defaults(**_DEFAULTS.get(mode, {}))
    options = parser.parse_args(arguments, namespace=Options())
    options.part = options.part or list(_PARTS.get(mode, ()))
    return options


def _parser() -> argparse.ArgumentParser:
    modes = "; ".join(f"{name}: {words}" for name, words in MODES.items())
    parser = argparse.ArgumentParser(
        prog="bench", description="Measure loaderd beside other loaders.", formatter_class=_Formatter
    )
    parser.add_argument("mode", nargs="?", choices=tuple(MODES), default="table", help=modes)
    data = parser.add_argument_group("data")
    data.add_argument("--cells", type=int, default=100_000, help="cells in all files together")
    data.add_argument("--genes", type=int, default=20_000, help="genes of each file")
    data.add_argument("--files", type=int, default=4, help="number of h5ad files")
    data.add_argument("--differ", type=float, default=0.0, help="share of all genes that a file lacks; 0: equal lists")
    data.add_argument("--compression", choices=("none", "gzip"), default="gzip", help="filter of the files' arrays")
    data.add_argument("--seed", type=int, default=7, help="seed of the data and of the shuffles")
    runs = parser.add_argument_group("runs")
    runs.add_argument("--runs", type=int, default=3, help="runs of each case; the tables have medians")
    runs.add_argument("--seconds", type=float, default=5.0, help="length of the measured window")
    runs.add_argument("--warm-up", type=float, default=2.0, help="seconds before it")
    runs.add_argument("--epochs", type=int, default=10, help="epochs of a soak")
    parts = "; ".join(f"{name}: {words}" for name, (words, _) in PARTS.items())
    runs.add_argument(
        "--part", action="append", default=[], metavar="PART", help=f"only these parts of a table; {parts}"
    )
    runs.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="PATTERN",
        help="only cases whose name has this part or fits this pattern (*, ?); may be repeated",
    )
    runs.add_argument("--ref", default="", metavar="COMMIT", help="what against holds this tree against")
    setting = parser.add_argument_group("the one setting of compare")
    setting.add_argument("--batch", type=int, default=128, help="rows of a batch")
    setting.add_argument("--format", choices=("dense", "csr"), default="dense", help="form of X")
    setting.add_argument("--values", choices=("counts", "lognorm"), default="counts", help="what the files hold")
    places = parser.add_argument_group("places")
    places.add_argument("--cache", type=Path, default=_CACHE, help="folder for data and the peers' environment")
    places.add_argument("--binary", type=Path, default=ROOT / "bin" / "loaderd", help="the loaderd that is measured")
    places.add_argument("--json", type=Path, default=None, metavar="FILE", help="keep every run in FILE, a line each")
    places.add_argument("--write", action="store_true", help="put the tables into bench/RESULTS.md, and draw the chart")
    return parser


class _Formatter(argparse.ArgumentDefaultsHelpFormatter):
    """Shows defaults, but not those of options that are off or empty."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        return action.help if action.default in (None, False, [], "") else super()._get_help_string(action)


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
