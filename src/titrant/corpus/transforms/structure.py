"""How deep and how branched a document's code is, and how much of it is comment: for arms by complexity.

Rules on these numbers choose documents: `{signal: cyclomatic_complexity, at_least: 10, at_most: 30}`.

**Source:** McCabe 1976 (cyclomatic complexity: one more than the decisions of a routine; a document counts as one).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from titrant.corpus.transforms.grammars import load_grammar
from titrant.corpus.transforms.syntax import NotTransformedError, Syntax, parse

_EVERYWHERE = (
    "if_statement for_statement while_statement do_statement catch_clause conditional_expression ternary_expression "
    "if_expression for_expression while_expression '&& '||"
)
_C = "for_range_loop 'case"
_SCRIPT = "for_in_statement switch_case '??"
_DECISIONS: dict[str, str] = {
    "python": "elif_clause except_clause except_group_clause case_clause for_in_clause if_clause 'and 'or",
    "javascript": _SCRIPT,
    "typescript": _SCRIPT,
    "java": "enhanced_for_statement 'case",
    "c": _C,
    "c++": _C,
    "cuda": _C,
    "objective-c": _C,
    "c#": "foreach_statement switch_expression_arm 'case '??",
    "go": "expression_case type_case communication_case",
    "rust": "loop_expression match_arm",
    "ruby": "if unless elsif while until for when rescue if_modifier unless_modifier while_modifier until_modifier "
    "conditional in_clause 'and 'or",
    "php": "else_if_clause foreach_statement case_statement match_conditional_expression '?? 'and 'or",
    "shell": "elif_clause case_item c_style_for_statement",
    "lua": "elseif_statement repeat_statement 'and 'or",
    "scala": "case_clause",
    "kotlin": "when_entry catch_block do_while_statement",
    "swift": "guard_statement switch_entry catch_block repeat_while_statement",
    "haskell": "conditional alternative guards",
}
"""Kinds of node, and signs after a quote, that are decisions, beside those of `_EVERYWHERE`."""


@dataclass(frozen=True)
class Structure:
    """What a document's tree says of it."""

    tree_depth: int
    """Named nodes on the longest way from the root to a leaf, comments left out."""
    cyclomatic_complexity: int | None
    """Decisions and one; None for a language without decisions. Decisions are branches, loops, cases, handlers of
    exceptions, conditional expressions, and the words for *and* and *or* that stop early."""
    comment_share: float
    """Share of characters other than white space that stand in comments, in bytes of UTF-8."""


def find_structure(text: str, language: str) -> Structure | None:
    """What a document's tree says of it, or None where there is none: no grammar, too long, or not that language.

    A pure function of text and language; linear in the text's length.

    >>> find_structure("if a and b:\\n    c()  # why\\n", "python")
    Structure(tree_depth=5, cyclomatic_complexity=3, comment_share=0.26666666666666666)
    """
    try:
        syntax = parse(text, language)
    except NotTransformedError:
        return None
    return _structure(syntax)


def find_structures(texts: Sequence[str], languages: Sequence[str]) -> list[Structure | None]:
    """Those of several documents."""
    return [find_structure(text, language) for text, language in zip(texts, languages, strict=True)]


def _structure(syntax: Syntax) -> Structure:
    named, decisions = _kinds(syntax.grammar, syntax.language)
    deepest, found = 0, 0
    depth = [0]
    for kind, _, _, is_leaf in syntax.nodes(syntax.comment_kinds):
        if kind < 0:
            depth.pop()
            continue
        here = depth[-1] + (kind in named and kind not in syntax.comment_kinds)
        deepest = max(deepest, here)
        found += kind in decisions
        if not is_leaf:
            depth.append(here)
    in_comments = sum(len(b"".join(syntax.source[start:end].split())) for start, end in syntax.comments)
    whole = len(b"".join(syntax.source.split()))
    return Structure(
        tree_depth=deepest,
        cyclomatic_complexity=found + 1 if syntax.language in _DECISIONS else None,
        comment_share=in_comments / whole if whole else 0.0,
    )


@cache
def _kinds(grammar: str, language: str) -> tuple[frozenset[int], frozenset[int]]:
    """Kinds that are named, and kinds that are decisions."""
    names = load_grammar(grammar)
    named = frozenset(kind for kind in range(names.node_kind_count) if names.node_kind_is_named(kind))
    words = f"{_EVERYWHERE} {_DECISIONS.get(language, '')}".split()
    nodes, signs = {word for word in words if word[0] != "'"}, {word[1:] for word in words if word[0] == "'"}
    return named, frozenset(
        kind
        for kind in range(names.node_kind_count)
        if names.node_kind_for_id(kind) in (nodes if kind in named else signs)
    )
