"""Code changed on purpose: what each transform takes away, and that nothing else about the code is another."""

from __future__ import annotations

import ast
import sysconfig
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from titrant.corpus.transforms.apply import transform, transformed
from titrant.corpus.transforms.comments import removable_comments
from titrant.corpus.transforms.grammars import GRAMMARS
from titrant.corpus.transforms.syntax import MAX_BYTES, NotTransformedError, parse

STDLIB = Path(sysconfig.get_paths()["stdlib"])
REAL = [path.read_text(encoding="utf-8") for path in sorted(STDLIB.glob("[a-d]*.py"))[:25]]
BY_LANGUAGE = {
    "python": "#!/usr/bin/env python\n# -*- coding: utf-8 -*-\n# gone\nx = '# kept'  # gone\n",
    "javascript": "// gone\nlet x = '// kept'; /* gone */ f(/* gone */ 1); // gone\n",
    "typescript": "let x: number /* gone */ = 1; // gone\n",
    "java": '/** gone */ class A { int x = 1; /* gone */ String s = "// kept"; } // gone\n',
    "c": '#include <x.h> // gone\nint a /* gone */ = 1; char *s = "/* kept */";\n',
    "c++": 'auto s = R"(// kept)"; // gone\n',
    "c#": '/// gone\nclass A { string s = "// kept"; } // gone\n',
    "go": "package p // gone\n\nvar s = `// kept` /* gone */\n",
    "rust": '// gone\nfn f() { let s = "// kept"; /* gone /* nested */ */ }\n',
    "ruby": "# gone\nx = '# kept' # gone\n=begin\ngone\n=end\ny = 1\n",
    "php": "<?php\n# gone\n$x = '// kept'; // gone\n/* gone */\n",
    "shell": "#!/bin/sh\n# gone\necho '# kept' # gone\n",
    "sql": "SELECT '-- kept' FROM t; -- gone\n/* gone */ SELECT 1;\n",
    "lua": "-- gone\nlocal x = '-- kept' --[[ gone ]]\n",
    "scala": 'object A { val s = "// kept" /* gone */ } // gone\n',
    "kotlin": 'val s = "// kept" // gone\n/* gone */\nval t = 1\n',
    "swift": 'let s = "// kept" // gone\n/* gone */\nlet t = 1\n',
    "haskell": 'module M where\n-- gone\nf = "-- kept" {- gone -}\n',
    "html": "<p>kept</p><!-- gone -->\n<script>// kept</script>\n",
    "css": "/* gone */ a { content: '/* kept */'; }\n",
}


def signs(text):
    """Characters other than white space, with their number."""
    return Counter("".join(text.split()))


