"""Trainings on the screen: plots, a run's page, the list of runs."""
