"""Where loaderd is to differ from what was recorded of lamindb, by the names of docs/differences.md."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Case = dict[str, Any]


@dataclass
class Rule:
    """One difference.

    Parameters
    ----------
    name
        That of its row in docs/differences.md.
    applies
        Whether a step of a case is to differ, by the case, the step and what was recorded. The right value is that of
        the plain model.
    error
        Or, if not None, an exception that is one of these builtin classes.
    """

    name: str
    applies: Callable[[Case, str, Any], bool]
    error: list[str] | None = None


RULES: list[Rule] = []
