"""Texts with signs that mean something: places to fill, wildcards, quotes, escapes, codes, kinds of parts."""

from __future__ import annotations

import re
from random import Random

from titrant.synthesize.generator.domains import Choices, Dicts, Made, Texts
from titrant.synthesize.generator.draw import Draw
from titrant.synthesize.generator.families.text_pieces import letter_change
from titrant.synthesize.generator.family import Drawn, Parameter, family


def _template(random: Random) -> str:
    return "".join(
        random.choice(("<a>", "<b>", "<c>", "<d>", "x ", "y", " z", "-")) for _ in range(random.randint(0, 6))
    )


def _quoted(random: Random) -> str:
    return "".join(random.choice(("a", "b", "cd", ",", ",", "'", "'", " ", "''")) for _ in range(random.randint(0, 9)))


def _code(random: Random) -> str:
    return "".join(
        random.choice(("ab", "x1", "b", "7", "30", "+", "-", "=", "(", ")", " ", "y"))
        for _ in range(random.randint(0, 8))
    )


TEMPLATE = Made("templates with places a to d", "str", _template)
VALUES = Dicts(Choices(("a", "b", "c", "d")), Texts("mnop", 0, 3), 0, 4)
QUOTED = Made("parts with commas and quotes", "str", _quoted)
CODE = Made("names, numbers and signs", "str", _code)
ESCAPED = Texts("abcd^", 0, 9)
BITS = Texts("01", 0, 12)
CODES = (
    ("0", "10", "110", "111"),
    ("1", "01", "000", "001"),
    ("00", "01", "10", "11"),
    ("11", "10", "01", "000"),
    ("0", "100", "101", "11"),
)
PATTERN, PLAIN_TEXT = Texts("ab?*", 0, 5), Texts("ab", 0, 6)


@family("parsing", 2, 3)
def places_to_fill(draw: Draw) -> Drawn:
    """A template is filled from a dictionary; values are changed, places without a value follow a rule."""
    missing, change, sign = draw.integer(0, 2), letter_change(draw), draw.choice("*#?!_")
    use = draw.integer(0, 2)
    text, values, name = (
        draw.name("template", "text", "form"),
        draw.name("values", "entries", "facts"),
        draw.name("name", "key"),
    )
    out, i, end = draw.name("out", "made", "result"), draw.name("i", "at"), draw.name("end", "stop")
    c = draw.name("c", "letter")
    got = f"{values}[{name}]" + ("", "[::-1]", "")[use] if use < 2 else f"changed({values}[{name}])"
    helper = f'def changed(value):\n    return "".join({change.of(c)} for {c} in value)'
    other = (f'"<" + {name} + ">"', f'"{sign}"', f"{name}.upper()")[missing]
    body = draw.source(
        f"""
        {out}, {i} = "", 0
        while {i} < len({text}):
            if {text}[{i}] == "<":
                {end} = {text}.index(">", {i})
                {name} = {text}[{i} + 1 : {end}]
                {out} += {got} if {name} in {values} else {other}
                {i} = {end} + 1
            else:
                {out} += {text}[{i}]
                {i} += 1
        return {out}
        """,
        f"""
        def fill(place):
            {name} = place.group(1)
            return {got} if {name} in {values} else {other}

        return re.sub(r"<(\\w)>", fill, {text})
        """,
        f"""
        first, *rest = {text}.split("<")
        {out} = [first]
        for part in rest:
            {name}, after = part.split(">")
            {out}.append(({got} if {name} in {values} else {other}) + after)
        return "".join({out})
        """,
    )

    def slow(s: str, given: dict[str, str]) -> str:
        parts = [s[at : at + 3] if s[at] == "<" else s[at] for at in range(len(s)) if "<" not in s[max(at - 2, 0) : at]]
        for at, part in enumerate(parts):
            if len(part) == 3:
                own = given.get(part[1])
                full = "" if own is None else (own, "".join(reversed(own)), "".join(map(change.call, own)))[use]
                parts[at] = full if own is not None else (part, sign, chr(ord(part[1]) - 32))[missing]
        return "".join(parts)

    how = ("its value", "its value read backwards", f"its value, in which every letter is replaced by {change.words}")[
        use
    ]
    rule = ("stays as it is", f'is replaced by "{sign}"', "is replaced by its name as a capital letter")[missing]
    return Drawn(
        call=draw.choice(("fill_places", "fill_template", "complete", "put_in")),
        parameters=(Parameter(text, TEMPLATE), Parameter(values, VALUES)),
        returns="str",
        say=draw.say(
            f"Fill the places of `{text}`, each a letter in angle brackets such as <a>. A place whose letter is a "
            f"key of `{values}` is replaced by {how}; any other place {rule}. Return the filled text.",
            f"Return `{text}` with its places filled. A place is a name of one letter between angle brackets, and "
            f"`{values}` gives values by name: write {how} for the place. A place without a value {rule}.",
            f"In `{text}`, replace every letter in angle brackets, together with the brackets, by what `{values}` "
            f"has for it: {how}. If `{values}` has no such key, the place {rule}. Values are not searched for places "
            "again. Return the text.",
        ),
        body=body,
        oracle=slow,
        prelude="\n\n\n".join(["import re"] * ("re.sub" in body) + [helper] * (use == 2)),
        idea="Copy the text up to an opening bracket, look up the name that stands before the closing one, and go on "
        "behind it.",
        difficulty=3 if use == 2 else 2,
    )


