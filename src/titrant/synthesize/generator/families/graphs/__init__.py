"""Graphs: steps and ways, lengths, parts, trees, grids, and what is built from them."""

from titrant.synthesize.generator.families.graphs import courses as courses
from titrant.synthesize.generator.families.graphs import grids as grids
from titrant.synthesize.generator.families.graphs import lengths as lengths
from titrant.synthesize.generator.families.graphs import local as local
from titrant.synthesize.generator.families.graphs import orders as orders
from titrant.synthesize.generator.families.graphs import parts as parts
from titrant.synthesize.generator.families.graphs import rooted as rooted
from titrant.synthesize.generator.families.graphs import steps as steps
