"""A source is not scored on held-out text that stands in what an arm trains on of the same repository."""

from __future__ import annotations

import subprocess

import pytest
import yaml

from demo_study import DEMO
from titrant.errors import StudyError
from titrant.study.load import load_study, open_study
from titrant.study.world import pin_study

FILES = {"git": "repo", "revision": "main"}
COMMITS = {"git": "./repo/", "revision": "v1", "parse": {"format": "commits"}}


@pytest.fixture
def study(write_study):
    """Writes the demo study with files and commits as sources: what is drawn beside prose, and what is scored."""

    def write(files, commits, drawn, scored=()):
        content = yaml.safe_load(DEMO)
        content["sources"]["code"]["from"] = [files]
        content["sources"]["history"] = {"kind": "commits", "from": [commits], "max_epochs": 3}
        content["mixtures"] = {"text": {"text": 1}, "balanced": {"text": 50, drawn: 50}}
        content["arms"] = {"text": [{"whole": "text"}], "balanced": [{"whole": "balanced"}]}
        content["contrasts"] = [{"arm": "balanced", "control": "text"}]
        content["evaluation"]["bits_per_byte"]["sources"] = list(scored)
        return write_study(yaml.safe_dump(content, sort_keys=False))

    return write


@pytest.mark.parametrize("files", [FILES, {"files": ["repo/src/**/*.py"]}, {"git": "repo/.git", "revision": "main"}])
@pytest.mark.parametrize("scored", [["code"], ["text", "code"], []])
def test_held_out_files_whose_commits_are_trained_on_are_not_scored(study, files, scored) -> None:
    with pytest.raises(
        StudyError, match=r"source 'code' would be scored on files .* trains on source 'history'"
    ) as told:
        load_study(study(files, COMMITS, "history", scored))
    assert "without 'code'" in str(told.value)


def test_nor_held_out_commits_whose_files_are(study) -> None:
    with pytest.raises(StudyError, match=r"source 'history' would be scored on commits .* trains on source 'code'"):
        load_study(study(FILES, COMMITS, "code", ["history"]))


def test_nor_commits_in_another_form(study) -> None:
    other = COMMITS | {"parse": {"format": "commits", "form": "before-and-after"}}
    with pytest.raises(StudyError, match="the same repository"):
        load_study(study(other, COMMITS, "code", ["history"]))


@pytest.mark.parametrize(
    ("files", "drawn", "scored"),
    [
        (FILES, "history", ["text"]),
        (FILES, "history", ["text", "history"]),
        (FILES, "code", ["text", "code"]),
        (FILES | {"git": "repo2"}, "history", []),
        ({"files": "repo-copy"}, "history", []),
        (COMMITS | {"revision": "v2"}, "history", []),
    ],
)
def test_other_repositories_and_sources_that_are_not_both_scored_and_drawn_are_fine(
    study, files, drawn, scored
) -> None:
    assert drawn in load_study(study(files, COMMITS, drawn, scored)).sources


def test_two_clones_at_one_commit_are_told_when_the_study_is_pinned(study, tmp_path) -> None:
    def git(*arguments):
        subprocess.run(["git", "-c", "user.name=n", "-c", "user.email=e", *arguments], cwd=tmp_path, check=True)

    git("init", "-q", "-b", "main", "one")
    git("-C", "one", "commit", "-q", "--allow-empty", "-m", "first")
    git("clone", "-q", "one", "two")
    files = {"git": str(tmp_path / "one"), "revision": "main"}
    commits = COMMITS | {"git": str(tmp_path / "two"), "revision": "HEAD"}
    (tmp_path / "prose").mkdir(exist_ok=True)
    (tmp_path / "prose" / "a.txt").write_text("a")
    loaded = open_study(study(files, commits, "history", ["code"]))
    with pytest.raises(StudyError, match="source 'code' would be scored on files"):
        pin_study(loaded)
