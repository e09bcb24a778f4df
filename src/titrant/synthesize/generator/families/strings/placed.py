"""Characters that move or are read as steps: rotations, sorting within places, walks, blocks."""

from __future__ import annotations

from titrant.synthesize.generator.draw import Draw
from titrant.synthesize.generator.families.text_pieces import MIXED, PLAIN, SHIFT, SMALL, character_test, letter_test
from titrant.synthesize.generator.family import Drawn, Parameter, family


@family("strings", 2, 3)
def rotate_some_characters(draw: Draw) -> Drawn:
    """Only the characters that pass a test move round; the others keep their places."""
    test, right = character_test(draw), draw.chance()
    text, steps = draw.name("text", "line", "s"), draw.name("steps", "shift", "n")
    c, kept, out = draw.name("c", "char"), draw.name("kept", "moving", "chosen"), draw.name("out", "made", "result")
    body = draw.source(
        f"""
        {kept} = [{c} for {c} in {text} if {test.of(c)}]
        if not {kept}:
            return {text}
        cut = {"-" if right else ""}{steps} % len({kept})
        {kept} = {kept}[cut:] + {kept}[:cut]
        {out} = []
        following = iter({kept})
        for {c} in {text}:
            {out}.append(next(following) if {test.of(c)} else {c})
        return "".join({out})
        """,
        f"""
        places = [i for i, {c} in enumerate({text}) if {test.of(c)}]
        {out} = list({text})
        for rank, place in enumerate(places):
            {out}[place] = {text}[places[(rank {"-" if right else "+"} {steps}) % len(places)]]
        return "".join({out})
        """,
        f"""
        {kept} = deque({c} for {c} in {text} if {test.of(c)})
        {kept}.rotate({"" if right else "-"}{steps})
        return "".join({kept}.popleft() if {test.of(c)} else {c} for {c} in {text})
        """,
    )

    def slow(s: str, n: int) -> str:
        marks = [at for at, c in enumerate(s) if test.call(c)]
        new = dict(enumerate(s))
        for rank, at in enumerate(marks):
            new[marks[(rank + n) % len(marks) if right else (rank + len(marks) * 100 - n) % len(marks)]] = s[at]
        return "".join(new[at] for at in range(len(s)))

    way, back = ("right", "left") if right else ("left", "right")
    return Drawn(
        call=draw.choice(("rotate_some", "turn_chosen", "partial_rotation", "rotate_within")),
        parameters=(Parameter(text, MIXED), Parameter(steps, SHIFT)),
        returns="str",
        say=draw.say(
            f"Return the text in which the characters of `{text}` that are {test.words} have moved `{steps}` places to "
            f"the {way} among the places that they occupy, going round at the end; all others stay where they are. A "
            f"negative `{steps}` moves them to the {back}.",
            f"Rotate the characters that are {test.words} within `{text}` by `{steps}` to the {way} (to the {back} "
            f"if `{steps}` is negative): each takes the place of one of them, and no other character moves. Return "
            "the new text.",
            f"Return `{text}` after moving each of its characters that are {test.words} to the place of the one "
            f"`{steps}` places further to the {way} among them, cyclically. Negative `{steps}` go to the {back}; "
            "other characters keep their place.",
        ),
        body=body,
        oracle=slow,
        prelude="from collections import deque" if "deque" in body else "",
        idea=("Only the characters that move change their places, going round among themselves; all others stay."),
        contracts=(f"len(result) == len({text})", f"sorted(result) == sorted({text})"),
        difficulty=3 if "places" in body else 2,
    )


