"""The parameters of many files, and what follows from them. Light to import: clients are measured that use this."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["CELL_TYPES", "DONORS", "ManySpec", "expected_sum", "label_codes"]

CELL_TYPES = 24
"""Labels of ``cell_type``, the same in all files."""

DONORS = 20
"""Labels of ``donor`` in each file; no other file has them."""

_VERSION = 1  # to be raised when the same parameters give other data


@dataclasses.dataclass(frozen=True)
class ManySpec:
    """The parameters that decide every byte.

    Parameters
    ----------
    files
        Number of files.
    cells
        Cells of each file.
    genes
        Genes of each file.
    values
        Stored values of each cell, in ``X`` and in ``layers["counts"]``.
    lists
        Different gene lists; files take turns with them. Neighbouring ones differ by one gene in a hundred.
    rich
        Also ``layers["counts"]``, ``obsm["X_pca"]`` (50 wide), and ``obs`` columns of text, numbers and booleans.
    """

    files: int
    cells: int
    genes: int = 20_000
    values: int = 4
    lists: int = 4
    rich: bool = False

    def key(self) -> str:
        """Return a short name that no other parameters have."""
        text = json.dumps({**dataclasses.asdict(self), "version": _VERSION}, sort_keys=True)
        return f"many-{self.files}x{self.cells}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def label_codes(spec: ManySpec, file: int) -> NDArray[np.int8]:
    """Return the code of ``cell_type`` of each cell of a file."""
    return ((np.arange(spec.cells) + file) % CELL_TYPES).astype(np.int8)


def expected_sum(spec: ManySpec, codes: NDArray[np.int64], files: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the sum of the stored values of cells with these labels in these files, before a join drops some."""
    return ((codes - files) % CELL_TYPES + 1) * spec.values
