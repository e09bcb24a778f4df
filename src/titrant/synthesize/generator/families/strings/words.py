"""Words of a line or a list: changed, chosen, grouped, ordered."""

from __future__ import annotations

from collections.abc import Callable

from titrant.synthesize.generator.domains import Made
from titrant.synthesize.generator.draw import Draw
from titrant.synthesize.generator.families.text_pieces import CLOSE_WORDS, WORDS, word_change, word_measure, word_test
from titrant.synthesize.generator.family import Drawn, Parameter, family

LETTERS = "abcdeilmnorst"
LINE = Made(
    "words of a line",
    "str",
    lambda random: " ".join(
        "".join(random.choice(LETTERS) for _ in range(random.randint(1, 6))) for _ in range(random.randint(0, 6))
    ),
)


KEYS: tuple[tuple[str, str, Callable[[str], object]], ...] = (
    ("the same letters, each equally often", "tuple(sorted($w))", lambda w: sorted(w)),
    ("the same set of letters", "frozenset($w)", lambda w: [c for c in "abc" if c in w]),
    ("the same first and the same last letter", "($w[0], $w[-1])", lambda w: w[:1] + w[-1:]),
    ("the same length and the same first letter", "(len($w), $w[0])", lambda w: f"{len(w)}{w[:1]}"),
    (
        "the same pattern of equal letters (as aab and bbc have)",
        "tuple(map($w.index, $w))",
        lambda w: [[a == b for a in w] for b in w],
    ),
    (
        "the same letters after dropping letters that repeat the one before them",
        "tuple(c for c, _ in groupby($w))",
        lambda w: "".join(c for at, c in enumerate(w) if w[at - 1 : at] != c),
    ),
)
LINKS: tuple[tuple[str, str, Callable[[str, str], bool]], ...] = (
    ("begins with the last letter of", "$w[0] == $p[-1]", lambda p, w: w.startswith(p[-1])),
    ("is at least as long as", "len($w) >= len($p)", lambda p, w: not len(w) < len(p)),
    ("comes in the alphabet after", "$w > $p", lambda p, w: sorted((w, p))[0] != w),
    ("shares a letter with", "set($w) & set($p)", lambda p, w: any(c in p for c in w)),
    ("shares no letter with", "not set($w) & set($p)", lambda p, w: all(c not in p for c in w)),
    ("ends with another letter than", "$w[-1] != $p[-1]", lambda p, w: not w.endswith(p[-1])),
    ("differs in length from", "len($w) != len($p)", lambda p, w: abs(len(w) - len(p)) > 0),
)


@family("strings", 1, 2)
def change_some_words(draw: Draw) -> Drawn:
    """In a line, words that pass a test are changed; the others stay or go; the order may turn round."""
    test, change = word_test(draw), word_change(draw)
    stays, turned = draw.chance(), draw.chance(0.3)
    glue = draw.choice((" ", " ", "-", "_", ", "))
    line, word = draw.name("line", "text", "sentence"), draw.name("word", "w", "each")
    out = draw.name("out", "words", "made")
    order = f"reversed({line}.split())" if turned else f"{line}.split()"
    loop = draw.source(
        f"""
        {out} = []
        for {word} in {order}:
            if {test.of(word)}:
                {out}.append({change.of(word)})
            else:
                {out}.append({word})
        return "{glue}".join({out})
        """
        if stays
        else f"""
        {out} = []
        for {word} in {order}:
            if {test.of(word)}:
                {out}.append({change.of(word)})
        return "{glue}".join({out})
        """,
    )
    short = (
        f'return "{glue}".join({change.of(word)} if {test.of(word)} else {word} for {word} in {order})'
        if stays
        else f'return "{glue}".join({change.of(word)} for {word} in {order} if {test.of(word)})'
    )
    body = draw.choice((loop, short)) if len(short) < 100 else loop

    def slow(s: str) -> str:
        found = s.split(" ") if s else []
        new = [[change.call(w)] if test.call(w) else [w] * stays for w in found]
        return glue.join(w for each in (new[::-1] if turned else new) for w in each)

    rest = "the other words stay as they are" if stays else "the other words are left out"
    way = "in reverse order" if turned else "in their order"
    between = "a blank" if glue == " " else "a comma and a blank" if glue == ", " else f'"{glue}"'
    return Drawn(
        call=draw.choice(("change_words", "edit_line", "rewrite_words", "treat_words")),
        parameters=(Parameter(line, LINE),),
        returns="str",
        say=draw.say(
            f"Split `{line}` into its words, which are separated by single blanks. Replace each of the words that "
            f"{test.words} by {change.words}; {rest}. Return the words {way}, joined by {between}.",
            f"Return the words of `{line}` {way}, with {between} between them, after this change: words that "
            f"{test.words} are replaced by {change.words}, and {rest}.",
            f"Write out the words of `{line}` {way}, separated by {between}. Each of the words that {test.words} "
            f"appears as {change.words}; {rest}. An empty line gives an empty text.",
        ),
        body=body,
        oracle=slow,
        idea="Take the words one after the other, decide for each what is written for it, and join the pieces.",
        difficulty=2 if turned or not stays else 1,
    )


