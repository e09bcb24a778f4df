"""Stacks, queues and what is built of them."""

from __future__ import annotations

from random import Random
from typing import Any

from titrant.synthesize.generator.domains import Choices, Integers, Lists, Made, Tuples
from titrant.synthesize.generator.draw import Draw, fill
from titrant.synthesize.generator.family import Drawn, Parameter, family
from titrant.synthesize.generator.pieces import number_test

NUMBERS = Lists(Integers(-50, 50), 0, 10)
SIZE = Integers(1, 5)
PUSHED = Lists(Tuples((Choices(("push", "push", "push", "pop", "other")), Integers(-9, 9))), 0, 10)


def _edits(random: Random) -> list[str]:
    options = ("a", "b", "c", "xy", "<", ">", "-", "-", "hi")
    return [random.choice(options) for _ in range(random.randint(0, 12))]


def _typed(random: Random) -> list[str]:
    options = ("one", "two", "a", "b", "undo", "undo", "redo", "redo", "to")
    return [random.choice(options) for _ in range(random.randint(0, 10))]


EDITS = Made("0 to 12 of a b c xy < > - hi", "list[str]", _edits)
TYPED = Made("0 to 10 of one two a b undo redo to", "list[str]", _typed)


def _solid(body: str) -> str:
    """Without the lines of pieces that were left out."""
    return "\n".join(line for line in body.splitlines() if line.strip())


@family("data-structures", 2, 3)
def stack_commands(draw: Draw) -> Drawn:
    """push, pop, and a third command that the draw decides."""
    v: dict[str, Any] = {
        "commands": draw.name("commands", "operations", "steps"),
        "name": draw.name("name", "command", "kind"),
        "value": draw.name("value", "number", "x"),
        "stack": draw.name("stack", "pile", "held"),
    }
    third, words, source = draw.choice(
        (
            (
                "add",
                "replaces the two topmost numbers by their sum (nothing happens if there are fewer than two)",
                "if len($stack) >= 2:\n    $stack.append($stack.pop() + $stack.pop())",
            ),
            (
                "swap",
                "exchanges the two topmost numbers (nothing happens if there are fewer than two)",
                "if len($stack) >= 2:\n    $stack[-1], $stack[-2] = $stack[-2], $stack[-1]",
            ),
            (
                "double",
                "pushes the topmost number once more (nothing happens if there is none)",
                "if $stack:\n    $stack.append($stack[-1])",
            ),
            (
                "clear",
                "takes all numbers off that are less than the number of the pair",
                "$stack = [each for each in $stack if each >= $value]",
            ),
            ("turn", "turns the whole stack upside down", "$stack.reverse()"),
        )
    )
    result, returns, end = draw.choice(
        (
            ("$stack", "list[int]", "Return the stack at the end as a list, the top last."),
            ("sum($stack)", "int", "Return the sum of what is on the stack at the end."),
            (
                "$stack[-1] if $stack else None",
                "int | None",
                "Return the number on top at the end, or `None` if there is none.",
            ),
        )
    )
    v |= {"third": fill(source, **v), "result": fill(result, **v), "word": third}
    body = draw.source(
        """
        $stack = []
        for $name, $value in $commands:
            if $name == "push":
                $stack.append($value)
            elif $name == "pop":
                if $stack:
                    $stack.pop()
            else:
                $third
        return $result
        """,
        """
        $stack = []
        for $name, $value in $commands:
            match $name:
                case "push":
                    $stack.append($value)
                case "pop" if $stack:
                    $stack.pop()
                case "other":
                    $third
        return $result
        """,
        **v,
    )

    def step(now: tuple[int, ...], command: tuple[str, int]) -> tuple[int, ...]:
        name, value = command
        if name != "other":
            return (value, *now) if name == "push" else now[1:]
        return {
            "add": (sum(now[:2]), *now[2:]) if len(now) > 1 else now,
            "swap": (*now[:2][::-1], *now[2:]),
            "double": (*now[:1], *now),
            "clear": tuple(filter(lambda each: not each < value, now)),
            "turn": now[::-1],
        }[third]

    def oracle(commands: list[tuple[str, int]]) -> Any:
        left: tuple[int, ...] = ()
        for command in commands:
            left = step(left, command)
        return list(left[::-1]) if returns == "list[int]" else sum(left) if returns == "int" else next(iter(left), None)

    return Drawn(
        call=draw.choice(("run_stack", "stack_machine", "execute", "stack_after")),
        parameters=(Parameter(v["commands"], PUSHED),),
        returns=returns,
        say=draw.say(
            'Each command in `$commands` is a pair of a name and a number for a stack that is empty at first. "push" '
            'puts the number on top; "pop" takes the topmost one off, if there is one; "other" $words. $end',
            'Run `$commands`, pairs of a name and a number, on an empty stack: "push" adds the number, "pop" removes '
            'the top (or does nothing on an empty stack), and "other" $words. $end',
            'A stack of numbers obeys the pairs in `$commands`. With "push" the number of the pair goes on top, with '
            '"pop" the top goes away if there is one, and "other" $words. $end',
            **v,
            words=words,
            end=end,
        ),
        body=body,
        oracle=oracle,
        idea="Hold the stack as a list whose end is the top, and carry the commands out one by one.",
        contracts=(fill("len(result) <= 2 * len($commands)", **v),) if returns == "list[int]" else (),
        difficulty=3 if third in ("add", "clear") else 2,
    )


