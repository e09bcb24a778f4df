from __future__ import annotations

import ast

import pytest

from titrant.synthesize.generator.problem import Settings, problem_at
from titrant.synthesize.verify.candidates import whole_solution
from titrant.synthesize.verify.chosen import assertion, choose_corrupted, choose_tests, killing, may_be_right
from titrant.synthesize.verify.mutants import Mutant, mutants_of
from titrant.synthesize.verify.values import Expected

PROGRAM = '''from math import gcd  # 1 import


def wert(zahlen: list[int], grenze: int = 3) -> int:
    """Sums 1 + 1."""
    summe = 0  # größer: 2
    for i, zahl in enumerate(zahlen):
        if zahl > grenze and zahl % 2 == 0:
            summe += max(zahl, zahlen[i - 1])
        elif not zahl:
            break
    return summe
'''


def changed_part(old: str, new: str) -> tuple[str, str]:
    start = next((n for n, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    return old[start : len(old) - end], new[start : len(new) - end]


def test_a_mutant_differs_in_one_place_and_keeps_comments_and_layout() -> None:
    found = mutants_of(PROGRAM, 64)
    assert len(found) > 15
    for mutant in found:
        old, new = changed_part(PROGRAM, mutant.text)
        assert "\n" not in old
        assert "\n" not in new
        assert mutant.text.count("# größer: 2") == 1
        assert '"""Sums 1 + 1."""' in mutant.text
        assert "grenze: int = " in mutant.text
        ast.parse(mutant.text)
    assert len({mutant.text for mutant in found}) == len(found)


@pytest.mark.parametrize(
    ("program", "words", "changed"),
    [
        ("def f(x):\n    return x < 3\n", "`<` becomes `<=` (line 2)", "x <= 3"),
        ("def f(x):\n    return x - 1\n", "`-` becomes `+` (line 2)", "x + 1"),
        ("def f(x):\n    return x and 5\n", "`5` becomes `6` (line 2)", "x and 6"),
        ("def f(x):\n    return not x\n", "`not x` loses its `not` (line 2)", "return x"),
        ("def f(x, y):\n    return g(x, y)\n", "`x` and `y` are exchanged (line 2)", "g(y, x)"),
        ("def f(x):\n    for i in range(len(x)):\n        pass\n", "the range ends at `len(x) - 1` (line 2)", "len(x) - 1)"),
        ("def f(x, y):\n    return x not in y\n", "`not in` becomes `in` (line 2)", "x in y"),
        ("def f(x):\n    é = [1]; return é[0]\n", "`0` becomes `1` (line 2)", "é[1]"),
    ],
)  # fmt: skip
def test_a_change_is_told_in_words(program: str, words: str, changed: str) -> None:
    found = {mutant.words: mutant.text for mutant in mutants_of(program, 64)}
    assert changed in found[words]


SORTS = {
    "a set": "def f(words):\n    found = set(words)\n    return sorted(found)\n",
    "a list of a set's": "def f(words):\n    found = [w for w in {w.lower() for w in words}]\n    return sorted(found)\n",
    "a set sorted in place": "def f(words):\n    found = list(set(words))\n    found.sort()\n    return found\n",
    "keys": "def f(one, other):\n    return sorted(one.keys() & other.keys())\n",
    "a parameter": "def f(words: 'set[str]'):\n    return sorted(words)\n",
}


@pytest.mark.parametrize("case", SORTS)
def test_what_may_come_from_a_set_stays_sorted(case: str) -> None:
    for mutant in mutants_of(SORTS[case], 64):
        assert ("sorted(" in mutant.text) == ("sorted(" in SORTS[case]), mutant.words
        assert (".sort()" in mutant.text) == (".sort()" in SORTS[case]), mutant.words


@pytest.mark.parametrize("sorts", ["return sorted(words)", "words.sort()"])
def test_a_list_may_lose_its_order(sorts: str) -> None:
    found = [mutant.text for mutant in mutants_of(f"def f(words):\n    {sorts}\n    return words\n", 64)]
    assert any("sort" not in text for text in found)


def test_no_corrupted_copy_is_wrong_for_the_order_of_a_set_that_was_given_alone() -> None:
    unsorted, other = Mutant("", "", "called"), Mutant("", "", "compared")
    assert may_be_right(unsorted, [([1, {"a"}],)])
    assert may_be_right(unsorted, [({1: frozenset("a")},)])
    assert not may_be_right(unsorted, [(["a"], {"a": [1]})])
    assert not may_be_right(other, [({"a"},)])


def test_equal_programs_have_equal_mutants_and_few_of_them_are_of_several_kinds() -> None:
    assert mutants_of(PROGRAM, 8) == mutants_of(PROGRAM, 8)
    assert len({mutant.kind for mutant in mutants_of(PROGRAM, 8)}) >= 6
    assert mutants_of(PROGRAM, 0) == ()
    assert mutants_of("def f(x):\n    return x\n", 8) == ()


def test_generated_solutions_have_mutants() -> None:
    solutions = [whole_solution(problem_at(0, number, Settings(areas=("lists",)))) for number in range(30)]
    counts = [len(mutants_of(solution, 8)) for solution in solutions]
    assert sum(count == 8 for count in counts) >= 23


def test_tests_are_chosen_so_that_they_fail_all_mutants_and_short_ones_first() -> None:
    texts = {0: "assert f(1000) == 1", 1: "assert f(2) == 1", 2: "assert f(3333) == 3", 3: "assert f([]) == 0"}
    fails = [frozenset({0, 2}), frozenset({2}), frozenset({1}), frozenset()]
    assert choose_tests(texts, fails) == (1, 2, 3)
    many = {place: f"assert f({place}) == {place}" for place in range(20)}
    assert len(choose_tests(many, [frozenset({place}) for place in range(20)])) == 6


def test_the_corrupted_copy_has_a_wrong_value_on_a_test_and_few_others() -> None:
    mutants = [Mutant(str(n), "", "constant") for n in range(4)]
    expected = Expected([1, 2, 3])
    answers = [
        ("! ValueError", "= 2", "= 3"),  # no value
        ("= 0", "= 0", "= 0"),
        ("= 1", "= 2", "= 4"),  # the least conspicuous
        ("= 1", "= 3", "~"),
    ]
    killed = killing(expected, answers)
    assert choose_corrupted(mutants, killed, (2,)) == 2
    assert choose_corrupted(mutants, killed, (0,)) == 1
    assert choose_corrupted(mutants[:1], killing(expected, answers[:1]), (0, 1, 2)) is None


def test_a_test_of_a_truth_value_asks_for_that_value() -> None:
    assert assertion("f", (1, "a"), False) == "assert f(1, 'a') is False"
    assert assertion("f", (), 1) == "assert f() == 1"


def test_a_mutant_fails_no_input_for_which_its_answer_is_not_known() -> None:
    """It has run away on two: what it would have answered to the others is not known, and so no test is told to fail
    it for them."""
    killed = killing(Expected([1, 2, 3, 4]), [("= 1", "~", "! RecursionError", "-"), ("= 1", "= 9", "= 3", "= 4")])
    assert killed.fails == (frozenset({1, 2}), frozenset({1}))
    assert killed.wrong == (frozenset(), frozenset({1}))
