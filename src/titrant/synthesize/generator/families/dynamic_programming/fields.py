"""Ways across grids: the best of them, and how many there are."""

from __future__ import annotations

from itertools import combinations
from random import Random

from titrant.synthesize.generator.domains import Made
from titrant.synthesize.generator.draw import Draw
from titrant.synthesize.generator.families.conditions import alone, clause, imports, tidied
from titrant.synthesize.generator.family import Drawn, Parameter, family
from titrant.synthesize.generator.pieces import number_change, number_test


def _grid(random: Random) -> list[list[int]]:
    rows, columns = random.randint(1, 4), random.randint(1, 4)
    return [[random.randint(-9, 20) for _ in range(columns)] for _ in range(rows)]


GRID = Made("grids of -9 to 20 up to 4 by 4", "list[list[int]]", _grid)


_BEST_WAY_ACROSS_BODIES = (
    """
    $best = {}
    for row, line in enumerate($grid):
        for column, $x in enumerate(line):
            before = [
                $best[row - down, column - right]
                for down, right in ((1, 0), (0, 1)$last)
                if (row - down, column - right) in $best
            ]
            $best[row, column] = $change + $pick(before, default=0)
    return $best[len($grid) - 1, len($grid[0]) - 1]
    """,
    """
    @cache
    def best_from(row, column):
        $x = $grid[row][column]
        after = [
            best_from(row + down, column + right)
            for down, right in ((1, 0), (0, 1)$last)
            if row + down < len($grid) and column + right < len($grid[0])
        ]
        return $change + $pick(after, default=0)

    return best_from(0, 0)
    """,
    """
    $best = []
    for row, line in enumerate($grid):
        totals = []
        for column, $x in enumerate(line):
            before = []
            if row > 0:
                before.append($best[column])
            if column > 0:
                before.append(totals[column - 1])
            $corner
            totals.append($change + ($pick(before) if before else 0))
        $best = totals
    return $best[-1]
    """,
)


@family("dynamic-programming", 3)
def best_way_across(draw: Draw) -> Drawn:
    """The best total on a way across a grid with moves to the right and down, values changed."""
    change, greatest, slanted = number_change(draw), draw.chance(), draw.chance(0.35)
    call = draw.name("best_route", "cross_field", "grid_total", "path_value")
    grid, x = draw.name("grid", "field", "board"), draw.name("value", "cell", "number")
    names = {
        "grid": grid,
        "x": x,
        "best": draw.name("best", "table", "reach"),
        "pick": "max" if greatest else "min",
        "which": "greatest" if greatest else "least",
        "words": change.words,
        "change": change.of(x),
        "moves": "one cell to the right, down, or diagonally down to the right"
        if slanted
        else "one cell to the right or down",
        "last": ", (1, 1)" if slanted else "",
    }

    def oracle(given: list[list[int]]) -> int:
        ways: list[tuple[tuple[int, int], ...]] = [((0, 0),)]
        done: list[int] = []
        for way in ways:
            r, c = way[-1]
            if (r, c) == (len(given) - 1, len(given[0]) - 1):
                done.append(sum(change.call(given[a][b]) for a, b in way))
            for cell in ((r + 1, c), (r, c + 1), (r + 1, c + 1))[: 3 if slanted else 2]:
                if cell[0] < len(given) and cell[1] < len(given[0]):
                    ways.append((*way, cell))
        return sorted(done)[-1 if greatest else 0]

    body = draw.source(
        *_BEST_WAY_ACROSS_BODIES,
        corner=f"if row > 0 and column > 0:\n    before.append({names['best']}[column - 1])" if slanted else "",
        **names,
    )
    return Drawn(
        call=call,
        parameters=(Parameter(grid, GRID),),
        returns="int",
        say=draw.say(
            "Return the $which total of a way from the top left to the bottom right cell of `$grid`, moving $moves at "
            "a time. Every cell on the way, both ends included, adds its number replaced by $words.",
            "Cross `$grid` (a list of equally long rows) from its top left to its bottom right cell, each step "
            "leading $moves. The cells that are visited, first and last included, are added up, each number being "
            "replaced by $words. Return the $which sum possible.",
            "Find the $which sum that can be collected from the top left to the bottom right corner of `$grid` if "
            "each step goes $moves. A visited cell contributes $words in the place of its number; the two corners "
            "count too.",
            **names,
        ),
        body=tidied(body),
        prelude=imports(body, "from functools import cache"),
        oracle=oracle,
        idea=draw.say(
            "The best total of a cell is what it adds and the best total among the few cells next to it on the way."
        ),
        difficulty=3,
    )


