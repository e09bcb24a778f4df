"""Wikipedia exports: articles as prose, one page in memory at a time."""

from __future__ import annotations

import bz2
import io
import tracemalloc

import pyarrow.parquet as pq
import pytest

from titrant.corpus.formats.wikipedia import articles, strip_markup
from titrant.errors import StoreError

HEAD = '<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.10/"><siteinfo><sitename>W</sitename></siteinfo>'


def page(title, text, number, namespace=0, extra=""):
    return (
        f"<page><title>{title}</title><ns>{namespace}</ns><id>{number}</id>{extra}"
        f'<revision><id>9{number}</id><text xml:space="preserve">{text}</text></revision></page>'
    )


def test_articles_stay_and_redirects_and_other_namespaces_go(tmp_path, documents):
    dump = HEAD + "".join(
        [
            page("Ada", "'''Ada''' wrote [[program|programs]].", 1),
            page("Old", "#REDIRECT [[Ada]]", 2),
            page("Older", "see there", 3, extra='<redirect title="Ada" />'),
            page("Talk:Ada", "chatter", 4, namespace=1),
            page("Bob", "Bob {{born|1900}}lived.", 5),
        ]
    )
    path = tmp_path / "wiki.xml.bz2"
    path.write_bytes(bz2.compress((dump + "</mediawiki>").encode()))
    origin = {"files": str(path), "parse": {"format": "wikipedia-xml"}, "language": "english"}
    _, out = documents(origin)
    rows = pq.read_table(out).to_pylist()
    assert [(row["id"], row["text"]) for row in rows] == [
        ("0/wiki.xml.bz2:1.1", "Ada wrote programs."),
        ("0/wiki.xml.bz2:5.5", "Bob lived."),
    ]
    path.write_bytes(bz2.compress(dump.encode()))
    with pytest.raises(StoreError, match=r"wiki\.xml\.bz2 is not well-formed XML"):
        documents(origin)


@pytest.mark.parametrize(
    ("wikitext", "prose"),
    [
        ("a<ref name=x>{{cite|b}}</ref> b<ref name=x /> c", "a b c"),
        ("[[File:A.jpg|thumb|A [[cat]]]]\nA [[cat]].\n[[Category:Cats]]\n[[fr:Chat]]", "A cat."),
        ("before\n{| class=x\n|-\n| cell\n|}\nafter", "before\n\nafter"),
        ("== Life ==\nx\n== See also ==\n* y\n=== More ===\n* z\n== Work ==\nw", "Life\nx\nWork\nw"),
        ("Name ({{lang|x}}; born 1900) and ({{lang|y}}).", "Name (born 1900) and."),
        ("&lt;nowiki&gt; __TOC__ &ndash;", "<nowiki>  –"),
        ("text {{unclosed", "text {{unclosed"),
        ("", ""),
    ],
)
def test_markup_is_stripped_to_prose(wikitext, prose):
    assert strip_markup(wikitext) == prose


def peak_bytes(pages):
    stream = io.BytesIO((HEAD + page("P", "word " * 20_000, 1) * pages + "</mediawiki>").encode())
    tracemalloc.start()
    assert sum(1 for _ in articles(stream, "dump")) == pages
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_pages_are_not_kept_in_memory():
    peak_bytes(1)
    assert peak_bytes(40) < peak_bytes(4) + 500_000  # the export holds 100 kB a page
