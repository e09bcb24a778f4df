"""`titrant run --ranks 2`: a study whose phases train in two processes each, from its file to its page."""

import json

import pytest
from cli_small import small, titrant  # noqa: F401

from titrant.artifacts import Checkpoint


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_study_trains_each_phase_in_two_processes_and_reports_as_with_one(tmp_path, titrant, monkeypatch):  # noqa: F811
    monkeypatch.delenv("TITRANT_RANKS", raising=False)

    def one_arm_less(content):
        content["arms"] = {"balanced": [{"init": "balanced"}], "text": [{"init": "text"}]}
        content["contrasts"] = [{"arm": "balanced", "control": "text"}]
        content["evaluation"]["checks_per_phase"] = 0

    study = small(tmp_path, one_arm_less)
    reports = {}
    for count in (1, 2):
        store = tmp_path / f"store{count}"
        monkeypatch.setenv("TITRANT_RANKS", str(count))
        status, _, err = titrant("run", study, "--store", store, "--ranks", count, "--workers", 2)
        assert status == 0, err
        trained = [Checkpoint.read(folder.parent) for folder in store.glob("train/*/record.json")]
        assert [checkpoint.processes for checkpoint in trained] == [(count,), (count,)]
        reports[count] = json.loads((store / "studies/demo/report.json").read_text())
    one, two = (reports[count]["findings"] for count in (1, 2))
    assert len(one) == len(two) > 0
    for ours, theirs in zip(one, two, strict=True):
        assert ours["outcome"] == theirs["outcome"]
        assert ours["difference"] == pytest.approx(theirs["difference"], abs=1e-4)


def test_a_number_of_processes_below_one_is_refused(tmp_path, titrant):  # noqa: F811
    status, _, err = titrant("run", small(tmp_path), "--store", tmp_path / "store", "--ranks", 0)
    assert status == 2
    assert "--ranks" in err
    assert not (tmp_path / "store").exists()


def test_a_number_of_processes_that_is_a_word_is_refused_in_words(tmp_path, titrant):  # noqa: F811
    status, _, err = titrant("run", small(tmp_path), "--store", tmp_path / "store", "--ranks", "abc")
    assert status == 2
    assert "Invalid value for '--ranks': 'abc' is not a whole number, such as 1 or 8" in err
