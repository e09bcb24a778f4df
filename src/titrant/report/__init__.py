"""Findings become a page: tables, figures and a headline, none of which computes a statistic."""

from titrant.report.stage import write_report

__all__ = ["write_report"]
