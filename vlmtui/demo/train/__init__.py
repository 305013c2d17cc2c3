"""Training of the demo model: `python -m vlmtui.demo.train`."""
