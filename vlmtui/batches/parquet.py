"""Writes rows as Parquet: `python -m vlmtui.batches.parquet OUT`, rows as lines of JSON on stdin."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from vlmtui.batches.job import Row
from vlmtui.batches.journal import write_whole

_SCHEMA = pa.schema(
    [
        ("file", pa.string()),
        ("prompt", pa.string()),
        ("text", pa.string()),
        ("error", pa.string()),
        ("tokens", pa.int64()),
        ("seconds", pa.float64()),
        ("model", pa.string()),
    ]
)


def main() -> int:
    """Write what stdin has."""
    rows = [msgspec.structs.asdict(msgspec.json.decode(line, type=Row)) for line in sys.stdin.buffer]
    made = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, schema=_SCHEMA), made)
    write_whole(Path(sys.argv[1]), [made.getvalue()])
    return 0


if __name__ == "__main__":
    sys.exit(main())
