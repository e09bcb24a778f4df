"""What the engine around the model costs: snapshots, a second process, compiled code at its start.

    python bench/engine.py                       # a quarter of an hour
    python bench/engine.py --parts snapshots --steps 12

Each part trains a real phase through `titrant.train.train` (10M parameters without embedding, vocabulary
16,384, sequences of 512, 8,192 tokens a step) on random tokens, in processes of its own.

    snapshots   seconds that training waits for snapshots, as a share of all, with one every 30 seconds (as by default)
                and one every 5
    processes   tokens a second of one process with one thread, of one with two, and of two with one each
    compiler    seconds until the first step is done: eager, compiled with an empty cache, compiled with that cache
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SHAPE = {"layers": 6, "width": 384, "heads": 6, "ffn_width": 1024}
VOCABULARY, LENGTH, BATCH = 16_384, 512, 8_192
CODE = Path(__file__).resolve()


def main() -> None:
    """Measure and print the parts asked for."""
    given = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    given.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    given.add_argument("--steps", type=int, default=40, help="optimizer steps of one measurement")
    given.add_argument("--rounds", type=int, default=3, help="how often the variants of `processes` take turns")
    given.add_argument("--world", type=Path, help=argparse.SUPPRESS)
    asked = given.parse_args()
    if asked.world is not None:
        _train(asked.world, asked.steps)
        return
    with tempfile.TemporaryDirectory(prefix="bench-engine-") as folder:
        world = Path(folder) / "world"
        write_world(world)
        for part in asked.parts:
            PARTS[part](world, asked.steps, asked.rounds)


def measure(world: Path, steps: int, **environment: str) -> dict[str, float]:
    """Train in a process of its own: seconds of the first step, tokens a second after it, share of stalls."""
    settings = {"OMP_NUM_THREADS": "1", "TITRANT_COMPILE": "0", **environment}
    ran = subprocess.run(
        [sys.executable, CODE, "--world", world, "--steps", str(steps)],
        env={**os.environ, **settings},
        check=True,
        capture_output=True,
        text=True,
    )
    found: dict[str, float] = json.loads(ran.stdout.splitlines()[-1])
    return found


def snapshots(world: Path, steps: int, rounds: int) -> None:
    """Print what snapshots cost."""
    print("\nsnapshots: seconds that training waits for them, share of the time")
    for every in ("30", "5"):
        found = measure(world, steps, TITRANT_CHECKPOINT_SECONDS=every)
        print(
            f"one every {every:>2} s: {found['stalled']:.2f} s of {found['seconds']:.0f} s, "
            f"{found['stalled'] / found['seconds']:.2%} ({found['snapshots']:.0f} of {found['megabytes']:.0f} MB)"
        )


def processes(world: Path, steps: int, rounds: int) -> None:
    """Print tokens a second of one process and of two, in turns."""
    variants = {
        "1 process x 1 thread": {},
        "1 process x 2 threads": {"TITRANT_THREADS": "2", "OMP_NUM_THREADS": "2"},
        "2 processes, replicated": {"TITRANT_RANKS": "2", "TITRANT_PARALLEL": "replicated"},
        "2 processes, sharded": {"TITRANT_RANKS": "2", "TITRANT_PARALLEL": "sharded"},
    }
    speeds: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(rounds):
        for name, environment in variants.items():
            speeds[name].append(measure(world, max(4, steps // 4), **environment)["speed"])
    print("\nprocesses: tokens a second (wall), median of", rounds)
    medians = {name: sorted(found)[len(found) // 2] for name, found in speeds.items()}
    for name, found in speeds.items():
        print(
            f"{name:26}{medians[name]:8,.0f}  {medians[name] / medians['1 process x 1 thread']:.2f} x one thread  "
            f"({min(found):,.0f} to {max(found):,.0f})"
        )


def compiler(world: Path, steps: int, rounds: int) -> None:
    """Print how long it takes to the end of the first step."""
    print("\ncompiler: seconds to the end of the first step")
    with tempfile.TemporaryDirectory() as cache:
        settings = {"TITRANT_COMPILE": "1", "TORCHINDUCTOR_CACHE_DIR": cache}
        print(f"eager                     {measure(world, 2)['first']:.1f}")
        for name in ("compiled, empty cache", "compiled, second job", "compiled, third job"):
            print(f"{name:26}{measure(world, 2, **settings)['first']:.1f}")


PARTS = {"snapshots": snapshots, "processes": processes, "compiler": compiler}


def write_world(folder: Path) -> None:
    """A tokenizer's record and one source of random tokens."""
    import numpy as np

    from titrant.artifacts import FORMAT, PartSize, Record, Shard, TokenizerFile, TokenShards
    from titrant.tokens.megatron import write_index
    from titrant.tokens.shards import Sidecar, hash_file

    def finish(place: Path, artifact: TokenizerFile | TokenShards) -> None:
        record = Record(
            format=FORMAT,
            kind=artifact.kind,
            version=artifact.version,
            fingerprint="f" * 64,
            declaration={},
            inputs={},
            files={},
            summary=artifact.model_dump(mode="json"),
        )
        (place / "record.json").write_text(record.model_dump_json())

    (folder / "tokenizer").mkdir(parents=True)
    (folder / "a").mkdir()
    known = "ab" * 32
    finish(
        folder / "tokenizer",
        TokenizerFile(vocabulary=VOCABULARY, end_of_text_id=0, content=known, bytes_per_token={}),
    )
    size = 4_000_000
    tokens = np.random.default_rng(0).integers(1, VOCABULARY, size)
    file = folder / "a/train.bin"
    file.write_bytes(tokens.astype("<u2").tobytes())
    write_index(folder / "a/train.idx", np.dtype("uint16"), np.array([size], dtype=np.int32))
    sidecar = Sidecar(
        tokenizer=known,
        vocabulary=VOCABULARY,
        end_of_text="after-each-document",
        end_of_text_id=0,
        dtype="uint16",
        tokens=size,
        documents=1,
        bytes=size,
        content=hash_file(file),
    )
    (folder / "a/train.json").write_text(sidecar.model_dump_json())
    shard = Shard(documents=1, tokens=size, bytes=size, content=hash_file(file))
    held_out = PartSize(documents=0, bytes=0)
    finish(
        folder / "a",
        TokenShards(tokenizer=known, vocabulary=VOCABULARY, encoder="none", shards={"train": shard}, held_out=held_out),
    )


