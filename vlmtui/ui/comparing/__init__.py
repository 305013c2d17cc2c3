"""The same question to several sides, their answers beside each other."""
