"""Characters one by one: kept, changed, counted, placed."""

from __future__ import annotations

from titrant.synthesize.generator.draw import Draw
from titrant.synthesize.generator.families.text_pieces import (
    FEW,
    MIXED,
    PLAIN,
    character_change,
    character_test,
    letter_change,
    letter_test,
    text_end,
)
from titrant.synthesize.generator.family import Drawn, Parameter, family


@family("strings", 1, 2)
def change_characters(draw: Draw) -> Drawn:
    """Characters that pass a test are changed, the others stay or go."""
    test, change, end = character_test(draw), character_change(draw), text_end(draw)
    stays = draw.chance()
    text, c, out = (
        draw.name("text", "line", "s", "message"),
        draw.name("c", "char", "ch"),
        draw.name("out", "parts", "made"),
    )
    body = draw.source(
        f"""
        {out} = ""
        for {c} in {text}:
            if {test.of(c)}:
                {out} += {change.of(c)}
            else:
                {out} += {c}
        return {end.of(out)}
        """
        if stays
        else f"""
        {out} = ""
        for {c} in {text}:
            if {test.of(c)}:
                {out} += {change.of(c)}
        return {end.of(out)}
        """,
        f"""
        {out} = "".join({change.of(c)} if {test.of(c)} else {c} for {c} in {text})
        return {end.of(out)}
        """
        if stays
        else f"""
        {out} = "".join({change.of(c)} for {c} in {text} if {test.of(c)})
        return {end.of(out)}
        """,
    )
    rest = "All other characters stay as they are" if stays else "All other characters are dropped"
    return Drawn(
        call=draw.choice(("change_characters", "rewrite_text", "mark_characters", "transformed")),
        parameters=(Parameter(text, MIXED),),
        returns="str",
        say=draw.say(
            f"Replace each of the characters of `{text}` that are {test.words} by {change.words}. {rest}. Return "
            f"{end.words}.",
            f"Return what becomes of `{text}` if the characters that are {test.words} are each replaced by "
            f"{change.words}. {rest}. What is returned is {end.words}.",
            f"Go through `{text}` and write down {change.words} in place of every one of the characters that are "
            f"{test.words}. {rest}. Return {end.words}.",
        ),
        body=body,
        oracle=lambda s: end.call(
            "".join(change.call(c) if test.call(c) else c for c in (s if stays else filter(test.call, s)))
        ),
        idea=draw.say("Each character is treated on its own: a test decides what becomes of it."),
        contracts=(f'result != "" or {text} == ""',) if stays else (),
        difficulty=1 if end.source == "$x" else 2,
    )


@family("strings", 1, 2)
def places_of_characters(draw: Draw) -> Drawn:
    """At which places the characters stand that pass a test, counted from the front or the back."""
    test, base, back = character_test(draw), draw.integer(0, 1), draw.chance()
    text, i, c = draw.name("text", "line", "s"), draw.name("i", "place", "index"), draw.name("c", "char", "ch")
    found = draw.name("found", "places", "hits")
    number = {
        (0, False): i,
        (1, False): f"{i} + 1",
        (0, True): f"len({text}) - 1 - {i}",
        (1, True): f"len({text}) - {i}",
    }
    body = draw.source(
        f"""
        {found} = []
        for {i}, {c} in enumerate({text}):
            if {test.of(c)}:
                {found}.append({number[base, back]})
        return {found}
        """,
        f"return [{number[base, back]} for {i}, {c} in enumerate({text}) if {test.of(c)}]",
        f"""
        {found} = []
        for {i} in range(len({text})):
            {c} = {text}[{i}]
            if {test.of(c)}:
                {found}.append({number[base, back]})
        return {found}
        """,
    )
    end = "the end" if back else "the beginning"
    last = "last" if back else "first"
    return Drawn(
        call=draw.choice(("places_of", "positions", "where_they_stand", "find_places")),
        parameters=(Parameter(text, MIXED),),
        returns="list[int]",
        say=draw.say(
            f"Return the places of all characters in `{text}` that are {test.words}, in the order in which they "
            f"occur. Places are counted from {end}; the {last} character has place {base}.",
            f"List where in `{text}` the characters stand that are {test.words}. Go from left to right, but give "
            f"each place as it is counted from {end}, where the {last} character has place {base}.",
            f"For the characters of `{text}` that are {test.words}, from left to right, return their places as a "
            f"list. Counting starts at {end} with {base}. Without such characters the list is empty.",
        ),
        body=body,
        oracle=lambda s: [
            len(s[at + 1 :] if back else s[:at]) + base for at in filter(lambda at: test.call(s[at]), range(len(s)))
        ],
        idea=draw.say(
            f"Number the characters while going through them, and note the number of those that are {test.words}.",
            "Pair every character with its place, and keep the places of the wanted ones.",
        ),
        contracts=(f"len(result) <= len({text})", f"all({base} <= p < len({text}) + {base} for p in result)"),
        difficulty=2 if back else 1,
    )


