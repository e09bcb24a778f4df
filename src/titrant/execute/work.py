"""Which function does which kind of job: the only place that knows. Nothing is imported before it is needed."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from typing import Protocol, cast

from titrant.artifacts import Artifact
from titrant.errors import EngineError

STAGES: Mapping[str, str] = {
    "problems": "titrant.synthesize:make_problems",
    "solutions": "titrant.synthesize:solve_problems",
    "verification": "titrant.synthesize:verify_solutions",
    "documents": "titrant.corpus:read_documents",
    "signals": "titrant.corpus:find_all_signals",
    "signatures": "titrant.corpus:sign_documents",
    "benchmarks": "titrant.evaluate:prepare_benchmarks",
    "items": "titrant.evaluate:write_items",
    "overlap": "titrant.corpus:find_overlaps",
    "transform": "titrant.corpus:transform_documents",
    "examples": "titrant.corpus:choose_examples",
    "split": "titrant.corpus:split_documents",
    "tokenizer": "titrant.tokens:make_tokenizer",
    "tokens": "titrant.tokens:encode_documents",
    "ledger": "titrant.tokens:check_ledger",
    "questions": "titrant.evaluate:check_questions",
    "train": "titrant.train:train",
    "evaluate": "titrant.evaluate:evaluate_checkpoint",
    "generate": "titrant.evaluate:generate_samples",
    "code": "titrant.evaluate:run_code",
    "judge": "titrant.evaluate:judge_pairs",
    "findings": "titrant.analyze:find_findings",
    "report": "titrant.report:write_report",
}
"""`module:function` by kind of job."""


class Stage(Protocol):
    """stage(job, inputs, out, *, scratch, progress): writes data files into `out` and returns their typed summary.

    `inputs` are artifact folders by role, `out` is empty, `scratch` persists across attempts of one job. `progress`
    raises KeyboardInterrupt when the run is asked to stop: a stage that can resume saves its state and lets it pass.
    """

    def __call__(
        self, job: object, inputs: Mapping[str, object], out: object, *, scratch: object, progress: object
    ) -> Artifact: ...


def stage_of(kind: str, stages: Mapping[str, str] = STAGES) -> Stage:
    """Import the function that does a kind of job."""
    if kind not in stages:
        raise EngineError(f"no stage does jobs of kind '{kind}'; this Titrant knows {', '.join(sorted(stages))}")
    module, _, function = stages[kind].partition(":")
    return cast(Stage, getattr(importlib.import_module(module), function))


def modules_of(kinds: Iterable[str], stages: Mapping[str, str] = STAGES) -> list[str]:
    """The modules behind kinds of jobs, for importing them before the workers fork."""
    return sorted({stages[kind].partition(":")[0] for kind in kinds if kind in stages})
