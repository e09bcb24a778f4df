"""What of a reply is the program or the explanation, whatever a model writes around it."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from titrant.synthesize.teacher.replies import text_in
from titrant.synthesize.teacher.worked_examples import worked_examples

F = "def f(x):\n    return x + 1\n"
TRIALS = [
    "print(f(3))",
    "assert f(1) == 2",
    "f(2)",
    "if __name__ == '__main__':\n    print(f(1))",
    "result = f(3)\nprint(result)",
    "for case in [1, 2]:\n    print(case, f(case))",
    "# Example usage:\nprint(f(3))  # 4",
]


@pytest.mark.parametrize(
    "reply",
    [
        F,
        f"```python\n{F}```",
        f"Sure! Here it is:\n\n```py\n{F}```\nIt adds one.",
        f"~~~~\n{F}~~~~",
        f"1. The function:\n\n   ```python\n   {F.replace(chr(10), chr(10) + '   ').rstrip()}\n   ```\n",
        f"```python\n{F}",
        f"Sure! The function is\n\n{F}\nIt adds one to x, doesn't it?",
        f"<think>```python\ndef f(x):\n    return 7\n```</think>\n```python\n{F}```",
        f"```python\nfrom f import g\n```\nNo, rather:\n```python\n{F}```\n",
        f"```text\nf(1) -> 2\n```\n```python\n{F}```",
        F.replace("\n", "\r\n"),
        "\n\n\n" + F + "\n\n\n",
    ],
)
def test_the_program_is_cut_from_what_stands_around_it(reply: str):
    assert text_in(reply, "python", "f") == F


@pytest.mark.parametrize("trial", TRIALS)
def test_calls_of_the_function_are_no_part_of_the_program(trial: str):
    assert text_in(f"```python\n{F}\n\n{trial}\n```", "python", "f") == F


def test_what_a_program_needs_at_its_top_stays():
    program = f'"""Adds."""\n\nimport sys\n\nSTEP = max(1, 0)\nsys.setrecursionlimit(5000)\n\n\n{F}'
    assert text_in(f"```python\n{program}```", "python", "f") == program
    uses = "def g():\n    return 1\n\n\nTABLE = [g()]\nFIRST = f0 = g()\n\n\ndef f(x):\n    return TABLE[0] + x\n"
    assert text_in(f"```\n{uses}print(f(1))\n```", "python", "f") == uses
    alias = "def add(x):\n    return x + 1\n\n\nf = add\n"
    assert text_in(f"```python\n{alias}```", "python", "f") == alias


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "I am sorry, I cannot help with that.",
        "```python\n```",
        "```python\ndef g(x):\n    return x\n```",
        "```python\ndef f(x)\n    return x\n```",
        "<think>```python\n" + F + "```",
        "f f f f " * 1000,
        "```" * 5000,
        "\x00" + F,
        "def f(x):\n" + "    x\n" * 30_000,
        "```python\nfrom solution import f\n\nprint(f(1))\n```",
    ],
)
def test_no_program_is_no_program(reply: str):
    assert text_in(reply, "python", "f") == ""


def test_a_reply_without_an_end_still_gives_its_first_program():
    assert text_in(f"{F}\nThis is it. " + f"{F}\nfor ever and ever\n" * 6000, "python", "f") == F


def test_two_blocks_that_need_each_other_are_one_program():
    helper = "def add(x, y):\n    return x + y\n"
    found = text_in(f"First:\n```python\n{helper}```\nThen:\n```python\nf = lambda x: add(x, 1)\n```", "python", "f")
    assert found == "f = lambda x: add(x, 1)\n"  # the second alone defines it
    parts = f"```python\nclass A:\n    def g(self):\n```\n```python\n        return 1\n{F}```"
    assert "return 1" in text_in(parts, "python", "f")


def test_what_the_problem_hands_out_is_put_before_a_program_that_lacks_it():
    prelude = "import math\nfrom typing import List\n\nSTEP = 2\n\ndef twice(x):\n    return STEP * math.floor(x)\n"
    uses = "def f(x: List[int]):\n    return twice(x[0])\n"
    found = text_in(uses, "python", "f", prelude)
    names: dict[str, object] = {}
    exec(found, names)
    assert names["f"]([3.5]) == 6  # type: ignore[operator]
    assert found.endswith(uses)
    assert text_in(F, "python", "f", prelude) == F
    own = f"def twice(x):\n    return 0\n\n\n{uses}"
    assert text_in(own, "python", "f", prelude) == f"from typing import List\n\n\n{own}"


def test_javascript_is_cut_by_its_fence_and_its_name():
    program = "function f(x) {\n  return x + 1;\n}\n"
    assert text_in(f"Here:\n```js\n{program}```", "javascript", "f") == program
    assert text_in("```javascript\nconst f = (x) => x + 1;\n```", "javascript", "f") == "const f = (x) => x + 1;\n"
    assert text_in(program, "javascript", "f") == program
    assert text_in("```javascript\nfunction g() {}\n```", "javascript", "f") == ""
    assert text_in(f"```python\n{F}```", "javascript", "f") == ""


def test_an_explanation_holds_no_program():
    said = "Add one to it, for every x. If it is 3, return 4.\n\nWorked examples:\n- f(3) = 4\n"
    assert text_in(said, "text", "f") == said
    assert text_in(f"{said}\n```python\n{F}```", "text", "f") == ""
    assert text_in(f"It is\n\n{F}", "text", "f") == ""
    assert text_in(f"{said}```\nf(2) == 3\n```", "text", "f") != ""
    assert text_in(f"{said}```python\nx = 3\nfor a in x:\n    b = 2\n```", "text", "f") == ""
    assert text_in("  \n", "text", "f") == ""


@pytest.mark.parametrize(
    ("line", "example"),
    [
        ("f(1, 2) = 3", ("(1, 2)", "3")),
        ("- `f([1, 'a = b'])` = `{'x': (1,)}`", ("([1, 'a = b'],)", "{'x': (1,)}")),
        ("1. f(-1) -> None.", ("(-1,)", "None")),
        ("* **f(0.5)** returns 1.0", ("(0.5,)", "1.0")),
        ("(2) f() gives ''", ("()", "''")),
        ("f('is') == \"->\"", ("('is',)", "'->'")),
    ],
)
def test_an_example_is_read_in_many_spellings(line: str, example: tuple[str, str]):
    assert worked_examples(f"How.\n\nWorked examples:\n{line}\n", "f") == [example]


@pytest.mark.parametrize(
    "part",
    [
        "f(1) = 2\nf(x) = 3",  # not about literals
        "f(1) = 2\nf(1) is about 3",
        "f(1) = 2\ng(1) = 2",
        "f(a=1) = 2",
        "f(1) = 2 because f(0) = 1",
        "f(open('x')) = 2",
        "f(1) = " + "9" * 3000,
    ],
)
def test_a_claim_that_cannot_be_checked_makes_all_of_them_count_for_nothing(part: str):
    assert worked_examples(f"How.\n\n### Worked Examples\n\n{part}\n", "f") == []


def test_only_the_last_part_holds_examples():
    assert worked_examples("f(1) = 2\n") == []
    assert worked_examples("Worked examples:\nf(1) = 1\nWorked examples:\nThese follow.\n\nf(2) = 2") == [("(2,)", "2")]


@given(st.lists(st.integers() | st.text() | st.tuples(st.booleans(), st.none()), max_size=3), st.lists(st.integers()))
def test_every_literal_comes_back(arguments: list[object], result: list[int]):
    call = ", ".join(map(repr, arguments))
    text = f"Worked examples:\n- f({call}) = {result!r}\n"
    if "`" in call or "**" in call or len(text) > 1000:
        return
    ((found, value),) = worked_examples(text)
    assert list(ast.literal_eval(found)) == arguments
    assert ast.literal_eval(value) == result


DEEP = """
from titrant.synthesize.teacher.replies import text_in
from titrant.synthesize.teacher.worked_examples import worked_examples
for sign in ("(", "[", "-", "not ", "lambda: ", "a.", "f(", "{1:", "x if x else ", "1+", "~", "a[", "f'{", "if x:\\n "):
    for body in (sign * 90000, sign * 20000 + "1", sign * 3000 + "1" + ")" * 3000, sign * 90 + "1" + "]" * 90):
        text_in("```python\\ndef f(x):\\n    return " + body + "\\n```", "python", "f")
        text_in("def f(x):\\n    return " + body, "python", "f")
        text_in(body + "\\nf", "text", "f")
        worked_examples("Worked examples:\\nf(" + body + ") = 1\\nf(1) = " + body)
