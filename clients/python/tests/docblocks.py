"""Reads and runs the code blocks of Markdown pages. Standard library only, so that it runs in an empty environment.

``python docblocks.py PAGE… `` runs the Python blocks of each page in the current folder.
"""

from __future__ import annotations

import sys
import traceback
from dataclasses import dataclass
from pathlib import Path

NOT_RUN = "<!-- not run:"


@dataclass(frozen=True)
class Block:
    """One fenced code block."""

    page: Path
    line: int  # of the first line of code, from 1
    language: str
    code: str
    runs: bool  # False after a line that begins with NOT_RUN


def blocks(page: Path, language: str | None = None) -> list[Block]:
    """List the fenced blocks of ``page``, those of one language if it is given."""
    found = []
    lines = page.read_text(encoding="utf-8").splitlines()
    opened: int | None = None
    comment = ""
    for number, line in enumerate(lines):
        if not line.startswith("```"):
            if opened is None and line.strip():
                comment = line
        elif opened is None:
            opened, word, runs = number, line[3:].strip(), not comment.startswith(NOT_RUN)
        else:
            code = "\n".join(lines[opened + 1 : number]) + "\n"
            if language in (None, word):
                found.append(Block(page, opened + 2, word, code, runs))
            opened, comment = None, ""
    if opened is not None:
        raise ValueError(f"{page}:{opened + 1}: a code block without an end")
    return found


def run(page: Path) -> int:
    """Run the Python blocks of ``page`` one after the other, in one namespace, and say how many there were."""
    names: dict[str, object] = {"__name__": "__main__"}
    todo = [b for b in blocks(page, "python") if b.runs]
    for block in todo:
        # Empty lines in front, so that a traceback shows the line of the page.
        exec(compile("\n" * (block.line - 1) + block.code, str(page), "exec"), names)
    return len(todo)


def main() -> int:
    """Run the pages named on the command line; exit status 1 if a block of any fails."""
    failed = False
    for name in sys.argv[1:]:
        try:
            print(f"{name}: {run(Path(name))} blocks run")
        except Exception:
            traceback.print_exc()
            failed = True
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
