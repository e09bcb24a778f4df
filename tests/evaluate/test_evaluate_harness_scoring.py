"""What an item of a task shows: the harness's verdict, and beside it how likely the right answer was."""

import json
import math
import subprocess
import sys

import pytest
from tiny_tasks import (
    ARC,
    BOOLQ,
    COPA,
    LAMBADA,
    NQ,
    PIQA,
    WINOGRANDE,
    CrcScorer,
    Writer,
    built,
)

from titrant.errors import StudyError
from titrant.evaluate.harness import model as harness_model
from titrant.evaluate.harness.catalogue import task_file
from titrant.evaluate.harness.fitting import check_fit
from titrant.evaluate.harness.quiet import quiet_harness
from titrant.evaluate.harness.scoring import score_tasks

ROWS = {"piqa": PIQA, "boolq": BOOLQ, "arc_easy": ARC, "copa": COPA, "winogrande": WINOGRANDE}


def log_likelihood(encoder, context, continuation):
    """The oracle: one sequence, scored from where the context ends (single bytes never merge)."""
    before, whole = (encoder.encode([text])[0] for text in (context, context + continuation))
    before = before or [encoder.end_of_text_id]
    return -float(CrcScorer().token_scores([whole], [len(before)])[0].nats.astype("float64").sum())


@pytest.mark.parametrize("name", sorted(ROWS))
def test_items_of_multiple_choice_follow_from_their_log_likelihoods(tmp_path, letters_encoder, name):
    task = built(tmp_path, name, ROWS[name])
    (outcome,) = score_tasks(CrcScorer(), letters_encoder, [task])
    assert (outcome.outcome, outcome.split, outcome.shots, len(outcome.items)) == (
        f"task/{name}",
        "validation",
        0,
        len(ROWS[name]),
    )
    asked = {}
    for instance in task.harness.instances:
        asked.setdefault(instance.doc_id, []).append(instance.args)
    for item in outcome.items:
        pairs = asked[int(item.item)]
        document = task.documents()[int(item.item)][1]
        (answer,) = task.right_choices(document)
        found = [log_likelihood(letters_encoder, *pair) for pair in pairs]
        sizes = [len(choice) if outcome.metric == "acc_norm" else 1 for choice in task.harness.doc_to_choice(document)]
        compared = [value / size for value, size in zip(found, sizes, strict=True)]
        best = compared.index(max(compared))
        others = max(value for index, value in enumerate(compared) if index != answer)
        assert (item.predicted, item.answer, item.value) == (best, answer, float(best == answer))
        assert item.gold_nats == pytest.approx(-found[answer])
        assert item.gold_bytes == len(pairs[answer][1].encode())
        assert item.margin_nats == pytest.approx((compared[answer] - others) * sizes[answer])
        assert (item.margin_nats > 0) == (item.value == 1)
        share = math.exp(compared[answer]) / sum(map(math.exp, compared))
        assert item.right_probability == pytest.approx(share)
    assert outcome.score == sum(item.value for item in outcome.items) / len(outcome.items)
    nats, sizes = (sum(getattr(item, part) for item in outcome.items) for part in ("gold_nats", "gold_bytes"))
    assert outcome.gold_bits_per_byte == pytest.approx(nats / sizes / math.log(2))


def test_chance_and_majority_are_those_of_the_answers_in_words(tmp_path, letters_encoder):
    boolq, arc = score_tasks(
        CrcScorer(), letters_encoder, [built(tmp_path, "boolq", BOOLQ), built(tmp_path, "arc_easy", ARC)]
    )
    assert (boolq.chance, boolq.majority) == (0.5, 6 / 9)  # "no" is right six times of nine
    assert (arc.chance, arc.majority) == (1 / 3, 1 / 6)  # no answer is right twice, whatever its place
    (lettered,) = score_tasks(CrcScorer(), letters_encoder, [built(tmp_path, "arc_easy", ARC, choices="letters")])
    assert lettered.majority == 3 / 6  # letters are words: "B" is right three times


def test_one_continuation_is_right_where_every_token_is_the_likeliest(tmp_path, letters_encoder):
    (outcome,) = score_tasks(CrcScorer(), letters_encoder, [built(tmp_path, "lambada_openai", LAMBADA)])
    first = outcome.items[0]
    context = "They spoke of the sea 0 and then of the"
    assert first.gold_nats == pytest.approx(-log_likelihood(letters_encoder, context, " ships"))
    assert (first.gold_bytes, first.predicted, outcome.chance, outcome.majority) == (6, -1, None, None)
    assert math.isnan(first.right_probability)
    assert first.value in (0, 1)


