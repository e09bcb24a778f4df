"""What can be read off the neighbours: degrees, shared friends, graphs made over."""

from __future__ import annotations

from titrant.synthesize.generator.domains import Integers
from titrant.synthesize.generator.draw import Draw, fill
from titrant.synthesize.generator.families.conditions import imports, one_of
from titrant.synthesize.generator.families.graphs.drawings import (
    ARROWS,
    DIRECTED,
    DIRECTED_WORDS,
    FRIENDS,
    told,
)
from titrant.synthesize.generator.family import Drawn, Parameter, family

MOST = Integers(1, 4)


_NODES_BY_DEGREE_BODIES = (
    """
    $out = Counter(a for a, b in $graph)
    $into = Counter(b for a, b in $graph)
    found = [$node for $node in $out.keys() | $into.keys() if $test]
    return sorted(found$key)
    """,
    """
    $out, $into = {}, {}
    for a, b in $graph:
        for $node in (a, b):
            $out.setdefault($node, 0)
            $into.setdefault($node, 0)
        $out[a] += 1
        $into[b] += 1
    found = [$node for $node in $out if $test]
    return sorted(found$key)
    """,
    """
    $out = defaultdict(int)
    $into = defaultdict(int)
    for a, b in $graph:
        $out[a] += 1
        $into[b] += 1
    found = set()
    for pair in $graph:
        for $node in pair:
            if $test:
                found.add($node)
    return sorted(found$key)
    """,
)


@family("graphs", 2)
def nodes_by_degree(draw: Draw) -> Drawn:
    """The nodes of a list of arrows whose numbers of arrows out and in stand in a relation."""
    k = draw.integer(1, 3)
    words, source, meaning = one_of(
        draw,
        ("more arrows lead out than in", "$out[$node] > $into[$node]", lambda a, b: a - b > 0),
        ("as many arrows lead out as in", "$out[$node] == $into[$node]", lambda a, b: not a - b),
        ("no arrow leads in", "$into[$node] == 0", lambda a, b: not b),
        ("no arrow leads out", "$out[$node] == 0", lambda a, b: not a),
        (
            "at least one arrow leads in" if k == 1 else f"at least {k} arrows lead in",
            f"$into[$node] >= {k}",
            lambda a, b: b not in range(k),
        ),
        (
            f"at least {k + 1} arrows lead in or out in all",
            f"$out[$node] + $into[$node] > {k}",
            lambda a, b: a > k - b,
        ),
    )
    busiest = draw.chance(0.4)
    call = draw.name("nodes_by_arrows", "select_nodes", "degree_filter", "pick_by_degree")
    graph, node = draw.name("arrows", "edges", "links"), draw.name("node", "point", "place")
    out, into = draw.choice((("out", "into"), ("leaving", "arriving"), ("outgoing", "incoming")))
    names = {
        "graph": graph,
        "node": node,
        "out": out,
        "into": into,
        "words": words,
        "test": fill(source, out=out, into=into, node=node),
        "order": "those with the most arrows in all first, and of equally many the smaller node first"
        if busiest
        else "in ascending order",
    }
    names["key"] = f", key=lambda {node}: (-{out}[{node}] - {into}[{node}], {node})" if busiest else ""

    def oracle(given: list[tuple[int, int]]) -> list[int]:
        nodes = sorted({each for pair in given for each in pair})
        degrees = {each: (sum(a == each for a, _ in given), sum(b == each for _, b in given)) for each in nodes}
        kept = [each for each in nodes if meaning(*degrees[each])]
        return [each for k in range(12, 0, -1) for each in kept if sum(degrees[each]) == k] if busiest else kept

    body = draw.source(
        *_NODES_BY_DEGREE_BODIES,
        **names,
    )
    return Drawn(
        call=call,
        parameters=(Parameter(graph, ARROWS),),
        returns="list[int]",
        say=draw.say(
            "Return the nodes for which $words, $order. `$graph` is a list of pairs (a, b), each an arrow from node a "
            "to node b; the nodes are those that occur in a pair.",
            "Read each pair (a, b) in `$graph` as an arrow from a to b. Of all nodes at an end of some arrow, return "
            "those for which $words, $order.",
            "List all nodes in the pairs of `$graph` for which $words, where a pair (a, b) stands for an arrow that "
            "leads out of a and into b. Give them $order.",
            **names,
        ),
        body=body,
        prelude=imports(body, "from collections import Counter", "from collections import defaultdict"),
        oracle=oracle,
        idea=draw.say(
            "The arrows give two counts for each node, of those that begin and of those that end there; these decide."
        ),
        difficulty=2,
    )


