"""Words set in lines, and words that share their beginnings or nearly agree."""

from __future__ import annotations

from titrant.synthesize.generator.domains import Integers, Texts
from titrant.synthesize.generator.draw import Draw
from titrant.synthesize.generator.families.strings.words import LINE
from titrant.synthesize.generator.families.text_pieces import CLOSE_WORDS
from titrant.synthesize.generator.family import Drawn, Parameter, family

WIDTH = Integers(6, 14)
CLOSE_WORD = Texts("abc", 1, 4)


@family("strings", 3)
def words_set_in_lines(draw: Draw) -> Drawn:
    """Words are set in lines of a width, greedily; lines are padded or marked in a drawn way."""
    side, fill, asked = draw.integer(0, 3), draw.choice((".", "_", "*", "-", "~")), draw.integer(0, 1)
    text, width, lines = (
        draw.name("text", "words", "passage"),
        draw.name("width", "size"),
        draw.name("lines", "rows", "out"),
    )
    line, word = draw.name("line", "row", "current"), draw.name("word", "w", "each")
    pad = (f'.ljust({width}, "{fill}")', f'.rjust({width}, "{fill}")', "", f' + "{fill}"')[side]
    end = f"[{line}{pad} for {line} in {lines}]" if pad else lines
    end = f'"|".join({line}{pad} for {line} in {lines})' if asked and pad else f'"|".join({lines})' if asked else end
    body = draw.source(
        f"""
        {lines} = []
        for {word} in {text}.split():
            if {lines} and len({lines}[-1]) + 1 + len({word}) <= {width}:
                {lines}[-1] += " " + {word}
            else:
                {lines}.append({word})
        return {end}
        """,
        f"""
        {lines}, {line} = [], ""
        for {word} in {text}.split():
            if {line} and len({line}) + len({word}) >= {width}:
                {lines}.append({line})
                {line} = {word}
            else:
                {line} = f"{{{line}}} {{{word}}}".strip()
        if {line}:
            {lines}.append({line})
        return {end}
        """,
    )

    def slow(s: str, size: int) -> list[str] | str:
        left, made = s.split(), []
        while left:
            count = max([1, *(n for n in range(1, len(left) + 1) if sum(map(len, left[:n])) + n - 1 <= size)])
            row = " ".join(left[:count])
            gap = fill * (size - len(row))
            made.append((row + gap, gap + row, row, row + fill)[side])
            left = left[count:]
        return "|".join(made) if asked else made

    last = (
        f'Each line is filled up with "{fill}" on the right to this width',
        f'Each line is filled up with "{fill}" on the left to this width',
        "Lines have no blanks at their ends",
        f'At the end of each line stands an additional "{fill}", which does not count for its width',
    )[side]
    what = 'the lines as one text, with "|" between them' if asked else "the list of lines"
    return Drawn(
        call=draw.choice(("set_lines", "wrap_words", "fill_lines", "break_lines")),
        parameters=(Parameter(text, LINE), Parameter(width, WIDTH)),
        returns="str" if asked else "list[str]",
        say=draw.say(
            f"Set the words of `{text}` in lines of at most `{width}` characters. Words in a line are separated by "
            f"single blanks, and a new line begins only if the next word does not fit any more. {last}. Return "
            f"{what}.",
            f"Turn `{text}` into lines: each takes as many of the next words, with one blank between two, as its "
            f"width of `{width}` characters allows. {last}. Return {what}; an empty text has no lines.",
            f"Break `{text}` between words so that no line is wider than `{width}`, filling every line with as many "
            f"words as possible before the next begins. {last}. Return {what}.",
        ),
        body=body,
        oracle=slow,
        idea="Add each word to the present line if it still fits with a blank before it; otherwise begin the next "
        "line with it.",
        difficulty=3,
    )


