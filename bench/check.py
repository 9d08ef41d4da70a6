"""Whether what a loader delivers is what the files hold: a fast loader of wrong rows is no loader."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["Sample", "WrongDataError", "check"]

_TOLERANCE = 1e-6  # relative; of sums that are not of whole numbers, as those depend on the order of adding


class WrongDataError(AssertionError):
    """A batch holds something that no row of the files is."""


@dataclasses.dataclass(frozen=True)
class Sample:
    """What is checked of a batch.

    Parameters
    ----------
    totals
        Sum of ``X`` over the joined genes, or those of the panel, one for each row.
    stores
        Number of each row's file, or None where a loader does not tell it.
    labels
        Each row's ``cell_type``, by name, or None where a loader delivers none.
    """

    totals: NDArray[np.float64]
    stores: NDArray[np.int64] | None = None
    labels: list[str] | None = None


def check(sample: Sample, rows: Path, expected: int, *, panel: bool = False) -> None:
    """Hold every row of a batch against the rows that were written.

    Parameters
    ----------
    sample
        What the loader delivered.
    rows
        The generator's ``rows.npz``.
    expected
        How many rows the batch should have.
    panel
        Whether it is the panel's genes alone that were asked for.

    Raises
    ------
    WrongDataError
        If the number of rows is another, or a row has a (file, label, sum) that no cell has.
    """
    if len(sample.totals) != expected:
        raise WrongDataError(f"the first batch has {len(sample.totals)} rows instead of {expected}")
    with np.load(rows) as written:
        totals = written["panel_total" if panel else "total"]
        names = written["names"].tolist()
        stores = written["store"] if sample.stores is not None else np.zeros(len(totals), np.int64)
        labels = written["label"].astype(np.int64) if sample.labels is not None else np.zeros(len(totals), np.int64)
    codes = {name: code for code, name in enumerate(names)}
    delivered_stores = np.zeros(expected, np.int64) if sample.stores is None else sample.stores.astype(np.int64)
    delivered_labels = np.array([codes.get(name, -1) for name in sample.labels or names[:1] * expected])
    group = stores * len(names) + labels
    order = np.lexsort((totals, group))
    group, totals = group[order], totals[order]
    exact = bool(np.all(totals == np.round(totals)))
    wanted = delivered_stores * len(names) + delivered_labels
    for number, (key, total) in enumerate(zip(wanted, sample.totals.tolist(), strict=True)):
        low, high = np.searchsorted(group, [key, key + 1])
        near = totals[low:high]
        at = np.searchsorted(near, total)
        away = np.abs(near[max(0, at - 1) : at + 1] - total)
        if delivered_labels[number] < 0 or not len(away) or away.min() > (0 if exact else _TOLERANCE * abs(total)):
            row = (
                None if sample.stores is None else int(delivered_stores[number]),
                None if sample.labels is None else sample.labels[number],
                total,
            )
            raise WrongDataError(f"row {number} of the first batch has (file, label, sum) {row}, which no cell has")
