"""Jupyter notebooks as texts: their cells in order, as a program with comments or as prose with code in fences.

What a notebook holds beside its cells' sources (outputs unless they are asked for, pictures, attachments, widgets'
state, metadata) is no part of the text. Nothing is run and nothing is guessed: where the metadata do not say which
language a notebook is in, its language is not known.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from titrant.corpus.formats.fences import fenced
from titrant.corpus.formats.json_text import json_value
from titrant.corpus.formats.texts import Text
from titrant.corpus.opened import LeftOut
from titrant.errors import StudyError
from titrant.study.parsers import Notebooks

NO_CELLS = LeftOut("notebook without cells")
_KINDS = ("code", "markdown", "raw", "html", "heading")
_SPELLINGS = {"ipython": "python", "ipython3": "python", "python3": "python", "python2": "python", "ir": "r"}
_REMARKS = {
    "//": "c c++ c# f# cuda go groovy java javascript typescript kotlin php rust scala swift q#",
    "--": "haskell lua sql elm",
    "%": "matlab octave prolog erlang",
    ";": "clojure lisp scheme racket common-lisp",
}
_REMARK_OF = {language: mark for mark, languages in _REMARKS.items() for language in languages.split()}
_COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


@dataclass(frozen=True)
class Cell:
    """One cell: `code`, `markdown`, `raw`, `html` or `heading`."""

    kind: str
    source: str
    outputs: tuple[str, ...] = ()
    """What a code cell has printed, as text."""


def notebook_text(text: str, parser: Notebooks, place: str) -> Text | LeftOut:
    """The text of a notebook, and its language in lower case where its metadata name one; the part is empty.

    Raises StudyError, which names `place`, for what is not JSON or no notebook of nbformat 3 or 4.
    """
    cells, language = read_notebook(text, place)
    if not any(cell.source.strip() for cell in cells):
        return NO_CELLS
    return Text("", cells_text(cells, language, parser), language)


def cells_text(cells: list[Cell], language: str | None, parser: Notebooks) -> str:
    """Cells as one text, in the parser's form."""
    parts = _as_markdown(cells, language, parser) if parser.form == "markdown" else _as_script(cells, language, parser)
    return "\n\n".join(part for part in parts if part.strip()) + "\n"


def read_notebook(text: str, place: str) -> tuple[list[Cell], str | None]:
    """The cells of a notebook in order, and its language. Raises StudyError as `notebook_text` does."""
    content = json_value(text.removeprefix("\ufeff"), place)
    if not isinstance(content, Mapping) or "nbformat" not in content:
        raise _wrong(place, "it is JSON without the key 'nbformat'")
    version = content["nbformat"]
    if version == 4:
        given = content.get("cells")
    elif version == 3:
        sheets = content.get("worksheets")
        if not isinstance(sheets, list) or not all(isinstance(sheet, Mapping) for sheet in sheets):
            raise _wrong(place, "its 'worksheets' are no list of objects")
        lists = [sheet.get("cells", []) for sheet in sheets]
        given = [cell for cells in lists for cell in cells] if all(isinstance(one, list) for one in lists) else None
    else:
        raise _wrong(
            place, f"its nbformat is {version!r:.50}; 3 and 4 are read, older ones `jupyter nbconvert` converts"
        )
    if not isinstance(given, list):
        raise _wrong(place, "its 'cells' are no list")
    cells = [_cell(cell, f"cell {number}", place) for number, cell in enumerate(given, start=1)]
    return cells, _language(content.get("metadata"), given)


def _wrong(place: str, what: str) -> StudyError:
    return StudyError(f"{place} is no notebook that can be read: {what}; mend it, or leave it out")


def _cell(cell: Any, name: str, place: str) -> Cell:
    if not isinstance(cell, Mapping):
        raise _wrong(place, f"{name} is a JSON {type(cell).__name__}, not an object")
    kind = cell.get("cell_type")
    if kind not in _KINDS:
        raise _wrong(place, f"{name} has the cell_type {kind!r:.50}")
    key = "input" if kind == "code" and "input" in cell else "source"
    source = _joined(cell.get(key, ""), f"the {key} of {name}", place)
    if kind == "heading":
        level = cell.get("level", 1)
        source = f"{'#' * (level if isinstance(level, int) and 1 <= level <= 6 else 1)} {source}"
    outputs = cell.get("outputs", []) if kind == "code" else []
    if not isinstance(outputs, list):
        raise _wrong(place, f"the outputs of {name} are no list")
    printed = (_printed(output, f"an output of {name}", place) for output in outputs)
    return Cell(kind, source, tuple(text for text in printed if text.strip()))


def _joined(source: Any, name: str, place: str) -> str:
    """A text that stands as one string or as a list of its lines."""
    if isinstance(source, str):
        return source.replace("\r\n", "\n")
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        return "".join(source).replace("\r\n", "\n")
    raise _wrong(place, f"{name} is neither a string nor a list of strings")


def _printed(output: Any, name: str, place: str) -> str:
    """An output as text; empty for one that has none, such as a picture."""
    if not isinstance(output, Mapping):
        raise _wrong(place, f"{name} is a JSON {type(output).__name__}, not an object")
    data = output.get("data")
    if output.get("output_type") in ("error", "pyerr"):
        return f"{output.get('ename', '')}: {output.get('evalue', '')}"
    found = data.get("text/plain", "") if isinstance(data, Mapping) else output.get("text", "")
    return _COLOURS.sub("", _joined(found, f"the text of {name}", place))


