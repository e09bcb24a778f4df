"""Problems of others: from files, from public sets, and mined from code."""

from titrant.synthesize.sets.reading import read_problems

__all__ = ["read_problems"]