@family("strings", 2)
def word_with_the_most(draw: Draw) -> Drawn:
    """The word that is best by a measure among those that pass a test, with a rule for ties."""
    test, measure = word_test(draw), word_measure(draw)
    least, tie = draw.chance(0.4), draw.integer(0, 2)
    words, word, best = (
        draw.name("words", "names", "entries"),
        draw.name("word", "w", "name"),
        draw.name("best", "champion"),
    )
    key, none = draw.name("key", "score", "rank"), draw.choice(("", "-", "none"))
    sign = "" if least else "-"
    better = f"{key} {'<' if least else '>'}{'=' if tie == 1 else ''} {best}[0]"
    if tie == 2:
        better += f" or ({key} == {best}[0] and {word} < {best}[1])"
    chosen = f"[{word} for {word} in {words} if {test.of(word)}]"
    first = (f"lambda {word}: {sign}({measure.of(word)})", f"lambda {word}: ({sign}({measure.of(word)}), {word})")[
        tie == 2
    ]
    body = draw.source(
        f"""
        {best} = None
        for {word} in {words}:
            if {test.of(word)}:
                {key} = {measure.of(word)}
                if {best} is None or {better}:
                    {best} = ({key}, {word})
        return {best}[1] if {best} else "{none}"
        """,
        f"""
        chosen = {chosen}
        return min({"reversed(chosen)" if tie == 1 else "chosen"}, key={first}, default="{none}")
        """,
    )

    def slow(given: list[str]) -> str:
        found = [(measure.call(w), at, w) for at, w in enumerate(given) if test.call(w)]
        if not found:
            return none
        top = sorted(value for value, _, _ in found)[0 if least else -1]
        equal = [(at, w) for value, at, w in found if value == top]
        return sorted(w for _, w in equal)[0] if tie == 2 else equal[-1 if tie else 0][1]

    most = "smallest" if least else "greatest"
    rule = ("the first of them", "the last of them", "the one that comes first in the alphabet")[tie]
    default = f'"{none}"' if none else "an empty text"
    return Drawn(
        call=draw.choice(("choose_word", "best_word", "extreme_word", "pick_word")),
        parameters=(Parameter(words, WORDS),),
        returns="str",
        say=draw.say(
            f"Among those of `{words}` that {test.words}, return the one with the {most} {measure.words}. If several "
            f"share it, return {rule}. If there is none, return {default}.",
            f"Return the word in `{words}` whose {measure.words} is the {most}, looking only at words that "
            f"{test.words}. Of words that are equal in this, take {rule}. Return {default} if no word qualifies.",
            f"Leave aside all of `{words}` but those that {test.words}. Of what remains return the word of {most} "
            f"{measure.words}; of several such words, {rule}; of none, {default}.",
        ),
        body=body,
        oracle=slow,
        idea=(
            "Give each word that may be chosen its value; the best value decides, and the rule for ties "
            "where it is equal."
        ),
        contracts=(f'result in {words} or result == "{none}"',),
        difficulty=2,
    )


