"""Recursion: nested lists and trees, choices one after the other, halves, numbers and texts made of smaller ones."""

from titrant.synthesize.generator.families.recursion import choices as choices
from titrant.synthesize.generator.families.recursion import grown as grown
from titrant.synthesize.generator.families.recursion import halves as halves
from titrant.synthesize.generator.families.recursion import nested as nested
from titrant.synthesize.generator.families.recursion import numbers as numbers
from titrant.synthesize.generator.families.recursion import records as records
from titrant.synthesize.generator.families.recursion import trees as trees
