"""The family `syntax`: numbers of a program's tree, null for what is none."""

from __future__ import annotations

import pyarrow as pa

from titrant.corpus.signals import find_signals

NESTED = "def f(a):\n    # why\n    if a and a > 1:\n        for x in a:\n            print(x)\n    return a\n"


def signals_of(*documents: tuple[str, str]) -> list[dict]:
    texts, languages = zip(*documents, strict=True)
    same = ["x"] * len(texts)
    batch = pa.RecordBatch.from_pydict(
        {
            "id": pa.array([str(row) for row in range(len(texts))]),
            "text": pa.array(texts, pa.large_string()),
            "language": pa.array(languages),
            "licence": pa.array(same),
            "origin": pa.array(same),
        }
    )
    return find_signals(batch, ["syntax"]).to_pylist()


def test_a_program_has_depth_decisions_and_comments() -> None:
    flat, nested = signals_of(("x = 1\n", "python"), (NESTED, "python"))
    assert (flat["cyclomatic_complexity"], nested["cyclomatic_complexity"]) == (1, 4)
    assert nested["tree_depth"] > flat["tree_depth"]
    assert flat["comment_share"] == 0
    visible = len("".join(NESTED.split()))
    assert nested["comment_share"] == len("#why") / visible


def test_what_no_grammar_reads_has_none() -> None:
    prose, broken = signals_of(("A sentence.", "english"), ("def f(:\n", "python"))
    assert set(prose.values()) == {None}
    assert set(broken.values()) == {None}
