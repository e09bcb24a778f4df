"""Numbers of a list put in order, ranked and counted."""

from __future__ import annotations

from titrant.synthesize.generator.draw import Draw
from titrant.synthesize.generator.families.lists.bounds import NEAR_NUMBERS, NUMBERS, SOME_NEAR_NUMBERS
from titrant.synthesize.generator.family import Drawn, Parameter, family
from titrant.synthesize.generator.folds import number_key
from titrant.synthesize.generator.imports import imports_of
from titrant.synthesize.generator.layout import written
from titrant.synthesize.generator.names import a_list, a_result, an_index, an_item
from titrant.synthesize.generator.preparation import prepared


@family("lists", 1, 3)
def sorted_by_key(draw: Draw) -> Drawn:
    """The numbers in the order of a key; equal keys by value, or as they stood."""
    key, down, tie = number_key(draw), draw.chance(0.4), draw.choice(("stood", "up", "down"))
    values, x, kept, place = a_list(draw), an_item(draw), a_result(draw), draw.name("place", "at", "slot")
    second = {"stood": "", "up": x, "down": f"-{x}"}[tie]
    first = key.of(x) if not down else f"-({key.of(x)})" if " " in key.of(x) else f"-{key.of(x)}"
    parts = {"values": values, "x": x, "kept": kept, "place": place}
    parts["key"] = f"({first}, {second})" if second else first
    ties = {
        "stood": "keep the order of the list",
        "up": "stand in ascending order",
        "down": "stand in descending order",
    }
    words = {"values": values, "key": key.words, "ties": ties[tie], "way": "descending" if down else "ascending"}

    def oracle(given: list[int]) -> list[int]:
        left, found = list(enumerate(given)), []
        while left:
            ranks = [(key.call(n) * (-1 if down else 1), {"stood": at, "up": n, "down": -n}[tie], at) for at, n in left]
            found.append(left.pop(ranks.index(min(ranks)))[1])
        return found

    return Drawn(
        call=draw.choice(("sort_by_key", "arrange", "put_in_order", "ordered_by")),
        parameters=(Parameter(values, NUMBERS),),
        returns="list[int]",
        say=draw.say(
            "Return the numbers of `$values` in $way order of their $key. Numbers that agree in this $ties.",
            "Sort `$values` into a new list, by the $key of each number, in $way order. Where two numbers are equal in "
            "that respect, they $ties.",
            "Arrange a copy of `$values` so that the $key of the numbers is $way from left to right; numbers that do "
            "not differ in it $ties.",
            **words,
        ),
        body=written(
            draw,
            """
            return sorted($values, key=lambda $x: $key)
            """,
            """
            def rank($x):
                return $key

            $kept = list($values)
            $kept.sort(key=rank)
            return $kept
            """,
            """
            def rank($x):
                return $key

            $kept = []
            for $x in $values:
                $place = len($kept)
                while $place > 0 and rank($kept[$place - 1]) > rank($x):
                    $place -= 1
                $kept.insert($place, $x)
            return $kept
            """,
            **parts,
        ),
        oracle=oracle,
        idea=draw.say(
            "The $key of a number decides about its place; numbers for which it is equal $ties.",
            "Compare numbers by their $key; where that is equal, they $ties.",
            **words,
        ),
        contracts=(f"sorted(result) == sorted({values})",),
        difficulty=1 if tie == "stood" and not down else 2,
    )


