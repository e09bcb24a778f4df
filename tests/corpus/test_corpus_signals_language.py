"""Languages of prose and of files, and licences: what names, contents and declarations say together."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from titrant.corpus.signals import find_signals
from titrant.corpus.signals.file_language import language_by_content
from titrant.corpus.signals.licence import licence_of


def find(text, family, name="a.txt", language="unknown", licence="unknown"):
    batch = pa.record_batch(
        {
            "id": [f"0/{name}"],
            "text": pa.array([text], pa.large_string()),
            "language": [language],
            "licence": [licence],
            "origin": ["files"],
        }
    )
    return find_signals(batch, (family,)).to_pylist()[0]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "The quick brown fox jumps over the lazy dog, and nobody in the village was surprised by that."),
        ("de", "Der schnelle braune Fuchs springt über den faulen Hund, und niemand im Dorf war davon überrascht."),
        ("fr", "Le renard brun et rapide saute par-dessus le chien paresseux, et personne n'en fut surpris."),
        ("ja", "素早い茶色の狐がのろまな犬を飛び越えたが、村の誰も驚かなかった。"),
    ],
)
def test_prose_is_told_by_its_content(language, text):
    for document in (text, text.replace(" ", "\n"), (text + "\n") * 200):
        found = find(document, "language")
        assert found["prose_language"] == language
        assert 0.5 < found["prose_language_probability"] <= 1


def test_a_text_without_letters_has_no_language_of_prose():
    found = find("123 + 456 = 579\n", "language")
    assert found["prose_language"] is found["prose_language_probability"] is None
    assert found["file_language"] == "text"


@pytest.mark.parametrize(
    ("name", "text", "language"),
    [
        ("a.pl", "#!/usr/bin/perl\nuse strict;\nmy $x = 1;\n", "perl"),
        ("a.pl", ":- module(a, [b/1]).\nb(X) :- c(X), \\+ d(X).\n", "prolog"),
        ("a.m", '#import "A.h"\n@implementation A\n- (void)run { }\n@end\n', "objective-c"),
        ("a.m", "function y = f(x)\n% doubles\ny = 2 * x;\nend\n", "matlab"),
        ("a.m", ":- module a.\n:- interface.\n:- pred main(io::di, io::uo) is det.\n", "mercury"),
        ("a.pro", "TEMPLATE = app\nQT += widgets\nSOURCES = main.cpp\n", "qmake"),
        ("a.pro", "pro plot_it, x, y\n; draws\nif x gt 1 then begin\nendif\nend\n", "idl"),
        ("a.pro", "likes(mary, wine).\nhappy(X) :- likes(X, wine).\n", "prolog"),
        ("a.pro", "%!PS\n/box { newpath moveto lineto } def\n", "postscript"),
        ("a.h", "#ifndef A\n#define A\nint f(struct s *p); /* class of s */\n#endif\n", "c"),
        ("a.h", "#pragma once\nnamespace a {\nclass B : public C {\npublic:\n  virtual ~B();\n};\n}\n", "c++"),
        ("a.h", "#import <Foundation/Foundation.h>\n@interface A : NSObject\n@property int b;\n@end\n", "objective-c"),
        ("a.ts", "export const a: number = 1;\n", "typescript"),
        ("a.ts", '<?xml version="1.0"?>\n<!DOCTYPE TS>\n<TS version="2.1"></TS>\n', "xml"),
        ("a.r", "f <- function(x) x + 1\n", "r"),
        ("a.R", 'REBOL [Title: "A"]\nprint 1\n', "rebol"),
        ("a.v", "`timescale 1ns/1ps\nmodule a(input b, output c);\nassign c = b;\nendmodule\n", "verilog"),
        ("a.v", "Require Import Arith.\nLemma a : 1 = 1.\nProof. reflexivity. Qed.\n", "coq"),
        ("a.cls", "\\NeedsTeXFormat{LaTeX2e}\n\\ProvidesClass{a}\n", "tex"),
        ("a.cls", "public with sharing class A {\n  public static void b() {}\n}\n", "apex"),
        ("a.cls", "VERSION 1.0 CLASS\nAttribute VB_Name = \"A\"\nOption Explicit\n", "visual basic"),
        ("a.cl", "__kernel void f(__global float *a) { int i = get_global_id(0); }\n", "opencl"),
        ("a.cl", "(defun f (x) (* 2 x))\n", "lisp"),
        ("a.h", "// -*- mode: c++ -*-\nint x;\n", "c++"),
        ("a.pl", "% vim: set ft=prolog:\nx.\n", "prolog"),
        ("run", "#!/usr/bin/env bash\necho a\n", "shell"),
        ("run", "#!/usr/local/bin/python3.11 -u\n", "python"),
        ("page", "<!-- a -->\n<!DOCTYPE HTML>\n<html></html>", "html"),
        ("data", '[{"a": 1}]', "json"),
        ("data", "[not json]", "unknown"),
        ("a.py", "#!/bin/sh\n", "python"),
    ],
)  # fmt: skip
def test_an_ending_that_several_languages_share_is_decided_by_the_content(name, text, language):
    assert language_by_content(f"0/{name}", text, "unknown") == language
    assert find(text, "language", name=name)["file_language"] == language


def test_a_declared_language_goes_before_name_and_content():
    assert language_by_content("0/a.h", "class A {};\n", "Objective-C") == "objective-c"
    assert language_by_content("0/train:17", "import os\n", "Cpp") == "c++"
    assert language_by_content("0/notes.pl:3", "use strict;\n", "unknown") == "unknown"


@pytest.mark.parametrize(
    ("text", "licence"),
    [
        ("// SPDX-License-Identifier: MIT\nint x;", "MIT"),
        ("/* SPDX-License-Identifier: (GPL-2.0+ WITH Linux-syscall-note) */", "GPL-2.0-or-later WITH Linux-syscall-note"),
        ("# SPDX-License-Identifier: GPL-2.0-or-later OR mit", "GPL-2.0-or-later OR mit"),
        ("<!-- SPDX-License-Identifier: Apache-2.0 -->", "Apache-2.0"),
        ("/* SPDX-License-Identifier: ((LGPL-2.1 WITH x) OR BSD-3-Clause) */", "(LGPL-2.1-only WITH x) OR BSD-3-Clause"),
        ("# SPDX-License-Identifier: MIT\n# SPDX-License-Identifier: ISC OR 0BSD\n", "(ISC OR 0BSD) AND MIT"),
        ("The line `SPDX-License-Identifier: MIT` says it.", ""),
        ("# Licensed under the Apache License, Version 2.0 (the\n# \"License\");", "Apache-2.0"),
        (" * Permission is hereby granted, free of charge, to any person obtaining a copy\n * of this software and"
         " associated documentation files", "MIT"),
        ("// Use of this source code is governed by a BSD-style\n// license that can be found in the LICENSE file.",
         "BSD-3-Clause"),
        ("Redistribution and use in source and binary forms, with or without\nmodification, are permitted provided",
         "BSD-2-Clause"),
        ("Redistribution and use in source and binary forms, with or without\nmodification, are permitted provided ..."
         " Neither the name of the copyright holder", "BSD-3-Clause"),
        ("under the terms of the GNU General Public License as published by the FSF; either version 2 of the License, or\n"
         "(at your option) any later version.", "GPL-2.0-or-later"),
        ("under the terms of the GNU Lesser General\n;; Public License version 2.1 as published", "LGPL-2.1-only"),
        ("GNU GENERAL PUBLIC LICENSE\n Version 3, 29 June 2007 ... any later version", "GPL-3.0-only"),
        ("covered by the GNU Affero General Public License, version 3 or any later version", "AGPL-3.0-or-later"),
        ("This Source Code Form is subject to the terms of the Mozilla Public\n * License, v. 2.0.", "MPL-2.0"),
        ("licensed under a Creative Commons Attribution-ShareAlike 4.0 International License", "CC-BY-SA-4.0"),
        ("https://creativecommons.org/licenses/by-nc/3.0/", "CC-BY-NC-3.0"),
        ("Licensed under the Apache License, Version 2.0 <LICENSE-APACHE or\n// http://a> or the MIT license <MIT>,"
         " at your option.", "Apache-2.0 OR MIT"),
        ("A licence to permit nothing in particular; permission denied.", ""),
        ("x = 1\n", ""),
    ],
)  # fmt: skip
def test_a_licence_is_told_by_what_the_text_says(text, licence):
    assert licence_of(text) == licence
    assert find(text, "licence", licence="CC0-1.0")["licence"] == (licence or "CC0-1.0")


def test_a_licence_quoted_far_down_a_long_text_is_not_its_own():
    quoted = "Licensed under the Apache License, Version 2.0"
    assert licence_of("a word " * 600 + quoted + " b" * 2000) == ""
    assert licence_of(quoted + " b" * 4000) == "Apache-2.0"


_SCRAPS = (
    "SPDX-License-Identifier:| GPL-2.0+|(|)| OR | and |MIT|\n|# |licensed under the |version |gnu general public license|2.1"
    "| mit license|apache license version 2|any later version|#!/usr/bin/env |-*- mode: |-*-|vim: ft=|c++|:-|@end|<?php"
)
_scraps = st.sampled_from(_SCRAPS.split("|"))
texts = st.lists(st.one_of(_scraps, st.text(max_size=4)), max_size=20).map("".join)
names = st.sampled_from(
    ["a.h", "a.m", "a.pl", "a.pro", "a.v", "a.cls", "a.ts", "a.inc", "a", "", "a.", ".h", "a:b", "a%3Ab.fs"]
)


@given(texts, names)
@settings(max_examples=400, deadline=None)
def test_every_document_has_a_language_and_a_licence(text, name):
    row = {**find(text, "language", name=name), **find(text, "licence", licence="declared")}
    assert row["file_language"]
    assert row["licence"]
    assert (row["prose_language"] is None) == (row["prose_language_probability"] is None)
    brackets = [row["licence"].count(bracket) for bracket in "()"]
    assert brackets[0] == brackets[1]
