"""From the declaration of a probe to its items: balanced answers, distinct problems, solved examples before them.

Item i of a rung depends on the family, its version, the rung, the number of shots and i alone (and on the items
before it, from which it must differ): more items per rung add items and change none.
"""

from __future__ import annotations

from titrant.errors import StudyError
from titrant.evaluate.choice import ChoiceItem
from titrant.evaluate.probes import (
    arithmetic,
    bracket_closing,
    copying,
    entity_tracking,
    sorting,
    structural_generalisation,
    variable_binding,
)
from titrant.evaluate.probes.draw import Draw
from titrant.evaluate.probes.example import Example, Family
from titrant.study.evaluation import Probe

FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        entity_tracking.FAMILY,
        arithmetic.FAMILY,
        bracket_closing.FAMILY,
        variable_binding.FAMILY,
        copying.FAMILY,
        sorting.FAMILY,
        structural_generalisation.FAMILY,
    )
}
"""By name. `planted-facts` is not among them: its items come from the study's own facts."""
MAX_ATTEMPTS = 1000


def probe_items(probe: Probe) -> list[ChoiceItem]:
    """The items of a generated probe, rung by rung: a pure function of its declaration.

    Raises StudyError if a rung is above the family's ladder or has fewer distinct problems than are asked for.
    """
    family = FAMILIES[probe.name]
    if too_high := [rung for rung in probe.rungs if rung > family.max_rung]:
        raise StudyError(
            f"probe '{probe.name}' has rungs 1 to {family.max_rung}; evaluation asks for {too_high}: take them out"
        )
    return [item for rung in probe.rungs for item in _rung_items(family, rung, probe.items_per_rung, probe.shots)]


def _rung_items(family: Family, rung: int, count: int, shots: int) -> list[ChoiceItem]:
    items: list[ChoiceItem] = []
    prompts: set[str] = set()
    for index in range(count):
        example = _new_example(family, rung, index, prompts)
        prompts.add(example.prompt)
        solved = _solved(family, rung, index, shots, example)
        items.append(_item(family, rung, index, example, solved))
    return items


def _new_example(family: Family, rung: int, index: int, taken: set[str]) -> Example:
    for attempt in range(MAX_ATTEMPTS):
        example = family.example(Draw(_stream(family, rung, index, f"problem {attempt}")), rung)
        if example.prompt not in taken:
            return example
    raise StudyError(
        f"probe '{family.name}' has no more than about {len(taken)} distinct problems at rung {rung}; "
        "lower items_per_rung, or leave this rung out"
    )


def _solved(family: Family, rung: int, index: int, shots: int, item: Example) -> list[str]:
    """Solved examples, none of them the item's own problem."""
    solved: list[str] = []
    attempt = 0
    while len(solved) < shots:
        draw = Draw(_stream(family, rung, index, f"shot {attempt}"))
        shot = family.shot(draw, rung, item) if family.shot else family.example(draw, rung)
        attempt += 1
        text = shot.prompt + shot.answer + shot.rest
        # a small family may have to repeat a shot, but never gives the item's answer away
        if shot.prompt != item.prompt and (text not in solved or attempt > MAX_ATTEMPTS):
            solved.append(text)
    return solved


def _item(family: Family, rung: int, index: int, example: Example, solved: list[str]) -> ChoiceItem:
    # each block of num_choices items has its answer once at every place: positions are uniform by construction
    block = Draw(_stream(family, rung, index // family.num_choices, "places"))
    answer = block.shuffled(range(family.num_choices))[index % family.num_choices]
    choices = Draw(_stream(family, rung, index, "distractors")).shuffled(example.distractors)
    choices.insert(answer, example.answer)
    return ChoiceItem(
        id=f"{family.name}.{family.version}/{rung}/{index}",
        rung=rung,
        context="\n".join([*solved, example.prompt]),
        choices=tuple(choices),
        answer=answer,
        where=f"probe '{family.name}', rung {rung}, shots {len(solved)}",
    )


def _stream(family: Family, rung: int, index: int, purpose: str) -> str:
    return f"titrant probe {family.name} version {family.version}|rung {rung}|{index}|{purpose}"
