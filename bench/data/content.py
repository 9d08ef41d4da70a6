"""What the cells hold, block by block, from nothing but the parameters and the number of the block."""

from __future__ import annotations

import dataclasses
import enum
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from bench.data.spec import DataSpec

__all__ = ["BLOCK", "CELL_TYPES", "Block", "Content"]

#: Cells of a block: 20 MB of random bits for 20,000 genes.
BLOCK = 512

#: Number of labels; as often as Zipf's law has it, as cell types are in an atlas.
CELL_TYPES = 24

_DEPTHS = 16  # how many different expected numbers of values a cell may have
_LEAST, _MOST = 0.081, 0.093  # share of the genes a cell has a value for, from the shallowest to the deepest
_ZIPF_GENES = 1.0  # exponent of the genes' popularity
_ZIPF_VALUES = 2.34  # exponent of the counts: 72 % of the stored values are 1
_LARGEST = 1000  # largest count
_DEPTH = 1e4  # what the counts of a cell add up to when they are normalised
_PANEL_EVERY = 10  # each tenth gene is of the panel


class _Stream(enum.IntEnum):
    """What a random stream is for; its number is part of the data."""

    GENES = 0
    POPULARITY = 1
    PRESENCE = 2
    VALUES = 3
    CELLS = 4


@dataclasses.dataclass(frozen=True)
class Block:
    """Some neighbouring cells of one file, in CSR form.

    Parameters
    ----------
    start
        The first cell's row in its file.
    lengths
        Number of stored values of each cell, ``int64[rows]``.
    indices
        Columns, ascending within a row, ``int32[sum of lengths]``.
    values
        Counts, 1 or more, or what was made of them, ``float32[sum of lengths]``.
    """

    start: int
    lengths: NDArray[np.int64]
    indices: NDArray[np.int32]
    values: NDArray[np.float32]


class Content:
    """The cells of all files.

    Whether a cell has a value for a gene is drawn for each pair of them, with a probability that grows with the
    gene's popularity (Zipf's law over a random order of the genes) and the cell's depth. Random bits are compared
    with 16-bit thresholds, so that 100,000 × 20,000 pairs take some ten seconds.

    Parameters
    ----------
    spec
        The parameters.
    """

    def __init__(self, spec: DataSpec) -> None:
        self.spec = spec
        self._thresholds = self._popularity()
        self._table = _value_table()
        self.genes = [self._gene_list(file) for file in range(spec.files)]

    def gene_names(self, file: int) -> list[str]:
        """Names of one file's genes, like Ensembl's."""
        return [f"ENSG{number:011d}" for number in self.genes[file]]

    def shared(self, file: int) -> NDArray[np.bool_]:
        """Which of one file's genes all files have."""
        common = self.genes[0]
        for other in self.genes[1:]:
            common = np.intersect1d(common, other, assume_unique=True)
        return np.isin(self.genes[file], common)

    def panel(self, file: int) -> NDArray[np.bool_]:
        """Which of one file's genes are of the panel: a fixed tenth of all there are, popular or not."""
        return np.equal(self.genes[file] % _PANEL_EVERY, 0)

    def lengths(self, file: int) -> NDArray[np.int64]:
        """Return the number of stored values of each cell of a file."""
        counts = [np.count_nonzero(present, axis=1) for _, present in self._presence(file)]
        return np.concatenate(counts).astype(np.int64)

    def blocks(self, file: int) -> Iterator[Block]:
        """Yield the cells of a file in order; memory is that of one block."""
        for number, (start, present) in enumerate(self._presence(file)):
            lengths = np.count_nonzero(present, axis=1).astype(np.int64)
            indices = np.nonzero(present)[1].astype(np.int32)
            values = self._table[_bits(self._rng(_Stream.VALUES, file, number), len(indices))]
            if self.spec.values == "lognorm":
                values = _log_normalised(values, lengths)
            yield Block(start, lengths, indices, values)

    def cell_types(self, file: int) -> NDArray[np.int8]:
        """Return the label code of each cell of a file, in [0, CELL_TYPES)."""
        weights = 1 / np.arange(1, CELL_TYPES + 1)
        edges = np.cumsum(weights / weights.sum()) * 65536
        bits = _bits(self._rng(_Stream.CELLS, file), self.spec.cells_of(file))
        return np.minimum(np.searchsorted(edges, bits, side="right"), CELL_TYPES - 1).astype(np.int8)

    def _presence(self, file: int) -> Iterator[tuple[int, NDArray[np.bool_]]]:
        genes = self.genes[file]
        thresholds = np.ascontiguousarray(self._thresholds[:, genes])
        cells = self.spec.cells_of(file)
        for number, start in enumerate(range(0, cells, BLOCK)):
            rows = min(BLOCK, cells - start)
            rng = self._rng(_Stream.PRESENCE, file, number)
            depths = _bits(rng, rows) % _DEPTHS
            bits = _bits(rng, rows * len(genes)).reshape(rows, len(genes))
            yield start, bits < thresholds[depths]

    def _popularity(self) -> NDArray[np.uint16]:
        """Probability of each gene of the universe at each depth, in units of 2⁻¹⁶."""
        universe = self.spec.universe
        weights = 1 / np.arange(1, universe + 1) ** _ZIPF_GENES
        shares = np.linspace(_LEAST, _MOST, _DEPTHS)
        by_rank = np.stack([_with_mean(weights, share) for share in shares])
        order = _permutation(self._rng(_Stream.POPULARITY), universe)
        return np.minimum(np.round(by_rank[:, order] * 65536), 65535).astype(np.uint16)

    def _gene_list(self, file: int) -> NDArray[np.int64]:
        if self.spec.universe == self.spec.genes:
            return np.arange(self.spec.genes)
        order = _permutation(self._rng(_Stream.GENES, file), self.spec.universe)
        return np.sort(order[: self.spec.genes])

    def _rng(self, *name: int) -> np.random.Generator:
        return np.random.Generator(np.random.PCG64(np.random.SeedSequence([self.spec.seed, *name])))


