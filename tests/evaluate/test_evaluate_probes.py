"""Probes: the right answer is right, guessing earns chance, no short cut pays, and items never change."""

import json
import os
import re
import subprocess
import sys
from collections import Counter

import pytest
from tiny_evaluate import WINDOW, KnowingScorer, UniformScorer

from titrant.errors import StudyError
from titrant.evaluate.baselines import chance_accuracy, majority_accuracy
from titrant.evaluate.choice import encode_items, score_choices
from titrant.evaluate.probes import probe_items
from titrant.evaluate.probes.draw import Draw
from titrant.evaluate.probes.family import FAMILIES
from titrant.evaluate.probes.planted_facts import planted_items
from titrant.study.evaluation import Probe
from titrant.study.source import PlantedFacts

PLANT = PlantedFacts(facts_per_rung=40, copies=(1, 8))
NAMES = [*FAMILIES, "planted-facts"]


def items_of(name, **more):
    return planted_items({"code": PLANT}) if name == "planted-facts" else probe_items(Probe(name=name, **more))


def question(item):
    """The last problem of an item's context, without the solved examples."""
    return item.context.rsplit("\n", 1)[-1]


def right(item):
    return item.choices[item.answer].strip()


@pytest.mark.parametrize("name", NAMES)
def test_a_model_that_knows_the_answers_gets_everything_right(name, encoder):
    items = items_of(name, shots=1)
    encoded = encode_items(encoder, items, WINDOW)
    known = frozenset(e.sequences[item.answer] for e, item in zip(encoded, items, strict=True))
    scored = score_choices(KnowingScorer(known), encoder, items, "none")
    assert all(s.predicted == s.item.answer and s.margin_nats > 0 for s in scored)


@pytest.mark.parametrize("name", NAMES)
def test_a_model_to_which_all_tokens_are_equal_gets_about_chance(name, encoder):
    items = items_of(name, items_per_rung=150, rungs=(1, 2, 3), shots=0)
    scored = score_choices(UniformScorer(), encoder, items, "none")
    accuracy = sum(s.predicted == s.item.answer for s in scored) / len(scored)
    # four standard errors of chance on this many items
    chance = chance_accuracy(items)
    assert accuracy == pytest.approx(chance, abs=4 * (chance * (1 - chance) / len(items)) ** 0.5)


@pytest.mark.parametrize("name", list(FAMILIES))
@pytest.mark.parametrize("rung", [1, 2, 3])
def test_answers_stand_at_every_place_equally_often(name, rung):
    items = items_of(name, rungs=(rung,), items_per_rung=60)
    places = Counter(item.answer for item in items)
    assert set(places.values()) == {60 // FAMILIES[name].num_choices}
    assert chance_accuracy(items) == 1 / FAMILIES[name].num_choices
    assert majority_accuracy(items) <= chance_accuracy(items) + 0.1  # one answer in words pays hardly more


@pytest.mark.parametrize("name", NAMES)
def test_choices_differ_and_items_are_distinct(name):
    items = items_of(name)
    assert len({item.id for item in items}) == len({(i.rung, question(i)) for i in items}) == len(items)
    assert all(len(set(item.choices)) == len(item.choices) for item in items)


@pytest.mark.parametrize("name", list(FAMILIES))
def test_the_top_rung_exists_and_the_one_above_is_an_error(name):
    top = FAMILIES[name].max_rung
    assert len(items_of(name, rungs=(top,))) == 60
    with pytest.raises(StudyError, match=rf"probe '{name}' has rungs 1 to {top}; evaluation asks for \[{top + 1}\]"):
        items_of(name, rungs=(1, top + 1))


@pytest.mark.parametrize("name", list(FAMILIES))
def test_more_items_add_items_and_change_none(name):
    few = {item.id: item for item in items_of(name, items_per_rung=20)}
    more = {item.id: item for item in items_of(name, items_per_rung=50, rungs=(3, 2, 1))}
    assert len(few) == 60
    assert all(more[id_] == item for id_, item in few.items())


@pytest.mark.parametrize("name", list(FAMILIES))
def test_no_solved_example_is_the_question(name):
    for item in items_of(name, shots=5):
        *solved, asked = item.context.split("\n")
        assert len(solved) == 5 == len(set(solved))
        assert not any(example.startswith(asked) for example in solved)


def test_items_are_the_same_in_every_process():
    program = (
        "import json\n"
        "from titrant.evaluate.probes import probe_items\n"
        "from titrant.evaluate.probes.family import FAMILIES\n"
        "from titrant.study.evaluation import Probe\n"
        "print(json.dumps([[i.id, i.context, i.choices, i.answer]\n"
        "    for n in FAMILIES for i in probe_items(Probe(name=n, items_per_rung=10))]))\n"
    )
    other = "1" if os.environ.get("PYTHONHASHSEED") != "1" else "2"
    environment = {**os.environ, "PYTHONHASHSEED": other}
    there = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, check=True).stdout
    here = [
        [i.id, i.context, list(i.choices), i.answer]
        for name in FAMILIES
        for i in probe_items(Probe(name=name, items_per_rung=10))
    ]
    assert json.loads(there) == here


