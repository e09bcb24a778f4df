"""Fields of cells that change together: automata, fire, falling stones."""

from __future__ import annotations

from random import Random
from typing import Any

from titrant.synthesize.generator.domains import Integers, Lists, Made
from titrant.synthesize.generator.draw import Draw, fill
from titrant.synthesize.generator.family import Drawn, Parameter, family

CELLS = Lists(Integers(0, 1), 1, 12)
ROUNDS = Integers(0, 4)


def _grid(random: Random) -> list[list[int]]:
    rows, columns = random.randint(1, 5), random.randint(1, 5)
    return [[random.randint(0, 1) for _ in range(columns)] for _ in range(rows)]


def _forest(random: Random) -> list[str]:
    rows, columns = random.randint(1, 5), random.randint(1, 5)
    return ["".join(random.choice("TTTT*.") for _ in range(columns)) for _ in range(rows)]


def _stones(random: Random) -> list[str]:
    rows, columns = random.randint(1, 5), random.randint(1, 5)
    return ["".join(random.choice("oo..#") for _ in range(columns)) for _ in range(rows)]


GRID = Made("1 to 5 rows and columns of 0 and 1", "list[list[int]]", _grid)
FOREST = Made("1 to 5 rows and columns of T * .", "list[str]", _forest)
STONES = Made("1 to 5 rows and columns of o . #", "list[str]", _stones)


@family("simulation", 3)
def row_of_cells(draw: Draw) -> Drawn:
    """A row of cells; a cell's next state follows from itself and its neighbours by a drawn rule."""
    v: dict[str, Any] = {
        "cells": draw.name("cells", "row", "state"),
        "rounds": draw.name("rounds", "steps", "generations"),
        "new": draw.name("following", "new", "changed"),
    }
    ring = draw.chance()
    born, stays = sorted(draw.sample((0, 1, 2), draw.integer(1, 2))), sorted(draw.sample((0, 1, 2), draw.integer(1, 2)))
    counts = draw.chance(0.3)
    v |= {
        "left": fill("$cells[i - 1]" if ring else "sum($cells[max(i - 1, 0):i])", **v),
        "right": fill("$cells[(i + 1) % len($cells)]" if ring else "sum($cells[i + 1:i + 2])", **v),
        "born": tuple(born) if len(born) > 1 else f"({born[0]},)",
        "stays": tuple(stays) if len(stays) > 1 else f"({stays[0]},)",
        "result": fill("sum($cells)" if counts else "$cells", **v),
    }
    body = draw.source(
        """
        for _ in range($rounds):
            $new = []
            for i, cell in enumerate($cells):
                near = $left + $right
                $new.append(int(near in ($stays if cell else $born)))
            $cells = $new
        return $result
        """,
        """
        alive = {0: $born, 1: $stays}
        $cells = $cells[:]
        for _ in range($rounds):
            sums = [$left + $right for i in range(len($cells))]
            $cells = [int(near in alive[cell]) for near, cell in zip(sums, $cells)]
        return $result
        """,
        **v,
    )

    def oracle(cells: list[int], rounds: int) -> Any:
        size, living = len(cells), {i for i, cell in enumerate(cells) if cell}
        for _ in range(rounds):
            beside = [j % size if ring else j for i in living for j in (i - 1, i + 1)]
            living = {i for i in range(size) if beside.count(i) in (stays if i in living else born)}
        return len(living) if counts else [int(i in living) for i in range(size)]

    v["edge"] = (
        "The row is closed to a ring: the first and the last cell are neighbours."
        if ring
        else "Beyond both ends, everything is dead."
    )
    say = draw.say(
        "The row `$cells` holds living (1) and dead (0) cells. In each of `$rounds` rounds, all at once, a living cell "
        "stays alive if $some of its two neighbours are alive, and a dead one comes to life if $other are. $edge $end",
        "Change the list `$cells` of 0 and 1 `$rounds` times. A 1 stays a 1 if the number of ones among its two "
        "neighbours is $some, a 0 becomes a 1 if that number is $other, and all else becomes 0; every round looks at "
        "the state before it. $edge $end",
        "Cells in a row are dead (0) or alive (1), as `$cells` says. For `$rounds` generations each looks at its left "
        "and right neighbour: with $other of them alive a dead cell is born, with $some a living one survives, and in "
        "all other cases it is dead afterwards. $edge $end",
        **v,
        some=" or ".join(map(str, stays)),
        other=" or ".join(map(str, born)),
        end="Return how many ones there are at the end." if counts else "Return the row at the end.",
    )
    return Drawn(
        call=draw.choice(("evolve", "run_cells", "generations_later", "automaton")),
        parameters=(Parameter(v["cells"], CELLS), Parameter(v["rounds"], ROUNDS)),
        returns="int" if counts else "list[int]",
        say=say,
        body=body,
        oracle=oracle,
        idea=(
            "Make each new row from the old one as a whole, so that no cell sees a neighbour that has changed already."
        ),
        contracts=("result >= 0",) if counts else ("all(each in (0, 1) for each in result)",),
        difficulty=3,
    )


