"""From a pinned study to its plan: a pure function. Equal work is found by identity and becomes one job.

1. data      benchmarks, if any are asked for; documents ─▶ split (against earlier sources) ─▶ tokenizer ─▶ tokens, one
             chain a source; every source is searched for the items of all tasks
2. gates     one check of all draws, one of all that will be asked, before anything trains
3. training  one job a phase, keyed by its whole prefix: arms that begin alike share their trunk; two arms once more
             at each other rate of the learning-rate probe, if there is one
4. scoring   one job a trained phase (in full at the end of an arm); if they are asked for, texts that the ends write,
             solutions run, answers judged; then findings, then the report
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import product

from titrant.artifacts import ARTIFACTS
from titrant.errors import StudyError
from titrant.jobs import (
    DocumentsJob,
    EvaluateJob,
    ExamplesJob,
    FindingsJob,
    ItemsJob,
    JobDeclaration,
    LedgerJob,
    OverlapJob,
    PlannedChain,
    PlannedPhase,
    QuestionsJob,
    ReportJob,
    ReportPhase,
    Run,
    SignalsJob,
    SignaturesJob,
    SplitJob,
    TokenizerJob,
    TokensJob,
    TrainJob,
    TrainPhase,
    TransformJob,
)
from titrant.plan.asked import asked_of_models, benchmarks_asked, judging_asked, programs_asked, texts_asked
from titrant.plan.budget import resolve_phases
from titrant.plan.contrasts import planned_contrasts, same_documents
from titrant.plan.fingerprint import fingerprint, identity_of
from titrant.plan.plan import Job, Plan
from titrant.plan.rate_probe import planned_probe, probed_scales
from titrant.study.architecture import ExistingTokenizer, TrainedTokenizer
from titrant.study.derived import made_of
from titrant.study.evaluation import MultipleChoice
from titrant.study.ladder import Scale
from titrant.study.signals import SIGNALS
from titrant.study.source import Source
from titrant.study.study import Study


def make_plan(study: Study) -> Plan:
    """All jobs of a study, which is pinned (`pin_study`) if it names what lies on this machine. Sweeps are written out.

    The same study gives the same plan on every machine. Raises StudyError for a path that is not pinned.
    """
    plan = _Draft(study.expanded())
    plan.add_data()
    plan.add_ledger()
    plan.add_questions()
    plan.add_training()
    plan.add_scoring()
    plan.add_findings_and_report()
    return Plan(plan.study, plan.jobs, plan.runs, plan.tokens)


@dataclass
class _Draft:
    """The plan while it grows. `by_fingerprint` is what makes equal work one job."""

    study: Study
    jobs: dict[str, Job] = field(default_factory=dict)
    by_fingerprint: dict[str, str] = field(default_factory=dict)
    runs: dict[str, tuple[Run, tuple[str, ...]]] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    """Id of the tokens job by source."""
    splits: dict[str, str] = field(default_factory=dict)
    documents: dict[str, str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    """Id of the job whose documents are encoded: the documents job, or the last transform."""
    benchmarks: str = ""
    """Id of the benchmarks job; empty where nothing is asked that others have made."""
    items: str = ""
    """Id of the items job; empty where sources are not searched for items."""
    overlaps: dict[str, str] = field(default_factory=dict)
    """Id of the overlap job by source, those of derived sources that of the one they are made of."""
    examples: dict[str, str] = field(default_factory=dict)
    resolved: dict[tuple[str, str], tuple[TrainPhase, ...]] = field(default_factory=dict)
    """Phases by (arm, scale)."""
    tokenizer: str = ""
    ledger: str = ""
    questions: str = ""
    scored: dict[str, str] = field(default_factory=dict)
    """Id of the evaluate job by id of the train job."""
    judged: dict[str, str] = field(default_factory=dict)
    """By role in findings, ids of what scores texts that a run's end wrote: code and judge jobs."""

    def add(
        self,
        kind: str,
        name: str,
        declaration: JobDeclaration,
        inputs: Mapping[str, str],
        *,
        after: tuple[str, ...] = (),
        tokens: int = 0,
        flops: float = 0.0,
        run: str | None = None,
    ) -> str:
        """Id of the job, which is a new one only if none of the same identity exists."""
        version = ARTIFACTS[kind].version
        identity = identity_of(declaration)
        mark = fingerprint(kind, version, identity, {role: self.jobs[id_].fingerprint for role, id_ in inputs.items()})
        if mark in self.by_fingerprint:
            id_ = self.by_fingerprint[mark]
            if run is not None and run not in self.jobs[id_].runs:
                self.jobs[id_] = replace(self.jobs[id_], runs=(*self.jobs[id_].runs, run))
            return id_
        job = Job(
            kind=kind,
            name=_file_name(name),
            fingerprint=mark,
            declaration=declaration,
            identity=identity,
            version=version,
            inputs=dict(inputs),
            after=after,
            tokens=tokens,
            flops=flops,
            runs=() if run is None else (run,),
        )
        self.jobs[job.id] = job
        self.by_fingerprint[mark] = job.id
        return job.id

    @property
    def vocabulary(self) -> int:
        vocabulary = self.study.tokenizer.vocabulary
        if vocabulary is None:
            raise StudyError("the tokenizer's file is not pinned; pass the study through pin_study before planning it")
        return vocabulary

    def add_data(self) -> None:
        study = self.study
        own: dict[str, str] = {}
        signatures: dict[str, str] = {}
        if study.evaluation.needs_benchmarks:
            self.benchmarks = self.add("benchmarks", study.study, benchmarks_asked(study), {})
        self.add_items()
        for name, source in study.sources.items():
            other = made_of(source)
            if other is None:
                self.add_source(name, source, own, signatures)
                own[name] = self.splits[name]
            else:
                self.documents[name], self.splits[name] = self.documents[other], self.splits[other]
                if self.overlaps:
                    self.overlaps[name] = self.overlaps[other]
            self.texts[name] = self.documents[name] if other is None else self.texts[other]
            if source.transform or source.redact or source.paired_with:
                # what has all its documents takes none away
                paired = {
                    f"paired/{other}": self.texts[other]
                    for other in source.paired_with
                    if self.jobs[self.texts[other]].kind == "transform"
                }
                self.add_transform(name, source, paired)
        shares = study.mixtures[study.tokenizer.mixture].shares if isinstance(study.tokenizer, TrainedTokenizer) else {}
        self.tokenizer = self.add(
            "tokenizer",
            f"bpe-{self.vocabulary}",
            TokenizerJob(
                tokenizer=_without_names(study.tokenizer),
                byte_shares={
                    source: f"{share.numerator}/{share.denominator}" for source, share in sorted(shares.items())
                },
            ),
            {f"documents/{source}": self.texts[source] for source in shares}
            | {f"split/{source}": self.splits[source] for source in shares},
        )
        for name, source in study.sources.items():
            self.tokens[name] = self.add(
                "tokens",
                name,
                TokensJob(max_document_characters=source.max_document_characters),
                {
                    "documents": self.texts[name],
                    "split": self.splits[name],
                    "tokenizer": self.tokenizer,
                },
            )
            inputs = {"documents": self.documents[name], "split": self.splits[name]}
            inputs |= {"transformed": self.texts[name]} if self.texts[name] != self.documents[name] else {}
            self.examples[name] = self.add("examples", name, ExamplesJob(), inputs)

    def add_transform(self, name: str, source: Source, paired: dict[str, str]) -> None:
        """Documents as they are trained on, searched anew for items: steps can free one of what hid it."""
        rule = self.study.evaluation.searched_for if source.transform else None
        search = rule.model_copy(update={"action": "report"}) if rule is not None else None
        drop = search if rule is not None and rule.action == "drop" else None
        inputs = {"documents": self.texts[name], "split": self.splits[name]} | paired
        inputs |= {"items": self.items} if drop is not None else {}
        job = TransformJob(redact=source.redact, steps=source.transform, without_items=drop)
        self.texts[name] = self.add("transform", name, job, inputs)
        if search is not None and drop is None:
            inputs = {"documents": self.texts[name], "items": self.items, "before": self.overlaps[name]}
            self.overlaps[name] = self.add("overlap", name, OverlapJob(rule=search), inputs)

    def add_items(self) -> None:
        """The items that sources are searched for. Margins and normalisation judge scores: each is at its default."""
        if self.study.evaluation.searched_for is not None:
            fields = MultipleChoice.model_fields
            default = {name: fields[name].default for name in ("margin", "normalise")}
            tasks = (task.model_copy(update=default) for task in self.study.evaluation.multiple_choice)
            inputs = {"benchmarks": self.benchmarks} if self.benchmarks else {}
            self.items = self.add("items", self.study.study, ItemsJob(multiple_choice=tuple(tasks)), inputs)

    def add_source(self, name: str, source: Source, earlier: Mapping[str, str], signatures: dict[str, str]) -> None:
        """Documents of a source of its own, and what decides which are kept. `signatures` are of sources before it."""
        near, rules = self.study.near_duplicates, source.rules_written_out
        documents = {
            "documents": self.add(
                "documents",
                name,
                DocumentsJob(kind=source.kind, origins=source.origins, plant=source.plant, on_error=source.on_error),
                {},
            )
        }
        inputs = documents | {f"earlier/{before}": id_ for before, id_ in earlier.items()}
        families = {SIGNALS[rule.signal].family for rule in rules}
        families |= {"language"} if source.shares_by_language else set()
        if families:
            models = source.models if families & {"perplexity", "classifier"} else None
            signals = SignalsJob(families=tuple(sorted(families)), models=models)
            inputs["signals"] = self.add("signals", name, signals, documents)
        rule = self.study.evaluation.searched_for
        if rule is not None:
            job = OverlapJob(rule=rule.model_copy(update={"action": "report"}))
            self.overlaps[name] = self.add("overlap", name, job, documents | {"items": self.items})
            inputs |= {"overlap": self.overlaps[name]} if rule.action == "drop" else {}
        if near is not None:
            inputs |= {f"earlier-signatures/{before}": id_ for before, id_ in signatures.items()}
            signatures[name] = inputs["signatures"] = self.add("signatures", name, SignaturesJob(near=near), documents)
        self.documents[name] = documents["documents"]
        self.splits[name] = self.add(
            "split",
            name,
            SplitJob(
                hold_out_fraction=self.study.hold_out_fraction,
                reserve_fraction=source.reserve_fraction,
                rules=rules,
                near=near,
                language_shares=source.shares_by_language,
            ),
            inputs,
        )

    def add_ledger(self) -> None:
        study = self.study
        chains = []
        for scale_name, scale in study.scales.items():
            sequences_per_step = scale.global_batch_tokens // scale.sequence_length
            for name, arm in study.arms.items():
                phases = resolve_phases(study, arm, scale)
                self.resolved[name, scale_name] = phases
                chains.append(
                    PlannedChain(
                        arm=name,
                        scale=scale_name,
                        sequence_length=scale.sequence_length,
                        phases=tuple(
                            PlannedPhase(
                                name=link.phase,
                                mixture=link.mixture,
                                shares=phase.shares,
                                sequences=phase.steps * sequences_per_step,
                                data=phase.data,
                            )
                            for link, phase in zip(arm.chain, phases, strict=True)
                        ),
                    )
                )
        drawn = sorted({source for chain in chains for phase in chain.phases for source in phase.shares})
        self.ledger = self.add(
            "ledger",
            study.study,
            LedgerJob(
                chains=tuple(chains),
                max_epochs={source: study.sources[source].max_epochs for source in drawn},
            ),
            {f"tokens/{source}": self.tokens[source] for source in drawn},
        )

    def add_questions(self) -> None:
        declaration = asked_of_models(self.study, in_full=True)
        self.questions = self.add(
            "questions",
            self.study.study,
            QuestionsJob(
                evaluation=declaration, window=min(scale.sequence_length for scale in self.study.scales.values())
            ),
            {"tokenizer": self.tokenizer} | self._texts_asked(declaration) | self._benchmarks_of(declaration),
        )

    def _benchmarks_of(self, declaration: EvaluateJob) -> dict[str, str]:
        return {"benchmarks": self.benchmarks} if declaration.tasks else {}

    def _texts_asked(self, declaration: EvaluateJob) -> dict[str, str]:
        """The sources whose held-out texts are scored, and those that any arm trains on: no text is to be both."""
        scored = declaration.bits_per_byte_sources
        drawn = sorted({source for phases in self.resolved.values() for phase in phases for source in phase.shares})
        return {f"tokens/{source}": self.tokens[source] for source in scored} | (
            {f"trained/{source}": self.tokens[source] for source in drawn} if scored else {}
        )

    def add_training(self) -> None:
        study = self.study
        for scale_name, scale in study.scales.items():
            for name in study.arms:
                self.add_chains(name, scale_name, scale, self.resolved[name, scale_name])
        for arm, scale_name, scale in probed_scales(study):
            self.add_chains(arm, scale_name, scale, resolve_phases(study, study.arms[arm], scale))

    def add_chains(self, name: str, scale_name: str, scale: Scale, phases: tuple[TrainPhase, ...]) -> None:
        """The runs of one arm at one scale: a chain of train jobs a seed."""
        study = self.study
        flops_per_token = scale.architecture.flops_per_token(self.vocabulary, scale.sequence_length)
        for seed in study.seeds:
            run = Run(arm=name, scale=scale_name, seed=seed)
            chain: list[str] = []
            for link, phase in zip(study.arms[name].chain, phases, strict=True):
                tokens = phase.steps * scale.global_batch_tokens
                inputs = {f"tokens/{source}": self.tokens[source] for source in phase.shares}
                inputs["tokenizer"] = self.tokenizer
                inputs |= {"previous": chain[-1]} if chain else {}
                chain.append(
                    self.add(
                        "train",
                        f"{name}.{link.phase}@{scale_name}#{seed}",
                        TrainJob(
                            architecture=scale.architecture,
                            optimizer=study.optimizer,
                            precision=scale.precision,
                            sequence_length=scale.sequence_length,
                            global_batch_tokens=scale.global_batch_tokens,
                            seed=seed,
                            phase=phase,
                            milestones=study.evaluation.checks_per_phase,
                            faults=study.faults,
                            attention=scale.attention,
                        ),
                        inputs,
                        after=(self.ledger, self.questions),
                        tokens=tokens,
                        flops=tokens * flops_per_token,
                        run=run.id,
                    )
                )
            self.runs[run.id] = (run, tuple(chain))

    def add_scoring(self) -> None:
        ends = {chain[-1] for _, chain in self.runs.values()}
        for run, chain in self.runs.values():
            for train in chain if self._is_own(run) else chain[-1:]:
                self.scored[train] = self._add_evaluation(run, train, in_full=train in ends)
        self.add_written()

    def add_written(self) -> None:
        """Texts that the ends of runs write, where any are asked for: solutions to run, answers to judge."""
        texts = texts_asked(self.study)
        if texts is None:
            return
        written: dict[str, str] = {}
        for run, chain in ((run, chain) for run, chain in self.runs.values() if self._is_own(run)):
            inputs = {"train": chain[-1], "tokenizer": self.tokenizer, "benchmarks": self.benchmarks}
            name = self.jobs[chain[-1]].name
            written[run.id] = self.add("generate", name, texts, inputs, run=run.id)
            if texts.code:
                inputs = {"generations": written[run.id], "benchmarks": self.benchmarks}
                self.judged[f"code/{run.id}"] = self.add("code", name, programs_asked(self.study), inputs, run=run.id)
        for job, contrast in judging_asked(self.study):
            for scale, seed in product(self.study.scales, self.study.seeds):
                arm, control = (Run(arm=arm, scale=scale, seed=seed).id for arm in (contrast.arm, contrast.control))
                inputs = {"arm": written[arm], "control": written[control], "benchmarks": self.benchmarks}
                name = f"{contrast.arm}/{contrast.control}@{scale}#{seed}"
                self.judged[f"{job.outcome}/{name}"] = self.add("judge", name, job, inputs, run=arm)

    def _is_own(self, run: Run) -> bool:
        """Whether a run is the study's own, and not one of the learning-rate probe alone."""
        return run.scale in self.study.scales

    def _add_evaluation(self, run: Run, train: str, *, in_full: bool) -> str:
        job, declaration = self.jobs[train], asked_of_models(self.study, in_full=in_full)
        return self.add(
            "evaluate",
            job.name,
            declaration,
            {
                "train": train,
                "tokenizer": self.tokenizer,
                **self._texts_asked(declaration),
                **self._benchmarks_of(declaration),
            },
            flops=job.flops / max(job.tokens, 1) / 3 * (500_000 if in_full else 50_000),
            run=run.id,
        )

    def add_findings_and_report(self) -> None:
        study = self.study
        runs = tuple(run for run, _ in self.runs.values() if self._is_own(run))
        outcomes = study.outcomes()
        ends = {run.id: chain[-1] for run, chain in self.runs.values()}
        findings = self.add(
            "findings",
            study.study,
            FindingsJob(
                runs=runs,
                contrasts=tuple(planned_contrasts(study)),
                outcomes=outcomes,
                margins={outcome: study.margin_of(outcome) for outcome in outcomes},
                statistics=study.statistics,
                same_documents=same_documents(study),
                learning_rate_probe=planned_probe(study),
            ),
            {f"evaluate/{run}": self.scored[train] for run, train in ends.items()}
            | {f"train/{run}": train for run, train in ends.items()}
            | {
                f"earlier/{run.id}/{index}": train
                for run, chain in self.runs.values()
                for index, train in enumerate(chain[:-1])
            }
            | self.judged
            | ({"items": self.items} if self.items else {})
            | {f"overlap/{source}": id_ for source, id_ in self.overlaps.items()}
            | {f"split/{source}": self.splits[source] for source in self.overlaps},
        )
        phases = tuple(
            ReportPhase(
                run=run,
                index=index,
                phase=link.phase,
                mixture=link.mixture,
                id=self.jobs[train].fingerprint[:12],
            )
            for run, chain in self.runs.values()
            if self._is_own(run)
            for index, (link, train) in enumerate(zip(study.arms[run.arm].chain, chain, strict=True))
        )
        self.add(
            "report",
            study.study,
            ReportJob(study=identity_of(study), phases=phases),
            {
                "findings": findings,
                "ledger": self.ledger,
                "tokenizer": self.tokenizer,
                **({"benchmarks": self.benchmarks} if self.benchmarks else {}),
                **{f"train/{self.jobs[id_].fingerprint[:12]}": id_ for _, chain in self.runs.values() for id_ in chain},
                **{f"evaluate/{self.jobs[id_].fingerprint[:12]}": other for id_, other in self.scored.items()},
                **{f"split/{source}": id_ for source, id_ in self.splits.items()},
                **{f"documents/{source}": id_ for source, id_ in self.documents.items()},
                **{f"tokens/{source}": id_ for source, id_ in self.tokens.items()},
                **{f"overlap/{source}": id_ for source, id_ in self.overlaps.items()},
                **{f"examples/{source}": id_ for source, id_ in self.examples.items()},
                **{
                    f"transform/{source}": id_
                    for source, id_ in self.texts.items()
                    if self.jobs[id_].kind == "transform"
                },
            },
        )


def _without_names(tokenizer: TrainedTokenizer | ExistingTokenizer) -> TrainedTokenizer | ExistingTokenizer:
    """A trained tokenizer's mixture counts by its shares, not by its name."""
    if isinstance(tokenizer, TrainedTokenizer):
        return tokenizer.model_copy(update={"mixture": "shares"})
    return tokenizer


def _file_name(name: str) -> str:
    """A name that is safe in a path on every system: `balanced->text` becomes `balanced-to-text`.

    >>> _file_name("balanced->text.continue@nano#1")
    'balanced-to-text.continue@nano#1'
    """
    return re.sub(r"[^A-Za-z0-9._+=%@#-]+", "-", name.replace("->", "-to-"))[:100]
