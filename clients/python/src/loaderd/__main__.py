"""``python -m loaderd`` is the command ``loaderd``."""

import sys

from loaderd._cli import main

sys.exit(main())
