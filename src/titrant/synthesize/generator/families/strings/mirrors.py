"""A text against itself: beginnings that are ends too, periods, parts that read the same backwards."""

from __future__ import annotations

from titrant.synthesize.generator.draw import Draw
from titrant.synthesize.generator.families.strings.patterns import TWO
from titrant.synthesize.generator.families.strings.runs import stretches
from titrant.synthesize.generator.families.text_pieces import FEW
from titrant.synthesize.generator.family import Drawn, Parameter, family


@family("strings", 3, 4)
def ends_that_agree(draw: Draw) -> Drawn:
    """Beginnings of a text that are also its ends, and its periods."""
    asked, least = draw.integer(0, 3), draw.integer(1, 4)
    least = min(least, 2) if asked == 3 else least
    text, table = draw.name("text", "s", "word"), draw.name("table", "fail", "border")
    i, k, found = draw.name("i", "at"), draw.name("k", "size", "length"), draw.name("found", "lengths")
    period = f"len({text}) - {k}"
    collect = (
        f"if {k} >= {least}:\n    {found}.append({k})",
        f"if {period} >= {least}:\n    {found}.append({period})",
        f"if {k} >= {least}:\n    {found}.append({text}[:{k}])",
        f"if {k} % {least + 1} == 0:\n    {found}.append({k})",
    )[asked]
    plain = (
        f"[{k} for {k} in range({least}, len({text})) if {text}[:{k}] == {text}[-{k}:]]",
        f"[{k} for {k} in range({least}, len({text})) if {text}[{k}:] == {text}[:-{k}]]",
        f"[{text}[:{k}] for {k} in range({least}, len({text})) if {text}.endswith({text}[:{k}])]",
        f"[{k} for {k} in range({least + 1}, len({text}), {least + 1}) if {text}.startswith({text}[-{k}:])]",
    )[asked]
    body = draw.source(
        f"""
        {table} = [0] * len({text})
        for {i} in range(1, len({text})):
            {k} = {table}[{i} - 1]
            while {k} > 0 and {text}[{k}] != {text}[{i}]:
                {k} = {table}[{k} - 1]
            {table}[{i}] = {k} + 1 if {text}[{k}] == {text}[{i}] else 0
        {found} = []
        {k} = {table}[-1] if {table} else 0
        while {k} > 0:
            $collect
            {k} = {table}[{k} - 1]
        return {found if asked == 1 else f"{found}[::-1]"}
        """,
        f"return {plain}",
        collect=collect,
    )

    def slow(s: str) -> list[int] | list[str]:
        sizes = [n for n in range(1, len(s)) if not any(s[at] != s[at + len(s) - n] for at in range(n))]
        if asked == 1:
            return sorted(len(s) - n for n in sizes if len(s) - n >= least)
        if asked == 2:
            return ["".join(s[at] for at in range(n)) for n in sizes if n >= least]
        return [n for n in sizes if (n >= least if asked == 0 else n // (least + 1) * (least + 1) == n)]

    ends = (
        f"for which the first n letters of `{text}` equal its last n letters, where n is positive, less than the length"
    )
    letters = "one letter" if least == 1 else f"{least} letters"
    what = (
        f"all numbers n {ends} and at least {least}",
        f"all periods of `{text}` that are at least {least} and less than its length; a period is a distance p such "
        "that letters p places apart are always equal",
        f"all texts of at least {letters}, shorter than `{text}`, that are both its beginning and its end",
        f"all numbers n {ends} and divisible by {least + 1}",
    )[asked]
    order = "from the shortest to the longest" if asked == 2 else "in ascending order"
    quick = "while" in body
    return Drawn(
        call=draw.choice(("self_overlaps", "agreeing_ends", "ends_and_beginnings", "inner_order")),
        parameters=(Parameter(text, TWO),),
        returns="list[str]" if asked == 2 else "list[int]",
        say=draw.say(
            f"Return {what}, {order}.",
            f"Compare a text with itself: list {what}. Return the list {order}.",
            f"Find {what}. Return them {order}, or an empty list if there are none.",
        ),
        body=body,
        oracle=slow,
        idea="For every beginning, find the longest shorter beginning that is also its end; it follows from those of "
        "the beginnings before it, and the chain of them gives all answers."
        if quick
        else "Try all lengths from the smallest and compare slices of the text.",
        contracts=(f"all(0 < n < len({text}) for n in result)",)
        if asked != 2
        else (f"all(t in {text} for t in result)",),
        difficulty=4 if quick else 3,
    )


@family("strings", 3)
def mirrored_parts(draw: Draw) -> Drawn:
    """Stretches that read the same backwards: how many, the longest, or which."""
    asked, least = draw.integer(0, 3), draw.integer(2, 4)
    parity = draw.integer(0, 2)
    text, low, high = draw.name("text", "s", "letters"), draw.name("low", "left", "a"), draw.name("high", "right", "b")
    best, middle, part = draw.name("best", "answer", "found"), draw.name("middle", "centre"), draw.name("part", "piece")
    action = (
        f"if len({part}) >= {least}:\n    {best} += 1",
        f"if len({part}) > len({best}):\n    {best} = {part}",
        f"{best} = max({best}, len({part}))",
        f"if len({part}) >= {least}:\n    {best}.add({part})",
    )[asked]
    zero = ("0", '""', "0", "set()")[asked]
    rooms = (f"range(2 * len({text}) - 1)", f"range(0, 2 * len({text}), 2)", f"range(1, 2 * len({text}) - 1, 2)")[
        parity
    ]
    size = ("", f" and len({part}) % 2 == 1", f" and len({part}) % 2 == 0")[parity]
    grown = f"""
        {best} = {zero}
        for {middle} in {rooms}:
            {low}, {high} = {middle} // 2, ({middle} + 1) // 2
            while {low} >= 0 and {high} < len({text}) and {text}[{low}] == {text}[{high}]:
                {part} = {text}[{low} : {high} + 1]
                $action
                {low} -= 1
                {high} += 1
        return {f"sorted({best})" if asked == 3 else best}
        """
    tried = f"""
        {best} = {zero}
        for {low} in range(len({text})):
            for {high} in range({low} + 1, len({text}) + 1):
                {part} = {text}[{low}:{high}]
                if {part} == {part}[::-1]{size}:
                    $action
        return {f"sorted({best})" if asked == 3 else best}
        """
    body = draw.source(*((grown, tried) if asked != 1 else (tried,)), action=action)

    def slow(s: str) -> int | str | list[str]:
        good = [p for _, p in stretches(s) if not any(p[at] != p[-1 - at] for at in range(len(p) // 2))]
        good = [p for p in good if not parity or len(p) % 2 == parity % 2]
        big = [p for p in good if len(p[least - 1 :])]
        longest = max(map(len, good), default=0)
        return (len(big), next((p for p in good if len(p) == longest), ""), longest, sorted(dict.fromkeys(big)))[asked]

    kind = ("", " and have an odd number of letters", " and have an even number of letters")[parity]
    what = (
        f"how many of them have at least {least} letters; equal ones at different places count separately",
        "the longest of them (the leftmost of several, an empty text if there are none)",
        "the length of the longest of them (0 if there are none)",
        f"the different ones that have at least {least} letters, in alphabetical order",
    )[asked]
    return Drawn(
        call=draw.choice(("mirrored_parts", "same_backwards", "mirror_stretches", "reversible_parts")),
        parameters=(Parameter(text, FEW),),
        returns=("int", "str", "int", "list[str]")[asked],
        say=draw.say(
            f"Consider the stretches of neighbouring letters in `{text}` that read the same backwards{kind}. Return "
            f"{what}.",
            f"Look for contiguous parts of `{text}` that equal their own reversal{kind}. Return {what}.",
            f"Find all non-empty contiguous parts of `{text}` that are the same from left to right and from right to "
            f"left{kind}, and return {what}.",
        ),
        body=body,
        oracle=slow,
        idea="Such a part grows from its middle: as long as the letters on both sides agree, the wider part is one too."
        if "while" in body
        else "Look at every start and end, and keep the parts that equal their own reversal.",
        contracts=("result >= 0",) if asked in (0, 2) else (),
        difficulty=3,
    )
