"""Readers of runs, one a kind: each fills a `Table` from files that somebody else writes meanwhile."""
