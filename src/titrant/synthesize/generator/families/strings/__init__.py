"""Strings: characters, runs, windows, ciphers, words and lines."""

from titrant.synthesize.generator.families.strings import characters as characters
from titrant.synthesize.generator.families.strings import ciphers as ciphers
from titrant.synthesize.generator.families.strings import lines as lines
from titrant.synthesize.generator.families.strings import mirrors as mirrors
from titrant.synthesize.generator.families.strings import patterns as patterns
from titrant.synthesize.generator.families.strings import placed as placed
from titrant.synthesize.generator.families.strings import runs as runs
from titrant.synthesize.generator.families.strings import typed as typed
from titrant.synthesize.generator.families.strings import words as words
