"""The embedded demo model: a tiny SmolVLM trained from scratch on pictures that this package draws itself.

Only light names here: importing this package loads neither torch nor Pillow.
"""

from __future__ import annotations

from pathlib import Path

DEMO_MODEL_ID = "demo"
"""The name under which the embedded model is chosen, where others give a hub id."""


def weights_path() -> Path:
    """The folder of the bundled checkpoint, loadable with `from_pretrained` like any published one."""
    return Path(__file__).parent / "weights"
