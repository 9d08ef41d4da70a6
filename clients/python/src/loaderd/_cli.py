"""The command ``loaderd``: the daemon's binary, with the arguments as they are."""

from __future__ import annotations

import os
import sys

from loaderd import _paths
from loaderd._errors import LoaderdError


def main() -> int:
    """Become the binary; returns only if there is none."""
    try:
        binary = _paths.find_binary()
    except LoaderdError as e:
        print(f"loaderd: {e}", file=sys.stderr)
        return 1
    if binary is None:
        print("loaderd: the binary is not in this package and not on PATH; LOADERD_BIN can name it", file=sys.stderr)
        return 1
    return os.execv(binary, [binary, *sys.argv[1:]])
