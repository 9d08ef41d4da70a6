"""Where artifacts can be read on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loaderd._errors import LoaderdWarning
from loaderd._progress import Progress
from loaderd._registry import paths, wire
from loaderd._warn import warn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from upath import UPath

    from loaderd._registry.artifact import Artifact


def cached(artifacts: Sequence[Artifact]) -> list[UPath]:
    """Have artifacts on this machine, in one call for all of a database.

    Parameters
    ----------
    artifacts
        Any, saved or not.

    Returns
    -------
    list of UPath
        In their order: where they are stored, or where their copies are, if they are stored below a folder that
        ``LOADERD_CACHE_COPY`` names. What is not what was registered is warned about.

    Raises
    ------
    NotFound
        The data of one are gone, and there is no copy.
    Unsupported
        One is remote.
    NotEnoughDisk
        There is no room for a copy.
    """
    found: dict[int, UPath] = {}
    for using in dict.fromkeys(artifact._using for artifact in artifacts):
        some = [at for at, artifact in enumerate(artifacts) if artifact._using == using]
        of = [_named(artifacts[at]) for at in some]
        with Progress("copying") as progress:
            answer = wire.call("cache", {"of": of}, using, progress.tell)
        found |= {at: paths.upath(paths.from_wire(path)) for at, path in zip(some, answer["paths"], strict=True)}
        for note in answer["notes"]:
            warn(note, LoaderdWarning)
    return [found[at] for at in range(len(artifacts))]


def _named(artifact: Artifact) -> str | bytes:
    path: str | bytes = artifact._values["path"]
    return path if artifact._state.adding or artifact.uid is None else str(artifact.uid)
