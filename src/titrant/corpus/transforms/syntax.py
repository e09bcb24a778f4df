"""A document's syntax tree: parsed within a budget, walked without recursion, and compared with another one.

Time is bounded by counting the parser's own operations and never by a clock, so that the same document has the same
outcome on every machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING

from titrant.corpus.transforms.grammars import GRAMMARS, Grammar, kinds, load_grammar

if TYPE_CHECKING:
    from tree_sitter import Node, Query, Tree

MAX_BYTES = 4_000_000
"""Longer documents are not parsed: a tree takes about 60 bytes of memory a byte of text."""
MAX_ERROR_SHARE = 0.1
"""A document of which a larger share is unread, comments and white space not counted, is taken to be in another
language than it says."""
_CHECK_OPERATIONS = 100
"""Operations of the parser between two calls that ask whether it may go on."""
_FREE_CHECKS = 2_000
_OPERATIONS_PER_BYTE = 40
_FREE_READS, _READS_PER_CHUNK = 2_000, 100
"""A lexer that goes back to what it has read, again and again, asks for it again."""
_CHUNK = 1_024
"""Small, because a lexer that looks back asks for its surroundings again."""
_CLOSE = -1
TOO_LONG = "parsing took too many steps"
"""Reason."""


class NotTransformedError(Exception):
    """A document that a transform leaves without text, and why: a few words that are counted."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


@dataclass(frozen=True)
class Leaf:
    """A piece of text that the grammar divides no further."""

    kind: int
    start: int
    """First byte."""
    end: int
    """One past the last byte."""


@dataclass(frozen=True)
class Syntax:
    """A document and its tree."""

    language: str
    grammar: str
    source: bytes
    tree: Tree

    @property
    def definition(self) -> Grammar:
        """How its language is read."""
        return GRAMMARS[self.language]

    @cached_property
    def comment_kinds(self) -> frozenset[int]:
        """Numbers of the kinds of node that are comments."""
        return kinds(self.grammar, self.definition.comments)

    @cached_property
    def comments(self) -> list[tuple[int, int]]:
        """First byte and one past the last of every comment, in order, white space around it left out."""
        found: list[tuple[int, int]] = []
        for start, end in self._comment_ranges():
            if found and start < found[-1][1]:
                continue  # inside another one
            text = self.source[start:end]
            if text.strip():
                found.append((start + len(text) - len(text.lstrip()), start + len(text.rstrip())))
        return found

    def _comment_ranges(self) -> list[tuple[int, int]]:
        """In order, the outer one first."""
        if self.tree.root_node.has_error:  # a query takes the square of the length of what cannot be read
            walk = self.nodes(self.comment_kinds)
            return [(start, end) for kind, start, end, _ in walk if kind in self.comment_kinds]
        found = self.matching(_of_kinds(self.grammar, self.definition.comments))
        return sorted((node.byte_range for node in found), key=lambda span: (span[0], -span[1]))

    def matching(self, query: str) -> list[Node]:
        """Nodes that a query of tree-sitter captures as `@found`."""
        from tree_sitter import QueryCursor

        return QueryCursor(_query(self.grammar, query)).captures(self.tree.root_node).get("found", [])

    def nodes(self, whole: frozenset[int] = frozenset()) -> Iterator[tuple[int, int, int, bool]]:
        """Kind, first byte, one past the last, and whether it is a leaf, in order; kind -1 ends an inner node.

        Nodes of the kinds in `whole` are leaves.
        """
        cursor = self.tree.walk()
        depth = 0
        while True:
            node = cursor.node
            assert node is not None
            kind = node.kind_id
            if kind not in whole and cursor.goto_first_child():
                yield kind, node.start_byte, node.end_byte, False
                depth += 1
                continue
            yield kind, node.start_byte, node.end_byte, True
            while not cursor.goto_next_sibling():
                if depth == 0:
                    return
                cursor.goto_parent()
                depth -= 1
                yield _CLOSE, 0, 0, False

    def leaves(self) -> Iterator[Leaf]:
        """All leaves with text, in order; a comment is one leaf."""
        for kind, start, end, is_leaf in self.nodes(self.comment_kinds):
            if is_leaf and end > start:
                yield Leaf(kind, start, end)


