"""Artifacts as one dataset of pyarrow or polars."""

from __future__ import annotations

import glob
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from loaderd import _arguments
from loaderd._errors import InvalidArgument
from loaderd._registry import broken, caching

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from loaderd._registry.artifact import Artifact

_ARROW: Final = {
    ".parquet": "parquet",
    ".csv": "csv",
    ".tsv": "tsv",
    ".json": "json",
    ".ndjson": "json",
    ".jsonl": "json",
    ".orc": "orc",
    ".arrow": "ipc",
    ".feather": "ipc",
    ".ipc": "ipc",
}
_POLARS: Final = {
    ".parquet": "scan_parquet",
    ".csv": "scan_csv",
    ".tsv": "scan_csv",
    ".json": "scan_ndjson",
    ".ndjson": "scan_ndjson",
    ".jsonl": "scan_ndjson",
    ".arrow": "scan_ipc",
    ".feather": "scan_ipc",
    ".ipc": "scan_ipc",
}
_TEXTS: Final = (".csv", ".tsv", ".json", ".ndjson", ".jsonl")
_PACKED: Final = (".gz", ".bz2", ".xz", ".zst")
ENGINES: Final = {"pyarrow": _ARROW, "polars": _POLARS}
"""The formats that each engine reads, by the ending of a file."""


def open_all(artifacts: Sequence[Artifact], engine: str, kwargs: dict[str, Any]) -> Any:
    """Open files, or folders of files, of one format.

    Parameters
    ----------
    artifacts
        Any.
    engine
        ``"pyarrow"`` or ``"polars"``.
    kwargs
        For the engine.

    Raises
    ------
    InvalidArgument
        There is no such engine, it does not read the format, there are several formats, or there are no files.
    BadFile
        One is not what its ending says.
    Unsupported
        One is remote.
    """
    formats = ENGINES[_arguments.choice("engine", engine, tuple(ENGINES))]
    files = [path for found in caching.cached(artifacts) for path in _files(str(found))]
    found = {_ending(path) for path in files}
    kinds = {formats.get(ending, ending) + ("\t" if ending == ".tsv" else "") for ending in found}
    if len(kinds) != 1:
        what = f"these are {', '.join(sorted(map(repr, found)))}" if found else "there are no files"
        message = f"only files of one format are opened as one dataset; {what}"
        raise InvalidArgument(message, stage="open", object="suffix")
    ending = found.pop()
    if ending not in formats:
        message = f"{engine} does not read {ending!r} ({files[0]}); it reads {', '.join(formats)}"
        others = [repr(name) for name, each in ENGINES.items() if ending in each]
        hint = f"engine={others[0]} does" if others else ""
        raise InvalidArgument(message, stage="open", object="suffix", hint=hint)
    if engine == "pyarrow":
        with broken.told(files[0] if len(files) == 1 else f"one of {len(files)} files", ending, "open", kwargs):
            return _dataset(files, formats[ending], kwargs)
    options = {"separator": "\t"} if ending == ".tsv" else {}
    return _lazy(files, formats[ending], options | kwargs)


def _ending(path: str) -> str:
    """Give the ending that says the format; both engines see by themselves that a text is packed by gzip."""
    root, last = os.path.splitext(path.lower())
    if last not in _PACKED:
        return last
    inner = os.path.splitext(root)[1]
    return inner if last == ".gz" and inner in _TEXTS else inner + last


def _files(path: str) -> list[str]:
    """List the files that an artifact is of: itself, or all of a folder but for hidden ones."""
    if not os.path.isdir(path):
        return [path]
    found = []
    for folder, folders, names in os.walk(path):
        folders[:] = sorted(name for name in folders if name[0] not in "._")
        found += [os.path.join(folder, name) for name in sorted(names) if name[0] not in "._"]
    return found


def _dataset(files: list[str], kind: str, kwargs: dict[str, Any]) -> Any:
    import pyarrow.csv
    import pyarrow.dataset

    form: Any = kind
    if kind == "tsv":
        form = pyarrow.dataset.CsvFileFormat(pyarrow.csv.ParseOptions(delimiter="\t"))
    return pyarrow.dataset.dataset(files, **({"format": form} | kwargs))


@contextmanager
def _lazy(files: list[str], scan: str, kwargs: dict[str, Any]) -> Iterator[Any]:
    import polars as pl

    if kwargs.get("glob", True):  # else a name with brackets or stars would be that of other files
        files = [glob.escape(path) for path in files]
    yield getattr(pl, scan)(files, **kwargs)
