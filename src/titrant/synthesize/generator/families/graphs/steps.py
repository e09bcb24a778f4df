"""Steps from node to node: what is reached, when, in which order, on how many ways."""

from __future__ import annotations

from itertools import permutations

from titrant.synthesize.generator.draw import Draw, fill
from titrant.synthesize.generator.families.conditions import alone, imports, one_of
from titrant.synthesize.generator.families.graphs.drawings import (
    DIRECTED,
    DIRECTED_WORDS,
    FAR,
    MUTUAL,
    MUTUAL_WORDS,
    NODE,
    STEPS,
    distances,
    node_test,
    told,
)
from titrant.synthesize.generator.family import Drawn, Parameter, family

_NODES_WITHIN_STEPS_BODIES = (
    """
        $seen = {$start: 0}
        queue = deque([$start])
        while queue:
            $node = queue.popleft()
            for other in $graph[$node]:
                if other not in $seen:
                    $seen[other] = $seen[$node] + 1
                    queue.append(other)
        found = [other for other, far in $seen.items() if $test]
        return $end
        """,
    """
        $seen = {$start: 0}
        border, far = [$start], 0
        while border:
            far += 1
            border = sorted({other for $node in border for other in $graph[$node]} - $seen.keys())
            for other in border:
                $seen[other] = far
        found = [other for other, far in $seen.items() if $test]
        return $end
        """,
    """
        $seen = [-1] * len($graph)
        $seen[$start] = 0
        queue = [$start]
        for $node in queue:
            for other in $graph[$node]:
                if $seen[other] < 0:
                    $seen[other] = $seen[$node] + 1
                    queue.append(other)
        found = [other for other, far in enumerate($seen) if far >= 0 and $test]
        return $end
        """,
)


@family("graphs", 2, 3)
def nodes_within_steps(draw: Draw) -> Drawn:
    """The nodes whose distance from a start stands in a relation to a bound."""
    directed = draw.chance()
    words, source, meaning = one_of(
        draw,
        ("at most", "$d <= $k", lambda d, k: d in range(k + 1)),
        ("exactly", "$d == $k", lambda d, k: not d - k),
        ("at least", "$d >= $k", lambda d, k: d not in range(k)),
    )
    counted, test = draw.chance(0.35), node_test(draw)
    call = draw.name("within_reach", "ring", "nearby_nodes", "reach_by_steps")
    graph, start, k = (
        draw.name("graph", "links", "neighbours"),
        draw.name("start", "source"),
        draw.name("steps", "limit"),
    )
    names = {
        "graph": graph,
        "start": start,
        "k": k,
        "node": draw.name("node", "here", "current"),
        "seen": draw.name("distance", "seen", "steps_to"),
        "words": words,
        "test": fill(source, d="far", k=k) + " and " + test.of("other"),
        "is_kept": test.words,
        "what": "how many nodes" if counted else "the sorted list of the nodes that",
        "about": told(draw, DIRECTED_WORDS if directed else MUTUAL_WORDS, graph),
    }
    names["end"] = "len(found)" if counted else "sorted(found)"

    def oracle(given: list[list[int]], first: int, bound: int) -> int | list[int]:
        row = distances(given)[first]
        kept = [node for node, d in enumerate(row) if d < FAR and meaning(d, bound) and test.call(node)]
        return len(kept) if counted else kept

    body = draw.source(
        *_NODES_WITHIN_STEPS_BODIES,
        **names,
    )
    return Drawn(
        call=call,
        parameters=(
            Parameter(graph, DIRECTED if directed else MUTUAL),
            Parameter(start, NODE),
            Parameter(k, STEPS),
        ),
        returns="int" if counted else "list[int]",
        say=draw.say(
            "Among the nodes whose number is $is_kept, return $what can be reached from `$start` and whose shortest "
            "way from there has $words `$k` edges. The way from `$start` to itself has none. $about",
            "Return $what have a number that is $is_kept and lie at a distance of $words `$k` steps from `$start`, "
            "counting the fewest steps possible; nodes that cannot be reached do not count, and `$start` is at "
            "distance 0. $about",
            "Find out in how few steps each node can be reached from `$start`, which itself takes 0. Return $what "
            "need $words `$k` steps, leaving out nodes without a way. $about",
            **names,
        ),
        body=body,
        prelude=imports(body, "from collections import deque"),
        oracle=oracle,
        idea=draw.say(
            "A breadth-first search from the start meets every node first by a shortest way, which gives "
            "its distance; then the distances are compared with the bound."
        ),
        contracts=(f"0 <= result <= len({graph})",) if counted else ("result == sorted(set(result))",),
        difficulty=3,
    )