@family("strings", 2)
def letter_that_recurs(draw: Draw) -> Drawn:
    """The letter that is first to be seen for the k-th time."""
    times, whole = draw.integer(2, 3), draw.chance()
    none = draw.choice(("", "-", "?", "none"))
    word = {2: "second", 3: "third"}[times]
    text, c, seen = (
        draw.name("text", "letters", "s"),
        draw.name("c", "letter", "ch"),
        draw.name("seen", "counts", "tally"),
    )
    i = draw.name("i", "at", "place")
    got, missing = (f"return {c}", f'return "{none}"') if whole else (f"return {i}", "return -1")
    each, walked = (c, text) if whole else (f"{i}, {c}", f"enumerate({text})")
    body = draw.source(
        f"""
        {seen} = {{}}
        for {each} in {walked}:
            {seen}[{c}] = {seen}.get({c}, 0) + 1
            if {seen}[{c}] == {times}:
                {got}
        {missing}
        """,
        f"""
        {seen} = Counter()
        for {each} in {walked}:
            {seen}[{c}] += 1
            if {seen}[{c}] >= {times}:
                {got}
        {missing}
        """,
        f"""
        for {i}, {c} in enumerate({text}):
            if {text}[:{i}].count({c}) == {times - 1}:
                {got}
        {missing}
        """,
    )

    def slow(s: str) -> str | int:
        ends = sorted(
            [at for at, c in enumerate(s) if c == letter][times - 1] for letter in set(s) if s.count(letter) >= times
        )
        if whole:
            return s[ends[0]] if ends else none
        return ends[0] if ends else -1

    asked = "that letter" if whole else "the index of this occurrence"
    default = f'the text "{none}"' if whole and none else "the empty text" if whole else "-1"
    return Drawn(
        call=draw.choice(("first_recurring", "early_repeat", "first_again", "recurrence")),
        parameters=(Parameter(text, FEW),),
        returns="str" if whole else "int",
        say=draw.say(
            f"Read `{text}` from left to right until some letter occurs for the {word} time, and return {asked}. If "
            f"no letter occurs that often, return {default}.",
            f"Return {asked} for the letter of `{text}` whose {word} occurrence comes earliest. Return {default} if "
            f"no letter occurs {times} times.",
            f"Find the letter of `{text}` that is the first to have been seen {times} times. Return {asked}, or "
            f"{default} if there is no such letter.",
        ),
        body=body,
        oracle=slow,
        prelude="from collections import Counter" if "Counter" in body else "",
        idea=(
            "What decides is how often a letter has stood before: the first letter to reach the limit ends the search."
        ),
        contracts=() if whole else (f"-1 <= result < max(1, len({text}))",),
        difficulty=2,
    )


