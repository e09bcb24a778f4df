"""The ledger: what each phase of each run draws from each source, planned from sizes and counted from draws.

The plan is checked before anything is trained. What a study asks of a source that it cannot give (a share that rounds
to nothing, more epochs than allowed, `fresh` sequences that are no longer unseen) is an error with the smallest change
that would mend it; all problems of all arms are told at once.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

from titrant.artifacts import LedgerRow, PlannedLedger, TokenShards
from titrant.errors import Problem, StoreError, StudyError
from titrant.jobs import LedgerJob, PlannedChain, PlannedPhase, Progress
from titrant.study.units import show_count
from titrant.tokens.mix import apportion
from titrant.tokens.order import Indices, SourceOrder, num_sequences
from titrant.tokens.relation import cursors_after, first_position, partition_of


def plan_draws(
    phases: Sequence[PlannedPhase], available: Mapping[str, int], sequence_length: int
) -> tuple[tuple[LedgerRow, ...], ...]:
    """The draws of a chain of phases, one tuple of rows a phase, sorted by source.

    `available` holds the sequences of one epoch by `source/partition`. Nothing is refused here; `check_ledger` does.

    >>> phases = [PlannedPhase(name=name, mixture="all", shares={"a": "1"}, sequences=6, data=data)
    ...           for name, data in (("init", "fresh"), ("more", "fresh"), ("again", "replay"))]
    >>> [(row.start, row.sequences, row.epochs) for rows in plan_draws(phases, {"a/train": 12}, 256) for row in rows]
    [(0, 6, 0.5), (6, 6, 1.0), (0, 6, 1.5)]
    """
    cursors: dict[str, int] = {}
    drawn: dict[str, int] = {}
    planned = []
    for phase in phases:
        rows = _plan_phase(phase, available, sequence_length, cursors, drawn)
        for row in rows:
            key = f"{row.source}/{row.partition}"
            drawn[key] = drawn.get(key, 0) + row.sequences
        cursors = cursors_after(cursors, rows)
        planned.append(rows)
    return tuple(planned)


def _plan_phase(
    phase: PlannedPhase,
    available: Mapping[str, int],
    sequence_length: int,
    cursors: Mapping[str, int],
    drawn: Mapping[str, int],
) -> tuple[LedgerRow, ...]:
    shares = {source: Fraction(share) for source, share in phase.shares.items()}
    partition = partition_of(phase.data)
    rows = []
    for source, sequences in apportion(shares, phase.sequences).items():
        if sequences == 0:
            continue
        key = f"{source}/{partition}"
        held = available.get(key, 0)
        rows.append(
            LedgerRow(
                source=source,
                partition=partition,
                start=first_position(phase.data, cursors.get(key, 0)),
                sequences=sequences,
                available=held,
                tokens=sequences * sequence_length,
                unique_tokens=min(sequences, held) * sequence_length,
                epochs=(drawn.get(key, 0) + sequences) / held if held else 0.0,
                weight=float(shares[source]),
            )
        )
    return tuple(rows)


def realised_rows(
    drawn: Mapping[str, Indices],
    orders: Mapping[str, SourceOrder],
    *,
    starts: Mapping[str, int],
    drawn_before: Mapping[str, int],
    shares: Mapping[str, Fraction],
    sequence_length: int,
) -> tuple[LedgerRow, ...]:
    """What a phase drew, counted from the index arrays of its own batches; everything by `source/partition`.

    `drawn_before` counts the sequences that earlier phases of the run drew, repeats counted; `shares` is by source.
    Raises StoreError if the indices are not the stretch of the endless order that begins at `starts`.
    """
    rows = []
    for key in sorted(drawn):
        indices, order = drawn[key], orders[key]
        if not np.array_equal(indices, order.draw(starts[key], len(indices))):
            raise StoreError(f"the batches did not draw '{key}' in its order from position {starts[key]} on")
        source, _, partition = key.rpartition("/")
        rows.append(
            LedgerRow(
                source=source,
                partition="reserved" if partition == "reserved" else "train",
                start=starts[key],
                sequences=len(indices),
                available=order.num_sequences,
                tokens=len(indices) * sequence_length,
                unique_tokens=len(np.unique(indices)) * sequence_length,
                epochs=(drawn_before.get(key, 0) + len(indices)) / order.num_sequences,
                weight=float(shares[source]),
            )
        )
    return tuple(rows)


def check_ledger(
    job: LedgerJob, inputs: Mapping[str, Path], out: Path, *, scratch: Path, progress: Progress
) -> PlannedLedger:
    """Check that every source can fill what every arm draws at every scale, and write `ledger.json`.

    Raises one StudyError with all problems of all chains, in the order of the study.
    """
    tokens = {
        f"{role.removeprefix('tokens/')}/{partition}": shard.tokens
        for role, folder in sorted(inputs.items())
        for partition, shard in TokenShards.read(folder).shards.items()
    }
    problems: dict[str, Problem] = {}
    lines: list[dict[str, object]] = []
    for number, chain in enumerate(job.chains):
        progress(number, len(job.chains), "arms", f"{chain.arm}@{chain.scale}")
        available = {key: num_sequences(count, chain.sequence_length) for key, count in tokens.items()}
        planned = plan_draws(chain.phases, available, chain.sequence_length)
        for problem in find_problems(chain, planned, job.max_epochs):
            # what several arms ask alike is told once, of the first of them
            problems.setdefault(f"{chain.scale} {problem.message.replace(_arm(chain), '')}", problem)
        for index, (phase, rows) in enumerate(zip(chain.phases, planned, strict=True)):
            place = {"arm": chain.arm, "scale": chain.scale, "phase": phase.name, "index": index}
            lines += [place | row.model_dump(mode="json") for row in rows]
    if problems:
        raise StudyError(problems.values())
    (out / "ledger.json").write_text(json.dumps(lines, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    progress(len(job.chains), len(job.chains), "arms")
    return PlannedLedger(rows=len(lines))


def find_problems(
    chain: PlannedChain, planned: Sequence[Sequence[LedgerRow]], max_epochs: Mapping[str, float]
) -> list[Problem]:
    """All that a chain asks and its sources cannot give, each with the smallest change that would mend it.

    A problem stands at the share of the mixture that asks too much, or at the source that holds nothing.
    """
    problems: list[Problem] = []
    drawn: dict[str, int] = {}
    for phase, rows in zip(chain.phases, planned, strict=True):
        where = f"phase '{phase.name}' of {_arm(chain)} at scale '{chain.scale}'"
        problems += _vanished(phase, rows, where, chain.sequence_length)
        for row in rows:
            key = f"{row.source}/{row.partition}"
            allowed = Fraction(repr(max_epochs.get(row.source, 1.0)))
            problem = _shortage(phase, row, drawn.get(key, 0), allowed, where)
            problems += [problem] if problem else []
            drawn[key] = drawn.get(key, 0) + row.sequences
    return problems


def _arm(chain: PlannedChain) -> str:
    return f"arm '{chain.arm}'"


def _vanished(phase: PlannedPhase, rows: Sequence[LedgerRow], where: str, length: int) -> list[Problem]:
    shares = {source: Fraction(share) for source, share in phase.shares.items()}
    missing = sorted({source for source in shares if shares[source] > 0} - {row.source for row in rows})
    return [
        Problem(
            f"mixture '{phase.mixture}' gives source '{source}' a share of {_digits(shares[source])} in {where}, "
            f"which comes to none of its {phase.sequences} sequences of {length} tokens. Raise the share to "
            f"{_digits(Fraction(1, phase.sequences), up=True)}, train on at least "
            f"{_amount(math.ceil(1 / shares[source]) * length)} tokens, or leave the source out.",
            path=("mixtures", phase.mixture, source),
        )
        for source in missing
    ]


def _shortage(phase: PlannedPhase, row: LedgerRow, earlier: int, max_epochs: Fraction, where: str) -> Problem | None:
    """What is wrong with one row, if anything. `earlier`: sequences drawn before, repeats counted."""
    length = row.tokens // row.sequences
    asks = (
        f"mixture '{phase.mixture}' draws {show_count(row.tokens)} {_kind(phase)} from source '{row.source}' in {where}"
    )
    if row.available == 0:
        mend = "Give it a reserve_fraction" if row.partition == "reserved" else "Add documents"
        return Problem(
            f"{asks}, which holds no whole sequence of {length} {row.partition} tokens. "
            f"{mend}, or leave the source out.",
            path=("sources", row.source),
        )
    holds = f"which holds {show_count(row.available * length)}"
    if phase.data != "replay" and row.start > 0 and row.start + row.sequences > row.available:
        unseen = max(0, row.available - row.start)
        more = (row.start + row.sequences - row.available) * length
        return Problem(
            f"{asks}, {holds}, of which earlier phases have drawn {show_count(min(row.start, row.available) * length)} "
            f"and {show_count(unseen * length)} are unseen. {_lower(unseen, phase)}, declare the phase's data as "
            f"`replay`, or add {_amount(more)} tokens.",
            path=("mixtures", phase.mixture, row.source),
        )
    total, most = earlier + row.sequences, math.floor(max_epochs * row.available)
    if total <= most:
        return None
    before = f", {show_count(earlier * length)} of them drawn before" if earlier else ""
    more = (math.ceil(total / max_epochs) - row.available) * length
    return Problem(
        f"{asks}, {holds} and may be seen at most {_times(max_epochs)} ({show_count(most * length)}{before}). "
        f"{_lower(max(0, most - earlier), phase)}, raise max_epochs to "
        f"{_digits(Fraction(total, row.available), up=True)}, or add {_amount(more)} tokens.",
        path=("mixtures", phase.mixture, row.source),
    )


def _kind(phase: PlannedPhase) -> str:
    return {"fresh": "tokens", "replay": "replayed tokens", "disjoint": "reserved tokens"}[phase.data]


def _times(epochs: Fraction) -> str:
    return "once" if epochs == 1 else f"{float(epochs):g} times"


def _lower(sequences: int, phase: PlannedPhase) -> str:
    if sequences == 0:
        return "Leave the source out of the mixture"
    return f"Lower its share to {_digits(Fraction(sequences, phase.sequences), up=False)}"


def _digits(number: Fraction, up: bool = False) -> str:
    """Three significant digits, rounded to the side on which the change still mends."""
    step = Fraction(10) ** (math.floor(math.log10(number)) - 2)
    rounded = (math.ceil if up else math.floor)(number / step) * step
    return f"{float(rounded):.6g}"


def _amount(tokens: int) -> str:
    """A count of tokens in at most four digits, rounded up, for what must be added."""
    step = 10 ** max(0, len(str(tokens)) - 4)
    return show_count(-(-tokens // step) * step)
