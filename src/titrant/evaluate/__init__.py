"""Checkpoints become scores: one scoring path for bits per byte, multiple choice, tasks and probes, for every model."""

from titrant.evaluate.code.run import run_code
from titrant.evaluate.harness.benchmarks import prepare_benchmarks
from titrant.evaluate.items import write_items
from titrant.evaluate.judging.stage import judge_pairs
from titrant.evaluate.questions import check_questions
from titrant.evaluate.stage import evaluate_checkpoint, score_outside
from titrant.evaluate.written import generate_samples

__all__ = [
    "check_questions",
    "evaluate_checkpoint",
    "generate_samples",
    "judge_pairs",
    "prepare_benchmarks",
    "run_code",
    "score_outside",
    "write_items",
]
