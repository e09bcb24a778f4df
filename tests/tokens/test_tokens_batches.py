"""Batches of a phase: exact resuming, any world size, a ledger that is what was counted, relations that are proven."""

from __future__ import annotations

import json
from collections import Counter
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from titrant.errors import StoreError, StudyError
from titrant.jobs import TrainPhase
from titrant.study.curve import Curve
from titrant.tokens import batches
from titrant.tokens.batches import PhaseBatches
from titrant.tokens.order import num_sequences
from titrant.tokens.relation import Relation, drawn_digest, prove_data_relation
from titrant.tokens.shards import TokenShard

LENGTH = 8
CURVE = Curve(
    shape="constant",
    start_rate=0,
    peak_rate=1,
    final_rate=1,
    warmup_steps=0,
    decay_steps=0,
    decay_shape="linear",
    horizon_steps=1,
)


def a_shard(name: str, tokens: int, partition: str = "train") -> TokenShard:
    """Tokens that say where they stand, so that a batch shows which sequence it came from."""
    return TokenShard(
        path=Path(f"{name}.bin"),
        partition=partition,  # type: ignore[arg-type]
        tokens=np.arange(tokens, dtype=np.uint16),
        content=f"content of {name} {partition}",
        tokenizer="t",
        documents=1,
    )


def a_phase(shares: dict[str, str], steps: int, data: Relation = "fresh") -> TrainPhase:
    return TrainPhase(
        shares=shares,
        steps=steps,
        curve=CURVE,
        initialisation="scratch",
        checkpoint=None,
        optimizer_state="reset",
        data=data,
    )


def batches_of(
    shares: dict[str, str],
    steps: int,
    rows: int,
    *,
    tokens: int = 4000,
    data: Relation = "fresh",
    cursors: dict[str, int] | None = None,
    drawn_before: dict[str, int] | None = None,
    seed: int = 1,
) -> PhaseBatches:
    partition = "reserved" if data == "disjoint" else "train"
    return PhaseBatches(
        {name: a_shard(name, tokens, partition) for name in shares},
        a_phase(shares, steps, data),
        cursors or {},
        seed=seed,
        sequence_length=LENGTH,
        global_batch_tokens=rows * LENGTH,
        drawn_before=drawn_before,
    )


mixtures = st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 9), min_size=1).map(
    lambda weights: {name: str(Fraction(weight, sum(weights.values()))) for name, weight in weights.items()}
)


@given(shares=mixtures, steps=st.integers(6, 20), rows=st.integers(9, 40), data=st.data())
@settings(deadline=None, max_examples=40)
def test_resuming_at_any_step_and_any_world_size_draws_the_same_rows(
    shares: dict[str, str], steps: int, rows: int, data: st.DataObject
) -> None:
    straight = batches_of(shares, steps, rows)
    wanted = [straight.batch(step) for step in range(steps)]
    resumed = batches_of(shares, steps, rows)
    world = data.draw(st.integers(1, 50))
    for step in range(data.draw(st.integers(0, steps - 1)), steps):
        parts = [resumed.rows(step, rank, world) for rank in range(world)]
        for field in ("tokens", "sources", "indices"):
            together = np.concatenate([getattr(part, field) for part in parts])
            assert np.array_equal(together, getattr(wanted[step], field))


@given(shares=mixtures, steps=st.integers(6, 20), rows=st.integers(9, 40), start=st.integers(0, 300))
@settings(deadline=None, max_examples=40)
def test_the_ledger_is_what_a_count_of_the_batches_gives(
    shares: dict[str, str], steps: int, rows: int, start: int
) -> None:
    cursors = {f"{name}/train": start for name in shares}
    phase = batches_of(shares, steps, rows, cursors=cursors)
    drawn: dict[str, list[int]] = {name: [] for name in shares}
    for step in range(steps):
        batch = phase.batch(step)
        assert batch.tokens.shape == (rows, LENGTH + 1)
        for tokens, source, index in zip(batch.tokens, batch.sources, batch.indices, strict=True):
            assert tokens.tolist() == list(range(index * LENGTH, index * LENGTH + LENGTH + 1))
            drawn[phase.sources[source]].append(index)
    for row in phase.ledger_rows():
        mine = drawn[row.source]
        assert (row.start, row.sequences, row.tokens) == (start, len(mine), len(mine) * LENGTH)
        assert row.unique_tokens == len(set(mine)) * LENGTH
        assert row.available == num_sequences(4000, LENGTH)
        assert row.epochs == (start + len(mine)) / row.available
        assert abs(row.sequences - Fraction(shares[row.source]) * steps * rows) < 1
        assert phase.cursors_after()[f"{row.source}/train"] == start + len(mine)
    assert sum(row.sequences for row in phase.ledger_rows()) == steps * rows


