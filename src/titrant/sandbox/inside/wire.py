"""Values that cross between the tests and the program: JSON in which only plain data can be said.

Numbers, strings, bytes, containers and a few types of the standard library arrive as new, genuine values, whatever the
sender says: nothing sent can bring an operator of its own along. Every other object stays where it is, and a number
that stands for it crosses (a *handle*). Subclasses of plain types cross as what they are made of.
"""

from __future__ import annotations

import collections
import datetime
import decimal
import fractions
import importlib
import json
import os
import struct
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

MOST_BYTES = 64 * 2**20
"""Of one message."""
MOST_ITEMS = 100_000
"""Taken of an iterator that is passed to a program."""

_PLAIN = frozenset((str, bool, type(None), float))
_SMALL = 2**63
_TYPES: dict[str, type] = {
    kind.__name__: kind
    for kind in (
        *(bool, int, float, complex, str, bytes, bytearray, list, tuple, dict, set, frozenset, range, object, type),
        *(collections.Counter, collections.OrderedDict, collections.defaultdict, collections.deque),
        *(decimal.Decimal, fractions.Fraction),
        *(datetime.date, datetime.datetime, datetime.time, datetime.timedelta),
    )
}
"""Types that cross by name."""
_TYPE_NAMES = {kind: name for name, kind in _TYPES.items()}
_BASES: tuple[Any, ...] = (str, int, float, bytes, list, tuple, set, frozenset)
"""Types whose subclasses cross as they do."""
_SEQUENCES: dict[str, Callable[[list[Any]], Any]] = {
    "tuple": tuple,
    "set": set,
    "frozenset": frozenset,
    "deque": collections.deque,
    "iterator": iter,
}
MUTABLE = (list, dict, set, bytearray, collections.deque)
_HALVES = "surrogatepass"
_WRITTEN: dict[str, Callable[[str], Any]] = {
    "int": lambda text: int(text, 16),
    "text": lambda text: bytes.fromhex(text).decode("utf-32", _HALVES),
    "complex": complex,
    "Decimal": decimal.Decimal,
    "Fraction": fractions.Fraction,
    "date": datetime.date.fromisoformat,
    "datetime": datetime.datetime.fromisoformat,
    "time": datetime.time.fromisoformat,
}
_EMPTY: tuple[Any, ...] = ((), [], {}, set(), "", b"", range(1), {}.values(), {}.items())
_KEYS: type = type({}.keys())
_ITERATORS: tuple[Any, ...] = tuple(type(iter(made)) for made in _EMPTY)
_ITERATORS += (map, filter, zip, enumerate, reversed, type(_ for _ in ()))

Export = Callable[[Any], Any]
"""What to say for an object that cannot cross (a JSON value), by default its handle."""


class Gone(BaseException):
    """The other end has closed. No test may catch it as an Exception."""


class Aliases:
    """The mutable containers that cross in one call, by number, so that each stays one object on either side."""

    def __init__(self, objects: Iterable[Any] = (), *, growing: bool = False) -> None:
        self.objects: list[Any] = []
        self._numbers: dict[int, int] = {}
        self._growing = growing
        for value in objects:
            self._add(value)

    def _add(self, value: Any) -> int:
        self.objects.append(value)  # kept, so that no other gets its id
        return self._numbers.setdefault(id(value), len(self.objects) - 1)

    def number_of(self, value: Any) -> tuple[int | None, bool]:
        """The number of a container, and whether it had it before; None: it gets none."""
        if (number := self._numbers.get(id(value))) is not None:
            return number, True
        return (self._add(value) if self._growing else None), False


def pack(value: Any, export: Export, aliases: Aliases | None = None, *, whole: bool = False) -> Any:
    """A value as JSON types. `export` is asked for what is no plain data.

    A mutable container that `aliases` knows crosses as its number, unless it is asked for as a `whole`.
    """
    kind = type(value)
    if kind is str:
        return value if value.isascii() or _is_unicode(value) else {"text": value.encode("utf-32", _HALVES).hex()}
    if kind in _PLAIN:
        return value
    if kind is int:
        return value if -_SMALL <= value < _SMALL else {"int": hex(value)}
    number = None
    if aliases is not None and not whole and isinstance(value, MUTABLE):
        number, known = aliases.number_of(value)
        if known:
            return {"same": number}
    said: Any
    if kind is list:
        said = [pack(item, export, aliases) for item in value]
    elif kind is dict:
        said = {"dict": [[pack(key, export, aliases), pack(item, export, aliases)] for key, item in value.items()]}
    elif kind in (tuple, set, frozenset, collections.deque):
        said = {kind.__name__: [pack(item, export, aliases) for item in value]}
    else:
        said = _pack_rarer(value, kind, export, aliases)
    return said if number is None else {"kept": [number, said]}


