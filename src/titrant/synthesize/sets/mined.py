"""Problems mined from code: functions of training documents that say what they do and can be run alone.

1. Python documents that are trained on, in the order of their content hashes, until `most` functions are found: they
   are read in waves, each twice as large as the one before
2. of each, functions that can be taken out (see `purity`), with a docstring of at least a sentence and with annotated
   parameters or examples, so that inputs can be made; at most three a document
3. the statement is the signature with its docstring, after what it needs of its module; the solution is the function's
   own text, the tests are its examples
"""

from __future__ import annotations

import ast
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from blake3 import blake3

from titrant.corpus.opened import LeftOut
from titrant.corpus.stored import RowGroup, row_groups
from titrant.errors import StoreError
from titrant.jobs import Progress
from titrant.synthesize.generator.problem import Problem
from titrant.synthesize.generator.shapes import tree_of
from titrant.synthesize.parsing import first_line, last_line, parsed
from titrant.synthesize.sets.docstrings import description, example_tests, is_sentence, text_of
from titrant.synthesize.sets.purity import LINES, Mined, minable
from titrant.synthesize.sets.records import signature_of

PER_DOCUMENT = 3
"""Most functions of one document."""
MOST_CHARACTERS = 4000
"""Of a statement."""

NO_PYTHON = LeftOut("mined: a document that is no Python of today, or too long")
NO_SENTENCE = LeftOut("mined: a function whose docstring is no sentence")
NO_TYPES = LeftOut("mined: a function with neither annotations nor examples")
WRONG_LENGTH = LeftOut(f"mined: a function of fewer than {LINES[0]} or more than {LINES[1]} lines")
TOO_LONG = LeftOut(f"mined: a function that needs more than {MOST_CHARACTERS:,} characters to be told")
SAME = LeftOut("mined: the same function as an earlier one")
BEYOND = LeftOut(f"mined: beyond {PER_DOCUMENT} functions of a document")

_TEXTS = ("text", "licence", "origin", "content_hash")


def mine_problems(
    documents: Path, split: Path, most: int, prefix: str, progress: Progress
) -> Iterator[Problem | LeftOut]:
    """At most so many problems from a source's folders, ordered by the hashes of their documents, whose ids begin with
    `prefix`; and what is left out of the documents that were looked at.

    Raises StoreError if a folder is damaged.
    """
    groups = row_groups(documents)
    order = _order(groups, split)
    seen: set[str] = set()
    count, begin, size = 0, 0, 2 * most
    while begin < len(order) and count < most:
        wave = order[begin : begin + size]
        found = _wave(groups, wave, prefix)
        for row in wave:
            progress(count, most, "functions", "mined")
            for each in found[row]:
                tree = _tree(each) if isinstance(each, Problem) else ""
                if isinstance(each, Problem) and count < most and tree not in seen:
                    seen.add(tree)
                    count += 1
                    yield each
                elif isinstance(each, LeftOut):
                    yield each
                elif tree in seen:
                    yield SAME
            if count == most:
                return
        begin, size = begin + size, 2 * size


def _tree(problem: Problem) -> str:
    try:
        return tree_of(f"{problem.prelude}\n{problem.solution}")
    except SyntaxError:  # too deep: it equals nothing
        return problem.problem


def _order(groups: list[RowGroup], split: Path) -> list[int]:
    """The rows of Python documents that are trained on, by content hash."""
    path = split / "split.parquet"
    try:
        fates = pq.read_table(path, columns=["fate"], use_threads=False)["fate"].to_pylist()
    except (OSError, pa.ArrowException, KeyError) as error:
        raise StoreError(f"{path} cannot be read ({error}); delete {split} and run again") from None
    if len(fates) != sum(group.rows for group in groups):
        raise StoreError(f"{path} is not of these documents: it has {len(fates):,} rows; delete {split} and run again")
    chosen: list[tuple[str, int]] = []
    for group in groups:
        rows = group.read(["language", "content_hash", "planted"]).to_pylist()
        for row, each in enumerate(rows, start=group.first_row):
            if fates[row] == "train" and not each["planted"] and (each["language"] or "").casefold() == "python":
                chosen.append((each["content_hash"], row))
    return [row for _, row in sorted(chosen)]


def _wave(groups: list[RowGroup], wave: list[int], prefix: str) -> dict[int, list[Problem | LeftOut]]:
    wanted = sorted(wave)
    found: dict[int, list[Problem | LeftOut]] = {}
    for group in groups:
        first, last = bisect_left(wanted, group.first_row), bisect_left(wanted, group.first_row + group.rows)
        if first < last:
            rows = wanted[first:last]
            table = group.read(_TEXTS).take([row - group.first_row for row in rows])
            for row, document in zip(rows, table.to_pylist(), strict=True):
                try:
                    found[row] = list(_of_document(document, prefix))
                except RecursionError:
                    found[row] = [NO_PYTHON]
    return found


def _of_document(document: Mapping[str, str], prefix: str) -> Iterator[Problem | LeftOut]:
    text = document["text"].replace("\r\n", "\n")
    tree = parsed(text)
    if not isinstance(tree, ast.Module):
        yield NO_PYTHON
        return
    count = 0
    for mined in minable(tree, text):
        found = _problem(mined, document, prefix)
        count += isinstance(found, Problem)
        yield BEYOND if count > PER_DOCUMENT else found


def _problem(mined: Mined, document: Mapping[str, str], prefix: str) -> Problem | LeftOut:
    function, name = mined.function, mined.function.name
    docstring = text_of(function)
    about = description(docstring)
    if not is_sentence(about):
        return NO_SENTENCE
    head = function.body[0].end_lineno or 0
    lines = last_line(function) - function.lineno - (head - function.body[0].lineno)
    if not LINES[0] <= lines <= LINES[1]:
        return WRONG_LENGTH
    tests = tuple(dict.fromkeys(example_tests(docstring, name)))
    if not tests and not all(each.annotation for each in function.args.args):
        return NO_TYPES
    beginning = "\n".join(mined.source.split("\n")[: head - first_line(function) + 1])
    shown = f"{mined.prelude}\n\n\n{beginning}" if mined.prelude else beginning
    if len(shown) > MOST_CHARACTERS or "```" in shown:
        return TOO_LONG
    digest = blake3(f"{document['content_hash']} {name}".encode()).hexdigest(length=8)
    return Problem(
        problem=f"{prefix}-{digest}",
        source=f"{document['origin']}, {name}",
        licence=document["licence"],
        statement=f"Complete this Python function.\n\n```python\n{shown}\n```",
        entry_point=name,
        about=about,
        signature=signature_of(function),
        prelude=mined.prelude,
        solution=f"{mined.source}\n",
        setup=mined.prelude,
        tests=tests,
        shown=len(tests),
    )