def test_a_phase_of_many_planned_blocks_is_the_same_as_one_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    shares = {"code": "3/10", "text": "7/10"}
    wanted = batches_of(shares, 9, 25, cursors={"code/train": 5})
    whole = wanted.drawn_indices()
    monkeypatch.setattr(batches, "BLOCK", 7)
    cut = batches_of(shares, 9, 25, cursors={"code/train": 5})
    for step in (8, 0, 4):
        assert np.array_equal(cut.batch(step).tokens, wanted.batch(step).tokens)
    for key, indices in cut.drawn_indices().items():
        assert np.array_equal(indices, whole[key])
    assert cut.ledger_rows() == wanted.ledger_rows()


def test_the_order_inside_a_source_does_not_depend_on_mixture_budget_or_key_order() -> None:
    pure = batches_of({"code": "1"}, 10, 20).drawn_indices()["code/train"]
    mixed = batches_of({"text": "3/4", "code": "1/4"}, 16, 10).drawn_indices()["code/train"]
    other = batches_of({"code": "1/4", "text": "3/4"}, 16, 10).drawn_indices()["code/train"]
    assert np.array_equal(mixed, other)
    assert np.array_equal(pure[: len(mixed)], mixed)
    assert not np.array_equal(pure, batches_of({"code": "1"}, 10, 20, seed=2).drawn_indices()["code/train"])


def test_key_order_of_shares_and_shards_changes_no_row() -> None:
    # a peer keyed the shuffle by the place of a component in its dict
    one = batches_of({"text": "90/100", "code": "8/100", "markup": "2/100"}, 10, 50)
    other = batches_of({"markup": "2/100", "code": "8/100", "text": "90/100"}, 10, 50)
    for step in range(10):
        assert np.array_equal(one.batch(step).tokens, other.batch(step).tokens)


def test_a_fresh_phase_draws_nothing_that_an_earlier_one_drew() -> None:
    # a peer sliced before it shuffled, and 34.7 % of the "new" code was old
    first = batches_of({"code": "1/2", "text": "1/2"}, 20, 12)
    second = batches_of({"code": "3/10", "text": "7/10"}, 20, 20, cursors=first.cursors_after())
    for key, earlier in first.drawn_indices().items():
        assert not set(earlier) & set(second.drawn_indices()[key])
    proofs = second.prove_relation()
    assert proofs["code/train"] == f"content of code train:{drawn_digest(second.drawn_indices()['code/train'])}"


def test_a_replay_draws_the_same_sequences_in_the_same_order() -> None:
    first = batches_of({"code": "1/2", "text": "1/2"}, 20, 12)
    again = batches_of(
        {"code": "1/2", "text": "1/2"},
        20,
        12,
        data="replay",
        cursors=first.cursors_after(),
        drawn_before=first.drawn_after(),
    )
    assert np.array_equal(first.batch(7).tokens, again.batch(7).tokens)
    again.prove_relation()
    assert again.cursors_after() == first.cursors_after()
    assert again.ledger_rows()[0].epochs == 2 * first.ledger_rows()[0].epochs


def test_a_disjoint_phase_draws_from_the_reserved_part_only() -> None:
    first = batches_of({"code": "1"}, 10, 12)
    last = batches_of({"code": "1"}, 10, 12, data="disjoint", cursors=first.cursors_after())
    assert list(last.prove_relation()) == ["code/reserved"]
    assert last.ledger_rows()[0].start == 0
    assert last.cursors_after() == {"code/reserved": 120, "code/train": 120}
    train_only = {"code": a_shard("code", 4000)}
    with pytest.raises(StudyError, match="source 'code' has no reserved documents, but a disjoint phase draws it"):
        PhaseBatches(
            train_only, a_phase({"code": "1"}, 1, "disjoint"), {}, seed=1, sequence_length=8, global_batch_tokens=8
        )


