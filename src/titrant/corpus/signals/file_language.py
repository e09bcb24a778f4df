r"""The programming or markup language of a file, by the end of its name and, where that means several, its content.

    1. a declared language that is not what the name says is taken: the study or the dataset knows better
    2. a note to an editor (`-*- mode: c++ -*-`, `vim: ft=perl`) or `#!` line is taken, if the name leaves a choice
    3. for an ending that several languages share, lines that tell are counted in the beginning of the file, and the
       language with the most is taken; without any, the commonest language of that ending
    4. for a name that says nothing, what a file must begin with decides (`<?php`, `<!doctype html`, ...)

All other languages are those of `titrant.corpus.languages`.
"""

from __future__ import annotations

import json
import re
from functools import cache

from titrant.corpus.languages import UNKNOWN, language_of
from titrant.study.language_shares import canonical_language

HEAD = 16_000
"""Characters at the beginning of a file that are looked at."""
ENOUGH = 6
"""Telling lines of one kind that are counted at most."""
LARGEST_JSON = 200_000
"""Characters up to which a file without a name is tried as JSON."""

_PROLOG = [r"^:-\s", r"^[a-z]\w*(?:\([^%\n]*\))?\s*(?::-|-->)", r"^\s+[a-z]\w*\([^()\n]*\),$", r"^[a-z]\w*\(.*\)\.\s*$"]
_C_LIKE = [r"^\s*#\s*include\s*[<\"]", r"^\s*#\s*(?:define|ifn?def|endif)\b"]
_CXX = [
    r"^\s*(?:template\s*<|namespace\b|using\s+\w|typename\b|explicit\b|constexpr\b|friend\b|virtual\b)",
    r"^\s*(?:public|private|protected)\s*:",
    r"^\s*(?:class|struct)\s+(?:[A-Z_]+\s+)?\w+(?:\s+final)?\s*:\s*(?:public|private|protected)\b",
    r"^\s*class\s+(?:[A-Z_]+\s+)?\w+\s*(?:[;{]|$)",
    r"\bstd::|\bstatic_cast<|\bnullptr\b|\boperator\s*[=+\-<>\[(]|\bnoexcept\b",
    r"^\s*#\s*include\s*<(?:[a-z_]+|c[a-z]+)>",
    r"^\s*(?:inline\s+)?[\w:&*<> ]+\)\s*const\s*(?:;|\{|$)",
    r"^\s*#\s*include\s*[<\"][^<>\"\n]+\.(?:hpp|hh|hxx)[>\"]",
]
_OBJECTIVE_C = [
    r"^\s*@(?:interface|implementation|protocol|class|end|property|import|synthesize)\b",
    r"^\s*#\s*import\b",
]
_SHARED: dict[str, list[tuple[str, list[str]]]] = {
    ".pl": [
        (
            "perl",
            [
                r"^\s*(?:use|package|my|our|local|require|sub|no)\s+[\w:$@%({]",
                r"^=(?:head\d|pod|cut|over|item)\b",
                r"[$@%]\w+(?:->)?[\[{(]|=~|^\s*\$\w+\s*[.+]?=",
            ],
        ),
        ("prolog", _PROLOG),
    ],
    ".m": [
        (
            "matlab",
            [
                r"^\s*function\b(?!\s*\()",
                r"^\s*(?:%|##?\s|##?$)",
                r"^\s*(?:end|end(?:if|for|while|function|switch)|elseif\b.*)\s*;?$",
                r"^\s*(?:clear|close|clc|figure|hold|plot|disp|load|fprintf)\b",
                r"^\s*\w+\s*=\s*\[|^\s*classdef\b",
            ],
        ),
        ("objective-c", [*_OBJECTIVE_C, *_C_LIKE, r"^[-+]\s*\([^)]*\)\s*\w+"]),
        ("mercury", [r"^:-\s+(?:module|interface|implementation|import_module|pred|func|type|mode)\b"] * 3),
        ("mathematica", [r"^\(\*", r"BeginPackage\[|:=|\[\[|^\s*\w+\[\w+_"]),
    ],
    ".pro": [
        (
            "qmake",
            [r"^\s*(?:[A-Z][A-Z_0-9.]+|[a-z]\w*\.(?:files|path))\s*[+\-*~]?=(?!=)", r"^\s*[\w!|]+(?:\([^)]*\))?\s*\{"],
        ),
        (
            "postscript",
            [
                r"^%!|^%%",
                r"^\s*/[\w@.]+\s*\{",
                r"\bdef\b\s*(?:%.*)?$",
                r"\b(?:moveto|lineto|gsave|grestore|exch|dup)\b",
            ],
        ),
        ("prolog", _PROLOG),
        (
            "idl",
            [r"(?i)^\s*(?:pro|function)\s+\w+", r"(?i)^\s*(?:endif|endfor|endelse|compile_opt|on_error)\b", r"^\s*;"],
        ),
        ("proguard", [r"^\s*-(?:keep\w*|dontwarn|dontobfuscate|libraryjars|optimi[sz]ations)\b"] * 2),
    ],
    ".h": [("c", []), ("c++", _CXX), ("objective-c", [*_OBJECTIVE_C] * 2)],
    ".ts": [("typescript", []), ("xml", [r"\A\s*<(?:\?xml\b|!DOCTYPE TS|TS\b)"])],
    ".r": [("r", []), ("rebol", [r"(?i)\A[^\[]{0,200}\b(?:rebol|red)\s*\["])],
    ".v": [
        (
            "verilog",
            [
                r"^\s*(?:module|endmodule|always|assign|wire|reg|input|output|initial|parameter|localparam)\b",
                r"^\s*`\w+",
            ],
        ),
        (
            "coq",
            [
                r"^\s*(?:Require|From|Import|Export|Lemma|Theorem|Definition|Proof|Qed|Inductive|Fixpoint|Section|Module|End"
                r"|Notation|Local|Global|Hint|Variable|Parameter|Axiom|Ltac|Ltac2|Set|Declare)\b",
                r"^\s*\(\*",
            ],
        ),
        ("v", [r"^(?:pub\s+)?(?:fn|struct|enum|const|interface)\s+[\w(]", r"^(?:module|import)\s+[\w.]+$"]),
    ],
    ".cls": [
        ("tex", [r"^\s*\\\w+", r"^\s*%"]),
        (
            "apex",
            [
                r"(?i)^\s*(?:@\w+\s+)?(?:public|private|global)\s+(?:(?:with|without|inherited) sharing\s+|virtual\s+"
                r"|abstract\s+)*(?:class|interface|enum)\b",
                r"(?i)\[\s*select\b|\bsystem\.assert|^\s*@istest",
            ],
        ),
        (
            "visual basic",
            [r"^VERSION \d", r"^Attribute VB_", r"(?i)^\s*(?:option explicit|end (?:sub|function|property))"],
        ),
        ("objectscript", [r"^(?:Class|Method|ClassMethod|Property|Parameter)\s+[\w.%]+"]),
    ],
    ".cl": [
        ("lisp", [r"^\s*\((?:def\w+|in-package|let\*?|setf|use-package|asdf)\b", r"^\s*;"]),
        (
            "opencl",
            [*_C_LIKE, r"\b(?:__kernel|kernel void|get_global_id|__global|__local)\b", r"^\s*(?://|/\*)", r";\s*$"],
        ),
    ],
    ".fs": [
        ("f#", [r"^\s*(?:let|module|open|namespace|type|member|match)\b", r"^\s*\|\s"]),
        (
            "glsl",
            [r"^\s*#version\b", r"^\s*(?:uniform|varying|precision|in|out)\s+\w+", r"\bvoid\s+main\s*\(", r"\bgl_\w+"],
        ),
        ("forth", [r"^:\s+\S+", r"^\s*\\\s", r"\s;\s*$"]),
    ],
    ".inc": [
        (UNKNOWN, []),
        ("php", [r"<\?(?:php|=)"] * 3),
        (
            "pascal",
            [
                r"\{\$\w+",
                r"(?i)^\s*(?:procedure|function|begin|end|const|var|type|unit|uses|constructor|destructor)\b",
                r"^\s*[{(]\*?\s",
            ],
        ),
        ("c++", [*_C_LIKE, *_CXX, r"^\s*//"]),
        ("assembly", [r"(?i)^\s*\w+\s+(?:equ|db|dw|dd|macro|proc)\b", r"^\s*;", r"^\s*%(?:define|macro|if)"]),
    ],
    ".pp": [
        ("pascal", [r"\{\$\w+", r"(?i)^\s*(?:program|unit|procedure|function|begin|end|const|var|type|uses)\b"]),
        ("puppet", [r"^\s*(?:class|node|define|include)\s+[\w:]+", r"^\s*\w+\s*=>", r"^\s*\$\w+\s*="]),
    ],
    ".md": [("markdown", []), ("gcc machine description", [r"^\(define_(?:insn|expand|split|attr|peephole)\w*\b"])],
}
"""By ending, the languages that share it, the commonest first, with lines that tell; one that is only named is taken
where no line tells."""

