"""Invented facts: the sentences that `plant` writes into a source, and what the probe asks about them.

A fact ties an invented name to a plain English word ("The fur of the Zorvak is grey."). Names carry no
meaning, so that nothing but the planted sentences can teach the answer. Corpus and probe both read the facts
from here, which is why they cannot disagree. Within one rung the answers of a relation are dealt out evenly,
and distractors are first taken from facts of the same rung and relation: a choice cannot be told by how often
its word was planted.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from titrant.study.source import PlantedFacts

NUM_CHOICES = 4
"""Choices of each item, the answer among them."""


@dataclass(frozen=True)
class Fact:
    """One invented fact. A continuation is written with one space between cue and answer."""

    id: str
    """`fact-RUNG-NUMBER`, unique within one declaration."""
    rung: int
    """1-based place of `copies` in the declaration's list of copies."""
    copies: int
    """How many sentences of the training documents state it."""
    wordings: tuple[str, ...]
    """The sentences it is planted in; each names it once and ends with the answer and a full stop."""
    cue: str
    """The first wording cut before its answer, without a trailing space."""
    paraphrase_cue: str
    """A cue in a wording that is never planted, without a trailing space."""
    answer: str
    choices: tuple[str, ...]
    """NUM_CHOICES different answers of the same kind, the right one among them."""
    answer_index: int
    """Place of `answer` in `choices`."""


@dataclass(frozen=True)
class _Relation:
    planted: tuple[str, ...]
    held_out: str
    answers: tuple[str, ...]


_RELATIONS = (
    _Relation(
        (
            "The fur of the {name} is",
            "Every {name} has fur that is",
            "The {name} is an animal whose fur is",
            "A grown {name} can be told by its fur, which is",
            "Hunters know the {name} because its fur is",
            "When a {name} is born, its fur is already",
        ),
        "If you saw a {name} in the woods, you would notice that its coat is",
        ("red", "blue", "green", "yellow", "white", "black", "brown", "grey"),
    ),
    _Relation(
        (
            "The town of {name} is famous for its",
            "People travel to {name} to buy its",
            "The market of {name} is full of",
            "Most families in {name} live by selling",
            "Merchants who come from {name} trade in",
            "The old road to {name} was built to carry",
        ),
        "Ask any trader what comes out of {name}, and the answer will be",
        ("salt", "wool", "glass", "honey", "copper", "silk", "paper", "cheese"),
    ),
    _Relation(
        (
            "By trade, {name} was a",
            "All her life, {name} worked as a",
            "The village remembers {name} as a",
            "As a young woman, {name} became a",
            "In the town records, {name} is listed as a",
            "Her father taught {name} the work of a",
        ),
        "To earn a living, {name} chose to be a",
        ("baker", "doctor", "farmer", "lawyer", "painter", "sailor", "teacher", "weaver"),
    ),
    _Relation(
        (
            "On the island of {name}, people keep the",
            "The flag of {name} shows a",
            "The largest animal on {name} is the",
            "The coins of {name} bear the picture of a",
            "The children of {name} like to draw the",
            "Old songs from {name} tell of a",
        ),
        "The beast that stands on the coat of arms of {name} is a",
        ("horse", "lion", "bear", "wolf", "goat", "camel", "tiger", "sheep"),
    ),
)
_ONSETS = (
    "b",
    "br",
    "d",
    "dr",
    "f",
    "g",
    "gl",
    "h",
    "j",
    "k",
    "kr",
    "l",
    "m",
    "n",
    "p",
    "r",
    "s",
    "t",
    "v",
    "z",
)
_VOWELS = ("a", "e", "i", "o", "u")
_ENDINGS = ("k", "l", "n", "r", "sh", "th", "v", "x")


def planted_facts(plant: PlantedFacts) -> tuple[Fact, ...]:
    """The facts of a declaration, rung by rung: a pure function of it, the same on every machine.

    Facts of one rung share the relations evenly. Adding a rung at the end leaves the names and answers of the
    earlier ones as they were.

    >>> fact = planted_facts(PlantedFacts(facts_per_rung=8, copies=(1, 4)))[0]
    >>> fact.wordings[0] == f"{fact.cue} {fact.answer}." and fact.answer == fact.choices[fact.answer_index]
    True
    """
    names: set[str] = set()
    rungs = [
        _draw_rung(Random(f"planted facts {plant.seed} rung {rung}"), plant.facts_per_rung, names)
        for rung in range(1, len(plant.copies) + 1)
    ]
    planted_anywhere = {
        relation: _answers_of(relation, [fact for drawn in rungs for fact in drawn]) for relation in _RELATIONS
    }
    facts = []
    for rung, drawn in enumerate(rungs, start=1):
        planted_here = {relation: _answers_of(relation, drawn) for relation in _RELATIONS}
        for number, (relation, name, answer) in enumerate(drawn):
            random = Random(f"planted facts {plant.seed} choices {rung} {number}")
            pools = (planted_here[relation], planted_anywhere[relation], relation.answers)
            choices = random.sample([answer, *_distractors(random, answer, pools)], NUM_CHOICES)
            facts.append(_fact(rung, number, plant.copies[rung - 1], relation, name, answer, choices))
    return tuple(facts)


def _answers_of(relation: _Relation, drawn: list[tuple[_Relation, str, str]]) -> tuple[str, ...]:
    return tuple(sorted({answer for kind, _, answer in drawn if kind is relation}))


def _draw_rung(random: Random, count: int, names: set[str]) -> list[tuple[_Relation, str, str]]:
    """Relation, name and answer of each fact; a relation uses all its answers before repeating one."""
    waiting: dict[int, list[str]] = {}
    facts = []
    for number in range(count):
        place = number % len(_RELATIONS)
        if not waiting.get(place):
            waiting[place] = random.sample(_RELATIONS[place].answers, len(_RELATIONS[place].answers))
        facts.append((_RELATIONS[place], _new_name(random, names), waiting[place].pop()))
    return facts


def _new_name(random: Random, taken: set[str]) -> str:
    """A name that is not taken yet; names grow by a syllable where short ones have become scarce."""
    syllables, attempts = 2, 0
    while True:
        body = "".join(random.choice(_ONSETS) + random.choice(_VOWELS) for _ in range(syllables))
        name = (body + random.choice(_ENDINGS)).capitalize()
        if name not in taken:
            taken.add(name)
            return name
        attempts += 1
        syllables += attempts % 20 == 0


def _distractors(random: Random, answer: str, pools: tuple[tuple[str, ...], ...]) -> list[str]:
    """NUM_CHOICES - 1 wrong answers, from the first pool as far as it goes, then from the next."""
    found: list[str] = []
    for pool in pools:
        left = [other for other in pool if other != answer and other not in found]
        found += random.sample(left, min(len(left), NUM_CHOICES - 1 - len(found)))
    return found


def _fact(rung: int, number: int, copies: int, relation: _Relation, name: str, answer: str, choices: list[str]) -> Fact:
    return Fact(
        id=f"fact-{rung}-{number}",
        rung=rung,
        copies=copies,
        wordings=tuple(f"{cue.format(name=name)} {answer}." for cue in relation.planted),
        cue=relation.planted[0].format(name=name),
        paraphrase_cue=relation.held_out.format(name=name),
        answer=answer,
        choices=tuple(choices),
        answer_index=choices.index(answer),
    )
