"""What a study was predicted to take and what it took, as cost.json, cost.md and cost.html.

These stand beside the report and are no part of it: the report's bytes depend on results alone, so that it can be made
again anywhere, and seconds are those of one machine on one day. Here too nothing is computed from anything but what is
stored: predictions as they were written down before the work, and what each job wrote of itself when it was done.
"""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

from pydantic import Field

from titrant.report.cells import Cell, Column, Table, cell, to_html, to_markdown
from titrant.report.entry import Entry
from titrant.report.markup import element, escape, markdown_text
from titrant.report.numbers import THIN, count, percent, plain
from titrant.study.units import show_count

NONE = "—"
NOTE = (
    "Seconds of all jobs of a kind, added up; predicted as it was written down before the first of them began, by what "
    "was known then. Jobs that were in the store already, or whose time could not be known, have no prediction and do "
    "not count for the ratio, which is taken over predicted. The last row is the time from the beginning to the end, "
    "pauses left out: jobs run beside each other."
)


class CostEntry(Entry):
    """One kind of jobs, or all of them."""

    kind: str
    """`train`, `evaluate`, ..., or `from beginning to end`."""
    jobs: int = Field(ge=0)
    """Jobs that are done."""
    predicted_jobs: int = Field(ge=0)
    """Those of them that were predicted."""
    predicted_seconds: float | None
    """Of those; null where none was."""
    seconds: float
    """What those took; what all took where none was predicted."""
    ratio: float | None
    """Actual over predicted, over jobs that have both."""
    predicted_cpu_seconds: float | None = None
    """CPU time in the prediction, where it was measured."""
    cpu_seconds: float | None = None
    """CPU time of the predicted jobs; null where it was not recorded."""
    tokens: int = 0
    """Tokens trained on by the jobs that are done."""
    flops: float = 0.0
    """FLOPs of training."""
    tokens_per_second: float | None = None
    """Of one job."""
    mfu: float | None = None
    """FLOP/s of one job as a share of the dense bfloat16 peak of its GPUs, one a process, or of the best product that a
    calibration saw a core do; null where neither is known."""
    peak_memory_bytes: int | None = None
    """The largest process."""
    sources: tuple[str, ...] = ()
    """How the predictions were known."""


class CostReport(Entry):
    """All of cost.json."""

    format: int
    study: str
    machines: tuple[str, ...]
    """Processors and GPUs that jobs ran on."""
    workers: int
    """Jobs at once, when it was predicted last."""
    at_once: tuple[int, ...] = ()
    """Every number of jobs at once that done jobs were predicted for; empty: `workers` alone."""
    kinds: tuple[CostEntry, ...]
    whole: CostEntry
    hourly_price: float | None = None
    """What an hour of the machine costs, or of one of its GPUs, in the user's currency."""
    predicted_price: float | None = None
    price: float | None = None


def write_cost(report: CostReport) -> dict[str, bytes]:
    """The three files by name: a pure function of the report."""
    text = json.dumps(report.model_dump(mode="json"), ensure_ascii=False, indent=1, allow_nan=False) + "\n"
    return {
        "cost.json": text.encode(),
        "cost.md": compose_cost_markdown(report).encode(),
        "cost.html": _html(report).encode(),
    }


def compose_cost_markdown(report: CostReport) -> str:
    """The page as Markdown."""
    parts = [f"# {markdown_text(report.study)}: cost", markdown_text(summary(report)), to_markdown(cost_table(report))]
    parts += [markdown_text(NOTE), to_markdown(speed_table(report))]
    return "\n\n".join(parts) + "\n"


def summary(report: CostReport) -> str:
    """One or two sentences: predicted, actual, money, machine."""
    whole = report.whole
    took = f"It took {_time(whole.seconds)}"
    if whole.predicted_seconds and whole.ratio is not None:
        took = f"{_time(whole.predicted_seconds)} were predicted, and it took {_time(whole.seconds)}"
        took += f" ({plain(whole.ratio, 2)} of the prediction)"
    if report.price is not None:
        took += f"; {plain(report.price, 2)} in money"
        took += (
            f" where {plain(report.predicted_price, 2)} were predicted" if report.predicted_price is not None else ""
        )
    at_once = " and ".join(map(str, report.at_once or (report.workers,)))
    return f"{took}, on {', '.join(report.machines) or 'a machine that is not known'}, {at_once} jobs at once."


def cost_table(report: CostReport) -> Table:
    """Predicted against actual by kind of job, and from beginning to end."""
    columns = (
        Column("jobs"),
        Column("done", numeric=True),
        Column("predicted, s", numeric=True),
        Column("actual, s", numeric=True),
        Column("ratio", numeric=True, note="Actual over predicted"),
        Column("predicted CPU, s", numeric=True),
        Column("actual CPU, s", numeric=True),
        Column("known by"),
    )
    rows = tuple(
        (
            cell(entry.kind),
            cell(count(entry.jobs), sort=entry.jobs),
            _number(entry.predicted_seconds, 1),
            _number(entry.seconds, 1),
            _number(entry.ratio, 2),
            _number(entry.predicted_cpu_seconds, 1),
            _number(entry.cpu_seconds, 1),
            cell("; ".join(entry.sources) or NONE),
        )
        for entry in (*report.kinds, report.whole)
    )
    return Table(columns, rows, caption="Predicted and actual", sortable=False)


def speed_table(report: CostReport) -> Table:
    """Tokens, FLOPs, speed and memory of the kinds that have any."""
    columns = (
        Column("jobs"),
        Column("tokens", numeric=True),
        Column("FLOPs", numeric=True),
        Column("tokens/s a job", numeric=True),
        Column("MFU", numeric=True, note="Share of the dense bfloat16 peak of its GPUs, or of its cores' best product"),
        Column("peak memory", numeric=True, note="Of the largest process"),
    )
    rows = tuple(
        (
            cell(entry.kind),
            cell(show_count(entry.tokens) if entry.tokens else NONE, sort=entry.tokens),
            cell(f"{entry.flops:.3g}" if entry.flops else NONE, sort=entry.flops),
            _number(entry.tokens_per_second, 0),
            cell(percent(entry.mfu) if entry.mfu is not None else NONE),
            cell(f"{show_count(entry.peak_memory_bytes)}B" if entry.peak_memory_bytes else NONE),
        )
        for entry in report.kinds
    )
    return Table(columns, rows, caption="Speed and memory", sortable=False)


def _number(value: float | None, decimals: int) -> Cell:
    return cell(NONE) if value is None else cell(plain(value, decimals), sort=value)


def _time(seconds: float) -> str:
    """Seconds as people say them, to about a percent."""
    if seconds < 200:
        return f"{plain(seconds, 0)}{THIN}s"
    if seconds < 7200:
        return f"{plain(seconds / 60, 1)}{THIN}min"
    return f"{plain(seconds / 3600, 1)}{THIN}h"


def _html(report: CostReport) -> str:
    css = (Path(str(resources.files("titrant.report"))) / "page.css").read_text(encoding="utf-8")
    title = f"{report.study}: cost"
    body = "".join(
        [
            element("h1", escape(title)),
            element("p", escape(summary(report))),
            to_html(cost_table(report)),
            element("p", escape(NOTE), class_="note"),
            to_html(speed_table(report)),
            element("p", '<a href="report.html">The report</a>'),
        ]
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f'<meta name="color-scheme" content="light dark">\n<title>{escape(title)}</title>\n<style>\n{css}\n</style>\n'
        f"</head>\n<body>\n<main>\n<section>{body}</section>\n</main>\n</body>\n</html>\n"
    )
