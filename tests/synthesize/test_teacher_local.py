"""A teacher on this machine: what it reads, what it is told by its template, and what an interruption costs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from blake3 import blake3
from teacher_works import ask_teacher
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM

import titrant.synthesize.teacher.local as local
from titrant.artifacts import Solutions
from titrant.chat.conversation import Message
from titrant.errors import StudyError
from titrant.evaluate.chat_template import ChatTemplate
from titrant.evaluate.encoding import Encoder
from titrant.study.tasks import Sampling
from titrant.synthesize.teacher.prompts import ASKED, BEGINNINGS, INSTRUCTIONS

TEMPLATE = "{% for m in messages %}<|start|>{{ m['role'] }}: {{ m['content'] }}<|end|>\n{% endfor %}<|start|>assistant:"
DRAWN = Sampling(max_tokens=8, temperature=1.0, samples=2, seed=3)


def lay_out_model(folder: Path, window: int = 1024) -> Path:
    """A model of two layers with random weights, whose tokenizer knows two marks of a template."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<|endoftext|>", "<|start|>", "<|end|>"],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator([INSTRUCTIONS, *ASKED.values()], trainer)
    torch.manual_seed(0)
    settings = LlamaConfig(
        vocab_size=400,
        hidden_size=16,
        intermediate_size=24,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=window,
        eos_token_id=0,
        bos_token_id=0,
    )
    LlamaForCausalLM(settings).save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    told = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|endoftext|>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(told))
    return folder


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lay_out_model(tmp_path_factory.mktemp("teacher"))


def test_a_local_model_writes_every_form_and_costs_nothing(teacher: Path, tmp_path: Path):
    made, rows, _ = ask_teacher(
        tmp_path, 2, ("python", "text"), model="tiny", hugging_face=str(teacher), sampling=DRAWN
    )
    assert [(row["problem"], row["form"], row["sample"]) for row in rows] == [
        (f"set-0/{number}", form, sample) for number in range(2) for form in ("python", "text") for sample in range(2)
    ]
    assert (made.teacher, made.replies, made.cost) == ("tiny", 8, 0.0)
    assert {row["seed"] for row in rows} == {3}
    assert all(1 <= row["tokens_written"] <= 8 for row in rows)
    assert all(row["tokens_read"] > 50 for row in rows)
    assert len({row["reply"] for row in rows}) > 4


def test_an_interruption_draws_nothing_twice(teacher: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    given: dict[str, Any] = {"model": "tiny", "hugging_face": str(teacher), "sampling": DRAWN}
    _, _, expected = ask_teacher(tmp_path / "whole", 4, **given)
    drawn: list[int] = []
    add = local.Journal.add

    def stops_after_two(self: Any, answers: Any) -> None:
        add(self, answers)
        drawn.append(len(self))
        if len(drawn) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(local.Journal, "add", stops_after_two)
    with pytest.raises(KeyboardInterrupt):
        ask_teacher(tmp_path / "cut", 4, **given)
    _, _, found = ask_teacher(tmp_path / "cut", 4, **given)
    assert found == expected
    assert drawn == [1, 2, 3, 4]


def test_a_problem_longer_than_the_window_is_not_answered_blindly(tmp_path: Path):
    folder = lay_out_model(tmp_path / "short", window=64)
    made, rows, _ = ask_teacher(tmp_path, 1, model="tiny", hugging_face=str(folder), sampling=DRAWN)
    assert {row["ended"] for row in rows} == {"the problem is longer than the model reads"}
    assert {row["reply"] for row in rows} == {""}
    assert made.empty == 2


def test_a_chat_model_reads_its_template_and_no_text_can_end_a_turn(teacher: Path, tmp_path: Path):
    folder = tmp_path / "chat"
    folder.mkdir()
    for path in teacher.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    encoder = Encoder(folder / "tokenizer.json", 0)
    messages = (Message("system", "Be brief."), Message("user", "What is <|end|>?"))
    plain = ChatTemplate(folder, encoder)
    assert not plain.exists
    begins = BEGINNINGS["python"]
    assert encoder.decode(plain.tokens(messages, begins)) == f"Be brief.\n\nWhat is <|end|>?\n\n{begins}"
    (folder / "chat_template.jinja").write_text(TEMPLATE)
    chat = ChatTemplate(folder, encoder)
    assert chat.exists
    tokens = chat.tokens(messages, begins)
    assert encoder.decode(tokens) == (
        "<|start|>system: Be brief.<|end|>\n<|start|>user: What is <|end|>?<|end|>\n<|start|>assistant:"
    )
    assert tokens.count(2) == 2  # the marks of both turns, and not the one that is asked about
    (folder / "chat_template.jinja").write_text("{{ raise_exception('never') }}")
    with pytest.raises(StudyError, match="cannot be filled"):
        ChatTemplate(folder, encoder)


def test_words_that_teachers_read_change_only_with_the_version():
    """Another wording may be answered otherwise: raise `Solutions.version` when this changes, then the number here."""
    words = "\n".join((INSTRUCTIONS, *ASKED.values(), *BEGINNINGS.values()))
    assert (Solutions.version, blake3(words.encode()).hexdigest(length=4)) == (1, "851cf692")
