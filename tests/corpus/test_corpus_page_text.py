"""HTML and wiki pages as text: what is shown and nothing else, whatever the markup does."""

from __future__ import annotations

import html
import json

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from titrant.corpus.formats import page_text
from titrant.corpus.formats.fences import fence_for, fenced
from titrant.corpus.formats.page_text import MAX_DEPTH, html_decoded, html_text, wiki_text
from titrant.corpus.formats.wikipedia import strip_markup
from titrant.corpus.opened import LeftOut
from titrant.study.parsers import HtmlPages

PAGE = """<!doctype html><html><head><title>T</title><style>p {}</style><script>var a = "<p>";</script></head>
<body><nav><a href="/">Home</a></nav><!-- no --><main><h1>Head</h1><p>Fish &amp; <b>chips</b> &lt;x&gt;, <code>a  b</code>.</p>
<ul><li>one</li><li>two</li></ul><pre><code>def f():
    return 1

  # end
</code></pre><img alt="a picture" src="x"><p>Last&nbsp;words.</p></main><footer>Imprint</footer></body></html>"""


def text_of(page, **parser):
    return html_text(page, HtmlPages(**parser))


def test_a_page_is_its_visible_text_with_preformatted_text_as_it_is():
    text = text_of(PAGE)
    for shown in ("Home", "Head", "Fish & chips <x>, a b.", "one", "two", "Imprint"):
        assert shown in text
    assert "def f():\n    return 1\n\n  # end\n" in text
    for hidden in ("var a", "p {}", "no", "a picture"):
        assert hidden not in text.replace("Last\xa0words", "")


def test_the_main_content_is_without_menus_and_footers():
    text = text_of(PAGE, main_content=True)
    assert "Fish & chips" in text
    assert "Home" not in text
    assert "Imprint" not in text


def test_fences_hold_whatever_is_preformatted():
    page = "<p>a</p><pre>x\n```\ny</pre><p>b</p><pre><code>z\n</code></pre>"
    assert text_of(page, fences=True) == "a\n\n````\nx\n```\ny\n````\n\nb\n\n```\nz\n```"


def test_fences_stand_around_the_outermost_block_and_many_blocks_take_no_longer_each():
    assert text_of("<pre>a<pre>b</pre>c</pre><pre>d</pre>", fences=True) == "```\na\nb\nc\n```\n\n```\nd\n```"
    many = text_of("<div>" * 900 + "<pre>x</pre>" * 20_000, fences=True)
    assert (many.count("```"), many.count("x")) == (40_000, 20_000)
    assert text_of("<pre>" * 900 + "x", fences=True).count("```") == 2


def test_entities_and_broken_markup_are_read_as_a_browser_reads_them():
    assert (
        text_of("<p>&copy; &#65;&#x42; &nosuchentity; a < b</p><p>un<b>closed")
        == "© AB &nosuchentity; a < b\n\nunclosed"
    )
    assert text_of("no markup") == "no markup"
    assert text_of("") == text_of("<script>1</script>") == ""


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("<p>Größe".encode(), "<p>Größe"),
        ('<meta charset="iso-8859-1"><p>Größe'.encode("latin-1"), '<meta charset="iso-8859-1"><p>Größe'),
        ("<p>Größe".encode("latin-1"), None),
        ('<meta charset="utf-8"><p>Größe'.encode("latin-1"), None),
        ("\ufeff<p>Größe".encode("utf-16-le"), "\ufeff<p>Größe"),
    ],
)
def test_a_file_is_utf8_or_what_it_declares_and_nothing_is_guessed(content, expected):
    assert html_decoded(content) == expected


@pytest.mark.parametrize("tag", ["div", "span", "ul", "blockquote", "x-y"])
def test_a_page_nested_without_end_is_left_out_before_it_is_parsed(tag, monkeypatch):
    monkeypatch.setattr(page_text, "HTMLTree", None)
    for page in (f"<{tag}>" * 200_000, (f"<{tag}>" * 3 + f"</{tag}></b>") * 100_000):
        assert text_of(page) == LeftOut(f"HTML nested more than {MAX_DEPTH} deep")


def test_a_long_page_that_is_not_nested_is_read():
    many = 2 * MAX_DEPTH
    page = "<ul>" + "<li><b>x</b><br>" * many + "</ul>" + "<div><p>y</div>" * many + "<table>" + "<tr><td>z" * many
    text = text_of(page)
    assert (text.count("x"), text.count("y"), text.count("z")) == (many, many, many)


def test_a_text_that_is_no_unicode_is_left_out():
    assert text_of("<p>\ud800</p>") == LeftOut("not UTF-8")


