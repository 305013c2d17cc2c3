"""Runs of trainings: their folders, what happened in them, whether they live. Neither torch nor a terminal here."""
