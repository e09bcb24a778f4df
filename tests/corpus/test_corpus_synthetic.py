"""Documents of a synthesis: one root a problem, and forms that differ in nothing but what they are to differ in."""

from __future__ import annotations

import ast
import difflib

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from titrant.corpus import read_documents, transform_documents
from titrant.corpus.synthetic.items import COLUMNS, Item, StoredItems
from titrant.corpus.synthetic.remarks import block, folded, remark, with_docstring
from titrant.corpus.synthetic.write import NotWrittenError, language_of, written
from titrant.errors import StoreError, StudyError
from titrant.jobs import DocumentsJob, TransformJob
from titrant.study.synthesis import SyntheticItems
from verified_items import ITEM, renamed, write_items

CORRUPTED = {"accepted": "", "corrupted": "", "tests": [], "text": "", "translations": "{}", "refused": "wrong"}
STATEMENTS = (
    ITEM["statement"],
    'def total(values: list[int]) -> int:\n    """Return the sum of `values`.\n\n    >>> total([1, 2])\n    3\n    """',
    "# Return the sum of `values`.\n# total([1, 2]) -> 3\ndef total(values: list[int]) -> int:",
    "Sum them.\n- `values` is a list\n- backslashes \\n stay\n\n>>> total([1, 2])\n3",
    'A string with \'\'\'three\'\'\' and """three""" quotes.\n```python\ntotal([1])\n```\nEnds with "quotes"',
)
FORMATS = ("statement-and-solution", "solution", "with-tests", "notebook")


def silent(done, total, unit, note=""):
    """A progress that says nothing."""


def item(number=0, **changes) -> Item:
    given = renamed(number, **changes)
    return Item(**{name: tuple(given[name]) if name == "tests" else given[name] for name in COLUMNS})


def asked(**fields) -> SyntheticItems:
    return SyntheticItems.model_validate({"synthetic": "s", **fields})


@pytest.fixture
def roots(tmp_path):
    """Reads items into documents; returns the summary, the documents' folder and the items'."""

    def make(items, group_rows=1000):
        folder = write_items(tmp_path / "items", items, group_rows)
        out = tmp_path / "roots"
        out.mkdir()
        job = DocumentsJob(kind="synthetic", origins=(), plant=None)
        summary = read_documents(job, {"verification": folder}, out, scratch=tmp_path, progress=silent)
        return summary, out, folder

    return make


@pytest.fixture
def write(tmp_path, split):
    """Writes a form of documents; returns the summary and the rows."""

    def make(documents, verified, *, hold_out=0.3, steps=(), sides=None, **fields):
        out = tmp_path / f"written-{len(list(tmp_path.iterdir()))}"
        out.mkdir()
        sides = sides or split(documents, hold_out_fraction=hold_out)[1]
        job = TransformJob(redact=(), steps=steps, write=asked(**fields))
        inputs = {"documents": documents, "split": sides, "verification": verified}
        summary = transform_documents(job, inputs, out, scratch=tmp_path / f"{out.name}-scratch", progress=silent)
        return summary, pq.read_table(out).to_pylist(), sides

    return make


def test_a_problem_is_one_document_whose_id_and_origin_are_its_own(roots) -> None:
    items = [renamed(0), renamed(1, problem="set:a#b/50%"), renamed(2, **CORRUPTED), renamed(3, **CORRUPTED, first="")]
    summary, folder, _ = roots(items)
    rows = pq.read_table(folder).to_pylist()
    assert summary.documents == 4
    assert [row["id"] for row in rows] == ["generator/0/0", "set%3Aa%23b/50%25", "generator/0/2", "generator/0/3"]
    assert [row["origin"] for row in rows] == [each["source"] for each in items]
    assert {(row["language"], row["licence"], row["planted"]) for row in rows} == {("python", "CC0-1.0", False)}
    assert rows[0]["text"] == f"{items[0]['statement']}\n\n{items[0]['accepted']}\n"
    assert rows[2]["text"] == f"{items[2]['statement']}\n\n{items[2]['first']}\n"
    assert rows[3]["text"] == f"{items[3]['statement']}\n"


def test_a_synthesis_without_problems_says_so(roots) -> None:
    with pytest.raises(StudyError, match="the synthesis has no problem"):
        roots([])


def test_every_form_keeps_rows_ids_and_hashes_and_a_problem_on_its_side(roots, write) -> None:
    items = [renamed(n, **(CORRUPTED if n % 5 == 4 else {})) for n in range(40)]
    _, documents, folder = roots(items, group_rows=7)
    before = pq.read_table(documents).to_pylist()
    sides = None
    for fields in (
        {},
        {"items": "unverified"},
        {"items": "corrupted"},
        {"items": "statement"},
        {"items": "text"},
        {"language": "javascript"},
        {"format": "with-tests"},
        {"format": "notebook"},
    ):
        summary, rows, sides = write(documents, folder, sides=sides, **fields)
        kept = [key for key in before[0] if key not in ("text", "language")]
        assert [[row[key] for key in kept] for row in rows] == [[row[key] for key in kept] for row in before]
        has = [bool(row["text"]) for row in rows]
        wrong_too = fields.get("items") in ("unverified", "statement")
        assert has == [wrong_too or n % 5 != 4 for n in range(40)]
        assert summary.changed == sum(has)
        assert {row["language"] for row in rows} == {language_of(asked(**fields))}


