"""A run whose loss spiked or whose updates were skipped is named on the page, and a loss that is no number is not drawn."""

from __future__ import annotations

import json
import math
import re

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from stored_artifacts import store

from titrant.artifacts import read_record
from titrant.report import write_report
from titrant.report.markdown import markdown_text


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    stored = store(tmp_path_factory.mktemp("store"))
    folder = stored.inputs[f"train/{stored.job.phases[0].id}"]
    record = read_record(folder)
    told = {**record.summary, "spikes": [2, 3, *range(5, 20)], "skipped": [3]}
    (folder / "record.json").write_text(record.model_copy(update={"summary": told}).model_dump_json())
    curve = pq.read_table(folder / "curve.parquet")
    losses = curve["loss"].to_pylist()
    losses[0] = math.nan
    place = curve.column_names.index("loss")
    pq.write_table(curve.set_column(place, "loss", pa.array(losses, pa.float32())), folder / "curve.parquet")
    out = tmp_path_factory.mktemp("built") / "out"
    out.mkdir()
    write_report(stored.job, stored.inputs, out, scratch=out, progress=lambda *a, **k: None)
    found = {name: (out / name).read_text(encoding="utf-8") for name in ("report.html", "report.md", "report.json")}
    return {**found, "phase": stored.job.phases[0].phase, "run": stored.job.phases[0].run.id}


def test_page_and_text_name_run_phase_and_steps_once(built: dict[str, str]) -> None:
    words = "the loss spiked at steps 2, 3, 5, 6, 7, 8, 9, 10, 11, 12 and 7 more; the update was skipped at step 3."
    assert built["report.html"].count(words) == 1
    assert built["report.md"].count(markdown_text(words)) == 1
    assert markdown_text(f"{built['run']}, phase {built['phase']} of ") in built["report.md"]


def test_the_json_has_every_step(built: dict[str, str]) -> None:
    runs = json.loads(built["report.json"])["runs"]
    first = next(run for run in runs if run["run"] == built["run"])["phases"][0]
    assert (len(first["spikes"]), first["skipped"]) == (17, [3])
    assert sum(bool(phase["spikes"]) for run in runs for phase in run["phases"]) == sum(
        phase["job"] == first["job"] for run in runs for phase in run["phases"]
    )


def test_a_loss_that_is_no_number_is_left_out_of_the_drawing(built: dict[str, str]) -> None:
    charts = re.search(
        r'<script type="application/json" id="charts[^>]*>(.*?)</script>', built["report.html"], re.DOTALL
    )
    assert charts is not None
    constants: list[str] = []
    assert json.loads(charts[1], parse_constant=constants.append)
    assert constants == []
