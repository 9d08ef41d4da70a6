"""What a collection gives to pandas and anndata: ``obs`` as a data frame, and chosen rows as an ``AnnData``."""

from __future__ import annotations

import contextlib
import importlib
from typing import TYPE_CHECKING, Any

import numpy as np

from loaderd import _arguments
from loaderd._errors import InvalidArgument, Unsupported, from_wire
from loaderd._getter import Getter
from loaderd._source import Losses
from loaderd._wire import ConnectionLost

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from loaderd._query import Array
    from loaderd._source import Source

    Vector = np.ndarray[Any, np.dtype[Any]]

_CHUNK = 8192  # rows of one request


class Framed:
    """The part of `MappedCollection` that speaks of ``obs``. Nothing of it takes memory until asked for."""

    _obs: Any = None

    @property
    def obs(self) -> Any:
        """``obs`` of all rows, with the columns of ``obs_keys``: a pandas DataFrame.

        Labels, not codes. The index has the names of the cells, which may repeat from file to file. It is fetched when
        first asked for, and kept; for other columns see `get_obs`.
        """
        if self._obs is None:
            self._obs = self.get_obs(self.obs_keys or [])
        return self._obs.copy()

    def get_obs(self, columns: str | Sequence[str] | None = None, indices: Any = None) -> Any:
        """Give columns of ``obs`` as a pandas DataFrame.

        Parameters
        ----------
        columns
            One or several; None: all that any file has. They need not be among ``obs_keys``.
        indices
            The rows wanted, in this order, as of `MappedCollection.__getitems__`; None: all.

        Returns
        -------
        pandas.DataFrame
            Of the rows that the filter keeps. A column that is categorical in all files that have it is a
            ``Categorical`` of the union of their categories, sorted where files differ; text is objects. A missing
            value, also that of a file without the column, is NaN (then integers are float64); among booleans, and in
            columns that files have as nullable arrays, it is NA.

        Raises
        ------
        UnknownKey
            No file has the column.
        """
        pandas = _needs("pandas", "get_obs")
        rows = None if indices is None else _arguments.row_numbers(_positions(indices, len(self)), len(self))
        if columns is None:
            columns = [c["key"] for c in self._query("obs_columns", long=True)[0]]
        names = [columns] if isinstance(columns, str) else list(columns)
        index, name = self._cells(rows)
        frame = pandas.DataFrame(index=pandas.Index(index, dtype=object, name=name))
        for key in names:
            frame[key] = self._column(key, rows)
        return frame

    def to_adata(self, indices: Any = None, *, raw: bool = False) -> Any:
        """Load rows into an ``AnnData``, as ``anndata.concat`` of the files would be.

        Parameters
        ----------
        indices
            The rows wanted, in this order: numbers, or a mask of all rows. None: all.
        raw
            Put ``raw.X`` of the files into ``raw``.

        Returns
        -------
        anndata.AnnData
            ``X`` and ``layers`` as ``layers_keys`` says, as CSR, over the joined variables; ``obsm`` as ``obsm_keys``
            says. ``obs`` has, with ``join="inner"``, the columns that all files have, else all columns, and in any case
            ``obs_keys``. ``var`` has names only, and ``uns`` is empty. Halves come as float32. All of it is in memory.

        Raises
        ------
        Unsupported
            ``join=None``: the variables have no common names.
        """
        anndata, scipy = _needs("anndata", "to_adata"), _needs("scipy.sparse", "to_adata")
        pandas = _needs("pandas", "to_adata")
        if self.var_joint is None:
            hint = 'map the files with join="inner" or join="outer"'
            raise Unsupported("join=None gives variables no names", stage="get", object="to_adata", hint=hint)
        wanted = np.arange(len(self)) if indices is None else _positions(indices, len(self))
        rows = _arguments.row_numbers(wanted, len(self))
        # scipy has no sparse matrix of halves.
        dtype = "float32" if self._dtype in ("float16", "bfloat16") else self._dtype
        found = _collect(self._source, dtype, rows, scipy)
        obsm = {key: found.pop(f"obsm_{key}") for key in self.obsm_keys or []}
        x = found.pop("X", None)
        found.pop("raw.X", None)
        columns = self._query("obs_columns", long=True)[0]
        joined = [c["key"] for c in columns if not c["absent"] or self._spec("join") == "outer"]
        obs = self.get_obs([*joined, *(key for key in self.obs_keys or [] if key not in joined)], rows)
        obs.index.name = None
        if indices is not None or self._spec("obs_filter"):
            for key in obs.select_dtypes("category"):
                obs[key] = obs[key].cat.remove_unused_categories()  # as anndata does of a part of the rows
        var = pandas.DataFrame(index=pandas.Index(self.var_joint, dtype=object))
        adata = anndata.AnnData(X=x, obs=obs, var=var, layers=found, obsm=obsm)
        if raw:
            with contextlib.closing(self._with_raw()) as other:
                in_raw = _collect(other._source, dtype, rows, scipy)["raw.X"]
                names = pandas.Index(other._query("raw_var", long=True)[0], dtype=object)
            adata.raw = anndata.AnnData(X=in_raw, obs=obs[[]], var=pandas.DataFrame(index=names))
        return adata

    def _with_raw(self) -> Any:
        """Map the same files for ``raw.X`` alone."""
        only = self._source.variant(layers_keys=["raw.X"], obs_keys=[], obsm_keys=[], encoders=None, transforms=None)
        return type(self)(only, [], self._dtype, self._arguments)  # type: ignore[call-arg]

    def _cells(self, rows: Vector | None) -> tuple[list[str], str | None]:
        """Give the names of rows, all or some; and what the files call them, if that is one name and no placeholder."""
        starts = np.concatenate([[0], np.cumsum(self._describe("n_obs_list"))]).astype(np.int64)
        stores = range(len(starts) - 1)
        of = None if rows is None else np.searchsorted(starts, rows, side="right") - 1
        called: set[str] = set()
        parts: list[list[str]] = []
        out: list[str] = [""] * (0 if rows is None else len(rows))
        for store in stores if of is None else np.unique(of).tolist():
            value, arrays = self._query("obs_names", long=True, store=int(store))
            called.add(value["index"])
            names = _texts(arrays)
            if rows is None or of is None:
                parts.append(names)
                continue
            for at in np.flatnonzero(of == store).tolist():
                out[at] = names[int(rows[at] - starts[store])]
        name = next(iter(called)) if len(called) == 1 else None
        found = out if rows is not None else [n for part in parts for n in part]
        return found, None if name in ("_index", "index") else name

    def _column(self, key: str, rows: Vector | None) -> Any:
        value, arrays = self._query("obs_values", long=True, key=key)
        values = arrays["values"].values
        present = arrays["present"].values if "present" in arrays else None
        if rows is not None:
            values = values[rows]
            present = None if present is None else present[rows]
        return _series(value, arrays["values"], values, present)

    # What MappedCollection has.

    _source: Source
    _arguments: Any
    _dtype: str | None

    def __len__(self) -> int:
        raise NotImplementedError

    @property
    def obs_keys(self) -> list[str] | None:
        raise NotImplementedError

    @property
    def obsm_keys(self) -> list[str] | None:
        raise NotImplementedError

    @property
    def var_joint(self) -> Any:
        raise NotImplementedError

    def _query(self, what: str, *, long: bool = False, **args: Any) -> tuple[Any, dict[str, Array]]:
        raise NotImplementedError

    def _describe(self, what: str) -> Any:
        raise NotImplementedError

    def _spec(self, key: str) -> Any:
        raise NotImplementedError


