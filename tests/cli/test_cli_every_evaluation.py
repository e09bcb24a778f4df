"""Tasks, problems and judged answers from one study, end to end; and of one model alone, with no study."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from cli_small import ended, process, small
from cli_small import titrant as titrant

from scripted_endpoint import Answer, ScriptedEndpoint, completion, scripted_endpoint
from titrant.artifacts import CodeScores, Generations, Items, Judgements, Scores

pytestmark = pytest.mark.slow

RUN = "balanced->text@tiny#1"
PIQA = [
    {"goal": f"cross river number {n}", "sol1": "take the old bridge", "sol2": f"take stone {n}", "label": n % 2}
    for n in range(12)
]
PROBLEMS = [
    {
        "task_id": f"HumanEval/{n}",
        "prompt": f'def add{n}(x: int) -> int:\n    """ x and {n}. """\n',
        "entry_point": f"add{n}",
        "canonical_solution": f"    return x + {n}\n",
        "test": f"def check(candidate):\n    assert candidate(1) == {n + 1}\n",
    }
    for n in range(3)
]
PROMPTS = [{"instruction": f"Say how the mill number {n} turns.", "context": "", "response": ""} for n in range(6)]


def longer(number: int, body: dict[str, Any]) -> Answer:
    """A judge that likes whatever stands first."""
    return Answer(completion("Both try.\n\nVerdict: A"))


def lines(rows: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


@pytest.fixture(scope="module")
def endpoint() -> Iterator[ScriptedEndpoint]:
    with scripted_endpoint(longer) as endpoint:
        yield endpoint


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory, endpoint: ScriptedEndpoint) -> Path:
    """A folder in which a study that asks for everything ran: `study.yaml`, `store` and `cache`."""
    folder = tmp_path_factory.mktemp("everything")
    for name, rows in (("piqa", PIQA), ("humaneval", PROBLEMS), ("prompts", PROMPTS)):
        (folder / f"{name}.jsonl").write_text(lines(rows))

    def everything(content: dict[str, Any]) -> None:
        scale = content["scales"]["tiny"]
        scale |= {"sequence_length": 256, "global_batch_tokens": 2048, "tokens": 20480}
        sampling = {"samples": 2, "temperature": 0.8, "max_tokens": 12}
        content["evaluation"] |= {
            "tasks": [{"name": "piqa", "data": {"files": "piqa.jsonl"}}],
            "code": [{"name": "humaneval", "data": {"files": "humaneval.jsonl"}, "sampling": sampling, "k": [1, 2]}],
            "judging": {
                "prompts": {"files": "prompts.jsonl"},
                "sampling": {"max_tokens": 8},
                "judges": [{"model": "scripted", "endpoint": endpoint.url, "price_input": 1, "price_output": 1}],
                "most_cost": 1,
            },
        }

    study = small(folder, everything)
    started = process("run", study, "--store", folder / "store", "--workers", "1", TITRANT_CACHE=str(folder / "cache"))
    status, out, err = ended(started)
    assert status == 0, out + err
    return folder


def only(folder: Path, kind: str, name: str = "*") -> list[Path]:
    return sorted((folder / "store" / kind).glob(name))


def test_every_item_of_a_task_is_scored_at_every_end(ran: Path) -> None:
    scores = [Scores.read(path) for path in only(ran, "evaluate")]
    asked = [found for found in scores if "task/piqa" in found.scores]
    assert len(asked) == 2
    assert all(found.items["task/piqa"] == 12 and found.chance["task/piqa"] == 0.5 for found in asked)
    table = pq.read_table(only(ran, "evaluate", "balanced-to-text.continue*")[0] / "items.parquet").to_pylist()
    rows = [row for row in table if row["outcome"] == "task/piqa"]
    assert {(row["predicted"], row["answer"]) for row in rows} == {(-1, -1)}  # no two items have the same choices
    assert all(row["gold_nats"] > 0 and 0 < row["right_probability"] < 1 for row in rows)
    assert all(row["value"] in (0, 1) for row in rows)


def test_texts_are_written_run_and_judged(ran: Path, endpoint: ScriptedEndpoint) -> None:
    written = [Generations.read(path) for path in only(ran, "generate")]
    assert [found.items for found in written] == [{"code/humaneval": 3, "judge/dolly": 6}] * 2
    tried = [CodeScores.read(path) for path in only(ran, "code")]
    assert len(tried) == 2
    assert all(sum(found.verdicts["code/humaneval"].values()) == 6 for found in tried)
    (judged,) = (Judgements.read(path) for path in only(ran, "judge"))
    assert (judged.outcome, judged.items, judged.unusable) == ("judge/dolly", 6, {"scripted": 0.0})
    assert 0 < endpoint.num_requests <= 12
    assert judged.cost["scripted"] == pytest.approx(endpoint.num_requests * 12e-6)


def test_the_page_tells_of_all_of_it(ran: Path) -> None:
    report = json.loads(next((ran / "store/studies").glob("*/report.json")).read_bytes())
    outcomes = {finding["outcome"] for finding in report["findings"]}
    assert {"task/piqa", "code/humaneval", "judge/dolly"} <= outcomes
    (judged,) = [finding for finding in report["findings"] if finding["outcome"] == "judge/dolly"]
    assert judged["difference"] == 0  # the first place always wins, so every pair is a tie
    page = next((ran / "store/studies").glob("*/report.html")).read_text()
    assert "Data of humaneval" in page  # and where they came from
    assert all(f"<h2{end}" in page or end in page for end in ("Judged", "Code that was run", "Signal and noise"))


def test_sources_are_searched_for_everything_that_is_asked(ran: Path) -> None:
    (items,) = (Items.read(path) for path in only(ran, "items"))
    assert items.items == {"task/piqa": 12, "code/humaneval": 3, "judge/dolly": 6}


def test_run_again_there_is_nothing_to_do_and_nothing_is_paid(ran: Path, endpoint: ScriptedEndpoint) -> None:
    paid = endpoint.num_requests
    for path in only(ran, "judge"):
        shutil.rmtree(path)
    again = process("run", ran / "study.yaml", "--store", ran / "store", TITRANT_CACHE=str(ran / "cache"))
    status, out, err = ended(again)
    assert status == 0, out + err
    assert "generate/" not in err
    assert len(only(ran, "judge")) == 1
    assert endpoint.num_requests == paid


def test_one_model_alone_is_asked_with_no_study(titrant: Any, ran: Path, tmp_path: Path) -> None:
    ended(process("export", RUN, tmp_path / "model", "--store", ran / "store"))
    asked = ("--task", "piqa", "--task", "humaneval", "--store", tmp_path / "store")
    data = [f"--data={name}={ran / name}.jsonl" for name in ("piqa", "humaneval")]
    status, out, err = titrant("evaluate", tmp_path / "model", *asked, *data, "--items", "5")
    assert status == 0, err
    shown = {line.split()[0]: line.split()[1:] for line in out.splitlines() if line.startswith(("piqa", "humaneval"))}
    assert shown["piqa"][0] == "acc_norm"
    assert shown["humaneval"][0] == "pass@1"
    (scores,) = (Scores.read(path) for path in (tmp_path / "store/evaluate").iterdir())
    assert scores.items == {"task/piqa": 5}
    results = next((tmp_path / "store/evaluate").glob("*/lm-eval/results_*.json"))
    assert json.loads(results.read_bytes())["results"]["piqa"]["acc_norm,none"] == pytest.approx(
        scores.scores["task/piqa"]
    )
    stamp = (tmp_path / "store/evaluate").stat().st_mtime_ns
    status, again, _ = titrant("evaluate", tmp_path / "model", *asked, *data, "--items", "5")
    assert (status, again) == (0, out)
    assert (tmp_path / "store/evaluate").stat().st_mtime_ns == stamp


def test_a_run_of_the_store_is_asked_as_its_export_is(titrant: Any, ran: Path, tmp_path: Path) -> None:
    shutil.copytree(ran / "store", tmp_path / "store")
    ended(process("export", RUN, tmp_path / "model", "--store", ran / "store"))
    data = f"--data=piqa={ran / 'piqa'}.jsonl"
    tables = []
    for model in (tmp_path / "model", RUN):
        status, out, err = titrant("evaluate", model, "--task", "piqa", data, "--store", tmp_path / "store")
        assert status == 0, err
        tables.append(next(line for line in out.splitlines() if line.startswith("piqa")))
    assert tables[0] == tables[1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("model", "--suite", "everything"), "there is no suite 'everything'"),
        (("model", "--suite", "judge"), "judged answers compare the two arms of a contrast"),
        (("model", "--task", "piqa", "--data", "piqa=gone.jsonl"), "--data 'piqa=gone.jsonl': write NAME=FILE"),
        (("nowhere", "--task", "piqa"), "'nowhere' is neither a folder nor a run"),
        (("study.yaml", "model", "--task", "piqa"), "--suite and --task ask one model and no study"),
        (("model",), "give STUDY and MODEL"),
    ],
)
def test_mistakes_on_the_command_line_are_one_sentence(titrant: Any, arguments: tuple[str, ...], said: str) -> None:
    Path("model").mkdir()
    status, _, err = titrant("evaluate", *arguments, "--store", "store")
    assert status == 2
    assert said in err