def _train(world: Path, steps: int) -> None:
    """In a process of its own: train, and print what was seen as the last line."""
    from titrant.jobs import TrainJob
    from titrant.train import train
    from titrant.train.snapshot import Snapshots

    curve = {"shape": "constant", "start_rate": 1e-3, "peak_rate": 1e-3, "final_rate": 1e-3, "warmup_steps": 0}
    phase = {
        "shares": {"a": "1"},
        "steps": steps,
        "curve": {**curve, "decay_steps": 0, "decay_shape": "linear", "horizon_steps": steps},
        "initialisation": "scratch",
        "checkpoint": None,
        "optimizer_state": "reset",
        "data": "fresh",
    }
    job = TrainJob.model_validate(
        {
            "architecture": SHAPE,
            "optimizer": {},
            "precision": "bfloat16",
            "sequence_length": LENGTH,
            "global_batch_tokens": BATCH,
            "seed": 1,
            "phase": phase,
            "milestones": 0,
        }
    )
    kept: list[Snapshots] = []
    counted = {"snapshots": 0, "megabytes": 0.0}
    save = Snapshots.save

    def counting(self: Snapshots, standing: object, tensors: dict[str, object]) -> None:
        kept[:] = [self]
        counted["snapshots"] += 1
        counted["megabytes"] = sum(t.numel() * t.element_size() for t in tensors.values()) / 1e6  # type: ignore[attr-defined]
        save(self, standing, tensors)  # type: ignore[arg-type]

    Snapshots.save = counting  # type: ignore[method-assign, assignment]
    began, times = time.perf_counter(), [(0, 0.0)]

    def progress(done: int, total: int, unit: str, note: str = "") -> None:
        if done % BATCH == 0 and done > times[-1][0] and re.search("loss", note):
            times.append((done, time.perf_counter() - began))

    with tempfile.TemporaryDirectory() as folder:
        out, scratch = Path(folder) / "out", Path(folder) / "scratch"
        out.mkdir()
        scratch.mkdir()
        train(job, {"tokenizer": world / "tokenizer", "tokens/a": world / "a"}, out, scratch=scratch, progress=progress)
    (first, start), (last, end) = times[1], times[-1]
    print(
        json.dumps(
            {
                "first": start,
                "speed": (last - first) / (end - start),
                "seconds": end,
                "stalled": kept[0].stalled_seconds if kept else 0.0,
                **counted,
            }
        )
    )


if __name__ == "__main__":
    main()