def _is_unicode(text: str) -> bool:
    """Whether a text has no half of a surrogate pair, of which JSON would make one character."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _pack_rarer(value: Any, kind: Any, export: Export, aliases: Aliases | None) -> Any:
    if isinstance(value, type):
        if value in _TYPE_NAMES:
            return {"type": _TYPE_NAMES[value]}
        name = str(value.__name__)
        return {"error": name} if _built_in_error(name) is value else export(value)
    if kind in (bytes, bytearray):
        return {kind.__name__: value.hex()}
    if kind is range:
        return {"range": [value.start, value.stop, value.step]}
    if kind is datetime.timedelta:
        return {"timedelta": [value.days, value.seconds, value.microseconds]}
    if kind in (decimal.Decimal, fractions.Fraction, complex):
        return {kind.__name__: str(value)}
    if kind in (datetime.date, datetime.datetime, datetime.time):
        return {kind.__name__: value.isoformat()}
    if isinstance(value, (collections.Counter, collections.OrderedDict, dict)):
        name = next(n for n in ("Counter", "OrderedDict", "dict") if isinstance(value, _TYPES[n]))
        return {name: [[pack(key, export, aliases), pack(item, export, aliases)] for key, item in value.items()]}
    if isinstance(value, tuple) and isinstance(fields := getattr(kind, "_fields", None), tuple):
        return {"named": [kind.__name__, list(map(str, fields)), [pack(item, export, aliases) for item in value]]}
    if kind is _KEYS:
        return {"set": [pack(item, export, aliases) for item in value]}
    for plain in _BASES:
        if isinstance(value, plain) and not hasattr(kind, "_member_map_"):
            return pack(plain(value), export, aliases, whole=True)
    return export(value)


def pack_iterator(value: Any, export: Export) -> Any:
    """An iterator's items, if `value` is one and ends soon; else None."""
    if not isinstance(value, _ITERATORS):
        return None
    items: list[Any] = []
    for item in iter(value):
        items.append(pack(item, export))
        if len(items) > MOST_ITEMS:
            raise ValueError(f"an iterator of more than {MOST_ITEMS} items cannot be passed to the program")
    return {"iterator": items}


def unpack(said: Any, resolve: Callable[[dict[str, Any]], Any]) -> Any:
    """The value that was packed. `resolve` is asked for handles and all other things that are no data. Raises
    ValueError for what no honest sender says."""
    if isinstance(said, list):
        return [unpack(item, resolve) for item in said]
    if not isinstance(said, dict):
        return said
    if len(said) != 1:
        raise ValueError("not a value")
    ((tag, inner),) = said.items()
    if tag in _SEQUENCES and isinstance(inner, list):
        return _SEQUENCES[tag]([unpack(item, resolve) for item in inner])
    if tag in ("dict", "Counter", "OrderedDict") and isinstance(inner, list):
        pairs = [(unpack(key, resolve), unpack(item, resolve)) for key, item in inner]
        return _TYPES[tag](dict(pairs)) if tag != "OrderedDict" else collections.OrderedDict(pairs)
    if tag in _WRITTEN and isinstance(inner, str):
        return _WRITTEN[tag](inner)
    if tag in ("bytes", "bytearray") and isinstance(inner, str):
        return _TYPES[tag].fromhex(inner)  # type: ignore[attr-defined]
    if tag in ("range", "timedelta") and isinstance(inner, list) and all(type(part) is int for part in inner):
        return _TYPES[tag](*inner) if tag == "range" else datetime.timedelta(*inner)
    if tag == "type" and inner in _TYPES:
        return _TYPES[inner]
    if tag == "error" and (error := _built_in_error(inner)) is not None:
        return error
    if tag == "named":
        name, fields, values = inner
        made = collections.namedtuple(name if str(name).isidentifier() else "row", fields, rename=True)  # type: ignore[misc]
        return made(*[unpack(item, resolve) for item in values])
    return resolve(said)


def _built_in_error(name: Any) -> type[Exception] | None:
    found = getattr(sys.modules["builtins"], name, None) if isinstance(name, str) else None
    return found if isinstance(found, type) and issubclass(found, Exception) else None


def known_error(kinds: Any) -> type[Exception] | None:
    """The first of some class names that is a built-in exception (and no exit)."""
    named = kinds if isinstance(kinds, list) else []
    return next((error for name in named if (error := _built_in_error(name)) is not None), None)


def module_named(name: str) -> Any:
    """A module of the standard library, or None."""
    if name.partition(".")[0] not in sys.stdlib_module_names:
        return None
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def send(channel: int, message: Any) -> None:
    """One message, whole. Raises Gone if the other end has closed."""
    body = json.dumps(message).encode()
    view = memoryview(struct.pack("!I", len(body)) + body)
    try:
        while view:
            view = view[os.write(channel, view) :]
    except OSError:
        raise Gone("the other process has ended") from None


def receive(channel: int) -> Any:
    """One message, whole. Raises Gone at the end, ValueError for rubbish."""
    (size,) = struct.unpack("!I", b"".join(_exactly(channel, 4)))
    if size > MOST_BYTES:
        raise ValueError(f"a message of {size} bytes; at most {MOST_BYTES} may cross")
    return json.loads(b"".join(_exactly(channel, size)))


def _exactly(channel: int, size: int) -> Iterator[bytes]:
    while size:
        try:
            part = os.read(channel, min(size, 2**20))
        except OSError:
            part = b""
        if not part:
            raise Gone("the other process has ended")
        size -= len(part)
        yield part


def refill(old: Any, new: Any) -> None:
    """Make a mutable container hold what another holds; nothing if they are of different kinds."""
    if isinstance(old, list) and isinstance(new, list):
        old[:] = new
    elif isinstance(old, dict) and isinstance(new, dict):
        held = dict(new)
        old.clear()
        old.update(held)
    elif isinstance(old, MUTABLE) and type(old) is type(new) and old is not new:
        old.clear()
        old.update(new) if isinstance(old, set) else old.extend(new)  # type: ignore[union-attr]
