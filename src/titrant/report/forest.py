"""The forest plot of the first screen: inline SVG in an HTML grid, so that it flows, prints and needs no script.

One panel a comparison, one row an outcome: interval, marker, margin band, zero line, and the number beside it. Rows
use percentages across and pixels down, so lines stay thin and markers stay round at any width.
"""

from __future__ import annotations

from collections.abc import Sequence

from titrant.report.document import Finding
from titrant.report.layout import Axis, Block, gains
from titrant.report.markup import anchor, element, escape, link
from titrant.report.numbers import difference, interval, scale_of
from titrant.report.outcomes import NO_SIGNAL, SHOWN, Comparison, Shown, is_mean, label_of, shown

STYLES: dict[Shown, str] = {
    "better": "better",
    "worse": "worse",
    "equivalent": "equivalent",
    "not resolved": "unresolved",
    "no signal": "mute",
}
"""CSS class by verdict."""

SHAPES: dict[Shown, str] = {
    "better": "M0,-6 L5.6,4.2 L-5.6,4.2 Z",
    "worse": "M0,6 L5.6,-4.2 L-5.6,-4.2 Z",
    "equivalent": "M-4,-4 H4 V4 H-4 Z",
    "not resolved": "M-4,0 A4,4 0 1 0 4,0 A4,4 0 1 0 -4,0 Z",
    "no signal": "M-1.7,0 A1.7,1.7 0 1 0 1.7,0 A1.7,1.7 0 1 0 -1.7,0 Z",
}
"""Marker paths around the origin: triangle up, triangle down, square, ring, dot. Shape alone tells verdicts apart."""

LONG, LONGER = 17, 23
"""Labels with more characters than this need two lines on a phone, and on any screen. All panels give their row the
same height, because on wide screens only the first panel of a line shows the labels."""


def forest_html(groups: Sequence[Comparison], blocks: Sequence[Block], scales: Sequence[str]) -> str:
    """The whole plot: legend and panels."""
    columns = min(len(groups), 4)
    panels = "".join(
        _panel(group, blocks, len(scales) > 1, labelled=place % columns == 0) for place, group in enumerate(groups)
    )
    return _legend(groups) + element("div", panels, class_=f"forest columns-{columns}")


def verdict_mark(verdict: Shown, reason: str = "") -> str:
    """The marker and the word of a verdict, for tables."""
    words = f"{verdict}: {reason}" if reason else verdict
    return element("span", f"{_glyph(verdict)} {escape(words)}", class_=f"verdict {STYLES[verdict]}")


def _glyph(verdict: Shown) -> str:
    frame = 'width="14" height="14" viewBox="-7 -7 14 14" aria-hidden="true"'
    return f'<svg class="glyph {STYLES[verdict]}" {frame}><path d="{SHAPES[verdict]}"/></svg>'


def _legend(groups: Sequence[Comparison]) -> str:
    total = sum(len(group.findings) for group in groups)
    entries = [element("li", f"{total} comparison{'' if total == 1 else 's'}:")]
    for verdict in SHOWN:
        number = sum(group.count(verdict) for group in groups)
        if verdict == "no signal" and not number:
            continue
        meaning = f": task {' or '.join(_reasons(groups))}" if verdict == "no signal" else ""
        words = f"{_glyph(verdict)}<span><b>{number}</b> {escape(verdict + meaning)}</span>"
        entries.append(element("li", words, class_=STYLES[verdict]))
    band = (
        '<svg class="glyph" width="22" height="14" aria-hidden="true"><rect class="band" width="22" height="14"/>'
        '<line class="zero" x1="11" x2="11" y1="0" y2="14"/></svg>'
    )
    entries.append(element("li", f"{band}no difference, and the margin of equivalence"))
    return element("ul", "".join(entries), class_="legend")


def _reasons(groups: Sequence[Comparison]) -> list[str]:
    flags = {flag for group in groups for finding in group.findings for flag in finding.flags}
    return [reason for reason in NO_SIGNAL if reason in flags]


