"""A folder of finished artifacts such as a real study leaves, made up but true to every schema: five arms, three seeds."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from blake3 import blake3

from titrant.artifacts import (
    Artifact,
    Checkpoint,
    Documents,
    Examples,
    FileEntry,
    FindingsFile,
    LedgerRow,
    PartSize,
    PlannedLedger,
    Record,
    Scores,
    Shard,
    Split,
    TokenizerFile,
    TokenShards,
)
from titrant.jobs import FindingsJob, ReportJob, TrainJob
from titrant.plan.make import make_plan
from titrant.plan.plan import Plan
from titrant.study.study import Study

MEAN = "mean/probes"
MUTE = "probe/arithmetic"
"""The task that no arm does above chance."""
HASH = "0123456789abcdef" * 4
PROBES = [
    "entity-tracking",
    "arithmetic",
    "bracket-closing",
    "variable-binding",
    "copying",
    "sorting",
    "structural-generalisation",
    "planted-facts",
]
STUDY = f"""\
study: code-or-not
question: What does code in pre-training gain and cost a language model, and does the order matter?
hypothesis: Code helps structure and costs a little prose.
sources:
  text: {{kind: text, from: [{{files: prose, content: {HASH}, licence: CC0-1.0}}], reserve_fraction: 0.1, max_epochs: 4,
          plant: {{facts_per_rung: 20, copies: [1, 4]}}}}
  code: {{kind: code, from: [{{files: code, content: {HASH}, licence: MIT}}], max_epochs: 4}}
  markup: {{kind: markup, from: [{{files: pages, content: {HASH}, licence: CC-BY-4.0}}], max_epochs: 4}}
mixtures:
  text: {{text: 100}}
  code: {{code: 80, markup: 20}}
  balanced: {{text: 50, code: 40, markup: 10}}
  mostly-text: {{text: 90, code: 8, markup: 2}}
phases:
  init: {{schedule: {{shape: cosine}}}}
  continue: {{schedule: {{shape: cosine}}}}
  cooldown: {{schedule: {{shape: linear, start: current, final_fraction: 0}}}}
  whole: {{parts: 10, schedule: {{shape: cosine}}}}
arms:
  text-only: [{{whole: text}}, {{cooldown: text}}]
  text->text: [{{init: text}}, {{continue: text}}, {{cooldown: text}}]
  balanced-only: [{{init: balanced}}, {{continue: balanced}}, {{cooldown: balanced}}]
  balanced->text: [{{init: balanced}}, {{continue: mostly-text}}, {{cooldown: text}}]
  code->text: [{{init: code}}, {{continue: mostly-text}}, {{cooldown: text}}]
contrasts:
  - {{arm: balanced-only, control: text->text}}
  - {{arm: balanced->text, control: text->text}}
  - {{arm: code->text, control: text->text}}
  - {{arm: text->text, control: text-only, differs_in: [schedule], outcomes: ["bits_per_byte/*", "probe/*ing"]}}
scales:
  nano:
    architecture: {{layers: 4, width: 64, heads: 4, ffn_width: 172}}
    tokens: 1126400
    sequence_length: 64
    global_batch_tokens: 2048
    learning_rate: 0.002
    precision: float32
seeds: [0, 1, 2]
tokenizer: {{vocabulary: 1024, mixture: balanced}}
evaluation:
  probes: [{", ".join(PROBES)}]
  checks_per_phase: 4
