"""One scale laid side by side: what was scored of its runs, what they were trained on, and what can be told of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from titrant.analyze.comparability import RunFacts, flags_of, read_facts
from titrant.analyze.flagged import Flagged, Part, read_flagged
from titrant.analyze.measure import MEANS, Measured, mean_name, measure
from titrant.analyze.paired import ItemTable, Panel, is_guessed, is_rate, kind_of, lay_side_by_side, read_items
from titrant.analyze.viability import Viability, judge_contrasts, judge_task
from titrant.artifacts import Checkpoint, CodeScores, Scores
from titrant.errors import StoreError, StudyError
from titrant.jobs import FindingsJob, Run


@dataclass(frozen=True)
class Programs:
    """What became of one run's solutions to one set of problems."""

    run: str
    arm: str
    scale: str
    outcome: str
    problems: int
    samples: int
    """Solutions of each problem."""
    pass_at_k: dict[str, float]
    """By k."""
    verdicts: dict[str, int]
    """How many solutions ended how."""
    empty: float
    """Share of empty solutions."""
    looping: float | None
    """Share of solutions that repeat themselves to their end."""
    sandbox: str


@dataclass(frozen=True)
class Rung:
    """All that was measured at one scale, read and laid side by side."""

    scale: str
    runs: dict[tuple[str, int], Run]
    panels: dict[str, Panel]
    facts: dict[str, RunFacts]
    """By run id."""
    chance: dict[str, float]
    majority: dict[str, float]
    flagged: Flagged
    """Items that the data of any of its runs hold."""
    programs: dict[str, list[Programs]]
    """What became of the solutions that its runs wrote, by run; empty where none are asked for."""
    metrics: dict[str, str]
    """By task, the harness's name of what is compared."""
    shortened: dict[str, int]
    """By task, items whose question was cut to the window, the most of any run."""

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seeds in ascending order, the same for every arm."""
        return tuple(sorted({seed for _, seed in self.runs}))


def read_rung(job: FindingsJob, scale: str, runs: dict[tuple[str, int], Run], inputs: Mapping[str, Path]) -> Rung:
    """The runs of a scale, by the arm and seed that contrasts know them by, with what the job asks of them.

    Raises StudyError for an arm without a run, StoreError for a missing run, outcome or item, each by name.
    """
    arms = {arm for arm, _ in runs}
    for contrast in job.contrasts:
        if absent := sorted({contrast.arm, contrast.control} - arms):
            raise StudyError(
                f"the contrast '{contrast.arm}' against '{contrast.control}' names arm '{absent[0]}', which has no "
                f"run at scale '{scale}'; its arms are {', '.join(sorted(arms))}"
            )
    tables: dict[str, dict[str, ItemTable]] = {}
    facts, scores, programs = {}, {}, {}
    drawn: set[Part] = set()
    scored = tuple(outcome for outcome in job.outcomes if kind_of(outcome) != "judge")
    problems = tuple(outcome for outcome in scored if kind_of(outcome) == "code")
    for run in runs.values():
        evaluate, train = (folder_of(inputs, f"{kind}/{run.id}") for kind in ("evaluate", "train"))
        tables[run.id] = read_items(evaluate, run.id, [outcome for outcome in scored if outcome not in problems])
        code = folder_of(inputs, f"code/{run.id}") if problems else None
        if code is not None:
            solved = CodeScores.read(code)
            tables[run.id] |= read_items(code, run.id, problems, solved)
            programs[run.id] = [_programs(run, outcome, solved) for outcome in problems]
        trained = (*_earlier(inputs, run.id), train)
        drawn |= {(row.source, row.partition) for folder in trained for row in Checkpoint.read(folder).ledger}
        facts[run.id] = read_facts(trained, evaluate, code)
        scores[run.id] = Scores.read(evaluate)
    return Rung(
        scale=scale,
        runs=runs,
        panels={outcome: lay_side_by_side(outcome, runs, tables) for outcome in scored},
        facts=facts,
        chance=_agreed("chance", {run: s.chance for run, s in scores.items()}, scored),
        majority=_agreed("majority", {run: s.majority for run, s in scores.items()}, scored),
        flagged=read_flagged(inputs, drawn),
        programs=programs,
        metrics={outcome: name for s in scores.values() for outcome, name in s.metrics.items()},
        shortened={
            outcome: most for outcome in scored if (most := max(s.shortened.get(outcome, 0) for s in scores.values()))
        },
    )


def _programs(run: Run, outcome: str, solved: CodeScores) -> Programs:
    return Programs(
        run=run.id,
        arm=run.arm,
        scale=run.scale,
        outcome=outcome,
        problems=solved.items[outcome],
        samples=solved.samples[outcome],
        pass_at_k=dict(solved.pass_at_k[outcome]),
        verdicts=dict(solved.verdicts[outcome]),
        empty=solved.empty[outcome],
        looping=solved.looping.get(outcome),
        sandbox=solved.sandbox,
    )


def _earlier(inputs: Mapping[str, Path], run: str) -> list[Path]:
    """Checkpoints of the phases before the last one, in order: roles `earlier/RUN/0`, `earlier/RUN/1`, ..."""
    named = {role.removeprefix(f"earlier/{run}/") for role in inputs if role.startswith(f"earlier/{run}/")}
    return [folder_of(inputs, f"earlier/{run}/{index}") for index in range(len(named))]


def folder_of(inputs: Mapping[str, Path], role: str) -> Path:
    if role not in inputs:
        raise StoreError(f"the findings need '{role}', which they were not given: finish that job first")
    return inputs[role]


def _agreed(what: str, by_run: Mapping[str, Mapping[str, float]], outcomes: tuple[str, ...]) -> dict[str, float]:
    """One figure an outcome with choices, which all runs must give alike. Tasks may be without: nothing is guessed."""
    agreed: dict[str, float] = {}
    for outcome in outcomes:
        if not is_rate(outcome):
            continue
        asked = is_guessed(outcome) or any(outcome in given for given in by_run.values())
        for run, given in sorted(by_run.items()) if asked else ():
            if outcome not in given:
                raise StoreError(f"run '{run}' does not say the {what} accuracy of outcome '{outcome}'")
            if abs(agreed.setdefault(outcome, given[outcome]) - given[outcome]) > 1e-9:
                raise StoreError(
                    f"outcome '{outcome}': run '{run}' has {what} {given[outcome]:.6g}, another run "
                    f"{agreed[outcome]:.6g}; they were not scored on the same items"
                )
    return agreed


def viability_of(rung: Rung, job: FindingsJob) -> dict[str, Viability]:
    """By task whose score is a share of its items, what it can tell at this scale."""
    tasks = [outcome for outcome in rung.panels if is_rate(outcome)]
    by_arms = job.statistics.alpha / max(1, len(tasks) * len({arm for arm, _ in rung.runs}))
    by_contrasts = job.statistics.alpha / max(1, len(tasks) * len(job.contrasts))
    pairs = [(contrast.arm, contrast.control) for contrast in job.contrasts]
    judged: dict[str, Viability] = {}
    for task in tasks:
        panel, chance = rung.panels[task], rung.chance.get(task, 0.0)
        whole = judge_task(panel, chance, by_arms)
        judged[task] = replace(whole, contrasts=judge_contrasts(panel, whole.arms, pairs, chance, by_contrasts))
    return judged


def measured_at(rung: Rung, outcome: str, viability: Mapping[str, Viability], job: FindingsJob) -> Measured:
    """One outcome for all contrasts of the job that name it."""
    return measure(
        rung.panels[outcome],
        job.contrasts,
        job.statistics,
        scale=rung.scale,
        margin=job.margins[outcome],
        chance=rung.chance.get(outcome, 0.0),
        viability=viability.get(outcome),
    )


def members_of(measured: list[Measured]) -> dict[str, list[Measured]]:
    """What each mean is over, by its name: two or more used outcomes of a kind, or of a category of tasks."""
    members: dict[str, list[Measured]] = {name: [] for name in MEANS}
    for m in measured:
        if m.used and (name := mean_name(m.outcome)):
            members[name].append(m)
    return {name: used for name, used in members.items() if len(used) > 1}


def documents_of(job: FindingsJob) -> dict[str, str]:
    """For each outcome that is scored on the documents of others, the first of them."""
    return {outcome: alike[0] for alike in job.same_documents for outcome in alike}


def comparability_of(rung: Rung, job: FindingsJob) -> dict[tuple[str, str], tuple[str, ...]]:
    """By (arm, control), flags for what differs between their runs and is not declared."""

    def facts(arm: str) -> list[RunFacts]:
        return [rung.facts[rung.runs[arm, seed].id] for seed in rung.seeds]

    return {(c.arm, c.control): flags_of(facts(c.arm), facts(c.control)) for c in job.contrasts}
