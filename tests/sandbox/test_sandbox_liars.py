"""Programs that speak for themselves: they answer the tests' process over the channel, without the code that should."""

from __future__ import annotations

import pytest

from titrant.sandbox import PythonCheck, Sandbox

LIAR = """
import json, os, struct
def take():
    size = struct.unpack("!I", os.read(3, 4))[0]
    said = b""
    while len(said) < size:
        said += os.read(3, size - len(said))
    return json.loads(said)
def say(what):
    body = json.dumps(what).encode()
    os.write(3, struct.pack("!I", len(body)) + body)
"""
NAMING = """
{unasked}
while True:
    asked = take()
    if asked["operation"] == "names":
        names = [*asked["names"], *unasked]
        say({{"value": {{"dict": [[name, {{"handle": n}}] for n, name in enumerate(names)]}}, "after": []}})
    else:
        say({{"value": {answer}, "after": [None] * 9}})
"""
"""Adds global names that nobody asked for, and has one answer for every call."""
SHADOWED = {
    "a builtin": ("abs", "0", "assert abs(f(3.5) - 0.5) < 1e-6"),
    "all": ("all", "1", "assert all(a == b for a, b in zip(f(3), [7]))"),
    "the builtins themselves": ("__builtins__", "1", "assert abs(f(3)) == 7"),
    "a helper of the tests": ("right", "1", "assert right(f(3))"),
    "a module": ("math", "True", "assert math.isclose(f(10), 62.83, rel_tol=1e-3)"),
    "a name of the program asked for later": ("right", "1", "LIMIT\nassert right(f(3))"),
}


@pytest.mark.parametrize("name", SHADOWED)
def test_no_name_that_nobody_asked_for_reaches_the_tests(sandbox: Sandbox, name: str) -> None:
    shadowed, answer, tests = SHADOWED[name]
    unasked = f"unasked = ['{shadowed}']"
    if name.endswith("later"):
        unasked = "import builtins\nclass Later(list):\n    def __iter__(self):\n        return iter(['right'] if asked['names'] == ['LIMIT'] else [])\nunasked = Later()"
    program = LIAR + NAMING.format(unasked=unasked, answer=answer)
    setup = "def right(x):\n    return x == 7\n"
    verdict = sandbox.run(PythonCheck(program, tests, ("f",), setup))
    assert (verdict.status, verdict.detail.partition(" (")[0]) == (
        "error",
        "the program's process answers with rubbish",
    )


def test_a_liar_that_keeps_to_its_names_is_heard_and_fails(sandbox: Sandbox) -> None:
    """The same program without the extra names speaks well enough to be tested: it is refused for nothing else."""
    program = LIAR + NAMING.format(unasked="unasked = []", answer="7")
    tests = "assert right(f(3)) and abs(f(1)) == 7"
    setup = "def right(x):\n    return x == 7\n"
    assert sandbox.run(PythonCheck(program, tests, ("f",), setup)).passed
    verdict = sandbox.run(PythonCheck(program, "assert f(3) == 8", ("f",), setup))
    assert verdict.status == "failed"


ASIDE = (
    LIAR
    + """
answers = [{{"value": {{"dict": [["f", {{"handle": 1}}]]}}, "after": []}}] + {more} * 20
for answer in answers:
    say(answer)
while True:
    take()
"""
)
"""Answers all questions before they are asked."""


@pytest.mark.parametrize(
    ("answer", "tests", "status"),
    [
        ('[{"value": 7, "after": []}]', "assert f(1) == 8", "failed"),
        ('[{"value": True, "after": [True]}]', "x = [3]\nf(x)\nassert x == [4]", "failed"),
        ('[{"callback": 0, "arguments": []}]', "assert f(lambda: 1) == 2", "timed out"),
        ('[{"callback": 5, "arguments": []}]', "assert f(1) == 2", "error"),
        ('[{"value": {"callback": 0}, "after": []}]', "assert f(lambda: 2)() == 3", "failed"),
        ('[{"value": {"same": 0}, "after": [{"same": 0}]}]', "assert f([3]) == [4]", "failed"),
        ('[{"value": {"same": 1}, "after": []}]', "assert f([3]) == [4]", "error"),
        ('[{"value": {"kept": [0, 1]}, "after": []}]', "assert f([3]) == [4]", "error"),
        ('["value"]', "assert f(1) == 2", "error"),
    ],
)
def test_answers_given_in_advance_prove_nothing(sandbox: Sandbox, answer: str, tests: str, status: str) -> None:
    program = ASIDE.format(more=answer)
    assert sandbox.run(PythonCheck(program, tests, ("f",))).status == status
