"""The section "Learning rate": one contrast at several rates, as a sentence, small multiples and two tables."""

from __future__ import annotations

from collections.abc import Sequence

from titrant.report import numbers
from titrant.report.cells import Cell, Column, Table, cell, to_html, to_markdown
from titrant.report.document import ProbedArm, ProbedOutcome, ProbedValue, RateProbe
from titrant.report.forest import SHAPES, STYLES, verdict_mark
from titrant.report.layout import Axis, axis_of
from titrant.report.markup import element, escape, markdown_text
from titrant.report.outcomes import NO_SIGNAL, Shown, label_of, where_of

DASH = "–"
UNLIKE = " x against the study's own runs: "
"""In each flag that says what differs between a rate and the study's beside the rate (`analyze/rate_probe.py`)."""
RESOLVED = ("better", "worse", "equivalent")
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 230, 136, 48, 14, 8, 24
"""Pixels of one small chart, and what stands free around its plot."""
CHARTS = (
    "Each chart has a range of its own; up is better, the band is the margin of equivalence, the bold rate the study's."
)


def probe_html(probe: RateProbe, alpha: float) -> str:
    """The section of the page."""
    flags = "".join(element("span", escape(flag), class_="flag") for flag in probe.flags)
    return "".join(
        [
            element("p", escape(sentence(probe))),
            element("p", flags, class_="flags") if flags else "",
            element("p", escape(_note(probe, alpha)), class_="note"),
            element("p", CHARTS, class_="note"),
            element("div", "".join(_charts(probe)), class_="probes"),
            to_html(outcomes_table(probe, alpha)),
            element("p", escape(_note_on_rates(probe)), class_="note"),
            to_html(rates_table(probe)),
        ]
    )


def probe_markdown(probe: RateProbe, alpha: float) -> list[str]:
    """The same for report.md, without the charts."""
    parts = ["## Learning rate", markdown_text(sentence(probe))]
    parts += ["Flags: " + markdown_text("; ".join(probe.flags))] if probe.flags else []
    parts += [markdown_text(_note(probe, alpha)), to_markdown(outcomes_table(probe, alpha))]
    return [*parts, markdown_text(_note_on_rates(probe)), to_markdown(rates_table(probe))]


def sentence(probe: RateProbe) -> str:
    """Which of the study's verdicts hold at every rate, which turn, and which are not resolved everywhere."""
    rates = _listing([_times(rate.factor) for rate in probe.rates])
    told = [one for one in probe.outcomes if one.study_verdict in RESOLVED]
    parts = []
    for stands, one, many in (
        ("holds", "holds at every rate", "hold at every rate"),
        ("turns", "turns with the rate", "turn with the rate"),
        ("not at every rate", "is another at some rate and does not turn", "are others at some rate and do not turn"),
    ):
        if names := [where_of(outcome.outcome) for outcome in told if outcome.stands == stands]:
            parts.append(f"{len(names)} {one if len(names) == 1 else many} ({_listing(names)})")
    first = (
        f"of {len(told)} verdict{'' if len(told) == 1 else 's'} of {probe.arm} against {probe.control}, "
        f"{_listing(parts)}"
        if told
        else f"no verdict of {probe.arm} against {probe.control} is resolved in the study"
    )
    open_ = [one for one in probe.outcomes if one.study_verdict not in RESOLVED]
    elsewhere = [where_of(one.outcome) for one in open_ if any(value.verdict in RESOLVED for value in one.rates)]
    rest = f"; resolved at some rate and not in the study: {_listing(elsewhere)}" if elsewhere else ""
    unlike = "; runs at other rates differ in more than the rate, as flagged" if _differs(probe) else ""
    return f"At {rates} the study's learning rate, {probe.scale} scale: {first}{rest}{unlike}."


def _differs(probe: RateProbe) -> bool:
    """Whether anything but the rate differs between the runs at one rate and those at another."""
    return any(UNLIKE in flag for flag in probe.flags)


