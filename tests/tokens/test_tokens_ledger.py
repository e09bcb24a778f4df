"""The ledger's check before training: all problems at once, each with the smallest change that mends it."""

from __future__ import annotations

import json
import re
from contextlib import nullcontext
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from titrant.artifacts import Record, Shard, TokenShards
from titrant.errors import StoreError, StudyError
from titrant.jobs import LedgerJob, PlannedChain, PlannedPhase
from titrant.tokens.ledger import check_ledger, find_problems, plan_draws
from titrant.tokens.order import SourceOrder
from titrant.tokens.relation import Relation, cursors_after, earlier_draws, prove_data_relation

LENGTH = 1000


def quiet(done: int, total: int, unit: str, note: str = "") -> None:
    """Progress that says nothing."""


def a_phase(name: str, shares: dict[str, str], sequences: int, data: Relation = "fresh") -> PlannedPhase:
    return PlannedPhase(name=name, mixture="mixed", shares=shares, sequences=sequences, data=data)


def a_chain(*phases: PlannedPhase, arm: str = "x") -> PlannedChain:
    return PlannedChain(arm=arm, scale="nano", sequence_length=LENGTH, phases=phases)


def problems_of(chain: PlannedChain, available: dict[str, int], **max_epochs: float) -> list[str]:
    planned = plan_draws(chain.phases, available, chain.sequence_length)
    return [problem.message for problem in find_problems(chain, planned, max_epochs)]


def write_tokens(folder: Path, **tokens: int) -> Path:
    summary = TokenShards.model_validate(
        {
            "tokenizer": "t",
            "vocabulary": 300,
            "encoder": "e",
            "shards": {
                name: Shard(documents=1, tokens=count, bytes=count, content=name) for name, count in tokens.items()
            },
            "held_out": {"documents": 0, "bytes": 0},
        }
    )
    record = Record(
        format=1,
        kind="tokens",
        version=TokenShards.version,
        fingerprint="f",
        declaration={},
        inputs={},
        files={},
        summary=summary.model_dump(),
    )
    folder.mkdir(parents=True)
    (folder / "record.json").write_text(record.model_dump_json())
    return folder


def test_too_many_epochs_name_the_numbers_and_what_would_mend_them() -> None:
    chain = a_chain(a_phase("init", {"code": "1/2", "text": "1/2"}, 800_000))
    (message,) = problems_of(chain, {"code/train": 90_000, "text/train": 400_000}, code=4.0)
    assert message == (
        "mixture 'mixed' draws 400M tokens from source 'code' in phase 'init' of arm 'x' at scale 'nano', which holds "
        "90M and may be seen at most 4 times (360M). Lower its share to 0.45, raise max_epochs to 4.45, or add 10M "
        "tokens."
    )


def test_fresh_data_that_are_no_longer_unseen_are_refused_with_what_is_left() -> None:
    chain = a_chain(a_phase("init", {"code": "1"}, 80), a_phase("cooldown", {"code": "1"}, 40))
    (message,) = problems_of(chain, {"code/train": 100}, code=10.0)
    assert message == (
        "mixture 'mixed' draws 40k tokens from source 'code' in phase 'cooldown' of arm 'x' at scale 'nano', which "
        "holds 100k, of which earlier phases have drawn 80k and 20k are unseen. Lower its share to 0.5, declare the "
        "phase's data as `replay`, or add 20k tokens."
    )


def test_a_disjoint_phase_needs_a_reserved_part() -> None:
    chain = a_chain(a_phase("init", {"code": "1"}, 10), a_phase("late", {"code": "1"}, 10, "disjoint"))
    (message,) = problems_of(chain, {"code/train": 100})
    assert "holds no whole sequence of 1000 reserved tokens. Give it a reserve_fraction" in message
    assert problems_of(chain, {"code/train": 100, "code/reserved": 10}) == []


def test_a_share_that_rounds_to_nothing_is_refused_with_the_budget_and_the_share_that_would_do() -> None:
    chain = a_chain(a_phase("init", {"rare": "1/1000000", "text": "999999/1000000"}, 2048))
    (message,) = problems_of(chain, {"rare/train": 100, "text/train": 3000})
    assert message == (
        "mixture 'mixed' gives source 'rare' a share of 1e-06 in phase 'init' of arm 'x' at scale 'nano', which comes to "
        "none of its 2048 sequences of 1000 tokens. Raise the share to 0.000489, train on at least 1B tokens, or leave "
        "the source out."
    )


def test_replay_counts_towards_epochs_but_not_towards_what_is_seen() -> None:
    phases = (
        a_phase("init", {"code": "1"}, 60),
        a_phase("again", {"code": "1"}, 30, "replay"),
        a_phase("more", {"code": "1"}, 40),
    )
    planned = plan_draws(phases, {"code/train": 100}, LENGTH)
    assert [(row.start, row.sequences, row.epochs) for rows in planned for row in rows] == [
        (0, 60, 0.6),
        (0, 30, 0.9),
        (60, 40, 1.3),
    ]
    assert len(problems_of(a_chain(*phases), {"code/train": 100}, code=1.0)) == 1
    assert problems_of(a_chain(*phases), {"code/train": 100}, code=1.3) == []


