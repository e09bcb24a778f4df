"""Graphs: steps and ways, lengths, parts, trees, grids, and what is built from them."""

from titrant.synthesize.generator.families.graphs import orders as orders
from titrant.synthesize.generator.families.graphs import parts as parts
from titrant.synthesize.generator.families.graphs import steps as steps
