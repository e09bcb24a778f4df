"""The stage: what is asked is what is written, milestones and the end agree, and outside models take the same path."""

import json
import math

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from blake3 import blake3
from tiny_evaluate import VOCABULARY

from titrant.artifacts import Scores
from titrant.errors import EngineError, StoreError, StudyError
from titrant.evaluate import evaluate_checkpoint, score_outside
from titrant.evaluate.models import load_outside
from titrant.jobs import EvaluateJob
from titrant.study.evaluation import MultipleChoice, Probe
from titrant.study.source import PlantedFacts


def job(**more):
    asked = {
        "bits_per_byte_sources": ("code", "prose"),
        "bytes_per_source": 3000,
        "check_bytes_per_source": 800,
        "probes": (),
        "multiple_choice": (),
        "planted": {},
    }
    return EvaluateJob.model_validate(asked | more)


@pytest.fixture
def inputs(train_folder, tokenizer_folder, held_out_folder, texts):
    return {
        "train": train_folder,
        "tokenizer": tokenizer_folder,
        "tokens/code": held_out_folder("code", texts),
        "tokens/prose": held_out_folder("prose", [text[::-1] for text in texts[:2]]),
        "trained/other": held_out_folder("other", []),
    }


def evaluate(asked, inputs, out, told=None):
    out.mkdir()
    told = [] if told is None else told
    return evaluate_checkpoint(
        asked, inputs, out, scratch=out, progress=lambda done, total, unit, note="": told.append((done, total, unit))
    )


FULL = job(
    probes=(
        Probe(name="arithmetic", items_per_rung=12, shots=1),
        Probe(name="planted-facts"),
    ),
    planted={"code": PlantedFacts(facts_per_rung=8, copies=(2, 4))},
)


def test_everything_asked_is_scored_and_the_tables_give_the_summary(inputs, tmp_path):
    file = tmp_path / "choice.jsonl"
    rows = [{"context": f"{i} is", "choices": [" odd", " even", " x"], "answer": i % 2} for i in range(9)]
    file.write_text("\n".join(map(json.dumps, rows)))
    asked = FULL.model_copy(update={"multiple_choice": (MultipleChoice(name="parity", file=str(file)),)})
    told = []
    scores = evaluate(asked, inputs, tmp_path / "out", told)
    outcomes = ["bits_per_byte/code", "bits_per_byte/prose", "probe/arithmetic", "probe/planted-facts", "choice/parity"]
    assert list(scores.scores) == list(scores.items) == outcomes
    table = pq.read_table(tmp_path / "out" / "items.parquet").to_pylist()
    for outcome in outcomes:
        mine = [row for row in table if row["outcome"] == outcome]
        score = math.fsum(row["value"] for row in mine) / math.fsum(row["weight"] for row in mine)
        score /= math.log(2) if outcome.startswith("bits") else 1
        assert scores.scores[outcome] == pytest.approx(score, rel=1e-12)
        assert scores.items[outcome] == len(mine) == len({row["item"] for row in mine})
    assert (scores.items["probe/arithmetic"], scores.items["probe/planted-facts"]) == (36, 16)
    assert scores.chance["choice/parity"] == pytest.approx(1 / 3)
    assert scores.majority["choice/parity"] == pytest.approx(5 / 9)
    assert scores.scored_by == "likelihood/float32"
    assert {row["rung"] for row in table if row["outcome"] == "probe/planted-facts"} == {2, 4}
    labelled = [row for row in table if row["predicted"] >= 0]
    assert all(row["value"] == (row["predicted"] == row["answer"]) for row in labelled)
    assert [row["answer"] for row in labelled if row["outcome"] == "choice/parity"] == [i % 2 for i in range(9)]
    assert "probe/planted-facts" not in {row["outcome"] for row in labelled}
    assert all(row["answer"] == -1 for row in table if row["predicted"] < 0)
    done, totals, units = zip(*told, strict=True)
    assert list(done) == sorted(done)
    assert done[0] == 0
    assert done[-1] == totals[0]
    assert set(units) == {"items"}


