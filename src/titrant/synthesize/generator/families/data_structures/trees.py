"""Trees that numbers are put into, words shared by their beginnings, sets that grow together."""

from __future__ import annotations

from typing import Any

from titrant.synthesize.generator.domains import Choices, Integers, Lists, Texts, Tuples
from titrant.synthesize.generator.draw import Draw, fill
from titrant.synthesize.generator.family import Drawn, Parameter, family

VALUES = Lists(Integers(-30, 30), 0, 10)
WORDS = Lists(Texts("abc", 1, 4), 0, 9)
BEGINNINGS = Lists(Texts("abc", 0, 3), 0, 6)
LINKS = Lists(Tuples((Integers(1, 8), Integers(1, 8))), 0, 9)
POINTS = Lists(Tuples((Choices(("add", "add", "ask")), Integers(0, 7), Integers(0, 9))), 0, 10)


@family("data-structures", 3, 4)
def search_tree_of_numbers(draw: Draw) -> Drawn:
    """Numbers are put into a search tree one by one; its form is asked for."""
    v: dict[str, Any] = {
        "values": draw.name("values", "numbers", "keys"),
        "value": draw.name("value", "number", "key"),
        "root": draw.name("root", "tree", "top"),
        "k": draw.integer(1, 4),
    }
    twice, order = draw.chance(), draw.choice(("height", "leaves", "level", "before", "after"))
    least = draw.choice(("", "digits"))
    v["less"] = fill("$value % 10 < node[0] % 10" if least else "$value < node[0]", **v)
    v["skip"] = "" if twice else fill("if node[0] == $value:\n    break", **v)
    v["else"] = "" if twice else "\nelse:\n    continue"
    ends, words = {
        "height": (
            "return max(walk(node[1]), walk(node[2])) + 1 if node else 0",
            "the number of levels of the tree (0 for an empty one)",
        ),
        "leaves": (
            "return (walk(node[1]) + walk(node[2]) or 1) if node else 0",
            "the number of nodes without children",
        ),
        "level": (
            "if not node:\n    return []\nif depth == $k:\n    return [node[0]]\n"
            "return walk(node[1], depth + 1) + walk(node[2], depth + 1)",
            "the list of the numbers on level $k, from left to right (the root alone is level 1)",
        ),
        "before": (
            "return [node[0]] + walk(node[1]) + walk(node[2]) if node else []",
            "the list of its numbers, each node before those below it, left ones first",
        ),
        "after": (
            "return walk(node[1]) + walk(node[2]) + [node[0]] if node else []",
            "the list of its numbers, each node after those below it, left ones first",
        ),
    }[order]
    v |= {"ends": fill(ends, **v), "words": fill(words, **v), "args": "node, depth=1" if order == "level" else "node"}
    body = draw.source(
        """
        $root = None
        for $value in $values:
            $root = insert($root, $value)
        return walk($root)
        """,
        """
        $root = reduce(insert, $values, None)
        return walk($root)
        """,
        **v,
    )
    same = fill("" if twice else "if node[0] == $value:\n    return node", **v)
    prelude = draw.source(
        """
        def insert(node, $value):
            if node is None:
                return [$value, None, None]
            $same
            side = 1 if $less else 2
            node[side] = insert(node[side], $value)
            return node


        def walk($args):
            $ends
        """,
        """
        def insert(node, $value):
            if not node:
                return ($value, None, None)
            $same
            if $less:
                return (node[0], insert(node[1], $value), node[2])
            return (node[0], node[1], insert(node[2], $value))


        def walk($args):
            $ends
        """,
        **v,
        same=same,
    )
    prelude = "\n".join(line for line in prelude.splitlines() if line != "    ")
    prelude = f"from functools import reduce\n\n\n{prelude}" if "reduce" in body else prelude

    def oracle(values: list[int]) -> Any:
        def form(left: list[int], depth: int) -> dict[str, Any]:
            if not left:
                return {"height": 0, "leaves": 0, "level": [], "before": [], "after": []}
            top, *rest = left if twice else list(dict.fromkeys(left))
            lower = [x for x in rest if (x % 10 < top % 10 if least else x < top)]
            upper = [x for x in rest if not (x % 10 < top % 10 if least else x < top)]
            one, other = form(lower, depth + 1), form(upper, depth + 1)
            return {
                "height": 1 + max(one["height"], other["height"]),
                "leaves": one["leaves"] + other["leaves"] if rest else 1,
                "level": [top] if depth == v["k"] else one["level"] + other["level"],
                "before": [top, *one["before"], *other["before"]],
                "after": [*one["after"], *other["after"], top],
            }

        return form(values, 1)[order]

    v["rule"] = (
        "its last digit (its remainder modulo 10) is less than that of the number in the node"
        if least
        else "it is less than the number in the node"
    )
    v["twice"] = (
        "a number that is there already goes to the right too"
        if twice
        else "a number that is met on the way is not put in again"
    )
    return Drawn(
        call=draw.choice(("tree_form", "grow_tree", "search_tree", "tree_of_numbers")),
        parameters=(Parameter(v["values"], VALUES),),
        returns="int" if order in ("height", "leaves") else "list[int]",
        say=draw.say(
            "Put the numbers of `$values` into a binary tree, one by one: each goes down from the root, to the left if "
            "$rule and to the right otherwise, and becomes a new node where there is none; $twice. Return $words.",
            "A binary tree without balancing grows from `$values`, whose first number is the root. Every further one "
            "turns left at a node if $rule, else right, until a place is free; $twice. Return $words.",
            "Build the tree that arises when the numbers in `$values` are inserted in order, where a number belongs to "
            "the left of a node if $rule and to the right if not ($twice). Find $words.",
            **v,
        ),
        body=body,
        oracle=oracle,
        idea="Insert by going down from the root; a recursive walk over the nodes then collects what is asked for.",
        prelude=prelude,
        contracts=("result >= 0",) if order in ("height", "leaves") else (fill("len(result) <= len($values)", **v),),
        difficulty=4 if order == "level" or least else 3,
    )


