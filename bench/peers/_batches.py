"""The plain form of a batch, for peers that have none of their own."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from bench.check import Sample
from bench.peers._dataloader import row_sums

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

__all__ = ["Batch", "BatchSource"]


@dataclasses.dataclass(frozen=True)
class Batch:
    """A torch tensor with a label for each row: codes, or None where the peer's own label look-up is left out."""

    x: Any
    labels: NDArray[Any] | None


class BatchSource:
    """An epoch is what a function gives for its number.

    Parameters
    ----------
    delivers
        What a batch holds, in words.
    batches
        Gives the `Batch`es of an epoch.
    names
        Names of the label codes.
    """

    def __init__(
        self, delivers: str, batches: Callable[[int], Iterator[Batch]], names: list[str] | None = None
    ) -> None:
        self.delivers = delivers
        self._batches = batches
        self._names = names

    def epoch(self, number: int) -> Iterator[Batch]:
        """Iterate over the batches of one epoch."""
        return self._batches(number)

    def cells(self, batch: Batch) -> int:
        """Return the number of rows."""
        return int(batch.x.shape[0])

    def sample(self, batch: Batch) -> Sample:
        """Return sums, and label names where there are labels."""
        labels = None
        if batch.labels is not None and self._names is not None:
            labels = [self._names[code] for code in batch.labels.tolist()]
        return Sample(row_sums(batch.x), labels=labels)
