"""Files and commits of a local git repository at one commit, read through `git cat-file --batch`.

Only plumbing is used, whose output no configuration changes, and names of objects are all that git is given: a path
is never an argument. What is read is a pure function of the commit: a history that is cut short (a shallow clone) is
refused where commits are read, since it would look like another one.
"""

from __future__ import annotations

import io
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import IO, BinaryIO, Self, cast

from titrant.corpus.opened import LeftOut, Listed, SourceFile, Unreadable
from titrant.errors import StoreError, StudyError
from titrant.study.origins import Commits, Repository
from titrant.study.patterns import matches
from titrant.study.repository import commit_of, git, git_command, last_words

LFS_POINTER = b"version https://git-lfs.github.com/spec/v1\n"
MAX_POINTER_BYTES = 1024
MAX_COMMIT_BYTES = 10_000_000
_SUBMODULE, _LINK = "160000", "120000"


@dataclass(frozen=True)
class ChangedFile:
    """One file of a commit, before and after it."""

    path: str
    before: bytes | None
    """None if the commit adds the file."""
    after: bytes | None
    """None if the commit deletes the file."""


@dataclass(frozen=True)
class Commit:
    """One commit with the files that it changes and that the origin's patterns keep, sorted by path."""

    id: str
    message: str
    parents: int
    author_name: str
    author_email: str
    files: tuple[ChangedFile, ...]
    pull_request: str | None = None
    """Title of the pull or merge request that brought it, if the origin asks for that and one did."""


@contextmanager
def repository_files(origin: Repository) -> Iterator[Iterator[Listed]]:
    """The files of a repository at its commit that the patterns keep, in git's order (by bytes of the path).

    Each file can be opened until the next one is; one that the repository lacks is Unreadable. Raises StudyError if the
    patterns keep none or the repository has no such revision, StoreError if it lacks a folder.
    """
    folder, commit = _pinned(origin)
    with Objects(folder) as objects:
        yield _files(origin, folder, commit, objects)


def commits_of(origin: Repository) -> Iterator[Commit | LeftOut]:
    """The commits up to an origin's revision, parents before children, as its `commits` asks; and what is left out.

    Of a commit's files, those are passed over that the patterns do not keep, that are submodules, links or pointers to
    large files elsewhere, and whose name is not printable. Memory is bounded by `max_bytes` of a commit; with
    `pull_request_titles`, some hundred bytes a commit come to that. Raises StudyError for a shallow clone or an unknown
    revision, StoreError if the repository lacks an object.
    """
    options = origin.commits or Commits()
    folder, last = _pinned(origin)
    if git(folder, "rev-parse", "--is-shallow-repository").strip() == b"true":
        raise StudyError(
            f"'{folder}' is a shallow clone, whose history is cut off; run `git fetch --unshallow` in it, or clone it "
            "whole"
        )
    with Objects(folder) as objects, _Differences(folder) as differences:
        titles = _pull_request_titles(folder, last, objects) if options.pull_request_titles else {}
        for id_, parents in _history(folder, last):
            if len(parents) > 1 and not options.merges:
                yield LeftOut("merge commit")
                continue
            commit = _parsed(id_, len(parents), objects.read(id_, "commit", MAX_COMMIT_BYTES))
            if not options.bots and is_bot(commit.author_name, commit.author_email):
                yield LeftOut("commit of a bot")
                continue
            files = _changed(origin, options, differences.of(id_, parents[:1]), objects)
            if isinstance(files, LeftOut):
                yield files
            else:
                yield replace(commit, files=files, pull_request=titles.get(id_))


def label_of_repository(origin: Repository) -> str:
    """What stands before a file's path in the `origin` column: the commit, wherever the repository lies."""
    return f"git@{(origin.content or origin.revision)[:12]}"


def is_bot(name: str, email: str) -> bool:
    """Whether an author is a machine, by name or e-mail address.

    >>> is_bot("dependabot[bot]", "x@y"), is_bot("A. Botha", "abbot@example.org"), is_bot("release-bot", "")
    (True, False, True)
    """
    return any(_BOT.search(part) for part in (name.strip(), email.strip().partition("@")[0].rpartition("+")[2]))