def test_a_replay_of_more_than_was_drawn_is_refused_with_what_is_needed_and_what_there_is() -> None:
    chain = a_chain(a_phase("init", {"code": "1/2", "text": "1/2"}, 40), a_phase("again", {"code": "1"}, 40, "replay"))
    (message,) = problems_of(chain, {"code/train": 100, "text/train": 100})
    assert message == (
        "mixture 'mixed' draws 40k replayed tokens from source 'code' in phase 'again' of arm 'x' at scale 'nano', of "
        "which earlier phases of the arm have drawn 20k. Lower its share to 0.5, have earlier phases draw 20k more "
        "tokens of it, or declare the phase's data as `fresh`."
    )


def test_a_replay_of_what_was_never_drawn_is_refused() -> None:
    chain = a_chain(a_phase("init", {"text": "1"}, 40), a_phase("again", {"code": "1"}, 40, "replay"))
    (message,) = problems_of(chain, {"code/train": 30, "text/train": 100}, code=2.0)
    assert message == (
        "mixture 'mixed' draws 40k replayed tokens from source 'code' in phase 'again' of arm 'x' at scale 'nano', of "
        "which earlier phases of the arm have drawn nothing. Leave the source out of the mixture, have earlier phases "
        "draw 30k tokens of it, or declare the phase's data as `fresh`."
    )


def test_a_replay_does_not_excuse_a_later_one_that_needs_more() -> None:
    phases = (a_phase("init", {"code": "1"}, 10), *(a_phase(n, {"code": "1"}, 20, "replay") for n in ("one", "two")))
    assert len(problems_of(a_chain(*phases), {"code/train": 100})) == 2


def test_several_epochs_of_what_was_seen_once_are_a_replay() -> None:
    chain = a_chain(a_phase("init", {"code": "1"}, 100), a_phase("again", {"code": "1"}, 250, "replay"))
    assert problems_of(chain, {"code/train": 100}, code=3.5) == []


def test_a_mend_by_replay_is_offered_only_where_it_mends() -> None:
    once = a_chain(a_phase("init", {"code": "1"}, 80), a_phase("more", {"code": "1"}, 40))
    (message,) = problems_of(once, {"code/train": 100}, code=1.0)
    assert "declare the phase's data as `replay` and raise max_epochs to 1.2, or add 20k tokens." in message
    mixed = a_chain(a_phase("init", {"code": "1"}, 80), a_phase("more", {"code": "1/2", "text": "1/2"}, 80))
    (message,) = problems_of(mixed, {"code/train": 100, "text/train": 100}, code=10.0)
    assert message.endswith("20k are unseen. Lower its share to 0.25 or add 20k tokens.")


def test_a_second_disjoint_phase_is_offered_a_larger_reserve_and_no_replay() -> None:
    phases = (a_phase("init", {"code": "1"}, 10), *(a_phase(n, {"code": "1"}, 8, "disjoint") for n in ("one", "two")))
    (message,) = problems_of(a_chain(*phases), {"code/train": 100, "code/reserved": 10}, code=4.0)
    assert message == (
        "mixture 'mixed' draws 8k reserved tokens from source 'code' in phase 'two' of arm 'x' at scale 'nano', which "
        "holds 10k, of which earlier phases have drawn 8k and 2k are unseen. Lower its share to 0.25 or reserve 6k more "
        "tokens of the source (raise its reserve_fraction)."
    )
    assert problems_of(a_chain(*phases), {"code/train": 100, "code/reserved": 16}) == []


@given(
    first=st.integers(0, 120),
    again=st.integers(1, 200),
    available=st.integers(1, 150),
    data=st.sampled_from(["fresh", "replay"]),
)
@example(first=1, again=3, available=3, data="fresh")
@settings(deadline=None)
def test_what_the_gate_lets_through_is_proven_and_what_it_refuses_could_not_be(
    first: int, again: int, available: int, data: Relation
) -> None:
    phases = [a_phase("init", {"code": "1"}, first)] if first else []
    chain = a_chain(*phases, a_phase("late", {"code": "1"}, again, data))
    planned = plan_draws(chain.phases, {"code/train": available}, LENGTH)
    orders = {"code/train": SourceOrder("content", 1, available)}
    (row,) = planned[-1]
    now = {"code/train": orders["code/train"].draw(row.start, row.sequences)}
    cursors = cursors_after({}, [row for rows in planned[:-1] for row in rows])
    refused = bool(find_problems(chain, planned, {"code": 1e6}))
    if refused and data == "fresh":
        # the next epoch may by luck begin with what this phase itself has drawn: no proof fails, and too few are new
        assert again > available - min(first, available)
        return
    with pytest.raises(StoreError) if refused else nullcontext():
        prove_data_relation(data, now, earlier_draws(orders, cursors))