print("still here")
"""


def test_no_reply_brings_the_process_down():
    done = subprocess.run([sys.executable, "-c", DEEP], capture_output=True, text=True, timeout=120)
    assert done.stdout == "still here\n", done.stderr[-500:]


LONG = """
import resource
resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
from titrant.synthesize.teacher.replies import text_in
from titrant.synthesize.teacher.worked_examples import worked_examples
n = 190_000
texts = ["It adds." + blank * (n // len(blank)) + "done" for blank in ("\\n", " ", "\\t\\n", "\\u00a0", "_", "-\\n", "**")]
texts += [f"{begin}{filled * (n // len(filled))}{end}" for begin, filled, end in (
    ("```", "a", "`"), ("```", " ", "`"), ("", "~", "`"), ("", "`", "~"), ("~~~", "-", "`"), ("> ", " ", "```x`"),
    ("class a", ":", "x"), ("class a", ": ", "x"), ("class ", "a", ""), ("", "class a:", "x"), ("def ", "a", ""),
    ("def", " ", ""), ("async", " ", "x"), ("function", " ", ""), ("function f", "\\n", ""), ("", "function ", ""),
    ("", "```\\n", ""), ("", "~~~ a\\nx\\n", ""), ("", " \\n", "function f(x){return 1}"),
    ("let", " ", "f"), ("", "let f ", ""), ("def f(x):", "\\n", "    return 1"), ("", "worked example\\n", ""),
    ("Worked examples", " ", "x"), ("Worked examples:", "\\n", "x"), ("Worked examples:\\n", "a ", "("),
    ("Worked examples:\\n", "f(1) = " + " " * 1900 + "1\\n", ""), ("Worked examples:\\n", "f(1," + " " * 1900 + "1) = 1\\n", ""),
    ("Worked examples:\\n", "f('" + "= " * 900 + "') = 1\\n", ""), ("Worked examples:\\n", "f(1) = 1\\n", ""),
)]
for text in texts:
    for form in ("text", "javascript", "python"):
        text_in(text, form, "f")
        text_in(text + "\\nf", form, "f")
    worked_examples(text, "f")
print("still here")
"""


def test_no_reply_takes_more_than_a_moment_to_read():
    """Texts of 200,000 signs, read once for each of their signs, would take minutes of processor time."""
    done = subprocess.run([sys.executable, "-c", LONG], capture_output=True, text=True, timeout=600)
    assert done.stdout == "still here\n", done.stderr[-500:]


@pytest.mark.parametrize(
    "program",
    [
        "def  f (x):\n    pass",
        "  async def f(x): ...",
        "function f(x) {}",
        "\u00a0\f function\tf\n(x) {}",
        "class A:  \n    x = 1",
        "class A extends B {",
        "\n\n \n  class A(B):",
    ],
)
def test_a_definition_without_a_fence_is_seen(program: str):
    assert text_in(f"It is so.\n{program}\nf(1) = 2", "text", "f") == ""


@pytest.mark.parametrize(
    "line", ["A class of numbers: those above 3.", "So we define f (x):", "A function f(x) is", "class x: y"]
)
def test_prose_is_no_definition(line: str):
    assert text_in(f"{line}\n", "text", "f") == f"{line}\n"


@pytest.mark.parametrize(
    "heading",
    ["__Worked Examples__", "## Worked example:", "\n\n--\n **worked examples** --\n\n==", "- Worked examples. \u2026"],
)
def test_a_heading_may_be_adorned(heading: str):
    assert worked_examples(f"How.\n{heading}\n\nf(1) = 2", "f") == [("(1,)", "2")]
    assert worked_examples(f"How.\n{heading} x\n\nf(1) = 2", "f") == ([("(1,)", "2")] if "==" in heading else [])


def test_examples_without_end_count_for_nothing():
    lines = [f"f({number}) = {number}" for number in range(65)]
    assert len(worked_examples("\n".join(["Worked examples:", *lines[:64]]), "f")) == 64
    assert worked_examples("\n".join(["Worked examples:", *lines]), "f") == []
