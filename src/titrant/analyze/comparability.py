"""Whether two runs differ in what the study does not say: tokens and epochs, skipped updates, tokenizer, scoring path,
code, machine.

A run is a chain of phases, and any of them may have been trained on another day by other code. Each phase is held
against the phases of the other run that trained the same stretch of it, so that a trunk trained long ago and shared by
both runs, or one phase against two, raises no flag. What was scored is the end of a run.

Of the jobs that made the data nothing is compared, since findings are not given their artifacts: by which versions a
corpus was read, cleaned and split stands in the `made.json` of those jobs.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from titrant.artifacts import Checkpoint, CodeScores, Scores, read_record
from titrant.study.units import show_count

Group = Literal["code", "threads", "hardware", "packages", "record"]
Facts = dict[tuple[Group, str], str]
"""What `made.json` says of how an artifact came about, by group and name."""

MOST_EPOCHS_APART = 1.5
"""Two runs that both repeat a source may differ in its epochs by this factor before it is flagged."""

_HARDWARE = {"processor": "processor", "gpus": "GPUs", "gpu": "GPU model"}
"""Name by key of `machine`."""
_MOST_NAMES = 4
_NO_RECORD: Facts = {("record", "made.json"): "missing"}


@dataclass(frozen=True)
class PhaseFacts:
    """What is compared of one phase: where in the run it was trained, and how."""

    start_tokens: int
    """Tokens that the run had seen before it."""
    end_tokens: int
    made: Facts


@dataclass(frozen=True)
class RunFacts:
    """What is compared of one run."""

    phases: tuple[PhaseFacts, ...]
    """In order, the last one last."""
    scoring: Facts
    whole: bool
    """Whether all phases are there, from the first one on."""
    parameters: int
    tokenizers: frozenset[str]
    """Fingerprints of the tokenizers with which it was trained and scored."""
    scored_by: str
    code: frozenset[str]
    """What ran the blocks in its phases: `eager`, `compiled`."""
    portions: frozenset[str]
    """How sums were cut in its phases (processes, threads, rows at once): they round otherwise. Empty: unknown."""
    skipped: int
    """Updates that were skipped in its phases, for a loss that spiked or was not finite."""
    epochs: dict[str, float]
    """By source, how often its most repeated partition has been gone through by the end of the run."""
    sandbox: str | None = None
    """What held the programs that the run wrote; None where it wrote none."""
    running: Facts = field(default_factory=dict)
    """How its programs were run."""

    @property
    def total_tokens(self) -> int:
        """Tokens that the run has seen."""
        return self.phases[-1].end_tokens


def read_facts(trained: Sequence[Path], evaluate: Path, code: Path | None = None) -> RunFacts:
    """The facts of one run from the checkpoints of its phases, in order, the scores of the last one, and what became of
    the programs that it wrote."""
    checkpoints, scores = [Checkpoint.read(folder) for folder in trained], Scores.read(evaluate)
    inputs = [read_record(folder).inputs for folder in (*trained, evaluate)]
    epochs: dict[str, float] = {}
    for row in (row for checkpoint in checkpoints for row in checkpoint.ledger):
        epochs[row.source] = max(row.epochs, epochs.get(row.source, 0.0))
    return RunFacts(
        phases=tuple(
            PhaseFacts(checkpoint.total_tokens - checkpoint.tokens, checkpoint.total_tokens, read_made(folder))
            for checkpoint, folder in zip(checkpoints, trained, strict=True)
        ),
        scoring=read_made(evaluate),
        whole="previous" not in inputs[0],
        parameters=checkpoints[-1].parameters,
        tokenizers=frozenset(named["tokenizer"] for named in inputs if "tokenizer" in named),
        scored_by=scores.scored_by,
        code=frozenset(checkpoint.code for checkpoint in checkpoints),
        portions=frozenset(words for checkpoint in checkpoints for words in checkpoint.portions),
        skipped=sum(len(checkpoint.skipped) for checkpoint in checkpoints),
        epochs=epochs,
        sandbox=CodeScores.read(code).sandbox if code else None,
        running=read_made(code) if code else {},
    )


def read_made(folder: Path) -> Facts:
    """What `made.json` beside an artifact says of code, threads, machine and packages; of a missing one, that it is.

    A value of null is known (no GPU, threads not set), but for the commit: null means that it could not be read.
    """
    try:
        made = json.loads((folder / "made.json").read_bytes())
    except (OSError, ValueError):
        return _NO_RECORD
    if not isinstance(made, dict):
        return _NO_RECORD
    machine = _part(made, "machine")
    facts: Facts = {("packages", name): version for name, version in _part(made, "packages").items()}
    facts |= {("hardware", name): machine[key] for key, name in _HARDWARE.items() if key in machine}
    if "cuda" in machine:
        facts["packages", "CUDA"] = machine["cuda"]
    if "threads" in made:
        facts["threads", "threads"] = str(made["threads"])
    if made.get("commit") is not None:
        facts["code", "commit"] = str(made["commit"])
    return facts


def _part(made: dict[str, Any], key: str) -> dict[str, str]:
    part = made.get(key)
    return {str(name): str(value) for name, value in part.items()} if isinstance(part, dict) else {}


def flags_of(arm: Iterable[RunFacts], control: Iterable[RunFacts]) -> tuple[str, ...]:
    """Short phrases for what differs between runs paired by seed, each once, sorted."""
    flags: set[str] = set()
    arms, controls = list(arm), list(control)
    differing: dict[Group, set[str]] = {}
    unknown: set[str] = set()
    for mine, theirs in zip(arms, controls, strict=True):
        flags.update(_flags_of_pair(mine, theirs))
        for use, one, other in _side_by_side(mine, theirs):
            if "missing" in (one.get(("record", "made.json")), other.get(("record", "made.json"))):
                unknown |= {f"made.json ({use})"} if one != other else set()
                continue
            unknown |= {f"{name} ({use})" for _, name in one.keys() ^ other.keys()}
            for group, name in (key for key in one.keys() & other.keys() if one[key] != other[key]):
                differing.setdefault(group, set()).add(f"{name} ({use})" if group == "packages" else name)
    if "code" in differing:
        flags.add("made by different versions of the code")
    if "threads" in differing:
        flags.add("threads differ")
    if "hardware" in differing:
        flags.add(f"hardware differs: {_named(differing['hardware'])}")
    if "packages" in differing:
        flags.add(f"package versions differ: {_named(differing['packages'])}")
    if unknown:
        flags.add(f"not known for one side: {_named(unknown)}")
    skipped = [sum(run.skipped for run in runs) for runs in (arms, controls)]
    if any(skipped):
        flags.add(f"updates were skipped: {skipped[0]} against {skipped[1]}")
    return tuple(sorted(flags | _flags_of_epochs(arms, controls)))


def _flags_of_pair(mine: RunFacts, theirs: RunFacts) -> Iterator[str]:
    if mine.total_tokens != theirs.total_tokens:
        yield f"tokens seen differ: {show_count(mine.total_tokens)} against {show_count(theirs.total_tokens)}"
    if mine.parameters != theirs.parameters:
        yield "parameters differ"
    if len(mine.tokenizers | theirs.tokenizers) > 1:
        yield "tokenizers differ"
    if mine.scored_by != theirs.scored_by:
        yield f"scored by different paths: {mine.scored_by} and {theirs.scored_by}"
    if mine.sandbox != theirs.sandbox or " and " in (mine.sandbox or ""):
        yield f"programs were held by different sandboxes: {mine.sandbox} and {theirs.sandbox}"
    if mine.code != theirs.code:
        yield f"trained by different code: {' and '.join(sorted(mine.code | theirs.code))}"
    if mine.portions and theirs.portions and mine.portions != theirs.portions:
        ways = " against ".join("; ".join(sorted(each)) for each in (mine.portions, theirs.portions))
        yield f"sums were cut differently: {ways}"
    if not (mine.whole and theirs.whole):
        yield "earlier phases not compared"


def _side_by_side(mine: RunFacts, theirs: RunFacts) -> Iterator[tuple[str, Facts, Facts]]:
    """(use, facts of mine, facts of theirs): every two phases that trained the same stretch, the two scorings, and the
    two that ran programs.

    Stretches are shares of each run's own tokens, so that runs of unequal length are compared to their ends.
    """
    for one in mine.phases:
        for other in theirs.phases:
            starts_before = one.start_tokens * theirs.total_tokens < other.end_tokens * mine.total_tokens
            ends_after = other.start_tokens * mine.total_tokens < one.end_tokens * theirs.total_tokens
            if starts_before and ends_after:
                yield "training", one.made, other.made
    yield "scoring", mine.scoring, theirs.scoring
    yield "running programs", mine.running, theirs.running


def _flags_of_epochs(arms: Sequence[RunFacts], controls: Sequence[RunFacts]) -> set[str]:
    """Sources that only one side repeats, or that both repeat and one of them more than 1.5 times as often.

    Only sources that both sides draw, and the most repeating run of each. Mixtures that differ give a source different
    tokens, and below one epoch that is all it does: every token is new. Beyond it, arms also differ in how often
    they have seen the same text.
    """
    flags = set()
    mine, theirs = _most_epochs(arms), _most_epochs(controls)
    for source in sorted(mine.keys() & theirs.keys()):
        few, many = sorted((mine[source], theirs[source]))
        if many > 1 and (few <= 1 or many > MOST_EPOCHS_APART * few):
            flags.add(f"epochs of {source} differ: {mine[source]:.2f} against {theirs[source]:.2f}")
    return flags


def _most_epochs(runs: Iterable[RunFacts]) -> dict[str, float]:
    most: dict[str, float] = {}
    for run in runs:
        for source, epochs in run.epochs.items():
            most[source] = max(epochs, most.get(source, 0.0))
    return most


def _named(names: set[str]) -> str:
    shown = sorted(names)
    more = len(shown) - _MOST_NAMES
    return ", ".join(shown) if more <= 0 else f"{', '.join(shown[:_MOST_NAMES])} and {more} more"
