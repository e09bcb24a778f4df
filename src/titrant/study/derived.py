"""Sources made of other sources, or of a synthesis: which one, and whether it can be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from titrant.study.declaration import listing, suggestion
from titrant.study.origins import OtherSource
from titrant.study.source import Source
from titrant.study.synthesis import MinedProblems, Synthesis, SyntheticItems

_ITS_OWN = {"rules", "models", "language_shares", "reserve_fraction", "plant", "on_error"}
"""What only a source with documents of its own can declare."""


def made_of(source: Source) -> str | None:
    """The name of the source or synthesis that a source is made of, or None where it has documents of its own."""
    origin = source.origins[0]
    if isinstance(origin, SyntheticItems):
        return origin.synthetic
    return origin.source if isinstance(origin, OtherSource) else None


def derivation_problems(
    sources: Mapping[str, Source], synthesis: Mapping[str, Synthesis]
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """A path in the study and a sentence for each source made of one that does not come before it, and for each
    synthesis that cannot be.

    Since each comes after what it is made of, no chain of them can close.
    """
    names = list(sources)
    for place, (name, source) in enumerate(sources.items()):
        other = made_of(source)
        if other is None:
            if source.paired_with:
                yield (
                    ("sources", name, "paired_with"),
                    f"source '{name}' has origins of its own, and `paired_with` is for sources made of another one: "
                    "leave it out",
                )
            continue
        origin = source.origins[0]
        is_synthetic = isinstance(origin, SyntheticItems)
        instead = (
            "leave it out: the synthesis decides that itself (`verify`, `near_duplicates`, `reserve_fraction`)"
            if is_synthetic
            else f"declare it on '{other}', or give '{name}' origins of its own"
        )
        for field in sorted(name for name in _ITS_OWN & source.model_fields_set if getattr(source, name) is not None):
            yield (
                ("sources", name, field),
                f"source '{name}' is made of {'synthesis' if is_synthetic else 'source'} '{other}' and declares "
                f"`{field}`, which decides which documents are kept; {instead}",
            )
        yield from _pairing_problems(name, sources, place)
        if isinstance(origin, SyntheticItems):
            yield from _synthetic_problems(name, origin, synthesis)
            continue
        if other in names[:place]:
            continue
        if other == name:
            wrong = "is made of itself; name a source that is declared before it"
        elif other in sources:
            wrong = f"is made of source '{other}', which is declared after it; declare '{other}' first"
        else:
            wrong = (
                f"is made of source '{other}', which does not exist{suggestion(other, names)}; before it there are "
                f"{listing(names[:place]) or 'none'}"
            )
        yield ("sources", name, "from", 0, "source"), f"source '{name}' {wrong}"
    for name, declared in synthesis.items():
        yield from _synthesis_problems(name, declared, sources)


def _synthetic_problems(
    name: str, origin: SyntheticItems, synthesis: Mapping[str, Synthesis]
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    place = ("sources", name, "from", 0)
    if origin.synthetic not in synthesis:
        yield (
            (*place, "synthetic"),
            f"source '{name}' is made of synthesis '{origin.synthetic}', which does not exist"
            f"{suggestion(origin.synthetic, synthesis)}; under `synthesis` there are {listing(synthesis) or 'none'}",
        )
    elif origin.items == "unverified" and synthesis[origin.synthetic].teacher is None:
        yield (
            (*place, "items"),
            f"source '{name}' takes unverified solutions of synthesis '{origin.synthetic}', which has no teacher: its "
            "problems bring right solutions, so that this would be `verified` under another name. Give it a teacher, "
            "or take `items: corrupted` with a `share`",
        )


def _synthesis_problems(
    name: str, declared: Synthesis, sources: Mapping[str, Source]
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if name in sources:
        yield ("synthesis", name), f"synthesis '{name}' has the name of a source; rename one"
    if all(made_of(source) != name for source in sources.values()):
        yield ("synthesis", name), f"synthesis '{name}' is used by no source; take it out, or make a source of it"
    for index, problems in enumerate(declared.problems):
        if not isinstance(problems, MinedProblems):
            continue
        place, other = ("synthesis", name, "from", index, "mined"), problems.mined
        if other not in sources:
            known = [one for one, source in sources.items() if source.kind == "code" and made_of(source) is None]
            yield (
                place,
                f"synthesis '{name}' mines source '{other}', which does not exist{suggestion(other, sources)}; code "
                f"sources are {listing(known) or 'none'}",
            )
        elif sources[other].kind != "code" or made_of(sources[other]) is not None:
            yield (
                place,
                f"synthesis '{name}' mines source '{other}', which is {_what(sources[other])}; problems are mined "
                "from a source of kind 'code' with origins of its own",
            )


def _what(source: Source) -> str:
    return f"of kind '{source.kind}'" if made_of(source) is None else f"made of '{made_of(source)}'"


def root_of(name: str, sources: Mapping[str, Source]) -> str:
    """The source with origins of its own, or the synthesis, that a source is made of in the end: itself, if it has
    some."""
    seen: set[str] = set()
    while name in sources and name not in seen and (other := made_of(sources[name])) is not None:
        if other not in sources and not isinstance(sources[name].origins[0], SyntheticItems):
            break
        seen.add(name)
        name = other
    return name


def _pairing_problems(
    name: str, sources: Mapping[str, Source], place: int
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    before = list(sources)[:place]
    for index, other in enumerate(sources[name].paired_with):
        at = ("sources", name, "paired_with", index)
        if other not in before:
            yield (
                at,
                f"source '{name}' is paired with '{other}', which is not declared before it"
                f"{suggestion(other, before)}; before it there are {listing(before)}",
            )
        elif root_of(other, sources) != root_of(name, sources):
            yield (
                at,
                f"source '{name}' is paired with '{other}', which is made of other documents "
                f"('{root_of(other, sources)}', not '{root_of(name, sources)}'); pair sources of the same documents",
            )
