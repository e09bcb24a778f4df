"""Two texts against each other, and a text against itself: occurrences, periods, overlaps, mirrors."""

from __future__ import annotations

from itertools import combinations, pairwise

from titrant.synthesize.generator.domains import Texts
from titrant.synthesize.generator.draw import Draw
from titrant.synthesize.generator.families.strings.runs import stretches
from titrant.synthesize.generator.families.text_pieces import FEW, SMALL
from titrant.synthesize.generator.family import Drawn, Parameter, family

TWO = Texts("ab", 0, 10)
THREE = Texts("abc", 0, 8)
SHORT = Texts("ab", 1, 3)


@family("strings", 2)
def occurrences_of_a_text(draw: Draw) -> Drawn:
    """Where one text occurs in another: overlapping or not, how often, where, or what is between."""
    overlap, asked = draw.chance(), draw.integer(0, 3)
    text, part = draw.name("text", "s", "long"), draw.name("part", "pattern", "wanted")
    i, found = draw.name("i", "at", "start"), draw.name("found", "hits", "places")
    end = (
        f"return len({found})",
        f"return {found}",
        f"return {found}[-1] if {found} else -1",
        f"return [b - a for a, b in zip({found}, {found}[1:])]",
    )[asked]
    free = "" if overlap else f" and (not {found} or {i} >= {found}[-1] + len({part}))"
    step = "1" if overlap else f"len({part})"
    body = draw.source(
        f"""
        {found} = []
        {i} = {text}.find({part})
        while {i} != -1:
            {found}.append({i})
            {i} = {text}.find({part}, {i} + {step})
        {end}
        """,
        f"""
        {found} = []
        {i} = 0
        while {i} + len({part}) <= len({text}):
            if {text}[{i} : {i} + len({part})] == {part}:
                {found}.append({i})
                {i} += {step}
            else:
                {i} += 1
        {end}
        """,
        f"""
        {found} = []
        for {i} in range(len({text})):
            if {text}.startswith({part}, {i}){free}:
                {found}.append({i})
        {end}
        """,
    )

    def slow(s: str, p: str) -> int | list[int]:
        if overlap:
            places = [low for low, each in stretches(s) if each == p]
        else:
            cut = s.split(p)
            places = [sum(map(len, cut[:n])) + (n - 1) * len(p) for n in range(1, len(cut))]
        return (len(places), places, [-1, *places][-1], [y - x for x, y in pairwise(places)])[asked]

    how = (
        "Occurrences may overlap"
        if overlap
        else "Search from the left; an occurrence begins only after the one before it has ended"
    )
    what = (
        "the number of occurrences",
        "the indices at which they begin, as an ascending list",
        "the index at which the last one begins (-1 if there is none)",
        "the distances between the beginnings of consecutive ones, as a list",
    )[asked]
    return Drawn(
        call=draw.choice(("occurrences", "find_part", "search_text", "look_for")),
        parameters=(Parameter(text, TWO), Parameter(part, SHORT)),
        returns="list[int]" if asked in (1, 3) else "int",
        say=draw.say(
            f"Find the occurrences of `{part}` in `{text}` and return {what}. {how}.",
            f"Let an occurrence be a place of `{text}` at which `{part}` stands, and return {what}. {how}.",
            f"Search `{text}` for `{part}`. {how}. Return {what}.",
        ),
        body=body,
        oracle=slow,
        idea=draw.say(
            f"Look for the wanted text at every index{'' if overlap else ' that no earlier hit covers'}, and note "
            "where it stands."
        ),
        contracts=(f"all(0 <= at < len({text}) for at in result)",) if asked == 1 else (),
        difficulty=2,
    )


