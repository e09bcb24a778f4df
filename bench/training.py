"""Tokens per second while training, ours beside the usual trainers at the same shapes.

    python bench/training.py                       # some twenty minutes
    python bench/training.py --seconds 3 --rounds 1 --sizes 1M --no-compile
    python bench/training.py --as-run              # default allocator and threads, on all cores

Each variant lives in a process of its own, as a training run does, and they take turns, so that whatever disturbs the
machine disturbs all of them. (Variants that share a process cut up each other's memory: ours then lost up to 8 % to
page faults.) A step is 8,192 tokens in two micro-batches, gradient clipping and fused AdamW; the peers run in bfloat16
autocast, each with its own loss. `litgpt` is measured if it can be imported. Above 20M parameters only the fastest
peers are measured, unless `--variants` names others.

Two tables. The first gives all one thread, and the allocator tuned as ours tunes it, which is kind to the peers (unless
`--default-allocator` is asked for); speed is tokens by CPU time. With `--as-run` each is measured as its users run it:
peers in one process with a thread a core and the allocator that they find, ours in a process a core, as jobs of a study
run, and the ratio is of wall time on the whole machine. Beside it stands the ratio by CPU time, which says more where
the machine has other work.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing, suppress
from functools import partial
from multiprocessing.connection import Connection

import torch
from torch import Tensor, nn
from torch.nn import functional

from titrant.model.device import keep_memory
from titrant.model.transformer import Transformer
from titrant.study.architecture import Architecture
from titrant.study.optimizer import Optimizer
from titrant.train.optimizer import Optimizers

SIZES = {
    "1M": (Architecture(layers=6, width=128, heads=4, ffn_width=344), 4_096),
    "3M": (Architecture(layers=4, width=256, heads=4, ffn_width=688), 4_096),
    "10M": (Architecture(layers=6, width=384, heads=6, ffn_width=1024), 16_384),
    "30M": (Architecture(layers=10, width=512, heads=8, ffn_width=1408), 16_384),
}
LENGTH, BATCH, MICRO_BATCH = 512, 16, 8
FASTEST = ("titrant, compiled", "plain GPT, compiled", "litgpt, compiled", "HF Llama, compiled")
"""What is measured where a step takes half a minute."""

Loss = Callable[[Tensor, Tensor], Tensor]
"""Mean loss of a micro-batch: tokens and targets, both [B, T]."""


class PlainGPT(nn.Module):
    """A GPT as textbooks write it: learned positions, GELU of four widths, fused kernels for attention and loss."""

    def __init__(self, architecture: Architecture, vocabulary: int) -> None:
        super().__init__()
        width, self.heads = architecture.width, architecture.heads
        self.embedding, self.positions = nn.Embedding(vocabulary, width), nn.Embedding(LENGTH, width)
        self.blocks = nn.ModuleList(
            nn.ModuleDict(
                {
                    "before": nn.LayerNorm(width, bias=False),
                    "qkv": nn.Linear(width, 3 * width, bias=False),
                    "back": nn.Linear(width, width, bias=False),
                    "between": nn.LayerNorm(width, bias=False),
                    "up": nn.Linear(width, 4 * width, bias=False),
                    "down": nn.Linear(4 * width, width, bias=False),
                }
            )
            for _ in range(architecture.layers)
        )
        self.norm = nn.LayerNorm(width, bias=False)

    def forward(self, tokens_BT: Tensor, targets_BT: Tensor) -> Tensor:
        """Mean cross entropy."""
        x = self.embedding(tokens_BT) + self.positions(torch.arange(tokens_BT.shape[1]))
        for block in self.blocks:
            qkv = block["qkv"](block["before"](x)).unflatten(-1, (3, self.heads, -1)).transpose(1, 3)
            attended = functional.scaled_dot_product_attention(*qkv.unbind(2), is_causal=True)
            x = x + block["back"](attended.transpose(1, 2).flatten(2))
            x = x + block["down"](functional.gelu(block["up"](block["between"](x))))
        logits = functional.linear(self.norm(x), self.embedding.weight)
        return functional.cross_entropy(logits.flatten(0, 1), targets_BT.flatten())


def main() -> None:
    """Measure and print one table a size."""
    given = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    given.add_argument("--sizes", nargs="+", choices=SIZES, default=list(SIZES))
    given.add_argument("--seconds", type=float, default=6, help="CPU seconds of one measurement")
    given.add_argument("--rounds", type=int, default=3)
    given.add_argument("--no-compile", action="store_true", help="leave out the compiled variants")
    given.add_argument("--as-run", action="store_true", help="default allocator and threads; ours in a process a core")
    given.add_argument("--default-allocator", action="store_true", help="leave the peers the allocator that they find")
    given.add_argument("--variants", nargs="+", help="names as printed, such as 'litgpt, compiled'; only these")
    asked = given.parse_args()
    torch.set_num_threads(1)
    for size in asked.sizes:
        large = sum(SIZES[size][0].count_parameters(SIZES[size][1])) > 2e7
        every = [name for name in VARIANTS if not (asked.no_compile and name.endswith(", compiled"))]
        with ExitStack() as stack:
            names = asked.variants or (FASTEST if large else every)
            takers = [Taker(size, name, as_run=asked.as_run, default=asked.default_allocator) for name in names]
            takers = [stack.enter_context(closing(taker)) for taker in takers if taker.ready()]
            compare(size, takers, asked.seconds, asked.rounds)


class Taker:
    """A variant in a process of its own (or in one a core, if it is ours and run as users do), which works only when it
    is asked to."""

    def __init__(self, size: str, name: str, *, as_run: bool, default: bool) -> None:
        self.name = name
        ours, cores = name.startswith("titrant"), len(os.sched_getaffinity(0))
        threads, tuned = (cores if as_run and not ours else 1), (ours or not (as_run or default))
        context = multiprocessing.get_context("spawn")
        self._pipes, self._processes = [], []
        for _ in range(cores if as_run and ours else 1):
            mine, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(size, name, threads, tuned, theirs), daemon=True)
            process.start()
            self._pipes.append(mine)
            self._processes.append(process)

    def ready(self) -> bool:
        """Wait until it is warm; False, with a printed line, if it cannot run here."""
        faults = [pipe.recv() for pipe in self._pipes]
        if faults[0] is not None:
            print(f"{self.name}: left out ({faults[0]})")
        return faults[0] is None

    def speed(self, seconds: float) -> tuple[float, float]:
        """Tokens a second by CPU time and by wall, the processes' together."""
        for pipe in self._pipes:
            pipe.send(seconds)
        found = [pipe.recv() for pipe in self._pipes]
        return statistics.mean(cpu for cpu, _ in found), sum(wall for _, wall in found)

    def close(self) -> None:
        """End the processes."""
        for pipe, process in zip(self._pipes, self._processes, strict=True):
            pipe.close()
            process.join()


