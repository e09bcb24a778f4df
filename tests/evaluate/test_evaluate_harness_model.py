"""Titrant behind the harness's interface: the same log-likelihoods as its own Hugging Face model, resumable, refusing."""

import json
import random
import shutil

import pytest
from tiny_evaluate import VOCABULARY, train_tokenizer
from tiny_tasks import CrcScorer, Writer

from titrant.errors import StudyError
from titrant.evaluate.encoding import Encoder
from titrant.evaluate.harness import model as harness_model
from titrant.evaluate.harness.journal import Journal
from titrant.evaluate.harness.model import HarnessModel
from titrant.study.tasks import Sampling

PAIRS = [
    ("def main():\n", "    return json"),
    ("def main(): ", "return json"),  # the blank belongs to what follows
    ("def main():  \n ", " return"),
    ("", "import json"),
    ("   ", "import json"),
    ("x = json.loads(", "text)"),
    ("x = json.loads(", "other)"),
    ("x = json.loads(", "o"),
    ("\u05e9\u05dc\u05d5\u05dd \x00 \u2028", " \U0001f98a"),
    ("import json\n" * 200, "print(json)"),
    ("word " * 20_000, "end"),
]


def ask(args, number=0, task="t"):
    from lm_eval.api.instance import Instance

    kind = "generate_until" if isinstance(args[-1], dict) else "loglikelihood"
    return Instance(request_type=kind, doc={}, arguments=args, idx=0, metadata=(task, number, 1))


@pytest.fixture(scope="module")
def llama(tmp_path_factory, texts):
    """A small model with opinions, as a Hugging Face folder."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast, set_seed
    from transformers.utils import logging

    folder = tmp_path_factory.mktemp("llama")
    train_tokenizer(folder / "tokenizer.json", texts, VOCABULARY)
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"), eos_token="<|endoftext|>")
    logging.disable_progress_bar()
    tokenizer.save_pretrained(folder)
    set_seed(0)
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=128,
        bos_token_id=None,
        eos_token_id=0,
        initializer_range=0.4,
    )
    LlamaForCausalLM(config).to(torch.float32).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def opened(llama):
    """The scorer and the encoder of that model."""
    from titrant.evaluate.models import load_outside

    return load_outside(llama)


@pytest.fixture(scope="module")
def hflm(llama):
    pytest.importorskip("accelerate")
    from lm_eval.models.huggingface import HFLM

    return HFLM(pretrained=str(llama), batch_size=1, device="cpu", dtype="float32")


def test_log_likelihoods_are_those_of_the_harnesss_own_backend(opened, hflm):
    """max difference 1e-4, on blanks, empty contexts, null bytes, right-to-left text and contexts of 20,000 tokens."""
    pairs = [pair for pair in PAIRS if pair[0] != "   "]  # the harness's own refuses a context of blanks alone
    requests = [ask(pair, number) for number, pair in enumerate(pairs)]
    ours = HarnessModel(*opened)
    found, expected = ours.loglikelihood(requests), hflm.loglikelihood(requests, disable_tqdm=True)
    for mine, theirs in zip(found, expected, strict=True):
        assert mine[0] == pytest.approx(theirs[0], abs=1e-4)
        assert mine[1] == theirs[1]
    assert ours.shortened == {("t", len(pairs) - 2), ("t", len(pairs) - 1)}


def drawn_from(folder, contexts):
    """What Titrant and the harness's own backend go on with, greedily."""
    from lm_eval.models.huggingface import HFLM

    from titrant.evaluate.opening import open_given

    settings = {"until": ["\n\n"], "do_sample": False, "temperature": 0.0, "max_gen_toks": 24}
    requests = [ask((context, settings), number) for number, context in enumerate(contexts)]
    ours = open_given({"model": folder})
    theirs = HFLM(pretrained=str(folder), batch_size=1, device="cpu", dtype="float32")
    found = HarnessModel(ours.scorer, ours.encoder, ours.write).generate_until(requests)
    return ours.encoder, found, theirs.generate_until(requests, disable_tqdm=True)