@family("strings", 2, 3)
def letters_in_order(draw: Draw) -> Drawn:
    """Whether, how far or where one text can be read off another by leaving letters out."""
    asked, back = draw.integer(0, 3), draw.chance()
    text, part = draw.name("text", "s", "source"), draw.name("part", "wanted", "word")
    i, c, places = draw.name("i", "at", "index"), draw.name("c", "letter"), draw.name("places", "found", "used")
    walk = f"range(len({text}) - 1, -1, -1)" if back else f"range(len({text}))"
    wanted = f"{part}[-1 - len({places})]" if back else f"{part}[len({places})]"
    ordered = f"{places}[::-1]" if back else places
    end = (
        f"return len({places}) == len({part})",
        f"return len({places})",
        f"return {ordered} if len({places}) == len({part}) else []",
        f'return "".join({c} for {i}, {c} in enumerate({text}) if {i} not in {places})',
    )[asked]
    body = draw.source(
        f"""
        {places} = []
        for {i} in {walk}:
            if len({places}) < len({part}) and {text}[{i}] == {wanted}:
                {places}.append({i})
        {end}
        """,
        f"""
        {places} = []
        {i} = {f"len({text})" if back else "-1"}
        for {c} in {f"reversed({part})" if back else part}:
            {i} = {f"{text}.rfind({c}, 0, {i})" if back else f"{text}.find({c}, {i} + 1)"}
            if {i} == -1:
                break
            {places}.append({i})
        {end}
        """,
    )

    def slow(s: str, p: str) -> bool | int | str | list[int]:
        wholes = list(range(len(p), -1, -1))
        for n in wholes:
            ways = [
                w
                for w in combinations(range(len(s)), n)
                if [s[at] for at in w] == list(p[len(p) - n :] if back else p[:n])
            ]
            if ways:
                best = max(ways, key=lambda w: w[::-1]) if back else min(ways)
                rest = "".join(s[at] for at in range(len(s)) if at not in set(best))
                return (n == len(p), n, [*best] if n == len(p) else [], rest)[asked]
        raise AssertionError

    way = (
        "from its last letter back to its first, each as far right as possible"
        if back
        else "from its first letter to its last, each as far left as possible"
    )
    side = "left of" if back else "right of"
    what = (
        "whether all letters find a place",
        "how many letters find a place before the first one that does not",
        "the ascending list of indices that are used, or an empty list if some letter finds no place",
        "the letters that no letter takes, in their order; those that found a place before the search failed count "
        "as taken",
    )[asked]
    what = what.replace("no letter takes", f"are not taken in `{text}`") if asked == 3 else what
    return Drawn(
        call=draw.choice(("read_in_order", "match_in_order", "pick_letters", "embed")),
        parameters=(Parameter(text, THREE), Parameter(part, Texts("abc", 1, 4))),
        returns=("bool", "int", "list[int]", "str")[asked],
        say=draw.say(
            f"Give the letters of `{part}` places in `{text}`, {way}: a letter takes a place where the same letter "
            f"stands, {side} the place taken before. Return {what}.",
            f"Try to find the letters of `{part}` in `{text}`, {way}, every one strictly {side} the one found before "
            f"it. Return {what}.",
            f"Match the letters of `{part}` with equal letters in `{text}`, {way}. Each match must lie {side} the "
            f"previous match; the matching ends with the first letter that cannot be matched. Return {what}.",
        ),
        body=body,
        oracle=slow,
        idea="Taking the nearest possible place for each letter leaves the most room for those that follow.",
        contracts=(f"0 <= result <= len({part})",) if asked == 1 else (),
        difficulty=2 if asked < 2 else 3,
    )


@family("strings", 4)
def smallest_covering_window(draw: Draw) -> Drawn:
    """The shortest stretch that holds certain letters often enough."""
    one, two, three = draw.sample("abcd", 3)
    needs = {one: draw.integer(1, 2), two: draw.integer(1, 2)} | ({three: 1} if draw.chance() else {})
    whole, last = draw.chance(), draw.chance(0.3)
    text, need = draw.name("text", "s", "letters"), draw.name("need", "wanted", "required")
    low, high, best = (
        draw.name("low", "left", "start"),
        draw.name("high", "right", "end"),
        draw.name("best", "shortest"),
    )
    missing, c, have = draw.name("missing", "lacking"), draw.name("c", "letter"), draw.name("have", "inside", "counts")
    table = "{" + ", ".join(f'"{k}": {v}' for k, v in needs.items()) + "}"
    better = f"{high} + 1 - {low} {'<=' if last and whole else '<'} len({best})"
    body = draw.source(
        f"""
        {need}, {missing} = {table}, {sum(needs.values())}
        {low}, {best} = 0, None
        for {high}, {c} in enumerate({text}):
            if {need}.get({c}, 0) > 0:
                {missing} -= 1
            {need}[{c}] = {need}.get({c}, 0) - 1
            while {missing} == 0:
                if {best} is None or {better}:
                    {best} = {text}[{low} : {high} + 1]
                {need}[{text}[{low}]] += 1
                if {need}[{text}[{low}]] > 0:
                    {missing} += 1
                {low} += 1
        return {f'{best} or ""' if whole else f"len({best}) if {best} else 0"}
        """,
        f"""
        {need} = {table}
        {have} = Counter()
        {low}, {best} = 0, None
        for {high}, {c} in enumerate({text}):
            {have}[{c}] += 1
            while all({have}[{c}] >= count for {c}, count in {need}.items()):
                if {best} is None or {better}:
                    {best} = {text}[{low} : {high} + 1]
                {have}[{text}[{low}]] -= 1
                {low} += 1
        return {f'{best} or ""' if whole else f"len({best}) if {best} else 0"}
        """,
    )

    def slow(s: str) -> str | int:
        good = [part for _, part in stretches(s) if all(part.count(k) >= v for k, v in needs.items())]
        least = min(map(len, good), default=0)
        good = [part for part in good if len(part) == least] or [""]
        return good[-1 if last else 0] if whole else least

    wants = " and ".join(f'{("one", "two")[v - 1]} "{k}"' for k, v in needs.items())
    what = "the shortest stretch" if whole else "the length of the shortest stretch"
    none = "an empty text" if whole else "0"
    tie = f" Of several that are equally short, it is the {'last' if last else 'first'}." if whole else ""
    return Drawn(
        call=draw.choice(("shortest_cover", "covering_window", "least_window", "window_with_all")),
        parameters=(Parameter(text, Texts("abcd", 0, 14)),),
        returns="str" if whole else "int",
        say=draw.say(
            f"Return {what} of neighbouring letters in `{text}` that holds at least {wants}, or {none} if there is "
            f"none.{tie}",
            f"Call a part of `{text}` without gaps complete when it has at least {wants}. Return {what} that is "
            f"complete.{tie} Return {none} where nothing is complete.",
            f"Find out which contiguous parts of `{text}` contain at least {wants}, and return {what} among "
            f"them.{tie} If there are none, return {none}.",
        ),
        body=body,
        oracle=slow,
        prelude="from collections import Counter" if "Counter" in body else "",
        idea="Widen the window to the right until it holds all that is asked for, then narrow it from the left as "
        "long as it still does, and keep the shortest window met on the way.",
        contracts=(f"result in {text}",) if whole else (f"0 <= result <= len({text})",),
        difficulty=4,
    )


