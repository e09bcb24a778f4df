"""Which inputs a problem of the generator allows: those of the domains that its family has drawn.

A problem keeps its family, its seed and its number, but not its domains; they are drawn again, and known by the task
that was drawn with them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from titrant.synthesize.generator.domains import (
    Booleans,
    Choices,
    Dicts,
    Domain,
    Integers,
    Lists,
    Several,
    Texts,
    Tuples,
)
from titrant.synthesize.generator.further import drawn_again
from titrant.synthesize.generator.problem import Problem
from titrant.synthesize.verify.values import same_value


def allows(problem: Problem, arguments: Sequence[Any]) -> bool | None:
    """Whether a problem allows these arguments; None where nobody can say."""
    drawn = drawn_again(problem)
    declared = drawn.arguments if drawn else None
    if declared is None or len(declared.of) != len(arguments):
        return None
    held = [_holds(domain, value) for domain, value in zip(declared.of, arguments, strict=True)]
    if not all(held):
        return False if False in held else None
    if declared.where is None:
        return True
    try:
        return bool(declared.where(*arguments))
    except Exception:
        return False  # what the rule cannot read it was not made for


def _holds(domain: Domain, value: Any) -> bool | None:
    """Whether a value is of a domain; None where the domain is a function that makes values."""
    match domain:
        case Integers(low, high):
            return type(value) is int and low <= value <= high
        case Booleans():
            return type(value) is bool
        case Choices(values):
            return any(same_value(value, each) for each in values)
        case Texts(alphabet, shortest, longest):
            return type(value) is str and shortest <= len(value) <= longest and set(value) <= set(alphabet)
        case Lists(of, shortest, longest, unique, ascending):
            if type(value) is not list or not shortest <= len(value) <= longest:
                return False
            found = _all([_holds(of, each) for each in value])
            if unique and len({repr(each) for each in value}) < len(value):
                return False
            return False if found and ascending and sorted(value) != value else found
        case Tuples(of):
            if type(value) is not tuple or len(value) != len(of):
                return False
            return _all([_holds(one, each) for one, each in zip(of, value, strict=True)])
        case Dicts(keys, values, shortest, longest):
            if type(value) is not dict or not shortest <= len(value) <= longest:
                return False
            return _all([*(_holds(keys, each) for each in value), *(_holds(values, each) for each in value.values())])
        case Several(of):
            one = of[0] if len(of) == 1 else Tuples(of)
            return type(value) is list and len(value) <= 5 and _all([_holds(one, each) for each in value])
    return None


def _all(held: list[bool | None]) -> bool | None:
    return False if False in held else None if None in held else True
