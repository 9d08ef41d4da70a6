"""Artifacts as objects in memory."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from loaderd._arguments import choice
from loaderd._errors import InvalidArgument
from loaderd._progress import Progress
from loaderd._registry import broken, caching, content

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from loaderd._registry.artifact import Artifact

ARTIFACT_UID: Final = "artifact_uid"
"""The column of ``obs`` that says which artifact a cell is of."""

JOINS: Final = ("inner", "outer")
"""How columns and variables of several are joined."""


def _pandas(name: str, **options: Any) -> Callable[..., Any]:
    def read(path: str, **kwargs: Any) -> Any:
        import pandas as pd

        return getattr(pd, name)(path, **(options | kwargs))

    return read


def _anndata(name: str) -> Callable[..., Any]:
    def read(path: str, **kwargs: Any) -> Any:
        import anndata

        return getattr(anndata, name)(path, **kwargs)

    return read


READERS: Final[dict[str, Callable[..., Any]]] = {
    ".parquet": _pandas("read_parquet"),
    ".csv": _pandas("read_csv"),
    ".tsv": _pandas("read_csv", sep="\t"),
    ".feather": _pandas("read_feather"),
    ".arrow": _pandas("read_feather"),
    ".ipc": _pandas("read_feather"),
    ".h5ad": _anndata("read_h5ad"),
    ".zarr": _anndata("read_zarr"),
}
"""What reads a file, by the last part of its suffix."""


def load_one(artifact: Artifact, kwargs: dict[str, Any]) -> Any:
    """Load one artifact.

    Parameters
    ----------
    artifact
        One whose data are on this machine.
    kwargs
        For what reads the file.

    Raises
    ------
    InvalidArgument
        There is no object of this suffix, or it is not read with these keywords.
    BadFile
        It is not what its suffix says.
    """
    read = _reader_of(artifact)
    (path,) = caching.cached([artifact])
    return read(str(path), kwargs)


def _reader_of(artifact: Artifact) -> Callable[[str, dict[str, Any]], Any]:
    """Find what reads an artifact, given a path and keywords."""
    suffix = artifact.suffix or ""
    reader = _reader(suffix.lower())
    if reader is None:
        known = ", ".join(READERS)
        message = f"{artifact._named()}: suffix {suffix!r} cannot be loaded; what can is {known}"
        raise InvalidArgument(message, stage="load", object=suffix, hint="cache() gives its path")

    def read(path: str, kwargs: dict[str, Any]) -> Any:
        with broken.told(path, suffix, "load", kwargs):
            return reader(path, **kwargs)

    return read


def _reader(suffix: str) -> Callable[..., Any] | None:
    """Find what reads files of a suffix, by its last part; texts may be packed, as pandas sees by their names."""
    root, last = os.path.splitext("x" + suffix)
    if last in (*content.PACKED, ".zst"):
        last = os.path.splitext(root)[1]
        return READERS[last] if last in (".csv", ".tsv") else None
    return READERS.get(last)


def load_all(artifacts: Sequence[Artifact], join: str, kwargs: dict[str, Any]) -> Any:
    """Load artifacts, and concatenate them by pandas or anndata.

    Parameters
    ----------
    artifacts
        Of one suffix.
    join, kwargs
        For ``concat``.

    Raises
    ------
    InvalidArgument
        There is none, or they have several suffixes, or there is no such join.
    BadFile
        One is not what its suffix says.
    """
    choice("join", join, JOINS)
    suffixes = sorted({artifact.suffix or "" for artifact in artifacts})
    if len(suffixes) != 1:
        found = f"these have {', '.join(map(repr, suffixes))}" if suffixes else "there are none"
        message = f"only artifacts of one suffix are loaded as one object; {found}"
        raise InvalidArgument(message, stage="load", object="suffix", hint="filter(suffix=…) takes those of one")
    read, files = _reader_of(artifacts[0]), caching.cached(artifacts)
    objects = [read(str(path), {}) for path in Progress("loading").over(files, len(files))]
    if content.otype_of(objects[0]) == "DataFrame":
        import pandas as pd

        return pd.concat(objects, **({"join": join} | kwargs))
    import anndata

    named = {"join": join, "label": ARTIFACT_UID, "keys": [artifact.uid for artifact in artifacts]}
    return anndata.concat(objects, **(named | kwargs))