@family("parsing", 4)
def patterns_with_wildcards(draw: Draw) -> Drawn:
    """Whether, or how far, a text fits a pattern whose two wildcards have drawn meanings."""
    many, single, asked = draw.integer(0, 2), draw.integer(0, 2), draw.integer(0, 1)
    pattern, text = draw.name("pattern", "mask", "shape"), draw.name("text", "word", "s")
    reached, c, k = draw.name("reached", "ends", "states"), draw.name("c", "sign", "part"), draw.name("k", "at")
    more = " + 1" if many == 1 else ""
    jump = f"[{k} + step for {k} in {reached} for step in (0, 2)]"
    star = f"range(min({reached}){more}, len({text}) + 1)" if many < 2 else jump
    one = (
        f"{{{k} + 1 for {k} in {reached}}}",
        f"{reached} | {{{k} + 1 for {k} in {reached}}}",
        f'{{{k} + 1 for {k} in {reached} if {text}[{k} : {k} + 1] == "a"}} | {reached}',
    )[single]
    anywhere = f"any(fits(i, {k}) for {k} in range(j{more}, len({text}) + 1))"
    cases = anywhere if many < 2 else "fits(i, j) or fits(i, j + 2)"
    lone = (
        "fits(i, j + 1)",
        "fits(i, j) or fits(i, j + 1)",
        f'fits(i, j) or ({text}[j : j + 1] == "a" and fits(i, j + 1))',
    )[single]
    steps = f"""
        {reached} = {{0}}
        for {c} in {pattern}:
            if not {reached}:
                break
            if {c} == "*":
                {reached} = set({star})
            elif {c} == "?":
                {reached} = {one}
            else:
                {reached} = {{{k} + 1 for {k} in {reached} if {text}[{k} : {k} + 1] == {c}}}
            {reached} = {{{k} for {k} in {reached} if {k} <= len({text})}}
        return {f"len({text}) in {reached}" if not asked else f"max({reached}, default=-1)"}
        """
    recursive = f"""
        def fits(i, j):
            if j > len({text}):
                return False
            if i == len({pattern}):
                return j == len({text})
            {c}, i = {pattern}[i], i + 1
            if {c} == "*":
                return {cases}
            if {c} == "?":
                return {lone}
            return {text}[j : j + 1] == {c} and fits(i, j + 1)

        return fits(0, 0)
        """
    body = draw.source(*((steps,) if asked else (steps, recursive)))

    def slow(p: str, s: str) -> bool | int:
        star = ("[ab]*", "[ab]+", "([ab][ab])?")[many]
        source = "".join({"*": star, "?": ("[ab]", "[ab]?", "a?")[single]}.get(ch, ch) for ch in p)
        fitting = [n for n in range(len(s) + 1) if re.fullmatch(source, s[:n])]
        return max(fitting, default=-1) if asked else len(s) in fitting

    stars = ("any number of letters, also none", "one or more letters", "exactly two letters or none")[many]
    ones = ("exactly one letter", "one letter or none", 'a letter "a" or nothing')[single]
    longest = f"the length of the longest beginning of `{text}` that fits as a whole, or -1 if no beginning fits"
    what = longest if asked else f"whether the whole of `{text}` fits"
    return Drawn(
        call=draw.choice(("fits_pattern", "try_pattern", "compare_with_mask", "match_shape")),
        parameters=(Parameter(pattern, PATTERN), Parameter(text, PLAIN_TEXT)),
        returns="int" if asked else "bool",
        say=draw.say(
            f'Hold `{text}` against `{pattern}`. In the pattern "*" stands for {stars}, "?" for {ones}, and a letter '
            f"for itself. Return {what}.",
            f'Return {what}, where `{pattern}` says what fits: its letters stand for themselves, each "?" for '
            f'{ones}, each "*" for {stars}.',
            f'Read `{pattern}` as a pattern with two wildcards: "?" ({ones}) and "*" ({stars}); all other characters '
            f"mean just themselves. Return {what}.",
        ),
        body=body,
        oracle=slow,
        idea=(
            "Go through the pattern sign by sign; each sign says from which places of the text the rest of "
            "the pattern may go on."
        ),
        difficulty=4,
    )


