"""Batches made ahead in a thread: their order, what comes out of it when something is wrong, and that nothing is left."""

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from titrant.errors import EngineError, StoreError
from titrant.train.watching import prefetch
from titrant.train.watching.prefetch import Prefetcher


def threads():
    return [thread for thread in threading.enumerate() if thread.name == "batches"]


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(prefetch, "_LOOK_EVERY_SECONDS", 0.001)
    monkeypatch.setenv(prefetch.NOTE_SECONDS, "0.002")
    monkeypatch.setenv(prefetch.STALL_SECONDS, "0.02")


@settings(deadline=None, max_examples=30)
@given(first=st.integers(0, 5), count=st.integers(0, 12))
def test_batches_come_in_order_each_once(first, count):
    made = []

    def make(step):
        made.append(step)
        return step * step

    with Prefetcher(make, first, first + count) as batches:
        assert [batches.take() for _ in range(count)] == [step * step for step in range(first, first + count)]
        with pytest.raises(IndexError):
            batches.take()
    assert made == list(range(first, first + count))
    assert threads() == []


def test_no_more_than_two_are_made_ahead_and_one_is_in_the_making():
    made, third = [], threading.Event()

    def make(step):
        made.append(step)
        if step == 3:
            third.set()
        return step

    with Prefetcher(make, 0, 100) as batches:
        assert made == []  # nothing before the first is asked for: a process may fork until then
        assert threads() == []
        batches.take()
        assert third.wait(10)
        batches._thread.join(0.05)
        assert made == [0, 1, 2, 3]
    assert threads() == []


def test_what_the_thread_raised_comes_out_as_itself_after_the_batches_before_it():
    def make(step):
        if step == 2:
            raise StoreError("the shard ends too early")
        return step

    batches = Prefetcher(make, 0, 5)
    assert [batches.take(), batches.take()] == [0, 1]
    with pytest.raises(StoreError, match="the shard ends too early"):
        batches.take()
    assert threads() == []


def test_a_stall_is_noted_once_and_then_ends_the_run_with_names(impatient, tmp_path):
    notes, free, called = [], threading.Event(), []
    batches = Prefetcher(
        lambda step: free.wait(20), 6, 9, sources=["code", "text"], files=[tmp_path / "train.bin"], note=notes.append
    )
    with pytest.raises(EngineError, match=r"at step 7 of 9: reading sources 'code', 'text' \(.*train\.bin\) hangs"):
        batches.take(lambda: called.append(1))
    assert notes == ["waiting for data of sources 'code', 'text' for 0 s"]
    assert len(called) > 1
    assert batches.waited_seconds >= 0.02
    free.set()
    batches.close()
    assert threads() == []


def test_the_wait_can_be_left_and_the_batch_is_still_there(impatient, monkeypatch):
    monkeypatch.setenv(prefetch.STALL_SECONDS, "600")
    free = threading.Event()

    def stop():
        raise KeyboardInterrupt

    with Prefetcher(lambda step: free.wait(20) and step, 0, 1) as batches:
        with pytest.raises(KeyboardInterrupt):
            batches.take(stop)
        free.set()
        assert batches.take() == 0


def test_a_limit_that_is_no_number_is_refused(monkeypatch):
    monkeypatch.setenv(prefetch.STALL_SECONDS, "soon")
    with (
        Prefetcher(lambda step: step, 0, 1) as batches,
        pytest.raises(EngineError, match="TITRANT_STALL_SECONDS is 'soon'; set it to a positive number"),
    ):
        batches.take()
