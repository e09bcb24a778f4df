"""Binary trees: counted, listed by level, followed from the root to the leaves."""

from __future__ import annotations

from typing import Any

from titrant.synthesize.generator.draw import Draw, fill
from titrant.synthesize.generator.families.conditions import alone, clause, one_of
from titrant.synthesize.generator.families.recursion.nestings import (
    TREE,
    TREE_WORDS,
    leaves,
    places,
)
from titrant.synthesize.generator.family import Drawn, Parameter, family
from titrant.synthesize.generator.pieces import number_change, number_test

_NODES_OF_A_KIND_BODIES = (
    """
    if $tree is None:
        return 0
    $value, left, right = $tree
    $total = $call(left) + $call(right)
    if $kind and $test:
        $total += $gain
    return $total
    """,
    """
    $total = 0
    stack = [$tree]
    while stack:
        part = stack.pop()
        if part is None:
            continue
        $value, left, right = part
        if $kind and $test:
            $total += $gain
        stack.append(left)
        stack.append(right)
    return $total
    """,
    """
    if $tree is None:
        return 0
    $value, left, right = $tree
    own = $gain if $kind and $test else 0
    return own + $call(left) + $call(right)
    """,
)


@family("recursion", 2)
def nodes_of_a_kind(draw: Draw) -> Drawn:
    """The nodes with so many children whose values pass a test: how many, or their sum."""
    test, counted = number_test(draw), draw.chance()
    words, source, children = draw.choice(
        (
            ("leaves", "left is None and right is None", {0}),
            ("nodes with exactly one child", "(left is None) != (right is None)", {1}),
            ("nodes with two children", "left is not None and right is not None", {2}),
            ("nodes with at least one child", "left is not None or right is not None", {1, 2}),
        )
    )
    call = draw.name("measure_tree", "count_kind" if counted else "sum_kind", "inspect_nodes", "tree_tally")
    tree, value = draw.name("tree", "root", "node"), draw.name("value", "label", "key")
    names = {
        "call": call,
        "tree": tree,
        "value": value,
        "total": draw.name("total", "found", "result"),
        "kind": source,
        "test": clause(test, value),
        "gain": "1" if counted else value,
        "what": "how many" if counted else "the sum of the values of those",
        "verb": "Count the" if counted else "Add up the values of the",
        "words": words,
        "kept": test.words,
        "is_kept": alone(test),
        "tuples": draw.choice(TREE_WORDS),
    }

    def oracle(given: Any) -> int:
        found = places(given)
        kept = [x for way, x in found.items() if test.call(x) and sum(way + s in found for s in "LR") in children]
        return len(kept) if counted else sum(kept)

    return Drawn(
        call=call,
        parameters=(Parameter(tree, TREE),),
        returns="int",
        say=draw.say(
            "Return $what $words of the binary tree `$tree` have a value that is $is_kept. $tuples The empty tree "
            "gives 0."
            if counted
            else "Return $what $words of the binary tree `$tree` that are $kept. $tuples The empty tree gives 0.",
            "$verb $words in `$tree` whose value is $is_kept, and return the outcome (0 if there are none). $tuples",
            "Look at all $words of `$tree`. $tuples Return $what whose value is $is_kept, or 0 if there are no such "
            "nodes.",
            **names,
        ),
        body=draw.source(
            *_NODES_OF_A_KIND_BODIES,
            **(names | {"kind": f"({source})" if " or " in source else source}),
        ),
        oracle=oracle,
        idea=draw.say(
            "Visit every node once, look at which of its subtrees are missing and at its value, and keep a total."
        ),
        difficulty=2,
    )


