"""Trees that are built, cut back, or laid over each other."""

from __future__ import annotations

from typing import Any

from titrant.synthesize.generator.domains import Integers, Lists
from titrant.synthesize.generator.draw import Draw, fill
from titrant.synthesize.generator.families.conditions import alone, clause, one_of, tidied
from titrant.synthesize.generator.families.recursion.nestings import TREE, TREE_WORDS, leaves, places, planted
from titrant.synthesize.generator.family import Drawn, Parameter, family
from titrant.synthesize.generator.pieces import number_change, number_test

ROW = Lists(Integers(-20, 20), 0, 8)
_TWINS = (
    "A number whose key is in the tree already is not inserted.",
    "Of equal keys the later one goes to the left.",
    "Of equal keys the later one goes to the right.",
)
_TREE_HELPERS = {
    "tree": "",
    ("height(tree)"): (
        "def height(node):\n    return 0 if node is None else 1 + max(height(node[1]), height(node[2]))"
    ),
    "leaves(tree)": (
        "def leaves(node):\n    if node is None:\n        return []\n    own, left, right = node\n    if left is "
        "None and right is None:\n        return [own]\n    return leaves(left) + leaves(right)"
    ),
}


_PRUNED_TREE_PRUNED_SUMS = (
    """
    def total_of(node):
        return 0 if node is None else node[0] + total_of(node[1]) + total_of(node[2])

    total = total_of($tree)
    if $tree is None or $sum_test:
        return None
    $value, left, right = $tree
    return ($change, $call(left), $call(right))
    """,
    """
    def rebuilt(node):
        if node is None:
            return None, 0
        $value = node[0]
        left, left_total = rebuilt(node[1])
        right, right_total = rebuilt(node[2])
        total = $value + left_total + right_total
        if $sum_test:
            return None, total
        return ($change, left, right), total

    return rebuilt($tree)[0]
    """,
)


@family("recursion", 3)
def pruned_tree(draw: Draw) -> Drawn:
    """A tree without the leaves, or without the subtrees, whose number passes a test; what is left may change."""
    test, change, sums = number_test(draw), number_change(draw), draw.chance()
    call = draw.name("prune", "cut_back", "trim_tree", "thin_out")
    tree, value = draw.name("tree", "root", "plant"), draw.name("value", "label", "key")
    names = {
        "call": call,
        "tree": tree,
        "value": value,
        "test": clause(test, value),
        "sum_test": test.of("total"),
        "is_kept": alone(test),
        "change": change.of(value),
        "words": change.words,
        "tuples": draw.choice(TREE_WORDS),
    }
    names["what"] = (
        f"every subtree is removed whose values have, before anything is removed, a sum that is {alone(test)}"
        if sums
        else f"leaves whose value is {alone(test)} are removed, again and again, until no leaf of the kind is left"
    )

    def oracle(given: Any) -> Any:
        found = places(given)
        if sums:
            totals = {way: sum(x for other, x in found.items() if other.startswith(way)) for way in found}
            gone = [way for way in found if test.call(totals[way])]
            left = {way: x for way, x in found.items() if not any(way.startswith(each) for each in gone)}
        else:
            left = dict(found)
            while any(test.call(left[way]) for way in leaves(left)):
                for way in [way for way in leaves(left) if test.call(left[way])]:
                    del left[way]
        return planted({way: change.call(x) for way, x in left.items()})

    pruned_leaves = (
        """
        if $tree is None:
            return None
        $value, left, right = $tree
        left, right = $call(left), $call(right)
        if left is None and right is None and $test:
            return None
        return ($change, left, right)
        """,
        """
        def rebuilt(node):
            if node is None:
                return None
            $value, left, right = node[0], rebuilt(node[1]), rebuilt(node[2])
            is_leaf = left is None and right is None
            return None if is_leaf and $test else ($change, left, right)

        return rebuilt($tree)
        """,
    )
    return Drawn(
        call=call,
        parameters=(Parameter(tree, TREE),),
        returns="tuple | None",
        say=draw.say(
            "Return a copy of the binary tree `$tree` in which $what; the values that remain are replaced by $words. "
            "$tuples",
            "Cut back `$tree` so that $what, and then replace each value that is left by $words. Return the new tree, "
            "None if nothing is left. $tuples",
            "Make a new binary tree from `$tree`: first $what, judged by the original values; then every remaining "
            "value becomes $words. Return it (None stands for an empty tree). $tuples",
            **names,
        ),
        body=draw.source(*(_PRUNED_TREE_PRUNED_SUMS if sums else pruned_leaves), **names),
        oracle=oracle,
        idea=draw.say(
            "Every part of the tree is rebuilt in the same way; nothing stands in the place of a part that has to go."
        ),
        difficulty=3,
    )


