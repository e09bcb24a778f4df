"""Grids as graphs: steps through mazes, regions, cheap ways over hills."""

from __future__ import annotations

from titrant.synthesize.generator.draw import Draw, fill
from titrant.synthesize.generator.families.conditions import alone, clause, imports, one_of
from titrant.synthesize.generator.families.graphs.drawings import (
    FAR,
    HEIGHTS,
    MAZE,
)
from titrant.synthesize.generator.family import Drawn, Parameter, family
from titrant.synthesize.generator.pieces import Piece, counted

_MOVES = (
    ("to a cell directly above, below, left or right", ((1, 0), (-1, 0), (0, 1), (0, -1))),
    ("to one of the up to eight cells around", tuple((a, b) for a in (-1, 0, 1) for b in (-1, 0, 1) if a or b)),
    ("one cell to the right, up or down", ((0, 1), (1, 0), (-1, 0))),
    ("by one cell to a diagonal neighbour", ((1, 1), (1, -1), (-1, 1), (-1, -1))),
)


def _digit_test(draw: Draw) -> Piece:
    low = draw.integer(3, 6)
    options = (
        Piece("even", "$x % 2 == 0", lambda x: not x & 1),
        Piece("odd", "$x % 2 == 1", lambda x: bool(x & 1)),
        Piece(f"at least {low}", f"$x >= {low}", lambda x: x not in range(low)),
        Piece(f"at most {low}", f"$x <= {low}", lambda x: x in range(low + 1)),
        Piece(
            f"less than {low} or greater than {low + 2}",
            f"$x < {low} or $x > {low + 2}",
            lambda x: x not in range(low, low + 3),
        ),
    )
    return draw.choice(options)


_STEPS_THROUGH_A_MAZE_BODIES = (
    """
    if $grid[0][0] == "#":
        return $none
    $seen = {(0, 0): 0}
    queue = deque([(0, 0)])
    while queue:
        $row, $column = queue.popleft()
        for down, right in $moves:
            cell = ($row + down, $column + right)
            if cell in $seen or not 0 <= cell[0] < len($grid) or not 0 <= cell[1] < len($grid[0]):
                continue
            if $grid[cell[0]][cell[1]] == ".":
                $seen[cell] = $seen[$row, $column] + 1
                queue.append(cell)
    $after
    """,
    """
    free = {($row, $column) for $row, line in enumerate($grid) for $column, sign in enumerate(line) if sign == "."}
    $seen = {}
    border = {(0, 0)} & free
    count = 0
    while border:
        for cell in border:
            $seen[cell] = count
        count += 1
        border = {
            ($row + down, $column + right)
            for $row, $column in border
            for down, right in $moves
        }
        border = (border & free) - $seen.keys()
    $after
    """,
)


@family("graphs", 3, 4)
def steps_through_a_maze(draw: Draw) -> Drawn:
    """The fewest steps through a maze, or the free cells that can be reached."""
    words, moves = draw.choice(_MOVES)
    if draw.chance(0.7):
        far, side = draw.integer(1, 3), draw.integer(0, 2)
        moves = tuple(sorted({(a * x, b * y) for x, y in ((far, side), (side, far)) for a in (1, -1) for b in (1, -1)}))
        words = (
            f"to a cell {counted(far, 'row')} and {counted(side, 'column')} away (whatever lies between), or "
            f"{counted(side, 'row')} and {counted(far, 'column')}"
        )
        if side == 0:
            words = f"to the cell exactly {far} further up, down, left or right (whatever lies between)"
    reach = draw.chance(0.35)
    call = draw.name("maze_steps", "shortest_exit", "explore_maze", "walk_grid")
    grid, row, column = draw.name("maze", "grid"), draw.name("row", "r", "y"), draw.name("column", "c", "x")
    names = {
        "grid": grid,
        "row": row,
        "column": column,
        "moves": repr(list(moves)),
        "words": words,
        "what": "how many free cells can be reached from the top left cell, that cell included (0 if it is a wall)"
        if reach
        else (
            "the fewest steps from the top left to the bottom right cell (-1 if there is no way, or one of the two is "
            "a wall)"
        ),
        "seen": draw.name("steps", "seen", "distance"),
    }

    def oracle(given: list[str]) -> int:
        free = {(r, c) for r, line in enumerate(given) for c, sign in enumerate(line) if sign == "."}
        best = dict.fromkeys(free, FAR)
        best[0, 0] = 0 if (0, 0) in free else FAR
        for _ in free:
            for r, c in free:
                best[r, c] = min([best[r, c], *(best.get((r - a, c - b), FAR) + 1 for a, b in moves)])
        if reach:
            return sum(best[cell] < FAR for cell in free)
        last = best.get((len(given) - 1, len(given[0]) - 1), FAR)
        return last if last < FAR else -1

    names["after"] = "return len($seen)" if reach else "return $seen.get((len($grid) - 1, len($grid[0]) - 1), -1)"
    names["none"] = "0" if reach else "-1"
    names["after"] = fill(names["after"], **names)
    body = draw.source(
        *_STEPS_THROUGH_A_MAZE_BODIES,
        **names,
    )
    return Drawn(
        call=call,
        parameters=(Parameter(grid, MAZE),),
        returns="int",
        say=draw.say(
            "Return $what in the maze `$grid`, a list of equally long strings in which a dot is a free cell and # a "
            "wall. A step leads from a free cell $words, if that cell is free too.",
            "Walk through `$grid`, whose strings are the rows of a maze (# for a wall, a dot for a free cell). Each "
            "step goes $words, never into a wall or out of the maze. Return $what.",
            "Find out $what if one may move $words and only onto free cells. The maze `$grid` is given row by row, "
            "with dots for free cells and # for walls.",
            **names,
        ),
        body=body,
        prelude=imports(body, "from collections import deque"),
        oracle=oracle,
        idea=draw.say(
            "A breadth-first search from the corner notes for every free cell in how many steps it was met first.",
            "Spread out from the top left cell step by step; every free cell gets the number of the round in which it "
            "is reached.",
        ),
        contracts=("result >= -1",) if not reach else ("result >= 0",),
        difficulty=3,
    )


