"""How fast batches are read: tokens a second of `PhaseBatches` beside a loader that copies random windows row by row.

    python bench/loader.py [--tokens 50000000] [--steps 512]

The row-by-row loader draws offsets at random with replacement from one memory-mapped file, as small training scripts
do; it mixes nothing, keeps no order and counts nothing. Both hand over int64 inputs and targets.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from titrant.jobs import TrainPhase
from titrant.study.curve import Curve
from titrant.tokens.batches import PhaseBatches
from titrant.tokens.shards import TokenShard, hash_file

SHARES = {"text": "9/10", "code": "8/100", "markup": "2/100"}
SHAPES = ((256, 16), (512, 64), (2048, 128))
"""Sequence length and rows of a batch."""


def write_shards(folder: Path, tokens: int) -> dict[str, TokenShard]:
    """One shard of random tokens for each source."""
    generator, shards = np.random.default_rng(0), {}
    for source in SHARES:
        path = folder / f"{source}.bin"
        generator.integers(0, 50_000, tokens // len(SHARES), dtype=np.uint16).tofile(path)
        mapped = np.memmap(path, dtype=np.uint16, mode="r")
        shards[source] = TokenShard(path, "train", mapped, hash_file(path), "none", documents=1)
    return shards


def ours(shards: dict[str, TokenShard], length: int, rows: int, steps: int) -> Callable[[int], object]:
    """A step of `PhaseBatches`, inputs and targets."""
    curve = Curve(
        shape="constant", start_rate=0, peak_rate=1, final_rate=1, warmup_steps=0, decay_steps=0,
        decay_shape="linear", horizon_steps=steps,
    )  # fmt: skip
    phase = TrainPhase(
        shares=SHARES, steps=steps, curve=curve, initialisation="scratch", checkpoint=None,
        optimizer_state="reset", data="fresh",
    )  # fmt: skip
    batches = PhaseBatches(shards, phase, {}, seed=1, sequence_length=length, global_batch_tokens=length * rows)

    def step(number: int) -> object:
        tokens = batches.batch(number).tokens
        # copied, because the other loader hands over two whole arrays too; training itself can do with views
        return np.ascontiguousarray(tokens[:, :-1]), np.ascontiguousarray(tokens[:, 1:])

    return step


def row_by_row(shards: dict[str, TokenShard], length: int, rows: int) -> Callable[[int], object]:
    """A step of the plain loader on the largest source alone."""
    path, generator = shards["text"].path, np.random.default_rng(1)

    def step(number: int) -> object:
        data = np.memmap(path, dtype=np.uint16, mode="r")  # opened anew each time, against growing memory
        offsets = generator.integers(0, len(data) - length, rows)
        inputs = np.stack([data[offset : offset + length].astype(np.int64) for offset in offsets])
        targets = np.stack([data[offset + 1 : offset + 1 + length].astype(np.int64) for offset in offsets])
        return inputs, targets

    return step


def tokens_per_second(
    loader: Callable[[], Callable[[int], object]], steps: int, tokens: int, repeats: int = 5
) -> float:
    """Median over repeats, each with a new loader: what it plans before and between its steps is counted in."""
    rates = []
    for _ in range(repeats):
        start = time.perf_counter()
        step = loader()
        for number in range(steps):
            step(number)
        rates.append(steps * tokens / (time.perf_counter() - start))
    return statistics.median(rates)


def main() -> None:
    """Print a line a shape."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=int, default=50_000_000, help="tokens on disk, all sources together")
    parser.add_argument("--steps", type=int, default=512)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        shards = write_shards(Path(folder), asked.tokens)
        for length, rows in SHAPES:
            mine = tokens_per_second(partial(ours, shards, length, rows, asked.steps), asked.steps, length * rows)
            plain = tokens_per_second(partial(row_by_row, shards, length, rows), asked.steps, length * rows)
            print(
                f"sequence {length:5d}  rows {rows:4d}  ours {mine / 1e6:7.1f} M tokens/s  "
                f"row by row {plain / 1e6:7.1f} M tokens/s  ratio {mine / plain:.2f}"
            )


if __name__ == "__main__":
    main()
