"""Edges and nodes that hold a graph together; orders in which no edge leads back."""

from __future__ import annotations

from titrant.synthesize.generator.draw import Draw
from titrant.synthesize.generator.families.conditions import imports
from titrant.synthesize.generator.families.graphs.drawings import (
    ACYCLIC,
    DIRECTED,
    DIRECTED_WORDS,
    FAR,
    LINKS,
    LINKS_WORDS,
    distances,
    node_test,
    told,
)
from titrant.synthesize.generator.family import Drawn, Parameter, family

_HOLDING_NODE_BODY = """
    near = defaultdict(list)
    for a, b in $graph:
        near[a].append(b)
        near[b].append(a)
    order, low, found = {}, {}, set()

    def visit(node, parent):
        order[node] = low[node] = len(order)
        branches = 0
        for other in near[node]:
            if other not in order:
                branches += 1
                visit(other, node)
                low[node] = min(low[node], low[other])
                if parent is not None and low[other] >= order[node]:
                    found.add(node)
            elif other != parent:
                low[node] = min(low[node], order[other])
        if parent is None and branches > 1:
            found.add(node)

    for node in list(near):
        if node not in order:
            visit(node, None)
    return $end
    """


_EDGES_THAT_HOLD_WORDINGS = (
    "Return $what of an undirected graph for which $act leaves the remaining nodes in more connected components than "
    "the graph had before.$form$only $about",
    "Find the $thing of `$graph` that hold it together: $act would raise the number of connected components among the "
    "nodes that remain. Return $what of this kind.$form$only $about",
    "Return $what that a network cannot lose: a loss counts as harmful if $act makes the number of connected "
    "components greater.$form$only $about",
)


_HOLDING_EDGE_BODY = """
    near = defaultdict(list)
    for a, b in $graph:
        near[a].append(b)
        near[b].append(a)
    order, low, found = {}, {}, []

    def visit(node, parent):
        order[node] = low[node] = len(order)
        for other in near[node]:
            if other not in order:
                visit(other, node)
                low[node] = min(low[node], low[other])
                if low[other] > order[node]:
                    found.append((min(node, other), max(node, other)))
            elif other != parent:
                low[node] = min(low[node], order[other])

    for node in list(near):
        if node not in order:
            visit(node, None)
    return $end
    """


def _holding(draw: Draw, nodes_asked: bool) -> Drawn:
    """Edges or nodes whose loss breaks a component apart."""
    counted, test = draw.chance(0.3), node_test(draw)
    item = "node" if nodes_asked else "edge"
    kept = test.of("node" if nodes_asked else "edge[0]")
    call = draw.name("weak_links", "critical_parts", "breaking_points", "bridges_of")
    graph = draw.name("graph", "links", "edges", "cables")
    thing = "nodes" if nodes_asked else "edges"
    names = {
        "graph": graph,
        "what": f"the number of {thing}" if counted else f"the sorted list of the {thing}",
        "form": "" if counted or nodes_asked else " Write an edge as the tuple of its smaller and its greater node.",
        "act": "taking the node and its edges away" if nodes_asked else "taking the edge away",
        "end": f"sum(1 for {item} in found if {kept})" if counted else f"sorted({item} for {item} in found if {kept})",
        "only": f" Only nodes whose number is {test.words} count."
        if nodes_asked
        else f" Only edges whose smaller node has a number that is {test.words} count.",
        "thing": thing,
        "about": told(draw, LINKS_WORDS, graph),
    }

    def parts(pairs: list[tuple[int, int]], nodes: set[int]) -> int:
        left = {node: node for node in nodes}
        for _ in nodes:
            for a, b in pairs:
                left[a] = left[b] = min(left[a], left[b])
        return len(set(left.values()))

    def oracle(given: list[tuple[int, int]]) -> int | list[int] | list[tuple[int, int]]:
        nodes = {node for pair in given for node in pair}
        before = parts(given, nodes)
        cut = [pair for pair in given if parts([each for each in given if each != pair], nodes) > before]
        weak = [node for node in nodes if parts([each for each in given if node not in each], nodes - {node}) > before]
        if counted:
            return sum(bool(test.call(each)) for each in (weak if nodes_asked else map(min, cut)))
        pairs = sorted((min(pair), max(pair)) for pair in cut if test.call(min(pair)))
        return sorted(filter(test.call, weak)) if nodes_asked else pairs

    search_edges = """
        def connected(start, goal, links):
            reached = {start}
            for _ in links:
                for a, b in links:
                    if a in reached or b in reached:
                        reached |= {a, b}
            return goal in reached

        found = []
        for pair in $graph:
            if not connected(pair[0], pair[1], [other for other in $graph if other != pair]):
                found.append((min(pair), max(pair)))
        return $end
        """
    templates = (_HOLDING_NODE_BODY,) if nodes_asked else (_HOLDING_EDGE_BODY, search_edges)
    body = draw.source(*templates, **names)
    return Drawn(
        call=call,
        parameters=(Parameter(graph, LINKS),),
        returns="int" if counted else "list[int]" if nodes_asked else "list[tuple[int, int]]",
        say=draw.say(
            *_EDGES_THAT_HOLD_WORDINGS,
            **names,
        ),
        body=body,
        prelude=imports(body, "from collections import defaultdict"),
        oracle=oracle,
        idea=draw.say(
            (
                "A depth-first search numbers the nodes as it meets them and notes how far back each branch can "
                "reach by an edge of its own; a branch that cannot reach further back hangs on a single link."
            )
            if "def visit" in body
            else "Take each candidate away and test whether what remains still hangs together."
        ),
        difficulty=5,
    )


