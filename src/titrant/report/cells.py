"""A table as data, and its two spellings: HTML with anchors and sort keys, and Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from titrant.report.markup import element, escape, markdown_text


@dataclass(frozen=True)
class Column:
    """A head with its unit. `numeric` columns are set flush right with tabular figures."""

    head: str
    numeric: bool = False
    note: str | None = None
    """What the column means, shown where the pointer rests."""


@dataclass(frozen=True)
class Cell:
    """One cell: its text, and where they differ from it, its markup and its sort key."""

    text: str
    markup: str | None = None
    """Safe HTML; None: the escaped text."""
    sort: float | str | None = None
    style: str | None = None
    """CSS class."""


@dataclass(frozen=True)
class Table:
    """Columns and rows; every row has one cell a column."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    caption: str = ""
    sortable: bool = True
    row_ids: tuple[str, ...] = field(default=())
    """Anchors of the rows, if they have any."""

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns) or not all(cell.text for cell in row):
                raise ValueError(f"the table '{self.caption}' has a row with an empty or missing cell")


def cell(text: object, **more: object) -> Cell:
    """A cell of any value's text."""
    return Cell(str(text), **more)  # type: ignore[arg-type]


def to_html(table: Table) -> str:
    """The table in a frame that scrolls sideways where it is too wide."""
    heads = "".join(
        element("th", escape(c.head), scope="col", class_="number" if c.numeric else None, title=c.note)
        for c in table.columns
    )
    rows = "".join(_html_row(table, index) for index in range(len(table.rows)))
    caption = element("caption", escape(table.caption)) if table.caption else ""
    kind = "sortable" if table.sortable and len(table.rows) > 1 else None
    inner = element("table", f"{caption}<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody>", class_=kind)
    return element("div", inner, class_="wide", tabindex="0", role="region", aria_label=table.caption or "Table")


def _html_row(table: Table, index: int) -> str:
    written = []
    for position, (column, entry) in enumerate(zip(table.columns, table.rows[index], strict=True)):
        style = " ".join(part for part in ("number" if column.numeric else "", entry.style or "") if part)
        content = entry.markup if entry.markup is not None else escape(entry.text)
        name, scope = ("th", "row") if position == 0 else ("td", None)
        written.append(element(name, content, scope=scope, class_=style or None, data_sort=entry.sort))
    identity = table.row_ids[index] if table.row_ids else None
    return element("tr", "".join(written), id=identity)


def to_markdown(table: Table) -> str:
    """The table as GitHub writes it; numeric columns flush right."""
    lines = [
        _markdown_line([column.head for column in table.columns]),
        "| " + " | ".join("---:" if column.numeric else "---" for column in table.columns) + " |",
        *(_markdown_line([entry.text for entry in row]) for row in table.rows),
    ]
    return "\n".join(lines)


def _markdown_line(texts: Sequence[str]) -> str:
    return "| " + " | ".join(markdown_text(text) for text in texts) + " |"
