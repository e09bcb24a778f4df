"""The ladder: every rung obeys the rule that it names, and a study may override each field of it."""

from __future__ import annotations

from math import log10

import pytest
import yaml
from pydantic import ValidationError

from demo_study import DEMO, lay_out_study
from titrant.errors import StudyError
from titrant.plan.fingerprint import canonical, identity_of
from titrant.study.architecture import OutsideArchitecture
from titrant.study.ladder import Scale
from titrant.study.load import load_study, open_study
from titrant.study.rungs import RUNGS, compute_optimal, rate_by_compute
from titrant.study.study import Study

SMALL = """\
  tiny:
    architecture: {layers: 2, width: 32, heads: 2, ffn_width: 64}
    tokens: 40960
    sequence_length: 64
    global_batch_tokens: 1024
    learning_rate: 0.003
    precision: float32
"""


def with_scales(tmp_path, scales: str) -> Study:
    return load_study(lay_out_study(tmp_path, DEMO.replace(f"scales:\n{SMALL}", scales)))


def problems_of(tmp_path, scales: str) -> list[str]:
    with pytest.raises(StudyError) as caught:
        with_scales(tmp_path, scales)
    return [str(problem).replace(str(tmp_path), "") for problem in caught.value.problems]


@pytest.mark.parametrize("name", RUNGS)
def test_every_rung_obeys_the_rule_that_it_names(name):
    rung = RUNGS[name]
    rate, batch, tokens = compute_optimal(rung.non_embedding_parameters)
    if rung.rule == "compute-optimal":
        assert rung.learning_rate == pytest.approx(rate, rel=0.03)
        assert rung.global_batch_tokens == pytest.approx(batch, rel=0.04)
        assert rung.tokens == pytest.approx(tokens, rel=0.02)
    elif rung.rule == "reference":
        assert (rung.sequence_length, rung.global_batch_tokens, rung.tokens) == (8192, 4_194_304, 440 * 10**9)
        assert rung.learning_rate == pytest.approx(rate_by_compute(rung), rel=0.02)
    else:
        assert (rung.learning_rate, rung.global_batch_tokens, rung.tokens) == (0.003, 2048, 300_000)


def test_the_rules_give_what_their_sources_give():
    assert compute_optimal(108e6) == (0.0047, 160 * 2048, 2.16e9)  # the point that the rule is written around
    rate, batch, _ = compute_optimal(8 * 108e6)
    assert (rate, batch) == (pytest.approx(0.00235), pytest.approx(640 * 2048))
    # 6 x 2.14B + 12 x 27 x 2560 x 8192 = 1.96e10 a token; 0.3118 x (8.64e21)^-0.125 by hand
    assert rate_by_compute(RUNGS["2.8b"]) == pytest.approx(0.3118 * 10 ** (-0.125 * (log10(8.643) + 21)), rel=1e-3)


@pytest.mark.parametrize("name", ["70m", "160m", "470m", "1.4b", "2.8b"])
def test_a_rung_is_named_by_its_total_at_the_stated_vocabulary(name):
    said = float(name[:-1]) * {"m": 1e6, "b": 1e9}[name[-1]]
    assert RUNGS[name].parameters == pytest.approx(said, rel=0.03)


def test_rungs_climb_and_can_be_trained():
    sizes = [rung.non_embedding_parameters for rung in RUNGS.values()]
    assert sizes == sorted(sizes)
    assert RUNGS["micro"].non_embedding_parameters == pytest.approx(5e6, rel=0.05)
    assert RUNGS["mini"].non_embedding_parameters == pytest.approx(14e6, rel=0.05)
    for name, rung in RUNGS.items():
        scale = Scale.model_validate({"rung": name})  # batch divides by length, heads divide width
        assert scale.architecture == rung.architecture
        assert rung.global_batch_tokens % (8 * rung.sequence_length) == 0
        assert rung.architecture.width // rung.architecture.heads in (64, 128)


def test_a_rung_fills_in_what_is_not_given_and_its_name_is_not_identity(tmp_path):
    scale = with_scales(tmp_path, "scales: {small: {rung: nano}}\n").scales["small"]
    written = Scale(
        architecture={"layers": 3, "width": 192, "heads": 3, "ffn_width": 512},
        tokens=300_000,
        sequence_length=256,
        global_batch_tokens=2048,
        learning_rate=0.003,
    )
    assert canonical(identity_of(scale)) == canonical(identity_of(written))


def test_every_field_of_a_rung_can_be_overridden_an_architecture_field_by_field(tmp_path):
    study = with_scales(
        tmp_path,
        "scales: {nano: {rung: nano, learning_rate: 0.002, tokens: 40k, architecture: {layers: 4, tied_embeddings: false}}}\n",
    )
    scale = study.scales["nano"]
    assert (scale.learning_rate, scale.tokens, scale.global_batch_tokens) == (0.002, 40_000, 2048)
    assert (scale.architecture.layers, scale.architecture.width) == (4, 192)
    assert not scale.architecture.tied_embeddings


