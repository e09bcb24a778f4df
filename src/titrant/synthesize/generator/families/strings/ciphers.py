"""Secret writing: letters that are moved along the alphabet, and texts whose letters change places."""

from __future__ import annotations

from titrant.synthesize.generator.domains import LETTERS, Integers, Texts
from titrant.synthesize.generator.draw import Draw
from titrant.synthesize.generator.families.text_pieces import PLAIN, letter_test
from titrant.synthesize.generator.family import Drawn, Parameter, family

ROWS = Integers(1, 5)
KEY = Texts("abcdeilmz", 1, 4)


def place_of(letter: str) -> int:
    """Its place in the alphabet, from 0."""
    return len(LETTERS.split(letter)[0])


@family("strings", 2, 3)
def growing_shift(draw: Draw) -> Drawn:
    """Each letter moves along the alphabet by a step that grows, or changes sign, or starts anew."""
    start, grow, way = draw.integer(0, 9), draw.integer(1, 5), draw.integer(0, 3)
    test = letter_test(draw)
    text, c, out = draw.name("text", "message", "s"), draw.name("c", "letter"), draw.name("out", "secret", "made")
    i, shift = draw.name("i", "at"), draw.name("shift", "step", "offset")
    change = (
        f"{shift} += {grow}",
        f"{shift} = -{shift}",
        f"{shift} = {start} if {test.of(c)} else {shift} + {grow}",
        f"if {test.of(c)}:\n    {shift} += {grow}",
    )[way]
    if way == 1:
        start += 1
    direct = f"{start} + {grow} * {i}" if way == 0 else f"({start} if {i} % 2 == 0 else -{start})"
    body = draw.source(
        f"""
        {out} = []
        {shift} = {start}
        for {c} in {text}:
            {out}.append(chr((ord({c}) - ord("a") + {shift}) % 26 + ord("a")))
            $change
        return "".join({out})
        """,
        f"""
        alphabet = "{LETTERS}"
        {out} = ""
        {shift} = {start}
        for {c} in {text}:
            {out} += alphabet[(alphabet.index({c}) + {shift}) % 26]
            $change
        return {out}
        """
        if way > 1
        else f"""
        {out} = ""
        for {i}, {c} in enumerate({text}):
            {out} += chr((ord({c}) - ord("a") + {direct}) % 26 + ord("a"))
        return {out}
        """,
        change=change,
    )

    def slow(s: str) -> str:
        made = ""
        for at in range(len(s)):
            hits = [n for n in range(at) if test.call(s[n])]
            since = at - 1 - hits[-1] if hits else at
            by = (start + grow * at, start * (-1) ** at, start + grow * since, start + grow * len(hits))[way]
            made += (LETTERS * 9)[104 + place_of(s[at]) + by]
        return made

    rule = (
        f"is {start} for the first letter and grows by {grow} with every letter",
        f"is {start} forwards for the first letter, {start} backwards for the second, forwards again for the third, "
        "and so on",
        f"is {start} for the first letter and grows by {grow} with every letter, but it is {start} again right after "
        f"each of the letters of the message that are {test.words}",
        f"is {start} at first and grows by {grow} right after each of the letters of the message that are {test.words}",
    )[way]
    return Drawn(
        call=draw.choice(("encode", "shift_letters", "hide_message", "moving_shift")),
        parameters=(Parameter(text, PLAIN),),
        returns="str",
        say=draw.say(
            f'Move each letter of `{text}` forwards in the alphabet by a step, going on with "a" after "z". The step '
            f"{rule}. Return the new text.",
            f'Return a secret form of `{text}`, in which every letter is moved along the alphabet ("a" follows "z"). '
            f"By how many places it moves forwards changes on the way: the step {rule}.",
            f'Encode `{text}` letter by letter: replace each by the one a step further in the alphabet, where "a" '
            f'comes after "z". The step {rule}. Return what comes out.',
        ),
        body=body,
        oracle=slow,
        idea=("Count letters from 0 to 25, add the step that holds for the letter, and take the remainder modulo 26."),
        contracts=(f"len(result) == len({text})",),
        difficulty=3 if way > 1 else 2,
    )


