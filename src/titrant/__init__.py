"""Titrant: a measuring instrument for pre-training data."""
