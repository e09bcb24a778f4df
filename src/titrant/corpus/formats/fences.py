"""Code between fences, as Markdown writes it, whatever the code holds."""

from __future__ import annotations

import re

_RUNS = re.compile("`{3,}")


def fenced(code: str, language: str = "") -> str:
    """Code between lines of backticks, of one more than any run of them in the code.

    >>> print(fenced("x = 1", "python"))
    ```python
    x = 1
    ```
    """
    fence = fence_for(code)
    return f"{fence}{language}\n{code.strip(chr(10)).rstrip()}\n{fence}"


def fence_for(code: str) -> str:
    """The shortest fence, of three backticks or more, that no line of the code can close."""
    return "`" * max(3, 1 + max((len(run) for run in _RUNS.findall(code)), default=0))
