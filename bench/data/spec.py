"""What data is made: the parameters, and a name for them."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from typing import Any, Literal

__all__ = ["VERSION", "Compression", "DataSpec", "Values"]

Compression = Literal["none", "gzip"]
Values = Literal["counts", "lognorm"]

#: Number of the generator; to be raised when the same parameters give other data.
VERSION = 2


@dataclasses.dataclass(frozen=True)
class DataSpec:
    """The parameters that decide every byte of the data.

    Parameters
    ----------
    cells
        Cells in all files together; files differ by at most one cell.
    genes
        Genes of each file. A cell has a value for 7.6 to 9.9 % of them: 1,520 to 1,980 of 20,000.
    files
        Number of h5ad files.
    compression
        ``"none"`` leaves the chunks of ``X`` unfiltered; ``"gzip"`` is what
        ``write_h5ad(compression="gzip")`` does.
    differ
        Share of all genes that a file lacks, drawn for each file anew. With 0 all files have one gene list.
    seed
        Seed of everything that is drawn.
    values
        What ``X`` holds: ``"counts"``, or ``"lognorm"``: log1p(count / counts of the cell × 10⁴), as published files
        often have it.

    Raises
    ------
    ValueError
        If a number is out of range; the message says which.
    """

    cells: int = 100_000
    genes: int = 20_000
    files: int = 4
    compression: Compression = "none"
    differ: float = 0.0
    seed: int = 7
    values: Values = "counts"

    def __post_init__(self) -> None:
        if self.files < 1:
            raise ValueError(f"files is {self.files}; it must be 1 or more")
        if self.cells < self.files:
            raise ValueError(f"cells is {self.cells}; {self.files} files need as many cells or more")
        if self.genes < 20:
            raise ValueError(f"genes is {self.genes}; it must be 20 or more")
        if self.compression not in ("none", "gzip"):
            raise ValueError(f'compression is {self.compression!r}; it must be "none" or "gzip"')
        if self.values not in ("counts", "lognorm"):
            raise ValueError(f'values is {self.values!r}; it must be "counts" or "lognorm"')
        if not 0 <= self.differ < 1:
            raise ValueError(f"differ is {self.differ}; it must be in [0, 1)")

    @property
    def universe(self) -> int:
        """Number of genes that the files' lists are drawn from."""
        return round(self.genes / (1 - self.differ))

    def cells_of(self, file: int) -> int:
        """Cells of one file."""
        return self.cells // self.files + (file < self.cells % self.files)

    def as_dict(self) -> dict[str, Any]:
        """Return the parameters and the generator's version, for a file beside the data."""
        return {**dataclasses.asdict(self), "version": VERSION}

    def key(self) -> str:
        """Return a short name that no other parameters have: size in words, then a hash."""
        text = json.dumps(self.as_dict(), sort_keys=True)
        return f"{self.cells}x{self.genes}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"