def _language(metadata: Any, cells: list[Any]) -> str | None:
    """As the notebook's own metadata name it, else its kernel's, else (nbformat 3) its first code cell."""
    there = metadata if isinstance(metadata, Mapping) else {}
    about, kernel = there.get("language_info"), there.get("kernelspec")
    named = [
        about.get("name") if isinstance(about, Mapping) else None,
        kernel.get("language") if isinstance(kernel, Mapping) else None,
        kernel.get("name") if isinstance(kernel, Mapping) and kernel.get("name") in _SPELLINGS else None,
        *(cell.get("language") for cell in cells if cell.get("cell_type") == "code"),
    ]
    for name in named:
        if isinstance(name, str) and name.strip():
            found = name.strip().lower()
            return "c++" if re.fullmatch(r"c\+\+\d*", found) else _SPELLINGS.get(found, found)
    return None


def _as_markdown(cells: list[Cell], language: str | None, parser: Notebooks) -> Iterator[str]:
    for cell in cells:
        if cell.kind != "code":
            yield cell.source.rstrip()
        elif cell.source.strip():
            yield fenced(cell.source, language or "")
            if parser.outputs:
                yield from (fenced(output) for output in cell.outputs)


def _as_script(cells: list[Cell], language: str | None, parser: Notebooks) -> Iterator[str]:
    mark = _REMARK_OF.get(language or "", "#")
    for cell in cells:
        if cell.kind != "code":
            yield _remark(cell.source, mark)
        elif cell.source.strip():
            code = cell.source.strip("\n").rstrip()
            yield _without_magic(code, mark) if language == "python" else code
            if parser.outputs:
                yield from (_remark(output, mark) for output in cell.outputs)


def _remark(text: str, mark: str) -> str:
    """Every line as a comment, whatever ends a line."""
    return "\n".join(f"{mark} {line}".rstrip() for line in text.strip().splitlines())


_MAGIC = re.compile(
    r"([ \t]*)(?=%{1,2}[A-Za-z_]|!|\?{1,2}[A-Za-z_%]|[^=\n\"'#!%()]{1,200}=[ \t]*(?:!|%[A-Za-z_]))(?:\\\n|[^\n])*"
)
"""A line that IPython reads otherwise, with the lines on which it goes on: `%x`, `!x`, `?x`, `y = !x`, `y = %x`."""
_PIECE = re.compile(
    r"#[^\n]*|(\"\"\"|''')(?:\\.|(?!\1).)*(?:\1|\Z)|\"(?:\\.|[^\"\\\n])*\"?|'(?:\\.|[^'\\\n])*'?"
    r"|\\\n|[()\[\]{}\n]|[^#\"'\\()\[\]{}\n]+|.",
    re.DOTALL,
)
"""A comment, a string, a bracket, an end of line, or what stands between them."""
_CELL_MAGIC = re.compile(r"\s*%%[A-Za-z_!]")


def _without_magic(source: str, mark: str) -> str:
    """A cell that Python alone can read: lines that IPython reads otherwise are comments.

    A cell that is Python as it stands is left alone, whatever its lines begin with. Inside strings and brackets no
    line is IPython's. Where a block would be left without a statement, `pass` stands before the comment. A cell that
    is no Python even then (`pip install x`, which IPython takes for `%pip`) is a comment as a whole.

    >>> _without_magic("%matplotlib inline\\nx = 3\\n!ls", "#")
    '# %matplotlib inline\\nx = 3\\n# !ls'
    >>> _without_magic("x = (7\\n%y)", "#")
    'x = (7\\n%y)'
    """
    if _is_python(source):
        return source
    if not _CELL_MAGIC.match(source):
        lines = list(_logical_lines(source))
        for statement in ("", "pass  "):
            made = "".join(_commented(line, mark, statement) if is_magic else line for line, is_magic in lines)
            if _is_python(made):
                return made
    return _remark(source, mark)


def _commented(line: str, mark: str, statement: str) -> str:
    """A logical line as comments at its own indentation; if it has one, the statement stands before the first."""
    indent = line[: len(line) - len(line.lstrip(" \t"))]
    first, *rest = line.removeprefix(indent).removesuffix("\n").split("\n")
    made = [f"{indent}{statement if indent else ''}{mark} {first}", *(f"{indent}{mark} {more}" for more in rest)]
    return "\n".join(made) + ("\n" if line.endswith("\n") else "")


def _logical_lines(source: str) -> Iterator[tuple[str, bool]]:
    """The logical lines of a cell, which together are the cell, and whether IPython reads them otherwise."""
    at = 0
    while at < len(source):
        magic = _MAGIC.match(source, at)
        if magic is not None:
            end = magic.end() + source.startswith("\n", magic.end())
            yield source[at:end], True
        else:
            end, asks = _end_of_line(source, at)
            yield source[at:end], asks
        at = end


def _end_of_line(source: str, at: int) -> tuple[int, bool]:
    """Where the logical line that begins here ends, and whether it ends with a question mark (`x = df.head?`)."""
    depth, last = 0, ""
    for piece in _PIECE.finditer(source, at):
        found = piece.group()
        if found == "\n" and depth <= 0:
            return piece.end(), last.endswith("?")
        depth += (found in "([{") - (found in ")]}")
        if not found.startswith("#") and found.strip():
            last = found.rstrip()
    return len(source), last.endswith("?")


def _is_python(source: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
