"""From numpy arrays of a frame to what the user asked for."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from loaderd._batch import CSR, Batch, label_table
from loaderd._errors import InvalidArgument
from loaderd._mask import Masks
from loaderd._schema import Array, Field, Reader, mask_of
from loaderd._torch import refuse_bfloat16

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

Target = Literal["torch", "numpy", "scipy"]
TARGETS: Final = ("torch", "numpy", "scipy")

_bare = dict.__new__

Strings = Literal["codes", "objects"]
STRINGS: Final = ("codes", "objects")


class Converter:
    """Makes batches of the arrays that a `Reader` gives.

    Parameters
    ----------
    reader
        Knows the fields.
    target
        What arrays are to be.
    encoded
        The ``obs`` keys whose codes the user asked for. Other columns of codes become the labels themselves.
    without
        Fields to leave out.
    strings
        Whether text that is not encoded stays codes.
    """

    def __init__(
        self,
        reader: Reader,
        target: Target,
        encoded: Collection[str],
        without: Collection[str] = (),
        strings: Strings = "objects",
    ) -> None:
        convert = _torch_function() if target == "torch" else _same
        sparse = _torch_csr(convert) if target == "torch" else _scipy_csr if target == "scipy" else _same
        self._values: list[tuple[str, Callable[[Any], Any]] | None] = []
        self._categories: dict[str, tuple[Any, ...]] = {}
        for f in reader.values:
            if f.bfloat16:
                if target != "torch":
                    raise refuse_bfloat16(f.name)
                self._values.append((f.name, _torch_csr(bfloat16) if f.kind == "csr" else bfloat16))
                continue
            if target == "scipy" and f.kind == "csr" and f.dtype == np.float16:
                hint = 'ask for dtype="float32", or for to="torch"'
                raise InvalidArgument("scipy has no sparse float16", stage="start", object=f.name, hint=hint)
            function: Callable[[Any], Any] = sparse if f.kind == "csr" else convert
            if f.kind == "column" and f.name in encoded:
                self._categories[f.name] = f.categories or ()
                if f.dtype != np.int64:
                    function = _after(_int64, convert)
            elif f.categories is not None:
                if strings == "codes" and label_table(f.categories).dtype == object:
                    self._categories[f.name] = f.categories
                else:
                    function = _labels(f, target, convert)
            self._values.append(None if f.name in without else (f.name, function))
        self._masks = [(i, mask_of(f)) for i, f in enumerate(reader.masks) if mask_of(f) not in without]
        self._convert = convert
        self._keys = frozenset(v[0] for v in self._values if v is not None)

    def batch(self, arrays: list[Any]) -> Batch:
        """Make the batch of one frame's arrays."""
        values = self._values
        batch = _bare(Batch)
        batch.categories = self._categories
        batch._mask = (self._masks_of, arrays[len(values) :], len(arrays[0]))
        for value, array in zip(values, arrays, strict=False):
            if value is not None:
                batch[value[0]] = value[1](array)
        return batch

    def _masks_of(self, arrays: list[Any], rows: int) -> Masks:
        convert = self._convert
        return Masks({of: convert(arrays[i]) for i, of in self._masks}, self._keys, rows, convert)


def _same(value: Any) -> Any:
    return value


def _int64(value: Array) -> Array:
    return value.astype(np.int64)


def _after(first: Callable[[Any], Any], second: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: second(first(value))


def _labels(field: Field, target: Target, convert: Callable[[Any], Any]) -> Callable[[Any], Any]:
    table = label_table(field.categories or ())
    if table.dtype != object:
        return lambda codes: convert(table[codes])
    if target == "torch":  # which has no strings: a list, as its default collation makes
        return lambda codes: table[codes].tolist()
    return lambda codes: table[codes]


def _torch_function() -> Callable[[Any], Any]:
    import torch

    function: Callable[[Any], Any] = torch.from_numpy
    return function


def bfloat16(bits: Array) -> Any:
    """Make the tensor of which numpy sees the bits."""
    import torch

    return torch.from_numpy(bits).view(torch.bfloat16)


def _torch_csr(values: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Give a function that makes ``torch.sparse_csr`` tensors which share the arrays of a `CSR`.

    Parameters
    ----------
    values
        Makes a tensor of its data.
    """
    import torch

    make, view = torch.sparse_csr_tensor, torch.from_numpy
    with warnings.catch_warnings():  # torch says once per process that sparse CSR is in beta
        warnings.simplefilter("ignore")
        empty = torch.zeros(1, dtype=torch.int32)
        make(empty, empty[:0], torch.zeros(0), size=(0, 0), check_invariants=False)

    def convert(value: CSR) -> Any:
        indptr, indices, data, shape = value
        return make(view(indptr), view(indices), values(data), size=shape, check_invariants=False)

    return convert


def _scipy_csr(value: CSR) -> Any:
    """Make a ``scipy.sparse.csr_matrix`` that shares the arrays, without checking them."""
    from scipy.sparse import csr_matrix

    matrix = csr_matrix(value.shape, dtype=value.data.dtype)
    matrix.indptr, matrix.indices, matrix.data = value.indptr, value.indices, value.data
    matrix.has_canonical_format = True
    return matrix
