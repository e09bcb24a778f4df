"""Origins, presets, conditions on rows, and sources made of sources: what is said, refused, and in a fingerprint."""

from __future__ import annotations

import subprocess

import pytest
from pydantic import ValidationError

from titrant.jobs import DocumentsJob
from titrant.plan.fingerprint import identity_of
from titrant.study.derived import derivation_problems, made_of
from titrant.study.language_shares import LANGUAGE_SHARES, canonical_language
from titrant.study.origins import Archive, Files, HubDataset, Repository
from titrant.study.presets import PRESETS
from titrant.study.source import Source
from titrant.study.world import _pin_origin

COMMIT = "0123456789" * 4


def source(*origins, kind="text", **fields):
    return Source.model_validate({"kind": kind, "from": list(origins), **fields})


def message_of(*origins, **fields):
    with pytest.raises(ValidationError) as caught:
        source(*origins, **fields)
    return "; ".join(error["msg"] for error in caught.value.errors())


def job(origin):
    return DocumentsJob(kind="text", origins=(origin,), plant=None)


def test_fields_added_later_change_no_fingerprint_that_was_made_before_them():
    origin = Files(files=("/data",), content="0" * 64)
    assert identity_of(job(origin)) == {
        "kind": "text",
        "origins": [
            {"parse": {"format": "plain"}, "language": None, "licence": "unknown", "content": "0" * 64},
        ],
        "plant": None,
    }
    skipping = job(origin).model_copy(update={"on_error": "skip"})
    assert identity_of(skipping)["on_error"] == "skip"


def test_every_kind_of_document_has_its_name():
    for kind in ("text", "code", "markup", "commits", "notebooks", "threads", "synthetic"):
        assert source({"files": "a"}, kind=kind).kind == kind


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_written_out_to_a_dataset(name):
    if PRESETS[name].get("parse", {}).get("format") == "commits":
        pytest.importorskip("titrant.corpus.origins.commits")
    (origin,) = source({"preset": name, "revision": COMMIT}).origins
    assert isinstance(origin, HubDataset)
    assert (origin.revision, origin.dataset) == (COMMIT, PRESETS[name]["dataset"])


def test_what_a_study_gives_goes_before_its_preset():
    (origin,) = source({"preset": "c4", "revision": COMMIT, "config": "de", "dataset": "./here"}).origins
    assert (origin.config, origin.dataset, origin.licence) == ("de", "./here", "ODC-By-1.0")


def test_an_unknown_preset_is_met_with_the_nearest_one():
    assert "unknown preset 'slim-pajama', did you mean 'slimpajama'?" in message_of(
        {"preset": "slim-pajama", "revision": COMMIT}
    )


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ({"column": "a"}, "the condition on column 'a' has neither of `one_of` and `not_in`; give one"),
        ({"column": "a", "one_of": ["x"], "not_in": ["y"]}, "has both of `one_of` and `not_in`"),
    ],
)
def test_a_condition_says_one_thing(where, message):
    assert message in message_of({"dataset": "a/b", "revision": COMMIT, "where": where})


def test_a_condition_needs_columns():
    assert "`where` looks at columns of rows, and `parse: {format: plain}` has none; it goes with 'json'" in message_of(
        {"files": "a", "where": {"column": "a", "one_of": [1]}}
    )
    (origin,) = source({"files": "a", "parse": {"format": "jsonl"}, "where": {"column": "a", "one_of": [1]}}).origins
    assert origin.where[0].title == "a one of 1"


def test_values_of_a_condition_keep_their_type():
    where = {"column": "a", "one_of": [1, "1", True, 1.5]}
    (origin,) = source({"dataset": "a/b", "revision": COMMIT, "where": [where]}).origins
    assert [type(value) for value in origin.where[0].one_of] == [int, str, bool, float]


def test_an_origin_names_one_kind():
    assert "an origin has exactly one of 'archive', 'dataset', 'files', 'git'" in message_of({"archiv": "a.zip"})
    assert "did you mean 'archive'?" in message_of({"archiv": "a.zip"})
    assert "this one has 2" in message_of({"archive": "a.zip", "files": "b"})


def test_options_on_commits_need_commits_to_be_read():
    assert "`parse: {format: plain}` reads files; set the format to commits" in message_of(
        {"git": ".", "revision": "main", "commits": {"merges": True}}
    )


def test_rules_are_named_or_written_out():
    named = source({"files": "a"}, rules=["c4", {"signal": "words", "at_least": 5}])
    assert [rule.title for rule in named.rules_written_out][-1] == "5 <= words"
    assert len(named.rules_written_out) == 4
    assert source({"files": "a"}, rules="gopher-quality").rules == ("gopher-quality",)
    assert "unknown rule set 'gopher_quality', did you mean 'gopher-quality'?" in message_of(
        {"files": "a"}, rules=["gopher_quality"]
    )
    assert "write a rule as {signal: ..., at_most: ...}" in message_of({"files": "a"}, rules=["none"])
    assert "unknown signal 'wordz', did you mean 'words'?" in message_of(
        {"files": "a"}, rules=[{"signal": "wordz", "at_least": 1}]
    )


