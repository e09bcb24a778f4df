"""The command `titrant`: flags say which study, where to store and where to run; the science is in the file."""

from titrant.cli.commands import main

__all__ = ["main"]
