"""Every family of data structures keeps what families promise."""

from __future__ import annotations

import pytest
from family_checks import check_family, shapes_of

from titrant.synthesize.generator.family import Family, families


@pytest.mark.parametrize("family", families("data-structures"), ids=lambda family: family.name)
def test_a_family_of_data_structures_keeps_its_promises(family: Family) -> None:
    check_family(family, draws=12)


def test_each_family_of_data_structures_has_a_shape_of_its_own() -> None:
    shapes = shapes_of("data-structures", draws=20)
    for name, own in shapes.items():
        assert own - set().union(*(shapes[other] for other in shapes if other != name)), name
