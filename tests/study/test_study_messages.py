"""What a user reads after a mistake, word for word, with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest
from blake3 import blake3

from titrant.errors import StudyError
from titrant.study.load import MAX_STUDY_BYTES, load_study, open_study
from titrant.study.world import pin_study


def problems_of(path: Path) -> list[str]:
    with pytest.raises(StudyError) as caught:
        load_study(path)
    return [str(problem).replace(str(path), "study.yaml") for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "max_epochs: 3",
            "max_epocs: 3",
            "sources.code.max_epocs: unknown key 'max_epocs', did you mean 'max_epochs'?; allowed here: 'from', 'kind', "
            "'language_shares', 'max_document_characters', 'max_epochs', 'models', 'on_error', 'paired_with', 'plant', 'redact', "
            "'reserve_fraction', 'rules', 'transform' (study.yaml:5)",
        ),
        (
            "mostly-text: {text: 90, code: 10}",
            "mostly-text: {txt: 90, code: 10}",
            "mixture 'mostly-text' names source 'txt', which does not exist, did you mean 'text'?; there are 'code', "
            "'text' (study.yaml:10)",
        ),
        (
            "code->text: [{init: code}, {continue: mostly-text}]",
            "code->text: [{init: cod}, {continue: mostly-text}]",
            "arm 'code->text' names mixture 'cod', which does not exist, did you mean 'code'?; there are 'balanced', "
            "'code', 'mostly-text', 'text' (study.yaml:21)",
        ),
        (
            "balanced: {text: 50, code: 50}",
            "balanced: {text: 0, code: 0}",
            "mixtures.balanced: the weights sum to 0: give at least one source a weight above 0 (study.yaml:8)",
        ),
        (
            "balanced: {text: 50, code: 50}",
            "balanced: {text: 50, code: -1}",
            "mixtures.balanced.code: the weight of source 'code' is -1; a weight is a finite number, 0 or more "
            "(study.yaml:8)",
        ),
        (
            "balanced: {text: 50, code: 50}",
            "balanced: {text: 50, code: .nan}",
            "mixtures.balanced.code: the weight of source 'code' is nan; a weight is a finite number, 0 or more "
            "(study.yaml:8)",
        ),
        (
            "- {arm: code->text, control: text->text}",
            "- {arm: text->text, control: text->text}",
            "arm 'text->text' is compared with itself; name two arms (study.yaml:25)",
        ),
        (
            "code->text: [{init: code}, {continue: mostly-text}]",
            "code->text: [{init: text}, {continue: text}]",
            "arm 'code->text' equals its control 'text->text': they train the same recipe, so there is nothing to "
            "compare; change one, or drop the contrast (study.yaml:25)",
        ),
        (
            "{arm: text->text, control: text-only, differs_in: [schedule]}",
            "{arm: balanced->text, control: text-only}",
            "arms 'balanced->text' and 'text-only' differ in schedule, which the contrast does not declare; declare "
            "`differs_in: [mixture, schedule]`, or compare arms that differ in mixture alone (study.yaml:26)",
        ),
        (
            "- {arm: code->text, control: text->text}",
            "- {arm: code->text, control: text->text}\n  - {arm: balanced->text, control: text->text}",
            "arm 'balanced->text' is compared with 'text->text', as contrast 2 does: one difference would count twice in "
            "the correction for multiplicity; drop one of them (study.yaml:26)",
        ),
        (
            "- {arm: code->text, control: text->text}",
            "- {arm: text->text, control: balanced->text, outcomes: ['*/code']}",
            "arm 'text->text' is compared with 'balanced->text', which is contrast 2 the other way round: one difference "
            "would count twice in the correction for multiplicity; drop one of them (study.yaml:25)",
        ),
        (
            "- {arm: balanced->text, control: text->text}",
            "- {arm: code->text, control: text->text, outcomes: ['*/code']}",
            "arm 'code->text' is compared with 'text->text' on 'bits_per_byte/code', as contrast 2 does: one difference "
            "would count twice in the correction for multiplicity; name each outcome in one of them (study.yaml:25)",
        ),
        (
            "code->text: [{init: code}, {continue: mostly-text}]",
            "code->text: [{init: balanced}, {continue: mostly-text}]",
            "arm 'code->text' is compared with 'text->text', the same recipes as 'balanced->text' and 'text->text' of "
            "contrast 2: one difference would count twice in the correction for multiplicity; drop one of them "
            "(study.yaml:25)",
        ),
        (
            "balanced->text: [{init: balanced}, {continue: mostly-text}]",
            "balanced->text: [{init: balanced}, {cooldown: balanced}, {cooldown: text}]",
            "phase 'cooldown' of arm 'balanced->text' starts from the current learning rate, and phase 'cooldown' before "
            "it ends at 0 (final_fraction: 0): nothing would be learnt; set its schedule's start to 'warmup', or give "
            "the curve of 'cooldown' a final_fraction above 0 or a horizon_parts beyond its end (study.yaml:20)",
        ),
        (
            "code->text: [{init: code}",
            "text-only: [{init: code}",
            "two arms are named 'text-only' (the first on line 17); rename or delete one (study.yaml:21)",
        ),
        (
            "tokens: 40960",
            "tokens: 40q",
            "scales.tiny.tokens: '40q' is not a whole number of tokens; write for example 4096, '1.1M' or '400B' "
            "(study.yaml:31)",
        ),
        (
            "global_batch_tokens: 1024",
            "global_batch_tokens: 1000",
            "scales.tiny: global_batch_tokens 1000 is not a multiple of sequence_length 64; the nearest is 1024 "
            "(study.yaml:29)",
        ),
        (
            "balanced: {text: 50, code: 50}",
            "balanced: {text: 50, code: 0.01}",
            "source 'code' has 0.0002 of mixture 'balanced', less than one sequence of phase 'init' of arm "
            "'balanced-only' at scale 'tiny'; raise its share to 0.00313, raise the scale's tokens, or leave it out "
            "(study.yaml:19)",
        ),
        (
            "cooldown: {schedule:",
            "cooldown: {data: replay, parts: 0, schedule:",
            "phases.cooldown.parts: input should be greater than 0, not 0 (study.yaml:15)",
        ),
        (
            "whole: {parts: 10, schedule: {shape: cosine}}",
            "whole: {parts: 10, data: replay, schedule: {shape: cosine}}",
            "phase 'whole' of arm 'text-only' comes first and has nothing to replay; set its data to 'fresh' "
            "(study.yaml:17)",
        ),
        (
            "seeds: [1, 2]",
            "seeds: [1, 1]",
            "seeds: seeds [1, 1] repeat a value: equal seeds are one run, not two (study.yaml:36)",
        ),
        (
            "question: Does code in pre-training help?\n",
            "",
            "'question' is missing from the study; it has no default (study.yaml:1)",
        ),
        ("study: demo", "study: [", "this is not YAML: expected ',' or ']', but got '?' (study.yaml:2)"),
    ],
)
def test_a_mistake_is_named_with_its_line_and_its_remedy(write_study, demo_text, old, new, expected) -> None:
    assert old in demo_text

    found = problems_of(write_study(demo_text.replace(old, new)))

    assert expected in found


OPTIMIZER_KEYS = "allowed here: 'beta1', 'beta2', 'clip_norm', 'epsilon', 'name', 'weight_decay'"


@pytest.mark.parametrize(
    ("optimizer", "expected"),
    [
        (
            "{kind: muon}",
            "optimizer.kind: unknown key 'kind': `name` says which optimizer, such as `name: muon`; " + OPTIMIZER_KEYS,
        ),
        (
            "{momentum: 0.9}",
            "optimizer.momentum: unknown key 'momentum': it is a field of Muon: add `name: muon`; " + OPTIMIZER_KEYS,
        ),
        (
            "muon",
            "optimizer: 'muon' is not how an optimizer is named; write `name: adamw` or `name: muon` under `optimizer`",
        ),
        (
            "{name: lion}",
            "optimizer.name: 'lion' is not how an optimizer is named; write `name: adamw` or `name: muon` under "
            "`optimizer`",
        ),
    ],
)
def test_an_optimizer_that_is_named_wrongly_is_told_how(write_study, demo_text, optimizer, expected) -> None:
    found = problems_of(write_study(f"{demo_text}optimizer: {optimizer}\n"))
    assert [problem.rpartition(" (")[0] for problem in found] == [expected]


def test_contrasts_on_different_outcomes_may_name_the_same_arms(write_study, demo_text) -> None:
    two = "\n".join(
        f"  - {{arm: code->text, control: text->text, outcomes: ['*/{source}']}}" for source in ("text", "code")
    )

    study = load_study(write_study(demo_text.replace("  - {arm: code->text, control: text->text}", two)))

    assert [study.outcomes_of(contrast) for contrast in study.contrasts[2:4]] == [
        ("bits_per_byte/text",),
        ("bits_per_byte/code",),
    ]


def test_equal_arms_that_are_both_compared_with_the_control_are_named_at_the_arm(write_study, demo_text) -> None:
    lines = demo_text.splitlines()
    begin, end = lines.index("contrasts:"), lines.index("budget_parts: 10")
    text = "\n".join([*lines[:begin], "control: text->text", *lines[end:]]) + "\n"
    text = text.replace("code->text: [{init: code}", "code->text: [{init: balanced}")
    text = text.replace("text-only: [{whole: text}]", "text-only: [{init: code}, {continue: text}]")

    assert problems_of(write_study(text)) == [
        "arm 'code->text' is compared with 'text->text', the same recipes as 'balanced->text' and 'text->text' of "
        "contrast 3: one difference would count twice in the correction for multiplicity; drop one of them "
        "(study.yaml:21)"
    ]


def test_a_rate_that_goes_on_from_the_middle_of_a_curve_to_zero_is_allowed(write_study, demo_text) -> None:
    text = demo_text.replace(
        "init: {schedule: {shape: cosine}}", "init: {schedule: {shape: linear, final_fraction: 0}}"
    )
    arm = "  again: [{init: text}, {cooldown: text}]\ncontrasts:\n"
    assert "starts from the current learning rate" in problems_of(write_study(text.replace("contrasts:\n", arm)))[0]

    text = text.replace("final_fraction: 0}}", "final_fraction: 0, horizon_parts: 6}}", 1)
    load_study(write_study(text.replace("contrasts:\n", arm)))


def test_a_curve_that_is_continued_to_zero_leaves_no_current_rate(write_study, demo_text) -> None:
    text = demo_text.replace("shape: cosine}}", "shape: cosine, horizon_parts: 10, final_fraction: 0}}")
    text = text.replace(
        "continue: {schedule: {shape: cosine",
        "second: {parts: 5, schedule: {shape: continued}}\n  continue: {schedule: {shape: cosine",
    )
    text = text.replace("contrasts:\n", "  again: [{init: text}, {second: text}, {cooldown: text}]\ncontrasts:\n")

    assert "and phase 'second' before it ends at 0" in problems_of(write_study(text))[0]


def test_all_problems_of_a_ring_come_at_once(write_study, demo_text) -> None:
    text = demo_text.replace("seeds: [1, 2]", "seeds: [1, 1]").replace("max_epochs: 3", "max_epochs: -3")

    assert len(problems_of(write_study(text))) == 2


def test_an_anchor_bomb_is_refused_before_it_unfolds(write_study) -> None:
    levels = "\n".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12))
    text = f"a0: &a0 [x, x, x, x, x, x, x, x, x]\n{levels}\n"

    assert problems_of(write_study(text)) == [
        "its aliases unfold to more than 50,000 values; write the study out (study.yaml)"
    ]


def test_a_recursive_alias_is_refused(write_study) -> None:
    assert "its aliases unfold" in problems_of(write_study("a: &a [*a]\n"))[0]


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    with path.open("wb") as file:
        file.truncate(1_000_000_000)  # sparse: nothing is written

    assert problems_of(path) == [
        f"a study of 1,000,000,000 bytes is not read: the limit is {MAX_STUDY_BYTES:,}. Data belong in files that the "
        "study names (study.yaml)"
    ]


def test_a_file_that_is_not_utf8_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_bytes(b"study: demo\nquestion: caf\xe9\n")

    assert problems_of(path) == ["byte 0xe9 at offset 25 is not UTF-8; save the study as UTF-8 (study.yaml:2)"]


def test_an_empty_study_and_a_list_are_refused(write_study) -> None:
    assert problems_of(write_study(" \n")) == ["this study is empty (study.yaml)"]
    assert problems_of(write_study("- a\n")) == [
        "a study is a mapping of keys such as study, sources and arms (study.yaml)"
    ]


def test_a_study_that_is_nowhere_names_those_that_ship() -> None:
    with pytest.raises(StudyError, match=r"there is no study file 'quickstrat'.*did you mean 'quickstart'\?"):
        load_study("quickstrat")


def test_files_that_do_not_exist_are_named_with_their_line(write_study, demo_text) -> None:
    path = write_study(demo_text.replace("files: prose", "files: proze"))

    with pytest.raises(StudyError) as caught:
        pin_study(open_study(path))

    assert [str(p) for p in caught.value.problems] == [
        f"'{path.parent}/proze' does not exist; paths are read from the study's folder ({path}:4)"
    ]


def test_data_that_changed_under_a_pinned_study_are_refused(write_study, demo_text) -> None:
    path = write_study(demo_text.replace("files: prose", f"files: prose, content: {'ab' * 32}"))

    with pytest.raises(StudyError, match=r"its files changed: the study pins content abababababab…, found"):
        pin_study(open_study(path))


def test_an_existing_tokenizer_is_pinned_by_its_bytes_and_read_with_its_vocabulary(write_study, demo_text) -> None:
    path = write_study(
        demo_text.replace("{vocabulary: 280, mixture: balanced, training_bytes: 50kB}", "{file: tokenizer.json}")
    )
    file = path.parent / "tokenizer.json"
    file.write_text('{"model": {"vocab": {"a": 0, "b": 1}}, "added_tokens": [{"content": "<|endoftext|>", "id": 2}]}')

    tokenizer = pin_study(open_study(path)).tokenizer

    assert tokenizer.content == blake3(file.read_bytes()).hexdigest()  # type: ignore[union-attr]
    assert tokenizer.vocabulary == 3
