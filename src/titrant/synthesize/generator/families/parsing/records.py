"""Records in lines: settings in sections, marks at clock times, orders with counts."""

from __future__ import annotations

from random import Random

from titrant.synthesize.generator.domains import Made
from titrant.synthesize.generator.draw import Draw
from titrant.synthesize.generator.family import Drawn, Parameter, family
from titrant.synthesize.generator.pieces import counted


def _sections(random: Random) -> str:
    lines = []
    for _ in range(random.randint(0, 8)):
        setting = f"{random.choice('xyz')}={random.randint(0, 30)}"
        lines.append(random.choice((f"[{random.choice('abc')}]", setting, setting, setting, "", "# note", " ")))
    return "\n".join(lines)


def _moves(random: Random) -> str:
    return "".join(random.choice("NESW") + random.choice(("", "2", "3", "10", "")) for _ in range(random.randint(0, 6)))


def _times(random: Random) -> list[str]:
    return [
        f"{random.randint(0, 23):02}:{random.choice((0, 5, 15, 30, 45, 59)):02}" for _ in range(random.randint(0, 6))
    ]


SECTIONS = Made("sections with settings", "str", _sections)
MOVES = Made("moves with counts", "str", _moves)
TIMES = Made("clock times", "list[str]", _times)


@family("parsing", 3)
def settings_in_sections(draw: Draw) -> Drawn:
    """Lines with heads in brackets and settings; one number is made of the settings of each section."""
    rule, least = draw.integer(0, 3), draw.integer(2, 15)
    home = draw.choice(("top", "main", "none", "start"))
    text, out, section = (
        draw.name("text", "config", "source"),
        draw.name("out", "found", "sums"),
        draw.name("section", "head", "group"),
    )
    line, value, name = draw.name("line", "row"), draw.name("value", "number"), draw.name("name", "key")
    zero = f"{out}.get({section}, 0)"
    put = (
        f"{out}[{section}] = {zero} + int({value})",
        f"{out}[{section}] = max({zero}, int({value}))",
        f"if int({value}) >= {least}:\n    {out}[{section}] = {zero} + 1",
        f'if {name} == "x":\n    {out}[{section}] = int({value})',
    )[rule]
    body = draw.source(
        f"""
        {out}, {section} = {{}}, "{home}"
        for {line} in {text}.splitlines():
            if {line}.startswith("["):
                {section} = {line}[1:-1]
            elif "=" in {line}:
                {name}, {value} = {line}.split("=")
                $put
        return {out}
        """,
        f"""
        {out} = {{}}
        for part in ("[{home}]\\n" + {text}).split("[")[1:]:
            {section}, *lines = part.split("\\n")
            {section} = {section}.rstrip("]")
            for {line} in lines:
                {name}, _, {value} = {line}.partition("=")
                if {value}:
                    $put
        return {out}
        """,
        put=put,
    )
    if rule < 3:
        body = body.replace(f"{name}, {value} = {line}.split", f"_, {value} = {line}.split").replace(
            f"{name}, _, ", "_, _, "
        )

    what = (
        "the sum of its numbers",
        "the greatest of its numbers",
        f"how many of its numbers are at least {least}; sections without any such number are left out",
        'the number that its last setting of "x" gives; sections without such a setting are left out',
    )[rule]
    return Drawn(
        call=draw.choice(("read_sections", "by_section", "section_values", "read_config")),
        parameters=(Parameter(text, SECTIONS),),
        returns="dict[str, int]",
        say=draw.say(
            f"Read the lines of `{text}`. A line such as [a] begins the section of that name, a line such as x=3 is "
            "a setting of the section begun last, and all other lines have no meaning. Settings before any such "
            f'head belong to the section "{home}". Return a dictionary from the names of sections that have settings '
            f"to {what}.",
            f"Return a dictionary made from `{text}`, which has settings (a name, an equals sign and a whole number) "
            "in sections. A section begins with its name in square brackets and may begin more than once; what "
            f'stands before the first belongs to "{home}". Other lines are passed over. For each section with '
            f"settings the dictionary has {what}.",
            f"Go through `{text}` line by line: [name] changes the present section, name=number is a setting in it, "
            f'anything else is ignored; at first the section is "{home}". For each section in which there are '
            f"settings, find {what}. Return these by section.",
        ),
        body=body,
        oracle=lambda s: _by_section(s, rule, least, home),
        idea=(
            "Every setting belongs to the section whose head was read last; add it to what is known of that section."
        ),
        contracts=("all(value >= 0 for value in result.values())",),
        difficulty=3,
    )


