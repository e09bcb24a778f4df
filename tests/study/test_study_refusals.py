"""What a source may not say: each mistake names its own key, on its own line, and what is allowed."""

from __future__ import annotations

import pytest

from titrant.errors import StudyError
from titrant.study.load import load_study

WRITTEN_OUT = """  text:
    kind: text
    from:
      - files: prose
        exclude: ["**/*.bin"]
        LINE
"""


def problems_of(path) -> list[str]:
    with pytest.raises(StudyError) as caught:
        load_study(path)
    return [str(problem).replace(str(path), "study.yaml") for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("licence: 5", "sources.text.from.0.licence: input should be a string, not 5 (study.yaml:9)"),
        (
            "parse: {format: jsonl, text: 5}",
            "sources.text.from.0.parse.text: input should be a string, not 5 (study.yaml:9)",
        ),
        ("files: 5", "sources.text.from.0.files: input should be a list, not 5 (study.yaml:9)"),
        (
            "licencee: MIT",
            "sources.text.from.0.licencee: unknown key 'licencee', did you mean 'licence'?; allowed here: 'content', "
            "'exclude', 'files', 'language', 'licence', 'parse', 'where' (study.yaml:9)",
        ),
        (
            "where: {column: a}",
            "sources.text.from.0.where: the condition on column 'a' has neither of `one_of` and `not_in`; give one (study.yaml:9)",
        ),
    ],
)
def test_a_mistake_inside_an_origin_names_its_field_and_its_line(write_study, demo_text, line, expected) -> None:
    origin = WRITTEN_OUT.replace("LINE", line)
    if line.startswith("files"):
        origin = origin.replace("- files: prose", "- licence: MIT")
    (old,) = [old for old in demo_text.splitlines() if old.startswith("  text: {kind")]

    assert expected in problems_of(write_study(demo_text.replace(old + "\n", origin)))


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        ("{archive: a.zip, max_expansion: 0}", "from.0.max_expansion: input should be greater than 1, not 0"),
        ("{git: ., revision: main, members: 5}", "from.0.members: input should be a list, not 5"),
        (
            "{git: ., revision: main, commits: {max_files: 0}}",
            "from.0.commits.max_files: input should be greater than 0, not 0",
        ),
        ("{package: a}", "'version' is missing from sources.text.from.0; it has no default"),
        ("{tokens: [a.bin]}", "'tokenizer' is missing from sources.text.from.0; it has no default"),
        ("{source: 5}", "from.0.source: input should be a string, not 5"),
    ],
)
def test_the_key_that_names_an_origin_is_not_taken_for_a_field(write_study, demo_text, origin, expected) -> None:
    assert "{files: prose}" in demo_text

    found = problems_of(write_study(demo_text.replace("{files: prose}", origin)))

    assert any(expected in problem for problem in found), found


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        (
            "rules: [{signal: alphabetic_share, at_least: 50}]",
            "sources.text.rules.0.at_least: signal 'alphabetic_share' goes from 0 to 1, so that `at_least: 50` says the "
            "same of every document; give a threshold within (study.yaml:5)",
        ),
        (
            "rules: {signal: words, at_most: -1}",
            "sources.text.rules.at_most: signal 'words' goes from 0 up, so that `at_most: -1` says the same of every "
            "document; give a threshold within (study.yaml:5)",
        ),
        (
            "rules: [{signal: words, at_least: true}]",
            "sources.text.rules.0.at_least: true is no number; a threshold is one, such as 0 or 1 (study.yaml:5)",
        ),
        (
            "rules: [{signal: prose_language, one_of: [english]}]",
            "sources.text.rules.0.one_of.0: unknown natural language 'english', did you mean 'en'?; it is one of 176 "
            "codes (ISO 639-1), such as 'de' and 'en' (study.yaml:5)",
        ),
        (
            "rules: [starcoder, c4, starcoder]",
            "sources.text.rules.2: rule 'starcoder' stands here twice; write it once (study.yaml:5)",
        ),
        (
            "rules: [{signal: words, at_least: 5}, {signal: words, at_least: 5.0}]",
            "sources.text.rules.1: rule '5 <= words' stands here twice; write it once (study.yaml:5)",
        ),
        (
            "redact: [emails, emails]",
            "sources.text.redact.1: redaction 'emails' stands here twice; write it once (study.yaml:5)",
        ),
        (
            "transform: [rename-identifiers, rename-identifiers]",
            "sources.text.transform.1: transform 'rename-identifiers' stands here twice; write it once (study.yaml:5)",
        ),
    ],
)
def test_what_can_decide_nothing_is_refused(write_study, demo_text, field, expected) -> None:
    assert "{files: prose}]" in demo_text

    found = problems_of(write_study(demo_text.replace("{files: prose}]", "{files: prose}],\n    " + field, 1)))

    assert expected in found


@pytest.mark.parametrize(
    ("field", "where"),
    [
        ("language_shares: {\n    python: 50,\n    pythonn: 50}", "sources.text.language_shares.pythonn: "),
        ("rules: [\n    {signal: file_language, one_of: [python,\n    pythonn]}]", "sources.text.rules.0.one_of.1: "),
    ],
)
def test_an_unknown_language_is_named_on_its_line(write_study, demo_text, field, where) -> None:
    (found,) = problems_of(write_study(demo_text.replace("{files: prose}]", "{files: prose}],\n    " + field, 1)))

    assert found.startswith(f"{where}unknown programming or markup language 'pythonn', did you mean 'python'?; known ")
    assert found.endswith("(study.yaml:7)")
