"""Git repositories: the files and commits that a revision has, and nothing that a repository could do to its reader."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.made_repositories import Made, clean_environment
from titrant.corpus.opened import LeftOut, Unreadable
from titrant.corpus.origins.repositories import (
    Objects,
    _parsed,
    commits_of,
    is_bot,
    label_of_repository,
    repository_files,
)
from titrant.errors import EngineError, StoreError, StudyError
from titrant.study.origins import Repository
from titrant.study.repository import commit_of, git_command

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize 12345\n"


@pytest.fixture
def made(tmp_path):
    return Made(tmp_path / "repo")


def read(origin):
    """(text by name of what is read, reasons of what is left out)."""
    texts, others = {}, []
    with repository_files(origin) as files:
        for entry in files:
            if isinstance(entry.item, LeftOut):
                others.append(entry.item.reason)
            elif isinstance(entry.item, Unreadable):
                raise entry.item.error
            else:
                texts[entry.item.name] = entry.item.read().decode()
    return texts, others


def test_the_files_are_those_of_the_revision_and_not_of_the_work_tree(made):
    made.commit("one", a="one\n", sub__b="two\n")
    made.commit("two", a="changed\n")
    made.put("a", "not committed")
    made.put("new", "not committed")
    assert read(made.origin("main~1")) == ({"a": "one\n", "sub/b": "two\n"}, [])
    assert read(made.origin("main"))[0]["a"] == "changed\n"


def test_a_commit_once_pinned_is_read_wherever_its_branch_goes(made):
    first = made.commit("one", a="one")
    made.commit("two", a="two")
    assert read(made.origin("main", content=first))[0] == {"a": "one"}
    assert label_of_repository(made.origin("main", content=first)) == f"git@{first[:12]}"


def test_the_origin_names_repository_commit_and_path(made):
    commit = made.commit("one", sub__b="two")
    with repository_files(made.origin(content=commit)) as files:
        assert next(files).item.origin == f"git@{commit[:12]}:sub/b"


def test_patterns_keep_and_leave_out(made):
    made.commit("one", a="1", sub__b="2", sub__deep__c="3")
    assert set(read(made.origin(members=["sub/**"], exclude=["**/c"]))[0]) == {"sub/b"}
    with pytest.raises(StudyError, match="holds no file that the patterns keep; check members and exclude"):
        read(made.origin(members=["nothing"]))


def test_links_submodules_and_large_file_pointers_are_left_out_and_counted(made):
    made.commit("one", a="1", big=POINTER)
    (made.folder / "link").symlink_to("a")
    made.git("add", "-A")
    made.git("update-index", "--add", "--cacheinfo", "160000", "1" * 40, "module")
    made.git("commit", "-q", "-m", "two")
    assert read(made.origin()) == ({"a": "1"}, ["LFS pointer", "link", "submodule"])


def test_a_file_name_that_is_not_utf8_is_a_named_error_and_the_others_are_read(made):
    made.commit("one", a="1")
    (Path(os.fsencode(made.folder).decode()) / os.fsdecode(b"bad\xff")).write_text("x")
    made.git("add", "-A")
    made.git("commit", "-q", "-m", "two")
    with repository_files(made.origin()) as files:
        kinds = [entry.item for entry in files]
    assert isinstance(kinds[1], Unreadable)
    assert "is not UTF-8; rename the file or exclude it" in str(kinds[1].error)


def test_a_file_may_be_opened_twice_left_half_read_or_skipped(made):
    made.commit("one", a="a" * 300_000, b="b" * 300_000, c="")
    with repository_files(made.origin()) as files:
        entries = iter(files)
        first = next(entries).item
        with first.open() as stream:
            assert stream.read(5) == b"aaaaa"
        assert first.read() == b"a" * 300_000
        second = next(entries).item
        next(entries)
        assert second.read() == b"b" * 300_000


@pytest.mark.parametrize("bare", [False, True])
def test_a_bare_clone_reads_as_the_repository_does(made, tmp_path, bare):
    made.commit("one", a="1")
    made.git("clone", "-q", *(["--bare"] if bare else []), str(made.folder), str(tmp_path / "clone"))
    assert read(Repository(git=str(tmp_path / "clone"), revision="main")) == read(made.origin())


@pytest.mark.parametrize(
    ("revision", "words"),
    [("nothing", "has no commit, tag or branch 'nothing'"), ("--help", "has no commit, tag or branch '--help'")],
)
def test_an_unknown_revision_is_one_sentence(made, revision, words):
    made.commit("one", a="1")
    with pytest.raises(StudyError, match=words):
        read(made.origin(revision))


def test_what_is_no_repository_is_one_sentence_each(made, tmp_path):
    made.commit("one", sub__a="1")
    for folder, words in [
        (tmp_path / "absent", "does not exist"),
        (tmp_path, "is no git repository"),
        (made.folder / "sub", "is no git repository"),
    ]:
        with pytest.raises(StudyError, match=words):
            commit_of(folder, "main")
    with pytest.raises(StudyError, match="is no local repository; clone it first"):
        commit_of(Path("https://example.org/r.git"), "main")


def test_an_object_that_is_missing_is_named_with_what_to_do(made):
    made.commit("one", a="1" * 5000)
    blob = made.git("rev-parse", "main:a")
    loose = made.folder / ".git/objects" / blob[:2] / blob[2:]
    loose.unlink()
    with pytest.raises(StoreError, match=rf"lacks objects that its commit needs \(object {blob} is missing\); fetch"):
        read(made.origin())


def test_what_a_repository_lacks_is_skipped_if_asked_for_and_the_rest_is_read(made, documents):
    made.commit("one", a="1" * 5000, b="2" * 5000, c="3" * 5000)
    blob = made.git("rev-parse", "main:b")
    (made.folder / ".git/objects" / blob[:2] / blob[2:]).unlink()
    origin = {"git": str(made.folder), "revision": "main"}
    with pytest.raises(StoreError, match="lacks objects"):
        documents(origin)
    summary, _ = documents(origin, on_error="skip")
    assert (summary.documents, summary.left_out) == (2, {"file that cannot be read": 1})


def test_an_object_that_is_damaged_is_an_error_and_no_shorter_text(made):
    made.commit("one", a="1" * 5000)
    blob = made.git("rev-parse", "main:a")
    loose = made.folder / ".git/objects" / blob[:2] / blob[2:]
    loose.chmod(0o644)
    loose.write_bytes(loose.read_bytes()[:-4] + b"\0\0\0\0")
    with pytest.raises(StoreError):
        read(made.origin())


def test_a_partial_clone_is_read_where_it_is_whole_and_fetches_nothing(made, tmp_path):
    made.commit("one", a="1" * 500)
    made.git("config", "uploadpack.allowFilter", "true")
    clone = tmp_path / "clone"
    made.git("clone", "-q", "--no-checkout", "--filter=blob:none", f"file://{made.folder}", str(clone))
    with pytest.raises(StoreError, match=r"lacks objects that its commit needs .* clone it whole, without --filter"):
        read(Repository(git=str(clone), revision="main"))


def test_a_shallow_clone_gives_files_and_refuses_commits(made, tmp_path):
    made.commit("one", a="1")
    made.commit("two", a="2")
    clone = tmp_path / "clone"
    made.git("clone", "-q", "--depth", "1", f"file://{made.folder}", str(clone))
    assert read(Repository(git=str(clone), revision="main"))[0] == {"a": "2"}
    origin = Repository.model_validate({"git": str(clone), "revision": "main", "parse": {"format": "commits"}})
    with pytest.raises(StudyError, match=r"is a shallow clone, whose history is cut off; run `git fetch --unshallow`"):
        list(commits_of(origin))


def test_no_program_that_a_repository_names_is_run(made, tmp_path):
    made.commit("one", a="1" * 500)
    made.commit("two", a="2")
    trap = tmp_path / "trap.sh"
    trap.write_text(f"#!/bin/sh\necho run >> {tmp_path}/was-run\n")
    trap.chmod(0o755)
    for name in ("core.fsmonitor", "core.pager", "core.sshCommand", "diff.external", "uploadpack.packObjectsHook"):
        made.git("config", name, str(trap))
    made.git("config", "diff.x.textconv", str(trap))
    made.git("config", "filter.x.smudge", str(trap))
    made.git("config", "protocol.ext.allow", "always")
    made.git("config", "remote.origin.url", f"ext::{trap}")
    made.git("config", "remote.origin.promisor", "true")
    made.git("config", "extensions.partialClone", "origin")
    made.put(".gitattributes", "* diff=x filter=x\n")
    for hook in ("post-checkout", "reference-transaction", "post-index-change"):
        made.put(f".git/hooks/{hook}", trap.read_text())
        (made.folder / ".git/hooks" / hook).chmod(0o755)
    (made.folder / ".git/objects/info").mkdir(exist_ok=True)
    blob = subprocess.run(
        ["git", "--git-dir", made.folder / ".git", "rev-parse", "main~1:a"],
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    (tmp_path / "was-run").unlink(missing_ok=True)
    assert read(made.origin())[0]["a"] == "2"
    assert len(made.commits()[0]) == 2
    (made.folder / ".git/objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(StoreError, match="lacks objects"):
        read(made.origin("main~1"))
    assert not (tmp_path / "was-run").exists()


def test_what_the_environment_says_to_git_changes_nothing(made, monkeypatch, tmp_path):
    first = made.commit("one", a="1")
    made.commit("two", a="2")
    other = Made(tmp_path / "other")
    other.commit("other", b="3")
    monkeypatch.setenv("GIT_DIR", str(other.folder / ".git"))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.bare")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "nonsense")
    monkeypatch.setenv("GIT_TRACE", "1")
    assert read(made.origin("main~1"))[0] == {"a": "1"}
    assert commit_of(made.folder, "main~1") == first


def test_replaced_objects_and_grafts_are_not_believed(made):
    first = made.commit("one", a="1")
    second = made.commit("two", a="2")
    made.git("replace", second, first)
    assert read(made.origin())[0] == {"a": "2"}


def test_without_git_the_error_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineError, match="needs the program `git`; install it"):
        git_command(tmp_path, "status")


def test_commits_come_with_parents_before_children_and_their_files_by_path(made):
    made.commit("one\n\nThe first.", b="1\n", a="1\n")
    made.commit("two", b="2\n")
    made.git("rm", "-q", "a")
    made.commit("three")
    commits, left_out = made.commits()
    assert [commit.message for commit in commits] == ["one\n\nThe first.\n", "two\n", "three\n"]
    changes = [[(file.path, file.before, file.after) for file in commit.files] for commit in commits]
    assert changes == [
        [("a", None, b"1\n"), ("b", None, b"1\n")],
        [("b", b"1\n", b"2\n")],
        [("a", b"1\n", None)],
    ]
    assert left_out == []


def merged(made, message="Merge pull request #7 from x/y\n\nAdd a thing"):
    made.commit("base", a="1")
    made.git("checkout", "-q", "-b", "side")
    made.commit("on the side", b="2")
    made.git("checkout", "-q", "main")
    made.commit("meanwhile", c="3")
    made.git("merge", "-q", "--no-ff", "-m", message, "side")


def test_merges_are_left_out_unless_asked_for(made):
    merged(made)
    commits, left_out = made.commits()
    assert {commit.message.strip() for commit in commits} == {"base", "on the side", "meanwhile"}
    assert left_out == ["merge commit"]
    whole, _ = made.commits(merges=True)
    assert (whole[-1].parents, [file.path for file in whole[-1].files]) == (2, ["b"])


@pytest.mark.parametrize(
    ("message", "title"),
    [
        ("Merge pull request #7 from x/y\n\nAdd a thing", "Add a thing"),
        ("Merge branch 'side' into 'main'\n\nAdd a thing\n\nSee merge request g/p!7", "Add a thing"),
        ("Merged in side (pull request #7)\n\nAdd a thing", "Add a thing"),
        ("Merge branch 'side'", None),
        ("Merge pull request #7 from x/y", None),
        ("Merge branch 'side' into 'main'\n\nSee merge request g/p!7", None),
    ],
)
def test_a_commit_has_the_title_of_the_pull_request_that_brought_it(made, message, title):
    merged(made, message)
    commits, _ = made.commits(pull_request_titles=True)
    assert {commit.message.strip(): commit.pull_request for commit in commits} == {
        "base": None,
        "on the side": title,
        "meanwhile": None,
    }


def test_bots_are_left_out_unless_asked_for(made):
    made.commit("by hand", a="1")
    made.commit("Bump x", a="2", author=("dependabot[bot]", "49699333+dependabot[bot]@users.noreply.github.com"))
    commits, left_out = made.commits()
    assert [commit.message.strip() for commit in commits] == ["by hand"]
    assert left_out == ["commit of a bot"]
    assert len(made.commits(bots=True)[0]) == 2


@pytest.mark.parametrize(
    ("name", "email", "expected"),
    [
        ("Abbot Costello", "abbot@example.org", False),
        ("Robotics Team", "team@robotics.org", False),
        ("GitHub", "noreply@github.com", False),
        ("renovate[bot]", "", True),
        ("Weblate", "", True),
        ("x", "12345+some-bot@users.noreply.github.com", True),
        ("", "", False),
    ],
)
def test_a_bot_is_known_by_its_name_and_a_person_is_none(name, email, expected):
    assert is_bot(name, email) is expected


def test_commits_of_too_many_files_or_bytes_are_left_out(made):
    made.commit("small", a="1")
    made.commit("many", a="2", b="2", c="2")
    made.commit("large", a="x" * 3000)
    commits, left_out = made.commits(max_files=2, max_bytes=1000)
    assert [commit.message.strip() for commit in commits] == ["small"]
    assert left_out == ["commit that changes more than 2 files", "commit of more than 1000 bytes"]


def test_files_that_the_patterns_leave_out_are_no_part_of_a_commit(made):
    made.commit("both", a="1", b="1")
    made.commit("only b", b="2")
    origin = made.origin(parse={"format": "commits"}, exclude=["b"])
    items = list(commits_of(origin))
    assert [file.path for file in items[0].files] == ["a"]
    assert items[1] == LeftOut("commit that changes no file that is kept")


def test_a_message_in_another_encoding_is_read_and_one_that_lies_is_replaced(made):
    made.commit("base", a="1")
    tree = made.git("rev-parse", "main^{tree}")
    for encoding, said, expected in [
        (b"ISO-8859-1", "Größe".encode("latin-1"), "Größe"),
        (b"UTF-8", b"bad \xff", "bad �"),
        (b"nonsense", "Größe".encode(), "Größe"),
        (b"rot13", b"abc", "abc"),
        (b"latin\x001", b"abc", "abc"),
    ]:
        content = b"tree %s\nauthor A <a@b> 0 +0000\ncommitter A <a@b> 0 +0000\nencoding %s\n\n%s\n" % (
            tree.encode(),
            encoding,
            said,
        )
        command = ["git", "hash-object", "-t", "commit", "-w", "--stdin", "--literally"]
        done = subprocess.run(
            command, cwd=made.folder, input=content, env=clean_environment(), capture_output=True, check=True
        )
        with Objects(made.folder) as objects:
            id_ = done.stdout.decode().strip()
            assert _parsed(id_, 0, objects.read(id_, "commit", 1000)).message == f"{expected}\n"


def test_a_change_of_mode_alone_changes_no_file(made):
    made.commit("one", a="1")
    made.git("update-index", "--chmod=+x", "a")
    made.git("commit", "-q", "-m", "mode")
    assert made.commits()[1] == ["commit that changes no file that is kept"]


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="/\0\n\r"), min_size=1, max_size=20).filter(
    lambda name: name.strip(". ") and not name.lower().startswith(".git") and len(name.encode()) < 200
)


CONTENTS = st.binary(max_size=200).filter(lambda content: not content.startswith(POINTER.split("\n")[0].encode()))


@settings(max_examples=12, deadline=None)
@given(files=st.dictionaries(NAMES, CONTENTS, min_size=1, max_size=6))
def test_whatever_is_committed_comes_back(files, tmp_path_factory):
    made = Made(tmp_path_factory.mktemp("any") / "repo")
    for name, content in files.items():
        blob = subprocess.run(
            ["git", "hash-object", "-w", "--stdin"], cwd=made.folder, input=content, capture_output=True, check=True
        )
        made.git("update-index", "--add", "--cacheinfo", "100644", blob.stdout.decode().strip(), name)
    made.git("commit", "-q", "-m", "all")
    found = {}
    with repository_files(made.origin()) as entries:
        for entry in entries:
            found[entry.item.name] = entry.item.read()
    assert found == files
    assert list(found) == sorted(files, key=str.encode)
    (commit,) = made.commits()[0] or [None]
    if commit is not None:
        assert {file.path: file.after for file in commit.files} == {n: c for n, c in files.items() if n.isprintable()}
