"""A chart of cells per second, drawn as SVG: the same bytes for the same numbers."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from bench.report import rows, title
from bench.settings import LOADER, known

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.job import Shuffle
    from bench.records import Records

__all__ = ["Bar", "Panel", "draw", "panels"]

_WIDTH, _LEFT, _RIGHT = 800, 260, 90  # of the drawing, of the names, of the numbers behind the bars
_BAR, _STEP, _HEAD, _GAP = 18, 26, 40, 18
_COLOURS: dict[Shuffle, str] = {"exact": "#0f766e", "block": "#d9a441"}
_WORDS: dict[Shuffle, str] = {"exact": "exact shuffle", "block": "block shuffle"}
_INK, _SOFT, _PAPER = "#1f2933", "#6b7785", "#ffffff"
_HALO = f'stroke="{_PAPER}" stroke-width="5" fill="{_PAPER}"'  # keeps a number readable over the line
_FONT = "font-family=\"system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif\""


@dataclasses.dataclass(frozen=True)
class Bar:
    """One loader.

    Parameters
    ----------
    name
        Stands before it.
    value
        Cells per second.
    shuffle
        Says its colour.
    strong
        Whether its name is printed bold.
    """

    name: str
    value: float
    shuffle: Shuffle
    strong: bool = False


@dataclasses.dataclass(frozen=True)
class Panel:
    """Some bars below a title.

    Parameters
    ----------
    title
        What they have in common.
    bars
        In order.
    limit
        What no loader could beat, drawn as a line, or None.
    """

    title: str
    bars: tuple[Bar, ...]
    limit: float | None = None


def panels(records: Records) -> list[Panel]:
    """Return what is drawn of records: dense and CSR batches of 128, the fastest loader first."""
    cases, found = known(), []
    for setting in ("dense", "csr"):
        bars, limit = [], None
        for row in rows(records.results("rate", setting)):
            if row.rate is None or row.case not in cases:
                continue
            case = cases[row.case]
            if case.role == "limit":
                limit = max(limit or 0.0, row.rate)
            else:
                bars.append(Bar(row.case, row.rate, case.shuffle, strong=row.case == LOADER))
        if bars:
            found.append(Panel(title(setting), tuple(sorted(bars, key=lambda bar: -bar.value)), limit))
    return found


def draw(drawn: Sequence[Panel]) -> str:
    """Return the chart."""
    body, y = [_legend(drawn)], 52
    for panel in drawn:
        body.append(_panel(panel, y))
        y += _HEAD + _STEP * len(panel.bars) + _GAP
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{y}" viewBox="0 0 {_WIDTH} {y}" '
        f'role="img" {_FONT} font-size="13">'
    )
    words = "<title>Cells per second by loader</title>"
    paper = f'<rect width="{_WIDTH}" height="{y}" rx="8" fill="{_PAPER}"/>'
    return "\n".join([head, words, paper, *body, "</svg>"]) + "\n"


def _legend(drawn: Sequence[Panel]) -> str:
    parts = [f'<text x="24" y="32" font-size="16" font-weight="600" fill="{_INK}">Cells per second</text>']
    x = _LEFT
    for shuffle, colour in _COLOURS.items():
        parts.append(f'<rect x="{x}" y="21" width="12" height="12" rx="2" fill="{colour}"/>')
        parts.append(f'<text x="{x + 18}" y="32" fill="{_SOFT}">{_WORDS[shuffle]}</text>')
        x += 130
    if any(panel.limit is not None for panel in drawn):
        parts.append(_rule(x + 6, 20, 14))
        parts.append(f'<text x="{x + 18}" y="32" fill="{_SOFT}">bare loop, the limit of this machine</text>')
    return "\n".join(parts)


def _panel(panel: Panel, top: int) -> str:
    most = max([bar.value for bar in panel.bars] + [panel.limit or 0.0])
    scale = (_WIDTH - _LEFT - _RIGHT) / most if most else 0.0
    heading = f'font-size="14" font-weight="600" fill="{_INK}"'
    parts = [f'<text x="24" y="{top + 22}" {heading}>{escape(panel.title)}</text>']
    if panel.limit is not None:
        parts.append(_rule(_LEFT + panel.limit * scale, top + _HEAD - 12, _STEP * len(panel.bars) + 4))
    for number, bar in enumerate(panel.bars):
        y = top + _HEAD - 6 + number * _STEP
        length = max(1.5, bar.value * scale)
        weight = ' font-weight="700"' if bar.strong else ""
        middle = y + _BAR - 5
        number_at = f'x="{_LEFT + length + 8:.1f}" y="{middle}"'
        parts += [
            f'<text x="{_LEFT - 10}" y="{middle}" text-anchor="end" fill="{_INK}"{weight}>{escape(bar.name)}</text>',
            f'<rect x="{_LEFT}" y="{y}" width="{length:.1f}" height="{_BAR}" rx="3" fill="{_COLOURS[bar.shuffle]}"/>',
            f"<text {number_at} {_HALO}{weight}>{bar.value:,.0f}</text>",
            f'<text {number_at} fill="{_SOFT}"{weight}>{bar.value:,.0f}</text>',
        ]
    return "\n".join(parts)


def _rule(x: float, y: float, height: float) -> str:
    place = f'x1="{x:.1f}" y1="{y}" x2="{x:.1f}" y2="{y + height}"'
    return f'<line {place} stroke="{_INK}" stroke-width="1.5" stroke-dasharray="3 3"/>'