@pytest.mark.parametrize("named_in", ["config.json", "generation_config.json"])
def test_answers_end_at_every_end_that_the_models_files_name_as_with_the_harnesss_own_backend(
    llama, tmp_path, named_in
):
    pytest.importorskip("accelerate")
    contexts = ["def main():\n", "import json", "x = json.loads("]
    encoder, long, _ = drawn_from(llama, contexts)
    ends = {token for text in long for token in encoder.encode([text])[0][4:8]}  # from the midst of its answers
    folder = tmp_path / "model"
    shutil.copytree(llama, folder)
    (folder / "generation_config.json").unlink()
    content = json.loads((llama / named_in).read_text()) | {"eos_token_id": [0, *sorted(ends)]}
    (folder / named_in).write_text(json.dumps(content))
    _, found, expected = drawn_from(folder, contexts)
    for mine, theirs in zip(found, expected, strict=True):  # which shows an ending that is no special token
        assert theirs in {mine + encoder.decode([end]) for end in ends}
    assert any(found)
    assert all(text.startswith(short) and len(short) < len(text) for short, text in zip(found, long, strict=True))


def test_whole_texts_are_cut_into_the_harnesss_windows(opened, hflm):
    text = "".join(f"def f{n}(x):\n    return json.dumps(x, {n})\n" for n in range(30))
    requests = [ask((text,)), ask(("import json",))]
    found = HarnessModel(*opened).loglikelihood_rolling(requests)
    assert found == pytest.approx(hflm.loglikelihood_rolling(requests, disable_tqdm=True), abs=1e-3)


@pytest.mark.parametrize("at_once", [1, 7, 64])
def test_neither_the_size_of_groups_nor_the_order_changes_an_item(opened, monkeypatch, at_once):
    whole = dict(zip(PAIRS, HarnessModel(*opened).loglikelihood([ask(pair) for pair in PAIRS]), strict=True))
    monkeypatch.setattr(harness_model, "REQUESTS_AT_ONCE", at_once)
    shuffled = random.Random(at_once).sample(PAIRS, len(PAIRS))
    assert HarnessModel(*opened).loglikelihood([ask(pair) for pair in shuffled]) == [whole[pair] for pair in shuffled]


def test_a_tokenizer_that_begins_texts_itself_is_asked_as_the_harness_asks_it(llama, opened, tmp_path):
    """Nothing is added but what the tokenizer adds: `<s>` of some, before a context and where there is none."""
    from tokenizers import Tokenizer, processors

    tokenizer = Tokenizer.from_file(str(llama / "tokenizer.json"))
    tokenizer.post_processor = processors.TemplateProcessing(single="b $A", special_tokens=[("b", 7)])
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    scorer = _Listening()
    model = HarnessModel(scorer, Encoder(tmp_path / "tokenizer.json", 0))
    model.loglikelihood([ask(("import", " json")), ask(("", "import"))])
    (with_context, without), plain = scorer.sequences, opened[1]
    assert with_context == [7, *plain.encode(["import json"])[0]]
    assert without == [7, *plain.encode(["import"])[0]]


class _Listening(CrcScorer):
    def token_scores(self, sequences, starts=None):
        self.sequences = [list(sequence) for sequence in sequences]
        return super().token_scores(sequences, starts)


def test_an_interrupted_run_goes_on_where_it_was(letters_encoder, tmp_path, monkeypatch):
    monkeypatch.setattr(harness_model, "REQUESTS_AT_ONCE", 3)
    requests = [ask(("a context", f" answer {n}"), n) for n in range(8)]
    expected = HarnessModel(CrcScorer(), letters_encoder).loglikelihood(requests)

    class Dies(CrcScorer):
        def token_scores(self, sequences, starts=None):
            if len(self.asked) == 3:
                raise KeyboardInterrupt
            return super().token_scores(sequences, starts)

    path = tmp_path / "journal" / "t.jsonl"
    with Journal(path) as journal, pytest.raises(KeyboardInterrupt):
        HarnessModel(Dies(), letters_encoder, journal=journal).loglikelihood(requests)
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"key": "torn", "ans')
    told = []
    with Journal(path) as journal:
        assert len(journal) == 6
        scorer = CrcScorer()
        found = HarnessModel(scorer, letters_encoder, journal=journal, on_answers=told.append).loglikelihood(requests)
    assert (found, scorer.asked, sum(told)) == (expected, [1, 2], 8)
    assert path.read_bytes().startswith(whole)
    assert b"torn" not in path.read_bytes()


