"""Rooted trees given by the parent of every node."""

from __future__ import annotations

from collections.abc import Callable

from titrant.synthesize.generator.domains import Integers
from titrant.synthesize.generator.draw import Draw, fill
from titrant.synthesize.generator.families.conditions import one_of
from titrant.synthesize.generator.families.graphs.drawings import PARENTS, PARENTS_WORDS, node_test, told
from titrant.synthesize.generator.family import Drawn, Parameter, family
from titrant.synthesize.generator.pieces import Piece, number_change

ANY = Integers(0, 5)
PLACED = "both nodes are in the tree"


def _ancestors(parents: list[int], node: int) -> list[int]:
    return [] if node < 0 else [node, *_ancestors(parents, parents[node])]


def _condition(test: Piece, leaves: bool, graph: str) -> str:
    """The condition on a node: of the stated kind and, where leaves are asked for, nobody's parent."""
    return test.of("node") + (f" and node not in {graph}" if leaves else "")


_BELOW_EACH_NODE_BODIES = (
    """
    $r = [$start for node in range(len($graph))]
    for node in range(len($graph) - 1, 0, -1):
        parent = $graph[node]
        $step
    return $r
    """,
    """
    children = [[] for _ in $graph]
    for node in range(1, len($graph)):
        children[$graph[node]].append(node)

    def value(node):
        below = [value(child) for child in children[node]]
        return $combine

    return [value(node) for node in range(len($graph))]
    """,
    """
    $r = [$start for node in range(len($graph))]
    for node, parent in reversed(list(enumerate($graph))):
        if parent >= 0:
            $step
    return $r
    """,
)


@family("graphs", 2)
def below_each_node(draw: Draw) -> Drawn:
    """One number for each node of a tree, made of all that hangs below it."""
    change, test = number_change(draw), node_test(draw)
    worth = change.of("node")
    kinds: tuple[tuple[str, str, str, Callable[[list[int]], int]], ...] = (
        (
            f"the number of nodes below it, itself included, whose number is {test.words}",
            f"int({test.of('node')})",
            "+= $r[node]",
            lambda found: sum(bool(test.call(each)) for each in found),
        ),
        (
            f"the sum over all nodes below it, itself included, of {change.words}",
            worth,
            "+= $r[node]",
            lambda found: sum(map(change.call, found)),
        ),
        (
            f"the greatest that one finds when each node below it, itself included, is replaced by {change.words}",
            worth,
            "= max($r[parent], $r[node])",
            lambda found: max(map(change.call, found)),
        ),
    )
    words, start, step, meaning = draw.choice(kinds)
    call = draw.name("subtree_values", "weigh_branches", "branch_totals", "below")
    graph, r = draw.name("parents", "tree", "parent_of"), draw.name("result", "totals", "values")
    names = {
        "graph": graph,
        "r": r,
        "words": words,
        "start": start,
        "step": f"{r}[parent] " + fill(step, r=r),
        "combine": f"{start} + sum(below)" if "max" not in step else f"max([{start}] + below)",
        "about": told(draw, PARENTS_WORDS, graph),
    }

    def oracle(given: list[int]) -> list[int]:
        nodes = range(len(given))
        return [meaning([each for each in nodes if node in _ancestors(given, each)]) for node in nodes]

    return Drawn(
        call=call,
        parameters=(Parameter(graph, PARENTS),),
        returns="list[int]",
        say=draw.say(
            "Return a list that gives for each node of a tree $words. A node is below another one if the way from it "
            "to the root passes that one. $about",
            "For every node find $words, and return these numbers in the order of the nodes. Below a node are its "
            "children, their children, and so on. $about",
            "Describe each node of a rooted tree by $words, where a node's descendants are said to be below it, and "
            "return the list of these numbers. $about",
            **names,
        ),
        body=draw.source(
            *_BELOW_EACH_NODE_BODIES,
            **names,
        ),
        oracle=oracle,
        idea=draw.say("The value of a node follows from its own number and from the values of its children."),
        contracts=(f"len(result) == len({graph})",),
        difficulty=2,
    )


_BETWEEN_TWO_NODES_BODIES = (
    """
    $up, $down = [$a], [$b]
    while $up[-1] != $down[-1]:
        if $up[-1] > $down[-1]:
            $up.append($graph[$up[-1]])
        else:
            $down.append($graph[$down[-1]])
    return $end
    """,
    """
    def to_root(node):
        way = [node]
        while $graph[way[-1]] >= 0:
            way.append($graph[way[-1]])
        return way

    $up, $down = to_root($a), to_root($b)
    while len($up) > 1 and len($down) > 1 and $up[-2] == $down[-2]:
        $up.pop()
        $down.pop()
    return $end
    """,
    """
    above = set()
    node = $a
    while node >= 0:
        above.add(node)
        node = $graph[node]
    $down = [$b]
    while $down[-1] not in above:
        $down.append($graph[$down[-1]])
    $up = [$a]
    while $up[-1] != $down[-1]:
        $up.append($graph[$up[-1]])
    return $end
    """,
)


