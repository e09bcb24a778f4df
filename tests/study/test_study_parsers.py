"""Parsers as a study declares them: every format is known by its name, and a wrong one is told with what there is."""

from __future__ import annotations

from typing import Annotated, get_args

import pytest
from pydantic import TypeAdapter, ValidationError

from titrant.jobs import DocumentsJob
from titrant.plan.fingerprint import identity_of
from titrant.study.origins import Files
from titrant.study.parsers import Content, Notebooks, Parser

NEEDED = {"json": {"text": "text"}}


def formats(union):
    """(format, class) of every member of a union of parsers."""
    assert isinstance(union, type(Annotated[int, 0]))
    return [(member.model_fields["format"].default, member) for member in get_args(get_args(union)[0])]


@pytest.mark.parametrize(("union", "name", "member"), [(u, n, m) for u in (Parser, Content) for n, m in formats(u)])
def test_every_format_is_read_by_its_name(union, name, member):
    assert isinstance(TypeAdapter(union).validate_python({"format": name, **NEEDED.get(name, {})}), member)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"format": "noteboo"}, "unknown format 'noteboo', did you mean 'notebook'?; there are 'commits', 'html'"),
        ({"form": "script"}, "`format` is missing; there are 'commits'"),
        ({"format": ["html"]}, "unknown format '['html']', did you mean 'html'?; there are"),
        ({"format": "jsonl", "read_as": {"format": "plainn"}}, "unknown format 'plainn', did you mean 'plain'?"),
        ({"format": "jsonl", "read_as": {"format": "jsonl"}}, "there are 'html', 'notebook', 'plain', 'wikitext'"),
        ({"format": "html", "fence": True}, "unknown key 'fence', did you mean 'fences'?"),
        ({"format": "stackexchange-xml", "min_answers": 2, "max_answers": 1}, "at least 2 answers of which at most 1"),
    ],
)
def test_what_is_wrong_is_told_with_what_there_is(given, words):
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(Parser).validate_python(given)
    assert words in str(caught.value)


def test_what_the_text_of_a_row_is_counts_only_where_it_is_said():
    def identity(**parse):
        origin = Files.model_validate({"files": "/a", "content": "0" * 64, "parse": {"format": "jsonl", **parse}})
        return identity_of(DocumentsJob(kind="text", origins=(origin,), plant=None))["origins"][0]["parse"]

    assert identity() == {"format": "jsonl", "text": "text", "language": None, "licence": None}
    assert identity(read_as={"format": "plain"}) == identity()
    assert identity(read_as={"format": "notebook"})["read_as"] == Notebooks().model_dump()
