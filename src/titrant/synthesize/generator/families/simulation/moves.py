"""Things that move: robots, balls, lifts, pieces on a board."""

from __future__ import annotations

from itertools import accumulate
from random import Random

from titrant.synthesize.generator.domains import Integers, Lists, Made, Texts
from titrant.synthesize.generator.draw import Draw
from titrant.synthesize.generator.family import Drawn, Parameter, family

LETTERS = Texts("UDLR", 0, 12)
WINDS = Texts("NSEW", 0, 12)
TURNS = Texts("FFFLRB", 0, 12)
ROLLS = Lists(Integers(1, 6), 0, 9)


def _jumps(random: Random) -> dict[int, int]:
    places = random.sample(range(1, 20), 8)
    return dict(zip(places[:4], places[4:], strict=True)) if random.random() < 0.9 else {}


JUMPS = Made("0 or 4 jumps between different places from 1 to 19", "dict[int, int]", _jumps)


@family("simulation", 2, 3)
def robot_on_a_plane(draw: Draw) -> Drawn:
    """Four letters move a robot; a fence, a torus, or nothing around it."""
    up, down, left, right = draw.choice((("U", "D", "L", "R"), ("N", "S", "W", "E")))
    path, step = draw.name("path", "moves", "commands", "route"), draw.name("step", "letter", "move", "c")
    x, y, dx, dy = (draw.name(*names) for names in (("x", "column"), ("y", "row"), ("dx", "across"), ("dy", "along")))
    size = draw.integer(1, 4)
    rule, rule_words = draw.choice(
        (
            ("free", ""),
            ("fence", f" A move after which x or y would be below -{size} or above {size} is not made."),
            ("wrap", f" Beyond {size} a coordinate goes on at -{size}, and below -{size} at {size}."),
        )
    )
    before, after, end, returns, result_words = draw.choice(
        (
            ("", "", f"return ({x}, {y})", "tuple[int, int]", "the position (x, y) at the end"),
            ("", "", f"return abs({x}) + abs({y})", "int", "|x| + |y| at the end"),
            ("seen = {(0, 0)}\n", f"seen.add(({x}, {y}))", "return len(seen)", "int", "how many positions it was at"),
            ("far = 0\n", f"far = max(far, {x}, {y})", "return far", "int", "the largest value of x or y on the way"),
        )
    )
    go = {
        "free": f"{x} += {dx}\n{y} += {dy}",
        "fence": f"if abs({x} + {dx}) <= {size} and abs({y} + {dy}) <= {size}:\n    {x} += {dx}\n    {y} += {dy}",
        "wrap": f"{x} = ({x} + {dx} + {size}) % {2 * size + 1} - {size}\n"
        f"{y} = ({y} + {dy} + {size}) % {2 * size + 1} - {size}",
    }[rule]
    body = draw.source(
        """
        ways = {"$up": (0, 1), "$down": (0, -1), "$left": (-1, 0), "$right": (1, 0)}
        $before$x, $y = 0, 0
        for $step in $path:
            $dx, $dy = ways[$step]
            $go
        $end
        """,
        """
        $before$x = $y = 0
        for $step in $path:
            $dx = ($step == "$right") - ($step == "$left")
            $dy = ($step == "$up") - ($step == "$down")
            $go
        $end
        """,
        up=up,
        down=down,
        left=left,
        right=right,
        x=x,
        y=y,
        dx=dx,
        dy=dy,
        step=step,
        path=path,
        before=before,
        go=f"{go}\n{after}".rstrip(),
        end=end,
    )

    def oracle(given: str) -> object:
        def turn(at: int) -> int:
            if rule == "fence":
                return min(max(at, -size), size)
            return {size + 1: -size, -size - 1: size}.get(at, at) if rule == "wrap" else at

        def along(plus: str, minus: str) -> list[int]:
            changes = [{plus: 1, minus: -1}.get(letter, 0) for letter in given]
            return list(accumulate(changes, lambda at, change: turn(at + change), initial=0))

        xs, ys = along(right, left), along(up, down)
        if returns != "int":
            return (xs[-1], ys[-1])
        if end == "return len(seen)":
            return len(set(zip(xs, ys, strict=True)))
        return max(xs + ys) if end == "return far" else sum(max(at, -at) for at in (xs[-1], ys[-1]))

    say = draw.say(
        'A robot starts at x = 0, y = 0. Each letter of `$path` moves it by one: "$up" adds 1 to y, "$down" takes 1 '
        'from y, "$right" adds 1 to x and "$left" takes 1 from x.$rule Return $result.',
        'Follow the letters of `$path` from the point (0, 0): "$right" and "$left" raise and lower x by 1, "$up" and '
        '"$down" raise and lower y by 1.$rule Return $result.',
        'The string `$path` steers a cart that stands at (0, 0) at first, one unit a letter: "$up" is up, "$down" is '
        'down, "$left" is left and "$right" is right, where up and right are positive.$rule Find $result.',
        path=path,
        up=up,
        down=down,
        left=left,
        right=right,
        rule=rule_words,
        result=result_words,
    )
    return Drawn(
        call=draw.choice(("walk", "drive_robot", "follow_path", "steer")),
        parameters=(Parameter(path, LETTERS if up == "U" else WINDS),),
        returns=returns,
        say=say,
        body=body,
        oracle=oracle,
        idea=draw.say(
            "Every letter stands for a step in one direction; take the steps in order and note what is asked for."
        ),
        contracts=("result >= 0",) if returns == "int" else ("len(result) == 2",),
        difficulty=2 if rule == "free" else 3,
    )