@family("strings", 2, 3)
def words_in_order(draw: Draw) -> Drawn:
    """Words sorted by one or two measures, each up or down."""
    one, two = word_measure(draw), word_measure(draw)
    while two.words == one.words:
        two = word_measure(draw)
    down, again, use = draw.chance(), draw.chance(), draw.integer(0, 2)
    words, word = draw.name("words", "names", "labels"), draw.name("word", "w", "name")
    first, second = (
        f"{'-' if down else ''}{_bracketed(one.of(word), down)}",
        f"{'-' if again else ''}{_bracketed(two.of(word), again)}",
    )
    key = (first, f"({first}, {word})", f"({first}, {second})")[use]
    out = draw.name("out", "ordered", "result")
    body = draw.source(
        f"return sorted({words}, key=lambda {word}: {key})" if len(key) < 60 else f"return sorted({words}, key=rank)",
        f"""
        def key({word}):
            return {key}

        return sorted({words}, key=key)
        """,
        f"""
        {out} = []
        for {word} in {words}:
            place = len({out})
            while place > 0 and rank({out}[place - 1]) > rank({word}):
                place -= 1
            {out}.insert(place, {word})
        return {out}
        """,
    )

    def slow(given: list[str]) -> list[str]:
        def before(a: str, b: str) -> bool:
            for piece, flip in ((one, down), (two, again)):
                x, y = piece.call(a), piece.call(b)
                if x != y:
                    return bool(x > y) if flip else bool(x < y)
                if use != 2:
                    break
            return use == 1 and a < b

        left, made = list(given), []
        while left:
            at = next(at for at, w in enumerate(left) if not any(before(other, w) for other in left))
            made.append(left.pop(at))
        return made

    ways = [f"{'falling' if flip else 'rising'} {piece.words}" for piece, flip in ((one, down), (two, again))]
    tie = (
        "words that are equal in this keep their order",
        "words that are equal in this are put in alphabetical order",
        f"words that are equal in this go by {ways[1]}, and if they are equal in both they keep their order",
    )[use]
    return Drawn(
        call=draw.choice(("order_words", "arrange_words", "ranked_words", "sort_labels")),
        parameters=(Parameter(words, WORDS),),
        returns="list[str]",
        say=draw.say(
            f"Return `{words}` sorted by {ways[0]}; {tie}.",
            f"Put `{words}` in order of {ways[0]} and return the new list; {tie}.",
            f"Return a list with the same words as `{words}`, ordered by {ways[0]}; {tie}. The list that is given "
            "stays as it is.",
        ),
        body=body,
        oracle=slow,
        prelude=f"def rank({word}):\n    return {key}" if "rank" in body else "",
        idea="A key says for each word what comes first; words with equal keys keep their order.",
        contracts=(f"sorted(result) == sorted({words})",),
        difficulty=3 if use == 2 else 2,
    )


def _bracketed(source: str, negated: bool) -> str:
    return f"({source})" if negated and (" + " in source or " - " in source) else source


@family("strings", 3)
def words_in_groups(draw: Draw) -> Drawn:
    """Words that agree in something form groups; the groups or their sizes are returned in a drawn order."""
    words_key, source, mean = draw.choice(KEYS)
    asked, least = draw.integer(0, 3), draw.integer(1, 2)
    words, word, groups = (
        draw.name("words", "names", "tokens"),
        draw.name("word", "w", "each"),
        draw.name("groups", "classes"),
    )
    key, group = draw.name("key", "mark", "sign"), draw.name("group", "members")
    many = f" if len({group}) >= {least}" if least > 1 else ""
    end = (
        f"[{group} for {group} in {groups}.values(){many}]" if many else f"list({groups}.values())",
        f"sorted((len({group}) for {group} in {groups}.values(){many}), reverse=True)",
        f"[{group}[-1] for {group} in {groups}.values(){many}]",
        f"sorted(min({group}) for {group} in {groups}.values(){many})",
    )[asked]
    body = draw.source(
        f"""
        {groups} = {{}}
        for {word} in {words}:
            {groups}.setdefault({source.replace("$w", word)}, []).append({word})
        return {end}
        """,
        f"""
        {groups} = defaultdict(list)
        for {word} in {words}:
            {key} = {source.replace("$w", word)}
            {groups}[{key}].append({word})
        return {end}
        """,
    )

    def slow(given: list[str]) -> list[list[str]] | list[str] | list[int]:
        found: list[list[str]] = []
        for each in given:
            home = next((g for g in found if mean(g[0]) == mean(each)), None)
            found.append([each]) if home is None else home.append(each)
        found = [g for g in found if len(g) >= least]
        if asked == 0:
            return found
        if asked == 1:
            return sorted(map(len, found))[::-1]
        return [g[-1] for g in found] if asked == 2 else sorted(sorted(g)[0] for g in found)

    what = (
        "the groups as lists, in the order in which their first words appear, each with its words in their order",
        "the sizes of the groups, greatest first",
        "the last word of each group, groups in the order in which their first words appear",
        "the alphabetically first word of each group, in alphabetical order",
    )[asked]
    few = "" if least == 1 else " Groups of a single word do not count."
    imports = ["from collections import defaultdict"] * ("defaultdict" in body) + ["from itertools import groupby"] * (
        "groupby" in body
    )
    return Drawn(
        call=draw.choice(("group_words", "classes_of_words", "sort_into_groups", "gather")),
        parameters=(Parameter(words, CLOSE_WORDS),),
        returns=("list[list[str]]", "list[int]", "list[str]", "list[str]")[asked],
        say=draw.say(
            f"Let words belong to one group if they have {words_key}. Return, for `{words}`, {what}.{few}",
            f"Group `{words}` so that words share a group exactly when they have {words_key}; a word that occurs "
            f"twice counts twice. Return {what}.{few}",
            f"Put those of `{words}` together that have {words_key}. Return {what}.{few} For an empty list return an "
            "empty list.",
        ),
        body=body,
        oracle=slow,
        prelude="\n".join(imports),
        idea="Give every word a key that is equal for just those words that belong together, and collect words by key.",
        contracts=(f"sum(result) <= len({words})",) if asked == 1 else (f"len(result) <= len({words})",),
        difficulty=3,
    )


