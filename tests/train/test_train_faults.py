"""The judge of a phase's steps: what a spike is, what each policy does, and that an interruption changes nothing."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from titrant.errors import EngineError
from titrant.study.faults import Faults
from titrant.train.watching.faults import Watcher

FLAT = [3.0 + 0.1 * math.sin(7 * step) for step in range(60)]


def judge_all(faults, losses, norms=None):
    watcher = Watcher(faults, len(losses))
    norms = norms or [1.0] * len(losses)
    return watcher, [watcher.judge(step, *pair) for step, pair in enumerate(zip(losses, norms, strict=True))]


def spikes_by_numpy(faults, losses):
    """The rule in a few lines of its own."""
    found = []
    for step, loss in enumerate(losses):
        before = np.array([x for x in losses[:step] if math.isfinite(x)][-faults.window :])
        if step < faults.warmup_steps or len(before) < 16 or not math.isfinite(loss):
            continue
        median = np.median(before)
        spread = max(1.4826 * np.median(np.abs(before - median)), 1e-3 * abs(median))
        if spread and loss > median + faults.deviations * spread:
            found.append(step + 1)
    return found


loss = st.one_of(st.floats(1, 4), st.floats(0, 100), st.just(math.nan), st.just(math.inf))


@settings(deadline=None)
@given(losses=st.lists(loss, max_size=120), window=st.integers(16, 40), warmup=st.integers(16, 40))
def test_spikes_are_those_of_the_written_rule(losses, window, warmup):
    faults = Faults(non_finite="skip-update", window=window, warmup_steps=warmup, deviations=4, most_skipped=10**6)
    watcher, decisions = judge_all(faults, losses)
    assert watcher.spikes == spikes_by_numpy(faults, losses)
    assert watcher.skipped == [step for step, loss in enumerate(losses, 1) if not math.isfinite(loss)]
    assert [step for step, decision in enumerate(decisions, 1) if decision.kind == "skip"] == watcher.skipped


@settings(deadline=None)
@given(losses=st.lists(loss, min_size=1, max_size=120), cut=st.integers(0, 120))
def test_decisions_are_the_same_after_an_interruption_at_any_step(losses, cut):
    """A function of the losses so far alone: the judge is rebuilt from the curve."""
    faults = Faults(non_finite="skip-update", spike="skip-update", window=20, warmup_steps=16, most_skipped=10**6)
    whole, decisions = judge_all(faults, losses)
    cut = min(cut, len(losses))
    resumed = Watcher(faults, len(losses), losses[:cut], [1.0] * cut)
    rest = [resumed.judge(step, losses[step], 1.0) for step in range(cut, len(losses))]
    assert rest == decisions[cut:]
    assert (resumed.spikes, resumed.skipped) == (whole.spikes, whole.skipped)


def test_a_spike_is_noted_and_trained_on_by_default():
    watcher, decisions = judge_all(Faults(), [*FLAT[:50], 9.0, *FLAT[50:]])
    assert (watcher.spikes, watcher.skipped) == ([51], [])
    assert {decision.kind for decision in decisions} == {"go"}
    assert decisions[50].words.startswith("loss spikes at step 51 of 61: 9 is ")
    assert "deviations above 3.0" in decisions[50].words
    assert "the median of the 50 steps before (gradient norm 1)" in decisions[50].words
    assert [decision.words for decision in decisions if decision.words] == [decisions[50].words]


def test_a_skipped_spike_and_a_skipped_nan_are_both_recorded():
    losses = [*FLAT[:50], 9.0, math.nan, *FLAT[50:]]
    watcher, decisions = judge_all(Faults(spike="skip-update", non_finite="skip-update"), losses)
    assert (watcher.spikes, watcher.skipped) == ([51], [51, 52])
    assert [decision.kind for decision in decisions[49:54]] == ["go", "skip", "skip", "go", "go"]
    assert decisions[51].words.endswith("; the update was left out")


def test_a_gradient_norm_that_is_not_finite_counts_as_a_loss_that_is_not():
    norms = [1.0] * 60
    norms[3] = math.inf
    watcher = Watcher(Faults(), 60)
    for step in range(3):
        assert watcher.judge(step, FLAT[step], 1.0).kind == "go"
    decision = watcher.judge(3, FLAT[3], math.inf, learning_rate=0.003)
    assert decision.kind == "stop"
    assert decision.words == (
        f"loss is not finite at step 4 of 60 (loss {FLAT[3]}, gradient norm inf, learning rate 0.003); lower the "
        "learning rate (scales: learning_rate) or warm up for longer"
    )


def test_a_spike_can_end_the_run():
    *_, last = judge_all(Faults(spike="stop"), [*FLAT, 9.0])[1]
    assert last.kind == "stop"
    assert "loss spikes at step 61 of 61" in last.words
    assert "lower the learning rate" in last.words


def test_one_update_more_than_may_be_skipped_ends_the_run_and_so_does_resuming_there():
    faults = Faults(non_finite="skip-update", most_skipped=2)
    losses = [3.0, math.nan, 3.0, math.nan, 3.0, math.nan]
    decisions = judge_all(faults, losses)[1]
    assert [decision.kind for decision in decisions] == ["go", "skip", "go", "skip", "go", "stop"]
    assert "that is update 3 to skip, and the study allows 2 (faults: most_skipped)" in decisions[-1].words
    with pytest.raises(EngineError, match="that is update 3 to skip"):
        Watcher(faults, 40, losses, [1.0] * 6)


def test_a_loss_that_stays_on_a_higher_level_is_a_spike_only_until_the_median_is_there():
    watcher, _ = judge_all(Faults(window=20), [*FLAT, *(loss + 5 for loss in FLAT)])
    assert watcher.spikes == list(range(61, 71))


def test_what_falls_and_what_is_in_warmup_is_no_spike():
    falling = [10 * 0.95**step for step in range(60)]
    assert judge_all(Faults(), falling)[0].spikes == []
    assert judge_all(Faults(), [*FLAT[:20], 9.0, *FLAT[20:]])[0].spikes == []
    assert judge_all(Faults(warmup_steps=16), [*FLAT[:20], 9.0, *FLAT[20:]])[0].spikes == [21]


def test_rounding_among_equal_losses_is_no_spike():
    assert judge_all(Faults(), [*[2.0] * 50, 2.0000001, 2.01])[0].spikes == []
    assert judge_all(Faults(), [*[2.0] * 50, 2.02])[0].spikes == [51]
    assert judge_all(Faults(), [0.0] * 50 + [1e-12])[0].spikes == []
