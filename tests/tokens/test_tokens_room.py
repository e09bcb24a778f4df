"""The room as a whole: its examples are true, and it needs no torch."""

from __future__ import annotations

import doctest
import importlib
import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "subject", ["batches", "encoder", "ledger", "megatron", "mix", "order", "relation", "tokenizer"]
)
def test_the_examples_in_the_docstrings_are_true(subject: str) -> None:
    assert doctest.testmod(importlib.import_module(f"titrant.tokens.{subject}")).failed == 0


def test_no_file_of_the_room_imports_torch() -> None:
    script = "import sys, titrant.tokens, titrant.tokens.batches; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
