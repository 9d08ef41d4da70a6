"""bench/RESULTS.md: sections that are written by different modes of the harness."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["HEAD", "update"]

HEAD = """# Measured

Written by the harness (`make bench`), not by hand. What the columns mean, and how to repeat it on your
machine: [README.md](README.md).
"""


def update(path: Path, section: str, text: str) -> None:
    """Put `text` into the page as the section of this name, leaving other sections as they are.

    Parameters
    ----------
    path
        The page; made when missing.
    section
        Name of the section, which stands in a comment around it.
    text
        Markdown that begins with a heading.
    """
    begin, end = f"<!-- {section}: begin -->", f"<!-- {section}: end -->"
    whole = f"{begin}\n{text.strip()}\n{end}\n"
    page = path.read_text() if path.exists() else HEAD
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end) + "\n", re.DOTALL)
    page = pattern.sub(lambda _: whole, page) if pattern.search(page) else page.rstrip() + "\n\n" + whole
    path.write_text(page)
