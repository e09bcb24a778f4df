"""Two texts dealt into one, and keys that are pressed."""

from __future__ import annotations

from titrant.synthesize.generator.domains import Texts
from titrant.synthesize.generator.draw import Draw
from titrant.synthesize.generator.families.text_pieces import FEW, PLAIN, letter_test
from titrant.synthesize.generator.family import Drawn, Parameter, family

KEYS = Texts("abcde<^#", 0, 12)


@family("strings", 2)
def texts_dealt_into_one(draw: Draw) -> Drawn:
    """Letters of two texts in turn, so many of each; what is left over follows a rule."""
    p, q, rest = draw.integer(1, 3), draw.integer(1, 3), draw.integer(0, 2)
    one, two = draw.name("one", "first", "a"), draw.name("two", "second", "b")
    out, i, j = draw.name("out", "made", "mixed"), draw.name("i", "left", "x"), draw.name("j", "right", "y")
    tail = ("$none", f"{out} += {one}[{i}:] + {two}[{j}:]", f"{out} += ({one}[{i}:] + {two}[{j}:])[::-1]")[rest]
    end = (f"return {out}", f"return {out} + {one} + {two}", f"return {out} + ({one} + {two})[::-1]")[rest]
    body = draw.source(
        f"""
        {out}, {i}, {j} = "", 0, 0
        while {i} + {p} <= len({one}) and {j} + {q} <= len({two}):
            {out} += {one}[{i} : {i} + {p}] + {two}[{j} : {j} + {q}]
            {i} += {p}
            {j} += {q}
        $tail
        return {out}
        """,
        f"""
        {out} = ""
        while len({one}) >= {p} and len({two}) >= {q}:
            {out} += {one}[:{p}] + {two}[:{q}]
            {one}, {two} = {one}[{p}:], {two}[{q}:]
        {end}
        """,
        tail=tail,
    ).replace("$none\n", "")

    def slow(s: str, t: str) -> str:
        rounds = min(len(s) // p, len(t) // q)
        places = [((n // p) * 2, n, c) for n, c in enumerate(s[: rounds * p])]
        places += [((n // q) * 2 + 1, n, c) for n, c in enumerate(t[: rounds * q])]
        left = s[rounds * p :] + t[rounds * q :]
        return "".join(c for _, _, c in sorted(places)) + ("", left, "".join(reversed(left)))[rest]

    def so_many(count: int) -> str:
        return ("one letter", "two letters", "three letters")[count - 1]

    over = (
        "what is left of both is dropped",
        f"what is left of `{one}` and then what is left of `{two}` is put at the end",
        f"what is left of `{one}` followed by what is left of `{two}` is put at the end, read backwards",
    )[rest]
    return Drawn(
        call=draw.choice(("deal_together", "mix_texts", "take_in_turn", "weave")),
        parameters=(Parameter(one, PLAIN), Parameter(two, FEW)),
        returns="str",
        say=draw.say(
            f"Take {so_many(p)} of `{one}` and {so_many(q)} of `{two}` in turn, beginning with `{one}`, as long as a "
            f"whole round can be taken from both; {over}. Return the text that comes out.",
            f"Return a text made in rounds. In each round the next {so_many(p)} of `{one}` and then the next "
            f"{so_many(q)} of `{two}` are added. When either text has too few letters for its share, the rounds end; "
            f"{over}.",
            f"Mix `{one}` and `{two}`: again and again write {so_many(p)} of the first and {so_many(q)} of the "
            f"second, until one of them does not have enough letters left for a whole round; {over}. Return the "
            "result.",
        ),
        body=body,
        oracle=slow,
        idea="Take pieces from both texts in turn, round after round, and treat what is left at the end.",
        contracts=(f"len(result) <= len({one}) + len({two})",),
        difficulty=2,
    )


@family("strings", 3)
def keys_that_are_pressed(draw: Draw) -> Drawn:
    """Letters are typed; three keys erase, switch to capitals, or do something drawn."""
    test, third, once, asked = letter_test(draw), draw.integer(0, 2), draw.chance(), draw.integer(0, 1)
    keys, out, key = (
        draw.name("keys", "typed", "strokes"),
        draw.name("out", "shown", "screen"),
        draw.name("key", "c", "stroke"),
    )
    upper = draw.name("upper", "capital", "shift")
    extra = (
        f"{out} = {out}[::-1]",
        f"{out} += {out}[-1:]",
        f'{out} = "".join(c for c in {out} if not ({test.of("c.lower()")}))',
    )[third]
    body = draw.source(
        f"""
        {out}, {upper} = "", False
        for {key} in {keys}:
            if {key} == "<":
                {out} = {out}[:-1]
            elif {key} == "^":
                {upper} = {"True" if once else f"not {upper}"}
            elif {key} == "#":
                {extra}
            else:
                {out} += {key}.upper() if {upper} else {key}
                $release
        return {f"len({out})" if asked else out}
        """,
        release=f"{upper} = False" if once else "$none",
    ).replace("\n        $none", "")

    def slow(s: str) -> str | int:
        if not s:
            return 0 if asked else ""
        full: list[str] = []
        for n, c in enumerate(s):
            before = s[:n]
            big = (
                "^" in before[max([-1, *(m for m, d in enumerate(before) if d in "abcde")]) + 1 :]
                if once
                else before.count("^") % 2
            )
            if c == "<":
                full = full[:-1]
            elif c == "#":
                kept = [d for d in full if not test.call(d.lower())]
                full = (list(reversed(full)), full + full[-1:], kept)[third]
            elif c != "^":
                full = [*full, chr(ord(c) - 32) if big else c]
        return len(full) if asked else "".join(full)

    act = (
        "turns the text on the screen round, so that it reads backwards",
        "repeats the last character on the screen, if there is one",
        f"takes those letters off the screen, small or capital, whose small forms are {test.words}",
    )[third]
    shift = "makes the next letter a capital" if once else "switches capitals on or, if they are on, off again"
    what = "the number of characters on the screen in the end" if asked else "what is on the screen in the end"
    return Drawn(
        call=draw.choice(("press_keys", "type_keys", "on_screen", "play_keys")),
        parameters=(Parameter(keys, KEYS),),
        returns="int" if asked else "str",
        say=draw.say(
            f"Press the keys in `{keys}` one after the other, starting with an empty screen. A letter is written at "
            f'the end; "<" erases the last character, if there is one; "^" {shift}; "#" {act}. Return {what}.',
            f'Return {what} after the keys of `{keys}` have been pressed. Four things can happen: "<" removes the '
            f'last character (nothing happens on an empty screen), "^" {shift}, "#" {act}, and a letter is added '
            "behind the others.",
            f"Let the keys in `{keys}` be typed on an empty screen. Letters appear at the end of the text. The key "
            f'"^" {shift}, "<" takes away the last character unless there is none, and "#" {act}. Return {what}.',
        ),
        body=body,
        oracle=slow,
        idea="Keep the text on the screen and whether capitals are on, and let each key change one of the two.",
        contracts=(f"0 <= result <= len({keys})",) if asked else (),
        difficulty=3,
    )
