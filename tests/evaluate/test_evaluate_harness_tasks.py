"""Any task of lm-evaluation-harness by name, on documents of ours, in the harness's own words."""

import json

import pytest
from tiny_tasks import ARC, BOOLQ, COPA, LAMBADA, NQ, PIQA, WINOGRANDE, built, jsonl, no_progress, prompts_of

from titrant.errors import EngineError, StudyError
from titrant.evaluate.harness.catalogue import check_version, task_file
from titrant.evaluate.harness.sources import find_documents, read_rows
from titrant.evaluate.harness.tasks import plan_task
from titrant.study.suites import suite
from titrant.study.tasks import Task, TaskData


def test_a_task_is_found_by_its_name():
    assert task_file("hellaswag").name == "hellaswag.yaml"
    assert task_file("cb").parent.name == "cb"
    assert task_file("social_iqa").parent.name == "siqa"


@pytest.mark.parametrize(
    ("name", "said"),
    [("hellaswagg", "did you mean 'hellaswag'"), ("glue", "is a group of tasks .* name its tasks (.*rte")],
)
def test_a_name_without_a_task_is_told(name, said):
    with pytest.raises(StudyError, match=said.replace("(.*", r"\(.*")):
        task_file(name)


def test_another_version_of_the_harness_is_refused():
    with pytest.raises(
        EngineError,
        match=r"asked with lm-eval 0\.1, which is 0\.4\.13 here.*pip install 'titrant\[suites\]' 'lm-eval==0\.1'",
    ):
        check_version("0.1")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": "mbpp"}, "list it under `code`, which has a sandbox"),
        ({"name": "squadv2"}, "is a program that reads its own data"),
        ({"name": "wikitext"}, "kind 'loglikelihood_rolling', whose items have no score"),
        ({"name": "arc_easy", "metric": "f2"}, "has no metric 'f2'; it has 'acc', 'acc_norm'"),
        ({"name": "nq_open", "choices": "letters"}, "is not scored choice by choice"),
        ({"name": "nq_open", "metric": "exact_match,none"}, "has no filter 'none'; it has 'remove_whitespace'"),
        ({"name": "arc_easy", "shots": 2}, "2 solved examples from split 'train', which its data lack"),
    ],
)
def test_a_task_that_cannot_be_asked_as_declared_is_refused(tmp_path, fields, said):
    rows = {"arc_easy": ARC, "nq_open": NQ}.get(fields["name"], PIQA)
    with pytest.raises(StudyError, match=said):
        built(tmp_path, **fields, rows=rows)


def test_prompts_are_the_harnesss_own(tmp_path):
    assert prompts_of(built(tmp_path, "piqa", PIQA, items=1)) == [
        ("Question: open jar 0\nAnswer:", " twist lid 0"),
        ("Question: open jar 0\nAnswer:", " eat the jar 0 "),
    ]
    assert prompts_of(built(tmp_path, "boolq", BOOLQ, items=1))[1] == (
        "A fox is red 0.\nQuestion: is fox 0 red?\nAnswer:",
        " yes",
    )
    assert prompts_of(built(tmp_path, "winogrande", WINOGRANDE, items=1)) == [
        ("Ann thanked Bea 0 because Ann", " was kind."),
        ("Ann thanked Bea 0 because Bea", " was kind."),
    ]
    assert prompts_of(built(tmp_path, "lambada_openai", LAMBADA, items=1)) == [
        ("They spoke of the sea 0 and then of the", " ships")
    ]
    context, settings = prompts_of(built(tmp_path, "nq_open", NQ, items=1))[0]
    assert (context, settings["until"]) == ("Answer these questions:\n\nQ: who was king 0?\nA:", ["\n", ".", ","])


