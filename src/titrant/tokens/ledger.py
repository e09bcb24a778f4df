"""The ledger: what each phase of each run draws from each source, planned from sizes and counted from draws.

The plan is checked before anything is trained. What a study asks of a source that it cannot give (a share that rounds
to nothing, more epochs than allowed, `fresh` sequences that are no longer unseen, a `replay` of what was never drawn)
is an error with the smallest change that would mend it; all problems of all arms are told at once.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from titrant.artifacts import LedgerRow, PlannedLedger, TokenShards
from titrant.errors import Problem, StoreError, StudyError
from titrant.jobs import LedgerJob, PlannedChain, PlannedPhase, Progress
from titrant.study.units import show_count
from titrant.tokens.mix import apportion
from titrant.tokens.order import Indices, SourceOrder, num_sequences
from titrant.tokens.relation import Relation, cursors_after, first_position, partition_of


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
    cursors: dict[str, int] = {}
    drawn: dict[str, int] = {}
    for phase, rows in zip(chain.phases, planned, strict=True):
        where = f"phase '{phase.name}' of {_arm(chain)} at scale '{chain.scale}'"
        problems += _vanished(phase, rows, where, chain.sequence_length)
        for row in rows:
            key = f"{row.source}/{row.partition}"
            asked = _Asked(
                phase=phase,
                row=row,
                rows=rows,
                cursors=cursors,
                earlier=drawn.get(key, 0),
                max_epochs=Fraction(repr(max_epochs.get(row.source, 1.0))),
                where=where,
            )
            problem = _nothing_held(asked, chain) or _shortage(asked)
            problems += [problem] if problem else []
        for row in rows:
            key = f"{row.source}/{row.partition}"
            drawn[key] = drawn.get(key, 0) + row.sequences
        if phase.data != "replay":  # what a replay asks too much is drawn no more after it than before
            cursors = cursors_after(cursors, rows)
    return problems


@dataclass(frozen=True)
class _Asked:
    """What one phase asks of one source, and what earlier phases of the chain have drawn."""

    phase: PlannedPhase
    row: LedgerRow
    rows: Sequence[LedgerRow]
    """Of the whole phase: its data relation holds for all of its sources or for none."""
    cursors: Mapping[str, int]
    earlier: int
    """Sequences drawn of this source before, repeats counted."""
    max_epochs: Fraction
    where: str

    @property
    def words(self) -> str:
        """How a message begins."""
        kind = {"fresh": "tokens", "replay": "replayed tokens", "disjoint": "reserved tokens"}[self.phase.data]
        return (
            f"mixture '{self.phase.mixture}' draws {show_count(self.row.tokens)} {kind} from source "
            f"'{self.row.source}' in {self.where}"
        )

    @property
    def length(self) -> int:
        """Tokens of one sequence."""
        return self.row.tokens // self.row.sequences

    def seen(self, row: LedgerRow) -> int:
        """Distinct sequences that earlier phases have drawn of a row's source."""
        return min(self.cursors.get(f"{row.source}/{row.partition}", 0), row.available)

    def would_be(self, relation: Relation) -> bool:
        """Whether the phase could be declared so, as far as what is seen and unseen goes."""
        if relation == "replay":
            return all(min(row.sequences, row.available) <= self.seen(row) for row in self.rows)
        return all(not self.seen(row) or self.seen(row) + row.sequences <= row.available for row in self.rows)

    def problem(self, sentences: str) -> Problem:
        """A problem that stands at the source's share in the mixture."""
        return Problem(f"{self.words}, {sentences}", path=("mixtures", self.phase.mixture, self.row.source))


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


def _nothing_held(asked: _Asked, chain: PlannedChain) -> Problem | None:
    """A source too small for a single sequence; told alike for every phase that draws it, and so told once."""
    row = asked.row
    if row.available:
        return None
    mend = "Give it a reserve_fraction, add documents" if row.partition == "reserved" else "Add documents"
    return Problem(
        f"source '{row.source}' is drawn at scale '{chain.scale}' and holds no whole sequence of "
        f"{chain.sequence_length} {row.partition} tokens. {mend}, lower the scale's sequence_length, or leave the "
        "source out.",
        path=("sources", row.source),
    )


