"""Git repositories that tests build: the same bytes on every machine, whatever its own git is told."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from titrant.corpus.opened import LeftOut
from titrant.corpus.origins.repositories import Commit, commits_of
from titrant.study.origins import Repository


def clean_environment(**more):
    fixed = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_AUTHOR_DATE": "1700000000 +0000"}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return kept | fixed | {"GIT_COMMITTER_DATE": "1700000000 +0000"} | more


class Made:
    """A repository that a test builds."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        self.git("init", "-q", "-b", "main")

    def git(self, *arguments, author=("Ada", "ada@example.org")):
        command = ["git", "-c", f"user.name={author[0]}", "-c", f"user.email={author[1]}", *arguments]
        done = subprocess.run(command, cwd=self.folder, env=clean_environment(), check=True, capture_output=True)
        return done.stdout.decode().strip()

    def write(self, **files):
        for name, content in files.items():
            self.put(name.replace("__", "/"), content)

    def put(self, name, content):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())

    def commit(self, message, author=("Ada", "ada@example.org"), **files):
        self.write(**files)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message, author=author)
        return self.git("rev-parse", "HEAD")

    def origin(self, revision="main", **fields):
        return Repository.model_validate({"git": str(self.folder), "revision": revision, **fields})

    def commits(self, revision="main", **fields):
        """(commits, reasons of what is left out) of the history up to a revision."""
        origin = self.origin(revision, parse={"format": "commits"}, commits=fields)
        items = list(commits_of(origin))
        return [i for i in items if isinstance(i, Commit)], [i.reason for i in items if isinstance(i, LeftOut)]