def _serve(size: str, name: str, threads: int, tuned: bool, pipe: Connection) -> None:
    """Warm the variant up by two steps, say what kept it from running, then measure whenever a time is sent."""
    torch.set_num_threads(threads)
    if tuned:
        keep_memory()
    tokens = torch.randint(4_096, (BATCH, LENGTH + 1), generator=torch.Generator().manual_seed(0))
    try:
        step = VARIANTS[name](*SIZES[size])
        for _ in range(2):
            step(tokens)
    except Exception as error:  # a peer that fails on this machine is no reason to measure nothing
        pipe.send(f"{type(error).__name__}: {str(error).splitlines()[0][:90]}")
        return
    pipe.send(None)
    with suppress(EOFError):
        while True:
            pipe.send(_speed(lambda: step(tokens), pipe.recv()))


def compare(size: str, takers: Sequence[Taker], seconds: float, rounds: int) -> None:
    """Let the variants take turns and print their medians."""
    speeds: dict[str, list[tuple[float, float]]] = {taker.name: [] for taker in takers}
    peaks = []
    for _ in range(rounds):
        peaks.append(_bfloat16_peak())
        for taker in takers:
            speeds[taker.name].append(taker.speed(seconds))
    peak, flops = statistics.median(peaks), SIZES[size][0].flops_per_token(SIZES[size][1], LENGTH)
    cpu, wall = ({name: statistics.median(pair[i] for pair in found) for name, found in speeds.items()} for i in (0, 1))
    print(f"\n{size}: {flops / 1e6:.1f} MFLOP/token (ours); bfloat16 matmul {peak / 1e9:.0f} GFLOP/s a core")
    print(f"{'':22}{'tokens/CPU s':>14}{'spread':>9}{'wall':>9}{'GFLOP/CPU s':>13}{'of peak':>9}")
    for name, found in speeds.items():
        spread = (max(s for s, _ in found) - min(s for s, _ in found)) / cpu[name]
        share = f"{cpu[name] * flops / 1e9:13.0f}{cpu[name] * flops / peak:9.0%}" if name.startswith("titrant") else ""
        print(f"{name:22}{cpu[name]:14,.0f}{spread:9.0%}{wall[name]:9,.0f}{share}")
    for name in cpu:
        if name.startswith("titrant"):
            by_cpu, by_wall = (_beside_fastest_peer(name, speed) for speed in (cpu, wall))
            print(f"{name}: by CPU time {by_cpu}; by wall time {by_wall}", flush=True)


def _beside_fastest_peer(name: str, speed: dict[str, float]) -> str:
    peers = {peer: found for peer, found in speed.items() if not peer.startswith("titrant")}
    if not peers:
        return f"{speed[name]:,.0f} tokens/s"
    fastest = max(peers, key=lambda peer: peers[peer])
    return f"{speed[name] / peers[fastest]:.2f} x {fastest}"