@family("simulation", 3)
def turtle_with_heading(draw: Draw) -> Drawn:
    """Forward, turns and a third letter that the draw decides."""
    path, step = draw.name("program", "commands", "moves"), draw.name("letter", "step", "command")
    length = draw.integer(1, 3)
    third, third_source, third_words = draw.choice(
        (
            ("back", f"x -= {length} * dx\ny -= {length} * dy", f"moves it back by {length} without turning"),
            ("about", "dx, dy = -dx, -dy", "turns it around"),
            ("home", "x, y = 0, 0", "takes it to (0, 0), its direction unchanged"),
        )
    )
    result, returns, words = draw.choice(
        (
            ("(x, y)", "tuple[int, int]", "Return where it is at the end as (x, y)."),
            ("abs(x) + abs(y)", "int", "Return the sum of the absolute values of x and y at the end."),
            ("(x, y, dx, dy)", "tuple[int, int, int, int]", "Return (x, y, dx, dy), where (dx, dy) is its direction."),
        )
    )
    body = draw.source(
        """
        x, y, dx, dy = 0, 0, 0, 1
        for $step in $path:
            if $step == "F":
                x += $length * dx
                y += $length * dy
            elif $step == "L":
                dx, dy = -dy, dx
            elif $step == "R":
                dx, dy = dy, -dx
            else:
                $third
        return $result
        """,
        """
        x = y = 0
        dx, dy = 0, 1
        for $step in $path:
            match $step:
                case "F":
                    x, y = x + $length * dx, y + $length * dy
                case "L":
                    dx, dy = -dy, dx
                case "R":
                    dx, dy = dy, -dx
                case _:
                    $third
        return $result
        """,
        path=path,
        step=step,
        length=length,
        third=third_source,
        result=result,
    )

    def oracle(given: str) -> object:
        at, way = complex(0), complex(0, 1)
        for letter in given:
            if letter == "B":
                at, way = {"back": (at - way * length, way), "about": (at, way * -1), "home": (complex(0), way)}[third]
            else:
                at, way = at + way * length * (letter == "F"), way * {"L": 1j, "R": -1j}.get(letter, 1)
        place, ways = (int(at.real), int(at.imag)), (int(way.real), int(way.imag))
        return place if "dx" not in result and returns != "int" else place + ways if returns != "int" else _taxi(place)

    return Drawn(
        call=draw.choice(("run_turtle", "trace_turtle", "drive", "turtle_end")),
        parameters=(Parameter(path, TURNS),),
        returns=returns,
        say=draw.say(
            'A turtle at (0, 0) looks along the positive y axis. In `$path`, "F" moves it forward by $length, "L" and '
            '"R" turn it left and right by 90 degrees, and "B" $third. $words',
            'Run the letters of `$path` from (0, 0), looking towards (0, 1): "F" goes $length ahead, "L" is a quarter '
            'turn to the left, "R" one to the right, and "B" $third. $words',
            'The string `$path` holds commands for a pen that starts at the origin and points up: "L" and "R" rotate '
            'it by a right angle, "F" advances it by $length, "B" $third. $words',
            path=path,
            length=length,
            third=third_words,
            words=words,
        ),
        body=body,
        oracle=oracle,
        idea="Keep the direction as a pair of numbers; a quarter turn exchanges them and changes one sign.",
        contracts=("result >= 0",) if returns == "int" else (),
        difficulty=3,
    )


