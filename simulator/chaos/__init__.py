"""Faults against a whole installation, and what became of every message: ``python -m simulator chaos``."""
