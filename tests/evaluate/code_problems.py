"""Small problems in the columns of the hub, written for these tests: no benchmark is copied."""

from __future__ import annotations

from typing import Any

from titrant.sandbox.tiers import obstacle


def why_no_sandbox() -> str | None:
    """Why this machine can hold no program, as far as can be seen: a sandbox that could work and does not is a failure."""
    reasons = [obstacle("bubblewrap"), obstacle("landlock")]
    return None if None in reasons else "; ".join(map(str, reasons))


HUMANEVAL: list[dict[str, Any]] = [
    {
        "task_id": "HumanEval/0",
        "prompt": 'import math\n\n\ndef cube(x: float) -> float:\n    """The third power."""\n    return x**3\n\n\n'
        'def root(y: float) -> float:\n    """ x such that cube(x) is y.\n    >>> root(8)\n    2.0\n    """\n',
        "entry_point": "root",
        "canonical_solution": "    return math.copysign(abs(y) ** (1 / 3), y)\n",
        "test": "\n\nMETADATA = {}\n\n\ndef check(candidate):\n    for y in (8, -27, 0.5):\n"
        "        assert math.isclose(cube(candidate(y)), y)\n",
    },
    {
        "task_id": "HumanEval/1",
        "prompt": "from typing import List\n\n\ndef evens(numbers: List[int]) -> List[int]:\n"
        '    """ The even ones of them, in order. """\n',
        "entry_point": "evens",
        "canonical_solution": "    return [number for number in numbers if number % 2 == 0]\n",
        "test": "def check(candidate):\n    assert candidate([1, 2, 3, 4]) == [2, 4]\n    assert candidate([]) == []\n",
    },
]
MBPP: list[dict[str, Any]] = [
    {
        "task_id": 11,
        "text": "Write a function to add two numbers.",
        "code": "def add(a, b):\r\n    return a + b",
        "test_list": ["assert add(1, 2) == 3", "assert add(-1, 1) == 0", "assert add(0, 0) == 0"],
        "test_setup_code": "",
    },
    {
        "task_id": 12,
        "text": "Write a class of pairs and a function to exchange the two.",
        "code": "class Pair:\n    def __init__(self, a, b):\n        self.a, self.b = a, b\n\n\n"
        "def exchange(pair):\n    return Pair(pair.b, pair.a)",
        "test_list": [
            "assert exchange(Pair(1, 2)).a == 2",
            "assert exchange(Pair(1, 2)).b == 1",
            "assert exchange(twins).a == 5",
        ],
        "test_setup_code": "twins = Pair(5, 5)",
    },
    {
        "task_id": 13,
        "text": "Write a function sum that adds numbers from one to another.",
        "code": "def sum(a, b):\n    return b * (b + 1) // 2 - a * (a - 1) // 2",
        "test_list": ["assert sum(1, 3) == 6", "assert sum(2, 2) == 2", "assert max(sum(1, 2), 0) == 3"],
        "test_setup_code": "",
    },
]
MULTIPL_E: list[dict[str, Any]] = [
    {
        "name": "HumanEval_0_twice",
        "language": "sh",
        "prompt": "#!/bin/bash\n# Twice a number.\n#\n# $1 is an integer\ntwice() {\n",
        "doctests": "transform",
        "original": "",
        "prompt_terminology": "reworded",
        "tests": '}\n\ncandidate() {\n    twice "$@"\n}\n\nset -e\nrun_test() {\n    [[ $(candidate "21") = "42" ]]\n}\n'
        "\nrun_test",
        "stop_tokens": ["\n}"],
    }
]
