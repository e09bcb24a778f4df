"""The names that a document declares, replaced by others that say nothing.

    1. a name is the document's own if one of its leaves stands where the language declares names, and if it is not
       imported, not given by the language or its customs, and not part of text that the grammar does not divide
    2. own names become `v1`, `v2`, ... in the order in which they first stand; signs before and after them, leading
       underscores and whether they begin with a capital stay; a number that another name of the document has is skipped
    3. every leaf that is such a name is replaced, as a variable, a member, a type, an argument's name or a label

So two leaves have the same name after it exactly if they had before: what refers to what inside the document stays.
Names in strings and comments stay, and so do names that documents share: a changed program need not run as before.
The result is parsed again: a document whose tree differs by more than its names is not transformed.

**Source:** Roziere et al. 2021 (DOBF) for the idea of names that say nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from titrant.corpus.transforms.comments import DIFFERS
from titrant.corpus.transforms.grammars import kinds, load_grammar
from titrant.corpus.transforms.identifiers import NAMES, Names
from titrant.corpus.transforms.syntax import NotTransformedError, Syntax, parse, parse_again, skeleton

if TYPE_CHECKING:
    from tree_sitter import Node

_WORDS = re.compile(r"\w+")
_IN_BRACES = re.compile(r"\{\s*(\w+)")
_AROUND = re.compile(r"(\W*)(.*?)(\W*)", re.DOTALL)
_MEMBER_OF = frozenset((b"self", b"cls", b"this"))
_Spot = tuple[int, int]
"""`PARENT.FIELD` in a grammar's numbers; 0 for no field."""


@dataclass(frozen=True)
class _Place:
    """A place of `identifiers.py`: its first part if it has one, and its signs."""

    above: frozenset[_Spot]
    signs: str


@dataclass(frozen=True)
class _Rules:
    """A language's names in the numbers of one grammar."""

    kinds: frozenset[int]
    declared: dict[_Spot, tuple[_Place, ...]]
    """By the place's last part."""
    not_its_own: dict[_Spot, tuple[_Place, ...]]
    mentioned: frozenset[int]
    raw: frozenset[int]
    braces: frozenset[int]


@dataclass(frozen=True)
class _Step:
    """A node on the way from the root to a leaf."""

    node: Node
    kind: int
    field: int
    """The number of the field in which it stands, 0 for none."""


@dataclass
class _Found:
    """What a walk over the tree finds."""

    names: list[tuple[int, int, str]]
    """First byte, one past the last, and text of every leaf that is a name, in order."""
    own: set[str]
    others: set[str]


def rename_identifiers(text: str, language: str) -> str:
    """The document with its own names replaced. Raises NotTransformedError where that does not apply."""
    if language not in NAMES:
        raise NotTransformedError(f"no rule for the names of language '{language}'")
    syntax = parse(text, language)
    new = _new_names(_walk(syntax), NAMES[language])
    if not new.by_text:
        return text
    pieces, at = [], 0
    for start, end, name in new.leaves:
        pieces += [syntax.source[at:start], new.by_text[name].encode()]
        at = end
    renamed = b"".join([*pieces, syntax.source[at:]]).decode("utf-8")
    if renamed != text:
        _check_same(syntax, parse_again(renamed, syntax), new.by_text)
    return renamed


def _check_same(before: Syntax, after: Syntax, new: dict[str, str]) -> None:
    whole = _rules(before.grammar, before.language).kinds
    old_shape, new_shape = skeleton(before, whole=whole), skeleton(after, whole=whole)
    by_bytes = {name.encode(): other.encode() for name, other in new.items()}
    if len(old_shape) != len(new_shape):
        raise NotTransformedError(DIFFERS)
    for old, now in zip(old_shape, new_shape, strict=True):
        if old != now and not (isinstance(old, bytes) and by_bytes.get(old) == now):
            raise NotTransformedError(DIFFERS)


@dataclass(frozen=True)
class _NewNames:
    leaves: list[tuple[int, int, str]]
    """Leaves that are renamed."""
    by_text: dict[str, str]
    """New name by the whole text of a leaf."""


def _new_names(found: _Found, names: Names) -> _NewNames:
    own = {name for name in found.own - found.others if _may_go(name, names)}
    leaves = [(start, end, text) for start, end, text in found.names if _key(text, names) in own]
    taken = {_key(text, names) for _, _, text in found.names} - own
    numbers: dict[str, int] = {}
    count = 0
    for _, _, text in leaves:
        key = _key(text, names)
        if key not in numbers:
            count += 1
            while taken & {_key(_name(key, count, first), names) for first in "vV"}:
                count += 1
            numbers[key] = count
    by_text = {}
    for text in {text for _, _, text in leaves}:
        before, stem, after = _parts(text)
        first = "V" if stem.lstrip("_")[:1].isupper() else "v"
        by_text[text] = f"{before}{_name(stem, numbers[_key(text, names)], first)}{after}"
    return _NewNames(leaves, by_text)