@family("parsing", 3)
def commas_outside_quotes(draw: Draw) -> Drawn:
    """Parts at commas that do not stand in quotes; blanks, empty parts and doubled quotes by drawn rules."""
    trim, empty, asked = draw.chance(), draw.chance(), draw.integer(0, 2)
    keeps = draw.chance(0.4)
    text, parts, part = (
        draw.name("text", "line", "row"),
        draw.name("parts", "cells", "fields"),
        draw.name("part", "current", "cell"),
    )
    inside, c = draw.name("inside", "quoted"), draw.name("c", "char", "sign")
    store = f"{parts}.append({part}{'.strip()' if trim else ''})"
    each = draw.name("each", "entry")
    kept = f"[{each} for {each} in {parts} if {each}]" if empty else parts
    end = (kept, f"len({kept})", f'max({kept}, key=len, default="")')[asked]
    end = end.replace("[", "(", 1).replace("]", ")", 1) if asked == 2 and empty else end
    quoted = '"\'" + piece' if keeps else "piece"
    body = draw.source(
        f"""
        {parts}, {part}, {inside} = [], "", False
        for {c} in {text}:
            if {c} == "'":
                {inside} = not {inside}
                $copy
            elif {c} == "," and not {inside}:
                {store}
                {part} = ""
            else:
                {part} += {c}
        {store}
        return {end}
        """,
        f"""
        {parts}, {part} = [], ""
        for i, piece in enumerate({text}.split("'")):
            if i % 2 == 1:
                {part} += {quoted}
                continue
            $open
            first, *others = piece.split(",")
            {part} += first
            for other in others:
                {store}
                {part} = other
        {store}
        return {end}
        """,
        copy=f"{part} += {c}" if keeps else "$none",
        open=f'if i:\n    {part} += "\'"' if keeps else "$none",
    )
    body = re.sub(r"\n *\$none", "", body)

    quotes = "The quotes themselves stay in the parts" if keeps else "The quotes themselves are dropped"
    blanks = "blanks at the ends of a part are taken away" if trim else "blanks stay"
    drop = ", and parts that are empty then are left out" if empty else ", and empty parts count like all others"
    what = (
        "the list of the parts",
        "the number of parts",
        "the longest part (the first of several, an empty text if there is none)",
    )[asked]
    return Drawn(
        call=draw.choice(("split_outside", "split_row", "parts_of_row", "cut_at_commas")),
        parameters=(Parameter(text, QUOTED),),
        returns=("list[str]", "int", "str")[asked],
        say=draw.say(
            f"Cut `{text}` at its commas, but not at commas in single quotes. Every single quote opens or closes a "
            f"quotation, in turn; one that is never closed goes on to the end. {quotes}; {blanks}{drop}. Return "
            f"{what}.",
            f"Return {what} of `{text}`, where a comma separates parts unless an odd number of single quotes stand "
            f"before it. {quotes}; {blanks}{drop}.",
            f"Split `{text}` into parts. Single quotes switch quoting on and off, and only commas outside of quoting "
            f"separate. {quotes}; {blanks}{drop}. Return {what}.",
        ),
        body=body,
        oracle=lambda s: _parts_of_row(s, keeps, trim, empty, asked),
        idea="A comma ends a part only when no quotation is open, that is, after an even number of quotes.",
        difficulty=3,
    )