@family("strings", 3)
def keyed_alphabet(draw: Draw) -> Drawn:
    """A word puts its letters at the front of the alphabet; texts are written with the new alphabet."""
    back, turned, chosen = draw.chance(), draw.chance(0.4), draw.integer(0, 2)
    text, key = draw.name("text", "message", "s"), draw.name("key", "keyword", "password")
    c, table, letters = draw.name("c", "letter"), draw.name("table", "code"), draw.name("letters", "alphabet", "order")
    rest = (
        "ascii_lowercase",
        "ascii_lowercase[::-1]",
        "ascii_lowercase[13:] + ascii_lowercase[:13]",
    )[chosen]
    front = f"{key}[::-1]" if turned else key
    sides = f"zip({letters}, ascii_lowercase)" if back else f"zip(ascii_lowercase, {letters})"
    both = f"{letters}, ascii_lowercase" if back else f"ascii_lowercase, {letters}"
    one, two = (f"{letters}.index({c})", "ascii_lowercase") if back else (f"ascii_lowercase.index({c})", letters)
    body = draw.source(
        f"""
        {letters} = "".join(dict.fromkeys({front} + {rest}))
        {table} = dict({sides})
        return "".join({table}[{c}] for {c} in {text})
        """,
        f"""
        {letters} = []
        for {c} in {front} + {rest}:
            if {c} not in {letters}:
                {letters}.append({c})
        return "".join({two}[{one}] for {c} in {text})
        """,
        f"""
        {letters} = "".join(dict.fromkeys({front} + {rest}))
        {table} = str.maketrans({both})
        return {text}.translate({table})
        """,
    )

    def slow(s: str, k: str) -> str:
        tail = (LETTERS, "".join(sorted(LETTERS, reverse=True)), "nopqrstuvwxyzabcdefghijklm")[chosen]
        whole = (k[::-1] if turned else k) + tail
        new = [c for at, c in enumerate(whole) if c not in whole[:at]]
        pairs = [(new[at], LETTERS[at]) if back else (LETTERS[at], new[at]) for at in range(26)]
        return "".join(b for c in s for a, b in pairs if a == c)

    first = f"the letters of `{key}` {'from last to first' if turned else 'in their order'}"
    tail = (
        "in alphabetical order",
        "in reverse alphabetical order",
        'in the order from "n" to "z" and then from "a" to "m"',
    )[chosen]
    does = (
        "Each letter of the message is replaced by the letter that has the same place in the secret alphabet as it "
        "has in the usual one."
        if not back
        else "Each letter of the message is replaced by the letter that has the same place in the usual alphabet as it "
        "has in the secret one."
    )
    return Drawn(
        call=draw.choice(("with_key", "keyed_message", "apply_keyword", "secret_alphabet")),
        parameters=(Parameter(text, PLAIN), Parameter(key, KEY)),
        returns="str",
        say=draw.say(
            f"Let a secret alphabet begin with {first}, each once where it first occurs; the letters that are left "
            f"follow {tail}. {does} Return the new form of the message `{text}`.",
            f"Return the message `{text}` rewritten by means of a secret alphabet: {first} (later repetitions "
            f"dropped), and then all other letters {tail}. {does}",
            f"Make a secret alphabet from {first}, without repeating a letter, and put the remaining letters of the "
            f"alphabet behind them {tail}. {does} Return what the message `{text}` becomes.",
        ),
        body=body,
        oracle=slow,
        prelude="from string import ascii_lowercase",
        idea="Write down the key and the alphabet behind it, drop repetitions, and replace letters by their places "
        "in the two alphabets.",
        contracts=(f"len(result) == len({text})",),
        difficulty=3,
    )


