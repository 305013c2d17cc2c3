"""One question about many files: what is to be done, the journal that survives a kill, and the command. No torch."""
