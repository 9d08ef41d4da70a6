"""Whether what a loader delivers is what the files hold: a fast loader of wrong rows is no loader."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["Sample", "WrongDataError", "check"]


class WrongDataError(AssertionError):
    """A batch holds something that no row of the files is."""


@dataclasses.dataclass(frozen=True)
class Sample:
    """What is checked of a batch.

    Parameters
    ----------
    totals
        Sum of ``X`` over the joined genes, one for each row.
    stores
        Number of each row's file.
    labels
        Each row's ``cell_type``, by name.
    """

    totals: NDArray[np.float64]
    stores: NDArray[np.int64]
    labels: list[str]


def check(sample: Sample, rows: Path, expected: int) -> None:
    """Hold every row of a batch against the rows that were written.

    Parameters
    ----------
    sample
        What the loader delivered.
    rows
        The generator's ``rows.npz``.
    expected
        How many rows the batch should have.

    Raises
    ------
    WrongDataError
        If the number of rows is another, or a row has a (file, label, sum) that no cell has.
    """
    if len(sample.totals) != expected:
        raise WrongDataError(f"the first batch has {len(sample.totals)} rows instead of {expected}")
    with np.load(rows) as written:
        names = written["names"][written["label"]]
        right = set(zip(written["store"].tolist(), names.tolist(), written["total"].tolist(), strict=True))
    delivered = zip(sample.stores.tolist(), sample.labels, sample.totals.tolist(), strict=True)
    for number, row in enumerate(delivered):
        if row not in right:
            raise WrongDataError(f"row {number} of the first batch has (file, label, sum) {row}, which no cell has")