@family("graphs", 2, 3)
def suggested_friends(draw: Draw) -> Drawn:
    """Who shares enough friends with somebody without being one."""
    single, first = draw.chance(), draw.integer(2, 9)
    bounded = draw.chance(0.8)
    call = draw.name("suggest_friends", "shared_friends", "may_know", "introductions")
    graph, k = draw.name("friends", "contacts", "circle"), draw.name("least", "shared", "common")
    names = {
        "graph": graph,
        "k": k,
        "cut": f"[:{first}]" if bounded else "",
        "only": f" If there are more than {first} such pairs, give the first {first} of them." if bounded else "",
        "person": draw.name("person", "name", "one"),
        "other": draw.name("other", "second"),
        "strangers": "" if single else " who are no friends of each other",
        "test": "$other not in $graph[$person] and " if not single else "",
    }
    names["test"] = fill(names["test"], **names)

    def oracle(given: dict[str, list[str]], least: int) -> list[tuple[str, str]]:
        shared: dict[tuple[str, str], int] = {}
        for middle in given.values():
            for a in middle:
                for b in middle:
                    shared[a, b] = shared.get((a, b), 0) + 1
        found = sorted(
            pair
            for pair, n in shared.items()
            if n >= least and pair[0] < pair[1] and (single or pair[1] not in given[pair[0]])
        )
        return found[:first] if bounded else found

    body = draw.source(
        """
        found = []
        people = sorted($graph)
        for i, $person in enumerate(people):
            for $other in people[i + 1 :]:
                both = set($graph[$person]) & set($graph[$other])
                if $testlen(both) >= $k:
                    found.append(($person, $other))
        return found$cut
        """,
        """
        return [
            ($person, $other)
            for $person, $other in combinations(sorted($graph), 2)
            if $testlen(set($graph[$person]) & set($graph[$other])) >= $k
        ]$cut
        """,
        **(names | {"testlen": names["test"] + "len"}),
    )
    return Drawn(
        call=call,
        parameters=(Parameter(graph, FRIENDS), Parameter(k, MOST)),
        returns="list[tuple[str, str]]",
        say=draw.say(
            "Return all pairs of different people$strangers that have at least `$k` friends in common. In a pair the "
            "name that comes first in the alphabet stands first, and the pairs are sorted. `$graph` gives the friends "
            "of every person; friendship is mutual.$only",
            "Find the pairs of two people$strangers that share `$k` or more friends, and return them as a sorted list "
            "of tuples, each in alphabetical order. The dictionary `$graph` lists everybody's friends, and if a is a "
            "friend of b, then b is one of a.$only",
            "Find out which two people$strangers know at least `$k` others that both have as friends. `$graph` has "
            "the list of friends of each person, and friendship goes both ways. Return tuples of two names, smaller "
            "name first, in sorted order.$only",
            **names,
        ),
        body=body,
        prelude=imports(body, "from itertools import combinations"),
        oracle=oracle,
        idea=draw.say(
            "Look at every pair of people once and count the friends that stand in both lists.",
            "For two people the shared friends are the intersection of their lists; pairs with enough of them are "
            "kept.",
        ),
        contracts=("result == sorted(result)", "all(a < b for a, b in result)"),
        difficulty=2,
    )