_WAYS_ACROSS_BODIES = (
    """
    $ways = [0] * len($grid[0])
    $ways[0] = 1
    for line in $grid:
        for column, $value in enumerate(line):
            if $test:
                $ways[column] += $ways[column - 1] if column > 0 else 0
            else:
                $ways[column] = 0
    return $ways[-1]$mod
    """,
    """
    @cache
    def ways_from(row, column):
        if row == len($grid) or column == len($grid[0]):
            return 0
        $value = $grid[row][column]
        if not ($test):
            return 0
        if row == len($grid) - 1 and column == len($grid[0]) - 1:
            return 1
        return ways_from(row + 1, column) + ways_from(row, column + 1)

    return ways_from(0, 0)$mod
    """,
    """
    $ways = {(0, 1): 1}
    for row, line in enumerate($grid, 1):
        for column, $value in enumerate(line, 1):
            if $test:
                $ways[row, column] = $ways.get((row - 1, column), 0) + $ways.get((row, column - 1), 0)
    return $ways.get((len($grid), len($grid[0])), 0)$mod
    """,
)


@family("dynamic-programming", 3)
def ways_across(draw: Draw) -> Drawn:
    """How many ways lead across a grid over cells that pass a test."""
    test = number_test(draw)
    modulus = draw.integer(2, 30) if draw.chance(0.4) else 0
    call = draw.name("count_routes", "free_ways", "routes_across", "allowed_walks")
    grid, value = draw.name("grid", "field", "board"), draw.name("value", "cell", "number")
    names = {
        "grid": grid,
        "value": value,
        "test": test.of(value),
        "cell_test": clause(test, f"{grid}[row][column]"),
        "is_kept": alone(test),
        "mod": f" % {modulus}" if modulus else "",
        "what": f"the number, modulo {modulus}, of ways" if modulus else "the number of ways",
        "ways": draw.name("ways", "counts", "table"),
    }

    def oracle(given: list[list[int]]) -> int:
        rows, columns = len(given), len(given[0])
        found = 0
        for downs in combinations(range(rows + columns - 2), rows - 1):
            r = c = 0
            cells = []
            for step in range(rows + columns - 2):
                r, c = (r + 1, c) if step in downs else (r, c + 1)
                cells.append(given[r][c])
            found += all(map(test.call, [given[0][0], *cells]))
        return found - found // modulus * modulus if modulus else found

    body = draw.source(
        *_WAYS_ACROSS_BODIES,
        **names,
    )
    return Drawn(
        call=call,
        parameters=(Parameter(grid, GRID),),
        returns="int",
        say=draw.say(
            "Return $what from the top left to the bottom right cell of `$grid` that go to the right or down at each "
            "step and visit only cells whose number is $is_kept (both ends included).",
            "Walk across `$grid`, a list of equally long rows, from its first cell to its last, each step one to the "
            "right or one down, and only over cells with a number that is $is_kept, which holds for the two ends as "
            "well. Return $what to do so.",
            "Find $what to get from the upper left to the lower right corner of `$grid` by steps to the right and "
            "steps down if every cell visited, the corners among them, must have a number that is $is_kept.",
            **names,
        ),
        body=body,
        prelude=imports(body, "from functools import cache"),
        oracle=oracle,
        idea=draw.say(
            "The number of ways of a cell is the sum of those of two cells next to it on the way, or 0 if "
            "it is forbidden."
        ),
        contracts=("result >= 0",),
        difficulty=3,
    )
