"""Parsers: how one file becomes documents, by the format of what it holds."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from titrant.study.declaration import Declaration


class PlainFiles(Declaration):
    """Each file is one document; its language follows from its extension."""

    format: Literal["plain"] = "plain"


class JsonLines(Declaration):
    """One JSON object a line (`.jsonl`, also `.gz` and `.zst`); lines are split on `\\n` alone."""

    format: Literal["jsonl"] = "jsonl"
    text: str = "text"
    """The key that holds the document's text."""
    language: str | None = None
    """The key that holds its language, if there is one."""
    licence: str | None = None
    """The key that holds its licence, if there is one."""


class JsonRecords(Declaration):
    """One JSON file that holds an array of objects, or an object whose values are objects."""

    format: Literal["json"] = "json"
    text: str
    """The key that holds the document's text."""


class ParquetRows(Declaration):
    """One document a row."""

    format: Literal["parquet"] = "parquet"
    text: str = "text"
    """The column that holds the document's text."""
    language: str | None = None
    """The column that holds its language, if there is one."""
    licence: str | None = None
    """The column that holds its licence, if there is one."""


class WikipediaDump(Declaration):
    """A MediaWiki XML export (also `.bz2`): one article a document, wiki markup stripped, redirects left out."""

    format: Literal["wikipedia-xml"] = "wikipedia-xml"


class PythonStrings(Declaration):
    """String constants of a Python module, read without importing it; shorter ones are left out."""

    format: Literal["python-strings"] = "python-strings"
    min_characters: int = Field(default=200, gt=0)
    """Constants with fewer characters are left out."""


Parser = Annotated[
    PlainFiles | JsonLines | JsonRecords | ParquetRows | WikipediaDump | PythonStrings,
    Field(discriminator="format"),
]
"""How a file becomes documents; the key `format` says which."""
