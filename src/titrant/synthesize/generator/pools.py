"""Inputs: Hypothesis draws a pool of values once for each domain, and every problem combines its own arguments of them.

A pool is the same in every process: its values depend on the domain and the version of Hypothesis alone. Hypothesis by
default mixes constants found in the modules of the program into what it draws, keeps examples on disk, and changes its
ways with time and settings; a provider of ours and settings given in full switch all that off. What it notes down of
Unicode goes into the user's cache, and not into the folder where a command happens to be called.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from blake3 import blake3
from hypothesis import HealthCheck, Phase, Verbosity, configuration, given, seed, settings
from hypothesis import strategies as st
from hypothesis.internal.conjecture import providers

from titrant.cache import shared_cache
from titrant.synthesize.generator.domains import Arguments, Domain, Several

_VALUES = 192
"""Values drawn for a pool; those that are equal to an earlier one are left out."""
_CASE = 8
"""So many of them in one test case of Hypothesis."""
_PROVIDER = "titrant-pools"
_TRIES = 40
"""Combinations looked at for each one that is wanted."""


class _PlainProvider(providers.HypothesisProvider):
    """Draws as Hypothesis does, without constants of the modules that happen to be imported."""

    def _maybe_draw_constant(self, *_: Any, **__: Any) -> None:
        return None


@dataclass(frozen=True)
class Value:
    """A value of a pool. Nobody changes it."""

    value: Any
    text: str
    """As a Python literal."""


_POOLS: dict[Domain, tuple[Value, ...]] = {}


def pool(domain: Domain) -> tuple[Value, ...]:
    """Different values of a domain, the simplest first, then in the order in which they were drawn."""
    if domain not in _POOLS:
        _POOLS[domain] = _drawn(domain)
    return _POOLS[domain]


def _drawn(domain: Domain) -> tuple[Value, ...]:
    """Several values a test case: most of the time of a case goes into what is around them. Where they are too large
    for that, one. Lists of arguments are put together from the pools of those."""
    if isinstance(domain, Several):
        return _lists_of_arguments(domain)
    values = _values(domain, _CASE)
    found = {repr(value): value for value in (values if len(values) >= _VALUES // 2 else _values(domain, 1))}
    return tuple(Value(value, text) for text, value in found.items())


def _lists_of_arguments(domain: Several) -> tuple[Value, ...]:
    random = Random(len(domain.of))
    pools = [pool(each) for each in domain.of]
    found = {"[]": Value([], "[]")}
    for _ in range(_VALUES // 2):
        values, texts = [], []
        for _ in range(1 + int(random.random() * 5)):
            taken = [each[int(random.random() * len(each))] for each in pools]
            values.append(taken[0].value if len(pools) == 1 else tuple(each.value for each in taken))
            texts.append(taken[0].text if len(pools) == 1 else f"({', '.join(each.text for each in taken)})")
        text = f"[{', '.join(texts)}]"
        found[text] = Value(values, text)
    return tuple(found.values())


@contextlib.contextmanager
def _notes_in_cache() -> Iterator[None]:
    """Hypothesis keeps what it notes down in the user's cache; afterwards where it did before."""
    before = vars(configuration)["__hypothesis_home_directory"]
    configuration.set_hypothesis_home_dir(shared_cache("hypothesis"))
    try:
        yield
    finally:
        configuration.set_hypothesis_home_dir(before)


@_notes_in_cache()
def _values(domain: Domain, each: int) -> list[Any]:
    found: list[Any] = []
    providers.AVAILABLE_PROVIDERS[_PROVIDER] = _PlainProvider

    @seed(0)
    @settings(
        max_examples=_VALUES // each,
        phases=(Phase.generate,),
        database=None,
        deadline=None,
        derandomize=False,
        suppress_health_check=list(HealthCheck),
        backend=_PROVIDER,
        verbosity=Verbosity.quiet,
        print_blob=False,
        report_multiple_bugs=False,
    )
    @given(st.tuples(*[domain.strategy()] * each))
    def keep(values: tuple[Any, ...]) -> None:
        found.extend(values)

    keep()
    return found


def arguments_of(arguments: Arguments, key: str, count: int) -> list[tuple[Value, ...]]:
    """So many different arguments, or as many as there are: simple ones first, the others chosen by the key.

    Parameters of equal domains are now and then given the same value.
    """
    random = Random(int.from_bytes(blake3(key.encode()).digest(8)))
    pools = [pool(domain) for domain in arguments.of]
    found: dict[tuple[str, ...], tuple[Value, ...]] = {}
    for number in range(_TRIES * count):
        taken = _combined(pools, number, random)
        if arguments.where is None or arguments.where(*(each.value for each in taken)):
            found.setdefault(tuple(each.text for each in taken), taken)
            if len(found) == count:
                break
    return list(found.values())


def _combined(pools: list[tuple[Value, ...]], number: int, random: Random) -> tuple[Value, ...]:
    places = [0 if number == 0 else int(random.random() * len(each)) for each in pools]
    if 0 < number <= len(pools):
        places[number - 1] = 0
    elif len(pools) > 1 and random.random() < 0.1:
        first = int(random.random() * len(pools))
        places = [places[first] if each is pools[first] else place for each, place in zip(pools, places, strict=True)]
    return tuple(each[place] for each, place in zip(pools, places, strict=True))
