"""What an outcome gives away for nothing: chance, the majority's share, and how lopsided the predictions are.

A model that answers "yes" to everything scores the share of "yes", which can lie far above one half and above what
models score that do read the question. So every accuracy is stored beside chance and majority, and every item keeps
the label that was predicted; judging an outcome by them is the analysis' work.

Where a choice stands in its list is not shown to the model, so a place is no answer and nothing counts places: a file
whose right choice always stands last gives nothing away. Texts are counted, and only where the same come back in the
items are they *labels*, to which a model can have a habit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import fmean

from titrant.evaluate.choice import ChoiceItem, ScoredChoice


def chance_accuracy(items: Sequence[ChoiceItem]) -> float:
    """Expected accuracy of choosing uniformly: the mean of 1 / number of choices."""
    return fmean(1 / len(item.choices) for item in items)


def majority_accuracy(items: Sequence[ChoiceItem]) -> float:
    """Accuracy of always giving the answer that is most often right, in words."""
    return max(Counter(item.choices[item.answer] for item in items).values()) / len(items)


def largest_predicted_share(scored: Sequence[ScoredChoice]) -> float:
    """Share of items on which the most often predicted answer was predicted: 1 is complete collapse."""
    return max(Counter(choice.item.choices[choice.predicted] for choice in scored).values()) / len(scored)


def shared_labels(choices: Iterable[Sequence[str]]) -> dict[str, int]:
    """The number of each label (yes and no; letters) in the order of the first item that has most of them; empty where
    items have texts of their own.

    Labels are shared where no item has a choice that is not among those of the item with most choices: questions by
    letters may have four choices or five.

    >>> shared_labels([(" no", " yes"), (" yes", " no")]), shared_labels([("a dog", "a cat"), ("a bus", "a car")])
    ({' no': 0, ' yes': 1}, {})
    """
    sets = [tuple(texts) for texts in choices]
    most = max(sets, key=lambda texts: len(texts), default=())
    labels = {text: number for number, text in enumerate(dict.fromkeys(most))}
    return labels if all(labels.keys() >= set(texts) for texts in sets) else {}
