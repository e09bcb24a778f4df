"""Nested texts: brackets, repeated groups, depth, indentation, paths."""

from __future__ import annotations

import re
from random import Random

from titrant.synthesize.generator.domains import Made, Texts
from titrant.synthesize.generator.draw import Draw
from titrant.synthesize.generator.families.text_pieces import letter_change
from titrant.synthesize.generator.family import Drawn, Parameter, family


def _groups(random: Random, depth: int = 2) -> str:
    parts = []
    for _ in range(random.randint(0 if depth == 2 else 1, 3)):
        if depth and random.random() < 0.5:
            parts.append(f"{random.randint(0, 3)}[{_groups(random, depth - 1)}]")
        else:
            parts.append(random.choice("abcd"))
    return "".join(parts)


def _deep(random: Random, depth: int = 3) -> str:
    parts = []
    for _ in range(random.randint(0, 3)):
        parts.append(f"({_deep(random, depth - 1)})" if depth and random.random() < 0.5 else random.choice("abcde"))
    return "".join(parts)


GROUPS = Made("letters with repeated groups", "str", _groups)
DEEP = Made("letters in balanced brackets", "str", _deep)
BRACKETS = Texts("()[]<>", 0, 8)
LETTERS_AND_BRACKETS = Texts("ab()[]", 0, 10)


@family("parsing", 3, 4)
def groups_that_repeat(draw: Draw) -> Drawn:
    """`2[ab3[c]]` is written out, every other copy turned or changed; or only its length is wanted."""
    asked, extra = draw.integer(0, 2), draw.integer(0, 3)
    glue = draw.choice(("", "", "-", "."))
    text, out, stack = (
        draw.name("text", "packed", "s"),
        draw.name("out", "current", "made"),
        draw.name("stack", "outer"),
    )
    c, number, inner = draw.name("c", "char", "sign"), draw.name("number", "count"), draw.name("inner", "group")
    copies = (
        f'"{glue}".join([{inner}] * $n)',
        f'"{glue}".join([{inner}, {inner}[::-1]] * $n)',
        f'"{glue}".join([{inner}] * ($n + {extra}))',
    )[asked]
    body = draw.source(
        f"""
        {out}, {number}, {stack} = "", 0, []
        for {c} in {text}:
            if {c}.isdigit():
                {number} = int({c})
            elif {c} == "[":
                {stack}.append(({out}, {number}))
                {out} = ""
            elif {c} == "]":
                {inner} = {out}
                {out}, {number} = {stack}.pop()
                {out} += {copies.replace("$n", number)}
            else:
                {out} += {c}
        return {out}
        """,
        f"""
        {stack} = iter({text})

        def unpack():
            {out} = ""
            for {c} in {stack}:
                if {c} == "]":
                    break
                if {c}.isdigit():
                    next({stack})
                    {inner} = unpack()
                    {out} += {copies.replace("$n", f"int({c})")}
                else:
                    {out} += {c}
            return {out}

        return unpack()
        """,
    )

    more = f"{extra} more than this many copies" if extra else "this many copies"
    what = (
        "this many copies of its content",
        "this many times its content followed by its content read backwards",
        f"{more} of its content",
    )[asked]
    between = f', with "{glue}" between any two that stand side by side' if glue else ""
    between = between.replace("any two", "any two such texts") if asked == 1 else between
    return Drawn(
        call=draw.choice(("unpack_groups", "write_out", "expand_text", "unfold")),
        parameters=(Parameter(text, GROUPS),),
        returns="str",
        say=draw.say(
            f"Write out `{text}`, which consists of letters and groups. A group is a digit and then a content in "
            f"square brackets; it stands for {what}{between}. The content may hold groups itself, which are written "
            "out first. Return the text without digits and brackets.",
            f"Return `{text}` with all its groups expanded, the inner ones before the outer ones. A digit followed "
            f"by a bracketed content means {what}{between}; letters stay as they are.",
            f"Expand the packed text `{text}`. In it, n[content] with a digit n means {what}{between}, where the "
            "content may again be packed and is expanded beforehand. Return the expanded text.",
        ),
        body=body,
        oracle=lambda s: _unpacked(s, asked, extra, glue),
        idea=(
            "A group may hold other groups: its text is complete at its closing bracket, and then the "
            "copies are added to what stood before it."
        ),
        difficulty=4 if "unpack" in body else 3,
    )


