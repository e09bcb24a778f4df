"""A problem told in words: no code, its results those of the problem."""

from __future__ import annotations

import ast
import re
from dataclasses import replace

import pytest

from titrant.synthesize.forms.explained import explain, in_words
from titrant.synthesize.generator.problem import Problem, Settings, problem_at

MADE = Problem(
    problem="double-0",
    source="generator seed 0, number 0",
    licence="Apache-2.0",
    statement="Write `double`.",
    entry_point="double",
    about="Return twice `value`, and `name` after it.",
    signature="def double(value: int, name: str) -> tuple[int, str]:",
    idea="Multiplication does it.",
    inputs="[(1, 'a'), (2, ''), (3, 'c'), (4, 'd'), (0, 'e'), (7, 'a, b and c')]",
    expected="[(2, 'a'), (4, ''), (6, 'c'), (8, 'd'), (0, 'e'), (14, 'a, b and c')]",
    shown=1,
)


@pytest.mark.parametrize("number", range(40))
def test_an_explanation_tells_task_idea_and_true_results(number) -> None:
    text = explain(replace(MADE, problem=f"double-{number}"))
    assert MADE.about in text
    assert MADE.idea in text
    told = 0
    for arguments, result in zip(ast.literal_eval(MADE.inputs), ast.literal_eval(MADE.expected), strict=True):
        named = f"`value` is {arguments[0]} and `name` is {in_words(arguments[1])}"
        if match := re.search(re.escape(named) + r"(?:, | ?: )?(?:the result is|it comes to|then the answer is|what comes out is) (.*)\.", text):  # fmt: skip
            assert match[1].startswith(in_words(result))
            told += 1
    assert 2 <= told <= 4


def test_explanations_are_worded_in_many_ways_and_always_alike_for_one_problem() -> None:
    texts = [explain(replace(MADE, problem=f"double-{number}")) for number in range(200)]
    assert texts == [explain(replace(MADE, problem=f"double-{number}")) for number in range(200)]
    assert len(set(texts)) > 190
    assert len({text.split(MADE.about)[0] for text in texts}) > 10


def test_arguments_and_results_that_are_read_already_are_not_read_again() -> None:
    pairs = list(zip(ast.literal_eval(MADE.inputs), ast.literal_eval(MADE.expected), strict=True))
    assert explain(replace(MADE, inputs="no literal"), pairs) == explain(MADE)


def test_generated_problems_are_explained_without_code() -> None:
    for number in range(30):
        problem = problem_at(5, number, Settings(areas=("lists",), inputs=16))
        text = explain(problem)
        assert problem.about in text
        assert "```" not in text
        assert "def " not in text
        assert f"{problem.entry_point}(" not in text
        assert ">>>" not in text


@pytest.mark.parametrize("missing", ["about", "idea", "signature", "inputs", "expected"])
def test_problems_without_what_is_told_have_no_explanation(missing) -> None:
    assert explain(replace(MADE, **{missing: ""})) == ""


def test_one_input_is_told_alone() -> None:
    text = explain(replace(MADE, inputs="[(1, 'a')]", expected="[(2, 'a')]"))
    assert text.count("the pair (2, 'a')") == 1


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "nothing"),
        (False, "false"),
        (0, "0"),
        (0.5, "0.5"),
        ("it's", 'the text "it\'s"'),
        ([], "an empty list"),
        ({}, "the empty dictionary"),
        ((), "the empty tuple"),
        ((1,), "the tuple (1,)"),
        ({"a": [1]}, "the dictionary {'a': [1]}"),
    ],
)
def test_values_in_words(value, words) -> None:
    assert in_words(value) == words
