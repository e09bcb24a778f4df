"""The parts of a graph: components, circles, two sides."""

from __future__ import annotations

from titrant.synthesize.generator.draw import Draw, fill
from titrant.synthesize.generator.families.conditions import imports, one_of, tidied
from titrant.synthesize.generator.families.graphs.drawings import (
    DIRECTED,
    DIRECTED_WORDS,
    FAR,
    LINKS,
    LINKS_WORDS,
    MUTUAL,
    MUTUAL_WORDS,
    adjacency,
    distances,
    node_test,
    told,
)
from titrant.synthesize.generator.family import Drawn, Parameter, family

_COMPONENTS_SUMMED_UP_BODIES = (
    """
    near = {}
    for a, b in $graph:
        near.setdefault(a, []).append(b)
        near.setdefault(b, []).append(a)
    found, seen = [], set()
    for first in near:
        if first in seen:
            continue
        $part, stack = set(), [first]
        while stack:
            node = stack.pop()
            if node not in $part:
                $part.add(node)
                stack.extend(near[node])
        seen |= $part
        found.append($part)
    return sorted([$value for $part in found$keep]$turn)
    """,
    """
    leader = {node: node for pair in $graph for node in pair}

    def find(node):
        while leader[node] != node:
            node = leader[node]
        return node

    for a, b in $graph:
        leader[find(a)] = find(b)
    found = defaultdict(list)
    for node in leader:
        found[find(node)].append(node)
    return sorted([$value for $part in found.values()$keep]$turn)
    """,
    """
    found = []
    for a, b in $graph:
        joined = {a, b}
        others = []
        for $part in found:
            if a in $part or b in $part:
                joined |= $part
            else:
                others.append($part)
        found = others + [joined]
    return sorted([$value for $part in found$keep]$turn)
    """,
)


@family("graphs", 3)
def components_summed_up(draw: Draw) -> Drawn:
    """One number for each component of a graph given by its edges, sorted; or of those of a size."""
    words, source, meaning = one_of(
        draw,
        ("number of nodes", "len($part)", lambda part: sum(1 for _ in part)),
        ("smallest node", "min($part)", lambda part: sorted(part)[0]),
        ("greatest node", "max($part)", lambda part: sorted(part)[-1]),
        ("sum of the nodes", "sum($part)", lambda part: part and part[0] + sum(part[1:])),
        (
            "difference of the greatest and the smallest node",
            "max($part) - min($part)",
            lambda part: max(part) - min(part),
        ),
    )
    size, falling = draw.choice((0, 0, 3, 4)), draw.chance(0.4)
    call = draw.name("component_values", "groups", "clusters", "islands_of_nodes")
    graph, part = draw.name("graph", "links", "edges", "pairs"), draw.name("part", "group")
    names = {
        "graph": graph,
        "part": part,
        "words": words,
        "value": fill(source, part=part),
        "only": f" with at least {size} nodes" if size else "",
        "keep": f" if len({part}) >= {size}" if size else "",
        "turn": ", reverse=True" if falling else "",
        "order": "in falling order" if falling else "in ascending order",
        "about": told(draw, LINKS_WORDS, graph),
    }

    def oracle(given: list[tuple[int, int]]) -> list[int]:
        nodes, near = adjacency(given)
        far = distances(near)
        found = {tuple(b for j, b in enumerate(nodes) if far[i][j] < FAR) for i in range(len(nodes))}
        return sorted((meaning(each) for each in found if len(each) >= size), reverse=falling)

    body = draw.source(
        *_COMPONENTS_SUMMED_UP_BODIES,
        **names,
    )
    return Drawn(
        call=call,
        parameters=(Parameter(graph, LINKS),),
        returns="list[int]",
        say=draw.say(
            "Return the $words of every connected component$only of a graph, as a list $order. $about",
            "Two nodes belong together if a chain of edges joins them. Return, $order, the $words of each such group "
            "of nodes$only. $about",
            "Split the nodes of `$graph` into its connected components and return a list that has the $words of each "
            "component$only, sorted $order. $about",
            **names,
        ).replace("Two nodes belong together if a chain of edges joins them. Return, $order,", "Return"),
        body=body,
        prelude=imports(body, "from collections import defaultdict"),
        oracle=oracle,
        idea=draw.say(
            "Nodes that an edge joins belong to the same component; each whole component is boiled down to its number."
        ),
        contracts=(f"result == sorted(result{names['turn']})",),
        difficulty=3,
    )


