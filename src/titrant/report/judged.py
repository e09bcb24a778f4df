"""The section "Judged": win rates with their definition, and what may be wrong with the judges."""

from __future__ import annotations

from collections.abc import Sequence

from titrant.report import numbers
from titrant.report.cells import Cell, Column, Table, cell
from titrant.report.markup import element, escape
from titrant.report.outcome_entries import JudgedEntry, JudgeEntry
from titrant.report.outcomes import label_of
from titrant.report.tables import NOT_GIVEN
from titrant.study.units import cost_decimals

UNIT = "win rate"


def note_of(definition: str, alpha: float) -> str:
    """The definition of the win rate, and how the tables are to be read."""
    return (
        f"{definition} One half means that neither arm wins. Intervals are over seeds and items at "
        f"{numbers.percent(1 - alpha)}; whether a rate is better or worse than one half is tested among the findings, "
        "with training noise counted. The sign test beside it is exact over prompts and knows no training noise."
    )


JUDGES_NOTE = (
    "The same place won: pairs in which a judge named the same place in both orders, whichever answer stood there; "
    "they count as ties. Unusable: pairs of which an order gave no verdict that could be read; they are left out and "
    "never guessed."
)


def rates_table(entries: Sequence[JudgedEntry], scale: str, alpha: float) -> Table:
    """One row a contrast and set of prompts."""
    level = numbers.percent(1 - alpha)
    columns = (
        Column("prompts"),
        Column("contrast"),
        Column("win rate, %", numeric=True, note="(wins + half of the ties) / pairs, of the arm"),
        Column(f"{level} interval", numeric=True),
        Column("won", numeric=True),
        Column("tied", numeric=True),
        Column("lost", numeric=True),
        Column("sign test p", numeric=True, note="over prompts, ties left out"),
        Column("at equal length, %", numeric=True, note="the win rate that answers of equal length would have"),
        Column("longer by", numeric=True, note="characters: the arm's answers minus the control's, on average"),
        Column("agreement", numeric=True, note="Krippendorff's alpha among the judges: 1 perfect, 0 as by chance"),
    )
    rows = tuple(_rates_row(entry) for entry in entries if entry.scale == scale)
    return Table(columns, rows, caption=f"Win rates at {scale} scale")


def _rates_row(entry: JudgedEntry) -> tuple[Cell, ...]:
    equal = entry.length_controlled
    lengths = (entry.arm_characters, entry.control_characters)
    longer = None if lengths[0] is None or lengths[1] is None else lengths[0] - lengths[1]
    return (
        _prompts(entry),
        cell(entry.contrast),
        _rate(entry.win_rate, "strong"),
        _span(entry.interval),
        *(cell(numbers.count(number), sort=number) for number in (entry.wins, entry.ties, entry.losses)),
        _dash() if entry.sign_p is None else cell(numbers.probability(entry.sign_p), sort=entry.sign_p),
        _dash()
        if equal is None
        else cell(f"{numbers.level(equal.rate, UNIT)} ({_ends(equal.low, equal.high)})", sort=equal.rate),
        _dash() if longer is None else cell(numbers.signed(longer, 0), sort=longer),
        _dash() if entry.agreement is None else cell(numbers.plain(entry.agreement, 2), sort=entry.agreement),
    )


def judges_table(entries: Sequence[JudgedEntry], scale: str) -> Table:
    """One row a contrast and judge."""
    columns = (
        Column("prompts"),
        Column("contrast"),
        Column("judge"),
        Column("win rate, %", numeric=True),
        Column("won", numeric=True),
        Column("tied", numeric=True),
        Column("lost", numeric=True),
        Column("unusable", numeric=True),
        Column("the same place won", numeric=True, note="position-bias rate"),
        Column("of these the first", numeric=True),
        Column("cost", numeric=True, note="in the currency of its prices"),
    )
    rows = tuple(
        _judge_row(entry, judge) for entry in entries if entry.scale == scale for judge in entry.judges
    )  # fmt: skip
    return Table(columns, rows, caption=f"Judges at {scale} scale")


def _judge_row(entry: JudgedEntry, judge: JudgeEntry) -> tuple[Cell, ...]:
    return (
        _prompts(entry),
        cell(entry.contrast),
        cell(judge.judge),
        _rate(judge.win_rate),
        *(cell(numbers.count(number), sort=number) for number in (judge.wins, judge.ties, judge.losses)),
        cell(numbers.count(judge.unusable), sort=judge.unusable, style="alarm" if judge.unusable else None),
        _dash() if judge.place_rate is None else cell(numbers.percent(judge.place_rate), sort=judge.place_rate),
        cell(numbers.count(judge.first_place), sort=judge.first_place),
        cell(numbers.plain(judge.cost, cost_decimals(judge.cost)), sort=judge.cost),
    )


def _prompts(entry: JudgedEntry) -> Cell:
    words = f"{numbers.count(entry.items)} prompts"
    name = label_of(entry.outcome)
    return cell(f"{name} ({words})", markup=f"{escape(name)} {element('span', escape(words), class_='unit')}")


def _rate(value: float | None, style: str | None = None) -> Cell:
    return _dash() if value is None else cell(numbers.level(value, UNIT), sort=value, style=style)


def _span(interval: tuple[float, float] | None) -> Cell:
    return _dash() if interval is None else cell(_ends(*interval), sort=interval[0])


def _ends(low: float, high: float) -> str:
    return f"{numbers.level(low, UNIT)} to {numbers.level(high, UNIT)}"


def _dash() -> Cell:
    return cell(NOT_GIVEN, style="quiet")