_OVERLAID_TREES_UNION = (
    """
    def changed(node):
        if node is None:
            return None
        value, left, right = node
        return ($kept, changed(left), changed(right))

    if $one is None:
        return changed($other)
    if $other is None:
        return changed($one)
    return ($join, $call($one[1], $other[1]), $call($one[2], $other[2]))
    """,
    """
    if $one is None and $other is None:
        return None
    if $one is None or $other is None:
        value, left, right = $one or $other
        return ($kept, $call(left, None), $call(right, None))
    a, left, right = $one
    b, other_left, other_right = $other
    return ($join_ab, $call(left, other_left), $call(right, other_right))
    """,
)


_OVERLAID_TREES_OVERLAP = (
    """
    if $one is None or $other is None:
        return None
    return ($join, $call($one[1], $other[1]), $call($one[2], $other[2]))
    """,
    """
    if $one is None or $other is None:
        return None
    a, left, right = $one
    b, other_left, other_right = $other
    return ($join_ab, $call(left, other_left), $call(right, other_right))
    """,
)


@family("recursion", 3)
def overlaid_trees(draw: Draw) -> Drawn:
    """Two trees laid over each other, or what they have in common."""
    k, common = draw.integer(2, 9), draw.chance(0.4)
    one, other = draw.choice((("first", "second"), ("upper", "lower"), ("base", "layer"), ("one", "other")))
    words, source, meaning = one_of(
        draw,
        ("the sum of both values", "$a + $b", lambda a, b: sum((a, b))),
        (f"the first value minus {k} times the second", f"$a - {k} * $b", lambda a, b: a - sum([b] * k)),
        ("the greater of both values", "max($a, $b)", lambda a, b: sorted((a, b))[1]),
        (
            f"the absolute difference of both values plus {k}",
            f"abs($a - $b) + {k}",
            lambda a, b: max(a, b) - min(a, b) + k,
        ),
        (
            f"the product of both values modulo {k + 5}",
            f"$a * $b % {k + 5}",
            lambda a, b: a * b - a * b // (k + 5) * (k + 5),
        ),
        (f"{k} times the smaller of both values", f"{k} * min($a, $b)", lambda a, b: sum([sorted((a, b))[0]] * k)),
    )
    call = draw.name("overlay", "merge_trees", "lay_over", "join_trees")
    change = number_change(draw)
    names = {
        "call": call,
        "one": one,
        "other": other,
        "join": fill(source, a=f"{one}[0]", b=f"{other}[0]"),
        "join_ab": fill(source, a="a", b="b"),
        "words": words,
        "tuples": draw.choice(TREE_WORDS),
        "alone": "are left out, together with all below them"
        if common
        else f"are taken over with each value replaced by {change.words}",
        "kept": change.of("value"),
    }

    def oracle(a: Any, b: Any) -> Any:
        x, y = places(a), places(b)
        both = {way: meaning(x[way], y[way]) for way in x if way in y}
        lone = {way: change.call(value) for way, value in [*x.items(), *y.items()] if way not in both}
        return planted(both if common else both | lone)

    return Drawn(
        call=call,
        parameters=(Parameter(one, TREE), Parameter(other, TREE)),
        returns="tuple | None",
        say=draw.say(
            "Lay the binary trees `$one` (the first) and `$other` (the second) over each other, root on root, and "
            "return the new tree. Where both have a node its value is $words. Nodes that only one of them has $alone. "
            "$tuples",
            "Return the tree that comes from matching the nodes of `$one`, the first tree, and `$other`, the second, "
            "at the same places. A place that both have gets $words, and nodes at places of just one tree $alone. "
            "$tuples",
            "Combine two binary trees, `$one` as the first and `$other` as the second, place by place from their "
            "roots down. Nodes that both trees have at a place become one node with $words; nodes without a partner "
            "$alone. Return the combined tree. $tuples",
            **names,
        ),
        body=draw.source(*(_OVERLAID_TREES_OVERLAP if common else _OVERLAID_TREES_UNION), **names),
        oracle=oracle,
        idea=draw.say(
            "Walk down both trees at the same time: the roots are combined, and so are the left subtrees and the "
            "right ones.",
            "The function works on a pair of subtrees; where one of them is missing, the rule for lone nodes applies.",
        ),
        difficulty=3,
    )


