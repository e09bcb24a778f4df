"""Whether two runs differ in anything that the study does not say: tokens seen, tokenizer, scoring path, versions."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from titrant.artifacts import Checkpoint, Scores, read_record
from titrant.study.units import show_count

_HARDWARE = ("processor", "gpus")


@dataclass(frozen=True)
class RunFacts:
    """What is compared of one run."""

    total_tokens: int
    parameters: int
    tokenizers: frozenset[str]
    """Fingerprints of the tokenizers with which it was trained and scored."""
    scored_by: str
    packages: dict[str, str]
    """Version by package and use; empty where the artifacts say nothing of them."""
    hardware: dict[str, str]


def read_facts(train: Path, evaluate: Path) -> RunFacts:
    """The facts of one run from its artifacts; what `made.json` says counts where it is there."""
    checkpoint, scores = Checkpoint.read(train), Scores.read(evaluate)
    inputs = [read_record(folder).inputs for folder in (train, evaluate)]
    made = {"training": _made(train), "scoring": _made(evaluate)}
    return RunFacts(
        total_tokens=checkpoint.total_tokens,
        parameters=checkpoint.parameters,
        tokenizers=frozenset(named["tokenizer"] for named in inputs if "tokenizer" in named),
        scored_by=scores.scored_by,
        packages={f"{name} ({use})": v for use, part in made.items() for name, v in _part(part, "packages").items()},
        hardware={
            f"{name} ({use})": v
            for use, part in made.items()
            for name, v in _part(part, "machine").items()
            if name in _HARDWARE
        },
    )


def _made(folder: Path) -> dict[str, Any]:
    try:
        content = json.loads((folder / "made.json").read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _part(made: dict[str, Any], key: str) -> dict[str, str]:
    part = made.get(key)
    return {str(name): str(value) for name, value in part.items()} if isinstance(part, dict) else {}


def _unequal(mine: dict[str, str], theirs: dict[str, str]) -> list[str]:
    return sorted(name for name in mine.keys() & theirs.keys() if mine[name] != theirs[name])


def flags_of(arm: Iterable[RunFacts], control: Iterable[RunFacts]) -> tuple[str, ...]:
    """Short phrases for what differs between runs paired by seed, each once, sorted."""
    flags: set[str] = set()
    for mine, theirs in zip(arm, control, strict=True):
        if mine.total_tokens != theirs.total_tokens:
            tokens = f"{show_count(mine.total_tokens)} against {show_count(theirs.total_tokens)}"
            flags.add(f"tokens seen differ: {tokens}")
        if mine.parameters != theirs.parameters:
            flags.add("parameters differ")
        if len(mine.tokenizers | theirs.tokenizers) > 1:
            flags.add("tokenizers differ")
        if mine.scored_by != theirs.scored_by:
            flags.add(f"scored by different paths: {mine.scored_by} and {theirs.scored_by}")
        if names := _unequal(mine.packages, theirs.packages):
            flags.add(f"package versions differ: {', '.join(names)}")
        if _unequal(mine.hardware, theirs.hardware):
            flags.add("hardware differs")
    return tuple(sorted(flags))
