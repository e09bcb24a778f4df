"""The parts of report.json that describe outcomes: what arms show on them, signal and noise, measures beside accuracy,
code that was run, and what judges said."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from titrant.report.entry import Entry


class ArmSignal(Entry):
    """What one arm shows on one task of choices, all seeds together."""

    accuracy: float
    above_chance: bool
    skill: float | None
    """Accuracy beyond what its habit of answering alone would give; null where answers are not known."""
    commonest_fraction: float | None
    """How often the arm gives its commonest answer."""
    collapsed: bool
    """Whether it gives one answer without skill."""
    favoured: int | None = None
    """Index (from 0) of the answer that it gives most above how often that one is right; null where there is none."""
    lean: float | None = None
    """Share of items by which it gives that answer too often."""
    leans: bool = False
    """Whether that is a tenth of the items or more, and no accident: position bias."""
    empty_fraction: float | None = None
    """Share of generated outputs that are empty; null where nothing is generated."""
    looping_fraction: float | None = None
    """Share of them that repeat themselves to their end."""


class Signal(Entry):
    """Signal and noise of one outcome at one scale, in its unit."""

    spread: float | None
    """Largest minus smallest mean of an arm; null with one arm."""
    noise: float = Field(ge=0)
    """Standard deviation of the score of one run."""
    noise_over: Literal["seeds and items", "items"]
    """`items` with one seed: what training adds is not known."""
    spread_to_noise: float | None
    """The signal-to-noise ratio. It decides nothing: contrasts test the spread."""
    height: float | None
    """Mean over all arms minus chance; null for bits per byte."""
    height_to_noise: float | None
    """What the rule for means asks for."""


class OutcomeEntry(Entry):
    """One outcome at one scale, or the mean over the outcomes of a kind."""

    unit: str
    better_is: Literal["lower", "higher"]
    margin: float
    chance: float | None
    """Accuracy of guessing; null where there are no choices."""
    majority: float | None
    """Accuracy of always giving the commonest answer; null where there are no choices."""
    status: Literal["used", "at chance", "at zero", "collapsed"]
    """Whether the outcome can tell anything, all arms taken together; only `used` ones are part of means."""
    reason: str
    """Why it is not used, or for which arms it shows nothing; empty where there is nothing to say."""
    left_out: dict[str, Literal["at chance", "at zero", "collapsed"]]
    """By contrast (`ARM vs CONTROL`), why it is not tested on this outcome: what its own two arms show there. Those
    findings are outside of the family of tests."""
    flagged_items: int = 0
    """Items that training data of the scale hold."""
    arms: dict[str, ArmSignal]
    members: tuple[str, ...]
    """Outcomes that a mean is over; empty for a single outcome."""
    metric: str | None = None
    """What is compared, by its name in lm-evaluation-harness; null for all but its tasks."""
    shortened: int = 0
    """Items whose question lost its beginning, being longer than the window."""
    mean: str | None = None
    """The mean that the outcome is part of if it is `used`; null for a mean, and for what judges say."""
    signal: Signal | None = None
    """null for a mean, and for what judges say."""


class CompanionContrast(Entry):
    """How two arms differ in a measure beside accuracy. Not tested."""

    contrast: str
    arm: str
    control: str
    difference: float
    """Arm minus control, paired by seed and item."""
    interval: tuple[float, float]
    """Of this one difference, at the level 1 - alpha of the study."""


class CompanionEntry(Entry):
    """One measure beside the accuracy of one outcome at one scale."""

    scale: str
    outcome: str
    measure: Literal["gold bits", "probability", "margin"]
    """Bits per byte of the right answer; the right choice's share of the choices' likelihoods; log-likelihood of the
    right choice minus that of the best other one."""
    unit: Literal["bits per byte", "probability", "nats"]
    better_is: Literal["lower", "higher"]
    items: int = Field(ge=2)
    """Items that have it in every run."""
    arms: dict[str, float]
    """Mean over seeds, by arm."""
    signal: Signal
    contrasts: tuple[CompanionContrast, ...]


class ProgramsEntry(Entry):
    """What became of one run's solutions to one set of problems."""

    run: str
    arm: str
    scale: str
    outcome: str
    """`code/NAME`."""
    problems: int = Field(ge=1)
    samples: int = Field(ge=1)
    """Solutions of each problem."""
    pass_at_k: dict[str, float]
    """By k: the unbiased estimate, mean over problems."""
    verdicts: dict[str, int]
    """How many solutions ended how."""
    empty: float = Field(ge=0, le=1)
    """Share of solutions that are empty."""
    looping: float | None = Field(ge=0, le=1)
    """Share of solutions that repeat themselves to their end; null where it is not known."""
    sandbox: str
    """What held the programs."""


class LengthControlled(Entry):
    """The win rate that answers of equal length would have, by a logistic regression on the difference of lengths."""

    rate: float
    low: float
    high: float
    length_effect: float
    """Log-odds of winning that a much longer answer gains; 0: length does not matter."""


class JudgeEntry(Entry):
    """What one judge decided of one contrast, over all seeds."""

    judge: str
    win_rate: float | None = Field(ge=0, le=1)
    wins: int = Field(ge=0)
    ties: int = Field(ge=0)
    losses: int = Field(ge=0)
    unusable: int = Field(ge=0)
    """Pairs of which an order gave no verdict that could be read."""
    place_rate: float | None = Field(ge=0, le=1)
    """Position-bias rate: share of pairs in which the same place won in both orders."""
    first_place: int = Field(ge=0)
    """Of those pairs, so many went to the first place."""
    place_p: float | None = Field(ge=0, le=1)
    """Sign test of first against second place."""
    cost: float = Field(ge=0)
    """In the currency of its prices."""


class JudgedEntry(Entry):
    """One contrast as judges see it."""

    contrast: str
    arm: str
    control: str
    scale: str
    outcome: str
    """`judge/NAME`."""
    win_rate: float | None = Field(ge=0, le=1)
    """(wins + half of the ties) / pairs, of the arm against the control; null where too few pairs have a verdict."""
    interval: tuple[float, float] | None
    """Of the win rate, over seeds and items, at the level 1 - alpha of the study."""
    wins: int = Field(ge=0)
    ties: int = Field(ge=0)
    losses: int = Field(ge=0)
    items: int = Field(ge=0)
    """Items with a verdict in every seed."""
    sign_p: float | None = Field(ge=0, le=1)
    """Exact sign test over items, ties left out; it knows no training noise."""
    items_won: int = Field(ge=0)
    items_lost: int = Field(ge=0)
    length_controlled: LengthControlled | None
    arm_characters: float | None
    """Mean length of the answers compared."""
    control_characters: float | None
    agreement: float | None
    """Krippendorff's alpha among the judges; null with one judge."""
    judges: tuple[JudgeEntry, ...]
