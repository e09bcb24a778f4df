"""The import lines that a program needs, read off its text."""

from __future__ import annotations

import re

_MODULES = ("bisect", "functools", "heapq", "itertools", "math", "re", "string")
_NAMES = {
    "collections": ("Counter", "defaultdict", "deque"),
    "itertools": ("accumulate", "combinations", "groupby", "islice", "pairwise", "takewhile", "zip_longest"),
    "functools": ("cache", "reduce"),
    "bisect": ("bisect_left", "bisect_right", "insort"),
    "math": ("gcd", "isqrt", "lcm", "prod"),
}


def imports_of(*texts: str) -> str:
    """What stands before a program that uses modules by name (`math.gcd`) or well-known functions of them (`gcd`).

    >>> print(imports_of("return math.prod(x for x in Counter(values))"))
    import math
    from collections import Counter
    """
    text = "\n".join(texts)
    lines = [f"import {module}" for module in _MODULES if re.search(rf"(?<![\w.]){module}\.", text)]
    for module, names in sorted(_NAMES.items()):
        used = [name for name in names if re.search(rf"(?<![\w.])@?{name}(\(|$)", text, re.MULTILINE)]
        if used:
            lines.append(f"from {module} import {', '.join(used)}")
    return "\n".join(lines)