_GRAPH_MADE_OVER_BODIES = (
    """
    nodes = range(len($graph))
    return [$row for a in nodes]
    """,
    """
    result = []
    for a in range(len($graph)):
        row = []
        for b in range(len($graph)):
            $add
        result.append(row)
    return result
    """,
    """
    nodes = range(len($graph))

    def row_of(a):
        return $row

    return [row_of(a) for a in nodes]
    """,
)


@family("graphs", 2)
def graph_made_over(draw: Draw) -> Drawn:
    """Another graph on the same nodes: turned round, complement, two steps, both ways."""
    words, source, meaning = one_of(
        draw,
        (
            "an edge from a to b wherever the old graph has an edge from b to a",
            "a in $graph[b]",
            lambda g, a, b: b != a and g[b].count(a) > 0,
        ),
        (
            "an edge from a to b, for different a and b, wherever the old graph has none",
            "a != b and b not in $graph[a]",
            lambda g, a, b: a - b and not g[a].count(b),
        ),
        (
            "an edge from a to b, for different a and b, wherever the old graph leads from a to b in exactly two steps",
            "a != b and any(b in $graph[c] for c in $graph[a])",
            lambda g, a, b: a - b and [c for c in range(len(g)) if c in g[a] if b in g[c]],
        ),
        (
            "an edge from a to b wherever the old graph has edges in both directions between them",
            "b in $graph[a] and a in $graph[b]",
            lambda g, a, b: {b} <= set(g[a]) and {a} <= set(g[b]),
        ),
        (
            "an edge from a to b wherever the old graph has an edge between them in just one of the two directions",
            "(b in $graph[a]) != (a in $graph[b])",
            lambda g, a, b: g[a].count(b) + g[b].count(a) == 1,
        ),
        (
            "an edge from a to b wherever the old graph has an edge between them in at least one direction",
            "b in $graph[a] or a in $graph[b]",
            lambda g, a, b: g[a].count(b) + g[b].count(a),
        ),
    )
    matrix = draw.chance(0.4)
    call = draw.name("make_over", "new_graph", "derived_graph", "rebuild_graph")
    graph = draw.name("graph", "links", "arrows")
    names = {
        "graph": graph,
        "words": words,
        "rule": fill(source, graph=graph),
        ("form"): (
            "a matrix of 0 and 1 (a list of rows, in which row a has a 1 at position b if there is an edge from a to b)"
        )
        if matrix
        else "a list that holds, for each node, the ascending list of the nodes it has an edge to",
        "about": told(draw, DIRECTED_WORDS, graph),
    }
    names["row"] = f"[int({names['rule']}) for b in nodes]" if matrix else f"[b for b in nodes if {names['rule']}]"
    names["add"] = f"row.append(1 if {names['rule']} else 0)" if matrix else f"if {names['rule']}:\n    row.append(b)"

    def oracle(given: list[list[int]]) -> list[list[int]]:
        n = len(given)
        flat = [1 if meaning(given, a, b) else 0 for a in range(n) for b in range(n)]
        rows = [flat[a * n : a * n + n] for a in range(n)]
        return rows if matrix else [[b for b, mark in enumerate(row) if mark] for row in rows]

    return Drawn(
        call=call,
        parameters=(Parameter(graph, DIRECTED),),
        returns="list[list[int]]",
        say=draw.say(
            "Return a new graph on the same nodes that has $words. Write it as $form. $about",
            "Make a graph with the nodes of `$graph` and with $words, and no other edges. Return it as $form. $about",
            "Return $form, for the graph on the same nodes as `$graph` which has $words. $about",
            **names,
        ),
        body=draw.source(
            *_GRAPH_MADE_OVER_BODIES,
            **names,
        ),
        oracle=oracle,
        idea=draw.say(
            "Every pair of nodes is tested once against the rule, and the answers make up the rows of the new graph.",
            "Build the new graph node by node: of all nodes, those that the rule allows are its neighbours.",
        ),
        contracts=(f"len(result) == len({graph})",),
        difficulty=2,
    )
