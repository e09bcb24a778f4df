"""A seed and a number give the problem that they always gave, or the generator has another version."""

from __future__ import annotations

import os
from pathlib import Path

from blake3 import blake3

from titrant.study.synthesis import GENERATOR
from titrant.synthesize.generator.problem import Settings, problem_at

GOLDEN = Path(__file__).parents[1] / "golden" / "generator.txt"


def test_golden_problems_are_those_of_the_generators_version() -> None:
    """A change of what is drawn raises `GENERATOR`, since fingerprints know of it by that alone; TITRANT_GOLDEN=1 then
    writes the digests anew. Results of generated inputs are left out: they follow from the version of Hypothesis."""
    lines = [f"generator {GENERATOR}"]
    for number in range(0, 2600, 13):  # two hundred numbers, over nearly all families
        problem = problem_at(0, number, Settings(inputs=8))
        text = "\n".join((problem.problem, problem.about, problem.prelude, problem.solution, problem.idea))
        lines.append(f"{number} {problem.family} {blake3(text.encode()).hexdigest(length=8)}")
    if os.environ.get("TITRANT_GOLDEN"):
        GOLDEN.write_text("\n".join(lines) + "\n")
    stored = GOLDEN.read_text().splitlines()
    changed = [line for line, before in zip(lines, stored, strict=True) if line != before]
    assert not changed, "the generator draws other problems: raise GENERATOR in study/synthesis.py"
