"""vlmtui: a workbench for vision-language models in one terminal."""

from __future__ import annotations

__version__ = "0.1.0"
