"""What `mapped` takes for files: paths, patterns, and artifacts, collections and queries, ours or lamindb's.

Neither is imported for that: what has ``.suffix`` and ``.cache()`` or ``.path`` is an artifact, what
has ``.ordered_artifacts`` or ``.artifacts`` a collection, and what can be iterated and has ``.ordered`` a query set.
"""

from __future__ import annotations

import contextlib
import importlib
import itertools
import os
from collections.abc import Iterable, Iterator
from typing import Any, Final

from loaderd import _arguments
from loaderd._errors import InvalidArgument, LoaderdWarning, Unsupported
from loaderd._warn import warn

_SUFFIXES: Final = (".h5ad", ".zarr")
_LOCAL: Final = ("", "file", "local")


class Inputs:
    """The files that were named, and the objects that named them.

    Parameters
    ----------
    given
        A path, a pattern, an object with files, or several of these.
    stream
        Take an artifact's own path instead of that of its cached copy.
    is_run_input
        Passed to lamindb by `track`.

    Attributes
    ----------
    paths
        Absolute, in order.
    """

    def __init__(self, given: Any, *, stream: bool = False, is_run_input: Any = None) -> None:
        self._stream = stream
        self._is_run_input = is_run_input
        self._inputs: list[Any] = []  # what lamindb is to note as used
        self.paths: list[str] = []
        for each in self._flat(given):
            self.paths += _arguments.expand([each])
        if not self.paths:
            empty = "no artifact is an h5ad file or a zarr store" if self._inputs else "the list is empty"
            message = f"no paths: {empty}"
            raise InvalidArgument(message, stage="open", object="paths")

    def track(self) -> None:
        """Tell lamindb, if its objects were given, that they are inputs of the run."""
        if self._is_run_input is False:
            return
        from loaderd._registry.tracking import track_inputs  # which itself maps

        ours = [one for one in self._inputs if _is_ours(one)]
        if ours:
            track_inputs(ours, self._is_run_input)
        for one in self._inputs:
            root = type(one).__module__.partition(".")[0]
            if root in ("lamindb", "lnschema_core"):
                with contextlib.suppress(ImportError, AttributeError):
                    lineage = importlib.import_module(f"{root}.models._lineage")
                    lineage.track_run_inputs(one, self._is_run_input)

    def _flat(self, given: Any) -> Iterator[str | os.PathLike[str]]:
        if isinstance(given, (str, os.PathLike)):
            yield given
        elif hasattr(given, "protocol") and hasattr(given, "path"):  # a UPath that is not local
            yield _local(given)
        elif _is_artifact(given):
            self._inputs.append(given)
            yield from self._files([given])
        elif _has(given, "ordered_artifacts") or _has(given, "artifacts"):
            self._inputs.append(given)
            yield from self._files(_members(given))
        elif isinstance(given, Iterable) and not isinstance(given, (bytes, dict)):
            if getattr(given, "ordered", True) is False:
                warn(
                    "the query has no order, so the order of rows may differ the next time; use .order_by(…)",
                    LoaderdWarning,
                )
            for artifacts, some in itertools.groupby(given, _is_artifact):
                if artifacts:  # at once: a call may be enough for all of them
                    together = list(some)
                    self._inputs += together
                    yield from self._files(together)
                else:
                    for each in some:
                        yield from self._flat(each)
        else:
            message = f"a path is a str or PathLike, not {type(given).__name__}: {given!r}"
            raise InvalidArgument(message, stage="open", object="paths")

    def _files(self, artifacts: Iterable[Any]) -> Iterator[str | os.PathLike[str]]:
        """Give the files of artifacts; what is no AnnData is left out."""
        taken = []
        for artifact in artifacts:
            if any(known in str(artifact.suffix) for known in _SUFFIXES):
                taken.append(artifact)
            else:
                # Of one that is only like an artifact, what can be said is what it has.
                named = (f"{name}={getattr(artifact, name, None)!r}" for name in ("uid", "key", "suffix"))
                warn(f"left out the artifact with {', '.join(named)}: it is neither .h5ad nor .zarr", LoaderdWarning)
        if self._stream:
            found = [artifact.path for artifact in taken]
        elif taken and all(_is_ours(artifact) for artifact in taken):
            from loaderd._registry.caching import cached  # which is of a package that maps

            found = cached(taken)
        else:
            found = [_cached(artifact) for artifact in taken]
        yield from map(_local, found)


def _has(one: Any, name: str) -> bool:
    """Whether there is such an attribute. It is not looked at: a property may query a database, or fail."""
    return hasattr(type(one), name) or name in getattr(one, "__dict__", ())


def _is_ours(one: Any) -> bool:
    return hasattr(type(one), "_track_as_input")


def _is_artifact(one: Any) -> bool:
    if isinstance(one, (str, os.PathLike)) or hasattr(one, "protocol"):  # a path, here or elsewhere
        return False
    return _has(one, "suffix") and (_has(one, "cache") or _has(one, "path"))


def _members(collection: Any) -> Iterable[Any]:
    """List the artifacts of a collection in its order."""
    if getattr(getattr(collection, "_state", None), "adding", False):
        warn("the collection is not saved; its artifacts are taken as they were given", LoaderdWarning)
        return list(collection._artifacts)
    if hasattr(type(collection), "_members"):  # of ours, those in the trash too
        return list(collection._members())
    found = collection.ordered_artifacts if _has(collection, "ordered_artifacts") else collection.artifacts
    return list(found.all() if hasattr(found, "all") else found)


def _cached(artifact: Any) -> Any:
    if not _has(artifact, "cache"):
        return artifact.path
    try:
        return artifact.cache(is_run_input=False)  # what is tracked is what was given
    except TypeError:  # of something that is only like an artifact
        return artifact.cache()


def _local(path: Any) -> str | os.PathLike[str]:
    """Check that a path is of this machine."""
    protocol = getattr(path, "protocol", "")
    protocols = (protocol,) if isinstance(protocol, str) else tuple(protocol)
    if not any(p in _LOCAL for p in protocols):
        hint = "stream=False reads the local copy that artifact.cache() makes; or copy the file here first"
        raise Unsupported(f"{path}: only local files are read", stage="open", object=str(path), hint=hint)
    return path if isinstance(path, (str, os.PathLike)) else str(getattr(path, "path", path))
