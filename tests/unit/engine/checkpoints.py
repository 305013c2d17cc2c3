"""Checkpoints in the tests' own process, without a child."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from vlmtui.engine import loading
from vlmtui.engine.loading import Checkpoint
from vlmtui.engine.protocol import Load


def load(model: Path | str, **options: Any) -> Checkpoint:
    """Load `model` as the engine does, with nobody to report to or to stop it; `options` are those of `Load`."""
    return loading.load(
        Load(id=1, model=str(model), **options),
        report=lambda event: None,
        check=lambda: None,
        release=lambda: None,
        asked_at=time.perf_counter(),
    )