@family("graphs", 3)
def between_two_nodes(draw: Draw) -> Drawn:
    """What lies on the way between two nodes of a tree."""
    test, change = node_test(draw), number_change(draw)
    words, source, meaning = one_of(
        draw,
        (
            "the number of edges on the way between `$a` and `$b`",
            "len($up) + len($down) - 2",
            lambda ways: len(ways) - 1,
        ),
        (
            f"how many nodes on the way between `$a` and `$b`, both included, have a number that is {test.words}",
            f"sum(1 for node in $up + $down[:-1] if {test.of('node')})",
            lambda ways: len(list(filter(test.call, ways))),
        ),
        (
            f"the sum over the nodes on the way between `$a` and `$b`, both included, of {change.words}",
            f"sum({change.of('node')} for node in $up + $down[:-1])",
            lambda ways: sum(map(change.call, ways)),
        ),
        ("the list of the nodes on the way from `$a` to `$b`, both included", "$up + $down[-2::-1]", lambda ways: ways),
        ("the node nearest to the root on the way between `$a` and `$b`", "$up[-1]", lambda ways: min(ways)),
        (
            "the sum of the node numbers on the way between `$a` and `$b`, both included",
            "sum($up) + sum($down[:-1])",
            lambda ways: sum(ways),
        ),
    )
    call = draw.name("way_between", "tree_path", "meeting_node", "trip_in_tree")
    graph = draw.name("parents", "tree", "parent_of")
    a, b = draw.choice((("first", "second"), ("start", "goal"), ("one", "other")))
    up, down = draw.choice((("up", "down"), ("rise", "fall"), ("left", "right")))
    names = {"graph": graph, "a": a, "b": b, "up": up, "down": down, "about": told(draw, PARENTS_WORDS, graph)}
    names["words"] = fill(words, a=a, b=b)
    names["end"] = fill(source, up=up, down=down)

    def oracle(given: list[int], one: int, other: int) -> int | list[int]:
        waiting = [[one]]
        for way in waiting:
            if way[-1] == other:
                result: int | list[int] = meaning(way)
                return result
            near = [n for n in range(len(given)) if given[n] == way[-1] or given[way[-1]] == n]
            waiting += [[*way, n] for n in near if n not in way]
        return []

    return Drawn(
        call=call,
        parameters=(Parameter(graph, PARENTS), Parameter(a, ANY), Parameter(b, ANY)),
        where=lambda parents, one, other: max(one, other) < len(parents),
        where_name=PLACED,
        returns="list[int]" if "list" in words else "int",
        say=draw.say(
            "Return $words in a tree. The way is the only one that passes no node twice; from a node to itself it is "
            "the node alone. $about",
            "Return $words, going by the only way between the two nodes of a tree that repeats no node. If `$a` "
            "equals `$b`, this way consists of that node. $about",
            "Find $words, moving only along the edges between parents and children and never visiting a node twice; "
            "`$a` and `$b` may be the same node. $about",
            **names,
        ),
        body=draw.source(
            *_BETWEEN_TWO_NODES_BODIES,
            **names,
        ),
        oracle=oracle,
        idea=draw.say(
            "The two ways to the root share their ends; the place where they meet joins the way up and the way down."
        ),
        difficulty=3,
    )


@family("graphs", 2, 3)
def depths_in_a_tree(draw: Draw) -> Drawn:
    """The nodes of a kind at some depth, or how many there are at each depth."""
    test, counts = node_test(draw), draw.chance()
    leaves = draw.chance(0.4)
    call = draw.name("depth_table", "by_depth", "tree_levels", "generations")
    graph, depth = draw.name("parents", "tree", "parent_of"), draw.name("depth", "distance", "height")
    names = {
        "graph": graph,
        "depth": depth,
        "test": _condition(test, leaves, graph),
        "is_kept": test.words,
        "leaf": "leaves (nodes without children)" if leaves else "nodes",
        "what": "the number of" if counts else "the ascending list of",
        "add": " += 1" if counts else ".append(node)",
        "zero": "0" if counts else "[]",
        "fold": "sum(1 for node in nodes if" if counts else "[node for node in nodes if",
        "about": told(draw, PARENTS_WORDS, graph),
    }

    def oracle(given: list[int]) -> list[int] | list[list[int]]:
        far = [len(_ancestors(given, node)) for node in range(len(given))]
        kept = [n for n in range(len(given)) if test.call(n) and not (leaves and n in given)]
        rows = [[n for n in kept if far[n] == d] for d in range(1, max(far) + 1)]
        return [len(row) for row in rows] if counts else rows

    return Drawn(
        call=call,
        parameters=(Parameter(graph, PARENTS),),
        returns="list[int]" if counts else "list[list[int]]",
        say=draw.say(
            "Return a list with an entry for every depth of a tree, from the root at depth 0 to the deepest node: "
            "$what the $leaf at that depth whose number is $is_kept. $about",
            "Group the $leaf of a tree by their depth (the number of steps from the root), taking only those with a "
            "number that is $is_kept. Return, for depth 0 up to the depth of the deepest node of all, $what these. "
            "$about",
            "For each depth from 0 (the root) to the greatest depth of any node, find $what the $leaf there that have "
            "a number which is $is_kept, and return the results as a list. $about",
            **names,
        ),
        body=draw.source(
            """
            $depth = [0] * len($graph)
            for node in range(1, len($graph)):
                $depth[node] = $depth[$graph[node]] + 1
            result = [$zero for _ in range(max($depth) + 1)]
            for node in range(len($graph)):
                if $test:
                    result[$depth[node]]$add
            return result
            """,
            """
            result = []
            nodes = [0]
            while nodes:
                result.append($fold $test$close)
                nodes = [node for node in range(len($graph)) if $graph[node] in nodes]
            return result
            """,
            """
            def depth_of(node):
                return 0 if node == 0 else depth_of($graph[node]) + 1

            $depth = [depth_of(node) for node in range(len($graph))]
            result = []
            for level in range(max($depth) + 1):
                nodes = [node for node in range(len($graph)) if $depth[node] == level]
                result.append($fold $test$close)
            return result
            """,
            close=")" if counts else "]",
            **names,
        ),
        oracle=oracle,
        idea=draw.say(
            "The depth of a node is one more than that of its parent, and the nodes of one depth belong together."
        ),
        difficulty=2,
    )