def test_the_first_items_are_these():
    """A golden: whoever changes an item raises its family's version and this text."""
    first = {name: items_of(name, rungs=(2,), shots=0, items_per_rung=10)[0] for name in FAMILIES}
    found = {name: f"{item.context} |{'|'.join(item.choices)} | {item.answer}" for name, item in first.items()}
    assert found == GOLDEN


GOLDEN = {
    "entity-tracking": "bag in B. hat in A. hat to C. hat to A. hat to C. Now bag in | C| A| B | 2",
    "arithmetic": "88 * 2 = | 176| 178| 180| 182 | 0",
    "bracket-closing": "< ( < > ) { [ ( { < > } | }| >| ]| ) | 3",
    "variable-binding": "m = 3; g = 2; d = 9; f = 7; a = m; a == | 7| 3| 9| 2 | 1",
    "copying": "garu kano tufi luke fepe: garu kano | tufi| kano| luke| garu | 0",
    "sorting": "sort l q z o w to l | o| l| q| w | 0",
    "structural-generalisation": "the cat met the cow -> | saw(cow, cat)| met(cat, cow)| saw(cat, cow)| met(cow, cat) | 1",
}


def test_entity_tracking_agrees_with_a_simulation_and_short_cuts_earn_chance():
    items = items_of("entity-tracking", rungs=(1, 2, 3), items_per_rung=600)
    last = stayed = 0
    for item in items:
        place, first = {}, {}
        told = question(item)
        for thing, box in re.findall(r"(\w+) (?:in|to) ([A-C])\.", told):
            place[thing] = box
            first.setdefault(thing, box)
        asked = re.search(r"Now (\w+) in$", told)[1]
        assert place[asked] == right(item)
        last += re.findall(r"[A-C]", told)[-1] == right(item)
        stayed += first[asked] == right(item)
    assert last / len(items) == pytest.approx(1 / 3, abs=0.04)
    assert stayed / len(items) == pytest.approx(1 / 3, abs=0.04)


def test_arithmetic_agrees_with_python_and_ranks_are_uniform():
    items = items_of("arithmetic", rungs=(1, 2, 3, 4), items_per_rung=90)
    ranks = Counter()
    for item in items:
        assert str(eval(question(item).removesuffix(" ="))) == right(item)
        values = [int(choice) for choice in item.choices]
        assert min(values) >= 0
        ranks[sorted(values).index(int(right(item)))] += 1
    assert max(ranks.values()) - min(ranks.values()) < 0.15 * len(items)


def test_bracket_closing_agrees_with_a_stack():
    pairs = {"(": ")", "[": "]", "{": "}", "<": ">"}
    last = 0
    items = items_of("bracket-closing", rungs=(1, 2, 3))
    for item in items:
        open_, latest = [], ""
        for bracket in question(item).split():
            if bracket in pairs:
                open_.append(bracket)
                latest = bracket
            else:
                assert pairs[open_.pop()] == bracket
        assert right(item) == pairs[open_[-1]]
        assert sorted(open_) == sorted(pairs)
        last += item.rung > 1 and pairs[latest] == right(item)
    assert last / 120 < 0.4


def test_solved_brackets_are_closed_words():
    for item in items_of("bracket-closing", shots=3):
        for word in item.context.split("\n")[:-1]:
            assert all(word.count(a) == word.count(b) for a, b in ("()", "[]", "{}", "<>"))