def test_an_outside_model_takes_the_place_of_a_rungs_architecture_whole():
    scale = Scale.model_validate({"rung": "nano", "architecture": {"hugging_face": "./model"}})
    assert isinstance(scale.architecture, OutsideArchitecture)
    assert scale.tokens == 300_000


def test_a_list_of_rungs_is_each_by_its_name(tmp_path):
    long = with_scales(tmp_path, "scales: {nano: {rung: nano}, micro: {rung: micro}}\n")
    assert with_scales(tmp_path, "scales: [nano, micro]\n") == long


def test_the_resolved_study_prints_everything_and_loads_again_to_the_same(tmp_path):
    study = with_scales(tmp_path, "scales: [nano]\n")
    said = study.canonical()
    assert said["scales"]["nano"]["architecture"]["ffn_width"] == 512
    again = lay_out_study(tmp_path, yaml.safe_dump(said, sort_keys=False), "again.yaml")
    assert load_study(again).canonical() == said


@pytest.mark.parametrize(
    ("scales", "expected"),
    [
        (
            "scales:\n  big: {rung: 70M}\n",
            "scales.big.rung: there is no rung '70M', did you mean '70m'?; the ladder has 'nano', 'micro', 'mini', "
            "'70m', '160m', '470m', '1.4b', '2.8b' (/study.yaml:29)",
        ),
        (
            "scales: [1]\n",
            "scales: 1 is not a rung; give a mapping of scales by name, or a list of rungs, such as [nano, 70m]; the "
            "ladder has 'nano', 'micro', 'mini', '70m', '160m', '470m', '1.4b', '2.8b' (/study.yaml:28)",
        ),
        (
            "scales: micro\n",
            "scales: 'micro' is neither a mapping of scales by name nor a list of rungs, such as [micro]; the ladder has "
            "'nano', 'micro', 'mini', '70m', '160m', '470m', '1.4b', '2.8b' (/study.yaml:28)",
        ),
        (
            "scales:\n  nano: {tokens: 1M}\n",
            "scales.nano: it is called as a rung of the ladder, but lacks 'architecture', 'global_batch_tokens', "
            "'learning_rate', 'sequence_length': add `rung: nano` to take from that rung what is not given, or give "
            "them all here (/study.yaml:29)",
        ),
        (
            "scales:\n  nano: {rung: nano, architecture: {layers: 2, attention: within-documents}}\n",
            "scales.nano.architecture.attention: unknown key 'attention': it belongs one level up, beside "
            "`architecture`; allowed here: 'ffn_width', 'heads', 'initializer', 'layers', 'logit_scale', 'norm_epsilon', "
            "'rope_theta', 'tied_embeddings', 'width' (/study.yaml:29)",
        ),
        (
            "scales:\n  nano: {rung: nano, layers: 2}\n",
            "scales.nano.layers: unknown key 'layers': it belongs one level down, under `architecture`; allowed here: "
            "'architecture', 'attention', 'global_batch_tokens', 'learning_rate', 'precision', 'rung', "
            "'sequence_length', 'tokens' (/study.yaml:29)",
        ),
        (
            "scales: [nano, nano]\n",
            "scales: rung 'nano' is listed twice; delete one (/study.yaml:28)",
        ),
        (
            "scales: [nanno]\n",
            "scales: there is no rung 'nanno', did you mean 'nano'?; the ladder has 'nano', 'micro', 'mini', "
            "'70m', '160m', '470m', '1.4b', '2.8b' (/study.yaml:28)",
        ),
        (
            "scales:\n  nano: {rung: nano, sequence_length: 300}\n",
            "scales.nano: global_batch_tokens 2048 is not a multiple of sequence_length 300; the nearest is 2100 "
            "(/study.yaml:29)",
        ),
        (
            "scales:\n  nano: {rung: nano, architecture: {heads: 5}}\n",
            "scales.nano.architecture: width 192 cannot be shared by 5 heads: the width must be a multiple of 2 x "
            "heads = 10 (/study.yaml:29)",
        ),
    ],
)
def test_a_wrong_rung_is_one_error(tmp_path, scales, expected):
    assert problems_of(tmp_path, scales) == [expected]


def test_a_scale_that_is_called_as_a_rung_and_says_everything_itself_is_its_own(tmp_path):
    scale = with_scales(tmp_path, f"scales:\n{SMALL.replace('tiny', 'nano')}").scales["nano"]
    assert (scale.rung, scale.tokens) == (None, 40960)


