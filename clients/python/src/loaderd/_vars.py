"""The variables of a collection: what the files have, and how that became the columns of ``X``."""

from __future__ import annotations

import importlib
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from loaderd._errors import CoverageWarning, Unsupported
from loaderd._warn import warn

if TYPE_CHECKING:
    from loaderd._query import Array
    from loaderd._source import Source


class VarLists:
    """The names of the variables of each file; files with the same names in the same order share them.

    Parameters
    ----------
    value, arrays
        The answer to the query ``var_list``.
    """

    def __init__(self, value: dict[str, Any], arrays: dict[str, Array]) -> None:
        text, ends = arrays["text"].values.tobytes(), arrays["ends"].values.tolist()
        names = np.empty(len(ends), dtype=object)
        names[:] = [text[start:end].decode() for start, end in zip([0, *ends], ends, strict=False)]
        index = _pandas().Index
        self._lists = []
        at = 0
        for length in value["lengths"]:
            self._lists.append(index(names[arrays["codes"].values[at : at + length]], dtype=object))
            at += length
        self.stores: list[int] = list(value["stores"])
        """The list of each file, -1 for a file that has none."""

    @property
    def even(self) -> bool:
        """Whether all files have the same variables in the same order."""
        return len(self._lists) <= 1

    @cached_property
    def of_store(self) -> list[Any]:
        """A pandas Index for each file; None for one that has no such variables."""
        return [None if i < 0 else self._lists[i] for i in self.stores]

    def each(self, function: Any) -> list[Any]:
        """Apply a function to the list of each file, once to each distinct one."""
        found = [function(names) for names in self._lists]
        return [None if i < 0 else found[i] for i in self.stores]


