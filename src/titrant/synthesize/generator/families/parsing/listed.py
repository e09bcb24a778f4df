"""Lists and records in texts: pairs, ranges, versions, tables, sections."""

from __future__ import annotations

from random import Random

from titrant.synthesize.generator.domains import Integers, Lists, Made
from titrant.synthesize.generator.draw import Draw
from titrant.synthesize.generator.families.text_pieces import fitting_test, numbers_end, type_of
from titrant.synthesize.generator.family import Drawn, Parameter, family
from titrant.synthesize.generator.pieces import number_change


def _pairs(random: Random) -> str:
    return ";".join(f"{random.choice('abcd')}={random.randint(-20, 40)}" for _ in range(random.randint(0, 6)))


def _ranges(random: Random) -> str:
    parts = []
    for _ in range(random.randint(0, 4)):
        low = random.randint(0, 20)
        parts.append(str(low) if random.random() < 0.4 else f"{low}-{max(0, low + random.randint(-2, 5))}")
    return ",".join(parts)


def _versions(random: Random) -> list[str]:
    def one() -> str:
        return ".".join(str(random.choice((0, 0, 1, 2, 9, 10, 11))) for _ in range(random.randint(1, 3)))

    return [one() for _ in range(random.randint(0, 6))]


def _table(random: Random) -> str:
    names = random.sample(["ab", "cd", "ef", "gh"], random.randint(2, 4))
    rows = [[str(random.randint(-9, 30)) for _ in names] for _ in range(random.randint(0, 4))]
    return "\n".join(",".join(row) for row in [names, *rows])


PAIRS = Made("pairs of names and numbers", "str", _pairs)
RANGES = Made("ranges of numbers", "str", _ranges)
VERSIONS = Made("versions", "list[str]", _versions)
TABLE = Made("table with a head", "str", _table)
PLACES = Lists(Integers(0, 20), 0, 9)


@family("parsing", 2, 3)
def settings_in_a_line(draw: Draw) -> Drawn:
    """`a=3;b=4;a=5` as a dictionary, with a rule for names that stand there twice."""
    rule, test, change = draw.integer(0, 3), fitting_test(draw, -20, 40), number_change(draw)
    text, part, made = (
        draw.name("text", "line", "settings"),
        draw.name("part", "item", "field"),
        draw.name("made", "out", "found"),
    )
    name, value = draw.name("name", "key"), draw.name("value", "number", "n")
    put = (
        f"{made}[{name}] = $new",
        f"{made}.setdefault({name}, $new)",
        f"{made}[{name}] = {made}.get({name}, 0) + $new",
        f"{made}[{name}] = max({made}.get({name}, $new), $new)",
    )[rule].replace("$new", value if rule == 3 else change.of(value))
    body = draw.source(
        f"""
        {made} = {{}}
        for {part} in {text}.split(";"):
            if not {part}:
                continue
            {name}, {value} = {part}.split("=")
            {value} = int({value})
            if {test.of(value)}:
                {put}
        return {made}
        """,
        f"""
        {made} = {{}}
        for {name}, {part} in re.findall(r"(\\w)=(-?\\d+)", {text}):
            {value} = int({part})
            if {test.of(value)}:
                {put}
        return {made}
        """,
    )

    def slow(s: str) -> dict[str, int]:
        pairs = [(each[0], int(each[2:])) for each in s.split(";") if each]
        pairs = [(k, v) for k, v in pairs if test.call(v)]
        together = {k: [v for other, v in pairs if other == k] for k, _ in pairs}
        changed = {k: [change.call(v) for v in vs] for k, vs in together.items()}
        return {k: (changed[k][-1], changed[k][0], sum(changed[k]), sorted(vs)[-1])[rule] for k, vs in together.items()}

    becomes = f"each is replaced by {change.words}" if rule < 3 else "each is taken as it is"
    twice = ("the last of them counts", "the first of them counts", "their sum counts", "the greatest of them counts")[
        rule
    ]
    return Drawn(
        call=draw.choice(("read_settings", "parse_pairs", "settings_of", "load_line")),
        parameters=(Parameter(text, PAIRS),),
        returns="dict[str, int]",
        say=draw.say(
            f'Read `{text}`, which holds settings such as "a=3", separated by semicolons, and return a dictionary of '
            f"names and numbers. Only numbers that are {test.words} are used; {becomes}. If a name then has "
            f"several numbers, {twice}.",
            f'Return a dictionary made from `{text}`, in which parts of the form "name=number" are joined by ";". '
            f"Numbers are left out unless they belong to those that are {test.words}; of the rest {becomes}. Where "
            f"several are left for one name, {twice}.",
            f'Turn `{text}` into a dictionary from names to numbers. Its parts, separated by ";", are a name, "=" '
            f"and a whole number. Pass over parts unless their numbers are {test.words}. Of these numbers {becomes}, "
            f"and of several for a name {twice}. An empty text gives an empty dictionary.",
        ),
        body=body,
        oracle=slow,
        prelude="import re" if "re.findall" in body else "",
        idea=(
            "Take each part apart into its name and its number, turn the number into an integer, and store "
            "it under the name."
        ),
        contracts=(f"all(name in {text} for name in result)",),
        difficulty=3 if rule > 1 else 2,
    )


