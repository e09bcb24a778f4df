"""Checkpoints become scores: one scoring path for bits per byte, multiple choice and probes, for every model."""

from titrant.evaluate.stage import evaluate_checkpoint, score_outside

__all__ = ["evaluate_checkpoint", "score_outside"]
