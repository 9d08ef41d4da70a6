"""What an iteration yields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from loaderd._errors import InvalidArgument, UnknownKey, Unsupported
from loaderd._mask import Masks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import Self


class CSR(NamedTuple):
    """A sparse matrix as three arrays, for ``to="numpy"``; row i holds ``data[indptr[i]:indptr[i + 1]]``."""

    indptr: np.ndarray[Any, Any]
    """int32, one more than rows."""

    indices: np.ndarray[Any, Any]
    """int32, ascending within a row."""

    data: np.ndarray[Any, Any]
    """As long as ``indices``."""

    shape: tuple[int, int]
    """Rows and columns."""


class Batch(dict[str, Any]):
    """One batch: a ``dict`` of arrays, one for each requested key, plus ``_store_idx`` and ``_idx``.

    With ``to="torch"`` all are tensors; a sparse one is ``torch.sparse_csr``. Encoded labels are int64. Text that is
    not encoded is int32 codes of a table, or with ``strings="objects"`` a list of str (with torch) or an object array.

    Parameters
    ----------
    items
        The arrays by key.
    mask, categories
        See the attributes.

    Attributes
    ----------
    mask
        By key: a bool array, False where the row at hand has no value. Such a place holds 0 in integers and layers, NaN
        in floating ``obs`` and ``obsm``, -1 in codes: where the mask is True, -1 is the unknown label. Its items are
        the keys where some row of the collection may have none; any other key reads as all True. The mask of ``"_idx"``
        is False where a row was repeated to give all ranks equally many.
    categories
        By key of codes, encoded or not: the labels that they number, without the unknown one. The same tuples in all
        batches of an epoch; ``pandas.Categorical.from_codes`` takes them, and so does `labels`.

    Notes
    -----
    Large arrays are views of memory shared with the daemon. It is theirs for as long as they, or any views of them,
    are alive, and may be written to.
    """

    __slots__ = ("_mask", "categories")

    def __init__(
        self, items: Any = (), mask: dict[str, Any] | None = None, categories: dict[str, tuple[Any, ...]] | None = None
    ) -> None:
        super().__init__(items)
        self._mask: Any = {} if mask is None else mask
        self.categories: dict[str, tuple[Any, ...]] = {} if categories is None else categories

    @property
    def mask(self) -> dict[str, Any]:
        """By key: where the rows at hand have a value."""
        if type(self._mask) is tuple:
            make, arrays, rows = self._mask
            self._mask = make(arrays, rows)
        mask: dict[str, Any] = self._mask
        return mask

    @mask.setter
    def mask(self, mask: dict[str, Any]) -> None:
        self._mask = mask

    def labels(self, key: str) -> np.ndarray[Any, Any]:
        """Give the labels that codes stand for, NaN where a code is -1; always numpy.

        Parameters
        ----------
        key
            One of `categories`.
        """
        table = self.categories.get(key)
        if table is None:
            message = f"{key!r} holds no codes; those are in {sorted(self.categories)}"
            raise UnknownKey(message, stage="batch", object=key)
        codes = self[key]
        found: np.ndarray[Any, Any] = label_table(table)[np.asarray(codes.cpu() if hasattr(codes, "cpu") else codes)]
        return found

    def to(self, device: Any, *, non_blocking: bool = False) -> Batch:
        """Copy the tensors to a device, such as ``"cuda"``; lists of labels stay as they are.

        Parameters
        ----------
        device
            A torch device, or a dtype, or whatever else ``torch.Tensor.to`` takes.
        non_blocking
            Let the copy of pinned memory go on in the background.
        """
        return self._map(lambda tensor: tensor.to(device, non_blocking=non_blocking))

    def pin_memory(self) -> Batch:
        """Copy the tensors to page-locked memory, from where a GPU fetches them without waiting for the CPU."""
        return self._map(_pinned)

    def to_arrow(self) -> Any:
        """Give a ``pyarrow.RecordBatch`` of the same columns, without a copy where Arrow's layout is ours.

        Dense fields become fixed-size lists, sparse ones lists of {column, value}, text dictionaries, masks nulls.
        """
        from loaderd._arrow import record_batch

        return record_batch(self)

    def copy(self) -> Self:
        """Give another dict of the same arrays."""
        return type(self)(self, self.mask.copy(), self.categories)

    __copy__ = copy

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (dict(self), self.mask, self.categories)

    def _map(self, function: Any) -> Batch:
        import torch

        if not any(isinstance(value, torch.Tensor) for value in self.values()):
            raise InvalidArgument("this batch holds no tensors", stage="batch", hint='make the loader with to="torch"')

        def mapped(items: Mapping[str, Any]) -> dict[str, Any]:
            return {key: function(v) if isinstance(v, torch.Tensor) else v for key, v in items.items()}

        mask = self.mask.map(function) if isinstance(self.mask, Masks) else mapped(self.mask)
        return Batch(mapped(self), mask, self.categories)


def label_table(categories: tuple[Any, ...]) -> np.ndarray[Any, Any]:
    """Make the array that codes index: the categories, then what code -1 stands for."""
    if categories and all(isinstance(c, bool) for c in categories):
        return np.array([*categories, False])
    if categories and all(isinstance(c, int) for c in categories):
        return np.array([*categories, 0])
    if categories and all(isinstance(c, (int, float)) for c in categories):
        return np.array([*categories, np.nan])
    table = np.empty(len(categories) + 1, dtype=object)
    table[:-1] = categories
    table[-1] = np.nan
    return table


def _pinned(tensor: Any) -> Any:
    import torch

    if tensor.layout == torch.strided:
        return tensor.pin_memory()
    if tensor.layout != torch.sparse_csr:
        raise Unsupported(f"cannot pin a tensor of layout {tensor.layout}", stage="batch")
    parts = [part.pin_memory() for part in (tensor.crow_indices(), tensor.col_indices(), tensor.values())]
    return torch.sparse_csr_tensor(*parts, size=tensor.shape, check_invariants=False)
