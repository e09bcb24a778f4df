"""Texts are drawn once, kept as they come, and become the same files whether the drawing was interrupted or not."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from code_problems import MBPP
from tiny_evaluate import WINDOW, record

from titrant.artifacts import Generations
from titrant.errors import StoreError
from titrant.evaluate.code import samples
from titrant.evaluate.code.convention import Convention
from titrant.evaluate.code.problems import Problem, as_row, problems_of
from titrant.evaluate.code.samples import draw_samples, programs_of, prompts_of, read_samples
from titrant.evaluate.encoding import Encoder
from titrant.evaluate.models import scorer_of
from titrant.jobs import GenerateJob
from titrant.study.judging import PromptSet
from titrant.study.tasks import CodeTask, Sampling

CONVENTION = Convention("{{text}}\n", ("\n\n", "def"), "")
PROBLEMS = problems_of("mbpp", MBPP, CONVENTION, "rows")
JOB = GenerateJob(
    code=(CodeTask(name="mbpp", sampling=Sampling(samples=3, temperature=0.9, top_p=0.9, max_tokens=12)),),
    judging=(PromptSet(name="dolly", sampling=Sampling(max_tokens=8), stop=("\n",)),),
)


class Told:
    """Progress that is remembered."""

    def __init__(self, dies_at: int | None = None) -> None:
        self.dies_at = dies_at
        self.told: list[tuple[int, int, str]] = []

    def __call__(self, done: int, total: int, unit: str, note: str = "") -> None:
        self.told.append((done, total, note))
        if done == self.dies_at:
            raise KeyboardInterrupt


@pytest.fixture
def opened(model: Any) -> SimpleNamespace:
    return SimpleNamespace(
        model=model,
        scorer=scorer_of(model, WINDOW),
        window=WINDOW,
        device=torch.device("cpu"),
        attends_plainly=model.attends_plainly,
    )


@pytest.fixture
def benchmarks(tmp_path: Path) -> Path:
    folder = tmp_path / "benchmarks"
    for name in ("problems", "prompts"):
        (folder / name).mkdir(parents=True)
    (folder / "problems" / "mbpp.jsonl").write_text("".join(json.dumps(as_row(p)) + "\n" for p in PROBLEMS))
    texts = {"instruction": "Say\u2028it.", "context": "", "response": ""}
    rows = [{"id": str(n), **texts, "prompt": f"{texts['instruction']} {n}\n\n"} for n in range(2)]
    (folder / "prompts" / "dolly.jsonl").write_bytes(b"".join(json.dumps(r).encode() + b"\n" for r in rows))
    return folder


def outputs(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def draw(
    opened: Any, encoder: Encoder, benchmarks: Path, out: Path, scratch: Path | None, told: Told
) -> tuple[Generations, dict[str, bytes]]:
    out.mkdir(exist_ok=True)
    made = draw_samples(opened, encoder, prompts_of(JOB, benchmarks), out, scratch=scratch, progress=told)
    return made, outputs(out)


def test_all_that_is_asked_is_drawn_and_counted(
    opened: Any, encoder: Encoder, benchmarks: Path, tmp_path: Path
) -> None:
    told = Told()
    made, _ = draw(opened, encoder, benchmarks, tmp_path / "out", None, told)
    assert made.items == {"code/mbpp": 3, "judge/dolly": 2}
    assert made.samples == {"code/mbpp": 3, "judge/dolly": 1}
    rows = [json.loads(line) for line in (tmp_path / "out" / "samples.jsonl").read_bytes().split(b"\n") if line]
    places = [(row["outcome"], row["item"], row["sample"]) for row in rows]
    assert places == [("code/mbpp", p.item, s) for p in PROBLEMS for s in range(3)] + [
        ("judge/dolly", str(n), 0) for n in range(2)
    ]
    assert made.tokens == {
        outcome: sum(row["tokens"] for row in rows if row["outcome"] == outcome) for outcome in made.items
    }
    assert not any(stop in row["text"] for row in rows[:9] for stop in CONVENTION.stop)
    assert len({row["text"] for row in rows[:3]}) > 1, "samples of one problem are drawn apart"
    asked = [json.loads(line) for line in (tmp_path / "out" / "prompts.jsonl").read_bytes().split(b"\n") if line]
    assert [row["prompt"] for row in asked[:3]] == [problem.prompt for problem in PROBLEMS]
    assert asked[3]["prompt"] == "Say\u2028it. 0\n\n"
    assert all(row["cut"] == 0 for row in rows), "no prompt is too long for the window here"
    assert told.told[-1] == (5, 5, "judge/dolly")


@pytest.mark.parametrize("dies_at", [1, 2, 4])
def test_after_an_interruption_only_the_rest_is_drawn_and_the_bytes_are_the_same(
    dies_at: int, opened: Any, encoder: Encoder, benchmarks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, whole = draw(opened, encoder, benchmarks, tmp_path / "whole", None, Told())
    scratch = tmp_path / "scratch"
    with pytest.raises(KeyboardInterrupt):
        draw(opened, encoder, benchmarks, tmp_path / "cut", scratch, Told(dies_at))
    with (scratch / "samples.jsonl").open("ab") as journal:
        journal.write(b'{"key": "torn')
    drawn: list[str] = []
    true = samples.generate

    def counted(model: Any, encoder: Encoder, prompts: Any, *rest: Any) -> Any:
        drawn.extend(prompt.id for prompt in prompts)
        return true(model, encoder, prompts, *rest)

    monkeypatch.setattr(samples, "generate", counted)
    _, resumed = draw(opened, encoder, benchmarks, tmp_path / "cut", scratch, Told())
    assert resumed == whole
    assert len(drawn) == 5 - dies_at


def test_samples_become_programs_and_what_is_missing_is_said(
    opened: Any, encoder: Encoder, benchmarks: Path, tmp_path: Path
) -> None:
    made, _ = draw(opened, encoder, benchmarks, tmp_path / "out", None, Told())
    record(tmp_path / "out", Generations.kind, made)
    found = read_samples(tmp_path / "out")
    programs = programs_of(PROBLEMS, found, "code/mbpp", tmp_path / "out")
    assert [len(texts) for texts in programs.values()] == [3, 3, 3]
    before = Problem(**vars(PROBLEMS[0]) | {"before": "import math\n"})
    assert programs_of([before], found, "code/mbpp", tmp_path)[before.item][0] == (
        "import math\n" + programs[before.item][0]
    )
    with pytest.raises(StoreError, match="no samples of 3 problems of 'code/other', such as 'Mbpp/11'"):
        programs_of(PROBLEMS, found, "code/other", tmp_path / "out")


@pytest.mark.parametrize("content", [b"{", b'{"outcome": "a"}', b"[]"])
def test_samples_that_cannot_be_read_are_a_damaged_store(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "samples.jsonl").write_bytes(content)
    with pytest.raises(StoreError, match="does not hold samples"):
        read_samples(tmp_path)


def test_a_sample_out_of_its_place_is_a_damaged_store(tmp_path: Path) -> None:
    row = {"outcome": "code/mbpp", "item": "Mbpp/11", "sample": 1, "text": "", "tokens": 0, "ended": "stop"}
    (tmp_path / "samples.jsonl").write_text(json.dumps(row))
    with pytest.raises(StoreError, match="sample 1 of 'Mbpp/11' stands where 0 is due"):
        read_samples(tmp_path)