@family("simulation", 4)
def grid_of_cells(draw: Draw) -> Drawn:
    """Cells of a grid live on by how many neighbours live, with drawn numbers."""
    v: dict[str, Any] = {
        "grid": draw.name("grid", "field", "cells"),
        "near": draw.name("near", "count", "alive"),
        "low": draw.integer(1, 2),
    }
    wide, kind = draw.chance(), draw.choice(("grid", "count", "changes"))
    v |= {"high": v["low"] + draw.integer(0, 2), "born": draw.integer(1, 3)}
    shifts = [(a, b) for a in (-1, 0, 1) for b in (-1, 0, 1) if (a, b) != (0, 0) and (wide or a * b == 0)]
    v["shifts"] = (
        ", ".join(map(str, shifts)) if not wide else "(a, b) for a in (-1, 0, 1) for b in (-1, 0, 1) if a or b"
    )
    v["result"] = fill(
        {
            "grid": "new",
            "count": "sum(map(sum, new))",
            "changes": "sum(a != b for row, old in zip(new, $grid) for a, b in zip(row, old))",
        }[kind],
        **v,
    )
    body = draw.source(
        """
        shifts = [$shifts]
        rows, columns = len($grid), len($grid[0])
        new = []
        for i in range(rows):
            new.append([])
            for j in range(columns):
                $near = 0
                for di, dj in shifts:
                    if 0 <= i + di < rows and 0 <= j + dj < columns:
                        $near += $grid[i + di][j + dj]
                lives = $low <= $near <= $high if $grid[i][j] else $near == $born
                new[-1].append(1 if lives else 0)
        return $result
        """,
        """
        shifts = [$shifts]
        rows, columns = range(len($grid)), range(len($grid[0]))

        def state(i, j):
            places = [(i + di, j + dj) for di, dj in shifts if i + di in rows and j + dj in columns]
            $near = sum($grid[a][b] for a, b in places)
            if $grid[i][j] == 1:
                return int($low <= $near <= $high)
            return int($near == $born)

        new = [[state(i, j) for j in columns] for i in rows]
        return $result
        """,
        **v,
    )

    def oracle(grid: list[list[int]]) -> Any:
        living = [(i, j) for i, row in enumerate(grid) for j, cell in enumerate(row) if cell]
        new = []
        for i, row in enumerate(grid):
            distances = [[sorted((abs(a - i), abs(b - j))) for a, b in living] for j in range(len(row))]
            counts = [each.count([0, 1]) + (each.count([1, 1]) if wide else 0) for each in distances]
            living_if = (lambda n: n == v["born"], lambda n: n in range(v["low"], v["high"] + 1))
            new.append([int(living_if[cell](n)) for cell, n in zip(row, counts, strict=True)])
        flat = [pair for one, other in zip(grid, new, strict=True) for pair in zip(one, other, strict=True)]
        return {"grid": new, "count": sum(b for _, b in flat), "changes": len([1 for a, b in flat if a - b])}[kind]

    some = f"{v['low']}" if v["low"] == v["high"] else f"{v['low']} to {v['high']}"
    v |= {
        "some": some,
        "touch": "the eight cells around it" if wide else "the four cells above, below, left and right of it",
        "end": {
            "grid": "Return the grid after one round.",
            "count": "Return the number of ones after one round.",
            "changes": "Return how many cells are different after one round.",
        }[kind],
    }
    return Drawn(
        call=draw.choice(("next_grid", "one_round", "live_on", "step_grid")),
        parameters=(Parameter(v["grid"], GRID),),
        returns="list[list[int]]" if kind == "grid" else "int",
        say=draw.say(
            "In `$grid`, rows of the same length hold 1 for a living cell and 0 for a dead one. The neighbours of a "
            "cell are $touch, as far as they lie in the grid. In a round a living cell stays alive if $some of them "
            "are alive, and a dead one comes to life if exactly $born are; all cells change at the same moment. $end",
            "Play one round of a game of cells on `$grid`, a grid of 0 and 1. Count for every cell the ones among "
            "$touch (nothing lies beyond the edge). A 1 remains with $some of them, a 0 becomes 1 with exactly $born, "
            "and everything else is 0 afterwards. $end",
            "Each cell of the grid `$grid` is alive (1) or dead (0) and touches $touch, where there are such cells. "
            "All at once, those alive survive with $some alive beside them, and those dead are born with $born. "
            "$end",
            **v,
        ),
        body=body,
        oracle=oracle,
        idea="Count the living neighbours of each cell in the old grid, and write the outcome into a new one.",
        contracts=("result >= 0",) if kind != "grid" else (fill("len(result) == len($grid)", **v),),
        difficulty=4,
    )