def _unpacked(s: str, asked: int, extra: int, glue: str) -> str:
    """The text with its groups written out, by the ends of groups."""
    if not s:
        return ""
    if not s[0].isdigit():
        return s[0] + _unpacked(s[1:], asked, extra, glue)
    end = next(at for at in range(2, len(s)) if s[: at + 1].count("[") == s[: at + 1].count("]"))
    part, times = _unpacked(s[2:end], asked, extra, glue), int(s[0])
    pieces = [part, "".join(reversed(part))] * times if asked == 1 else [part] * (times + (extra if asked == 2 else 0))
    made = "".join(glue * (n > 0) + piece for n, piece in enumerate(pieces))
    return made + _unpacked(s[end + 1 :], asked, extra, glue)


@family("parsing", 2, 3)
def brackets_that_match(draw: Draw) -> Drawn:
    """Brackets of drawn kinds: where the first mistake is, the greatest depth, or how many pairs match."""
    kinds = draw.choice((("()", "[]"), ("()", "<>"), ("[]", "<>"), ("()", "[]", "<>"), ("<>",), ("()",)))
    asked, base = draw.integer(0, 2), draw.integer(0, 1)
    text, stack, c = (
        draw.name("text", "line", "s"),
        draw.name("stack", "open_ones", "waiting"),
        draw.name("c", "sign", "char"),
    )
    i, pairs, count = draw.name("i", "at"), draw.name("pairs", "partner"), draw.name("count", "matched")
    table = "{" + ", ".join(f'"{k[1]}": "{k[0]}"' for k in kinds) + "}"
    good = (
        f"{stack}.pop()",
        f"{stack}.pop()\n{count} = max({count}, len({stack}) + 1)",
        f"{stack}.pop()\n{count} += 1",
    )[asked]
    fail = (f"return {i}{' + 1' * base}", "break", "break")[asked]
    begin = "$none" if asked == 0 else f"{count} = 0"
    end = (f"return {stack}[0]{' + 1' * base} if {stack} else -1", f"return {count}", f"return {count}")[asked]
    body = draw.source(
        f"""
        {pairs} = {table}
        {stack} = []
        {begin.replace("$none", "$begin")}
        for {i}, {c} in enumerate({text}):
            if {c} in {pairs}.values():
                {stack}.append({i})
            elif {c} in {pairs}:
                if not {stack} or {text}[{stack}[-1]] != {pairs}[{c}]:
                    {fail}
                $good
        {end}
        """,
        f"""
        {pairs}, {stack} = {table}, []
        {begin.replace("$none", "$begin")}
        for {i} in range(len({text})):
            {c} = {text}[{i}]
            if {c} not in {pairs}:
                if {c} in "{"".join(k[0] for k in kinds)}":
                    {stack}.append({i})
            elif {stack} and {text}[{stack}[-1]] == {pairs}[{c}]:
                $good
            else:
                {fail}
        {end}
        """,
        good=good,
        begin="$none",
    ).replace("$none\n", "")

    shown = " and ".join(kinds) if len(kinds) < 3 else f"{kinds[0]}, {kinds[1]} and {kinds[2]}"
    stop = "Stop at the first closing bracket whose partner is not the innermost bracket that is still open"
    what = (
        f"Return the place (counted from {base}) of the first closing bracket that does not belong to the innermost "
        "bracket still open at that point; if there is none, the place of the first bracket that is never closed, "
        "and if there is none of these either, -1",
        f"{stop}. Return how deep brackets were nested at most, counting only pairs that were both opened and closed "
        "before (0 if there are none); the depth of a pair is the number of brackets that were open right before it "
        "was closed, its own included",
        f"{stop}. Return how many pairs were closed before",
    )[asked]
    return Drawn(
        call=draw.choice(("check_brackets", "match_brackets", "inspect_brackets", "bracket_report")),
        parameters=(Parameter(text, BRACKETS if len(kinds) == 3 or "<>" in kinds else LETTERS_AND_BRACKETS),),
        returns="int",
        say=draw.say(
            f"Look at the brackets {shown} in `{text}` and ignore every other character. {what}.",
            f"Check from left to right how the brackets {shown} match in `{text}`; other characters have no meaning. "
            f"{what}.",
            f"In `{text}`, only {shown} count as brackets. {what}.",
        ),
        body=body,
        oracle=lambda s: _bracket_report(s, kinds, asked, base),
        idea="Keep the places of brackets that are still open on a stack; a closing bracket must fit the one on top.",
        contracts=(f"-1 <= result <= len({text})",),
        difficulty=3 if len(kinds) > 1 else 2,
    )


