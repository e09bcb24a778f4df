"""Names replaced by others that say nothing: the same tree, one new name for each old one, and none that is not its own."""

from __future__ import annotations

import ast
import contextlib
import io
import sysconfig
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from titrant.corpus.transforms.grammars import GRAMMARS, kinds, load_grammar
from titrant.corpus.transforms.identifiers import NAMES
from titrant.corpus.transforms.rename import rename_identifiers
from titrant.corpus.transforms.syntax import NotTransformedError

STDLIB = Path(sysconfig.get_paths()["stdlib"])


def pairs(old, new):
    """Every two strings that stand at the same place of two trees of Python; the trees must have the same shape."""
    if isinstance(old, ast.Constant):
        assert ast.dump(old) == ast.dump(new)
    elif isinstance(old, ast.AST):
        assert type(old) is type(new)
        for field in old._fields:
            yield from pairs(getattr(old, field, None), getattr(new, field, None))
    elif isinstance(old, list):
        assert len(old) == len(new)
        for one, other in zip(old, new, strict=True):
            yield from pairs(one, other)
    elif isinstance(old, str) and isinstance(new, str):
        yield old, new
    else:
        assert old == new or (old is None) == (new is None)


def check_bijection(before, after):
    """The trees are the same but for names, and names map one to one. Returns the names that changed."""
    found = {}
    for old, new in pairs(ast.parse(before), ast.parse(after)):
        for one, other in zip(old.split("."), new.split("."), strict=True):
            assert found.setdefault(one, other) == other
    changed = {old: new for old, new in found.items() if old != new}
    assert len(set(changed.values())) == len(changed)
    assert not set(changed.values()) & {old for old, new in found.items() if old == new}
    return changed


def test_real_python_has_the_same_tree_and_its_names_map_one_to_one():
    changed = 0
    for path in sorted(STDLIB.glob("[a-c]*.py"))[:20]:
        text = path.read_text(encoding="utf-8")
        renamed = rename_identifiers(text, "python")
        changed += len(check_bijection(text, renamed))
        assert rename_identifiers(renamed, "python") == renamed
    assert changed > 1000


PROGRAM = '''
import math as numbers
from collections import Counter
class Pile:
    """Things on things."""
    LIMIT = 3
    def __init__(self, *things, size=2):
        self.things, self._size = list(things), size
    def count_of(self, wanted):
        return Counter(self.things)[wanted] + sum(thing == wanted for thing in self.things) * self.LIMIT
def doubled(function):
    def inner(value, *, times: int = 2):
        total = 0
        for round_number in range(times):
            total += function(value)
        return total
    return inner
@doubled
def area(radius):
    match radius:
        case int(): return numbers.floor(numbers.pi * radius ** 2)
        case other: return f"{other!r:>{len(other) + 2}}"
pile = Pile("a", "b", "a", size=3)
print(pile.count_of("a"), pile._size, area(2, times=3), [name for name, *rest in [("x", 1)] if rest], (lambda left, right=1: left + right)(1))
'''


def test_a_program_that_looks_no_name_up_by_a_string_does_the_same():
    renamed = rename_identifiers(PROGRAM, "python")
    said = []
    for source in (PROGRAM, renamed):
        with contextlib.redirect_stdout(io.StringIO()) as out:
            exec(compile(source, "program", "exec"), {"__name__": "program"})
        said.append(out.getvalue())
    assert said[0] == said[1]
    for word in ("Pile", "things", "wanted", "radius", "doubled", "numbers", "LIMIT", "_size"):
        assert word not in renamed.replace("Things on things", "")
    for word in ("Counter", "math", "floor", "__init__", "self", "range", "_v"):
        assert word in renamed