@family("simulation", 3, 4)
def fire_in_a_forest(draw: Draw) -> Drawn:
    """Fire spreads from cell to cell, minute by minute."""
    v: dict[str, Any] = {
        "forest": draw.name("forest", "land", "area"),
        "minutes": draw.name("minutes", "time", "rounds"),
        "burning": draw.name("burning", "front", "fire"),
        "k": draw.integer(2, 9),
    }
    wind, kind = draw.choice(("all", "right", "down")), draw.choice(("left", "burnt", "value"))
    ways = {
        "all": [(0, 1), (1, 0), (0, -1), (-1, 0)],
        "right": [(0, 1), (1, 0), (-1, 0)],
        "down": [(1, 0), (0, 1), (0, -1)],
    }
    v["ways"] = ", ".join(map(str, ways[wind]))
    v["result"] = {"left": "len(trees)", "burnt": "burnt", "value": fill("$k * len(trees) - burnt", **v)}[kind]
    v["begin"] = "" if kind == "left" else "burnt = 0"
    v["count"] = fill("burnt += len($burning)", **v) if kind != "left" else ""
    body = draw.source(
        """
        places = [(i, j) for i, row in enumerate($forest) for j in range(len(row))]
        trees = {(i, j) for i, j in places if $forest[i][j] == "T"}
        $burning = [(i, j) for i, j in places if $forest[i][j] == "*"]
        $begin
        for _ in range($minutes):
            reached = {(i + a, j + b) for i, j in $burning for a, b in ($ways)}
            $burning = sorted(reached & trees)
            trees -= reached
            $count
        return $result
        """,
        """
        trees, $burning = set(), []
        for i, row in enumerate($forest):
            for j, cell in enumerate(row):
                if cell == "T":
                    trees.add((i, j))
                elif cell == "*":
                    $burning.append((i, j))
        $begin
        while $burning and $minutes > 0:
            following = []
            for i, j in $burning:
                for a, b in ($ways):
                    if (i + a, j + b) in trees:
                        trees.remove((i + a, j + b))
                        following.append((i + a, j + b))
            $burning = following
            $minutes -= 1
            $count
        return $result
        """,
        **v,
    )
    body = "\n".join(line for line in body.splitlines() if line.strip())

    def oracle(forest: list[str], minutes: int) -> int:
        rows = [list(row) for row in forest]
        before = sum(row.count("T") for row in rows)
        for _ in range(minutes):
            old = [row[:] for row in rows]
            for i, row in enumerate(old):
                for j, cell in enumerate(row):
                    from_where = [(i - a, j - b) for a, b in ways[wind]]
                    lit = any(a in range(len(old)) and b in range(len(row)) and old[a][b] == "*" for a, b in from_where)
                    rows[i][j] = "*" if cell == "T" and lit else cell
        left = sum(row.count("T") for row in rows)
        return {"left": left, "burnt": before - left, "value": int(v["k"]) * left - (before - left)}[kind]

    v["where"] = {
        "all": "above, below, left and right of it",
        "right": "above, below and right of it (the wind keeps it from the left)",
        "down": "below, left and right of it (it never goes upwards)",
    }[wind]
    v["end"] = {
        "left": "Return how many trees are left.",
        "burnt": "Return how many trees have caught fire.",
        "value": fill("Return $k times the number of trees left minus the number of trees that have caught fire.", **v),
    }[kind]
    return Drawn(
        call=draw.choice(("forest_fire", "spread_fire", "burn", "after_fire")),
        parameters=(Parameter(v["forest"], FOREST), Parameter(v["minutes"], ROUNDS)),
        returns="int",
        say=draw.say(
            'The strings of `$forest` are rows of a map: "T" is a tree, "*" is fire and "." is bare ground. In each of '
            "`$minutes` minutes, every fire sets the trees $where on fire, all at once, and they spread it from the "
            "next minute on. $end",
            'On the map `$forest`, with trees ("T"), fires ("*") and empty places ("."), fire goes on once a minute '
            "from every burning place to the trees $where. Let this happen for `$minutes` minutes. $end",
            'A fire starts at every "*" of `$forest`, whose strings are rows of equal length. During a minute it takes '
            'hold of each "T" that lies $where; a "." never burns. Look at the map after `$minutes` minutes. $end',
            **v,
        ),
        body=body,
        oracle=oracle,
        idea="Keep the set of trees and the places that began to burn last; only these can set others on fire.",
        contracts=("result >= 0",) if kind != "value" else (),
        difficulty=4 if kind == "value" else 3,
    )


