"""Numbers in texts: found, written in strange digits, letters or units, and put back into words."""

from __future__ import annotations

from random import Random

from titrant.synthesize.generator.domains import Integers, Made, Texts
from titrant.synthesize.generator.draw import Draw
from titrant.synthesize.generator.families.text_pieces import fitting_test, numbers_end, type_of
from titrant.synthesize.generator.family import Drawn, Parameter, family
from titrant.synthesize.generator.pieces import number_change


def _notes(random: Random) -> str:
    parts = [str(random.randint(0, 9 if random.random() < 0.5 else 60)) for _ in range(random.randint(0, 5))]
    marks = [random.choice(("a", "kg ", "-", " - ", "x", ", ", "b-", ": ", " -")) for _ in range(len(parts) + 1)]
    return "".join(mark + part for mark, part in zip(marks, [*parts, ""], strict=True))


def _amounts(random: Random) -> str:
    return " ".join(f"{random.randint(0, 12)}{random.choice('xyz')}" for _ in range(random.randint(0, 5)))


NOTES = Made("notes with numbers", "str", _notes)
AMOUNTS = Made("amounts in units x, y and z", "str", _amounts)
SYMBOLS = Texts("pqrst", 1, 6)
MANY = Integers(0, 400)


@family("parsing", 2, 3)
def numbers_in_notes(draw: Draw) -> Drawn:
    """All numbers that stand in a text, with or without signs; those that pass a test are changed and put together."""
    signed, test, change, end = draw.chance(), fitting_test(draw, 0, 30), number_change(draw), numbers_end(draw)
    text, n, found = draw.name("text", "note", "s"), draw.name("n", "number", "value"), draw.name("found", "numbers")
    pattern = r'r"-?\d+"' if signed else r'r"\d+"'
    c, digits = draw.name("c", "char"), draw.name("digits", "current", "run")
    sign = f'{digits} = "-" if {c} == "-" else ""' if signed else f'{digits} = ""'
    body = draw.source(
        f"""
        {found} = [int(part) for part in re.findall({pattern}, {text})]
        {found} = [{change.of(n)} for {n} in {found} if {test.of(n)}]
        return {end.of(found)}
        """,
        f"""
        {found} = []
        {digits} = ""
        for {c} in {text} + " ":
            if {c}.isdigit():
                {digits} += {c}
                continue
            if {digits}[-1:].isdigit():
                {n} = int({digits})
                if {test.of(n)}:
                    {found}.append({change.of(n)})
            {sign}
        return {end.of(found)}
        """,
    )

    def slow(s: str) -> int | list[int]:
        values, at = [], 0
        while at < len(s):
            size = next((k for k in range(len(s) - at, 0, -1) if all("0" <= c <= "9" for c in s[at : at + k])), 0)
            if size:
                value = sum((ord(c) - 48) * 10**k for k, c in enumerate(reversed(s[at : at + size])))
                values.append(-value if signed and s[:at].endswith("-") else value)
            at += max(size, 1)
        result: int | list[int] = end.call([change.call(v) for v in values if test.call(v)])
        return result

    minus = "a minus sign directly before a number belongs to it" if signed else "minus signs have no meaning"
    return Drawn(
        call=draw.choice(("numbers_in", "read_numbers", "scan_note", "collect_numbers")),
        parameters=(Parameter(text, NOTES),),
        returns=type_of(end),
        say=draw.say(
            f"Find the whole numbers in `{text}`, each an unbroken run of digits as long as possible; {minus}. Of "
            f"those that are {test.words}, take {change.words} each. Return {end.words}.",
            f"Read `{text}`: every longest run of digits is a number, and {minus}. Drop the numbers that are not "
            f"{test.words}, and replace each of the others by {change.words}. Return {end.words}.",
            f"Collect from the text `{text}` its numbers, that is, longest runs of digits; {minus}. Keep the numbers "
            f"that are {test.words}, let each become {change.words}, and return {end.words}.",
        ),
        body=body,
        oracle=slow,
        prelude="import re" if "re.findall" in body else "",
        idea=("A number ends where something else than a digit follows; each one is read, tested and changed."),
        difficulty=3 if signed else 2,
    )


