"""A mapped collection in plain numpy and pandas: everything in memory, one row at a time, no thought of speed.

It is the model that the tests hold loaderd against: the semantics of lamindb's ``MappedCollection`` with the
differences of docs/differences.md, over files that anndata reads whole.
"""

from __future__ import annotations

import math
import warnings
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache, reduce
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
from scipy.sparse import issparse

Array = np.ndarray[Any, Any]


@dataclass
class Column:
    """A column of ``obs``: its values, which of them are there, and the labels it declares."""

    values: Array
    present: Array
    labels: list[Any]
    floats: bool
    """Whether a missing value is a NaN of the column's own type."""

    @classmethod
    def read(cls, column: Any) -> Column:
        """Take a column apart."""
        present = column.notna().to_numpy()
        if hasattr(column, "cat"):
            labels = column.cat.categories.to_numpy()
            values = (
                labels[np.where(present, column.cat.codes, 0)] if len(labels) else np.full(len(column), np.nan, object)
            )
            if column.cat.categories.dtype == object or isinstance(column.cat.categories.dtype, pd.StringDtype):
                labels, values = labels.astype(object), values.astype(object)
            return cls(values, present, list(labels), False)
        dtype = column.dtype
        if isinstance(dtype, pd.StringDtype) or dtype.kind == "O":
            values = column.to_numpy(dtype=object)
        elif hasattr(dtype, "numpy_dtype"):
            values = column.fillna(dtype.numpy_dtype.type(0)).to_numpy(dtype=dtype.numpy_dtype)
        else:
            values = column.to_numpy()
            values = values.astype(values.dtype.newbyteorder("="))
        floats = values.dtype.kind == "f" and not hasattr(dtype, "numpy_dtype")
        return cls(values, present, list(values[present]), floats)

    def value(self, i: int) -> Any:
        """Give one value, as a row has it."""
        if not self.present[i] and not self.floats:
            return np.nan
        return self.values[i]

    def merged(self, rows: Array) -> Array:
        """Give the values of some rows as an array."""
        if self.present.all() or self.floats:
            return self.values[rows]
        values = self.values.astype(self.values.dtype if self.values.dtype.kind == "f" else object)
        values[~self.present] = np.nan
        return values[rows]


class Store:
    """One AnnData store, read whole."""

    def __init__(self, path: Any) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.data = anndata.read_h5ad(path) if Path(path).is_file() else anndata.read_zarr(path)
        obs = self.data.obs
        self.columns = {key: Column.read(obs[key]) for key in obs}
        self.columns[obs.index.name or "_index"] = Column.read(pd.Series(obs.index.astype(object)))
        self.names = pd.Index([str(name) for name in self.data.var_names], dtype=object)

    def matrix(self, key: str) -> Array | None:
        """Give a layer, dense, or None."""
        if key == "X":
            return dense(self.data.X)
        if key == "raw.X" and self.data.raw is not None:
            return dense(self.data.raw.X)
        return dense(self.data.layers[key]) if key in self.data.layers else None


@lru_cache(maxsize=100)
def store_of(path: str) -> Store:
    """Read a store, once."""
    return Store(path)


def dense(x: Any) -> Array:
    """Make a native dense array of a matrix."""
    x = x.toarray() if issparse(x) else np.asarray(x)
    return x.astype(x.dtype.newbyteorder("="))


class Closed(RuntimeError, KeyError):
    """A row is asked for after the end."""


