"""Watching trainings: finding runs, reading their curves, and saying what looks wrong. In a child; no terminal here."""
