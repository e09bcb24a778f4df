"""Tokens per CPU second of generation beside lm-evaluation-harness' own model class, in float32.

    python bench/generation.py                                  # a random 10M Llama; some minutes
    python bench/generation.py --model SmolLM2-135M             # a folder of a Hugging Face model

Three kinds of work, each asked of both sides in turns, one thread, batches of 64; medians over rounds:

    even      64 prompts of 64 tokens, 128 new tokens each, greedy: the peer's best case
    uneven    96 prompts of 16 to 256 tokens, up to 128 new tokens, greedy, ending at a new line twice or at "def"
    samples   8 prompts of 200 tokens, 20 samples each of 64 tokens, temperature 0.8, top-p 0.95

Tokens are those that an answer holds up to its end: what the peer draws behind it for the sake of its batch does not
count. Greedy answers are compared text by text.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from titrant.evaluate.encoding import Encoder
from titrant.evaluate.generation import Generated, Prompt, generate
from titrant.evaluate.models import load_outside
from titrant.evaluate.opening import OpenModel
from titrant.study.tasks import Sampling

ROWS = 64
STOP = ("\n\n", "def ")


def main() -> None:
    """Measure and print one line for each kind of work."""
    given = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    given.add_argument("--model", type=Path)
    given.add_argument("--rounds", type=int, default=2)
    given.add_argument("--kinds", nargs="+", default=list(WORK), choices=list(WORK))
    given.add_argument("--share", type=float, default=1.0, help="of the prompts, and of the new tokens")
    asked = given.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        where = asked.model or _random_model(Path(folder))
        encoder, ours, peer = _open(where)
        print(f"{'work':>8}{'ours tokens/s':>16}{'lm-eval tokens/s':>18}{'ratio':>8}{'tokens':>8}  same answers")
        for kind in asked.kinds:
            _measure(kind, WORK[kind](encoder, asked.share), encoder, ours, peer, asked.rounds)


def _measure(kind: str, work: Work, encoder: Encoder, ours: Any, peer: Any, rounds: int) -> None:
    mine, theirs = [], []
    for _ in range(rounds):
        seconds, answers = _timed(lambda: generate(ours, encoder, work.prompts, work.sampling, rows=ROWS))
        drawn = sum(answer.tokens for of_prompt in answers for answer in of_prompt)
        mine.append(drawn / seconds)
        seconds, texts = _timed(lambda: peer.generate_until(_requests(work), disable_tqdm=True))
        # an answer that ended at a stop sequence has a few tokens more than its text: ours are counted the same way
        theirs.append(sum(map(len, encoder.encode(texts))) / seconds)
        mine[-1] *= sum(len(encoder.encode([a.text])[0]) for of_prompt in answers for a in of_prompt) / drawn
    flat: list[Generated] = [answer for of_prompt in answers for answer in of_prompt]
    same = f"{sum(a.text == text for a, text in zip(flat, texts, strict=True))} of {len(flat)}"
    ratio = statistics.median(a / b for a, b in zip(mine, theirs, strict=True))
    print(
        f"{kind:>8}{statistics.median(mine):16,.0f}{statistics.median(theirs):18,.0f}{ratio:8.2f}{drawn:8,}  "
        + (same if work.sampling.temperature == 0 else "-"),
        flush=True,
    )


class Work(SimpleNamespace):
    """Prompts, and how answers are drawn."""

    prompts: list[Prompt]
    sampling: Sampling


def _even(encoder: Encoder, share: float) -> Work:
    prompts = _prompts(encoder, [64] * int(64 * share), ())
    return Work(prompts=prompts, sampling=Sampling(max_tokens=int(128 * share)))


def _uneven(encoder: Encoder, share: float) -> Work:
    sizes = [16 + (place * 97) % 240 for place in range(int(96 * share))]
    return Work(prompts=_prompts(encoder, sizes, STOP), sampling=Sampling(max_tokens=int(128 * share)))


def _samples(encoder: Encoder, share: float) -> Work:
    prompts = _prompts(encoder, [200] * max(1, int(8 * share)), ())
    return Work(prompts=prompts, sampling=Sampling(samples=20, temperature=0.8, top_p=0.95, max_tokens=int(64 * share)))


WORK: dict[str, Callable[[Encoder, float], Work]] = {"even": _even, "uneven": _uneven, "samples": _samples}


def _requests(work: Work) -> list[Any]:
    from lm_eval.api.instance import Instance

    asked: dict[str, Any] = {"until": list(work.prompts[0].stop), "max_gen_toks": work.sampling.max_tokens}
    if work.sampling.temperature:
        asked |= {"do_sample": True, "temperature": work.sampling.temperature, "top_p": work.sampling.top_p}
    return [
        Instance("generate_until", {}, (prompt.text, asked), place)
        for place, prompt in enumerate(work.prompts)
        for _ in range(work.sampling.samples)
    ]


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.process_time()
    found = work()
    return time.process_time() - start, found


def _prompts(encoder: Encoder, sizes: list[int], stop: tuple[str, ...]) -> list[Prompt]:
    text = "".join(file.read_text() for file in sorted(Path(os.__file__).parent.glob("*.py"))[:60])
    tokens = encoder.encode([text])[0]
    made = []
    for place, size in enumerate(sizes):
        part = encoder.decode(tokens[place * 300 : place * 300 + size])
        # what is encoded alone is what both sides read
        made.append(Prompt(str(place), part, stop, tokens=tuple(encoder.encode([part])[0])))
    return made


def _open(folder: Path) -> tuple[Encoder, Any, Any]:
    from lm_eval.models.huggingface import HFLM

    peers = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, local_files_only=True).eval()
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    peer = HFLM(pretrained=peers, tokenizer=tokenizer, batch_size=ROWS, device="cpu", max_length=2048)
    opened = OpenModel(*load_outside(folder, 2048))
    return opened.encoder, opened, peer


def _random_model(folder: Path) -> Path:
    """10M parameters in the blocks, 8k vocabulary; ends no text of itself."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=8192, special_tokens=["<|endoftext|>"], initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train([str(file) for file in sorted(Path(os.__file__).parent.glob("*.py"))], trainer)
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<|endoftext|>", pad_token="<|endoftext|>"
    ).save_pretrained(folder)
    torch.manual_seed(0)
    LlamaForCausalLM(
        LlamaConfig(
            vocab_size=8192, hidden_size=384, intermediate_size=1024, num_hidden_layers=6, num_attention_heads=6,
            max_position_embeddings=2048, eos_token_id=0, bos_token_id=0, pad_token_id=0, tie_word_embeddings=False,
            initializer_range=0.08,
        )
    ).save_pretrained(folder)  # fmt: skip
    return folder


if __name__ == "__main__":
    sys.exit(main())
