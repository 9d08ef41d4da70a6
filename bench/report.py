"""One table of medians, for the terminal and for bench/RESULTS.md."""

from __future__ import annotations

import dataclasses
import fnmatch
import statistics
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from bench.job import Result

__all__ = ["Row", "comparison", "markdown", "notes", "rows", "table"]

_REFERENCE = "lamindb*"
_TARGETS = (("loaderd, mapped.loader", 20.0), ("loaderd, DataLoader, 0 workers", 5.0))
_FOREIGN = 0.35  # cores; above this a run was disturbed


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

    @property
    def rate(self) -> float | None:
        """Cells per second, the median."""
        return self.median("cells_per_second")


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


def reference(table_rows: Sequence[Row]) -> float | None:
    """Return the best rate of lamindb, what ratios are against."""
    rates = [row.rate for row in table_rows if fnmatch.fnmatch(row.case, _REFERENCE) and row.rate is not None]
    return max(rates, default=None)


def _columns(best: float | None) -> list[tuple[str, Callable[[Row], str]]]:
    def ratio(row: Row) -> str:
        return f"{row.rate / best:.1f}" if row.rate is not None and best else "–"

    def spread(row: Row) -> str:
        rates = [result.cells_per_second for result in row.good if result.cells_per_second is not None]
        return f"{min(rates):,.0f}–{max(rates):,.0f}" if rates else "–"

    def number(field: str, form: str) -> Callable[[Row], str]:
        return lambda row: "–" if (value := row.median(field)) is None else format(value, form)

    return [
        ("loader", lambda row: row.case),
        ("batches of", lambda row: row.good[0].delivers if row.good else "failed"),
        ("cells/s", number("cells_per_second", ",.0f")),
        ("min–max", spread),
        ("× lamindb", ratio),
        ("first batch s", number("first_batch_seconds", ".3f")),
        ("open s", number("open_seconds", ".3f")),
        ("PSS MB", number("pss", ",.0f")),
        ("daemon own MB", number("daemon_own", ",.0f")),
        ("ring MB", number("daemon_ring", ",.0f")),
        ("runs", lambda row: f"{len(row.good)}" + (f" (+{len(row.errors)} failed)" if row.errors else "")),
    ]


def _cells(table_rows: Sequence[Row]) -> list[list[str]]:
    columns = _columns(reference(table_rows))
    return [[head for head, _ in columns], *([show(row) for _, show in columns] for row in table_rows)]


def table(table_rows: Sequence[Row]) -> str:
    """Return the table for a terminal: names to the left, numbers to the right."""
    lines = _cells(table_rows)
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join(
        "  ".join(
            text.ljust(width) if column < 2 else text.rjust(width)
            for column, (text, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def markdown(table_rows: Sequence[Row]) -> str:
    """Return the same table in Markdown."""
    head, *body = _cells(table_rows)
    rule = ["---"] * 2 + ["---:"] * (len(head) - 2)
    return "\n".join("| " + " | ".join(line) + " |" for line in [head, rule, *body])


def comparison(table_rows: Sequence[Row]) -> list[str]:
    """Return a sentence for each case that has a target against lamindb's best rate."""
    best = reference(table_rows)
    if best is None:
        return []
    rates = {row.case: row.rate for row in table_rows}
    return [
        f"{case}: {rate / best:.1f} × lamindb's best DataLoader (wanted: {target:.0f} ×)"
        for case, target in _TARGETS
        if (rate := rates.get(case)) is not None
    ]


def notes(table_rows: Sequence[Row]) -> list[str]:
    """Return what a reader must know to trust the numbers: failures and disturbed runs."""
    said = [f"{row.case}: {error}" for row in table_rows for error in dict.fromkeys(row.errors)]
    disturbed = [
        f"{row.case}: {result.foreign_cpu:.2f}"
        for row in table_rows
        for result in row.good
        if result.foreign_cpu is not None and result.foreign_cpu > _FOREIGN
    ]
    if disturbed:
        said.append("disturbed by other processes (cores they kept busy): " + "; ".join(disturbed))
    return said