_REGIONS_OF_A_GRID_BODIES = (
    """
    $found, seen = [], set()

    def collect(row, column, region):
        inside = 0 <= row < len($grid) and 0 <= column < len($grid[0])
        if not inside or (row, column) in seen or $fails:
            return
        seen.add((row, column))
        region.append($grid[row][column])
        for down, right in $moves:
            collect(row + down, column + right, region)

    for row in range(len($grid)):
        for column in range(len($grid[0])):
            region = []
            collect(row, column, region)
            if region:
                $found.append(region)
    return $end
    """,
    """
    left = {}
    for row, line in enumerate($grid):
        for column, value in enumerate(line):
            if $value_test:
                left[row, column] = value
    $found = []
    while left:
        cell, value = left.popitem()
        region, stack = [value], [cell]
        while stack:
            row, column = stack.pop()
            for r, c in list(left):
                if $near:
                    region.append(left.pop((r, c)))
                    stack.append((r, c))
        $found.append(region)
    return $end
    """,
)


_REGIONS_OF_A_GRID_WORDINGS = (
    "Return $words of the grid `$grid` (a list of equally long rows of digits). A region is made up of cells whose "
    "number is $is_kept and that are connected by such cells, where two cells are neighbours if they $touch.",
    "Look only at the cells of `$grid` with a number that is $is_kept. Those that are linked through cells of the "
    "same kind, which $touch, form a region. Return $words.",
    "Divide the cells of `$grid` whose number is $is_kept into regions: two such cells belong together if they $touch "
    "or if a chain of them leads from one to the other. Return $words.",
)


@family("graphs", 3)
def regions_of_a_grid(draw: Draw) -> Drawn:
    """The regions of cells that pass a test: their sizes, number, or best sum."""
    test, diagonal = _digit_test(draw), draw.chance(0.35)
    words, source, meaning = one_of(
        draw,
        (
            "the sizes of all regions in ascending order",
            "sorted(len(region) for region in $found)",
            lambda found: sorted(map(len, found)),
        ),
        ("the number of regions", "len($found)", lambda found: sum(1 for _ in found)),
        (
            "the greatest sum of the numbers in one region (0 if there is no region)",
            "max((sum(region) for region in $found), default=0)",
            lambda found: sorted([0, *(sum(each) for each in found)])[-1],
        ),
        (
            "the number of regions with at least two cells",
            "sum(len(region) > 1 for region in $found)",
            lambda found: [len(each) == 1 for each in found].count(False),
        ),
    )
    call = draw.name("grid_regions", "patches", "islands", "survey_fields")
    grid, found = draw.name("grid", "field", "heights"), draw.name("found", "regions", "groups")
    names = {
        "grid": grid,
        "found": found,
        "words": words,
        "end": fill(source, found=found),
        "test": test.of(f"{grid}[row][column]"),
        "fails": f"not ({test.of(f'{grid}[row][column]')})",
        "value_test": clause(test, "value"),
        "is_kept": alone(test),
        "touch": "share a side or a corner" if diagonal else "share a side",
        "near": "max(abs(row - r), abs(column - c)) == 1" if diagonal else "abs(row - r) + abs(column - c) == 1",
        "moves": repr([(a, b) for a in (-1, 0, 1) for b in (-1, 0, 1) if (a or b) and (diagonal or not a or not b)]),
    }

    def oracle(given: list[list[int]]) -> int | list[int]:
        label = {(r, c): (r, c) for r, line in enumerate(given) for c, x in enumerate(line) if test.call(x)}
        changed = True
        while changed:
            changed = False
            for (r, c), own in list(label.items()):
                around = [
                    label.get((r + a, c + b), own) for a in (-1, 0, 1) for b in (-1, 0, 1) if diagonal or not (a and b)
                ]
                if min(around) < own:
                    label[r, c], changed = min(around), True
        regions = [
            [given[r][c] for (r, c), own in label.items() if own == each] for each in sorted(set(label.values()))
        ]
        result: int | list[int] = meaning(regions)
        return result

    return Drawn(
        call=call,
        parameters=(Parameter(grid, HEIGHTS),),
        returns="list[int]" if source.startswith("sorted") else "int",
        say=draw.say(
            *_REGIONS_OF_A_GRID_WORDINGS,
            **names,
        ),
        body=draw.source(
            *_REGIONS_OF_A_GRID_BODIES,
            **names,
        ),
        oracle=oracle,
        idea=draw.say(
            "Start from a cell that belongs to no region yet and collect all fitting cells that hang "
            "together with it; go on until none is left."
        ),
        difficulty=3,
    )


