"""What a forked child does with what it inherited.

A child must neither send on its parent's sockets nor keep them open, and a lock that another thread held
during the fork would stay locked in it for ever. Objects with such parts register here.
"""

from __future__ import annotations

import os
import weakref
from typing import Protocol


class Forkable(Protocol):
    """An object that can put itself in order in a forked child."""

    def after_fork(self) -> None:
        """Drop what is the parent's. Runs in the child, before any other code of the child; must not raise."""


_registered: dict[int, weakref.ref[Forkable]] = {}


def register(thing: Forkable) -> None:
    """Have ``thing.after_fork`` called in every child forked while ``thing`` lives."""
    key = id(thing)
    # Plain dict operations only: each is atomic, so a fork from another thread never meets half of one.
    _registered[key] = weakref.ref(thing, lambda _, key=key: _registered.pop(key, None))  # type: ignore[misc]


def _in_child() -> None:
    for ref in list(_registered.values()):
        thing = ref()
        if thing is not None:
            thing.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