def _note(probe: RateProbe, alpha: float) -> str:
    same = "all else declared the same, but not all of it was" if _differs(probe) else "all else the same"
    more = " With one seed nothing can be resolved." if len(probe.seeds) == 1 else ""
    return (
        f"The two arms were trained again at other peak rates, {same} ({numbers.seeds(len(probe.seeds))}). "
        f"Differences are arm minus control with {numbers.percent(1 - alpha)} intervals, as in the findings; verdicts "
        f"are corrected by Holm over the {probe.family} comparisons of this section alone, so that at 1\u202f× one may "
        "differ from the study's. A verdict turns if “better” and “worse” occur, or “equivalent” and one of them that "
        "is not smaller than the margin, the study's own counted; “not resolved” turns nothing. The change is the "
        "difference at a rate minus that at the study's, "
        f"paired by seed and item, its interval not corrected.{more}"
    )


def _note_on_rates(probe: RateProbe) -> str:
    return (
        "How well each arm trained, means over seeds, the lowest of a column marked. Losses of the two arms are over "
        "different mixtures and do not compare with each other. A lowest value at an end of the range says that the "
        "best rate may lie beyond it."
    )


def outcomes_table(probe: RateProbe, alpha: float) -> Table:
    """Every outcome at every rate."""
    columns = (
        Column("outcome"),
        Column("rate", numeric=True, note="multiple of the study's learning rate"),
        Column("difference", numeric=True, note="arm minus control"),
        Column(f"{numbers.percent(1 - alpha)} interval", numeric=True),
        Column("p adjusted", numeric=True, note="corrected over all outcomes at all rates of the probe"),
        Column("verdict"),
        Column("change", numeric=True, note="difference at this rate minus that at the study's"),
        Column("interval of the change", numeric=True, note="not corrected"),
        Column("the study's verdict"),
    )
    rows = tuple(_row(probe, one, value) for one in probe.outcomes for value in one.rates)
    return Table(columns, rows, caption=f"{probe.contrast} at {probe.scale} scale, by learning rate")


def _row(probe: RateProbe, one: ProbedOutcome, value: ProbedValue) -> tuple[Cell, ...]:
    unit = numbers.scale_of(one.unit).level
    small = element("span", escape(unit), class_="unit")
    verdict = _shown(value)
    flags = [flag for flag in value.flags if flag not in (*NO_SIGNAL, *probe.flags)]
    chips = "".join(f" {element('span', escape(flag), class_='flag')}" for flag in flags)
    return (
        cell(f"{one.outcome} ({unit})", markup=f"{escape(label_of(one.outcome))} {small}", sort=one.outcome),
        cell(_times(value.factor), sort=value.factor, style="strong" if value.factor == 1 else None),
        cell(numbers.difference(value.difference, one.unit), sort=value.difference),
        cell(numbers.interval(*value.interval, one.unit), sort=value.interval[0]),
        cell(DASH) if value.p_adjusted is None else cell(numbers.probability(value.p_adjusted), sort=value.p_adjusted),
        cell(f"{verdict} ({'; '.join(flags)})" if flags else verdict, markup=verdict_mark(verdict) + chips),
        cell(DASH) if value.change is None else cell(numbers.difference(value.change, one.unit), sort=value.change),
        cell(numbers.interval(*value.change_interval, one.unit) if value.change_interval else DASH),
        cell(_in_study(one), style="alarm" if one.stands == "turns" else None),
    )


def _in_study(one: ProbedOutcome) -> str:
    """The study's verdict, and whether it holds; of one that is not resolved, only that another is at some rate."""
    if one.study_verdict in RESOLVED:
        return f"{one.study_verdict}: {one.stands}"
    return one.study_verdict if one.stands == "holds" else f"{one.study_verdict}: resolved at some rate"


def rates_table(probe: RateProbe) -> Table:
    """Every rate with the final loss and the bits per byte of both arms."""
    columns = [Column("rate", numeric=True), Column("learning rate", numeric=True)]
    for arm in (probe.arm, probe.control):
        columns += [
            Column(f"{arm}: final loss, nats a token", numeric=True),
            Column(f"{arm}: bits per byte", numeric=True, note="plain mean over the sources that are scored"),
        ]
    rows = []
    for rate in probe.rates:
        sides = ((rate.arm, probe.best_arm), (rate.control, probe.best_control))
        figures = [
            figure
            for side, best in sides
            for figure in _figures(side, best.final_loss == rate.factor, best.bits_per_byte == rate.factor)
        ]
        rows.append((cell(_times(rate.factor), sort=rate.factor), cell(f"{rate.learning_rate:.4g}"), *figures))
    return Table(tuple(columns), tuple(rows), caption="How well the arms trained at each learning rate")


