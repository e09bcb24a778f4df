"""A tokenizer and two sources of a few thousand tokens on disk, and jobs that train on them in a second."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import numpy as np

from titrant.artifacts import FORMAT, Artifact, Checkpoint, PartSize, Record, Shard, TokenizerFile, TokenShards
from titrant.jobs import TrainJob, TrainPhase
from titrant.study.architecture import Architecture
from titrant.study.curve import Curve
from titrant.study.optimizer import Optimizer
from titrant.tokens.megatron import write_index
from titrant.tokens.shards import Sidecar, hash_file
from titrant.train import train_phase

VOCABULARY = 64
TOKENIZER = "ab" * 32


def quiet(done: int, total: int, unit: str, note: str = "") -> None:
    """Progress that says nothing."""


def finish(folder: Path, artifact: Artifact) -> Path:
    """Write the record that makes a folder an artifact."""
    record = Record(
        format=FORMAT, kind=artifact.kind, version=artifact.version, fingerprint="f" * 64,
        declaration={}, inputs={}, files={}, summary=artifact.model_dump(mode="json"),
    )  # fmt: skip
    (folder / "record.json").write_text(record.model_dump_json())
    return folder


def write_world(folder: Path, sources: tuple[str, ...] = ("a", "b"), tokenizer: str = TOKENIZER) -> dict[str, Path]:
    """Inputs of a first phase: a tokenizer and token shards with both partitions, a learnable pattern by source."""
    (folder / "tokenizer").mkdir(parents=True)
    finish(
        folder / "tokenizer",
        TokenizerFile(vocabulary=VOCABULARY, end_of_text_id=0, content=TOKENIZER, bytes_per_token={}),
    )
    inputs = {"tokenizer": folder / "tokenizer"}
    for number, source in enumerate(sources):
        home = folder / source
        home.mkdir()
        shards = {
            part: _write_shard(home, part, size, number, tokenizer)
            for part, size in (("train", 6000), ("reserved", 1500))
        }
        summary = TokenShards(
            tokenizer=tokenizer,
            vocabulary=VOCABULARY,
            encoder="none",
            shards=shards,
            held_out=PartSize(documents=0, bytes=0),
        )
        inputs[f"tokens/{source}"] = finish(home, summary)
    return inputs


def _write_shard(home: Path, partition: str, size: int, number: int, tokenizer: str) -> Shard:
    generator = np.random.default_rng([number, size])
    tokens = (np.arange(size) * (3 + 2 * number) + generator.integers(0, 4, size)) % VOCABULARY
    path = home / f"{partition}.bin"
    path.write_bytes(tokens.astype("<u2").tobytes())
    write_index(home / f"{partition}.idx", np.dtype("uint16"), np.array([size], dtype=np.int32))
    sidecar = Sidecar.model_validate(
        {name: value for name, value in {
            "format": 1, "tokenizer": tokenizer, "vocabulary": VOCABULARY, "end_of_text": "after-each-document",
            "end_of_text_id": 0, "dtype": "uint16", "tokens": size, "documents": 1, "bytes": size,
            "content": hash_file(path),
        }.items() if name in Sidecar.model_fields}
    )  # fmt: skip
    (home / f"{partition}.json").write_text(sidecar.model_dump_json())
    return Shard(documents=1, tokens=size, bytes=size, content=hash_file(path))


def curve(steps: int, **changes: object) -> Curve:
    """A cosine with a warmup of two steps."""
    return Curve.model_validate(
        {
            "shape": "cosine", "start_rate": 0, "peak_rate": 1e-2, "final_rate": 1e-3, "warmup_steps": 2,
            "decay_steps": steps - 2, "decay_shape": "cosine", "horizon_steps": steps, **changes,
        }
    )  # fmt: skip


def job(steps: int = 6, **changes: object) -> TrainJob:
    """A first phase of a two-layer model; `changes` go to the phase if it has such a field, else to the job."""
    phase = {
        "shares": {"a": "1/2", "b": "1/2"}, "steps": steps, "curve": curve(steps), "initialisation": "scratch",
        "checkpoint": None, "optimizer_state": "reset", "data": "fresh",
        **{name: value for name, value in changes.items() if name in TrainPhase.model_fields},
    }  # fmt: skip
    given = {
        "architecture": Architecture(layers=2, width=32, heads=4, ffn_width=48), "optimizer": Optimizer(),
        "precision": "float32", "sequence_length": 16, "global_batch_tokens": 64, "seed": 1, "milestones": 2,
        **{name: value for name, value in changes.items() if name not in TrainPhase.model_fields},
    }  # fmt: skip
    return TrainJob.model_validate({**given, "phase": phase})


def train(asked: TrainJob, inputs: dict[str, Path], folder: Path, *, progress=quiet, **more) -> Checkpoint:
    """Train into FOLDER/out with FOLDER/scratch, and finish the artifact."""
    (folder / "scratch").mkdir(parents=True, exist_ok=True)
    shutil.rmtree(folder / "out", ignore_errors=True)
    (folder / "out").mkdir()
    checkpoint = train_phase(asked, inputs, folder / "out", scratch=folder / "scratch", progress=progress, **more)
    finish(folder / "out", checkpoint)
    return checkpoint


def content(folder: Path) -> dict[str, str]:
    """Hash of every file below FOLDER/out, by its name."""
    files = sorted(path for path in (folder / "out").rglob("*") if path.is_file())
    return {str(path.relative_to(folder / "out")): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