@family("data-structures", 3)
def words_by_beginnings(draw: Draw) -> Drawn:
    """A tree of letters answers how many words begin with a text, or more."""
    v: dict[str, Any] = {
        "words": draw.name("words", "names", "entries"),
        "asked": draw.name("asked", "prefixes", "starts"),
        "word": draw.name("word", "entry", "text"),
        "k": draw.integer(2, 7),
        "m": draw.integer(1, 4),
    }
    kind = draw.choice(("count", "letters", "longer"))
    add, words = {
        "count": ("$k", "$k points for every word of `$words` that begins with it"),
        "letters": ("len($word)", "the sum of the lengths of the words in `$words` that begin with it"),
        "longer": (
            "len($word) - depth >= $m",
            "how many words of `$words` begin with it and go on for $m or more letters",
        ),
    }[kind]
    v |= {"add": fill(add, **v), "what": fill(words, **v), "least": draw.integer(0, 2)}
    v["depth"] = "depth, letter in enumerate($word, 1)" if kind == "longer" else "letter in $word"
    v["depth"] = fill(v["depth"], **v)
    v["first"] = v["add"].replace(" - depth", "")
    v["each"] = fill("len(start)" if kind == "longer" else "", **v)
    body = draw.source(
        """
        root = {"": 0}
        for $word in $words:
            node = root
            node[""] += $first
            for $depth:
                node = node.setdefault(letter, {"": 0})
                node[""] += $add
        answers = []
        for start in $asked:
            node = root
            for letter in start:
                node = node.get(letter, {"": 0})
            answers.append(node[""] if len(start) >= $least else -1)
        return answers
        """,
        """
        values = {}
        for $word in $words:
            for depth in range(len($word) + 1):
                start = $word[:depth]
                values[start] = values.get(start, 0) + ($add)
        return [values.get(start, 0) if len(start) >= $least else -1 for start in $asked]
        """,
        **v,
    )

    def oracle(words: list[str], asked: list[str]) -> list[int]:
        found = []
        for start in asked:
            fitting = [word[len(start) :] for word in words if word.startswith(start)]
            value = {
                "count": len(fitting) * v["k"],
                "letters": len("".join(start + rest for rest in fitting)),
                "longer": sum(bool(rest[v["m"] - 1 :]) for rest in fitting),
            }[kind]
            found.append(value if start[v["least"] - 1 :] or not v["least"] else -1)
        return found

    v["short"] = (
        "An empty text is the beginning of every word."
        if v["least"] == 0
        else "For an empty text, the answer is -1."
        if v["least"] == 1
        else "For a text of fewer than 2 letters, the answer is -1."
    )
    return Drawn(
        call=draw.choice(("by_beginning", "ask_prefixes", "prefix_values", "word_tree")),
        parameters=(Parameter(v["words"], WORDS), Parameter(v["asked"], BEGINNINGS)),
        returns="list[int]",
        say=draw.say(
            "For each text in `$asked`, find $what; words that stand there several times count as often. $short Return "
            "the answers in the order of `$asked`.",
            "Answer every text of `$asked` by a number: $what, where the whole word is one of its beginnings and "
            "repeated words count each time. $short Return the list of these numbers.",
            "Return a list with one number for each text in `$asked`, namely $what. Equal words count one by one. "
            "$short",
            **v,
        ),
        body=body,
        oracle=oracle,
        idea=(
            "Go through the letters of every word once and add to each of its beginnings, so that answers are read off."
        ),
        contracts=(fill("len(result) == len($asked)", **v),),
        difficulty=3,
    )