def test_the_pieces_of_one_document_are_one_item_of_the_table(inputs, held_out_folder, texts, tmp_path):
    separate = evaluate(job(bytes_per_source=10**6), inputs, tmp_path / "separate")
    halves = {text: texts[place // 2 * 2] for place, text in enumerate(texts)}
    joined = inputs | {"tokens/code": held_out_folder("cut", texts, cut_from=halves.__getitem__)}
    scores = evaluate(job(bytes_per_source=10**6), joined, tmp_path / "joined")
    code = "bits_per_byte/code"
    assert separate.items[code] == len(texts)
    assert scores.items[code] == math.ceil(len(texts) / 2)
    assert scores.scores[code] == pytest.approx(separate.scores[code], rel=1e-12)
    rows = [r for r in pq.read_table(tmp_path / "joined" / "items.parquet").to_pylist() if r["outcome"] == code]
    weights = {r["item"]: r["weight"] for r in rows}
    for first, second in zip(texts[::2], texts[1::2], strict=False):
        assert weights[blake3(first.encode()).hexdigest()[:32]] == len((first + second).encode())


def test_milestones_and_the_end_are_checked_on_the_first_bytes(inputs, tmp_path):
    scores = evaluate(job(), inputs, tmp_path / "out")
    checks = pq.read_table(tmp_path / "out" / "checks.parquet").to_pylist()
    outcomes = ["bits_per_byte/code", "bits_per_byte/prose"]
    assert [(c["step"], c["outcome"]) for c in checks] == [(s, o) for s in (2, 10, 12) for o in outcomes]
    # all weights of the first milestone are zero: every token costs log2 of the vocabulary
    rows = [
        row for row in pq.read_table(tmp_path / "out" / "items.parquet").to_pylist() if row["outcome"] == outcomes[0]
    ]
    first = []
    while sum(row["weight"] for row in first) < 800:
        first.append(rows[len(first)])
    value = sum(row["value"] for row in first) / sum(row["weight"] for row in first) / math.log(2)
    assert checks[4]["value"] == pytest.approx(value, rel=1e-12)
    assert checks[0]["value"] != pytest.approx(checks[2]["value"], rel=0.001)
    assert scores.bytes[outcomes[0]] >= 3000


def test_a_milestone_without_knowledge_costs_log2_of_the_vocabulary_a_token(inputs, tmp_path, encoder, texts):
    evaluate(job(check_bytes_per_source=10**6, bytes_per_source=10**6), inputs, tmp_path / "out")
    checks = pq.read_table(tmp_path / "out" / "checks.parquet").to_pylist()
    tokens = sum(map(len, encoder.encode(texts)))
    bytes_ = sum(len(text.encode()) for text in texts)
    assert checks[0]["value"] == pytest.approx(math.log2(VOCABULARY) * tokens / bytes_, rel=1e-6)


def test_an_end_checked_alone_equals_the_end_checked_within_the_whole(inputs, tmp_path):
    evaluate(job(), inputs, tmp_path / "whole")
    scores = evaluate(job(bytes_per_source=0), inputs, tmp_path / "alone")
    assert scores.scores == scores.items == {}
    whole, alone = (
        pq.read_table(tmp_path / name / "checks.parquet")["value"].to_numpy() for name in ("whole", "alone")
    )
    np.testing.assert_allclose(whole, alone, rtol=1e-6)


def test_fewer_bytes_than_asked_are_all_taken_and_said(inputs, tmp_path, texts):
    scores = evaluate(job(), inputs, tmp_path / "out")
    assert scores.bytes["bits_per_byte/prose"] == sum(len(text.encode()) for text in texts[:2]) < 3000
    assert scores.items["bits_per_byte/prose"] == 2


def test_equal_work_gives_equal_bytes(inputs, tmp_path):
    for name in ("one", "other"):
        evaluate(FULL, inputs, tmp_path / name)
    for file in ("items.parquet", "checks.parquet"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "other" / file).read_bytes()


def test_no_milestones_are_read_where_no_checks_are_asked_for(inputs, tmp_path):
    evaluate(job(check_bytes_per_source=0), inputs, tmp_path / "out")
    assert pq.read_table(tmp_path / "out" / "checks.parquet").num_rows == 0


def test_all_problems_are_told_together_before_anything_is_scored(inputs, tmp_path, held_out_folder):
    asked = job(probes=(Probe(name="arithmetic", rungs=(99,)), Probe(name="planted-facts")))
    inputs["tokens/prose"] = held_out_folder("empty", [])
    with pytest.raises(StudyError) as info:
        evaluate(asked, inputs, tmp_path / "out")
    assert [p.message.split(" has ")[0] for p in info.value.problems] == [
        "source 'prose'",
        "probe 'arithmetic'",
        "probe 'planted-facts'",
    ]


def test_scoring_held_out_texts_without_what_is_trained_on_is_a_bug(inputs, tmp_path):
    del inputs["trained/other"]
    with pytest.raises(ValueError, match=r"held-out texts of code, prose are scored, and no input trained/SOURCE"):
        evaluate(job(), inputs, tmp_path / "out")


def test_a_missing_milestone_is_a_damaged_store(inputs, tmp_path):
    (inputs["train"] / "milestones" / "10.safetensors").unlink()
    with pytest.raises(StoreError, match=r"lacks the weights of steps \[10\]"):
        evaluate(job(), inputs, tmp_path / "out")


def test_weights_that_are_not_this_models_are_refused(inputs, tmp_path):
    (inputs["train"] / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(StoreError, match=r"model.safetensors does not hold this model's weights"):
        evaluate(job(), inputs, tmp_path / "out")


@pytest.fixture
def outside(tmp_path, tokenizer_folder):
    """A Hugging Face model of another family, with the study's tokenizer."""
    from transformers import GPTNeoXConfig, GPTNeoXForCausalLM

    torch.manual_seed(0)
    config = GPTNeoXConfig(
        vocab_size=VOCABULARY, hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2,
        max_position_embeddings=128, bos_token_id=0, eos_token_id=0,
    )  # fmt: skip
    folder = tmp_path / "outside"
    GPTNeoXForCausalLM(config).save_pretrained(folder)
    (folder / "tokenizer.json").write_bytes((tokenizer_folder / "tokenizer.json").read_bytes())
    return folder


def test_an_outside_model_is_scored_on_the_same_items(outside, inputs, tmp_path):
    (tmp_path / "ours").mkdir()
    scores = score_outside(outside, job(), inputs, tmp_path / "ours", progress=lambda *told: None).scores
    trained = evaluate(job(), inputs, tmp_path / "trained")
    assert isinstance(scores, Scores)
    assert scores.items == trained.items
    assert scores.bytes == trained.bytes
    tables = [pq.read_table(tmp_path / name / "items.parquet")["item"].to_pylist() for name in ("ours", "trained")]
    assert tables[0] == tables[1]


def rename_end_of_text(folder, ids):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"eos_token_id": ids}))