@family("graphs", 5)
def edges_that_hold(draw: Draw) -> Drawn:
    """Edges whose loss breaks a component apart."""
    return _holding(draw, nodes_asked=False)


@family("graphs", 5)
def nodes_that_hold(draw: Draw) -> Drawn:
    """Nodes whose loss breaks a component apart."""
    return _holding(draw, nodes_asked=True)


_ORDERING_ONE_BY_ONE = (
    """
    $needs = [0] * len($graph)
    for others in $graph:
        for other in others:
            $needs[other] += 1
    ready = [$ready_node for node in range(len($graph)) if $needs[node] == 0]
    heapify(ready)
    $result = []
    while ready:
        node = $popped
        $result.append(node)
        for other in $graph[node]:
            $needs[other] -= 1
            if $needs[other] == 0:
                heappush(ready, $freed)
    return $listed
    """,
    """
    $result = []
    left = set(range(len($graph)))
    while left:
        blocked = {other for node in left for other in $graph[node]}
        ready = left - blocked
        if not ready:
            break
        node = $pick(ready)
        $result.append(node)
        left.remove(node)
    return $listed
    """,
)


_ORDERING_IN_ROUNDS = (
    """
    $result = []
    left = set(range(len($graph)))
    while left:
        blocked = {other for node in left for other in $graph[node]}
        ready = left - blocked
        if not ready:
            break
        $result.append(sorted(ready$turn))
        left -= ready
    return $listed
    """,
    """
    $needs = Counter(other for others in $graph for other in others)
    ready = [node for node in range(len($graph)) if $needs[node] == 0]
    $result = []
    while ready:
        $result.append(sorted(ready$turn))
        after = []
        for node in ready:
            for other in $graph[node]:
                $needs[other] -= 1
                if $needs[other] == 0:
                    after.append(other)
        ready = after
    return $listed
    """,
)


_ORDERING_SEVERAL = (
    "Return the rounds in which nodes can be removed: in each round all nodes go to which no edge leads from a node "
    "still there. Every round is a list, sorted with the $which node first. $stuck$only $about",
    "Remove, round after round, all nodes without an edge from a remaining node, and return the rounds as lists, each "
    "with the $which node first. $stuck$only $about",
    "Sort the nodes of `$graph` into lists, one for each round. A node belongs to the first round in which all nodes "
    "that point to it have been dealt with in earlier rounds; each list begins with its $which node. Return these "
    "lists. $stuck$only $about",
)