_BOT = re.compile(
    r"\[bot\]|[-_]bot$|^bot[-_]|^(?:dependabot(?:-preview)?|renovate|renovate-?bot|greenkeeper(?:io)?|github-actions|"
    r"pre-commit-ci|snyk|pyup|codecov|codecov-io|allcontributors|mergify|bors|jenkins|travis-?ci|travis ci|circleci|"
    r"weblate|hosted weblate|transifex|crowdin|semantic-release|release-please|homu|k8s-ci-robot|copybara-service)$",
    re.IGNORECASE,
)


def _pinned(origin: Repository) -> tuple[Path, str]:
    folder = Path(origin.git)
    return folder, commit_of(folder, origin.content or origin.revision)


def _files(origin: Repository, folder: Path, commit: str, objects: Objects) -> Iterator[Listed]:
    label, entries = label_of_repository(origin), _tree(folder, commit)
    kept = [entry for entry in entries if _keeps(origin, entry[2])]
    if not kept:
        raise StudyError(
            f"'{folder}' at {origin.revision} holds no file that the patterns keep; check members and exclude"
        )
    for done, (mode, id_, path) in enumerate(kept):
        where = f"{label}:{path}"
        yield Listed(_file(mode, id_, path, where, objects), done, len(kept), "files")


def _file(mode: str, id_: str, path: str, where: str, objects: Objects) -> SourceFile | LeftOut | Unreadable:
    if mode in (_SUBMODULE, _LINK):
        return LeftOut("submodule" if mode == _SUBMODULE else "link")
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        shown = where.encode("utf-8", "backslashreplace").decode()
        return Unreadable(
            shown, StudyError(f"the file name {path!r} is not UTF-8; rename the file or exclude it"), "file"
        )
    try:
        if objects.is_pointer(id_):
            return LeftOut("LFS pointer")
    except StoreError as error:
        return Unreadable(where, error, "file")
    return SourceFile(path, where, partial(objects.open, id_))


def _keeps(origin: Repository, path: str) -> bool:
    return matches(path, origin.members) and not matches(path, origin.exclude)


def _tree(folder: Path, commit: str) -> list[tuple[str, str, str]]:
    """(mode, object, path) of every entry at a commit; bytes of a path that are not UTF-8 stand as surrogates."""
    try:
        listed = git(folder, "ls-tree", "-r", "-z", "--full-tree", "--end-of-options", commit)
    except StudyError as error:
        raise _incomplete(folder, str(error)) from None
    found = []
    for entry in listed.split(b"\0")[:-1]:
        facts, _, path = entry.partition(b"\t")
        mode, _, id_ = facts.decode().split(" ")
        found.append((mode, id_, path.decode("utf-8", "surrogateescape")))
    return found


def _history(folder: Path, last: str) -> Iterator[tuple[str, list[str]]]:
    """(commit, its parents), parents before children."""
    with _Talk(folder, "rev-list", "--topo-order", "--reverse", "--parents", "--end-of-options", last) as listing:
        for line in listing.answers:
            id_, *parents = line.decode().split()
            yield id_, parents
        listing.check_end()


def _incomplete(folder: Path, said: str) -> StoreError:
    return StoreError(
        f"the repository '{folder}' lacks objects that its commit needs ({said}); fetch them (`git fetch --refetch`) "
        "or clone it whole, without --filter"
    )


def _parsed(id_: str, parents: int, content: bytes) -> Commit:
    """A commit without its files. The message is in its declared encoding, or UTF-8; what is neither is replaced."""
    head, _, message = content.partition(b"\n\n")
    facts = dict(line.partition(b" ")[::2] for line in head.split(b"\n") if not line.startswith(b" "))
    declared = facts.get(b"encoding", b"utf-8").decode("ascii", "replace")
    encoding = declared if _ENCODING.match(declared) else "utf-8"
    author = re.match(rb"(.*?) ?<([^>]*)>", facts.get(b"author", b""))
    name, email = (author[1], author[2]) if author else (b"", b"")
    try:
        text = message.decode(encoding)
    except (LookupError, ValueError):  # no such encoding, a name that can be none, or not in it
        text = message.decode("utf-8", "replace")
    return Commit(id_, text, parents, name.decode("utf-8", "replace"), email.decode("utf-8", "replace"), ())