_BEST_WAY_DOWN_BODIES = (
    """
    if $tree is None:
        return 0
    $value, left, right = $tree
    $own = $change
    if left is None:
        return $own + $call(right)
    if right is None:
        return $own + $call(left)
    return $own + $best($call(left), $call(right))
    """,
    """
    if $tree is None:
        return 0
    $value, left, right = $tree
    below = [$call(child) for child in (left, right) if child is not None]
    return $change + $best(below, default=0)
    """,
    """
    totals = []

    def descend(part, total):
        $value, left, right = part
        total += $change
        if left is None and right is None:
            totals.append(total)
        for child in (left, right):
            if child is not None:
                descend(child, total)

    if $tree is not None:
        descend($tree, 0)
    return $best(totals, default=0)
    """,
)


@family("recursion", 2, 3)
def best_way_down(draw: Draw) -> Drawn:
    """The best total of what the nodes on a way from the root to a leaf are worth."""
    greatest, change = draw.chance(), number_change(draw)
    call = draw.name("best_path", "best_way_down", "path_total", "steepest_way")
    tree, value = draw.name("tree", "root", "node"), draw.name("value", "label", "key")
    names = {
        "call": call,
        "tree": tree,
        "value": value,
        "best": "max" if greatest else "min",
        "which": "greatest" if greatest else "least",
        "change": change.of(value),
        "words": change.words,
        "tuples": draw.choice(TREE_WORDS),
        "own": draw.name("own", "worth", "here"),
    }

    def oracle(given: Any) -> int:
        found = places(given)
        totals = [sum(change.call(found[way[:k]]) for k in range(len(way) + 1)) for way in leaves(found)]
        return sorted(totals)[-1 if greatest else 0] if totals else 0

    return Drawn(
        call=call,
        parameters=(Parameter(tree, TREE),),
        returns="int",
        say=draw.say(
            "Return the $which total that a way from the root of the binary tree `$tree` down to a leaf can have. "
            "Each node on the way, root and leaf included, counts as its value replaced by $words. $tuples An empty "
            "tree gives 0.",
            "Every way from the root of `$tree` to a leaf (a node without children) has a cost: the sum over its "
            "nodes of the node's value replaced by $words. Return the $which cost of all ways, or 0 for the empty "
            "tree. $tuples",
            "Find the $which sum along any path that begins at the root of `$tree` and ends at a node with no "
            "children, where every value on the path is first replaced by $words. $tuples If `$tree` is None, return "
            "0.",
            **names,
        ),
        body=draw.source(
            *_BEST_WAY_DOWN_BODIES,
            **names,
        ),
        oracle=oracle,
        idea=draw.say(
            "A way ends at a leaf, and a missing child must not count as a way of its own; the best total decides."
        ),
        difficulty=3,
    )


_LEVELS_OF_TREE_BODIES = (
    """
    $rows = []

    def visit(part, depth):
        if part is None:
            return
        $value, left, right = part
        if depth == len($rows):
            $rows.append([])
        $rows[depth].append($change)
        visit(left, depth + 1)
        visit(right, depth + 1)

    visit($tree, 0)
    return [$end for $row in $rows]$turn
    """,
    """
    result = []
    current = [$tree] if $tree is not None else []
    while current:
        $row = [$change_part for part in current]
        result.append($end)
        current = [child for part in current for child in part[1:] if child is not None]
    return result$turn
    """,
)


