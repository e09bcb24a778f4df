"""The benchmarks stage: data of all that is asked, brought here once; from then on nothing is fetched."""

import pyarrow.parquet as pq
import pytest
from tiny_tasks import ARC, BOOLQ, NQ, PIQA, WINOGRANDE, CrcScorer, built, jsonl, no_progress

from titrant.errors import EngineError, StoreError, StudyError
from titrant.evaluate.harness import sources
from titrant.evaluate.harness.benchmarks import prepare_benchmarks, read_tasks, task_requests
from titrant.evaluate.harness.prompt_sets import read_prompts
from titrant.evaluate.harness.scoring import score_tasks
from titrant.evaluate.questions import check_questions
from titrant.jobs import BenchmarksJob, EvaluateJob, QuestionsJob
from titrant.study.judging import PromptSet
from titrant.study.tasks import CodeTask, Task, TaskData


def task_on(tmp_path, name, rows, train=None, **fields):
    files = {"validation": jsonl(tmp_path / f"{name}.jsonl", rows)}
    if train is not None:
        files["train"] = jsonl(tmp_path / f"{name}.train.jsonl", train)
    return Task(name=name, data=TaskData(files=files), **fields)


def prepare(tmp_path, tasks=(), code=(), judging=(), **fields):
    out = tmp_path / "out"
    out.mkdir()
    job = BenchmarksJob(tasks=tasks, code=code, judging=judging, **fields)
    return out, prepare_benchmarks(job, {}, out, scratch=tmp_path, progress=no_progress)


def test_tasks_are_kept_with_their_documents_and_read_without_anything_else(tmp_path, letters_encoder, monkeypatch):
    tasks = (
        task_on(tmp_path, "piqa", PIQA, train=PIQA[::-1], shots=2, items=4),
        task_on(tmp_path, "arc_easy", ARC, choices="letters"),
    )
    out, benchmarks = prepare(tmp_path, tasks)
    assert benchmarks.items == {"task/piqa": 4, "task/arc_easy": 6}
    assert benchmarks.tasks == {"task/piqa": "1.0", "task/arc_easy": "1.0"}
    assert benchmarks.data["task/piqa"] == "files piqa.jsonl, piqa.train.jsonl; split validation"
    assert {str(path.relative_to(out)) for path in (out / "data").rglob("*.*")} == {
        "data/piqa/validation.jsonl",
        "data/piqa/train.jsonl",
        "data/piqa/task.json",
        "data/arc_easy/validation.jsonl",
        "data/arc_easy/task.json",
    }
    scorer = CrcScorer(400)
    expected = score_tasks(
        scorer,
        letters_encoder,
        [
            built(tmp_path, "piqa", PIQA, train=PIQA[::-1], shots=2, items=4),
            built(tmp_path, "arc_easy", ARC, choices="letters"),
        ],
    )
    for path in tmp_path.glob("*.jsonl"):
        path.unlink()
    monkeypatch.setattr(sources, "find_documents", None)
    found = score_tasks(scorer, letters_encoder, read_tasks(out, tasks))
    assert [outcome.items for outcome in found] == [outcome.items for outcome in expected]


def test_what_sources_are_searched_for_is_the_question_and_its_right_answer_without_examples(tmp_path):
    tasks = (
        task_on(tmp_path, "piqa", PIQA[:2], train=PIQA, shots=2),
        task_on(tmp_path, "winogrande", WINOGRANDE[:1]),
        task_on(tmp_path, "nq_open", NQ[:1]),
    )
    out, _ = prepare(tmp_path, tasks)
    assert pq.read_table(out / "requests.parquet").to_pylist() == [
        {"outcome": outcome, "item": item, "part": part, "text": text, "choices": choices, "right": int(choices > 0)}
        for outcome, item, question, answer, choices in (
            ("task/piqa", "0", "Question: open jar 0\nAnswer:", " twist lid 0", 2),
            ("task/piqa", "1", "Question: open jar 1\nAnswer:", " eat the jar 1 now", 2),
            ("task/winogrande", "0", "Ann thanked Bea 0 because Ann", " was kind.", 2),
            ("task/nq_open", "0", "Answer these questions:\n\nQ: who was king 0?\nA:", " Arthur 0", 0),
        )
        for part, text in (("whole", question + answer), ("question", question))
    ]


def test_how_many_choices_are_right_is_kept_beside_how_many_there_are(tmp_path, monkeypatch):
    task = built(tmp_path, "arc_easy", ARC[:1])
    task.build_requests()
    monkeypatch.setattr(task.harness, "doc_to_target", lambda document: [0, 2])
    assert [(row["choices"], row["right"]) for row in task_requests(task)] == [(3, 2)] * 2