class Plain:
    """The model. Arguments and attributes are those of lamindb's ``MappedCollection``."""

    def __init__(
        self,
        path_list: list[Any],
        layers_keys: Any = None,
        obs_keys: Any = None,
        obsm_keys: Any = None,
        obs_filter: Any = None,
        join: Any = "inner",
        encode_labels: Any = True,
        unknown_label: Any = None,
        cache_categories: bool = True,
        parallel: bool = False,
        dtype: Any = None,
    ) -> None:
        del cache_categories
        self.layers_keys = ["X"] if layers_keys is None else _listed(layers_keys)
        self.obs_keys, self.obsm_keys = _listed(obs_keys), _listed(obsm_keys)
        self.parallel, self.unknown_label, self.dtype, self.closed = parallel, unknown_label, dtype, False
        keys = self.obs_keys or []
        if isinstance(encode_labels, str):
            encode_labels = [encode_labels]
        self.encode_labels = (
            (encode_labels or False) if isinstance(encode_labels, list) else bool(encode_labels) and (keys or False)
        )
        self.stores = [store_of(str(path)) for path in path_list]
        self.encoders = {key: self._encoder(key) for key in self.encode_labels or []}
        if isinstance(obs_filter, tuple):
            obs_filter = dict([obs_filter])
        self.filtered = bool(obs_filter)
        self.indices_list = [np.flatnonzero(self._chosen(store, obs_filter or {})) for store in self.stores]
        self.n_obs_list = [len(rows) for rows in self.indices_list]
        self.n_obs = sum(self.n_obs_list)
        self.indices = np.hstack(self.indices_list)
        self.storage_idx = np.repeat(np.arange(len(self.stores)), self.n_obs_list)
        self._join(join)

    # --- labels ---------------------------------------------------------------------------------------------

    def get_merged_categories(self, key: str) -> list[Any]:
        """Give all labels of a column, sorted, as Python's own values; of equal ones the first."""
        found: dict[Any, Any] = {}
        for store in self.stores:
            for label in store.columns[key].labels if key in store.columns else []:
                plain = label.item() if isinstance(label, np.generic) else label
                found.setdefault(plain, plain)
        return sorted(found.values())

    def _encoder(self, key: str) -> dict[Any, int]:
        labels = self.get_merged_categories(key)
        unknown = self.unknown_label.get(key) if isinstance(self.unknown_label, dict) else self.unknown_label
        encoder = {}
        if unknown is not None and unknown in labels:
            labels.remove(unknown)
            encoder[unknown] = -1
        return encoder | {label: i for i, label in enumerate(labels)}

    def get_merged_labels(self, key: str) -> Array:
        """Give the labels of all rows; NaN where a store lacks the column."""
        if not any(key in store.columns for store in self.stores):
            raise ValueError(key)
        parts = [
            s.columns[key].merged(i) for s, i in zip(self.stores, self.indices_list, strict=True) if key in s.columns
        ]
        plain = np.float16 if any(part.dtype.kind == "f" for part in parts) else object
        absent = {len(i): np.full(len(i), np.nan, plain) for i in self.indices_list if len(i)}
        parts = [
            s.columns[key].merged(i) if key in s.columns else absent[len(i)]
            for s, i in zip(self.stores, self.indices_list, strict=True)
            if key in s.columns or len(i)
        ]
        if any(part.dtype == object for part in parts):  # so that what is missing is np.nan itself
            parts = [np.array([np.nan if v != v else v for v in part.tolist()], object) for part in parts]
        return np.hstack(parts)

    def get_label_weights(self, obs_keys: Any, scaler: Any = None, return_categories: bool = False) -> Any:
        """Weigh each row by how rare its label is."""
        if not obs_keys:
            raise ValueError("no column")
        columns = [self.get_merged_labels(key).astype(str).astype("O") for key in _listed(obs_keys)]
        labels = ["__".join(row) for row in zip(*columns, strict=True)]
        weights = {k: 1.0 / n if scaler is None else scaler / (n + scaler) for k, n in Counter(labels).items()}
        return weights if return_categories else np.array([weights[label] for label in labels], np.float64)

    # --- rows -----------------------------------------------------------------------------------------------

    def _chosen(self, store: Store, terms: dict[str, Any]) -> Array:
        mask = np.full(store.data.n_obs, True)
        for key, wanted in terms.items():
            values = list(wanted) if isinstance(wanted, (list, tuple, np.ndarray)) else [wanted]
            null = any(_is_null(v) for v in values)
            if key not in store.columns:
                mask[:] = False
                continue
            column = store.columns[key]
            hits = [
                any(_equal(column.values[i], v) for v in values) if ok else null for i, ok in enumerate(column.present)
            ]
            mask &= np.array(hits, bool)
        return mask

    def __len__(self) -> int:
        return self.n_obs

    def __getitem__(self, idx: Any) -> dict[str, Any]:
        if self.closed:
            raise Closed
        if isinstance(idx, tuple):
            raise TypeError("not an integer")
        row, number = int(self.indices[idx]), self.storage_idx[idx]
        store, found = self.stores[number], {"_store_idx": number}
        for key in self.layers_keys:
            x = store.matrix(key)
            if x is not None:
                found[key] = self._cast(x[row] if key == "raw.X" else self._joined(x[row], number))
        for key in self.obsm_keys or []:
            if key in store.data.obsm:
                found[f"obsm_{key}"] = self._cast(dense(store.data.obsm[key])[row])
        for key in self.obs_keys or []:
            if key in store.columns:
                value = store.columns[key].value(row)
                if key in self.encoders:
                    value = self.encoders[key][value] if store.columns[key].present[row] else np.nan
                found[key] = value
        return found

    def _cast(self, x: Array) -> Array:
        return x if self.dtype is None else x.astype(self.dtype)

    def _joined(self, x: Array, number: int) -> Array:
        if self.var_indices is None:
            return x
        places = self.var_indices[number]
        if self.join_vars == "inner":
            return x[places]
        found = np.zeros(self.n_vars, x.dtype)
        found[places] = x
        return found

    # --- variables ------------------------------------------------------------------------------------------

    def _join(self, join: Any) -> None:
        self.join_vars, self.var_indices, self.var_joint, self.n_vars = join, None, None, None
        self.var_list: list[Any] | None = None
        self.n_vars_list: list[int] | None = None
        if join is None:
            return
        names = self._read_names()
        if all(each.equals(names[0]) for each in names):
            self.join_vars, self.var_joint = None, names[0]
        elif any(not each.is_unique for each in names):
            raise ValueError("names are not unique")
        elif join == "inner":
            self.var_joint = (
                names[0][[all(n in set(each) for each in names) for n in names[0]]] if len(names[0]) else names[0]
            )
            if not len(self.var_joint):
                raise ValueError("nothing shared")
            self.var_indices = [each.get_indexer(self.var_joint) for each in names]
        else:
            self.var_joint = reduce(pd.Index.union, names)
            self.var_indices = [self.var_joint.get_indexer(each) for each in names]
        self.n_vars = len(self.var_joint)

    def _read_names(self) -> list[Any]:
        if self.var_list is None:
            self.var_list = [store.names for store in self.stores]
            self.n_vars_list = [len(names) for names in self.var_list]
        return self.var_list

    @property
    def shape(self) -> tuple[int, int | None]:
        """Rows and joined variables."""
        return self.n_obs, self.n_vars

    @property
    def original_shapes(self) -> list[tuple[int, int | None]]:
        """Rows and variables of each store."""
        return list(zip(self.n_obs_list, self.n_vars_list or [None] * len(self.stores), strict=True))

    def check_vars_sorted(self, ascending: bool = True) -> bool:
        """Tell whether the names of all stores are sorted."""
        return all(n.is_monotonic_increasing if ascending else n.is_monotonic_decreasing for n in self._read_names())

    def check_vars_non_aligned(self, vars: Any) -> list[int]:  # noqa: A002
        """Tell which stores have other names."""
        return [i for i, names in enumerate(self._read_names()) if list(names) != list(vars)]

    # --- its life -------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Note that it is closed."""
        self.closed = True

    def __enter__(self) -> Plain:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _listed(keys: Any) -> Any:
    return [keys] if isinstance(keys, str) else keys


def _is_null(value: Any) -> bool:
    return value is None or (isinstance(value, (float, np.floating)) and math.isnan(value))


def _equal(label: Any, value: Any) -> bool:
    return isinstance(label, str) == isinstance(value, str) and not isinstance(value, set) and bool(label == value)
