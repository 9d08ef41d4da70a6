"""What an iteration yields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from loaderd._errors import InvalidArgument, Unsupported

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
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

    With ``to="torch"`` all are tensors; a sparse one is ``torch.sparse_csr``. Encoded labels are int64. Labels
    that are neither encoded nor numbers are a list of str (with torch) or an object array (with numpy).

    Parameters
    ----------
    items
        The arrays by key.
    mask
        See the attribute.

    Attributes
    ----------
    mask
        For keys where some row may have no value: a bool array, False where the row at hand has none. Such a place
        holds 0 in integers and matrices of counts, NaN in floating ``obs`` and ``obsm``, -1 in encoded labels. The
        mask of ``"_idx"`` is False where a row was repeated to give all ranks equally many.

    Notes
    -----
    Large arrays are views of memory shared with the daemon. It is theirs for as long as they, or any views of them,
    are alive, and may be written to.
    """

    __slots__ = ("mask",)

    def __init__(self, items: Any = (), mask: dict[str, Any] | None = None) -> None:
        super().__init__(items)
        self.mask: dict[str, Any] = {} if mask is None else mask

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

        Dense fields become fixed-size lists, sparse ones lists of {column, value}, masks nulls.
        """
        from loaderd._arrow import record_batch

        return record_batch(self)

    def copy(self) -> Self:
        """Give another dict of the same arrays."""
        return type(self)(self, dict(self.mask))

    __copy__ = copy

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (dict(self), self.mask)

    def _map(self, function: Any) -> Batch:
        import torch

        if not any(isinstance(value, torch.Tensor) for value in self.values()):
            raise InvalidArgument("this batch holds no tensors", stage="batch", hint='make the loader with to="torch"')

        def mapped(items: Mapping[str, Any]) -> dict[str, Any]:
            return {key: function(v) if isinstance(v, torch.Tensor) else v for key, v in items.items()}

        return Batch(mapped(self), mapped(self.mask))


def _pinned(tensor: Any) -> Any:
    import torch

    if tensor.layout == torch.strided:
        return tensor.pin_memory()
    if tensor.layout != torch.sparse_csr:
        raise Unsupported(f"cannot pin a tensor of layout {tensor.layout}", stage="batch")
    parts = [part.pin_memory() for part in (tensor.crow_indices(), tensor.col_indices(), tensor.values())]
    return torch.sparse_csr_tensor(*parts, size=tensor.shape, check_invariants=False)