def _needs(module: str, what: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as e:
        package = module.partition(".")[0]
        raise ImportError(f"{what} needs {package}: pip install 'loaderd[anndata]'", name=package) from e


def _positions(indices: Any, n: int) -> Any:
    """Give row numbers for a mask of all rows; others as they are."""
    found = np.asarray(indices)
    if found.dtype != bool:
        return indices
    if found.shape != (n,):
        raise InvalidArgument(f"a mask of shape {found.shape} for {n} rows", stage="get", object="indices")
    return np.flatnonzero(found)


def _texts(arrays: dict[str, Array]) -> list[str]:
    """Cut the names of ``obs_names`` apart."""
    raw, ends = arrays["text"].values.tobytes(), arrays["ends"].values.tolist()
    starts = [0, *ends[:-1]]
    if raw.isascii():
        text = raw.decode("ascii")
        return [text[a:b] for a, b in zip(starts, ends, strict=False)]
    return [raw[a:b].decode() for a, b in zip(starts, ends, strict=False)]


def _series(value: dict[str, Any], array: Array, values: Vector, present: Vector | None) -> Any:
    """Make a column of a data frame of what ``obs_values`` answered."""
    pandas = importlib.import_module("pandas")
    labels = array.categories
    if labels is None:
        missing = np.zeros(len(values), bool) if present is None else ~present
        # Types are those of the whole column, whichever rows of it are wanted.
        if value["nullable"] or (values.dtype.kind == "b" and present is not None):
            return _masked(pandas, values, missing)
        if values.dtype.kind == "f" or present is None:
            return values
        out = values.astype(np.float64)
        out[missing] = np.nan
        return out
    if value["kind"] == "categorical":
        order = value["order"]
        if order is None or order == sorted(order):
            return pandas.Categorical.from_codes(values, categories=_index(pandas, labels))
        to = np.empty(len(labels) + 1, np.int64)
        to[order], to[-1] = np.arange(len(order)), -1
        return pandas.Categorical.from_codes(to[values], categories=_index(pandas, [labels[code] for code in order]))
    table = np.empty(len(labels) + 1, dtype=object)
    table[:-1] = labels
    table[-1] = pandas.NA if value["nullable"] else np.nan
    return pandas.array(table[values], dtype="string") if value["nullable"] else table[values]


def _index(pandas: Any, labels: list[Any]) -> Any:
    return pandas.Index(labels, dtype=object if not labels or isinstance(labels[0], str) else None)


def _masked(pandas: Any, values: Vector, missing: Vector) -> Any:
    """Make one of pandas' nullable arrays."""
    kind = {"b": pandas.arrays.BooleanArray, "f": pandas.arrays.FloatingArray}.get(
        values.dtype.kind, pandas.arrays.IntegerArray
    )
    return kind(values, missing)


def _collect(source: Source, dtype: str | None, rows: Vector, scipy: Any) -> dict[str, Any]:
    """Fetch rows of all layers, as CSR, and of ``obsm``."""
    losses = Losses(source)
    while True:
        try:
            return _collect_once(source, dtype, rows, scipy)
        except ConnectionLost as lost:
            losses.add(0, lost)


def _collect_once(source: Source, dtype: str | None, rows: Vector, scipy: Any) -> dict[str, Any]:
    parts: dict[str, list[Any]] = {}
    with contextlib.closing(Getter(source.attach(), dtype, (), lambda _: (), format="csr")) as getter:
        for at in range(0, max(1, len(rows)), _CHUNK):
            answer = getter.ask(rows[at : at + _CHUNK].tobytes())
            if answer["op"] == "error":
                raise from_wire(answer)
            maker, arrays = getter.read(answer, hold=False)
            for field, array in zip(maker.reader.values, arrays, strict=False):
                if field.kind == "csr":
                    array = scipy.csr_matrix((array.data, array.indices, array.indptr), shape=array.shape)
                if field.kind != "column":
                    parts.setdefault(field.name, []).append(array)
    return {name: _stacked(found, scipy) for name, found in parts.items()}


def _stacked(parts: Iterable[Any], scipy: Any) -> Any:
    found = list(parts)
    if isinstance(found[0], np.ndarray):
        return np.concatenate(found)
    return found[0] if len(found) == 1 else scipy.vstack(found, format="csr")
