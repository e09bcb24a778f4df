"""The plan is a pure function of the study, and its identities move with what is declared and with nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from titrant.errors import StudyError
from titrant.plan import make_plan
from titrant.plan.fingerprint import canonical, fingerprint, identity_of
from titrant.plan.plan import Plan
from titrant.study.architecture import ExistingTokenizer
from titrant.study.load import load_study, open_study
from titrant.study.model_filters import Classifier
from titrant.study.origins import Installed, Repository
from titrant.study.study import Study
from titrant.study.world import pin_study

GOLDEN = Path(__file__).parents[1] / "golden" / "demo-plan.txt"


def plan_of(path: Path) -> Plan:
    return make_plan(pin_study(open_study(path)))


def fingerprints(plan: Plan, *kinds: str) -> set[str]:
    return {job.fingerprint for job in plan.jobs.values() if not kinds or job.kind in kinds}


def resolved_text(plan: Plan) -> str:
    """A plan as text a person reviews: every job with its declaration and the names of its inputs."""
    lines = []
    for job in plan.jobs.values():
        lines.append(f"{job.kind} {job.name} tokens={job.tokens} flops={job.flops:.4g} runs={','.join(job.runs)}")
        lines += [f"    {role} <- {plan.jobs[id_].kind} {plan.jobs[id_].name}" for role, id_ in job.inputs.items()]
        if job.kind == "train":
            lines.append("    " + canonical(job.identity["phase"]).decode())  # type: ignore[arg-type]
    return "\n".join(lines) + "\n"


def test_the_plan_of_the_demo_study_is_the_golden_one(write_study) -> None:
    found = resolved_text(plan_of(write_study()))
    if os.environ.get("TITRANT_GOLDEN"):
        GOLDEN.write_text(found)

    assert found == GOLDEN.read_text()


def test_equal_prefixes_of_phases_are_one_job(write_study) -> None:
    plan = plan_of(write_study())

    only, then_text = (plan.runs[f"balanced-{rest}@tiny#1"][1] for rest in ("only", ">text"))

    assert only[0] == then_text[0]
    assert only[1] != then_text[1]
    assert plan.tokens_unshared - plan.tokens_trained == 2 * plan.jobs[only[0]].tokens


def test_arms_of_equal_parts_train_on_equal_tokens(write_study) -> None:
    plan = plan_of(write_study())

    assert {sum(plan.jobs[id_].tokens for id_ in chain) for _, chain in plan.runs.values()} == {40960}


def test_a_name_is_never_identity(write_study, demo_text) -> None:
    kinds = ("documents", "split", "tokenizer", "tokens", "train", "evaluate")
    before = plan_of(write_study())
    text = demo_text.replace("balanced", "half").replace("init", "first").replace("tiny", "nano")
    text = text.replace("first: {schedule", "first: {parts: 5, schedule")

    after = plan_of(write_study(text))

    assert fingerprints(before, *kinds) == fingerprints(after, *kinds)


def test_where_the_files_lie_is_never_identity(write_study, tmp_path) -> None:
    before = plan_of(write_study())
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    for name in ("study.yaml", "prose", "code"):
        (tmp_path / name).rename(moved / name)

    assert fingerprints(before) == fingerprints(plan_of(moved / "study.yaml"))


def test_one_byte_of_a_source_changes_every_job_that_stands_on_it(write_study, tmp_path) -> None:
    path = write_study()
    before = plan_of(path)
    (tmp_path / "code" / "07.py").write_text("x = 2\n")

    after = plan_of(path)

    same = fingerprints(before) & fingerprints(after)
    assert {job.name for job in before.jobs.values() if job.fingerprint in same} == {"text"}
    assert {job.kind for job in before.jobs.values() if job.fingerprint in same} == {"documents", "split", "examples"}


def test_a_study_that_was_printed_and_loaded_again_is_the_same_work(write_study, tmp_path) -> None:
    """What `titrant plan` prints can be saved as a study, and trains nothing again."""
    plan = plan_of(write_study())
    printed = tmp_path / "printed.yaml"
    printed.write_text(yaml.safe_dump(plan.study.canonical(), sort_keys=False))
    again = plan_of(printed)
    assert again.study.canonical() == plan.study.canonical()
    assert [job.id for job in again.jobs.values()] == [job.id for job in plan.jobs.values()]


def test_key_order_changes_nothing(write_study, demo_text) -> None:
    content = yaml.safe_load(demo_text)
    for key in ("mixtures", "phases", "scales"):
        content[key] = dict(reversed(content[key].items()))
    content["mixtures"]["balanced"] = dict(reversed(content["mixtures"]["balanced"].items()))

    assert fingerprints(plan_of(write_study()), "train") == fingerprints(
        plan_of(write_study(yaml.safe_dump(content, sort_keys=False))), "train"
    )


def test_weights_are_identity_only_by_their_ratio(write_study, demo_text) -> None:
    scaled = demo_text.replace("{text: 50, code: 50}", "{text: 0.7, code: 0.7}")

    assert fingerprints(plan_of(write_study()), "train") == fingerprints(plan_of(write_study(scaled)), "train")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("learning_rate: 0.003", "learning_rate: 0.002"),
        ("tokens: 40960", "tokens: 51200"),
        ("layers: 2", "layers: 3"),
        ("precision: float32", "precision: bfloat16"),
        ("shape: cosine", "shape: linear"),
        ("vocabulary: 280", "vocabulary: 281"),
        ("hold_out_fraction: 0.1", "hold_out_fraction: 0.11"),
    ],
)
def test_what_is_declared_is_identity(write_study, demo_text, old, new) -> None:
    before, after = (fingerprints(plan_of(write_study(t)), "train") for t in (demo_text, demo_text.replace(old, new)))

    assert before != after


def test_a_new_probe_trains_nothing_again(write_study, demo_text) -> None:
    text = demo_text.replace("evaluation: {", "evaluation: {probes: [copying], ")

    before, after = (plan_of(write_study(t)) for t in (demo_text, text))

    assert fingerprints(before, "train") == fingerprints(after, "train")
    assert fingerprints(before, "evaluate") != fingerprints(after, "evaluate")


def test_a_margin_is_asked_of_findings_alone(write_study, demo_text, tmp_path) -> None:
    (tmp_path / "sums.jsonl").write_text('{"context": "1 + 1 =", "choices": [" 2", " 3"], "answer": 0}\n')
    evaluation = (
        "evaluation: {bits_per_byte: {bytes_per_source: 8kB, margin: 0.02}, probes: [{name: copying, margin: 0.05}], "
        "multiple_choice: [{name: sums, file: sums.jsonl, margin: 0.03}], "
    )
    text = demo_text.replace("evaluation: {bits_per_byte: {bytes_per_source: 8kB}, ", evaluation)
    before = plan_of(write_study(text))

    for old, new in (("margin: 0.02", "margin: 0.1"), ("margin: 0.05", "margin: 0.2"), ("margin: 0.03", "margin: 0.3")):
        after = plan_of(write_study(text.replace(old, new)))

        changed = {job.kind for job in after.jobs.values() if job.fingerprint not in fingerprints(before)}
        assert changed == {"findings", "report"}


def test_findings_are_given_every_earlier_phase_of_every_run(write_study) -> None:
    plan = plan_of(write_study())
    (findings,) = (job for job in plan.jobs.values() if job.kind == "findings")

    earlier = {role: id_ for role, id_ in findings.inputs.items() if role.startswith("earlier/")}

    assert earlier == {
        f"earlier/{run}/{index}": id_
        for run, (_, chain) in plan.runs.items()
        for index, id_ in enumerate(chain)
        if index < len(chain) - 1
    }
    assert earlier["earlier/balanced->text@tiny#1/0"] == earlier["earlier/balanced-only@tiny#1/0"]
    assert not any("text-only" in role for role in earlier)


def test_scoring_is_given_what_it_reads_and_no_more(write_study, demo_text) -> None:
    text = demo_text.replace("evaluation: {", "evaluation: {probes: [planted-facts], ").replace(
        "max_epochs: 3}", "max_epochs: 3, plant: {facts_per_rung: 32, copies: [1, 4]}}"
    )
    scoring = [job for job in plan_of(write_study(text)).jobs.values() if job.kind == "evaluate"]

    assert {role for job in scoring for role in job.inputs} == {
        *("train", "tokenizer", "tokens/text", "tokens/code", "trained/text", "trained/code")
    }
    assert any(job.identity["planted"] for job in scoring)


def test_a_new_last_source_leaves_the_others_and_their_arms_alone(write_study, demo_text, tmp_path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "a.md").write_text("# more\n")
    text = demo_text.replace("mixtures:\n", "  markup: {kind: markup, from: [{files: more}]}\nmixtures:\n")

    before, after = (plan_of(write_study(t)) for t in (demo_text, text))

    assert fingerprints(before, "train") <= fingerprints(after, "train")


def test_a_sweep_in_one_line_becomes_arms_that_are_compared_with_its_first(write_study, demo_text) -> None:
    line = "sweeps: {share: {of: code, into: text, percent: [0, 25, 100], phases: [whole]}}\n"

    study = load_study(write_study(demo_text + line)).expanded()

    assert [name for name in study.arms if name.startswith("share")] == ["share-0", "share-25", "share-100"]
    assert study.mixtures["share-25"].weights == {"text": 0.75, "code": 0.25}
    assert [(c.arm, c.control) for c in study.contrasts[-2:]] == [("share-25", "share-0"), ("share-100", "share-0")]


def test_a_sweep_does_not_compare_again_what_a_contrast_compares(write_study, demo_text) -> None:
    sweeps = "sweeps: {share: {of: code, into: text, percent: [0, 25, 50, 100], phases: [whole]}}\n"
    named = "  - {arm: share-100, control: share-0, outcomes: ['*/code']}\nbudget_parts"
    spelt = "  - {arm: half, control: text-only}\nbudget_parts"
    text = demo_text.replace("arms:\n", "arms:\n  half: [{whole: balanced}]\n") + sweeps

    for line, dropped in ((named, "share-100"), (spelt, "share-50")):
        study = load_study(write_study(text.replace("budget_parts", line))).expanded()

        swept = [c.arm for c in study.contrasts[5:]]
        assert swept == [name for name in ("share-25", "share-50", "share-100") if name != dropped]
        assert dropped in study.arms  # it is trained and scored all the same
        assert Study.model_validate(study.canonical()).expanded() == study


def test_an_additive_design_fixes_the_tokens_of_text(write_study, demo_text) -> None:
    text = demo_text.replace("  code->text: [{init: code}, {continue: mostly-text}]\n", "").replace(
        "  - {arm: code->text, control: text->text}\n", ""
    )

    plan = plan_of(write_study(text + "design: {design: additive, fixed: text}\n"))

    def text_tokens(run: str) -> float:
        phases = [plan.jobs[id_] for id_ in plan.runs[run][1]]
        return sum(j.tokens * eval(j.identity["phase"]["shares"]["text"]) for j in phases)  # type: ignore[index]

    fixed = text_tokens("text->text@tiny#1")
    for arm in ("balanced-only", "balanced->text"):
        assert abs(text_tokens(f"{arm}@tiny#1") - fixed) <= 1024
        assert sum(plan.jobs[id_].tokens for id_ in plan.runs[f"{arm}@tiny#1"][1]) > fixed


def test_an_unpinned_study_is_refused(write_study) -> None:
    with pytest.raises(StudyError, match="is not pinned"):
        make_plan(load_study(write_study()))


@pytest.mark.parametrize(
    "declared",
    [
        Installed(installed="python"),
        Classifier(model="/models/one"),
        Classifier(model="models/one"),
        Classifier(model="/models/one", revision="a" * 40),
        Repository(git="/repository", revision="main"),
    ],
)
def test_nothing_that_can_be_pinned_has_an_identity_before_it_is(declared) -> None:
    with pytest.raises(StudyError, match="is not pinned"):
        identity_of(declared)


def test_a_commit_of_the_hub_stands_for_the_content() -> None:
    one, other = (identity_of(Classifier(model=name, revision="a" * 40)) for name in ("a/one", "a/other"))
    assert one != other


def test_planning_never_imports_torch(write_study) -> None:
    code = (
        "import sys, titrant\n"
        "from titrant.study.load import open_study\n"
        "from titrant.study.world import pin_study\n"
        f"titrant.make_plan(pin_study(open_study({str(write_study())!r})))\n"
        "sys.exit(any(name in sys.modules for name in ('torch', 'transformers', 'datasets')))"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.text(max_size=3), plain, max_size=4), st.dictionaries(st.text(max_size=3), plain, max_size=4))
def test_fingerprints_differ_exactly_when_content_differs(one, other) -> None:
    same = canonical(one) == canonical(other)

    assert (fingerprint("k", 1, one, {}) == fingerprint("k", 1, other, {})) == same
    assert fingerprint("k", 1, one, {}) != fingerprint("k", 2, one, {})


def test_a_local_hub_folder_is_identified_by_its_revision_and_not_by_its_place(
    write_study, demo_text, tmp_path
) -> None:
    origin = f"{{dataset: hub, revision: {'a1' * 20}}}"
    path = write_study(demo_text.replace("{files: prose}", origin))

    def documents(study: Path) -> set[str]:
        return fingerprints(plan_of(study), "documents")

    remote = documents(path)
    (tmp_path / "hub").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "hub").mkdir()
    local = documents(path)
    (tmp_path / "elsewhere" / "study.yaml").write_text(path.read_text())
    for name in ("prose", "code"):
        (tmp_path / name).rename(tmp_path / "elsewhere" / name)

    assert local == documents(tmp_path / "elsewhere" / "study.yaml")
    assert local != remote


def test_a_tokenizer_that_is_not_pinned_is_one_sentence() -> None:
    study = load_study("quickstart")
    unpinned = study.model_copy(update={"tokenizer": ExistingTokenizer(file="tokenizer.json")})
    with pytest.raises(StudyError, match="the tokenizer's file is not pinned"):
        make_plan(unpinned)
