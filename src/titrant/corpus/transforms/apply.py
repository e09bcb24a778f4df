"""Transforms by name, one after another, document by document."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from titrant.corpus.transforms.comments import strip_comments
from titrant.corpus.transforms.docstrings import strip_docstrings
from titrant.corpus.transforms.grammars import PROSE
from titrant.corpus.transforms.remarks import comments_only
from titrant.corpus.transforms.rename import rename_identifiers
from titrant.corpus.transforms.shuffles import shuffle_lines, shuffle_tokens
from titrant.corpus.transforms.syntax import NotTransformedError
from titrant.study.cleaning import Transform

_OF_SYNTAX: dict[Transform, Callable[[str, str], str]] = {
    "strip-comments": strip_comments,
    "strip-docstrings": strip_docstrings,
    "rename-identifiers": rename_identifiers,
}


def transform(
    texts: Sequence[str], languages: Sequence[str], steps: Sequence[Transform], *, keys: Sequence[str]
) -> list[str | None]:
    """Each document after all steps, or None where one of them leaves it without text.

    `keys` are content hashes and seed the shuffles: a result depends on one document's content, language and the steps.
    Raises EngineError if the packaged grammars are missing.

    >>> transform(["x = 1  # one\\n"], ["python"], ["strip-comments"], keys=["00"])
    ['x = 1\\n']
    """
    results: list[str | None] = []
    for text, language, key in zip(texts, languages, keys, strict=True):
        try:
            results.append(transformed(text, language, steps, key))
        except NotTransformedError:
            results.append(None)
    return results


def transformed(text: str, language: str, steps: Sequence[Transform], key: str) -> str:
    """One document after all steps. Raises NotTransformedError with the reason where one leaves it without text."""
    for step in steps:
        text = _step(text, language, step, key)
        if not text.strip():
            raise NotTransformedError(f"{step}: nothing is left")
        if step == "comments-only":
            language = "text"
    return text


def _step(text: str, language: str, step: Transform, key: str) -> str:
    try:
        if step == "shuffle-lines":
            return shuffle_lines(text, key)
        if step == "shuffle-tokens":
            return shuffle_tokens(text, language, key)
        if step == "comments-only":
            return comments_only(text, language)
        return text if language in PROSE else _OF_SYNTAX[step](text, language)
    except NotTransformedError as error:
        raise NotTransformedError(f"{step}: {error.reason}") from None