def _speed(take: Callable[[], None], seconds: float) -> tuple[float, float]:
    """Tokens a second by CPU time and by wall."""
    wall, cpu, steps = time.perf_counter(), time.process_time(), 0
    while time.process_time() - cpu < seconds:
        take()
        steps += 1
    tokens = steps * BATCH * LENGTH
    return tokens / (time.process_time() - cpu), tokens / (time.perf_counter() - wall)


def _bfloat16_peak(size: int = 1024, times: int = 20) -> float:
    """FLOP/s of a square matrix product."""
    a = torch.randn(size, size).bfloat16()
    a @ a
    start = time.process_time()
    for _ in range(times):
        a @ a
    return 2 * size**3 * times / (time.process_time() - start)


def _our_step(architecture: Architecture, vocabulary: int, *, compiled: bool) -> Callable[[Tensor], None]:
    model = Transformer(architecture, vocabulary, "bfloat16")
    model.initialise(seed=1)
    if compiled:
        model.compile_blocks()
    optimizers = Optimizers(model, Optimizer())

    def step(tokens: Tensor) -> None:
        with model.holding_copies():
            for part in tokens.split(MICRO_BATCH):
                model.loss(part[:, :-1], part[:, 1:], rows=BATCH * LENGTH).backward()
        float(torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0))
        optimizers.step(1e-3)

    return step


def _autocast_step(
    make: Callable[[Architecture, int], tuple[nn.Module, Loss]],
    architecture: Architecture,
    vocabulary: int,
    *,
    compiled: bool,
) -> Callable[[Tensor], None]:
    model, loss = make(architecture, vocabulary)
    loss = torch.compile(loss) if compiled else loss
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)

    def step(tokens: Tensor) -> None:
        for part in tokens.split(MICRO_BATCH):
            with torch.autocast("cpu", torch.bfloat16):
                mean = loss(part[:, :-1].contiguous(), part[:, 1:].contiguous())
            (mean * (MICRO_BATCH / BATCH)).backward()
        float(torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0))
        optimizer.step()
        optimizer.zero_grad()

    return step


def _plain(architecture: Architecture, vocabulary: int) -> tuple[nn.Module, Loss]:
    model = PlainGPT(architecture, vocabulary)
    return model, model


def _llama(architecture: Architecture, vocabulary: int) -> tuple[nn.Module, Loss]:
    from transformers import LlamaConfig, LlamaForCausalLM

    return _hugging_face(LlamaForCausalLM, LlamaConfig, architecture, vocabulary)


def _cohere(architecture: Architecture, vocabulary: int) -> tuple[nn.Module, Loss]:
    from transformers import CohereConfig, CohereForCausalLM

    return _hugging_face(CohereForCausalLM, CohereConfig, architecture, vocabulary)


def _hugging_face(
    model_class: type, config_class: type, architecture: Architecture, vocabulary: int
) -> tuple[nn.Module, Loss]:
    config = config_class(
        vocab_size=vocabulary,
        hidden_size=architecture.width,
        intermediate_size=architecture.ffn_width,
        num_hidden_layers=architecture.layers,
        num_attention_heads=architecture.heads,
        max_position_embeddings=LENGTH,
        tie_word_embeddings=True,
        bos_token_id=0,
        eos_token_id=0,
        pad_token_id=None,
        use_cache=False,
    )
    model = model_class._from_config(config, attn_implementation="sdpa")

    def loss(tokens_BT: Tensor, targets_BT: Tensor) -> Tensor:
        logits = model(input_ids=tokens_BT).logits
        return functional.cross_entropy(logits.flatten(0, 1), targets_BT.flatten())

    return model, loss


def _litgpt(architecture: Architecture, vocabulary: int) -> tuple[nn.Module, Loss]:
    from litgpt import GPT, Config

    config = Config(
        block_size=LENGTH,
        padded_vocab_size=vocabulary,
        n_layer=architecture.layers,
        n_head=architecture.heads,
        n_embd=architecture.width,
        intermediate_size=architecture.ffn_width,
        rotary_percentage=1.0,
        parallel_residual=False,
        bias=False,
        norm_class_name="RMSNorm",
        mlp_class_name="LLaMAMLP",
    )
    model = GPT(config)
    model.lm_head.weight = model.transformer.wte.weight

    def loss(tokens_BT: Tensor, targets_BT: Tensor) -> Tensor:
        return functional.cross_entropy(model(tokens_BT).flatten(0, 1), targets_BT.flatten())

    return model, loss


_MAKERS: dict[str, Callable[..., Callable[[Tensor], None]]] = {
    "titrant": _our_step,
    "plain GPT": partial(_autocast_step, _plain),
    "HF Llama": partial(_autocast_step, _llama),
    "HF Cohere": partial(_autocast_step, _cohere),
    "litgpt": partial(_autocast_step, _litgpt),
}
VARIANTS = {
    **{name: partial(make, compiled=False) for name, make in _MAKERS.items()},
    **{f"{name}, compiled": partial(make, compiled=True) for name, make in _MAKERS.items()},
}
"""By name, what makes the function that takes one optimizer step."""

if __name__ == "__main__":
    main()
