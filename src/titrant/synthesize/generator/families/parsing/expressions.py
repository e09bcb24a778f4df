"""Expressions whose signs have drawn meanings: from left to right, by rank, postfix, prefix, nested, with names."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from random import Random

from titrant.synthesize.generator.domains import Made
from titrant.synthesize.generator.draw import Draw
from titrant.synthesize.generator.family import Drawn, Parameter, family

Operation = tuple[str, str, Callable[[int, int], int]]
OPERATIONS: tuple[Operation, ...] = (
    ("the sum of both", "$a + $b", lambda a, b: a - -b),
    ("the left minus the right", "$a - $b", lambda a, b: -(b - a)),
    ("the right minus the left", "$b - $a", lambda a, b: -(a - b)),
    ("the product of both", "$a * $b", lambda a, b: sum([a] * b) if b >= 0 else -sum([a] * -b)),
    ("the greater of both", "max($a, $b)", lambda a, b: sorted((a, b))[1]),
    ("the smaller of both", "min($a, $b)", lambda a, b: sorted((a, b))[0]),
    ("the distance between both", "abs($a - $b)", lambda a, b: max(a, b) - min(a, b)),
    ("twice the left plus the right", "2 * $a + $b", lambda a, b: a + b + a),
    ("the left plus twice the right", "$a + 2 * $b", lambda a, b: b + a + b),
    ("the left minus twice the right", "$a - 2 * $b", lambda a, b: a - b - b),
    ("the sum of both plus 1", "$a + $b + 1", lambda a, b: sum((a, 1, b))),
    ("three times the left minus the right", "3 * $a - $b", lambda a, b: a + a + a - b),
)
SIGNS = "#@&"


def _flat(random: Random) -> str:
    text = str(random.randint(0, 12))
    for _ in range(random.randint(0, 5)):
        text += random.choice(SIGNS) + str(random.randint(0, 12))
    return text


def _nested(random: Random, depth: int = 3) -> str:
    if depth == 0 or random.random() < 0.3:
        return str(random.randint(0, 9))
    inner = random.choice(SIGNS).join((_nested(random, depth - 1), _nested(random, depth - 1)))
    return f"({inner})" if random.random() < 0.5 else inner


def _postfix(random: Random, depth: int = 3) -> str:
    if depth == 0 or random.random() < 0.25:
        return str(random.randint(0, 9))
    return f"{_postfix(random, depth - 1)} {_postfix(random, depth - 1)} {random.choice(SIGNS)}"


def _prefix(random: Random, depth: int = 3) -> str:
    if depth == 0 or random.random() < 0.25:
        return str(random.randint(0, 9))
    return f"{random.choice(SIGNS)} {_prefix(random, depth - 1)} {_prefix(random, depth - 1)}"


FLAT = Made("signs between numbers", "str", _flat)
NESTED = Made("signs, numbers and brackets", "str", _nested)
POSTFIX = Made("numbers before signs", "str", _postfix)
PREFIX = Made("signs before numbers", "str", _prefix)


def meanings(operations: Sequence[Operation]) -> str:
    """What each sign stands for, in words."""
    parts = [f'"{sign}" gives {words}' for sign, (words, _, _) in zip(SIGNS, operations, strict=True)]
    return f"{parts[0]}, {parts[1]}, and {parts[2]}"


def helper(name: str, operations: Sequence[Operation]) -> str:
    """A function that applies a sign to two numbers."""
    one, two, three = (source.replace("$a", "a").replace("$b", "b") for _, source, _ in operations)
    return (
        f'def {name}(sign, a, b):\n    if sign == "{SIGNS[0]}":\n        return {one}\n    if sign == "{SIGNS[1]}":\n'
        f"        return {two}\n    return {three}"
    )


def table(operations: Sequence[Operation]) -> str:
    """A dictionary of functions of two numbers by sign."""
    sources = (source.replace("$a", "a").replace("$b", "b") for _, source, _ in operations)
    lines = [f'    "{sign}": lambda a, b: {source},' for sign, source in zip(SIGNS, sources, strict=True)]
    return "\n".join(["OPERATIONS = {", *lines, "}"])


def applied(operations: Sequence[Operation], sign: str, a: int, b: int) -> int:
    """The result of a sign for two numbers."""
    return operations[SIGNS.index(sign)][2](a, b)


def rank_table(ranks: Sequence[int]) -> str:
    """The ranks of the signs as a dictionary."""
    return "{" + ", ".join(f'"{sign}": {rank}' for sign, rank in zip(SIGNS, ranks, strict=True)) + "}"


def rank_words(ranks: Sequence[int]) -> str:
    """Which signs come before which."""
    order = sorted(set(ranks), reverse=True)
    groups = [" and ".join(f'"{sign}"' for sign, r in zip(SIGNS, ranks, strict=True) if r == each) for each in order]
    return f"{groups[0]} before {', before '.join(groups[1:])}"


def split_at(text: str, ranks: Sequence[int], right: bool = False) -> int:
    """Where the sign stands that is applied last in an expression with brackets; -1 if there is none."""
    outside = [at for at, c in enumerate(text) if c in SIGNS and text[:at].count("(") == text[:at].count(")")]
    if not outside:
        return -1
    least = min(ranks[SIGNS.index(text[at])] for at in outside)
    return [at for at in outside if ranks[SIGNS.index(text[at])] == least][0 if right else -1]


@family("parsing", 2)
def signs_from_left_to_right(draw: Draw) -> Drawn:
    """Signs between numbers are applied from the left or from the right, without ranks."""
    operations, right = draw.sample(OPERATIONS, 3), draw.chance(0.4)
    text, value = draw.name("text", "expression", "line"), draw.name("value", "result", "total")
    numbers, signs, n = draw.name("numbers", "values"), draw.name("signs", "marks"), draw.name("n", "number")
    apply, sign = draw.name("apply", "combine", "join"), draw.name("sign", "mark")
    order = f"{apply}({sign}, {n}, {value})" if right else f"{apply}({sign}, {value}, {n})"
    lookup = f"OPERATIONS[{sign}]({n}, {value})" if right else f"OPERATIONS[{sign}]({value}, {n})"
    by_table = draw.chance()
    walk = f"zip({signs}[::-1], {numbers}[-2::-1])" if right else f"zip({signs}, {numbers}[1:])"
    body = draw.source(
        f"""
        {numbers} = [int({n}) for {n} in re.findall(r"\\d+", {text})]
        {signs} = re.findall(r"[{SIGNS}]", {text})
        {value} = {numbers}[{-1 if right else 0}]
        for {sign}, {n} in {walk}:
            {value} = {lookup if by_table else order}
        return {value}
        """,
        f"""
        parts = re.split(r"([{SIGNS}])", {text})
        {value} = int(parts[{-1 if right else 0}])
        for i in {"range(len(parts) - 2, 0, -2)" if right else "range(1, len(parts), 2)"}:
            {sign}, {n} = parts[i], int(parts[i {"- 1" if right else "+ 1"}])
            {value} = {lookup if by_table else order}
        return {value}
        """,
    )

    def slow(s: str) -> int:
        cut = [at for at, c in enumerate(s) if c in SIGNS]
        if not cut:
            return int(s)
        at = cut[0 if right else -1]
        return applied(operations, s[at], slow(s[:at]), slow(s[at + 1 :]))

    side = "right" if right else "left"
    return Drawn(
        call=draw.choice(("evaluate", "apply_signs", "run_line", "work_out")),
        parameters=(Parameter(text, FLAT),),
        returns="int",
        say=draw.say(
            f"Evaluate `{text}`, whole numbers with one sign between each two. All signs have the same rank and are "
            f"applied from the {side}: {meanings(operations)}, where left and right are the two values that it "
            "joins. Return the value.",
            f"Return the value of `{text}`, in which numbers and signs alternate. A sign joins what stands on its "
            f"left and on its right: {meanings(operations)}. The {side}most sign comes first, its result takes its "
            "place, and so on.",
            f"Work out `{text}` starting with the {side}most sign, and going on with the result as the new "
            f"{side}most number. The signs stand between whole numbers and mean: {meanings(operations)}. Return the "
            "number that is left.",
        ),
        body=body,
        oracle=slow,
        prelude="import re\n\n"
        + ("" if by_table else "\n")
        + (table(operations) if by_table else helper(apply, operations)),
        idea=f"Separate numbers and signs, begin with the {side}most number, and apply one sign after the other to "
        "the value so far.",
        difficulty=2,
    )


@family("parsing", 4, 5)
def signs_with_ranks(draw: Draw) -> Drawn:
    """Signs with drawn ranks and brackets: descent by rank, or two stacks."""
    operations, ranks = (
        draw.sample(OPERATIONS, 3),
        draw.choice(((1, 2, 3), (1, 1, 2), (2, 1, 1), (3, 1, 2), (1, 2, 1), (2, 1, 3))),
    )
    text, apply = draw.name("text", "expression", "formula"), draw.name("apply", "combine")
    tokens, values, waiting = (
        draw.name("tokens", "parts"),
        draw.name("values", "numbers"),
        draw.name("waiting", "signs", "stack"),
    )
    token, left = draw.name("token", "part", "t"), draw.name("left", "value")
    rank = rank_table(ranks)
    stacks = f"""
        {tokens} = re.findall(r"\\d+|[{SIGNS}()]", {text})
        {values}, {waiting} = [], []
        for {token} in [*{tokens}, ")"]:
            if {token}.isdigit():
                {values}.append(int({token}))
            elif {token} == "(":
                {waiting}.append({token})
            else:
                while {waiting} and {waiting}[-1] != "(" and RANK.get({token}, 0) <= RANK[{waiting}[-1]]:
                    b, a = {values}.pop(), {values}.pop()
                    {values}.append({apply}({waiting}.pop(), a, b))
                if {token} != ")":
                    {waiting}.append({token})
                elif {waiting}:
                    {waiting}.pop()
        return {values}[0]
        """
    descent = f"""
        {tokens} = deque(re.findall(r"\\d+|[{SIGNS}()]", {text}))

        def climb(least):
            {token} = {tokens}.popleft()
            if {token} == "(":
                {left} = climb(1)
                {tokens}.popleft()
            else:
                {left} = int({token})
            while {tokens} and RANK.get({tokens}[0], 0) >= least:
                sign = {tokens}.popleft()
                {left} = {apply}(sign, {left}, climb(RANK[sign] + 1))
            return {left}

        return climb(1)
        """
    body = draw.source(stacks, descent)

    def slow(s: str) -> int:
        at = split_at(s, ranks)
        if at >= 0:
            return applied(operations, s[at], slow(s[:at]), slow(s[at + 1 :]))
        return slow(s[1:-1]) if s[0] == "(" else int(s)

    first = rank_words(ranks)
    imports = "import re\nfrom collections import deque" if "deque" in body else "import re"
    return Drawn(
        call=draw.choice(("evaluate", "value_of", "calculate", "compute")),
        parameters=(Parameter(text, NESTED),),
        returns="int",
        say=draw.say(
            f"Evaluate `{text}`, an expression of whole numbers, signs and round brackets. Of the two values that a "
            f"sign joins, {meanings(operations)}. Brackets come first; then {first}; signs of the same rank from "
            "left to right. Return the value.",
            f"Return the value of the expression `{text}`. It has numbers, brackets and three signs between values: "
            f"{meanings(operations)}. Without brackets, apply {first}, and equal ranks from the left.",
            f"Compute what `{text}` stands for. Its signs join the value on their left with the one on their right: "
            f"{meanings(operations)}. Apply {first}, those of one rank from left to right, but what is in brackets "
            "before anything outside.",
        ),
        body=body,
        oracle=slow,
        prelude=f"{imports}\n\nRANK = {rank}\n\n\n{helper(apply, operations)}",
        idea="A sign must wait as long as a sign of higher rank follows it.",
        difficulty=5 if max(ranks) == 3 else 4,
    )


@family("parsing", 3)
def values_before_signs(draw: Draw) -> Drawn:
    """Postfix expressions: the value, the greatest value on the way, or the height of the stack."""
    operations, asked = draw.sample(OPERATIONS, 3), draw.integer(0, 2)
    text, apply, stack = (
        draw.name("text", "program", "line"),
        draw.name("apply", "combine"),
        draw.name("stack", "values"),
    )
    token, best = draw.name("token", "part", "word"), draw.name("best", "record", "top")
    by_table = draw.chance()
    made = f"OPERATIONS[{token}](a, b)" if by_table else f"{apply}({token}, a, b)"
    note = ("$nothing", f"{best} = max({best}, {stack}[-1])", f"{best} = max({best}, len({stack}))")[asked]
    body = draw.source(
        f"""
        {stack} = []
        {"$nothing" if not asked else f"{best} = {'-10**9' if asked == 1 else 0}"}
        for {token} in {text}.split():
            if {token}.isdigit():
                {stack}.append(int({token}))
            else:
                b, a = {stack}.pop(), {stack}.pop()
                {stack}.append({made})
            $note
        return {best if asked else f"{stack}[0]"}
        """.replace("$nothing", "$start"),
        f"""
        {stack} = []
        {"$nothing" if not asked else f"{best} = {'-10**9' if asked == 1 else 0}"}
        for {token} in {text}.split():
            if {token} in "{SIGNS}":
                *{stack}, a, b = {stack}
                {stack}.append({made})
            else:
                {stack}.append(int({token}))
            $note
        return {best if asked else f"{stack}[0]"}
        """.replace("$nothing", "$start"),
        note=note,
        start="$nothing",
    )
    body = re.sub(r"\n *\$nothing", "", body)

    def slow(s: str) -> int:
        parts: list[str | int] = [int(each) if each.isdigit() else each for each in s.split()]
        seen = [each for each in parts if isinstance(each, int)]
        depth = max(sum(1 if isinstance(p, int) else -1 for p in parts[: n + 1]) for n in range(len(parts)))
        while len(parts) > 1:
            at = next(n for n, each in enumerate(parts) if isinstance(each, str))
            a, sign, b = parts[at - 2], str(parts[at]), parts[at - 1]
            parts[at - 2 : at + 1] = [applied(operations, sign, int(a), int(b))]
            seen.append(int(parts[at - 2]))
        return (int(parts[0]), max(seen), depth)[asked]

    what = (
        "the value that is left in the end",
        "the greatest of all values that are ever put on the stack",
        "the greatest number of values that are on the stack at one time, looking after each part",
    )[asked]
    return Drawn(
        call=draw.choice(("run_postfix", "stack_machine", "evaluate_parts", "execute_line")),
        parameters=(Parameter(text, POSTFIX),),
        returns="int",
        say=draw.say(
            f"Read the parts of `{text}`, separated by blanks, from left to right with a stack. A number is put on "
            "the stack. A sign takes off the two topmost values, the lower one being the left and the upper one the "
            f"right, and puts its result on: {meanings(operations)}. Return {what}.",
            f"Return {what}, when `{text}` is worked off part by part (blanks between parts): numbers go on a stack, "
            f"and a sign replaces the last two values, left and right, by one. Here {meanings(operations)}.",
            f"Let `{text}` be an expression in which each sign stands behind its two values, with blanks between all "
            f"parts; {meanings(operations)}. Evaluate it with a stack, on which the right value lies above the left "
            f"one, and return {what}.",
        ),
        body=body,
        oracle=slow,
        prelude=table(operations) if by_table else helper(apply, operations),
        idea="Numbers wait on a stack; a sign takes the last two of them and puts its result back.",
        difficulty=3,
    )


@family("parsing", 3, 4)
def signs_before_values(draw: Draw) -> Drawn:
    """Prefix expressions: their value, or the same in brackets, or behind their values."""
    operations, asked = draw.sample(OPERATIONS, 3), draw.choice((0, 0, 1, 2))
    left, right = draw.choice((("(", ")"), ("[", "]"), ("<", ">")))
    text, apply = draw.name("text", "line", "expression"), draw.name("apply", "combine")
    token, stack, a, b = (
        draw.name("token", "part"),
        draw.name("stack", "done"),
        draw.name("a", "first"),
        draw.name("b", "second"),
    )
    made = (
        f"{apply}({token}, {a}, {b})",
        f'f"{left}{{{a}}}{{{token}}}{{{b}}}{right}"',
        f'f"{{{a}}} {{{b}}} {{{token}}}"',
    )[asked]
    leaf = token if asked else f"int({token})"
    body = draw.source(
        f"""
        {stack} = []
        for {token} in reversed({text}.split()):
            if {token}.isdigit():
                {stack}.append({leaf})
            else:
                {a}, {b} = {stack}.pop(), {stack}.pop()
                {stack}.append({made})
        return {stack}[0]
        """,
        f"""
        {stack} = iter({text}.split())

        def read():
            {token} = next({stack})
            if {token}.isdigit():
                return {leaf}
            {a} = read()
            {b} = read()
            return {made}

        return read()
        """,
    )

    def slow(s: str) -> int | str:
        parts, texts = s.split(), s.split()
        while len(parts) > 1:
            at = max(n for n, each in enumerate(parts) if each in SIGNS)
            x, y, sign = texts[at + 1], texts[at + 2], parts[at]
            group = (f"{left}{x}{sign}{y}{right}", " ".join((x, y, sign)))
            whole = group[asked - 1] if asked else str(applied(operations, sign, int(x), int(y)))
            parts[at : at + 3], texts[at : at + 3] = ["0"], [whole]
        return texts[0] if asked else int(texts[0])

    words = meanings(operations)
    what = (
        f"the value of `{text}`, where {words}, left being the first of its two values and right the second",
        f'`{text}` in the usual form: each sign between its two values, and around each such group "{left}" and '
        f'"{right}", without blanks',
        f"`{text}` with each sign moved behind its two values, the parts still separated by single blanks",
    )[asked]
    return Drawn(
        call=draw.choice(("read_prefix", "prefix_value", "unfold_prefix", "work_off")),
        parameters=(Parameter(text, PREFIX),),
        returns="str" if asked else "int",
        say=draw.say(
            f"Return {what}. In the text each sign ({', '.join(SIGNS)}) stands before its two values, which are "
            "numbers or such groups themselves; blanks separate the parts.",
            "Let an expression be a number, or a sign followed by two expressions, all separated by blanks; the "
            f"signs are {', '.join(SIGNS)}. Return {what}.",
            f"Take apart an expression in which signs ({', '.join(SIGNS)}) come before the two values that belong to "
            f"them, with blanks between all parts, and return {what}.",
        ),
        body=body,
        oracle=slow,
        prelude="" if asked else helper(apply, operations),
        idea="Let a function read one expression and call itself twice after a sign."
        if "def read" in body
        else "Read from the right with a stack: a sign takes the last two parts and puts one back.",
        difficulty=4 if "def read" in body else 3,
    )