def parse(text: str, language: str) -> Syntax:
    """A document's tree, by the best grammar of its language.

    Raises NotTransformedError if there is no grammar, or if it cannot be read within bounds.
    """
    if language not in GRAMMARS:
        raise NotTransformedError(f"no grammar for language '{language}'")
    source = text.encode("utf-8")
    if len(source) > MAX_BYTES:
        raise NotTransformedError(f"longer than {MAX_BYTES:,} bytes")
    if text.count("\r") != text.count("\r\n"):
        raise NotTransformedError("a lone carriage return, which grammars do not take for the end of a line")
    best, least = None, len(source) + 2
    for name in GRAMMARS[language].names:
        tree = _tree(source, name)
        if tree is None:
            continue
        syntax = Syntax(language, name, source, tree)
        unread = _unread_bytes(syntax)
        if unread < least:
            best, least = syntax, unread
        if unread == 0:
            break
    if best is None:
        raise NotTransformedError(TOO_LONG)
    if least > MAX_ERROR_SHARE * len(source) or (least and least > MAX_ERROR_SHARE * _code_bytes(best)):
        raise NotTransformedError("does not parse")
    return best


def parse_again(text: str, before: Syntax) -> Syntax:
    """The tree of a document that was changed, by the same grammar, however much of it is unread."""
    source = text.encode("utf-8")
    tree = _tree(source, before.grammar)
    if tree is None:
        raise NotTransformedError(TOO_LONG)
    return Syntax(before.language, before.grammar, source, tree)


def _code_bytes(syntax: Syntax) -> int:
    """Bytes that are neither comment nor white space."""
    in_comments = b"".join(syntax.source[start:end] for start, end in syntax.comments)
    return sum(len(b"".join(text.split())) * sign for text, sign in ((syntax.source, 1), (in_comments, -1)))


def _tree(source: bytes, grammar: str) -> Tree | None:
    from tree_sitter import Parser

    left = _FREE_CHECKS + len(source) * _OPERATIONS_PER_BYTE // _CHECK_OPERATIONS
    reads = _FREE_READS + len(source) * _READS_PER_CHUNK // _CHUNK

    def spent(offset: int, has_error: bool) -> bool:
        nonlocal left
        left -= 1
        return left < 0 or reads < 0

    def read(offset: int, point: object) -> bytes:
        nonlocal reads
        reads -= 1
        return source[offset : offset + _CHUNK] if reads >= 0 else b""

    try:
        tree = Parser(load_grammar(grammar)).parse(read, progress_callback=spent)
    except ValueError:  # the budget is spent
        if left >= 0 and reads >= 0:
            raise
        return None
    return tree if reads >= 0 else None


def _unread_bytes(syntax: Syntax) -> int:
    """Bytes in nodes that the grammar cannot read; 1 if all that is wrong is that something is missing."""
    cursor = syntax.tree.walk()
    unread, depth = 0, 0
    while True:
        node = cursor.node
        assert node is not None
        if node.is_error:
            unread += node.end_byte - node.start_byte
        elif node.has_error and cursor.goto_first_child():
            depth += 1
            continue
        while not cursor.goto_next_sibling():
            if depth == 0:
                return max(unread, int(syntax.tree.root_node.has_error))
            cursor.goto_parent()
            depth -= 1


@cache
def _of_kinds(grammar: str, wanted: frozenset[str]) -> str:
    language = load_grammar(grammar)
    known = sorted(kind for kind in wanted if language.id_for_node_kind(kind, True))
    return "[" + " ".join(f"({kind})" for kind in known) + "] @found"


@cache
def _query(grammar: str, query: str) -> Query:
    from tree_sitter import Query

    return Query(load_grammar(grammar), query)


def skeleton(
    syntax: Syntax,
    unseen: frozenset[int] = frozenset(),
    gone: frozenset[tuple[int, int]] = frozenset(),
    whole: frozenset[int] = frozenset(),
) -> list[int | bytes]:
    """The tree as a list: kinds of inner nodes, kind and text of leaves, and where inner nodes end.

    Comments, nodes of the kinds in `unseen`, inner nodes with the bounds in `gone`, and nodes that hold nothing but
    white space and these are left out. Nodes of the kinds in `whole` are leaves.
    """
    hidden = syntax.comment_kinds | unseen
    source, shape = syntax.source, list[int | bytes]()
    opened: list[int] = []
    within = 0
    for kind, start, end, is_leaf in syntax.nodes(hidden | whole):
        if within:
            within += -1 if kind == _CLOSE else not is_leaf
        elif kind == _CLOSE:
            if opened:
                opened.pop()
            else:
                shape.append(_CLOSE)
        elif not is_leaf:
            if (start, end) in gone:
                within = 1
            else:
                opened.append(kind)
        elif kind not in hidden and (text := source[start:end].strip()):
            shape += opened
            opened = []
            shape += (kind, text)
    return shape
