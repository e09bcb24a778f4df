"""report.html: one self-contained page, put together from the same rows that report.md and report.json are made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from string import Template

from titrant.errors import EngineError
from titrant.report import (
    companions,
    data,
    figures,
    judged,
    ledger,
    overlap,
    programs,
    provenance,
    rate_probe,
    signal,
    synthesis,
    tables,
)
from titrant.report.cells import Table, to_html
from titrant.report.document import Report
from titrant.report.forest import forest_html
from titrant.report.layout import Block
from titrant.report.markup import anchor, element, embedded_json, embedded_script, escape, link
from titrant.report.material import Material
from titrant.report.numbers import count, percent
from titrant.report.outcomes import Comparison
from titrant.report.planted import NOTE, planted_table

LOSS_CAPTION = (
    "Training loss of every run. Arms train on different mixtures, so their losses do not compare across arms; "
    "dotted rules mark phases."
)


@dataclass(frozen=True)
class Story:
    """What page and Markdown both tell: the material, and what was composed from it."""

    material: Material
    report: Report
    groups: tuple[Comparison, ...]
    blocks: tuple[Block, ...]
    outcomes: tuple[str, ...]
    code_shares: dict[str, float]
    """Share of realised tokens from sources of kind code, by arm."""
    tally: str
    limits: str
    alpha: float


def compose_page(story: Story) -> str:
    """The whole page. Raises EngineError if the chart library is not installed."""
    charts: dict[str, figures.Spec] = {}
    sections = [(title, body) for title, make in _SECTIONS if (body := make(story, charts))]
    written = "".join(
        element("section", element("h2", escape(title)) + body, id=anchor("section", title)) for title, body in sections
    )
    fill = {
        "title": escape(f"{story.report.study['study']}: {story.report.question}"),
        "css": _data("page.css"),
        "study": escape(story.report.study["study"]),
        "question": escape(story.report.question),
        "headline": escape(story.report.headline),
        "forest": forest_html(story.groups, story.blocks, story.material.scales) if story.groups else "",
        "limits": escape(story.limits),
        "contents": "".join(link(anchor("section", title), escape(title)) for title, _ in sections),
        "sections": written,
        "footer": escape(_footer(story)),
        "charts": embedded_json(charts),
        "bundle": chart_library(),
        "script": _data("page.js"),
    }
    return Template(_data("page.html")).substitute(fill)


@cache
def chart_library() -> str:
    """Vega, Vega-Lite and vega-embed as one script. Raises EngineError naming the extra if it is not installed."""
    try:
        import vl_convert
    except ImportError:
        raise EngineError(
            "the report's charts need vl-convert, which is not installed: pip install titrant[report]"
        ) from None
    return embedded_script(vl_convert.javascript_bundle())  # type: ignore[call-arg]  # its stub is wrong


def _data(name: str) -> str:
    return (resources.files("titrant.report") / name).read_text(encoding="utf-8")


def _footer(story: Story) -> str:
    fingerprint = story.material.records["findings"].fingerprint
    return f"Made by Titrant from findings {fingerprint}. The same artifacts give the same bytes of this page."


def _findings(story: Story, charts: dict[str, figures.Spec]) -> str:
    level = percent(1 - story.alpha)
    note = (
        f"Differences are arm minus control, paired by seed, with {level} intervals over seeds and items. Two kinds of "
        "claim are made, each corrected by Holm over all contrasts and outcomes of a scale: “better” or “worse”, of "
        f"which any is false with a probability of at most {percent(story.alpha)}, and “equivalent”, of which the same "
        "holds. So an interval that excludes zero may still be “not resolved”. Heads sort; numbers lead to the runs "
        "behind them."
    )
    parts = [element("p", escape(note), class_="note")]
    for group in story.groups:
        parts.append(
            element(
                "h3",
                escape(f"{group.arm} against {group.control} at {group.scale} scale"),
                id=anchor("contrast", group.key),
            )
        )
        if group.flags:
            parts.append(
                element(
                    "p",
                    "".join(element("span", escape(flag), class_="flag") for flag in group.flags),
                    class_="flags",
                )
            )
        runs = ", ".join(link(anchor("run", run), escape(run)) for run in tables.runs_behind(group))
        parts.append(element("p", f"Runs: {runs}", class_="note runs", id=tables.runs_anchor(group)))
        parts.append(to_html(tables.findings_table(group, story.alpha)))
        if dashes := tables.dash_note(group):
            parts.append(element("p", escape(dashes), class_="note dashes"))
        correction = to_html(tables.correction_table(story.material, group, story.alpha))
        parts.append(_folded("Before and after correction, and seed by seed", correction))
    return "".join(parts)


def _learning_rate(story: Story, charts: dict[str, figures.Spec]) -> str:
    probe = story.report.learning_rate_probe
    return rate_probe.probe_html(probe, story.alpha) if probe else ""


def _scores(story: Story, charts: dict[str, figures.Spec]) -> str:
    note = (
        "At the end of training: the mean over seeds, a dot for each seed, a bar at the mean. "
        "All arms of a row share its range."
    )
    parts = [element("p", note, class_="note")]
    for scale in story.material.scales:
        parts.append(element("h3", escape(f"{scale} scale")))
        parts.append(to_html(tables.scores_table(story.material, scale, story.outcomes)))
        figure = figures.outcomes_figure(story.material, scale, story.outcomes, story.code_shares)
        parts.append(_figure(charts, f"outcomes-{scale}", figure, "Every run's score, each chart with its own range."))
    return "".join(parts)


def _training(story: Story, charts: dict[str, figures.Spec]) -> str:
    parts = []
    for scale in story.material.scales:
        inner = [
            _figure(
                charts,
                f"loss-{scale}",
                figures.loss_figure(story.material, scale),
                LOSS_CAPTION,
            ),
            _figure(
                charts, f"rate-{scale}", figures.rate_figure(story.material, scale), "Learning rate as it was realised."
            ),
        ]
        checks = figures.checks_figure(story.material, scale)
        if checks:
            inner.append(
                _figure(
                    charts,
                    f"checks-{scale}",
                    checks,
                    "Bits per byte of held-out documents at checks inside the phases; lower is better.",
                )
            )
        parts.append(element("h3", escape(f"{scale} scale")) + element("div", "".join(inner), class_="charts"))
    return (
        "".join(parts)
        + "<noscript><p>Curves are drawn by script; all findings and scores stand in the tables.</p></noscript>"
    )


def _figure(charts: dict[str, figures.Spec], name: str, spec: figures.Spec, caption: str) -> str:
    identity = anchor("chart", name)
    charts[identity] = spec
    style = "full" if "facet" in spec else None
    drawn = element("div", "", class_="chart", id=identity)
    return element("figure", element("figcaption", escape(caption)) + drawn, class_=style)


def _signal(story: Story, charts: dict[str, figures.Spec]) -> str:
    written = [tables.baselines_table(story.material, scale, story.outcomes) for scale in story.material.scales]
    if not any(table.rows for table in written):
        return element("p", "The study has no task.", class_="note")
    note = (
        "What guessing, always giving the commonest answer, and every arm score. A comparison is not tested on a task "
        "that its two arms together do not do above chance, or on which one of the two is credited for giving one "
        "answer out of habit. Which tasks are in a mean is decided over all arms, so that a mean is over the same "
        "tasks in every row: the rule stands under Signal and noise."
    )
    parts = [element("p", note, class_="note"), *(to_html(table) for table in written if table.rows)]
    habits = [signal.habits_table(story.material, scale, story.outcomes) for scale in story.material.scales]
    if any(table.rows for table in habits):
        body = element("p", escape(signal.HABITS), class_="note") + "".join(to_html(t) for t in habits if t.rows)
        parts.append(_folded("Habits of answering: leaning to one answer, empty and looping outputs", body))
    doses = [planted_table(story.material, story.report.ledger, scale) for scale in story.material.scales]
    if not any(table.rows for table in doses):
        return "".join(parts)
    head = element("h3", "Planted facts") + element("p", escape(NOTE), class_="note")
    return "".join(parts) + head + "".join(to_html(table) for table in doses)


def _noise(story: Story, charts: dict[str, figures.Spec]) -> str:
    written = [signal.signal_table(story.material, scale, story.outcomes) for scale in story.material.scales]
    if not any(table.rows for table in written):
        return ""
    notes = [signal.note_of(story.material, story.report.rule), *signal.gap_notes(story.material.study)]
    notes += [*([cut] if (cut := signal.cut_note(story.material)) else []), *signal.data_notes(story.material)]
    return "".join(element("p", escape(note), class_="note") for note in notes) + _by_scale(story, written)


def _companions(story: Story, charts: dict[str, figures.Spec]) -> str:
    if not story.report.companions:
        return ""
    parts = [element("p", escape(companions.note_of(story.alpha)), class_="note")]
    for scale in story.material.scales:
        ratios = companions.ratios_table(story.material, scale)
        if not ratios.rows:
            continue
        levels = to_html(companions.levels_table(story.material, scale))
        differences = to_html(companions.differences_table(story.material, scale, story.alpha))
        parts += [element("h3", escape(f"{scale} scale")), to_html(ratios)]
        parts += [_folded("Every arm", levels), _folded("Differences with intervals", differences)]
    return "".join(parts)


def _programs(story: Story, charts: dict[str, figures.Spec]) -> str:
    written = [programs.programs_table(story.report.programs, scale) for scale in story.material.scales]
    if not any(table.rows for table in written):
        return ""
    return element("p", escape(programs.NOTE), class_="note") + _by_scale(story, written)


def _judged(story: Story, charts: dict[str, figures.Spec]) -> str:
    if not story.report.judged:
        return ""
    parts = [element("p", escape(judged.note_of(story.report.win_rate, story.alpha)), class_="note")]
    rates = [judged.rates_table(story.report.judged, scale, story.alpha) for scale in story.material.scales]
    judges = [judged.judges_table(story.report.judged, scale) for scale in story.material.scales]
    parts += [_by_scale(story, rates), element("h3", "The judges")]
    return "".join([*parts, element("p", escape(judged.JUDGES_NOTE), class_="note"), _by_scale(story, judges)])


def _by_scale(story: Story, written: Sequence[Table]) -> str:
    """A table a scale, under heads where there are several scales."""
    several = len(story.material.scales) > 1
    return "".join(
        (element("h3", escape(f"{scale} scale")) if several else "") + to_html(table)
        for scale, table in zip(story.material.scales, written, strict=True)
        if table.rows
    )


def _overlap(story: Story, charts: dict[str, figures.Spec]) -> str:
    parts = [element("p", escape(overlap.note_of(story.material.study, story.material.overlaps)), class_="note")]
    if story.report.overlaps:
        parts.append(to_html(overlap.overlap_table(story.report.overlaps)))
    for scale in story.material.scales:
        clean = overlap.clean_table(story.report.findings, scale)
        parts += [element("h3", escape(f"{scale} scale")), to_html(clean)] if clean.rows else []
        seen = overlap.exposure_table(story.report.exposures, scale)
        if seen.rows:
            parts += [element("p", escape(overlap.EXPOSURE_NOTE), class_="note"), to_html(seen)]
    return "".join(parts)


def _data_read(story: Story, charts: dict[str, figures.Spec]) -> str:
    return data.data_html(story.report.sources)


def _synthesis(story: Story, charts: dict[str, figures.Spec]) -> str:
    return synthesis.synthesis_html(story.report.synthesis) if story.report.synthesis else ""


def _ledger(story: Story, charts: dict[str, figures.Spec]) -> str:
    notes = (ledger.NOTE, ledger.same_documents(story.material.study, story.report.ledger))
    written = [to_html(tables.ledger_table(story.report.ledger, scale)) for scale in story.material.scales]
    return "".join(element("p", escape(note), class_="note") for note in notes if note) + "".join(written)


def _differences(story: Story, charts: dict[str, figures.Spec]) -> str:
    parts, seen = [], set()
    for group in story.groups:
        if (group.arm, group.control) in seen:
            continue
        seen.add((group.arm, group.control))
        parts.append(element("h3", escape(f"{group.arm} and {group.control} differ in")))
        table = tables.differences_table(story.material, group)
        parts.append(to_html(table) if table.rows else element("p", "nothing: their chains are the same."))
    return "".join(parts) or element("p", "The study declares no comparison.", class_="note")


def _provenance(story: Story, charts: dict[str, figures.Spec]) -> str:
    trained, unshared = provenance.tokens_trained(story.material)
    tokens = f"{count(trained)} tokens were trained on for {len(story.material.runs)} runs"
    if unshared > trained:
        tokens += f"; without shared phases it would have been {count(unshared)}"
    return "".join(
        [
            element("p", escape(f"{tokens}. {provenance.tokenizer_line(story.material)}")),
            element("h3", "Runs"),
            to_html(provenance.runs_table(story.report.runs)),
            *(element("p", escape(line)) for line in provenance.astray_lines(story.report.runs)),
            element("h3", "Artifacts"),
            _folded("Every input with its fingerprint", to_html(provenance.inputs_table(story.report.inputs))),
        ]
    )


def _rebuild(story: Story, charts: dict[str, figures.Spec]) -> str:
    intro = element(
        "p",
        "Run the study\u2019s own file. What it came to stands below with every default filled in; paths of local "
        "files are left out of it, because the hashes of their contents say what they are.",
    )
    commands = "".join(
        element("dt", escape(command)) + element("dd", escape(what)) for command, what in provenance.rebuild_commands()
    )
    study = element("pre", escape(provenance.study_yaml(story.material)))
    cost = element("p", escape(provenance.cost_note()), class_="note")
    return intro + element("dl", commands) + cost + _folded("The resolved study", study)


def _folded(summary: str, body: str) -> str:
    return element("details", element("summary", escape(summary)) + body)


_SECTIONS: tuple[tuple[str, Callable[[Story, dict[str, figures.Spec]], str]], ...] = (
    ("Findings", _findings),
    ("Learning rate", _learning_rate),
    ("Scores", _scores),
    ("Training", _training),
    ("Tasks and chance", _signal),
    ("Signal and noise", _noise),
    ("Beside accuracy", _companions),
    ("Code that was run", _programs),
    ("Judged", _judged),
    ("Data", _data_read),
    ("Synthetic code", _synthesis),
    ("Items in the data", _overlap),
    ("Ledger", _ledger),
    ("What the arms differ in", _differences),
    ("Provenance", _provenance),
    ("Build it again", _rebuild),
)