_GREEDY_WALK_BODIES = (
    """
    $path = [$start]
    while True:
        node = $path[-1]
        options = [other for other in $graph[node] if other not in $path$rule]
        if not options:
            return $path
        $path.append($pick(options))
    """,
    """
    def go_on($path):
        node = $path[-1]
        for other in sorted($graph[node]$turn):
            if other not in $path$rule:
                return go_on($path + [other])
        return $path

    return go_on([$start])
    """,
    """
    visited = [False] * len($graph)
    $path = []
    node = $start
    while node is not None:
        visited[node] = True
        $path.append(node)
        options = [other for other in $graph[node] if not visited[other]$rule]
        node = $pick(options, default=None)
    return $path
    """,
)


@family("graphs", 2)
def greedy_walk(draw: Draw) -> Drawn:
    """The walk that always goes on to the least or greatest unvisited neighbour of a kind."""
    least, k = draw.chance(), draw.integer(1, 6)
    call = draw.name("greedy_walk", "wander", "trail", "follow_links")
    graph, start = draw.name("graph", "links", "neighbours"), draw.name("start", "source", "first")
    words, source, meaning = one_of(
        draw,
        ("", "", lambda a, b: True),
        (
            " whose number has the other parity than the present node",
            " and ($other + $node) % 2 == 1",
            lambda a, b: (a ^ b) & 1,
        ),
        (
            f" that is no further than {k} from the present node in number",
            f" and abs($other - $node) <= {k}",
            lambda a, b: abs(a - b) in range(k + 1),
        ),
        (f" that differs from {k}", f" and $other != {k}", lambda a, b: a > k or a < k),
    )
    names = {
        "graph": graph,
        "start": start,
        "path": draw.name("path", "walk", "route"),
        "pick": "min" if least else "max",
        "which": "smallest" if least else "greatest",
        "turn": "" if least else ", reverse=True",
        "words": words,
        "rule": fill(source, other="other", node="node"),
        "about": told(draw, MUTUAL_WORDS, graph),
    }

    def oracle(given: list[list[int]], first: int) -> list[int]:
        node, left, walked = first, set(range(len(given))) - {first}, [first]
        while True:
            allowed = [each for each in left if each in given[node] and meaning(each, node)]
            if not allowed:
                return walked
            node = sorted(allowed)[0 if least else -1]
            left.remove(node)
            walked.append(node)

    return Drawn(
        call=call,
        parameters=(Parameter(graph, MUTUAL), Parameter(start, NODE)),
        returns="list[int]",
        say=draw.say(
            "Return the list of nodes that a walk from `$start` visits, which always goes on to the $which "
            "neighbour$words that it has not visited yet, and ends where there is none. The list begins with "
            "`$start`. $about",
            "Begin at `$start` and move again and again to the $which not yet visited neighbour$words; stop when no "
            "such neighbour is left. Return all nodes in the order of the visits, `$start` included. $about",
            "Trace a walk through an undirected graph. It starts at `$start`, never visits a node twice, and of the "
            "neighbours it may go to$words it takes the $which. Return the visited nodes in order, up to the one "
            "where it is stuck. $about",
            **names,
        ),
        body=draw.source(
            *_GREEDY_WALK_BODIES,
            **names,
        ),
        oracle=oracle,
        idea=draw.say(
            "Keep the path walked so far; of the neighbours of its last node, cross out the visited ones and those "
            "against the rule and go to the best that remains.",
            "Simulate the walk step by step with a record of visited nodes until no move is possible.",
        ),
        contracts=(f"result[0] == {start}", "len(set(result)) == len(result)"),
        difficulty=2,
    )


