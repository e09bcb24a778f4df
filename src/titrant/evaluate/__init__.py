"""Checkpoints become scores: one scoring path for bits per byte, multiple choice and probes, for every model."""

from titrant.evaluate.items import write_items
from titrant.evaluate.questions import check_questions
from titrant.evaluate.stage import evaluate_checkpoint, score_outside

__all__ = ["check_questions", "evaluate_checkpoint", "score_outside", "write_items"]
