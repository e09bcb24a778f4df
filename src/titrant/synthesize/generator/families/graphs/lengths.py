"""Ways with lengths: the cheapest under a toll, with few edges; nets of least weight; places in the middle."""

from __future__ import annotations

from titrant.synthesize.generator.draw import Draw, fill
from titrant.synthesize.generator.families.conditions import imports, one_of
from titrant.synthesize.generator.families.graphs.drawings import (
    FAR,
    NODE,
    ROADS,
    ROADS_WORDS,
    STEPS,
    told,
)
from titrant.synthesize.generator.family import Drawn, Parameter, family

Roads = list[tuple[int, int, int]]


_CHEAPEST_WAY_BODIES = (
    """
    near = defaultdict(list)
    for a, b, length in $graph:
        near[a].append((b, length))
        near[b].append((a, length))
    $best = {}
    heap = [(0, $start)]
    while heap:
        total, place = heappop(heap)
        if place == $goal:
            return total
        if place in $best:
            continue
        $best[place] = total
        for other, length in near[place]:
            if other not in $best:
                heappush(heap, (total + $cost, other))
    return -1
    """,
    """
    $best = {$start: 0}
    left = {$start}
    while left:
        place = min(left, key=$best.get)
        left.remove(place)
        if place == $goal:
            return $best[place]
        for a, b, length in $graph:
            if place not in (a, b):
                continue
            other = b if place == a else a
            total = $best[place] + $cost
            if other not in $best or total < $best[other]:
                $best[other] = total
                left.add(other)
    return -1
    """,
)


@family("graphs", 4)
def cheapest_way(draw: Draw) -> Drawn:
    """The cheapest way between two places where edges cost what a rule says."""
    toll = draw.integer(1, 5)
    words, source, meaning = one_of(
        draw,
        (f"its length plus a toll of {toll}", f"length + {toll}", lambda n, a: n - -toll),
        ("its length plus the number of the place where it ends", "length + other", lambda n, a: sum((n, a))),
        (f"its length, but at most {toll + 4}", f"min(length, {toll + 4})", lambda n, a: sorted((n, toll + 4))[0]),
        ("the square of its length", "length * length", lambda n, a: n**2),
        (
            f"its length, or {toll + 7} if the length is odd",
            f"length if length % 2 == 0 else {toll + 7}",
            lambda n, a: (n, toll + 7)[n & 1],
        ),
    )
    call = draw.name("cheapest_trip", "travel_cost", "least_cost", "fare")
    graph, start, goal = (
        draw.name("roads", "edges", "links"),
        draw.name("start", "home", "origin"),
        draw.name("goal", "target"),
    )
    names = {
        "graph": graph,
        "start": start,
        "goal": goal,
        "words": words,
        "cost": f"({source})" if " if " in source else source,
        "best": draw.name("best", "costs", "paid"),
        "about": told(draw, ROADS_WORDS, graph),
    }

    def oracle(given: Roads, first: int, last: int) -> int:
        ways = [(a, b, meaning(n, b)) for a, b, n in given] + [(b, a, meaning(n, a)) for a, b, n in given]
        found = {first: 0}
        for _ in range(8):
            for a, b, cost in ways:
                if a in found:
                    found[b] = min(found.get(b, FAR), found[a] + cost)
        return found.get(last, -1)

    body = draw.source(
        *_CHEAPEST_WAY_BODIES,
        **names,
    )
    return Drawn(
        call=call,
        parameters=(Parameter(graph, ROADS), Parameter(start, NODE), Parameter(goal, NODE)),
        returns="int",
        say=draw.say(
            "Return the least total cost of getting from `$start` to `$goal`, or -1 if there is no way. Each use of a "
            "road costs $words. Staying where one is costs nothing. $about",
            "Find the cheapest way from `$start` to `$goal` and return what it costs: the sum over its roads, where a "
            "road costs $words. The answer is 0 if both places are the same and -1 if one cannot get there. $about",
            "Return how much a traveller pays at least between `$start` and `$goal`. For each road that is taken the "
            "price is $words; no road needs to be taken if `$start` and `$goal` are equal. Return -1 where no chain "
            "of roads joins them. $about",
            **names,
        ),
        body=body,
        prelude=imports(body, "from collections import defaultdict", "from heapq import heappop").replace(
            "import heappop", "import heappop, heappush"
        ),
        oracle=oracle,
        idea=draw.say(
            "Settle the places in the order of their cost from the start: the cheapest place not yet settled cannot "
            "get any cheaper, and its roads give new offers for its neighbours.",
            "Dijkstra's method with the cost of a road in the place of its length; it may stop as soon as the goal is "
            "the cheapest place left.",
        ),
        contracts=("result >= -1",),
        difficulty=4,
    )