def test_letters_put_the_choices_into_the_question(tmp_path):
    task = built(tmp_path, "arc_easy", ARC, items=1, choices="letters")
    assert prompts_of(task) == [
        ("Question: What is 0?\nA. c 0\nB. a 0\nC. b 0\nAnswer:", f" {letter}") for letter in "ABC"
    ]
    assert task.right_choices(ARC[0]) == [1]
    task = built(tmp_path, "winogrande", WINOGRANDE, choices="letters")
    for (shown, _), row in zip(prompts_of(task)[::2], WINOGRANDE, strict=True):
        sentences = [row["sentence"].replace("_", row[option]) for option in ("option1", "option2")]
        (place,) = task.right_choices(row)
        assert shown.splitlines()[place] == f"{'AB'[place]}. {sentences[int(row['answer']) - 1]}"
        assert sorted(line[3:] for line in shown.splitlines()[:2]) == sorted(sentences)


def test_letters_are_drawn_for_each_item_where_the_right_choice_always_stands_last(tmp_path):
    """Of SciQ it does: a model that said "D" to everything had them all right."""
    rows = [
        {"question": f"What is {n}?", "support": f"So {n}.", "correct_answer": f"right {n}"}
        | {f"distractor{k}": f"wrong {k} {n}" for k in (1, 2, 3)}
        for n in range(80)
    ]
    task, again = (built(tmp_path, "sciq", rows, choices="letters") for _ in range(2))
    asked = prompts_of(task)
    assert asked == prompts_of(again)
    places = [task.right_choices(document)[0] for _, document in task.documents()]
    assert all(8 <= places.count(place) <= 32 for place in range(4))
    for (shown, _), place, row in zip(asked[::4], places, rows, strict=True):
        lines = shown.splitlines()[-5:-1]
        assert lines[place] == f"{'ABCD'[place]}. {row['correct_answer']}"
        assert {line[3:] for line in lines} == {row[key] for key in row if key not in ("question", "support")}


def test_letters_are_refused_where_a_task_has_them_already(tmp_path):
    rows = [{"question": "Is it?", "choices": ["a", "b", "c", "d"], "answer": 1, "subject": "x"}] * 3
    with pytest.raises(StudyError, match="asked by letters as it is"):
        built(tmp_path, "mmlu_anatomy", rows, choices="letters")


def test_solved_examples_come_from_the_train_file_and_never_from_what_is_scored(tmp_path):
    train = [{**row, "goal": f"close box {n}"} for n, row in enumerate(PIQA)]
    first, again = (prompts_of(built(tmp_path, "piqa", PIQA, train=train, shots=2, items=3)) for _ in range(2))
    assert first == again
    for context, _ in first:
        *examples, question = context.split("\n\n")
        assert len(examples) == 2
        assert all("close box" in example for example in examples)
        assert "open jar" in question


def test_an_answer_follows_its_question_as_solved_examples_show_it(tmp_path):
    task = built(tmp_path, "nq_open", NQ)
    assert task.question(NQ[0]).endswith("who was king 0?\nA:")
    assert task.answer(NQ[0]) == " Arthur 0"
    task = built(tmp_path, "winogrande", WINOGRANDE)
    assert task.question(WINOGRANDE[0]) + task.answer(WINOGRANDE[0]) == "Ann thanked Bea 0 because Ann was kind."
    task = built(tmp_path, "copa", COPA)
    assert task.answer(COPA[1]).endswith(" he ran.")


def test_what_is_given_wins_over_the_split_that_the_task_prefers(tmp_path):
    """arc_easy scores its test split; one file alone is the split that is scored."""
    plan = plan_task(Task(name="arc_easy", data=TaskData(files={"validation": jsonl(tmp_path / "v", ARC)})))
    assert plan.wanted.scored == ("test", "validation")
    assert find_documents("arc_easy", plan.task.data, plan.hub, plan.wanted, no_progress).scored == "validation"
    both = TaskData(files={"validation": jsonl(tmp_path / "v", ARC), "test": jsonl(tmp_path / "t", ARC[:2])})
    documents = find_documents("arc_easy", both, plan.hub, plan.wanted, no_progress)
    assert (documents.scored, len(documents.splits["test"]), documents.origin) == ("test", 2, "files v, t")


