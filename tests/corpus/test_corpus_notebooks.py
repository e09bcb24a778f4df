"""Notebooks: the cells' sources in order and nothing else, for every nbformat that is read."""

from __future__ import annotations

import ast
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from titrant.corpus.formats.notebooks import notebook_text, read_notebook
from titrant.corpus.formats.texts import Text
from titrant.corpus.opened import LeftOut
from titrant.errors import StudyError
from titrant.study.parsers import Notebooks

PRINTED = [
    {"output_type": "stream", "name": "stdout", "text": ["hello\n", "there\n"]},
    {"output_type": "execute_result", "data": {"text/plain": ["42"], "image/png": "aGk="}, "metadata": {}},
    {"output_type": "display_data", "data": {"image/png": "aGk="}, "metadata": {}},
    {"output_type": "error", "ename": "ValueError", "evalue": "no", "traceback": ["\x1b[0;31mlong\x1b[0m"]},
]


def cell(kind, source, **fields):
    return {"cell_type": kind, "metadata": {}, "source": source, **fields}


def notebook(*cells, nbformat=4, **metadata):
    about = metadata or {"language_info": {"name": "python"}}
    return json.dumps({"nbformat": nbformat, "nbformat_minor": 5, "metadata": about, "cells": list(cells)})


def text_of(content, **parser):
    return notebook_text(content, Notebooks(**parser), "a.ipynb")


def test_a_script_holds_code_as_it_is_and_everything_else_as_comments():
    made = notebook(
        cell("markdown", ["# Title\n", "\n", "Some *prose*."]),
        cell("code", ["x = 1\n", "y = 2"], outputs=PRINTED, execution_count=1),
        cell("raw", "raw"),
        cell("code", ""),
        cell("code", "print(x)\n"),
    )
    expected = "# # Title\n#\n# Some *prose*.\n\nx = 1\ny = 2\n\n# raw\n\nprint(x)\n"
    assert text_of(made) == Text("", expected, "python")


def test_markdown_holds_prose_as_it_is_and_code_in_fences():
    made = notebook(cell("markdown", "# Title"), cell("code", "x = '```'", outputs=PRINTED), cell("raw", "raw"))
    assert text_of(made, form="markdown").text == "# Title\n\n````python\nx = '```'\n````\n\nraw\n"


def test_outputs_are_left_out_unless_asked_for_and_pictures_always():
    made = notebook(cell("code", "x", outputs=PRINTED))
    assert text_of(made).text == "x\n"
    assert text_of(made, outputs=True).text == "x\n\n# hello\n# there\n\n# 42\n\n# ValueError: no\n"
    fenced = text_of(made, outputs=True, form="markdown").text
    assert fenced == "```python\nx\n```\n\n```\nhello\nthere\n```\n\n```\n42\n```\n\n```\nValueError: no\n```\n"


def test_nbformat_3_reads_as_its_conversion_to_4_does():
    old = {
        "nbformat": 3,
        "nbformat_minor": 0,
        "metadata": {"name": ""},
        "worksheets": [
            {
                "cells": [
                    {"cell_type": "heading", "level": 2, "source": ["Title"]},
                    {
                        "cell_type": "code",
                        "language": "python",
                        "input": ["x = 1"],
                        "outputs": [
                            {"output_type": "pyout", "text": ["1"], "png": "aGk="},
                            {"output_type": "pyerr", "ename": "E", "evalue": "v"},
                        ],
                    },
                ]
            },
            {"cells": [{"cell_type": "markdown", "source": "end"}]},
        ],
    }
    new = notebook(
        cell("markdown", "## Title"),
        cell(
            "code",
            "x = 1",
            outputs=[
                {"output_type": "execute_result", "data": {"text/plain": "1", "image/png": "aGk="}},
                {"output_type": "error", "ename": "E", "evalue": "v"},
            ],
        ),
        cell("markdown", "end"),
    )
    for form in ("script", "markdown"):
        assert text_of(json.dumps(old), form=form, outputs=True) == text_of(new, form=form, outputs=True)


@pytest.mark.parametrize(
    ("metadata", "language"),
    [
        ({"language_info": {"name": "R"}, "kernelspec": {"language": "python"}}, "r"),
        ({"kernelspec": {"language": "julia", "name": "julia-1.9"}}, "julia"),
        ({"language_info": {"name": "C++17"}}, "c++"),
        ({"kernelspec": {"name": "python3"}}, "python"),
        ({"kernelspec": {"name": "whatever"}}, None),
        ({"language_info": "python", "kernelspec": 3}, None),
    ],
)
def test_the_language_is_what_the_metadata_name_and_nothing_is_guessed(metadata, language):
    assert text_of(notebook(cell("code", "x = 1"), **metadata)).language == language