def test_prompts_are_filled_in_and_kept_in_order(tmp_path):
    rows = [
        {"instruction": "Say {context}.", "context": "C {instruction}", "response": "R", "category": "x"},
        {"instruction": "Sing.", "context": "", "response": ""},
        {"instruction": "third"},
    ]
    given = TaskData(files={"validation": jsonl(tmp_path / "dolly.jsonl", rows)})
    out, benchmarks = prepare(tmp_path, judging=(PromptSet(name="dolly", prompts=given, items=2),))
    first, second = read_prompts(out, "dolly")
    assert first == {
        "id": "0",
        "instruction": "Say {context}.",
        "context": "C {instruction}",
        "response": "R",
        "prompt": "C {instruction}\n\nSay {context}.\n\n",
    }
    assert second["prompt"] == "Sing.\n\n"
    assert benchmarks.items == {"judge/dolly": 2}
    texts = [row["text"] for row in pq.read_table(out / "requests.parquet").to_pylist()]
    assert texts[:2] == ["C {instruction}\nSay {context}.\nR", "C {instruction}\nSay {context}."]


def test_problems_of_code_stand_beside_tasks(tmp_path):
    problem = {
        "task_id": "HumanEval/0",
        "prompt": 'def one():\n    """ One. """\n',
        "canonical_solution": "    return 1\n",
        "test": "def check(candidate):\n    assert candidate() == 1\n",
        "entry_point": "one",
    }
    data = TaskData(files={"test": jsonl(tmp_path / "he.jsonl", [problem])})
    out, benchmarks = prepare(tmp_path, code=(CodeTask(name="humaneval", data=data),))
    assert benchmarks.items == {"code/humaneval": 1}
    assert (out / "problems" / "humaneval.jsonl").is_file()
    whole, question = pq.read_table(out / "requests.parquet").to_pylist()
    assert "return 1" in whole["text"]
    assert "return 1" not in question["text"]


def test_all_that_is_wrong_is_told_at_once(tmp_path):
    bad = [{**PIQA[0], "sol2": ""}, {**PIQA[1], "label": 9}, {**PIQA[2], "goal": None}]
    tasks = (
        task_on(tmp_path, "piqa", [PIQA[0], *bad]),
        task_on(tmp_path, "boolq", [{"passage": "x", "question": "y"}]),
        Task(name="hellaswagg"),
    )
    prompts = TaskData(files={"test": jsonl(tmp_path / "p.jsonl", [{"instruction": " "}, {"instruction": 3}])})
    with pytest.raises(StudyError) as caught:
        prepare(tmp_path, tasks, judging=(PromptSet(prompts=prompts),))
    said = [problem.message for problem in caught.value.problems]
    assert len(said) == 6
    assert "document 1 of task 'piqa' has the choices" in said[0]
    assert "document 2 of task 'piqa' gives [9] as the right one" in said[1]
    assert "documents of task 'boolq' lack 'label'" in said[2]
    assert "has no task 'hellaswagg', did you mean 'hellaswag'" in said[3]
    assert "prompt 0 of 'dolly' has no `instruction`" in said[4]


def test_another_harness_is_refused_before_anything_is_read(tmp_path):
    with pytest.raises(EngineError, match="asked with lm-eval 9"):
        prepare(tmp_path, (task_on(tmp_path, "boolq", BOOLQ),), harness="9")


def test_a_folder_without_a_tasks_documents_is_told(tmp_path):
    with pytest.raises(StoreError, match=r"does not hold the documents of task 'piqa'.*delete .* and run again"):
        read_tasks(tmp_path, [Task(name="piqa")])
    with pytest.raises(StoreError, match="does not hold prompts"):
        read_prompts(tmp_path, "dolly")


def test_tasks_that_do_not_fit_the_shortest_window_stop_a_study_before_it_trains(tmp_path, tokenizer_folder):
    task = task_on(tmp_path, "piqa", [*PIQA, {**PIQA[0], "sol2": "eat all jars " * 60}])
    out, _ = prepare(tmp_path, (task,))
    asked = {"bytes_per_source": 0, "check_bytes_per_source": 0, "probes": (), "multiple_choice": (), "planted": {}}
    evaluation = EvaluateJob(bits_per_byte_sources=(), tasks=(task,), **asked)
    (tmp_path / "questions").mkdir()
    told = []

    def check(window):
        return check_questions(
            QuestionsJob(evaluation=evaluation, window=window),
            {"tokenizer": tokenizer_folder, "benchmarks": out},
            tmp_path / "questions",
            scratch=tmp_path,
            progress=lambda done, total, unit, note="": told.append(note),
        )

    with pytest.raises(StudyError, match=r"document 12 of task 'piqa': an answer of .* does not fit the window of 64"):
        check(64)
    assert check(2000).items == {"task/piqa": 13}
    assert told[-1] == "task/piqa"
