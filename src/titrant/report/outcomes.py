"""How outcomes and contrasts are named and ordered, alike in the headline, the forest plot and every table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from titrant.report.document import VERDICTS, Finding
from titrant.study.categories import category_of

FAMILIES = {
    "bits_per_byte": ("Bits per byte", "source", "sources"),
    "probe": ("Probes", "probe", "probes"),
    "choice": ("Multiple choice", "task", "tasks"),
    "knowledge": ("World knowledge", "knowledge task", "knowledge tasks"),
    "reasoning": ("Reasoning", "reasoning task", "reasoning tasks"),
    "tasks": ("Other tasks", "other task", "other tasks"),
    "gold": ("Bits per byte of right answers", "right answer", "right answers"),
    "code": ("Code tasks", "problem set", "problem sets"),
    "judge": ("Judged answers", "prompt set", "prompt sets"),
}
"""By the first part of an outcome's name, and for a task by its category: head of its block, and what one and several
of its members are called."""


MEANS = {"bits_per_byte": "bits_per_byte", "probes": "probe", "choices": "choice"}
"""Family by the second part of the name of a mean over outcomes, as in `mean/probes`."""

NO_SIGNAL = ("at chance", "at zero", "collapsed")
"""Flags of a finding on a task that can tell nothing."""

Shown = Literal["better", "worse", "equivalent", "not resolved", "no signal"]
SHOWN: tuple[Shown, ...] = (*VERDICTS, "no signal")
"""What a report shows in the place of a verdict. Findings on tasks that can tell nothing are stored as `not resolved`;
a reader is told that they were never tested."""


FLAGGED = "training data hold items"
"""The flag of a finding whose outcome has items that stand in training data."""


DEPENDS = "depends on the learning rate"
"""The flag of a finding whose verdict turns in the learning-rate probe."""


def has_changed(finding: Finding) -> bool:
    """Whether a finding has another verdict without the items that training data hold."""
    return finding.clean is not None and finding.clean.verdict != finding.verdict


def is_mean(outcome: str) -> bool:
    """Whether an outcome is the mean over the outcomes of a kind."""
    return outcome.startswith("mean/")


def without_signal(finding: Finding) -> bool:
    """Whether a finding is on a task that can tell nothing."""
    return any(flag in NO_SIGNAL for flag in finding.flags)


def shown(finding: Finding) -> Shown:
    """The verdict as tables and figures show it."""
    return "no signal" if without_signal(finding) else finding.verdict


def family_of(outcome: str) -> str:
    """`probe` for `probe/copying` and for `mean/probes`, `reasoning` for `task/hellaswag`."""
    kind, _, rest = outcome.partition("/")
    if kind == "task":
        return category_of(rest)
    return MEANS.get(rest, rest) if kind == "mean" else kind


def title_of(outcome: str) -> str:
    """The name of an outcome where no head of a block stands above it: `copying`, `mean of the probes`."""
    _, _, many = FAMILIES.get(family_of(outcome), ("", "", "outcomes"))
    return f"mean of the {many}" if is_mean(outcome) else label_of(outcome)


def is_judged(outcome: str) -> bool:
    """Whether an outcome is what judges say of two arms: no arm has a score of its own."""
    return family_of(outcome) == "judge"


def label_of(outcome: str) -> str:
    """`copying` for `probe/copying`, `mean` for `mean/probes`."""
    return "mean" if is_mean(outcome) else outcome.partition("/")[2] or outcome


def family_head(family: str) -> str:
    """Head of a family's block; an unknown family goes by its own name."""
    return FAMILIES.get(family, (family.replace("_", " "), "", ""))[0]


def family_count(family: str, number: int) -> str:
    """`1 probe`, `8 probes`."""
    _, one, many = FAMILIES.get(family, ("", "outcome", "outcomes"))
    return f"{number} {one if number == 1 else many}"


def where_of(outcome: str) -> str:
    """The object of a sentence: `code`, `copying`, `average over the probes`."""
    _, _, many = FAMILIES.get(family_of(outcome), ("", "", "outcomes"))
    return f"average over the {many}" if is_mean(outcome) else label_of(outcome)


@dataclass(frozen=True)
class Comparison:
    """All findings of one contrast at one scale, in the order of the outcomes."""

    contrast: str
    arm: str
    control: str
    scale: str
    findings: tuple[Finding, ...]

    @property
    def key(self) -> str:
        """Unique name of the comparison."""
        return f"{self.arm} vs {self.control} @ {self.scale}"

    @property
    def flags(self) -> tuple[str, ...]:
        """Flags that all its findings carry: those of the contrast itself."""
        first, *others = self.findings
        shared = (flag for flag in first.flags if all(flag in other.flags for other in others))
        return tuple(flag for flag in shared if flag not in NO_SIGNAL)

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seeds of any of its findings."""
        return tuple(sorted({seed for finding in self.findings for seed in finding.seeds}))

    def count(self, verdict: Shown) -> int:
        """How many of its findings are shown with a verdict."""
        return sum(shown(finding) == verdict for finding in self.findings)


def comparisons(findings: Iterable[Finding], outcomes: tuple[str, ...]) -> tuple[Comparison, ...]:
    """Findings grouped by contrast and scale, groups in the order of their first finding."""
    groups: dict[tuple[str, str, str, str], list[Finding]] = {}
    for finding in findings:
        groups.setdefault((finding.contrast, finding.arm, finding.control, finding.scale), []).append(finding)
    order = {outcome: position for position, outcome in enumerate(outcomes)}
    return tuple(
        Comparison(*key, tuple(sorted(group, key=lambda f: order.get(f.outcome, len(order)))))
        for key, group in groups.items()
    )


def in_order(findings: Iterable[Finding], declared: Iterable[str]) -> tuple[str, ...]:
    """Outcomes that occur in findings: in the declared order, family by family, the mean of a family after it."""
    present = dict.fromkeys(finding.outcome for finding in findings)
    known = [outcome for outcome in declared if outcome in present]
    everything = [*known, *(outcome for outcome in present if outcome not in known)]
    families = list(dict.fromkeys(family_of(outcome) for outcome in everything))
    return tuple(sorted(everything, key=lambda outcome: (families.index(family_of(outcome)), is_mean(outcome))))