_ENCODING = re.compile(r"(?i)(utf-?(8|16|32)|iso-?8859|latin|windows|cp-?\d|koi8|gb|big5|euc|shift|sjis|ascii)")


def _changed(
    origin: Repository, options: Commits, difference: list[_Change], objects: Objects
) -> tuple[ChangedFile, ...] | LeftOut:
    kept = [c for c in difference if _keeps(origin, c.path) and not {c.before_mode, c.after_mode} & {_SUBMODULE, _LINK}]
    kept = [c for c in kept if not any(objects.is_pointer(id_) for id_ in (c.before, c.after) if id_)]
    kept = [c for c in kept if c.before != c.after and c.path.isprintable()]
    if not kept:
        return LeftOut("commit that changes no file that is kept")
    if options.max_files is not None and len(kept) > options.max_files:
        return LeftOut(f"commit that changes more than {options.max_files} files")
    if sum(objects.size(id_) for c in kept for id_ in (c.before, c.after) if id_) > options.max_bytes:
        return LeftOut(f"commit of more than {options.max_bytes} bytes")

    def content(id_: str | None) -> bytes | None:
        return None if id_ is None else objects.read(id_, "blob", options.max_bytes)

    return tuple(ChangedFile(c.path, content(c.before), content(c.after)) for c in kept)


_TITLED_MERGE = re.compile(r"Merge pull request #\d+ from |Merged in .* \(pull request #\d+\)")
_TITLED_BELOW = re.compile(r"^See merge request \S*!\d+", re.MULTILINE)


def _pull_request_titles(folder: Path, last: str, objects: Objects) -> dict[str, str]:
    """Title by commit: of the merge on the first-parent line that brought it there. Each commit is visited once."""
    graph: dict[str, list[str]] = {}
    for id_, parents in _history(folder, last):
        graph[sys.intern(id_)] = [sys.intern(parent) for parent in parents]
    line = [last]
    while parents := graph[line[-1]]:
        line.append(parents[0])
    titles: dict[str, str] = {}
    seen: set[str] = set()
    for id_ in reversed(line):
        seen.add(id_)
        brought = list(_ancestors(graph, graph[id_][1:], seen))
        title = _title_of(_parsed(id_, 2, objects.read(id_, "commit", MAX_COMMIT_BYTES)).message) if brought else None
        if title:
            titles |= dict.fromkeys(brought, title)
    return titles


def _ancestors(graph: dict[str, list[str]], starts: list[str], seen: set[str]) -> Iterator[str]:
    pending = list(starts)
    while pending:
        id_ = pending.pop()
        if id_ not in seen:
            seen.add(id_)
            yield id_
            pending += graph[id_]


def _title_of(message: str) -> str | None:
    """The title of a pull request, as the messages of merges on GitHub, GitLab and Bitbucket tell it."""
    subject, _, body = message.partition("\n")
    lines = [line.strip() for line in body.splitlines() if line.strip()]
    if not lines or not (_TITLED_MERGE.match(subject) or _TITLED_BELOW.search(body)):
        return None
    return None if _TITLED_BELOW.match(lines[0]) else lines[0]


@dataclass(frozen=True)
class _Change:
    path: str
    before_mode: str
    after_mode: str
    before: str | None
    after: str | None


class _Talk:
    """A process of git that answers one line of input at a time."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self._folder = folder
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  closed with the process
        command, environment = git_command(folder, *arguments)
        self._process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors
        )
        self.answers = cast(io.BufferedReader, self._process.stdout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with suppress(OSError):
                    stream.close()
        self._process.kill()
        self._process.wait()
        self._errors.close()

    def ask(self, line: str) -> None:
        """Send one line."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(line.encode() + b"\n")
            self._process.stdin.flush()
        except OSError:
            raise self.failure() from None

    def check_end(self) -> None:
        """Raise StoreError if git ended because it could not go on."""
        if self._process.wait():
            raise self.failure()

    def failure(self) -> StoreError:
        """The error for an answer that does not come."""
        self._process.wait()
        self._errors.seek(0)
        return _incomplete(self._folder, last_words(self._errors.read()))

    def incomplete(self, said: str) -> StoreError:
        """The error for an object that is not there."""
        return _incomplete(self._folder, said)


