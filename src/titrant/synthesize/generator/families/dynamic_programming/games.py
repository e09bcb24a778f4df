"""Games, assignments, and rows whose neighbours are merged."""

from __future__ import annotations

from itertools import permutations
from random import Random

from titrant.synthesize.generator.domains import Integers, Lists, Made
from titrant.synthesize.generator.draw import Draw, fill
from titrant.synthesize.generator.families.conditions import imports, one_of, tidied
from titrant.synthesize.generator.family import Drawn, Parameter, family
from titrant.synthesize.generator.pieces import multiple, number_change


def _table(random: Random) -> list[list[int]]:
    size = random.randint(1, 4)
    return [[random.randint(0, 20) for _ in range(size)] for _ in range(size)]


SQUARE = Made("squares of 0 to 20 up to 4 by 4", "list[list[int]]", _table)
HEAP = Integers(0, 30)
STICKS = Lists(Integers(1, 20), 0, 5)


_GAME_OF_HEAPS_BODIES = (
    """
    $wins = []
    for heap in range($n + 1):
        moves = [take for take in $takes if take <= heap]
        $wins.append($base(not $wins[heap - take] for take in moves))
    return $end
    """,
    """
    @cache
    def $wins(heap):
        moves = [take for take in $takes if take <= heap]
        return $base(not $wins(heap - take) for take in moves)

    return $call_end
    """,
    """
    $wins = [False] * ($n + 1)
    for heap in range($n + 1):
        $start
        for take in $takes:
            if take <= heap and not $wins[heap - take]:
                $wins[heap] = True
    return $end
    """,
)


@family("dynamic-programming", 4)
def game_of_heaps(draw: Draw) -> Drawn:
    """Who wins when counters are taken from a heap in certain numbers."""
    takes = sorted(draw.sample((1, 2, 3, 4, 5, 6, 7, 8), draw.integer(2, 3)))
    last_wins, which = draw.chance(0.6), draw.integer(0, 2)
    call = draw.name("winning_heaps", "heap_game", "take_counters", "winner")
    n = draw.name("n", "counters", "size")
    what, returns = (
        ("whether the player who moves first wins, if both play as well as possible", "bool"),
        (
            "the smallest number of counters that a winning first move takes if both play as well as possible, or 0 "
            "if no move wins",
            "int",
        ),
        (
            "how many of the heaps from 0 up to `$n` counters are won by the player who moves first, if both play as "
            "well as possible",
            "int",
        ),
    )[which]
    names = {
        "n": n,
        "takes": f"({', '.join(map(str, takes))})",
        "named": " or ".join([", ".join(map(str, takes[:-1])), str(takes[-1])]),
        "what": fill(what, n=n),
        "stuck": "loses" if last_wins else "wins",
        "base": "any" if last_wins else "not moves or any",
        "wins": draw.name("wins", "winning", "good"),
    }
    w = names["wins"]
    first = f"next((take for take in {names['takes']} if take <= {n} and not {w}[{n} - take]), 0)"
    names["end"] = (f"{w}[{n}]", first, f"sum({w})")[which]
    call_first = f"next((take for take in {names['takes']} if take <= {n} and not {w}({n} - take)), 0)"
    names["call_end"] = (f"{w}({n})", call_first, f"sum({w}(heap) for heap in range({n} + 1))")[which]

    def oracle(given: int) -> bool | int:
        lost: set[int] = set()
        for heap in range(given + 1):
            moves = {heap - take for take in takes if take <= heap}
            if (not moves and last_wins) or (moves and not moves & lost):
                lost.add(heap)
        if which == 0:
            return given not in lost
        return min([take for take in takes if given - take in lost], default=0) if which == 1 else given + 1 - len(lost)

    body = draw.source(
        *_GAME_OF_HEAPS_BODIES,
        start="" if last_wins else f"{w}[heap] = heap < {takes[0]}",
        **names,
    )
    return Drawn(
        call=call,
        parameters=(Parameter(n, HEAP),),
        returns=returns,
        say=draw.say(
            "Return $what. Two players in turn take $named counters from a heap of `$n`, never more than there are, "
            "and whoever cannot move $stuck.",
            "Let two players move in turn, where a move takes $named counters from a heap that has `$n` of them at "
            "first. A player who cannot move because too few counters are left $stuck. Return $what.",
            "Solve this game: from a heap of `$n` counters each player in turn removes $named of them, and the one "
            "who is to move but cannot $stuck. Return $what.",
            **names,
        ),
        body=tidied(body),
        prelude=imports(body, "from functools import cache"),
        oracle=oracle,
        idea=draw.say(
            "A heap is won if some move leads to a heap that is lost for the other player; so small heaps "
            "decide about greater ones."
        ),
        difficulty=4,
    )