@given(
    sequences=st.integers(1, 3000),
    available=st.integers(1, 300),
    max_epochs=st.floats(0.1, 8),
    share=st.integers(1, 99),
)
@settings(deadline=None)
def test_each_change_that_a_message_offers_does_mend(
    sequences: int, available: int, max_epochs: float, share: int
) -> None:
    def chain_at(part: float) -> PlannedChain:
        whole = round(part * 10**9)
        return a_chain(a_phase("init", {"code": f"{whole}/{10**9}", "other": f"{10**9 - whole}/{10**9}"}, sequences))

    def asked(chain: PlannedChain, held: int, epochs: float) -> list[str]:
        found = problems_of(chain, {"code/train": held, "other/train": 10**9}, code=epochs, other=1.0)
        return [message for message in found if "from source 'code'" in message]

    for message in asked(chain_at(share / 100), available, max_epochs):
        epochs = float(re.search(r"raise max_epochs to ([\d.e-]+),", message)[1])  # type: ignore[index]
        amount = re.search(r"or add ([\d.]+)([kM]?) tokens", message)
        more = float(amount[1]) * {"": 1, "k": 1e3, "M": 1e6}[amount[2]] / LENGTH  # type: ignore[index]
        assert asked(chain_at(share / 100), available, epochs) == []
        assert asked(chain_at(share / 100), available + round(more), max_epochs) == []
        if lower := re.search(r"Lower its share to ([\d.e-]+),", message):
            assert asked(chain_at(float(lower[1])), available, max_epochs) == []


def test_all_problems_of_all_arms_are_told_at_once(tmp_path: Path) -> None:
    inputs = {
        "tokens/code": write_tokens(tmp_path / "code", train=100_001),
        "tokens/text": write_tokens(tmp_path / "text", train=500_001),
    }
    greedy = a_chain(a_phase("init", {"code": "1/2", "text": "1/2"}, 2000), arm="greedy")
    late = a_chain(a_phase("init", {"text": "1"}, 400), a_phase("more", {"text": "1"}, 200), arm="late")
    job = LedgerJob(chains=(greedy, late), max_epochs={"code": 1.0, "text": 1.0})
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(StudyError) as raised:
        check_ledger(job, inputs, out, scratch=tmp_path, progress=quiet)
    messages = [problem.message for problem in raised.value.problems]
    assert [("'greedy'" in message, "'late'" in message) for message in messages] == [
        (True, False),
        (True, False),
        (False, True),
    ]
    assert not list(out.iterdir())


def test_sequences_longer_than_a_source_are_told_once_a_scale_however_many_phases_draw_it(tmp_path: Path) -> None:
    inputs = {
        "tokens/code": write_tokens(tmp_path / "code", train=1000),  # 1000 inputs need one more for the last target
        "tokens/text": write_tokens(tmp_path / "text", train=500_001),
    }
    halves = {"code": "1/2", "text": "1/2"}
    chains = [
        a_chain(a_phase("init", halves, 4), a_phase("more", halves, 4), a_phase("late", halves, 2, "replay"), arm=arm)
        for arm in ("x", "y")
    ]
    job = LedgerJob(chains=tuple(chains), max_epochs={"code": 1.0, "text": 1.0})
    with pytest.raises(StudyError) as raised:
        check_ledger(job, inputs, tmp_path, scratch=tmp_path, progress=quiet)
    assert [(problem.message, problem.path) for problem in raised.value.problems] == [
        (
            "source 'code' is drawn at scale 'nano' and holds no whole sequence of 1000 train tokens. Add documents, "
            "lower the scale's sequence_length, or leave the source out.",
            ("sources", "code"),
        )
    ]


def test_a_study_that_fits_gets_a_ledger_with_a_line_a_draw(tmp_path: Path) -> None:
    inputs = {"tokens/code": write_tokens(tmp_path / "code", train=100_001, reserved=20_001)}
    chain = a_chain(a_phase("init", {"code": "1"}, 50), a_phase("late", {"code": "1"}, 20, "disjoint"))
    written = []
    for attempt in ("one", "two"):
        (tmp_path / attempt).mkdir()
        job = LedgerJob(chains=(chain,), max_epochs={"code": 1.0})
        assert check_ledger(job, inputs, tmp_path / attempt, scratch=tmp_path, progress=quiet).rows == 2
        written.append((tmp_path / attempt / "ledger.json").read_bytes())
    assert written[0] == written[1]
    first, second = json.loads(written[0])
    assert first == {
        "arm": "x",
        "scale": "nano",
        "phase": "init",
        "index": 0,
        "source": "code",
        "partition": "train",
        "start": 0,
        "sequences": 50,
        "available": 100,
        "tokens": 50_000,
        "unique_tokens": 50_000,
        "epochs": 0.5,
        "weight": 1.0,
    }
    assert (second["partition"], second["epochs"]) == ("reserved", 1.0)