@family("strings", 4)
def best_text_by_dropping(draw: Draw) -> Drawn:
    """The first or last text in the alphabet that is left when letters are dropped."""
    largest, keep = draw.chance(), draw.chance()
    text, k = draw.name("text", "s", "letters"), draw.name("k", "count", "number")
    c, stack = draw.name("c", "letter"), draw.name("stack", "kept", "chosen")
    drops = draw.name("drops", "spare", "left")
    sign = "<" if largest else ">"
    total = f"max(0, len({text}) - {k})" if keep else f"min({k}, len({text}))"
    i, pick = draw.name("i", "at"), draw.name("pick", "best")
    extreme = "max" if largest else "min"
    body = draw.source(
        f"""
        {drops} = {total}
        size = len({text}) - {drops}
        {stack} = []
        for {c} in {text}:
            while {stack} and {drops} > 0 and {stack}[-1] {sign} {c}:
                {stack}.pop()
                {drops} -= 1
            {stack}.append({c})
        return "".join({stack}[:size])
        """,
        f"""
        {drops} = {total}
        {stack} = []
        {i} = 0
        for _ in range(len({text}) - {drops}):
            {pick} = {extreme}({text}[{i} : {i} + {drops} + 1])
            skipped = {text}.index({pick}, {i}) - {i}
            {stack}.append({pick})
            {drops} -= skipped
            {i} += skipped + 1
        return "".join({stack})
        """,
    )

    def slow(s: str, n: int) -> str:
        size = min(n, len(s)) if keep else max(0, len(s) - n)
        left = sorted("".join(chosen) for chosen in combinations(s, size))
        return left[-1 if largest else 0]

    way = "last" if largest else "first"
    does = f"keep exactly `{k}` letters of `{text}`" if keep else f"drop exactly `{k}` letters from `{text}`"
    few = (
        f"If `{text}` has fewer letters than that, all are kept."
        if keep
        else f"If `{text}` has fewer letters than that, nothing is left."
    )
    return Drawn(
        call=draw.choice(("best_rest", "choose_letters", "extreme_text", "drop_for_order")),
        parameters=(Parameter(text, FEW), Parameter(k, SMALL)),
        returns="str",
        say=draw.say(
            f"From all texts that can come out if you {does} and leave the others in their order, return the one "
            f"that is {way} in alphabetical order. {few}",
            f"Return the alphabetically {way} text that can be made in this way: {does}, without changing the "
            f"order of what stays. {few}",
            f"Choose which letters go: {does}, and let the rest keep its order. Return the {way} possible result in "
            f"alphabetical order. {few}",
        ),
        body=body,
        oracle=slow,
        idea=draw.say(
            f"What comes first matters most: as long as drops are left, a {'larger' if largest else 'smaller'} "
            "letter comes forward past those before it."
        ),
        contracts=(f"len(result) <= len({text})",) + ((f"len(result) == min({k}, len({text}))",) if keep else ()),
        difficulty=4,
    )
