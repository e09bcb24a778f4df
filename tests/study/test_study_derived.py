"""A source made of another one declares nothing that would do nothing."""

from __future__ import annotations

from titrant.study.derived import derivation_problems
from titrant.study.source import Source


def problems_of(**declared: object) -> list[tuple[tuple[str | int, ...], str]]:
    code = Source.model_validate({"kind": "code", "from": [{"files": "a"}]})
    bare = {"kind": "code", "from": [{"source": "code"}], "transform": "strip-comments", **declared}
    return list(derivation_problems({"code": code, "bare": Source.model_validate(bare)}, {}))


def test_models_of_a_source_made_of_another_are_refused_and_not_passed_over() -> None:
    ((path, message),) = problems_of(models={"classifier": {"model": "judge"}})
    assert path == ("sources", "bare", "models")
    assert "is made of source 'code' and declares `models`" in message
    assert "declare it on 'code'" in message


def test_what_is_left_open_is_no_declaration() -> None:
    assert problems_of() == []
    assert problems_of(models=None) == []