_TASKS_FOR_PEOPLE_BODIES = (
    """
    best = {0: 0}
    for row in $table:
        after = {}
        for taken, total in best.items():
            for task, $x in enumerate(row):
                if not taken >> task & 1:
                    key, value = taken | 1 << task, total + $change
                    after[key] = $pick(after.get(key, value), value)
        best = after
    return best[2 ** len($table) - 1]
    """,
    """
    @cache
    def best(person, free):
        if person == len($table):
            return 0
        totals = []
        for task in free:
            $x = $table[person][task]
            totals.append($change + best(person + 1, free - {task}))
        return $pick(totals)

    return best(0, frozenset(range(len($table))))
    """,
    """
    def best(person, free):
        if not free:
            return 0
        totals = []
        for task in free:
            left = [other for other in free if other != task]
            totals.append($change_cell + best(person + 1, left))
        return $pick(totals)

    return best(0, list(range(len($table))))
    """,
)


@family("dynamic-programming", 4)
def tasks_for_people(draw: Draw) -> Drawn:
    """The best assignment of tasks to people, one each, from a square table."""
    change, greatest = number_change(draw), draw.chance(0.4)
    call = draw.name("assign_tasks", "best_assignment", "share_tasks", "match_workers")
    table, x = draw.name("costs", "table", "hours"), draw.name("value", "cost", "price")
    names = {
        "table": table,
        "x": x,
        "pick": "max" if greatest else "min",
        "which": "greatest" if greatest else "least",
        "words": change.words,
        "change": change.of(x),
        "change_cell": change.of(f"{table}[person][task]"),
    }

    def oracle(given: list[list[int]]) -> int:
        sums: list[int] = [
            sum(change.call(given[a][b]) for a, b in enumerate(way)) for way in permutations(range(len(given)))
        ]
        return sorted(sums)[-1 if greatest else 0]

    body = draw.source(
        *_TASKS_FOR_PEOPLE_BODIES,
        **names,
    )
    return Drawn(
        call=call,
        parameters=(Parameter(table, SQUARE),),
        returns="int",
        say=draw.say(
            "Return the $which total when every person does exactly one task and every task is done. Entry j of row i "
            "of the square table `$table` is what person i needs for task j, and it enters the total replaced by "
            "$words.",
            "Give each of the people a different task. For person i and task j the number is `$table`[i][j], and it "
            "counts as $words. Return the $which sum of these over all ways to hand out the tasks.",
            "Choose one number from each row of the square table `$table`, no two in the same column, replace each by "
            "$words, and add up. Return the $which sum that can come out.",
            **names,
        ),
        body=body,
        prelude=imports(body, "from functools import cache"),
        oracle=oracle,
        idea=draw.say(
            "All that matters for the people who have not chosen is which tasks are taken; every free task "
            "is tried for the next of them."
        ),
        difficulty=4,
    )