@family("parsing", 2, 3)
def numbers_of_ranges(draw: Draw) -> Drawn:
    """`1-4,7` as numbers; ranges that run backwards are turned, dropped or read backwards."""
    back, test, end, step = draw.integer(0, 2), fitting_test(draw, 0, 25), numbers_end(draw), draw.integer(1, 3)
    text, part, found = (
        draw.name("text", "ranges", "pages"),
        draw.name("part", "piece"),
        draw.name("found", "numbers", "out"),
    )
    low, high, n = draw.name("low", "first", "a"), draw.name("high", "last", "b"), draw.name("n", "number", "x")
    by = "" if step == 1 else f", {step}"
    turn = (
        f"if {low} > {high}:\n    {low}, {high} = {high}, {low}",
        f"if {low} > {high}:\n    continue",
        f"if {low} > {high}:\n    {found}.extend({n} for {n} in range({low}, {high} - 1, -{step}) if {test.of(n)})\n "
        "   continue",
    )[back]
    body = draw.source(
        f"""
        {found} = []
        for {part} in {text}.split(",") if {text} else []:
            {low}, _, {high} = {part}.partition("-")
            {low} = int({low})
            {high} = int({high}) if {high} else {low}
            $turn
            {found}.extend({n} for {n} in range({low}, {high} + 1{by}) if {test.of(n)})
        return {end.of(found)}
        """,
        f"""
        {found} = []
        for {low}, {high} in re.findall(r"(\\d+)-?(\\d*)", {text}):
            {low}, {high} = int({low}), int({high} or {low})
            $turn
            for {n} in range({low}, {high} + 1{by}):
                if {test.of(n)}:
                    {found}.append({n})
        return {end.of(found)}
        """,
        turn=turn,
    )

    def slow(s: str) -> int | list[int]:
        numbers: list[int] = []
        for each in s.split(",") if s else []:
            ends = [int(e) for e in each.split("-")]
            run = [v for v in range(31) if min(ends) <= v <= max(ends)]
            falling = ends[0] > ends[-1]
            run = run[::-1] if falling and back == 2 else [] if falling and back == 1 else run
            numbers += [v for at, v in enumerate(run) if at // step * step == at and test.call(v)]
        result: int | list[int] = end.call(numbers)
        return result

    fall = (
        "If the first is greater than the last, they are exchanged",
        "If the first is greater than the last, the range is empty",
        "If the first is greater than the last, the range runs downwards from the first to the last",
    )[back]
    steps = f"the numbers from the first on in steps of {step}, as far as the last, which may itself be reached"
    steps = "all whole numbers from the first to the last, both included" if step == 1 else steps
    return Drawn(
        call=draw.choice(("expand_ranges", "numbers_of", "read_ranges", "unfold_ranges")),
        parameters=(Parameter(text, RANGES),),
        returns=type_of(end),
        say=draw.say(
            f'Expand `{text}`, which lists numbers and ranges such as "3-7" with commas between them. A range stands '
            f"for {steps}. {fall}. Keep the numbers that are {test.words}, and return {end.words}.",
            f"Return {end.words}, where these are the numbers that `{text}` names and that are {test.words}. The "
            'text has parts separated by commas: single numbers, and ranges of a first and a last number with "-" '
            f"between them, which stand for {steps}. {fall}.",
            f'Read the numbers and ranges in `{text}`, separated by commas. A range "a-b" means {steps}. {fall}. Of '
            f"all numbers, in the order of the text, only those that are {test.words} count. Return {end.words}.",
        ),
        body=body,
        oracle=slow,
        prelude="import re" if "re.findall" in body else "",
        idea=("Read one or two numbers from each part, and go through the numbers from the first to the last."),
        difficulty=3 if step > 1 or back == 2 else 2,
    )


@family("parsing", 3)
def ranges_of_numbers(draw: Draw) -> Drawn:
    """Numbers written as ranges, where a range has a least length, a mark and an end of its own."""
    least, gap, mark, glue = (
        draw.integer(2, 4),
        draw.integer(1, 2),
        draw.choice(("-", "/", ":", "~")),
        draw.choice((",", ", ", " ", ";")),
    )
    numbers, runs, n = (
        draw.name("numbers", "values", "pages"),
        draw.name("runs", "groups"),
        draw.name("n", "number", "x"),
    )
    parts, run = draw.name("parts", "out", "pieces"), draw.name("run", "group")
    span = f'{parts}.append(f"{{{run}[0]}}{mark}{{{run}[-1]}}")'
    show = f"if len({run}) >= {least}:\n    {span}\nelse:\n    {parts}.extend(str({n}) for {n} in {run})"
    low, high = draw.name("i", "low", "start"), draw.name("j", "high", "stop")
    body = draw.source(
        f"""
        {runs} = []
        for {n} in sorted(set({numbers})):
            if {runs} and {n} - {runs}[-1][-1] <= {gap}:
                {runs}[-1].append({n})
            else:
                {runs}.append([{n}])
        {parts} = []
        for {run} in {runs}:
            $show
        return "{glue}".join({parts})
        """,
        f"""
        ordered = sorted(set({numbers}))
        {parts}, {low} = [], 0
        while {low} < len(ordered):
            {high} = {low}
            while {high} + 1 < len(ordered) and ordered[{high} + 1] - ordered[{high}] <= {gap}:
                {high} += 1
            {run} = ordered[{low} : {high} + 1]
            $show
            {low} = {high} + 1
        return "{glue}".join({parts})
        """,
        show=show,
    )

    def slow(given: list[int]) -> str:
        there = [v for v in range(21) if v in given]
        starts = [v for v in there if not any(v - d in there for d in range(1, gap + 1))]
        texts = []
        for at, start in enumerate(starts):
            stop = starts[at + 1] if at + 1 < len(starts) else 99
            members = [v for v in there if start <= v < stop]
            texts += [f"{start}{mark}{members[-1]}"] if len(members) >= least else [str(v) for v in members]
        return glue.join(texts)

    more = "" if gap == 1 else f" or {gap}"
    near_words = f"each is greater by 1{more} than the one before it"
    between = {",": "a comma", ", ": "a comma and a blank", " ": "a blank", ";": "a semicolon"}[glue]
    return Drawn(
        call=draw.choice(("write_ranges", "fold_ranges", "shorten_numbers", "as_ranges")),
        parameters=(Parameter(numbers, PLACES),),
        returns="str",
        say=draw.say(
            f"Write the different values of `{numbers}` in ascending order as a short text. Values form a run, as "
            f"long as possible, where {near_words}. A run of at least {least} values is written as its first and its "
            f'last with "{mark}" between them; the values of a shorter run are written one by one. Put {between} '
            "between the parts.",
            f"Return a text for the sorted `{numbers}` without repetitions, its parts separated by {between}. Cut "
            f"the values into longest runs in which {near_words}: a run of {least} or more values becomes one part, "
            f'first and last joined by "{mark}"; in other runs every value is a part.',
            f"Sort `{numbers}`, drop repetitions and shorten runs, where a run goes on as long as {near_words}. Runs "
            f'with {least} or more members appear as first and last member around "{mark}", all other values singly, '
            f"with {between} between what is written. Return this text (empty for an empty list).",
        ),
        body=body,
        oracle=slow,
        idea="Sort without repetitions, split where the step to the next value is too large, and write each run by "
        "its length.",
        difficulty=3,
    )


@family("parsing", 2, 3)
def versions_in_order(draw: Draw) -> Drawn:
    """Versions such as `1.10` are compared number by number; missing places are zeros, or come first."""
    zeros, asked, down = draw.chance(), draw.integer(0, 3), draw.chance()
    limit = (draw.integer(0, 2), draw.integer(0, 9))
    versions, v, key = (
        draw.name("versions", "releases", "tags"),
        draw.name("v", "version", "tag"),
        draw.name("key", "numbers", "rank"),
    )
    edge = f"{limit[0]}.{limit[1]}"
    pad = "\n    numbers += [0] * (3 - len(numbers))" if zeros else ""
    prelude = f'def {key}({v}):\n    numbers = [int(part) for part in {v}.split(".")]{pad}\n    return numbers'
    if not zeros:
        prelude = f'def {key}({v}):\n    return [int(part) for part in {v}.split(".")]'
    end = (
        f"return sorted({versions}, key={key}{', reverse=True' if down else ''})",
        f'return {"max" if down else "min"}({versions}, key={key}, default="")',
        f'return [{v} for {v} in {versions} if {key}({v}) {">=" if down else "<"} {key}("{edge}")]',
        f"best = {{}}\nfor {v} in {versions}:\n    major = {key}({v})[0]\n"
        f"    if major not in best or {key}({v}) {'>' if down else '<'} {key}(best[major]):\n"
        f"        best[major] = {v}\nreturn best",
    )[asked]
    body = end

    def slow(given: list[str]) -> object:
        def value(text: str) -> int:
            numbers = [int(each) + (0 if zeros else 1) for each in text.split(".")] + [0, 0]
            return numbers[0] * 10000 + numbers[1] * 100 + numbers[2]

        ranked = sorted(enumerate(given), key=lambda pair: (-value(pair[1]) if down else value(pair[1]), pair[0]))
        if asked == 0:
            return [each for _, each in ranked]
        if asked == 1:
            return ranked[0][1] if given else ""
        if asked == 2:
            return [each for each in given if (value(each) >= value(edge)) == down]
        majors = dict.fromkeys(int(each.split(".")[0]) for each in given)
        return {m: next(e for _, e in ranked if int(e.split(".")[0]) == m) for m in majors}

    what = (
        f"all of `{versions}`, the {'newest' if down else 'oldest'} first; versions of the same age keep their order",
        f"the {'newest' if down else 'oldest'} of `{versions}`, the first of several of the same age, and an empty "
        "text if there is none",
        f"those of `{versions}` that are {'not older' if down else 'older'} than {edge}, in their order",
        f"a dictionary that gives for each first number in `{versions}` the {'newest' if down else 'oldest'} version "
        "that begins with it; of several of the same age it is the first",
    )[asked]
    longer = "Where all numbers of a shorter version agree with those of a longer one, the shorter one is older"
    rule = "Missing numbers count as 0, so that 1.2 and 1.2.0 are of the same age" if zeros else longer
    return Drawn(
        call=draw.choice(("by_version", "versions_by_age", "compare_versions", "choose_versions")),
        parameters=(Parameter(versions, VERSIONS),),
        returns=("list[str]", "str", "list[str]", "dict[int, str]")[asked],
        say=draw.say(
            f"Return {what}. A version consists of one to three whole numbers with dots between them; versions are "
            "compared by their first numbers, then by their second, then by their third, and a smaller number means "
            f"older. {rule}.",
            "Let versions such as 2.10 be compared number by number, as numbers and from left to right; the smaller "
            f"is the older. {rule}. Return {what}.",
            "Compare versions, written as numbers separated by dots, from their first number on: a version is older "
            f"than another if the first number in which they differ is smaller. {rule}. Return {what}.",
        ),
        body=body,
        oracle=slow,
        prelude=prelude,
        idea="Turn each version into the list of its numbers; lists are compared place by place just as versions are.",
        difficulty=3 if asked == 3 else 2,
    )


@family("parsing", 3)
def column_of_a_table(draw: Draw) -> Drawn:
    """Rows of a table with a head: numbers of one column, of rows that pass a test on another."""
    test, end, spare = fitting_test(draw, -9, 30), numbers_end(draw), draw.choice(("last", "first"))
    how = draw.integer(0, 2)
    text, rows, row = (
        draw.name("text", "table", "sheet"),
        draw.name("rows", "lines"),
        draw.name("row", "line", "record"),
    )
    head, found = draw.name("head", "names", "header"), draw.name("found", "numbers", "kept")
    value = draw.name("value", "n", "cell")
    at = "len($head) - 1" if spare == "last" else "0"
    pick = f"int({row}[{'-1' if spare == 'last' else '0'}])"
    wanted = draw.choice(("ab", "cd", "ef", "gh"))
    col = draw.name("col", "place", "column")
    body = draw.source(
        f"""
        {head}, *{rows} = [{row}.split(",") for {row} in {text}.split("\\n")]
        {col} = {head}.index("{wanted}") if "{wanted}" in {head} else {at.replace("$head", head)}
        {found} = []
        for {row} in {rows}:
            {value} = {pick}
            if {test.of(value)}:
                {found}.append(int({row}[{col}]){(" + " + value, " - " + value, "")[how]})
        return {end.of(found)}
        """,
        f"""
        {rows} = {text}.splitlines()
        {head} = {rows}[0].split(",")
        {found} = []
        for each in {rows}[1:]:
            cells = [int(cell) for cell in each.split(",")]
            {row} = dict(zip({head}, cells))
            {value} = cells[{"-1" if spare == "last" else "0"}]
            if {test.of(value)}:
                {found}.append({row}.get("{wanted}", {value}){(" + " + value, " - " + value, "")[how]})
        return {end.of(found)}
        """,
    )

    def slow(s: str) -> int | list[int]:
        grid = [line.split(",") for line in s.split("\n")]
        columns = {column[0]: [int(cell) for cell in column[1:]] for column in zip(*grid, strict=True)}
        tested = columns[grid[0][-1 if spare == "last" else 0]]
        taken = columns.get(wanted, tested)
        pairs = [(a, b) for a, b in zip(taken, tested, strict=True) if test.call(b)]
        result: int | list[int] = end.call([(a + b, a - b, a)[how] for a, b in pairs])
        return result

    take = (
        f'the row\'s number in column "{wanted}" plus its number in the {spare} column',
        f'the row\'s number in column "{wanted}" minus its number in the {spare} column',
        f'the row\'s number in column "{wanted}"',
    )[how]
    return Drawn(
        call=draw.choice(("column_numbers", "read_table", "from_table", "query_table")),
        parameters=(Parameter(text, TABLE),),
        returns=type_of(end),
        say=draw.say(
            "Let the first line of a table name its columns, and every further line hold a whole number for each; "
            f"commas separate the cells. For the rows of the table `{text}` whose numbers in the {spare} column are "
            f'{test.words}, note {take}. If there is no column "{wanted}", the {spare} column takes its part. Return '
            f"{end.words}.",
            f"Read the table `{text}`: lines of cells separated by commas, first the names of the columns, then rows "
            f"of whole numbers. Use only the rows whose numbers in the {spare} column are {test.words}. From each "
            f'take {take}; where no column is called "{wanted}", use the {spare} one instead. Return {end.words}.',
            f"Collect {take}, for all rows of the table `{text}` whose numbers in the {spare} column are "
            f"{test.words}. A line of the text is a row, commas separate cells, and the first line names the "
            f'columns; if "{wanted}" is not among them, the {spare} column stands for it. Return {end.words}.',
        ),
        body=body,
        oracle=slow,
        idea="Split the text into lines and the lines into cells; the head tells at which place of a row the column "
        "stands.",
        difficulty=3,
    )
