"""Parsers: how one file becomes documents, by the format of what it holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from titrant.study.declaration import IDENTITY_UNLESS_DEFAULT, Declaration, listing, suggestion


def _known(*formats: str) -> Callable[[Any], Any]:
    """Refuses a format that is none of some, by name and with a suggestion, before one is looked for."""

    def check(given: Any) -> Any:
        if isinstance(given, Mapping) and given.get("format") not in formats:
            wrong = {"known": listing(formats), "name": str(given.get("format")), "key": "format"}
            if "format" not in given:
                raise PydanticCustomError("format", "`format` is missing; there are {known}", wrong)
            wrong["hint"] = suggestion(wrong["name"], formats)
            raise PydanticCustomError("format", "unknown format '{name}'{hint}; there are {known}", wrong)
        return given

    return check


class PlainFiles(Declaration):
    """Each file is one document; its language follows from its extension."""

    format: Literal["plain"] = "plain"


class Notebooks(Declaration):
    """Each file (or text of a row) is a Jupyter notebook, nbformat 3 or 4: its cells in order, as one document.

    The document's language is the one that the notebook's metadata name.
    """

    format: Literal["notebook"] = "notebook"
    form: Literal["script", "markdown"] = "script"
    """`script`: a program of its language, other cells (and lines that only IPython understands) as comments.
    `markdown`: prose as it is, code in fences."""
    outputs: bool = False
    """Also what the cells have printed, as text; pictures never."""


class HtmlPages(Declaration):
    """Each file (or text of a row) is an HTML page: its visible text as one document, preformatted text as it is."""

    format: Literal["html"] = "html"
    main_content: bool = False
    """Only what looks like the main part of the page, without menus, headers and footers."""
    fences: bool = False
    """Put preformatted text between lines of three backticks."""


class Wikitext(Declaration):
    """Each file (or text of a row) is the source of one MediaWiki page; a whole export is `wikipedia-xml`."""

    format: Literal["wikitext"] = "wikitext"


Content = Annotated[
    PlainFiles | Notebooks | HtmlPages | Wikitext,
    Field(discriminator="format"),
    BeforeValidator(_known("plain", "notebook", "html", "wikitext")),
]
"""What the text of one record is in turn; the key `format` says which."""


class JsonLines(Declaration):
    """One JSON object a line (`.jsonl`, also `.gz` and `.zst`); lines are split on `\\n` alone."""

    format: Literal["jsonl"] = "jsonl"
    text: str = "text"
    """The key that holds the document's text."""
    language: str | None = None
    """The key that holds its language, if there is one."""
    licence: str | None = None
    """The key that holds its licence, if there is one."""
    read_as: Content = Field(default=PlainFiles(), json_schema_extra=IDENTITY_UNLESS_DEFAULT)
    """What that text is in turn: `{format: notebook}`, `{format: html}`, `{format: wikitext}`, or as it is."""


class JsonRecords(Declaration):
    """One JSON file that holds an array of objects, or an object whose values are objects."""

    format: Literal["json"] = "json"
    text: str
    """The key that holds the document's text."""
    read_as: Content = Field(default=PlainFiles(), json_schema_extra=IDENTITY_UNLESS_DEFAULT)
    """What that text is in turn: `{format: notebook}`, `{format: html}`, `{format: wikitext}`, or as it is."""


class ParquetRows(Declaration):
    """One document a row."""

    format: Literal["parquet"] = "parquet"
    text: str = "text"
    """The column that holds the document's text."""
    language: str | None = None
    """The column that holds its language, if there is one."""
    licence: str | None = None
    """The column that holds its licence, if there is one."""
    read_as: Content = Field(default=PlainFiles(), json_schema_extra=IDENTITY_UNLESS_DEFAULT)
    """What that text is in turn: `{format: notebook}`, `{format: html}`, `{format: wikitext}`, or as it is."""


class WikipediaDump(Declaration):
    """A MediaWiki XML export (also `.bz2`): one article a document, wiki markup stripped, redirects left out."""

    format: Literal["wikipedia-xml"] = "wikipedia-xml"


class PythonStrings(Declaration):
    """String constants of a Python module, read without importing it; shorter ones are left out."""

    format: Literal["python-strings"] = "python-strings"
    min_characters: int = Field(default=200, gt=0)
    """Constants with fewer characters are left out."""


class StackExchange(Declaration):
    """A Stack Exchange `Posts.xml`: one question a document, with its answers; HTML becomes text.

    The accepted answer comes first, the others by falling score. The licence is the posts' own, where they tell it.
    """

    format: Literal["stackexchange-xml"] = "stackexchange-xml"
    min_question_score: int | None = None
    """Questions with a lower score are left out, with their answers; null: none are."""
    min_answer_score: int | None = None
    """Answers with a lower score are left out; null: none are."""
    min_answers: int = Field(default=0, ge=0)
    """Questions with fewer answers, of those that are kept, are left out."""
    max_answers: int | None = Field(default=None, gt=0)
    """How many answers of a question are kept; null: all."""
    fences: bool = False
    """Put code blocks between lines of three backticks."""

    @model_validator(mode="after")
    def _answers_can_be_enough(self) -> Self:
        if self.max_answers is not None and self.max_answers < self.min_answers:
            raise PydanticCustomError(
                "answers",
                "no question can have at least {least} answers of which at most {most} are kept; exchange the two",
                {"least": self.min_answers, "most": self.max_answers},
            )
        return self


class CommitTexts(Declaration):
    """Each commit is one document: of a `git` origin, or the rows of a `dataset` with CommitPack's columns.

    Those are `old_file`, `new_file`, `old_contents`, `new_contents`, and the dataset's `text` names the message.
    """

    format: Literal["commits"] = "commits"
    form: Literal["diff", "before-and-after"] = "diff"
    """`diff`: the message, then a unified diff. `before-and-after`: the message, then each file before and after."""
    context_lines: int = Field(default=3, ge=0, le=100)
    """Unchanged lines around a change, in a diff."""


Parser = Annotated[
    PlainFiles
    | JsonLines
    | JsonRecords
    | ParquetRows
    | WikipediaDump
    | PythonStrings
    | Notebooks
    | HtmlPages
    | Wikitext
    | StackExchange
    | CommitTexts,
    Field(discriminator="format"),
    BeforeValidator(
        _known(
            *("plain", "jsonl", "json", "parquet", "wikipedia-xml", "python-strings"),
            *("notebook", "html", "wikitext", "stackexchange-xml", "commits"),
        )
    ),
]
"""How a file becomes documents; the key `format` says which."""
