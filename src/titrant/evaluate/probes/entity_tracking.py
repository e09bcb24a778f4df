"""Entity tracking: things are put into boxes and moved around; in which box is one of them at the end?

Follows the box task of Kim and Schuster 2023 (Entity Tracking in Language Models, ACL), in telegraphic sentences that
leave room in a small window. Two things, three boxes, rung + 1 moves. Scenes are drawn from strata so that two short
cuts score exactly chance: naming the box mentioned last, and naming the box in which the thing was at first. Every
box is mentioned.
"""

from __future__ import annotations

from titrant.evaluate.probes.draw import Draw
from titrant.evaluate.probes.example import Example, Family

THINGS = ("cup", "hat", "key", "pen", "bag", "ball", "book", "coin")
BOXES = ("A", "B", "C")


def _example(draw: Draw, rung: int) -> Example:
    # which short cut happens to be right; 1 in 3 each, never both, so that two moves are enough for every stratum
    stratum = draw.below(len(BOXES))
    while True:
        first, second = draw.sample(THINGS, 2)
        start = {thing: draw.choice(BOXES) for thing in (first, second)}
        place, moves = dict(start), []
        for _ in range(rung + 1):
            thing = draw.choice((first, second))
            place[thing] = draw.choice([box for box in BOXES if box != place[thing]])
            moves.append((thing, place[thing]))
        asked = draw.choice((first, second))
        named_last, stayed = place[asked] == moves[-1][1], place[asked] == start[asked]
        mentioned = {*start.values(), *(box for _, box in moves)}
        if (named_last, stayed) == (stratum == 0, stratum == 1) and len(mentioned) == len(BOXES):
            break
    told = [f"{thing} in {start[thing]}." for thing in (first, second)]
    told += [f"{thing} to {box}." for thing, box in moves]
    return Example(
        prompt=" ".join(told) + f" Now {asked} in",
        answer=f" {place[asked]}",
        distractors=tuple(f" {box}" for box in BOXES if box != place[asked]),
        rest=".",
    )


FAMILY = Family(name="entity-tracking", version=1, num_choices=len(BOXES), max_rung=6, example=_example)