def test_variable_binding_agrees_with_python():
    for item in items_of("variable-binding", rungs=(1, 2, 3, 6)):
        *assignments, asked = question(item).split("; ")
        names = {}
        exec("\n".join(assignments), {}, names)
        assert str(names[asked.removesuffix(" ==")]) == right(item)


def test_copying_goes_on_with_the_word_that_followed():
    for item in items_of("copying", rungs=(1, 2, 8)):
        words, again = (part.split() for part in question(item).split(":"))
        assert words[: len(again)] == again
        assert words[len(again)] == right(item)
        assert {choice.strip() for choice in item.choices} <= set(words)


def test_sorting_goes_on_in_order():
    ranks = Counter()
    items = items_of("sorting", rungs=(1, 2, 6), items_per_rung=200)
    for item in items:
        members, done = (part.split() for part in question(item).removeprefix("sort ").split(" to"))
        assert sorted(members)[: len(done)] == done
        assert sorted(members)[len(done)] == right(item)
        ranks[sorted(choice.strip() for choice in item.choices).index(right(item))] += 1
    assert max(ranks.values()) - min(ranks.values()) < 0.12 * len(items)


def logical_form(sentence):
    """An independent reading: peel `the X VERBed that` from the left."""
    if match := re.fullmatch(r"the (\w+) (\w+) that (.*)", sentence):
        return f"{match[2]}({match[1]}, {logical_form(match[3])})"
    agent, verb, patient = re.fullmatch(r"the (\w+) (\w+) the (\w+)", sentence).groups()
    return f"{verb}({agent}, {patient})"


def test_logical_forms_are_those_of_their_sentences():
    for item in items_of("structural-generalisation", rungs=(1, 2, 3, 4)):
        assert logical_form(question(item).removesuffix(" ->")) == right(item)
        for shot in item.context.split("\n")[:-1]:
            sentence, form = shot.split(" -> ")
            assert logical_form(sentence) == form


def test_the_second_rung_shows_nouns_in_other_roles_only_and_deeper_rungs_go_one_beyond_their_examples():
    for item in items_of("structural-generalisation", rungs=(2,)):
        agent, patient = re.fullmatch(r"the (\w+) \w+ the (\w+) ->", question(item)).groups()
        for shot in item.context.split("\n")[:-1]:
            first, second = re.match(r"the (\w+) \w+ the (\w+)", shot).groups()
            assert agent != first
            assert patient != second
            assert agent == second or patient == first
    for item in items_of("structural-generalisation", rungs=(3, 4, 5)):
        depths = [line.count("that") for line in item.context.split("\n")]
        assert depths == [item.rung - 3] * 3 + [item.rung - 2]


def test_planted_facts_are_asked_with_a_planted_wording_at_their_number_of_copies():
    items = planted_items({"b": PLANT, "a": PLANT})
    assert [item.id.split("/")[0] for item in items] == ["a"] * 80 + ["b"] * 80
    assert Counter(item.rung for item in items) == {1: 80, 8: 80}
    assert all(item.choices[0].startswith(" ") and not item.context.endswith(" ") for item in items)


def test_default_items_fit_a_window_of_256_tokens_even_with_a_tiny_vocabulary(encoder):
    for name in NAMES:
        longest = max(len(s) - 1 for e in encode_items(encoder, items_of(name), WINDOW) for s in e.sequences)
        assert longest <= WINDOW


def test_items_that_do_not_fit_name_probe_rung_shots_and_window(encoder):
    with pytest.raises(StudyError) as info:
        encode_items(encoder, items_of("copying", rungs=(1, 2), shots=9), 64)
    assert [problem.where for problem in info.value.problems] == [
        "probe 'copying', rung 1, shots 9",
        "probe 'copying', rung 2, shots 9",
    ]
    assert "the model reads 64" in str(info.value)


def test_more_items_than_there_are_problems_is_an_error():
    with pytest.raises(StudyError, match=r"probe 'arithmetic' has no more than about \d+ distinct problems at rung 1"):
        items_of("arithmetic", rungs=(1,), items_per_rung=500)


def test_draws_are_uniform_and_shuffles_are_permutations():
    draw = Draw("test")
    counts = Counter(draw.below(5) for _ in range(5000))
    assert all(abs(counts[value] - 1000) < 150 for value in range(5))
    assert sorted(draw.shuffled(range(9))) == list(range(9))
    assert {draw.between(2, 4) for _ in range(100)} == {2, 3, 4}
