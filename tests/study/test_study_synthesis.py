"""What a synthesis can say, and what it cannot."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from demo_study import DEMO
from titrant.errors import StudyError
from titrant.study.derived import derivation_problems, root_of
from titrant.study.load import open_study
from titrant.study.source import Source
from titrant.study.synthesis import Synthesis, Teacher, Verification
from titrant.study.world import pin_study


def source(*, kind: str = "synthetic", **origin: Any) -> Source:
    return Source.model_validate({"kind": kind, "from": [{"synthetic": "problems", **origin}]})


def synthesis(**declared: Any) -> Synthesis:
    return Synthesis.model_validate({"from": {"generated": 10}, **declared})


TEACHER = {"model": "big", "endpoint": "http://localhost:1/v1"}


def found(sources: dict[str, Source], **declared: Synthesis) -> list[str]:
    return [message for _, message in derivation_problems(sources, declared)]


def test_the_generator_is_what_is_verified_where_nothing_else_is_said() -> None:
    declared = synthesis()
    assert declared.teacher is None
    assert declared.verify.level == "reference"
    assert declared.decontaminate == ("humaneval", "mbpp")
    assert source().origins[0].items == "verified"


@pytest.mark.parametrize(
    ("origin", "wanted"),
    [
        ({"language": "cobol"}, "no solutions are written in 'cobol'"),
        ({"language": "java-script"}, "did you mean 'javascript'?"),
        ({"items": "corrupted", "language": "javascript"}, "goes with `items: verified`"),
        ({"items": "text", "format": "solution"}, "has one form"),
        ({"language": "javascript", "format": "with-tests"}, "tests are in Python"),
        ({"share": 0.5}, "`share` goes with `items: corrupted`"),
        ({"kind": "code"}, "is of kind 'synthetic', not 'code'"),
        ({"kind": "text"}, "is of kind 'synthetic', not 'text'"),
        ({"kind": "code", "items": "text"}, "is of kind 'synthetic' or 'text', not 'code'"),
    ],
)
def test_items_that_cannot_be_are_refused(origin: dict[str, Any], wanted: str) -> None:
    with pytest.raises(ValidationError, match=wanted.replace("?", r"\?").replace("`", "`")):
        source(**origin)


@pytest.mark.parametrize(
    ("declared", "wanted"),
    [
        ({"from": {"generated": 10, "areas": []}}, "names no area"),
        ({"from": {"generated": 10, "areas": ["lists", "lists"]}}, "or one twice"),
        ({"from": {"generated": 10, "difficulty": [4, 2]}}, "exchange the two"),
        ({"from": {"made": 10}}, "problems are given by one of 'generated'"),
        ({"teacher": {"model": "big"}}, "needs one of `endpoint`"),
        ({"teacher": TEACHER | {"hugging_face": "folder"}}, "needs one of `endpoint`"),
        ({"teacher": TEACHER | {"most_cost": 5}}, "`most_cost` needs `price_input`"),
        ({"teacher": TEACHER | {"endpoint": "http://"}}, "is no URL"),
        ({"teacher": TEACHER | {"endpoint": "http://a b/v1"}}, "is no URL"),
        ({"teacher": TEACHER | {"endpoint": "http://a:99999/v1"}}, "is no URL"),
        ({"teacher": TEACHER | {"endpoint": "ftp://a/v1"}}, "is no URL"),
        ({"teacher": TEACHER | {"endpoint": "http://user:word@a/v1"}}, "holds a user name or password"),
        ({"from": {"generated": True}}, "valid integer"),
        ({"from": {"files": ""}}, "at least 1 character"),
        ({"from": {"files": "a.jsonl", "licence": "\ud800"}}, "half a character"),
        ({"verify": {"limits": {"cpu_seconds": 0.0001}}}, "greater than or equal to 0.1"),
    ],
)
def test_a_synthesis_that_cannot_be_is_refused(declared: dict[str, Any], wanted: str) -> None:
    with pytest.raises(ValidationError, match=wanted):
        synthesis(**declared)


def test_a_source_of_no_synthesis_is_named_with_the_nearest_one() -> None:
    (message, *_) = found({"verified": source()}, problem=synthesis())
    assert "synthesis 'problems', which does not exist, did you mean 'problem'?" in message


def test_unverified_solutions_need_a_teacher() -> None:
    sources = {"raw": source(items="unverified")}
    (message,) = found(sources, problems=synthesis())
    assert "which has no teacher" in message
    assert found(sources, problems=synthesis(teacher=TEACHER)) == []


def test_what_nobody_uses_and_what_has_a_name_twice_is_told() -> None:
    assert any("used by no source" in message for message in found({}, problems=synthesis()))
    assert any("has the name of a source" in message for message in found({"problems": source()}, problems=synthesis()))


def test_problems_are_mined_from_code_of_its_own() -> None:
    mined = synthesis(**{"from": {"mined": "prose"}})
    text = Source.model_validate({"kind": "text", "from": [{"files": "a"}]})
    assert any("of kind 'text'" in message for message in found({"prose": text, "x": source()}, problems=mined))
    assert any("does not exist" in message for message in found({"x": source()}, problems=mined))


def test_what_decides_the_problems_is_said_once() -> None:
    declared = Source.model_validate(
        {"kind": "synthetic", "from": [{"synthetic": "problems"}], "reserve_fraction": 0.5}
    )
    (message,) = found({"verified": declared}, problems=synthesis())
    assert "declares `reserve_fraction`" in message
    assert "the synthesis decides that itself" in message


def test_all_forms_are_of_the_same_documents() -> None:
    sources = {"one": source(), "two": source(items="corrupted")}
    assert {root_of(name, sources) for name in sources} == {"problems"}


def test_keys_stand_in_no_study() -> None:
    with pytest.raises(ValidationError, match="unknown key 'api_key'"):
        Teacher.model_validate(TEACHER | {"api_key": "secret"})


def test_levels_are_a_closed_list() -> None:
    with pytest.raises(ValidationError, match="reference"):
        Verification.model_validate({"level": "proven"})


@pytest.fixture
def taught(write_study) -> Any:
    """Writes the demo study with problems from a file and a local teacher, and loads it."""

    def make(**problems: Any) -> Any:
        content = yaml.safe_load(DEMO)
        content["synthesis"] = {
            "problems": {
                "from": [{"files": "problems.jsonl", **problems}],
                "teacher": {"model": "local", "hugging_face": "teacher"},
            }
        }
        content["sources"]["raw"] = {"kind": "synthetic", "from": [{"synthetic": "problems", "items": "unverified"}]}
        content["mixtures"]["balanced"] = {"text": 50, "code": 40, "raw": 10}
        path = write_study(yaml.safe_dump(content, sort_keys=False))
        (path.parent / "problems.jsonl").write_text('{"statement": "Add one.", "tests": "assert f(1) == 2"}\n')
        (path.parent / "teacher").mkdir(exist_ok=True)
        (path.parent / "teacher/config.json").write_text("{}")
        return open_study(path)

    return make


def test_files_and_teachers_are_known_by_what_they_hold(taught) -> None:
    loaded = taught()
    one = pin_study(loaded).synthesis["problems"]
    assert one.problems[0].content is not None
    assert one.teacher is not None
    assert one.teacher.content is not None
    (loaded.folder / "teacher/config.json").write_text('{"other": 1}')
    other = pin_study(loaded).synthesis["problems"]
    assert other.teacher is not None
    assert (other.problems, other.teacher.content) == (one.problems, other.teacher.content)
    assert other.teacher.content != one.teacher.content


def test_problems_that_changed_or_are_not_there_are_told_with_their_line(taught) -> None:
    with pytest.raises(StudyError, match=r"its files changed: the study pins content 0{12}…") as changed:
        pin_study(taught(content="0" * 64))
    assert changed.value.problems[0].where is not None
    loaded = taught()
    (loaded.folder / "teacher/config.json").unlink()
    with pytest.raises(StudyError, match=r"holds no config.json"):
        pin_study(loaded)
    with pytest.raises(StudyError, match=r"is a folder, and problems are read from files"):
        pin_study(taught(files="."))
    loaded = taught()
    (loaded.folder / "problems.jsonl").unlink()
    with pytest.raises(StudyError, match=r"problems.jsonl' does not exist"):
        pin_study(loaded)


@pytest.mark.parametrize(
    ("origin", "message"),
    [
        ("seed: -1", "from.seed: input should be greater than or equal to 0, not -1"),
        ("areas: [list]", "from.areas.0: input should be 'arithmetic', "),
        ("areas: []", "from.areas: `areas` names no area, or one twice"),
        ("difficulty: [4, 2]", "from.difficulty: `difficulty` goes from the least to the greatest"),
        ("difficulty: [1, 9]", "from.difficulty.1: input should be less than or equal to 5, not 9"),
        ("difficulty: [1, 2, 3]", "from.difficulty: it has 3 items; give at most 2"),
        ("difficulty: [1]", "from.difficulty: item 2 is missing; it has no default"),
    ],
)
def test_what_is_wrong_with_a_generated_origin_is_told_on_its_own_line(write_study, origin: str, message: str) -> None:
    path = write_study(f"{DEMO.rstrip()}\nsynthesis:\n  problems:\n    from:\n      generated: 5\n      {origin}\n")
    with pytest.raises(StudyError) as caught:
        open_study(path)
    (problem,) = caught.value.problems
    assert problem.message.startswith(f"synthesis.problems.{message}")
    assert problem.where == f"{path}:{len(path.read_text().splitlines())}"


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ("{from: {dataset: x, revision: main}}", "from.revision: 'main' is not a commit: give all its 40 hexadecimal digits"),
        ("{from: {files: x, content: abc}}", "from.content: 'abc' is not a digest of 64 hexadecimal digits"),
        ("{from: {generated: 5}, verify: 5}", "verify: input should be a mapping, not 5"),
    ],
)  # fmt: skip
def test_forms_are_told_in_words_with_what_was_given(write_study, declared: str, message: str) -> None:
    with pytest.raises(StudyError) as caught:
        open_study(write_study(f"{DEMO.rstrip()}\nsynthesis:\n  problems: {declared}\n"))
    assert caught.value.problems[0].message.startswith(f"synthesis.problems.{message}")


def test_a_key_in_a_study_is_told_and_not_repeated(write_study) -> None:
    teacher = "{model: big, endpoint: 'http://localhost:1/v1', key_variable: sk-123456}"
    with pytest.raises(StudyError) as caught:
        open_study(
            write_study(f"{DEMO.rstrip()}\nsynthesis:\n  problems: {{from: {{generated: 5}}, teacher: {teacher}}}\n")
        )
    (problem,) = caught.value.problems
    assert "'sk-…' is not the name of an environment variable; name the one that holds the key" in problem.message
    assert "123456" not in str(caught.value)
