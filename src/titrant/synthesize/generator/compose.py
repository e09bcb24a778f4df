"""Problems made of problems: what one gives is changed further, or it is asked for many arguments at once.

The first function becomes a helper of the second. So a family whose own choices are few still gives thousands of
different programs.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from titrant.synthesize.generator.domains import Several
from titrant.synthesize.generator.draw import Draw, fill
from titrant.synthesize.generator.family import Drawn, Parameter
from titrant.synthesize.generator.pieces import Piece, counted, number_change, number_test


@dataclass(frozen=True)
class _Further:
    """What is done with a result."""

    words: str
    """What is returned instead, after `return`: `its square`."""
    source: str
    """As an expression of `$x`."""
    call: Callable[[Any], Any]
    returns: str
    adds: int = 1
    """To the difficulty."""


_THINGS = {"int": "number", "str": "text", "bool": "truth value", "int | None": "result"}


def composed(drawn: Drawn, draw: Draw) -> Drawn | None:
    """A problem that has this one as its first step; None if there is no way, or it would be too difficult."""
    if draw.chance(0.3) and drawn.where is None:
        found = _for_many(drawn, draw)
    else:
        found = _changed(drawn, draw)
    return found if found is None or found.difficulty <= 5 else None


def _helper(drawn: Drawn) -> str:
    names = ", ".join(each.name for each in drawn.parameters)
    source = f"def {drawn.call}({names}):\n{textwrap.indent(drawn.body, '    ')}"
    return f"{drawn.prelude}\n\n\n{source}" if drawn.prelude else source


def _changed(drawn: Drawn, draw: Draw) -> Drawn | None:
    further = _further(drawn.returns, draw)
    if further is None:
        return None
    names = ", ".join(each.name for each in drawn.parameters)
    first = draw.name("first", "outcome", "found", "step", "base")
    whole = f"{drawn.call}({names})"
    body = draw.source(
        "$first = $whole\nreturn $named",
        "return $direct" if further.source.count("$x") == 1 else "$first = $whole\nreturn $named",
        first=first,
        whole=whole,
        named=fill(further.source, x=first),
        direct=fill(further.source, x=whole),
    )
    thing = _THINGS.get(drawn.returns, drawn.returns.partition("[")[0])
    say = draw.say(
        "$say Do not return that $thing as it is, but $words.",
        "There are two steps. The first one is this: $say The second step: instead of the $thing that the first one "
        "gives, return $words.",
        "The text that follows describes a $thing; return $words. $say",
        say=drawn.say,
        thing=thing,
        words=further.words,
    )
    oracle = drawn.oracle
    return replace(
        drawn,
        call=draw.choice((f"{drawn.call}_then", f"{drawn.call}_and_more", f"after_{drawn.call}", "two_steps")),
        returns=further.returns,
        say=say,
        body=body,
        oracle=lambda *given: further.call(oracle(*given)),
        idea=f"{drawn.idea} A helper does this; what it gives is then turned into what is asked for.",
        prelude=_helper(drawn),
        contracts=(),
        difficulty=drawn.difficulty + further.adds,
    )


def _further(returns: str, draw: Draw) -> _Further | None:
    match returns:
        case "int":
            return _of_number(draw)
        case "list[int]":
            return _of_numbers(draw)
        case "str":
            return _of_text(draw)
        case "list[str]":
            return _of_texts(draw)
        case "bool":
            return _of_truth(draw)
        case "int | None":
            return _of_number_or_none(draw)
    return _of_other(returns, draw)


def _of_number(draw: Draw) -> _Further:
    if draw.chance(0.2):
        test = number_test(draw)
        return _Further(f"whether it is one of the numbers that are {test.words}", test.source, test.call, "bool")
    if draw.chance(0.4):
        one, other = number_change(draw), number_change(draw)
        sign = draw.choice(("plus", "minus"))
        between = "+" if sign == "plus" else "-"
        return _Further(
            f"the following: ({one.words}) {sign} ({other.words})",
            f"{_bracketed(one)} {between} {_bracketed(other)}",
            lambda x: one.call(x) + other.call(x) if sign == "plus" else one.call(x) - other.call(x),
            "int",
        )
    change = number_change(draw)
    return _Further(change.words, change.source, change.call, "int")


def _of_truth(draw: Draw) -> _Further:
    yes, no = draw.integer(1, 30), draw.integer(-20, 0)
    one, other = draw.choice((("yes", "no"), ("good", "bad"), ("fits", "fails"), ("on", "off"), ("right", "wrong")))
    options = (
        _Further(
            f"{yes} if it is `True` and {no} if it is `False`",
            f"{yes} if $x else {no}",
            lambda x: (no, yes)[x],
            "int",
        ),
        _Further(
            f'"{one}" if it is `True` and "{other}" if it is `False`',
            f'"{one}" if $x else "{other}"',
            lambda x: {True: one, False: other}[x],
            "str",
        ),
    )
    return draw.choice(options)


def _of_number_or_none(draw: Draw) -> _Further:
    change, none = number_change(draw), draw.integer(-30, 0)
    return _Further(
        f"{none} if it is `None` and {change.words} if it is a number",
        f"{none} if $x is None else {change.source}",
        lambda x: change.call(x) if isinstance(x, int) else none,
        "int",
    )


def _of_other(returns: str, draw: Draw) -> _Further | None:
    """Of what has a length."""
    k, m = draw.integer(2, 9), draw.integer(1, 20)
    count = _Further(
        f"the number of its elements times {k}, plus {m}",
        f"{k} * len($x) + {m}",
        lambda x: m + sum(k for _ in x),
        "int",
    )
    if returns.startswith("dict["):
        return count
    if returns == "tuple[int, int]":
        return _Further(
            f"{k} times its first number minus {m} times its second",
            f"{k} * $x[0] - {m} * $x[1]",
            lambda x: sum([x[0]] * k) + sum([-x[1]] * m),
            "int",
        )
    if not returns.startswith("list["):
        return None
    first = _Further(
        f"only its first {k} elements (all if there are fewer)", f"$x[:{k}]", lambda x: _few(x, k), returns
    )
    last = _Further(
        f"only its last {k} elements (all if there are fewer)", f"$x[-{k}:]", lambda x: _few(x[::-1], k)[::-1], returns
    )
    return draw.choice((count, first, last))


def _few(values: list[Any], count: int) -> list[Any]:
    return [each for each, _ in zip(values, range(count), strict=False)]


def _bracketed(piece: Piece) -> str:
    simple = piece.source.endswith(")") and piece.source.count("(") == 1
    return piece.source if simple else f"({piece.source})"


def _of_numbers(draw: Draw) -> _Further:
    test, change, k = number_test(draw), number_change(draw), draw.integer(2, 4)
    options = (
        _Further(
            f"only its numbers that are {test.words}",
            f"[each for each in $x if {test.of('each')}]",
            lambda x: list(filter(test.call, x)),
            "list[int]",
        ),
        _Further(
            f"it with each number replaced by {change.words}",
            f"[{change.of('each')} for each in $x]",
            lambda x: list(map(change.call, x)),
            "list[int]",
        ),
        _Further(
            f"how many of its numbers are {test.words}",
            f"sum(1 for each in $x if {test.of('each')})",
            lambda x: list(map(bool, map(test.call, x))).count(True),
            "int",
        ),
        _Further(
            f"the sum of its numbers, each replaced by {change.words}",
            f"sum({change.of('each')} for each in $x)",
            lambda x: -sum(-change.call(each) for each in x),
            "int",
        ),
        _Further(
            f"every number of it whose index, counted from 0, is a multiple of {k}",
            f"$x[::{k}]",
            lambda x: [each for place, each in enumerate(x) if not place % k],
            "list[int]",
        ),
        _Further(
            f"{k} copies of it, one after the other, as one list",
            f"$x * {k}",
            lambda x: [each for _ in range(k) for each in x],
            "list[int]",
        ),
    )
    return draw.choice(options)


def _of_text(draw: Draw) -> _Further:
    k, letter, mark = draw.integer(2, 9), draw.choice("aeionrst"), draw.choice("-*+.#")
    characters = counted(k, "character")
    options = (
        _Further(
            f"its first {characters} (all of it if it is shorter)", f"$x[:{k}]", lambda x: "".join(list(x)[:k]), "str"
        ),
        _Further(
            f"its last {characters} (all of it if it is shorter)", f"$x[-{k}:]", lambda x: x[::-1][:k][::-1], "str"
        ),
        _Further(f"its length times {k}", f"len($x) * {k}", lambda x: sum(k for _ in x), "int"),
        _Further(
            f'how often "{letter}" stands in it',
            f'$x.count("{letter}")',
            lambda x: sum(each == letter for each in x),
            "int",
        ),
        _Further(
            f'it with every "{letter}" replaced by "{mark}"',
            f'$x.replace("{letter}", "{mark}")',
            lambda x: mark.join(x.split(letter)),
            "str",
        ),
        _Further(
            f"it from back to front, with every {k}th character left out",
            f'"".join(each for place, each in enumerate(reversed($x), 1) if place % {k})',
            lambda x: "".join(x[::-1][start : start + k - 1] for start in range(0, len(x), k)),
            "str",
        ),
        _Further(
            f'it with "{mark}" added until it has {k + 6} characters (none if it is as long already)',
            f'$x.ljust({k + 6}, "{mark}")',
            lambda x: x + mark * (k + 6 - len(x)),
            "str",
        ),
    )
    return draw.choice(options)


def _of_texts(draw: Draw) -> _Further:
    k, mark = draw.integer(1, 6), draw.choice(("-", ", ", "/", "; ", " + "))
    characters = counted(k, "character")
    options = (
        _Further(
            f"only its texts of at least {characters}",
            f"[each for each in $x if len(each) >= {k}]",
            lambda x: [each for each in x if each[k - 1 : k]],
            "list[str]",
        ),
        _Further(f'its texts joined by "{mark}"', f'"{mark}".join($x)', lambda x: _joined(x, mark), "str"),
        _Further(
            f"the first {characters} of each of its texts",
            f"[each[:{k}] for each in $x]",
            lambda x: [_cut(each, k) for each in x],
            "list[str]",
        ),
        _Further(
            f"how many of its texts have more than {characters}",
            f"sum(1 for each in $x if len(each) > {k})",
            lambda x: len([each for each in x if each[k:]]),
            "int",
        ),
    )
    return draw.choice(options)


def _joined(texts: list[str], mark: str) -> str:
    return "".join(f"{mark if place else ''}{each}" for place, each in enumerate(texts))


def _cut(text: str, count: int) -> str:
    return "".join(letter for letter, _ in zip(text, range(count), strict=False))


def _for_many(drawn: Drawn, draw: Draw) -> Drawn | None:
    further = _of_all(drawn.returns, draw)
    if further is None:
        return None
    cases, case = draw.name("cases", "examples", "tasks", "batches"), draw.name("case", "one", "each_case")
    many = len(drawn.parameters) > 1
    domain = Several(tuple(each.domain for each in drawn.parameters))
    call = f"{drawn.call}({'*' if many else ''}{case})"
    results = draw.name("results", "outcomes", "answers")
    body = draw.source(
        "$results = [$call for $case in $cases]\nreturn $end",
        "$results = []\nfor $case in $cases:\n    $results.append($call)\nreturn $end",
        results=results,
        call=call,
        case=case,
        cases=cases,
        end=fill(further.source, x=results),
    )
    names = ", ".join(f"`{each.name}`" for each in drawn.parameters)
    say = draw.say(
        "Each element of `$cases` is $what for the following task. $say Do this for all of `$cases` and return $words.",
        "Here is a task for $what: $say Now `$cases` is a list of such arguments. Return $words.",
        "Solve a task for every element of `$cases`, which is $what each time, and return $words. The task: $say",
        cases=cases,
        say=drawn.say,
        words=further.words,
        what=f"a tuple ({names})" if many else f"a value of {names}",
    )
    oracle = drawn.oracle
    return replace(
        drawn,
        call=draw.choice((f"{drawn.call}_for_all", f"all_{drawn.call}", "over_all_cases", f"{drawn.call}_batch")),
        parameters=(Parameter(cases, domain),),
        returns=further.returns,
        say=say,
        body=body,
        oracle=lambda given: further.call([oracle(*each) if many else oracle(each) for each in given]),
        idea=f"{drawn.idea} A helper does this for one case; its results for all cases are then put together.",
        prelude=_helper(drawn),
        contracts=(),
        where=None,
        where_name="",
        difficulty=drawn.difficulty + further.adds,
    )


def _of_all(returns: str, draw: Draw) -> _Further | None:
    k = draw.integer(2, 9)
    if returns == "int":
        test, change = number_test(draw), number_change(draw)
        return draw.choice(
            (
                _Further("the largest of the results (0 if there is none)", "max($x, default=0)", _largest, "int"),
                _Further("the smallest of the results (0 if there is none)", "min($x, default=0)", _smallest, "int"),
                _Further("the sum of the results", "sum($x)", lambda x: -sum(-each for each in x), "int"),
                _Further(
                    f"the sum of the results modulo {k + 1}",
                    f"sum($x) % {k + 1}",
                    lambda x: sum(each % (k + 1) for each in x) % (k + 1),
                    "int",
                ),
                _Further(
                    f"how many of the results are {test.words}",
                    f"sum(1 for each in $x if {test.of('each')})",
                    lambda x: len(list(filter(test.call, x))),
                    "int",
                ),
                _Further(
                    f"the list of the results, each replaced by {change.words}",
                    f"[{change.of('each')} for each in $x]",
                    lambda x: list(map(change.call, x)),
                    "list[int]",
                ),
            )
        )
    if returns == "bool":
        return draw.choice(
            (
                _Further(
                    f"how often the result is `True`, times {k}", f"{k} * sum($x)", lambda x: k * x.count(True), "int"
                ),
                _Further(
                    f"whether it is `True` at least {k - 1} times",
                    f"$x.count(True) >= {k - 1}",
                    lambda x: sum(x) > k - 2,
                    "bool",
                ),
                _Further("whether it is `True` every time", "all($x)", lambda x: False not in x, "bool"),
            )
        )
    if "dict" in returns or "|" in returns:
        return None
    return draw.choice(
        (
            _Further("the list of the results", "$x", list, f"list[{returns}]", 0),
            _Further(
                f"the list of every {k}th result, beginning with the first",
                f"$x[::{k}]",
                lambda x: [each for place, each in enumerate(x) if place % k == 0],
                f"list[{returns}]",
            ),
        )
    )


def _largest(found: list[int]) -> int:
    return sorted(found)[-1] if found else 0


def _smallest(found: list[int]) -> int:
    return sorted(found)[0] if found else 0