def _taxi(place: tuple[int, int]) -> int:
    return sum(max(each, -each) for each in place)


@family("simulation", 2, 3)
def ball_between_walls(draw: Draw) -> Drawn:
    """A ball goes back and forth between two walls; what it did is asked for."""
    width, speed = draw.integer(3, 9), draw.integer(1, 2)
    start, time = draw.name("start", "place", "origin"), draw.name("steps", "ticks", "seconds")
    at, way, hits = draw.name("at", "position", "pos"), draw.name("way", "direction", "velocity"), "hits"
    wants_hits = draw.chance()
    count = f"\n{hits} += 1" if wants_hits else ""
    begin = f"{hits} = 0\n" if wants_hits else ""
    result = hits if wants_hits else at
    ways = draw.choice(("each", "bounce"))
    body = draw.source(
        """
        $begin$at, $way = $start, 1
        for _ in range($speed * $time):
            if not 0 <= $at + $way <= $width:
                $way = -$way$count
            $at += $way
        return $result
        """
        if ways == "each"
        else """
        $begin$at = $start
        $way = 1
        left = $speed * $time
        while left > 0:
            if ($at == $width and $way == 1) or ($at == 0 and $way == -1):
                $way = -$way$count
            $at += $way
            left -= 1
        return $result
        """,
        begin=begin,
        at=at,
        way=way,
        start=start,
        time=time,
        width=width,
        speed=speed,
        count=count,
        result=result,
    )

    def oracle(first: int, ticks: int) -> int:
        moves = speed * ticks
        if wants_hits:
            return max(0, -(-(first + moves) // width) - 1)
        there = (first + moves) % (2 * width)
        return there if there <= width else 2 * width - there

    words = "Return how often it has turned round." if wants_hits else "Return where it is then."
    return Drawn(
        call=draw.choice(("bounce", "ball_after", "between_walls", "pendulum")),
        parameters=(Parameter(start, Integers(0, 3)), Parameter(time, Integers(0, 20))),
        returns="int",
        say=draw.say(
            "A ball rolls on a line between walls at 0 and $width. It starts at `$start` towards $width and makes "
            "$moves of length 1 for each of `$time` ticks; at a wall it turns round before its next move. $words",
            "Something moves by 1 at a time among the places 0 to $width, upwards at first and from `$start` on. When "
            "its next move would leave the range, it turns first. It makes $moves for every unit of `$time`. $words",
            "Simulate `$time` ticks, $moves each, of a ball that starts at `$start`, moves by 1 towards $width, and "
            "goes back the other way whenever a move would take it below 0 or above $width. $words",
            start=start,
            time=time,
            width=width,
            words=words,
            moves="one move" if speed == 1 else f"{speed} moves",
        ),
        body=body,
        oracle=oracle,
        idea="Move one unit at a time and turn the direction round where the next move would leave the range.",
        contracts=("result >= 0",) if wants_hits else (f"0 <= result <= {width}",),
        difficulty=2 if not wants_hits else 3,
    )


@family("simulation", 3, 4)
def board_with_jumps(draw: Draw) -> Drawn:
    """Dice move a piece along a board on which some places send it elsewhere."""
    last = draw.integer(20, 30)
    rolls, jumps = draw.name("rolls", "throws", "dice"), draw.name("jumps", "shortcuts", "links")
    place, roll = draw.name("place", "square", "at"), draw.name("roll", "dots", "throw")
    over, over_words, over_source = draw.choice(
        (
            (
                "stay",
                "a throw that would take it beyond the last place does not move it",
                "{p} += {r} if {p} + {r} <= {n} else 0",
            ),
            ("stop", "a throw that would take it beyond the last place takes it there", "{p} = min({p} + {r}, {n})"),
            (
                "back",
                "what a throw has left at the last place is counted backwards from there",
                "{p} = {n} - abs({n} - {p} - {r})",
            ),
        )
    )
    ends = draw.chance()
    used = draw.chance()
    stop = f"if {place} == {last}:\n    break" if ends else ""
    body = draw.source(
        """
        $place = 0$begin
        for $roll in $rolls:
            $move
            if $place in $jumps:
                $place = $jumps[$place]$count
            $stop
        return $result
        """,
        """
        $place = 0$begin
        for $roll in $rolls:
            $move
            target = $jumps.get($place)
            if target is not None:
                $place = target$count
            $stop
        return $result
        """,
        place=place,
        roll=roll,
        rolls=rolls,
        jumps=jumps,
        stop=stop,
        begin="\nused = 0" if used else "",
        count="\nused += 1" if used else "",
        move=over_source.format(p=place, r=roll, n=last),
        result=f"({place}, used)" if used else place,
    )
    body = "\n".join(line for line in body.splitlines() if line.strip())

    def oracle(thrown: list[int], links: dict[int, int]) -> object:
        def after(at: int, rest: list[int], taken: int) -> tuple[int, int]:
            if not rest or (ends and at == last):
                return at, taken
            there = at + rest[0]
            if there > last:
                there = {"stay": at, "stop": last, "back": last - (there - last)}[over]
            return after(links.get(there, there), rest[1:], taken + (there in links))

        found = after(0, thrown, 0)
        return found if used else found[0]

    return Drawn(
        call=draw.choice(("play", "move_piece", "board_game", "race")),
        parameters=(Parameter(rolls, ROLLS), Parameter(jumps, JUMPS)),
        returns="tuple[int, int]" if used else "int",
        say=draw.say(
            "A piece stands on place 0 of a board whose last place is $last. It moves on by each number of `$rolls` in "
            "turn; $over. If it then stands on a key of `$jumps`, it goes on to that key's value, from where it does "
            "not jump again. $ends$result",
            "Play a board game with the places 0 to $last, starting on 0. For every throw in `$rolls` the piece moves "
            "forward by it ($over), and a place that is a key of `$jumps` sends it to the value, once a throw. "
            "$ends$result",
            "Starting at 0, advance by the numbers in `$rolls`, one after the other, on a track that ends at $last: "
            "$over. After each throw, `$jumps` maps places from which the piece is moved at once to where it is "
            "moved (one jump a throw). $ends$result",
            last=last,
            rolls=rolls,
            jumps=jumps,
            over=over_words,
            ends=f"The game ends when it is on place {last} after a throw. " if ends else "",
            result="Return its place at the end and the number of jumps as a tuple."
            if used
            else "Return the place where it stands at the end.",
        ),
        body=body,
        oracle=oracle,
        idea="Handle one throw after the other: move, mend what goes beyond the end, and follow a jump if any.",
        contracts=(f"0 <= result[0] <= {last}", "result[1] <= len(" + rolls + ")")
        if used
        else (f"0 <= result <= {last}",),
        difficulty=4 if used and ends else 3,
    )
