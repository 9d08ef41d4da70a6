"""Batches as Arrow record batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from loaderd._batch import CSR
from loaderd._errors import Unsupported

if TYPE_CHECKING:
    from loaderd._batch import Batch


def record_batch(batch: Batch) -> Any:
    """Make a ``pyarrow.RecordBatch``; see `Batch.to_arrow`."""
    columns = {}
    for key, value in batch.items():
        mask = batch.mask.get(key)
        missing = None if mask is None else ~np.asarray(mask)
        column = _column(_plain(value), missing)
        if pa.types.is_int32(column.type) and key in batch.categories:  # encoded labels are int64, and stay numbers
            column = pa.DictionaryArray.from_arrays(column, pa.array([str(c) for c in batch.categories[key]]))
        columns[key] = column
    return pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))


def _plain(value: Any) -> Any:
    """Give the numpy arrays behind a tensor or a scipy matrix."""
    if str(getattr(value, "dtype", "")) == "torch.bfloat16":
        hint = "make the loader with dtype float16 or float32"
        raise Unsupported("Arrow has no type for bfloat16", stage="batch", hint=hint)
    if hasattr(value, "crow_indices"):
        if str(value.layout) == "torch.strided":
            return value.numpy()
        indptr, indices, data = value.crow_indices(), value.col_indices(), value.values()
        return CSR(indptr.numpy(), indices.numpy(), data.numpy(), tuple(value.shape))
    if hasattr(value, "indptr") and not isinstance(value, CSR):
        return CSR(value.indptr, value.indices, value.data, value.shape)
    return value


def _column(value: Any, missing: Any) -> Any:
    nulls = None if missing is None else pa.array(missing)
    if isinstance(value, CSR):
        stored = pa.StructArray.from_arrays([pa.array(value.indices), pa.array(value.data)], names=["column", "value"])
        return pa.ListArray.from_arrays(pa.array(value.indptr), stored, mask=nulls)
    if isinstance(value, np.ndarray) and value.ndim == 2:
        return pa.FixedSizeListArray.from_arrays(pa.array(value.reshape(-1)), value.shape[1], mask=nulls)
    if isinstance(value, np.ndarray) and value.dtype != object:
        return pa.array(value, mask=missing)
    return pa.array([v if isinstance(v, str) else None for v in value], type=pa.string())
