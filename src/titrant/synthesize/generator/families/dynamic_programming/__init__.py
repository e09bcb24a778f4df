"""Dynamic programming: amounts and choices, sequences, two texts, grids, cuts, games, days and states."""

from titrant.synthesize.generator.families.dynamic_programming import amounts as amounts
from titrant.synthesize.generator.families.dynamic_programming import fields as fields
from titrant.synthesize.generator.families.dynamic_programming import games as games
from titrant.synthesize.generator.families.dynamic_programming import pairs as pairs
from titrant.synthesize.generator.families.dynamic_programming import pieces_of_text as pieces_of_text
from titrant.synthesize.generator.families.dynamic_programming import sequences as sequences
from titrant.synthesize.generator.families.dynamic_programming import things as things
from titrant.synthesize.generator.families.dynamic_programming import trades as trades
