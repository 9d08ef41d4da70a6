"""Labels and rows of a whole collection: what it knows of its cells without reading them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from loaderd._query import Array

    Vector = np.ndarray[Any, np.dtype[Any]]


class Labelled:
    """The part of `MappedCollection` that speaks of rows and their labels. None of it takes memory until asked for."""

    _indices: Vector | None = None

    @property
    def filtered(self) -> bool:
        """Whether ``obs_filter`` was given."""
        return bool(self._spec("obs_filter"))

    @property
    def n_obs_list(self) -> list[int]:
        """Rows of each file, of those that the filter keeps."""
        return list(self._describe("n_obs_list"))

    @property
    def original_shapes(self) -> list[tuple[int, int | None]]:
        """Of each file the rows that the filter keeps, and the variables before the join; None with ``join=None``."""
        return [(shape[0], shape[1]) for shape in self._describe("shapes")]

    @property
    def indices(self) -> Vector:
        """Of each row its row in its file, int64, shape (n_obs,). Fetched when first asked for, and kept."""
        if self._indices is None:
            if self.filtered:
                self._indices = self._query("indices", long=True)[1]["indices"].values
            else:
                self._indices = np.concatenate([np.arange(n, dtype=np.int64) for n in self.n_obs_list])
        return self._indices

    @property
    def indices_list(self) -> list[Vector]:
        """Of each file the rows that the filter keeps: views of `indices`."""
        return np.split(self.indices, np.cumsum(self.n_obs_list)[:-1])

    @property
    def storage_idx(self) -> Vector:
        """Of each row the number of its file, int64, shape (n_obs,)."""
        counts = self.n_obs_list
        return np.repeat(np.arange(len(counts), dtype=np.int64), counts)

    def get_merged_labels(self, label_key: str) -> Vector:
        """Give the labels of all rows, in order.

        Parameters
        ----------
        label_key
            A column of ``obs``; it need not be among ``obs_keys``.

        Returns
        -------
        numpy.ndarray
            Of length ``n_obs``, not encoded. Numbers have the dtype to which numpy promotes those of the files. A
            missing label, also that of a file without the column, is NaN. Text comes as objects, and so do integers
            and booleans beside missing ones.

        Raises
        ------
        UnknownKey
            No file has the column. It is a ``ValueError``, too.
        """
        return _values(self._query("merged_labels", long=True, key=label_key)[1]["labels"])

    def get_merged_categories(self, label_key: str) -> list[Any]:
        """Give the distinct labels of all files, sorted; empty if no file has the column.

        Parameters
        ----------
        label_key
            A column of ``obs``; it need not be among ``obs_keys``.

        Returns
        -------
        list
            The declared categories, used or not, or the distinct values of a column that is not categorical. The
            filter plays no part, and a missing label is none of them.

        Raises
        ------
        InvalidArgument
            The column is text in one file and numbers in another.
        """
        categories: list[Any] = self._query("merged_categories", long=True, key=label_key)[0]
        return categories

    def get_label_weights(
        self, obs_keys: str | list[str], scaler: float | None = None, return_categories: bool = False
    ) -> Vector | dict[str, float]:
        """Give each row the weight 1 / n, where n rows have its label: what a weighted sampler draws by.

        Parameters
        ----------
        obs_keys
            A column of ``obs``, or several, whose labels are then joined by ``"__"``. They need not be among
            ``obs_keys`` of the collection.
        scaler
            The weight is ``scaler / (n + scaler)`` instead.
        return_categories
            Give the weights by label.

        Returns
        -------
        numpy.ndarray or dict
            float64, of length ``n_obs``; or label (as text; ``"nan"`` for a missing one) -> weight, in the order in
            which rows first have them.

        Raises
        ------
        UnknownKey
            No file has the column. It is a ``ValueError``, too.
        """
        keys = [obs_keys] if isinstance(obs_keys, str) else list(obs_keys)
        _, arrays = self._query("label_classes", long=True, keys=keys, rows=not return_categories)
        names = _names([arrays[f"labels:{i}"] for i in range(len(keys))])
        # Combinations of labels that are spelled alike are one: "nan" and a missing label.
        first: dict[str, int] = {}
        number = np.array([first.setdefault(name, len(first)) for name in names], dtype=np.int64)
        counts = np.bincount(number, weights=arrays["counts"].values, minlength=len(first)).astype(np.int64)
        if return_categories:
            each = (int(n) for n in counts)
            return {
                name: 1.0 / n if scaler is None else scaler / (n + scaler) for name, n in zip(first, each, strict=True)
            }
        weights: Vector = 1.0 / counts if scaler is None else scaler / (counts + scaler)
        rows: Vector = weights[number][arrays["codes"].values]
        return rows

    # What MappedCollection has.

    def _query(self, what: str, *, long: bool = False, **args: Any) -> tuple[Any, dict[str, Array]]:
        raise NotImplementedError

    def _describe(self, what: str) -> Any:
        raise NotImplementedError

    def _spec(self, key: str) -> Any:
        raise NotImplementedError


def _values(array: Array) -> Vector:
    """Give the labels that an array of an answer stands for."""
    if array.categories is None:
        return array.values
    table = np.empty(len(array.categories) + 1, dtype=object)
    table[:-1] = array.categories
    table[-1] = np.nan  # which code -1 finds
    labels: Vector = table[array.values]
    return labels


def _names(labels: list[Array]) -> Iterable[str]:
    """Give the text of each combination of labels, as ``str`` and numpy write it."""
    columns = [_values(array).astype(str).astype(object) for array in labels]
    return ("__".join(parts) for parts in zip(*columns, strict=True))
