"""Questions and answers of a Stack Exchange `Posts.xml`, put together in bounded memory.

Posts stand in the order of their ids, so that an answer may come long after its question:

1. rows come from an incremental XML parser, one at a time; a document type, and with it every entity, is refused
2. posts are collected; whenever so many bytes have come together, they are sorted by thread and written to a scratch
   file on disk, packed
3. the sorted runs are merged as streams: question first, then its answers; only one thread is in memory at a time

Cost: n log n in the posts; memory some `RUN_BYTES`, the longest thread, and a packed stream a run: an export of 100 GB
makes some 400 runs. On disk they take about a quarter of the export, where temporary files are made (`TMPDIR`).
"""

from __future__ import annotations

import heapq
import io
import pickle
import re
import tempfile
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from itertools import groupby
from typing import IO, Any, BinaryIO, NamedTuple
from xml.parsers import expat

import zstandard

from titrant.corpus.formats.page_text import html_text
from titrant.corpus.formats.texts import Item, Text
from titrant.corpus.opened import BLOCK_BYTES, LeftOut, SourceFile, Unreadable
from titrant.errors import StoreError, StudyError
from titrant.study.declaration import listing
from titrant.study.parsers import HtmlPages, StackExchange

RUN_BYTES = 256_000_000
"""Text of the posts that are sorted at once."""
MAX_ROW_BYTES = 64_000_000
"""How long one row may be."""
_INTEGER = re.compile(r"-?[0-9]{1,18}")
_QUESTION, _ANSWER = "1", "2"
NO_THREAD = LeftOut("post that is neither question nor answer")
NO_QUESTION = LeftOut("answer without its question")


class Post(NamedTuple):
    """A question or answer; sorted, every question stands before its answers, those by falling score."""

    thread: int
    """Id of the question."""
    is_answer: bool
    falling_score: int
    id: int
    accepted: int
    """Id of the accepted answer, of a question; -1: none is."""
    title: str
    body: str
    """HTML."""
    licence: str


def threads(file: SourceFile, parser: StackExchange, run_bytes: int = RUN_BYTES) -> Iterator[Item]:
    """One text a question, by rising id, which is its part: `Q:` title and question, `A:` each answer.

    A row that is wrong is handed on as Unreadable. Raises StoreError, before any text is handed on, for what is not
    well-formed XML, declares a document type, or is cut off: an answer to any question might stand in what is missing.
    """
    with ExitStack() as runs:
        posts = yield from _sorted_posts(file, run_bytes, runs)
        for number, thread in groupby(posts, key=lambda post: post.thread):
            yield from _thread(number, thread, parser, file.origin)


def _sorted_posts(file: SourceFile, run_bytes: int, runs: ExitStack) -> Generator[Item, None, Iterator[Post]]:
    """All posts in order; what is none is handed on at once."""
    waiting: list[Post] = []
    written: list[Iterator[Post]] = []
    size = 0
    with file.open() as stream:
        for number, row in enumerate(_rows(stream, file.origin), start=1):
            place = f"{file.origin}:row {number}"
            try:
                post = _post(row, place)
            except StudyError as error:
                yield Unreadable(place, error)
                continue
            if isinstance(post, LeftOut):
                yield post
                continue
            waiting.append(post)
            size += len(post.body) + len(post.title) + 200
            if size >= run_bytes:
                written.append(_written(sorted(waiting), runs))
                waiting, size = [], 0
    return heapq.merge(*written, sorted(waiting))


def _written(posts: list[Post], runs: ExitStack) -> Iterator[Post]:
    try:
        scratch = runs.enter_context(tempfile.TemporaryFile())  # noqa: SIM115  the stack closes it
        with zstandard.ZstdCompressor(level=1).stream_writer(scratch, closefd=False) as packed:
            for post in posts:
                pickle.dump(tuple(post), packed, pickle.HIGHEST_PROTOCOL)
    except OSError as error:
        raise StoreError(
            f"posts cannot be sorted in '{tempfile.gettempdir()}' ({error.strerror}); make room there (a quarter of "
            "the export is needed), or set TMPDIR to a folder that has it"
        ) from None
    scratch.seek(0)
    return _read_back(scratch, len(posts))


def _read_back(scratch: IO[bytes], posts: int) -> Iterator[Post]:
    with zstandard.ZstdDecompressor().stream_reader(scratch, closefd=False) as packed:
        stream = io.BufferedReader(packed, 1 << 16)
        for _ in range(posts):
            yield Post(*pickle.load(stream))  # written by this very process into a file that has no name


