"""The loaders that are measured, one module each."""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING, cast

from bench.peers._base import Interpreter, Peer, Source

if TYPE_CHECKING:
    from bench.job import Case

__all__ = ["Interpreter", "Peer", "Source", "cases", "load"]


def load(name: str) -> Peer:
    """Return the peer of a module of this package."""
    return cast("Peer", importlib.import_module(f"{__name__}.{name}").PEER)


def cases() -> list[Case]:
    """Return all cases of all peers, in alphabetical order of their modules; one that begins with ``_`` is no peer."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))
    return [case for name in names for case in load(name).cases()]
