"""Small documents in the columns of the hub, and a scorer without a model, for the tests of harness tasks."""

import json
from zlib import crc32

import numpy as np
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from titrant.evaluate.encoding import Encoder
from titrant.evaluate.generation.prompts import Generated
from titrant.evaluate.harness.sources import find_documents
from titrant.evaluate.harness.tasks import build_task, plan_task
from titrant.study.tasks import Task, TaskData

PIQA = [
    {"goal": f"open jar {n}", "sol1": f"twist lid {n}", "sol2": f"eat the jar {n} {'now' * (n % 3)}", "label": n % 2}
    for n in range(12)
]
BOOLQ = [{"passage": f"A fox is red {n}.", "question": f"is fox {n} red", "label": n % 3 % 2} for n in range(9)]
ARC = [
    {
        "id": f"q{n}",
        "question": f"What is {n}?",
        "choices": {"text": [f"a {n}", f"b {n}", f"c {n}"], "label": ["A", "B", "C"]},
        "answerKey": "ABC"[n % 3],
    }
    for n in range(6)
]
COPA = [
    {"premise": "The man slept.", "choice1": "He rested.", "choice2": "He ran.", "question": "effect", "label": n % 2}
    for n in range(4)
]
WINOGRANDE = [
    {
        "sentence": f"Ann thanked Bea {n} because _ was kind.",
        "option1": "Ann",
        "option2": "Bea",
        "answer": str(n % 2 + 1),
    }
    for n in range(4)
]
LAMBADA = [{"text": f"They spoke of the sea {n} and then of the ships"} for n in range(3)]
NQ = [{"question": f"who was king {n}", "answer": [f"Arthur {n}", "Art"]} for n in range(5)]


class CrcScorer:
    """Nats that are a fixed jumble of a token and all before it. Counts what it is asked."""

    def __init__(self, window=64):
        self.window, self.asked = window, []

    def token_scores(self, sequences, starts=None):
        self.asked.append(len(sequences))
        return [self._scores(list(s), start) for s, start in zip(sequences, starts, strict=True)]

    def _scores(self, sequence, start):
        assert 1 <= start < len(sequence) <= self.window + 1
        marks = [crc32(repr(sequence[: place + 1]).encode()) for place in range(start, len(sequence))]
        return Scored(np.array([mark % 997 / 100 for mark in marks], np.float32), np.array([m % 3 > 0 for m in marks]))


class Scored:
    def __init__(self, nats, best):
        self.nats, self.best = nats, best


@pytest.fixture(scope="session")
def letters_encoder(tmp_path_factory):
    """A tokenizer of single bytes: boundaries never merge."""
    vocabulary = {character: n for n, character in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()), start=1)}
    tokenizer = Tokenizer(models.BPE(vocabulary | {"<end>": 0}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    path = tmp_path_factory.mktemp("bytes") / "tokenizer.json"
    tokenizer.save(str(path))
    return Encoder(path, 0)


def jsonl(path, rows):
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def no_progress(done, total, unit, note=""):
    pass


def built(tmp_path, name, rows, train=None, **fields):
    """A task on rows in a file, as the benchmarks stage and the evaluate stage would build it."""
    files = {"validation": jsonl(tmp_path / f"{name}.jsonl", rows)}
    if train is not None:
        files["train"] = jsonl(tmp_path / f"{name}-train.jsonl", train)
    plan = plan_task(Task(name=name, data=TaskData(files=files), **fields))
    documents = find_documents(name, plan.task.data, plan.hub, plan.wanted, no_progress)
    return build_task(plan, documents.splits, documents.scored)


def prompts_of(task):
    task.build_requests()
    return [instance.args for instance in task.harness.instances]


class Writer:
    """Answers every prompt with its own number, or what it was told to."""

    def __init__(self, texts=()):
        self.texts, self.prompts = dict(texts), []

    def __call__(self, prompts, sampling, on_done):
        found = []
        for index, prompt in enumerate(prompts):
            self.prompts.append((prompt, sampling))
            answer = [Generated(self.texts.get(prompt.id, prompt.id), 3, "stop")]
            on_done(index, answer)
            found.append(answer)
        return found
