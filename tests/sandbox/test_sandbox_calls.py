"""Calls by the batch: answers as texts, variants on fuel, and no item that another can touch."""

from __future__ import annotations

import pytest

from titrant.sandbox import Answers, PythonCalls, Sandbox, literal

INPUTS = "[(1,), (-2,), ('a',)]"
RIGHT = PythonCalls("def f(x):\n    return x + 1", "f", INPUTS)
RIGHT_ANSWERS = ("= 2", "= -1", "! TypeError")


def called(sandbox: Sandbox, candidate: str, *variants: str, inputs: str = INPUTS, steps: int = 2000) -> Answers:
    return dict(sandbox.call_many([PythonCalls(candidate, "f", inputs, "", variants, steps)]))[0]


def test_answers_are_literals_exceptions_and_types(sandbox: Sandbox) -> None:
    answers = called(
        sandbox,
        "class A(int): pass\nGIVEN = [(1, 'é\\n'), {2: {3}}, 2.5, float('nan'), A(3), open, None, set()]\n"
        "def f(x):\n    if x == 9:\n        raise SystemExit\n    return GIVEN[x]",
        inputs=str([(x,) for x in range(10)]),
    )
    assert answers.passed
    told = ("= (1, 'é\\n')", "= {2: {3}}", "= 2.5", "? float", "? A", "? builtin_function_or_method", "= None")
    assert answers.answers == ((*told, "= set()", "! IndexError", "! SystemExit"),)
    assert literal(answers.answers[0][0]) == (1, "é\n")
    assert literal("= set()") == set()


@pytest.mark.parametrize(
    "text", ["! ValueError", "~", "= f(1)", "= nan", "= [", "= " + "[" * 10_000, "= " + "-" * 10**5 + "1", "= {[]}", ""]
)
def test_only_literals_are_read(text: str) -> None:
    with pytest.raises(ValueError, match="no literal"):
        literal(text)


def test_no_call_sees_what_another_has_changed(sandbox: Sandbox) -> None:
    grow = "def f(x):\n    x.append(len(x))\n    return x"
    assert called(sandbox, grow, grow, inputs="[([],), ([],), ([7],)]").answers == (("= [0]", "= [0]", "= [7, 1]"),) * 2


def test_a_variant_stops_after_its_steps_and_the_next_goes_on(sandbox: Sandbox) -> None:
    count = "def f(x):\n    n = 0\n    while n != x:\n        n += 1\n    return n"
    inputs = "[(1999,), (2000,), (3,), (2001,), (4,)]"
    same = "def f(x):\n    return x"
    found = called(sandbox, same, count, count, same, inputs=inputs).answers
    right = ("= 1999", "= 2000", "= 3", "= 2001", "= 4")
    cut = ("= 1999", "~", "= 3", "~", "-")
    assert found == (right, cut, cut, right)
    unknown = ("= 1999", "-", "= 3", "-", "-")  # the candidate needs as many
    assert called(sandbox, count, count, same, inputs=inputs).answers == (right, unknown, right)


def test_variants_are_called_first_with_what_may_become_a_test(sandbox: Sandbox) -> None:
    endless = "def f(x):\n    while x > 2:\n        pass\n    return x"
    calls = PythonCalls("def f(x):\n    return x", "f", "[(9,), (8,), (1,), (7,), (2,), (6,)]", "", (endless,), first=2)
    ((_, found),) = sandbox.call_many([calls])
    assert found.answers[1] == ("-", "-", "= 1", "~", "= 2", "~")


def test_a_variant_that_calls_itself_without_end_is_called_twice(sandbox: Sandbox) -> None:
    deep = "def f(x):\n    return x if x == 1 else f(x + 2)"
    found = called(sandbox, RIGHT.candidate, deep, inputs="[(1,), (2,), (1,), (2,), (1,)]").answers
    assert found[1] == ("= 1", "! RecursionError", "= 1", "! RecursionError", "-")