def _shortage(asked: _Asked) -> Problem | None:
    """What is wrong with one draw of a source that holds something, if anything."""
    row, fresh = asked.row, asked.phase.data != "replay"
    if not fresh and min(row.sequences, row.available) > asked.seen(row):
        return _never_drawn(asked)
    if fresh and row.start > 0 and row.start + row.sequences > row.available:
        return _seen_already(asked)
    return _too_often(asked)


def _never_drawn(asked: _Asked) -> Problem:
    """A replay of more than earlier phases have drawn."""
    row, length, seen = asked.row, asked.length, asked.seen(asked.row)
    more = _amount((min(row.sequences, row.available) - seen) * length)
    drawn = f"drawn {show_count(seen * length)}" if seen else "drawn nothing"
    mends = [_lower(asked, seen), f"have earlier phases draw {more}{' more' if seen else ''} tokens of it"]
    if asked.would_be("fresh"):
        mends.append("declare the phase's data as `fresh`" + _and_epochs(asked))
    return asked.problem(f"of which earlier phases of the arm have {drawn}. {_choice(mends)}.")


def _seen_already(asked: _Asked) -> Problem:
    """Fresh or disjoint sequences where too few are left that no earlier phase drew."""
    row, length = asked.row, asked.length
    unseen = row.available - asked.seen(row)
    mends = [_lower(asked, unseen)]
    if row.partition == "train" and asked.would_be("replay"):
        mends.append("declare the phase's data as `replay`" + _and_epochs(asked))
    mends.append(_add(row, row.start + row.sequences - row.available, length))
    return asked.problem(
        f"which holds {show_count(row.available * length)}, of which earlier phases have drawn "
        f"{show_count((row.available - unseen) * length)} and {show_count(unseen * length)} are unseen. "
        f"{_choice(mends)}."
    )


def _too_often(asked: _Asked) -> Problem | None:
    """More epochs than the source allows."""
    row, length, earlier = asked.row, asked.length, asked.earlier
    total, most = earlier + row.sequences, math.floor(asked.max_epochs * row.available)
    if total <= most:
        return None
    before = f", {show_count(earlier * length)} of them drawn before" if earlier else ""
    mends = [
        _lower(asked, max(0, most - earlier)),
        f"raise max_epochs to {_digits(Fraction(total, row.available), up=True)}",
        _add(row, math.ceil(total / asked.max_epochs) - row.available, length),
    ]
    return asked.problem(
        f"which holds {show_count(row.available * length)} and may be seen at most {_times(asked.max_epochs)} "
        f"({show_count(most * length)}{before}). {_choice(mends)}."
    )


def _and_epochs(asked: _Asked) -> str:
    """What must be raised too if a phase that is declared otherwise draws as much."""
    needed = Fraction(asked.earlier + asked.row.sequences, asked.row.available)
    return "" if needed <= asked.max_epochs else f" and raise max_epochs to {_digits(needed, up=True)}"


def _add(row: LedgerRow, sequences: int, length: int) -> str:
    """How a source comes to hold so many sequences more."""
    if row.partition == "train":
        return f"add {_amount(sequences * length)} tokens"
    return f"reserve {_amount(sequences * length)} more tokens of the source (raise its reserve_fraction)"


def _choice(mends: Sequence[str]) -> str:
    return f"{', '.join(mends[:-1])}{',' if len(mends) > 2 else ''} or {mends[-1]}"


def _times(epochs: Fraction) -> str:
    return "once" if epochs == 1 else f"{float(epochs):g} times"


def _lower(asked: _Asked, sequences: int) -> str:
    if sequences == 0:
        return "Leave the source out of the mixture"
    return f"Lower its share to {_digits(Fraction(sequences, asked.phase.sequences), up=False)}"


def _digits(number: Fraction, up: bool = False) -> str:
    """Three significant digits, rounded to the side on which the change still mends."""
    step = Fraction(10) ** (math.floor(math.log10(number)) - 2)
    rounded = (math.ceil if up else math.floor)(number / step) * step
    return f"{float(rounded):.6g}"


def _amount(tokens: int) -> str:
    """A count of tokens in at most four digits, rounded up, for what must be added."""
    step = 10 ** max(0, len(str(tokens)) - 4)
    return show_count(-(-tokens // step) * step)