def test_language_shares_are_named_or_written_out():
    assert source({"files": "a"}, language_shares="aryabumi-25").shares_by_language["java"] == 15.54
    assert source({"files": "a"}, language_shares={"go": 1, "rust": 3}).shares_by_language == {"go": 1, "rust": 3}
    assert source({"files": "a"}).shares_by_language == {}
    assert "unknown language shares 'aryabumi', did you mean 'aryabumi-25'?" in message_of(
        {"files": "a"}, language_shares="aryabumi"
    )
    assert "the share of language 'go' is 0; a share is a finite number above 0" in message_of(
        {"files": "a"}, language_shares={"go": 0}
    )
    assert "no language has a share" in message_of({"files": "a"}, language_shares={})


@pytest.mark.parametrize(("name", "languages"), [("aryabumi-25", 25), ("aryabumi-markup", 10)])
def test_published_shares_sum_to_what_the_paper_prints(name, languages):
    assert sum(LANGUAGE_SHARES[name].values()) == pytest.approx(99.99)
    assert len(LANGUAGE_SHARES[name]) == languages
    assert all(canonical_language(language) == language for language in LANGUAGE_SHARES[name])


def test_a_source_made_of_another_stands_alone_and_after_it():
    assert "`source: code` stands beside other origins" in message_of({"source": "code"}, {"files": "a"})
    code, bare = (
        source({"files": "a"}, kind="code"),
        source({"source": "code"}, kind="code", transform="strip-comments"),
    )
    assert made_of(bare) == "code"
    assert made_of(code) is None
    assert list(derivation_problems({"code": code, "bare": bare}, {})) == []
    ((path, late),) = derivation_problems({"bare": bare, "code": code}, {})
    assert path == ("sources", "bare", "from", 0, "source")
    assert late == "source 'bare' is made of source 'code', which is declared after it; declare 'code' first"
    ((_, none),) = derivation_problems({"codes": code, "bare": bare}, {})
    assert (
        none
        == "source 'bare' is made of source 'code', which does not exist, did you mean 'codes'?; before it there are 'codes'"
    )
    ((_, self),) = derivation_problems({"code": bare}, {})
    assert "is made of itself" in self


def test_chains_of_sources_never_close():
    a, b = source({"source": "b"}), source({"source": "a"})
    assert len(list(derivation_problems({"a": a, "b": b}, {}))) == 1


def test_a_repository_is_pinned_to_a_commit_and_not_to_its_place_or_branch(tmp_path):
    def git(*arguments):
        subprocess.run(["git", "-c", "user.name=n", "-c", "user.email=e", *arguments], cwd=tmp_path / "r", check=True, capture_output=True)  # fmt: skip

    (tmp_path / "r").mkdir()
    git("init", "-q", "-b", "main")
    git("commit", "-q", "--allow-empty", "-m", "one")
    git("tag", "-a", "v1", "-m", "a tag")
    pinned = [_pin_origin(Repository(git="r", revision=name), tmp_path) for name in ("main", "v1", "HEAD")]
    assert len({origin.content for origin in pinned}) == 1
    assert len(pinned[0].content) == 40
    assert identity_of(pinned[0]) == identity_of(pinned[1])
    assert "git" not in identity_of(pinned[0])


def test_an_archive_is_pinned_by_its_bytes_and_not_by_its_place(tmp_path):
    for name in ("a.zip", "b.zip"):
        (tmp_path / name).write_bytes(b"same")
    one, two = (_pin_origin(Archive(archive=name), tmp_path) for name in ("a.zip", "b.zip"))
    assert identity_of(one) == identity_of(two)
    assert one.archive == str(tmp_path / "a.zip")


def test_only_sources_of_the_same_documents_are_paired():
    code, text = source({"files": "a"}, kind="code"), source({"files": "b"})
    bare = source({"source": "code"}, kind="code", transform="strip-comments")
    control = source({"source": "code"}, kind="code", paired_with=["bare"])
    assert list(derivation_problems({"code": code, "bare": bare, "control": control}, {})) == []
    ((path, late),) = derivation_problems({"code": code, "control": control, "bare": bare}, {})
    assert path == ("sources", "control", "paired_with", 0)
    assert late == "source 'control' is paired with 'bare', which is not declared before it; before it there are 'code'"
    other = source({"source": "code"}, kind="code", paired_with=["text"])
    ((_, foreign),) = derivation_problems({"code": code, "text": text, "control": other}, {})
    assert foreign == (
        "source 'control' is paired with 'text', which is made of other documents ('text', not 'code'); pair sources of "
        "the same documents"
    )
    ((path, own),) = derivation_problems({"code": source({"files": "a"}, kind="code", paired_with=["bare"])}, {})
    assert path == ("sources", "code", "paired_with")
    assert "has origins of its own" in own


def test_a_folder_is_read_without_what_a_repository_keeps_for_itself(tmp_path):
    from titrant.study.origins import Files
    from titrant.study.world import files_of

    for name in ("a.py", ".git/hooks/pre-commit.sample", ".git/logs/HEAD", "sub/__pycache__/a.pyc", "sub/.gitignore"):
        path = tmp_path / "work" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x\n")
    assert [name for name, _ in files_of(Files(files=str(tmp_path / "work")))] == ["a.py", "sub/.gitignore"]
    inside = Files(files=str(tmp_path / "work" / ".git" / "logs"))
    assert [name for name, _ in files_of(inside)] == ["HEAD"], "who names it means it"
