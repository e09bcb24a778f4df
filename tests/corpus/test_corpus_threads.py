"""Threads: every post finds its thread in bounded memory, in whatever order the export holds them."""

from __future__ import annotations

import io
import random
from xml.sax.saxutils import quoteattr

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from titrant.corpus.formats import threads as subject
from titrant.corpus.formats.texts import Text
from titrant.corpus.formats.threads import threads
from titrant.corpus.opened import LeftOut, SourceFile, Unreadable
from titrant.errors import StoreError, StudyError
from titrant.study.parsers import StackExchange

HEAD, TAIL = '<?xml version="1.0" encoding="utf-8"?>\n<posts>\n', "</posts>\n"


def row(**attributes):
    return "  <row " + " ".join(f"{name}={quoteattr(str(value))}" for name, value in attributes.items()) + " />\n"


def question(number, body="<p>asked</p>", score=1, title="How?", **more):
    return row(Id=number, PostTypeId=1, Score=score, Title=title, Body=body, **more)


def answer(number, to, body=None, score=1, **more):
    return row(Id=number, PostTypeId=2, ParentId=to, Score=score, Body=body or f"<p>answer {number}</p>", **more)


def export(*rows):
    return (HEAD + "".join(rows) + TAIL).encode()


def items(content, run_bytes=10**9, **parser):
    file = SourceFile("Posts.xml", "dump:Posts.xml", lambda: io.BytesIO(content))
    return list(threads(file, StackExchange(**parser), run_bytes))


def texts(content, **parser):
    return [item.text for item in items(content, **parser) if isinstance(item, Text)]


def test_the_accepted_answer_comes_first_and_the_others_by_falling_score():
    made = export(
        question(1, AcceptedAnswerId=4),
        answer(2, 1, score=1),
        answer(3, 1, score=9),
        answer(4, 1, score=-3),
        answer(5, 1, score=9),
    )
    assert texts(made) == ["Q: How?\n\nasked\n\nA: answer 4\n\nA: answer 3\n\nA: answer 5\n\nA: answer 2\n"]


def test_posts_may_stand_in_any_order():
    rows = [question(7, AcceptedAnswerId=3), answer(3, 7), answer(9, 7), question(2), answer(11, 2)]
    expected = items(export(*rows))
    assert [item.part for item in expected] == ["2", "7"]
    for seed in range(5):
        shuffled = random.Random(seed).sample(rows, len(rows))
        for run_bytes in (1, 500, 10**9):
            assert items(export(*shuffled), run_bytes) == expected


def test_code_keeps_its_lines_and_gets_fences_if_asked_for():
    body = "<p>Use <code>x</code>:</p>\n<pre><code>if a &lt; b:\n    f()\n</code></pre>\n<p>Done.</p>"
    assert texts(export(question(1, body))) == ["Q: How?\n\nUse x:\n\nif a < b:\n    f()\n\nDone.\n"]
    assert texts(export(question(1, body)), fences=True) == [
        "Q: How?\n\nUse x:\n\n```\nif a < b:\n    f()\n```\n\nDone.\n"
    ]


def test_scores_and_numbers_of_answers_decide_what_is_kept():
    made = export(question(1, score=0), answer(2, 1), question(3), answer(4, 3, score=0), answer(5, 3), answer(6, 3))
    assert items(made, min_question_score=1)[0] == LeftOut("question scored below 1")
    low = items(made, min_answer_score=1, max_answers=1)
    assert LeftOut("answer scored below 1") in low
    assert texts(made, min_answer_score=1, max_answers=1)[1] == "Q: How?\n\nasked\n\nA: answer 5\n"
    assert LeftOut("question with fewer than 2 answers") in items(made, min_answers=2)
    with pytest.raises(ValidationError, match="at least 2 answers of which at most 1 are kept"):
        StackExchange(min_answers=2, max_answers=1)


def test_what_is_no_thread_is_left_out_and_counted():
    made = export(row(Id=1, PostTypeId=4, Score=0, Body="wiki"), answer(2, 99), question(3, " ", title=" "))
    assert items(made) == [
        LeftOut("post that is neither question nor answer"),
        LeftOut("question without text"),
        LeftOut("answer without its question"),
    ]


def test_the_licence_is_that_of_all_posts_of_the_thread():
    by = {"ContentLicense": "CC BY-SA 4.0"}
    (item,) = items(export(question(1, **by), answer(2, 1, ContentLicense="CC BY-SA 3.0"), answer(3, 1, **by)))
    assert item.licence == "CC-BY-SA-3.0 AND CC-BY-SA-4.0"
    assert items(export(question(1)))[0].licence is None


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (row(Id="x", PostTypeId=1, Score=1, Body="b"), "the Id of dump:Posts.xml:row 2 is 'x', not a number"),
        (row(Id="9" * 19, PostTypeId=1, Score=1, Body="b"), "not a number of up to 18 digits"),
        (row(Id="²", PostTypeId=1, Score=1, Body="b"), "the Id of dump:Posts.xml:row 2 is '²'"),
        (row(Id=5, PostTypeId=2, Score=1, Body="b"), "dump:Posts.xml:row 2 has no ParentId; it has 'Body', 'Id'"),
        (row(Id=5, PostTypeId=1, Score=1), "row 2 has no Body; it has 'Id', 'PostTypeId', 'Score'"),
        (row(Id=5), "dump:Posts.xml:row 2 has no PostTypeId, as posts have"),
        (question(1), "dump:Posts.xml:post 1 comes twice; fetch the export again"),
    ],
)
def test_a_row_that_is_wrong_is_named_and_the_others_are_read(bad, words):
    found = items(export(question(1), bad, question(7)))
    (wrong,) = [item for item in found if isinstance(item, Unreadable)]
    assert isinstance(wrong.error, StudyError)
    assert words in str(wrong.error)
    assert [item.part for item in found if isinstance(item, Text)] == ["1", "7"]


