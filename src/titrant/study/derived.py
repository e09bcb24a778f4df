"""Sources made of other sources: which one, and whether it can be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from titrant.study.declaration import listing, suggestion
from titrant.study.origins import OtherSource
from titrant.study.source import Source

_ITS_OWN = {"rules", "models", "language_shares", "reserve_fraction", "plant", "on_error"}
"""What only a source with documents of its own can declare."""


def made_of(source: Source) -> str | None:
    """The name of the source whose documents a source changes, or None where it has documents of its own."""
    origin = source.origins[0]
    return origin.source if isinstance(origin, OtherSource) else None


def derivation_problems(sources: Mapping[str, Source]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """A path in the study and a sentence for each source made of one that does not come before it.

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
        for field in sorted(name for name in _ITS_OWN & source.model_fields_set if getattr(source, name) is not None):
            yield (
                ("sources", name, field),
                f"source '{name}' is made of source '{other}' and declares `{field}`, which decides which documents "
                f"are kept; declare it on '{other}', or give '{name}' origins of its own",
            )
        yield from _pairing_problems(name, sources, place)
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


def root_of(name: str, sources: Mapping[str, Source]) -> str:
    """The source with origins of its own that a source is made of in the end: itself, if it has some."""
    seen: set[str] = set()
    while name not in seen and (other := made_of(sources[name])) is not None and other in sources:
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
