"""In what the two arms of a contrast differ: their resolved chains of phases, laid side by side."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from titrant.report.numbers import percent

ABSENT = "not there"


@dataclass(frozen=True)
class Change:
    """One line of a comparison of two arms."""

    where: str
    """Which phase, and what of it."""
    arm: str
    control: str


def chain_changes(study: dict[str, Any], arm: str, control: str) -> tuple[Change, ...]:
    """All that differs between the resolved chains of two arms, phase by phase; empty if they are the same."""
    ours, theirs = _chain(study, arm), _chain(study, control)
    changes: list[Change] = []
    for index in range(max(len(ours), len(theirs))):
        if index >= min(len(ours), len(theirs)):
            sides = [_in_words(chain[index]) if index < len(chain) else ABSENT for chain in (ours, theirs)]
            changes.append(Change(f"phase {index + 1}", *sides))
        else:
            changes += _phase_changes(index, ours[index], theirs[index])
    return tuple(changes)


def _phase_changes(index: int, mine: dict[str, object], other: dict[str, object]) -> Iterator[Change]:
    name = mine["phase"] if mine["phase"] == other["phase"] else f"{mine['phase']} / {other['phase']}"
    for key in [*mine, *(key for key in other if key not in mine)]:
        left, right = (_spelt(side.get(key, ABSENT)) for side in (mine, other))
        if left != right and key != "phase":
            yield Change(f"phase {index + 1} ({name}): {key}", left, right)


def _in_words(phase: dict[str, object]) -> str:
    return f"{phase['phase']}, on {phase['mixture']}, {_spelt(phase['parts'])} parts"


def _spelt(value: object) -> str:
    if value is None:
        return "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _chain(study: dict[str, Any], arm: str) -> list[dict[str, object]]:
    resolved: list[dict[str, object]] = []
    for link in study["arms"][arm]:
        phase, mixture = next(iter(link.items()))
        declared = dict(_flat("", study["phases"][phase]))
        resolved.append({"phase": phase, "mixture": _shares(study, mixture), **declared})
    return resolved


def _shares(study: dict[str, Any], mixture: str) -> str:
    weights = {source: weight for source, weight in study["mixtures"][mixture].items() if weight}
    total = sum(weights.values())
    return f"{mixture}: " + ", ".join(f"{source} {percent(w / total)}" for source, w in weights.items())


def _flat(prefix: str, value: Any) -> Iterator[tuple[str, object]]:
    if not isinstance(value, dict):
        yield prefix, value
        return
    for key, inner in value.items():
        yield from _flat(f"{prefix}.{key}" if prefix else str(key), inner)