def test_a_text_is_judged_by_the_task_and_its_right_answer_scored_beside_it(tmp_path, letters_encoder):
    loop = "again and " * 20
    writer = Writer(
        {"nq_open/0/0": " Art", "nq_open/1/0": " the arthur 1!", "nq_open/2/0": " \x00", "nq_open/3/0": loop}
    )
    (outcome,) = score_tasks(CrcScorer(128), letters_encoder, [built(tmp_path, "nq_open", NQ)], write=writer)
    assert [item.value for item in outcome.items] == [1, 1, 0, 0, 0]
    assert [item.empty for item in outcome.items] == [False, False, True, False, False]
    assert [item.looping for item in outcome.items] == [False, False, False, True, False]
    context = "Answer these questions:\n\nQ: who was king 4?\nA:"
    assert outcome.items[4].gold_nats == pytest.approx(-log_likelihood_of_128(letters_encoder, context, " Arthur 4"))
    assert (outcome.metric, outcome.filter) == ("exact_match", "remove_whitespace")
    with pytest.raises(StudyError, match="loaded for scoring only"):
        score_tasks(CrcScorer(128), letters_encoder, [built(tmp_path, "nq_open", NQ)])


def log_likelihood_of_128(encoder, context, continuation):
    whole = encoder.encode([context + continuation])[0]
    start = len(encoder.encode([context])[0])
    return -float(CrcScorer(128).token_scores([whole], [start])[0].nats.astype("float64").sum())


def test_an_interruption_changes_nothing_and_repeats_nothing(tmp_path, letters_encoder, monkeypatch):
    monkeypatch.setattr(harness_model, "REQUESTS_AT_ONCE", 4)

    def tasks():
        return [built(tmp_path, "piqa", PIQA), built(tmp_path, "arc_easy", ARC)]

    whole = score_tasks(CrcScorer(), letters_encoder, tasks())

    class Dies(CrcScorer):
        def token_scores(self, sequences, starts=None):
            if sum(self.asked) >= 28:
                raise KeyboardInterrupt
            return super().token_scores(sequences, starts)

    with pytest.raises(KeyboardInterrupt):
        score_tasks(Dies(), letters_encoder, tasks(), journal=tmp_path / "answers")
    scorer, told = CrcScorer(), []
    found = score_tasks(
        scorer,
        letters_encoder,
        tasks(),
        journal=tmp_path / "answers",
        progress=lambda done, total, unit, note="": told.append((done, total)),
    )
    assert [outcome.items for outcome in found] == [outcome.items for outcome in whole]
    assert sum(scorer.asked) == 2 + 24 + 18 - 28  # a fixed sentence for each task tells the model from others
    assert told == sorted(told)
    assert told[-1] == (18, 18)


def test_a_context_that_is_too_long_is_cut_counted_and_told(tmp_path, letters_encoder):
    rows = [{"passage": "long " * 4000, "question": "is it", "label": 0}, *BOOLQ[:1]]
    (outcome,) = score_tasks(CrcScorer(window=80), letters_encoder, [built(tmp_path, "boolq", rows)])
    assert [item.shortened for item in outcome.items] == [True, False]


def test_a_metric_that_gives_items_no_score_is_refused(tmp_path, letters_encoder):
    task = built(tmp_path, "lambada_openai", LAMBADA, metric="perplexity")
    with pytest.raises(
        StudyError, match=r"gives an item -.*no score from 0 to 1; give another `metric`: perplexity, acc"
    ):
        score_tasks(CrcScorer(), letters_encoder, [task])


def test_the_first_items_are_asked_as_the_harness_limits_them(tmp_path, letters_encoder):
    (few,) = score_tasks(CrcScorer(), letters_encoder, [built(tmp_path, "piqa", PIQA, items=5)])
    (all_of_them,) = score_tasks(CrcScorer(), letters_encoder, [built(tmp_path, "piqa", PIQA)])
    assert list(few.items) == list(all_of_them.items)[:5]
    assert json.dumps(few.record["n-samples"]) == '{"piqa": {"original": 12, "effective": 5}}'


def test_what_does_not_fit_is_told_before_a_model_is_asked(tmp_path, letters_encoder):
    long = {"goal": "jar", "sol1": "twist " * 30, "sol2": "eat", "label": 0}
    cut = {"passage": "long " * 40, "question": "is it", "label": 0}
    with pytest.raises(StudyError) as caught:
        check_fit(
            [built(tmp_path, "piqa", [*PIQA[:2], long]), built(tmp_path, "nq_open", [{**NQ[0], "answer": ["x" * 99]}])],
            letters_encoder,
            64,
        )
    said = [problem.message for problem in caught.value.problems]
    assert len(said) == 2
    assert "document 2 of task 'piqa': an answer of 181 tokens does not fit the window of 64" in said[0]
    assert "document 0 of task 'nq_open': an answer of 100 tokens" in said[1]
    assert check_fit([built(tmp_path, "boolq", [cut, *BOOLQ[:2]])], letters_encoder, 80) == {"task/boolq": (3, 1)}