@family("recursion", 2, 3)
def levels_of_tree(draw: Draw) -> Drawn:
    """One number for each level of a binary tree."""
    call = draw.name("level_values", "by_level", "levels_summary", "tree_rows")
    tree, value = draw.name("tree", "root", "node"), draw.name("value", "label", "key")
    words, source, meaning = one_of(
        draw,
        ("the sum of the values", "sum($row)", sum),
        ("the greatest value", "max($row)", lambda row: sorted(row)[-1]),
        ("the least value", "min($row)", lambda row: sorted(row)[0]),
        ("the value furthest to the left", "$row[0]", lambda row: next(iter(row))),
        ("the value furthest to the right", "$row[-1]", lambda row: [*row].pop()),
        ("the number of nodes", "len($row)", lambda row: sum(1 for _ in row)),
        (
            "the difference of its greatest and least values",
            "max($row) - min($row)",
            lambda row: max(row) + max(-x for x in row),
        ),
    )
    upwards, change = draw.chance(0.3), number_change(draw)
    row = draw.name("row", "level", "values")
    names = {
        "tree": tree,
        "value": value,
        "change": change.of(value),
        "change_part": change.of("part[0]"),
        "changed": change.words,
        "row": row,
        "rows": draw.name("rows", "levels", "layers"),
        "end": fill(source, row=row),
        "words": words,
        "order": "from the deepest level up to the root" if upwards else "from the root down",
        "turn": "[::-1]" if upwards else "",
        "tuples": draw.choice(TREE_WORDS),
    }

    def oracle(given: Any) -> list[int]:
        found = places(given)
        depths = sorted({len(way) for way in found}, reverse=upwards)
        return [meaning([change.call(found[way]) for way in sorted(found) if len(way) == depth]) for depth in depths]

    return Drawn(
        call=call,
        parameters=(Parameter(tree, TREE),),
        returns="list[int]",
        say=draw.say(
            "Return a list with $words on each level of the binary tree `$tree`, $order, where each value is first "
            "replaced by $changed. $tuples The empty tree gives an empty list.",
            "For every level of `$tree`, taken $order, find $words there, and return these numbers as a list (an "
            "empty one for None). Each value counts as $changed. $tuples",
            "Group the nodes of `$tree` by their distance from the root into levels. Replace each value by $changed, "
            "summarise each level by $words, and return the list of these numbers $order. $tuples For an empty tree "
            "the list is empty.",
            **names,
        ),
        body=draw.source(
            *_LEVELS_OF_TREE_BODIES,
            **names,
        ),
        oracle=oracle,
        idea=draw.say("The nodes of one depth make up one level; each level is boiled down to one number."),
        difficulty=3,
    )


_WAYS_TO_LEAVES_BODIES = (
    """
    $found = []

    def descend(part, way, $total):
        if part is None:
            return
        $value, left, right = part
        $total += $value
        if left is None and right is None and $test:
            $found.append($here)
        descend(left, $next_left, $total)
        descend(right, $next_right, $total)

    descend($tree, $empty, 0)
    return $found
    """,
    """
    $found = []
    stack = [($tree, $empty, 0)]
    while stack:
        part, way, $total = stack.pop()
        if part is None:
            continue
        $value, left, right = part
        $total += $value
        if left is None and right is None and $test:
            $found.append($here)
        stack.append((right, $next_right, $total))
        stack.append((left, $next_left, $total))
    return $found
    """,
)


@family("recursion", 3)
def ways_to_leaves(draw: Draw) -> Drawn:
    """The ways from the root to the leaves whose total passes a test."""
    test, signs = number_test(draw), draw.chance(0.4)
    call = draw.name("paths_with", "chosen_paths", "ways_down", "leaf_routes")
    tree, value = draw.name("tree", "root", "node"), draw.name("value", "label", "key")
    total = draw.name("total", "sum_so_far", "weight")
    names = {
        "tree": tree,
        "value": value,
        "total": total,
        "found": draw.name("found", "result", "routes"),
        "test": clause(test, total),
        "kept": test.words,
        "is_kept": alone(test),
        "tuples": draw.choice(TREE_WORDS),
        "as_what": 'as a string of "L" and "R" (one letter for each step down, the root alone being the empty string)'
        if signs
        else "as the list of its values from the root to the leaf",
        "empty": '""' if signs else "[]",
        "left": 'way + "L"' if signs else "way",
        "right": 'way + "R"' if signs else "way",
        "here": "way" if signs else f"way + [{value}]",
        "next_left": 'way + "L"' if signs else f"way + [{value}]",
        "next_right": 'way + "R"' if signs else f"way + [{value}]",
    }

    def oracle(given: Any) -> list[Any]:
        found = places(given)
        kept = [(way, [found[way[:k]] for k in range(len(way) + 1)]) for way in sorted(leaves(found))]
        return [way if signs else values for way, values in kept if test.call(sum(values))]

    return Drawn(
        call=call,
        parameters=(Parameter(tree, TREE),),
        returns="list[str]" if signs else "list[list[int]]",
        say=draw.say(
            "Return all ways from the root of the binary tree `$tree` to a leaf on which the sum of the values is "
            "$is_kept, from left to right. Give each way $as_what. $tuples The empty tree has no way.",
            "Of all paths in `$tree` that lead from the root to a node without children, keep those whose values sum "
            "to a total that is $is_kept. Write each down $as_what; leaves further to the left come first. $tuples If "
            "`$tree` is None the answer is an empty list.",
            "Collect, leaf by leaf from left to right, the ways down the binary tree `$tree` whose total (the sum of "
            "the values from root to leaf, both included) is $is_kept. A way is given $as_what. $tuples None has no "
            "leaves.",
            **names,
        ),
        body=draw.source(
            *_WAYS_TO_LEAVES_BODIES,
            **names,
        ),
        oracle=oracle,
        idea=draw.say(
            "Carry the way and its total while descending, left before right; at a leaf the total decides whether the "
            "way is written down.",
            "Each step down extends the way and the running total; only leaves may add to the result.",
        ),
        difficulty=3,
    )


