"""Scores become findings: paired differences, uncertainty over seeds and items, verdicts for a family."""

from titrant.analyze.findings import find_findings

__all__ = ["find_findings"]
