"""`titrant evaluate`: whatever is scored against a study is asked the same texts, as the study asks its own runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml
from cli_small import ended, process, small
from cli_small import titrant as titrant

from titrant.artifacts import QuestionList, Scores

pytestmark = pytest.mark.slow

RUN = "both@tiny#1"


def code(number: int) -> str:
    return "".join(f"def f{number}_{n}(a, b):\n    return a * {number * 7 + n} + b * {n}\n" for n in range(8))


def leaking(content: dict[str, Any]) -> None:
    """Two sources of programs of which many differ in comments alone, which are taken out; one of the two is scored."""
    sources = {
        name: {"kind": "code", "from": [{"files": name}], "transform": "strip-comments", "max_epochs": 99}
        for name in ("left", "right")
    }
    content["sources"] = {"text": {"kind": "text", "from": [{"files": "prose"}], "max_epochs": 99}, **sources}
    content["mixtures"] = {"text": {"text": 1}, "both": {"text": 20, "left": 80}}
    content["arms"] = {"text": [{"whole": "text"}], "both": [{"whole": "both"}]}
    content["contrasts"] = [{"arm": "both", "control": "text"}]
    content["tokenizer"] |= {"mixture": "both", "training_bytes": "20kB"}
    content["evaluation"]["bits_per_byte"] = {"sources": ["right", "text"], "bytes_per_source": "100kB"}
    content["hold_out_fraction"] = 0.3


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the study ran, with an export of one of its runs."""
    folder = tmp_path_factory.mktemp("alike")
    study = small(folder, leaking)
    for name, shift in (("left", 0), ("right", 200)):
        (folder / name).mkdir()
        for number in range(120):
            body = code(number if number < 80 else number + shift)
            (folder / name / f"{number:02}.py").write_text(f"# {name} {number}\n{body}")
    for arguments in (("run", study, "--workers", "1"), ("export", RUN, folder / "model")):
        status, _, err = ended(process(*arguments, "--store", folder / "store"))
        assert status == 0, err
    return folder


def table(titrant: Any, ran: Path, study: str, named: object) -> tuple[list[str], str]:
    """The lines of the scores, and all that was printed."""
    status, out, err = titrant("evaluate", ran / study, named, "--store", ran / "store")
    assert status == 0, err
    return re.findall(r"^bits_per_byte/.*\S", out, re.MULTILINE), out


def test_an_export_is_asked_exactly_what_its_run_was_asked_though_held_out_texts_are_trained_on(
    titrant: Any, ran: Path
) -> None:
    (gate,) = (ran / "store/questions").iterdir()
    assert QuestionList.read(gate).trained_on["right"]["left"] > 3  # the case that this test is about
    (own,) = (ran / "store/evaluate").glob("both*")

    printed = [table(titrant, ran, "study.yaml", named)[0] for named in (RUN, ran / "model", f"demo/{RUN}")]

    assert len(printed[0]) == 2
    assert printed[1:] == [printed[0]] * 2
    columns = [
        pq.read_table(folder / "items.parquet", columns=["outcome", "item", "weight"]).to_pylist()
        for folder in (own, ran / "store/studies/demo/outside/model")
    ]
    assert columns[0] == columns[1]
    assert len(columns[0]) == sum(Scores.read(own).items.values())


def test_all_that_is_scored_against_a_study_has_its_context_and_is_told_of_a_shorter_one(
    titrant: Any, ran: Path
) -> None:
    content = yaml.safe_load((ran / "study.yaml").read_text()) | {"study": "short"}
    content["scales"]["tiny"] |= {"sequence_length": 16}
    (ran / "short.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    status, _, err = ended(process("run", ran / "short.yaml", "--workers", "1", "--store", ran / "store"))
    assert status == 0, err

    folder, said = table(titrant, ran, "short.yaml", ran / "model")
    run, said_of_run = table(titrant, ran, "short.yaml", f"demo/{RUN}")

    assert folder == run != table(titrant, ran, "study.yaml", f"demo/{RUN}")[0]
    for printed in (said, said_of_run):
        assert "context: 16 tokens, as the study's runs\nend of text: token 0, the study's\n" in printed
    assert "context: 16 tokens, as it was trained" in table(titrant, ran, "short.yaml", RUN)[1]
    _, said = table(titrant, ran, "study.yaml", f"short/{RUN}")
    assert "context: 16 tokens, all that this model has, where the study's runs have 64" in said
