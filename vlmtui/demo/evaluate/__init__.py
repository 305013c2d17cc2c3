"""Evaluation of the demo model: `python -m vlmtui.demo.evaluate`."""