"""

EFFECTS: dict[str, dict[str, float]] = {
    "text-only": {"text": 2.31, "code": 3.02, "markup": 2.84},
    "text->text": {"text": 2.32, "code": 3.03, "markup": 2.85},
    "balanced-only": {"text": 2.40, "code": 2.42, "markup": 2.38},
    "balanced->text": {"text": 2.325, "code": 2.61, "markup": 2.52},
    "code->text": {"text": 2.36, "code": 2.55, "markup": 2.47},
}
GAINS = {
    "balanced-only": (0.0, 0.01, 0.16, 0.05, 0.0, 0.02, -0.01, -0.13),
    "balanced->text": (0.02, 0, 0.09, 0.01, 0, 0, 0.0, -0.02),
}


@dataclass(frozen=True)
class Stored:
    """What the report stage is called with."""

    plan: Plan
    job: ReportJob
    inputs: dict[str, Path]


def a_study(**changes: Any) -> Study:
    """The study, with top-level keys replaced."""
    return Study.model_validate({**yaml.safe_load(STUDY), **changes}).expanded()


def store(folder: Path, study: Study | None = None, points: int = 550) -> Stored:
    """Write every input of the report of a study under `folder`; the same call writes the same bytes."""
    plan = make_plan(study or a_study())
    by_id = dict(plan.jobs)
    report = next(job for job in by_id.values() if job.kind == "report")
    assert isinstance(report.declaration, ReportJob)
    inputs: dict[str, Path] = {}
    for role, identity in sorted(report.inputs.items()):
        target = folder / identity
        if not target.exists():
            target.mkdir(parents=True)
            job = by_id[identity]
            summary = _MAKERS[job.kind](plan, identity, target, points)
            _record(
                target,
                summary,
                job.fingerprint,
                dict(job.identity),
                {r: by_id[i].fingerprint for r, i in job.inputs.items()},
            )
        inputs[role] = target
    return Stored(plan, report.declaration, inputs)


def _record(
    folder: Path, summary: Artifact, fingerprint: str, identity: dict[str, object], inputs: dict[str, str]
) -> None:
    files = {
        str(path.relative_to(folder)): FileEntry(
            bytes=path.stat().st_size, blake3=blake3(path.read_bytes()).hexdigest()
        )
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    record = Record(
        format=1,
        kind=summary.kind,
        version=summary.version,
        fingerprint=fingerprint,
        declaration=identity,
        inputs=inputs,
        files=files,
        summary=summary.model_dump(mode="json"),
    )
    (folder / "record.json").write_text(json.dumps(record.model_dump(mode="json"), sort_keys=True))


def _rng(*key: object) -> random.Random:
    return random.Random(repr(key))


def _documents(plan: Plan, identity: str, folder: Path, points: int) -> Documents:
    return Documents(
        documents=1000,
        bytes=4_000_000,
        bytes_by_language={"en": 4_000_000},
        bytes_by_licence={"MIT": 4_000_000},
        left_out={"empty": 3},
    )


def _examples(plan: Plan, identity: str, folder: Path, points: int) -> Examples:
    shown = {
        "language": "english",
        "licence": "MIT",
        "origin": "files:<a>.txt",
        "characters": 900,
        "text": "Once <b> upon",
    }
    chosen = {"train": [{"id": "0/a", **shown}], "duplicate": [{"id": "0/b", **shown}]}
    (folder / "examples.json").write_text(json.dumps(chosen))
    return Examples(documents=2)


def _split(plan: Plan, identity: str, folder: Path, points: int) -> Split:
    counts = {"train": 930, "reserved": 20, "held_out": 20, "duplicate": 27, "duplicate of text": 3}
    return Split(parts={fate: PartSize(documents=number, bytes=4000 * number) for fate, number in counts.items()})


def _tokenizer(plan: Plan, identity: str, folder: Path, points: int) -> TokenizerFile:
    return TokenizerFile(vocabulary=1024, end_of_text_id=0, content=HASH, bytes_per_token={"text": 3.1})


def _tokens(plan: Plan, identity: str, folder: Path, points: int) -> TokenShards:
    licences = ["CC0-1.0", "MIT", "Apache-2.0"] if "code" in identity else ["CC0-1.0"]
    tokens = [1000 + n for n in range(930)]
    rows = {"licence": [licences[n % len(licences)] for n in range(930)], "tokens": tokens}
    pq.write_table(pa.table(rows), folder / "train.parquet")
    shard = Shard(documents=930, tokens=sum(tokens), bytes=3_720_000, content=HASH)
    return TokenShards(
        tokenizer=HASH,
        vocabulary=1024,
        encoder="tokenizers 0.22.1",
        shards={"train": shard},
        held_out=PartSize(documents=20, bytes=80_000),
    )


def _ledger_of(train: TrainJob) -> list[dict[str, Any]]:
    phase, rows = train.phase, []
    sequences = phase.steps * train.global_batch_tokens // train.sequence_length
    for source, share in phase.shares.items():
        drawn = round(sequences * Fraction(share))
        tokens = drawn * train.sequence_length
        row = LedgerRow(
            source=source,
            partition="train",
            start=0,
            sequences=drawn,
            available=16_000,
            tokens=tokens,
            unique_tokens=tokens,
            epochs=round(drawn / 16_000, 6),
            weight=float(Fraction(share)),
        )
        rows.append(row.model_dump(mode="json"))
    return rows


def _planned(plan: Plan, identity: str, folder: Path, points: int) -> PlannedLedger:
    rows: list[dict[str, Any]] = []
    seen = set()
    for run, chain in plan.runs.values():
        if (run.arm, run.scale) in seen or run.scale not in plan.study.scales:
            continue
        seen.add((run.arm, run.scale))
        for index, (link, job) in enumerate(zip(plan.study.arms[run.arm].chain, chain, strict=True)):
            declared = plan.jobs[job].declaration
            assert isinstance(declared, TrainJob)
            names = {"arm": run.arm, "scale": run.scale, "phase": link.phase, "index": index}
            rows += [{**names, **row} for row in _ledger_of(declared)]
    (folder / "ledger.json").write_text(json.dumps(rows))
    return PlannedLedger(rows=len(rows))


def _before(plan: Plan, identity: str) -> int:
    chain = next(chain for _, chain in plan.runs.values() if identity in chain)
    return sum(plan.jobs[earlier].tokens for earlier in chain[: chain.index(identity)])


def _train(plan: Plan, identity: str, folder: Path, points: int) -> Checkpoint:
    declared = plan.jobs[identity].declaration
    assert isinstance(declared, TrainJob)
    steps, batch, before, noise = (
        declared.phase.steps,
        declared.global_batch_tokens,
        _before(plan, identity),
        _rng(identity),
    )
    code = float(Fraction(declared.phase.shares.get("code", "0")))
    seen = [before + batch * (step + 1) for step in range(steps)]
    loss = [1.9 - 0.3 * code + 5 / (1 + (tokens / 20_000)) + noise.gauss(0, 0.04) for tokens in seen]
    rate = [declared.phase.curve.rate_at(step) for step in range(steps)]
    step = pa.array(range(1, steps + 1), pa.int64())
    columns = {"step": step, "tokens": seen, "loss": pa.array(loss, pa.float32()), "learning_rate": rate}
    pq.write_table(
        pa.table({**columns, "gradient_norm": pa.array([1.0] * steps, pa.float32())}), folder / "curve.parquet"
    )
    return Checkpoint(
        steps=steps,
        tokens=plan.jobs[identity].tokens,
        total_tokens=before + plan.jobs[identity].tokens,
        final_loss=sum(loss[-max(1, steps // 10) :]) / max(1, steps // 10),
        parameters=263_232,
        non_embedding_parameters=197_696,
        ledger=tuple(LedgerRow(**row) for row in _ledger_of(declared)),
        cursors={"text/train": 10},
        drawn={"text/train": f"{HASH}:{HASH}"},
        milestones=tuple(steps * k // 5 for k in range(1, 5)),
    )


def _probe_scores(arm: str, seed: int, outcomes: tuple[str, ...]) -> dict[str, float]:
    gains = GAINS.get(arm, (0.0,) * 8)
    values = {}
    for place, name in enumerate(PROBES):
        wobble = _rng(arm, seed, name).gauss(0, 0.012)
        values[f"probe/{name}"] = round((0.31 + 0.04 * place + gains[place] + wobble) * 180) / 180
    return {outcome: value for outcome, value in values.items() if outcome in outcomes}


def _evaluate(plan: Plan, identity: str, folder: Path, points: int) -> Scores:
    job = plan.jobs[identity]
    train = job.inputs["train"]
    run = next(run for run, chain in plan.runs.values() if train in chain)
    outcomes = plan.study.outcomes()
    scores = {name: score for name, score in scores_of(run.arm, run.seed, outcomes).items() if name != MEAN}
    probes = [outcome for outcome in scores if outcome.startswith("probe/")]
    steps = plan.jobs[train].declaration.phase.steps  # type: ignore[union-attr]
    before, batch = _before(plan, train), plan.jobs[train].declaration.global_batch_tokens  # type: ignore[union-attr]
    checks: dict[str, list[Any]] = {"step": [], "outcome": [], "value": []}
    for step in (steps * k // 5 for k in range(1, 5)):
        for outcome in outcomes[:3]:
            decay = 2.2 * math.exp(-(before + step * batch) / 180_000)
            for key, value in (("step", step), ("outcome", outcome), ("value", scores[outcome] + decay)):
                checks[key].append(value)
    pq.write_table(pa.table(checks), folder / "checks.parquet")
    return Scores(
        scores=scores,
        items={outcome: 180 if outcome in probes else 40 for outcome in scores},
        chance=dict.fromkeys(probes, 0.25),
        majority=dict.fromkeys(probes, 0.3),
        scored_by="likelihood/float32",
    )


def scores_of(arm: str, seed: int, outcomes: tuple[str, ...]) -> dict[str, float]:
    """The made-up scores of one run."""
    shared = _rng("shared", seed).gauss(0, 0.01)
    bits = {
        f"bits_per_byte/{source}": value + shared + _rng(arm, seed, source).gauss(0, 0.008)
        for source, value in EFFECTS[arm].items()
    }
    probes = _probe_scores(arm, seed, outcomes)
    used = [value for outcome, value in probes.items() if outcome != MUTE]
    return {**bits, **probes, MEAN: sum(used) / len(used)}


def _outcome(declared: FindingsJob, outcome: str) -> dict[str, Any]:
    bits = outcome.startswith("bits")
    arms = [run.arm for run in declared.runs] if outcome.startswith("probe/") else []
    signal = {
        "accuracy": 0.4,
        "above_chance": outcome != MUTE,
        "skill": 0.1,
        "commonest_fraction": 0.4,
        "collapsed": False,
    }
    return {
        "unit": "bits per byte" if bits else "accuracy",
        "better_is": "lower" if bits else "higher",
        "margin": 0.02 if bits else 0.05,
        "chance": 0.25 if arms else None,
        "majority": 0.3 if arms else None,
        "status": "at chance" if outcome == MUTE else "used",
        "left_out": {f"{c.arm} vs {c.control}": "at chance" for c in declared.contrasts} if outcome == MUTE else {},
        "reason": "no arm is above chance (0.25)" if outcome == MUTE else "",
        "arms": dict.fromkeys(arms, signal),
        "members": [name for name in declared.outcomes if name.startswith("probe/") and name != MUTE]
        if outcome == MEAN
        else [],
    }


def _findings(plan: Plan, identity: str, folder: Path, points: int) -> FindingsFile:
    declared = plan.jobs[identity].declaration
    assert isinstance(declared, FindingsJob)
    findings = [
        _finding(plan, declared, contrast, scale, outcome)
        for scale in plan.study.scales
        for contrast in declared.contrasts
        for outcome in (*contrast.outcomes, MEAN)
    ]
    scores = {
        run.id: {
            outcome: {"score": score, "items": 180, "standard_error": 0.01}
            for outcome, score in scores_of(run.arm, run.seed, declared.outcomes).items()
        }
        for run in declared.runs
    }
    outcomes = {
        scale: {name: _outcome(declared, name) for name in (*declared.outcomes, MEAN)} for scale in plan.study.scales
    }
    content = {
        "findings": findings,
        "scores": scores,
        "outcomes": outcomes,
        "details": [_detail(finding) for finding in findings],
    }
    if declared.learning_rate_probe is not None:
        content["learning_rate_probe"] = _probed(declared, findings)
    (folder / "findings.json").write_text(json.dumps(content))
    verdicts = {
        name: sum(f["verdict"] == name for f in findings) for name in ("better", "worse", "equivalent", "not resolved")
    }
    return FindingsFile(findings=len(findings), verdicts=verdicts)


def _finding(plan: Plan, declared: FindingsJob, contrast: Any, scale: str, outcome: str) -> dict[str, Any]:
    seeds = [run.seed for run in declared.runs if (run.arm, run.scale) == (contrast.arm, scale)]
    ours, theirs = (
        [scores_of(arm, seed, declared.outcomes)[outcome] for seed in seeds] for arm in (contrast.arm, contrast.control)
    )
    mean = [sum(values) / len(values) for values in (ours, theirs)]
    difference, margin = mean[0] - mean[1], declared.margins.get(outcome, 0.05)
    bits = outcome.startswith("bits")
    half = (
        (0.035 if bits else 0.02 if outcome == MEAN else 0.075)
        * (0.5 if abs(difference) < 0.004 else 1.0)
        * (0.5 if "text" in outcome else 1)
    )
    gain = -difference if bits else difference
    inside = abs(difference) + half < margin
    verdict = (
        "equivalent" if inside else "not resolved" if abs(difference) < half else "better" if gain > 0 else "worse"
    )
    mute = outcome == MUTE
    if mute:
        verdict = "not resolved"
    p = None if mute else math.erfc(abs(difference) / half * 1.96 / math.sqrt(2))
    return {
        "contrast": f"{contrast.arm} vs {contrast.control}",
        "arm": contrast.arm,
        "control": contrast.control,
        "scale": scale,
        "outcome": outcome,
        "unit": "bits per byte" if bits else "accuracy",
        "arm_mean": mean[0],
        "control_mean": mean[1],
        "difference": difference,
        "interval": [difference - half, difference + half],
        "relative": difference / mean[1] if bits else None,
        "p_raw": p,
        "p_adjusted": None if p is None else min(1.0, 4 * p),
        "verdict": verdict,
        "flags": [*contrast.flags, *(["at chance"] if mute else [])],
        "seeds": seeds,
        "runs": [f"{arm}@{scale}#{seed}" for arm in (contrast.arm, contrast.control) for seed in seeds],
        "better_is": "lower" if bits else "higher",
        "margin": margin,
        "minimum_detectable": 1.4 * half if "planted" not in outcome else None,
    }


def _probed(declared: FindingsJob, findings: list[dict[str, Any]]) -> dict[str, Any]:
    """Text turns from worse to better at the highest rate; all else is what it is at the study's."""
    probe = declared.learning_rate_probe
    assert probe is not None
    own = [
        f for f in findings if (f["arm"], f["control"], f["scale"]) == (probe.arm, probe.control, probe.scale)
    ]  # fmt: skip
    outcomes = []
    for finding in own:
        values, turns = [], finding["outcome"] == "bits_per_byte/text"
        for rate in probe.rates:
            sign = -1 if turns and rate.factor > 1 else 1
            low, high = sorted(sign * end for end in finding["interval"])
            kept = ("arm_mean", "control_mean", "p_raw", "p_adjusted", "flags")
            opposite = {"better": "worse", "worse": "better"}
            verdict = opposite.get(finding["verdict"], finding["verdict"]) if sign < 0 else finding["verdict"]
            change = (sign - 1) * finding["difference"]
            values.append(
                {key: finding[key] for key in kept}
                | {"factor": rate.factor, "difference": sign * finding["difference"], "interval": [low, high]}
                | {"verdict": verdict, "change": None if rate.factor == 1 else change}
                | {"change_interval": None if rate.factor == 1 else [change - 0.01, change + 0.01]}
            )
        resolved = finding["verdict"] in ("better", "worse")
        stands = "turns" if turns and resolved else "holds"
        if stands == "turns":
            finding["flags"] = [*finding["flags"], "depends on the learning rate"]
        kept = ("outcome", "unit", "better_is", "margin")
        outcomes.append(
            {key: finding[key] for key in kept}
            | {"study_verdict": finding["verdict"], "stands": stands, "rates": values}
        )  # fmt: skip
    side = {"final_loss": 2.0, "bits_per_byte": 2.5}
    rates = [
        {"factor": r.factor, "learning_rate": r.learning_rate, "scale": r.scale}
        | {name: {**side, "runs": [f"{arm}@{r.scale}#0"]} for name, arm in (("arm", probe.arm), ("control", probe.control))}
        for r in probe.rates
    ]  # fmt: skip
    best = {"final_loss": 2.0, "bits_per_byte": 1.0}
    flags = [f"{probe.arm} has its lowest final training loss at the highest rate probed (2 x)"]
    names = {"contrast": f"{probe.arm} vs {probe.control}", "arm": probe.arm, "control": probe.control}
    return {
        **names, "scale": probe.scale, "family": 3 * len(own), "seeds": [0, 1, 2], "rates": rates, "outcomes": outcomes,
        "best_arm": best, "best_control": {**best, "final_loss": 1.0}, "flags": flags,
    }  # fmt: skip


def _detail(finding: dict[str, Any]) -> dict[str, Any]:
    low, high = finding["interval"]
    names = {name: finding[name] for name in ("contrast", "scale", "outcome")}
    half = high - low  # twice as wide as before
    return {
        **names,
        "by_seed": [finding["difference"] + step * half / 8 for step in (-1, 0, 1)],
        "standard_error": half / 4,
        "interval_adjusted": [finding["difference"] - half, finding["difference"] + half],
    }


def edit_json(path: Path, change: Any) -> None:
    """Rewrite a JSON file through a function of its content."""
    content = json.loads(path.read_text())
    path.write_text(json.dumps(change(content)))


_MAKERS: Mapping[str, Any] = {
    "documents": _documents,
    "split": _split,
    "examples": _examples,
    "tokenizer": _tokenizer,
    "tokens": _tokens,
    "ledger": _planned,
    "train": _train,
    "evaluate": _evaluate,
    "findings": _findings,
}