def _by_section(s: str, rule: int, least: int, home: str) -> dict[str, int]:
    """What is asked of each section, each line looking for its own head."""
    lines = s.split("\n")
    made: dict[str, list[tuple[str, int]]] = {}
    for n, row in enumerate(lines):
        heads = [each for each in lines[:n] if each[:1] == "["]
        if row[1:2] == "=":
            made.setdefault(heads[-1][1] if heads else home, []).append((row[0], int(row[2:])))
    numbers = {k: [v for _, v in rows] for k, rows in made.items()}
    last = {k: [v for x, v in rows if x == "x"][-1:] for k, rows in made.items()}
    if rule == 3:
        return {k: v[0] for k, v in last.items() if v}
    found = {k: (sum(v), sorted(v)[-1], sum(least <= each for each in v))[rule] for k, v in numbers.items()}
    return {k: v for k, v in found.items() if v or rule < 2}


@family("parsing", 2, 3)
def moves_with_counts(draw: Draw) -> Drawn:
    """`N3EW2` as steps on a plane: where they end, how far away, or how often a place is met."""
    asked, default, limit = draw.integer(0, 3), draw.integer(1, 3), draw.integer(2, 6)
    north, east = draw.choice(((1, 1), (-1, 1), (1, -1), (2, 1), (1, 3)))
    text, x, y = draw.name("text", "route", "moves"), draw.name("x", "column"), draw.name("y", "row")
    way, count, seen = (
        draw.name("way", "c", "letter"),
        draw.name("count", "n", "steps"),
        draw.name("seen", "path", "visited"),
    )
    end = (
        f"({x}, {y})",
        f"abs({x}) + abs({y})",
        f"sum(abs(a) + abs(b) >= {limit} for a, b in {seen})",
        f"max(({y} for _, {y} in {seen}), default=0)",
    )[asked]
    note = f"{seen}.append(({x}, {y}))"
    table = f'{{"N": (0, {north}), "E": ({east}, 0), "S": (0, {-north}), "W": ({-east}, 0)}}'
    start = f"{x} = {y} = 0\n" + (f"{seen} = []" if asked > 1 else "$none")
    body = draw.source(
        f"""
        $start
        for {way}, {count} in re.findall(r"([NESW])(\\d*)", {text}):
            across, up = {table}[{way}]
            {x} += across * int({count} or {default})
            {y} += up * int({count} or {default})
            $note
        return {end}
        """,
        f"""
        $start
        i = 0
        while i < len({text}):
            {way}, i = {text}[i], i + 1
            {count} = ""
            while i < len({text}) and {text}[i].isdigit():
                {count}, i = {count} + {text}[i], i + 1
            {count} = int({count}) if {count} else {default}
            if {way} in "NS":
                {y} += {north} * {count} if {way} == "N" else {-north} * {count}
            else:
                {x} += {east} * {count} if {way} == "E" else {-east} * {count}
            $note
        return {end}
        """,
        start=start,
        note=note if asked > 1 else "$none",
    )
    body = "\n".join(row for row in body.splitlines() if "$none" not in row)

    what = (
        "the place (x, y) where the route ends",
        "the sum of the absolute values of x and y at the end",
        f"after how many of the moves the absolute values of x and y add up to {limit} or more",
        "the greatest y that is reached at the end of a move (0 if there is no move)",
    )[asked]
    steps = f'a step "N" changes y by {north}, "S" y by {-north}, "E" x by {east}, and "W" x by {-east}'
    return Drawn(
        call=draw.choice(("follow_route", "walk_route", "read_moves", "run_moves")),
        parameters=(Parameter(text, MOVES),),
        returns="tuple[int, int]" if asked == 0 else "int",
        say=draw.say(
            f"Follow the moves in `{text}`, beginning at x = 0 and y = 0. A move is a letter and the number of its "
            f"steps, or the letter alone for {counted(default, 'step')}; {steps}. Return {what}.",
            f"Return {what}, for a route that starts at (0, 0) and is written in `{text}` as letters with or without "
            f"a number behind them. The number says how many steps are made, {default} if it is missing; {steps}.",
            f"Read `{text}` as moves without gaps, each a letter that a number of steps may follow (without it, "
            f"{default} are meant). Here {steps}. Start with x and y at 0 and return {what}.",
        ),
        body=body,
        oracle=lambda s: _route(s, (default, limit, north, east), asked),
        prelude="import re" if "re.findall" in body else "",
        idea="Cut the text into letters with their numbers, and change the place by direction times number for each.",
        difficulty=3 if asked > 1 else 2,
    )


