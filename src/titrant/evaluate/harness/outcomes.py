"""What one item of a task shows beside being right or wrong, from the harness's own record of it.

Accuracy is at its floor for small models on most tasks; how likely they find the right answer is not. So each item
keeps the nats and bytes of the right answer (bits per byte, over all items), the probability of the right choice and
its margin over the best other one, all from the log-likelihoods that decided the item anyway.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from titrant.errors import StudyError
from titrant.evaluate.choice import TIE_NATS
from titrant.evaluate.generation.degenerate import is_empty, is_looping
from titrant.evaluate.harness.tasks import BuiltTask

LENGTHS: dict[str, Callable[[str], int]] = {
    "acc": lambda choice: 1,
    "acc_norm": len,
    "acc_bytes": lambda choice: len(choice.encode()),
}
"""The metrics that are whether the likeliest choice is right, and what log-likelihoods are divided by before choices
are compared, as the harness does: nothing, characters, bytes. Of every other metric, and of a task that counts its own
(`process_results`), neither guessing nor the likeliest choice says anything."""


@dataclass(frozen=True)
class TaskItem:
    """One item of a task as a model answered it."""

    item: str
    """Its number among the task's documents, from 0: the harness's `doc_id`."""
    value: float
    """The compared metric, from 0 to 1."""
    predicted: int = -1
    """Index of the likeliest choice as the metric compares them, of a tie the first; -1 where the metric is not whether
    the likeliest is right, and where there are no choices."""
    answer: int = -1
    """Index of the right choice (the first of several); -1 likewise."""
    choice_texts: tuple[str, ...] = ()
    """The choices in words; none likewise."""
    right: int = 0
    """How many of them are right."""
    margin_nats: float = math.nan
    """Log-likelihood of the right choice minus that of the best other one. Where lengths count, both are taken by
    length and the difference is given at the right choice's, so that its sign agrees with what is predicted."""
    gold_nats: float = math.nan
    """-ln p of the right answer as it follows the question; of several the first."""
    gold_bytes: float = math.nan
    """UTF-8 bytes of that answer, with the blank before it."""
    right_probability: float = math.nan
    """Softmax of the compared log-likelihoods (by length, where lengths count), summed over the right choices.

    **Source:** Magnusson et al. 2025 (arXiv 2504.11393), section 2.3, `norm correct prob`."""
    tied: bool = False
    empty: bool = False
    """Whether nothing was written."""
    looping: bool = False
    """Whether what was written repeats itself without end."""
    shortened: bool = False
    """Whether the question lost its beginning, being longer than the window."""


@dataclass(frozen=True)
class TaskOutcome:
    """What a task shows of one model."""

    outcome: str
    """`task/NAME`."""
    metric: str
    filter: str
    split: str
    shots: int
    items: Sequence[TaskItem]
    record: Mapping[str, Any]
    """The harness's own results and samples, for `write_results`."""

    @property
    def score(self) -> float:
        """Mean of the items' values."""
        return math.fsum(item.value for item in self.items) / len(self.items)

    @property
    def chance(self) -> float | None:
        """Expected accuracy of guessing; None where there are no choices, or where the task has a score of its own that
        guessing says nothing of."""
        if not self.items[0].choice_texts:
            return None
        return math.fsum(item.right / len(item.choice_texts) for item in self.items) / len(self.items)

    @property
    def majority(self) -> float | None:
        """Accuracy of always giving the answer that is most often right ("yes", or "B" where letters are scored); None
        where there are no choices. Where each item has choices of its own that is next to nothing: their order is not
        shown to the model, so that an index which is always right gives nothing away."""
        if not self.items[0].choice_texts:
            return None
        return max(Counter(item.choice_texts[item.answer] for item in self.items).values()) / len(self.items)

    @property
    def gold_bits_per_byte(self) -> float:
        """Bits per byte of the right answers: the sum of their nats over the sum of their bytes, over ln 2."""
        nats = math.fsum(item.gold_nats for item in self.items)
        return nats / math.fsum(item.gold_bytes for item in self.items) / math.log(2)

    @property
    def right_probability(self) -> float:
        """Mean probability of the right choice; NaN where there are none."""
        return math.fsum(item.right_probability for item in self.items) / len(self.items)


def read_item(task: BuiltTask, sample: Mapping[str, Any], gold: tuple[float, int] | None, shortened: bool) -> TaskItem:
    """One item from the harness's sample; `gold` is log-likelihood and bytes of the right answer of a written one."""
    value = sample[task.metric]
    if isinstance(value, bool) or not isinstance(value, (int, float, np.number)) or not 0 <= value <= 1:
        raise StudyError(
            f"metric '{task.metric}' of task '{task.task.name}' gives an item {value!r:.60}, which is no score from 0 "
            f"to 1; give another `metric`: {', '.join(sample['metrics'])}"
        )
    shared: dict[str, Any] = {"item": str(sample["doc_id"]), "value": float(value), "shortened": shortened}
    if task.kind == "multiple_choice":
        return TaskItem(**shared, **_choices(task, sample))
    if task.kind == "loglikelihood":
        ((log_likelihood, _),) = sample["filtered_resps"]
        gold = float(log_likelihood), len(sample["arguments"][0][1].encode())
        return TaskItem(**shared, gold_nats=-gold[0], gold_bytes=float(gold[1]))
    text = str(sample["resps"][0][0])
    found = (math.nan, math.nan) if gold is None else (-gold[0], float(gold[1]))
    return TaskItem(**shared, gold_nats=found[0], gold_bytes=found[1], empty=is_empty(text), looping=is_looping(text))


def _choices(task: BuiltTask, sample: Mapping[str, Any]) -> dict[str, Any]:
    document = sample["doc"]
    choices, right = task.harness.doc_to_choice(document), task.right_choices(document)
    log_likelihoods = np.array([float(answer[0]) for answer in sample["filtered_resps"][: len(choices)]])
    answer = right[0]
    gold = {
        "gold_nats": -float(log_likelihoods[answer]),
        "gold_bytes": float(len(sample["arguments"][answer][1].encode())),
    }
    if task.metric not in LENGTHS or task.harness.config.process_results is not None:
        return gold
    lengths = np.array([LENGTHS[task.metric](choice) for choice in choices], np.float64)
    compared = log_likelihoods / lengths
    weights = np.exp(compared - compared.max())
    others = [compared[index] for index in range(len(choices)) if index not in right]
    return gold | {
        "predicted": int(np.argmax(compared)),
        "answer": answer,
        "choice_texts": tuple(choices),
        "right": len(right),
        "margin_nats": float(compared[answer] - max(others)) * float(lengths[answer]) if others else math.nan,
        "right_probability": float(sum(weights[index] for index in right) / weights.sum()),
        "tied": int((compared >= compared.max() - TIE_NATS).sum()) > 1,
    }
