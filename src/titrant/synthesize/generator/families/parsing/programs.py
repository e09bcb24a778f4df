"""Expressions rewritten, and small languages: truth values, assignments, calls with any number of values."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from random import Random

from titrant.synthesize.generator.domains import Made
from titrant.synthesize.generator.draw import Draw
from titrant.synthesize.generator.families.parsing.expressions import NESTED, SIGNS, rank_table, rank_words, split_at
from titrant.synthesize.generator.family import Drawn, Parameter, family


def _truth(random: Random, depth: int = 3) -> str:
    if depth == 0 or random.random() < 0.25:
        return random.choice(("", "", "!")) + random.choice("pqr")
    inner = random.choice("&|").join((_truth(random, depth - 1), _truth(random, depth - 1)))
    return random.choice(("", "!")) + f"({inner})" if random.random() < 0.5 else inner


def _assignments(random: Random) -> str:
    known: list[str] = []
    lines = []
    for _ in range(random.randint(0, 7)):
        parts = [random.choice([*known, str(random.randint(0, 20))]) for _ in range(random.randint(1, 3))]
        name = random.choice("abcd")
        lines.append(f"{name}={'+'.join(parts)}")
        known.append(name)
    return ";".join(lines)


def _calls(random: Random, depth: int = 3) -> str:
    if depth == 0 or random.random() < 0.3:
        return str(random.randint(0, 15))
    inner = [_calls(random, depth - 1) for _ in range(random.randint(1, 3))]
    return f"({' '.join([random.choice('fgh'), *inner])})"


TRUTH = Made("truth values of p, q and r", "str", _truth)
ASSIGNMENTS = Made("assignments", "str", _assignments)
CALLS = Made("calls of f, g and h", "str", _calls)
FOLDS: tuple[tuple[str, str, Callable[[list[int]], int]], ...] = (
    ("the sum of its values", "sum(values)", lambda v: sum(sorted(v))),
    ("the greatest of its values", "max(values)", lambda v: sorted(v)[-1]),
    ("the smallest of its values", "min(values)", lambda v: sorted(v)[0]),
    ("the number of its values", "len(values)", lambda v: len([*enumerate(v)])),
    ("its first value minus its last", "values[0] - values[-1]", lambda v: -(v[::-1][0] - v[0])),
    ("twice its first value", "2 * values[0]", lambda v: sum(v[:1] * 2)),
    ("its greatest value minus its smallest", "max(values) - min(values)", lambda v: sorted(v)[-1] - sorted(v)[0]),
    ("the sum of its values plus 1", "sum(values) + 1", lambda v: sum([*v, 1])),
    ("its last value", "values[-1]", lambda v: v[::-1][0]),
)


@family("parsing", 5)
def brackets_to_other_form(draw: Draw) -> Drawn:
    """Expressions with ranks and brackets are written with signs behind or before their values."""
    ranks, before = draw.choice(((1, 2, 3), (1, 1, 2), (2, 1, 1), (3, 1, 2), (1, 2, 1), (2, 3, 1))), draw.chance(0.4)
    right, glue = draw.chance(0.4), draw.choice((" ", ",", ";"))
    text, out = draw.name("text", "expression", "formula"), draw.name("out", "done", "parts")
    waiting, token = draw.name("waiting", "stack"), draw.name("token", "part", "t")
    joined = (
        f'{waiting}.pop() + "{glue}" + a + "{glue}" + b' if before else f'a + "{glue}" + b + "{glue}" + {waiting}.pop()'
    )
    body = draw.source(
        f"""
        rank = {rank_table(ranks)}
        {out}, {waiting} = [], []

        def close():
            b, a = {out}.pop(), {out}.pop()
            {out}.append({joined})

        for {token} in re.findall(r"\\d+|[{SIGNS}()]", {text}):
            if {token}.isdigit():
                {out}.append({token})
            elif {token} == "(":
                {waiting}.append({token})
            elif {token} == ")":
                while {waiting}[-1] != "(":
                    close()
                {waiting}.pop()
            else:
                while {waiting} and rank.get({waiting}[-1], 0) {">" if right else ">="} rank[{token}]:
                    close()
                {waiting}.append({token})
        while {waiting}:
            close()
        return {out}[0]
        """
    )

    def slow(s: str) -> str:
        at = split_at(s, ranks, right)
        if at >= 0:
            a, b = slow(s[:at]), slow(s[at + 1 :])
            return glue.join((s[at], a, b) if before else (a, b, s[at]))
        return slow(s[1:-1]) if s[0] == "(" else s

    first, where, side = (
        rank_words(ranks),
        "before" if before else "behind",
        "right to left" if right else "left to right",
    )
    between = {" ": "single blanks", ",": "commas", ";": "semicolons"}[glue]
    return Drawn(
        call=draw.choice(("without_brackets", "reorder_signs", "rewrite_expression", "to_other_form")),
        parameters=(Parameter(text, NESTED),),
        returns="str",
        say=draw.say(
            f"Rewrite the expression `{text}` without brackets, so that each sign stands {where} the two values that "
            f"it joins. As to which values these are: brackets first, then {first}, and signs of one rank from "
            f"{side}. Separate numbers and signs by {between} and return the text.",
            f"Return the expression `{text}` in the form in which signs come {where} their two values and no "
            f"brackets are needed. In `{text}` signs bind by rank, {first}; equal ranks are grouped from {side}; "
            f"brackets go before all. Put {between} between the parts.",
            f"Find out in which groups `{text}` is to be read: brackets bind first, of the signs {first}, and the "
            f"same rank goes from {side}. Then write each group as its two values with the sign {where} them, all "
            f"parts separated by {between}, and return this text.",
        ),
        body=body,
        oracle=slow,
        prelude="import re",
        idea="Signs wait on a stack until one of lower rank, a closing bracket or the end comes; then each takes the "
        "last two finished parts and makes one of them.",
        difficulty=5,
    )


@family("parsing", 4)
def truth_of_a_text(draw: Draw) -> Drawn:
    """Texts of names, not, and, or: their truth for given names, or how often they are true."""
    tight, asked = draw.choice("&|"), draw.integer(0, 2)
    loose = "|" if tight == "&" else "&"
    true = "".join(sorted(draw.sample("pqr", draw.integer(1, 2))))
    text, tokens, read = (
        draw.name("text", "formula", "claim"),
        draw.name("tokens", "rest", "signs"),
        draw.name("names", "true", "facts"),
    )
    names = ('{"' + '", "'.join(true) + '"}', "set(group)", "set(group)")[asked]
    count = "combinations" if asked else ""
    every = 'groups = [group for size in range(4) for group in combinations("pqr", size)]\n'
    value = f"truth({text}, {names})"
    end = (
        f"return {value}",
        f"{every}return sum({value} for group in groups)",
        f"{every}return all({value} for group in groups)",
    )[asked]
    helper = _truth_helper(draw, tokens, read, tight)

    def slow(s: str) -> bool | int:
        rows = list(product((False, True), repeat=3))
        found = [_holds(s, row, tight, loose) for row in rows]
        return (found[rows.index((*("p" in true, "q" in true, "r" in true),))], sum(found), all(found))[asked]

    given = " and ".join(f'"{c}"' for c in true)
    what = (
        f"whether it is true when {given} {'is' if len(true) == 1 else 'are'} true and all other names are false",
        'for how many of the eight ways to make "p", "q" and "r" true or false it is true',
        'whether it is true for all of the eight ways to make "p", "q" and "r" true or false',
    )[asked]
    return Drawn(
        call=draw.choice(("check_claim", "truth_of", "judge_claim", "examine")),
        parameters=(Parameter(text, TRUTH),),
        returns="int" if asked == 1 else "bool",
        say=draw.say(
            f'Read `{text}` as a claim about the names "p", "q" and "r", in which "!" means not, "&" means and, and '
            f'"|" means or. Return {what}. Brackets come first, then "!", then "{tight}", and "{loose}" last.',
            f'Return, for the claim `{text}`, {what}. It is made of the names "p", "q" and "r", round brackets, "!" '
            f'(not), "&" (and) and "|" (or); "!" belongs to what directly follows it, and "{tight}" binds more '
            f'tightly than "{loose}".',
            f'Let `{text}` be built from "p", "q", "r" with "!" for not, "&" for and, "|" for or, and brackets, '
            f'where "{tight}" goes before "{loose}" and "!" before both. Find out {what}, and return the answer.',
        ),
        body=end,
        oracle=slow,
        prelude=("from itertools import combinations\n\n\n" if count else "") + helper,
        idea="Read the text by rank: the sign that binds least joins parts that are read in the same way, down to "
        "single names.",
        difficulty=4,
    )


def _truth_helper(draw: Draw, tokens: str, read: str, tight: str) -> str:
    loose, word = "|" if tight == "&" else "&", {"&": "and", "|": "or"}
    return draw.source(
        f"""
        def truth({tokens}, {read}):
            depth = 0
            for sign in "{loose}{tight}":
                for i in range(len({tokens}) - 1, -1, -1):
                    depth += ({tokens}[i] == ")") - ({tokens}[i] == "(")
                    if {tokens}[i] == sign and depth == 0:
                        left, right = truth({tokens}[:i], {read}), truth({tokens}[i + 1 :], {read})
                        return left and right if sign == "&" else left or right
            if {tokens}[0] == "!":
                return not truth({tokens}[1:], {read})
            return truth({tokens}[1:-1], {read}) if {tokens}[0] == "(" else {tokens} in {read}
        """,
        f"""
        def truth({tokens}, {read}):
            def loosely(i):
                value, i = tightly(i)
                while i < len({tokens}) and {tokens}[i] == "{loose}":
                    other, i = tightly(i + 1)
                    value = value {word[loose]} other
                return value, i

            def tightly(i):
                value, i = single(i)
                while i < len({tokens}) and {tokens}[i] == "{tight}":
                    other, i = single(i + 1)
                    value = value {word[tight]} other
                return value, i

            def single(i):
                if {tokens}[i] == "!":
                    value, i = single(i + 1)
                    return not value, i
                if {tokens}[i] == "(":
                    value, i = loosely(i + 1)
                    return value, i + 1
                return {tokens}[i] in {read}, i + 1

            return loosely(0)[0]
        """,
    )


def _holds(text: str, row: tuple[bool, ...], tight: str, loose: str) -> bool:
    """Whether a claim holds, found by rewriting its text until one letter is left."""
    now = "".join(str(int(row["pqr".index(c)])) if c in "pqr" else c for c in text)
    rules = [("!0", "1"), ("!1", "0"), ("(0)", "0"), ("(1)", "1")]
    for sign in (tight, loose):
        rules += [(f"{a}{sign}{b}", str((min if sign == "&" else max)(a, b))) for a in "01" for b in "01"]
    while len(now) > 1:
        old, new = next((o, n) for o, n in rules if o in now and (o[1:2] != loose or _apart(now, o, tight)))
        at = _apart(now, old, tight) - 1 if old[1:2] == loose else now.index(old)
        now = now[:at] + new + now[at + len(old) :]
    return now == "1"


def _apart(now: str, old: str, tight: str) -> int:
    """One more than the place where this group stands without a tighter sign or a not beside it; 0 if nowhere."""
    for at in range(len(now)):
        if now.startswith(old, at) and now[max(at - 1, 0) : at] not in (tight, "!") and now[at + 3 : at + 4] != tight:
            return at + 1
    return 0


@family("parsing", 3)
def values_after_assignments(draw: Draw) -> Drawn:
    """A program of assignments `a=3;b=a+4` is run; names in it may be found unset."""
    unset, asked, wrap = draw.integer(0, 9), draw.integer(0, 2), draw.integer(20, 60)
    name = draw.choice("abcd")
    text, known, value = (
        draw.name("text", "program", "source"),
        draw.name("known", "variables", "memory"),
        draw.name("value", "total"),
    )
    line, target, part = (
        draw.name("line", "step", "order"),
        draw.name("target", "name"),
        draw.name("part", "term", "word"),
    )
    get = f"int({part}) if {part}.isdigit() else {known}.get({part}, {unset})"
    end = (f'{known}.get("{name}", {unset})', f"sorted({known}.items())", f"max({known}.values(), default={unset})")[
        asked
    ]
    body = draw.source(
        f"""
        {known} = {{}}
        for {line} in {text}.split(";") if {text} else []:
            {target}, right = {line}.split("=")
            {value} = 0
            for {part} in right.split("+"):
                {value} += {get}
            {known}[{target}] = {value} % {wrap}
        return {end}
        """,
        f"""
        {known} = {{}}
        for {target}, right in re.findall(r"(\\w)=([^;]+)", {text}):
            {value} = sum({get} for {part} in right.split("+"))
            {known}[{target}] = {value} % {wrap}
        return {end}
        """,
    )

    def slow(s: str) -> object:
        steps = [each.split("=") for each in s.split(";") if each]

        def look(which: str, before: int) -> int:
            last = [n for n in range(before) if steps[n][0] == which]
            if not last:
                return unset
            total = sum(int(p) if p not in "abcd" else look(p, last[-1]) for p in steps[last[-1]][1].split("+"))
            return total - total // wrap * wrap

        final = {which: look(which, len(steps)) for which, _ in steps}
        return (look(name, len(steps)), sorted(final.items()), sorted([*final.values()] or [unset])[-1])[asked]

    what = (
        f'the value that "{name}" has in the end ({unset} if it was never set)',
        "all names that were set with their values in the end, as pairs in alphabetical order",
        f"the greatest of the values that names have in the end ({unset} if none was set)",
    )[asked]
    return Drawn(
        call=draw.choice(("run_program", "run_assignments", "final_values", "interpret")),
        parameters=(Parameter(text, ASSIGNMENTS),),
        returns="list[tuple[str, int]]" if asked == 1 else "int",
        say=draw.say(
            f'Run the program `{text}`. Its steps, separated by semicolons, look like "a=b+3": a name, "=", and a '
            f"sum of names and whole numbers. A step gives its name the value of the sum modulo {wrap}; a name that "
            f"is not set yet counts as {unset}. Return {what}.",
            f"Return {what}, after the steps of `{text}` have been carried out one after the other. Steps are "
            'separated by ";". Each sets the name on the left of "=" to the sum of the names and numbers on the '
            f"right, reduced modulo {wrap}. Names that have no value yet stand for {unset}.",
            f"Interpret `{text}`, a list of assignments with semicolons between them. On the right of an assignment "
            f'stand names and numbers joined by "+". Unset names are worth {unset}, and every assigned value is '
            f"taken modulo {wrap}. Return {what}.",
        ),
        body=body,
        oracle=slow,
        prelude="import re" if "re.findall" in body else "",
        idea="Keep the present values in a dictionary; for each step add up what stands on the right and store it "
        "under the name on the left.",
        contracts=(f"0 <= result < {wrap}",) if asked != 1 else (),
        difficulty=3,
    )


@family("parsing", 4, 5)
def calls_in_brackets(draw: Draw) -> Drawn:
    """Calls such as `(f 1 (g 2 3))` of three functions with drawn meanings; or how deep or many they are."""
    folds = draw.sample(FOLDS, 3)
    text, tokens, values = (
        draw.name("text", "line", "call"),
        draw.name("tokens", "parts"),
        draw.name("stack", "open_calls"),
    )
    token, value = draw.name("token", "part"), draw.name("result_of", "worth")
    table = "\n".join(f'    "{n}": lambda values: {source},' for n, (_, source, _) in zip("fgh", folds, strict=True))
    prelude = f"FUNCTIONS = {{\n{table}\n}}"
    body = draw.source(
        f"""
        {values} = [[]]
        for {token} in {text}.replace("(", "").replace(")", " )").split():
            if {token} == ")":
                name, *numbers = {values}.pop()
                {value} = FUNCTIONS[name](numbers)
                {values}[-1].append({value})
            elif {token} in FUNCTIONS:
                {values}.append([{token}])
            else:
                {values}[-1].append(int({token}))
        return {values}[0][0]
        """,
        f"""
        {tokens} = iter({text}.replace("(", "").replace(")", " )").split())

        def read({token}):
            if {token} not in FUNCTIONS:
                return int({token})
            numbers = []
            while (following := next({tokens})) != ")":
                numbers.append(read(following))
            return FUNCTIONS[{token}](numbers)

        return read(next({tokens}))
        """,
    )

    def slow(s: str) -> int:
        while "(" in s:
            low = s.rindex("(")
            high = s.index(")", low)
            name, *rest = s[low + 1 : high].split()
            new = folds["fgh".index(name)][2]([int(each) for each in rest])
            s = f"{s[:low]}{new}{s[high + 1 :]}"
        return int(s)

    words = ", ".join(f'"{n}" gives {told}' for n, (told, _, _) in zip("fgh", folds, strict=True))
    return Drawn(
        call=draw.choice(("run_calls", "evaluate_calls", "work_out_calls", "reduce_calls")),
        parameters=(Parameter(text, CALLS),),
        returns="int",
        say=draw.say(
            f"Evaluate `{text}`, which is a whole number or a call: a bracket with a name and one or more values, "
            f"separated by blanks, where a value may be a call itself. Of the names, {words}. Return the value of "
            "the whole.",
            f"Return the value of the whole, where `{text}` is a number or a call such as (f 1 (g 2 3)), in which a "
            f"name comes before its values and blanks separate them. A call of {words}.",
            f"Read the nested calls in `{text}`. After an opening bracket stands a name, then its values, numbers or "
            f"calls, up to the closing bracket. Here {words}. Return the value of the whole; a text that is just a "
            "number has this number as its value.",
        ),
        body=body,
        oracle=slow,
        prelude=prelude,
        idea=(
            "A function reads one call: its name, then its values, each a number or a call that is read in "
            "the same way."
        )
        if "def read" in body
        else (
            "Keep a list of values for every call that is still open; a closing bracket turns the last list "
            "into one value of the list before it."
        ),
        difficulty=5 if "def read" in body else 4,
    )
