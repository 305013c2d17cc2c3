"""Child processes that are asked over their pipes: what the readers of pictures and of data sets have in common."""
