"""The harness as a script, from any folder: ``python bench/run.py --help``."""

import sys
from pathlib import Path

# As a script this folder would stand first on the path, and its modules would be found under two names.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from bench.cli import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