_CHEAPEST_WITH_FEW_ROADS_BODIES = (
    """
    $best = {$start: $begin}
    for _ in range($k):
        after = $keep
        for a, b, length in $graph:
            for place, other in ((a, b), (b, a)):
                if place in $best:
                    far = $best[place]
                    value = $join
                    if other not in after or value $better after[other]:
                        after[other] = value
        $best = after
    return $best.get($goal, -1)
    """,
    """
    both_ways = $graph + [(b, a, length) for a, b, length in $graph]
    $best = {$start: $begin}
    for _ in range($k):
        after = $keep
        for place, other, length in both_ways:
            far = $best.get(place)
            if far is None:
                continue
            value = $join
            if other not in after or after[other] $worse value:
                after[other] = value
        $best = after
    return $best.get($goal, -1)
    """,
)


@family("graphs", 4)
def cheapest_with_few_roads(draw: Draw) -> Drawn:
    """The shortest way, or the widest one, with a bounded number of edges."""
    widest, exactly, toll = draw.chance(), draw.chance(0.3), draw.integer(0, 9)
    call = draw.name("bounded_trip", "few_roads", "limited_way", "trip_with_limit")
    graph, start, goal = draw.name("roads", "edges", "links"), draw.name("start", "home"), draw.name("goal", "target")
    k = draw.name("most", "limit", "stages")
    worth = f"length + {toll}" if toll else "length"
    names = {
        "graph": graph,
        "start": start,
        "goal": goal,
        "k": k,
        "best": draw.name("best", "reach", "table"),
        "many": "exactly" if exactly else "at most",
        "what": "greatest possible length of the shortest road on a walk"
        if widest
        else "least possible total length of a walk",
        "stay": "A walk without roads counts as 100." if widest else "A walk without roads has the length 0.",
        "begin": "100" if widest else "0",
        "join": f"min(far, {worth})" if widest else f"far + {worth}",
        "better": ">" if widest else "<",
        "keep": "{}" if exactly else "dict($best)",
        "again": "A walk may use a road several times."
        + f" Every road counts as {toll} longer than it is." * (toll > 0),
        "about": told(draw, ROADS_WORDS, graph),
    }
    names["keep"] = fill(names["keep"], **names)

    def oracle(given: Roads, first: int, last: int, most: int) -> int:
        values: dict[int, set[int]] = {first: {100 if widest else 0}}
        found = set(values.get(last, ()))
        for _ in range(most):
            after: dict[int, set[int]] = {}
            for a, b, n in [*given, *((b, a, n) for a, b, n in given)]:
                after.setdefault(b, set()).update(
                    sorted((n + toll, v))[0] if widest else n + toll + v for v in values.get(a, ())
                )
            values = after
            found = set(values.get(last, ())) | (set() if exactly else found)
        return (max(found) if widest else min(found)) if found else -1

    return Drawn(
        call=call,
        parameters=(Parameter(graph, ROADS), Parameter(start, NODE), Parameter(goal, NODE), Parameter(k, STEPS)),
        returns="int",
        say=draw.say(
            "Return the $what from `$start` to `$goal` that takes $many `$k` roads, or -1 if there is none. $again "
            "$stay $about",
            "Go from `$start` to `$goal` along $many `$k` roads: find the $what of this kind and return it; return -1 "
            "if no such walk exists. $again $stay $about",
            "Consider all walks that lead from `$start` to `$goal` with $many `$k` roads. Return the $what among "
            "them, and -1 if there are none. $again $stay $about",
            **names,
        ),
        body=draw.source(
            *_CHEAPEST_WITH_FEW_ROADS_BODIES,
            worse="<" if widest else ">",
            **names,
        ),
        oracle=oracle,
        idea=draw.say(
            "For each number of roads keep the best value of every place; one more road improves the neighbours of "
            "the places known so far.",
            "Relax all roads in both directions, once per road that may be used, reading only the values of the round "
            "before.",
        ),
        difficulty=4,
    )


