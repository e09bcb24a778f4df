"""What an outcome gives away for nothing: chance, the majority's share, and how lopsided the predictions are.

A model that answers "yes" to everything scores the share of "yes", which can lie far above one half and above what
models score that do read the question. So every accuracy is stored beside chance and majority, and every item keeps
the index that was predicted; judging an outcome by them is the analysis' work.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from statistics import fmean

from titrant.evaluate.choice import ChoiceItem, ScoredChoice


def chance_accuracy(items: Sequence[ChoiceItem]) -> float:
    """Expected accuracy of choosing uniformly: the mean of 1 / number of choices."""
    return fmean(1 / len(item.choices) for item in items)


def majority_accuracy(items: Sequence[ChoiceItem]) -> float:
    """Accuracy of always giving the index that is most often right."""
    return max(Counter(item.answer for item in items).values()) / len(items)


def largest_predicted_share(scored: Sequence[ScoredChoice]) -> float:
    """Share of items on which the most often predicted index was predicted: 1 is complete collapse."""
    return max(Counter(choice.predicted for choice in scored).values()) / len(scored)
