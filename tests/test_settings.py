"""Environment variables: what they may be, told in one sentence before any work begins."""

import ast
from pathlib import Path

import pytest

import titrant
from titrant import settings
from titrant.errors import StudyError
from titrant.settings import check_settings

WRONG = {
    "TITRANT_RANKS": ("²", "0", "-1", "abc", "", "1e3"),
    "TITRANT_LAUNCHER": ('torchrun "x',),
    "TITRANT_CHECKPOINT_SECONDS": ("abc", "-1", "nan", "inf", ""),
    "TITRANT_COLLECTIVE_SECONDS": ("abc", "0", "-1"),
    "TITRANT_GRACE_SECONDS": ("30s", "-1"),
    "TITRANT_THREADS": ("0", "abc"),
    "TITRANT_MICRO_BATCH_TOKENS": ("0", "-64", "abc"),
    "TITRANT_COMPILE": ("yes",),
    "TITRANT_DETERMINISTIC": ("maybe",),
    "TITRANT_RECOMPUTE": ("2",),
    "TITRANT_PARALLEL": ("foo",),
    "TITRANT_STALL_SECONDS": ("0", "x"),
    "TITRANT_STALL_NOTE_SECONDS": ("0", "x"),
    "TITRANT_TRACKER_SECONDS": ("x",),
    "TITRANT_SANDBOX": ("docker", ""),
    "TITRANT_ENGINE": ("bogus", "processes:x", "processes:0", "rays"),
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_a_wrong_value_is_one_sentence_that_names_the_variable(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(StudyError, match=f"^{name} ") as refused:
        check_settings()
    assert len(refused.value.problems) == 1


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("TITRANT_RANKS", "8", 8), ("TITRANT_CHECKPOINT_SECONDS", "0", 0), ("TITRANT_CHECKPOINT_SECONDS", "1e9", 1e9),
        ("TITRANT_LAUNCHER", "srun -n 2 torchrun", ["srun", "-n", "2", "torchrun"]), ("TITRANT_COMPILE", "0", False),
        ("TITRANT_ENGINE", "processes:4", None), ("TITRANT_ENGINE", "ray:host:1", None),
        ("TITRANT_PARALLEL", "sharded", "sharded"), ("TITRANT_GRACE_SECONDS", "0.5", 0.5),
    ],
)  # fmt: skip
def test_a_right_value_is_taken(monkeypatch, name, value, read):
    monkeypatch.setenv(name, value)
    check_settings()
    assert settings._CHECKS[name]() == read


def test_all_that_is_wrong_is_told_at_once(monkeypatch):
    monkeypatch.setenv("TITRANT_RANKS", "no")
    monkeypatch.setenv("TITRANT_THREADS", "no")
    with pytest.raises(StudyError) as refused:
        check_settings()
    assert len(refused.value.problems) == 2


def test_every_variable_that_a_module_declares_for_users_is_checked_or_is_free_text():
    declared = set()
    for path in Path(titrant.__file__).parent.rglob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            value = node.value if isinstance(node, (ast.Assign, ast.AnnAssign)) else None
            if isinstance(value, ast.Constant) and str(value.value).startswith("TITRANT_"):
                declared.add(value.value)
    free = {"TITRANT_CACHE", "TITRANT_TRACKERS", "TITRANT_TRACKED", "TITRANT_CORES"}
    assert declared - free == settings._CHECKS.keys() == WRONG.keys()
