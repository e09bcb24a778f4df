"""A strip of dots, one a seed, with a bar at their mean: the small drawing beside a score."""

from __future__ import annotations

from collections.abc import Sequence

from titrant.report.markup import element, escape


def strip(values: Sequence[float], mean: float | None, low: float, high: float, label: str) -> str:
    """Inline SVG as wide as its cell; all arms of an outcome share the range from `low` to `high`."""
    bar = _at(mean, low, high) if mean is not None else None
    drawn = ['<line class="rail" x1="4%" x2="96%" y1="8" y2="8"/>']
    if bar is not None:
        drawn.append(f'<line class="mean-bar" x1="{bar}" x2="{bar}" y1="2" y2="14"/>')
    drawn += [f'<circle class="seed-dot" cx="{_at(value, low, high)}" cy="8" r="2.6"/>' for value in values]
    title = element("title", escape(label))
    return f'<svg class="strip" role="img" height="16">{title}{"".join(drawn)}</svg>'


def _at(value: float, low: float, high: float) -> str:
    share = (value - low) / (high - low) if high > low else 0.5
    return f"{4 + 92 * share:.2f}%"
