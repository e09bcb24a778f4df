"""What makes two runs of a contrast less comparable stands as a flag beside the finding; what does not, raises none."""

from __future__ import annotations

import json

import numpy as np
import pytest
from analyze_studies import make_study, text, write_checkpoint

from titrant.errors import StoreError

OUTCOME = "bits_per_byte/text"
BYTES = np.random.default_rng(1).integers(200, 4000, 40)
MADE = {
    "commit": "a" * 40,
    "threads": "1",
    "machine": {"processor": "x86", "gpus": 1, "gpu": "A100", "cuda": "12.4", "host": "here"},
    "packages": {"torch": "2.11", "numpy": "2.0"},
}


def a_study(tmp_path):
    def cell(arm, seed, outcome):
        draws = np.random.default_rng([seed, len(arm)])
        return text(2 + draws.normal(0, 0.1, 40), BYTES)

    return make_study(tmp_path, cell, outcomes=(OUTCOME,), seeds=(0, 1))


def flags(made):
    return made.find()["findings"][0]["flags"]


def write_made(folder, **changes):
    """`made.json` beside an artifact; a change to None takes the key away."""
    content = {key: value for key, value in {**MADE, **changes}.items() if value is not None}
    (folder / "made.json").write_text(json.dumps(content))


def machine(**changes):
    return {"machine": {key: value for key, value in {**MADE["machine"], **changes}.items() if value is not None}}


def everywhere(made):
    """`made.json` beside every artifact of the study."""
    for folder in made.inputs.values():
        write_made(folder)
    return made


def trained_in_two_phases(made, run, *, first=None, **facts):
    """The run as two phases of 500 tokens; `first` is what made.json says of the first one."""
    folder = made.root / "first" / run
    write_checkpoint(folder, tokens=500, total_tokens=500, **facts)
    write_made(folder, **(first or {}))
    made.inputs[f"earlier/{run}/0"] = folder
    write_checkpoint(made.inputs[f"train/{run}"], tokens=500, previous=True)
    return folder


def test_runs_made_alike_carry_no_flag(tmp_path):
    made = everywhere(a_study(tmp_path))
    write_made(made.inputs["train/arm@nano#0"], **machine(host="elsewhere"), seconds=3.0)
    assert flags(made) == []


@pytest.mark.parametrize("kind", ["train", "evaluate"])
@pytest.mark.parametrize(
    ("changes", "flag"),
    [
        ({"commit": "b" * 40}, "made by different versions of the code"),
        ({"threads": "2"}, "threads differ"),
        (machine(gpu="H100"), "hardware differs: GPU model"),
        (machine(processor="arm"), "hardware differs: processor"),
        (machine(cuda="12.8"), "package versions differ: CUDA (USE)"),
        ({"packages": {"torch": "2.12", "numpy": "2.0"}}, "package versions differ: torch (USE)"),
        ({"packages": {"torch": "2.11"}}, "not known for one side: numpy (USE)"),
        ({"commit": None}, "not known for one side: commit (USE)"),
        ({"threads": None}, "not known for one side: threads (USE)"),
        (machine(gpu=None, cuda=None), "not known for one side: CUDA (USE), GPU model (USE)"),
        (
            {"machine": None, "packages": None},
            "not known for one side: CUDA (USE), GPU model (USE), GPUs (USE), numpy (USE) and 2 more",
        ),
    ],
)
def test_what_two_runs_were_made_by_is_compared(tmp_path, kind, changes, flag):
    made = everywhere(a_study(tmp_path))
    for seed in (0, 1):
        write_made(made.inputs[f"{kind}/arm@nano#{seed}"], **changes)
    assert flags(made) == [flag.replace("USE", "training" if kind == "train" else "scoring")]


def test_a_record_of_one_side_alone_is_not_passed_over(tmp_path):
    made = everywhere(a_study(tmp_path))
    (made.inputs["train/arm@nano#1"] / "made.json").unlink()
    (made.inputs["evaluate/control@nano#1"] / "made.json").write_text("[]")
    assert flags(made) == ["not known for one side: made.json (scoring), made.json (training)"]


def test_a_commit_that_could_not_be_read_is_not_known(tmp_path):
    made = everywhere(a_study(tmp_path))
    (made.inputs["train/arm@nano#1"] / "made.json").write_text(json.dumps({**MADE, "commit": None}))
    assert flags(made) == ["not known for one side: commit (training)"]


# --- every phase -------------------------------------------------------------------------------------------------


