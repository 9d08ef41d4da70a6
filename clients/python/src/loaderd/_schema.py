"""From a ``ready`` message to numpy arrays of its frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from loaderd._batch import CSR
from loaderd._errors import ProtocolError
from loaderd._protocol import BUFFERS, IDX
from loaderd._ring import LARGE, Key, Leases, Segment
from loaderd._torch import BFLOAT16

if TYPE_CHECKING:
    from loaderd._wire import Message

Array = np.ndarray[Any, np.dtype[Any]]

_INT32: Final = np.dtype("<i4")


@dataclass(frozen=True)
class Field:
    """One field of every frame (``docs/protocol.md``, "field")."""

    name: str
    kind: str
    dtype: Any
    width: int
    of: str
    categories: tuple[Any, ...] | None
    bfloat16: bool
    """Values are bfloat16, which numpy lacks: ``dtype`` is int16, of their bits."""

    @classmethod
    def from_wire(cls, field: Message) -> Field:
        """Read and check a field of a schema."""
        try:
            kind = field["kind"]
            if field["buffers"] != len(BUFFERS[kind]):
                raise ProtocolError(f"field {field['name']!r} of kind {kind} has {field['buffers']} buffers")
            categories = field.get("categories")
            return cls(
                name=field["name"],
                kind=kind,
                dtype=np.dtype("<i2" if field["dtype"] == BFLOAT16 else field["dtype"]),
                width=int(field["width"]),
                of=field.get("of") or "",
                categories=None if categories is None else tuple(categories),
                bfloat16=field["dtype"] == BFLOAT16,
            )
        except (KeyError, TypeError) as e:
            raise ProtocolError(f"a field that this client does not understand: {field!r}") from e


class Reader:
    """Makes arrays of frames that follow one schema.

    Parameters
    ----------
    schema
        The fields, as the daemon sent them.

    Attributes
    ----------
    values
        The fields that hold values, in order.
    masks
        The fields that say where values are missing, in order; they come after the values.
    """

    def __init__(self, schema: list[Message]) -> None:
        fields = [Field.from_wire(f) for f in schema]
        self.values = [f for f in fields if f.kind != "mask"]
        self.masks = [f for f in fields if f.kind == "mask"]
        if fields != self.values + self.masks:
            raise ProtocolError("the schema has masks before values")
        # (is csr, dtype, bytes of an element, columns or None for a vector, index of the first buffer)
        self._steps: list[tuple[bool, Any, int, int | None, int]] = []
        buffers = 0
        for f in fields:
            width = f.width if f.kind in ("dense", "csr") else None
            self._steps.append((f.kind == "csr", f.dtype, f.dtype.itemsize, width, buffers))
            buffers += len(BUFFERS[f.kind])
        self._buffers = buffers

    def read(self, ready: Message, segment: Segment, leases: Leases, *, hold: bool) -> list[Any]:
        """Give one array for each field: ``[n, width]``, ``[n]``, or a `CSR`.

        Parameters
        ----------
        ready
            The message that announced the frame.
        segment
            The segment it lies in.
        leases
            Where the frame is leased if an array views it, else put on the list for release.
        hold
            Whether arrays may view the frame; if not, all of it is copied out.
        """
        n, base, at = ready["n"], ready["base"], ready["at"]
        if len(at) != self._buffers or base < 0 or base + ready["size"] > segment.size:
            raise ProtocolError(f"frame {ready.get('seq')} does not follow its schema or leaves its segment")
        key: Key = (ready["gen"], ready["seq"])
        memory, ndarray = segment.memory, np.ndarray
        lease: Any = None
        stored = iter(ready["var"] or ())
        out: list[Any] = []
        for is_csr, dtype, itemsize, width, first in self._steps:
            offset = base + at[first]
            if is_csr:
                nnz = next(stored)
                if hold and lease is None and nnz * min(itemsize, 4) >= LARGE:
                    lease = leases.take(segment, key)
                parts = ((n + 1, _INT32, 4), (nnz, _INT32, 4), (nnz, dtype, itemsize))
                arrays = []
                for i, (count, part_dtype, size) in enumerate(parts):
                    if lease is not None and count * size >= LARGE:
                        arrays.append(ndarray((count,), part_dtype, lease, base + at[first + i]))
                    else:
                        arrays.append(ndarray((count,), part_dtype, memory, base + at[first + i]).copy())
                out.append(CSR(arrays[0], arrays[1], arrays[2], (n, width or 0)))
                continue
            shape = (n,) if width is None else (n, width)
            if hold and n * (1 if width is None else width) * itemsize >= LARGE:
                if lease is None:
                    lease = leases.take(segment, key)
                out.append(ndarray(shape, dtype, lease, offset))
            else:
                out.append(ndarray(shape, dtype, memory, offset).copy())
        if lease is None:
            leases.drop(key)
        return out


def mask_of(field: Field) -> str:
    """Name the key that a mask speaks of."""
    return field.of or IDX