def _parts_of_row(s: str, keeps: bool, trim: bool, empty: bool, asked: int) -> list[str] | int | str:
    """The parts between commas that an even number of quotes stand before."""
    cuts = [n for n, ch in enumerate(s) if ch == "," and s[:n].count("'") % 2 == 0]
    pieces = [s[a + 1 : b] for a, b in zip([-1, *cuts], [*cuts, len(s)], strict=True)]
    pieces = pieces if keeps else [p.replace("'", "") for p in pieces]
    pieces = [re.sub("^ +| +$", "", p) for p in pieces] if trim else pieces
    pieces = [p for p in pieces if p or not empty]
    longest = [p for p in pieces if all(len(q) <= len(p) for q in pieces)]
    return (pieces, len(pieces), longest[0] if longest else "")[asked]


@family("parsing", 2, 3)
def escaped_signs(draw: Draw) -> Drawn:
    """A caret gives the next letter another meaning; a caret at the end follows a rule."""
    first, second, third = draw.sample(("a", "b", "c", "d"), 3)
    signs = draw.sample(("-", "+", "/", "(", ")", "=", "~", "<>", "--"), 2)
    rest, asked = draw.integer(0, 2), draw.integer(0, 2)
    text, out, c = draw.name("text", "line", "s"), draw.name("out", "made", "plain"), draw.name("c", "char", "sign")
    escaped, table, i = draw.name("escaped", "special"), draw.name("table", "meaning"), draw.name("i", "at")
    codes = f'{{"{first}": "{signs[0]}", "{second}": "{signs[1]}", "{third}": ""}}'
    final = ("$none", f'{out} += "^"', f'{out} += "?"')[rest]
    end = (out, f"len({out})", f'{out}.split("{signs[0]}")')[asked]
    body = draw.source(
        f"""
        {table} = {codes}
        {out}, {escaped} = "", False
        for {c} in {text}:
            if {escaped}:
                {out} += {table}.get({c}, {c})
                {escaped} = False
            elif {c} == "^":
                {escaped} = True
            else:
                {out} += {c}
        $final
        return {end}
        """,
        f"""
        {table} = {codes}
        {out}, {i} = "", 0
        while {i} < len({text}):
            {c} = {text}[{i}]
            if {c} == "^" and {i} + 1 < len({text}):
                {i} += 1
                {out} += {table}.get({text}[{i}], {text}[{i}])
            elif {c} == "^":
                {out} += {('""', '"^"', '"?"')[rest]}
            else:
                {out} += {c}
            {i} += 1
        return {end}
        """,
        final=f"if {escaped}:\n    {final}" if rest else "$none",
    )
    body = re.sub(r"\n *\$none", "", body)

    def slow(s: str) -> str | int | list[str]:
        def new(found: re.Match[str]) -> str:
            after = found[1]
            known = {first: signs[0], second: signs[1], third: "", "": ("", "^", "?")[rest]}
            return known.get(after, after)

        made = re.sub(r"\^(.?)", new, s)
        return (made, sum(1 for _ in made), re.split(re.escape(signs[0]), made))[asked]

    tail = ("is dropped", "stays as it is", 'becomes "?"')[rest]
    what = ("the new text", "the length of the new text", f'the parts of the new text, separated at each "{signs[0]}"')[
        asked
    ]
    return Drawn(
        call=draw.choice(("plain_text", "read_escapes", "unescape", "resolve_signs")),
        parameters=(Parameter(text, ESCAPED),),
        returns=("str", "int", "list[str]")[asked],
        say=draw.say(
            f'Let a caret in `{text}` give the character after it another meaning: "^{first}" stands for '
            f'"{signs[0]}", "^{second}" for "{signs[1]}", "^{third}" for nothing, and before any other character, '
            f"also a caret, it just falls away. A single caret at the end {tail}. Return {what}.",
            f'Return {what} that `{text}` turns into when, from left to right, "^{first}" is replaced by '
            f'"{signs[0]}", "^{second}" by "{signs[1]}", "^{third}" by an empty text, and "^" followed by another '
            f"character (a caret too) by that character. A lone caret at the end {tail}.",
            f'Resolve the escapes of `{text}`, each a caret with the character after it: {first} means "{signs[0]}", '
            f'{second} means "{signs[1]}", {third} means nothing at all, and other characters, carets among them, '
            f"mean themselves. A caret with nothing after it {tail}. Return {what}.",
        ),
        body=body,
        oracle=slow,
        idea="An active caret gives the character after it its meaning, so the two are read together.",
        difficulty=3 if asked == 2 else 2,
    )


