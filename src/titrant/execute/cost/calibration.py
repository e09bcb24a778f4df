"""How fast this machine does a study's work, as it was measured: what is kept of it, under which key, and where.

A calibration belongs to one scale of one shape (architecture, vocabulary, length, batch, precision, optimizer), to what
evaluation asks, to the machine, the versions of its packages, and the number of jobs at once, because cores share
memory and clocks. It lies in the store's `machine.json`, or in the user's cache where there is no store yet. Measuring
itself is `execute/calibrate.py`. Never imports torch.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from blake3 import blake3
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from titrant.cache import shared_cache
from titrant.execute.files import write_json
from titrant.execute.machine import gpu_names, package_versions, processor_name, usable_cores
from titrant.execute.store import Store
from titrant.study.ladder import Scale
from titrant.study.study import Study

FORMAT = 1
"""Raised when a calibration means something else: older ones are then measured anew."""

DECIDING = ("titrant", "torch", "numpy", "tokenizers", "transformers")
"""Packages of whose versions speed depends."""


class _Kept(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)


class ScaleSpeed(_Kept):
    """What one scale was measured to take, with as many processes at once as would run at once."""

    flops_per_second: float = Field(gt=0)
    """Training FLOPs of one job in a second, optimizer and loader included."""
    train_start_seconds: float = Field(ge=0)
    """What a train job takes before its first step and after its last."""
    train_cpu_fraction: float = Field(gt=0)
    """CPU time over wall time while steps were timed: well below 1 on a CPU, the machine was busy with other things."""
    peak_flops_per_second: float | None = None
    """Of one core's products in the scale's precision, measured beside the others; null on a GPU, whose is known."""
    train_memory_bytes: int = Field(ge=0)
    """Peak memory of a train job's process."""
    evaluate_start_seconds: float = Field(ge=0)
    """What an evaluate job takes beside scoring."""
    evaluate_cpu_fraction: float = Field(gt=0)
    """CPU time over wall time while scores were timed."""
    seconds_per_byte: float = Field(ge=0)
    """Scoring one byte of held-out text."""
    seconds_per_item: dict[str, float]
    """Scoring one item, by outcome."""
    shrunk_to: str = ""
    """What was left out of the model to be done in time; empty: nothing. FLOPs are then in proportion."""


class Calibration(_Kept):
    """One scale's speed, the speed of a core beside it, and how quiet the machine was."""

    format: int = FORMAT
    scale: str
    """Its name in the study; never part of the key."""
    speed: ScaleSpeed
    core_speed: float = Field(gt=0)
    """How fast one core does what data stages do, against the core on which their rates were measured."""
    job_seconds: float = Field(ge=0)
    """What every job takes beside its stage: starting a process, hashing, writing the record."""
    workers: int = Field(gt=0)
    measured_seconds: float
    when: str


def machine_key() -> str:
    """What identifies this machine: where it ran, not what it is called."""
    gpus = ", ".join(gpu_names())
    return f"{processor_name()} {usable_cores()}{' ' if gpus else ''}{gpus}"


def key_of(study: Study, scale: Scale, vocabulary: int, workers: int) -> str:
    """16 hexadecimal digits of all that decides the speed of a scale's jobs, budgets and learning rates apart."""
    versions = package_versions()
    shape = scale.model_dump(mode="json")
    for name in ("tokens", "learning_rate", "rung"):
        shape.pop(name, None)
    evaluation = study.evaluation
    content = {
        "format": FORMAT,
        "machine": machine_key(),
        "packages": {name: versions.get(name) for name in DECIDING},
        "scale": shape,
        "vocabulary": vocabulary,
        "optimizer": study.optimizer.model_dump(mode="json"),
        "probes": [probe.model_dump(mode="json", exclude={"margin", "items_per_rung"}) for probe in evaluation.probes],
        "choices": [task.content for task in evaluation.multiple_choice],
        "workers": workers,
    }
    return blake3(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def known_calibration(store: Store, key: str) -> Calibration | None:
    """What was measured under a key, in the store or in the user's cache; None if nothing was."""
    for path in (store.root / "machine.json", cache_file()):
        found = _read(path).get("calibrations")
        given = found.get(key) if isinstance(found, Mapping) else None
        if given is None:
            continue
        try:
            known = Calibration.model_validate(given)
        except ValidationError:
            continue  # an older one, or damaged: it is measured anew
        if known.format == FORMAT:
            return known
    return None


def keep_calibrations(store: Store, measured: Mapping[str, Calibration]) -> Path | None:
    """Write them beside those that are there; where they lie, or None where nothing can be written."""
    path = store.root / "machine.json" if (store.root / "store.json").exists() else cache_file()
    content = _read(path)
    before = content.get("calibrations")
    kept = dict(before) if isinstance(before, Mapping) else {}
    kept |= {key: calibration.model_dump(mode="json") for key, calibration in measured.items()}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, {**content, "calibrations": kept}, durable=False)
    except OSError:
        return None  # it is measured again next time
    return path


def cache_file() -> Path:
    """`$TITRANT_CACHE/machine.json`, or `~/.cache/titrant/machine.json`."""
    return shared_cache("machine.json")


def _read(path: Path) -> dict[str, object]:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