_SEARCH_TREE_FROM_ROW_BODIES = (
    """
    def insert(node, $x):
        if node is None:
            return ($x, None, None)
        key, node_key = $key, $node_key
        $skip
        own, left, right = node
        if key $left_if node_key:
            return (own, insert(left, $x), right)
        return (own, left, insert(right, $x))

    $extra
    tree = None
    for $x in $row:
        tree = insert(tree, $x)
    return $end
    """,
    """
    def key_of($x):
        return $key

    def build(numbers):
        if not numbers:
            return None
        root, rest = numbers[0], numbers[1:]
        left = [each for each in rest if key_of(each) $left_if key_of(root)]
        right = [each for each in rest if key_of(each) $right_if key_of(root)]
        return (root, build(left), build(right))

    $extra
    tree = build($row)
    return $end
    """,
)


_SEARCH_TREE_FROM_ROW_WORDINGS = (
    "Insert the numbers of `$row` one after the other into a binary search tree that is empty at first and ordered by "
    "a key, which for a number is $words. Smaller keys go to the left, greater ones to the right. $twins Return $what.",
    "Build a binary search tree by inserting the numbers of `$row` in their order without ever rebalancing. Numbers "
    "are compared by a key: $words. At each node a smaller key goes left and a greater one right. $twins Return $what.",
    "Return $what, where the tree is the search tree that grows when the numbers of `$row` are inserted from first to "
    "last: left of a node stand smaller keys, right of it greater ones, and the key of a number is $words. $twins",
)


@family("recursion", 3)
def search_tree_from_row(draw: Draw) -> Drawn:
    """The search tree that comes from inserting numbers by a drawn key: itself, its height or leaves."""
    k = draw.integer(3, 9)
    words, source, meaning = one_of(
        draw,
        ("the number itself", "$x", lambda x: x),
        ("its absolute value", "abs($x)", lambda x: max(x, -x)),
        (f"its remainder modulo {k}", f"$x % {k}", lambda x: x - x // k * k),
        (f"its distance from {k}", f"abs($x - {k})", lambda x: max(x, k) - min(x, k)),
        (f"its quotient by {k}, rounded down", f"$x // {k}", lambda x: (x - x % k) // k),
        ("its negative", "-$x", lambda x: 0 - x),
    )
    twins = draw.integer(0, 2)
    kind = draw.integer(0, 2)
    call = draw.name("grow_tree", "search_tree", "plant_numbers", "insert_all")
    row, x = draw.name("row", "values", "numbers"), draw.name("value", "number", "item")
    what, returns, end = (
        ("the tree, as a tuple (number, left, right) with None for an empty tree", "tuple | None", "tree"),
        (
            "the height of the tree (its greatest number of nodes on a way down from the root, 0 for an empty tree)",
            "int",
            "height(tree)",
        ),
        ("the list of the leaves of the tree from left to right", "list[int]", "leaves(tree)"),
    )[kind]
    names = {
        "row": row,
        "x": x,
        "words": words,
        "key": fill(source, x=x),
        "node_key": fill(source, x="node[0]"),
        "what": what,
        "left_if": "<=" if twins == 1 else "<",
        "twins": _TWINS[twins],
        "skip": "if key == node_key:\n    return node" if twins == 0 else "",
        "end": end,
    }
    extra = _TREE_HELPERS[end]

    def oracle(given: list[int]) -> Any:
        way: dict[str, int] = {}
        for number in given:
            place = ""
            while place in way:
                a, b = meaning(number), meaning(way[place])
                if a == b and twins == 0:
                    break
                place += "L" if a < b or (a == b and twins == 1) else "R"
            way.setdefault(place, number)
        if kind == 0:
            return planted(way)
        return max(map(len, way), default=-1) + 1 if kind == 1 else [way[each] for each in sorted(leaves(way))]

    body = draw.source(
        *_SEARCH_TREE_FROM_ROW_BODIES,
        extra=extra + "\n" if extra else "",
        right_if=">=" if twins == 2 else ">",
        **names,
    )
    return Drawn(
        call=call,
        parameters=(Parameter(row, ROW),),
        returns=returns,
        say=draw.say(
            *_SEARCH_TREE_FROM_ROW_WORDINGS,
            **names,
        ),
        body=tidied(body),
        oracle=oracle,
        idea=draw.say(
            "The key of a number says on which side of a node it belongs, and each side is a search tree again."
        ),
        difficulty=3,
    )