class Objects(_Talk):
    """Objects of a repository by their ids, one after the other."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "cat-file", "--batch")
        self._sizes = _Sizes(folder)
        self._blob: _Blob | None = None

    def __exit__(self, *failure: object) -> None:
        self._sizes.__exit__()
        super().__exit__(*failure)

    def size(self, id_: str) -> int:
        """Bytes of an object."""
        return self._sizes.of(id_)

    def is_pointer(self, id_: str) -> bool:
        """Whether a blob only says where else the file's content lies."""
        return self.size(id_) <= MAX_POINTER_BYTES and self.read(id_, "blob", MAX_POINTER_BYTES).startswith(LFS_POINTER)

    def open(self, id_: str) -> BinaryIO:
        """A blob as a stream, readable until the next object is asked for."""
        if self._blob is not None:
            self._blob.finish()
        self.ask(id_)
        _, size = _header(self.answers.readline(), id_, self)
        self._blob = _Blob(self.answers, size, id_)
        return cast(BinaryIO, io.BufferedReader(self._blob, 1 << 16))

    def read(self, id_: str, kind: str, most: int) -> bytes:
        """A whole object. Raises StoreError if it is larger."""
        if self.size(id_) > most:
            raise StoreError(f"{kind} {id_} has {self.size(id_):,} bytes; at most {most:,} are read at once")
        with self.open(id_) as stream:
            return stream.read()


def _header(line: bytes, id_: str, talk: _Talk) -> tuple[str, int]:
    if not line:
        raise talk.failure()
    facts = line.decode("utf-8", "replace").split()
    if len(facts) != 3:
        raise talk.incomplete(f"object {id_} is {facts[-1] if facts else 'missing'}")
    return facts[1], int(facts[2])


class _Sizes(_Talk):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "cat-file", "--batch-check")
        self._last = ("", 0)

    def of(self, id_: str) -> int:
        if self._last[0] != id_:
            self.ask(id_)
            self._last = (id_, _header(self.answers.readline(), id_, self)[1])
        return self._last[1]


class _Differences(_Talk):
    _END = b"/end\n"
    """Git repeats a line that names no object; no path begins with a slash, so that this one is its own."""

    def __init__(self, folder: Path) -> None:
        arguments = ("diff-tree", "--stdin", "-r", "-z", "--raw", "--root", "--no-renames", "--no-abbrev", "--always")
        super().__init__(folder, *arguments)

    def of(self, id_: str, parent: list[str]) -> list[_Change]:
        """What a commit changes against one parent, or against nothing, sorted by bytes of the path."""
        self.ask(" ".join([id_, *parent]))
        self.ask(self._END.decode().strip())
        answer = bytearray()
        while not (answer.endswith(b"\0" + self._END) or answer == self._END):
            piece = self.answers.read1(1 << 16)
            if not piece:
                raise self.failure()
            answer += piece
        fields = bytes(answer).split(b"\0")[1:-1]
        return [_change(facts, path) for facts, path in zip(fields[::2], fields[1::2], strict=True)]


def _change(facts: bytes, path: bytes) -> _Change:
    before_mode, after_mode, before, after, _ = facts.decode().removeprefix(":").split(" ")
    before_id, after_id = (None if not id_.strip("0") else id_ for id_ in (before, after))
    return _Change(path.decode("utf-8", "surrogateescape"), before_mode, after_mode, before_id, after_id)


class _Blob(io.RawIOBase):
    """The bytes of one object in the stream of all; what is not read is passed over."""

    def __init__(self, stream: io.BufferedReader, size: int, id_: str) -> None:
        self._stream, self._left, self._id, self._read = stream, size, id_, 0
        self._done = False

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._read

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        content = self._stream.read(min(len(buffer), self._left))
        if not content and self._left:
            raise EOFError(f"git ended inside of object {self._id}")
        buffer[: len(content)] = content
        self._left -= len(content)
        self._read += len(content)
        return len(content)

    def finish(self) -> None:
        """Pass over the rest and the line end after it."""
        while self._left:
            self._left -= len(self._stream.read(min(self._left, 1 << 20))) or self._left
        if not self._done:
            self._done = bool(self._stream.read(1))