@family("strings", 2, 3)
def tally_of_characters(draw: Draw) -> Drawn:
    """How often each character occurs that passes a test, as pairs in a drawn order."""
    test, order = letter_test(draw), draw.integer(0, 3)
    least = draw.integer(1, 2)
    text, c, counts = (
        draw.name("text", "s", "letters"),
        draw.name("c", "letter", "ch"),
        draw.name("counts", "tally", "seen"),
    )
    n = draw.name("n", "number", "times")
    key = (f"({n}, {c})", f"(-{n}, {c})", c, f"(-ord({c}),)")[order]
    words = (
        "rarer letters first, equally frequent ones in alphabetical order",
        "more frequent letters first, equally frequent ones in alphabetical order",
        "in alphabetical order",
        "in reverse alphabetical order",
    )[order]
    pair = draw.name("pair", "entry", "item")
    spread = key.replace(n, f"{pair}[1]").replace(f"({c}", f"({pair}[0]").replace(f", {c}", f", {pair}[0]")
    spread = f"{pair}[0]" if order == 2 else spread
    body = draw.source(
        f"""
        {counts} = {{}}
        for {c} in {text}:
            if {test.of(c)}:
                {counts}[{c}] = {counts}.get({c}, 0) + 1
        $least_lines
        """,
        f"""
        {counts} = Counter({c} for {c} in {text} if {test.of(c)})
        $least_lines
        """,
        least_lines=draw.source(
            f"""
            pairs = [({c}, {n}) for {c}, {n} in {counts}.items(){f" if {n} >= {least}" if least > 1 else ""}]
            return sorted(pairs, key=lambda {pair}: {spread})
            """
        ),
    )
    ranks = (lambda p: (p[1], p[0]), lambda p: (-p[1], p[0]), lambda p: p[0], lambda p: -ord(p[0]))[order]
    rare = "" if least == 1 else " Leave out letters that occur only once."
    return Drawn(
        call=draw.choice(("tally_letters", "letter_counts", "frequencies", "count_by_letter")),
        parameters=(Parameter(text, PLAIN),),
        returns="list[tuple[str, int]]",
        say=draw.say(
            f"Count how often each letter occurs in `{text}`, looking only at letters that are {test.words}. Return "
            f"pairs of a letter and its count, {words}.{rare}",
            f"Return a list of (letter, count) pairs for the letters of `{text}` that are {test.words}, {words}.{rare}",
            f"Make a table of the letters of `{text}` that are {test.words}: one pair of letter and number of "
            f"occurrences each, {words}.{rare} If nothing is left, return an empty list.",
        ),
        body=body,
        oracle=lambda s: sorted(
            [(c, s.count(c)) for c in dict.fromkeys(s) if test.call(c) and s.count(c) >= least], key=ranks
        ),
        prelude="from collections import Counter" if "Counter" in body else "",
        idea="Keep a count for each wanted letter, then sort the pairs by what the order asks for.",
        contracts=(f"sum(n for _, n in result) <= len({text})",),
        difficulty=2 if order == 2 else 3,
    )


@family("strings", 1, 2)
def change_at_every_kth(draw: Draw) -> Drawn:
    """Every k-th character is changed or dropped."""
    k, start, end = draw.integer(2, 4), draw.integer(0, 1), text_end(draw)
    change, drops = letter_change(draw), draw.chance(0.3)
    first = draw.integer(0, k - 1) if start else k - 1
    text, i, c, out = (
        draw.name("text", "word", "s"),
        draw.name("i", "at"),
        draw.name("c", "letter"),
        draw.name("out", "made"),
    )
    rest = f"{i} % {k} == {first}"
    body = draw.source(
        f"""
        {out} = ""
        for {i}, {c} in enumerate({text}):
            if $other:
                {out} += {c}
        return {end.of(out)}
        """
        if drops
        else f"""
        {out} = ""
        for {i}, {c} in enumerate({text}):
            {out} += {change.of(c)} if {rest} else {c}
        return {end.of(out)}
        """,
        f"""
        {out} = list({text})
        del {out}[{first}::{k}]
        {out} = "".join({out})
        return {end.of(out)}
        """
        if drops
        else f"""
        {out} = list({text})
        for {i} in range({first}, len({out}), {k}):
            {c} = {out}[{i}]
            {out}[{i}] = {change.of(c)}
        {out} = "".join({out})
        return {end.of(out)}
        """,
        other=rest.replace("==", "!="),
    )
    nth = ("second", "third", "fourth")[k - 2]
    does = "drop" if drops else "replace"
    by = "" if drops else f" by {change.words}"

    def slow(s: str) -> str:
        padded = [s[at : at + k] for at in range(0, len(s), k)]
        new = []
        for block in padded:
            middle = "" if drops else "".join(change.call(c) for c in block[first : first + 1])
            new.append(block[:first] + middle + block[first + 1 :])
        made: str = end.call("".join(new))
        return made

    return Drawn(
        call=draw.choice(("every_kth", "change_regularly", "stride_edit", "at_steps")),
        parameters=(Parameter(text, PLAIN),),
        returns="str",
        say=draw.say(
            f"In `{text}`, {does} the letter at index {first} and every {nth} one after it{by}. Return {end.words}.",
            f"Return a text made from `{text}`: {does} the letters at the indices {first}, {first + k}, "
            f"{first + 2 * k} and so on (counting from 0){by}. What is returned is {end.words}.",
            f"Starting at index {first} and going on in steps of {k}, {does} the letters of `{text}`{by}, while all "
            f"others stay. Return {end.words}.",
        ),
        body=body,
        oracle=slow,
        idea=draw.say(f"The places that are meant follow each other at a distance of {k}; all other letters stay."),
        difficulty=1 if end.source == "$x" else 2,
    )
