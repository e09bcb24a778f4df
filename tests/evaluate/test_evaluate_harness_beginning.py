"""What stands before a text without a context is what the harness's own Hugging Face backend puts there."""

import json
import shutil

import pytest
from tiny_evaluate import VOCABULARY, train_tokenizer
from tiny_tasks import CrcScorer, Writer

from titrant.errors import StudyError
from titrant.evaluate.encoding import Encoder
from titrant.evaluate.harness.journal import Journal
from titrant.evaluate.harness.model import HarnessModel
from titrant.evaluate.models import load_outside

BEGIN, END = "<|begin|>", "<|endoftext|>"


def ask(*args):
    from lm_eval.api.instance import Instance

    kinds = {1: "loglikelihood_rolling", 2: "generate_until" if isinstance(args[-1], dict) else "loglikelihood"}
    return Instance(request_type=kinds[len(args)], doc={}, arguments=args, idx=0, metadata=("t", 0, 1))


@pytest.fixture(scope="module")
def begun(tmp_path_factory, texts):
    """A small model whose tokenizer names a beginning of its own, and puts none before a text."""
    import torch
    from tokenizers import Tokenizer
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast, set_seed
    from transformers.utils import logging

    folder = tmp_path_factory.mktemp("begun")
    train_tokenizer(folder / "tokenizer.json", texts, VOCABULARY)
    raw = Tokenizer.from_file(str(folder / "tokenizer.json"))
    raw.add_special_tokens([BEGIN])
    logging.disable_progress_bar()
    PreTrainedTokenizerFast(tokenizer_object=raw, bos_token=BEGIN, eos_token=END).save_pretrained(folder)
    set_seed(0)
    config = LlamaConfig(
        vocab_size=VOCABULARY + 1,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=64,
        bos_token_id=VOCABULARY,
        eos_token_id=0,
        initializer_range=0.4,
    )
    LlamaForCausalLM(config).to(torch.float32).save_pretrained(folder)
    return folder


@pytest.fixture
def named(begun, tmp_path):
    """Encoder of that tokenizer where its files name these tokens."""

    def encoder(**tokens):
        folder = tmp_path / "named"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        shutil.copy(begun / "tokenizer.json", folder)
        for name, content in tokens.items():
            (folder / f"{name}.json").write_text(json.dumps(content))
        return Encoder(folder / "tokenizer.json", 7)

    return encoder


def test_empty_contexts_follow_the_beginning_that_the_tokenizer_names(begun):
    pytest.importorskip("accelerate")
    from lm_eval.models.huggingface import HFLM

    theirs = HFLM(pretrained=str(begun), batch_size=1, device="cpu", dtype="float32")
    ours = HarnessModel(*load_outside(begun))
    assert theirs.prefix_token_id == ours.prefix_token_id == VOCABULARY
    pairs = [ask("", "import json"), ask("def main():\n", " return")]
    expected = theirs.loglikelihood(pairs, disable_tqdm=True)
    for mine, other in zip(ours.loglikelihood(pairs), expected, strict=True):
        assert mine[0] == pytest.approx(other[0], abs=1e-4)
    rolled = [ask("import json\n" * 40)]
    expected = theirs.loglikelihood_rolling(rolled, disable_tqdm=True)
    assert ours.loglikelihood_rolling(rolled) == pytest.approx(expected, abs=1e-3)


def test_the_beginning_is_the_first_that_is_named(named):
    assert named().before_nothing() == 7  # as a study's own tokenizer, which has no other file
    assert named(tokenizer_config={"bos_token": BEGIN, "eos_token": END}).before_nothing() == VOCABULARY
    assert named(tokenizer_config={"bos_token": {"content": BEGIN}}).before_nothing() == VOCABULARY
    assert named(special_tokens_map={"bos_token": BEGIN}).before_nothing() == VOCABULARY
    both = named(special_tokens_map={"bos_token": END}, tokenizer_config={"bos_token": BEGIN})
    assert both.before_nothing() == VOCABULARY
    assert named(tokenizer_config={"bos_token": None, "eos_token": END}).before_nothing() == 0
    assert named(tokenizer_config={"bos_token": "<none of its tokens>"}).before_nothing() == 7


def test_a_file_that_names_no_tokens_is_told(begun, tmp_path):
    shutil.copy(begun / "tokenizer.json", tmp_path)
    (tmp_path / "tokenizer_config.json").write_text("{")
    with pytest.raises(
        StudyError, match=r"tokenizer_config\.json' is not JSON.*; give the file that came with the model"
    ):
        Encoder(tmp_path / "tokenizer.json", 0)


def test_an_answer_to_nothing_follows_it_too(named, tmp_path):
    writer = Writer()
    encoder = named(tokenizer_config={"bos_token": BEGIN})
    HarnessModel(CrcScorer(), encoder, writer).generate_until([ask("", {"until": ["\n"]})])
    ((prompt, _),) = writer.prompts
    assert prompt.tokens == (VOCABULARY,)


def test_answers_that_follow_another_beginning_are_not_taken(named, tmp_path):
    requests = [ask("", "import json")]
    with Journal(tmp_path / "t.jsonl") as journal:
        first = HarnessModel(CrcScorer(), named(), journal=journal).loglikelihood(requests)
    encoder = named(tokenizer_config={"bos_token": BEGIN})
    with Journal(tmp_path / "t.jsonl") as journal:
        found = HarnessModel(CrcScorer(), encoder, journal=journal).loglikelihood(requests)
    assert found == HarnessModel(CrcScorer(), encoder).loglikelihood(requests) != first
