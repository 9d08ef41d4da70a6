"""A collection in a few lines, and as a table for notebooks."""

from __future__ import annotations

import html
import os
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from loaderd._errors import LoaderdError

if TYPE_CHECKING:
    from loaderd._query import Array

_MOST_FILES: Final = 40
"""Rows of a table."""

_MOST_KEYS: Final = 8
"""Keys of ``obs`` in a line."""


class Shown:
    """The part of `MappedCollection` that people look at."""

    _overview: Any = None

    def __repr__(self) -> str:
        lacking = [file["lacks"] for file in self._files() if file["lacks"]]  # the first, for it asks
        lines = [self._counts(), self._keys()]
        if lacking:
            keys = sorted({key for each in lacking for key in each})
            lines.append(f"{_plural(len(lacking), 'file')} without {', '.join(keys)}")
        return "MappedCollection: " + "\n  ".join(filter(None, lines))

    def _repr_html_(self) -> str:
        files, paths = self._files(), self.path_list
        common = _usual(files)
        shown = range(len(files)) if len(files) <= _MOST_FILES else range(_MOST_FILES - 1)
        body = "".join(_row(i, paths[i], files[i], common) for i in shown)
        if len(shown) < len(files):
            rest = files[len(shown) :]
            lacking = sum(bool(file["lacks"]) for file in rest)
            cells = sum(file["n_obs"] for file in rest)
            without = f"{lacking} of them lack something" if lacking else ""
            body += _cells("", f"… and {len(rest)} more", f"{cells:,}", "", "", _red(without), "")
        head = "".join(
            f"<th>{name}</th>" for name in ("", "file", "cells", "genes", "joined genes", "missing", "types")
        )
        return (
            f"<div><p><b>MappedCollection</b> {html.escape(self._counts())}<br>{html.escape(self._keys())}</p>"
            f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
        )

    def _counts(self) -> str:
        spec, n_vars = self._spec, self.n_vars
        join, panel = spec("join"), spec("var_names") is not None
        genes = "differing genes" if n_vars is None else _plural(n_vars, "gene")
        how = ["panel"] if panel else [] if join is None else [str(join)]
        if self._overview is not None and n_vars is not None and not panel:
            dropped = self._overview["all_vars"] - n_vars
            how += [f"{dropped:,} dropped"] if dropped > 0 else []
        said = f"{_plural(len(self.path_list), 'file')} · {_plural(self.n_obs, 'cell')} × {genes}"
        said += f" ({'; '.join(how)})" if how else ""
        said += " · filtered" if spec("obs_filter") else ""
        return said + (" · closed" if self.closed else "")

    def _keys(self) -> str:
        parts = []
        if self.layers_keys != ["X"]:
            parts.append("layers: " + (", ".join(self.layers_keys) or "none"))
        if self.obsm_keys:
            parts.append("obsm: " + ", ".join(self.obsm_keys))
        if self.obs_keys:
            sizes = {key: len(table) for key, table in self.encoders.items()} if self._files() else {}
            keys = [f"{key} ({_plural(sizes[key], 'label')})" if key in sizes else key for key in self.obs_keys]
            more = [f"… {len(keys) - _MOST_KEYS} more"] if len(keys) > _MOST_KEYS else []
            parts.append("obs: " + ", ".join(keys[:_MOST_KEYS] + more))
        return " · ".join(parts)

    def _files(self) -> list[dict[str, Any]]:
        """Give what the daemon says of each file; nothing if it cannot be asked: a collection can always be shown."""
        if self._overview is None and not self.closed:
            try:
                self._overview = self._query("overview", long=True)[0]
            except (LoaderdError, OSError):
                return []
        return list(self._overview["files"]) if self._overview is not None else []

    # What MappedCollection has.

    n_obs: Any
    n_vars: Any
    closed: Any
    path_list: Any
    layers_keys: Any
    obs_keys: Any
    obsm_keys: Any
    encoders: Any

    def _query(self, what: str, *, long: bool = False, **args: Any) -> tuple[Any, dict[str, Array]]:
        raise NotImplementedError

    def _spec(self, key: str) -> Any:
        raise NotImplementedError


def _plural(n: int, what: str) -> str:
    return f"{n:,} {what}" if n == 1 else f"{n:,} {what}s"


def _usual(files: list[dict[str, Any]]) -> dict[str, str]:
    """Give the dtype that most files have, by key."""
    found: dict[str, Counter[str]] = {}
    for file in files:
        for key, dtype in file["dtypes"].items():
            found.setdefault(key, Counter())[dtype] += 1
    return {key: counts.most_common(1)[0][0] for key, counts in found.items()}


def _row(i: int, path: str, file: dict[str, Any], usual: dict[str, str]) -> str:
    cells = f"{file['n_obs']:,}" + (f" of {file['rows']:,}" if file["n_obs"] != file["rows"] else "")
    genes = file["n_vars"]
    joined = f"{file['joined']:,} ({file['joined'] / genes:.0%})" if genes and file["joined"] else ""
    other = [f"{key}: {dtype}" for key, dtype in file["dtypes"].items() if dtype != usual[key]]
    name = os.fsencode(os.path.basename(path)).decode("utf-8", "replace")
    label = f'<span title="{html.escape(os.fsencode(path).decode("utf-8", "replace"))}">{html.escape(name)}</span>'
    return _cells(
        str(i), label, cells, f"{genes:,}", joined, _red(", ".join(file["lacks"])), html.escape(", ".join(other))
    )


def _red(text: str) -> str:
    return f'<span style="color:#c00">{html.escape(text)}</span>' if text else ""


def _cells(*cells: str) -> str:
    left = ' style="text-align:left"'
    return (
        "<tr>" + "".join(f"<td{left if i in (1, 5, 6) else ''}>{cell}</td>" for i, cell in enumerate(cells)) + "</tr>"
    )
