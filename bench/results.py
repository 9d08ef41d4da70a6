"""bench/RESULTS.md and bench/results.svg, from what was found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench import chart, page, report, wanted
from bench.turns import ROOT

if TYPE_CHECKING:
    from bench.records import Records

__all__ = ["body", "in_words", "write"]

_PAGE = ROOT / "bench" / "RESULTS.md"
_CHART = ROOT / "bench" / "results.svg"
_KINDS = ("rate", "epoch", "first", "filled", "consumers 1", "consumers 4")


def in_words(records: Records) -> str:
    """Return all tables for a terminal."""
    found = wanted.lines(records)
    parts = [f"{heading}\n{table}" for heading, table in _tables(records, markdown=False)]
    if found:
        parts.append(f"What is wanted\n{wanted.table(found).text()}")
    return "\n\n".join([*parts, *filter(None, ["\n".join(_said(records))])])


def body(records: Records) -> str:
    """Return all tables in Markdown, the verdicts first."""
    found = wanted.lines(records)
    parts = []
    if found:
        reached = sum(line.good for line in found)
        parts += [f"{reached} of {len(found)} lines are reached.", wanted.table(found).markdown()]
    parts += [f"### {heading}\n\n{table}" for heading, table in _tables(records, markdown=True)]
    said = [f"- {line}" for line in _said(records)]
    return "\n\n".join([*parts, *(["### Notes", "\n".join(said)] if said else [])])


def _tables(records: Records, *, markdown: bool) -> list[tuple[str, str]]:
    tables = [(report.title(setting), report.rates(records, setting)) for setting in records.settings("rate")]
    for heading, table in (
        ("The first epoch, from files as they are", report.first_epochs(records)),
        ("What a batch that is ready costs the client", report.client(records)),
        ("Limits of the machine", report.limits(records)),
    ):
        if table is not None:
            tables.append((heading, table))
    return [(heading, table.markdown() if markdown else table.text()) for heading, table in tables]


def _said(records: Records) -> list[str]:
    took = {record.setting: record.fields["seconds"] for record in records.of("took")}
    times = [f"{part} {seconds / 60:.1f}" for part, seconds in took.items()]
    whole = [f"took {sum(took.values()) / 60:.0f} minutes: {', '.join(times)}"] if took else []
    return [*report.others(records), *report.notes(records), *whole]


def versions(records: Records) -> str:
    """Return all versions that were measured with; a package that two interpreters have differently has two."""
    found: dict[str, set[str]] = {}
    for kind in _KINDS:
        for record in records.of(kind):
            for name, number in record.fields["versions"].items():
                found.setdefault(name, set()).add(number)
    return ", ".join(f"{name} {' and '.join(sorted(numbers))}" for name, numbers in sorted(found.items()))


def write(records: Records) -> list[str]:
    """Write the page's section and the chart; return the names of what was written."""
    (run,) = records.of("run")
    facts = dict(run.fields["facts"])
    if versions(records):
        facts["versions"] = versions(records)
    name = run.fields["mode"]
    heading = {"table": "loaderd beside other loaders", "quick": "A quick run"}.get(name, name)
    head = [
        f"## {heading}",
        f"`{run.fields['command']}`",
        "\n".join(f"- {fact}: {value}" for fact, value in facts.items()),
    ]
    written = [_PAGE]
    drawn = chart.panels(records)
    if name == "table" and drawn:
        _CHART.write_text(chart.draw(drawn))
        head.append(f"![Cells per second by loader]({_CHART.name})")
        written.append(_CHART)
    page.update(_PAGE, name, "\n\n".join([*head, body(records)]))
    return [str(path.relative_to(ROOT)) for path in written]
