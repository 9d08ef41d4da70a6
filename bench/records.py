"""What was found, line by line in a file, so that a page can be written of it at any time later."""

from __future__ import annotations

import dataclasses
import json
import statistics
from typing import TYPE_CHECKING, Any

from bench.job import Result

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["Record", "Records"]


@dataclasses.dataclass(frozen=True)
class Record:
    """One thing that was found.

    Parameters
    ----------
    kind
        What it is, such as ``"rate"``.
    setting
        What was asked of the loader, such as ``"dense"``; empty where that does not apply.
    fields
        The numbers, by name; of a `Result` its fields.
    """

    kind: str
    setting: str
    fields: dict[str, Any]

    def result(self) -> Result:
        """Return the fields as what they came from."""
        return Result(**self.fields)


class Records:
    """All that a run of the harness found, in order.

    Parameters
    ----------
    path
        File that keeps them, a line of JSON each, or None.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._all: list[Record] = []
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("")

    @classmethod
    def read(cls, path: Path) -> Records:
        """Return what a file has; nothing more is written to it."""
        records = cls()
        for line in path.read_text().splitlines():
            records.add(**json.loads(line))
        return records

    def add(self, kind: str, setting: str, fields: dict[str, Any]) -> None:
        """Note something."""
        record = Record(kind, setting, fields)
        self._all.append(record)
        if self._path is not None:
            with self._path.open("a") as file:
                print(json.dumps(dataclasses.asdict(record)), file=file)

    def add_result(self, kind: str, setting: str, result: Result) -> None:
        """Note what a run found."""
        self.add(kind, setting, dataclasses.asdict(result))

    def of(self, kind: str, setting: str | None = None) -> list[Record]:
        """Return the records of a kind, and of a setting where one is named."""
        return [each for each in self._all if each.kind == kind and setting in (None, each.setting)]

    def settings(self, kind: str) -> list[str]:
        """Return the settings that a kind has, in the order in which they first came."""
        return list(dict.fromkeys(record.setting for record in self.of(kind)))

    def results(self, kind: str, setting: str) -> list[Result]:
        """Return the results of a kind and setting, those with an error too."""
        return [record.result() for record in self.of(kind, setting)]

    def median(self, kind: str, setting: str, case: str, field: str) -> float | None:
        """Return the median of a number over the good runs of a case, or None where there is none."""
        found = (result for result in self.results(kind, setting) if result.case == case and result.error is None)
        return _median(getattr(result, field) for result in found)

    def number(self, kind: str, name: str, field: str = "value") -> float | None:
        """Return the median of a number of the records that have this name."""
        found = (record.fields for record in self.of(kind) if record.fields.get("name") == name)
        return _median(fields.get(field) for fields in found)


def _median(values: Iterable[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return statistics.median(there) if there else None