def _rows(stream: BinaryIO, place: str) -> Iterator[dict[str, str]]:
    """The attributes of every `row`, in order, in constant memory."""
    found: list[dict[str, str]] = []
    parser = expat.ParserCreate()
    parser.buffer_text = True

    def start(name: str, attributes: dict[str, str]) -> None:
        if name == "row":
            found.append(attributes)

    def refuse(*_: Any) -> None:
        raise StoreError(
            f"{place} declares a document type, as no export does and as a file that unpacks without end would; fetch "
            "the export again"
        )

    parser.StartElementHandler = start
    parser.StartDoctypeDeclHandler = refuse
    try:
        since_row = 0
        while block := stream.read(BLOCK_BYTES):
            parser.Parse(block, False)
            since_row = 0 if found else since_row + len(block)
            if since_row > MAX_ROW_BYTES:
                raise StoreError(f"{place} has more than {MAX_ROW_BYTES:,} bytes without a row; fetch the export again")
            yield from found
            found.clear()
        parser.Parse(b"", True)
    except (expat.ExpatError, LookupError, ValueError) as error:  # the last two: an encoding that expat has not
        raise StoreError(f"{place} is not well-formed XML ({error}); fetch the export again") from None


def _post(row: dict[str, str], place: str) -> Post | LeftOut:
    kind = row.get("PostTypeId")
    if kind is None:
        raise StudyError(f"{place} has no PostTypeId, as posts have; it has {listing(list(row)[:20])}")
    if kind not in (_QUESTION, _ANSWER):
        return NO_THREAD
    if "Body" not in row:
        raise StudyError(f"{place} has no Body; it has {listing(list(row)[:20])}")
    is_answer = kind == _ANSWER
    id_ = _number(row, "Id", place)
    return Post(
        thread=_number(row, "ParentId", place) if is_answer else id_,
        is_answer=is_answer,
        falling_score=-_number(row, "Score", place),
        id=id_,
        accepted=_number(row, "AcceptedAnswerId", place) if "AcceptedAnswerId" in row else -1,
        title=row.get("Title", ""),
        body=row["Body"],
        licence=row.get("ContentLicense", "").strip().replace(" ", "-"),
    )


def _number(row: dict[str, str], name: str, place: str) -> int:
    if name not in row:
        raise StudyError(f"{place} has no {name}; it has {listing(list(row)[:20])}")
    if not _INTEGER.fullmatch(row[name]):
        raise StudyError(f"the {name} of {place} is {row[name]!r:.40}, not a number of up to 18 digits")
    return int(row[name])


def _thread(number: int, posts: Iterator[Post], parser: StackExchange, origin: str) -> Iterator[Item]:
    """One thread as a text, behind what of it is left out."""
    answers: list[Post] = []
    question: Post | None = None
    seen: set[int] = set()
    for post in posts:
        if post.id in seen or (question is not None and not post.is_answer):
            where = f"{origin}:post {post.id}"
            yield Unreadable(where, StudyError(f"{where} comes twice; fetch the export again"))
        elif not post.is_answer:
            question = post
        elif question is None:
            yield NO_QUESTION
        elif parser.min_answer_score is not None and -post.falling_score < parser.min_answer_score:
            yield LeftOut(f"answer scored below {parser.min_answer_score}")
        else:
            answers.append(post)
        seen.add(post.id)
    if question is None:
        return
    if parser.min_question_score is not None and -question.falling_score < parser.min_question_score:
        yield LeftOut(f"question scored below {parser.min_question_score}")
        return
    answers.sort(key=lambda post: post.id != question.accepted)
    yield _text(number, question, answers[: parser.max_answers], parser)


def _text(number: int, question: Post, answers: list[Post], parser: StackExchange) -> Item:
    html = HtmlPages(fences=parser.fences)
    asked = html_text(question.body, html)
    if isinstance(asked, LeftOut):
        return asked
    found = [(post, html_text(post.body, html)) for post in answers]
    kept = [(post, text) for post, text in found if isinstance(text, str) and text.strip()]
    if len(kept) < parser.min_answers:
        return LeftOut(f"question with fewer than {parser.min_answers} answers")
    head = "\n\n".join(part for part in (question.title.strip(), asked.strip("\n")) if part)
    if not head:
        return LeftOut("question without text")
    licences = {post.licence for post in (question, *(post for post, _ in kept)) if post.licence}
    texts = [f"Q: {head}", *("A: " + text.strip("\n") for _, text in kept)]
    return Text(str(number), "\n\n".join(texts) + "\n", None, " AND ".join(sorted(licences)) or None)
