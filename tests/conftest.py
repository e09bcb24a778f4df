"""Tiny real studies that every room's tests build on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from demo_study import DEMO, lay_out_study


@pytest.fixture
def demo_text() -> str:
    """The demo study as YAML: five arms, two sources, one tiny scale, two seeds."""
    return DEMO


@pytest.fixture
def write_study(tmp_path: Path) -> Callable[..., Path]:
    """Write a study beside two small real sources: the demo, or the text given."""
    return lambda text=DEMO: lay_out_study(tmp_path, text)