@family("strings", 2)
def sort_some_letters(draw: Draw) -> Drawn:
    """The letters that pass a test are sorted or reversed among their places."""
    test, way = letter_test(draw), draw.integer(0, 2)
    text, c, kept = (
        draw.name("text", "word", "s"),
        draw.name("c", "letter", "ch"),
        draw.name("kept", "chosen", "movable"),
    )
    made = (f"sorted({kept}, reverse=True)", f"sorted({kept})", kept)[way]
    words = ("in alphabetical order", "in reverse alphabetical order", "in reverse order")[way]
    body = draw.source(
        f"""
        {kept} = [{c} for {c} in {text} if {test.of(c)}]
        {kept} = {made}
        return "".join({kept}.pop() if {test.of(c)} else {c} for {c} in {text})
        """
        if way < 2
        else f"""
        {kept} = [{c} for {c} in {text} if {test.of(c)}]
        return "".join({kept}.pop() if {test.of(c)} else {c} for {c} in {text})
        """,
        f"""
        out = list({text})
        places = [i for i, {c} in enumerate({text}) if {test.of(c)}]
        for place, new in zip(places, $direct):
            out[place] = new
        return "".join(out)
        """,
        direct=(
            "sorted($text[i] for i in places)",
            "sorted(($text[i] for i in places), reverse=True)",
            "[$text[i] for i in reversed(places)]",
        )[way].replace("$text", text),
    )

    def slow(s: str) -> str:
        new = list(s)
        places = [at for at in range(len(s)) if test.call(s[at])]
        for one in range(len(places)):
            for two in range(one + 1, len(places)):
                a, b = places[one], places[two]
                if (
                    (way == 0 and new[a] > new[b])
                    or (way == 1 and new[a] < new[b])
                    or (way == 2 and one + two == len(places) - 1)
                ):
                    new[a], new[b] = new[b], new[a]
        return "".join(new)

    return Drawn(
        call=draw.choice(("order_some", "arrange_letters", "settle_letters", "reorder_chosen")),
        parameters=(Parameter(text, PLAIN),),
        returns="str",
        say=draw.say(
            f"Return `{text}` with those of its letters that are {test.words} put {words}, within the places that "
            "they occupy. No other letter moves.",
            f"Rearrange `{text}`: the letters that are {test.words} appear {words}, and each other letter stays at "
            "its index. Return the new text.",
            f"Leave the other letters of `{text}` where they are, but write those that are {test.words} {words} into "
            "the places where such letters stand. Return the result.",
        ),
        body=body,
        oracle=slow,
        idea=draw.say(
            f"Collect the letters that are {test.words}, bring them into the new order, and hand them out to their "
            "places.",
            "The places stay the same; only which of the letters stands at which of them changes.",
        ),
        contracts=(f"sorted(result) == sorted({text})",),
        difficulty=2,
    )


@family("strings", 2, 3)
def height_of_a_walk(draw: Draw) -> Drawn:
    """Characters are steps up or down: how high, how often at the start, or when at a height first."""
    test, asked, level = letter_test(draw), draw.integer(0, 3), draw.integer(1, 3)
    up, down = draw.choice(((1, 1), (1, 2), (2, 1), (3, 2)))
    text, c = draw.name("text", "path", "s", "moves"), draw.name("c", "letter", "ch")
    height, best = draw.name("height", "level", "balance"), draw.name("best", "answer", "found")
    line = (
        f"{best} = max({best}, {height})",
        f"{best} = min({best}, {height})",
        f"if {height} == 0:\n    {best} += 1",
        f"if {height} >= {level}:\n    {best} += 1",
    )[asked]
    body = draw.source(
        f"""
        {height} = 0
        {best} = 0
        for {c} in {text}:
            if {test.of(c)}:
                {height} += {up}
            else:
                {height} -= {down}
            $line
        return {best}
        """,
        f"""
        heights = list(accumulate({up} if {test.of(c)} else -{down} for {c} in {text}))
        return $direct
        """,
        line=line,
        direct=("max([0, *heights])", "min([0, *heights])", "heights.count(0)", f"sum(h >= {level} for h in heights)")[
            asked
        ],
    )
    words = (
        "the greatest height that it reaches; the start counts too",
        "the least height that it reaches; the start counts too",
        "how often the height is 0 after a letter",
        f"after how many letters the height is at least {level}",
    )[asked]

    def slow(s: str) -> int:
        ends = [s[:n] for n in range(1, len(s) + 1)]
        heights = [sum(bool(test.call(c)) for c in part) * (up + down) - len(part) * down for part in ends]
        if asked < 2:
            return sorted([0, *heights])[asked - 1 if asked == 0 else 0]
        return len([h for h in heights if (h == 0 if asked == 2 else h >= level)])

    return Drawn(
        call=draw.choice(("walk_height", "climb", "follow_letters", "letter_walk")),
        parameters=(Parameter(text, PLAIN),),
        returns="int",
        say=draw.say(
            f"Return what a walk along the letters of `{text}` shows. It starts at height 0, rises by {up} at each "
            f"of the letters that are {test.words}, and falls by {down} at every other letter. The answer is {words}.",
            f"Start with a height of 0 and read `{text}`: letters that are {test.words} add {up} to the height, the "
            f"others take {down} away. Return {words}.",
            f"Each letter of `{text}` is a step: +{up} for letters that are {test.words}, -{down} for the rest. "
            f"Beginning at height 0, return {words}.",
        ),
        body=body,
        oracle=slow,
        prelude="from itertools import accumulate" if "accumulate" in body else "",
        idea=("The height after each letter follows from the height before it, and the heights give the answer."),
        contracts=(
            (f"0 <= result <= {up} * len({text})",) if asked != 1 else (f"-{down} * len({text}) <= result <= 0",)
        ),
        difficulty=3 if up != down else 2,
    )


