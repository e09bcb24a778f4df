"""Whether a task can tell anything: is it done above chance, and is a score skill or a habit of one answer?

An arm is *collapsed* where it gives one answer more often than it is right, agrees with the answers no better than
that habit alone would, and yet is credited for it: such an arm lands on the majority's rate and looks better than one
that reads. An *answer* is a label that comes back from item to item (yes and no, letters). Where each item has texts of
its own there is none to have a habit of: the place of a text in its list is not shown to the model. And where one
label is right every time, no skill can be told from a habit of it: an arm that gives one label nearly always is
collapsed there, whichever it is.

Two questions are asked of a task, by different arms:

1. Is it tested in a contrast? That is for the contrast's own two arms to say, and no third one. It is `collapsed` if
   one of the two is, and `at chance` (`at zero`, where nothing can be guessed) if the two *together* are not above it.
   Together, because what decides whether a difference is tested must not know the difference: sum and difference of
   two equal arms are independent, while "at least one of them is above chance" picks the lucky arm, and its luck is
   then tested as a gain.
2. Is it in the means over tasks? A mean must be the same quantity in every row, so that is decided once a scale, over
   all arms together, by the rule of `signal`: left out are tasks that all arms together do not do far enough above
   chance for their noise, and tasks on which any arm is collapsed. A task that only some arms do may stay: that is what
   a study looks for.

Beside these decisions stand three habits that are shown and exclude nothing: an arm *leans* to an answer that it gives
more often than it is right (a label such as "yes", or a letter), and of what it generates, a share may be
*empty* or *looping*. A finding is flagged where one of its arms leans and the other does not (what both do cancels
out), and where either is often empty or looping.

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
from titrant.analyze.signal import LEAST_HEIGHT, Signal, signal_of

Status = Literal["used", "at chance", "at zero", "collapsed"]
"""`at zero`: nothing is guessed, and hardly any item is right."""

COLLAPSE_FRACTION = 0.9
"""An arm without skill that gives one answer so often is collapsed whether or not it gains by it."""
LEAST_LEAN = 0.1
"""An arm leans to an answer that it gives on so many more items than it is right on, if that is no accident."""
MOST_BROKEN = 0.1
"""Findings are flagged where an arm's empty or looping outputs are so many."""
LEANS = "one arm leans to one answer"
EMPTY = "empty outputs"
LOOPING = "looping outputs"


@dataclass(frozen=True)
class ArmSignal:
    """What one arm shows on one task, all seeds together."""

    accuracy: float
    above_chance: bool
    skill: float | None
    """Accuracy minus the agreement expected from how often each answer is given; None without labels, and
    where one of them is right every time."""
    commonest_fraction: float | None
    """How often the arm gives its commonest answer."""
    collapsed: bool
    favoured: int | None = None
    """Number of the label that it gives most above how often that one is right; None without labels."""
    lean: float | None = None
    """Share of items by which it gives that answer too often: 0 of an arm without such a habit."""
    leans: bool = False
    """Whether that is `LEAST_LEAN` or more, and no accident of the items."""
    empty_fraction: float | None = None
    """Share of generated outputs that are empty; None where nothing is generated."""
    looping_fraction: float | None = None
    """Share of them that repeat themselves to their end."""


@dataclass(frozen=True)
class Viability:
    """Whether a task is part of means, why not, what each arm shows, and which contrasts are tested on it."""

    status: Status
    reason: str
    arms: dict[str, ArmSignal]
    signal: Signal
    contrasts: dict[tuple[str, str], Status] = field(default_factory=dict)
    """By (arm, control)."""

    def flags(self, arm: str, control: str) -> tuple[str, ...]:
        """Habits of either arm that are a reason for care."""
        pair = (self.arms[arm], self.arms[control])
        found = [LEANS] if pair[0].leans != pair[1].leans else []
        found += [EMPTY] if any((signal.empty_fraction or 0) >= MOST_BROKEN for signal in pair) else []
        found += [LOOPING] if any((signal.looping_fraction or 0) >= MOST_BROKEN for signal in pair) else []
        return tuple(found)


def judge_task(panel: Panel, chance: float, alpha: float) -> Viability:
    """Judge one task at one scale over all arms, for the means. `chance` is the accuracy of guessing, `alpha` the
    level of each single test."""
    arms = {arm: _signal(panel, index, chance, alpha) for index, arm in enumerate(panel.arms)}
    signal = signal_of(panel, chance)
    able = [arm for arm, shown in arms.items() if shown.above_chance]
    collapsed = [arm for arm, shown in arms.items() if shown.collapsed]
    credited = [arm for arm in collapsed if arms[arm].above_chance]
    if credited or len(collapsed) == len(arms):
        named = ", ".join(f"'{arm}'" for arm in credited or collapsed)
        share = max(arms[arm].commonest_fraction or 0.0 for arm in credited or collapsed)
        reason = f"collapsed onto one answer (up to {share:.0%} of items) without skill beyond that habit: {named}"
        return Viability("collapsed", reason, arms, signal)
    level = f"above chance ({chance:.3g})" if chance else "above zero"
    silent: Status = "at chance" if chance else "at zero"
    if (signal.height_to_noise or 0.0) < LEAST_HEIGHT:
        height = max(signal.height_to_noise or 0.0, 0.0)
        words = f"all arms together are {height:.2f} times the noise {level}, and {LEAST_HEIGHT:g} are asked for"
        return Viability(silent, words, arms, signal)
    if len(able) < len(arms):
        named = ", ".join(f"'{arm}'" for arm in arms if arm not in able)
        return Viability("used", f"{'not above chance' if chance else 'hardly any right'}: {named}", arms, signal)
    return Viability("used", "", arms, signal)


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
    if _is_above(together_SI, panel.weight, chance, alpha):
        return "used"
    return "at chance" if chance else "at zero"


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
        empty, looping = (_share(panel, index, name) for name in ("empty", "looping"))
        return ArmSignal(accuracy, above, None, None, False, empty_fraction=empty, looping_fraction=looping)
    choices = int(max(predicted_SI.max(), panel.answer.max())) + 1
    given_SIC = predicted_SI[..., None] == np.arange(choices)
    right_IC = (panel.answer[:, None] == np.arange(choices)).astype(float)
    given_IC = given_SIC.mean(axis=0)
    commonest = int(given_IC.mean(axis=0).argmax())
    fraction = float(given_IC[:, commonest].mean())
    skill: float | None = None
    if right_IC.mean(axis=0).max() == 1:
        collapsed = fraction >= COLLAPSE_FRACTION
    else:
        skill, skilled = _skill(given_IC, right_IC, alpha)
        biased = _is_too_often(given_IC, right_IC, commonest, alpha)
        collapsed = biased and not skilled and (above or fraction >= COLLAPSE_FRACTION)
    excess = (given_IC - right_IC).mean(axis=0)
    favoured = int(excess.argmax())
    lean = float(excess[favoured])
    # the answer was picked among all for its excess
    leans = lean >= LEAST_LEAN and _is_too_often(given_IC, right_IC, favoured, alpha / choices)
    return ArmSignal(accuracy, above, skill, fraction, collapsed, favoured, lean, leans)


def _is_too_often(given_IC: Floats, right_IC: Floats, answer: int, alpha: float) -> bool:
    """Whether an answer is given more often than it is right."""
    excess_I = given_IC[:, answer] - right_IC[:, answer]
    return _is_above(excess_I[None], np.ones(excess_I.size), 0.0, alpha)


def _share(panel: Panel, index: int, name: str) -> float | None:
    return float(panel.beside[name][index].mean()) if name in panel.beside else None


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