def test_a_variant_that_keeps_something_is_counted_from_its_first_input_on(sandbox: Sandbox) -> None:
    """Otherwise what it keeps would depend on which inputs were called a second time, which a clock decides."""
    keeps = (
        "import functools\n@functools.cache\ndef g(x):\n    for _ in range(1500):\n        pass\n    return x\n"
        "def f(x):\n    for y in range(x):\n        g(y)\n    return x"
    )
    same = "def f(x):\n    return x"
    found = called(sandbox, same, keeps, inputs="[(1,), (2,), (3,), (5,), (6,), (6,), (6,)]").answers
    assert found[1] == ("= 1", "= 2", "= 3", "~", "~", "-", "-")


ENDLESS = {
    "loop": "def f(x):\n    while True:\n        pass",
    "loop that catches all": "def f(x):\n    while True:\n        try:\n            x = 1\n        except BaseException:\n            pass",
    "loop in a loop that catches all": "def f(x):\n    while True:\n        try:\n            while True: pass\n        except BaseException:\n            pass",
    "for": "def f(x):\n    for x in iter(int, 1):\n        pass",
    "comprehension": "def f(x):\n    return [y for y in iter(int, 1)]",
    "inner comprehension": "def f(x):\n    return [z for y in [1] for z in iter(int, 1) if z]",
    "generator": "def g():\n    while True:\n        yield 1\ndef f(x):\n    return sum(g())",
    "recursion that catches": "def f(x):\n    try:\n        f(x)\n    except RecursionError:\n        pass\n    f(x)",
    "lambda": "def f(x):\n    return list(map(lambda y: y, iter(int, 1)))",
    "at the beginning": "while True: pass",
    "that is swallowed": "def f(x):\n    try:\n        while True: pass\n    except BaseException:\n        return 1",
}


@pytest.mark.parametrize("name", ENDLESS)
def test_endless_variants_use_up_their_steps(sandbox: Sandbox, name: str) -> None:
    found = called(sandbox, RIGHT.candidate, ENDLESS[name], RIGHT.candidate).answers
    assert found == (RIGHT_ANSWERS, ("~", "~", "-"), RIGHT_ANSWERS)


@pytest.mark.parametrize(
    "variant",
    [
        "import os\ndef f(x):\n    os._exit(0)",
        "def f(x):\n    return sum(range(10**15))",
        "import ctypes\ndef f(x):\n    return ctypes.string_at(0)",
    ],
)
def test_a_variant_that_ends_its_process_costs_no_other_an_answer(sandbox: Sandbox, variant: str) -> None:
    found = called(sandbox, RIGHT.candidate, RIGHT.candidate, variant, RIGHT.candidate, variant)
    assert found.status == "passed"
    ended = ("-", "-", "-")
    assert found.answers == (RIGHT_ANSWERS, RIGHT_ANSWERS, ended, RIGHT_ANSWERS, ended)


def test_variants_that_fail_at_once_have_raised_at_every_input(sandbox: Sandbox) -> None:
    found = called(sandbox, RIGHT.candidate, "1 / 0", "def f(x) return", "def g(): pass").answers
    assert [set(each) for each in found[1:]] == [{"! ZeroDivisionError"}, {"! SyntaxError"}, {"! NameError"}]


@pytest.mark.parametrize(
    ("candidate", "status", "detail"),
    [
        ("def g(x): pass", "error", "it defines no f"),
        ("def f(x) pass", "error", "SyntaxError: expected ':'"),
        ("raise ValueError('no\\nnever')", "error", "ValueError: no never"),
        ("hoard = bytearray(10**12)", "out of memory", "MemoryError"),
        ("import os\ndef f(x): os._exit(3)", "error", "the program ended itself with exit code 3"),
        ("import ctypes\ndef f(x): ctypes.string_at(0)", "killed", "ended by signal SIGSEGV"),
        ("def f(x):\n    while True: pass", "timed out", "computed and slept for more than 0.5 s"),
        ("import time\ndef f(x): time.sleep(100)", "timed out", "computed and slept for more than 0.5 s"),
        ("def f(x): return 'x' * 60000", "output limit", "answered with more than 4194304 bytes"),
    ],
)
def test_a_candidate_that_does_not_come_to_its_end_says_why(
    sandbox: Sandbox, candidate: str, status: str, detail: str
) -> None:
    inputs = INPUTS if status != "output limit" else str([(1,)] * 100)
    found = called(sandbox, candidate, inputs=inputs)
    assert (found.status, found.answers) == (status, ())
    assert detail in found.detail