@family("data-structures", 3)
def undo_and_redo(draw: Draw) -> Drawn:
    """Words are typed, taken back and brought again."""
    v: dict[str, Any] = {
        "keys": draw.name("keys", "actions", "inputs"),
        "key": draw.name("key", "action", "word"),
        "done": draw.name("done", "text", "past"),
        "undone": draw.name("undone", "future", "back"),
    }
    keeps, result = draw.chance(0.3), draw.choice(("words", "line", "count"))
    v["forget"] = "" if keeps else fill("$undone.clear()", **v)
    v["result"] = fill({"words": "$done", "line": '" ".join($done)', "count": "len($done)"}[result], **v)
    body = draw.source(
        """
        $done, $undone = [], []
        for $key in $keys:
            if $key == "undo":
                if $done:
                    $undone.append($done.pop())
            elif $key == "redo":
                if $undone:
                    $done.append($undone.pop())
            else:
                $done.append($key)
                $forget
        return $result
        """,
        """
        $done = []
        $undone = []
        for $key in $keys:
            source, target = ($done, $undone) if $key == "undo" else ($undone, $done)
            if $key not in ("undo", "redo"):
                $done.append($key)
                $forget
            elif source:
                target.append(source.pop())
        return $result
        """,
        **v,
    )

    def oracle(keys: list[str]) -> Any:
        line: list[str] = []
        shown = 0
        for key in keys:
            if key in ("undo", "redo"):
                shown = sorted((0, shown + (1 if key == "redo" else -1), len(line)))[1]
            else:
                line = [*line[:shown], key, *(line[shown:] if keeps else [])]
                shown += 1
        return {"words": line[:shown], "line": " ".join(line[:shown]), "count": shown}[result]

    v["rule"] = (
        "A new word leaves what can be brought back as it is."
        if keeps
        else "After a new word, nothing that was taken back before it can be brought back."
    )
    v["end"] = {
        "words": "Return the list of the words that stand at the end.",
        "line": "Return the words that stand at the end, joined by single blanks.",
        "count": "Return how many words stand at the end.",
    }[result]
    return Drawn(
        call=draw.choice(("typed_text", "replay", "edit_history", "after_undo")),
        parameters=(Parameter(v["keys"], TYPED),),
        returns={"words": "list[str]", "line": "str", "count": "int"}[result],
        say=draw.say(
            'The list `$keys` holds words and two commands. "undo" takes the last word back, "redo" brings back the '
            "one that was taken back last; both do nothing if there is no such word. $rule $end",
            'An editor receives `$keys` in order: any text but "undo" and "redo" is a word that is added at the end. '
            '"undo" removes the last word, and "redo" adds the word again that was removed most recently, if there '
            "are any. $rule $end",
            'Replay `$keys`. Words are written one after the other; on "undo" the latest one disappears, on "redo" the '
            "one that disappeared last comes back, and without such a word nothing happens. $rule $end",
            **v,
        ),
        body=_solid(body),
        oracle=oracle,
        idea="Keep two stacks: what stands, and what was taken back; a command moves one word from one to the other.",
        contracts=(fill("len(result) <= len($keys)", **v),) if result == "words" else (),
        difficulty=3,
    )