_SIMPLE_WAYS_BODIES = (
    """
    found = []

    def search(way):
        if way[-1] == $goal:
            if len(way) <= $bound + 1$rule:
                found.append(way)
            return
        if len(way) <= $bound:
            for other in $graph[way[-1]]:
                if other not in way:
                    search(way + [other])

    search([$start])
    return $end
    """,
    """
    found = []
    stack = [[$start]]
    while stack:
        way = stack.pop()
        if way[-1] == $goal:
            if len(way) - 1 <= $bound$rule:
                found.append(way)
        elif len(way) - 1 < $bound:
            stack.extend(way + [other] for other in $graph[way[-1]] if other not in way)
    return $end
    """,
    """
    def search(way):
        if way[-1] == $goal:
            return [way] if len(way) <= $bound + 1$rule else []
        if len(way) > $bound:
            return []
        onward = [other for other in $graph[way[-1]] if other not in way]
        return [whole for other in onward for whole in search(way + [other])]

    found = search([$start])
    return $end
    """,
)


@family("graphs", 3, 4)
def simple_ways(draw: Draw) -> Drawn:
    """All ways between two nodes that pass no node twice, of a bounded length, perhaps by way of a kind of nodes."""
    counted, bound = draw.chance(0.4), draw.integer(2, 4)
    words, source, meaning = one_of(
        draw,
        ("", "", lambda way: True),
        (
            " and that rises at no more than one step",
            " and sum(a < b for a, b in zip(way, way[1:])) <= 1",
            lambda way: True,
        ),
        (" and on which the node numbers have an even sum", " and sum(way) % 2 == 0", lambda way: not sum(way) & 1),
        (" and on which the node numbers have an odd sum", " and sum(way) % 2 == 1", lambda way: bool(sum(way) & 1)),
    )
    rises = "rises" in words
    call = draw.name("simple_paths", "ways_between", "routes", "all_trips")
    graph, start, goal = draw.name("graph", "links", "roads"), draw.name("start", "source"), draw.name("goal", "target")
    names = {
        "graph": graph,
        "start": start,
        "goal": goal,
        "words": words,
        "rule": source,
        "bound": bound,
        "what": "the number of ways" if counted else "all ways",
        "form": "" if counted else " Each way is the list of its nodes; give them in ascending order as lists.",
        "end": "len(found)" if counted else "sorted(found)",
        "about": told(draw, DIRECTED_WORDS, graph),
    }

    def oracle(given: list[list[int]], first: int, last: int) -> int | list[list[int]]:
        between = [node for node in range(len(given)) if node not in (first, last)]
        ends = [[first]] if first == last else []
        if first != last:
            ends = [[first, *way, last] for k in range(bound) for way in permutations(between, k)]
        kept = [way for way in ends if all(way[i + 1] in given[way[i]] for i in range(len(way) - 1)) and meaning(way)]
        if rises:
            kept = [way for way in kept if [way[i] < way[i + 1] for i in range(len(way) - 1)].count(True) < 2]
        return len(kept) if counted else sorted(kept)

    return Drawn(
        call=call,
        parameters=(Parameter(graph, DIRECTED), Parameter(start, NODE), Parameter(goal, NODE)),
        returns="int" if counted else "list[list[int]]",
        say=draw.say(
            "Return $what from `$start` to `$goal` that pass no node twice, have at most $bound edges$words.$form If "
            "both are the same node, the only way is to stay there. $about",
            "Find $what that lead from `$start` to `$goal` in at most $bound steps without coming to a node "
            "twice$words.$form From a node to itself there is just the way that consists of the node alone. $about",
            "In a directed graph, look for ways from `$start` to `$goal` on which every node is different and which "
            "have no more than $bound edges$words. Return $what of this kind.$form When `$start` equals `$goal`, a "
            "way ends at once. $about",
            **names,
        ),
        body=draw.source(
            *_SIMPLE_WAYS_BODIES,
            **names,
        ),
        oracle=oracle,
        idea=draw.say(
            "Extend ways node by node with neighbours that they do not hold yet; a way that has come to the goal is "
            "looked at and not extended, and one that is too long is dropped.",
            "A depth-first search carries the whole way, so that no node is passed twice, and stops at the goal or at "
            "the greatest length.",
        ),
        difficulty=4,
    )