BOMB = '<!DOCTYPE posts [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>\n'


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (export(question(1))[:-5], "is not well-formed XML"),
        (export(question(1)).replace(b"/>", b">"), "is not well-formed XML"),
        (b"", "is not well-formed XML"),
        (export('  <row Id="1" PostTypeId="1" Score="1" Body="&b;" />\n'), "is not well-formed XML"),
        (HEAD.replace("<posts>", BOMB + "<posts>").encode() + TAIL.encode(), "declares a document type"),
        (b'<?xml version="1.0" encoding="shift_jis"?><posts/>', "is not well-formed XML"),
        (b'<?xml version="1.0" encoding="utf-7"?><posts/>', "is not well-formed XML"),
        (b'<?xml version="1.0" encoding="nonsense"?><posts/>', "is not well-formed XML"),
        (b'<!DOCTYPE p SYSTEM "file:///etc/passwd"><posts/>', "declares a document type"),
    ],
)
def test_damage_and_entities_are_refused_before_any_text_is_handed_on(content, words):
    found = []
    file = SourceFile("Posts.xml", "dump:Posts.xml", lambda: io.BytesIO(content))
    with pytest.raises(StoreError, match=words):
        found.extend(threads(file, StackExchange(), 1))
    assert not [item for item in found if isinstance(item, Text)]


def test_a_row_without_an_end_is_never_held_in_memory(monkeypatch):
    monkeypatch.setattr(subject, "MAX_ROW_BYTES", 3_000_000)
    content = (HEAD + '<row Id="1" Body="').encode() + b"x" * 9_000_000
    with pytest.raises(StoreError, match="has more than 3,000,000 bytes without a row"):
        items(content)


def test_runs_are_written_to_a_file_without_a_name_and_a_full_disk_says_what_to_do(monkeypatch, tmp_path):
    made = export(*(question(n, f"<p>{n}</p>") for n in range(50)))
    monkeypatch.setattr(subject.tempfile, "tempdir", str(tmp_path))
    assert len(texts(made)) == len([i for i in items(made, 1000) if isinstance(i, Text)]) == 50
    assert list(tmp_path.iterdir()) == []

    def full():
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(subject.tempfile, "TemporaryFile", full)
    with pytest.raises(StoreError, match=r"cannot be sorted in .* \(No space left on device\); make room there"):
        items(made, 1000)


def test_an_export_becomes_documents_plain_and_out_of_an_archive(tmp_path, documents):
    import zipfile

    made = export(question(1, AcceptedAnswerId=2, ContentLicense="CC BY-SA 4.0"), answer(2, 1), question(3))
    (tmp_path / "Posts.xml").write_bytes(made)
    with zipfile.ZipFile(tmp_path / "dump.zip", "w") as archive:
        archive.writestr("Posts.xml", made)
        archive.writestr("Users.xml", "<users/>")
    parse = {"format": "stackexchange-xml", "min_answers": 1}
    _, plain = documents({"files": str(tmp_path / "Posts.xml"), "parse": parse, "language": "english"}, kind="threads")
    summary, packed = documents(
        {"archive": str(tmp_path / "dump.zip"), "members": ["Posts.xml"], "parse": parse, "language": "english"},
        kind="threads",
    )
    columns = ["id", "text", "licence", "language"]
    rows = pq.read_table(plain / "documents-00000.parquet").select(columns).to_pylist()
    assert rows == pq.read_table(packed / "documents-00000.parquet").select(columns).to_pylist()
    assert rows == [
        {
            "id": "0/Posts.xml:1",
            "text": "Q: How?\n\nasked\n\nA: answer 2\n",
            "licence": "CC-BY-SA-4.0",
            "language": "english",
        }
    ]
    assert summary.left_out == {"question with fewer than 1 answers": 1}


def test_an_export_is_read_out_of_a_7z_archive(tmp_path, documents):
    py7zr = pytest.importorskip("py7zr")
    with py7zr.SevenZipFile(tmp_path / "dump.7z", "w") as archive:
        archive.writestr(export(question(1), answer(2, 1)), "Posts.xml")
    summary, _ = documents(
        {"archive": str(tmp_path / "dump.7z"), "members": ["Posts.xml"], "parse": {"format": "stackexchange-xml"}},
        kind="threads",
    )
    assert summary.documents == 1


POSTS = st.lists(
    st.tuples(st.booleans(), st.integers(0, 12), st.integers(-3, 3)), max_size=12, unique_by=lambda post: post[1]
)


@settings(deadline=None)
@given(posts=POSTS, run_bytes=st.sampled_from([1, 400, 10**9]))
def test_every_question_is_one_text_with_all_its_answers(posts, run_bytes):
    questions = [number for is_answer, number, _ in posts if not is_answer]
    rows, expected = [], {number: [] for number in questions}
    for is_answer, number, score in posts:
        if not is_answer:
            rows.append(question(number, f"<p>{number}q</p>", score))
            continue
        to = questions[number % len(questions)] if questions else 99
        rows.append(answer(number, to, f"<p>{number}a</p>", score))
        expected.setdefault(to, []).append((-score, number))
    found = {int(item.part): item.text for item in items(export(*rows), run_bytes) if isinstance(item, Text)}
    assert found == {
        number: "\n\n".join([f"Q: How?\n\n{number}q", *(f"A: {n}a" for _, n in sorted(expected[number]))]) + "\n"
        for number in sorted(questions)
    }
    assert list(found) == sorted(found)
