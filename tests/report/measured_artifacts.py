"""The stored study once more with tasks, problems and judged answers: items are drawn for every run, and the findings are
those that the findings stage draws from them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from stored_artifacts import _MAKERS, Stored, _record, a_study
from stored_artifacts import _evaluate as _scores_alone

from titrant.analyze import find_findings
from titrant.artifacts import Artifact, Benchmarks, CodeScores, FindingsFile, Judgements, Scores
from titrant.jobs import FindingsJob, JudgeJob, ReportJob
from titrant.plan.make import make_plan
from titrant.plan.plan import Plan
from titrant.study.study import Study

EVALUATION: dict[str, Any] = {
    "probes": ["copying", "sorting"],
    "tasks": ["triviaqa", "nq_open", "boolq", "piqa", "hellaswag", "arc_easy", "lambada_openai"],
    "code": ["humaneval", {"name": "mbpp", "k": [1, 10]}],
    "judging": {
        "name": "dolly",
        "judges": [
            {"model": "large-judge", "endpoint": "http://localhost:8000/v1"},
            {"model": "hasty-judge", "endpoint": "http://localhost:8001/v1"},
        ],
    },
    "decontaminate": None,
    "checks_per_phase": 4,
}
ARMS: dict[str, Any] = {
    "text-only": [{"whole": "text"}, {"cooldown": "text"}],
    "balanced-only": [{"init": "balanced"}, {"continue": "balanced"}, {"cooldown": "balanced"}],
    "code->text": [{"init": "code"}, {"continue": "mostly-text"}, {"cooldown": "text"}],
}
CONTRASTS: list[dict[str, str]] = [
    {"arm": "balanced-only", "control": "text-only"},
    {"arm": "code->text", "control": "text-only"},
]
CHOICES = {"boolq": 2, "piqa": 2, "hellaswag": 4, "arc_easy": 4, "copying": 4, "sorting": 4}
"""Choices an item; tasks that are not here are answered in words."""
SKILL = {
    "boolq": 0.15, "piqa": 0.9, "hellaswag": 0.5, "arc_easy": 0.8, "copying": 1.0, "sorting": 0.2, "triviaqa": -2.6,
    "nq_open": -6.0, "lambada_openai": -1.0, "humaneval": -3.2, "mbpp": -2.8,
}  # fmt: skip
"""Log-odds, or log-likelihood above the other choices, of the control."""
GAIN = {
    "code->text": {"hellaswag": 0.25, "humaneval": 0.9, "mbpp": 0.8},
    "balanced-only": {"humaneval": 1.6, "mbpp": 1.4},
}
ITEMS = 100
SAMPLES = 20


def a_measured_study(**changes: Any) -> Study:
    """Three arms, three seeds, and everything that can be measured."""
    return a_study(**{"evaluation": EVALUATION, "arms": ARMS, "contrasts": CONTRASTS, **changes})


def store_measured(folder: Path, study: Study | None = None) -> Stored:
    """Write every input of the report of a study, findings drawn from drawn items; the same call, the same bytes."""
    plan = make_plan(study or a_measured_study())
    identity = next(name for name, job in plan.jobs.items() if job.kind == "report")
    declared = plan.jobs[identity].declaration
    assert isinstance(declared, ReportJob)
    inputs = {role: _make(plan, name, folder) for role, name in sorted(plan.jobs[identity].inputs.items())}
    return Stored(plan, declared, inputs)


def _make(plan: Plan, identity: str, folder: Path) -> Path:
    target, job = folder / identity, plan.jobs[identity]
    if target.exists():
        return target
    if job.kind == "findings":
        inputs = {role: _make(plan, name, folder) for role, name in sorted(job.inputs.items())}
        assert isinstance(job.declaration, FindingsJob)
        target.mkdir(parents=True)
        summary: Artifact = _find(job.declaration, inputs, target)
    else:
        target.mkdir(parents=True)
        made = {"benchmarks": _benchmarks, "evaluate": _evaluate, "code": _code, "judge": _judge}.get(job.kind)
        summary = made(plan, identity, target) if made else _MAKERS[job.kind](plan, identity, target, 550)
    fingerprints = {role: plan.jobs[name].fingerprint for role, name in job.inputs.items()}
    _record(target, summary, job.fingerprint, dict(job.identity), fingerprints)
    return target


def _find(job: FindingsJob, inputs: dict[str, Path], target: Path) -> FindingsFile:
    job = job.model_copy(update={"statistics": job.statistics.model_copy(update={"resamples": 200})})
    return find_findings(job, inputs, target, scratch=target, progress=lambda *a, **k: None)


def _draws(*key: object) -> np.random.Generator:
    return np.random.default_rng(list("/".join(map(str, key)).encode()))


def _skill(arm: str, seed: int, name: str) -> float:
    return SKILL[name] + GAIN.get(arm, {}).get(name, 0.0) + float(_draws(arm, seed, name).normal(0, 0.08))


def _benchmarks(plan: Plan, identity: str, target: Path) -> Benchmarks:
    outcomes = [name for name in plan.study.outcomes() if name.partition("/")[0] in ("task", "code", "judge")]
    return Benchmarks(items=dict.fromkeys(outcomes, ITEMS), data=dict.fromkeys(outcomes, "a made-up package"))


def _evaluate(plan: Plan, identity: str, target: Path) -> Scores:
    summary = _scores_alone(plan, identity, target, 550)
    run = next(run for run, chain in plan.runs.values() if plan.jobs[identity].inputs["train"] in chain)
    rows: dict[str, list[Any]] = {}
    scores, chance, majority = {}, {}, {}
    for outcome in (o for o in plan.study.outcomes() if o.partition("/")[0] not in ("code", "judge")):
        made = _bits(outcome, summary.scores[outcome], run.arm, run.seed) if outcome.startswith("bits") else None
        made = made or _items(outcome, run.arm, run.seed)
        for name, values in made.items():
            rows.setdefault(name, []).extend(values.tolist() if isinstance(values, np.ndarray) else values)
        scores[outcome] = float(made["value"].sum() / made["weight"].sum())
        scores[outcome] /= np.log(2) if outcome.startswith("bits") else 1.0
        if (choices := CHOICES.get(outcome.partition("/")[2])) is not None and not outcome.startswith("bits"):
            chance[outcome] = 1 / choices
            majority[outcome] = float(np.bincount(made["answer"]).max() / ITEMS)
    pq.write_table(pa.table(rows), target / "items.parquet")
    checks = pq.read_table(target / "checks.parquet")
    pq.write_table(checks, target / "checks.parquet")
    return Scores(
        scores=scores,
        items=dict.fromkeys(scores, ITEMS),
        chance=chance,
        majority=majority,
        metrics={"task/hellaswag": "acc_norm", "task/boolq": "acc"},
        shortened={"task/boolq": 3},
        scored_by="likelihood/float32",
    )


def _row(outcome: str, **columns: Any) -> dict[str, Any]:
    none, no = np.full(ITEMS, np.nan), np.zeros(ITEMS, dtype=bool)
    blank = {"margin_nats": none, "gold_nats": none, "gold_bytes": none, "right_probability": none, "empty": no}
    return {
        "outcome": [outcome] * ITEMS,
        "item": [f"item-{i:04d}" for i in range(ITEMS)],
        "rung": np.zeros(ITEMS, dtype=np.int64),
        "weight": np.ones(ITEMS),
        "predicted": np.full(ITEMS, -1),
        "answer": np.full(ITEMS, -1),
        **blank,
        "looping": no,
        **columns,
    }


def _bits(outcome: str, score: float, arm: str, seed: int) -> dict[str, Any]:
    sizes = _draws(outcome).integers(500, 4000, ITEMS)
    level = (
        score + _draws("documents", outcome).normal(0, 0.3, ITEMS) + _draws(outcome, arm, seed).normal(0, 0.02, ITEMS)
    )
    return _row(outcome, value=level * sizes * np.log(2), weight=sizes.astype(float))


def _items(outcome: str, arm: str, seed: int) -> dict[str, Any]:
    name = outcome.partition("/")[2]
    hard, own = _draws("items", outcome), _draws(outcome, arm, seed)
    skill = _skill(arm, seed, name)
    gold_bytes = hard.integers(4, 60, ITEMS).astype(float)
    gold_nats = gold_bytes * np.exp(hard.normal(0, 0.2, ITEMS) - 0.15 * skill + own.normal(0, 0.02, ITEMS))
    gold = {"gold_nats": gold_nats, "gold_bytes": gold_bytes} if outcome.startswith("task/") else {}
    if name not in CHOICES:
        right = hard.normal(0, 1.5, ITEMS) + own.normal(0, 0.5, ITEMS) + skill > 0
        empty = own.random(ITEMS) < (0.14 if (arm, name) == ("code->text", "nq_open") else 0.01)
        return _row(outcome, value=(right & ~empty).astype(float), empty=empty, **gold)
    choices = CHOICES[name]
    answer = hard.choice(choices, ITEMS, p=[0.62, 0.38]) if name == "boolq" else np.arange(ITEMS) % choices
    liking = hard.normal(0, 0.7, (ITEMS, choices)) + own.normal(0, 0.5, (ITEMS, choices))
    liking[np.arange(ITEMS), answer] += skill
    if name == "boolq" and arm == "code->text":
        liking[:, 0] += 5.0
    if name == "arc_easy" and arm == "balanced-only":
        liking[:, 0] += 0.7
    share = np.exp(liking) / np.exp(liking).sum(axis=1, keepdims=True)
    others = np.where(np.arange(choices) == answer[:, None], -np.inf, liking)
    predicted = liking.argmax(axis=1)
    return _row(
        outcome,
        value=(predicted == answer).astype(float),
        predicted=predicted,
        answer=answer,
        margin_nats=liking[np.arange(ITEMS), answer] - others.max(axis=1),
        right_probability=share[np.arange(ITEMS), answer],
        **gold,
    )


def _code(plan: Plan, identity: str, target: Path) -> CodeScores:
    run = plan.jobs[identity].runs[0]
    arm, _, rest = run.partition("@")
    seed = int(rest.partition("#")[2])
    rows: dict[str, list[Any]] = {}
    scores, at_k, verdicts = {}, {}, {}
    for outcome in (o for o in plan.study.outcomes() if o.startswith("code/")):
        name = outcome.partition("/")[2]
        likely = 1 / (1 + np.exp(-_skill(arm, seed, name) - _draws("problems", name).normal(0, 1.5, ITEMS)))
        passed = _draws(arm, seed, name, "samples").binomial(SAMPLES, likely)
        for column, values in _row(outcome, value=passed / SAMPLES).items():
            rows.setdefault(column, []).extend(values.tolist() if isinstance(values, np.ndarray) else values)
        scores[outcome] = float((passed / SAMPLES).mean())
        at_k[outcome] = {"1": scores[outcome]} | ({"10": min(1.0, 3 * scores[outcome])} if name == "mbpp" else {})
        wrong = ITEMS * SAMPLES - int(passed.sum())
        ends = {"failed": wrong * 6 // 10, "timed out": wrong // 20}
        verdicts[outcome] = {"passed": int(passed.sum()), **ends, "error": wrong - sum(ends.values())}
    pq.write_table(pa.table(rows), target / "items.parquet")
    return CodeScores(
        scores=scores,
        pass_at_k=at_k,
        items=dict.fromkeys(scores, ITEMS),
        samples=dict.fromkeys(scores, SAMPLES),
        verdicts=verdicts,
        empty=dict.fromkeys(scores, 0.02),
        looping=dict.fromkeys(scores, 0.3 if arm == "text-only" else 0.04),
        sandbox="bubblewrap",
    )


def _judge(plan: Plan, identity: str, target: Path) -> Judgements:
    declared = plan.jobs[identity].declaration
    assert isinstance(declared, JudgeJob)
    draws = _draws(identity)
    judges, rows = tuple(judge.model for judge in declared.judges), []
    for item in range(100):
        better = draws.random() < (0.62 if "balanced" in identity else 0.5)
        sizes = draws.integers(80, 500, 2)
        for judge in judges:
            sees = better if draws.random() < 0.8 else not better
            for order in ("arm first", "control first"):
                fair = "arm" if sees else "control"
                by_place = "arm" if order == "arm first" else "control"
                hasty = judge == "hasty-judge" and draws.random() < 0.8
                choice = "unusable" if judge == "hasty-judge" and item % 19 == 0 else by_place if hasty else fair
                rows.append(
                    {"item": f"{item:03d}", "judge": judge, "order": order, "choice": choice}
                    | {"arm_characters": int(sizes[0] + 60 * better), "control_characters": int(sizes[1])}
                )
    pq.write_table(pa.Table.from_pylist(rows), target / "judgements.parquet")
    cost = {"large-judge": 1.25, "hasty-judge": 0.0}
    return Judgements(
        outcome=f"judge/{declared.name}", items=100, judges=judges, cost=cost, unusable={"hasty-judge": 0.06}
    )