_WAYS_IN_STEPS_BODIES = (
    """
        $ways = [0] * len($graph)
        $ways[$start] = 1
        for _ in range($k):
            after = [0] * len($graph)
            for $node, count in enumerate($ways):
                for other in $graph[$node]:
                    after[other] += count
            $ways = after
        return sum(count for $node, count in enumerate($ways) if $test)$mod
        """,
    """
        $ways = [1 if $test else 0 for $node in range(len($graph))]
        for _ in range($k):
            $ways = [sum($ways[other] for other in others) for others in $graph]
        return $ways[$start]$mod
        """,
    """
        @cache
        def walks($node, left):
            if left == 0:
                return 1 if $test else 0
            return sum(walks(other, left - 1) for other in $graph[$node])

        return walks($start, $k)$mod
        """,
)


@family("graphs", 3)
def ways_in_steps(draw: Draw) -> Drawn:
    """How many walks of exactly so many steps lead from one node to the nodes of a kind."""
    test = node_test(draw)
    modulus = draw.choice((0, 0, 10, 7))
    call = draw.name("count_walks", "walks_of_length", "trips", "ways_in_steps")
    graph, start, k = draw.name("graph", "links", "arrows"), draw.name("start", "source"), draw.name("steps", "length")
    node = draw.name("node", "here", "place")
    names = {
        "graph": graph,
        "start": start,
        "k": k,
        "node": node,
        "ways": draw.name("ways", "walks", "counts"),
        "test": test.of(node),
        "is_kept": alone(test),
        "mod": f" % {modulus}" if modulus else "",
        "what": f"the number, modulo {modulus}, of" if modulus else "the number of",
        "about": told(draw, DIRECTED_WORDS, graph),
    }

    def oracle(given: list[list[int]], first: int, steps: int) -> int:
        def walks(here: int, left: int) -> int:
            return sum(walks(other, left - 1) for other in given[here]) if left else int(bool(test.call(here)))

        found = walks(first, steps)
        return found - found // modulus * modulus if modulus else found

    body = draw.source(
        *_WAYS_IN_STEPS_BODIES,
        **names,
    )
    return Drawn(
        call=call,
        parameters=(Parameter(graph, DIRECTED), Parameter(start, NODE), Parameter(k, STEPS)),
        returns="int",
        say=draw.say(
            "Return $what walks of exactly `$k` edges that begin at node `$start` and end at a node whose number is "
            "$is_kept. A walk may pass a node more than once; with 0 edges it stays at `$start`. $about",
            "Starting at `$start`, make exactly `$k` steps along edges, where nodes may be visited again. Return "
            "$what ways of doing so that end at a node with a number that is $is_kept. $about",
            "Count walks in a directed graph: they start at `$start`, have `$k` steps (nodes and edges may repeat) "
            "and their last node is $is_kept. Return $what such walks. $about",
            **names,
        ),
        body=body,
        prelude=imports(body, "from functools import cache"),
        oracle=oracle,
        idea=draw.say("The number of walks of a length follows from the numbers of walks that are one step shorter."),
        contracts=("result >= 0",),
        difficulty=3,
    )