@family("strings", 3)
def read_by_columns(draw: Draw) -> Drawn:
    """A text written in rows is read by columns, in a drawn order and direction."""
    order, up, pad = draw.integer(0, 2), draw.integer(0, 2), draw.choice(("", "", ".", "*", "_"))
    text, width = draw.name("text", "message", "s"), draw.name("width", "columns", "k")
    rows, out, j = draw.name("rows", "lines", "table"), draw.name("out", "parts", "made"), draw.name("j", "column")
    columns = (f"range({width})", f"range({width} - 1, -1, -1)", f"[*range(0, {width}, 2), *range(1, {width}, 2)]")[
        order
    ]
    take = (f"{text}[{j}::{width}]", f"{text}[{j}::{width}][::-1]", f"{text}[{j}::{width}][:: -1 if {j} % 2 else 1]")[
        up
    ]
    walk = (rows, f"reversed({rows})", f"({rows}[::-1] if {j} % 2 else {rows})")[up]
    fill = f'{text} += "{pad}" * (-len({text}) % {width})' if pad else ""
    body = draw.source(
        f"""
        $fill
        {out} = []
        for {j} in {columns}:
            {out}.append({take})
        return "".join({out})
        """,
        f"""
        $fill
        {rows} = [{text}[at : at + {width}] for at in range(0, len({text}), {width})]
        {out} = ""
        for {j} in {columns}:
            for row in {walk}:
                if {j} < len(row):
                    {out} += row[{j}]
        return {out}
        """,
        fill=fill or "$none",
    ).replace("$none\n", "")

    def slow(s: str, k: int) -> str:
        while pad and len(s) % k:
            s += pad
        cells = [(at % k, at // k, s[at]) for at in range(len(s))]
        made = ""
        for j in sorted(range(k), key=((lambda j: j), (lambda j: -j), (lambda j: (j % 2, j)))[order]):
            column = [c for at, _, c in sorted(cells, key=lambda cell: cell[1]) if at == j]
            made += "".join(reversed(column) if up == 1 or (up == 2 and j % 2) else column)
        return made

    first = (
        "from left to right",
        "from right to left",
        "first those with an even number and then those with an odd one, counted from 0 at the left",
    )[order]
    way = ("downwards", "upwards", "downwards if its number (from 0 at the left) is even and upwards if it is odd")[up]
    short = (
        f'If the last row is not full, fill it with "{pad}".'
        if pad
        else "If the last row is not full, its missing places are passed over."
    )
    return Drawn(
        call=draw.choice(("read_columns", "by_columns", "column_order", "scramble")),
        parameters=(Parameter(text, PLAIN), Parameter(width, ROWS)),
        returns="str",
        say=draw.say(
            f"Write `{text}` into rows of `{width}` letters. {short} Then read the columns {first}, each {way}. "
            "Return the letters in the order in which they are read.",
            f"Return the letters of `{text}` in another order: they are written row by row into a table with "
            f"`{width}` columns and read column by column, {first}. Each column is read {way}. {short}",
            f"Fill a table of `{width}` columns with `{text}`, row after row. {short} Read it column by column, "
            f"{first}; a column is read {way}. Return the text that comes out.",
        ),
        body=body,
        oracle=slow,
        idea="The letters of one column stand at equal distances in the text, which are the width of a row.",
        contracts=(f"len(result) >= len({text})",),
        difficulty=3,
    )


@family("strings", 3, 4)
def zigzag_rows(draw: Draw) -> Drawn:
    """Letters are dealt to rows that go down and up again, or round; the rows are read one after the other."""
    bounce, turned, glue = draw.chance(0.6), draw.integer(0, 2), draw.choice(("", "", "/", "-", " "))
    text, count = draw.name("text", "message", "s"), draw.name("count", "rails", "height")
    rows, c, i = draw.name("rows", "lines"), draw.name("c", "letter"), draw.name("i", "at")
    move, row = draw.name("move", "step"), draw.name("row", "here")
    order = (rows, f"{rows}[::-1]", f"({row}[::-1] for {row} in {rows})")[turned]
    bounced = (
        f"""
        {rows} = [""] * {count}
        {row}, {move} = 0, 1
        for {c} in {text}:
            {rows}[{row}] += {c}
            if not 0 <= {row} + {move} < {count}:
                {move} = -{move}
            if {count} > 1:
                {row} += {move}
        return "{glue}".join({order})
        """,
        f"""
        {rows} = [""] * {count}
        {move} = max(1, 2 * {count} - 2)
        for {i}, {c} in enumerate({text}):
            {row} = {i} % {move}
            {rows}[min({row}, {move} - {row})] += {c}
        return "{glue}".join({order})
        """,
    )
    doubled = (
        f"""
        {rows} = [""] * {count}
        for {i}, {c} in enumerate({text}):
            {row} = {i} % (2 * {count})
            {rows}[{row} if {row} < {count} else 2 * {count} - 1 - {row}] += {c}
        return "{glue}".join({order})
        """,
        f"""
        {rows} = [""] * {count}
        {move} = [*range({count}), *reversed(range({count}))]
        for {c}, {row} in zip({text}, cycle({move})):
            {rows}[{row}] += {c}
        return "{glue}".join({order})
        """,
    )
    body = draw.source(*(bounced if bounce else doubled))

    def slow(s: str, n: int) -> str:
        down = list(range(n))
        path = down + ([r for r in down[::-1] if 0 < r < n - 1] if bounce else down[::-1])
        path = path * (len(s) + 1)
        made = ["".join(c for c, r in zip(s, path, strict=False) if r == each) for each in down]
        return glue.join(made[::-1] if turned == 1 else ["".join(reversed(m)) for m in made] if turned == 2 else made)

    turn = "one letter" if bounce else "two letters in succession"
    way = "down to the last row, up again to the first, and so on, where the first and the last row get "
    way += f"{turn} at each turn"
    read = ("from the first to the last", "from the last to the first", "from the first to the last, each backwards,")[
        turned
    ]
    glued = f'with "{glue}" between rows' if glue else "with nothing between rows"
    return Drawn(
        call=draw.choice(("zigzag", "deal_to_rows", "fence", "wave_rows")),
        parameters=(Parameter(text, PLAIN), Parameter(count, ROWS)),
        returns="str",
        say=draw.say(
            f"Deal the letters of `{text}` one by one to `{count}` rows: {way}. Return the rows read {read} and "
            f"joined {glued}.",
            f"Return what is read when the letters of `{text}` are written along a zigzag over `{count}` rows, "
            f"{way}. The rows are read {read} and joined {glued}. Rows may be empty.",
            f"Walk over `{count}` rows and put the next letter of `{text}` at the end of the row where you are: "
            f"{way}. Then read the rows {read} and join them {glued}. Return the result.",
        ),
        body=body,
        oracle=slow,
        prelude="from itertools import cycle" if "cycle" in body else "",
        idea="The row of a letter depends on its index alone and repeats with a fixed period; each row collects its "
        "letters.",
        contracts=(f"len(result) >= len({text})",),
        difficulty=4 if bounce else 3,
    )


@family("strings", 3)
def shift_by_a_key(draw: Draw) -> Drawn:
    """The letters of a key, used again and again, say how far each letter moves."""
    sign, base, skip = draw.choice((1, -1)), draw.integer(0, 1), draw.chance(0.7)
    test = letter_test(draw)
    text, key = draw.name("text", "message", "s"), draw.name("key", "keyword", "steps")
    c, out, used = draw.name("c", "letter"), draw.name("out", "secret"), draw.name("used", "turn", "k")
    shift = draw.name("shift", "by")
    number = f'ord({key}[{used} % len({key})]) - ord("a")' + (" + 1" if base else "")
    moved = f'chr((ord({c}) - ord("a") {"+" if sign > 0 else "-"} {shift}) % 26 + ord("a"))'
    body = draw.source(
        f"""
        {out}, {used} = "", 0
        for {c} in {text}:
            if {test.of(c)}:
                {shift} = {number}
                {out} += {moved}
                {used} += 1
            else:
                {out} += {c}
        return {out}
        """
        if skip
        else f"""
        {out} = ""
        for {used}, {c} in enumerate({text}):
            {shift} = {number}
            {out} += {moved}
        return {out}
        """,
        f"""
        {out}, {used} = "", cycle({key})
        for {c} in {text}:
            if {test.of(c)}:
                {shift} = ord(next({used})) - ord("a"){" + 1" if base else ""}
                {c} = {moved}
            {out} += {c}
        return {out}
        """
        if skip
        else f"""
        {out} = []
        for {c}, {used} in zip({text}, cycle({key})):
            {shift} = ord({used}) - ord("a"){" + 1" if base else ""}
            {out}.append({moved})
        return "".join({out})
        """,
    )

    def slow(s: str, k: str) -> str:
        moving = [at for at, c in enumerate(s) if not skip or test.call(c)]
        made = list(s)
        for rank, at in enumerate(moving):
            by = place_of((k * (len(s) + 1))[rank if skip else at]) + base
            made[at] = (LETTERS * 3)[26 + place_of(s[at]) + sign * by]
        return "".join(made)

    first = f'"a" means {base}, "b" means {base + 1}, and so on'
    way = "forwards" if sign > 0 else "backwards"
    who = f"Only the letters of `{text}` that are {test.words} are moved, and only they use up a letter of the key"
    who = who if skip else f"All letters of `{text}` are moved"
    return Drawn(
        call=draw.choice(("shift_with_key", "move_by_key", "key_steps", "encode_with_key")),
        parameters=(Parameter(text, PLAIN), Parameter(key, KEY)),
        returns="str",
        say=draw.say(
            f"Return `{text}` encoded with `{key}`, whose letters say by how many places a letter moves {way} in the "
            f"alphabet, going round at its end: {first}. The key is repeated as often as needed. {who}.",
            f"Move letters of `{text}` {way} in the alphabet, which goes round. The letters of `{key}`, taken in "
            f"turn and from the start again when they are used up, say how far: {first}. {who}. Return the new text.",
            f"Use the letters of `{key}` over and over as steps ({first}) by which letters move {way} in the cyclic "
            f"alphabet. {who}. Return what becomes of the text.",
        ),
        body=body,
        oracle=slow,
        prelude="from itertools import cycle" if "cycle" in body else "",
        idea=(
            "Go through the text and, beside it, through the key, which begins anew at its end, and add or "
            "take away its letter."
        ),
        contracts=(f"len(result) == len({text})",),
        difficulty=3,
    )
