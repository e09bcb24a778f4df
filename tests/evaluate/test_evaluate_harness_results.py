"""Results as the harness writes and reads them, and old ones read in for pairing."""

import json
import shutil
from datetime import datetime

import pytest
from tiny_tasks import ARC, NQ, PIQA, CrcScorer, Writer, built

from titrant.errors import StudyError
from titrant.evaluate.harness.results import read_results, same_documents, write_results
from titrant.evaluate.harness.scoring import score_tasks

STAMP = "1970-01-01T00-00-00.000000"


@pytest.fixture
def outcomes(tmp_path, letters_encoder):
    tasks = [built(tmp_path, "piqa", PIQA), built(tmp_path, "nq_open", NQ)]
    return score_tasks(CrcScorer(128), letters_encoder, tasks, write=Writer())


def test_the_harnesss_own_writer_gives_the_same_samples(outcomes, tmp_path):
    from lm_eval.loggers import EvaluationTracker

    path = write_results(tmp_path / "ours", outcomes, model="a/b")
    tracker = EvaluationTracker(output_path=str(tmp_path / "theirs"))
    tracker.general_config_tracker.log_experiment_args("x", "pretrained=a/b", None, None, False)
    results = {key: value for key, value in outcomes[0].record.items() if key != "samples"}
    tracker.save_results_aggregated(results=results, samples=outcomes[0].record["samples"])
    tracker.save_results_samples("piqa", [dict(sample) for sample in outcomes[0].record["samples"]["piqa"]])
    (theirs,), (totals,) = (list((tmp_path / "theirs").rglob(name)) for name in ("samples_*", "results_*"))
    ours = (tmp_path / "ours" / f"samples_piqa_{STAMP}.jsonl").read_text(encoding="utf-8")
    assert ours == theirs.read_text(encoding="utf-8")
    mine, own = json.loads(path.read_text()), json.loads(totals.read_text())
    # nobody has measured how long, and the harness's clock starts with its own model
    assert set(own) - set(mine) <= {"start_time", "end_time"}
    assert mine["results"]["piqa"] == own["results"]["piqa"]
    assert mine["task_hashes"]["piqa"] == own["task_hashes"]["piqa"]


def test_the_harnesss_own_readers_take_the_files(outcomes, tmp_path):
    from lm_eval import utils

    path = write_results(tmp_path, outcomes, model="m", time=datetime(2026, 5, 4, 3, 2, 1))
    files = [str(file) for file in tmp_path.iterdir()]
    samples = utils.get_sample_results_filenames(files)
    assert sorted(utils.get_file_task_name(file.rpartition("/")[2]) for file in samples) == ["nq_open", "piqa"]
    assert utils.get_latest_filename(utils.get_results_filenames(files)) == str(path)
    assert {utils.get_file_datetime(file) for file in samples} == {"2026-05-04T03-02-01.000000"}
    assert "|piqa" in utils.make_table(json.loads(path.read_text()))


def test_files_of_an_artifact_are_the_same_bytes_and_hold_no_path(outcomes, tmp_path):
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        write_results(folder, outcomes, model="model")
    one, two = ({file.name: file.read_bytes() for file in folder.iterdir()} for folder in folders)
    assert one == two
    assert set(one) == {f"results_{STAMP}.json", f"samples_piqa_{STAMP}.jsonl", f"samples_nq_open_{STAMP}.jsonl"}
    assert not any(str(tmp_path).encode() in content or b"site-packages" in content for content in one.values())


@pytest.mark.parametrize(
    ("items", "limit"),
    [
        ((None, None), None),
        ((2, 2), 2),
        ((3, None), {"piqa": 3, "nq_open": None}),
        ((2, 1), {"piqa": 2, "nq_open": 1}),
        ((len(NQ), len(NQ)), len(NQ)),  # all there are of the one, and not of the other
    ],
)
def test_results_say_how_many_documents_were_asked(items, limit, tmp_path, letters_encoder):
    assert 3 < len(NQ) < len(PIQA)
    tasks = [
        built(tmp_path, name, rows, **({"items": most} if most else {}))
        for name, rows, most in zip(("piqa", "nq_open"), (PIQA, NQ), items, strict=True)
    ]
    found = score_tasks(CrcScorer(128), letters_encoder, tasks, write=Writer())
    written = json.loads(write_results(tmp_path / "r", found, model="m").read_text())
    assert written["config"]["limit"] == limit


def test_results_come_back_by_document(outcomes, tmp_path):
    write_results(tmp_path / "r", outcomes, model="m")
    read = {task.task: task for task in read_results(tmp_path / "r")}
    assert read["piqa"].values("acc_norm") == {int(item.item): item.value for item in outcomes[0].items}
    assert read["nq_open"].values("exact_match") == {int(item.item): item.value for item in outcomes[1].items}
    assert read["piqa"].results["acc_norm,none"] == outcomes[0].score
    with pytest.raises(StudyError, match="have no metric 'f1'; they have acc, acc_norm"):
        read["piqa"].values("f1")


def test_the_newest_of_several_results_is_read(outcomes, tmp_path):
    write_results(tmp_path / "r", outcomes, model="m")
    write_results(tmp_path / "r", outcomes[:1], model="m", time=datetime(2026, 1, 2))
    assert [task.task for task in read_results(tmp_path / "r")] == ["piqa"]


def test_old_results_without_hashes_or_filters_are_read(tmp_path):
    lines = [{"doc_id": n, "doc": {}, "target": "x", "arguments": [], "resps": [], "acc": n % 2} for n in range(3)]
    (tmp_path / "samples_arc_easy_2024-01-01T00-00-00.jsonl").write_text("\n".join(map(json.dumps, lines)))
    (task,) = read_results(tmp_path)
    assert (task.task, task.filter, task.values("acc")) == ("arc_easy", "none", {0: 0, 1: 1, 2: 0})


def test_documents_are_paired_by_what_they_say_and_only_if_they_were_asked_alike(tmp_path, letters_encoder):
    def read(name, rows, **fields):
        found = score_tasks(CrcScorer(200), letters_encoder, [built(tmp_path, "arc_easy", rows, **fields)])
        shutil.rmtree(tmp_path / name, ignore_errors=True)
        write_results(tmp_path / name, found, model="m")
        (task,) = read_results(tmp_path / name)
        return task

    one, backwards = read("one", ARC), read("two", ARC[::-1][:4])
    pairs = same_documents(one, backwards)
    assert [(mine.document, theirs.document) for mine, theirs in pairs] == [(2, 3), (3, 2), (4, 1), (5, 0)]
    assert all(mine.values == theirs.values for mine, theirs in pairs)
    with pytest.raises(StudyError, match="was asked in other words by the two results"):
        same_documents(one, read("three", ARC, train=[{**ARC[0], "question": "Who?"}] * 3, shots=1))
    with pytest.raises(StudyError, match="share no document"):
        same_documents(one, read("four", [{**ARC[0], "question": "Where?"}]))


@pytest.mark.parametrize(
    ("line", "said"),
    [("{", r"a line is not JSON.*:1\)"), ('{"acc": 1}', r"no sample of lm-evaluation-harness: 'doc_id'.*:1\)")],
)
def test_a_file_that_is_none_of_the_harnesss_is_told(tmp_path, line, said):
    (tmp_path / "samples_x_2024.jsonl").write_text(line + "\n")
    with pytest.raises(StudyError, match=said):
        read_results(tmp_path)
    with pytest.raises(StudyError, match="holds no samples_"):
        read_results(tmp_path / "nowhere")