@family("parsing", 2)
def amounts_in_units(draw: Draw) -> Drawn:
    """Amounts such as `3x 12y` in one unit, whose units have drawn worths."""
    small, middle, large = draw.integer(1, 5), draw.integer(6, 15), draw.integer(16, 60)
    letters = draw.sample("xyz", 3)
    worth = dict(zip(letters, (small, middle, large), strict=True))
    once, asked = draw.chance(0.4), draw.integer(0, 2)
    text, part, total = (
        draw.name("text", "amount", "s"),
        draw.name("part", "item", "piece"),
        draw.name("total", "result"),
    )
    table, seen = draw.name("worth", "units", "values"), draw.name("seen", "given", "latest")
    dictionary = "{" + ", ".join(f'"{k}": {worth[k]}' for k in "xyz") + "}"
    end = (total, f"divmod({total}, {large})", f"max(0, {total} - {middle})")[asked]
    body = draw.source(
        f"""
        {table} = {dictionary}
        {seen} = {{}}
        for {part} in {text}.split():
            {seen}[{part}[-1]] = int({part}[:-1])
        {total} = sum(count * {table}[unit] for unit, count in {seen}.items())
        return {end}
        """
        if once
        else f"""
        {table} = {dictionary}
        {total} = 0
        for {part} in {text}.split():
            {total} += int({part}[:-1]) * {table}[{part}[-1]]
        return {end}
        """,
        f"""
        {table} = {dictionary}
        {seen} = dict(reversed(pair) for pair in re.findall(r"(\\d+)([xyz])", {text}))
        {total} = sum({table}[unit] * int({seen}[unit]) for unit in {seen})
        return {end}
        """
        if once
        else f"""
        {table} = {dictionary}
        {total} = sum({table}[unit] * int(count) for count, unit in re.findall(r"(\\d+)([xyz])", {text}))
        return {end}
        """,
    )

    def slow(s: str) -> int | tuple[int, int]:
        whole = 0
        for unit in "xyz":
            counts = [int(each.rstrip(unit)) for each in f"{s}".split(" ") if each.endswith(unit)]
            whole += sum([worth[unit]] * sum(counts[-1:] if once else counts))
        quotient = len(range(large, whole + 1, large))
        return (whole, (quotient, whole - quotient * large), whole - middle if whole > middle else 0)[asked]

    rates = ", ".join(f'{worth[k]} for "{k}"' for k in "xyz")
    last = "If a unit occurs more than once, only its last amount counts"
    twice = last if once else "A unit may occur more than once; all its amounts count"
    what = (
        "the total worth",
        f"a pair: how many whole times {large} the total worth holds, and what remains of it",
        f"the total worth less {middle}, but never less than 0",
    )[asked]
    return Drawn(
        call=draw.choice(("total_worth", "read_amounts", "add_amounts", "worth_of")),
        parameters=(Parameter(text, AMOUNTS),),
        returns="tuple[int, int]" if asked == 1 else "int",
        say=draw.say(
            f"Read `{text}`, a list of amounts separated by blanks, each a whole number directly followed by its "
            f"unit. One unit is worth {rates}. {twice}. Return {what}.",
            f"Look at the amounts in `{text}`. They are separated by blanks and consist of a number and a letter for "
            f"the unit; the worth of a unit is {rates}. {twice}. Return {what}.",
            f"Add up the amounts in `{text}` (such as 3x or 12z, with blanks between them), where a unit is worth "
            f"{rates}. {twice}. Return {what}; an empty text has a worth of 0.",
        ),
        body=body,
        oracle=slow,
        prelude="import re" if "re.findall" in body else "",
        idea="Each part is a number and a letter: look up what the letter is worth, multiply, and add.",
        contracts=("result >= 0",) if asked != 1 else (),
        difficulty=2,
    )