def test_a_context_that_lost_its_beginning_is_still_known_after_an_interruption(letters_encoder, tmp_path):
    requests = [ask(("a" * 90, " b"), 4), ask(("a", " b"), 5)]
    for _ in range(2):
        with Journal(tmp_path / "t.jsonl") as journal:
            model = HarnessModel(CrcScorer(window=64), letters_encoder, journal=journal)
            model.loglikelihood(requests)
            assert model.shortened == {("t", 4)}


def test_answers_of_another_model_are_never_taken_for_its_own(letters_encoder, tmp_path):
    requests = [ask(("a context", " b"), n) for n in range(2)]
    with Journal(tmp_path / "t.jsonl") as journal:
        mine = HarnessModel(CrcScorer(), letters_encoder, journal=journal).loglikelihood(requests)

    class Other(CrcScorer):
        def _scores(self, sequence, start):
            return super()._scores([7, *sequence], start + 1)

    with Journal(tmp_path / "t.jsonl") as journal:
        other = HarnessModel(Other(), letters_encoder, journal=journal).loglikelihood(requests)
    assert other == HarnessModel(Other(), letters_encoder).loglikelihood(requests) != mine


@pytest.mark.parametrize(
    ("pair", "said"),
    [
        (("a context", ""), "document 3 of task 't': '' adds no token to its context"),
        (("a context", " b" * 40), "document 3 of task 't': an answer of 80 tokens does not fit the window of 64"),
    ],
)
def test_an_answer_that_cannot_be_scored_is_refused_by_name(letters_encoder, pair, said):
    with pytest.raises(StudyError, match=said):
        HarnessModel(CrcScorer(), letters_encoder).loglikelihood([ask(pair, 3)])


def test_texts_are_drawn_as_the_task_says_and_kept(letters_encoder, tmp_path):
    greedy = {"until": ["\n", ""], "do_sample": False, "temperature": 0.0}
    sampled = {"until": "\n", "do_sample": True, "temperature": 0.7, "top_p": 0.9, "max_gen_toks": 9}
    requests = [ask(("one", greedy), 0), ask(("two", sampled), 1), ask(("one", greedy), 2)]
    with Journal(tmp_path / "t.jsonl") as journal:
        writer = Writer()
        found = HarnessModel(CrcScorer(), letters_encoder, writer, journal).generate_until(requests)
    assert found == ["t/0/0", "t/1/0", "t/0/0"]  # the same prompt drawn greedily is one answer
    (one, plain), (two, free) = writer.prompts
    assert (one.text, one.stop, plain) == ("one", ("\n",), Sampling(max_tokens=256))
    assert one.tokens == tuple(letters_encoder.encode(["one"])[0])
    assert (two.text, free) == ("two", Sampling(temperature=0.7, top_p=0.9, max_tokens=9))
    with Journal(tmp_path / "t.jsonl") as journal:
        again = Writer()
        assert HarnessModel(CrcScorer(), letters_encoder, again, journal).generate_until(requests) == found
        assert again.prompts == []


def test_a_way_of_drawing_that_is_not_offered_is_refused(letters_encoder):
    request = ask(("one", {"until": ["\n"], "do_sample": True, "top_k": 5}))
    with pytest.raises(StudyError, match="generation with top_k, which Titrant does not draw by"):
        HarnessModel(CrcScorer(), letters_encoder, Writer()).generate_until([request])
    with pytest.raises(StudyError, match="loaded for scoring only"):
        HarnessModel(CrcScorer(), letters_encoder).generate_until([ask(("one", {"until": ["\n"]}))])
