"""Python literals, read by the parser of JSON: much less work, and less new memory, than by Python's own.

1. Strings are set apart; brackets and words that JSON does not know are replaced by marked lists.
2. JSON's parser reads the whole; each marked list is made into what it stood for.
3. What is not understood in this way is evaluated, without any name but `set`.
"""

from __future__ import annotations

import json
import marshal
import re
from typing import Any

# no group that repeats for each character: each turn would cost the matcher memory
_STRING = re.compile(r"""('[^'\\\n]*(?:\\[nrt\\'"][^'\\\n]*)*'|"[^"\\\n]*(?:\\[nrt\\'"][^"\\\n]*)*")""")
_MARKED = re.compile("[\x00-\x08\x0b-\x1f]")
_FOREIGN = re.compile("[^\x01-\x05\\s\\d.,:()\\[\\]{}eE+-]")
_WORDS = (("True", "\x01"), ("False", "\x02"), ("None", "\x03"), ("set()", "\x04"), (",)", ",\x05)"))
_MARKS = str.maketrans(
    {
        "\x01": "true",
        "\x02": "false",
        "\x03": "null",
        "\x04": '{"s":0}',
        "\x05": '{"c":0}',
        "(": '{"t":[',
        ")": '],"end of t":0}',
        "{": '{"d":[',
        "}": '],"end of d":0}',
        ":": ',{"c":0},',
    }
)
_COMMA = object()
"""Stands behind the item of a tuple of one, and between a key and its value; not to be marshalled where it is left."""


def marshalled(text: str) -> tuple[bytes, int]:
    """A list of tuples, from which `marshal.loads` makes new ones each time, and how many they are. Raises ValueError
    and SyntaxError for what is none."""
    try:
        found, dumped = _whole(text)
    except (ValueError, TypeError, RecursionError):
        found = _evaluated(text)
        dumped = marshal.dumps(found)
    if type(found) is not list or not all(type(item) is tuple for item in found):
        raise ValueError(f"a {type(found).__name__}")
    return dumped, len(found)


def plain_literal(text: str) -> Any:
    """What a literal of the usual form stands for: what `ast.literal_eval` gives, in a quarter of its time. Raises
    ValueError for all others, whether they are literals or not."""
    try:
        if text == text.strip():
            return _whole(text)[0]
    except (TypeError, SyntaxError, RecursionError):
        pass
    raise ValueError("no literal of the usual form")


def _whole(text: str) -> tuple[Any, bytes]:
    """What is read of a text, and the same marshalled: what is half a dict cannot be."""
    found = _read(text)
    return found, marshal.dumps(found)


def _read(text: str) -> Any:
    if _MARKED.search(text):
        raise ValueError("no literal of a known form")
    parts = _STRING.split(text)
    for place, part in enumerate(parts):
        if place % 2:
            parts[place] = json.dumps(eval(part)) if "\\" in part else '"' + part[1:-1].replace('"', '\\"') + '"'
            continue
        for old, new in _WORDS:
            part = part.replace(old, new)
        if _FOREIGN.search(part):
            raise ValueError("no literal of a known form")
        parts[place] = part.translate(_MARKS)
    return json.loads("".join(parts), object_hook=_made, strict=False)


def _made(found: dict[str, Any]) -> Any:
    if len(found) == 1:
        return _COMMA if "c" in found else set()
    (kind, items), (end, _) = found.items()
    if end != f"end of {kind}":
        raise ValueError("brackets of two kinds")
    if kind == "t":
        if items and items[-1] is _COMMA:
            return tuple(items[:-1])
        return items[0] if len(items) == 1 else tuple(items)
    if len(items) % 3 == 0 and all(item is _COMMA for item in items[1::3]):
        return dict(zip(items[::3], items[2::3], strict=True))
    return set(items)


def _evaluated(text: str) -> Any:
    code = compile(text, "<inputs>", "eval", dont_inherit=True)
    if not set(code.co_names) <= {"set"}:
        raise ValueError(f"{code.co_names[0]} is no literal")
    return eval(code, {"__builtins__": {"set": set}})