def test_pages_are_files_or_texts_of_rows(tmp_path, documents):
    (tmp_path / "a.html").write_bytes('<meta charset="latin-1"><p>Größe</p>'.encode("latin-1"))
    (tmp_path / "b.html").write_bytes("<p>Größe</p>".encode("latin-1"))
    (tmp_path / "c.html").write_bytes(b"<p>\0</p>")
    (tmp_path / "d.html").write_bytes(b"<script>nothing is shown</script>")
    (tmp_path / "rows.jsonl").write_text(json.dumps({"text": "<p>Größe</p>"}) + "\n")
    (tmp_path / "a.wiki").write_text("'''Ada''' was a [[poet|writer]].")
    summary, out = documents(
        {"files": str(tmp_path / "*.html"), "parse": {"format": "html"}},
        {"files": str(tmp_path / "rows.jsonl"), "parse": {"format": "jsonl", "read_as": {"format": "html"}}},
        {"files": str(tmp_path / "a.wiki"), "parse": {"format": "wikitext"}},
        kind="markup",
    )
    rows = pq.read_table(out / "documents-00000.parquet").select(["id", "text"]).to_pylist()
    assert rows == [
        {"id": "0/a.html", "text": "Größe"},
        {"id": "1/rows.jsonl:1", "text": "Größe"},
        {"id": "2/a.wiki", "text": "Ada was a writer."},
    ]
    assert summary.left_out == {"binary": 1, "empty": 1, "not UTF-8": 1}


def test_wikitext_reads_as_an_article_of_an_export_does():
    source = "'''Ada''' was a [[poet|writer]].{{cite}}\n\n== References ==\n* none"
    assert wiki_text(source) == strip_markup(source) == "Ada was a writer."


@pytest.mark.parametrize("piece", ["[[a|", "{{a|", "{|\n|", "<b>", "<br ", "<ref>", "<!--", "[http://a "])
def test_wiki_markup_begun_without_end_is_left_out_before_it_is_parsed(piece, monkeypatch):
    monkeypatch.setattr(page_text, "strip_markup", None)
    assert wiki_text(piece * 5000) == LeftOut("wiki markup with too many marks without an end")


def test_a_long_wiki_page_that_ends_what_it_begins_is_read():
    page = "''x'' [[a|y]]{{b|c}}<br><br/><b>z</b><ref>r</ref> [http://e.org w]<!-- n -->\n* l\n{|\n| t\n|}\n" * 500
    text = wiki_text(page)
    assert [text.count(word) for word in "xyzw"] == [500] * 4


def test_white_space_without_end_is_passed_over_at_once():
    assert wiki_text("a" + " " * 100_000 + "b () c ( ; d)") == "a" + " " * 100_000 + "b c (d)"


MARKUP = (
    "<p> <div </div> <pre> </pre> <!-- --> <table> <td> <script> </script> <![CDATA[ ]]> &amp; &# < > x é <svg> <math> "
    "<template> <select> </p> <a <!doctype"
)
WORDS = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), min_size=1, max_size=12)


@given(words=st.lists(WORDS, min_size=1, max_size=5))
def test_what_is_escaped_comes_back_in_order(words):
    page = "".join(f"<p>{html.escape(word)}</p>" for word in words)
    assert text_of(page).split() == " ".join(words).split()


@given(code=st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"]) | st.just("\n"), max_size=40))
def test_preformatted_text_keeps_every_character(code):
    text = text_of(f"<p>a</p><pre>{html.escape('x' + code + 'x')}</pre><p>b</p>", fences=True)
    fence = fence_for("x" + code + "x")
    assert text == f"a\n\n{fence}\nx{code}x\n{fence}\n\nb"


@settings(deadline=None)
@given(
    page=st.lists(
        st.sampled_from([*MARKUP.split(" "), "\n", "\0"]),
        max_size=25,
    ).map("".join),
    main_content=st.booleans(),
    fences=st.booleans(),
)
def test_any_markup_is_read_and_always_the_same(page, main_content, fences):
    text = text_of(page, main_content=main_content, fences=fences)
    assert isinstance(text, str)
    assert text == text_of(page, main_content=main_content, fences=fences)


@settings(deadline=None)
@given(
    source=st.lists(
        st.sampled_from(
            ["[[", "]]", "{{", "}}", "{|", "|}", "|-", "'''", "==", "\n", "<ref>", "</ref>", "<b>", "x", "|", "*"]
        ),
        max_size=25,
    ).map("".join)
)
def test_any_wikitext_is_read(source):
    assert isinstance(wiki_text(source), (str, LeftOut))


@given(code=st.text("`ab\n", max_size=20))
def test_no_line_of_the_code_closes_its_fence(code):
    first, *inner, last = fenced(code).split("\n")
    assert first == last
    assert not any(line.strip().startswith(first) for line in inner)