def _name(stem: str, number: int, first: str) -> str:
    return f"{'_' * (len(stem) - len(stem.lstrip('_')))}{first}{number}"


def _parts(text: str) -> tuple[str, str, str]:
    """Signs before a name (`@`, `$`, `:`, a quote), the name, and signs after it (`?`, `'`)."""
    match = _AROUND.fullmatch(text)
    assert match is not None
    return match[1], match[2], match[3]


def _key(text: str, names: Names) -> str:
    """What two leaves have in common if they are one name."""
    stem = _parts(text)[1]
    if not stem.isascii():
        stem = unicodedata.normalize("NFKC", stem)
    return stem.casefold() if names.ignores_case else stem


def _may_go(name: str, names: Names) -> bool:
    if not name.strip("_") or name[0].isdigit() or name in names.kept.split():
        return False
    if names.kept_prefix and name.startswith(names.kept_prefix):
        return False
    return not (names.keeps_capitals and name == name.upper())


def _walk(syntax: Syntax) -> _Found:
    names, rules = NAMES[syntax.language], _rules(syntax.grammar, syntax.language)
    found = _Found([], set(), set())
    for node, place, path, is_mentioned in _leaves(syntax, rules):
        kind = node.kind_id
        if kind in rules.kinds:
            text = syntax.source[node.start_byte : node.end_byte].decode("utf-8", "replace")
            key = _key(text, names)
            found.names.append((node.start_byte, node.end_byte, text))
            if _stands_at(rules.not_its_own.get(place, ()), node, path):
                found.others.add(key)
            elif _stands_at(rules.declared.get(place, ()), node, path):
                found.own.add(key)
            elif is_mentioned:
                found.others.add(key)
        elif kind in rules.raw:
            text = syntax.source[node.start_byte : node.end_byte].decode("utf-8", "replace")
            found.others.update(_key(word, names) for word in _WORDS.findall(text))
        elif kind in rules.braces:
            text = syntax.source[node.start_byte : node.end_byte].decode("utf-8", "replace")
            found.others.update(_IN_BRACES.findall(text))
    return found


def _leaves(syntax: Syntax, rules: _Rules) -> Iterator[tuple[Node, _Spot, list[_Step], bool]]:
    """Leaves of the kinds that matter with their places, the nodes above them, and whether one of those mentions."""
    wanted = rules.kinds | rules.raw | rules.braces
    cursor = syntax.tree.walk()
    path: list[_Step] = []
    mentioning = 0
    while True:
        node = cursor.node
        assert node is not None
        kind = node.kind_id
        if kind in wanted and path:
            yield node, (path[-1].kind, cursor.field_id or 0), path, mentioning > 0
        if kind not in rules.kinds:
            field = cursor.field_id or 0
            if cursor.goto_first_child():
                path.append(_Step(node, kind, field))
                mentioning += kind in rules.mentioned
                continue
        while not cursor.goto_next_sibling():
            if not path:
                return
            cursor.goto_parent()
            mentioning -= path.pop().kind in rules.mentioned


def _stands_at(places: tuple[_Place, ...], node: Node, path: list[_Step]) -> bool:
    return any(_fits(place, node, path) for place in places)


def _fits(place: _Place, node: Node, path: list[_Step]) -> bool:
    parent = path[-1].node
    if place.above and (len(path) < 2 or (path[-2].kind, path[-1].field) not in place.above):
        return False
    if "^" in place.signs and parent.named_child(0) != node:
        return False
    if "~" in place.signs and not (node.text or b"")[:1].decode("utf-8", "replace").islower():
        return False
    if "!" in place.signs and parent.child_by_field_name("body") is None:
        return False
    return "@" not in place.signs or (parent.children[0].text in _MEMBER_OF)


@cache
def _rules(grammar: str, language: str) -> _Rules:
    names = NAMES[language]
    return _Rules(
        kinds=kinds(grammar, frozenset(names.kinds.split())),
        declared=_places(grammar, names.declared),
        not_its_own=_places(grammar, names.not_its_own),
        mentioned=kinds(grammar, frozenset(names.mentioned.split())),
        raw=kinds(grammar, frozenset(names.raw.split())),
        braces=kinds(grammar, frozenset(names.braces.split())),
    )


def _places(grammar: str, words: str) -> dict[_Spot, tuple[_Place, ...]]:
    found: dict[_Spot, tuple[_Place, ...]] = {}
    for word in words.split():
        place = word.rstrip("^~!@")
        above, _, last = place.rpartition(">")
        for spot in _spots(grammar, last):
            found[spot] = (
                *found.get(spot, ()),
                _Place(_spots(grammar, above) if above else frozenset(), word[len(place) :]),
            )
    return found


def _spots(grammar: str, place: str) -> frozenset[_Spot]:
    kind, _, field = place.partition(".")
    number = (load_grammar(grammar).field_id_for_name(field) if field else 0) or 0
    return frozenset((parent, number) for parent in kinds(grammar, frozenset((kind,))) if number or not field)
