"""Where everything stands in a forest plot: blocks of outcomes with one unit, their common axis, its ticks.

Axes are turned so that right is always better: an outcome of which less is good runs from positive differences on the
left to negative ones on the right. Tick labels stay the differences themselves, so nothing has to be turned back.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from titrant.report.document import Finding
from titrant.report.numbers import MINUS, scale_of
from titrant.report.outcomes import Comparison, family_head, family_of, without_signal


@dataclass(frozen=True)
class Axis:
    """The common axis of a block: ends and ticks in gain, which is the difference, turned so that more is better."""

    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]
    """Gain, and the difference as it is written there."""

    def share(self, gain: float) -> float:
        """Place of a gain between the ends, 0 to 1."""
        return (gain - self.low) / (self.high - self.low)


@dataclass(frozen=True)
class Block:
    """Outcomes of one family: they share a unit, a direction and an axis over all comparisons."""

    head: str
    unit: str
    better_is: str
    outcomes: tuple[str, ...]
    mute: frozenset[str]
    """Outcomes that can tell nothing in any comparison: tasks at chance, or collapsed onto one answer."""
    axis: Axis


def gains(finding: Finding) -> tuple[float, float, float]:
    """(lower end, difference, upper end), turned so that more is better."""
    low, high = finding.interval
    if finding.better_is == "lower":
        return -high, -finding.difference, -low
    return low, finding.difference, high


def blocks_of(groups: Sequence[Comparison], outcomes: Sequence[str]) -> tuple[Block, ...]:
    """Blocks in the order of their first outcome."""
    members: dict[tuple[str, str, str], list[str]] = {}
    findings: dict[tuple[str, str, str], list[Finding]] = {}
    by_outcome = {outcome: [f for g in groups for f in g.findings if f.outcome == outcome] for outcome in outcomes}
    for outcome, found in by_outcome.items():
        for finding in found:
            key = (family_of(outcome), finding.unit, finding.better_is)
            findings.setdefault(key, []).append(finding)
            if outcome not in members.setdefault(key, []):
                members[key].append(outcome)
    return tuple(
        Block(
            family_head(family),
            unit,
            better,
            tuple(members[key]),
            frozenset(members[key]) - {finding.outcome for finding in findings[key] if not without_signal(finding)},
            _axis(findings[key], unit, better),
        )
        for key in members
        for family, unit, better in [key]
    )


def _axis(findings: Sequence[Finding], unit: str, better_is: str) -> Axis:
    return axis_of([end for f in findings for end in (*gains(f), f.margin, -f.margin)], unit, better_is)


def axis_of(ends: Sequence[float], unit: str, better_is: str, ticks: int = 3) -> Axis:
    """An axis that holds all of some gains, with about so many round ticks."""
    low, high = min(ends), max(ends)
    pad = 0.06 * (high - low)
    low, high = low - pad, high + pad
    factor = scale_of(unit).factor
    step = _step((high - low) * factor / ticks) / factor
    first, last = math.ceil(low / step), math.floor(high / step)
    sign = -1 if better_is == "lower" else 1
    places = max(0, -math.floor(math.log10(step * factor) + 1e-9))
    marks = tuple((k * step, _tick(sign * k * step * factor, places)) for k in range(first, last + 1))
    return Axis(low, high, marks)


def _step(rough: float) -> float:
    """The round step next above: 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(rough))
    return power * next((m for m in (1, 2, 5) if rough <= m * power), 10)


def _tick(value: float, places: int) -> str:
    text = f"{abs(value):.{places}f}"
    if not text.strip("0."):
        return "0"
    return f"{'+' if value > 0 else MINUS}{text}"