def without_docstrings(source):
    """The dump of a tree whose docstrings are taken out by Python's own parser: the oracle."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                node.body = node.body[1:] or ([] if isinstance(node, ast.Module) else [ast.Pass()])
    return ast.dump(tree)


@pytest.mark.parametrize("language", BY_LANGUAGE)
def test_comments_go_and_what_only_looks_like_one_stays(language):
    text = BY_LANGUAGE[language]
    kept = transformed(text, language, ["strip-comments"], "")
    assert "gone" not in kept
    assert kept.count("kept") == text.count("kept")
    assert transformed(kept, language, ["strip-comments"], "") == kept
    only = transformed(text, language, ["comments-only"], "")
    assert "kept" not in only
    assert only.count("gone") == text.count("gone")


@pytest.mark.parametrize("language", BY_LANGUAGE)
def test_comments_and_what_is_left_without_them_are_the_whole_document(language):
    text = BY_LANGUAGE[language]
    syntax = parse(text, language)
    comments = [syntax.source[start:end].decode() for start, end in removable_comments(syntax)]
    assert signs(transformed(text, language, ["strip-comments"], "")) + signs("".join(comments)) == signs(text)


def test_real_python_reads_the_same_without_its_comments_and_has_none_left():
    for text in REAL:
        kept = transformed(text, "python", ["strip-comments"], "")
        assert ast.dump(ast.parse(kept)) == ast.dump(ast.parse(text))
        assert not removable_comments(parse(kept, "python"))


def test_real_python_without_docstrings_is_what_python_itself_makes_of_it():
    for text in REAL:
        kept = transformed(text, "python", ["strip-docstrings"], "")
        assert ast.dump(ast.parse(kept)) == without_docstrings(text)
        assert removable_comments(parse(kept, "python")) or "#" not in text


def test_what_is_kept_of_a_document_without_its_code_is_its_words():
    text = '#!/bin/python\n"""Adds\n\n  things."""\n# One.\ndef f(x):\n    "Docs."  # Two.\n    return "no"\n'
    assert transformed(text, "python", ["comments-only"], "") == "Adds\nthings.\nOne.\nDocs.\nTwo.\n"


@pytest.mark.parametrize(
    ("language", "text", "kept"),
    [
        ("java", "/** Doc. */\nint f; // stays\n/* stays */\n", "int f; // stays\n/* stays */\n"),
        ("rust", "/// Doc.\nfn f() {} // stays\n//// stays\n", "fn f() {} // stays\n//// stays\n"),
        ("python", "def f():\n    'doc'\n", "def f():\n    pass\n"),
        ("python", "'doc'\n'next'\nx = 1\n'stays'\n", "x = 1\n'stays'\n"),
        ("python", "def f():\n    'doc'\n    ('next')  # c\n", "def f():\n    pass\n    # c\n"),
        ("python", "def f():\n    b'no doc'\n", "def f():\n    b'no doc'\n"),
    ],
)
def test_documentation_goes_by_its_signs_and_other_comments_stay(language, text, kept):
    assert transformed(text, language, ["strip-docstrings"], "") == kept


def test_nothing_joins_or_parts_where_a_comment_stood():
    assert transformed("int/**/x;\n", "c", ["strip-comments"], "") == "int x;\n"
    assert transformed("return /* a\n */ 1\n", "javascript", ["strip-comments"], "") == "return \n1\n"
    assert transformed("f(a, /* b */ c);\n", "c", ["strip-comments"], "") == "f(a, c);\n"


@pytest.mark.parametrize(
    ("text", "language", "step", "reason"),
    [
        ("x\n", "unknown", "strip-comments", "strip-comments: no grammar for language 'unknown'"),
        ("x\n", "batch", "shuffle-tokens", None),
        ("$x = 1;\n", "perl", "strip-comments", "strip-comments: no grammar for language 'perl'"),
        (
            "# a\rx = 1\n",
            "python",
            "strip-comments",
            "strip-comments: a lone carriage return, which grammars do not take for the end of a line",
        ),
        ("x = = (\n" * 9, "python", "strip-comments", "strip-comments: does not parse"),
        ("# only\n", "python", "strip-comments", "strip-comments: nothing is left"),
        ("x = 1\n", "python", "comments-only", "comments-only: no comments"),
        ("prose\n", "text", "comments-only", "comments-only: language 'text' has no comments"),
        ("a: 1\n", "yaml", "rename-identifiers", "rename-identifiers: no rule for the names of language 'yaml'"),
        ("a: 1\n", "yaml", "strip-docstrings", "strip-docstrings: documentation has no signs of its own in 'yaml'"),
        ("x = 1\n" * (MAX_BYTES // 6 + 1), "python", "strip-comments", "strip-comments: longer than 4,000,000 bytes"),
    ],
)
def test_what_cannot_be_changed_has_no_text_and_a_reason(text, language, step, reason):
    if reason is None:
        assert signs(transformed(text, language, [step], "")) == signs(text)
        return
    with pytest.raises(NotTransformedError) as raised:
        transformed(text, language, [step], "")
    assert raised.value.reason == reason
    assert transform([text], [language], [step], keys=[""]) == [None]


@pytest.mark.parametrize("step", ["strip-comments", "strip-docstrings", "rename-identifiers", "shuffle-lines"])
def test_prose_has_neither_comments_nor_names(step):
    prose = "One # line.\n"
    assert transformed(prose, "markdown", [step], "") == prose


@pytest.mark.parametrize("language", ["c", "java", "javascript", "python", "rust", "shell"])
@pytest.mark.parametrize("opened", ["(", "{", "<", "[a,", "x=("])
def test_a_deep_or_broken_document_neither_overflows_nor_takes_the_square_of_its_length(language, opened):
    for text in (opened * 6_000, opened * 1_000 + ")" * 1_000):
        for step in ("strip-comments", "rename-identifiers", "shuffle-tokens"):
            (result,) = transform([text], [language], [step], keys=["00"])
            assert result is None or result.strip()


PIECES = [
    "x = 1",
    "# c",
    "'#'",
    '"""',
    "def f(a):",
    "    ",
    "\n",
    "\\\n",
    ";",
    "if x:",
    "pass",
    "(",
    ")",
    "é",
    "\t",
    "\r",
    "f'{x}'",
]
CURLY = [
    "x=1;",
    "// c\n",
    "/* d */",
    "/*",
    "*/",
    '"',
    "'",
    "`",
    "{",
    "}",
    "(",
    ")",
    "\n",
    "\\\n",
    "return",
    " ",
    "é",
    "/",
    "<!--",
    "#",
]


@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
@settings(max_examples=300, deadline=None)
def test_whatever_python_reads_it_reads_the_same_without_comments(text):
    try:
        before = ast.dump(ast.parse(text))
        kept = transformed(text, "python", ["strip-comments"], "")
    except (SyntaxError, NotTransformedError):
        return
    assert ast.dump(ast.parse(kept)) == before


@given(
    st.sampled_from(sorted(set(GRAMMARS) - {"python"})),
    st.lists(st.sampled_from([*CURLY, *PIECES]), max_size=20).map("".join),
    st.sampled_from(["strip-comments", "strip-docstrings", "rename-identifiers"]),
)
@settings(max_examples=400, deadline=None)
def test_whatever_comes_in_a_second_pass_changes_nothing_more(language, text, step):
    try:
        once = transformed(text, language, [step], "00")
    except NotTransformedError:
        return
    (twice,) = transform([once], [language], [step], keys=["00"])
    assert twice in (once, None)
