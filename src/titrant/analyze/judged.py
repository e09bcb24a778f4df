"""Verdicts of judges become one win rate, with its interval and with all that may be wrong with the judges.

1. a judge sees a pair in both orders; it wins or loses only where both orders say so, and is a tie where they disagree
2. a pair of which an order is unusable has no verdict of that judge: it is counted and never guessed
3. several judges decide a pair by majority; as many wins as losses are a tie
4. an item counts if its pair was decided in every seed; what is left out is counted
5. win rate = (wins + half of the ties) / pairs, for each judge and for all of them; there is no other definition

The interval treats items and seeds as variance components do everywhere in this room, brought into [0, 1] by Wilson's
form with the number of independent pairs that would give the same width.

**Source:** Wilson, "Probable inference", JASA 22 (1927); Korn and Graubard, "Confidence intervals for proportions with
small expected number of positive counts", Survey Methodology 24 (1998), for the effective number; Dixon and Mood, "The
statistical sign test", JASA 41 (1946), which leaves ties out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from scipy.stats import binomtest, norm

from titrant.analyze.components import Components, Floats, variance_components
from titrant.analyze.length_control import LengthControlled, length_controlled
from titrant.analyze.reference import half_width
from titrant.errors import StoreError

DEFINITION = (
    "Win rate = (wins + half of the ties) / pairs. A pair is one prompt answered by both runs of a seed; each judge "
    "sees it in both orders, and orders that disagree are a tie. Several judges decide by majority."
)
"""What stands beside every win rate."""
Choice = Literal["arm", "control", "tie", "unusable"]
CHOICES: tuple[Choice, ...] = ("arm", "control", "tie", "unusable")
Order = Literal["arm first", "control first"]
ORDERS: tuple[Order, ...] = ("arm first", "control first")
_SCORE = {"arm": 1.0, "tie": 0.5, "control": 0.0}


@dataclass(frozen=True)
class Judgement:
    """What one judge said of one pair in one order. `tie` is said of equal answers alone, which no judge is shown."""

    item: str
    judge: str
    order: Order
    choice: Choice
    arm_characters: int
    control_characters: int


@dataclass(frozen=True)
class Position:
    """How often the place of an answer decided. Pairs of equal answers are not among them."""

    pairs: int
    """Pairs with two usable orders that were shown to a judge."""
    decided_by_place: int
    """Of these, pairs in which both orders gave the same place the win, whichever answer stood there."""
    first: int
    """Of these, those in which the first place won."""
    p_value: float | None
    """Sign test of first against second place, over pairs that place decided; None where there are none."""

    @property
    def rate(self) -> float | None:
        """Position-bias rate: the share of pairs decided by place; None without pairs."""
        return self.decided_by_place / self.pairs if self.pairs else None


@dataclass(frozen=True)
class Tally:
    """Pairs by what was decided of them."""

    wins: int
    ties: int
    losses: int
    unusable: int
    """Pairs without a verdict, which are no part of the rate."""

    @property
    def pairs(self) -> int:
        """Pairs with a verdict."""
        return self.wins + self.ties + self.losses

    @property
    def win_rate(self) -> float | None:
        """(wins + half of the ties) / pairs; None without pairs."""
        return (self.wins + self.ties / 2) / self.pairs if self.pairs else None


@dataclass(frozen=True)
class Judged:
    """An arm against its control by judges, over all seeds."""

    tally: Tally
    """By all judges together; `unusable` are pairs of items that are left out."""
    low: float
    high: float
    """Interval of the win rate at level 1 - alpha, over items and seeds. With one seed: over items alone."""
    sign_p: float
    """Two-sided sign test: over items, whether more are won than lost (over all seeds of an item together)."""
    items_won: int
    items_lost: int
    length_controlled: LengthControlled | None
    """None where it cannot be told."""
    arm_characters: float
    control_characters: float
    """Mean length of the answers compared."""
    by_judge: Mapping[str, Tally]
    position: Mapping[str, Position]
    """By judge."""
    agreement: float | None
    """Krippendorff's alpha among the judges (1 perfect, 0 as by chance); None with one judge or where all say the same
    of everything."""
    items: tuple[str, ...]
    """Those that count, sorted."""
    score: Floats
    """[S, I]: their scores by seed and item: 1, 1/2 or 0."""
    components: Components
    """Of score - 1/2, for tests against one half."""

    @property
    def win_rate(self) -> float:
        """(wins + half of the ties) / pairs."""
        return (self.tally.wins + self.tally.ties / 2) / self.tally.pairs


def read_judgements(folder: Path) -> list[Judgement]:
    """The rows of `judgements.parquet`. Raises StoreError if it cannot be read or holds other words."""
    path = folder / "judgements.parquet"
    columns = ("item", "judge", "order", "choice", "arm_characters", "control_characters")
    try:
        rows = pq.read_table(path, columns=list(columns)).to_pylist()
    except (OSError, pa.ArrowException) as error:
        raise StoreError(f"the judgements cannot be read from {path}: {error}") from None
    for row in rows:
        if row["order"] not in ORDERS or row["choice"] not in CHOICES:
            raise StoreError(f"{path}: item '{row['item']}' has order '{row['order']}' and choice '{row['choice']}'")
    return [Judgement(**row) for row in rows]


def judge_pairs_of_arms(by_seed: Mapping[int, Sequence[Judgement]], alpha: float = 0.05) -> Judged | None:
    """All that judges said of an arm and its control, by seed. Every seed must hold the same items and judges.

    None where fewer than two items have a verdict in every seed. Raises StoreError where a judgement is missing or
    given twice.
    """
    cells = _cells(by_seed)
    judges, seeds, all_items = _names(cells)
    verdict_JSI = np.array([[[_decided(cells[j, s, i]) for i in all_items] for s in seeds] for j in judges])
    score_all_SI = _majority(verdict_JSI)
    counts = np.asarray(np.isfinite(score_all_SI).all(axis=0))
    if counts.sum() < 2:
        return None
    score_SI = score_all_SI[:, counts]
    items = tuple(item for item, kept in zip(all_items, counts, strict=True) if kept)
    lengths = [[_lengths(cells[judges[0], s, i]) for i in items] for s in seeds]
    arm_SI, control_SI = np.moveaxis(np.array(lengths, dtype=float), -1, 0)
    components = variance_components(score_SI - 0.5, np.ones(len(items)), binary=True)
    low, high = _interval(float(score_SI.mean()), components, len(items), alpha)
    net_I = (score_SI - 0.5).sum(axis=0)
    won, lost = int((net_I > 0).sum()), int((net_I < 0).sum())
    return Judged(
        tally=_tally(score_SI, unusable=int((~counts).sum()) * len(seeds)),
        low=low,
        high=high,
        sign_p=sign_test(won, lost),
        items_won=won,
        items_lost=lost,
        length_controlled=length_controlled(score_SI, arm_SI - control_SI, alpha),
        arm_characters=float(arm_SI.mean()),
        control_characters=float(control_SI.mean()),
        by_judge={judge: _tally_with_holes(verdict_JSI[row]) for row, judge in enumerate(judges)},
        position={j: _position(cells[j, s, i] for s in seeds for i in all_items) for j in judges},
        agreement=krippendorff_alpha(verdict_JSI.reshape(len(judges), -1)),
        items=items,
        score=score_SI,
        components=components,
    )


Cell = dict[Order, Judgement]


def _cells(by_seed: Mapping[int, Sequence[Judgement]]) -> dict[tuple[str, int, str], Cell]:
    cells: dict[tuple[str, int, str], Cell] = {}
    for seed, judgements in by_seed.items():
        for judgement in judgements:
            cell = cells.setdefault((judgement.judge, seed, judgement.item), {})
            if judgement.order in cell:
                raise StoreError(
                    f"seed {seed}: judge '{judgement.judge}' judged item '{judgement.item}' twice with the "
                    f"{judgement.order}; delete the judgements and run again"
                )
            cell[judgement.order] = judgement
    return cells


def _names(cells: Mapping[tuple[str, int, str], Cell]) -> tuple[list[str], list[int], list[str]]:
    judges, seeds = sorted({judge for judge, _, _ in cells}), sorted({seed for _, seed, _ in cells})
    items = sorted({item for _, _, item in cells})
    for judge in judges:
        for seed in seeds:
            for item in items:
                if len(cells.get((judge, seed, item), {})) < len(ORDERS):
                    raise StoreError(
                        f"seed {seed}: judge '{judge}' has not judged item '{item}' in both orders, as others have; a "
                        "missing cell is never averaged over: judge again"
                    )
    return judges, seeds, items


def _decided(cell: Cell) -> float:
    """1, 1/2 or 0; NaN where an order is unusable."""
    first, second = (cell[order].choice for order in ORDERS)
    if "unusable" in (first, second):
        return np.nan
    return _SCORE[first] if first == second else 0.5


def _majority(verdict_JSI: Floats) -> Floats:
    """[S, I]: 1 where more judges see a win than a loss, 0 where fewer, else 1/2; NaN where no judge has a verdict."""
    net = np.nansum(verdict_JSI - 0.5, axis=0)
    decided = np.isfinite(verdict_JSI).any(axis=0)
    return np.where(decided, 0.5 + 0.5 * np.sign(net), np.nan)


def _lengths(cell: Cell) -> tuple[int, int]:
    judgement = cell["arm first"]
    return judgement.arm_characters, judgement.control_characters


def _tally(score: Floats, unusable: int) -> Tally:
    return Tally(int((score == 1).sum()), int((score == 0.5).sum()), int((score == 0).sum()), unusable)


def _tally_with_holes(verdict_SI: Floats) -> Tally:
    return _tally(verdict_SI, int(np.isnan(verdict_SI).sum()))


def _position(cells: Iterable[Cell]) -> Position:
    pairs = first = second = 0
    for cell in cells:
        choices = (cell["arm first"].choice, cell["control first"].choice)
        if "unusable" in choices or "tie" in choices:
            continue
        pairs += 1
        first += choices == ("arm", "control")
        second += choices == ("control", "arm")
    p_value = sign_test(first, second) if first + second else None
    return Position(pairs, first + second, first, p_value)


def sign_test(for_it: int, against: int) -> float:
    """Two-sided exact p that both are equally likely; 1 without any.

    >>> round(sign_test(9, 1), 4)
    0.0215
    """
    return float(binomtest(for_it, for_it + against, 0.5).pvalue) if for_it + against else 1.0


def wilson_interval(rate: float, number: float, alpha: float) -> tuple[float, float]:
    """Wilson's score interval of a rate seen in `number` independent trials, which need be no whole number.

    >>> [round(end, 3) for end in wilson_interval(0.9, 10, 0.05)]
    [0.596, 0.982]
    """
    z = float(norm.isf(alpha / 2))
    middle = (rate + z * z / (2 * number)) / (1 + z * z / number)
    width = z / (1 + z * z / number) * sqrt(rate * (1 - rate) / number + (z / (2 * number)) ** 2)
    return max(0.0, middle - width), min(1.0, middle + width)


def _interval(rate: float, components: Components, num_items: int, alpha: float) -> tuple[float, float]:
    """Wilson's interval with as many trials as give the components' own width; with as many as items at 0 and 1."""
    width = float(half_width(components, alpha))
    spread = rate * (1 - rate)
    if spread == 0 or width == 0:
        return wilson_interval(rate, num_items, alpha)
    return wilson_interval(rate, spread * (float(norm.isf(alpha / 2)) / width) ** 2, alpha)


def krippendorff_alpha(values_JU: Floats) -> float | None:
    """Agreement of J judges on U units, NaN where one has none; the squared difference of values is their distance.

    1 is perfect agreement, 0 what chance gives. None where fewer than two judges share a unit, or all values are equal.

    **Source:** Krippendorff, "Computing Krippendorff's alpha-reliability" (2011), with the interval metric.
    """
    given = np.isfinite(values_JU)
    paired = given.sum(axis=0) >= 2
    values, given = np.where(given, values_JU, 0.0)[:, paired], given[:, paired]
    count_U, total = given.sum(axis=0), int(given.sum())
    if not total:
        return None
    # over all ordered pairs of n values, the squared differences sum to 2 (n sum of squares - square of the sum)
    within = 2 * (count_U * (values**2).sum(axis=0) - values.sum(axis=0) ** 2)
    observed = float((within / (count_U - 1)).sum()) / total
    expected = 2 * (total * float((values**2).sum()) - float(values.sum()) ** 2) / (total * (total - 1))
    return 1 - observed / expected if expected > 0 else None
