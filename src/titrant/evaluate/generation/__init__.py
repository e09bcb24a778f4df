"""Text from models: batched, with a cache of keys and values, and the same answers in any batch and any order."""

from titrant.evaluate.generation.degenerate import is_empty, is_looping
from titrant.evaluate.generation.generate import generate
from titrant.evaluate.generation.prompts import Generated, Prompt

__all__ = ["Generated", "Prompt", "generate", "is_empty", "is_looping"]
