"""From a pinned study to its plan: a pure function. Equal work is found by identity and becomes one job.

1. data      benchmarks, if any are asked for; documents ─▶ split (against earlier sources) ─▶ tokenizer ─▶ tokens, one
             chain a source; every source is searched for the items of all tasks; problems, solutions and verdicts of
             each synthesis before its documents
2. gates     one check of all draws, one of all that will be asked, before anything trains
3. training  one job a phase, keyed by its whole prefix: arms that begin alike share their trunk; two arms once more
             at each other rate of the learning-rate probe, if there is one
4. scoring   one job a trained phase (in full at the end of an arm); if they are asked for, texts that the ends write,
             solutions run, answers judged; then findings, then the report
"""

from __future__ import annotations

from itertools import product

from titrant.jobs import (
    EvaluateJob,
    FindingsJob,
    LedgerJob,
    PlannedChain,
    PlannedPhase,
    QuestionsJob,
    ReportJob,
    ReportPhase,
    Run,
    TrainJob,
    TrainPhase,
)
from titrant.plan.asked import asked_of_models, judging_asked, programs_asked, texts_asked
from titrant.plan.budget import resolve_phases
from titrant.plan.contrasts import planned_contrasts, same_documents
from titrant.plan.data import add_data
from titrant.plan.draft import Draft
from titrant.plan.fingerprint import identity_of
from titrant.plan.plan import Plan
from titrant.plan.rate_probe import planned_probe, probed_scales
from titrant.study.ladder import Scale
from titrant.study.study import Study


def make_plan(study: Study) -> Plan:
    """All jobs of a study, which is pinned (`pin_study`) if it names what lies on this machine. Sweeps are written out.

    The same study gives the same plan on every machine. Raises StudyError for a path that is not pinned.
    """
    plan = _Work(study.expanded())
    add_data(plan)
    plan.add_ledger()
    plan.add_questions()
    plan.add_training()
    plan.add_scoring()
    plan.add_findings_and_report()
    return Plan(plan.study, plan.jobs, plan.runs, plan.tokens)


class _Work(Draft):
    """The jobs behind the data: gates, training, scoring, findings."""

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
                **{f"verification/{name}": id_ for name, id_ in self.verified.items()},
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
