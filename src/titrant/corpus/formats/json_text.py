"""JSON as real corpora hold it: records of any length, and what no decoder agrees on refused by name.

A text is read the same everywhere: how deep it may nest is fixed here and does not follow from Python's stack, a key
that stands twice in one object is an error and never the last one, and an integer of any length is a number.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, BinaryIO

from titrant.corpus.opened import BLOCK_BYTES, MAX_DOCUMENT_BYTES
from titrant.errors import StudyError

MAX_DEPTH = 200
"""How deep arrays and objects may nest."""


class _RepeatedError(Exception):
    """A key stands twice in one object."""


def json_value(text: str, place: str, *, unique: bool = True) -> Any:
    """The value of a JSON text. Raises StudyError, which names `place`, where it has none or more than one.

    `unique` refuses objects in which a key stands twice.
    """
    decoder = _UNIQUE if unique else _ANY
    try:
        try:
            value = decoder.decode(text)
        except json.JSONDecodeError:
            raise
        except ValueError:  # an integer of more digits than Python converts
            value = json.loads(text, object_pairs_hook=decoder.object_pairs_hook, parse_int=float)
    except RecursionError:
        raise _too_deep(place) from None
    except _RepeatedError as error:
        raise StudyError(f"{place} has the key '{error}' twice in one object; repair or leave out the record") from None
    except ValueError as error:
        raise StudyError(f"{place} is not JSON ({error}); repair or leave out the record") from None
    if _is_deeper(value, MAX_DEPTH):
        raise _too_deep(place)
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise _RepeatedError(ascii(next(key for key in keys if keys.count(key) > 1))[1:-1])
    return found


_UNIQUE, _ANY = json.JSONDecoder(object_pairs_hook=_unique), json.JSONDecoder()


def _too_deep(place: str) -> StudyError:
    return StudyError(f"{place} nests arrays and objects more than {MAX_DEPTH} deep; repair or leave out the record")


def _is_deeper(value: Any, depth: int) -> bool:
    level = [value] if isinstance(value, (dict, list)) else []
    for _ in range(depth + 1):
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                below.extend(item.values())
            elif isinstance(item, list):
                below.extend(item)
        level = [item for item in below if isinstance(item, (dict, list))]
        if not level:
            return False
    return True


def lines(stream: BinaryIO, max_bytes: int = MAX_DOCUMENT_BYTES) -> Iterator[bytes | None]:
    """Lines split on `\\n` alone: other line ends (U+2028, a lone CR) may stand inside a JSON string.

    A line of more than `max_bytes` is None. Memory is bounded by the longest line below that.
    """
    begun: list[bytes] = []  # pieces of one line, joined once: a line may be longer than many blocks
    size = 0

    def line() -> bytes | None:
        whole = b"".join(begun) if size <= max_bytes else None
        begun.clear()  # before it is handed on: it may be long
        return whole

    while block := stream.read(BLOCK_BYTES):
        first, *others = block.split(b"\n")
        size += len(first)
        begun.append(first)
        for piece in others:
            yield line()
            begun, size = [piece], len(piece)
        if size > max_bytes:
            begun.clear()
    if size:
        yield line()
