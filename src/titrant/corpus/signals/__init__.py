"""Signals: what pure functions find in documents, one column each, so that a rule is a threshold on what is stored."""

from __future__ import annotations

from titrant.corpus.signals.find import find_signals
from titrant.corpus.signals.stage import find_all_signals, read_signal

__all__ = ["find_all_signals", "find_signals", "read_signal"]
