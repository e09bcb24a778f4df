"""Tiny real things that the tests of evaluation share: a tokenizer, a model, scorers with known answers, artifacts."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from blake3 import blake3
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from titrant.artifacts import FORMAT, Checkpoint, Record, TokenizerFile, TokenShards
from titrant.evaluate.encoding import Encoder
from titrant.model.transformer import Transformer
from titrant.study.architecture import Architecture

ARCHITECTURE = Architecture(layers=2, width=16, heads=2, ffn_width=24)
VOCABULARY = 400
WINDOW = 256


@dataclass(frozen=True)
class UniformScorer:
    """Every token is as likely as any other one."""

    window: int = WINDOW
    nats: float = float(np.log(VOCABULARY))

    def token_nats(self, sequences, starts=None):
        starts = [1] * len(sequences) if starts is None else starts
        return [
            np.full(len(sequence) - start, self.nats, np.float32)
            for sequence, start in zip(sequences, starts, strict=True)
        ]


@dataclass(frozen=True)
class KnowingScorer:
    """Knows some sequences by heart: their tokens cost nothing, those of others one nat each."""

    known: frozenset
    window: int = WINDOW

    def token_nats(self, sequences, starts=None):
        return [
            np.full(len(sequence) - start, float(tuple(sequence) not in self.known), np.float32)
            for sequence, start in zip(sequences, starts, strict=True)
        ]


def record(folder, kind, summary, declaration=None):
    """Finish a folder as the store would, as far as reading it goes."""
    content = Record(
        format=FORMAT,
        kind=kind,
        version=1,
        fingerprint="0" * 64,
        declaration=declaration or {},
        inputs={},
        files={},
        summary=summary.model_dump(mode="json"),
    )
    (folder / "record.json").write_text(content.model_dump_json())


def train_tokenizer(path, texts, vocabulary):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=["<|endoftext|>"],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.save(str(path))
    return tokenizer.get_vocab_size()


@pytest.fixture(scope="session")
def texts():
    """Short documents of prose and code, among them one of several windows."""
    folder = Path(json.__file__).parent
    files = sorted(folder.glob("*.py"))
    return [file.read_text()[at : at + size] for file in files for at, size in ((0, 150), (400, 700), (1000, 2500))]


@pytest.fixture(scope="session")
def tokenizer_folder(tmp_path_factory, texts):
    folder = tmp_path_factory.mktemp("tokenizer")
    size = train_tokenizer(folder / "tokenizer.json", texts, VOCABULARY)
    assert size == VOCABULARY
    summary = TokenizerFile(vocabulary=size, end_of_text_id=0, content="0" * 64, bytes_per_token={})
    record(folder, "tokenizer", summary)
    return folder


@pytest.fixture(scope="session")
def encoder(tokenizer_folder):
    return Encoder.of_artifact(tokenizer_folder)


@pytest.fixture(scope="session")
def model():
    """An untrained model with weights large enough to have opinions."""
    model = Transformer(ARCHITECTURE, VOCABULARY)
    model.initialise(seed=3)
    for parameter in model.parameters():
        if parameter.ndim == 2:
            parameter.data.mul_(8)
    return model.eval()


def hash_of(text):
    return blake3(text.encode()).hexdigest()[:32]


NONE = {name: pa.array([], pa.string()) for name in ("content_hash", "whole_hash", "text", "text_hash")}
"""A source of which nothing is held out."""


@pytest.fixture
def held_out_folder(tmp_path):
    """Makes the part of a TokenShards artifact that evaluation reads."""

    def make(source, texts, cut_from=lambda text: text):
        folder = tmp_path / f"tokens {source}"
        folder.mkdir()
        rows = sorted((hash_of(text), hash_of(cut_from(text)), text, hash_of(text)) for text in texts)
        table = pa.table(dict(zip(NONE, zip(*rows, strict=True), strict=True)) if rows else NONE)
        pq.write_table(table, folder / "held_out.parquet")
        size = {"documents": len(texts), "bytes": sum(len(text.encode()) for text in texts)}
        summary = TokenShards(tokenizer="0" * 64, vocabulary=VOCABULARY, encoder="-", shards={}, held_out=size)
        record(folder, "tokens", summary)
        return folder

    return make


@pytest.fixture
def train_folder(tmp_path, model):
    """A finished train job with two milestones, whose weights are the final ones scaled."""
    folder = tmp_path / "train"
    (folder / "milestones").mkdir(parents=True)
    weights = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
    save_file(weights, folder / "model.safetensors")
    for step, scale in ((2, 0.0), (10, 0.5)):
        scaled = {name: tensor * (scale if tensor.ndim == 2 else 1) for name, tensor in weights.items()}
        save_file(scaled, folder / "milestones" / f"{step}.safetensors")
    summary = Checkpoint(
        steps=12, tokens=1, total_tokens=1, final_loss=1.0, parameters=1, non_embedding_parameters=1,
        ledger=(), cursors={}, drawn={}, milestones=(2, 10),
    )  # fmt: skip
    declaration = {"architecture": ARCHITECTURE.model_dump(mode="json"), "sequence_length": WINDOW}
    record(folder, "train", summary, declaration)
    return folder


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)
