"""A repository's files and its commits are the same text, which no split of documents can keep on one side.

A file that is held out stands, line by line, in the commits that wrote it, and a held-out commit in the files as they
are now. No hash tells: neither is equal to the other. So such a source is not scored beside what an arm draws.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from posixpath import normpath

from titrant.study.derived import root_of
from titrant.study.origins import Files, Origin, OtherSource, Repository
from titrant.study.source import Source
from titrant.study.study import Study
from titrant.study.synthesis import MinedProblems, SyntheticItems

_Place = tuple[str, Origin]
"""The name of a source with origins of its own, and one of them."""


def history_problems(study: Study) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """A path in the study and a sentence for each source that would be scored on text that an arm may train on.

    A repository is known by its folder and, once the study is pinned, by its commit. A clone elsewhere, at another
    revision, is not known for the same.
    """
    arms = study.arms.values()
    drawn = sorted({name for arm in arms for link in arm.chain for name in study.mixtures[link.mixture].shares})
    for scored in study.evaluation.bits_per_byte.sources or study.sources:
        yield from _mined_problems(study, scored, drawn)
        for other in drawn:
            found = _shared(_origins(scored, study.sources), _origins(other, study.sources))
            if found is None:
                continue
            repository, held_out, trained = found
            declared = bool(study.evaluation.bits_per_byte.sources)
            yield (
                ("evaluation", "bits_per_byte", "sources") if declared else ("sources", scored),
                f"source '{scored}' would be scored on {held_out} that it holds out of repository '{repository}', and "
                f"an arm trains on source '{other}', {trained} of the same repository, in which their text stands too. "
                f"Take another repository for one of them, or name what is scored in evaluation.bits_per_byte.sources, "
                f"without '{scored}'",
            )
            break


def _mined_problems(study: Study, scored: str, drawn: list[str]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Problems mined from documents that an arm trains on: the functions stand in both, held out or not."""
    root = root_of(scored, study.sources)
    mined = (
        [one.mined for one in study.synthesis[root].problems if isinstance(one, MinedProblems)]
        if (root in study.synthesis)
        else []
    )
    for other in drawn:
        if (source := root_of(other, study.sources)) in mined:
            declared = bool(study.evaluation.bits_per_byte.sources)
            yield (
                ("evaluation", "bits_per_byte", "sources") if declared else ("sources", scored),
                f"source '{scored}' would be scored on functions mined from source '{source}', and an arm trains on "
                f"source '{other}', in which they stand too. Name what is scored in evaluation.bits_per_byte.sources, "
                f"without '{scored}'",
            )
            return


def _origins(name: str, sources: Mapping[str, Source]) -> list[_Place]:
    root = root_of(name, sources)
    return [(root, origin) for origin in sources[root].origins] if root in sources else []


def _shared(scored: list[_Place], drawn: list[_Place]) -> tuple[str, str, str] | None:
    """A repository that both read, at least one of them as commits, and what each reads of it."""
    for one in scored:
        for other in drawn:
            readings = (_reads(one[1]), _reads(other[1]))
            repository = _same_repository(one[1], other[1])
            if one != other and repository and "commits" in readings and not _is_alike(one[1], other[1]):
                return repository, *readings
    return None


def _reads(origin: Origin) -> str:
    is_history = not isinstance(origin, (OtherSource, SyntheticItems)) and str(origin.parse.format) == "commits"
    return "commits" if is_history else "files"


def _is_alike(one: Origin, other: Origin) -> bool:
    """Whether both make the same documents of the same commits, so that the split finds those that are equal."""
    free = {"git": "", "revision": "", "content": None}
    return one.model_copy(update=free) == other.model_copy(update=free)


def _same_repository(one: Origin, other: Origin) -> str | None:
    """The folder of the repository that both read, as the first that names it does."""
    repositories = [origin for origin in (one, other) if isinstance(origin, Repository)]
    if not repositories:
        return None
    first, *second = repositories
    if second:
        is_same = _folder(first.git) == _folder(second[0].git) or first.content == second[0].content is not None
        return first.git if is_same else None
    (files,) = (origin for origin in (one, other) if not isinstance(origin, Repository))
    if not isinstance(files, Files):
        return None
    below = (f"{_folder(path)}/" for path in files.files)
    return first.git if any(path.startswith(f"{_folder(first.git)}/") for path in below) else None


def _folder(path: str) -> str:
    """A folder's name in one spelling: `../a/.git/` is `../a`."""
    return normpath(path.replace("\\", "/")).removesuffix("/.git")