_NODES_ON_CIRCLES_WORDINGS = (
    "Return $what $words. Only nodes whose number is $is_kept count. $about",
    "Look at the nodes of a directed graph that $words. Return $which of them with a number that is $is_kept. $about",
    "Find the nodes of `$graph` that $words, keep only those whose number is $is_kept, and return $rest. $about",
)


_CIRCLING_RETURNING = (
    """
    def returns($node):
        seen, stack = set(), list($graph[$node])
        while stack:
            other = stack.pop()
            if other == $node:
                return True
            if other not in seen:
                seen.add(other)
                stack.extend($graph[other])
        return False

    return $open for $node in range(len($graph)) if $test and returns($node)$close
    """,
    """
    found = []
    for $node in range(len($graph)):
        reached, border = set(), {$node}
        while border:
            border = {after for other in border for after in $graph[other]} - reached
            reached |= border
        if $node in reached and $test:
            found.append($node)
    return $end
    """,
)


_CIRCLING_PEELING = (
    """
    safe = set()
    growing = True
    while growing:
        growing = False
        for $node in range(len($graph)):
            if $node not in safe and all(other in safe for other in $graph[$node]):
                safe.add($node)
                growing = True
    return $open for $node in range(len($graph)) if $node $side safe and $test$close
    """,
    """
    state = {}

    def is_safe($node):
        if $node not in state:
            state[$node] = False
            state[$node] = all(is_safe(other) for other in $graph[$node])
        return state[$node]

    return $open for $node in range(len($graph)) if $test and $negation is_safe($node)$close
    """,
)


def _circling(draw: Draw, kind: int) -> Drawn:
    """Nodes that lie on a directed circle, or that may run into one, or never do."""
    words = (
        "lie on a circle, that is, from which one or more steps lead back to the node itself",
        "lie on a circle or have a way to a node on a circle",
        "neither lie on a circle nor have a way to a node on a circle",
    )[kind]
    test, counted = node_test(draw), draw.chance(0.3)
    call = draw.name("circle_nodes", "looping_nodes", "cycle_members", "turning_back")
    graph, node = draw.name("graph", "links", "arrows"), draw.name("node", "here", "place")
    names = {
        "graph": graph,
        "node": node,
        "words": words,
        "test": test.of(node),
        "is_kept": test.words,
        "what": "how many nodes" if counted else "the ascending list of all nodes that",
        "open": "sum(1" if counted else f"[{node}",
        "close": ")" if counted else "]",
        "about": told(draw, DIRECTED_WORDS, graph),
    }

    def oracle(given: list[list[int]]) -> int | list[int]:
        far, nodes = distances(given), range(len(given))
        on = {a for a in nodes if any(far[b][a] < FAR for b in given[a])}
        touching = {a for a in nodes if any(far[a][b] < FAR for b in on)}
        kept = [a for a in nodes if a in (on, touching, set(nodes) - touching)[kind] and test.call(a)]
        return len(kept) if counted else kept

    names["side"], negation = ("not in", "not ") if kind == 1 else ("in", "")
    names["end"] = "len(found)" if counted else "found"
    templates = (
        _CIRCLING_RETURNING
        if kind == 0
        else (_CIRCLING_PEELING[0], _CIRCLING_PEELING[1].replace("$negation ", negation))
    )
    return Drawn(
        call=call,
        parameters=(Parameter(graph, DIRECTED),),
        returns="int" if counted else "list[int]",
        say=draw.say(
            *_NODES_ON_CIRCLES_WORDINGS,
            which="how many there are" if counted else "those, in ascending order,",
            rest="how many are left" if counted else "these in ascending order",
            **names,
        ),
        body=draw.source(*templates, **names),
        oracle=oracle,
        idea=draw.say(
            "Follow the edges from a node and see whether they ever lead back to it.",
            "A node on a circle is among the nodes that can be reached from it by at least one step.",
        )
        if kind == 0
        else draw.say(
            "A node is out of danger if all nodes that it points to are, and dead ends are; every other "
            "node can run into a circle."
        ),
        difficulty=4 if kind else 3,
    )