def _figures(side: ProbedArm, best_loss: bool, best_bits: bool) -> tuple[Cell, Cell]:
    return _measured(side.final_loss, best_loss), _measured(side.bits_per_byte, best_bits)


def _measured(value: float | None, lowest: bool) -> Cell:
    if value is None:
        return cell(DASH)
    shown = numbers.plain(value, 4)
    return cell(f"{shown} (lowest)" if lowest else shown, sort=value, style="strong" if lowest else None)


def _charts(probe: RateProbe) -> list[str]:
    """One small chart an outcome that can be told from chance at some rate, each with a range of its own."""
    told = [one for one in probe.outcomes if any(_shown(value) != "no signal" for value in one.rates)]
    drawn = []
    for one in told:
        ends = [end for value in one.rates for end in (*_gains(value, one), one.margin, -one.margin)]
        unit = element("span", escape(numbers.scale_of(one.unit).difference), class_="unit")
        caption = element("figcaption", f"{escape(where_of(one.outcome))} {unit}")
        drawn.append(element("figure", caption + _chart(one, axis_of(ends, one.unit, one.better_is, ticks=5))))
    return drawn


def _chart(one: ProbedOutcome, axis: Axis) -> str:
    """Rates from left to right, better up: the margin's band, the line of no difference, intervals and markers."""

    def height(gain: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - axis.share(gain))

    right, step = WIDTH - RIGHT, (WIDTH - LEFT - RIGHT) / len(one.rates)
    high, low = height(one.margin), height(-one.margin)
    parts = [
        element("title", escape(f"{one.outcome}: {', '.join(_in_words(value, one) for value in one.rates)}")),
        f'<rect class="band" x="{LEFT}" y="{high:.1f}" width="{right - LEFT}" height="{low - high:.1f}"/>',
        _line("zero", LEFT, height(0), right, height(0)),
    ]
    for gain, label in axis.ticks:
        parts.append(_line("tick", LEFT - 4, height(gain), LEFT, height(gain)))
        parts.append(f'<text class="side" x="{LEFT - 7}" y="{height(gain) + 3.5:.1f}">{escape(label)}</text>')
    for place, value in enumerate(one.rates):
        x = LEFT + step * (place + 0.5)
        lower, middle, upper = (height(gain) for gain in _gains(value, one))
        mark = f'<path class="mark" d="{SHAPES[_shown(value)]}" transform="translate({x:.1f} {middle:.1f})"/>'
        parts.append(element("g", _line("whisker", x, lower, x, upper) + mark, class_=STYLES[_shown(value)]))
        own = "own" if value.factor == 1 else None
        parts.append(element("text", escape(_times(value.factor)), class_=own, x=f"{x:.1f}", y=HEIGHT - 6))
    return element("svg", "".join(parts), class_="probe axis", role="img", viewBox=f"0 0 {WIDTH} {HEIGHT}")


def _line(kind: str, x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _in_words(value: ProbedValue, one: ProbedOutcome) -> str:
    shown = numbers.difference(value.difference, one.unit)
    return f"{shown} ({numbers.interval(*value.interval, one.unit)}), {_shown(value)} at {_times(value.factor)}"


def _gains(value: ProbedValue, one: ProbedOutcome) -> tuple[float, float, float]:
    low, high = value.interval
    return (-high, -value.difference, -low) if one.better_is == "lower" else (low, value.difference, high)


def _shown(value: ProbedValue) -> Shown:
    return "no signal" if any(flag in NO_SIGNAL for flag in value.flags) else value.verdict


def _times(factor: float) -> str:
    return f"{factor:g}{numbers.THIN}×"


def _listing(parts: Sequence[str]) -> str:
    return " and ".join(", ".join(parts).rsplit(", ", 1))