_NET_OF_LEAST_WEIGHT_BODIES = (
    """
    leader = {place: place for road in $graph for place in road[:2]}

    def find(place):
        while leader[place] != place:
            place = leader[place]
        return place

    $chosen = []
    for a, b, length in sorted($graph, key=lambda road: road[2]$turn):
        if length <= $bound and find(a) != find(b):
            leader[find(a)] = find(b)
            $chosen.append(length)
    return $end
    """,
    """
    groups = {place: {place} for road in $graph for place in road[:2]}
    $chosen = []
    for length, a, b in sorted([(length, a, b) for a, b, length in $graph]$turn):
        if b in groups[a] or length > $bound:
            continue
        joined = groups[a] | groups[b]
        for place in joined:
            groups[place] = joined
        $chosen.append(length)
    return $end
    """,
)


@family("graphs", 4)
def net_of_least_weight(draw: Draw) -> Drawn:
    """What the roads of a spanning forest of least or greatest weight come to."""
    least, bound = draw.chance(0.6), draw.integer(5, 12)
    words, source, meaning = one_of(
        draw,
        ("the total length of the chosen roads", "sum($chosen)", lambda found: sum(found)),
        (
            "the length of the longest chosen road (0 if none is chosen)",
            "max($chosen, default=0)",
            lambda found: [0, *sorted(found)][-1],
        ),
        ("the lengths of the chosen roads in the order in which they are chosen", "$chosen", lambda found: found),
        (
            "the total length of the roads that are not chosen",
            "sum(road[2] for road in $graph) - sum($chosen)",
            lambda found: 0,
        ),
    )
    call = draw.name("build_net", "span_places", "connect_all", "pick_roads")
    graph, chosen = draw.name("roads", "edges", "links", "cables"), draw.name("chosen", "kept", "built")
    names = {
        "graph": graph,
        "chosen": chosen,
        "bound": bound,
        "words": words,
        "end": fill(source, chosen=chosen, graph=graph),
        "which": "shortest" if least else "longest",
        "turn": "" if least else ", reverse=True",
        "about": told(draw, ROADS_WORDS, graph),
    }
    rest = "not chosen" in words

    def oracle(given: Roads) -> int | list[int]:
        places = sorted({place for road in given for place in road[:2]})
        found: list[int] = []
        left = set(places)
        while left:
            inside = {min(left)}
            while True:
                out = sorted((n, a, b) for a, b, n in given if n <= bound and (a in inside) != (b in inside))
                if not out:
                    break
                length, a, b = out[0 if least else -1]
                inside |= {a, b}
                found.append(length)
            left -= inside
        found.sort(reverse=not least)
        total = sum(n for _, _, n in given) - sum(found)
        result: int | list[int] = total if rest else meaning(found)
        return result

    return Drawn(
        call=call,
        parameters=(Parameter(graph, ROADS),),
        returns="list[int]" if source == "$chosen" else "int",
        say=draw.say(
            "Go through the roads from the $which on and choose each one whose two places are not yet connected by "
            "chosen roads. Return $words; a road longer than $bound is never chosen. $about",
            "Choose roads so that all places that can be connected are connected, always taking the $which road left "
            "that does not close a circle of chosen ones. Return $words; a road longer than $bound is never chosen. "
            "$about",
            "Return $words, where roads are looked at one by one, the $which first, and a road is chosen only if it "
            "joins two places between which there is no way along roads chosen before. Roads longer than $bound are "
            "left out. $about",
            **names,
        ),
        body=draw.source(
            *_NET_OF_LEAST_WEIGHT_BODIES,
            **names,
        ),
        oracle=oracle,
        idea=draw.say(
            "Kruskal's method: sort the roads by length and keep those that join two different groups of places, "
            "merging the groups each time.",
            "Sorted by length, a road is useful exactly if its ends are in different groups so far; groups are merged "
            "as roads are chosen.",
        ),
        difficulty=4,
    )