@family("parsing", 2)
def amount_to_units(draw: Draw) -> Drawn:
    """A number written with the largest units first, in a drawn style."""
    first, second = draw.integer(3, 12), draw.integer(2, 9)
    glue, zeros = draw.choice((" ", "", "+", ", ")), draw.integer(0, 2)
    one, two, three = draw.sample("abcdhkmpuw", 3)
    number, parts = draw.name("number", "amount", "total"), draw.name("parts", "out", "pieces")
    rest, unit = draw.name("rest", "left"), draw.name("unit", "letter", "mark")
    keep = ("if count:", f"if count or {parts}:", "if count > 0:")[zeros]
    none = f"0{three}"
    body = draw.source(
        f"""
        {parts} = []
        {rest} = {number}
        for size, {unit} in (({first * second}, "{one}"), ({second}, "{two}"), (1, "{three}")):
            count, {rest} = divmod({rest}, size)
            {keep}
                {parts}.append(f"{{count}}{{{unit}}}")
        return "{glue}".join({parts}) or "{none}"
        """,
        f"""
        {rest} = {number} % {first * second}
        counts = [{number} // {first * second}, {rest} // {second}, {rest} % {second}]
        {parts} = []
        for count, {unit} in zip(counts, "{one}{two}{three}"):
            {keep}
                {parts}.append(str(count) + {unit})
        return "{glue}".join({parts}) if {parts} else "{none}"
        """,
    )

    def slow(n: int) -> str:
        ways = [(a, b, c) for a in range(n // (first * second) + 1) for b in range(first) for c in range(second)]
        counts = next(way for way in ways if way[0] * first * second + way[1] * second + way[2] == n)
        shown = [f"{count}{mark}" for count, mark in zip(counts, (one, two, three), strict=True)]
        while shown and shown[0][0] == "0":
            shown = shown[1:]
        if zeros != 1:
            shown = [each for each in shown if each[0] != "0"]
        return glue.join(shown) or none

    later = "Units before the first one of which there is at least one are left out, later ones are always written"
    omitted = later if zeros == 1 else "Units of which there are none are left out"
    between = {" ": "a blank", "": "nothing", "+": 'a "+"', ", ": "a comma and a blank"}[glue]
    return Drawn(
        call=draw.choice(("to_units", "write_amount", "in_units", "spell_amount")),
        parameters=(Parameter(number, MANY),),
        returns="str",
        say=draw.say(
            f'Write `{number}` in units: one "{one}" is {first} "{two}", one "{two}" is {second} "{three}", and '
            f'"{three}" is the unit in which the number is given. Use as many as possible of a larger unit before a '
            f"smaller one. Each count is followed directly by its unit, with {between} in between the parts. "
            f'{omitted}; 0 is "{none}". Return the text.',
            f'Return `{number}`, which counts "{three}", as a text in mixed units. {second} "{three}" make one '
            f'"{two}", and {first} "{two}" make one "{one}". The largest unit comes first and takes as much as it '
            f"can, then the next; count and unit stand together, with {between} between parts. {omitted}. For 0 the "
            f'text is "{none}".',
            f'Split `{number}` into units of {first * second} ("{one}"), {second} ("{two}") and 1 ("{three}"), as '
            f"many of the larger ones as possible, and return a text of counts with their units, {between} between "
            f'them. {omitted}. The text for 0 is "{none}".',
        ),
        body=body,
        oracle=slow,
        idea="Divide by the size of the largest unit, go on with the remainder and the next unit, and join the parts "
        "that are to be shown.",
        difficulty=2,
    )


@family("parsing", 2, 3)
def strange_digits(draw: Draw) -> Drawn:
    """Letters are digits of a number in some base, perhaps with negative digits or the smallest digit first."""
    order = "".join(draw.sample("pqrst", 5))
    low, first, fold = draw.choice((0, 0, -2, -1, 1)), draw.chance(0.3), draw.integer(0, 2)
    base = draw.integer(5, 9)
    text, c, total = (
        draw.name("text", "numeral", "s"),
        draw.name("c", "letter", "symbol"),
        draw.name("total", "value", "result"),
    )
    digit = f'"{order}".index({c})' + (f" + {low}" if low > 0 else f" - {-low}" if low else "")
    modulus = draw.integer(50, 99)
    end = (total, f"{total} % {modulus}", f"abs({total})")[fold]
    walk = f"reversed({text})" if first else text
    place, up = draw.name("place", "weight", "power"), text if first else f"reversed({text})"
    table = "{" + ", ".join(f'"{letter}": {low + n}' for n, letter in enumerate(order)) + "}"
    body = draw.source(
        f"""
        {total} = 0
        for {c} in {walk}:
            {total} = {total} * {base} + {digit}
        return {end}
        """,
        f"""
        {total}, {place} = 0, 1
        for {c} in {up}:
            {total} += {place} * ({digit})
            {place} *= {base}
        return {end}
        """,
        f"""
        digits = {table}
        {total} = sum(digits[{c}] * {base} ** {place} for {place}, {c} in enumerate({up}))
        return {end}
        """,
    )

    def slow(s: str) -> int:
        value = 0
        for at, each in enumerate(s):
            exponent = at if first else len(s) - 1 - at
            value += (low + len(order.split(each)[0])) * pow(base, exponent)
        return (value, value - value // modulus * modulus, max(value, -value))[fold]

    digits = ", ".join(f'"{letter}" is {low + n}' for n, letter in enumerate(order))
    way = "the first letter belongs to the smallest power" if first else "the last letter belongs to the smallest power"
    what = ("the number", f"its remainder modulo {modulus} (never negative)", "its absolute value")[fold]
    return Drawn(
        call=draw.choice(("read_numeral", "decode_number", "value_of_letters", "from_letters")),
        parameters=(Parameter(text, SYMBOLS),),
        returns="int",
        say=draw.say(
            f"Read `{text}` as a number in base {base} whose digits are letters: {digits}. As to the order, {way}. "
            f"Return {what}.",
            f"Let each letter of `{text}` be a digit ({digits}) that is multiplied by a power of {base}, and add these "
            f"products to a number; {way}, which is 1. Return {what}.",
            f"Return {what} for the number that `{text}` writes in base {base}. Its digits are letters: {digits}; "
            f"{way}.",
        ),
        body=body,
        oracle=slow,
        idea=draw.say("Each letter stands for a digit, and a digit is worth its value times a power of the base."),
        contracts=(f"0 <= result < {modulus}",) if fold == 1 else (),
        difficulty=3 if low or first else 2,
    )


@family("parsing", 3)
def letters_with_values(draw: Draw) -> Drawn:
    """Numerals in which a letter before a greater one is taken away, or multiplies it."""
    values = dict(zip("pqrst", sorted(draw.sample(range(1, 31), 5)), strict=True))
    if draw.chance(0.3):
        values = dict(zip(values, reversed(values.values()), strict=True))
    rule, same = draw.integer(0, 2), draw.integer(0, 1)
    text, c, total = (
        draw.name("text", "numeral", "s"),
        draw.name("c", "letter", "symbol"),
        draw.name("total", "result", "amount"),
    )
    table, last, value = (
        draw.name("values", "worth", "table"),
        draw.name("last", "after", "following"),
        draw.name("value", "own"),
    )
    i = draw.name("i", "at")
    dictionary = "{" + ", ".join(f'"{k}": {v}' for k, v in values.items()) + "}"
    small = f"{value} {'<=' if same else '<'} {last}"
    does = (f"{total} -= {value}", f"{total} += 2 * {value}", f"{total} = max({total} - {value}, 0)")[rule]
    body = draw.source(
        f"""
        {table} = {dictionary}
        {total} = {last} = 0
        for {c} in reversed({text}):
            {value} = {table}[{c}]
            if {small}:
                {does}
            else:
                {total} += {value}
            {last} = {value}
        return {total}
        """,
        f"""
        {table} = [{dictionary}[{c}] for {c} in {text}]
        {total} = 0
        for {i} in range(len({table}) - 1, -1, -1):
            {value} = {table}[{i}]
            {last} = {table}[{i} + 1] if {i} + 1 < len({table}) else 0
            if {small}:
                {does}
            else:
                {total} += {value}
        return {total}
        """,
    )

    def slow(s: str) -> int:
        if not s:
            return 0
        rest, own = slow(s[1:]), values[s[0]]
        weak = len(s) > 1 and (own < values[s[1]] or (same == 1 and own == values[s[1]]))
        return rest + own if not weak else (rest - own, rest + own + own, rest - own if rest > own else 0)[rule]

    worth = ", ".join(f'"{k}" is {v}' for k, v in values.items())
    least = f"is {'not greater' if same else 'less'} than that of the letter right after it"
    act = (
        "is taken away instead of added",
        "counts twice",
        "is taken away instead of added, but the sum never falls below 0: it becomes 0 then",
    )[rule]
    return Drawn(
        call=draw.choice(("read_letters", "numeral_value", "letter_sum", "evaluate_numeral")),
        parameters=(Parameter(text, SYMBOLS),),
        returns="int",
        say=draw.say(
            f"Take these values of letters: {worth}. Read `{text}` from its last letter to its first and add up the "
            f"values, starting at 0. A letter whose value {least} {act}. Return the sum.",
            f"Return the number that `{text}` stands for. Going from right to left, the values of the letters are "
            f"added up, where {worth}; but a value that {least.replace('that of', 'the value of')} {act}.",
            f"Add up the values of the letters of `{text}`, beginning with the last one: {worth}. There is one "
            f"exception: if the value of a letter {least}, it {act}. Return what comes out.",
        ),
        body=body,
        oracle=slow,
        idea="Read from the right and remember the value seen last, so that each letter needs to be compared only "
        "with its neighbour.",
        difficulty=3,
    )