@family("data-structures", 3, 4)
def cursor_in_a_line(draw: Draw) -> Drawn:
    """A line of text with a cursor."""
    v: dict[str, Any] = {
        "keys": draw.name("keys", "strokes", "events"),
        "key": draw.name("key", "stroke", "event"),
        "left": draw.name("left", "before", "head"),
        "right": draw.name("right", "after", "tail"),
    }
    erases, jumps, marks = draw.choice(("before", "behind")), draw.chance(), draw.chance()
    v["erase"] = fill("if $left:\n    $left.pop()" if erases == "before" else "if $right:\n    $right.pop()", **v)
    v["home"] = fill(
        "$right.extend(reversed($left))\n$left.clear()" if jumps else "if $left:\n    $right.append($left.pop())", **v
    )
    v["bar"] = ' + "|"' if marks else ""
    body = draw.source(
        """
        $left, $right = [], []
        for $key in $keys:
            if $key == "<":
                $home
            elif $key == ">":
                if $right:
                    $left.append($right.pop())
            elif $key == "-":
                $erase
            else:
                $left.extend($key)
        return "".join($left)$bar + "".join(reversed($right))
        """,
        """
        line, at = "", 0
        for $key in $keys:
            if $key == "<":
                at = $back
            elif $key == ">":
                at = min(len(line), at + 1)
            elif $key == "-":
                $cut
            else:
                line = line[:at] + $key + line[at:]
                at += len($key)
        return line[:at]$bar + line[at:]
        """,
        **v,
        back="0" if jumps else "max(0, at - 1)",
        cut="if at > 0:\n    line = line[:at - 1] + line[at:]\n    at -= 1"
        if erases == "before"
        else "line = line[:at] + line[at + 1:]",
    )

    def oracle(keys: list[str]) -> str:
        line = "|"
        for key in keys:
            first, _, last = line.partition("|")
            if key == "<":
                line = f"|{first}{last}" if jumps else f"{first[:-1]}|{first[-1:]}{last}"
            elif key == ">":
                line = f"{first}{last[:1]}|{last[1:]}"
            elif key == "-":
                line = f"{first[:-1]}|{last}" if erases == "before" else f"{first}|{last[1:]}"
            else:
                line = f"{first}{key}|{last}"
        return line if marks else line.replace("|", "")

    v["way"] = "to the beginning" if jumps else "one character to the left"
    v["gone"] = f"the character right {erases} the cursor"
    v["end"] = 'Return the line with "|" where the cursor is.' if marks else "Return the line."
    return Drawn(
        call=draw.choice(("edit_line", "type_keys", "line_after", "cursor_text")),
        parameters=(Parameter(v["keys"], EDITS),),
        returns="str",
        say=draw.say(
            'A line is empty at first and has a cursor. For each of `$keys`: "<" moves the cursor $way and ">" one '
            'character to the right, as far as there are any; "-" removes $gone, if there is one; any other text is '
            "put in at the cursor, which then stands behind it. $end",
            'Replay `$keys` on an empty line of text. "<" takes the cursor $way, ">" one to the right, and "-" deletes '
            "$gone; where that is not possible nothing happens. Everything else is inserted where the cursor is, and "
            "the cursor moves behind it. $end",
            'The strings in `$keys` are what somebody types: "-" erases $gone (if any), "<" and ">" move the cursor, '
            "$way and one character to the right, but never out of the line, and all other strings are written at the "
            "cursor and push it on. $end",
            **v,
        ),
        body=body,
        oracle=oracle,
        idea=(
            "Every key changes the line only at the cursor, so it is enough to know what stands before it "
            "and what behind it."
        ),
        contracts=(fill("len(result) <= 2 * len($keys) + 1", **v),),
        difficulty=4 if marks else 3,
    )


