"""Parsing: numbers, lists, records, expressions and nested texts that are read or written."""

from titrant.synthesize.generator.families.parsing import expressions as expressions
from titrant.synthesize.generator.families.parsing import listed as listed
from titrant.synthesize.generator.families.parsing import marked as marked
from titrant.synthesize.generator.families.parsing import nested as nested
from titrant.synthesize.generator.families.parsing import numerals as numerals
from titrant.synthesize.generator.families.parsing import outlines as outlines
from titrant.synthesize.generator.families.parsing import programs as programs
from titrant.synthesize.generator.families.parsing import records as records