@family("parsing", 3)
def codes_without_gaps(draw: Draw) -> Drawn:
    """Bits are decoded with codes of which none begins another; what is left over follows a rule."""
    letters = draw.sample("ekmst", 4)
    codes = draw.choice(CODES)
    rest, asked = draw.integer(0, 1), draw.integer(0, 2)
    text, out, bit = draw.name("bits", "text", "signal"), draw.name("out", "letters", "message"), draw.name("bit", "c")
    code, table = draw.name("code", "part", "word"), draw.name("table", "meaning")
    dictionary = "{" + ", ".join(f'"{c}": "{x}"' for c, x in zip(codes, letters, strict=True)) + "}"
    end = (f'"".join({out})', f"len({out})", f"{out}[::-1]")[asked]
    left = f'if {code}:\n    {out}.append("?")' if rest else "$none"
    body = draw.source(
        f"""
        {table} = {dictionary}
        {out}, {code} = [], ""
        for {bit} in {text}:
            {code} += {bit}
            if {code} in {table}:
                {out}.append({table}[{code}])
                {code} = ""
        $left
        return {end}
        """,
        f"""
        {table} = {dictionary}
        {out}, {code} = [], {text}
        while {code}:
            size = next((n for n in range(1, 4) if {code}[:n] in {table}), 0)
            if size == 0:
                $lost
                break
            {out}.append({table}[{code}[:size]])
            {code} = {code}[size:]
        return {end}
        """,
        left=left,
        lost=f'{out}.append("?")' if rest else "$none",
    )
    body = re.sub(r"\n *\$none", "", body)

    def slow(s: str) -> str | int | list[str]:
        found = re.match(f"(?:{'|'.join(codes)})*", s)
        good = found[0] if found else ""
        made = [letters[codes.index(each)] for each in re.findall("|".join(codes), good)]
        made += ["?"] if rest and good != s else []
        return ("".join(made), len(made), [*reversed(made)])[asked]

    meaning = ", ".join(f'{c} is "{x}"' for c, x in zip(codes, letters, strict=True))
    over = (
        'Bits at the end that are no whole code give a "?"'
        if rest
        else "Bits at the end that are no whole code are ignored"
    )
    what = (
        "the letters as a text",
        "the number of characters that come out",
        "the list of the letters from last to first",
    )[asked]
    return Drawn(
        call=draw.choice(("decode_bits", "read_signal", "from_bits", "decode")),
        parameters=(Parameter(text, BITS),),
        returns=("str", "int", "list[str]")[asked],
        say=draw.say(
            f"Decode `{text}`, a sequence of codes without gaps between them: {meaning}. No code is the beginning of "
            f"another, so that each ends as soon as it is complete. {over}. Return {what}.",
            f"Return {what} that `{text}` stands for. Read from the left, it consists of these codes: {meaning}. "
            f"{over}.",
            f"Translate the bits in `{text}` into letters, where {meaning}, and one code follows directly on "
            f"another. {over}. Return {what}.",
        ),
        body=body,
        oracle=slow,
        idea="Gather bits until they are a code, write down its letter, and begin anew.",
        contracts=(f"0 <= result <= len({text})",) if asked == 1 else (),
        difficulty=3,
    )
