"""Which rows of a batch have a value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Masks(dict[str, Any]):
    """Masks by key. Those that would be all True are not kept, and are made when they are asked for.

    Parameters
    ----------
    items
        The masks of keys where some row of the collection may have no value.
    keys
        Other keys of the batch.
    rows
        Rows of the batch.
    convert
        Makes what masks are of a numpy array.
    """

    __slots__ = ("_convert", "_keys", "_rows")

    def __init__(
        self, items: Any = (), keys: Iterable[str] = (), rows: int = 0, convert: Callable[[Any], Any] | None = None
    ) -> None:
        super().__init__(items)
        self._keys = keys if isinstance(keys, frozenset) else frozenset(keys)
        self._rows = rows
        self._convert = convert

    def __missing__(self, key: str) -> Any:
        if key not in self._keys:
            raise KeyError(key)
        whole = np.ones(self._rows, dtype=bool)
        return whole if self._convert is None else self._convert(whole)

    def copy(self) -> Masks:
        """Give another dict of the same masks."""
        return Masks(self, self._keys, self._rows, self._convert)

    __copy__ = copy

    def map(self, function: Callable[[Any], Any]) -> Masks:
        """Give the masks with a function applied to each."""
        convert = self._convert
        then = function if convert is None else lambda whole: function(convert(whole))
        return Masks({key: function(mask) for key, mask in self.items()}, self._keys, self._rows, then)

    def __reduce__(self) -> tuple[Any, ...]:
        return Masks, (dict(self), self._keys, self._rows, self._convert)