@family("simulation", 3)
def stones_that_fall(draw: Draw) -> Drawn:
    """Stones fall in a grid until something holds them."""
    v: dict[str, Any] = {"grid": draw.name("grid", "box", "rows"), "k": draw.integer(2, 9)}
    way, kind = draw.choice(("down", "right")), draw.choice(("grid", "load"))
    v["turn"] = fill('["".join(column) for column in zip(*$grid)]' if way == "down" else "$grid", **v)
    v["back"] = '["".join(row) for row in zip(*fallen)]' if way == "down" else "fallen"
    v["result"] = v["back"] if kind == "grid" else fill('sum(line.endswith("o") for line in fallen) * $k', **v)
    body = draw.source(
        """
        lines = $turn
        fallen = []
        for line in lines:
            parts = line.split("#")
            moved = ["." * part.count(".") + "o" * part.count("o") for part in parts]
            fallen.append("#".join(moved))
        return $result
        """,
        """
        fallen = []
        for line in $turn:
            cells = list(line)
            free = len(cells) - 1
            for place in range(len(cells) - 1, -1, -1):
                if cells[place] == "#":
                    free = place - 1
                elif cells[place] == "o":
                    cells[place], cells[free] = ".", "o"
                    free -= 1
            fallen.append("".join(cells))
        return $result
        """,
        **v,
    )

    def oracle(rows: list[str]) -> Any:
        now = [list(row) for row in rows]
        a, b = (1, 0) if way == "down" else (0, 1)
        moved = True
        while moved:
            moved = False
            for i in range(len(now) - a):
                for j in range(len(now[0]) - b):
                    if now[i][j] == "o" and now[i + a][j + b] == ".":
                        now[i][j], now[i + a][j + b], moved = ".", "o", True
        last = now[-1] if way == "down" else [row[-1] for row in now]
        return ["".join(row) for row in now] if kind == "grid" else last.count("o") * int(v["k"])

    v["to"] = "down" if way == "down" else "to the right"
    v["last"] = "lowest row" if way == "down" else "last column"
    v["end"] = (
        "Return the rows then."
        if kind == "grid"
        else fill("Return $k times the number of stones that lie in the $last then.", **v)
    )
    return Drawn(
        call=draw.choice(("let_fall", "settle_stones", "tilt", "drop_stones")),
        parameters=(Parameter(v["grid"], STONES),),
        returns="list[str]" if kind == "grid" else "int",
        say=draw.say(
            'In the rows of `$grid`, "o" is a stone, "#" a wall and "." nothing. All stones move $to until a wall, '
            "another stone or the edge stops them; walls stay. $end",
            'A box is drawn in `$grid`, a list of strings of equal length, with loose stones ("o"), fixed blocks ("#") '
            'and free places ("."). Let the stones slide $to as far as they can. $end',
            'Each "o" of `$grid` slides $to as long as the next place there is free ("."); a "#" never moves and lets '
            "nothing through. $end",
            **v,
        ),
        body=body,
        oracle=oracle,
        idea="Look at one line of movement at a time; between two walls, all stones end up together at the far side.",
        contracts=(fill("len(result) == len($grid)", **v),) if kind == "grid" else ("result >= 0",),
        difficulty=3,
    )