def test_a_folder_of_save_to_disk_is_read_like_the_hub(tmp_path):
    """The code path of the hub, on local files of the same columns."""
    import datasets

    tables = {"train": datasets.Dataset.from_list(PIQA[:5]), "validation": datasets.Dataset.from_list(PIQA[5:])}
    datasets.disable_progress_bars()
    datasets.DatasetDict(tables).save_to_disk(tmp_path / "piqa")
    data = TaskData(dataset=str(tmp_path / "piqa"))
    plan = plan_task(Task(name="piqa", data=data, shots=1))
    documents = find_documents("piqa", data, plan.hub, plan.wanted, no_progress)
    assert documents.splits == {"validation": PIQA[5:], "train": PIQA[:5]}
    assert documents.origin == "hub piqa"  # no path of this machine


def test_a_dataset_that_cannot_be_had_is_told_with_what_to_give(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    plan = plan_task(Task(name="wic"))
    with pytest.raises(EngineError, match=r"data of task 'wic'.*HF_HUB_OFFLINE is set.*data: \{files: \{validation"):
        find_documents("wic", TaskData(dataset="/nowhere/at/all"), plan.hub, plan.wanted, no_progress)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", r"not JSON in UTF-8.*wrong.jsonl:2"),
        ("[1]", r"an object with the columns.*wrong.jsonl:2"),
        ('{"goal": "\\ud800"}', r"half of a surrogate pair.*wrong.jsonl:2"),
    ],
)
def test_a_wrong_line_is_told_with_its_place(tmp_path, line, said):
    path = tmp_path / "wrong.jsonl"
    path.write_text(json.dumps(PIQA[0]) + "\n" + line + "\n")
    with pytest.raises(StudyError, match=said):
        read_rows(path)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (
            [PIQA[0], {"goal": "x", "sol1": "", "sol2": "b", "label": 0}],
            r"document 1 .*choices \['', 'b'\].*none may be empty",
        ),
        ([PIQA[0], {"goal": "x", "sol1": "a", "sol2": "b", "label": 7}], r"gives \[7\] as the right one of 2 choices"),
        ([{"goal": "x", "label": 0}], "lack 'sol1', 'sol2'; they need the columns.*and have 'goal', 'label'"),
        ([{**PIQA[0], "label": 5}, PIQA[1]], r"document 0 of task 'piqa' gives \[5\] as the right one of 2 choices"),
        ([{**PIQA[0], "sol2": ""}, PIQA[1]], r"document 0 of task 'piqa' has the choices \['twist.*none may be empty"),
        ([{**PIQA[0], "label": None}, PIQA[1]], r"document 0 of task 'piqa' has no right answer \(null\)"),
        ([PIQA[0], {**PIQA[1], "label": None}], r"document 1 of task 'piqa' has no right answer \(null\)"),
        ([PIQA[0], {**PIQA[1], "sol1": None}], r"document 1 of task 'piqa' has the choices .*at least two are needed"),
        ([{**PIQA[0], "label": "0"}, {**PIQA[0], "label": 3}], "do not have the same type in each row"),
    ],
)
def test_documents_that_do_not_fit_are_refused_before_a_model_is_asked(tmp_path, rows, said):
    with pytest.raises(StudyError, match=said):
        built(tmp_path, "piqa", rows).build_requests()


@pytest.mark.parametrize("number", [0, 1])
def test_documents_that_a_task_s_own_functions_refuse_are_named(tmp_path, number):
    rows = [dict(row) for row in WINOGRANDE]
    rows[number]["answer"] = "3"
    with pytest.raises(StudyError, match=rf"document {number} of task 'winogrande' does not fit it \(KeyError: '3'\)"):
        built(tmp_path, "winogrande", rows).build_requests()


def test_null_bytes_right_to_left_text_and_separators_stay_as_they_are(tmp_path):
    odd = "\u05e9\u05dc\u05d5\u05dd \x00 \u2028 \U0001f98a"
    rows = [{"goal": odd, "sol1": f"a{odd}", "sol2": "b", "label": 0}]
    assert prompts_of(built(tmp_path, "piqa", rows))[0] == (f"Question: {odd}\nAnswer:", f" a{odd}")


def test_every_task_of_the_suites_is_one_that_the_harness_has():
    for name in ("knowledge", "reasoning", "aryabumi"):
        for task in suite(name).tasks:
            assert plan_task(task).task is task
