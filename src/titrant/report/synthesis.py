"""The section "Synthetic code": what was verified and how far, what was refused and why, and items to look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher

from titrant.report import numbers
from titrant.report.cells import Cell, Column, Table, cell, to_html, to_markdown
from titrant.report.markup import anchor, element, escape, markdown_text
from titrant.report.synthesis_entries import ItemEntry, SynthesisEntry, WrittenEntry
from titrant.report.tables import NOT_GIVEN
from titrant.study.units import cost_decimals

NOTE = (
    "Problems, who solved them, and what the solutions passed: each level is asked of those that passed the one "
    "before. Every program ran in a sandbox. Verified means that it agreed with a reference on inputs that it was not "
    "shown, where the problem has one; it is no proof. All sources that are made of a synthesis are written from the "
    "same problems, and each problem is on one side of the hold-out line in all of them."
)
EXAMPLES_NOTE = (
    "The items with the smallest hashes, so that nobody chose them. What the corrupted form changes is marked: the "
    "line of the verified solution first, then that of the mutant."
)
REASONS = 12
"""Reasons that are named; the rest is counted."""


def synthesis_html(entries: Sequence[SynthesisEntry]) -> str:
    """The section of the page."""
    parts = [element("p", escape(NOTE), class_="note")]
    for entry in entries:
        if len(entries) > 1:
            parts.append(element("h3", escape(entry.synthesis), id=anchor("synthesis", entry.synthesis)))
        parts += [to_html(table) for table in tables_of(entry)]
        facts = "".join(element("dt", escape(head)) + element("dd", escape(text)) for head, text in facts_of(entry))
        parts.append(element("dl", facts, class_="facts"))
        shown = "".join(map(_item_html, entry.examples))
        if shown:
            note = element("p", escape(EXAMPLES_NOTE), class_="note")
            parts.append(element("details", element("summary", "Items to look at") + note + shown))
    return "".join(parts)


def synthesis_markdown(entries: Sequence[SynthesisEntry]) -> list[str]:
    """The same for report.md, without items: they stand in report.json."""
    parts = ["## Synthetic code", markdown_text(NOTE)]
    for entry in entries:
        parts += [f"### {markdown_text(entry.synthesis)}", *map(to_markdown, tables_of(entry))]
        parts.append("\n".join(f"- {head}: {markdown_text(text)}" for head, text in facts_of(entry)))
    return parts


def tables_of(entry: SynthesisEntry) -> list[Table]:
    """Yield by level, refusals by reason, areas, and what sources are made of it; those that have a row."""
    tables = (_levels(entry), _refused(entry), _areas(entry), _written(entry))
    return [table for table in tables if table.rows]


def _levels(entry: SynthesisEntry) -> Table:
    open_too = any(each.undecided for each in entry.levels)
    columns = (
        Column("level"),
        Column("tried", numeric=True),
        Column("passed", numeric=True),
        *([Column("not decided", numeric=True, note="neither passed nor failed")] if open_too else []),
        Column("share", numeric=True, note="of those that were held to it, and decided"),
    )
    rows = tuple(
        (
            cell(each.level),
            _count(each.tried),
            _count(each.passed),
            *([_count(each.undecided)] if open_too else []),
            _share(each.passed, each.tried - each.undecided),
        )
        for each in entry.levels
    )
    return Table(columns, rows, caption=f"What solutions of {entry.synthesis} passed", sortable=False)


def _refused(entry: SynthesisEntry) -> Table:
    ranked = sorted(entry.refused.items(), key=lambda each: (-each[1], each[0]))
    rows = [(cell(reason), _count(number), _share(number, entry.problems)) for reason, number in ranked[:REASONS]]
    if rest := ranked[REASONS:]:
        total = sum(number for _, number in rest)
        rows.append((cell(f"{len(rest)} other reasons"), _count(total), _share(total, entry.problems)))
    columns = (Column("refused because"), Column("problems", numeric=True), Column("share", numeric=True))
    return Table(columns, tuple(rows), caption=f"Problems of {entry.synthesis} without an accepted solution")


def _areas(entry: SynthesisEntry) -> Table:
    levels = sorted({level for area in entry.areas for level in area.by_difficulty}, key=int)
    columns = (
        Column("area"),
        Column("problems", numeric=True),
        Column("accepted", numeric=True),
        Column("families", numeric=True, note="of accepted items"),
        *(
            Column(f"difficulty {level}" if level != "0" else "difficulty unknown", numeric=True, note="accepted items")
            for level in levels
        ),
    )
    rows = tuple(
        (
            cell(area.area or "none given"),
            _count(area.problems),
            _count(area.accepted),
            _count(area.families),
            *(_count(area.by_difficulty.get(level, 0)) for level in levels),
        )
        for area in entry.areas
    )
    return Table(columns, rows, caption=f"Areas of {entry.synthesis}")


def _written(entry: SynthesisEntry) -> Table:
    columns = (
        Column("source"),
        Column("items"),
        Column("format"),
        Column("documents", numeric=True, note="problems that have this form, on any side of the hold-out line"),
        Column("not written"),
    )
    rows = tuple(
        (
            cell(each.source),
            cell(_items(each)),
            cell("prose" if each.items in ("statement", "text") else f"{each.format}, {each.language}"),
            _count(each.documents),
            cell(_counted(each.left_out) or NOT_GIVEN, style=None if each.left_out else "quiet"),
        )
        for each in entry.sources
    )
    return Table(columns, rows, caption=f"Sources made of {entry.synthesis}")


def _items(source: WrittenEntry) -> str:
    return f"{source.items}, {numbers.percent(source.share)} of them" if source.share < 1 else source.items


def facts_of(entry: SynthesisEntry) -> list[tuple[str, str]]:
    """What stands below the tables, head and text."""
    forms = {"corrupted": entry.corrupted, "text": entry.texts, **entry.translations}
    killed = f"{numbers.count(entry.killed)} of {numbers.count(entry.mutants)} mutants fail the tests of their item"
    solved = f"{numbers.count(entry.accepted)} have an accepted solution"
    shapes = f"{numbers.count(entry.families)} families, {numbers.count(entry.shapes)} shapes of programs"
    found = [
        ("problems", f"{numbers.count(entry.problems)}, of which {solved}"),
        ("diversity", f"{shapes}, {numbers.count(entry.words)} different words in statements"),
        ("other forms", ", ".join(f"{name} {numbers.count(number)}" for name, number in forms.items() if number)),
        ("tests", killed if entry.mutants else ""),
        ("contracts", _counted(entry.contracts)),
        ("solved by", _counted({name or "the problem's own solution": n for name, n in entry.teachers.items()})),
        ("licences of problems", _counted(entry.licences)),
        ("cost", f"{_cost(entry.cost)} in the currency of its prices" if entry.cost else ""),
        ("contained by", entry.tier),
        ("versions", ", ".join(f"{name} {version}" for name, version in sorted(entry.versions.items()))),
    ]
    return [(head, text) for head, text in found if text]


def _counted(reasons: Mapping[str, int]) -> str:
    ranked = sorted(reasons.items(), key=lambda each: (-each[1], each[0]))
    return ", ".join(f"{reason} {numbers.count(number)}" for reason, number in ranked)


def _count(number: int) -> Cell:
    return cell(numbers.count(number), sort=number)


def _share(part: int, whole: int) -> Cell:
    return cell(numbers.percent(part / whole), sort=part / whole) if whole else cell(NOT_GIVEN, style="quiet")


def _cost(amount: float) -> str:
    return numbers.plain(amount, cost_decimals(amount))


def _item_html(item: ItemEntry) -> str:
    head = element("b", escape(item.problem)) + " " + element("span", escape(_about(item)), class_="quiet")
    parts = [element("p", head, class_="example"), element("pre", escape(item.statement))]
    if item.accepted:
        parts.append(element("pre", _marked(item.accepted, item.corrupted)))
        parts += [element("pre", escape("\n".join(item.tests)))] if item.tests else []
    elif item.first:
        parts.append(element("pre", escape(item.first)))
    return "".join(parts)


def _about(item: ItemEntry) -> str:
    """Where it comes from and what is known of it, in a line."""
    parts = [item.origin, item.licence]
    parts += [f"{item.area}, difficulty {item.difficulty}"] if item.area else []
    parts.append(f"refused: {item.refused}" if item.refused else f"passes {item.level}")
    parts += [f"agrees on {numbers.count(item.inputs)} inputs"] if item.inputs else []
    parts += [f"{item.killed} of {item.mutants} mutants fail its tests"] if item.mutants else []
    parts += [f"contracts: {item.contracts}"] if item.accepted and item.contracts else []
    parts += [f"corrupted: {item.mutation}"] if item.mutation else []
    if item.teacher:
        parts.append(f"by {item.teacher}, sample {item.sample}, seed {item.seed}, prompt {item.prompt[:12]}")
    parts += [f"cost {_cost(item.cost)}"] if item.cost else []
    return "; ".join(parts)


def _marked(right: str, wrong: str) -> str:
    """A program whose lines that another one changes stand struck, with what stands there instead."""
    if not wrong:
        return escape(right)
    before, after = right.split("\n"), wrong.split("\n")
    lines: list[str] = []
    for kind, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind == "equal":
            lines += map(escape, before[a:b])
        else:
            lines += [element("del", escape(line)) for line in before[a:b]]
            lines += [element("ins", escape(line)) for line in after[c:d]]
    return "\n".join(lines)
