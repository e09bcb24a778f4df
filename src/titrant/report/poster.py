"""The forest plot as a picture of its own, forest.svg, for papers and slides: same layout, fixed size, on white."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from titrant.report.document import Finding
from titrant.report.forest import SHAPES
from titrant.report.layout import Block, gains
from titrant.report.markup import escape
from titrant.report.numbers import difference, scale_of
from titrant.report.outcomes import SHOWN, Comparison, Shown, is_mean, label_of, shown

LABELS, PLOT, NUMBER, GAP = 178, 150, 62, 22
"""Widths in pixels: row labels, plot, number, gap between panels."""
ROW, HEAD, BLOCK_HEAD, AXIS, TOP = 24, 50, 26, 34, 46
INK, QUIET, RULE, BAND = "#1b1c1f", "#63666c", "#b9b6ae", "#ece9e1"
COLOURS: dict[Shown, str] = {
    "better": "#0a5fb4",
    "worse": "#b8440f",
    "equivalent": "#4a4d55",
    "not resolved": "#8b8f96",
    "no signal": "#a3a6ab",
}
FONT = "Liberation Sans, Arial, Helvetica, sans-serif"


def forest_svg(groups: Sequence[Comparison], blocks: Sequence[Block], title: str) -> str:
    """A standalone SVG of all comparisons, four panels a line."""
    columns = max(1, min(len(groups), 4))
    lines = [groups[start : start + columns] for start in range(0, len(groups), columns)]
    tall = HEAD + sum(BLOCK_HEAD + ROW * len(block.outcomes) + AXIS for block in blocks)
    width = 2 * GAP + LABELS + columns * (PLOT + NUMBER) + (columns - 1) * GAP
    written = textwrap.wrap(title, max(24, int((width - 2 * GAP) / 8.2)))
    above = TOP + 20 * (len(written) - 1)
    height = above + len(lines) * tall + GAP
    parts = [_text(GAP, 28 + 20 * row, words, weight=700, font=15) for row, words in enumerate(written)]
    shown_here = [verdict for verdict in SHOWN if verdict != "no signal" or any(g.count(verdict) for g in groups)]
    parts.append(_legend(shown_here, height - 14))
    for number, line in enumerate(lines):
        top = above + number * tall
        parts.append(_labels(blocks, top))
        for place, group in enumerate(line):
            left = GAP + LABELS + place * (PLOT + NUMBER + GAP)
            parts.append(_panel(group, blocks, left, top))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'font-family="{FONT}" font-size="12"><rect width="{width}" height="{height}" fill="#ffffff"/>'
        f"{''.join(parts)}</svg>\n"
    )


def _legend(verdicts: Sequence[Shown], y: float) -> str:
    parts, left = [], GAP + 6
    for verdict in verdicts:
        parts.append(_mark(verdict, left, y - 4) + _text(left + 11, y, verdict, colour=COLOURS[verdict]))
        left += 7 * len(verdict) + 28
    return "".join(parts)


def _labels(blocks: Sequence[Block], top: int) -> str:
    parts, y = [], top + HEAD
    for block in blocks:
        parts.append(_text(GAP, y + 17, block.head, weight=700))
        for row, outcome in enumerate(block.outcomes):
            colour = QUIET if outcome in block.mute else INK
            weight = 700 if is_mean(outcome) else 400
            parts.append(_text(GAP, y + BLOCK_HEAD + ROW * row + 16, label_of(outcome), weight=weight, colour=colour))
        y += BLOCK_HEAD + ROW * len(block.outcomes) + AXIS
    return "".join(parts)


def _panel(group: Comparison, blocks: Sequence[Block], left: int, top: int) -> str:
    parts = [
        _text(left, top + 18, group.arm, weight=700, font=13),
        _text(left, top + 35, f"against {group.control}, {group.scale}", colour=QUIET),
    ]
    if group.flags:
        parts.append(_text(left, top + 49, "; ".join(group.flags)[:44], colour=COLOURS["worse"], font=10))
    y = top + HEAD
    found = {finding.outcome: finding for finding in group.findings}
    for block in blocks:
        parts.append(_block(block, found, left, y))
        y += BLOCK_HEAD + ROW * len(block.outcomes) + AXIS
    return "".join(parts)


def _block(block: Block, found: dict[str, Finding], left: int, top: int) -> str:
    axis, first = block.axis, top + BLOCK_HEAD
    bottom = first + ROW * len(block.outcomes)
    zero = left + PLOT * axis.share(0)
    parts = [
        _text(left, top + 17, "← worse", colour=QUIET, font=10),
        _text(left + PLOT, top + 17, "better →", colour=QUIET, font=10, anchor="end"),
        _text(left + PLOT + NUMBER, top + 17, scale_of(block.unit).difference, colour=QUIET, font=10, anchor="end"),
    ]
    rows = [(found.get(outcome), first + ROW * row) for row, outcome in enumerate(block.outcomes)]
    parts += [_band(finding, block, left, y) for finding, y in rows if finding]
    parts.append(_line(zero, first, zero, bottom, INK, 1) + _line(left, bottom, left + PLOT, bottom, RULE, 1))
    parts += [_row(finding, block, left, y) for finding, y in rows]
    for gain, label in axis.ticks:
        x = left + PLOT * axis.share(gain)
        parts.append(_line(x, bottom, x, bottom + 4, RULE, 1))
        parts.append(_text(x, bottom + 15, label, colour=QUIET, font=10, anchor="middle"))
    return "".join(parts)


def _band(finding: Finding, block: Block, left: int, top: int) -> str:
    start, end = (left + PLOT * block.axis.share(gain) for gain in (-finding.margin, finding.margin))
    return f'<rect x="{start:.1f}" y="{top}" width="{end - start:.1f}" height="{ROW}" fill="{BAND}"/>'


def _row(finding: Finding | None, block: Block, left: int, top: int) -> str:
    y = top + ROW / 2
    if finding is None:
        return _text(left + PLOT, y + 4, "not compared", colour=QUIET, font=10, anchor="end")
    verdict = shown(finding)
    colour = COLOURS[verdict]
    low, middle, high = (left + PLOT * block.axis.share(gain) for gain in gains(finding))
    weight = 400 if verdict in ("not resolved", "no signal") else 700
    number = _text(
        left + PLOT + NUMBER,
        y + 4,
        difference(finding.difference, finding.unit),
        colour=colour,
        weight=weight,
        anchor="end",
    )
    return _line(low, y, high, y, colour, 2) + _mark(verdict, middle, y) + number


def _mark(verdict: Shown, x: float, y: float) -> str:
    colour = COLOURS[verdict]
    paint = f'fill="{"#ffffff" if verdict == "not resolved" else colour}" stroke="{colour}" stroke-width="1.6"'
    return f'<path d="{SHAPES[verdict]}" transform="translate({x:.1f} {y:.1f})" {paint}/>'


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, width: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" stroke-width="{width}"/>'


def _text(
    x: float, y: float, content: str, *, colour: str = INK, weight: int = 400, font: int = 12, anchor: str = "start"
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}" font-size="{font}" font-weight="{weight}" '
        f'text-anchor="{anchor}">{escape(content)}</text>'
    )
