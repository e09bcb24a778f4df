"""The study: everything that is asked, in one frozen declaration."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from fnmatch import fnmatchcase
from typing import Annotated, Any

from pydantic import Field, field_validator

from titrant.study.architecture import Tokenizer
from titrant.study.cleaning import NearDuplicates
from titrant.study.contrast import Contrast, Sweep
from titrant.study.declaration import IDENTITY_UNLESS_DEFAULT, Declaration, Name
from titrant.study.evaluation import Competitive, Design, Evaluation, MultipleChoice, Probe, Statistics
from titrant.study.faults import Faults
from titrant.study.judging import Judging
from titrant.study.ladder import Scale, written_out
from titrant.study.mixture import Mixture
from titrant.study.optimizer import AnyOptimizer, Optimizer
from titrant.study.phase import Arm, Phase, with_default_parts
from titrant.study.rate_probe import LearningRateProbe
from titrant.study.source import Source
from titrant.study.synthesis import Synthesis
from titrant.study.tasks import CodeTask, Task


class Study(Declaration):
    """One question, its arms, and how it is answered. Arms x scales x seeds are its runs."""

    study: Name
    """Its name; the report's folder is called so."""
    question: str = Field(min_length=1)
    """What is asked, as a reader of the report will see it."""
    hypothesis: str | None = None
    """What is expected, written down before the runs."""
    sources: dict[Name, Source] = Field(min_length=1)
    """What may be trained on, by name. Of equal documents in two sources, the one declared first keeps its own."""
    mixtures: dict[Name, Mixture] = Field(min_length=1)
    """Shares of tokens by source, as in `mixed: {text: 90, code: 10}`."""
    phases: dict[Name, Phase] = Field(min_length=1)
    """Stretches of training, all but their mixture. `init`, `continue` and `cooldown` have 5, 5 and 1 parts if they
    give none."""
    arms: dict[Name, Arm] = Field(default_factory=dict)
    """Conditions, each a list of `phase: mixture`, as in `[{init: balanced}, {continue: text}]`."""
    sweeps: dict[Name, Sweep] = Field(default_factory=dict)
    """Families of arms over the share of one mixture in another."""
    control: Name | None = None
    """The arm that others are compared with where no contrast names another one."""
    contrasts: tuple[Contrast, ...] = ()
    """Declared comparisons; empty: every arm against `control`. Each pair of arms is compared once on an outcome."""
    scales: dict[Name, Scale] = Field(min_length=1)
    """The ladder, smallest first. Names of rungs alone will do, as in `[nano, 70m]`."""
    seeds: tuple[Annotated[int, Field(ge=0, lt=2**31)], ...] = Field(min_length=1)
    """One run of every arm a seed: the same initial weights and the same order of shared data in all arms."""
    tokenizer: Tokenizer
    """One for the whole study: trained on it, or an existing file (the key `file` says which)."""
    optimizer: AnyOptimizer = Optimizer()
    """The same for all arms and scales; learning rates stand in the scales."""
    evaluation: Evaluation = Evaluation()
    """What is measured, and which differences would matter."""
    statistics: Statistics = Statistics()
    """The error rate and the resampling."""
    design: Design = Competitive()
    """`competitive` (total tokens fixed) or `additive` (the tokens of named sources fixed)."""
    faults: Faults = Field(default=Faults(), json_schema_extra=IDENTITY_UNLESS_DEFAULT)
    """What a run does at a loss that is not finite, and at a spike of the loss."""
    learning_rate_probe: LearningRateProbe | None = Field(default=None, json_schema_extra=IDENTITY_UNLESS_DEFAULT)
    """A contrast whose arms are trained again at other learning rates; null: none."""
    budget_parts: float = Field(default=11, gt=0)
    """A scale's tokens are shared out over so many parts (init 5, continue 5, cooldown 1)."""
    synthesis: dict[Name, Synthesis] = Field(default_factory=dict, json_schema_extra=IDENTITY_UNLESS_DEFAULT)
    """Problems, solutions and verdicts that sources of kind `synthetic` are made of, by name."""
    near_duplicates: NearDuplicates | None = None
    """Of documents that are nearly equal, in one source or in several, the first is kept; null: only of equal ones."""
    hold_out_fraction: float = Field(default=0.02, gt=0, lt=0.5)
    """Share of every source's documents held out for evaluation, chosen by content hash, never trained on."""

    @field_validator("phases", mode="before")
    @classmethod
    def _default_parts(cls, phases: Any) -> Any:
        return with_default_parts(phases)

    @field_validator("scales", mode="before")
    @classmethod
    def _rungs_by_name(cls, scales: Any) -> Any:
        return written_out(scales)

    @field_validator("seeds")
    @classmethod
    def _each_seed_once(cls, seeds: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(seeds)) < len(seeds):
            raise ValueError(f"seeds {list(seeds)} repeat a value: equal seeds are one run, not two")
        return seeds

    def expanded(self) -> Study:
        """The same study with every sweep written out as mixtures, arms and contrasts.

        With no declared contrasts, every arm is compared with `control`, every member of a sweep with its first. What
        a contrast compares already, a sweep does not compare again: the declared one holds, with its outcomes.
        """
        mixtures, arms = dict(self.mixtures), dict(self.arms)
        contrasts = list(self.contrasts)
        if not contrasts and self.control is not None:
            contrasts = [Contrast(arm=arm, control=self.control) for arm in arms if arm != self.control]
        for name, sweep in self.sweeps.items():
            blends, swept = sweep.expand(name, self.mixtures)
            mixtures |= blends
            arms |= swept
            first, *others = swept
            for contrast in (Contrast(arm=other, control=first) for other in others):
                if not any(self._same_pair(contrast, earlier, arms, mixtures) for earlier in contrasts):
                    contrasts.append(contrast)
        return self.model_copy(update={"mixtures": mixtures, "arms": arms, "sweeps": {}, "contrasts": tuple(contrasts)})

    def _same_pair(
        self, one: Contrast, other: Contrast, arms: Mapping[str, Arm], mixtures: Mapping[str, Mixture]
    ) -> bool:
        """Whether two contrasts compare the same two chains of phases, in whichever direction."""

        def said(name: str) -> Hashable:
            if name not in arms:
                return name
            return tuple(
                (self.phases[link.phase], frozenset(mixtures[link.mixture].shares.items())) for link in arms[name].chain
            )

        return {said(one.arm), said(one.control)} == {said(other.arm), said(other.control)}

    def outcomes_of(self, contrast: Contrast) -> tuple[str, ...]:
        """Names of the outcomes that a contrast is about, in the order of the report."""
        patterns = contrast.outcomes or ("*",)
        return tuple(name for name in self.outcomes() if any(fnmatchcase(name, pattern) for pattern in patterns))

    def outcomes(self) -> tuple[str, ...]:
        """Names of all outcomes, in the order of the report."""
        evaluation = self.evaluation
        return (
            *(f"bits_per_byte/{source}" for source in evaluation.bits_per_byte.sources or self.sources),
            *(f"probe/{probe.name}" for probe in evaluation.probes),
            *(f"choice/{task.name}" for task in evaluation.multiple_choice),
            *(f"task/{task.name}" for task in evaluation.all_tasks),
            *(f"code/{task.name}" for task in evaluation.all_code),
            *(f"judge/{judging.name}" for judging in evaluation.judging),
        )

    def margin_of(self, outcome: str) -> float:
        """The largest difference of an outcome that counts as equivalent, in the outcome's unit."""
        kind, _, name = outcome.partition("/")
        if kind == "bits_per_byte":
            return self.evaluation.bits_per_byte.margin
        asked: dict[str, tuple[Probe | MultipleChoice | Task | CodeTask | Judging, ...]] = {
            "probe": self.evaluation.probes,
            "choice": self.evaluation.multiple_choice,
            "task": self.evaluation.all_tasks,
            "code": self.evaluation.all_code,
            "judge": self.evaluation.judging,
        }
        return next(task.margin for task in asked[kind] if task.name == name)

    def canonical(self) -> dict[str, Any]:
        """The resolved study as plain data: sweeps written out, every default filled in."""
        return self.expanded().model_dump(mode="json", by_alias=True)