_MERGED_PILES_BODIES = (
    """
    n = len($piles)
    best = [[0] * (n + 1) for _ in range(n + 1)]
    for size in range(2, n + 1):
        for start in range(n - size + 1):
            end = start + size
            totals = []
            for middle in range(start + 1, end):
                left, right = sum($piles[start:middle]), sum($piles[middle:end])
                totals.append(best[start][middle] + best[middle][end] + $cost)
            best[start][end] = $pick(totals)
    return best[0][n]
    """,
    """
    @cache
    def best(start, end):
        totals = []
        for middle in range(start + 1, end):
            left, right = sum($piles[start:middle]), sum($piles[middle:end])
            totals.append(best(start, middle) + best(middle, end) + $cost)
        return $pick(totals, default=0)

    return best(0, len($piles))
    """,
    """
    sums = [0]
    for pile in $piles:
        sums.append(sums[-1] + pile)
    best = {}
    for end in range(len(sums)):
        for start in range(end, -1, -1):
            totals = []
            for middle in range(start + 1, end):
                left, right = sums[middle] - sums[start], sums[end] - sums[middle]
                totals.append(best[start, middle] + best[middle, end] + $cost)
            best[start, end] = $pick(totals) if totals else 0
    return best[0, len($piles)]
    """,
)


@family("dynamic-programming", 4)
def merged_piles(draw: Draw) -> Drawn:
    """The best cost of merging neighbouring piles into one, a merge costing what a rule says."""
    k, greatest = draw.integer(1, 9), draw.chance(0.35)
    words, source, meaning = one_of(
        draw,
        (f"the sum of the two piles plus {k}", f"left + right + {k}", lambda a, b: sum((a, b, k))),
        (
            multiple(k, "the greater of the two piles"),
            f"{k} * max(left, right)",
            lambda a, b: sum([sorted((a, b))[1]] * k),
        ),
        ("the product of the two piles", "left * right", lambda a, b: b * a),
        (
            f"the difference of the two piles plus {k}",
            f"abs(left - right) + {k}",
            lambda a, b: max(a, b) - min(a, b) + k,
        ),
        (
            f"the sum of the two piles modulo {k + 3}",
            f"(left + right) % {k + 3}",
            lambda a, b: (a + b) - (a + b) // (k + 3) * (k + 3),
        ),
    )
    call = draw.name("merge_piles", "joining_cost", "combine_piles", "stack_up")
    piles = draw.name("piles", "heaps", "stones")
    names = {
        "piles": piles,
        "words": words,
        "cost": source,
        "pick": "max" if greatest else "min",
        "which": "greatest" if greatest else "least",
    }

    def oracle(given: list[int]) -> int:
        def rest(row: tuple[int, ...]) -> int:
            found: list[int] = []
            for i in range(len(row) - 1):
                found.append(meaning(row[i], row[i + 1]) + rest((*row[:i], row[i] + row[i + 1], *row[i + 2 :])))
            return (max(found) if greatest else min(found)) if found else 0

        return rest(tuple(given))

    body = draw.source(
        *_MERGED_PILES_BODIES,
        **names,
    )
    return Drawn(
        call=call,
        parameters=(Parameter(piles, STICKS),),
        returns="int",
        say=draw.say(
            "Return the $which total cost of merging all piles in `$piles` into one. Only two neighbouring piles can "
            "be merged at a time, which costs $words; the new pile has the size of both together. With fewer than two "
            "piles the cost is 0.",
            "Merge the piles `$piles`, which stand in a row, two neighbours at a time until one is left (if there are "
            "any). Each merge makes a pile as great as the two were together and costs $words. Return the $which "
            "possible sum of the costs, 0 if nothing needs to be merged.",
            "Join neighbouring piles of the row `$piles` until no two are left. Joining costs $words, where a joined "
            "pile is as great as its two parts together. Return the $which cost of all joins in one order or another "
            "(0 without any join).",
            **names,
        ),
        body=body,
        prelude=imports(body, "from functools import cache"),
        oracle=oracle,
        idea=draw.say(
            "The last merge joins two stretches of the row; for each place where they meet, the best cost "
            "of both stretches is known from shorter ones."
        ),
        contracts=("result >= 0",),
        difficulty=4,
    )
