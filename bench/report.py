"""The tables of what was found, for the terminal and for bench/RESULTS.md."""

from __future__ import annotations

import dataclasses
import statistics
from typing import TYPE_CHECKING

from bench import clientcost, soak
from bench.settings import LOADER, known
from bench.tables import Table
from bench.timing import FOREIGN

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bench.job import Result
    from bench.records import Records

__all__ = ["Row", "client", "first_epochs", "limits", "notes", "others", "rates", "rows", "title"]


@dataclasses.dataclass(frozen=True)
class Row:
    """All runs of one case.

    Parameters
    ----------
    case
        Its name.
    good
        The results without an error.
    errors
        The errors of the others.
    """

    case: str
    good: tuple[Result, ...]
    errors: tuple[str, ...]

    def median(self, field: str) -> float | None:
        """Return the median over the runs that have this number."""
        values = [value for result in self.good if (value := getattr(result, field)) is not None]
        return statistics.median(values) if values else None

    def show(self, field: str, form: str) -> str:
        """Return that median in words."""
        value = self.median(field)
        return "–" if value is None else format(value, form)

    @property
    def rate(self) -> float | None:
        """Cells per second, the median."""
        return self.median("cells_per_second")

    @property
    def spread(self) -> str:
        """The least and the most cells per second."""
        rates = [result.cells_per_second for result in self.good if result.cells_per_second is not None]
        return f"{min(rates):,.0f}–{max(rates):,.0f}" if rates else "–"

    @property
    def runs(self) -> str:
        """How many there were."""
        return f"{len(self.good)}" + (f" (+{len(self.errors)} failed)" if self.errors else "")


def rows(results: Iterable[Result]) -> list[Row]:
    """Group results by case, in the order in which cases first came."""
    by_case: dict[str, list[Result]] = {}
    for result in results:
        by_case.setdefault(result.case, []).append(result)
    return [
        Row(
            case,
            tuple(result for result in found if result.error is None),
            tuple(result.error for result in found if result.error is not None),
        )
        for case, found in by_case.items()
    ]


def title(setting: str) -> str:
    """Return a setting in words."""
    words = f"{setting}, batches of 128" if setting in ("dense", "csr") else setting
    return words.replace("csr", "CSR", 1) if words.startswith("csr") else words[0].upper() + words[1:]


def _shuffle(case: str) -> str:
    found = known().get(case)
    return "–" if found is None or found.role == "limit" else found.shuffle


def rates(records: Records, setting: str) -> Table:
    """Return the table of one setting; ``loaderd is`` says how many times as fast as the row loaderd's loader is."""
    table_rows = rows(records.results("rate", setting))
    ours = next((row.rate for row in table_rows if row.case == LOADER), None)

    def ratio(row: Row) -> str:
        return "–" if not row.rate or ours is None else f"{ours / row.rate:.2f} ×"

    return Table(
        (
            "loader",
            "shuffle",
            "batches of",
            "cells/s",
            "min–max",
            "loaderd is",
            "first batch s",
            "open s",
            "PSS MB",
            "daemon own MB",
            "ring MB",
            "runs",
        ),
        tuple(
            (
                row.case,
                _shuffle(row.case),
                row.good[0].delivers if row.good else "failed",
                row.show("cells_per_second", ",.0f"),
                row.spread,
                ratio(row),
                row.show("first_batch_seconds", ".3f"),
                row.show("open_seconds", ".3f"),
                row.show("pss", ",.0f"),
                row.show("daemon_own", ",.0f"),
                row.show("daemon_ring", ",.0f"),
                row.runs,
            )
            for row in table_rows
        ),
        left=3,
    )