class VarViews:
    """What a `MappedCollection` says of its variables. It reads their names when they are first asked for."""

    _source: Source
    _var_lists: VarLists | None = None
    _vars_read = False  # by a check, after join=None

    def _query(self, what: str, *, long: bool = False, **args: Any) -> tuple[Any, dict[str, Array]]:
        raise NotImplementedError

    def _names(self) -> VarLists:
        if self._var_lists is None:
            self._var_lists = VarLists(*self._query("var_list", raw=False))
        return self._var_lists

    def _raw_names(self) -> VarLists:
        return VarLists(*self._query("var_list", raw=True))

    @property
    def _raw_alone(self) -> bool:
        return list(self._source.spec["layers_keys"]) == ["raw.X"]

    def _panel_names(self) -> VarLists:
        """Give the lists that a panel is looked for in: those of ``raw`` where nothing else is read."""
        return self._raw_names() if self._raw_alone and self._join == "panel" else self._names()

    @property
    def _join(self) -> Literal["inner", "outer", "panel"] | None:
        return "panel" if self._source.spec.get("var_names") is not None else self._source.spec["join"]

    @property
    def n_vars(self) -> int | None:
        """Number of variables (genes) of a row of ``X``; None if files are not joined."""
        return self._source.n_vars

    @property
    def n_vars_list(self) -> list[int] | None:
        """Variables of each file; None with ``join=None``, until a check has looked at them."""
        found = self._source.describe()["n_vars_list"]
        if found is None and self._vars_read:
            return self._names().each(len)
        return None if found is None else list(found)

    @property
    def original_shapes(self) -> list[tuple[int, int | None]]:
        """Rows and variables of each file, before the join."""
        rows = [shape[0] for shape in self._source.describe()["shapes"]]
        variables = self.n_vars_list
        return [(n, None if variables is None else variables[i]) for i, n in enumerate(rows)]

    @property
    def var_joint(self) -> Any:
        """Names of the variables of ``X``: a pandas Index, or without pandas an array; None with ``join=None``."""
        names = self._source.describe()["var"]
        if names is None:
            return None
        try:
            return importlib.import_module("pandas").Index(names, dtype=object)
        except ImportError:
            return np.array(names, dtype=object)

    @property
    def var_list(self) -> list[Any] | None:
        """Names of the variables of each file, a pandas Index each; None as for `n_vars_list`."""
        if self._join is None and not self._vars_read:
            return None
        return list(self._names().of_store)

    @property
    def join_vars(self) -> Literal["inner", "outer", "panel"] | None:
        """How variables were joined; None if they were not, because ``join=None`` or all files have the same."""
        if self._join in (None, "panel"):
            return self._join
        return None if self._names().even else self._join

    @property
    def var_indices(self) -> list[Any] | None:
        """For each file an array of positions; None where `join_vars` is.

        With an inner join: where in the file the variables of `var_joint` are. Otherwise: where in `var_joint` the
        variables of the file are, -1 for those that a panel leaves out.
        """
        how = self.join_vars
        if how is None:
            return None
        joint = self.var_joint
        if how == "inner":
            return self._names().each(lambda names: names.get_indexer(joint))
        return self._names().each(joint.get_indexer)

    @property
    def var(self) -> Any:
        """Which file has which variable: a pandas DataFrame; None with ``join=None``.

        Its index is `var_joint`. ``n_files`` counts the files that have the variable; then there is a column of bool
        for each file, under its path.
        """
        joint = self.var_joint
        if joint is None:
            return None
        pandas = _pandas()
        there = np.zeros((len(joint), len(self._source.paths)), dtype=bool)
        for i, found in enumerate(self._panel_names().each(joint.isin)):
            there[:, i] = found is not None and found
        frame = pandas.DataFrame(there, index=joint, columns=list(self._source.paths))
        frame.insert(0, "n_files", there.sum(axis=1))
        return frame

    @property
    def coverage(self) -> Any:
        """How much of the panel ``var_names`` each file has: a pandas DataFrame with a row for each; None without one.

        ``path``; ``n_vars``, how many variables the file has; ``present``, how many names of the panel are among them,
        and as a ``fraction`` of the panel; ``missing``, the list of the others. `var` says the same gene by gene. Where
        ``raw.X`` is asked for beside other layers, ``raw_present`` counts the names among its variables, NA for a file
        without it; where it is asked for alone, all of this speaks of its variables.
        """
        if self._source.spec.get("var_names") is None:
            return None
        pandas, joint, lists = _pandas(), self.var_joint, self._panel_names()
        missing = [
            joint.tolist() if m is None else m for m in lists.each(lambda names: joint[~joint.isin(names)].tolist())
        ]
        present = np.array([len(joint) - len(names) for names in missing])
        columns = {
            "path": list(self._source.paths),
            "n_vars": [n or 0 for n in lists.each(len)],
            "present": present,
            "fraction": present / len(joint),
            "missing": missing,
        }
        if "raw.X" in self._source.spec["layers_keys"] and not self._raw_alone:
            columns["raw_present"] = pandas.array(
                self._raw_names().each(lambda names: int(joint.isin(names).sum())), dtype="Int64"
            )
        return pandas.DataFrame(columns)

    def check_vars_sorted(self, ascending: bool = True) -> bool:
        """Tell whether the variables of every file are sorted by code point; equal neighbours are.

        Parameters
        ----------
        ascending
            False: whether they fall.
        """
        self._vars_read = True
        how = "is_monotonic_increasing" if ascending else "is_monotonic_decreasing"
        return all(self._names().each(lambda names: bool(getattr(names, how))))

    def check_vars_non_aligned(self, vars: Any) -> list[int]:  # noqa: A002
        """List the numbers of the files whose variables are not these, in this order.

        Parameters
        ----------
        vars
            Names: a list, or a pandas Index.
        """
        wanted = _pandas().Index(vars)
        self._vars_read = True
        return [i for i, same in enumerate(self._names().each(lambda names: bool(names.equals(wanted)))) if not same]

    def warn_of_coverage(self) -> None:
        """Warn of files that have fewer than half of the panel."""
        panel = self._source.spec.get("var_names")
        if panel is None:
            return
        value, _ = self._query("coverage")
        for what in ("var", "raw"):
            counts = value[what]
            if counts is None or (what == "var" and self._raw_alone):
                continue
            few = [i for i, n in enumerate(counts) if 0 <= 2 * n < len(panel)]
            if few:
                place = "" if what == "var" else " among the variables of raw.X"
                warn(_few(self._source.paths, few, counts, len(panel), place, value["near"]), CoverageWarning)


def _few(paths: list[str], few: list[int], counts: list[int], size: int, place: str, near: list[str]) -> str:
    shown = ", ".join(f"{paths[i]} ({counts[i] or 'none'})" for i in few[:3])
    more = f" and {len(few) - 3} more" if len(few) > 3 else ""
    hint = next((f"; {near[i]}" for i in few if near[i]), "")
    have = "file has" if len(few) == 1 else "files have"
    return f"{len(few)} {have} fewer than half of the {size:,} var_names{place}: {shown}{more}{hint}"


def _pandas() -> Any:
    try:
        return importlib.import_module("pandas")
    except ImportError as e:
        raise Unsupported("this needs pandas, which is not installed", hint="pip install pandas") from e
