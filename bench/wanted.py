"""What is wanted of loaderd, and whether what was found reaches it."""

from __future__ import annotations

import dataclasses
import statistics
from typing import TYPE_CHECKING

from bench import clientcost, soak
from bench.larger import LIMIT
from bench.larger import NAME as LARGER
from bench.settings import LOADER, STOCK, known
from bench.tables import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bench.job import Case, Role, Shuffle
    from bench.records import Records

__all__ = ["Line", "best", "lines", "table"]

_LAMINDB = "lamindb, "
_STOCK_OF_LAMINDB = "lamindb, DataLoader, 0 workers"
_MEGABYTES = 150.0


@dataclasses.dataclass(frozen=True)
class Line:
    """A line of the table.

    Parameters
    ----------
    what
        In words.
    wanted
        The bound.
    reached
        What was found.
    unit
        Of both.
    least
        Whether the bound is the least that will do; else it is the most.
    remark
        What the number was held against.
    """

    what: str
    wanted: float
    reached: float
    unit: str
    least: bool = True
    remark: str = ""

    @property
    def good(self) -> bool:
        """Whether the bound is kept."""
        return self.reached >= self.wanted if self.least else self.reached <= self.wanted

    @property
    def texts(self) -> tuple[str, ...]:
        """The line as texts of a table."""
        sign = "≥" if self.least else "≤"
        verdict = "reached" if self.good else "missed"
        return (
            self.what,
            f"{sign} {_short(self.wanted)} {self.unit}",
            f"{_short(self.reached)} {self.unit}",
            verdict,
            self.remark,
        )


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def table(found: list[Line]) -> Table:
    """Return all lines as a table."""
    return Table(("case", "wanted", "found", "", "against"), tuple(line.texts for line in found), left=5)


def best(
    records: Records, setting: str, role: Role = "peer", fits: Callable[[Case], bool] = lambda _: True
) -> tuple[str, float] | None:
    """Return the fastest case of a role and its rate, or None where none was measured."""
    found = []
    for case in known().values():
        if case.role == role and fits(case):
            rate = records.median("rate", setting, case.name, "cells_per_second")
            if rate is not None:
                found.append((case.name, rate))
    return max(found, key=lambda pair: pair[1], default=None)


def lines(records: Records) -> list[Line]:
    """Return every line whose numbers are there."""
    return [line for part in _PARTS for line in part(records)]


def _rate(records: Records, setting: str, case: str = LOADER) -> float | None:
    return records.median("rate", setting, case, "cells_per_second")


def _against(
    records: Records,
    setting: str,
    what: str,
    wanted: float,
    role: Role = "peer",
    fits: Callable[[Case], bool] = lambda _: True,
) -> Iterator[Line]:
    ours, other = _rate(records, setting), best(records, setting, role, fits)
    if ours is not None and other is not None:
        remark = f"{other[0]}: {other[1]:,.0f} cells/s; loaderd: {ours:,.0f}"
        yield Line(f"{setting}: {what}", wanted, ours / other[1], "×", remark=remark)


def _shuffled(shuffle: Shuffle) -> Callable[[Case], bool]:
    return lambda case: case.shuffle == shuffle


def _of_lamindb(case: Case) -> bool:
    return case.name.startswith(_LAMINDB)


def _peers(records: Records) -> Iterator[Line]:
    for setting in ("dense", "dense, 4096"):
        yield from _against(records, setting, "lamindb's best", 80, fits=_of_lamindb)
        yield from _against(records, setting, "fastest peer with exact shuffle", 10, fits=_shuffled("exact"))
        yield from _against(records, setting, "fastest peer of any shuffle", 4)
    for setting in ("csr", "csr, 4096"):
        yield from _against(records, setting, "fastest peer with exact shuffle", 10, fits=_shuffled("exact"))
        yield from _against(records, setting, "fastest peer of any shuffle", 5)
    yield from _against(records, "dense", "everything in memory, the better of two ways", 1.2, role="memory")
    yield from _against(records, "csr", "everything in memory", 1, role="memory")


def _limit(records: Records) -> Iterator[Line]:
    yield from _against(records, "dense", "share of the bare loop", 0.75, role="limit")
    yield from _against(records, "csr", "share of the bare loop", 0.8, role="limit")


def _kinds(records: Records) -> Iterator[Line]:
    for setting, base, what, wanted in (
        ("dense, log-normalised", "dense", "share of the counts' rate", 0.8),
        ("csr, log-normalised", "csr", "share of the counts' rate", 0.8),
        ("dense, panel of 2,000", "dense", "the rate of all genes", 1.5),
    ):
        ours, all_of_it = _rate(records, setting), _rate(records, base)
        if ours is not None and all_of_it is not None:
            remark = f"{ours:,.0f} and {all_of_it:,.0f} cells/s"
            yield Line(f"{setting}: {what}", wanted, ours / all_of_it, "×", remark=remark)


