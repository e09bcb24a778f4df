"""Layouts: how statement, program and tests stand in one document.

A layout is drawn by the hash of the problem's name and of nothing else, and puts the program in unchanged. So documents
of one problem that differ in their program (verified, unverified, corrupted) differ in nothing else.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from blake3 import blake3

from titrant.corpus.formats.fences import fence_for, fenced
from titrant.corpus.formats.notebooks import Cell, cells_text
from titrant.corpus.synthetic.items import Item
from titrant.corpus.synthetic.remarks import block, remark, with_docstring
from titrant.study.parsers import Notebooks

Chosen = TypeVar("Chosen")

_ASKS = ("from ", "import ", "def ", "class ", "@")


@dataclass(frozen=True)
class Page:
    """What a document is made of."""

    item: Item
    code: str
    language: str = "python"

    @property
    def statement(self) -> str:
        """The problem."""
        return self.item.statement.strip("\n").rstrip()

    @property
    def head(self) -> str | None:
        """Of a problem that is a comment above the first line of the function that it asks for: the comment."""
        remarks, _, last = self.statement.rpartition("\n")
        return remarks.rstrip() if remarks.startswith("#") and last.startswith("def ") else None

    @property
    def program(self) -> str:
        """The solution, without blank lines around it."""
        return self.code.strip("\n").rstrip()

    def choose(self, what: str, options: Sequence[Chosen]) -> Chosen:
        """One of these, always the same for a problem and a purpose."""
        return options[_number(what, self.item.problem) % len(options)]


def is_chosen(purpose: str, problem: str, share: float) -> bool:
    """Whether a problem is among a share of all, by hash."""
    return _number(purpose, problem) < share * 2**64


def statement_and_solution(page: Page) -> str:
    """The problem with its solution, in one of several layouts."""
    if page.statement.startswith(_ASKS):
        return page.choose("layout", _OF_CODE)(page)
    return page.choose("layout", _OF_REMARKS if page.head is not None else _OF_PROSE)(page)


def with_tests(page: Page) -> str:
    """The solution with assert statements: under it, in a function, or where it runs as a script."""
    tests = [test.strip("\n").rstrip() for test in page.item.tests]
    name = page.item.entry_point
    plain = "\n".join(tests)
    if any("\n" in test for test in tests):
        return f"{page.program}\n\n\n{plain}\n"
    inner = textwrap.indent(plain, "    ")
    each = "\n\n\n".join(f"def test_{name}_{number}():\n    {test}" for number, test in enumerate(tests, start=1))
    options = (
        plain,
        f"# Tests\n{plain}",
        f"def test_{name}():\n{inner}",
        each,
        f'if __name__ == "__main__":\n{inner}',
        f'def check():\n{inner}\n\n\nif __name__ == "__main__":\n    check()\n    print("all tests passed")',
    )
    return f"{page.program}\n\n\n{page.choose('tests', options)}\n"


def notebook(page: Page) -> str:
    """Cells as notebooks are read: the problem, the program, and often what the shown examples come to."""
    title = page.item.entry_point.replace("_", " ").strip().capitalize()
    head = page.choose("heading", ("", f"# {title}\n\n", f"## {title}\n\n", "## Problem\n\n"))
    cells = [Cell("markdown", head + page.statement), Cell("code", page.program)]
    shown = page.item.shown if page.language == "python" and page.item.entry_point else []
    ending = page.choose("ending", ("examples", "examples", "none"))
    if shown and ending == "examples":
        cells.append(Cell("markdown", page.choose("lead", ("Examples:", "Try it:", "## Examples", "A few values:"))))
        cells += [Cell("code", _call(page.item, arguments), (repr(result),)) for arguments, result in shown]
    form = page.choose("form", ("script", "markdown"))
    return cells_text(cells, page.language, Notebooks(form=form, outputs=True))


def _fence_below(page: Page) -> str:
    return f"{page.statement}\n\n{fenced(page.program, page.language)}\n"


def _headings(page: Page) -> str:
    first, second = page.choose(
        "headings", (("Problem", "Solution"), ("Task", "Answer"), ("Exercise", "Solution"), ("Question", "Answer"))
    )
    return f"## {first}\n\n{page.statement}\n\n## {second}\n\n{fenced(page.program, page.language)}\n"


def _asked_and_answered(page: Page) -> str:
    first, second = page.choose("speakers", (("Question", "Answer"), ("Problem", "Solution"), ("Q", "A")))
    return f"{first}: {page.statement}\n\n{second}:\n{fenced(page.program, page.language)}\n"


def _plain(page: Page) -> str:
    return f"{page.statement}\n\n{page.program}\n"


def _remark_above(page: Page) -> str:
    return f"{remark(page.statement, page.language)}\n\n{page.program}\n"


def _remark_with_heads(page: Page) -> str:
    first, second = page.choose(
        "remarks", (("Problem:", "Solution:"), ("Task:", "Solution:"), ("Exercise:", "Answer:"))
    )
    mark = remark(second, page.language)
    return f"{remark(f'{first}{chr(10)}{page.statement}', page.language)}\n\n{mark}\n{page.program}\n"


def _goes_on(page: Page) -> str:
    """The comment with the function that it asks for; in another language it is prose."""
    above = page.head if page.language == "python" else None
    return f"{above}\n\n{page.program}\n" if above else _fence_below(page)


def _block_above(page: Page) -> str:
    return f"{block(page.statement, page.language)}\n\n\n{page.program}\n"


def _docstring(page: Page) -> str:
    """The task and its examples as the docstring of the function, else above it."""
    item = page.item
    if page.language == "python" and item.about and item.examples:
        calls = [f">>> {_call(item, arguments)}\n{result!r}" for arguments, result in item.shown if result is not None]
        text = "\n\n".join([item.about.strip(), "\n".join(calls)]) if calls else item.about.strip()
        made = with_docstring(page.program, item.entry_point, text)
        if made is not None:
            return f"{made}\n"
    return _block_above(page) if not page.statement.startswith(_ASKS) else _two_fences(page)


def _two_fences(page: Page) -> str:
    lead = page.choose("lead", ("Complete this function.", "Fill in the body of the function.", "Implement:"))
    fence = fence_for(page.statement)
    asked = f"{fence}python\n{page.statement}\n{fence}"
    return f"{lead}\n\n{asked}\n\n{page.choose('then', ('Solution:', 'Answer:', 'Done:'))}\n\n{_fenced_alone(page)}\n"


def _fenced_alone(page: Page) -> str:
    return fenced(page.program, page.language)


def _call(item: Item, arguments: tuple[object, ...]) -> str:
    return f"{item.entry_point}({', '.join(map(repr, arguments))})"


_OF_PROSE: tuple[Callable[[Page], str], ...] = (
    _fence_below,
    _headings,
    _asked_and_answered,
    _plain,
    _remark_above,
    _remark_with_heads,
    _block_above,
    _docstring,
)
_OF_CODE: tuple[Callable[[Page], str], ...] = (_docstring, _two_fences, _fence_below, _headings)
"""Of a problem that is given as the head of a function."""
_OF_REMARKS: tuple[Callable[[Page], str], ...] = (_goes_on, _goes_on, _two_fences, _fence_below, _headings)
"""Of one that is a comment above the first line of a function."""


def _number(purpose: str, problem: str) -> int:
    return int.from_bytes(blake3(f"{purpose} {problem}".encode()).digest(8))
