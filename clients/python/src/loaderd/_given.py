"""What a collection was asked for, as lamindb's ``MappedCollection`` shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from loaderd import _encoders

if TYPE_CHECKING:
    from loaderd._source import Source


@dataclass(frozen=True)
class Arguments:
    """Arguments of `mapped` that the daemon need not know in this form."""

    obs_keys: list[str] | None
    obsm_keys: list[str] | None
    encode_labels: list[str] | Literal[False]
    unknown_label: str | dict[str, str] | None
    cache_categories: bool
    parallel: bool


class Given:
    """The part of `MappedCollection` that shows its arguments."""

    _source: Source
    _arguments: Arguments
    _dtype: str | None

    @property
    def layers_keys(self) -> list[str]:
        """As given, as a list."""
        return list(self._source.spec["layers_keys"])

    @property
    def obs_keys(self) -> list[str] | None:
        """As given, as a list; None if none was."""
        return None if self._arguments.obs_keys is None else list(self._arguments.obs_keys)

    @property
    def obsm_keys(self) -> list[str] | None:
        """As given, as a list; None if none was."""
        return None if self._arguments.obsm_keys is None else list(self._arguments.obsm_keys)

    @property
    def encode_labels(self) -> list[str] | Literal[False]:
        """Which of `obs_keys` are encoded; False if none is."""
        found = self._arguments.encode_labels
        return list(found) if found else False

    @property
    def unknown_label(self) -> str | dict[str, str] | None:
        """As given."""
        return self._arguments.unknown_label

    @property
    def cache_categories(self) -> bool:
        """As given; nothing depends on it."""
        return self._arguments.cache_categories

    @property
    def parallel(self) -> bool:
        """As given; nothing depends on it."""
        return self._arguments.parallel

    @property
    def dtype(self) -> str | None:
        """Numpy's name of the type that layers and ``obsm`` are cast to; None: that of the files."""
        return self._dtype

    @property
    def path_list(self) -> list[str]:
        """The files, as absolute paths, in the order of the rows."""
        return list(self._source.paths)

    @property
    def encoders(self) -> dict[str, dict[Any, int]]:
        """Label -> code, for each encoded key; `Encoders` saves them."""
        tables = _encoders.tables_of(self._source.describe())
        return {key: tables[key] for key in self.encode_labels or []}