def test_evaluating_needs_no_harness_where_no_task_is_asked():
    """lm-eval is an extra: without it all else works, and a task says what to install."""
    code = (
        "import sys; sys.modules['lm_eval'] = sys.modules['datasets'] = None\n"
        "import titrant.evaluate, titrant.evaluate.harness.fitting, titrant.evaluate.harness.benchmarks\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_harness_run_by_itself_on_the_same_files_gives_the_same(tmp_path, letters_encoder, monkeypatch):
    """The way that its users go: a YAML that includes its task, its own loader of files, its own choice of examples."""
    import lm_eval.evaluator
    from lm_eval.tasks import TaskManager

    train = [{**row, "goal": f"close box {n}"} for n, row in enumerate(PIQA)]
    ours = built(tmp_path, "piqa", PIQA, train=train, shots=2)
    (outcome,) = score_tasks(CrcScorer(400), letters_encoder, [ours])
    folder = tmp_path / "yaml"
    folder.mkdir()
    files = {"train": str(tmp_path / "piqa-train.jsonl"), "validation": str(tmp_path / "piqa.jsonl")}
    settings = {"data_files": files, "cache_dir": str(tmp_path / "cache")}
    (folder / "own.yaml").write_text(
        f"include: {task_file('piqa')}\ntask: own_piqa\ndataset_path: json\ndataset_kwargs: {json.dumps(settings)}\n"
    )
    monkeypatch.setattr(lm_eval.evaluator, "add_env_info", lambda storage: None)  # it asks the machine for seconds
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with quiet_harness():
        theirs = lm_eval.evaluator.simple_evaluate(
            model=harness_model.HarnessModel(CrcScorer(400), letters_encoder),
            tasks=["own_piqa"],
            task_manager=TaskManager(include_path=str(folder), include_defaults=False),
            num_fewshot=2,
            bootstrap_iters=0,
        )
    mine = {"samples": outcome.record["samples"]["piqa"], "results": outcome.record["results"]["piqa"]}
    assert [s["arguments"] for s in theirs["samples"]["own_piqa"]] == [s["arguments"] for s in mine["samples"]]
    for key in ("doc_hash", "prompt_hash", "target_hash", "filtered_resps", "acc", "acc_norm"):
        assert [s[key] for s in theirs["samples"]["own_piqa"]] == [s[key] for s in mine["samples"]], key
    for key in ("acc,none", "acc_norm,none"):
        assert theirs["results"]["own_piqa"][key] == mine["results"][key]


def test_a_task_with_a_score_of_its_own_has_no_chance(tmp_path, letters_encoder):
    targets = {"choices": ["yes", "no", "it is"], "labels": [1, 0, 1]}
    rows = [{"question": f"Is it {n}?", "mc1_targets": targets, "mc2_targets": targets} for n in range(3)]
    (outcome,) = score_tasks(CrcScorer(4000), letters_encoder, [built(tmp_path, "truthfulqa_mc2", rows)])
    assert all(0 < item.value < 1 for item in outcome.items)
    assert (outcome.chance, outcome.majority) == (None, None)
    assert {(item.predicted, item.answer, item.choice_texts) for item in outcome.items} == {(-1, -1, ())}
    assert all(math.isnan(item.right_probability) and math.isnan(item.margin_nats) for item in outcome.items)
    assert all(item.gold_nats > 0 and item.gold_bytes > 0 for item in outcome.items)


def test_of_several_filters_the_first_is_compared_or_the_one_that_is_named(tmp_path, letters_encoder):
    rows = [{"question": f"{n} + {2 - n}?", "answer": "It is 2.\n#### 2"} for n in range(2)]
    writer = Writer({"gsm8k/0/0": "The answer is 2.", "gsm8k/1/0": "#### 2"})
    found = {
        metric: score_tasks(
            CrcScorer(4000),
            letters_encoder,
            [built(tmp_path, "gsm8k", rows, shots=0, metric=metric)],
            write=writer,
        )[0]
        for metric in (None, "exact_match,flexible-extract")
    }
    assert [(each.filter, [item.value for item in each.items]) for each in found.values()] == [
        ("strict-match", [0, 1]),
        ("flexible-extract", [1, 1]),
    ]
