"""From a ``ready`` message to numpy arrays of its frame."""

from __future__ import annotations

import math
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
_BYTE: Final = np.dtype("u1")
_ndarray: Final = np.ndarray


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
        self._fields = fields
        self._buffers = sum(len(BUFFERS[f.kind]) for f in fields)
        self._rows = -1  # of the frames that what follows is for
        self._steps: list[tuple[bool, Any, Any, bool, int]] = []
        self._joint = False

    def _prepare(self, n: int) -> None:
        """Work out what frames of ``n`` rows have in common: all but the last of an epoch have equally many."""
        self._steps = []  # (is csr, shape or columns, dtype, may be a view, index of the first buffer)
        first = views = 0
        for f in self._fields:
            csr = f.kind == "csr"
            shape = (n, f.width) if f.kind in ("dense", "csr") else (n,)
            large = csr or math.prod(shape) * f.dtype.itemsize >= LARGE
            self._steps.append((csr, shape, f.dtype, large, first))
            first += len(BUFFERS[f.kind])
            views += 2 if csr else large
        self._joint = views > 1
        self._rows = n

    def read(self, ready: Message, segment: Segment, leases: Leases, *, hold: bool) -> list[Any]:
        """Give one array for each field: ``[n, width]``, ``[n]``, or a `CSR`.

        Parameters
        ----------
        ready
            The message that announced the frame.
        segment
            The segment it lies in.
        leases
            Where the frame is watched if an array views it, else put on the list for release.
        hold
            Whether arrays may view the frame; if not, all of it is copied out.
        """
        n, base, size, at = ready["n"], ready["base"], ready["size"], ready["at"]
        if len(at) != self._buffers or base < 0 or base + size > segment.size:
            raise ProtocolError(f"frame {ready.get('seq')} does not follow its schema or leaves its segment")
        if n != self._rows:
            self._prepare(n)
        memory, start = segment.memory, base
        frame: Any = None  # the array that stands for the frame: the only one that views it, or one under all that do
        if hold and self._joint:
            memory = frame = _ndarray((size,), _BYTE, memory, base)
            start = 0
        viewed = False
        stored = iter(ready["var"] or ())
        out: list[Any] = []
        for csr, shape, dtype, large, first in self._steps:
            if csr:
                nnz = next(stored)
                parts = []
                for i, count, part in ((0, n + 1, _INT32), (1, nnz, _INT32), (2, nnz, dtype)):
                    array = _ndarray((count,), part, memory, start + at[first + i])
                    if hold and array.nbytes >= LARGE:
                        viewed = True
                    else:
                        array = array.copy()
                    parts.append(array)
                out.append(CSR(parts[0], parts[1], parts[2], shape))
                continue
            array = _ndarray(shape, dtype, memory, start + at[first])
            if large and hold:
                viewed = True
                if frame is None:
                    frame = array
            else:
                array = array.copy()
            out.append(array)
        key: Key = (ready["gen"], ready["seq"])
        if viewed:
            leases.watch(frame, key)
        else:
            leases.drop(key)
        return out


def mask_of(field: Field) -> str:
    """Name the key that a mask speaks of."""
    return field.of or IDX