@family("strings", 2, 3)
def flip_blocks(draw: Draw) -> Drawn:
    """Cut into blocks of k characters, of which some are reversed or changed."""
    which, tail, join = draw.integer(0, 2), draw.integer(0, 1), draw.choice(("", "", "-", "/", " "))
    text, size = draw.name("text", "s", "line"), draw.name("size", "width", "k")
    i, block, out = (
        draw.name("i", "start", "at"),
        draw.name("block", "part", "piece"),
        draw.name("out", "blocks", "parts"),
    )
    test = (f"{i} // {size} % 2 == 0", f"{i} // {size} % 2 == 1", "True")[which]
    words = ("the first block, the third and so on", "the second block, the fourth and so on", "every block")[which]
    both = [part for part in ((test if which < 2 else ""), (f"len({block}) == {size}" if tail else "")) if part]
    turn = f"{block} = {block}[::-1]"
    body = draw.source(
        f"""
        {out} = []
        for {i} in range(0, len({text}), {size}):
            {block} = {text}[{i} : {i} + {size}]
            $turn
            {out}.append({block})
        return "{join}".join({out})
        """,
        f"""
        {out} = [{text}[{i} : {i} + {size}] for {i} in range(0, len({text}), {size})]
        for {i}, {block} in enumerate({out}):
            $lines
        return "{join}".join({out})
        """,
        turn=f"if {' and '.join(both)}:\n    {turn}" if both else turn,
        lines=(f"if {' and '.join(both)}:\n    " if both else "").replace(f" // {size}", "")
        + f"{out}[{i}] = {block}[::-1]",
    )

    def slow(s: str, k: int) -> str:
        made = []
        for number in range(-(-len(s) // k)):
            part = "".join(c for at, c in enumerate(s) if at // k == number)
            turned = (which == 2 or number % 2 == which) and not (tail and len(part) < k)
            made.append("".join(reversed(part)) if turned else part)
        return join.join(made)

    short = (
        "A last block that is shorter stays as it is"
        if tail
        else "A last block that is shorter is treated like the others"
    )
    glue = (
        f'with "{join}" between them'
        if join.strip()
        else "with a blank between them"
        if join
        else "without anything between them"
    )
    return Drawn(
        call=draw.choice(("flip_blocks", "mirror_blocks", "reverse_parts", "turn_pieces")),
        parameters=(Parameter(text, MIXED), Parameter(size, SMALL)),
        returns="str",
        say=draw.say(
            f"Cut `{text}` into blocks of `{size}` characters, reverse {words}, and return all blocks joined {glue}. "
            f"{short}.",
            f"Return `{text}` after its blocks of `{size}` characters are treated thus: {words} is reversed, the "
            f"order of the blocks stays. {short}. The blocks are joined {glue}.",
            f"Reverse the characters inside {words} of `{text}`, where a block is `{size}` characters long. {short}. "
            f"Join the blocks {glue} and return the result.",
        ),
        body=body,
        oracle=slow,
        idea="The text is cut into its blocks by slices, and the rule says which of them are turned round.",
        contracts=(f"len(result) >= len({text})",),
        difficulty=2 if which == 2 and not tail else 3,
    )