def _stock(records: Records) -> Iterator[Line]:
    ours, theirs = _rate(records, "dense", STOCK), _rate(records, "dense", _STOCK_OF_LAMINDB)
    if ours is not None and theirs is not None:
        remark = f"{ours:,.0f} and {theirs:,.0f} cells/s"
        yield Line("DataLoader without workers: lamindb's", 10, ours / theirs, "×", remark=remark)


def _epochs(records: Records) -> Iterator[Line]:
    for setting in records.settings("epoch"):
        ours = records.median("epoch", setting, LOADER, "epoch_seconds")
        totals = {
            case.name: seconds
            + max((made.fields["seconds"] for made in records.of("prepared", case.name)), default=0.0)
            for case in known().values()
            if case.role == "peer"
            and (seconds := records.median("epoch", setting, case.name, "epoch_seconds")) is not None
        }
        if ours is None or not totals:
            continue
        of_lamindb = [total for name, total in totals.items() if name.startswith(_LAMINDB)]
        if of_lamindb:
            remark = f"{min(of_lamindb):.1f} s; loaderd: {ours:.1f} s"
            yield Line(f"first epoch, {setting}: lamindb's", 10, min(of_lamindb) / ours, "×", remark=remark)
        name, seconds = min(totals.items(), key=lambda pair: pair[1])
        remark = f"{name}, with its preparation"
        yield Line(f"first epoch, {setting}, nothing prepared", seconds, ours, "s", least=False, remark=remark)


def _first(records: Records) -> Iterator[Line]:
    for setting, wanted in (("warm", 0.1), ("cold", 1.0)):
        parts = [records.median("first", setting, LOADER, f"{name}_seconds") for name in ("open", "first_batch")]
        if None not in parts:
            seconds = sum(part for part in parts if part is not None)
            yield Line(f"first batch, {setting}", wanted, seconds, "s", least=False, remark="from the call of mapped()")


def _client(records: Records) -> Iterator[Line]:
    for setting, wanted in clientcost.MOST.items():
        by_queue: dict[int, list[float]] = {}
        for record in records.of("client", setting):
            by_queue.setdefault(record.fields["queued"], []).append(record.fields["warm"])
        if by_queue:
            medians = [statistics.median(found) for found in by_queue.values()]
            remark = f"{min(medians):.1f} to {max(medians):.1f} µs for bursts of {min(by_queue)} to {max(by_queue)}"
            what = f"client's cost of a batch that is ready, {setting}"
            yield Line(what, wanted, max(medians), "µs", least=False, remark=remark)


def _consumers(records: Records) -> Iterator[Line]:
    kinds = [kind for kind in (f"consumers {count}" for count in range(2, 9)) if records.of(kind)]
    for kind in kinds:
        count = int(kind.split()[1])
        for setting, wanted in (("dense", 0.8), ("csr", 0.9)):
            alone, all_of_them = (
                records.median(each, setting, LOADER, "cells_per_second") for each in ("consumers 1", kind)
            )
            if alone is not None and all_of_them is not None:
                remark = f"{all_of_them:,.0f} and {alone:,.0f} cells/s"
                yield Line(f"{count} consumers, {setting}: total", wanted, all_of_them / alone, "×", remark=remark)
            own, most = (records.median(each, setting, LOADER, "daemon_own") for each in ("consumers 1", kind))
            if own is not None and most is not None:
                remark = f"{most:,.0f} and {own:,.0f} MB"
                yield Line(f"{count} consumers, {setting}: daemon's memory", 1.1, most / own, "×", False, remark)


def _larger(records: Records) -> Iterator[Line]:
    disk = records.number("limit", LIMIT)
    for setting in (f"csr, {LARGER}", f"dense, {LARGER}"):
        ours = _rate(records, setting)
        if ours is not None and disk is not None:
            remark = f"{ours:,.0f} cells/s; the disk: {disk:,.0f} rows/s"
            yield Line(f"{setting}: share of the disk's random reads", 0.5, ours / disk, "×", remark=remark)


def _memory(records: Records) -> Iterator[Line]:
    for setting in records.settings("soak"):
        found = [soak.Epoch(**record.fields) for record in records.of("soak", setting)]
        most = max(epoch.daemon_own for epoch in found)
        what = f"memory over {len(found)} epochs, {setting}"
        yield Line(what, _MEGABYTES, most, "MB", least=False, remark=soak.verdict(found)[1])


_PARTS = (_peers, _limit, _kinds, _stock, _epochs, _first, _client, _consumers, _larger, _memory)
