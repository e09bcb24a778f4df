"""Whether a task can tell anything: is it done above chance, and is a score skill or a habit of one answer?

An arm is *collapsed* where it gives one answer more often than it is right, agrees with the answers no better than
that habit alone would, and yet is credited for it: such an arm lands on the majority's rate and looks better than one
that reads.

Two questions are asked of a task, by different arms:

1. Is it tested in a contrast? That is for the contrast's own two arms to say, and no third one. It is `collapsed` if
   one of the two is, and `at chance` if the two *together* are not above chance. Together, because what decides
   whether a difference is tested must not know the difference: sum and difference of two equal arms are independent,
   while "at least one of them is above chance" picks the lucky arm, and its luck is then tested as a gain.
2. Is it in the means over tasks? A mean must be the same quantity in every row, so that is decided once a scale, over
   all arms: left out are tasks that no arm does above chance, and tasks on which any arm is collapsed. A task that only
   some arms do above chance stays: that is what a study looks for.

Tests here are over items for the models at hand, one-sided, shared out over all tasks and arms (or contrasts) of the
scale (Bonferroni): seeds are no part of the question whether these models do the task.

**Source:** Bourgon, Gentleman and Huber, "Independent filtering increases detection power for high-throughput
experiments", PNAS 107 (2010), for the filter that does not know the difference.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from scipy.special import stdtr

from titrant.analyze.components import Floats, variance_components
from titrant.analyze.paired import Panel

Status = Literal["used", "at chance", "collapsed"]

COLLAPSE_FRACTION = 0.9
"""An arm without skill that gives one answer so often is collapsed whether or not it gains by it."""


@dataclass(frozen=True)
class ArmSignal:
    """What one arm shows on one task, all seeds together."""

    accuracy: float
    above_chance: bool
    skill: float | None
    """Accuracy minus the agreement expected from how often each answer is given; None without predicted indices."""
    commonest_fraction: float | None
    """How often the arm gives its commonest answer."""
    collapsed: bool


@dataclass(frozen=True)
class Viability:
    """Whether a task is part of means, why not, what each arm shows, and which contrasts are tested on it."""

    status: Status
    reason: str
    arms: dict[str, ArmSignal]
    contrasts: dict[tuple[str, str], Status] = field(default_factory=dict)
    """By (arm, control)."""


def judge_task(panel: Panel, chance: float, alpha: float) -> Viability:
    """Judge one task at one scale over all arms, for the means. `chance` is the accuracy of guessing, `alpha` the
    level of each single test."""
    arms = {arm: _signal(panel, index, chance, alpha) for index, arm in enumerate(panel.arms)}
    able = [arm for arm, signal in arms.items() if signal.above_chance]
    collapsed = [arm for arm, signal in arms.items() if signal.collapsed]
    credited = [arm for arm in collapsed if arms[arm].above_chance]
    if credited or len(collapsed) == len(arms):
        named = ", ".join(f"'{arm}'" for arm in credited or collapsed)
        share = max(arms[arm].commonest_fraction or 0.0 for arm in credited or collapsed)
        reason = f"collapsed onto one answer (up to {share:.0%} of items) without skill beyond that habit: {named}"
        return Viability("collapsed", reason, arms)
    if not able:
        return Viability("at chance", f"no arm is above chance ({chance:.3g})", arms)
    if len(able) < len(arms):
        named = ", ".join(f"'{arm}'" for arm in arms if arm not in able)
        return Viability("used", f"not above chance: {named}", arms)
    return Viability("used", "", arms)


def judge_contrasts(
    panel: Panel, arms: dict[str, ArmSignal], pairs: Iterable[tuple[str, str]], chance: float, alpha: float
) -> dict[tuple[str, str], Status]:
    """Which contrasts (arm, control) are tested on one task, by those two arms alone. `alpha`: of each single test."""
    return {pair: _judge_pair(panel, [arms[arm] for arm in pair], pair, chance, alpha) for pair in pairs}


def _judge_pair(panel: Panel, signals: list[ArmSignal], pair: tuple[str, str], chance: float, alpha: float) -> Status:
    collapsed = [signal for signal in signals if signal.collapsed]
    if len(collapsed) == len(signals) or any(signal.above_chance for signal in collapsed):
        return "collapsed"
    together_SI = np.mean([panel.value[panel.arms.index(arm)] for arm in pair], axis=0)
    return "used" if _is_above(together_SI, panel.weight, chance, alpha) else "at chance"


def _is_above(value_SI: Floats, weight_I: Floats, chance: float, alpha: float) -> bool:
    made = variance_components(value_SI - chance * weight_I, weight_I, binary=True)
    mean, variance = float(made.difference), max(float(made.items_on_these_seeds), made.least_variance)
    return mean > 0 and _p_above(mean, variance, made.item_df) < alpha


def _signal(panel: Panel, index: int, chance: float, alpha: float) -> ArmSignal:
    value_SI = panel.value[index]
    above = _is_above(value_SI, panel.weight, chance, alpha)
    accuracy = float(panel.scores()[index].mean())
    predicted_SI = panel.predicted[index]
    if (predicted_SI < 0).any() or (panel.answer < 0).any():
        return ArmSignal(accuracy, above, None, None, False)
    choices = int(max(predicted_SI.max(), panel.answer.max())) + 1
    given_SIC = predicted_SI[..., None] == np.arange(choices)
    right_IC = panel.answer[:, None] == np.arange(choices)
    given = given_SIC.mean(axis=(0, 1))
    commonest = int(given.argmax())
    skill, skilled = _skill(given_SIC.mean(axis=0), right_IC.astype(float), alpha)
    excess_I = given_SIC[..., commonest].mean(axis=0) - right_IC[:, commonest]
    biased = _is_above(excess_I[None], np.ones(excess_I.size), 0.0, alpha)
    fraction = float(given[commonest])
    collapsed = biased and not skilled and (above or fraction >= COLLAPSE_FRACTION)
    return ArmSignal(accuracy, above, skill, fraction, collapsed)


def _skill(given_IC: Floats, right_IC: Floats, alpha: float) -> tuple[float, bool]:
    """Agreement beyond what the two distributions of answers give alone (the numerator of Cohen's kappa), and
    whether it is above zero; its error by the delta method over items."""
    given, right = given_IC.mean(axis=0), right_IC.mean(axis=0)
    agree_I = (given_IC * right_IC).sum(axis=1)
    skill = float(agree_I.mean() - given @ right)
    influence_I = agree_I - given_IC @ right - right_IC @ given
    centred_I = influence_I - influence_I.mean() + skill
    return skill, _is_above(centred_I[None], np.ones(centred_I.size), 0.0, alpha)


def _p_above(mean: float, variance: float, df: Floats) -> float:
    return float(stdtr(df, -mean / np.sqrt(variance)))