def test_comments_are_those_of_the_language():
    for language, mark in [
        ("C++17", "//"),
        ("haskell", "--"),
        ("matlab", "%"),
        ("clojure", ";"),
        ("R", "#"),
        ("?", "#"),
    ]:
        made = notebook(cell("markdown", "a\nb"), cell("code", "x"), language_info={"name": language})
        assert text_of(made).text == f"{mark} a\n{mark} b\n\nx\n"


def test_a_comment_goes_on_over_every_line_end_that_a_language_may_know():
    made = notebook(cell("markdown", "a\rb\u2028c\x0cd"), cell("code", "x = 1"))
    assert text_of(made).text == "# a\n# b\n# c\n# d\n\nx = 1\n"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("%matplotlib inline\nx = 1", "# %matplotlib inline\nx = 1"),
        ("!pip install x\nx = 1", "# !pip install x\nx = 1"),
        ("%%bash\nls\necho", "# %%bash\n# ls\n# echo"),
        ("x = 1\nx?", "x = 1\n# x?"),
        ("?x", "# ?x"),
        ("if x:\n    !ls\n    y", "if x:\n    # !ls\n    y"),
        ("s = '''\n%d files\n!'''", "s = '''\n%d files\n!'''"),
        ("x = (8\n%y)", "x = (8\n%y)"),
        ("files = !ls *.csv\nx = 1", "# files = !ls *.csv\nx = 1"),
        ("t = %timeit -o f()", "# t = %timeit -o f()"),
        ("a, b = %x", "# a, b = %x"),
        ("d = 1\nx = df.head?", "d = 1\n# x = df.head?"),
        ("x = 1\nf(x).head??  # what", "x = 1\n# f(x).head??  # what"),
        ("!pip install \\\n  numpy\nx = 1", "# !pip install \\\n#   numpy\nx = 1"),
        ("for x in y:\n    !echo {x}", "for x in y:\n    pass  # !echo {x}"),
        ("if x:\n    !a \\\n  b\nelse:\n    y", "if x:\n    pass  # !a \\\n    #   b\nelse:\n    y"),
        ("s = '''\n!not a magic\n%d rows\nx?\n'''\n!ls", "s = '''\n!not a magic\n%d rows\nx?\n'''\n# !ls"),
        ("f(7\n%y)\n!ls", "f(7\n%y)\n# !ls"),
        ("# why?\ns = 'what?'\n!it's (", "# why?\ns = 'what?'\n# !it's ("),
        ("d['a=!b'] = 3\n!ls", "d['a=!b'] = 3\n# !ls"),
        ("pip install numpy\nx = 1", "# pip install numpy\n# x = 1"),
        ("!ls\ncd data", "# !ls\n# cd data"),
        ("this is no Python", "# this is no Python"),
        ("\\\n\r", "# \\"),
    ],
)
def test_lines_that_only_ipython_understands_become_comments(source, expected):
    assert text_of(notebook(cell("code", source))).text == expected + "\n"


def test_other_languages_keep_their_lines():
    assert text_of(notebook(cell("code", "%d files\n!x"), language_info={"name": "julia"})).text == "%d files\n!x\n"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "a.ipynb is not JSON"),
        ("[]", "JSON without the key 'nbformat'"),
        ("{}", "JSON without the key 'nbformat'"),
        ('{"nbformat": 2}', "its nbformat is 2; 3 and 4 are read, older ones `jupyter nbconvert` converts"),
        ('{"nbformat": "4"}', "its nbformat is '4'"),
        ('{"nbformat": 4}', "its 'cells' are no list"),
        ('{"nbformat": 3, "worksheets": {}}', "its 'worksheets' are no list of objects"),
        ('{"nbformat": 3, "worksheets": [{"cells": 3}]}', "its 'cells' are no list"),
        (notebook("text"), "cell 1 is a JSON str, not an object"),
        (notebook(cell("plot", "")), "cell 1 has the cell_type 'plot'"),
        (notebook(cell(["code"], "")), "cell 1 has the cell_type ['code']"),
        (
            notebook(cell("code", "x"), cell("code", 3)),
            "the source of cell 2 is neither a string nor a list of strings",
        ),
        (notebook(cell("code", ["x", 3])), "the source of cell 1 is neither a string nor a list of strings"),
        (notebook(cell("code", "x", outputs={})), "the outputs of cell 1 are no list"),
        (notebook(cell("code", "x", outputs=[3])), "an output of cell 1 is a JSON int, not an object"),
        (notebook(cell("code", "x", outputs=[{"text": 3}])), "the text of an output of cell 1 is neither"),
    ],
)
def test_what_is_no_notebook_is_one_sentence_that_names_the_place(content, words):
    with pytest.raises(StudyError) as caught:
        text_of(content)
    assert words in str(caught.value)
    assert "a.ipynb" in str(caught.value)


def test_a_notebook_without_cells_is_left_out():
    for made in (notebook(), notebook(cell("code", " \n"), cell("markdown", ""))):
        assert text_of(made) == LeftOut("notebook without cells")


