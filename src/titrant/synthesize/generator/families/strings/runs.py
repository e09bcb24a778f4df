"""Runs, windows and stretches of a text."""

from __future__ import annotations

import re
from itertools import pairwise

from titrant.synthesize.generator.draw import Draw
from titrant.synthesize.generator.families.text_pieces import FEW, PLAIN, SMALL, few_test, letter_test
from titrant.synthesize.generator.family import Drawn, Parameter, family


def stretches(text: str, shortest: int = 0) -> list[tuple[int, str]]:
    """All stretches of a text with their starts, from left to right, short before long."""
    ends = range(len(text) + 1)
    return [(low, text[low:high]) for low in ends for high in ends if high - low >= max(shortest, 1)]


@family("strings", 2, 3)
def longest_stretch_of_letters(draw: Draw) -> Drawn:
    """The longest run of letters that pass a test: its length, its text or its start."""
    test, asked, last = letter_test(draw), draw.integer(0, 2), draw.chance()
    text, c, run = draw.name("text", "s", "letters"), draw.name("c", "letter"), draw.name("run", "current", "part")
    best, i = draw.name("best", "longest", "champion"), draw.name("i", "at")
    more = ">=" if last and asked else ">"
    body = (
        draw.source(
            f"""
            {best} = ""
            {run} = ""
            for {c} in {text}:
                {run} = {run} + {c} if {test.of(c)} else ""
                if {run} and len({run}) {more} len({best}):
                    {best} = {run}
            return {best if asked else f"len({best})"}
            """,
            f"""
            {best} = ""
            for good, group in groupby({text}, key=lambda {c}: {test.of(c)}):
                {run} = "".join(group)
                if good and len({run}) {more} len({best}):
                    {best} = {run}
            return {best if asked else f"len({best})"}
            """,
        )
        if asked < 2
        else draw.source(
            f"""
            {best}, start, {run} = 0, -1, 0
            for {i}, {c} in enumerate({text}):
                {run} = {run} + 1 if {test.of(c)} else 0
                if {run} and {run} {more} {best}:
                    {best}, start = {run}, {i} - {run} + 1
            return start
            """,
        )
    )

    def slow(s: str) -> str | int:
        good = [(low, part) for low, part in stretches(s) if all(map(test.call, part))]
        if not good:
            return (0, "", -1)[asked]
        longest = max(len(part) for _, part in good)
        low, part = [each for each in good if len(each[1]) == longest][-1 if last and asked else 0]
        return (len(part), part, low)[asked]

    tie = "the last" if last else "the first"
    what = ("the length of", "", "the index of the first letter of")[asked]
    none = ("0", "an empty text", "-1")[asked]
    told = f" If several are equally long, {tie} of them counts." if asked else ""
    return Drawn(
        call=draw.choice(("longest_stretch", "best_run", "unbroken_run", "widest_part")),
        parameters=(Parameter(text, PLAIN),),
        returns="str" if asked == 1 else "int",
        say=draw.say(
            f"Return {what} the longest run of neighbouring letters in `{text}` that are all {test.words}.{told} "
            f"Return {none} if there is no such letter.",
            f"Return {what} the longest part of `{text}` without a gap whose letters are {test.words}, or {none} if no "
            f"letter is of that kind.{told}",
            f"Among the unbroken runs of letters in `{text}` that are {test.words}, find the longest, and return "
            f"{what} that run ({none} where there is none).{told}",
        )
        .replace("return  ", "return ")
        .replace("Return  ", "Return "),
        body=body,
        oracle=slow,
        prelude="from itertools import groupby" if "groupby" in body else "",
        idea=draw.say("A run of the right letters ends at every other letter; the longest one that is met decides."),
        contracts=(f"len(result) <= len({text})",) if asked == 1 else (f"-1 <= result <= len({text})",),
        difficulty=3 if asked == 2 else 2,
    )