@family("strings", 2, 3)
def beginnings_in_common(draw: Draw) -> Drawn:
    """Beginnings or ends that words share: of all, of neighbours, or the shortest that is one's own."""
    asked, back, least = draw.integer(0, 3), draw.chance(), draw.integer(1, 2)
    words, size, a, b = (
        draw.name("words", "names", "codes"),
        draw.name("size", "k", "n"),
        draw.name("a", "left"),
        draw.name("b", "right"),
    )
    word, other = draw.name("word", "w"), draw.name("other", "rival")
    part = f"{word}[-{size}:]" if back else f"{word}[:{size}]"
    ends = "endswith" if back else "startswith"
    pairs = f"zip({words}, {words}[1:])"
    body = (
        draw.source(
            f"""
            found = []
            for {a}, {b} in {pairs}:
                found.append(shared({a}, {b}))
            return found
            """,
            f"return [shared({a}, {b}) for {a}, {b} in {pairs}]",
        ),
        f"return sum(shared({a}, {b}) >= {least} for {a}, {b} in combinations({words}, 2))",
        f"return max((shared({a}, {b}) for {a}, {b} in combinations({words}, 2)), default=0)",
        f"result = []\nfor {word} in {words}:\n    result.append(own_part({word}, {words}))\nreturn result",
    )[asked]
    shared = _shared(draw, back, a, b, size)
    single = draw.source(
        f"""
        def own_part({word}, {words}):
            for {size} in range({least}, len({word})):
                if sum({other}.{ends}({part}) for {other} in {words}) == 1:
                    return {part}
            return {word}
        """
    )

    side = "end" if back else "beginning"
    letters = "one letter" if least == 1 else f"{least} letters"
    what = (
        f"for each two neighbours in `{words}`, from the first pair to the last, how many letters their longest "
        f"common {side} has",
        f"how many pairs of different places in `{words}` hold words with a common {side} of at least {letters}; the "
        "order in a pair does not matter",
        f"the length of the longest {side} that words at two different places of `{words}` have in common (0 if "
        "there are fewer than two words)",
        f"for each of `{words}` the shortest {side} of at least {letters} that no word at another place has as its "
        f"{side}; where there is none, the whole word",
    )[asked]
    return Drawn(
        call=draw.choice(("common_parts", "shared_letters", "agreeing_words", "compare_ends")),
        parameters=(Parameter(words, CLOSE_WORDS),),
        returns=("list[int]", "int", "int", "list[str]")[asked],
        say=draw.say(
            f"Return {what}.",
            f"Compare the words with one another and return {what}. Equal words share all their letters.",
            f"Find out, {what if asked in (0, 3) else 'from all pairs of words, ' + what}, and return "
            f"{'the list of these' if asked in (0, 3) else 'this number'}.",
        ),
        body=body,
        oracle=lambda given: _in_common(given, back, asked, least),
        prelude=single
        if asked == 3
        else ("from itertools import combinations\n\n\n" if "combinations" in body else "") + shared,
        idea=(
            "Two words agree letter by letter up to the first difference; what is asked follows from "
            "comparing each word with the others."
        ),
        difficulty=3 if asked else 2,
    )


def _in_common(given: list[str], back: bool, asked: int, least: int) -> list[int] | int | list[str]:
    """What words share, from the sets of all their beginnings or ends."""

    def parts(w: str) -> list[str]:
        return [w[len(w) - n :] if back else w[:n] for n in range(1, len(w) + 1)]

    def both(x: str, y: str) -> int:
        return len(set(parts(x)) & set(parts(y)))

    if asked == 0:
        return [both(given[n - 1], given[n]) for n in range(1, len(given))]
    if asked == 3:
        rest = [[p for n, w in enumerate(given) if n != at for p in parts(w)] for at in range(len(given))]
        return [next((p for p in parts(w)[least - 1 :] if p not in r), w) for w, r in zip(given, rest, strict=True)]
    every = [both(given[n], given[m]) for m in range(len(given)) for n in range(m)]
    return len([v for v in every if v >= least]) if asked == 1 else max([0, *every])


def _shared(draw: Draw, back: bool, a: str, b: str, size: str) -> str:
    """A function that counts the letters which two words share at one end."""
    ends = "endswith" if back else "startswith"
    turn = "[::-1]" if back else ""
    return draw.source(
        f"""
        def shared({a}, {b}):
            {size} = 0
            while {size} < min(len({a}), len({b})) and {a}{turn}[{size}] == {b}{turn}[{size}]:
                {size} += 1
            return {size}
        """,
        f"""
        def shared({a}, {b}):
            {size} = min(len({a}), len({b}))
            while not {a}.{ends}({b}[len({b}) - {size} :]):
                {size} -= 1
            return {size}
        """
        if back
        else f"""
        def shared({a}, {b}):
            {size} = min(len({a}), len({b}))
            while {a}[:{size}] != {b}[:{size}]:
                {size} -= 1
            return {size}
        """,
    )


