"""All families together: so many, each with a tree shape of its own, and millions of programs among them."""

from __future__ import annotations

from collections import Counter
from functools import cache

from family_checks import shapes_of, source_of

from titrant.study.synthesis import AREAS
from titrant.synthesize.generator import problem
from titrant.synthesize.generator.family import families
from titrant.synthesize.generator.problem import families_for
from titrant.synthesize.generator.shapes import tree_of


@cache
def shapes() -> dict[str, set[str]]:
    """Of each family, those of 16 draws."""
    return {name: found for area in AREAS for name, found in shapes_of(area, draws=16).items()}


def test_there_are_two_hundred_families_each_with_a_shape_of_its_own() -> None:
    times = Counter(shape for found in shapes().values() for shape in found)
    with_own = [name for name, found in shapes().items() if any(times[shape] == 1 for shape in found)]
    assert sorted(set(shapes()) - set(with_own)) == []
    assert len(with_own) >= 200


def test_names_of_families_stand_once() -> None:
    names = Counter(each.name for area in AREAS for each in families(area))
    assert [name for name, count in names.items() if count > 1] == []


def test_every_area_has_easy_and_harder_families() -> None:
    for area in AREAS:
        assert len(families_for((area,), (1, 2))) >= 1
        assert len(families_for((area,), (3, 5))) >= 3


def test_few_of_the_numbers_of_one_seed_repeat_a_program() -> None:
    """So far out, each family has been drawn from tens of thousands of times."""
    order, found = families_for(AREAS, (1, 5)), set()
    for number in range(1200):
        drawn = next(problem._draws(order[number % len(order)], f"number {number}", (1, 5), 0.75))
        found.add(tree_of(source_of(drawn)))
    assert len(found) > 1100
