"""GPUs that are not at hand: the table, what fits, and what a study would take."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from titrant.errors import StudyError
from titrant.execute.cost.accelerators import (
    BYTES_PER_PARAMETER,
    PUBLISHED,
    START_SECONDS,
    accelerator_named,
    expected_share,
    fit_of,
    offer,
)
from titrant.execute.store import open_store
from titrant.model.peaks import ACCELERATORS, known_accelerator, peak_bf16_flops
from titrant.plan import make_plan
from titrant.study.architecture import Architecture
from titrant.study.ladder import Scale
from titrant.study.load import load_study


def scale(layers: int, width: int, ffn_width: int, length: int = 8192) -> Scale:
    heads = width // 128
    shape = Architecture(layers=layers, width=width, heads=heads, ffn_width=ffn_width)
    return Scale(
        architecture=shape, tokens=length * 512, sequence_length=length, global_batch_tokens=length, learning_rate=1e-3
    )


def test_every_gpu_of_the_table_is_found_by_its_own_name_and_has_a_source() -> None:
    for one in ACCELERATORS:
        assert known_accelerator(one.name) is one
        assert known_accelerator(one.name.lower().replace("-", " ")) is one
        assert one.source
        # a dense peak in bfloat16 lies well above that of float32, and no memory is below 24 GB
        assert one.bf16_flops > 1.5 * one.fp32_flops
        assert 24e9 <= one.memory_bytes <= 300e9


@pytest.mark.parametrize(
    ("driver", "name"),
    [
        ("NVIDIA H100 80GB HBM3", "H100"),
        ("NVIDIA H100 PCIe", "H100-PCIe"),
        ("NVIDIA H100 NVL", "H100-NVL"),
        ("NVIDIA H200", "H200"),
        ("NVIDIA A100-SXM4-80GB", "A100"),
        ("NVIDIA A100-PCIE-40GB", "A100-40GB"),
        ("NVIDIA L40S", "L40S"),
        ("NVIDIA L4", "L4"),
        ("NVIDIA GeForce RTX 4090", "RTX-4090"),
        ("AMD Instinct MI300X", "MI300X"),
    ],
)
def test_the_names_that_drivers_give_are_known(driver: str, name: str) -> None:
    found = known_accelerator(driver)
    assert found is not None
    assert found.name == name
    assert peak_bf16_flops(driver) == found.bf16_flops


@pytest.mark.parametrize("name", ["H1000", "TPU v5", "", "L400"])
def test_an_unknown_gpu_is_refused_with_those_that_are_known(name: str) -> None:
    assert peak_bf16_flops(name) is None
    with pytest.raises(StudyError, match=r"is no GPU of the table.*'?A100.*H100.*MI300X.*--calibrate"):
        accelerator_named(name)


def test_the_expected_share_lies_within_what_is_published_and_names_its_sources() -> None:
    for parameters in (1e6, 100e6, 1e9, 2.8e9, 70e9):
        share = expected_share(parameters, 8192)
        assert min(one.fraction for one in PUBLISHED) <= share.low <= share.middle <= share.high <= 0.6
        assert len(share.sources) >= 2
    assert expected_share(2.65e9, 2048).middle == pytest.approx(0.437, abs=0.05)


def test_state_is_eighteen_bytes_a_parameter_shared_out_over_the_gpus() -> None:
    small, h100 = scale(4, 256, 704, 512), accelerator_named("H100")
    fit = fit_of(small, 1000, h100)
    assert fit is not None
    assert fit.state_bytes == BYTES_PER_PARAMETER * sum(small.architecture.count_parameters(1000))
    assert (fit.gpus, fit.recomputed) == (1, False)


def test_what_does_not_fit_one_gpu_is_computed_again_or_spread_over_more() -> None:
    large = scale(27, 2560, 6912)
    on_h100, on_l4 = fit_of(large, 256_000, accelerator_named("H100")), fit_of(large, 256_000, accelerator_named("L4"))
    assert on_h100 is not None
    assert on_l4 is not None
    assert on_l4.gpus > on_h100.gpus
    assert on_l4.recomputed
    for fit, name in ((on_h100, "H100"), (on_l4, "L4")):
        assert fit.bytes_per_gpu <= 0.9 * accelerator_named(name).memory_bytes
        assert math.log2(fit.gpus).is_integer()
    # activations of one sequence are never shared out: some models fit nowhere
    assert fit_of(scale(2, 65_536, 65_536, 131_072), 256_000, accelerator_named("L4")) is None


def test_twice_the_gpus_never_take_longer_and_the_price_of_work_is_in_gpu_hours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TITRANT_CACHE", str(tmp_path / "cache"))
    plan = make_plan(load_study("quickstart"))
    store = open_store(tmp_path / "store", create=False)
    h100 = accelerator_named("H100")
    one, two = (offer(plan, store, h100, count, plan.jobs) for count in (1, 2))
    assert two.seconds <= one.seconds
    assert one.low_seconds <= one.seconds <= one.high_seconds
    assert one.gpu_seconds == one.seconds
    assert two.gpu_seconds == 2 * two.seconds
    trained = [job for job in plan.jobs.values() if job.kind == "train"]
    # tiny models are bound by starting and by launching kernels, never by the peak
    assert one.by_kind["train"] >= len(trained) * START_SECONDS
    assert one.too_large == ()