_PLACES_BY_FARTHEST_BODIES = (
    """
    places = sorted({$place for road in $graph for $place in road[:2]})
    far = {(a, b): 0 if a == b else inf for a in places for b in places}
    for a, b, length in $graph:
        far[a, b] = far[b, a] = length
    for middle in places:
        for a in places:
            for b in places:
                far[a, b] = min(far[a, b], far[a, middle] + far[middle, b])
    values = {}
    for $place in places:
        values[$place] = $measure(far[$place, b] for b in places if far[$place, b] < inf)
    return [$place for $place in places if values[$place] $test]
    """,
    """
    near = {}
    for a, b, length in $graph:
        near.setdefault(a, []).append((length, b))
        near.setdefault(b, []).append((length, a))

    def value_of($place):
        far, heap = {}, [(0, $place)]
        while heap:
            so_far, here = heappop(heap)
            if here not in far:
                far[here] = so_far
                for length, other in near[here]:
                    heappush(heap, (so_far + length, other))
        return $measure(far.values())

    values = {$place: value_of($place) for $place in sorted(near)}
    return [$place for $place in values if values[$place] $test]
    """,
)


@family("graphs", 4)
def places_by_farthest(draw: Draw) -> Drawn:
    """Places by how far, or how far in all, the others lie from them."""
    total, nearest = draw.chance(0.4), draw.chance(0.6)
    call = draw.name("central_places", "best_places", "meeting_points", "rank_places")
    graph, place = draw.name("roads", "edges", "links"), draw.name("place", "town", "node")
    bound = draw.integer(5, 20) if draw.chance(0.7) else 0
    names = {
        "graph": graph,
        "place": place,
        "pick": "min" if nearest else "max",
        "measure": "sum" if total else "max",
        "what": "the sum of the distances to all places that can be reached from it"
        if total
        else "the distance to the farthest place that can be reached from it",
        "which": "least" if nearest else "greatest",
        "about": told(draw, ROADS_WORDS, graph),
    }
    names["rule"] = f"at most {bound}" if bound else f"the {names['which']} that any place has"
    names["test"] = f"<= {bound}" if bound else f"== {names['pick']}(values.values())"

    def oracle(given: Roads) -> list[int]:
        places = sorted({each for road in given for each in road[:2]})
        values = {}
        for first in places:
            found = {first: 0}
            for _ in places:
                for a, b, n in given:
                    for x, y in ((a, b), (b, a)):
                        if x in found:
                            found[y] = min(found.get(y, FAR), found[x] + n)
            values[first] = sum(found.values()) if total else max(found.values())
        wanted = sorted(values.values())[0 if nearest else -1] if places else 0
        return [each for each in places if (values[each] <= bound if bound else values[each] == wanted)]

    body = draw.source(
        *_PLACES_BY_FARTHEST_BODIES,
        **names,
    )
    return Drawn(
        call=call,
        parameters=(Parameter(graph, ROADS),),
        returns="list[int]",
        say=draw.say(
            "Return, in ascending order, the places for which $what is $rule. Distances are lengths of shortest ways. "
            "$about",
            "Work out for every place $what, going by shortest ways. Return the sorted list of the places where this "
            "number is $rule. $about",
            "List the places of `$graph` in ascending order for which $what, measured along shortest ways, is $rule. "
            "$about",
            **names,
        ),
        body=body,
        prelude=imports(body, "from math import inf", "from heapq import heappop").replace(
            "import heappop", "import heappop, heappush"
        ),
        oracle=oracle,
        idea=draw.say(
            "First the distances between all pairs of places are found, then one number per place, and last "
            "the places whose number is asked for."
        ),
        contracts=("result == sorted(result)",),
        difficulty=4,
    )
