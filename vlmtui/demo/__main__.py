"""`python -m vlmtui.demo DIR` writes the demo workspace: drawing needs Pillow, which the terminal never loads."""

from __future__ import annotations

import sys
from pathlib import Path

from vlmtui.demo.workspace import write_workspace


def main() -> int:
    """Write the workspace; one line on stderr and 1 when that fails."""
    try:
        write_workspace(Path(sys.argv[1]))
    except OSError as error:
        print(error.strerror or error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
