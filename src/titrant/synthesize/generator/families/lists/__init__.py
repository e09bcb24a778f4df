"""Lists of numbers: kept, changed, ended; compared, ordered, cut and joined; lists of lists."""

from titrant.synthesize.generator.families.lists import compared as compared
from titrant.synthesize.generator.families.lists import counted as counted
from titrant.synthesize.generator.families.lists import cut as cut
from titrant.synthesize.generator.families.lists import grids as grids
from titrant.synthesize.generator.families.lists import kept as kept
from titrant.synthesize.generator.families.lists import matched as matched
from titrant.synthesize.generator.families.lists import ordered as ordered
from titrant.synthesize.generator.families.lists import runs as runs