@family("lists", 2)
def most_frequent(draw: Draw) -> Drawn:
    """What occurs most or least often among the keys of numbers, with a rule for ties."""
    key, most, tie, both = (
        number_key(draw),
        draw.chance(0.7),
        draw.choice(("least", "greatest", "first")),
        draw.chance(0.3),
    )
    plain = draw.chance(0.4)
    values, x, counts, best = (
        a_list(draw),
        an_item(draw),
        draw.name("counts", "times", "tally"),
        draw.name("best", "chosen"),
    )
    which = draw.name("key", "kind", "entry_key")
    parts = {"values": values, "x": x, "counts": counts, "best": best, "key": x if plain else key.of(x), "which": which}
    parts |= {"extreme": "max" if most else "min", "tie": {"least": "min", "greatest": "max", "first": "next"}[tie]}
    parts["end"] = f"({best}, {counts}[{best}])" if both else best
    parts["picked"] = (
        f"next({which} for {which} in {counts} if {counts}[{which}] == {best})"
        if tie == "first"
        else f"{parts['tie']}({which} for {which} in {counts} if {counts}[{which}] == {best})"
    )
    parts["both_end"] = f"{parts['picked']}, {best}" if both else parts["picked"]
    sign = "-" if (tie == "greatest") != most and tie != "first" else ""
    parts["pick"] = parts["extreme"]
    parts["rank"] = f"{counts}[{which}]" if tie == "first" else f"({counts}[{which}], {sign}{which})"

    def oracle(given: list[int]) -> tuple[int, int] | int:
        keys = [each if plain else key.call(each) for each in given]
        times = [keys.count(each) for each in keys]
        goal = sorted(times)[-1 if most else 0]
        fits = [each for each, often in zip(keys, times, strict=True) if often == goal]
        found = {"least": min(fits), "greatest": max(fits), "first": fits[0]}[tie]
        return (found, goal) if both else found

    body = written(
        draw,
        """
        $counts = Counter($key for $x in $values)
        $best = $pick($counts, key=lambda $which: $rank)
        return $end
        """,
        """
        $counts = {}
        for $x in $values:
            $which = $key
            $counts[$which] = $counts.get($which, 0) + 1
        $best = $extreme($counts.values())
        return $both_end
        """,
        **parts,
    ).replace(f"Counter({x} for {x} in {values})", f"Counter({values})")
    words = {"values": values, "most": "most" if most else "least", "what": "number" if plain else f"{key.words}"}
    words["asked"] = "it together with its count, as a tuple" if both else "it"
    words["tie"] = {"least": "the least of them", "greatest": "the greatest of them"}.get(
        tie, "the one that occurs first"
    )
    words["of"] = "the numbers themselves" if plain else f"the {key.words} of each number"
    return Drawn(
        call=draw.choice(
            ("most_frequent", "commonest", "frequency_winner", "leading_kind")
            if most
            else ("rarest", "least_common", "scarcest_kind")
        ),
        parameters=(Parameter(values, SOME_NEAR_NUMBERS),),
        returns="tuple[int, int]" if both else "int",
        say=draw.say(
            "Write down $of in the non-empty list `$values`. Of what is written down, find what occurs $most often and "
            "return $asked. If several occur equally often, take $tie.",
            "Consider $of for `$values`, which has at least one member. Find the value that occurs $most often among "
            "these (in a tie, $tie) and return $asked.",
            "Count how often each value occurs among $of in `$values`, a list with one number or more. Look for the "
            "one with the $count count and return $asked. Ties are decided in favour of $tie.",
            count="highest" if most else "lowest",
            **words,
        ),
        body=body,
        prelude=imports_of(body),
        oracle=oracle,
        idea="Count with a dictionary, which remembers in which order its keys came, and then choose among the keys by "
        "their counts and the rule for ties.",
        contracts=("result[1] >= 1",) if both else ((f"result in {values}",) if plain else ()),
        difficulty=2,
    )


