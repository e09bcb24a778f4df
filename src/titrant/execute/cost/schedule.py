"""When each job of a plan would run: the local runner's rules as a pure function of how long each job takes.

At every moment when a job ends, all that can be started is: of the jobs whose inputs are there the one with the longest
chain behind it first, equal chains by id, each on a free core, or on a free GPU where the machine has some and the job
takes one. A thousand jobs take milliseconds.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Piece:
    """What the schedule must know of a job."""

    id: str
    seconds: float
    """On the cores or GPUs that it takes."""
    after: tuple[str, ...] = ()
    """Ids of jobs that must end first; ids that are not scheduled are done already."""
    takes_gpu: bool = False
    """Whether it takes a GPU where there is one."""
    places: int = 1
    """How many GPUs or cores it takes, all at once."""
    most_cores: int = 1
    """How many free cores it can share its work out over."""


@dataclass(frozen=True)
class Span:
    """When a job would run, in seconds from the beginning."""

    start: float
    end: float
    cores: int
    gpus: int = 0


def longest_chains(pieces: Iterable[Piece]) -> dict[str, float]:
    """Seconds of the longest chain of jobs that begins with each job. `pieces` stand after those they need."""
    behind: dict[str, float] = {}
    longest: dict[str, float] = {}
    for piece in reversed(list(pieces)):
        longest[piece.id] = piece.seconds + behind.get(piece.id, 0.0)
        for needed in piece.after:
            behind[needed] = max(behind.get(needed, 0.0), longest[piece.id])
    return longest


def timetable(pieces: Iterable[Piece], workers: int, gpus: int = 0) -> dict[str, Span]:
    """When each job starts and ends with `workers` cores and `gpus` GPUs; by id.

    >>> spans = timetable([Piece("a", 2), Piece("b", 3), Piece("c", 1, ("a",))], workers=2)
    >>> {id_: (span.start, span.end) for id_, span in spans.items()}
    {'a': (0.0, 2.0), 'b': (0.0, 3.0), 'c': (2.0, 3.0)}
    """
    every = {piece.id: piece for piece in pieces}
    if workers < 1 or gpus < 0:
        raise ValueError(f"no job can run on {workers} cores and {gpus} GPUs")
    urgency = longest_chains(every.values())
    needs = {id_: {needed for needed in piece.after if needed in every} for id_, piece in every.items()}
    readers: dict[str, list[str]] = {}
    for id_, needed in needs.items():
        for other in needed:
            readers.setdefault(other, []).append(id_)
    ready = [(-urgency[id_], id_) for id_, needed in needs.items() if not needed]
    spans, now, running = dict[str, Span](), 0.0, list[tuple[float, str]]()
    most_gpus = min(gpus, workers)
    free_cores, has_gpus, free_gpus = workers, gpus > 0, most_gpus
    while ready or running:
        ready.sort()
        later = []
        for place, (urge, id_) in enumerate(ready):
            piece = every[id_]
            on_gpu = piece.takes_gpu and has_gpus
            places = min(piece.places, most_gpus if on_gpu else workers)
            if (free_gpus if on_gpu else free_cores) < places:
                later.append((urge, id_))
                continue
            others = len(later) + len(ready) - place - 1
            cores = max(places, min(free_cores // (others + 1), piece.most_cores))
            seconds = piece.seconds if on_gpu else piece.seconds * places / cores
            spans[id_] = Span(now, now + seconds, 0 if on_gpu else cores, places if on_gpu else 0)
            free_gpus, free_cores = free_gpus - spans[id_].gpus, free_cores - spans[id_].cores
            heapq.heappush(running, (spans[id_].end, id_))
        ready = later
        now = running[0][0]
        while running and running[0][0] <= now:
            _, id_ = heapq.heappop(running)
            free_gpus, free_cores = free_gpus + spans[id_].gpus, free_cores + spans[id_].cores
            for reader in readers.get(id_, ()):
                needs[reader].discard(id_)
                if not needs[reader]:
                    ready.append((-urgency[reader], reader))
    if len(spans) < len(every):
        never = sorted(every.keys() - spans.keys())
        raise ValueError(f"jobs that wait for each other can never start: {', '.join(never)}")
    return spans


def whole(spans: Mapping[str, Span]) -> float:
    """Seconds until the last job ends."""
    return max((span.end for span in spans.values()), default=0.0)
