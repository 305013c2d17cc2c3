"""Batches in the workbench: the question, the process that does it, and how far it is."""
