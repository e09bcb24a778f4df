"""Problems mined from code: what can be taken out of a module, and from which documents."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from blake3 import blake3

from titrant.corpus.opened import LeftOut
from titrant.errors import StoreError
from titrant.study.synthesis import MinedProblems
from titrant.synthesize.generator.problem import Problem
from titrant.synthesize.sets import read_problems
from titrant.synthesize.sets.purity import minable

MODULE = '''"""A module."""

from __future__ import annotations

import math
import os
import re as regular, random
from itertools import chain, islice

LIMIT = 3
STATE = [os.getcwd()]


def _cut(values: list[int]) -> list[int]:
    return list(islice(values, LIMIT))


def total(values: list[int], more: int = 0) -> int:
    """Sum the first few of the values and add more.

    >>> total([1, 2, 3, 4])
    6
    >>> total([], 5)
    5

    Args:
        values: any numbers
    """
    # helped
    found = sum(_cut(values))
    return found + math.floor(more)
'''


def mined_from(source: str) -> list[str]:
    return [found.function.name for found in minable(ast.parse(source), source)]


def lay_out(folder: Path, texts: dict[str, str], **more: Any) -> dict[str, Path]:
    documents, split = folder / "documents", folder / "split"
    for each in (documents, split):
        each.mkdir(parents=True)
    fates = more.pop("fates", ["train"] * len(texts))
    rows = [
        {
            "id": name,
            "text": text,
            "language": "python",
            "licence": "MIT",
            "origin": f"repository:{name}",
            "content_hash": blake3(text.encode()).hexdigest(length=16),
            "planted": False,
        }
        | more
        for name, text in texts.items()
    ]
    pq.write_table(pa.Table.from_pylist(rows), documents / "documents-00000.parquet", row_group_size=3)
    told = [
        {"row": row, "content_hash": each["content_hash"], "planted": False, "fate": fate}
        for row, (each, fate) in enumerate(zip(rows, fates, strict=True))
    ]
    pq.write_table(pa.Table.from_pylist(told), split / "split.parquet")
    return {"documents/code": documents, "split/code": split}


def mine(inputs: dict[str, Path], most: int = 1000) -> list[Problem | LeftOut]:
    return list(read_problems(MinedProblems(mined="code", most=most), 1, inputs, lambda *told: None))


def test_a_function_comes_out_with_all_that_it_needs(tmp_path: Path):
    (found,) = [each for each in mine(lay_out(tmp_path, {"a.py": MODULE})) if isinstance(each, Problem)]
    assert found.entry_point == "total"
    assert found.prelude == (
        "import math\nfrom itertools import islice\nLIMIT = 3\n\n\n"
        "def _cut(values: list[int]) -> list[int]:\n    return list(islice(values, LIMIT))"
    )
    assert found.setup == found.prelude
    assert found.solution == MODULE[MODULE.index("def total") :]
    shown = found.solution[: found.solution.index("    # helped")].rstrip()
    assert found.statement == f"Complete this Python function.\n\n```python\n{found.prelude}\n\n\n{shown}\n```"
    assert found.about == "Sum the first few of the values and add more."
    assert found.signature == "def total(values: list[int], more: int=0) -> int:"
    assert found.tests == ("assert total([1, 2, 3, 4]) == 6", "assert total([], 5) == 5")
    assert found.shown == 2
    assert (found.licence, found.source) == ("MIT", "repository:a.py, total")
    assert found.problem.startswith("mined-1-")
    names: dict[str, Any] = {}
    exec(f"{found.prelude}\n{found.solution}", names)
    for test in found.tests:
        exec(test, names)


FINE = 'def f(x: int) -> int:\n    """Add one to the number given."""\n    y = x\n    return y + 1\n'


@pytest.mark.parametrize(
    "changed",
    [
        ("return y + 1", "print(y)\n    return y"),
        ("return y + 1", "return open(y)"),
        ("return y + 1", "return eval(y)"),
        ("return y + 1", "return y.__class__"),
        ("return y + 1", "return unknown(y)"),
        ("return y + 1", "return hash(y)"),
        ("return y + 1", "import os\n    return os.getpid()"),
        ("return y + 1", "yield y"),
        ("return y + 1", "global z\n    z = 1\n    return z"),
        ("return y + 1", "with y:\n        return 1"),
        ("return y + 1", "y += 1"),
        ("return y + 1", "return None"),
        ("x: int", "*x"),
        ("x: int", "self, x"),
        ("x: int", ""),
        ("def f", "@cache\ndef f"),
        ("def f", "async def f"),
    ],
)
def test_what_cannot_stand_alone_stays_where_it_is(changed: tuple[str, str]):
    assert mined_from(FINE) == ["f"]
    source = FINE.replace(*changed)
    assert source != FINE
    assert mined_from(source) == []


@pytest.mark.parametrize(
    "needed",
    [
        "import os\n\ndef g(x):\n    return os.getpid()\n",
        "import random\n\ndef g(x):\n    return random.random()\n",
        "from .other import g\n",
        "from math import *\nfrom os import *\n",
        "class g:\n    pass\n",
        "g = make()\n",
        "def g(x):\n    return print(x)\n",
        "def g(x):\n    return x\n\ndef g(x):\n    return x + 1\n",
        "try:\n    from math import g\nexcept ImportError:\n    g = None\n",
    ],
)
def test_what_needs_such_a_thing_stays_too(needed: str):
    source = needed + "\ndef f(x: int) -> int:\n    return g(x)\n"
    assert "f" not in mined_from(source)
    assert "f" in mined_from("def g(x):\n    return x\n\ndef f(x: int) -> int:\n    return g(x)\n")


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (("Add one to the number given.", "TODO"), "mined: a function whose docstring is no sentence"),
        (("x: int", "x"), "mined: a function with neither annotations nor examples"),
        (
            ("    y = x\n    return y + 1", "    return x + 1"),
            "mined: a function of fewer than 3 or more than 60 lines",
        ),
        (("    y = x\n", "    y = x\n" * 60), "mined: a function of fewer than 3 or more than 60 lines"),
        (
            ("given.", f"given. {'Really. ' * 600}"),
            "mined: a function that needs more than 4,000 characters to be told",
        ),
        (("def f(x", "print 'def f(x"), "mined: a document that is no Python of today, or too long"),
    ],
)
def test_what_makes_no_problem_is_counted(tmp_path: Path, changed: tuple[str, str], reason: str):
    assert mine(lay_out(tmp_path, {"a.py": FINE.replace(*changed)})) == [LeftOut(reason)]


def module(number: int, functions: int = 1) -> str:
    return "\n\n".join(
        FINE.replace("+ 1", f"+ {number}{part}").replace("def f", f"def f{part}") for part in range(functions)
    )


def test_only_python_that_is_trained_on_is_looked_at(tmp_path: Path):
    texts = {f"{number}.py": module(number) for number in range(6)}
    fates = ["train", "held_out", "reserved", "duplicate", "rule size", "train"]
    found = mine(lay_out(tmp_path / "fates", texts, fates=fates))
    assert {each.source for each in found if isinstance(each, Problem)} == {
        "repository:0.py, f0",
        "repository:5.py, f0",
    }
    assert mine(lay_out(tmp_path / "rust", texts, language="rust")) == []
    assert mine(lay_out(tmp_path / "planted", texts, planted=True)) == []
    assert len(mine(lay_out(tmp_path / "upper", texts, language="Python"))) == 6


def test_fewer_are_the_first_of_more_wherever_documents_lie(tmp_path: Path):
    texts = {f"{number}.py": module(number) for number in range(40)}
    inputs = lay_out(tmp_path / "one", texts)
    everything = mine(inputs)
    assert len(everything) == 40
    for most in (1, 3, 7, 39):
        assert mine(inputs, most) == everything[:most]
    other = lay_out(tmp_path / "other", dict(reversed(texts.items())))
    assert mine(other, 7) == everything[:7]
    assert mine(lay_out(tmp_path / "fewer", dict(list(texts.items())[:20]))) == [
        each for each in everything if isinstance(each, Problem) and int(each.source[11:].partition(".")[0]) < 20
    ]


def test_a_document_gives_a_few_and_a_function_one(tmp_path: Path):
    found = mine(lay_out(tmp_path / "many", {"a.py": module(1, 5)}))
    assert [each for each in found if isinstance(each, LeftOut)] == [
        LeftOut("mined: beyond 3 functions of a document")
    ] * 2
    assert len(found) == 5
    same = {"a.py": module(1), "b.py": "# the same under another name\n" + module(1).replace("y", "why")}
    found = mine(lay_out(tmp_path / "same", same))
    assert [isinstance(each, Problem) for each in found] == [True, False]
    assert found[1] == LeftOut("mined: the same function as an earlier one")


def test_folders_that_do_not_belong_together_are_told(tmp_path: Path):
    inputs = lay_out(tmp_path / "a", {"a.py": FINE})
    other = lay_out(tmp_path / "b", {"a.py": FINE, "b.py": MODULE})
    with pytest.raises(StoreError, match="is not of these documents: it has 2 rows"):
        mine(inputs | {"split/code": other["split/code"]})
    with pytest.raises(StoreError, match="cannot be read"):
        mine(inputs | {"split/code": tmp_path})
