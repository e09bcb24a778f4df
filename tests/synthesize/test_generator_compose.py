"""Problems made of problems."""

from __future__ import annotations

import ast
import re

from family_checks import check_program, drawn_of

from titrant.study.synthesis import AREAS
from titrant.synthesize.generator.compose import composed
from titrant.synthesize.generator.draw import Draw
from titrant.synthesize.generator.family import Drawn, families
from titrant.synthesize.generator.problem import Settings, problem_at
from titrant.synthesize.generator.shapes import tree_of


def all_composed(each: int) -> list[tuple[str, Drawn, Drawn]]:
    found = []
    for area in AREAS:
        for family in families(area)[::3]:
            for number in range(each):
                drawn, draw = drawn_of(family, number), Draw(f"compose {family.name} {number}")
                if further := composed(drawn, draw):
                    found.append((f"{family.name}, draw {number}", drawn, further))
    return found


def test_composed_problems_agree_with_their_oracles() -> None:
    several = 0
    for where, drawn, further in all_composed(1):
        check_program(further, where)
        assert drawn.difficulty <= further.difficulty <= 5
        assert drawn.say in further.say
        assert all(f"`{each.name}`" in further.say for each in further.parameters)
        assert f"def {drawn.call}(" in further.prelude
        assert not re.search(r"  |\$", further.say)
        several += further.parameters != drawn.parameters
    assert several > 3


def test_a_family_of_few_programs_gives_many_when_composed() -> None:
    family = next(each for each in families("data-structures") if each.name == "first-in-first-out-cache")
    programs = set()
    for number in range(200):
        draw = Draw(f"many {number}")
        if further := composed(family.draw(draw), draw):
            programs.add(
                tree_of(
                    f"{further.prelude}\ndef {further.call}():\n    {further.body.replace(chr(10), chr(10) + '    ')}"
                )
            )
    assert len(programs) > 100


def test_later_rounds_compose_more() -> None:
    settings = Settings(("data-structures",), (1, 5), 8)

    def share(first: int) -> float:
        problems = [problem_at(0, number, settings) for number in range(first, first + 60)]
        return sum("helper" in each.idea for each in problems) / 60

    assert share(0) < 0.45 < share(10_000)


def test_helpers_stand_before_the_function() -> None:
    settings = Settings(("lists",), (1, 5), 8)
    problem = next(each for number in range(100) if "helper" in (each := problem_at(0, number, settings)).idea)
    names = [node.name for node in ast.parse(problem.prelude).body if isinstance(node, ast.FunctionDef)]
    assert problem.entry_point not in names
    assert f"{names[-1]}(" in problem.solution