@family("lists", 2, 3)
@prepared()
def ranked(draw: Draw) -> Drawn:
    """Each number replaced by its rank, counted among numbers or among different numbers."""
    high, distinct, first = draw.chance(), draw.chance(), draw.choice((0, 1))
    values, x, ranks, ordered = (
        a_list(draw),
        an_item(draw),
        draw.name("ranks", "rank_of", "places"),
        draw.name("ordered", "ranking"),
    )
    i = an_index(draw)
    turn = ", reverse=True" if high else ""
    parts = {"values": values, "x": x, "ranks": ranks, "ordered": ordered, "i": i, "first": first}
    parts["source"] = f"set({values})" if distinct else values
    parts["turn"] = turn
    parts["start"] = f", start={first}" if first else ""
    plus = f" + {first}" if first else ""
    parts["bisect"] = (
        f"len({ordered}) - bisect_right({ordered}, {x}){plus}" if high else f"bisect_left({ordered}, {x}){plus}"
    )
    words = {"values": values, "side": "greater" if high else "smaller", "plus": f", plus {first}" if first else ""}
    words["kind"] = "different numbers" if distinct else "numbers"
    words["equal"] = "Equal numbers count once." if distinct else "Each occurrence of a number counts."

    def oracle(given: list[int]) -> list[int]:
        found = []
        for value in given:
            beyond = [each for each in given if (each > value if high else each < value)]
            found.append(first + len(set(beyond) if distinct else beyond))
        return found

    body = written(
        draw,
        """
        $ordered = sorted($source)
        return [$bisect for $x in $values]
        """,
        """
        $ranks = {}
        for $i, $x in enumerate(sorted($source$turn)$start):
            $ranks.setdefault($x, $i)
        return [$ranks[$x] for $x in $values]
        """,
        """
        $ordered = sorted($source$turn)
        return [$ordered.index($x)$plus for $x in $values]
        """,
        plus=plus,
        **parts,
    )
    return Drawn(
        call=draw.choice(("rank_numbers", "replace_by_rank", "standings", "to_ranks")),
        parameters=(Parameter(values, NEAR_NUMBERS),),
        returns="list[int]",
        say=draw.say(
            "Replace each number in `$values` by the number of $kind in `$values` that are $side than it$plus, "
            "and return the new list. $equal",
            "Return a list in which every number of `$values` is exchanged for its rank: how many $kind of the "
            "list are $side$plus. $equal",
            "The rank of a number in `$values` is the count of all $kind there that are $side than the number$plus. "
            "Return the ranks of all numbers, in the order of the list. $equal",
            **words,
        ),
        body=body,
        prelude=imports_of(body),
        oracle=oracle,
        idea=("In the sorted numbers, the place of a number tells how many come before it, which gives its rank."),
        contracts=(f"len(result) == len({values})", f"all(rank >= {first} for rank in result)"),
        difficulty=2 if not distinct else 3,
    )


@family("lists", 1, 2)
@prepared(0.4)
def without_repeats(draw: Draw) -> Drawn:
    """One number for each key, the first or the last of its kind."""
    key, last = number_key(draw), draw.chance(0.4)
    plain = draw.chance(0.3)
    values, x, kept, seen = a_list(draw), an_item(draw), a_result(draw), draw.name("seen", "known", "used")
    kind = draw.name("kind", "key", "mark")
    parts = {"values": values, "x": x, "kept": kept, "seen": seen, "kind": kind, "key": x if plain else key.of(x)}
    parts |= {"walk": f"reversed({values})" if last else values, "end": f"{kept}[::-1]" if last else kept}
    words = {
        "values": values,
        "which": "last" if last else "first",
        "other": "a later one" if last else "an earlier one",
    }
    words["same"] = "are equal" if plain else f"have the same {key.words}"

    def oracle(given: list[int]) -> list[int]:
        keys = [each if plain else key.call(each) for each in given]
        return [
            each
            for at, each in enumerate(given)
            if not any(keys[at] == other for other in (keys[at + 1 :] if last else keys[:at]))
        ]

    styles = [
        """
        $seen = set()
        $kept = []
        for $x in $walk:
            $kind = $key
            if $kind not in $seen:
                $seen.add($kind)
                $kept.append($x)
        return $end
        """,
        """
        $seen = {}
        for $x in $walk:
            $seen.setdefault($key, $x)
        return $dict_end
        """,
        """
        $kept, $seen = [], set()
        for $x in $walk:
            if $key in $seen:
                continue
            $kept.append($x)
            $seen.add($key)
        return $end
        """,
    ]
    return Drawn(
        call=draw.choice(("without_repeats", "one_of_each", "drop_repeats", "one_per_kind")),
        parameters=(Parameter(values, NEAR_NUMBERS if plain else NUMBERS),),
        returns="list[int]",
        say=draw.say(
            "Return `$values` without repeats: of numbers that $same keep only the $which one. The numbers that are "
            "kept stay in their order.",
            "Two numbers are alike if they $same. From each group of numbers in `$values` that are alike, only the "
            "$which is to stay. Return those that stay, in the order of `$values`.",
            "Drop every number of `$values` for which there is $other such that the two $same. Return what is left, in "
            "the old order.",
            **words,
        ),
        body=written(
            draw, *styles, dict_end=f"list({seen}.values())[::-1]" if last else f"list({seen}.values())", **parts
        ),
        oracle=oracle,
        idea=("Remember which kinds have been met; a number whose kind is new is kept, all others are skipped.")
        + (" Going from the end to the start makes the last of each kind the first to be met." if last else ""),
        contracts=(f"len(result) <= len({values})", f"all(x in {values} for x in result)"),
        difficulty=1 if plain and not last else 2,
    )
