"""Inputs are the same wherever they are drawn."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from blake3 import blake3

from titrant.synthesize.generator.domains import Arguments, Booleans, Dicts, Integers, Lists, Texts, Tuples
from titrant.synthesize.generator.pools import arguments_of, pool

DOMAINS = (
    Lists(Integers(-50, 50), 0, 10),
    Texts("abcxyz_0123456789", 0, 12),
    Dicts(Texts("abc", 1, 3), Lists(Tuples((Integers(0, 9), Booleans())), 0, 3)),
    Integers(-(2**40), 2**40),
    Texts(),
)
PRINTED = """
from blake3 import blake3
from titrant.synthesize.generator.domains import *
from titrant.synthesize.generator.pools import pool
{before}
domains = {domains!r}
print(blake3(repr([[each.text for each in pool(domain)] for domain in domains]).encode()).hexdigest())
"""
CONSTANTS = """
import sys, types, pathlib, tempfile
folder = tempfile.mkdtemp()
pathlib.Path(folder, "full_of_constants.py").write_text("X = [123456789, 'xyzzy', 987654321]\\n" * 20)
sys.path.insert(0, folder)
import full_of_constants
import random
random.seed(7)
from hypothesis import given, settings, strategies as st
@settings(database=None, max_examples=300)
@given(st.text('abcxyz_0123456789', min_size=0, max_size=12), st.integers(-(2**40), 2**40))
def draw_first(text, number): pass
draw_first()
"""


def printed(
    before: str = "", domains: tuple[object, ...] = DOMAINS, folder: Path | None = None, **environment: str
) -> str:
    done = subprocess.run(
        [sys.executable, "-c", PRINTED.format(before=before, domains=list(domains))],
        env={**os.environ, **environment},
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_pools_are_the_same_in_every_process() -> None:
    here = blake3(repr([[each.text for each in pool(domain)] for domain in DOMAINS]).encode()).hexdigest()
    assert printed(PYTHONHASHSEED="1") == here
    assert printed(CONSTANTS, PYTHONHASHSEED="2", CI="true", HYPOTHESIS_PROFILE="ci") == here


def test_nothing_is_written_where_a_command_is_called(tmp_path: Path) -> None:
    here, cache = tmp_path / "here", tmp_path / "cache"
    here.mkdir()
    in_cache = printed("", (Texts(),), here, TITRANT_CACHE=str(cache))
    assert list(here.iterdir()) == []
    assert list((cache / "hypothesis").rglob("*.json.gz"))
    (tmp_path / "file").write_text("no folder")
    assert printed("", (Texts(),), here, TITRANT_CACHE=str(tmp_path / "file")) == in_cache, "it is only a cache"
    assert list(here.iterdir()) == []


def test_the_order_in_which_pools_are_drawn_changes_none() -> None:
    assert printed("", DOMAINS[:1]) == printed("pool(Texts()); pool(Integers(0, 3))", DOMAINS[:1])


def test_the_simplest_value_stands_first() -> None:
    assert [pool(domain)[0].value for domain in DOMAINS] == [[], "", {}, 0, ""]
    assert len(pool(DOMAINS[0])) > 120


def test_values_stand_once_and_under_their_own_literals() -> None:
    for domain in DOMAINS:
        texts = [each.text for each in pool(domain)]
        assert len(set(texts)) == len(texts)
        assert texts == [repr(each.value) for each in pool(domain)]


def test_what_holds_among_arguments_holds() -> None:
    pairs = Arguments((DOMAINS[0], Integers(0, 9)), "second below length", lambda values, k: k < len(values))
    found = arguments_of(pairs, "key", 40)
    assert len(found) == 40
    assert all(k.value < len(values.value) for values, k in found)
    assert found != arguments_of(pairs, "another key", 40)


def test_small_domains_give_all_that_they_hold() -> None:
    found = arguments_of(Arguments((Booleans(), Booleans())), "key", 48)
    assert {(one.value, other.value) for one, other in found} == {(a, b) for a in (0, 1) for b in (0, 1)}


def test_equal_domains_are_given_equal_values_now_and_then() -> None:
    found = arguments_of(Arguments((DOMAINS[3], DOMAINS[3])), "key", 48)
    assert 2 <= sum(one.value == other.value for one, other in found) <= 24
