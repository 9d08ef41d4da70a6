"""Statistics of a collection, taken by the daemon."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from loaderd._query import Array as Answered

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, eq=False)
class Statistics:
    """Numbers about one layer, over all cells of a collection; made by `MappedCollection.statistics`.

    Cells whose file lacks the layer count nowhere.

    Parameters
    ----------
    layer
        The layer.
    n
        Cells that have it.
    mean, var
        Of each gene, float64; the variance is of the sample (divided by ``n - 1``), as scanpy's are. 0 where no cell
        counts, or one alone.
    nonzero
        Of each gene, the cells in which it is not 0, int64.
    present
        Of each gene, the cells whose file has it, int64.
    total
        Of each cell, the sum over the genes of the collection, float64; NaN if its file lacks the layer.
    cell_nonzero
        Of each cell, its genes that are not 0, int32.
    labels
        Of each of the ``obs_keys`` that has labels, how many cells have each: label -> count.
    missing
        Of each of these keys, how many cells have no label.
    """

    layer: str
    n: int
    mean: Array
    var: Array
    nonzero: Array
    present: Array
    total: Array
    cell_nonzero: Array
    labels: dict[str, dict[Any, int]]
    missing: dict[str, int]

    @property
    def std(self) -> Array:
        """The square root of ``var``."""
        out: Array = np.sqrt(self.var)
        return out

    def __repr__(self) -> str:
        keys = f", labels of {', '.join(self.labels)}" if self.labels else ""
        return f"Statistics({self.layer}: {self.n:,} cells, {len(self.mean):,} genes{keys})"


def ask(query: Callable[..., tuple[Any, dict[str, Answered]]], layer: str, transforms: Any, absent: str) -> Statistics:
    """Ask the daemon.

    Parameters
    ----------
    query
        Asks a query of the collection, on a connection of its own.
    layer, transforms, absent
        As the wire has them.
    """
    value, arrays = query("statistics", long=True, layer=layer, transforms=transforms, skip_absent=absent == "skip")
    labels: dict[str, dict[Any, int]] = {}
    for column in value["labels"]:
        key, counts = column["key"], arrays["labels/" + column["key"]]
        labels[key] = dict(zip(counts.categories or [], counts.values.tolist(), strict=True))
        if column["unknown_label"] is not None:
            labels[key][column["unknown_label"]] = column["unknown"]
    names = ("mean", "var", "nonzero", "present", "total", "cell_nonzero")
    return Statistics(
        layer=layer,
        n=value["n"],
        labels=labels,
        missing={column["key"]: column["missing"] for column in value["labels"]},
        **{name: arrays[name].values for name in names},
    )