def test_notebooks_are_files_or_texts_of_rows_and_read_alike(tmp_path, documents):
    made = notebook(cell("markdown", "Prose."), cell("code", "x = 1"))
    (tmp_path / "a.ipynb").write_text(made)
    (tmp_path / "a.jsonl").write_text(json.dumps({"content": made, "licence": "MIT"}) + "\n")
    pq.write_table(pa.table({"content": [made], "licence": ["MIT"]}), tmp_path / "a.parquet")
    inner = {"format": "notebook"}
    rows = {"text": "content", "licence": "licence", "read_as": inner}
    _, out = documents(
        {"files": str(tmp_path / "a.ipynb"), "parse": inner, "licence": "MIT"},
        {"files": str(tmp_path / "a.jsonl"), "parse": {"format": "jsonl", **rows}},
        {"files": str(tmp_path / "a.parquet"), "parse": {"format": "parquet", **rows}},
        kind="notebooks",
    )
    table = pq.read_table(out / "documents-00000.parquet").select(["text", "language", "licence"]).to_pylist()
    assert table == [{"text": "# Prose.\n\nx = 1\n", "language": "python", "licence": "MIT"}] * 3


def test_a_notebook_that_cannot_be_read_stops_the_source_or_is_counted(tmp_path, documents):
    good, bad = notebook(cell("code", "x = 1")), notebook(cell("plot", ""))
    rows = [json.dumps({"text": made}) + "\n" for made in (good, bad, good + " ")]
    (tmp_path / "a.jsonl").write_text("".join(rows))
    (tmp_path / "b.ipynb").write_text(bad)
    (tmp_path / "c.ipynb").write_text(good)
    origin = {"files": str(tmp_path / "a.jsonl"), "parse": {"format": "jsonl", "read_as": {"format": "notebook"}}}
    files = {"files": str(tmp_path / "*.ipynb"), "parse": {"format": "notebook"}}
    with pytest.raises(StudyError, match=r"a.jsonl:2 is no notebook that can be read: cell 1 has the cell_type 'plot'"):
        documents(origin)
    summary, _ = documents(origin, files, on_error="skip")
    assert summary.documents == 3
    assert summary.left_out == {"record that cannot be read": 1, "file that cannot be read": 1}


SOURCES = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@given(cells=st.lists(st.tuples(st.sampled_from(["code", "markdown", "raw"]), SOURCES), max_size=6))
def test_every_cell_is_read_however_its_lines_are_stored(cells):
    whole = notebook(*(cell(kind, source) for kind, source in cells))
    in_lines = notebook(*(cell(kind, source.splitlines(keepends=True)) for kind, source in cells))
    assert read_notebook(whole, "a") == read_notebook(in_lines, "a")
    found = [(one.kind, one.source) for one in read_notebook(whole, "a")[0]]
    assert found == [(kind, source.replace("\r\n", "\n")) for kind, source in cells]


CODE = st.lists(
    st.sampled_from(
        ["x", "if x:\n", "    ", "\n", "!ls", "%time", "?", "y = !ls", "\\\n", "'''", "'", "(", ")", "#", "cd a", "\r"]
    ),
    max_size=12,
).map("".join)


@settings(deadline=None)
@given(
    cells=st.lists(
        st.one_of(
            st.tuples(st.just("markdown"), SOURCES),
            st.tuples(st.just("code"), st.sampled_from(["x = 1", "def f():\n    return 2\n", "%time x", "!ls"])),
            st.tuples(st.just("code"), CODE),
        ),
        max_size=6,
    )
)
def test_a_script_of_python_is_python_whatever_the_prose_says(cells):
    made = text_of(notebook(*(cell(kind, source) for kind, source in cells)))
    if isinstance(made, Text) and "\0" not in made.text:
        assert isinstance(ast.parse(made.text), ast.Module)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["cells", "source", "a"]), inner),
    max_leaves=8,
)


@given(
    content=st.fixed_dictionaries(
        {"nbformat": st.sampled_from([3, 4, 4.0, True, None])},
        optional={
            "metadata": JSON,
            "worksheets": JSON | st.just([{"cells": [{"cell_type": "code", "input": 3}]}]),
            "cells": JSON
            | st.lists(
                st.fixed_dictionaries(
                    {"cell_type": st.sampled_from(["code", "heading", "markdown", None])},
                    optional={"source": JSON, "outputs": JSON, "level": JSON, "language": JSON, "input": JSON},
                ),
                max_size=3,
            ),
        },
    ),
    form=st.sampled_from(["script", "markdown"]),
)
def test_any_json_is_read_or_one_error(content, form):
    try:
        found = text_of(json.dumps(content), form=form, outputs=True)
    except StudyError:
        return
    assert isinstance(found, (Text, LeftOut))
