"""Nested dictionaries and formulas."""

from __future__ import annotations

import copy
import re
from typing import Any

from titrant.synthesize.generator.draw import Draw, fill
from titrant.synthesize.generator.families.conditions import alone, one_of
from titrant.synthesize.generator.families.recursion.nestings import (
    FORMULA,
    SETTINGS,
    entries,
)
from titrant.synthesize.generator.family import Drawn, Parameter, family
from titrant.synthesize.generator.pieces import number_test

_ROUTES_TO_NUMBERS_BODIES = (
    """
    $found = []
    for $key, $value in $settings.items():
        if isinstance($value, dict):
            $found.extend($key + "$mark" + rest for rest in $call($value))
        elif $test:
            $found.append($key)
    return sorted($found)
    """,
    """
    $found = []

    def explore(part, before):
        for $key, $value in part.items():
            if isinstance($value, dict):
                explore($value, before + $key + "$mark")
            elif $test:
                $found.append(before + $key)

    explore($settings, "")
    return sorted($found)
    """,
    """
    $found = []
    waiting = [((), $settings)]
    while waiting:
        above, part = waiting.pop()
        for $key, $value in part.items():
            if isinstance($value, dict):
                waiting.append((above + ($key,), $value))
            elif $test:
                $found.append("$mark".join(above + ($key,)))
    return sorted($found)
    """,
)


@family("recursion", 2)
def routes_to_numbers(draw: Draw) -> Drawn:
    """Where the numbers that pass a test stand: keys of nested dictionaries, joined."""
    call = draw.name("routes", "paths_of", "find_settings", "dotted_keys")
    settings, test = draw.name("settings", "config", "options", "record"), number_test(draw)
    key, value = draw.name("key", "name"), draw.name("value", "entry", "setting")
    mark = draw.choice((".", "/", "-", ":"))
    names = {
        "call": call,
        "settings": settings,
        "key": key,
        "value": value,
        "found": draw.name("found", "result", "routes_found"),
        "mark": mark,
        "test": test.of(value),
        "kept": test.words,
        "is_kept": alone(test),
    }

    def oracle(given: dict[str, Any]) -> list[str]:
        ways = [way for way, x in entries(given) if not isinstance(x, dict) and test.call(x)]
        return sorted(mark.join(way) for way in ways)

    return Drawn(
        call=call,
        parameters=(Parameter(settings, SETTINGS),),
        returns="list[str]",
        say=draw.say(
            "Return the routes to all numbers in `$settings` that are $kept. `$settings` is a dictionary whose values "
            "are numbers or dictionaries of the same kind, and the route to a number is made of the keys that lead to "
            'it, from the outside in, joined by "$mark". Sort the routes as strings.',
            "Find every number inside the nested dictionary `$settings` that is $is_kept. For each, join the keys on "
            'the way to it with "$mark" (the outermost key first), and return these texts in ascending order.',
            "List, sorted as strings, where in `$settings` numbers stand that are $kept. The values of `$settings` "
            "are numbers or further dictionaries; a place is written as its keys from the outermost to the innermost "
            'with "$mark" between them. Dictionaries themselves are not listed.',
            **names,
        ),
        body=draw.source(
            *_ROUTES_TO_NUMBERS_BODIES,
            **names,
        ),
        oracle=oracle,
        idea=draw.say(
            "The route to a number is made of the keys passed on the way to it; it is written down if the "
            "number passes the test."
        ),
        contracts=("result == sorted(result)",),
        difficulty=2,
    )


_MERGED_SETTINGS_BODIES = (
    """
    $result = dict($one)
    for $key, yours in $other.items():
        if $key not in $one:
            $result[$key] = yours
            continue
        mine = $one[$key]
        if isinstance(mine, dict) and isinstance(yours, dict):
            $result[$key] = $call(mine, yours)
        elif isinstance(mine, dict) or isinstance(yours, dict):
            $result[$key] = $mine_is
        else:
            $result[$key] = $both
    return $result
    """,
    """
    def merge_values(mine, yours):
        kinds = isinstance(mine, dict) + isinstance(yours, dict)
        if kinds == 2:
            return $call(mine, yours)
        if kinds == 1:
            return $mine_is
        return $both

    $result = {}
    for $key in $one:
        if $key in $other:
            $result[$key] = merge_values($one[$key], $other[$key])
        else:
            $result[$key] = $one[$key]
    for $key in $other:
        $result.setdefault($key, $other[$key])
    return $result
    """,
)


