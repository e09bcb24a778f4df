"""Families of dynamic programming: each keeps what every family promises, and has a shape of its own."""

from __future__ import annotations

import pytest

from synthesize.family_checks import check_family, shapes_of
from titrant.synthesize.generator.family import Family, families


@pytest.mark.parametrize("family", families("dynamic-programming"), ids=lambda family: str(family.name))
def test_a_family_of_dynamic_programming_keeps_its_promises(family: Family) -> None:
    check_family(family, draws=12)


def test_each_family_of_dynamic_programming_has_a_shape_of_its_own() -> None:
    shapes = shapes_of("dynamic-programming", draws=20)
    for name, own in shapes.items():
        others = set().union(*(shapes[other] for other in shapes if other != name))
        assert own - others, f"{name} has no shape that no other family has"
