"""Ways to find things again: an index of words, a set in the bits of a number, links from one to the next."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from titrant.synthesize.generator.domains import Choices, Integers, Lists, Made, Texts, Tuples
from titrant.synthesize.generator.draw import Draw, fill
from titrant.synthesize.generator.family import Drawn, Parameter, family

LINES = Lists(Lists(Choices(("sun", "sea", "sky", "ice", "oak")), 0, 5), 0, 6)
ASKED = Lists(Choices(("sun", "sea", "sky", "ice", "oak", "fog")), 0, 4)
BITS = Lists(Tuples((Choices(("put", "put", "drop", "flip", "ask")), Integers(0, 12))), 0, 10)
SPARSE = Lists(Tuples((Integers(0, 9), Integers(-9, 9))), 0, 7)
STEPS = Integers(0, 9)
NAMES = Texts("abcdef", 1, 1)


def _links(random: Random) -> dict[str, str]:
    letters = "abcdef"
    return {one: random.choice(letters) for one in letters if random.random() < 0.8}


LINKS = Made("from some of abcdef to one of abcdef", "dict[str, str]", _links)


@family("data-structures", 3)
def lines_that_hold_words(draw: Draw) -> Drawn:
    """An index from words to lines answers which lines hold words of a query."""
    v: dict[str, Any] = {
        "lines": draw.name("lines", "pages", "documents"),
        "asked": draw.name("asked", "query", "wanted"),
        "index": draw.name("index", "places", "found_in"),
        "k": draw.integer(1, 3),
        "first": draw.integer(0, 3),
    }
    rule, kind = draw.choice(("all", "any", "least", "none")), draw.choice(("numbers", "count"))
    hold = {
        "all": "scores[n] == len(set($asked))",
        "any": "scores[n] > 0",
        "least": "scores[n] >= $k",
        "none": "scores[n] == 0",
    }[rule]
    v["hold"] = fill(hold, **v)
    v["number"] = "n" if v["first"] == 0 else f"n + {v['first']}"
    v["result"] = "found" if kind == "numbers" else "len(found)"
    body = draw.source(
        """
        $index = defaultdict(set)
        for n, words in enumerate($lines):
            for word in words:
                $index[word].add(n)
        scores = [0] * len($lines)
        for word in set($asked):
            for n in $index[word]:
                scores[n] += 1
        found = [$number for n in range(len($lines)) if $hold]
        return $result
        """,
        """
        $index = {}
        for n, words in enumerate($lines):
            for word in set(words):
                $index.setdefault(word, []).append(n)
        scores = Counter()
        for word in dict.fromkeys($asked):
            scores.update($index.get(word, []))
        found = [$number for n in range(len($lines)) if $hold]
        return $result
        """,
        **v,
    )

    def oracle(lines: list[list[str]], asked: list[str]) -> Any:
        rules: dict[str, Callable[[set[str]], bool]] = {
            "all": lambda words: set(asked) <= words,
            "any": lambda words: not words.isdisjoint(asked),
            "least": lambda words: len(words.intersection(asked)) >= v["k"],
            "none": lambda words: words.isdisjoint(asked),
        }
        found = [n for n, words in enumerate(lines, v["first"]) if rules[rule](set(words))]
        return found if kind == "numbers" else len(found)

    v |= {
        "which": {
            "all": "all words of `$asked` (every line does if that is empty)",
            "any": "at least one word of `$asked`",
            "least": "at least $k different words of `$asked`" if v["k"] > 1 else "one or more words of `$asked`",
            "none": "no word of `$asked`",
        }[rule],
        "out": "their numbers in ascending order" if kind == "numbers" else "how many there are",
    }
    v["which"] = fill(v["which"], **v)
    start = f"The first line has the number {v['first']}." if kind == "numbers" else "An empty line holds no words."
    return Drawn(
        call=draw.choice(("find_lines", "search_words", "look_up_words", "matching_lines")),
        parameters=(Parameter(v["lines"], LINES), Parameter(v["asked"], ASKED)),
        returns="list[int]" if kind == "numbers" else "int",
        say=draw.say(
            "Each list in `$lines` holds the words of one line. Find the lines that hold $which, and return $out. "
            "$start",
            "Among `$lines`, which are lists of words, look for those with $which. Return $out. $start",
            "Search the lines in `$lines`, each a list of words: a line is a hit if it has $which. For the hits, "
            "return "
            "$out. $start",
            **v,
            start=start,
        ),
        body=body,
        oracle=oracle,
        idea=(
            "Note for each word the lines that hold it; then only the words asked for have to be looked up and counted."
        ),
        prelude="from collections import defaultdict" if "defaultdict" in body else "from collections import Counter",
        contracts=(fill("len(result) <= len($lines)", **v),)
        if kind == "numbers"
        else (fill("0 <= result <= len($lines)", **v),),
        difficulty=3,
    )


@family("data-structures", 2, 3)
def set_in_one_number(draw: Draw) -> Drawn:
    """The bits of one number are a set of small numbers."""
    v: dict[str, Any] = {
        "commands": draw.name("commands", "steps", "changes"),
        "name": draw.name("name", "what", "command"),
        "bit": draw.name("bit", "place", "n"),
        "bits": draw.name("bits", "mask", "held"),
        "start": draw.integer(0, 60),
        "k": draw.integer(2, 5),
    }
    ask, words, end, returns = draw.choice(
        (
            ("answers.append($bits >> $bit & 1 == 1)", "notes whether n is in the set", "answers", "list[bool]"),
            (
                "answers.append(($bits >> $bit).bit_count())",
                "notes how many numbers of the set are at least n",
                "answers",
                "list[int]",
            ),
            (
                "$bits = $bits << 1 & 8191",
                "makes every number of the set larger by 1, and drops those above 12",
                "$bits",
                "int",
            ),
            ("$bits &= ~(2**$bit - 1)", "drops all numbers below n", "$bits", "int"),
            (
                "answers.append($bits % $k)",
                "notes the remainder modulo $k of the sum of 2**m over all m in the set",
                "answers",
                "list[int]",
            ),
        )
    )
    v |= {"ask": fill(ask, **v), "words": fill(words, **v), "result": fill(end, **v)}
    v["begin"] = "answers = []" if end == "answers" else ""
    body = draw.source(
        """
        $bits = $start
        $begin
        for $name, $bit in $commands:
            if $name == "put":
                $bits |= 1 << $bit
            elif $name == "drop":
                $bits &= ~(1 << $bit)
            elif $name == "flip":
                $bits ^= 1 << $bit
            else:
                $ask
        return $result
        """,
        """
        $begin
        $bits = $start
        for $name, $bit in $commands:
            one = 2**$bit
            match $name:
                case "put":
                    $bits = $bits | one
                case "drop":
                    $bits = ($bits | one) - one
                case "flip":
                    $bits = $bits ^ one
                case _:
                    $ask
        return $result
        """,
        **v,
    )
    body = "\n".join(line for line in body.splitlines() if line.strip())

    def oracle(commands: list[tuple[str, int]]) -> Any:
        held = {n for n, digit in enumerate(reversed(f"{v['start']:b}")) if digit == "1"}
        answers: list[Any] = []
        for name, n in commands:
            if name != "ask":
                held = {"put": held | {n}, "drop": held - {n}, "flip": held ^ {n}}[name]
            elif "larger by 1" in words:
                held = {m + 1 for m in held if m < 12}
            elif "below n" in words:
                held = {m for m in held if m >= n}
            else:
                some = {"list[bool]": n in held}.get(returns, len([m for m in held if m >= n]))
                answers.append(sum(2**m for m in held) % v["k"] if "remainder" in words else some)
        return answers if end == "answers" else sum(2**m for m in held)

    first = [n for n in range(6) if v["start"] >> n & 1]
    v["first"] = "is empty at first" if not first else f"holds {', '.join(map(str, first))} at first"
    v["out"] = (
        "Return the list of all that is noted."
        if end == "answers"
        else "Return the sum of 2**m over all m that are in the set at the end."
    )
    return Drawn(
        call=draw.choice(("bit_set", "run_mask", "set_of_bits", "mask_after")),
        parameters=(Parameter(v["commands"], BITS),),
        returns=returns,
        say=draw.say(
            'A set of whole numbers $first. The pairs in `$commands` change it: ("put", n) puts n in, ("drop", n) '
            'takes n out if it is there, ("flip", n) puts it in if it is missing and out if not, and ("ask", n) '
            "$words. $out",
            'Carry out the commands (word, n) of `$commands` on a set that $first. "put" adds n; "drop" removes it, if '
            'it is in; "flip" adds n if it is missing and removes it otherwise; "ask" $words. $out',
            'With `$commands`, pairs of a word and a number n, a set is changed that $first: by "put" n is in '
            'it, by "drop" it is not, by "flip" it is in if it was not before; "ask" $words. $out',
            **v,
        ),
        body=body,
        oracle=oracle,
        idea="Let bit n of one number say whether n is in the set; each command is then one operation on bits.",
        contracts=("result >= 0",) if returns == "int" else (fill("len(result) <= len($commands)", **v),),
        difficulty=3 if end == "answers" else 2,
    )


@family("data-structures", 2, 3)
def sparse_numbers(draw: Draw) -> Drawn:
    """Two rows of numbers, of which only those that are not 0 are written down."""
    v: dict[str, Any] = {
        "one": draw.name("one", "left", "p"),
        "other": draw.name("other", "right", "q"),
        "a": draw.integer(2, 5),
        "b": draw.integer(-4, -1),
        "shift": draw.integer(1, 4),
    }
    kind, words, combine = draw.choice(
        (
            ("dot", "the sum over all indexes of the product of both numbers there", ""),
            (
                "sum",
                "the row of $a times the first plus $b times the second",
                "$a * first.get(i, 0) + $b * second.get(i, 0)",
            ),
            (
                "largest",
                "the row of the larger one of both numbers at each index",
                "max(first.get(i, 0), second.get(i, 0))",
            ),
            (
                "moved",
                "the row of the sums, where $shift is added to every index of the second row first",
                "first.get(i, 0) + second.get(i - $shift, 0)",
            ),
        )
    )
    v |= {"combine": fill(combine, **v), "words": fill(words, **v), "factor": v["a"]}
    v["places"] = fill("{*first, *second}" if kind != "moved" else "{*first, *(i + $shift for i in second)}", **v)
    prelude = draw.source(
        """
        def as_dict(pairs):
            found = {}
            for i, value in pairs:
                found[i] = found.get(i, 0) + value
            return found
        """,
        """
        def as_dict(pairs):
            found = defaultdict(int)
            for i, value in pairs:
                found[i] += value
            return dict(found)
        """,
    )
    if kind == "dot":
        body = draw.source(
            """
            first, second = as_dict($one), as_dict($other)
            return $factor * sum(value * second.get(i, 0) for i, value in first.items())
            """,
            """
            first, second = as_dict($one), as_dict($other)
            total = 0
            for i in first.keys() & second.keys():
                total += $factor * first[i] * second[i]
            return total
            """,
            **v,
        )
        v["words"] = f"{v['factor']} times {v['words']}"
    else:
        body = draw.source(
            """
            first, second = as_dict($one), as_dict($other)
            row = {i: $combine for i in $places}
            return sorted((i, value) for i, value in row.items() if value != 0)
            """,
            """
            first, second = as_dict($one), as_dict($other)
            row = []
            for i in sorted($places):
                value = $combine
                if value:
                    row.append((i, value))
            return row
            """,
            **v,
        )

    def oracle(one: list[tuple[int, int]], other: list[tuple[int, int]]) -> Any:
        first = [sum(value for i, value in one if i == place) for place in range(20)]
        second = [sum(value for i, value in other if i == place) for place in range(20)]
        if kind == "dot":
            return sum(v["a"] * x * y for x, y in zip(first, second, strict=True))
        moved = [0] * v["shift"] + second
        row = {
            "sum": [v["a"] * x + v["b"] * y for x, y in zip(first, second, strict=True)],
            "largest": [sorted(pair)[1] for pair in zip(first, second, strict=True)],
            "moved": [x + y for x, y in zip(first, moved, strict=False)],
        }[kind]
        return [(place, value) for place, value in enumerate(row) if value]

    v["form"] = "" if kind == "dot" else " in the same form, by ascending index, without indexes where it is 0"
    return Drawn(
        call=draw.choice(("combine_sparse", "sparse_rows", "with_sparse", "sparse_result")),
        parameters=(Parameter(v["one"], SPARSE), Parameter(v["other"], SPARSE)),
        returns="int" if kind == "dot" else "list[tuple[int, int]]",
        say=draw.say(
            "Two rows of numbers are given by `$one` and `$other`, lists of pairs (index, number); an index that "
            "stands "
            "several times has the sum of its numbers, and all others have 0. Return $words$form.",
            "The pairs (index, number) in `$one` and in `$other` describe a row each: numbers of the same index are "
            "added up, and what is not named is 0. Call them the first and the second row, and return $words$form.",
            "Let `$one` be the first and `$other` the second of two rows, written as pairs of an index and a number "
            "(0 where there is no pair, the sum where there are several for one index). Find $words$form.",
            **v,
        ),
        body=body,
        oracle=oracle,
        idea="Turn both lists into dictionaries from indexes to numbers, and look only at indexes that stand there.",
        prelude=f"from collections import defaultdict\n\n\n{prelude}" if "defaultdict" in prelude else prelude,
        contracts=() if kind == "dot" else ("all(each[1] != 0 for each in result)",),
        difficulty=2 if kind == "dot" else 3,
    )


@family("data-structures", 2, 3)
def following_names(draw: Draw) -> Drawn:
    """Each name points to the next one; the chain is followed by a drawn rule."""
    v: dict[str, Any] = {
        "after": draw.name("after", "follows", "chain"),
        "start": draw.name("start", "first", "head"),
        "steps": draw.name("steps", "moves", "times"),
        "name": draw.name("name", "here", "at"),
        "k": draw.integer(2, 3),
    }
    kind = draw.choice(("list", "every", "end", "repeat"))
    v["stop"] = " and $name not in seen" if kind != "end" else ""
    v["stop"] = fill(v["stop"], **v)
    v["result"] = fill({"list": "seen", "every": "seen[::$k]", "end": "$name", "repeat": "$name in seen"}[kind], **v)
    if kind == "end":
        v["result"] = fill('$name or ""', **v)
    body = draw.source(
        """
        seen = []
        $name = $start
        while $name is not None and len(seen) <= $steps$stop:
            seen.append($name)
            $name = $after.get($name)
        return $result
        """,
        """
        seen, $name = [], $start
        for _ in range($steps + 1):
            if $name is None$or:
                break
            seen.append($name)
            $name = $after[$name] if $name in $after else None
        return $result
        """,
        **v,
        **{"or": fill(" or $name in seen", **v) if kind != "end" else ""},
    )

    def oracle(after: dict[str, str], start: str, steps: int) -> Any:
        def chain(name: str | None, left: int) -> list[str | None]:
            return [name] if not left or name is None else [name, *chain(after.get(name), left - 1)]

        whole = chain(start, steps + 1)
        names = [name for name in whole if name is not None]
        seen = [name for place, name in enumerate(names[: steps + 1]) if name not in names[:place]]
        if kind == "end":
            return whole[-1] or ""
        if kind == "repeat":
            return len(set(names)) < len(names)
        return seen if kind == "list" else [name for place, name in enumerate(seen) if place % v["k"] == 0]

    v["out"] = fill(
        {
            "list": "Return the names that are met, each once, in order; stop before a name that was met already.",
            "every": "Stop before a name that was met already, and return the first of the names met and every "
            "${k}th after it.".replace("${k}", str(v["k"])),
            "end": "Go exactly one step more than that; return the name reached, or an empty text if the chain ends "
            "before.",
            "repeat": "Return whether one step more than that, or fewer, come to a name that was met before.",
        }[kind],
        **v,
    )
    return Drawn(
        call=draw.choice(("follow_names", "walk_chain", "go_on_from", "trace_links")),
        parameters=(Parameter(v["after"], LINKS), Parameter(v["start"], NAMES), Parameter(v["steps"], STEPS)),
        returns={"end": "str", "repeat": "bool"}.get(kind, "list[str]"),
        say=draw.say(
            "The dictionary `$after` says for some names which one comes after them. Begin at `$start` and go at most "
            "`$steps` steps from a name to the one after it; where none is, the chain ends. $out",
            "Follow the links in `$after`, from a key to its value, beginning with `$start`. There are at most "
            "`$steps` "
            "steps, and a name that is no key is the last one. $out",
            "Starting with the name `$start`, look up in `$after` what follows, again and again, up to `$steps` "
            "times or "
            "until a name has nothing that follows. $out",
            **v,
        ),
        body=body,
        oracle=oracle,
        idea=(
            "Keep the names met so far, and go on from the last one as long as there is a next one and steps are left."
        ),
        contracts=(),
        difficulty=2 if kind == "list" else 3,
    )
