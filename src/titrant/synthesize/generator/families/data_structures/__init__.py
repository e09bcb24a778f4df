"""Small data structures: stacks and queues, caches, trees, indexes, and what is done with them."""

from titrant.synthesize.generator.families.data_structures import caches, ordered, stacks, trees

__all__ = ["caches", "ordered", "stacks", "trees"]