@family("data-structures", 3, 4)
def groups_that_merge(draw: Draw) -> Drawn:
    """Links merge groups of numbers; what the links did, or what is left, is asked for."""
    v: dict[str, Any] = {
        "links": draw.name("links", "pairs", "unions"),
        "parent": draw.name("parent", "leader", "boss"),
        "size": draw.integer(8, 10),
        "limit": draw.integer(3, 6),
        "k": draw.integer(2, 9),
    }
    kind, limited = draw.choice(("useless", "groups", "largest", "score")), draw.chance()
    v["test"] = fill(" and sizes[a] + sizes[b] <= $limit" if limited else "", **v)
    result, words = {
        "useless": ("useless", "how many links change nothing"),
        "groups": ("sum(find(each) == each for each in $parent)", "how many groups there are at the end"),
        "largest": ("max(sizes[find(each)] for each in $parent)", "the size of the largest group at the end"),
        "score": (
            "sum(sizes[each] ** 2 for each in $parent if find(each) == each) + $k",
            "the sum of the squares of the sizes of all groups at the end, plus $k",
        ),
    }[kind]
    v |= {"result": fill(result, **v), "end": fill(words, **v)}
    v["begin"] = "useless = 0" if kind == "useless" else ""
    v["else"] = "else:\n    useless += 1" if kind == "useless" else ""
    body = draw.source(
        """
        $parent = {each: each for each in range(1, $size + 1)}
        sizes = dict.fromkeys($parent, 1)
        $begin

        def find(each):
            while $parent[each] != each:
                $parent[each] = $parent[$parent[each]]
                each = $parent[each]
            return each

        for a, b in $links:
            a, b = find(a), find(b)
            if a != b$test:
                $parent[b] = a
                sizes[a] += sizes[b]
            $else
        return $result
        """,
        """
        $parent = {each: each for each in range(1, $size + 1)}
        sizes = {each: 1 for each in $parent}

        def find(each):
            if $parent[each] == each:
                return each
            $parent[each] = find($parent[each])
            return $parent[each]

        $begin
        for one, other in $links:
            a, b = sorted((find(one), find(other)))
            if a != b$test:
                $parent[b] = a
                sizes[a] += sizes[b]
            $else
        return $result
        """,
        **v,
    )
    lines = list(body.splitlines())
    body = "\n".join(
        line for place, line in enumerate(lines) if line.strip() or "def" in "".join(lines[place + 1 : place + 2])
    )

    def oracle(links: list[tuple[int, int]]) -> int:
        groups = [{each} for each in range(1, v["size"] + 1)]
        useless = 0
        for pair in links:
            touched = [group for group in groups if group & set(pair)]
            merged = set[int]().union(*touched)
            if len(touched) == 1 or (limited and len(merged) > v["limit"]):
                useless += 1
            else:
                groups = [group for group in groups if group not in touched] + [merged]
        sizes = list(map(len, groups))
        found = {"useless": useless, "groups": len(sizes), "largest": sorted(sizes)[-1]}
        return found.get(kind, sum(size * size for size in sizes) + int(v["k"]))

    v["rule"] = fill(
        ", unless the new group would have more than $limit members, in which case nothing happens" if limited else "",
        **v,
    )
    return Drawn(
        call=draw.choice(("merge_groups", "join_all", "link_up", "disjoint_sets")),
        parameters=(Parameter(v["links"], LINKS),),
        returns="int",
        say=draw.say(
            "The numbers from 1 to $size are a group each. Every pair in `$links`, in order, merges the groups of its "
            "two numbers$rule; a pair within one group changes nothing. Return $end.",
            "At first each of the numbers 1 to $size is alone. Work through `$links`: a pair of numbers in different "
            "groups makes one group of both$rule, and a pair in the same group is without effect. Return $end.",
            "Each pair in `$links` joins two of the numbers from 1 to $size, and with them all that was joined to them "
            "before$rule. Joining what is joined already does nothing. Find $end.",
            **v,
        ),
        body=body,
        oracle=oracle,
        idea="Let each group have a leader; to merge two groups, one leader gets the other as its own leader.",
        contracts=("result >= 0",),
        difficulty=4 if limited else 3,
    )


