"""Rows as dicts: what ``mapped[i]`` is, and what ``DataLoader`` gets from ``mapped.__getitems__``."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from loaderd._batch import label_table
from loaderd._convert import Converter, bfloat16
from loaderd._errors import InvalidArgument
from loaderd._protocol import IDX
from loaderd._schema import Array, Field, Reader, mask_of
from loaderd._torch import in_use, refuse_bfloat16

if TYPE_CHECKING:
    from loaderd._batch import Batch

Absent = Callable[[str], Collection[int]]
"""Gives the numbers of the stores that lack an ``obs`` key."""


class RowMaker:
    """Knows how the arrays of a frame become rows.

    Parameters
    ----------
    reader
        Knows the fields.
    encoded
        The ``obs`` keys whose codes the user asked for.
    absent
        Asked only when a value is missing: a row whose store lacks a key has no such entry.
    """

    def __init__(self, reader: Reader, encoded: Collection[str], absent: Absent) -> None:
        self.reader = reader
        self.encoded = frozenset(encoded)
        self.absent = absent
        self._names = [f.name for f in reader.values]
        self._tables = {f.name: label_table(f.categories) for f in reader.values if f.categories is not None}
        self._masks = [mask_of(f) for f in reader.masks]
        self._converter: Converter | None = None  # made at the first need, which is when torch is there

    def rows(self, arrays: list[Any]) -> Rows:
        """Make the rows of one frame."""
        return Rows(self, arrays)

    def row(self, arrays: list[Any], i: int) -> Row:
        """Make row ``i`` of a frame. Its matrices are views of the frame's arrays."""
        values = len(self._names)
        missing = (
            {of for of, mask in zip(self._masks, arrays[values:], strict=True) if not mask[i]} if self._masks else ()
        )
        row = Row()
        for field, array in zip(self.reader.values, arrays, strict=False):
            name = field.name
            if name == IDX:
                continue
            if name in missing:
                if field.kind == "column" and int(arrays[0][i]) not in self.absent(name):
                    row.set(name, np.nan)
                continue
            row.set(name, self.value(field, array, i))
        return row

    def value(self, field: Field, array: Array, i: int) -> Any:
        """Give the value of one field in one row, as the reference does; bfloat16, which it lacks, as a tensor."""
        if field.bfloat16:
            if not in_use():
                raise refuse_bfloat16(field.name)
            return bfloat16(array[i])
        if field.kind != "column":
            return array[i]
        if field.name in self.encoded:
            return int(array[i])
        if field.categories is not None:
            table = self._tables[field.name]
            return table[array[i]]
        return array[i]

    def batch(self, arrays: list[Any]) -> Batch:
        """Make the batch that torch's collation of the rows would be, without a copy."""
        if self._converter is None:
            self._converter = Converter(self.reader, "torch", self.encoded, without=(IDX,))
        batch = self._converter.batch(arrays)
        values = len(self._names)
        for of, mask in zip(self._masks, arrays[values:], strict=True):
            if of in batch and not mask.all():
                field = self.reader.values[self._names.index(of)]
                if field.kind == "column":
                    batch[of] = self._collate_with_missing(field, arrays[self._names.index(of)], mask)
        return batch

    def _collate_with_missing(self, field: Field, array: Array, mask: Array) -> Any:
        # A missing value is NaN among the others, and torch decides the type by what comes first: as in the reference.
        values = [self.value(field, array, i) if ok else float("nan") for i, ok in enumerate(mask.tolist())]
        if any(isinstance(v, str) for v in values):
            return values
        from torch.utils.data import default_collate

        return default_collate(values)


class Row(dict[str, Any]):
    """One row of a batch, as a dict; knows whether somebody changed it."""

    __slots__ = ("changed",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.changed = bool(args or kwargs)

    def set(self, key: str, value: Any) -> None:
        """Put in a value that is the row's own."""
        super().__setitem__(key, value)

    def __setitem__(self, key: str, value: Any) -> None:
        self.changed = True
        super().__setitem__(key, value)

    def __delitem__(self, key: str) -> None:
        self.changed = True
        super().__delitem__(key)

    def __ior__(self, other: Any) -> Row:  # type: ignore[override,misc]
        self.changed = True
        super().update(other)
        return self

    def update(self, *args: Any, **kwargs: Any) -> None:
        """As of a dict."""
        self.changed = True
        super().update(*args, **kwargs)

    def setdefault(self, key: str, default: Any = None) -> Any:
        """As of a dict."""
        self.changed = True
        return super().setdefault(key, default)

    def pop(self, *args: Any) -> Any:
        """As of a dict."""
        self.changed = True
        return super().pop(*args)

    def popitem(self) -> tuple[str, Any]:
        """As of a dict."""
        self.changed = True
        return super().popitem()

    def clear(self) -> None:
        """As of a dict."""
        self.changed = True
        super().clear()

    def __reduce__(self) -> tuple[Any, ...]:
        return Row, (dict(self),)


class Rows(Sequence[Row]):
    """The rows that ``__getitems__`` was asked for, made one by one as they are looked at.

    Parameters
    ----------
    maker
        Knows the fields.
    arrays
        Those of the frame.
    """

    def __init__(self, maker: RowMaker, arrays: list[Any]) -> None:
        self._maker = maker
        self._arrays = arrays
        self._made: dict[int, Row] = {}

    def __len__(self) -> int:
        return len(self._arrays[0])

    @overload
    def __getitem__(self, i: int) -> Row: ...
    @overload
    def __getitem__(self, i: slice) -> list[Row]: ...
    def __getitem__(self, i: int | slice) -> Row | list[Row]:
        if isinstance(i, slice):
            return [self[j] for j in range(*i.indices(len(self)))]
        if i < 0:
            i += len(self)
        if not 0 <= i < len(self):
            raise IndexError("list index out of range")
        row = self._made.get(i)
        if row is None:
            row = self._made[i] = self._maker.row(self._arrays, i)
        return row

    def __iter__(self) -> Iterator[Row]:
        return (self[i] for i in range(len(self)))

    def __reduce__(self) -> tuple[Any, ...]:
        return list, (list(self),)

    def collate(self) -> Batch | None:
        """Give the ready batch; None if some row was changed, so that it must be made of the rows."""
        if any(row.changed for row in self._made.values()):
            return None
        return self._maker.batch(self._arrays)


def collate_rows(rows: Sequence[Row], *, collate_fn_map: Any = None) -> Any:
    """Collate for torch: the ready batch if ``rows`` is just what ``__getitems__`` gave, else value by value."""
    if isinstance(rows, Rows):
        batch = rows.collate()
        if batch is not None:
            return batch
    from torch.utils.data._utils.collate import collate

    return {key: collate([row[key] for row in rows], collate_fn_map=collate_fn_map) for key in rows[0]}


def collate_batches(batches: Sequence[Batch], *, collate_fn_map: Any = None) -> Any:
    """Collate for torch: pass a ready batch through ``DataLoader(loader)``."""
    if len(batches) == 1:
        return batches[0]
    raise InvalidArgument(
        f"DataLoader was to make one batch of {len(batches)} batches",
        object="batch_size",
        hint="a loader's batches are ready: DataLoader(loader, batch_size=None), or iterate over the loader itself",
    )