_TREE_IN_ORDER_BODIES = (
    """
    if $tree is None:
        return []
    $value, left, right = $tree
    $own = [$change] if $test else []
    return $joined
    """,
    """
    found = []

    def visit(part):
        if part is None:
            return
        $value, left, right = part
        $steps

    visit($tree)
    return found
    """,
)


@family("recursion", 2)
def tree_in_order(draw: Draw) -> Drawn:
    """The changed values of a tree in one of six orders, those that fail a test left out."""
    call = draw.name("walk_tree", "listed_values", "traverse", "tree_values")
    tree, value = draw.name("tree", "root", "node"), draw.name("value", "label", "key")
    test, change = number_test(draw), number_change(draw)
    first, second = draw.choice((("left", "right"), ("right", "left")))
    place = draw.integer(0, 2)
    parts = [f"{call}({first})", f"{call}({second})"]
    parts.insert(place, draw.name("own", "here", "middle"))
    own = parts[place]
    words = [f"the {first} subtree", f"the {second} subtree"]
    words.insert(place, "the node itself")
    names = {
        "tree": tree,
        "value": value,
        "own": own,
        "joined": " + ".join(parts),
        "steps": "\n".join(
            f"if {test.of(value)}:\n    found.append({change.of(value)})"
            if part == own
            else f"visit({part[len(call) + 1 :]}"
            for part in parts
        ),
        "order": f"{words[0]} first, then {words[1]}, then {words[2]}",
        "test": test.of(value),
        "kept": test.words,
        "is_kept": alone(test),
        "change": change.of(value),
        "words": change.words,
        "tuples": draw.choice(TREE_WORDS),
    }

    def oracle(given: Any) -> list[int]:
        found = places(given)
        swap = str.maketrans("LR", "RL") if first == "right" else {}
        ways = sorted(found, key=lambda way: way.translate(swap) + ("", "M", "Z")[place])
        return [change.call(found[way]) for way in ways if test.call(found[way])]

    return Drawn(
        call=call,
        parameters=(Parameter(tree, TREE),),
        returns="list[int]",
        say=draw.say(
            "Return the values of the binary tree `$tree` that are $kept, each replaced by $words, in this order: at "
            "every node $order. $tuples",
            "Visit the nodes of `$tree`, at each one $order. List the values met that are $kept, and replace each of "
            "them by $words. $tuples An empty tree gives an empty list.",
            "Write down the binary tree `$tree` as a list: of each tree, $order. Only values that are $is_kept "
            "enter the list, and in the place of each stands $words. $tuples",
            **names,
        ),
        body=draw.source(
            *_TREE_IN_ORDER_BODIES,
            **names,
        ),
        oracle=oracle,
        idea=draw.say(
            "Both subtrees and the root are gone through in the order that is asked for, and what qualifies is listed."
        ),
        difficulty=2,
    )
