"""Conditions on rows: the same answer for JSON, Parquet and datasets, and a column that is absent is named."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from titrant.corpus.formats.where import failed_condition, top_columns
from titrant.corpus.opened import LeftOut
from titrant.errors import StudyError
from titrant.study.origins import Where

values = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=3)
)


def same(one, two):
    return (type(one) is type(two) and one == two) or (
        (not isinstance(one, bool) and not isinstance(two, bool)) and one == two
    )


@given(value=values | st.lists(values, max_size=3), asked=st.lists(values.filter(lambda v: v is not None), min_size=1))
def test_one_of_and_not_in_are_what_they_say(value, asked):
    items = value if isinstance(value, list) else [] if value is None else [value]
    hits = [any(same(item, other) for other in asked) for item in items]
    row = {"a": {"b": value}}
    kept = failed_condition([Where(column="a.b", one_of=tuple(asked))], row, "here") is None
    assert kept == (bool(items) and all(hits))
    kept = failed_condition([Where(column="a.b", not_in=tuple(asked))], row, "here") is None
    assert kept == (not any(hits))


def test_all_conditions_must_hold_and_the_first_that_does_not_is_the_reason():
    both = [Where(column="a", not_in=(1,)), Where(column="b", one_of=("x",))]
    assert failed_condition(both, {"a": 2, "b": "x"}, "here") is None
    assert failed_condition(both, {"a": 1, "b": "y"}, "here") == LeftOut("a is 1")
    assert failed_condition(both, {"a": 2, "b": "y"}, "here") == LeftOut("b is not one of 'x'")


def test_below_a_null_everything_is_null_and_a_dot_may_stand_in_a_name():
    assert failed_condition([Where(column="a.b.c", not_in=(1,))], {"a": None}, "here") is None
    assert failed_condition([Where(column="a.b", one_of=(1,))], {"a.b": 1, "a": 5}, "here") is None
    assert top_columns([Where(column="a.b", one_of=(1,))], ["a.b", "a"]) == ["a.b"]
    assert top_columns([Where(column="a.b", one_of=(1,))], ["a"]) == ["a"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"b": 1, "c": 2}, "here has no column 'a.x'; it has 'b', 'c'"),
        ({"a": {"y": 1}}, "here has no column 'a.x'; it has 'y'"),
        ({"a": "text"}, "'a' of here is a str, without columns in it"),
    ],
)
def test_a_column_that_is_absent_is_named_with_those_there_are(row, message):
    with pytest.raises(StudyError, match=message):
        failed_condition([Where(column="a.x", one_of=(1,))], row, "here")


ROWS = [{"text": f"t{n}", "meta": {"set": "ab"[n % 2], "score": n}, "tags": ["x"] * (n % 3)} for n in range(6)]


@pytest.mark.parametrize("kind", ["jsonl", "json", "parquet"])
@pytest.mark.parametrize(
    ("where", "kept"),
    [
        ({"column": "meta.set", "one_of": ["a"]}, [0, 2, 4]),
        ({"column": "tags", "one_of": ["x"]}, [1, 2, 4, 5]),
        ([{"column": "meta.set", "not_in": ["a"]}, {"column": "meta.score", "not_in": [3]}], [1, 5]),
    ],
)
def test_every_format_with_rows_keeps_the_same_ones_and_counts_the_others(tmp_path, documents, kind, where, kept):
    path = tmp_path / f"a.{kind}"
    if kind == "parquet":
        pq.write_table(pa.Table.from_pylist(ROWS), path)
    else:
        path.write_text(json.dumps(ROWS) if kind == "json" else "\n".join(map(json.dumps, ROWS)))
    parse = {"format": kind, "text": "text"}
    summary, out = documents({"files": str(path), "parse": parse, "where": where})
    assert pq.read_table(out)["text"].to_pylist() == [f"t{n}" for n in kept]
    assert sum(summary.left_out.values()) == 6 - len(kept)
    missing = {"files": str(path), "parse": parse, "where": {"column": "nowhere.x", "one_of": ["a"]}}
    with pytest.raises(StudyError, match=r"a\.\w+\S* has no column 'nowhere(\.x)?'; it has 'meta', 'tags', 'text'"):
        documents(missing)