_COMMENT = re.compile(r"//[^\n]*|/\*.*?(?:\*/|\Z)", re.DOTALL)
_EDITOR = re.compile(
    r"-\*-\s*(?:[^\n]*?\bmode:\s*)?([A-Za-z+#-]+)\s*(?:;[^\n]*)?-\*-|\bvim?:[^\n]*\b(?:ft|filetype|syntax)=(\w+)"
)
_EDITOR_NAMES = {
    "objc": "objective-c",
    "octave": "matlab",
    "cperl": "perl",
    "cpp": "c++",
    "idlwave": "idl",
    "qmake": "qmake",
}
_SHEBANG = re.compile(r"\A#!\s*\S*?(?:/|\benv\s+(?:-\S+\s+)*)(?!env\s)([A-Za-z]+)[\d.]*(?:\s|$)")
_INTERPRETED = {
    "python": "python pypy",
    "shell": "sh bash zsh dash ksh",
    "perl": "perl",
    "ruby": "ruby",
    "javascript": "node",
    "typescript": "deno",
    "php": "php",
    "lua": "lua luajit",
    "r": "Rscript",
    "tcl": "tclsh wish",
    "awk": "awk gawk",
    "make": "make",
    "prolog": "swipl",
    "matlab": "octave",
    "groovy": "groovy",
    "julia": "julia",
    "erlang": "escript",
    "haskell": "runhaskell",
    "lisp": "guile sbcl",
}
_INTERPRETERS = {program: language for language, programs in _INTERPRETED.items() for program in programs.split()}
_BEGINNINGS = [
    (language, re.compile(pattern, re.IGNORECASE))
    for language, pattern in (
        ("php", r"\s*<\?php\b"),
        ("html", r"\s*(?:<!--.{0,2000}?-->\s*)?<(?:!doctype\s+html|html)\b"),
        ("xml", r"\s*<\?xml\b"),
        ("postscript", r"%!PS"),
        ("tex", r"(?:\s*%[^\n]*\n)*\s*\\(?:documentclass|documentstyle|input|begin)\b"),
        ("sql", r"(?:\s*--[^\n]*\n)*\s*(?:create\s+(?:table|database|view)|insert\s+into)\b"),
        (
            "docker",
            r"(?:\s*#[^\n]*\n)*from\s+[\w./-]+(?::[\w.-]+)?(?:\s+as\s+\w+)?\s*\n(?:.*\n)*?(?:run|copy|cmd|env)\s",
        ),
    )
]


