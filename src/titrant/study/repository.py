"""The `git` program, run so that a repository can be read and nothing in it, or in the environment, can say how.

No shell, no pager, no prompt, no network (also not for objects that a partial clone lacks), no replaced objects, no
configuration but the repository's own, and only the repository that was named: never one that happens to lie around
it. Of the repository's configuration, what could start a program (a file monitor, a transport) is overruled; since
nothing of it is run, it may belong to somebody else.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from titrant.errors import EngineError, StudyError

SECONDS = 600
"""How long one question to git may take."""


def git_command(folder: Path, *arguments: str) -> tuple[list[str], dict[str, str]]:
    """The command and the environment with which git is started in a repository. Raises EngineError without git."""
    program = shutil.which("git")
    if program is None:
        raise EngineError("a `git` origin needs the program `git`; install it, or bring the files as an archive")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment |= {
        "GIT_ALLOW_PROTOCOL": "none",  # goes before what the repository allows itself
        "GIT_CEILING_DIRECTORIES": str(folder.resolve().parent),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_GRAFT_FILE": os.devnull,
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C",
    }
    settings = ("core.fsmonitor=false", "core.commitGraph=false", "safe.directory=*", f"core.hooksPath={os.devnull}")
    fixed = ["--no-pager", *(part for setting in settings for part in ("-c", setting))]
    return [program, *fixed, "-C", str(folder.resolve()), *arguments], environment


def git(folder: Path, *arguments: str) -> bytes:
    """What git answers. Raises StudyError with git's own words if it refuses."""
    command, environment = git_command(folder, *arguments)
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, stdin=subprocess.DEVNULL, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise StudyError(f"git in '{folder}' did not answer within {SECONDS} s ({' '.join(arguments[:2])})") from None
    if done.returncode:
        raise StudyError(f"git cannot read '{folder}': {last_words(done.stderr)}")
    return done.stdout


def last_words(stderr: bytes) -> str:
    """The first line that git wrote to its standard error, without its prefix."""
    lines = [line for line in stderr.decode("utf-8", "replace").splitlines() if line.strip()]
    said = next((line for line in lines if line.startswith(("fatal:", "error:"))), lines[0] if lines else "no reason")
    return said.removeprefix("fatal: ").removeprefix("error: ")[:300]


def commit_of(folder: Path, revision: str) -> str:
    """The commit (40 or 64 hexadecimal digits) that a commit, tag or branch of a repository points to.

    Raises StudyError if there is no such folder, repository or revision.
    """
    if "://" in str(folder) or (":" in str(folder) and not folder.exists()):
        raise StudyError(f"'{folder}' is no local repository; clone it first and name the clone's folder")
    if not folder.is_dir():
        raise StudyError(f"'{folder}' does not exist; paths are read from the study's folder")
    try:
        git(folder, "rev-parse", "--git-dir")
    except StudyError as error:
        said = str(error)
        if "not a git repository" in said:
            raise StudyError(
                f"'{folder}' is no git repository (nor a bare one); name the folder that holds `.git`"
            ) from None
        raise
    try:
        return git(folder, "rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}").decode().strip()
    except StudyError:
        raise StudyError(
            f"'{folder}' has no commit, tag or branch '{revision}'; `git branch --all` and `git tag` list what it has, "
            "and a clone of part of a history may lack it"
        ) from None
