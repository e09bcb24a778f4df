"""Commits as documents: what a diff says is exact, a row reads as a commit does, and the work of a diff is bounded."""

from __future__ import annotations

import os
import re
import subprocess

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from corpus.made_repositories import Made
from titrant.corpus.opened import LeftOut
from titrant.corpus.origins import commits
from titrant.corpus.origins.commits import ChangedText, commit_texts, rendered, row_text, unified_diff
from titrant.errors import StudyError
from titrant.study.origins import Repository
from titrant.study.parsers import CommitTexts
from titrant.study.source import Source

ROW = {
    "old_file": "src/a.py",
    "new_file": "src/a.py",
    "old_contents": "x = 1\n",
    "new_contents": "x = 2\n",
    "subject": "Set x to two",
    "message": "Set x to two\n\nIt was one.\n",
    "lang": "Python",
    "license": "mit",
}
DIFF = "--- a/src/a.py\n+++ b/src/a.py\n@@ -1 +1 @@\n-x = 1\n+x = 2\n"
LINES = st.lists(st.sampled_from(["a", "b", "c", "", "  d", "é\u2028", "x\r", "\\ No newline"]), max_size=30).map(
    "\n".join
)


@pytest.fixture
def made(tmp_path):
    return Made(tmp_path / "repo")


def texts(made, commits=None, revision="main", **parse):
    origin = Repository.model_validate(
        {"git": str(made.folder), "revision": revision, "parse": {"format": "commits", **parse}, "commits": commits}
    )
    return list(commit_texts(origin))


def applied(before: str, diff: str) -> str:
    """An independent reading of a unified diff: what comes out when it is applied, checked against what it removes."""
    lines, made, at = before.split("\n"), [], 0
    if lines[-1] == "":
        lines.pop()
        ended = True
    else:
        ended = False
    out_ended = True
    for hunk in re.split(r"(?m)^(?=@@ )", diff.split("\n", 2)[2])[1:]:
        head, _, body = hunk.partition("\n")
        start, count = re.match(r"@@ -(\d+)(?:,(\d+))?", head).groups()
        first = int(start) - (count != "0")
        made += lines[at:first]
        at = first
        last = ""
        for line in body.split("\n")[:-1]:
            mark, said = line[:1], line[1:]
            if line == "\\ No newline at end of file":
                assert last in "-+ "
                if last != "-":
                    out_ended = False
                continue
            if mark in " -":
                assert lines[at] == said
                at += 1
            if mark in " +":
                made.append(said)
            last = mark
    rest = lines[at:]
    made += rest
    text = "\n".join(made)
    if rest:
        return text + ("\n" if ended else "")
    return text + ("\n" if made and out_ended else "")


def test_a_commit_is_its_message_and_its_diff(made):
    made.commit("First", **{"src__a.py": "x = 1\n"})
    commit = made.commit("Set x to two\n\nIt was one.", **{"src__a.py": "x = 2\n"})
    assert texts(made)[1].text == f"Set x to two\n\nIt was one.\n\n{DIFF}"
    assert (texts(made)[1].part, texts(made)[1].language) == (commit, "python")


def test_a_commit_is_its_message_and_its_files_before_and_after(made):
    made.commit("First", a="x = 1\n")
    made.commit("Second", a="x = 2", b="new\n")
    assert [text.text for text in texts(made, form="before-and-after")] == [
        "First\n\nAfter a:\nx = 1\n",
        "Second\n\nBefore a:\nx = 1\n\nAfter a:\nx = 2\n\nAfter b:\nnew\n",
    ]


def test_a_file_added_or_deleted_says_so(made):
    made.commit("add", a="1\n2\n")
    made.git("rm", "-q", "a")
    made.commit("delete")
    assert [text.text for text in texts(made)] == [
        "add\n\n--- /dev/null\n+++ b/a\n@@ -0,0 +1,2 @@\n+1\n+2\n",
        "delete\n\n--- a/a\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-1\n-2\n",
    ]


def test_what_is_no_text_is_passed_over_and_a_commit_of_nothing_else_left_out(made):
    made.commit("both", a="text\n", b=b"\0binary", c=b"not \xff utf-8")
    made.commit("binary", b=b"\0other")
    both, binary = texts(made)
    assert "--- /dev/null\n+++ b/a\n" in both.text
    assert "b/b" not in both.text
    assert "b/c" not in both.text
    assert binary == LeftOut("commit that changes no text")


def test_a_file_that_turns_from_binary_to_text_is_no_new_file(made):
    made.commit("first", a=b"\0binary")
    made.commit("second", a="text\n")
    assert texts(made)[1] == LeftOut("commit that changes no text")