@family("data-structures", 4)
def sums_over_prefixes(draw: Draw) -> Drawn:
    """Points are added at places, sums up to places are asked for."""
    v: dict[str, Any] = {
        "commands": draw.name("commands", "events", "log"),
        "name": draw.name("name", "what", "kind"),
        "place": draw.name("place", "index", "at"),
        "points": draw.name("points", "amount", "value"),
        "tree": draw.name("tree", "sums", "totals"),
        "k": draw.integer(1, 4),
    }
    after, kind = draw.chance(), draw.choice(("list", "total"))
    v["add"] = fill("$points" if v["k"] == 1 else "$k * $points", **v)
    v["flip"] = fill("7 - $place + 1" if after else "$place + 1", **v)
    v["result"] = "answers" if kind == "list" else "sum(answers)"
    body = draw.source(
        """
        $tree = [0] * 9
        answers = []
        for $name, $place, $points in $commands:
            i = $flip
            if $name == "add":
                while i < len($tree):
                    $tree[i] += $add
                    i += i & -i
            else:
                total = 0
                while i > 0:
                    total += $tree[i]
                    i -= i & -i
                answers.append(total)
        return $result
        """,
        """
        held = [0] * 8
        answers = []
        for $name, $place, $points in $commands:
            if $name == "add":
                held[$place] += $add
            else:
                answers.append(sum(held[$part]))
        return $result
        """,
        **v,
        part=fill("$place:" if after else ":$place + 1", **v),
    )

    def oracle(commands: list[tuple[str, int, int]]) -> Any:
        answers = []
        for count, (name, place, _) in enumerate(commands):
            if name == "ask":
                before = [(other, n) for what, other, n in commands[:count] if what == "add"]
                fits = [n * v["k"] for other, n in before if (other >= place if after else other <= place)]
                answers.append(sum(fits))
        return answers if kind == "list" else -sum(-each for each in answers)

    v |= {
        "times": "" if v["k"] == 1 else f"{v['k']} times ",
        "side": "from p on" if after else "up to and with p",
        "out": "Return the list of the sums asked for."
        if kind == "list"
        else "Return the total of all sums asked for.",
    }
    return Drawn(
        call=draw.choice(("prefix_sums", "answer_sums", "points_so_far", "running_table")),
        parameters=(Parameter(v["commands"], POINTS),),
        returns="list[int]" if kind == "list" else "int",
        say=draw.say(
            'The places 0 to 7 hold 0 points each. In `$commands`, ("add", p, n) adds $timesn points at place p, and '
            '("ask", p, n) asks for the sum of the points at all places $side; its n means nothing. $out',
            'Work through the triples in `$commands` on a row of eight places, 0 to 7, without points. "add" gives '
            '$timesits last number to the place p in its middle, "ask" wants the sum over the places $side, whatever '
            "its last number is. $out",
            "A table of 8 places, numbered from 0, is empty. Each triple (word, p, n) in `$commands` either puts "
            "$timesn "
            'on place p (the word is "add") or asks for the sum of what lies on the places $side ("ask"). $out',
            **{name: value for name, value in v.items() if name != "times"},
            timesn=f"{v['times']}n",
            timesits=f"{v['times']}its" if v["times"] else "its",
        ),
        body=body,
        oracle=oracle,
        idea="A tree of partial sums lets both adding and asking touch only a few places."
        if "& -" in body
        else "Adding changes one number, and asking adds up the numbers in question.",
        contracts=(fill("len(result) <= len($commands)", **v),) if kind == "list" else ("result >= 0",),
        difficulty=4,
    )