def _bracket_report(s: str, kinds: tuple[str, ...], asked: int, base: int) -> int:
    """What is asked of brackets, by taking away pairs without anything between them."""

    def reduced(part: str) -> str:
        part = "".join(ch if ch in "".join(kinds) else " " for ch in part)
        while found := re.search("|".join(rf"\{k[0]} *\{k[1]}" for k in kinds), part):
            part = part[: found.start()] + " " * len(found[0]) + part[found.end() :]
        return part

    closers = [k[1] for k in kinds]
    wrong = next((n for n in range(len(s)) if any(ch in reduced(s[: n + 1]) for ch in closers)), None)
    right = s if wrong is None else s[:wrong]
    if asked == 0:
        left = [n for n, ch in enumerate(reduced(s)) if ch != " "]
        return wrong + base if wrong is not None else left[0] + base if left else -1
    openers = [k[0] for k in kinds]
    if asked == 2:
        return sum(ch in closers for ch in right)
    heights = [
        sum((ch in openers) - (ch in closers) for ch in right[: n + 1]) + 1
        for n, each in enumerate(right)
        if each in closers
    ]
    return max(heights, default=0)


@family("parsing", 2, 3)
def letters_by_depth(draw: Draw) -> Drawn:
    """Letters in nested brackets: those at certain depths are kept, changed, or weighed."""
    edge, side, asked, change = draw.integer(1, 2), draw.integer(0, 3), draw.integer(0, 2), letter_change(draw)
    text, depth, c = draw.name("text", "nested", "s"), draw.name("depth", "level"), draw.name("c", "letter", "sign")
    out = draw.name("out", "result", "made")
    test = (f"{depth} >= {edge}", f"{depth} == {edge}", f"{depth} % 2 == {edge % 2}", f"{depth} < {edge}")[side]
    add = (
        f"{out} += {change.of(c)} if {test} else {c}",
        f"{out} += {c} * {depth}",
        f"if {test}:\n    {out} += {change.of(c)}",
    )[asked]
    body = draw.source(
        f"""
        {out}, {depth} = "", 0
        for {c} in {text}:
            if {c} == "(":
                {depth} += 1
            elif {c} == ")":
                {depth} -= 1
            else:
                $add
        return {out}
        """,
        f"""
        {out} = ""
        for i, {c} in enumerate({text}):
            if {c} in "()":
                continue
            {depth} = {text}[:i].count("(") - {text}[:i].count(")")
            $add
        return {out}
        """,
        f"""
        steps = {{"(": 1, ")": -1}}
        {out}, {depth} = "", 0
        for {c} in {text}:
            {depth} += steps.get({c}, 0)
            if {c} not in steps:
                $add
        return {out}
        """,
        add=add,
    )

    def slow(s: str) -> str:
        marked = _depths(s)
        fits = [(d >= edge, d == edge, d % 2 == edge % 2, d < edge)[side] for _, d in marked]
        if asked == 1:
            return "".join(ch for ch, d in marked for _ in range(d))
        return "".join(change.call(ch) if fit else ch * (asked == 0) for (ch, _), fit in zip(marked, fits, strict=True))

    deep = (
        f"at depth {edge} or deeper",
        f"at depth {edge} exactly",
        f"at {'odd' if edge % 2 else 'even'} depth",
        f"at a depth below {edge}",
    )[side]
    act = (
        f"Each letter {deep} is replaced by {change.words}, and the other letters stay",
        "Each letter is written as often as its depth says, so that letters outside all brackets are lost",
        f"Each letter {deep} is replaced by {change.words}, and the other letters are dropped",
    )[asked]
    return Drawn(
        call=draw.choice(("by_depth", "treat_depth", "depth_letters", "read_nested")),
        parameters=(Parameter(text, DEEP),),
        returns="str",
        say=draw.say(
            f"Let the depth of a letter in `{text}` be the number of round brackets around it. {act}. Return the "
            "letters that come out, in their order and without brackets.",
            f"Return a text made from `{text}`, whose brackets are balanced. {act}. Depth means in how many pairs of "
            "brackets a letter stands; the brackets themselves are left out.",
            f"Read `{text}` and keep track of how many brackets are open, which is the depth. {act}. Brackets are "
            "not written. Return what is written.",
        ),
        body=body,
        oracle=slow,
        idea=("The depth of a letter is the number of brackets opened before it less the number of those closed."),
        difficulty=2 if asked == 1 else 3,
    )


def _depths(s: str) -> list[tuple[str, int]]:
    """Letters with their depths, by taking away innermost brackets."""
    marked = [(ch, 0) for ch in s]
    while any(ch == "(" for ch, _ in marked):
        low = max(n for n, (ch, _) in enumerate(marked) if ch == "(")
        high = next(n for n in range(low, len(marked)) if marked[n][0] == ")")
        marked = marked[:low] + [(ch, d + 1) for ch, d in marked[low + 1 : high]] + marked[high + 1 :]
    return marked