_CHEAP_WAY_OVER_HILLS_BODIES = (
    """
    rows, columns = len($grid), len($grid[0])
    heap, done = [(0, 0, 0)], set()
    while heap:
        so_far, row, column = heappop(heap)
        if (row, column) == (rows - 1, columns - 1):
            return so_far
        if (row, column) in done:
            continue
        done.add((row, column))
        here = $grid[row][column]
        for r, c in ((row + 1, column), (row - 1, column), (row, column + 1), (row, column - 1)):
            if 0 <= r < rows and 0 <= c < columns:
                there = $grid[r][c]
                heappush(heap, ($total, r, c))
    return 0
    """,
    """
    rows, columns = len($grid), len($grid[0])
    $best = {(0, 0): 0}
    heap = [(0, (0, 0))]
    while heap:
        so_far, (row, column) = heappop(heap)
        here = $grid[row][column]
        for down, right in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            cell = (row + down, column + right)
            if not 0 <= cell[0] < rows or not 0 <= cell[1] < columns:
                continue
            there = $grid[cell[0]][cell[1]]
            value = $total
            if cell not in $best or value < $best[cell]:
                $best[cell] = value
                heappush(heap, (value, cell))
    return $best[rows - 1, columns - 1]
    """,
)


@family("graphs", 4)
def cheap_way_over_hills(draw: Draw) -> Drawn:
    """The cheapest way across a grid of heights where a step costs what a rule says."""
    k = draw.integer(1, 4)
    words, source, meaning = one_of(
        draw,
        (
            "the difference of the two heights, whichever is greater",
            "abs(there - here)",
            lambda a, b: max(a, b) - min(a, b),
        ),
        ("the height that is entered", "there", lambda a, b: b),
        (
            f"{k}, and in addition the ascent if it goes up",
            f"{k} + max(0, there - here)",
            lambda a, b: k + (b - a) * (b > a),
        ),
        ("the sum of both heights", "here + there", lambda a, b: sum((a, b))),
        ("the greater of both heights", "max(here, there)", lambda a, b: sorted((a, b))[1]),
    )
    widest = draw.chance(0.3)
    call = draw.name("cheapest_climb", "hill_cost", "cross_grid", "easy_way")
    grid = draw.name("heights", "grid", "hills")
    names = {
        "grid": grid,
        "words": words,
        "cost": source,
        "total": "max(so_far, $cost)" if widest else "so_far + $cost",
        "what": "the smallest number that the most expensive step of a way can have"
        if widest
        else "the least total cost of a way",
        "best": draw.name("best", "costs", "paid"),
    }
    names["total"] = fill(str(names["total"]), cost=source)

    def oracle(given: list[list[int]]) -> int:
        cells = [(r, c) for r in range(len(given)) for c in range(len(given[0]))]
        best = dict.fromkeys(cells, FAR) | {(0, 0): 0}
        changed = True
        while changed:
            changed = False
            for r, c in cells:
                for a, b in ((r + 1, c), (r - 1, c), (r, c + 1), (r, c - 1)):
                    if (a, b) in best:
                        step = meaning(given[a][b], given[r][c])
                        value = max(best[a, b], step) if widest else best[a, b] + step
                        if value < best[r, c]:
                            best[r, c], changed = value, True
        return best[cells[-1]]

    return Drawn(
        call=call,
        parameters=(Parameter(grid, HEIGHTS),),
        returns="int",
        say=draw.say(
            "Return $what from the top left to the bottom right cell of `$grid`, a list of equally long rows of "
            "heights. A step goes to the cell above, below, to the left or to the right and costs $words. With a "
            "single cell the answer is 0.",
            "Find $what across the grid `$grid` from its first cell (top left) to its last (bottom right), and return "
            "it. Steps go to cells that share a side, and a step costs $words. A grid of one cell needs no step and "
            "gives 0.",
            "Return $what that leads from the upper left to the lower right corner of the grid of heights `$grid`, "
            "moving between cells that share a side; moving from one cell to the next costs $words. If there is just "
            "one cell, return 0.",
            **names,
        ),
        body=draw.source(
            *_CHEAP_WAY_OVER_HILLS_BODIES,
            **names,
        ),
        prelude="from heapq import heappop, heappush",
        oracle=oracle,
        idea=draw.say(
            "The cells are settled in the order of what it takes to come there, with a heap that always "
            "gives the cheapest offer; a step can only make an offer dearer."
        ),
        contracts=("result >= 0",),
        difficulty=4,
    )
