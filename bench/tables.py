"""Tables for the terminal and for pages."""

from __future__ import annotations

import dataclasses

__all__ = ["Table"]


@dataclasses.dataclass(frozen=True)
class Table:
    """A head and rows of text.

    Parameters
    ----------
    head
        Names of the columns.
    rows
        As many texts in each as there are names.
    left
        How many columns hold words, which stand to the left; the others hold numbers.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left: int = 1

    def text(self) -> str:
        """Return it for a terminal."""
        lines = [self.head, *self.rows]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return "\n".join(
            "  ".join(
                text.ljust(width) if column < self.left else text.rjust(width)
                for column, (text, width) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in lines
        )

    def markdown(self) -> str:
        """Return it in Markdown."""
        rule = tuple("---" if column < self.left else "---:" for column in range(len(self.head)))
        return "\n".join("| " + " | ".join(line) + " |" for line in (self.head, rule, *self.rows))
