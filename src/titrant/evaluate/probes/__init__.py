"""Generated tasks with signal at tiny scale: one family a file, and what turns a declaration into items."""

from titrant.evaluate.probes.family import probe_items

__all__ = ["probe_items"]
