"""How deep and how branched code is, against Python's own tree and by hand."""

from __future__ import annotations

import ast
import sysconfig
from pathlib import Path

import pytest

from titrant.corpus.transforms.structure import find_structure, find_structures

STDLIB = Path(sysconfig.get_paths()["stdlib"])
DECISIONS = (ast.If, ast.IfExp, ast.For, ast.AsyncFor, ast.While, ast.ExceptHandler, ast.match_case, ast.comprehension)


def decisions_of(source):
    """Counted by Python's own parser: the oracle."""
    nodes = list(ast.walk(ast.parse(source)))
    plain = sum(isinstance(node, DECISIONS) for node in nodes)
    joined = sum(len(node.values) - 1 for node in nodes if isinstance(node, ast.BoolOp))
    filters = sum(len(node.ifs) for node in nodes if isinstance(node, ast.comprehension))
    return plain + joined + filters + sum(isinstance(node, ast.match_case) and node.guard is not None for node in nodes)


def test_decisions_of_real_python_are_those_that_python_itself_finds():
    for path in sorted(STDLIB.glob("[a-c]*.py"))[:20]:
        text = path.read_text(encoding="utf-8")
        assert find_structure(text, "python").cyclomatic_complexity == decisions_of(text) + 1


@pytest.mark.parametrize(
    ("language", "text", "complexity"),
    [
        ("javascript", "if (a && b) {} for (const x of y) { z = a ? b : c ?? d } switch (q) { case 1: default: }", 7),
        ("java", "class A { void f() { if (a || b) {} for (X x : xs) {} switch (q) { case 1: default: } } }", 5),
        ("c", "int f() { while (a) if (b) return c ? 1 : 2; do {} while (q); switch (x) { case 1: default: ; } }", 6),
        ("go", "package p\nfunc f() { for { if a && b {} }; switch x { case 1: default: } }\n", 5),
        ("rust", "fn f() { if a || b {} match x { 1 => 2, _ => 3 } loop {} }", 6),
        ("ruby", "x if y and z\nwhile a do end\ncase b\nwhen 1 then 2\nend\n", 5),
        ("php", "<?php if ($a) {} elseif ($b && $c) {} foreach ($x as $y) {}", 5),
        ("shell", "if a; then b; elif c; then d; fi; case $x in 1) ;; esac; e && f\n", 5),
        ("lua", "if a then elseif b then end repeat until c and d", 5),
        ("kotlin", "fun f() { if (a && b) {} ; when (x) { 1 -> 2\n else -> 3 } }", 5),
        ("css", "a { b: c }", None),
    ],
)
def test_decisions_are_counted_in_every_language(language, text, complexity):
    assert find_structure(text, language).cyclomatic_complexity == complexity


def test_depth_grows_by_nesting_and_not_by_length_or_comments():
    def depth(text):
        return find_structure(text, "python").tree_depth

    assert depth("f(1)\n" * 50) == depth("f(1)\n") == depth("f(1)  # c\n")
    assert [depth("(" * n + "1" + ")" * n) - depth("1") for n in (1, 10, 5000)] == [1, 10, 5000]


def test_the_share_of_comments_is_of_what_can_be_seen():
    assert find_structure("x = 1  # aa\n", "python").comment_share == 0.5
    assert find_structure("# a\n# b\n", "python").comment_share == 1
    assert find_structure("x = 1\n", "python").comment_share == 0


def test_what_has_no_tree_has_no_structure():
    assert find_structures(["x", "x = = (\n" * 9, "x = 1"], ["unknown", "python", "text"]) == [None, None, None]
