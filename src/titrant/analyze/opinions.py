"""What judges said of a contrast, as an outcome beside the others and as the entry `judged` of the findings.

The win rate minus one half is a difference like any other: paired by seed and item, in the same family of tests, held
against the same margin. So `better` here means that this arm's answers win more often than they lose, training noise
counted. What may be wrong with the judges stands beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from titrant.analyze.components import Components
from titrant.analyze.judged import Judged, judge_pairs_of_arms, read_judgements
from titrant.analyze.length_control import LengthControlled
from titrant.analyze.measure import Measured
from titrant.analyze.paired import kind_of
from titrant.analyze.rung import Rung, folder_of
from titrant.artifacts import Judgements
from titrant.jobs import FindingsJob, PlannedContrast

PLACE = "place of an answer decides for a judge"
MOST_BY_PLACE = 0.5
"""A judge that lets the place decide in more of its pairs than this is flagged."""
UNUSABLE = "unusable verdicts"
MOST_UNUSABLE = 0.1
LENGTH = "another winner at equal length"


@dataclass(frozen=True)
class OneJudge:
    """What one judge decided, over all seeds."""

    judge: str
    win_rate: float | None
    wins: int
    ties: int
    losses: int
    unusable: int
    """Pairs of which an order was unusable."""
    place_rate: float | None
    """Position-bias rate: share of pairs in which the same place won in both orders."""
    first_place: int
    """Of those pairs, so many went to the first place."""
    place_p: float | None
    """Sign test of first against second place."""
    cost: float
    """In the currency of its prices."""


@dataclass(frozen=True)
class Opinion:
    """One contrast as judges see it."""

    contrast: str
    arm: str
    control: str
    scale: str
    outcome: str
    win_rate: float | None
    """None where fewer than two items have a verdict in every seed."""
    interval: tuple[float, float] | None
    """Of the win rate, over seeds and items, at level 1 - alpha."""
    wins: int
    ties: int
    losses: int
    items: int
    """Items that count: those with a verdict in every seed."""
    sign_p: float | None
    """Exact sign test over items, ties left out. It knows no training noise: verdicts do not go by it."""
    items_won: int
    items_lost: int
    length_controlled: LengthControlled | None
    arm_characters: float | None
    control_characters: float | None
    agreement: float | None
    """Krippendorff's alpha among the judges; None with one judge."""
    judges: tuple[OneJudge, ...]

    def flags(self) -> tuple[str, ...]:
        """Reasons to doubt the judges."""
        found = []
        if any((judge.place_rate or 0.0) > MOST_BY_PLACE for judge in self.judges):
            found.append(PLACE)
        if any(_unusable(judge) >= MOST_UNUSABLE for judge in self.judges):
            found.append(UNUSABLE)
        equal = self.length_controlled
        if equal is not None and self.win_rate is not None and (equal.rate - 0.5) * (self.win_rate - 0.5) < 0:
            found.append(LENGTH)
        return tuple(found)


def _unusable(judge: OneJudge) -> float:
    return judge.unusable / max(1, judge.unusable + judge.wins + judge.ties + judge.losses)


@dataclass(frozen=True)
class JudgedOutcomes:
    """The judged outcomes of one scale."""

    measured: dict[str, Measured]
    """By name, for the contrasts that name it and have verdicts."""
    opinions: list[Opinion]
    items: dict[str, frozenset[str]]
    """All prompts that were judged, by outcome."""


def judged_at(
    rung: Rung, job: FindingsJob, inputs: Mapping[str, Path], without: Mapping[str, frozenset[str]] | None = None
) -> JudgedOutcomes:
    """Everything that judges said at a scale, or all of it `without` some prompts.

    Raises StoreError for judgements that are missing or given twice, by name.
    """
    made = JudgedOutcomes({}, [], {})
    for outcome in (name for name in job.outcomes if kind_of(name) == "judge"):
        found: list[tuple[PlannedContrast, Judged, Opinion]] = []
        held = (without or {}).get(outcome, frozenset())
        for contrast in (c for c in job.contrasts if not c.outcomes or outcome in c.outcomes):
            folders = [folder_of(inputs, role_of(outcome, contrast, rung.scale, seed)) for seed in rung.seeds]
            read = {seed: read_judgements(folder) for seed, folder in zip(rung.seeds, folders, strict=True)}
            asked = frozenset(judgement.item for said in read.values() for judgement in said)
            made.items[outcome] = made.items.get(outcome, frozenset()) | asked
            kept = {seed: [one for one in said if one.item not in held] for seed, said in read.items()}
            judged = judge_pairs_of_arms(kept, job.statistics.alpha) if asked - held else None
            made.opinions.append(_opinion(outcome, contrast, rung.scale, judged, [Judgements.read(f) for f in folders]))
            if judged is not None:
                found.append((contrast, judged, made.opinions[-1]))
        made.measured[outcome] = _measured(outcome, job.margins[outcome], len(rung.seeds), found)
    return made


