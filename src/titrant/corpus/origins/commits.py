"""Commits as documents: a message and what it changed, of a git repository or of a row with CommitPack's columns.

A diff is found here and not by git, so that a commit and a row of a dataset read alike and no attribute of a work tree
changes a byte:

1. equal lines at both ends are passed over
2. lines that stand once on either side, in the longest order that both share, hold the two texts together
3. between those, lines are aligned by `difflib`; the commonest ones only extend a match and never begin one, so that
   few pairs of equal lines are to be compared
4. a stretch for which even that may be too much work is shown as removed and added again as a whole

What a diff says is exact in every case: it leads from the one text to the other. Cost: n log n in the lines, and at
most some `MAX_WORK` steps beyond that.
**Source:** step 2 is the patience diff (Cohen 2006).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import accumulate
from typing import Any

from titrant.corpus.formats.texts import Text, decoded
from titrant.corpus.languages import UNKNOWN, language_of
from titrant.corpus.opened import LeftOut
from titrant.corpus.origins.repositories import Commit, commits_of
from titrant.errors import StudyError
from titrant.study.declaration import listing
from titrant.study.origins import Repository
from titrant.study.parsers import CommitTexts

MAX_PAIRS = 10_000
"""Pairs of equal lines that one alignment may look at."""
MAX_WORK = 2_000_000_000
"""Steps that the alignments of one file may take; the bound is found beforehand, and seldom a hundredth is used."""
NO_TEXT = LeftOut("commit that changes no text")
NO_MESSAGE = LeftOut("commit without a message")
_NO_LINE_END = "\\ No newline at end of file\n"


@dataclass(frozen=True)
class ChangedText:
    """One text of a commit, before and after it; None where the file is not there."""

    before_path: str
    after_path: str
    before: str | None
    after: str | None


def commit_texts(origin: Repository) -> Iterator[Text | LeftOut]:
    """The commits of a repository as texts, parents before children; the part is the commit's hash.

    Files that are not UTF-8, or hold a NUL byte, are passed over; a commit of which none is left, or without a
    message, is left out. The language is that of its files, where all are in one. Raises as `commits_of` does.
    """
    if not isinstance(origin.parse, CommitTexts):
        raise TypeError(f"{origin.parse.format} does not read commits")
    for item in commits_of(origin):
        yield _of_commit(item, origin.parse) if isinstance(item, Commit) else item


def row_text(row: Mapping[str, Any], parser: CommitTexts, message: str, place: str) -> str | LeftOut:
    """A row with CommitPack's columns in the same form; `message` names the column of the message.

    An empty `old_contents` is a file that the commit adds, an empty `new_contents` one that it deletes. Raises
    StudyError, which names `place`, for a column that is not there or holds no text.
    """
    columns = ("old_file", "new_file", "old_contents", "new_contents", message)
    old_file, new_file, before, after, said = (_cell(row, name, place) for name in columns)
    if not said.strip():
        return NO_MESSAGE
    if before == after or "\0" in before or "\0" in after:
        return NO_TEXT
    change = ChangedText(old_file or new_file, new_file or old_file, before or None, after or None)
    return rendered(said, [change], parser)


def rendered(message: str, changes: list[ChangedText], parser: CommitTexts) -> str:
    """A message and what it changed, in the form that the parser asks for."""
    if parser.form == "diff":
        parts = [unified_diff(change, parser.context_lines) for change in changes]
        return f"{message.strip()}\n\n{''.join(parts)}"
    return f"{message.strip()}\n\n" + "\n".join(_before_and_after(change) for change in changes)


def unified_diff(change: ChangedText, context_lines: int = 3) -> str:
    """A unified diff as `git diff` writes it, without the lines that name objects and modes.

    >>> print(unified_diff(ChangedText("a.py", "a.py", "x = 1\\ny = 2\\n", "x = 1\\ny = 3\\n"), 1), end="")
    --- a/a.py
    +++ b/a.py
    @@ -1,2 +1,2 @@
     x = 1
    -y = 2
    +y = 3
    """
    before, after = _lines(change.before), _lines(change.after)
    made = [
        f"--- a/{change.before_path}\n" if change.before is not None else "--- /dev/null\n",
        f"+++ b/{change.after_path}\n" if change.after is not None else "+++ /dev/null\n",
    ]
    for group in _grouped(_blocks(before, after), len(before), len(after), context_lines):
        made += _hunk(group, before, after)
    return "".join(made)


def _of_commit(commit: Commit, parser: CommitTexts) -> Text | LeftOut:
    message = commit.message.strip()
    if commit.pull_request is not None and commit.pull_request != message.partition("\n")[0].strip():
        message = f"{commit.pull_request}\n\n{message}".strip()
    if not message:
        return NO_MESSAGE
    changes = []
    for file in commit.files:
        before, after = _text(file.before), _text(file.after)
        is_text = (before is None) == (file.before is None) and (after is None) == (file.after is None)
        if is_text and before != after:
            changes.append(ChangedText(file.path, file.path, before, after))
    if not changes:
        return NO_TEXT
    languages = {language_of(change.after_path) for change in changes}
    language = languages.pop() if len(languages) == 1 else UNKNOWN
    return Text(commit.id, rendered(message, changes, parser), None if language == UNKNOWN else language)


def _text(content: bytes | None) -> str | None:
    return None if content is None or b"\0" in content else decoded(content)


def _cell(row: Mapping[str, Any], name: str, place: str) -> str:
    if name not in row:
        raise StudyError(
            f"{place} has no column '{name}', as rows of commits do; it has {listing(map(str, list(row)[:20]))}"
        )
    if row[name] is None:
        return ""
    if isinstance(row[name], str):
        return str(row[name])
    raise StudyError(f"column '{name}' of {place} is a {type(row[name]).__name__}, not a string")


def _before_and_after(change: ChangedText) -> str:
    """
    >>> print(_before_and_after(ChangedText("a", "a", None, "new")), end="")
    After a:
    new
    """
    parts = [("Before", change.before_path, change.before), ("After", change.after_path, change.after)]
    return "\n".join(
        f"{word} {path}:\n{text}" if text.endswith("\n") else f"{word} {path}:\n{text}\n"
        for word, path, text in parts
        if text is not None
    )


def _lines(text: str | None) -> list[str]:
    """Lines with their ends, split on `\\n` alone; the last one may have none."""
    found = (text or "").split("\n")
    return [line + "\n" for line in found[:-1]] + ([found[-1]] if found[-1] else [])


Block = tuple[int, int, int, int]
"""before[a:b] becomes after[c:d]."""


def _blocks(before: list[str], after: list[str]) -> list[Block]:
    """What differs, in order; blocks do not touch."""
    found: list[Block] = []
    work = 0
    at, to = 0, 0
    anchors = _anchors(before, after)
    for next_at, next_to in [*anchors, (len(before), len(after))]:
        if (at, to) != (next_at, next_to):
            gap = _trimmed(before, after, (at, next_at, to, next_to))
            work += _work(gap)
            found += _aligned(before, after, gap) if work <= MAX_WORK else [gap]
        at, to = next_at + 1, next_to + 1
    return [block for block in found if block[0] < block[1] or block[2] < block[3]]


def _anchors(before: list[str], after: list[str]) -> list[tuple[int, int]]:
    """Places of lines that both texts hold once, in the longest sequence that rises on both sides."""
    here, there = Counter(before), Counter(after)
    places = {line: place for place, line in enumerate(after) if there[line] == 1}
    pairs = [(i, places[line]) for i, line in enumerate(before) if here[line] == 1 and line in places]
    ends: list[int] = []  # by length, the least place in `after` at which a rising sequence of that length ends
    last: list[int] = []  # which pair that is
    previous: list[int] = []
    for number, (_, place) in enumerate(pairs):
        length = bisect_left(ends, place)
        previous.append(last[length - 1] if length else -1)
        ends[length : length + 1], last[length : length + 1] = [place], [number]
    chain = []
    number = last[-1] if last else -1
    while number >= 0:
        chain.append(pairs[number])
        number = previous[number]
    return chain[::-1]


def _trimmed(before: list[str], after: list[str], block: Block) -> Block:
    """Without the lines at both ends that are equal."""
    a, b, c, d = block
    while a < b and c < d and before[a] == after[c]:
        a, c = a + 1, c + 1
    while a < b and c < d and before[b - 1] == after[d - 1]:
        b, d = b - 1, d - 1
    return a, b, c, d


def _work(block: Block) -> int:
    """A bound on the steps of an alignment: as many searches as there may be matches, each through all."""
    old, new = block[1] - block[0], block[3] - block[2]
    return (old + min(MAX_PAIRS, old * new)) * min(old, new)


def _aligned(before: list[str], after: list[str], block: Block) -> list[Block]:
    a, b, c, d = block
    old, new = before[a:b], after[c:d]
    common = _common(old, new)
    if common is None:
        return [block]
    matcher = SequenceMatcher(lambda line: line in common, old, new, autojunk=False)
    codes = (code for code in matcher.get_opcodes() if code[0] != "equal")
    return [(a + i, a + j, c + k, c + m) for _, i, j, k, m in codes]


def _common(old: list[str], new: list[str]) -> set[str] | None:
    """Lines too common to begin a match with; None where no line is left to begin one with."""
    here, there = Counter(old), Counter(new)
    pairs = sorted((here[line] * there[line], line) for line in here.keys() & there.keys())
    sums = list(accumulate(count for count, _ in pairs))
    kept = bisect_right(sums, MAX_PAIRS)
    return {line for _, line in pairs[kept:]} if kept else None


def _grouped(blocks: list[Block], before: int, after: int, context: int) -> Iterator[list[Block]]:
    """Blocks that stand in one hunk: so near to each other that the lines around them meet."""
    group: list[Block] = []
    for block in blocks:
        if group and block[0] - group[-1][1] > 2 * context:
            yield _widened(group, before, after, context)
            group = []
        group.append(block)
    if group:
        yield _widened(group, before, after, context)


def _widened(group: list[Block], before: int, after: int, context: int) -> list[Block]:
    """With a block of nothing at both ends, as far out as the lines around reach."""
    above, below = min(context, group[0][0]), min(context, before - group[-1][1])
    start = (group[0][0] - above, group[0][0] - above, group[0][2] - above, group[0][2] - above)
    end = (group[-1][1] + below, group[-1][1] + below, group[-1][3] + below, group[-1][3] + below)
    return [start, *group, end]


def _hunk(group: list[Block], before: list[str], after: list[str]) -> Iterator[str]:
    first, last = group[0], group[-1]
    yield f"@@ -{_range(first[0], last[1])} +{_range(first[2], last[3])} @@\n"
    at = first[0]
    for old_start, old_end, new_start, new_end in group:
        yield from _marked(" ", before[at:old_start])
        yield from _marked("-", before[old_start:old_end])
        yield from _marked("+", after[new_start:new_end])
        at = old_end


def _marked(mark: str, lines: list[str]) -> Iterator[str]:
    for line in lines:
        yield mark + line
        if not line.endswith("\n"):
            yield "\n" + _NO_LINE_END


def _range(start: int, end: int) -> str:
    """Lines counted from 1; of none, the line before them; a count of one is not written."""
    length = end - start
    return f"{start if length == 0 else start + 1}" + ("" if length == 1 else f",{length}")
