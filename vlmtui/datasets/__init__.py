"""Data sets of somebody else's making, read lazily: rows, schema, conversations. Nothing heavy is imported here."""
