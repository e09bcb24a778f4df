"""Small data structures: stacks and queues, caches, trees, indexes, and what is done with them."""

from titrant.synthesize.generator.families.data_structures import caches, indexes, ordered, stacks, trees

__all__ = ["caches", "indexes", "ordered", "stacks", "trees"]
