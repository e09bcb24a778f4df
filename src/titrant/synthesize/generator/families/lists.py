"""Lists of numbers: kept, changed, ended; compared, cut and joined."""

from __future__ import annotations

from titrant.synthesize.generator.domains import Integers, Lists
from titrant.synthesize.generator.draw import Draw
from titrant.synthesize.generator.family import Drawn, Parameter, family
from titrant.synthesize.generator.pieces import number_change, number_test

NUMBERS = Lists(Integers(-50, 50), 0, 10)


@family("lists", 1, 2)
def sum_of_changed(draw: Draw) -> Drawn:
    """The sum of what becomes of the numbers that pass a test."""
    test, change = number_test(draw), number_change(draw)
    values, x = draw.name("values", "numbers", "items", "data"), draw.name("value", "number", "x", "n")
    total = draw.name("total", "result", "acc")
    body = draw.source(
        """
        $total = 0
        for $x in $values:
            if $test:
                $total += $change
        return $total
        """,
        """
        return sum($change for $x in $values if $test)
        """,
        values=values,
        x=x,
        total=total,
        test=test.of(x),
        change=change.of(x),
    )
    return Drawn(
        call=draw.choice(("sum_changed", "filtered_total", "total_of_kept", "selective_sum")),
        parameters=(Parameter(values, NUMBERS),),
        returns="int",
        say=draw.say(
            "Return the sum over the numbers in `$values` that are $test, each one replaced by $change. "
            "If there is none, the sum is 0.",
            "Take the numbers in `$values` that are $test, replace each by $change, and return the sum of the results "
            "(0 if nothing is left).",
            "Add up $change for every number in `$values`, leaving out all numbers but those that are $test. An empty "
            "sum is 0.",
            values=values,
            test=test.words,
            change=change.words,
        ),
        body=body,
        oracle=lambda given: sum([change.call(each) for each in list(filter(test.call, given))]),
        idea=draw.say(
            "Go through the numbers once, skip those that are not $test, and keep a running total of the rest.",
            "Keep only what is $test; what is left is changed one by one and added up.",
            test=test.words,
        ),
        difficulty=1,
    )
