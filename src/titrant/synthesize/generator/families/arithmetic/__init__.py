"""Arithmetic: digits, divisors, primes, sequences, counting, rounding, grids."""

from titrant.synthesize.generator.families.arithmetic import counting as counting
from titrant.synthesize.generator.families.arithmetic import digits as digits
from titrant.synthesize.generator.families.arithmetic import divisors as divisors
from titrant.synthesize.generator.families.arithmetic import figures as figures
from titrant.synthesize.generator.families.arithmetic import numerals as numerals
from titrant.synthesize.generator.families.arithmetic import processes as processes
from titrant.synthesize.generator.families.arithmetic import remainders as remainders
from titrant.synthesize.generator.families.arithmetic import rounding as rounding
from titrant.synthesize.generator.families.arithmetic import searches as searches
from titrant.synthesize.generator.families.arithmetic import sequences as sequences