def test_a_commit_without_a_message_is_left_out(made):
    made.commit("first", a="1")
    made.write(a="2")
    made.git("add", "-A")
    made.git("commit", "-q", "--allow-empty-message", "-m", "")
    assert texts(made)[1] == LeftOut("commit without a message")


def test_the_title_of_a_pull_request_stands_first_unless_the_message_begins_with_it(made):
    made.commit("base", a="1")
    made.git("checkout", "-q", "-b", "side")
    made.commit("wip", b="2")
    made.commit("Add a thing", b="3")
    made.git("checkout", "-q", "main")
    made.git("merge", "-q", "--no-ff", "-m", "Merge pull request #7 from x/y\n\nAdd a thing", "side")
    found = [text.text.partition("\n\n---")[0] for text in texts(made, {"pull_request_titles": True})[:3]]
    assert found == ["base", "Add a thing\n\nwip", "Add a thing"]


def test_the_language_is_that_of_the_files_where_all_are_in_one(made):
    made.commit("one", **{"a.py": "1\n", "b.py": "1\n"})
    made.commit("two", **{"a.py": "2\n", "c.rs": "2\n"})
    made.commit("three", notes="3\n")
    assert [text.language for text in texts(made)] == ["python", None, None]


def test_documents_are_commits_with_their_hash_and_where_they_come_from(made, documents):
    first = made.commit("one", **{"a.py": "1\n"})
    made.commit("two", **{"a.py": "2\n"}, author=("x[bot]", "x"))
    import pyarrow.parquet as pq

    summary, out = documents(
        {"git": str(made.folder), "revision": "main", "parse": {"format": "commits"}, "licence": "MIT"}, kind="commits"
    )
    (row,) = pq.read_table(out / "documents-00000.parquet").to_pylist()
    assert (row["id"], row["language"], row["licence"]) == (f"0/commits:{first}", "python", "MIT")
    assert row["origin"].startswith("git@")
    assert summary.left_out == {"commit of a bot": 1}


def test_a_row_of_commitpack_reads_as_the_same_commit_in_git_does(made):
    made.commit("First", **{"src__a.py": ROW["old_contents"]})
    made.commit(ROW["message"], **{"src__a.py": ROW["new_contents"]})
    for form in ("diff", "before-and-after"):
        assert row_text(ROW, CommitTexts(form=form), "message", "a:1") == texts(made, form=form)[1].text


def test_a_row_says_what_message_it_has_by_the_column_that_is_named():
    assert row_text(ROW, CommitTexts(), "subject", "a:1") == f"Set x to two\n\n{DIFF}"
    added = {**ROW, "old_contents": ""}
    assert "--- /dev/null\n+++ b/src/a.py\n" in row_text(added, CommitTexts(), "subject", "a:1")
    assert row_text({**ROW, "message": " \n"}, CommitTexts(), "message", "a:1") == LeftOut("commit without a message")
    assert row_text({**ROW, "new_contents": "x = 1\n"}, CommitTexts(), "message", "a:1") == LeftOut(
        "commit that changes no text"
    )


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({}, "rows 3 has no column 'old_file', as rows of commits do; it has "),
        ({**ROW, "new_contents": 3}, "column 'new_contents' of rows 3 is a int, not a string"),
    ],
)
def test_a_row_that_is_no_commit_is_one_sentence(row, words):
    with pytest.raises(StudyError, match=re.escape(words)):
        row_text(row, CommitTexts(), "message", "rows 3")


def test_commits_are_read_from_repositories_and_rows_alone():
    with pytest.raises(ValidationError, match="reads the history of a `git` origin or the rows of a `dataset`"):
        Source.model_validate({"kind": "commits", "from": [{"files": "a", "parse": {"format": "commits"}}]})
    with pytest.raises(ValidationError, match="less than or equal to 100"):
        CommitTexts(context_lines=101)


@pytest.mark.parametrize("context", [0, 1, 3])
def test_changes_so_near_that_their_lines_meet_are_one_hunk(context):
    before = "".join(f"{n}\n" for n in range(20))
    far = before.replace("3\n", "x\n", 1).replace(f"{5 + 2 * context}\n", "y\n", 1)
    near = before.replace("3\n", "x\n", 1).replace(f"{4 + 2 * context}\n", "y\n", 1)
    assert unified_diff(ChangedText("a", "a", before, far), context).count("@@ -") == 2
    assert unified_diff(ChangedText("a", "a", before, near), context).count("@@ -") == 1


