"""The constants of the wire. ``docs/protocol.md`` describes them; a test compares all three."""

from __future__ import annotations

from typing import Final

MAJOR: Final = 1
MINOR: Final = 2

HEADER_SIZE: Final = 4
"""Bytes of the length in front of each message."""

HELLO_LIMIT: Final = 64 << 10
"""Longest message before ``welcome``, in bytes."""

REQUEST_LIMIT: Final = 16 << 20
"""Longest message from client to daemon, in bytes."""

ANSWER_LIMIT: Final = 256 << 20
"""Longest message from daemon to client, in bytes."""

ALIGNMENT: Final = 64
"""Frames and their buffers start at multiples of this many bytes."""

STORE_IDX: Final = "_store_idx"
"""The field that says which file a row is of."""

IDX: Final = "_idx"
"""The field that says which row of the whole collection a row is."""

BUFFERS: Final[dict[str, tuple[str, ...]]] = {
    "dense": ("values",),
    "column": ("values",),
    "mask": ("values",),
    "csr": ("indptr", "indices", "values"),
}
"""The buffers of each kind of field, in their order in a frame."""