_ORDERING_SINGLE = (
    "Return an order of the nodes: again and again list the $which node that is not listed yet and to which no edge "
    "leads from a node that is not listed. $stuck$only $about",
    "List the nodes so that each comes after all nodes with an edge to it; whenever _ORDERING_SEVERAL could come "
    "next, take the $which. $stuck$only Return the list. $about",
    "Arrange the nodes of `$graph` one at a time. A node is ready once all nodes that point to it are placed, and of "
    "the ready ones the $which is placed next. Return the nodes in this order. $stuck$only $about",
)


def _ordering(draw: Draw, rounds: bool) -> Drawn:
    """A topological order with a drawn choice among the nodes that are ready."""
    least, acyclic, test, picky = draw.chance(), draw.chance(), node_test(draw), draw.chance(0.75)
    call = draw.name("order_nodes", "arrange", "line_up", "schedule_nodes")
    graph = draw.name("graph", "links", "arrows")
    names = {
        "graph": graph,
        "needs": draw.name("needs", "incoming", "blockers"),
        "result": draw.name("result", "order", "found"),
        "pick": "min" if least else "max",
        "which": "smallest" if least else "greatest",
        "only": f" In what is returned, leave out all nodes but those whose number is {test.words}." * picky,
        "ready_node": "node" if least else "-node",
        "popped": "heappop(ready)" if least else "-heappop(ready)",
        "freed": "other" if least else "-other",
        "stuck": "The graph has no circles."
        if acyclic
        else (
            "If every node that is left has an edge from another one that is left, stop and return what has been "
            "listed so far."
        ),
        "about": told(draw, DIRECTED_WORDS, graph),
        "turn": "" if least else ", reverse=True",
    }

    result = names["result"]
    one = f"[node for node in {result} if {test.of('node')}]"
    every = f"[[node for node in part if {test.of('node')}] for part in {result}]"
    names["listed"] = (every if rounds else one) if picky else result

    def keeps(node: int) -> bool:
        return bool(test.call(node)) or not picky

    def oracle(given: list[list[int]]) -> list[int] | list[list[int]]:
        far, nodes = distances(given), range(len(given))
        looped = {a for a in nodes if any(far[b][a] < FAR for b in given[a])}
        before = {a: {b for b in nodes if b != a and far[b][a] < FAR} for a in nodes}
        free = [a for a in nodes if a not in looped and not before[a] & looped]
        if rounds:
            depth: dict[int, int] = {}
            for a in sorted(free, key=lambda a: len(before[a])):
                depth[a] = max((depth[b] + 1 for b in before[a]), default=0)
            levels = sorted(set(depth.values()))
            return [sorted((a for a in free if depth[a] == level and keeps(a)), reverse=not least) for level in levels]
        listed: list[int] = []
        while len(listed) < len(free):
            ready = [a for a in free if a not in listed and before[a] <= set(listed)]
            listed.append(sorted(ready)[0 if least else -1])
        return list(filter(keeps, listed))

    body = draw.source(*(_ORDERING_IN_ROUNDS if rounds else _ORDERING_ONE_BY_ONE), **names)
    return Drawn(
        call=call,
        parameters=(Parameter(graph, ACYCLIC if acyclic else DIRECTED),),
        returns="list[list[int]]" if rounds else "list[int]",
        say=draw.say(*(_ORDERING_SEVERAL if rounds else _ORDERING_SINGLE), **names),
        body=body,
        prelude=imports(
            body,
            "from collections import Counter",
            "from heapq import heapify",
            "from heapq import heappop",
            "from heapq import heappush",
        ).replace("heapify\nfrom heapq import heappop\nfrom heapq import heappush", "heapify, heappop, heappush"),
        oracle=oracle,
        idea=draw.say(
            "A node is ready when no remaining node points to it; take from the ready ones what the rule "
            "says, and repeat with the rest."
        ),
        difficulty=4,
    )


@family("graphs", 4)
def order_without_backward_edges(draw: Draw) -> Drawn:
    """A topological order with a drawn choice among the nodes that are ready."""
    return _ordering(draw, rounds=False)


@family("graphs", 4)
def rounds_without_backward_edges(draw: Draw) -> Drawn:
    """All nodes that are ready, round after round."""
    return _ordering(draw, rounds=True)