def test_a_model_with_the_studys_tokenizer_reads_texts_behind_the_studys_end_of_text(outside, inputs, tmp_path):
    found = {}
    for name, ids in (("before", [7, 0]), ("after", 0)):
        rename_end_of_text(outside, ids)
        (tmp_path / name).mkdir()
        found[name] = score_outside(outside, job(), inputs, tmp_path / name, progress=lambda *told: None)
    assert found["before"] == found["after"]
    assert found["before"][1:] == (128, 0, True)


def test_a_model_with_another_tokenizer_reads_texts_behind_its_own_end_of_text(outside, inputs, tmp_path):
    content = json.loads((outside / "tokenizer.json").read_text())
    content["model"]["merges"].pop()  # the last merge is never made: another tokenizer
    (outside / "tokenizer.json").write_text(json.dumps(content))
    rename_end_of_text(outside, [7, 0])
    (tmp_path / "out").mkdir()
    found = score_outside(outside, job(), inputs, tmp_path / "out", progress=lambda *told: None)
    assert (found.end_of_text_id, found.studys_tokenizer) == (7, False)


def test_shortening_padding_and_added_tokens_make_no_other_tokenizer(outside, encoder):
    from tokenizers import Tokenizer
    from tokenizers.processors import TemplateProcessing

    tokenizer = Tokenizer.from_file(str(outside / "tokenizer.json"))
    tokenizer.enable_truncation(8)
    tokenizer.enable_padding(length=16)
    end = "<|endoftext|>"
    tokenizer.post_processor = TemplateProcessing(single=f"{end} $A", special_tokens=[(end, 0)])
    tokenizer.save(str(outside / "tokenizer.json"), pretty=True)
    rename_end_of_text(outside, 7)
    read = load_outside(outside, studys=encoder)[1]
    assert (read.end_of_text_id, read.added_before(), read.encodes_as(encoder)) == (0, [], True)