@pytest.mark.parametrize("inputs", ["[", "[1]", "3", "[(open,)]", "[(len([]),)]", "__import__('os')"])
def test_inputs_that_are_no_literals_are_refused(sandbox: Sandbox, inputs: str) -> None:
    found = called(sandbox, RIGHT.candidate, inputs=inputs)
    assert found.status == "error"
    assert "its inputs are no list of tuples" in found.detail


@pytest.mark.parametrize("grown", ["x = x * x", "x *= x", "x = x ** 3", "x **= 2", "x = (lambda y: y * y)(x)"])
def test_integers_that_grow_without_end_use_up_the_steps(sandbox: Sandbox, grown: str) -> None:
    """The inputs before are answered: the process has not ended for its processor time."""
    grow = f"def f(x):\n    while x > 1:\n        {grown}\n    return x"
    found = called(sandbox, "def f(x):\n    return x", grow, inputs="[(1,), (2,), (1,)]", steps=20_000)
    assert found.answers == (("= 1", "= 2", "= 1"), ("= 1", "~", "= 1"))


def test_products_on_fuel_are_those_of_the_language(sandbox: Sandbox) -> None:
    """So many rounds are counted, however fast the machine is."""
    loop = "for _ in range(1500):\n        pass\n    "
    texts = [
        f"def f(x):\n    {loop}y = x\n    x *= 2\n    return x, y, x is y",
        f"class A:\n    def __imul__(self, other):\n        return other\ndef f(x):\n    {loop}y = A()\n    y *= x\n    return y",
        f"def f(x):\n    {loop}return x * 3, 2 ** len(x), 3 ** 40 * 3 ** 40, (-2) ** -1, 0 ** 0",
        f"def f(x):\n    {loop}return x * x",
        f"def f(x):\n    {loop}return 7 ** 3000 % 10**9",
    ]
    for text in texts:
        candidate, on_fuel = called(sandbox, text, text, inputs="[([1, 2],), ('ab',)]").answers
        assert candidate == on_fuel
        assert candidate[0] != "~"


def test_a_variant_pays_for_no_other_that_was_called_in_its_process(sandbox: Sandbox) -> None:
    """Each takes a part of the time that the process has, together they take more."""
    slow = "def f(x):\n    return x + 0 * sum(range(2_000_000))"
    found = called(sandbox, "def f(x):\n    return x", *[slow] * 24, inputs="[(1,)]").answers
    assert found == (("= 1",),) * 25


@pytest.mark.parametrize(
    "text",
    [
        "def f(x):\n    'Tell.'\n    for _ in range(1500):\n        pass\n    return f.__doc__",
        "import sys\nsys.setrecursionlimit(5000)\ndef f(x):\n    return g(1200)\ndef g(n):\n    return 0 if n == 0 else 1 + g(n - 1)",
        "def f(x):\n    for _ in range(1500):\n        pass\n    return g(985)\ndef g(n):\n    return 1 if n == 0 else 2 * g(n - 1) % 97",
        "base = []\ndef f(x):\n    row = base\n    row.append(x)\n    for _ in range(700 * len(row)):\n        pass\n    return len(row)",
        "def make():\n    n = [0]\n    def g(x):\n        n[0] += 1\n        for _ in range(700):\n            pass\n        return n[0]\n    return g\nf = make()",
        "def f(x, kept=iter(range(99))):\n    for _ in range(700):\n        pass\n    return next(kept)",
    ],
)  # fmt: skip
def test_a_variant_answers_as_the_same_program_does_as_the_candidate(sandbox: Sandbox, text: str) -> None:
    """Counted or not, and whatever it keeps from call to call."""
    for _ in range(3):
        own, variant = called(sandbox, text, text, inputs="[(1,), (2,)]", steps=3000).answers
        assert variant == own