def test_a_fresh_phase_that_wraps_into_seen_sequences_cannot_be_proven() -> None:
    first = batches_of({"code": "1"}, 40, 10)
    second = batches_of({"code": "1"}, 40, 10, cursors=first.cursors_after())
    with pytest.raises(StoreError, match=r"a fresh phase drew \d+ of \d+ sequences of 'code/train' that an earlier"):
        second.prove_relation()


def test_the_proof_looks_at_identities_and_not_at_the_plan() -> None:
    seen, new = np.array([1, 2, 3]), np.array([4, 5])
    prove_data_relation("fresh", {"a/train": new}, {"a/train": seen})
    prove_data_relation("replay", {"a/train": np.array([3, 1, 2, 3])}, {"a/train": seen})
    prove_data_relation("replay", {"a/train": np.array([2])}, {"a/train": seen})
    with pytest.raises(StoreError, match="drew 1 of 2 sequences"):
        prove_data_relation("fresh", {"a/train": np.array([3, 4])}, {"a/train": seen})
    with pytest.raises(StoreError, match="drew 4 sequences of 'a/train', of which only 3 are among the 3 that earlier"):
        prove_data_relation("replay", {"a/train": np.array([3, 1, 2, 9])}, {"a/train": seen})
    with pytest.raises(StoreError, match="of which only 0 are among the 0 that earlier"):
        prove_data_relation("replay", {"a/train": seen}, {})
    with pytest.raises(StoreError, match="reserved partitions only"):
        prove_data_relation("disjoint", {"a/train": new}, {})


def test_a_checkpoint_of_another_seed_or_shard_is_not_gone_on_from() -> None:
    first = batches_of({"code": "1"}, 10, 12)
    rows, drawn = first.ledger_rows(), first.prove_relation()
    batches_of({"code": "1"}, 10, 12, cursors=first.cursors_after()).check_previous(rows, drawn)
    with pytest.raises(StoreError, match="not those of this shard and seed"):
        batches_of({"code": "1"}, 10, 12, seed=2).check_previous(rows, drawn)


def test_cursors_that_are_not_where_the_draws_end_prove_nothing() -> None:
    first = batches_of({"code": "1"}, 10, 12)
    rows, drawn = first.ledger_rows(), first.prove_relation()
    for cursor, told in ((119, "its phase drew 0 to 120"), (150, "the run has drawn 120 sequences in all")):
        again = batches_of(
            {"code": "1"}, 1, 12, data="replay", cursors={"code/train": cursor}, drawn_before=first.drawn_after()
        )
        with pytest.raises(StoreError, match=told):
            again.check_previous(rows, drawn)


def test_a_share_that_comes_to_nothing_is_an_error_and_not_a_skew() -> None:
    with pytest.raises(StudyError, match="source 'rare' has a share of 1e-06, which comes to none of 100 sequences"):
        batches_of({"rare": "1/1000000", "text": "999999/1000000"}, 10, 10)


def test_a_batch_that_is_no_whole_number_of_sequences_is_refused() -> None:
    with pytest.raises(StudyError, match="a batch of 20 tokens is not a whole number of sequences of 8"):
        PhaseBatches(
            {"a": a_shard("a", 100)}, a_phase({"a": "1"}, 1), {}, seed=1, sequence_length=8, global_batch_tokens=20
        )


def test_several_epochs_see_every_sequence_equally_often() -> None:
    phase = batches_of({"a": "1"}, 30, 10, tokens=LENGTH * 100 + 1)
    assert set(Counter(phase.drawn_indices()["a/train"].tolist()).values()) == {3}
    row = phase.ledger_rows()[0]
    assert (row.epochs, row.unique_tokens) == (3.0, 100 * LENGTH)
    assert json.loads(row.model_dump_json())["available"] == 100