def test_answers_end_at_every_token_that_a_models_files_name_and_of_the_study_at_its_own(outside, encoder):
    rename_end_of_text(outside, [7, 3])
    (outside / "generation_config.json").write_text('{"eos_token_id": 5}')
    own, studys = load_outside(outside)[1], load_outside(outside, studys=encoder)[1]
    assert (own.end_of_text_id, own.endings) == (7, {7, 3, 5})
    assert (studys.end_of_text_id, studys.endings) == (0, {0, 7, 3, 5})
    assert encoder.endings == {0}
    (outside / "generation_config.json").unlink()
    assert load_outside(outside)[1].endings == {7, 3}


@pytest.mark.parametrize(
    ("content", "said"), [("{", "is not JSON"), ('{"eos_token_id": ["</s>"]}', "names '</s>' as eos_token_id")]
)
def test_a_file_that_names_no_tokens_as_the_end_of_an_answer_is_refused(outside, content, said):
    rename_end_of_text(outside, 0)
    (outside / "generation_config.json").write_text(content)
    with pytest.raises((StudyError, EngineError), match=said):
        load_outside(outside)


def test_a_shorter_context_is_the_same_for_a_run_and_for_a_folder(inputs, tmp_path):
    (tmp_path / "short").mkdir()
    short = evaluate_checkpoint(
        job(), inputs, tmp_path / "short", scratch=tmp_path, progress=lambda *told: None, window=16
    )
    whole = evaluate(job(), inputs, tmp_path / "whole")
    assert short.items == whole.items
    assert short.scores["bits_per_byte/code"] != pytest.approx(whole.scores["bits_per_byte/code"], rel=1e-4)


def test_an_outside_model_agrees_with_its_own_loss(outside):
    from transformers import AutoModelForCausalLM

    scorer, encoder = load_outside(outside)
    assert scorer.window == 128
    assert load_outside(outside, window=32)[0].window == 32
    (tokens,) = encoder.encode(["def f(x):\n    return x\n"])
    nats = scorer.token_nats([tokens, tokens[:7]])
    whole = torch.tensor([tokens])
    with torch.no_grad():
        loss = AutoModelForCausalLM.from_pretrained(outside)(input_ids=whole, labels=whole).loss
    assert nats[0].mean() == pytest.approx(float(loss), rel=1e-5)
    np.testing.assert_allclose(nats[1], nats[0][:6], atol=1e-5)


def test_logits_are_made_only_where_a_token_is_scored_if_the_family_is_known(outside):
    scorer, _ = load_outside(outside)
    hidden = scorer.forward(torch.tensor([[1, 2, 3]]))
    assert hidden.shape[-1] != scorer.output.logits(hidden[0], 0).shape[-1] == scorer.vocabulary
    assert scorer.hidden_with is not None


def test_a_family_whose_logits_are_made_otherwise_is_scored_by_its_own_code(outside, tokenizer_folder):
    from transformers import PhiConfig, PhiForCausalLM

    torch.manual_seed(3)
    size = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 1, "num_attention_heads": 2}
    model = PhiForCausalLM(PhiConfig(vocab_size=400, eos_token_id=0, bos_token_id=0, **size)).eval()
    torch.nn.init.normal_(model.lm_head.bias)
    model.save_pretrained(outside)
    scorer, _ = load_outside(outside)
    tokens = list(range(5, 25))
    with torch.no_grad():
        loss = model(input_ids=torch.tensor([tokens]), labels=torch.tensor([tokens])).loss
    assert scorer.token_nats([tokens])[0].mean() == pytest.approx(float(loss), rel=1e-5)
    assert scorer.forward(torch.tensor([tokens])).shape[-1] == 400


def test_an_outside_folder_without_its_tokenizer_is_an_error(outside):
    (outside / "tokenizer.json").unlink()
    with pytest.raises(StudyError, match=r"holds no tokenizer.json: give a folder as `save_pretrained` writes it"):
        load_outside(outside)


def test_an_outside_model_that_names_no_end_of_text_is_an_error(outside):
    config = json.loads((outside / "config.json").read_text())
    (outside / "config.json").write_text(json.dumps(config | {"eos_token_id": None, "bos_token_id": None}))
    with pytest.raises(StudyError, match="names no eos_token_id"):
        load_outside(outside)


def test_an_outside_model_that_cannot_be_loaded_is_the_librarys_fault(outside):
    (outside / "model.safetensors").unlink()
    with pytest.raises(EngineError, match="transformers cannot load the model"):
        load_outside(outside)