@family("strings", 3)
def words_nearly_equal(draw: Draw) -> Drawn:
    """Words that come out of a word by one edit of the allowed kinds."""
    kinds, asked = (
        draw.choice(((0,), (1,), (2,), (3,), (0, 1), (0, 3), (1, 3), (2, 3), (0, 1, 2), (1, 2), (0, 2, 3))),
        draw.integer(0, 2),
    )
    words, word, other = (
        draw.name("words", "dictionary", "names"),
        draw.name("word", "typed", "w"),
        draw.name("other", "known", "each"),
    )
    made, i = draw.name("made", "edits", "forms"), draw.name("i", "at")
    sources = (
        f'{word}[:{i}] + c + {word}[{i} + 1 :] for {i} in range(len({word})) for c in "abc"',
        f"{word}[:{i}] + {word}[{i} + 1 :] for {i} in range(len({word}))",
        f'{word}[:{i}] + c + {word}[{i}:] for {i} in range(len({word}) + 1) for c in "abc"',
        f"{word}[:{i}] + {word}[{i} + 1] + {word}[{i}] + {word}[{i} + 2 :] for {i} in range(len({word}) - 1)",
    )
    lines = "\n".join(f"{made}.update({sources[kind]})" for kind in kinds)
    end = (
        f"[{other} for {other} in {words} if {other} in {made}]",
        f"sum({other} in {made} for {other} in {words})",
        f'min(({other} for {other} in {words} if {other} in {made}), default="")',
    )[asked]
    body = draw.source(
        f"""
        {made} = set()
        $lines
        {made}.discard({word})
        return {end}
        """,
        f"""
        {made} = edits_of({word}) - {{{word}}}
        return {end}
        """,
        lines=lines,
    )
    helper = (
        f"def edits_of({word}):\n    {made} = set()\n"
        + "\n".join("    " + each for each in lines.splitlines())
        + f"\n    return {made}"
    )

    names = (
        "replacing one letter by another",
        "dropping one letter",
        "putting in one letter",
        "exchanging two neighbouring letters",
    )
    ways = [names[kind] for kind in kinds]
    way = " or ".join(ways) if len(ways) < 3 else f"{', '.join(ways[:-1])} or {ways[-1]}"
    what = (
        "the list of them, in their order and as often as they occur",
        "how many there are, equal ones counted separately",
        "the first of them in the alphabet, or an empty text if there is none",
    )[asked]
    return Drawn(
        call=draw.choice(("near_words", "one_edit_away", "nearly_equal", "find_similar")),
        parameters=(Parameter(word, CLOSE_WORD), Parameter(words, CLOSE_WORDS)),
        returns=("list[str]", "int", "str")[asked],
        say=draw.say(
            f'Let all words consist of the letters "a", "b" and "c". Look for those of `{words}` that differ from '
            f"`{word}` and can be made from it by {way}. Return {what}.",
            f"Return, of those words in `{words}` that come out of `{word}` by {way}, {what}. The word itself does "
            'not count, and there are no other letters than "a", "b" and "c".',
            f"Find which of `{words}` can be reached from `{word}` in one step, {way}. Words equal to it do not "
            f'count; letters are "a", "b" and "c". Return {what}.',
        ),
        body=body,
        oracle=lambda w, given: _near(w, given, kinds, asked),
        prelude=helper if "edits_of" in body else "",
        idea="Make all words that one allowed step leads to, take away the word itself, and look each given word up "
        "among them.",
        contracts=(f"0 <= result <= len({words})",) if asked == 1 else (),
        difficulty=3,
    )


def _near(w: str, given: list[str], kinds: tuple[int, ...], asked: int) -> list[str] | int | str:
    """Words one step away, by what a step means."""

    def near(v: str) -> bool:
        drops = [v[:n] + v[n + 1 :] for n in range(len(v))]
        tests = (
            len(v) == len(w) and sum(a != b for a, b in zip(v, w, strict=True)) == 1,
            len(v) == len(w) - 1 and any(w[:n] + w[n + 1 :] == v for n in range(len(w))),
            w in drops,
            sorted(v) == sorted(w) and any(v[:n] == w[:n] and v[n + 2 :] == w[n + 2 :] for n in range(len(w) - 1)),
        )
        return v != w and any(tests[kind] for kind in kinds)

    found = list(filter(near, given))
    return (found, len(found), sorted(found)[0] if found else "")[asked]