@family("recursion", 3)
def merged_settings(draw: Draw) -> Drawn:
    """Two nested dictionaries in one, with a rule for numbers that meet."""
    call = draw.name("merge_nested", "combine", "overlay", "merged")
    one, other = draw.sample(("first", "base", "left", "defaults"), 1)[0], draw.choice(("second", "extra", "right"))
    k = draw.integer(2, 15)
    words, both, meaning = one_of(
        draw,
        ("their sum", "mine + yours", lambda a, b: sum((a, b))),
        ("the greater of them", "max(mine, yours)", lambda a, b: sorted((a, b))[1]),
        ("the smaller of them", "min(mine, yours)", lambda a, b: sorted((a, b))[0]),
        ("the number of `$other` minus that of `$one`", "yours - mine", lambda a, b: -(a - b)),
        ("their product", "mine * yours", lambda a, b: b * a),
        (f"the sum of {k} times the first number and the second", f"{k} * mine + yours", lambda a, b: sum([a] * k, b)),
        (f"their sum modulo {k + 1}", f"(mine + yours) % {k + 1}", lambda a, b: a + b - (a + b) // (k + 1) * (k + 1)),
        (f"the greater of them plus {k}", f"max(mine, yours) + {k}", lambda a, b: sorted((a, b))[1] + k),
    )
    number_wins = draw.chance()
    names = {
        "call": call,
        "one": one,
        "other": other,
        "result": draw.name("result", "joined", "both"),
        "key": draw.name("key", "name"),
        "both": both,
        "what": fill(words, one=one, other=other),
        "mixed": "the number is kept" if number_wins else "the dictionary is kept",
        "mine_is": "yours if isinstance(mine, dict) else mine"
        if number_wins
        else "mine if isinstance(mine, dict) else yours",
    }

    def oracle(given: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = dict.fromkeys([*given, *second])
        for key in found:
            a, b = given.get(key), second.get(key)
            kinds = (isinstance(a, dict), isinstance(b, dict))
            if a is None or b is None:
                found[key] = copy.deepcopy(b if a is None else a)
            elif kinds == (True, True):
                found[key] = oracle(a, b)
            elif True in kinds:
                found[key] = copy.deepcopy((a, b)[kinds.index(not number_wins)])
            else:
                found[key] = meaning(a, b)
        return found

    return Drawn(
        call=call,
        parameters=(Parameter(one, SETTINGS), Parameter(other, SETTINGS)),
        returns="dict",
        say=draw.say(
            "Return one nested dictionary made of `$one` and `$other`, whose values are numbers or dictionaries of "
            "the same kind. A key of only one of them keeps its value. Under a key of both, two dictionaries are "
            "merged by the same rules, two numbers become $what, and where a number meets a dictionary $mixed. Keys "
            "of `$one` come first, in its order, then the others in the order of `$other`.",
            "Merge the nested dictionaries `$one` and `$other` into a new one. Where both have a number under the "
            "same key, put $what there; where both have a dictionary, merge these in turn; if one is a number and the "
            "other a dictionary, $mixed. All keys that only one of them has are taken over. The keys of `$one` "
            "precede the new ones of `$other`.",
            "Combine `$one` with `$other` without changing either: both are dictionaries of numbers and of "
            "dictionaries like themselves. Take over what only one has. For a key that both have, numbers give $what, "
            "dictionaries are combined in the same way, and of a number and a dictionary $mixed. The result lists the "
            "keys of `$one` and after them the remaining keys of `$other`.",
            **names,
        ),
        body=draw.source(
            *_MERGED_SETTINGS_BODIES,
            **names,
        ),
        oracle=oracle,
        idea=draw.say(
            "Begin with the entries of the first dictionary and go through the second; where both have a key, the "
            "kinds of the two values decide, and two dictionaries are merged by the function itself.",
            "Keys of one side are copied; a common key holds two dictionaries (recursion), two numbers (the rule) or "
            "one of each (the stated preference).",
        ),
        contracts=(f"set(result) == set({one}) | set({other})",),
        difficulty=3,
    )


_FORMULA_VALUE_BODIES = (
    """
    if isinstance($formula, int):
        return $formula
    $sign, first, second = $formula
    a, b = $call(first), $call(second)
    if $sign == "+":
        return $plus
    if $sign == "-":
        return $minus
    return $times
    """,
    """
    meanings = {
        "+": lambda a, b: $plus,
        "-": lambda a, b: $minus,
        "*": lambda a, b: $times,
    }

    def evaluate(part):
        if not isinstance(part, tuple):
            return part
        $sign, first, second = part
        return meanings[$sign](evaluate(first), evaluate(second))

    return evaluate($formula)
    """,
    """
    match $formula:
        case ("+", first, second):
            a, b = $call(first), $call(second)
            return $plus
        case ("-", first, second):
            a, b = $call(first), $call(second)
            return $minus
        case ("*", first, second):
            a, b = $call(first), $call(second)
            return $times
        case _:
            return $formula
    """,
)


@family("recursion", 3)
def formula_value(draw: Draw) -> Drawn:
    """The value of a formula written as nested tuples, with drawn meanings of its signs."""
    call = draw.name("value_of", "work_out", "solve_formula", "reckon")
    formula = draw.name("formula", "term", "expression")
    plus = one_of(
        draw,
        ("the sum", "a + b", lambda a, b: a - -b),
        ("the greater one", "max(a, b)", lambda a, b: sorted((a, b))[1]),
        ("the sum plus one", "a + b + 1", lambda a, b: sum((a, b, 1))),
    )
    minus = one_of(
        draw,
        ("the first minus the second", "a - b", lambda a, b: -(b - a)),
        ("the second minus the first", "b - a", lambda a, b: -(a - b)),
        ("the absolute difference", "abs(a - b)", lambda a, b: max(a, b) - min(a, b)),
        ("the smaller one", "min(a, b)", lambda a, b: sorted((a, b))[0]),
    )
    modulus = draw.choice((0, 0, 10, 97, 100))
    last = f"the product modulo {modulus}" if modulus else "the product"
    times = f"a * b % {modulus}" if modulus else "a * b"
    names = {
        "call": call,
        "formula": formula,
        "plus": plus[1],
        "minus": minus[1],
        "times": times,
        "plus_words": plus[0],
        "minus_words": minus[0],
        "times_words": last,
        "sign": draw.name("sign", "operator", "kind"),
    }

    def oracle(given: Any) -> int:
        stack: list[int] = []
        for piece in reversed(re.findall(r"-?\d+|'.'", str(given))):
            if piece[0] != "'":
                stack.append(int(piece))
                continue
            a, b = stack.pop(), stack.pop()
            product = b * a - b * a // modulus * modulus if modulus else b * a
            stack.append({"'+'": plus[2](a, b), "'-'": minus[2](a, b), "'*'": product}[piece])
        return stack[0]

    return Drawn(
        call=call,
        parameters=(Parameter(formula, FORMULA),),
        returns="int",
        say=draw.say(
            'Return the value of `$formula`, which is a whole number or a tuple (sign, a, b) of a sign "+", "-" or '
            '"*" and two formulas. The signs have a meaning of their own here: for the values of a and b, "+" gives '
            '$plus_words, "-" gives $minus_words, and "*" gives $times_words.',
            "Evaluate `$formula`. A whole number stands for itself; a tuple holds a sign and two formulas, whose "
            'values are worked out first. Then "+" means $plus_words of the two, "-" means $minus_words, and "*" '
            "means $times_words.",
            'Work out `$formula`, a tree in which leaves are whole numbers and inner nodes are tuples ("+", a, b), '
            '("-", a, b) or ("*", a, b). Beware, the signs are not the usual ones: "+" is $plus_words of both values, '
            '"-" is $minus_words and "*" is $times_words.',
            **names,
        ),
        body=draw.source(
            *_FORMULA_VALUE_BODIES,
            **names,
        ),
        oracle=oracle,
        idea=draw.say(
            "A number is its own value; for a tuple the function works out both parts first and then applies the "
            "meaning of the sign to them.",
            "Evaluate from the leaves up: each sign is looked up and applied to the values of its two branches.",
        ),
        difficulty=3,
    )
