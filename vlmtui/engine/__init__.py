"""Inference in a child process: the only place where torch and transformers are imported."""
