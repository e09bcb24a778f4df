"""What a study may say of losses that go astray, and that saying nothing changes no job."""

import pytest
from pydantic import ValidationError

from titrant.plan.fingerprint import identity_of
from titrant.plan.make import make_plan
from titrant.study.faults import Faults
from titrant.study.load import open_study
from titrant.study.study import Study
from titrant.study.world import pin_study


def train_marks(study):
    return {job.fingerprint for job in make_plan(study).jobs.values() if job.kind == "train"}


@pytest.fixture
def study(write_study):
    return pin_study(open_study(write_study()))


def test_the_policy_is_identity_of_training_unless_it_is_what_was_always_done(study):
    plain = study
    declared = plain.model_copy(update={"faults": Faults(spike="skip-update")})
    written_out = plain.model_copy(update={"faults": Faults(spike="note", deviations=7)})
    assert train_marks(written_out) == train_marks(plain)
    assert not train_marks(declared) & train_marks(plain)
    job = next(job for job in make_plan(declared).jobs.values() if job.kind == "train")
    assert job.identity["faults"] == identity_of(Faults(spike="skip-update"))


def test_the_resolved_study_says_the_policy_in_full_and_loads_again(study):
    study = study.model_copy(update={"faults": Faults(non_finite="skip-update", most_skipped=3)})
    said = study.canonical()
    assert said["faults"] == {
        "non_finite": "skip-update", "spike": "note", "window": 128, "deviations": 7.0, "warmup_steps": 32,
        "most_skipped": 3,
    }  # fmt: skip
    assert Study.model_validate(said).faults == study.faults


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"spikes": "skip-update"}, "unknown key 'spikes', did you mean 'spike'?"),
        ({"spike": "skip"}, "'note', 'skip-update' or 'stop'"),
        ({"non_finite": "note"}, "'stop' or 'skip-update'"),
        ({"window": 4}, "greater than or equal to 16"),
        ({"deviations": 1}, "greater than or equal to 3"),
        ({"warmup_steps": 0}, "greater than or equal to 16"),
        ({"most_skipped": 3}, "most_skipped 3 decides nothing where no update is skipped"),
    ],
)
def test_a_policy_that_cannot_be_meant_is_refused(given, said):
    with pytest.raises(ValidationError, match=said.replace("?", r"\?")):
        Faults.model_validate(given)