def _route(s: str, sizes_of: tuple[int, int, int, int], asked: int) -> tuple[int, int] | int:
    """What is asked of a route, from the steps of each kind that come before each place."""
    default, limit, north, east = sizes_of
    cuts = [n for n, ch in enumerate(s) if ch.isalpha()] + [len(s)]
    parts = [s[cuts[n] : cuts[n + 1]] for n in range(len(cuts) - 1)]
    sizes = [(part[0], int(part[1:] or str(default))) for part in parts]

    def total(letter: str, until: int) -> int:
        return sum(size for each, size in sizes[:until] if each == letter)

    places = [
        ((total("E", n) - total("W", n)) * east, (total("N", n) - total("S", n)) * north) for n in range(len(sizes) + 1)
    ]
    far = [sum(max(v, -v) for v in place) for place in places]
    return (
        places[-1],
        far[-1],
        len([f for f in far[1:] if f >= limit]),
        sorted(p[1] for p in places[1:] or [(0, 0)])[-1],
    )[asked]


@family("parsing", 2, 3)
def minutes_between_times(draw: Draw) -> Drawn:
    """Clock times in a list: waits between them, over midnight if need be, and what is asked of them."""
    asked, limit, midnight = draw.integer(0, 3), draw.choice((30, 60, 90, 120, 240, 300)), draw.chance(0.6)
    times, gaps = draw.name("times", "clock", "entries"), draw.name("gaps", "waits", "spans")
    minutes, t, gap = draw.name("minutes", "marks"), draw.name("t", "time"), draw.name("gap", "wait")
    one = "(b - a) % 1440" if midnight else "abs(b - a)"
    end = (
        f"sum({gaps})",
        f"sum({gap} >= {limit} for {gap} in {gaps})",
        f'[f"{{{gap} // 60:02}}:{{{gap} % 60:02}}" for {gap} in {gaps}]',
        f"max({gaps}, default=0) - min({gaps}, default=0)",
    )[asked]
    body = draw.source(
        f"""
        {minutes} = [int({t}[:2]) * 60 + int({t}[3:]) for {t} in {times}]
        {gaps} = [{one} for a, b in zip({minutes}, {minutes}[1:])]
        return {end}
        """,
        f"""
        {gaps} = []
        for i in range(1, len({times})):
            a, b = in_minutes({times}[i - 1]), in_minutes({times}[i])
            {gaps}.append({one})
        return {end}
        """,
    )

    def slow(given: list[str]) -> int | list[str]:
        waits = []
        for n in range(len(given) - 1):
            (h, m), (k, o) = ([int(p) for p in each.split(":")] for each in given[n : n + 2])
            hours, rest = k - h, o - m
            wait = 60 * hours + rest
            if wait < 0:
                wait = wait + 24 * 60 if midnight else -wait
            waits.append(wait)
        texts = [f"{str(w // 60).zfill(2)}:{str(w - w // 60 * 60).zfill(2)}" for w in waits]
        ordered = sorted(waits) or [0]
        return (sum(ordered), len([w for w in waits if not w < limit]), texts, ordered[-1] - ordered[0])[asked]

    later = "a time that is earlier than the one before it belongs to the next day"
    rule = later if midnight else "which of the two is earlier does not matter, since all times are of the same day"
    what = (
        "the sum of all these differences",
        f"how many of these differences are {limit} minutes or more",
        'the list of these differences, each in hours and minutes as in "07:05"',
        "by how many minutes the greatest of these differences exceeds the smallest (0 if there are none)",
    )[asked]
    return Drawn(
        call=draw.choice(("time_gaps", "between_times", "clock_differences", "waiting_times")),
        parameters=(Parameter(times, TIMES),),
        returns="list[str]" if asked == 2 else "int",
        say=draw.say(
            f"For each two consecutive times in `{times}`, written as hours and minutes of 24-hour clocks such as "
            f"09:30, find the difference in minutes; {rule}. Return {what}.",
            f"Return {what}, where a difference is the number of minutes from one of `{times}` to the one that "
            f"follows it. Times look like 17:05 (hours from 00 to 23); {rule}.",
            f"Read `{times}` as clock times of the form hh:mm and compare each with the one after it: find how many "
            f"minutes lie between them, where {rule}. Return {what}.",
        ),
        body=body,
        oracle=slow,
        prelude='def in_minutes(time):\n    hours, minutes = time.split(":")\n    return 60 * int(hours) + int(minutes)'
        if "in_minutes" in body
        else "",
        idea="Turn every time into minutes since midnight; differences are then differences of whole numbers, modulo "
        "a day if it may pass midnight.",
        contracts=("result >= 0",) if asked != 2 else (f"len(result) == max(0, len({times}) - 1)",),
        difficulty=3 if asked == 2 or midnight else 2,
    )