def test_attention_within_documents_is_identity_only_where_it_is_asked_for():
    across = Scale.model_validate({"rung": "nano", "attention": "across-documents"})
    assert "attention" not in identity_of(across)
    within = Scale.model_validate({"rung": "nano", "attention": "within-documents"})
    assert identity_of(within)["attention"] == "within-documents"
    with pytest.raises(ValidationError, match="across-documents"):
        Scale.model_validate({"rung": "nano", "attention": "everywhere"})


PROBE = "learning_rate_probe: {arm: balanced->text, control: text->text}\n"


def test_a_probe_has_three_rates_at_the_first_scale_by_default(tmp_path):
    probe = load_study(lay_out_study(tmp_path, DEMO + PROBE)).learning_rate_probe
    assert probe is not None
    assert (probe.factors, probe.scale) == ((0.5, 1.0, 2.0), None)
    assert probe.scale_at("tiny", 0.5) == "tiny-rate-x0.5"


@pytest.mark.parametrize(
    ("probe", "expected"),
    [
        (
            "{arm: balanced->txt, control: text->text}",
            "the learning-rate probe names arm 'balanced->txt', which does not exist, did you mean 'balanced->text'?; "
            "there are 'balanced->text', 'balanced-only', 'code->text', 'text->text', 'text-only' (/study.yaml:41)",
        ),
        (
            "{arm: code->text, control: code->text}",
            "learning_rate_probe: arm 'code->text' is compared with itself; name two arms of a contrast (/study.yaml:41)",
        ),
        (
            "{arm: text->text, control: code->text}",
            "the learning-rate probe asks about 'text->text' against 'code->text', which no contrast compares: swap "
            "`arm` and `control` (/study.yaml:41)",
        ),
        (
            "{arm: code->text, control: text-only}",
            "the learning-rate probe asks about 'code->text' against 'text-only', which no contrast compares; compared "
            "are 'balanced-only' against 'text->text', 'balanced->text' against 'text->text', 'code->text' against "
            "'text->text', 'text->text' against 'text-only' (/study.yaml:41)",
        ),
        (
            "{arm: code->text, control: text->text, scale: tinny}",
            "the learning-rate probe names scale 'tinny', which does not exist, did you mean 'tiny'?; there are 'tiny' "
            "(/study.yaml:41)",
        ),
        (
            "{arm: code->text, control: text->text, factors: [0.5, 2, 4]}",
            "learning_rate_probe.factors: factors [0.5, 2, 4] lack 1, the study's own learning rate, which costs "
            "nothing; add it (/study.yaml:41)",
        ),
        (
            "{arm: code->text, control: text->text, factors: [0.5, 1]}",
            "learning_rate_probe.factors: factors [0.5, 1] are fewer than three: give one below 1, 1, and one above "
            "it (/study.yaml:41)",
        ),
        (
            "{arm: code->text, control: text->text, factors: [0.5, 1, 1.0, 2]}",
            "learning_rate_probe.factors: factors [0.5, 1, 1, 2] repeat a value: equal learning rates are one run, not "
            "two (/study.yaml:41)",
        ),
        (
            "{arm: code->text, control: text->text, factors: [0, 1, 2]}",
            "learning_rate_probe.factors.0: input should be greater than 0, not 0 (/study.yaml:41)",
        ),
        (
            "{arm: code->text, control: text->text, factors: [1, 2, 1.0e+300]}",
            "learning_rate_probe.factors: factor 1e+300 is not from 0.01 to 100: nothing trains at a rate so far from "
            "the study's own; give factors such as 0.5, 1 and 2 (/study.yaml:41)",
        ),
        (
            "{arm: code->text, control: text->text, factors: [0.001, 1, 100]}",
            "learning_rate_probe.factors: factor 0.001 is not from 0.01 to 100: nothing trains at a rate so far from "
            "the study's own; give factors such as 0.5, 1 and 2 (/study.yaml:41)",
        ),
    ],
)
def test_a_wrong_probe_is_one_error(tmp_path, probe, expected):
    path = lay_out_study(tmp_path, f"{DEMO}learning_rate_probe: {probe}\n")
    with pytest.raises(StudyError) as caught:
        open_study(path)
    assert [str(problem).replace(str(tmp_path), "") for problem in caught.value.problems] == [expected]


def test_a_scale_may_not_be_called_as_the_probe_calls_its_own(tmp_path):
    named = DEMO.replace(SMALL, SMALL + SMALL.replace("tiny", "tiny-rate-x2")) + PROBE
    with pytest.raises(StudyError, match="calls scale 'tiny' at 2 times its rate 'tiny-rate-x2', which is a scale"):
        load_study(lay_out_study(tmp_path, named))