def test_what_an_item_lacks_is_counted_by_reason(roots, write) -> None:
    lacking = [
        {"corrupted": ""},
        {"translations": "{}"},
        {"text": ""},
        {"tests": []},
        CORRUPTED,
        {**CORRUPTED, "first": ""},
    ]
    items = [renamed(n, **(lacking[n] if n < len(lacking) else {})) for n in range(30)]
    _, documents, folder = roots(items)
    left = {
        str(fields): write(documents, folder, **fields)[0].left_out
        for fields in (
            {},
            {"items": "unverified"},
            {"items": "corrupted"},
            {"items": "text"},
            {"language": "javascript"},
            {"format": "with-tests"},
        )
    }
    assert list(left.values()) == [
        {"no accepted solution": 2},
        {"no solution": 1},
        {"no accepted solution": 2, "no mutant that fails": 1},
        {"no checked explanation": 3},
        {"no accepted solution": 2, "not translated to javascript": 1},
        {"no accepted solution": 2, "no tests": 1},
    ]


def test_steps_come_after_writing_in_the_language_that_is_written(roots, write) -> None:
    items = [renamed(n, accepted=f"# nothing\n{renamed(n)['accepted']}") for n in range(20)]
    _, documents, folder = roots(items)
    _, rows, _ = write(documents, folder, format="solution", steps=("strip-comments",))
    assert [row["text"] for row in rows] == [f"{renamed(n)['accepted']}\n" for n in range(20)]


def test_documents_of_other_items_are_refused(roots, write, tmp_path) -> None:
    items = [renamed(n) for n in range(20)]
    _, documents, _ = roots(items)
    other = write_items(tmp_path / "other", [renamed(n, statement="Another.") for n in range(20)])
    with pytest.raises(StoreError, match="is another than its document says"):
        write(documents, other)
    fewer = write_items(tmp_path / "fewer", items[:19])
    with pytest.raises(StoreError, match=r"has no problem 'generator/0/19', of which there is a document"):
        write(documents, fewer)
    (tmp_path / "fewer" / "items.parquet").write_bytes(b"PAR1")
    with pytest.raises(StoreError, match="cannot be read"):
        write(documents, fewer)


def test_items_are_found_in_any_order_and_row_group(tmp_path) -> None:
    items = [renamed(n) for n in range(23)]
    stored = StoredItems(write_items(tmp_path / "v", items, group_rows=4))
    ids = [f"generator/0/{n}" for n in (22, 3, 3, 17, 0)]
    assert [found.id for found in stored.of(ids)] == ids
    assert stored.of([]) == []


@pytest.mark.parametrize("statement", STATEMENTS)
@pytest.mark.parametrize("form", FORMATS)
def test_a_corrupted_document_differs_from_the_verified_one_in_the_mutated_line_alone(statement, form) -> None:
    layouts = set()
    for number in range(60):
        one = item(number, statement=statement.replace("total", f"total_{number}"))
        right, wrong = (written(one, asked(items=items, format=form)) for items in ("verified", "corrupted"))
        changed = [line for line in difflib.ndiff(right.split("\n"), wrong.split("\n")) if line[:1] in "+-"]
        assert [line.strip(" +-") for line in changed] == ["result += value", "result -= value"]
        layouts.add(right.replace(str(number), ""))
    assert len(layouts) >= {"solution": 1, "with-tests": 6}.get(form, 4)


@pytest.mark.parametrize("statement", STATEMENTS)
def test_every_layout_holds_the_program_as_it_was_verified(statement) -> None:
    for number in range(60):
        one = item(number, statement=statement)
        text = written(one, asked())
        body = "\n".join(one.accepted.split("\n")[1:])
        assert one.accepted.split("\n")[0] in text
        assert body in text
        assert text.endswith("\n")
        assert not text.endswith("\n\n")


def run(text: str) -> None:
    """Run a document as a script, and then the tests that it defines."""
    space = {"__name__": "__main__"}
    exec(compile(text, "written", "exec"), space)  # of items made by hand
    for name in [name for name in space if name.startswith(("test_", "check"))]:
        space[name]()


def test_what_is_written_with_tests_passes_them_and_fails_them_when_it_is_corrupted() -> None:
    for number in range(30):
        run(written(item(number), asked(format="with-tests")))
        with pytest.raises(AssertionError):
            run(written(item(number), asked(format="with-tests", items="corrupted")))