def role_of(outcome: str, contrast: PlannedContrast, scale: str, seed: int) -> str:
    """The role of the judgements of one pair of runs: `judge/NAME/ARM/CONTROL@SCALE#SEED`."""
    return f"{outcome}/{contrast.arm}/{contrast.control}@{scale}#{seed}"


def _measured(
    outcome: str, margin: float, num_seeds: int, found: Sequence[tuple[PlannedContrast, Judged, Opinion]]
) -> Measured:
    parts = [judged.components for _, judged, _ in found]
    rates = np.array([judged.win_rate for _, judged, _ in found])
    zeros = np.zeros(len(found))
    return Measured(
        outcome=outcome,
        unit="win rate",
        margin=margin,
        status="used",
        contrasts=tuple(contrast for contrast, _, _ in found),
        statuses=tuple("used" for _ in found),
        components=Components(
            by_seed=np.array([part.by_seed for part in parts]).reshape(len(found), num_seeds),
            items_on_these_seeds=np.array([float(part.items_on_these_seeds) for part in parts]),
            residual=np.array([float(part.residual) for part in parts]),
            item_df=np.array([float(part.item_df) for part in parts]),
            least_variance=max((part.least_variance for part in parts), default=0.0),
        ),
        # one half is no score that a ratio could be taken of
        control=Components(np.zeros((len(found), num_seeds)), zeros, zeros, zeros + 1.0),
        arm_mean=rates,
        control_mean=np.full(len(found), 0.5),
        resampled=None,
        flags=tuple(opinion.flags() for _, _, opinion in found),
    )


def _opinion(
    outcome: str, contrast: PlannedContrast, scale: str, judged: Judged | None, files: Sequence[Judgements]
) -> Opinion:
    names = sorted({judge for file in files for judge in file.judges})
    tally = judged.tally if judged else None
    return Opinion(
        contrast=f"{contrast.arm} vs {contrast.control}",
        arm=contrast.arm,
        control=contrast.control,
        scale=scale,
        outcome=outcome,
        win_rate=judged.win_rate if judged else None,
        interval=(judged.low, judged.high) if judged else None,
        wins=tally.wins if tally else 0,
        ties=tally.ties if tally else 0,
        losses=tally.losses if tally else 0,
        items=len(judged.items) if judged else 0,
        sign_p=judged.sign_p if judged else None,
        items_won=judged.items_won if judged else 0,
        items_lost=judged.items_lost if judged else 0,
        length_controlled=judged.length_controlled if judged else None,
        arm_characters=judged.arm_characters if judged else None,
        control_characters=judged.control_characters if judged else None,
        agreement=judged.agreement if judged else None,
        judges=tuple(_one_judge(name, judged, files) for name in names),
    )


def _one_judge(name: str, judged: Judged | None, files: Sequence[Judgements]) -> OneJudge:
    cost = sum(file.cost.get(name, 0.0) for file in files)
    if judged is None:
        unusable = sum(round(file.unusable.get(name, 0.0) * file.items) for file in files)
        return OneJudge(name, None, 0, 0, 0, unusable, None, 0, None, cost)
    tally, position = judged.by_judge[name], judged.position[name]
    return OneJudge(
        judge=name,
        win_rate=tally.win_rate,
        wins=tally.wins,
        ties=tally.ties,
        losses=tally.losses,
        unusable=tally.unusable,
        place_rate=position.rate,
        first_place=position.first,
        place_p=position.p_value,
        cost=cost,
    )