@family("strings", 2, 3)
def shorten_runs(draw: Draw) -> Drawn:
    """Runs of one letter are cut to a length, dropped, or written with their length."""
    way, k = draw.integer(0, 3), draw.integer(2, 3)
    edge = draw.choice(("-", "", "", ".", "/"))
    text, c, run = draw.name("text", "s", "letters"), draw.name("c", "letter"), draw.name("run", "group", "block")
    out, n = draw.name("out", "made", "parts"), draw.name("n", "size", "length")
    new = (f"{c} * min({n}, {k})", f"{c} * {n}", f"{c} + str({n})", f"{c} * ({n} % {k})")[way]
    keeps = f" if {n} {'<' if draw.chance() else '>='} {k}" if way == 1 else f" if {n} % {k}" if way == 3 else ""
    below = "<" in keeps
    body = draw.source(
        f"""
        {out} = []
        i = 0
        while i < len({text}):
            {c}, j = {text}[i], i
            while j < len({text}) and {text}[j] == {c}:
                j += 1
            {n} = j - i
            $line
            i = j
        return "{edge}".join({out})
        """,
        f"""
        {out} = []
        for {c}, {run} in groupby({text}):
            {n} = len(list({run}))
            $line
        return "{edge}".join({out})
        """,
        line=f"{keeps.strip()}:\n    {out}.append({new})" if keeps else f"{out}.append({new})",
    )
    words = (
        f"shortened to its first {k} letters if it is longer",
        f"kept if it has {'fewer than' if below else 'at least'} {k} letters and dropped otherwise",
        "replaced by its letter followed by its length",
        f"shortened to as many letters as its length leaves when divided by {k} (a run that leaves none is dropped)",
    )[way]

    def slow(s: str) -> str:
        cuts = [0, *[at for at in range(1, len(s)) if s[at] != s[at - 1]], len(s)] if s else []
        parts = [s[a:b] for a, b in pairwise(cuts)]
        if way == 1:
            return edge.join(part for part in parts if (part[k - 1 :] == "") == below)
        if way == 3:
            return edge.join(
                part[: len(part) - len(part) // k * k]
                for part in parts
                if len(part) not in (k, 2 * k, 3 * k, 4 * k, 5 * k)
            )
        return edge.join(part[:k] if way == 0 else f"{part[0]}{len(part)}" for part in parts)

    glue = (
        f'What is left of the runs is joined with "{edge}".'
        if edge
        else "What is left of the runs is joined without a sign."
    )
    return Drawn(
        call=draw.choice(("shorten_runs", "treat_runs", "squeeze", "rewrite_runs")),
        parameters=(Parameter(text, FEW),),
        returns="str",
        say=draw.say(
            f"Cut `{text}` into runs of equal neighbouring letters, as long as possible. Each run is {words}. {glue} "
            "Return the text that comes out.",
            f"Return what becomes of `{text}` when every maximal run of one and the same letter is {words}. {glue}",
            f"In `{text}`, equal letters that stand side by side form a run. Return a new text in which each whole "
            f"run is {words}. {glue}",
        ),
        body=body,
        oracle=slow,
        prelude="from itertools import groupby" if "groupby" in body else "",
        idea=draw.say(
            "Each run of equal letters is treated as a whole; its letter and its length are all that is "
            "needed for its new form."
        ),
        contracts=(f"all(c in {text} for c in result if c in 'abcd')",),
        difficulty=3 if way == 3 else 2,
    )


@family("strings", 3)
def vanishing_neighbours(draw: Draw) -> Drawn:
    """Neighbours of a drawn kind vanish until none are left, from left to right."""
    kind, asked = draw.integer(0, 2), draw.integer(0, 2)
    text, c, stack = draw.name("text", "s", "row"), draw.name("c", "letter", "ch"), draw.name("stack", "left", "kept")
    one, two = draw.choice((("a", "b"), ("b", "d"), ("c", "a"), ("d", "c"), ("a", "d")))
    meets = (
        f"{stack}[-1] == {c}",
        f'{stack}[-1] == "{one}" and {c} == "{two}"',
        f"abs(ord({stack}[-1]) - ord({c})) == 1",
    )[kind]
    differs = meets.replace("==", "!=").replace("and", "or")
    end = (f'"".join({stack})', f"len({stack})", "removed")[asked]
    count = ("", "", "\n    removed += 1")[asked]
    zero = ("", "", "\nremoved = 0")[asked]
    body = draw.source(
        f"""
        {stack} = []$zero
        for {c} in {text}:
            if {stack} and {meets}:
                {stack}.pop()$count
            else:
                {stack}.append({c})
        return {end}
        """,
        f"""
        {stack} = []$zero
        for {c} in {text}:
            if not {stack} or {differs}:
                {stack}.append({c})
                continue
            {stack}.pop()$tally
        return {end}
        """,
        zero=zero,
        count=count.replace("    ", "", 1),
        tally=count.replace("    ", "", 1),
    )

    def slow(s: str) -> str | int:
        pairs = [a + b for a in "abcd" for b in "abcd"]
        gone = [p for p in pairs if (p[0] == p[1], p == one + two, p in "abcd" or p[::-1] in "abcd")[kind]]
        now = s
        while found := [at for at in range(len(now)) if now[at : at + 2] in gone]:
            now = now[: found[0]] + now[found[0] + 2 :]
        return (now, len(now), (len(s) - len(now)) // 2)[asked]

    pair = (
        "two equal letters",
        f'the letters "{one}" and "{two}" in this order',
        "two letters that are neighbours in the alphabet, in either order,",
    )[kind]
    what = (
        "what is left in the end",
        "the number of letters that are left in the end",
        "the number of pairs that were removed",
    )[asked]
    return Drawn(
        call=draw.choice(("vanish_pairs", "collapse", "cancel_neighbours", "dissolve")),
        parameters=(Parameter(text, FEW),),
        returns="int" if asked else "str",
        say=draw.say(
            f"As long as {pair} stand side by side in `{text}`, the leftmost such pair is removed and the rest "
            f"closes up. Return {what}.",
            f"Return {what} when, again and again, the leftmost place in `{text}` at which {pair} stand next to each "
            "other loses both letters, until there is no such place.",
            f"Remove from `{text}` the leftmost pair of neighbours that are {pair.rstrip(',')}, close the gap, and "
            f"repeat until no such pair is left. Return {what}.",
        ).replace("order, stand", "order, stand"),
        body=body,
        oracle=slow,
        idea="Keep the letters that are left so far on a stack; a new letter either cancels the one on top or is put "
        "on it.",
        contracts=(f"len(result) <= len({text})",) if not asked else (f"0 <= result <= len({text})",),
        difficulty=3,
    )


@family("strings", 3)
def best_window(draw: Draw) -> Drawn:
    """The window of a width with the most or the fewest letters that pass a test."""
    test, fewest, last, asked = letter_test(draw), draw.chance(), draw.chance(), draw.integer(0, 2)
    text, width = draw.name("text", "s", "letters"), draw.name("width", "size", "k")
    i, count, best = draw.name("i", "at"), draw.name("count", "inside", "good"), draw.name("best", "top", "record")
    better = ("<" if fewest else ">") + ("=" if last and asked else "")
    mark, c = draw.name("mark", "flags", "marks"), draw.name("c", "letter")
    answer = (best, f"{text}[start : start + {width}]", "start")[asked]
    none = ("-1", '""', "-1")[asked]
    body = draw.source(
        f"""
        if len({text}) < {width}:
            return {none}
        {mark} = [{test.of(c)} for {c} in {text}]
        {count} = sum({mark}[:{width}])
        {best}, start = {count}, 0
        for {i} in range(1, len({text}) - {width} + 1):
            {count} += {mark}[{i} + {width} - 1] - {mark}[{i} - 1]
            if {count} {better} {best}:
                {best}, start = {count}, {i}
        return {answer}
        """,
        f"""
        if {width} > len({text}):
            return {none}
        sums = [0]
        for {c} in {text}:
            sums.append(sums[-1] + (1 if {test.of(c)} else 0))
        {best}, start = sums[{width}], 0
        for {i} in range(1, len({text}) - {width} + 1):
            {count} = sums[{i} + {width}] - sums[{i}]
            if {count} {better} {best}:
                {best}, start = {count}, {i}
        return {answer}
        """,
    )
    if not asked:
        body = re.sub(f"{best}, start = (.*), .*", rf"{best} = \1", body)

    def slow(s: str, k: int) -> str | int:
        windows = [(len(list(filter(test.call, part))), low, part) for low, part in stretches(s) if len(part) == k]
        if not windows:
            return ("", "", -1)[asked] if asked else -1
        ranked = sorted(windows, key=lambda w: (w[0] if fewest else -w[0], -w[1] if last else w[1]))
        return (ranked[0][0], ranked[0][2], ranked[0][1])[asked]

    most = "fewest" if fewest else "most"
    what = ("this number of letters", "the window itself", "the index at which the window starts")[asked]
    tie = f" If several windows are equally good, take the {'last' if last else 'first'}." if asked else ""
    short = ("-1", "an empty text", "-1")[asked]
    return Drawn(
        call=draw.choice(("best_window", "richest_window", "pick_window", "window_of_letters")),
        parameters=(Parameter(text, PLAIN), Parameter(width, SMALL)),
        returns="str" if asked == 1 else "int",
        say=draw.say(
            f"Of all windows of `{width}` neighbouring letters in `{text}`, take the one with the {most} letters "
            f"that are {test.words}. Return {what}.{tie} If `{text}` is shorter than `{width}`, return {short}.",
            f"Slide a window of `{width}` letters over `{text}` and count in each position the letters that are "
            f"{test.words}. Find the position with the {most} of them and return {what}.{tie} Return {short} if the "
            "window does not fit.",
            f"Find the part of `{text}` that is `{width}` letters long and has the {most} letters that are "
            f"{test.words}. Return {what}, or {short} if `{text}` has fewer than `{width}` letters.{tie}",
        ),
        body=body,
        oracle=slow,
        idea=draw.say("Windows that start one place apart share all but two letters, so no count has to be made anew."),
        contracts=(f"len(result) in (0, {width})",) if asked == 1 else (f"-1 <= result <= len({text})",),
        difficulty=3,
    )


@family("strings", 3, 4)
def longest_with_few_kinds(draw: Draw) -> Drawn:
    """The longest stretch in which a letter, or the number of different letters, is bounded."""
    kind, k, whole = draw.integer(0, 2), draw.integer(1, 3), draw.chance()
    k = max(k, 2) if kind == 1 else k
    text, counts = draw.name("text", "s", "letters"), draw.name("counts", "seen", "inside")
    low, high = draw.name("low", "left", "start"), draw.name("high", "right", "end")
    best, test = draw.name("best", "longest"), few_test(draw)
    c = draw.name("c", "letter", "ch")
    too_many = (f"{counts}[{c}] > {k}", f"len({counts}) > {k}", f"{counts} > {k}")[kind]
    leave = f"{counts}[{text}[{low}]] -= 1"
    if kind == 1:
        leave += f"\nif {counts}[{text}[{low}]] == 0:\n    del {counts}[{text}[{low}]]"
    elif kind == 2:
        leave = f"if {test.of(f'{text}[{low}]')}:\n    {counts} -= 1"
    enter = f"if {test.of(c)}:\n    {counts} += 1" if kind == 2 else f"{counts}[{c}] = {counts}.get({c}, 0) + 1"
    keep = f"{text}[{low} : {high} + 1]" if whole else f"{high} + 1 - {low}"
    body = draw.source(
        f"""
        {best} = {'""' if whole else 0}
        {counts} = {"0" if kind == 2 else "{}"}
        {low} = 0
        for {high}, {c} in enumerate({text}):
            $enter
            while {too_many}:
                $leave
                {low} += 1
            $take
        return {best}
        """,
        enter=enter,
        leave=leave,
        take=f"if {high} + 1 - {low} > len({best}):\n    {best} = {keep}"
        if whole
        else draw.choice((f"{best} = max({best}, {keep})", f"if {keep} > {best}:\n    {best} = {keep}")),
    )

    def slow(s: str) -> str | int:
        def fits(part: str) -> bool:
            if kind == 0:
                return all(part.count(each) <= k for each in part)
            return (len(set(part)) if kind == 1 else len(list(filter(test.call, part)))) <= k

        found = sorted((part for _, part in stretches(s) if fits(part)), key=len, reverse=True)
        return (found[0] if found else "") if whole else len(found[0]) if found else 0

    most = "once" if k == 1 else "twice" if k == 2 else f"{k} times"
    words = (
        f"no letter occurs more than {most}",
        f"at most {k} different letters occur",
        f"at most {k} of the letters {'is' if k == 1 else 'are'} {test.words}",
    )[kind]
    what = "the longest stretch" if whole else "the length of the longest stretch"
    tie = " If several are equally long, it is the leftmost." if whole else ""
    none = "an empty text" if whole else "0"
    return Drawn(
        call=draw.choice(("longest_bounded", "longest_allowed", "widest_stretch", "stretch_within_limit")),
        parameters=(Parameter(text, FEW),),
        returns="str" if whole else "int",
        say=draw.say(
            f"Return {what} of neighbouring letters in `{text}` in which {words}.{tie} For an empty `{text}` return "
            f"{none}.",
            f"Call a stretch of `{text}` allowed if in it {words}. Return {what} that is allowed ({none} if there is "
            f"none).{tie}",
            f"Look at all contiguous parts of `{text}`, and return {what} such that {words}.{tie} Return {none} if "
            "no letter can be taken.",
        ),
        body=body,
        oracle=slow,
        idea="Move the right end of a window forward letter by letter, and pull its left end along whenever the window "
        "breaks the limit; each letter enters and leaves at most once.",
        contracts=(f"{'len(result)' if whole else 'result'} <= len({text})",),
        difficulty=4 if kind == 1 else 3,
    )


@family("strings", 3)
def different_parts(draw: Draw) -> Drawn:
    """The different stretches of one length: their number, those that recur, or the first in the alphabet."""
    asked, width = draw.integer(0, 3), draw.integer(1, 3)
    least = draw.integer(2, 3)
    text, seen, i = (
        draw.name("text", "s", "sequence"),
        draw.name("seen", "counts", "parts"),
        draw.name("i", "at", "start"),
    )
    part = draw.name("part", "piece", "chunk")
    end = (
        f"return len({seen})",
        f"return sorted({part} for {part} in {seen} if {seen}[{part}] >= {least})",
        f"return sum(1 for {part} in {seen} if {seen}[{part}] == 1)",
        f'return min({seen}, key=lambda {part}: (-{seen}[{part}], {part}), default="")',
    )[asked]
    body = draw.source(
        f"""
        {seen} = {{}}
        for {i} in range(len({text}) - {width - 1}):
            {part} = {text}[{i} : {i} + {width}]
            {seen}[{part}] = {seen}.get({part}, 0) + 1
        {end}
        """,
        f"""
        {seen} = Counter({text}[{i} : {i} + {width}] for {i} in range(len({text}) - {width - 1}))
        {end}
        """,
        f"""
        {seen} = defaultdict(int)
        for {i} in range({width}, len({text}) + 1):
            {seen}[{text}[{i} - {width} : {i}]] += 1
        {end}
        """,
    )

    def slow(s: str) -> int | str | list[str]:
        every = [p for _, p in stretches(s, width) if len(p) == width]
        kinds = list(dict.fromkeys(every))
        if asked == 3:
            return sorted(kinds, key=lambda p: (len(every) - every.count(p), p))[0] if kinds else ""
        return (
            len(kinds),
            sorted(p for p in kinds if every.count(p) >= least),
            len([p for p in kinds if every.count(p) < 2]),
            "",
        )[asked]

    letters = "one letter" if width == 1 else f"{width} letters"
    what = (
        "how many different ones there are",
        f"those that occur at least {least} times, each once and in alphabetical order",
        "how many of them occur only once",
        "the one that occurs most often (the first in the alphabet among equally frequent ones, an empty text if there "
        "is none)",
    )[asked]
    return Drawn(
        call=draw.choice(("parts_of_width", "count_parts", "short_parts", "look_at_parts")),
        parameters=(Parameter(text, FEW),),
        returns=("int", "list[str]", "int", "str")[asked],
        say=draw.say(
            f"Consider every stretch of {letters} in `{text}`; stretches may overlap. Return {what}.",
            f"Read off all parts of `{text}` that are exactly {letters} long, one starting at each index where that "
            f"many letters follow. Return {what}.",
            f"Take the stretches of {letters} that stand side by side in `{text}`, also those that overlap, and return "
            f"{what}.",
        ),
        body=body,
        oracle=slow,
        prelude="from collections import Counter"
        if "Counter" in body
        else "from collections import defaultdict"
        if "default" in body
        else "",
        idea="Cut out the stretch at every index and count it in a table; the table answers the question.",
        contracts=(f"all(p in {text} for p in result)",) if asked == 1 else (),
        difficulty=3,
    )