@settings(deadline=None)
@given(before=LINES, after=LINES, context=st.integers(0, 5))
@example(before="a", after="a\n", context=3)
@example(before="", after="\n", context=0)
@example(before="a\n\n", after="\n", context=0)
def test_a_diff_leads_from_the_one_text_to_the_other(before, after, context):
    diff = unified_diff(ChangedText("f", "f", before, after), context)
    assert applied(before, diff) == after


@settings(deadline=None, max_examples=25)
@given(before=LINES, after=LINES, context=st.integers(0, 5))
def test_git_applies_a_diff_as_its_own(before, after, context, tmp_path_factory):
    if before == after or not before or not after:
        return
    folder = tmp_path_factory.mktemp("apply")
    (folder / "f").write_bytes(before.encode())
    (folder / "p").write_bytes(unified_diff(ChangedText("f", "f", before, after), context).encode())
    environment = {"PATH": os.environ["PATH"], "GIT_CEILING_DIRECTORIES": str(folder.parent), "HOME": str(folder)}
    command = ["git", "apply", "--unidiff-zero", "--whitespace=nowarn", "p"]
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
    assert (folder / "f").read_bytes() == after.encode()


def test_small_changes_far_apart_in_a_long_file_stay_small():
    lines = [f"line {n}\n" for n in range(30_000)]
    changed = ["first\n", *lines[1:15_000], "middle\n", *lines[15_000:-1], "last\n"]
    diff = unified_diff(ChangedText("f", "f", "".join(lines), "".join(changed)), 0)
    assert [line for line in diff.split("\n") if line[:1] in ("+", "-")][2:] == [
        *("-line 0", "+first", "+middle", "-line 29999", "+last"),
    ]


def test_lines_that_no_side_holds_once_are_aligned_all_the_same():
    change = ChangedText("f", "f", "a\na\nb\nb\na\na\n", "a\na\nX\nb\nb\nY\na\na\n")
    assert [line for line in unified_diff(change).split("\n")[2:] if line[:1] in ("+", "-")] == ["+X", "+Y"]


def test_what_may_be_too_much_work_is_shown_whole_between_the_lines_that_are_equal(monkeypatch):
    monkeypatch.setattr(commits, "MAX_WORK", 0)
    change = ChangedText("f", "f", "p\np\n1\n2\n1\n2\nq\nq\n", "p\np\n2\n1\n2\n1\nq\nq\n")
    assert unified_diff(change, 0).split("\n")[2:] == [
        "@@ -3,4 +3,4 @@",
        *["-1", "-2", "-1", "-2", "+2", "+1", "+2", "+1"],
        "",
    ]


def test_common_lines_align_by_what_stands_between_them():
    before = "".join(f"def f{n}():\n    return {n % 3}\n\n\n" for n in range(400))
    after = before.replace("def f200():\n    return 2\n", "def f200():\n    return 9\n")
    diff = unified_diff(ChangedText("f", "f", before, after), 0)
    assert diff.endswith("@@ -802 +802 @@\n-    return 2\n+    return 9\n")


@pytest.mark.parametrize("lines", [20_000])
def test_texts_made_to_be_hard_to_align_are_shown_whole_and_exact(lines, monkeypatch):
    searched = []
    original = commits.SequenceMatcher

    def counted(junk, old, new, autojunk):
        searched.append((len(old) + commits.MAX_PAIRS) * min(len(old), len(new)))
        return original(junk, old, new, autojunk=autojunk)

    monkeypatch.setattr(commits, "SequenceMatcher", counted)
    for before, after in [
        ("a\nb\n" * lines, "b\na\n" * lines + "c\n"),
        ("".join(f"{n}\n" for n in range(lines)), "".join(f"{n}\n" for n in reversed(range(lines)))),
        ("".join(f"{n}\n{n}\n" for n in range(lines)), "".join(f"{n}\n{n}\n" for n in reversed(range(lines)))),
    ]:
        assert applied(before, unified_diff(ChangedText("f", "f", before, after), 3)) == after
    assert sum(searched) <= 3 * commits.MAX_WORK


@given(
    message=st.text(max_size=30),
    before=st.none() | LINES,
    after=LINES,
    form=st.sampled_from(["diff", "before-and-after"]),
)
def test_every_form_holds_the_message_and_every_added_line(message, before, after, form):
    text = rendered(message, [ChangedText("f", "f", before, after)], CommitTexts(form=form))
    assert text.startswith(message.strip())
    for line in set(after.split("\n")) - set((before or "").split("\n")):
        assert line in text
