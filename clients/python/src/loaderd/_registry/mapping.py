"""Artifacts as a mapped collection."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from loaderd._errors import InvalidArgument, LoaderdWarning
from loaderd._mapped import mapped
from loaderd._registry.record import check_names
from loaderd._warn import warn

if TYPE_CHECKING:
    from loaderd.collection import MappedCollection


def map_them(source: Any, given: dict[str, Any], more: dict[str, Any]) -> MappedCollection:
    """Call `loaderd.mapped`.

    Parameters
    ----------
    source
        A collection, or a set of artifacts.
    given
        Keywords that the caller names.
    more
        Further ones, ``label_keys`` among them.
    """
    if "label_keys" in more:
        labels = more.pop("label_keys")
        if given.get("obs_keys") is not None:
            message = "mapped() got label_keys and obs_keys, which are two names of one thing"
            raise InvalidArgument(message, stage="open", object="label_keys", hint="give obs_keys")
        warn("label_keys is the old name of obs_keys", LoaderdWarning)
        given["obs_keys"] = labels
    allowed = [name for name in inspect.signature(mapped).parameters if name != "paths"]
    check_names("mapped()", more, allowed, "parameter")
    return mapped(source, **given, **more)