@family("strings", 2)
def chain_of_words(draw: Draw) -> Drawn:
    """Words taken while each fits the one before it; stopping at or leaving out those that do not."""
    stop, asked = draw.chance(), draw.integer(0, 2)
    link, source, fits = draw.choice(LINKS)
    test = word_test(draw)
    words, word, chain = (
        draw.name("words", "names", "tokens"),
        draw.name("word", "w", "each"),
        draw.name("chain", "taken"),
    )
    cond = source.replace("$w", word).replace("$p", f"{chain}[-1]")
    end = (chain, f"len({chain})", f'"-".join({chain})')[asked]
    body = draw.source(
        f"""
        {chain} = []
        for {word} in {words}:
            if not {chain}:
                if {test.of(word)}:
                    {chain}.append({word})
            elif {cond}:
                {chain}.append({word})
            $other
        return {end}
        """,
        f"""
        {chain} = []
        for {word} in {words}:
            fits = {cond} if {chain} else {test.of(word)}
            if fits:
                {chain}.append({word})
            $passes
        return {end}
        """,
        other="else:\n    break" if stop else "$nothing",
        passes=f"elif {chain}:\n    break" if stop else "$nothing",
    ).replace("\n    $nothing", "")

    def slow(given: list[str]) -> list[str] | int | str:
        left = list(given)
        while left and not test.call(left[0]):
            left = left[1:]
        at = 1
        while at < len(left):
            if fits(left[at - 1], left[at]):
                at += 1
            else:
                left = left[:at] if stop else left[:at] + left[at + 1 :]
        return (left, len(left), "-".join(left))[asked]

    what = (
        "the list of the words that are taken",
        "the number of words that are taken",
        'the words that are taken, joined with "-"',
    )[asked]
    halt = "stop at the first one that does not fit" if stop else "pass over those that do not fit"
    return Drawn(
        call=draw.choice(("chain_words", "take_chain", "linked_words", "follow_words")),
        parameters=(Parameter(words, WORDS),),
        returns=("list[str]", "int", "str")[asked],
        say=draw.say(
            f"Read `{words}` from left to right. The chain begins with the first of the words that {test.words}; "
            f"after that a word fits if it {link} the word taken last. Take the words that fit and {halt}. Return "
            f"{what}.",
            f"Return {what} in this way: skip to the first of `{words}` that belongs to the words that {test.words} "
            f"and take it. From then on take a word if it {link} the one taken before, and {halt}.",
            f"Build a chain from `{words}`, in their order. It starts at the first of those words that {test.words}. "
            f"Each further word is taken if it {link} the last word of the chain; {halt}. Return {what}.",
        ),
        body=body,
        oracle=slow,
        idea="Only the word taken last matters: each new word is compared with it and is then taken, or not.",
        contracts=(f"0 <= result <= len({words})",) if asked == 1 else (),
        difficulty=2,
    )
