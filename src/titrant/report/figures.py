"""Charts below the first screen, as Vega-Lite 6 specifications: plain data; the page's theme gives the colours.

Long lines are thinned to at most 400 points by taking evenly spaced ones, the first and the last always among them:
what is drawn was measured, and rebuilding draws the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import isfinite
from typing import Any

from titrant.report.material import Material, TrainedPhase
from titrant.report.numbers import scale_of
from titrant.report.outcomes import label_of, title_of
from titrant.report.tables import seed_scores, unit_of

POINTS = 400
"""Most points of one run's line."""

Spec = dict[str, Any]
Rows = list[dict[str, Any]]


def evenly(length: int, most: int) -> list[int]:
    """At most `most` (2 or more) indices below `length`, evenly spaced, the first and the last among them.

    >>> evenly(5, 10), evenly(101, 3)
    ([0, 1, 2, 3, 4], [0, 50, 100])
    """
    if length <= most:
        return list(range(length))
    return [place * (length - 1) // (most - 1) for place in range(most)]


def loss_figure(material: Material, scale: str) -> Spec:
    """Training loss over tokens, one thin line a run, coloured by arm; rules where a phase ends."""
    lines = _lines(material, scale, "loss")
    return _curves(material, scale, lines, "loss", "training loss, nats a token", zero=False)


def rate_figure(material: Material, scale: str) -> Spec:
    """Realised learning rate over tokens; runs of an arm with the same curve are drawn once."""
    lines: Rows = []
    for line in _lines(material, scale, "rate"):
        same = [
            other
            for other in lines
            if (other["arm"], other["tokens"], other["rate"]) == (line["arm"], line["tokens"], line["rate"])
        ]
        if not same:
            lines.append(line)
    return _curves(material, scale, lines, "rate", "learning rate", zero=True)


def _curves(material: Material, scale: str, lines: Rows, column: str, title: str, *, zero: bool) -> Spec:
    curve = {
        "data": {"values": lines},
        "transform": [{"flatten": ["tokens", column]}],
        "mark": {"type": "line", "strokeWidth": 1.3, "opacity": 0.85, "clip": True},
        "encoding": {
            "x": _tokens_axis(),
            "y": {"field": column, "type": "quantitative", "title": title, "scale": {"zero": zero}},
            "color": _by_arm(material, scale),
            "strokeDash": _by_arm(material, scale),
            "detail": [{"field": "run"}],
        },
    }
    return {"width": 520, "height": 260, "layer": [curve, _phase_rules(material, scale)]}


def _lines(material: Material, scale: str, column: str) -> Rows:
    rows: Rows = []
    for phases in _runs(material, scale):
        each = max(2, POINTS // len(phases))
        tokens: list[int] = []
        values: list[float] = []
        for phase in phases:
            curves = material.curves[phase.place.id]
            measured = curves.loss if column == "loss" else curves.learning_rate
            keep = [index for index in evenly(len(measured), each) if isfinite(measured[index])]
            tokens += [curves.tokens[index] for index in keep]
            values += [_short(measured[index]) for index in keep]
        rows.append({**_who(phases), "tokens": tokens, column: values})
    return rows


def checks_figure(material: Material, scale: str) -> Spec | None:
    """Bits per byte at checks inside the phases, one small chart a source; None where no check was made."""
    rows: Rows = []
    for phases in _runs(material, scale):
        for phase in phases:
            curves = material.curves[phase.place.id]
            for outcome, (tokens, values) in curves.checks.items():
                for seen, value in zip(tokens, values, strict=True):
                    rows.append({**_who(phases), "source": label_of(outcome), "tokens": seen, "value": _short(value)})
    if not rows:
        return None
    chart = {
        "width": 250,
        "height": 190,
        "mark": {"type": "line", "point": {"size": 16}, "strokeWidth": 1.3, "opacity": 0.85},
        "encoding": {
            "x": _tokens_axis(),
            "y": {"field": "value", "type": "quantitative", "title": "bits per byte", "scale": {"zero": False}},
            "color": _by_arm(material, scale),
            "strokeDash": _by_arm(material, scale),
            "detail": [{"field": "run"}],
        },
    }
    return _facets(chart, rows, "source", list(dict.fromkeys(row["source"] for row in rows)))


def outcomes_figure(material: Material, scale: str, outcomes: Sequence[str], code_shares: Mapping[str, float]) -> Spec:
    """Outcomes against the share of code where arms differ in it, else by arm: a point a run, a chart an outcome."""
    shares = {arm: code_shares[arm] for arm in material.arms if arm in code_shares}
    by_share = len({round(share, 3) for share in shares.values()}) > 2
    rows: Rows = []
    for outcome in outcomes:
        unit = unit_of(outcome)
        for arm in material.arms:
            for value in seed_scores(material, arm, scale, outcome):
                shown = _short(value * scale_of(unit).factor)
                head = f"{title_of(outcome)} ({scale_of(unit).level})"
                rows.append({"arm": arm, "outcome": head, "value": shown, "share": _short(100 * shares.get(arm, 0.0))})
    across = (
        {"field": "share", "type": "quantitative", "title": "code, % of training tokens", "scale": {"domain": [0, 100]}}
        if by_share
        else {
            "field": "arm",
            "type": "nominal",
            "title": None,
            "sort": list(material.arms),
            "axis": {"labelAngle": -35},
        }
    )
    chart = {
        "width": 190,
        "height": 140,
        "mark": {"type": "point", "size": 46, "filled": False, "opacity": 0.9},
        "encoding": {
            "x": across,
            "y": {"field": "value", "type": "quantitative", "title": None, "scale": {"zero": False}},
            "color": _by_arm(material, scale),
            "shape": _by_arm(material, scale),
        },
    }
    return _facets(chart, rows, "outcome", list(dict.fromkeys(row["outcome"] for row in rows)))


def _facets(chart: Spec, rows: Rows, field: str, order: list[str]) -> Spec:
    return {
        "data": {"values": rows},
        "facet": {"field": field, "type": "nominal", "title": None, "sort": order, "header": {"labelFontSize": 12}},
        "columns": 4,
        "spec": chart,
        "resolve": {"scale": {"y": "independent"}},
    }


def _phase_rules(material: Material, scale: str) -> Spec:
    ends: dict[int, str] = {}
    for phases in _runs(material, scale):
        for phase, following in pairwise(phases):
            ends.setdefault(phase.checkpoint.total_tokens, f"{following.place.phase} begins")
    return {
        "data": {"values": [{"tokens": tokens, "begins": words} for tokens, words in sorted(ends.items())]},
        "layer": [
            {"mark": {"type": "rule", "strokeDash": [2, 3], "opacity": 0.7}, "encoding": {"x": _tokens_axis()}},
            {
                "mark": {
                    "type": "text",
                    "align": "left",
                    "baseline": "top",
                    "dx": 4,
                    "y": 0,
                    "fontSize": 10,
                    "opacity": 0.8,
                },
                "encoding": {"x": _tokens_axis(), "text": {"field": "begins"}},
            },
        ],
    }


def _tokens_axis() -> Spec:
    axis = {"format": "~s", "tickCount": 4}
    return {"field": "tokens", "type": "quantitative", "title": "tokens seen by the run", "axis": axis}


def _by_arm(material: Material, scale: str) -> Spec:
    arms = [arm for arm in material.arms if material.runs_of(arm, scale)]
    return {"field": "arm", "type": "nominal", "scale": {"domain": arms}, "legend": {"title": None, "orient": "top"}}


def _runs(material: Material, scale: str) -> list[tuple[TrainedPhase, ...]]:
    return [run for arm in material.arms for run in material.runs_of(arm, scale)]


def _who(phases: tuple[TrainedPhase, ...]) -> dict[str, Any]:
    run = phases[0].place.run
    return {"run": run.id, "arm": run.arm}


def _short(value: float) -> float:
    return float(f"{value:.5g}")
