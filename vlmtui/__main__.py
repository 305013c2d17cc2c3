"""`python -m vlmtui` is the same program as `vlmtui`."""

from __future__ import annotations

import sys

from vlmtui.cli import main

if __name__ == "__main__":
    sys.exit(main())