@family("data-structures", 2, 3)
def ring_of_fixed_size(draw: Draw) -> Drawn:
    """A buffer that holds so many numbers; the newest push the oldest out, or are refused."""
    test = number_test(draw)
    v: dict[str, Any] = {
        "values": draw.name("values", "numbers", "stream", "readings"),
        "size": draw.name("size", "room", "capacity"),
        "value": draw.name("value", "number", "x"),
        "ring": draw.name("ring", "buffer", "kept"),
        "words": test.words,
    }
    kind, words = draw.choice(
        (
            ("left", "Return what it holds at the end, the oldest first."),
            ("out", "Return the numbers that were pushed out, in order."),
            ("sums", "Return the list of the sums of what it holds, one after each number that was put in."),
        )
    )
    v |= {
        "test": test.of(v["value"]),
        "begin": {"left": "", "out": "out = []", "sums": "sums = []"}[kind],
        "old": fill("$ring.popleft()" if kind != "out" else "out.append($ring.popleft())", **v),
        "note": fill("sums.append(sum($ring))", **v) if kind == "sums" else "",
        "result": {"left": fill("list($ring)", **v), "out": "out", "sums": "sums"}[kind],
        "slot": fill("out.append($ring[place])" if kind == "out" else "pass", **v),
    }
    body = draw.source(
        """
        $ring = deque()
        $begin
        for $value in $values:
            if not ($test):
                continue
            if len($ring) == $size:
                $old
            $ring.append($value)
            $note
        return $result
        """,
        """
        $ring = deque()
        $begin
        for $value in $values:
            if $test:
                $ring.append($value)
                while len($ring) > $size:
                    $old
                $note
        return $result
        """,
        **v,
    )

    def oracle(values: list[int], size: int) -> list[int]:
        fit = [value for value in values if test.call(value)]
        if kind == "sums":
            return [sum(fit[max(0, end - size) : end]) for end in range(1, len(fit) + 1)]
        cut = len(fit) - min(size, len(fit))
        return fit[cut:] if kind == "left" else fit[:cut]

    return Drawn(
        call=draw.choice(("ring_buffer", "last_kept", "run_buffer", "bounded_log")),
        parameters=(Parameter(v["values"], NUMBERS), Parameter(v["size"], SIZE)),
        returns="list[int]",
        say=draw.say(
            "A buffer has room for `$size` numbers. Of the numbers in `$values`, in order, those that are $words are "
            "put in; when it is full, the oldest one is pushed out first. $end",
            "Go through `$values` and put the numbers that are $words into a queue that never holds more than `$size` "
            "of them: the one that came first makes room. $end",
            "Only numbers that are $words enter a ring buffer of `$size` places, which is empty at first and forgets "
            "its oldest number whenever there is no place for a new one. They come from `$values`, from the start. "
            "$end",
            **v,
            end=words,
        ),
        body=_solid(body),
        oracle=oracle,
        idea="Use a queue: add at one end, and take from the other as soon as there are too many.",
        prelude="from collections import deque",
        contracts=(fill("len(result) <= len($values)", **v),),
        difficulty=3 if kind == "sums" else 2,
    )
