"""Families of parsing: each keeps what every family promises."""

from __future__ import annotations

import pytest

from synthesize.family_checks import check_family
from titrant.synthesize.generator.family import Family, families


@pytest.mark.parametrize("family", families("parsing"), ids=lambda family: str(family.name))
def test_a_family_of_parsing_keeps_its_promises(family: Family) -> None:
    check_family(family, draws=12)
