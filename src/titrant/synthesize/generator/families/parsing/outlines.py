"""Paths and outlines: parts that take back others, and lines that belong to lines above them."""

from __future__ import annotations

import re
from random import Random

from titrant.synthesize.generator.domains import Made
from titrant.synthesize.generator.draw import Draw
from titrant.synthesize.generator.family import Drawn, Parameter, family


def _outline(random: Random) -> str:
    lines, depth = [], 0
    for _ in range(random.randint(0, 7)):
        lines.append("  " * depth + random.choice(("a", "b", "c", "d", "ab", "cd")))
        depth = random.randint(0, depth + 1)
    return "\n".join(lines)


def _path(random: Random) -> str:
    parts = [random.choice(("a", "b", "cd", ".", "..", "..", "", "~", "...")) for _ in range(random.randint(0, 7))]
    return random.choice(("", "/")) + "/".join(parts)


OUTLINE = Made("indented lines", "str", _outline)
PATH = Made("paths with dots", "str", _path)


@family("parsing", 3)
def paths_made_plain(draw: Draw) -> Drawn:
    """Paths with dots are worked off; what leads above the root is kept, ignored or an end."""
    above, asked, home = draw.integer(0, 2), draw.integer(0, 2), draw.chance()
    text, out, part = (
        draw.name("text", "path", "route"),
        draw.name("out", "stack", "kept"),
        draw.name("part", "name", "piece"),
    )
    hidden, fail = draw.chance(), ('""', "-1", "[]")[asked]
    rise = (
        f"if {out}:\n    {out}.pop()",
        f'if {out} and {out}[-1] != "..":\n    {out}.pop()\nelse:\n    {out}.append("..")',
        f"if not {out}:\n    return {fail}\n{out}.pop()",
    )[above]
    tilde = f'elif {part} == "~":\n    {out}.clear()' if home else "$none"
    skip = '("", ".", "...")' if hidden else '("", ".")'
    end = (f'"/".join({out})', f"len({out})", out)[asked]
    body = draw.source(
        f"""
        {out} = []
        for {part} in {text}.split("/"):
            if {part} == "..":
                $rise
            $tilde
            elif {part} not in {skip}:
                {out}.append({part})
        return {end}
        """,
        f"""
        {out} = []
        for {part} in {text}.split("/"):
            if {part} in {skip}:
                continue
            if {part} == "..":
                $rise
            $tilde
            else:
                {out}.append({part})
        return {end}
        """,
        rise=rise,
        tilde=tilde,
    )
    body = re.sub(r"\n *\$none", "", body)

    none = ("an empty text", "-1", "an empty list")[asked]
    what = (
        "the parts that are left, joined with slashes",
        "the number of parts that are left",
        "the list of parts that are left",
    )[asked]
    up = (
        "where no part is left it does nothing",
        "where only parts of two dots are left it is kept",
        f"where no part is left, return {none} at once",
    )[above]
    start = ' "~" takes away all parts so far.' if home else ""
    dots = 'Empty parts, "." and three dots mean nothing' if hidden else 'Empty parts and "." mean nothing'
    return Drawn(
        call=draw.choice(("plain_path", "tidy_path", "work_off_path", "follow_path")),
        parameters=(Parameter(text, PATH),),
        returns=("str", "int", "list[str]")[asked],
        say=draw.say(
            f"Split `{text}` at its slashes and go through the parts. {dots}. A part of two dots takes away the last "
            f"part so far; {up}.{start} All other parts are kept. Return {what}.",
            f"Return {what} when the path `{text}`, whose parts are separated by slashes, is made plain from left to "
            f"right: any part is added, but two dots remove the part before it ({up}).{start} {dots}.",
            f"Work off the parts of `{text}`, which slashes separate. A part of two dots cancels the last part that is "
            f"left; {up}.{start} {dots}. Return {what}.",
        ),
        body=body,
        oracle=lambda s: _plain(s, above, asked, home, hidden),
        idea="Keep the parts that are left on a stack: a name is put on it, and two dots take the top one away.",
        difficulty=3,
    )


