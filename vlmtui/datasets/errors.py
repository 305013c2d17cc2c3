"""Why a data set cannot be read: a cause and a remedy, each one line that is safe to show."""

from __future__ import annotations

from vlmtui.media.errors import MediaError


class DatasetError(MediaError):
    """A data set that cannot be used. `code` is one of `MediaError`'s, or `no_table` for a file that holds no rows."""