def first_epochs(records: Records) -> Table | None:
    """Return what every loader needs until its first epoch is over."""
    lines = []
    for setting in records.settings("epoch"):
        for row in rows(records.results("epoch", setting)):
            made = records.of("prepared", row.case)
            before = made[0].fields["seconds"] if made else 0.0
            seconds, share = row.median("epoch_seconds"), row.median("epoch_share")
            lines.append(
                (
                    row.case,
                    setting,
                    _shuffle(row.case),
                    f"{before:.1f}" if made else "–",
                    f"{made[0].fields['size'] / 1e6:,.0f}" if made else "–",
                    f"{made[0].fields['peak']:,.0f}" if made else "–",
                    "failed"
                    if seconds is None
                    else f"{seconds:.1f}" + ("" if share and share > 0.999 else " (scaled)"),
                    "–" if seconds is None else f"{before + seconds:.1f}",
                )
            )
    head = ("loader", "format", "shuffle", "preparation s", "its MB", "its peak MB", "first epoch s", "in all s")
    return Table(head, tuple(lines), left=3) if lines else None


def client(records: Records) -> Table | None:
    """Return what a batch that is ready costs: the middle one of the runs of each case."""
    by_case: dict[tuple[str, int], list[clientcost.Cost]] = {}
    for record in records.of("client"):
        cost = clientcost.Cost(**record.fields)
        by_case.setdefault((cost.format, cost.queued), []).append(cost)
    middle = [sorted(costs, key=lambda cost: cost.warm)[len(costs) // 2] for costs in by_case.values()]
    return clientcost.table(middle) if middle else None


def limits(records: Records) -> Table | None:
    """Return the limits of the machine."""
    found = [record.fields for record in records.of("limit")]
    lines = tuple((each["name"], f"{each['value']:,.4g}", each["unit"]) for each in found)
    return Table(("limit", "value", "unit"), lines) if lines else None


def others(records: Records) -> list[str]:
    """Return in sentences what has no table."""
    said = []
    for setting in records.settings("soak"):
        found = [soak.Epoch(**record.fields) for record in records.of("soak", setting)]
        said.append(f"memory, {len(found)} epochs, {setting}: {soak.verdict(found)[1]}")
    for record in records.of("half"):
        kept, allowed = record.fields["kept"], record.fields["allowed"]
        said.append(f"{record.setting}: {kept / 1e6:,.0f} MB kept of {allowed / 1e6:,.0f} MB allowed")
    for record in records.of("larger"):
        size, memory, how, share = (record.fields[name] for name in ("size", "memory", "how", "share"))
        said.append(
            f"{record.setting}: {size / 1e6:,.0f} MB of rows; the daemon had {memory / 1e6:,.0f} MB ({how}) for itself,"
            f" its ring and the page cache of its files, which leaves room for {share:.0%} of the rows at most"
        )
    said += [
        f"{setting}: an epoch that fills the whole row store took {row.show('epoch_seconds', ',.1f')} s"
        for setting in records.settings("filled")
        for row in rows(records.results("filled", setting))
    ]
    return said


def notes(records: Records) -> list[str]:
    """Return what a reader must know to trust the numbers: failures and disturbed runs."""
    found: list[tuple[str, Result]] = []
    for kind in ("rate", "epoch", "first", "filled", *(f"consumers {count}" for count in range(1, 9))):
        for setting in records.settings(kind):
            name = "" if kind == "rate" else f"{kind}, "
            found += [(f"{result.case}, {name}{setting}", result) for result in records.results(kind, setting)]
    errors = dict.fromkeys(f"{where}: {result.error}" for where, result in found if result.error is not None)
    return [*errors, *_disturbed(found)]


def _disturbed(found: Sequence[tuple[str, Result]]) -> list[str]:
    most: dict[str, list[float]] = {}
    for where, result in found:
        if result.foreign_cpu is not None and result.foreign_cpu > FOREIGN:
            most.setdefault(where, []).append(result.foreign_cpu)
    if not most:
        return []
    words = [f"{where}: {', '.join(f'{cores:.2f}' for cores in cores_of)}" for where, cores_of in most.items()]
    return ["disturbed by other processes (cores they kept busy): " + "; ".join(words)]