def _bits(rng: np.random.Generator, count: int) -> NDArray[np.uint16]:
    # Raw bytes: the methods that draw from distributions may change between numpy's versions.
    return np.frombuffer(rng.bytes(2 * count), dtype="<u2")


def _permutation(rng: np.random.Generator, n: int) -> NDArray[np.int64]:
    return np.argsort(np.frombuffer(rng.bytes(8 * n), dtype="<u8"), kind="stable")


def _with_mean(weights: NDArray[np.float64], mean: float) -> NDArray[np.float64]:
    """Return the probabilities 1 − exp(−c·weights) for the c that gives them this mean."""
    low, high = 0.0, 1.0
    while np.mean(-np.expm1(-high * weights)) < mean:
        high *= 2
    for _ in range(60):
        middle = (low + high) / 2
        if np.mean(-np.expm1(-middle * weights)) < mean:
            low = middle
        else:
            high = middle
    return -np.expm1(-high * weights)


def _log_normalised(counts: NDArray[np.float32], lengths: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return log1p of the counts, scaled so that those of each cell add up to 10⁴."""
    cell = np.repeat(np.arange(len(lengths)), lengths)
    totals = np.bincount(cell, weights=counts, minlength=len(lengths))
    # In float64, so that how numpy computes log1p on a machine rarely shows in the rounded result.
    return np.log1p(counts.astype(np.float64) * (_DEPTH / np.maximum(totals, 1))[cell]).astype(np.float32)


def _value_table() -> NDArray[np.float32]:
    """Inverse of the counts' distribution function at 65,536 places."""
    counts = np.arange(1, _LARGEST + 1)
    weights = counts**-_ZIPF_VALUES
    edges = np.cumsum(weights / weights.sum())
    places = (np.arange(65536) + 0.5) / 65536
    return counts[np.minimum(np.searchsorted(edges, places), _LARGEST - 1)].astype(np.float32)