def test_the_unverified_form_shows_a_wrong_solution_in_the_same_layout() -> None:
    for number in range(30):
        wrong = renamed(number)["corrupted"]
        one = item(number, **CORRUPTED | {"first": wrong})
        same = item(number, first=wrong)
        assert written(one, asked(items="unverified")) == written(same, asked(items="unverified"))
        assert written(same, asked(items="unverified")) == written(same, asked(items="corrupted"))
        with pytest.raises(NotWrittenError, match="no accepted solution"):
            written(one, asked())


def test_a_share_of_corrupted_items_is_chosen_by_name_and_grows() -> None:
    items = [item(number) for number in range(1000)]
    chosen = {
        share: {each.problem for each in items if "-=" in written(each, asked(items="corrupted", share=share))}
        for share in (0.1, 0.5, 1.0)
    }
    assert chosen[0.1] < chosen[0.5] < chosen[1.0] == {each.problem for each in items}
    assert abs(len(chosen[0.5]) - 500) < 60
    rest = [each for each in items if each.problem not in chosen[0.5]]
    for each in rest:
        assert written(each, asked(items="corrupted", share=0.5)) == written(each, asked())


def test_the_text_of_a_teacher_follows_the_problem_that_it_was_shown() -> None:
    given = renamed(0)
    assert written(item(), asked(items="text")) == given["text"] + "\n"
    assert written(item(teacher="t"), asked(items="text")) == f"{given['statement']}\n\n{given['text']}\n"
    assert written(item(), asked(items="statement")) == renamed(0)["statement"] + "\n"


def test_other_languages_are_remarked_and_fenced_in_their_own_way() -> None:
    texts = [written(item(number), asked(language="javascript")) for number in range(60)]
    assert all("return values.reduce" in text and "#  " not in text for text in texts)
    assert any("```javascript" in text for text in texts)
    assert any(text.startswith("// ") for text in texts)
    assert any(text.startswith("/**\n * ") for text in texts)
    with pytest.raises(NotWrittenError, match="its tests are not in javascript"):
        written(item(), asked(language="javascript").model_copy(update={"format": "with-tests"}))


def test_a_notebook_shows_what_the_examples_come_to() -> None:
    texts = [written(item(number), asked(format="notebook")) for number in range(40)]
    shown = [text for text in texts if "([1, 2])\n" in text]
    assert 10 < len(shown) < 40
    assert all("```\n3\n```" in text or "# 3" in text for text in shown)
    assert {"```python" in text for text in texts} == {True, False}


TEXTS = st.text(
    alphabet=st.one_of(st.sampled_from("\"'\\\n #`*/ab."), st.characters(exclude_categories=("Cs", "Cc"))), max_size=80
)


@given(TEXTS.filter(str.strip))
def test_any_text_can_stand_in_a_program(text) -> None:
    for made in (remark(text, "python"), block(text, "python")):
        assert len(ast.parse(f"{made}\nx = 1\n").body) <= 2
        assert ast.unparse(ast.parse(f"{made}\nx = 1\n").body[-1]) == "x = 1"
    code = "import math\n\n\ndef f(a: int,\n      b: int) -> int:\n    # a remark\n    return a + b"
    made = with_docstring(code, "f", text)
    if made is not None:
        function = ast.parse(made).body[1]
        kept = " ".join((ast.get_docstring(function) or "").split())
        assert kept == " ".join("\n".join(line.rstrip() for line in text.strip("\n").split("\n")).split())
        assert made.endswith("    # a remark\n    return a + b")


@pytest.mark.parametrize(
    "code",
    [
        "x = 1",
        "def f(a): return a",
        'def f(a):\n    """Has one."""\n    return a',
        "def g(a):\n    return a",
        "def f(a:\n",
    ],
)
def test_a_docstring_goes_only_where_one_can_stand(code) -> None:
    assert with_docstring(code, "f", "Say it.") is None


def test_a_comment_that_ends_in_a_head_goes_on_with_the_function() -> None:
    statement = STATEMENTS[2]
    texts = [written(item(number, statement=statement), asked()) for number in range(40)]
    going_on = [text for text in texts if text.startswith("# Return the sum of `values`.\n# total([1, 2]) -> 3\n\ndef")]
    assert 8 < len(going_on) < 32
    for text in going_on:
        ast.parse(text)
        assert text.count("def ") == 1


def test_prose_is_folded_and_code_is_not() -> None:
    long = "Return " + "very " * 30 + "much."
    assert max(map(len, folded(long).split("\n"))) <= 88
    listed = folded(f"- {long}\n2. {long}").split("\n")
    assert [line[:4] for line in listed] == ["- Re", "  ve", "2. R", "   v"]
    kept = "    x = [" + "1, " * 60 + "2]\n>>> f(" + "1, " * 60 + ")"
    assert folded(kept) == kept
