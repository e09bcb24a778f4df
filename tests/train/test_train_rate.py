"""Speed, share of peak and time left, on a clock of the tests' own."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from titrant.train.watching import rate as rates
from titrant.train.watching.rate import Rate, measured_peak, peak_of


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


def made(clock, **changes):
    return Rate(**{"flops_per_token": 6e6, "peak_flops": 1e12, "total_tokens": 100_000, "clock": clock, **changes})


def test_speed_share_of_peak_and_time_left_are_those_of_the_last_while():
    clock = Clock()
    rate = made(clock)
    assert (rate.tokens_per_second, rate.mfu, rate.seconds_left, rate.note(None)) == (None, None, None, "")
    rate.update(5_000)
    assert rate.note(2.3456) == "loss 2.346"
    clock.now += 2
    rate.update(25_000)
    assert (rate.tokens_per_second, rate.seconds_left) == (10_000, 7.5)
    assert rate.mfu == pytest.approx(6e6 * 10_000 / 1e12)
    assert rate.note(2.3456) == "loss 2.346, 10k tok/s, 6 % of peak"
    for _ in range(40):  # what was slow before the window is forgotten
        clock.now += 1
        rate.update(rate._points[-1][1] + 100)
    assert rate.tokens_per_second == 100


def test_where_the_peak_is_not_known_no_share_is_told():
    clock = Clock()
    rate = made(clock, peak_flops=None)
    rate.update(0)
    clock.now += 1
    rate.update(1234)
    assert rate.mfu is None
    assert rate.note(1) == "loss 1.000, 1.23k tok/s"


def test_a_clock_that_stands_still_or_no_progress_divides_by_nothing():
    clock = Clock()
    rate = made(clock)
    rate.update(0)
    rate.update(500)
    assert rate.tokens_per_second is None
    clock.now += 1
    rate._points.clear()
    rate.update(0)
    clock.now += 1
    rate.update(0)
    assert (rate.tokens_per_second, rate.seconds_left, rate.mfu) == (0, None, 0)


@given(steps=st.lists(st.tuples(st.floats(1e-4, 50), st.integers(1, 5000)), min_size=1, max_size=300))
def test_the_speed_lies_between_the_slowest_and_the_fastest_step(steps):
    clock = Clock()
    rate = made(clock, total_tokens=10**9)
    rate.update(0)
    tokens = 0
    for seconds, more in steps:
        clock.now += seconds
        tokens += more
        rate.update(tokens)
    speeds = [more / seconds for seconds, more in steps]
    assert min(speeds) * 0.999 <= rate.tokens_per_second <= max(speeds) * 1.001


def test_memory_stays_bounded_however_short_the_steps_are():
    clock = Clock()
    rate = made(clock)
    for step in range(50_000):
        clock.now += 1e-3
        rate.update(10 * step)
    assert len(rate._points) <= rates._POINTS + 2
    assert rate.tokens_per_second == pytest.approx(1e4)


def test_the_peak_of_a_processor_is_measured_once_and_that_of_a_gpu_looked_up(monkeypatch):
    cpu = torch.device("cpu")
    measured_peak.cache_clear()
    assert 1e8 < peak_of(cpu, "float32") < 1e16
    monkeypatch.setattr(torch, "mm", None)
    assert peak_of(cpu, "float32") > 0
    names = iter(["NVIDIA H100 80GB HBM3", "NVIDIA H100 80GB HBM3", "Some new GPU"])
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: next(names))
    gpu = torch.device("cuda", 0)
    assert [peak_of(gpu, "bfloat16"), peak_of(gpu, "float32"), peak_of(gpu, "bfloat16")] == [989e12, 67e12, None]