def test_an_earlier_phase_made_by_other_code_is_flagged(tmp_path):
    made = everywhere(a_study(tmp_path))
    for run in ("arm@nano#0", "control@nano#0", "arm@nano#1", "control@nano#1"):
        trained_in_two_phases(made, run, first={"commit": "b" * 40} if run == "arm@nano#1" else None)
    assert flags(made) == ["made by different versions of the code"]


def test_a_trunk_trained_long_ago_and_shared_by_both_runs_raises_no_flag(tmp_path):
    made = everywhere(a_study(tmp_path))
    for seed in (0, 1):
        old = {"commit": "b" * 40, "packages": {"torch": "2.10", "numpy": "2.0"}}
        trunk = trained_in_two_phases(made, f"control@nano#{seed}", first=old)
        trained_in_two_phases(made, f"arm@nano#{seed}")
        made.inputs[f"earlier/arm@nano#{seed}/0"] = trunk
    assert flags(made) == []


def test_one_phase_is_held_against_the_two_that_trained_the_same_stretch(tmp_path):
    made = everywhere(a_study(tmp_path))
    for seed in (0, 1):
        trained_in_two_phases(made, f"arm@nano#{seed}")
    assert flags(made) == []
    write_made(made.inputs["earlier/arm@nano#1/0"], packages={"torch": "2.10", "numpy": "2.0"})
    assert made.find("again")["findings"][0]["flags"] == ["package versions differ: torch (training)"]


def test_phases_of_the_same_stretch_are_compared_and_no_others(tmp_path):
    """Both runs changed from one version to the next after half of their tokens."""
    made = everywhere(a_study(tmp_path))
    for run in ("arm@nano#0", "control@nano#0", "arm@nano#1", "control@nano#1"):
        trained_in_two_phases(made, run, first={"commit": "b" * 40})
    assert flags(made) == []


def test_a_run_whose_earlier_phases_were_not_given_says_so(tmp_path):
    made = everywhere(a_study(tmp_path))
    write_checkpoint(made.inputs["train/arm@nano#0"], tokens=500, previous=True)
    assert flags(made) == ["earlier phases not compared"]


def test_a_contrast_in_which_a_run_skipped_updates_says_so(tmp_path):
    made = everywhere(a_study(tmp_path))
    write_checkpoint(made.inputs["train/arm@nano#0"], skipped=(3, 4))
    write_checkpoint(made.inputs["train/arm@nano#1"], skipped=(7,))
    assert flags(made) == ["updates were skipped: 3 against 0"]


def test_updates_skipped_in_an_earlier_phase_or_on_both_sides_are_told_too(tmp_path):
    made = everywhere(a_study(tmp_path))
    for run in ("arm@nano#0", "control@nano#0", "arm@nano#1", "control@nano#1"):
        trained_in_two_phases(made, run, skipped=(5,))
    assert flags(made) == ["updates were skipped: 2 against 2"]


def test_a_gap_in_the_chain_of_phases_is_named(tmp_path):
    made = everywhere(a_study(tmp_path))
    made.inputs["earlier/arm@nano#0/1"] = trained_in_two_phases(made, "arm@nano#0")
    del made.inputs["earlier/arm@nano#0/0"]
    with pytest.raises(StoreError, match="'earlier/arm@nano#0/0', which they were not given"):
        made.out()


# --- epochs ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arm", "control", "expected"),
    [
        ({"text": 0.4}, {"text": 0.9}, []),
        ({"text": 1.0}, {"text": 0.1}, []),
        ({"text": 2.4}, {"text": 0.8}, ["epochs of text differ: 2.40 against 0.80"]),
        ({"text": 0.8}, {"text": 1.25}, ["epochs of text differ: 0.80 against 1.25"]),
        ({"text": 3.0}, {"text": 2.1}, []),
        ({"text": 3.2}, {"text": 2.1}, ["epochs of text differ: 3.20 against 2.10"]),
        ({"text": 0.5, "code": 4.0}, {"text": 0.9}, []),
    ],
)
def test_a_source_that_one_side_repeats_more_is_flagged(tmp_path, arm, control, expected):
    made = a_study(tmp_path)
    for seed in (0, 1):
        write_checkpoint(made.inputs[f"train/arm@nano#{seed}"], epochs=arm)
        write_checkpoint(made.inputs[f"train/control@nano#{seed}"], epochs=control)
    assert flags(made) == expected


def test_a_source_repeated_in_an_earlier_phase_alone_is_flagged(tmp_path):
    made = everywhere(a_study(tmp_path))
    for run in ("arm@nano#0", "control@nano#0", "arm@nano#1", "control@nano#1"):
        trained_in_two_phases(made, run, epochs={"text": 2.0 if run.startswith("arm") else 0.5})
    assert flags(made) == ["epochs of text differ: 2.00 against 0.50"]
