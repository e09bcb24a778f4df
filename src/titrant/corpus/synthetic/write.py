"""What a source trains on of an item: one form of it, or the reason why it has none."""

from __future__ import annotations

from titrant.corpus.synthetic.items import Item
from titrant.corpus.synthetic.layouts import Page, is_chosen, notebook, statement_and_solution, with_tests
from titrant.study.synthesis import SyntheticItems

PROSE = "english"
"""The language of documents without a program."""


class NotWrittenError(Exception):
    """An item does not have the form that is asked for; `reason` is what it is counted as."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def language_of(asked: SyntheticItems) -> str:
    """The language that the documents of a source are in."""
    return PROSE if asked.items in ("statement", "text") else asked.language


def written(item: Item, asked: SyntheticItems) -> str:
    """The document of an item: a pure function of both.

    Raises NotWrittenError with `no accepted solution`, `no solution`, `no mutant that fails`, `no checked
    explanation`, `not translated to LANGUAGE`, `no tests` or `no statement`.
    """
    made = _prose(item, asked) if asked.items in ("statement", "text") else _code(item, asked)
    return made.replace("\r\n", "\n")


def _code(item: Item, asked: SyntheticItems) -> str:
    page = Page(item, _program(item, asked), asked.language)
    if asked.format == "solution":
        return page.program + "\n"
    if asked.format == "with-tests":
        if not item.tests or asked.language != "python":
            raise NotWrittenError("no tests" if not item.tests else f"its tests are not in {asked.language}")
        return with_tests(page)
    if not item.statement.strip():
        raise NotWrittenError("no statement")
    return notebook(page) if asked.format == "notebook" else statement_and_solution(page)


def _prose(item: Item, asked: SyntheticItems) -> str:
    if not item.statement.strip():
        raise NotWrittenError("no statement")
    if asked.items == "statement":
        return item.statement.strip("\n").rstrip() + "\n"
    if not item.text.strip():
        raise NotWrittenError("no checked explanation")
    # a teacher was shown the problem and need not repeat it; the generator's explanation begins with the task
    parts = (item.statement, item.text) if item.teacher else (item.text,)
    return "\n\n".join(part.strip("\n").rstrip() for part in parts) + "\n"


def _program(item: Item, asked: SyntheticItems) -> str:
    if asked.items == "unverified":
        code, reason = item.first, "no solution"
    elif asked.items == "corrupted" and is_chosen("corrupted", item.problem, asked.share):
        code, reason = item.corrupted, "no mutant that fails" if item.accepted else "no accepted solution"
    elif asked.language != "python":
        code = item.in_language(asked.language)
        reason = f"not translated to {asked.language}" if item.accepted else "no accepted solution"
    else:
        code, reason = item.accepted, "no accepted solution"
    if not code.strip():
        raise NotWrittenError(reason)
    return code