@pytest.mark.parametrize(
    ("language", "text", "renamed"),
    [
        ("javascript", "const {a, b: c} = require('m'); o.a(c);", "const {v1, b: v2} = require('m'); o.v1(v2);"),
        ("typescript", "interface Box<T> { size: T }", "interface V1<V2> { v3: V2 }"),
        (
            "java",
            "import a.B; class C { int n; B f(int n) { return new B(this.n); } }",
            "import a.B; class V1 { int v2; B v3(int v2) { return new B(this.v2); } }",
        ),
        (
            "c",
            "#define TWICE(n) n * two\nint two; int f(int n) { return TWICE(n); }\n",
            "#define V1(n) n * two\nint two; int v2(int n) { return V1(n); }\n",
        ),
        (
            "c++",
            "struct stat s; struct Own { int a; }; Own o; std::vector<Own> v;",
            "struct stat v1; struct V2 { int v3; }; V2 v4; std::vector<V2> v5;",
        ),
        (
            "go",
            'package main\nimport "fmt"\nfunc Add(a int) int { fmt.Println(a); return a }\n',
            'package main\nimport "fmt"\nfunc V1(v2 int) int { fmt.Println(v2); return v2 }\n',
        ),
        (
            "rust",
            "use c::B; fn f<'a>(x: &'a B, y: u8) { println!(\"{y} {}\", x); }",
            "use c::B; fn v1<'v2>(v3: &'v2 B, y: u8) { println!(\"{y} {}\", v3); }",
        ),
        (
            "ruby",
            "class A; def set=(x); @set = x; end; def ok?; @set; end; end",
            "class V1; def v2=(v3); @v2 = v3; end; def v4?; @v2; end; end",
        ),
        (
            "php",
            '<?php function f($a) { return "$a {$this->a}"; }',
            '<?php function v1($v2) { return "$v2 {$this->v2}"; }',
        ),
        (
            "c#",
            "using System; class A { int n; void F(int q) { Console.Write(n + q); } }",
            "using System; class V1 { int v2; void V3(int v4) { Console.Write(v2 + v4); } }",
        ),
        ("shell", 'PATH=x; name=1; read line; echo "$name $line"\n', 'PATH=x; v1=1; read line; echo "$v1 $line"\n'),
        (
            "sql",
            "CREATE TABLE Tab (Id INT); SELECT tab.id FROM TAB;",
            "CREATE TABLE V1 (V2 INT); SELECT v1.v2 FROM V1;",
        ),
        (
            "lua",
            "local a = require('m'); function a.go(self, b) return self.b + b end",
            "local v1 = require('m'); function v1.v2(self, v3) return self.v3 + v3 end",
        ),
        ("scala", "class A(n: Int) { def f(m: Int) = n + m }", "class V1(v2: Int) { def v3(v4: Int) = v2 + v4 }"),
        (
            "kotlin",
            'class A(val data: Int) { fun f(b: Int) = "$data ${b}" }',
            'class V1(val v2: Int) { fun v3(v4: Int) = "$v2 ${v4}" }',
        ),
        (
            "swift",
            "struct A { var n: Int; func f(by m: Int) -> Int { return n + m } }",
            "struct V1 { var v2: Int; func v3(by v4: Int) -> Int { return v2 + v4 } }",
        ),
        ("haskell", "module M where\nimport A (g)\nf x' = g x'\n", "module M where\nimport A (g)\nv1 v2' = g v2'\n"),
    ],
)
def test_the_names_that_a_document_declares_are_replaced_wherever_they_stand(language, text, renamed):
    assert rename_identifiers(text, language) == renamed
    assert rename_identifiers(renamed, language) == renamed


def test_a_number_that_another_name_has_is_skipped():
    assert (
        rename_identifiers("from m import v1, V2\na = v1\nb = V2\n", "python")
        == "from m import v1, V2\nv3 = v1\nv4 = V2\n"
    )


def test_names_that_python_reads_as_one_become_one():
    assert rename_identifiers("ﬁle = 1\nprint(file)\n", "python") == "v1 = 1\nprint(v1)\n"


@pytest.mark.parametrize("language", NAMES)
def test_every_place_and_kind_is_one_that_a_grammar_of_the_language_has(language):
    names = NAMES[language]
    words = [*names.declared.split(), *names.not_its_own.split()]
    places = [part for word in words for part in word.rstrip("^~!@").split(">")]
    nodes = {*(place.partition(".")[0] for place in places), *names.kinds.split(), *names.mentioned.split()}
    nodes |= {*names.raw.split(), *names.braces.split()}
    fields = {place.partition(".")[2] for place in places} - {""}
    known = GRAMMARS[language].names
    assert not {node for node in nodes if not any(kinds(name, frozenset({node})) for name in known)}
    assert not {field for field in fields if not any(load_grammar(name).field_id_for_name(field) for name in known)}


WORDS = [
    "a",
    "b",
    "v1",
    "V2",
    "self",
    "_x",
    "f",
    "import ",
    "from m import ",
    "def ",
    "class ",
    "(",
    ")",
    ":",
    "\n",
    "\n    ",
    " = ",
    ".",
    ",",
    "lambda ",
    "for ",
    " in ",
    "global ",
    "1",
    "'s'",
    "f'{a}'",
    "*",
]


@given(st.lists(st.sampled_from(WORDS), max_size=25).map("".join))
@settings(max_examples=400, deadline=None)
def test_whatever_python_reads_keeps_its_shape(text):
    try:
        ast.parse(text)
        renamed = rename_identifiers(text, "python")
    except (SyntaxError, NotTransformedError):
        return
    check_bijection(text, renamed)
    assert rename_identifiers(renamed, "python") == renamed