def _panel(group: Comparison, blocks: Sequence[Block], with_scale: bool, *, labelled: bool) -> str:
    name = f'<span class="arm">{escape(group.arm)}</span> <span class="against">against {escape(group.control)}</span>'
    scale = f' <span class="scale">{escape(group.scale)}</span>' if with_scale else ""
    head = element("h3", link(anchor("contrast", group.key), name + scale))
    flags = "".join(element("span", escape(flag), class_="flag") for flag in group.flags)
    top = element("header", head + element("div", flags, class_="flags"))
    body = element("div", "".join(_block(group, block) for block in blocks), class_="body")
    return element("section", top + body, class_=f"panel{' labelled' if labelled else ''}", aria_label=group.key)


def _block(group: Comparison, block: Block) -> str:
    unit = scale_of(block.unit).difference
    title = element("span", escape(block.head), class_="label") if block.head else ""
    way = '<span class="way"><span>← worse</span><span>better →</span></span>'
    head = element("div", title + way + element("span", escape(_short(unit)), class_="value"), class_="row head")
    found = {finding.outcome: finding for finding in group.findings}
    rows = "".join(_row(found.get(outcome), outcome, block) for outcome in block.outcomes)
    return element("div", head + rows + _axis_row(block.axis), class_="block")


def _short(unit: str) -> str:
    return {"bits per byte": "bits/byte"}.get(unit, unit)


def _row(finding: Finding | None, outcome: str, block: Block) -> str:
    name = label_of(outcome)
    label = element("span", escape(name), class_="label", title=outcome)
    kind = "row mean-row" if is_mean(outcome) else "row"
    if len(name) > LONG:
        kind += " longer" if len(name) > LONGER else " long"
    if finding is None:
        middle = element("span", "not compared", class_="absent")
        return element("div", label + middle + element("span", "–", class_="value"), class_=kind)
    number = element("span", escape(difference(finding.difference, finding.unit)), class_="value")
    return element("div", label + _plot(finding, block.axis) + number, class_=f"{kind} {STYLES[shown(finding)]}")


def _plot(finding: Finding, axis: Axis) -> str:
    low, middle, high = (100 * axis.share(gain) for gain in gains(finding))
    left, right = 100 * axis.share(-finding.margin), 100 * axis.share(finding.margin)
    zero = 100 * axis.share(0)
    return (
        f'<svg class="plot" role="img">{element("title", escape(describe(finding)))}'
        f'<rect class="band" x="{left:.2f}%" width="{right - left:.2f}%" height="100%"/>'
        f'<line class="zero" x1="{zero:.2f}%" x2="{zero:.2f}%" y1="0" y2="100%"/>'
        f'<line class="whisker" x1="{low:.2f}%" x2="{high:.2f}%" y1="50%" y2="50%"/>'
        f'<svg x="{middle:.2f}%" y="50%" overflow="visible">'
        f'<path class="mark" d="{SHAPES[shown(finding)]}"/></svg></svg>'
    )


def describe(finding: Finding) -> str:
    """A finding in one line: outcome, difference, unit, interval, verdict."""
    unit = scale_of(finding.unit).difference
    spread = interval(*finding.interval, finding.unit)
    return f"{finding.outcome}: {difference(finding.difference, finding.unit)} {unit} ({spread}), {shown(finding)}"


def _axis_row(axis: Axis) -> str:
    marks = "".join(
        f'<line class="tick" x1="{100 * axis.share(gain):.2f}%" x2="{100 * axis.share(gain):.2f}%" y1="0" y2="4"/>'
        f'<text x="{100 * axis.share(gain):.2f}%" y="15">{escape(label)}</text>'
        for gain, label in axis.ticks
    )
    line = '<line class="tick" x1="0" x2="100%" y1="0.5" y2="0.5"/>'
    plot = f'<svg class="plot axis" height="20" aria-hidden="true">{line}{marks}</svg>'
    return element("div", '<span class="label"></span>' + plot + '<span class="value"></span>', class_="row foot")
