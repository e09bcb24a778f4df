"""Safe pieces of HTML and Markdown: every string that a user may choose goes through here before it reaches a page."""

from __future__ import annotations

import html
import json
import re
from typing import Any

from titrant.errors import EngineError


def escape(text: object) -> str:
    """Text for HTML, inside elements and quoted attributes alike."""
    return html.escape(str(text), quote=True)


def element(name: str, content: str = "", **attributes: object) -> str:
    """An element around markup. Attribute values are escaped; `class_` is spelt `class`, `_` in names is `-`.

    >>> element("td", "1", class_="number", data_sort=0.5)
    '<td class="number" data-sort="0.5">1</td>'
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{name}{written}>{content}</{name}>"


def anchor(*parts: object) -> str:
    """An id for links inside the page: letters, digits and hyphens; all else as `_` code point in hexadecimal `_`.

    >>> anchor("run", "a+b@nano#1")
    'run-a_2b_b_40_nano_23_1'
    """
    text = "-".join(str(part) for part in parts)
    return re.sub(r"[^A-Za-z0-9-]", lambda match: f"_{ord(match[0]):x}_", text)


def link(target: str, content: str, **attributes: object) -> str:
    """A link to an anchor of the same page."""
    return element("a", content, href=f"#{target}", **attributes)


def embedded_json(data: Any) -> str:
    """JSON that may stand inside a script element: nothing in it can end the element or open a comment."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), sort_keys=False, allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def embedded_script(code: str) -> str:
    """Script that may stand inside a script element. Raises EngineError if it holds what would end the element."""
    if found := re.search(r"</script|<script|<!--", code, flags=re.IGNORECASE):
        raise EngineError(
            f"the chart library holds '{found[0]}', which cannot be embedded in a page; install vl-convert-python 1.9"
        )
    return code


_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>()#|~!])")


def markdown_text(text: object) -> str:
    """Text for Markdown, on one line, with every sign escaped that could start markup or HTML."""
    return _MARKDOWN.sub(r"\\\1", " ".join(str(text).split()))
