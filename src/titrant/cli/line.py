"""One line of progress on standard error, for a job that is done in this process."""

from __future__ import annotations

import os
import time

from titrant.execute.watch import Doing

_TERMINAL = os.dup(2)
"""Standard error as it was before a job's output was sent to its log."""


class Line:
    """Kept up in a terminal, told every minute elsewhere."""

    EVERY_SECONDS = 60.0

    def __init__(self, doing: Doing) -> None:
        self._doing, self._told = doing, 0.0
        self._live = os.isatty(_TERMINAL)

    def __call__(self, event: dict[str, object]) -> None:
        now = time.monotonic()
        self._doing.update(event, now)
        if self._live:
            width = os.get_terminal_size(_TERMINAL).columns
            os.write(_TERMINAL, f"\r\x1b[K{self._doing.line(width - 1)}".encode())
        elif now - self._told >= self.EVERY_SECONDS:
            self._told = now
            os.write(_TERMINAL, f"{self._doing.line()}\n".encode())

    def end(self) -> None:
        """Leave the line clean."""
        if self._live:
            os.write(_TERMINAL, b"\r\x1b[K")
