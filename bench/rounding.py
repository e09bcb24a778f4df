"""Losses in bfloat16 beside float32 over a short run on real text: the same weights, order and learning rates.

    python bench/rounding.py                       # 300 steps of 2,048 tokens, some ten minutes of one core
    python bench/rounding.py --steps 100 --rows 2 --compiled

Text is the Python standard library's own source, in the order of a seed, under a byte-level BPE trained on it. The two
models take turns, step by step. What the difference is worth is seen beside a third model: float32, other weights.
"""

from __future__ import annotations

import argparse
import random
import sysconfig
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from tokenizers import ByteLevelBPETokenizer

from titrant.model.device import keep_memory
from titrant.model.transformer import Precision, Transformer
from titrant.study.architecture import Architecture
from titrant.study.optimizer import Optimizer
from titrant.train.optimizer import Optimizers

ARCHITECTURE = Architecture(layers=6, width=128, heads=4, ffn_width=344)
VOCABULARY, LENGTH, PEAK_RATE = 4_096, 512, 3e-3


def main() -> None:
    """Train and print means of every tenth of the run, then the largest differences after the warm-up."""
    given = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    given.add_argument("--steps", type=int, default=300)
    given.add_argument("--rows", type=int, default=4, help="sequences of 512 tokens a step")
    given.add_argument("--compiled", action="store_true", help="compile the bfloat16 model")
    asked = given.parse_args()
    torch.set_num_threads(1)
    keep_memory()
    rows = _rows(asked.steps * asked.rows)
    variants = {
        "float32": _learner("float32", seed=1, steps=asked.steps),
        "bfloat16": _learner("bfloat16", seed=1, steps=asked.steps, compiled=asked.compiled),
        "other seed": _learner("float32", seed=2, steps=asked.steps),
    }
    losses: dict[str, list[float]] = {name: [] for name in variants}
    for step in range(asked.steps):
        tokens = torch.from_numpy(rows[step * asked.rows : (step + 1) * asked.rows])
        for name, learn in variants.items():
            losses[name].append(learn(tokens))
    curves = {name: np.array(curve) for name, curve in losses.items()}
    print(f"{'steps':>12}" + "".join(f"{name:>12}" for name in curves))
    for part in np.array_split(np.arange(asked.steps), 10):
        print(
            f"{part[0] + 1:6}-{part[-1] + 1:<5}" + "".join(f"{curve[part].mean():12.4f}" for curve in curves.values())
        )
    after = slice(_warmup(asked.steps), None)
    for name in ("bfloat16", "other seed"):
        difference = (curves[name] - curves["float32"])[after]
        tens = np.array([part.mean() for part in np.array_split(difference, max(1, len(difference) // 10))])
        print(
            f"{name} - float32 after warm-up: largest {np.abs(difference).max():.4f} nats a step, "
            f"{np.abs(tens).max():.4f} over ten steps, mean {difference.mean():+.5f}"
        )


def _learner(precision: Precision, *, seed: int, steps: int, compiled: bool = False) -> Callable[[torch.Tensor], float]:
    """What takes one optimizer step on [rows, LENGTH + 1] tokens and returns its loss in nats a token."""
    model = Transformer(ARCHITECTURE, VOCABULARY, precision)
    model.initialise(seed)
    if compiled:
        model.compile_blocks()
    optimizers = Optimizers(model, Optimizer())

    def learn(tokens: torch.Tensor) -> float:
        loss = model.loss(tokens[:, :-1], tokens[:, 1:])
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        warm = min(1.0, (optimizers.steps + 1) / _warmup(steps))
        optimizers.step(PEAK_RATE * warm * (1 - 0.9 * optimizers.steps / steps))
        return float(loss.detach())

    return learn


def _warmup(steps: int) -> int:
    return max(1, steps // 10)


def _rows(count: int) -> np.ndarray:
    """So many rows of tokens, int64 [count, LENGTH + 1], no token in two of them."""
    files = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))
    files += sorted(Path(sysconfig.get_path("stdlib")).glob("[a-z]*/*.py"))
    random.Random(0).shuffle(files)
    texts = [file.read_text(encoding="utf-8", errors="replace") for file in files]
    tokenizer = ByteLevelBPETokenizer()
    tokenizer.train_from_iterator(texts[:200], vocab_size=VOCABULARY, show_progress=False)
    ids: list[int] = []
    for text in texts:
        ids += tokenizer.encode(text).ids
        if len(ids) >= count * (LENGTH + 1):
            return np.array(ids[: count * (LENGTH + 1)], dtype=np.int64).reshape(count, LENGTH + 1)
    raise SystemExit(f"the standard library here has {len(ids):,} tokens: ask for fewer steps or rows")


if __name__ == "__main__":
    main()