@family("graphs", 3)
def nodes_on_circles(draw: Draw) -> Drawn:
    """Nodes from which steps lead back to themselves."""
    return _circling(draw, 0)


@family("graphs", 4)
def nodes_before_circles(draw: Draw) -> Drawn:
    """Nodes that may run into a circle, or never do."""
    return _circling(draw, draw.integer(1, 2))


_TWO_SIDES_BODIES = (
    """
    side = {}
    for first in range(len($graph)):
        if first in side:
            continue
        side[first] = 0
        queue = [first]
        for node in queue:
            for other in $graph[node]:
                if other not in side:
                    side[other] = 1 - side[node]
                    queue.append(other)
    $begin
    for node in range(len($graph)):
        for other in $graph[node]:
            $fail
    return $end
    """,
    """
    side = [None] * len($graph)
    for first in range(len($graph)):
        if side[first] is not None:
            continue
        side[first] = 0
        queue = deque([first])
        while queue:
            node = queue.popleft()
            for other in $graph[node]:
                if side[other] is None:
                    side[other] = (side[node] + 1) % 2
                    queue.append(other)
    $begin
    for node, others in enumerate($graph):
        for other in others:
            $fail
    return $end
    """,
)


@family("graphs", 3)
def two_sides(draw: Draw) -> Drawn:
    """Whether the nodes can be parted into two sides, and which."""
    call = draw.name("two_sides", "split_in_two", "colour_nodes", "assign_sides")
    graph = draw.name("graph", "links", "neighbours")
    kind = draw.integer(0, 2)
    first, second = draw.choice((("A", "B"), ("x", "o"), ("0", "1"), ("L", "R")))
    words = (
        f'a string with one letter for each node, "{first}" or "{second}", such that neighbours never have the same '
        f'letter and the smallest node of every connected component has "{first}"',
        "the ascending list of the nodes on the side of the smallest node of their connected component, where the "
        "nodes are parted into two sides such that neighbours are never on the same side",
        "the number of edges whose ends would be on the same side if the side of each node were the parity of its "
        "distance from the smallest node of its connected component",
    )[kind]
    none = (
        "an empty string if there is no such string",
        "an empty list if the nodes cannot be parted so",
        "0 for a graph without any",
    )[kind]
    names = {
        "graph": graph,
        "words": words,
        "none": none,
        "fail": (
            'if side[other] == side[node]:\n    return ""',
            "if side[other] == side[node]:\n    return []",
            "clashes += side[other] == side[node]",
        )[kind],
        "begin": ("", "", "clashes = 0")[kind],
        "first": first,
        "second": second,
        "about": told(draw, MUTUAL_WORDS, graph),
    }
    names["end"] = fill(
        (
            f'"".join("{first}{second}"[side[node]] for node in range(len($graph)))',
            "[node for node in range(len($graph)) if side[node] == 0]",
            "clashes // 2",
        )[kind],
        **names,
    )

    def oracle(given: list[list[int]]) -> str | list[int] | int:
        far, nodes = distances(given), range(len(given))
        sides = [far[min(b for b in nodes if far[a][b] < FAR)][a] % 2 for a in nodes]
        clashes = [(a, b) for a in nodes for b in given[a] if a < b and sides[a] == sides[b]]
        if kind == 2:
            return len(clashes)
        if kind == 1:
            return [] if clashes else [a for a in nodes if not sides[a]]
        return "" if clashes else "".join(second if side else first for side in sides)

    body = draw.source(
        *_TWO_SIDES_BODIES,
        **names,
    )
    body = tidied(body)
    return Drawn(
        call=call,
        parameters=(Parameter(graph, MUTUAL),),
        returns=("str", "list[int]", "int")[kind],
        say=draw.say(
            "Return $words, or $none. $about",
            "Part the nodes of an undirected graph, component by component, by whether their distance from the "
            "component's smallest node is even or odd. From this, return $words; return $none. $about",
            "Return $words (or $none). Nodes of one connected component are linked by a chain of edges. $about",
            **names,
        ),
        body=body,
        prelude=imports(body, "from collections import deque"),
        oracle=oracle,
        idea=draw.say(
            "Give the first node of a component one side and each newly met neighbour the other side, then "
            "look for edges within a side."
        ),
        difficulty=3,
    )