def language_by_content(id_: str, text: str, declared: str) -> str:
    """The language of a document, or `unknown`; `id_` as in documents.parquet (`PLACE/NAME` or `PLACE/NAME:PART`).

    >>> language_by_content("0/a.m", "@interface A\\n@end\\n", "unknown")
    'objective-c'
    >>> language_by_content("0/run", "#!/usr/bin/env python3\\n", "unknown")
    'python'
    """
    name, _, part = id_.rpartition("/")[2].partition(":")
    by_name, declared = UNKNOWN if part else language_of(name), canonical_language(declared)
    if declared not in (UNKNOWN, by_name):
        return declared
    ending = name[name.rfind(".") :].lower() if "." in name and not part else ""
    head = text[:HEAD]
    if ending in _SHARED:
        return _among(ending, head)
    if by_name != UNKNOWN:
        return by_name
    return _by_beginning(head, text)


def _among(ending: str, head: str) -> str:
    """The language of those that share an ending."""
    names = [language for language, _ in _SHARED[ending]]
    told = _told_by_editor(head) or _told_by_interpreter(head)
    if told in names:
        return told
    if ending == ".h":
        head = _COMMENT.sub("", head)
    scores = [sum(_count(pattern, head) for pattern in patterns) for _, patterns in _SHARED[ending]]
    return names[scores.index(max(scores))] if any(scores) else names[0]


def _count(pattern: str, head: str) -> int:
    number = 0
    for _ in _compiled(pattern).finditer(head):
        number += 1
        if number == ENOUGH:
            break
    return number


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.MULTILINE)


def _told_by_editor(head: str) -> str:
    found = _EDITOR.search(head[:1000])
    if found is None:
        return ""
    name = (found.group(1) or found.group(2)).lower()
    return _EDITOR_NAMES.get(name, canonical_language(name))


def _told_by_interpreter(head: str) -> str:
    found = _SHEBANG.match(head)
    return _INTERPRETERS.get(found.group(1), "") if found else ""


def _by_beginning(head: str, text: str) -> str:
    told = _told_by_interpreter(head)
    if told:
        return told
    for language, pattern in _BEGINNINGS:
        if pattern.match(head):
            return language
    return "json" if _is_json(text) else UNKNOWN


def _is_json(text: str) -> bool:
    bare = text.strip()
    if len(bare) > LARGEST_JSON or bare[:1] + bare[-1:] not in ("{}", "[]"):
        return False
    try:
        json.loads(bare)
    except (ValueError, RecursionError):
        return False
    return True