def _plain(s: str, above: int, asked: int, home: bool, hidden: bool) -> str | int | list[str]:
    """The path made plain, by taking away names that two dots follow."""
    parts = [p for p in s.split("/") if p and p != "." and not (hidden and p == "...")]
    failed = False
    if home and "~" in parts:
        early = parts[: len(parts) - parts[::-1].index("~")]
        parts = parts[len(early) :]
        runs = " ".join(early).split("~") if above == 2 else []
        failed = any(_low(run.split()) for run in runs)
    failed = failed or (above == 2 and _low(parts))
    while pair := [n for n in range(1, len(parts)) if parts[n] == ".." != parts[n - 1]]:
        parts = parts[: pair[0] - 1] + parts[pair[0] + 1 :]
    parts = [] if failed else [p for p in parts if above == 1 or p != ".."]
    return ("/".join(parts), -1 if failed else len(parts), parts)[asked]


def _low(parts: list[str]) -> bool:
    """Whether a way leads above its start."""
    return any(2 * parts[: n + 1].count("..") > n + 1 for n in range(len(parts)))


@family("parsing", 3, 4)
def lines_by_indentation(draw: Draw) -> Drawn:
    """Indented lines as a tree: full names of leaves or of all, or the number of lines below each."""
    asked, glue, deep = draw.integer(0, 3), draw.choice(("/", ".", ">", ":")), draw.integer(1, 2)
    text, line, trail = (
        draw.name("text", "outline", "lines_of_text"),
        draw.name("line", "row"),
        draw.name("trail", "above", "stack"),
    )
    found, level, i = draw.name("found", "names", "out"), draw.name("level", "depth"), draw.name("i", "at")
    last = f"{i} + 1 == len(lines) or indent(lines[{i} + 1]) <= {level}"
    test = (f"if {last}:\n    ", "", f"if {level} >= {deep}:\n    ", f"if not ({last}):\n    ")[asked]
    keep = f'{test}{found}.append("{glue}".join({trail}))'
    body = draw.source(
        f"""
        lines = {text}.splitlines()
        {found}, {trail} = [], []
        for {i}, {line} in enumerate(lines):
            {level} = indent({line})
            del {trail}[{level}:]
            {trail}.append({line}.strip())
            $keep
        return {found}
        """,
        f"""
        lines = {text}.splitlines()
        {found}, {trail} = [], {{}}
        for {i}, {line} in enumerate(lines):
            {level} = indent({line})
            {trail}[{level}] = {line}.strip()
            $other
        return {found}
        """,
        keep=keep,
        other=keep.replace(f"join({trail})", f"join({trail}[k] for k in range({level} + 1))"),
    )
    if asked in (1, 2):
        body = body.replace(f"lines = {text}.splitlines()\n", "").replace(
            f"for {i}, {line} in enumerate(lines):", f"for {line} in {text}.splitlines():"
        )

    def slow(s: str) -> list[str]:
        rows = [((len(row) - len(row.lstrip(" "))) // 2, row.strip()) for row in s.split("\n") if row]
        made = []
        for n, (own, _) in enumerate(rows):
            chain = [max(m for m in range(n + 1) if rows[m][0] == each) for each in range(own + 1)]
            leaf = not rows[n + 1 : n + 2] or rows[n + 1][0] <= own
            if (leaf, True, own >= deep, not leaf)[asked]:
                made.append(glue.join(rows[m][1] for m in chain))
        return made

    which = (
        "that have no line below them",
        "in the text",
        f"that are indented at least {'once' if deep == 1 else 'twice'}",
        "that have a line below them",
    )[asked]
    return Drawn(
        call=draw.choice(("full_names", "outline_names", "read_outline", "tree_of_lines")),
        parameters=(Parameter(text, OUTLINE),),
        returns="list[str]",
        say=draw.say(
            f"In `{text}`, two blanks before a line mean one level deeper, and a line belongs to the nearest line "
            f"above it that is one level higher. Return the full names of all lines {which}, from top to bottom: the "
            f'names on the way down to the line, joined with "{glue}".',
            f"Return, in order, the full names of the lines {which}, where `{text}` is an outline. A full name is "
            f'made of the name of the line and those of all lines that it belongs to, outermost first, with "{glue}" '
            "between them. Each level is indented by two more blanks than the one above it.",
            f"Read the outline `{text}`, whose levels are shown by two blanks each. For the lines {which}, collect "
            f'the names of the lines above them in the tree and their own, joined with "{glue}", and return these '
            "texts in the order of the lines.",
        ),
        body=body,
        oracle=slow,
        prelude=f"def indent({line}):\n    return (len({line}) - len({line}.lstrip())) // 2",
        idea="Keep the names on the way from the top to the present line; a line cuts this way at its own level and "
        "puts its name there.",
        difficulty=4 if asked in (0, 3) else 3,
    )
