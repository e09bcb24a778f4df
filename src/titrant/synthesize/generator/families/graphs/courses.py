"""What happens on a graph in time: following links, news that spreads, tasks that wait for others."""

from __future__ import annotations

from titrant.synthesize.generator.draw import Draw, fill
from titrant.synthesize.generator.families.conditions import imports, one_of, tidied
from titrant.synthesize.generator.families.graphs.drawings import (
    MUTUAL,
    MUTUAL_WORDS,
    NEXTS,
    NODE,
    STEPS,
    TASKS,
    TASKS_WORDS,
    told,
)
from titrant.synthesize.generator.family import Drawn, Parameter, family

_FOLLOWING_ONE_LINK_BODIES = (
    """
    $path = []
    $node = $start
    while $node not in $path:
        $path.append($node)
        $node = $next
    return $end
    """,
    """
    def walk($path, $node):
        if $node in $path:
            return $end
        return walk($path + [$node], $next)

    return walk([], $start)
    """,
    """
    $path = [$start]
    $node = $next_start
    while True:
        if $node in $path:
            return $end
        $path.append($node)
        $node = $next
    """,
)


@family("graphs", 2, 3)
def following_one_link(draw: Draw) -> Drawn:
    """Where the walk along single links from a node begins to repeat itself."""
    words, source, meaning = one_of(
        draw,
        ("the number of different nodes visited", "len($path)", lambda path, again: len(path)),
        (
            "the length of the circle that the walk ends up in",
            "len($path) - $path.index($node)",
            lambda path, again: sum(1 for each in path if path.index(each) >= path.index(again)),
        ),
        (
            "the number of steps made before the first node of the circle is reached",
            "$path.index($node)",
            lambda path, again: path.index(again),
        ),
        (
            "the smallest node of the circle that the walk ends up in",
            "min($path[$path.index($node) :])",
            lambda path, again: sorted(path[path.index(again) :])[0],
        ),
        ("the sum of the nodes visited, each counted once", "sum($path)", lambda path, again: sum(set(path))),
        ("the first node to be visited a second time", "$node", lambda path, again: again),
    )
    call = draw.name("follow", "walk_until_repeat", "chase_links", "trace_loop")
    graph, start = draw.name("after", "links", "jumps"), draw.name("start", "first", "origin")
    path, node = draw.name("path", "visited", "trail"), draw.name("node", "here", "current")
    k = draw.integer(0, 5)
    names = {"graph": graph, "start": start, "path": path, "node": node, "words": words}
    names["next"] = f"({graph}[{node}] + {k}) % len({graph})" if k else f"{graph}[{node}]"
    names["next_start"] = f"({graph}[{start}] + {k}) % len({graph})" if k else f"{graph}[{start}]"
    names["shift"] = f" Always {k} more than that entry is meant, counting on from 0 after the last node." if k else ""
    names["end"] = fill(source, path=path, node=node)

    def oracle(given: list[int], first: int) -> int:
        walk = [first]
        for _ in range(2 * len(given)):
            walk.append((given[walk[-1]] + k) % len(given))
        once = [each for i, each in enumerate(walk) if each not in walk[:i]]
        result: int = meaning(once, walk[len(once)])
        return result

    return Drawn(
        call=call,
        parameters=(Parameter(graph, NEXTS), Parameter(start, NODE)),
        returns="int",
        say=draw.say(
            "Return $words when one starts at `$start` and goes on from each node i to the node that `$graph` has at "
            "position i, until a node comes for the second time. The start counts as visited.$shift",
            "Begin at node `$start` and always move from node i to entry i of `$graph`; sooner or later the walk runs "
            "in a circle. Return $words (the start is the first node visited).$shift",
            "Walk through nodes 0, 1, 2 and so on, where `$graph` tells for every node which one comes next. From "
            "`$start` go on until a node repeats, and return $words. The start is visited before the first step.$shift",
            **names,
        ),
        body=draw.source(
            *_FOLLOWING_ONE_LINK_BODIES,
            **names,
        ),
        oracle=oracle,
        idea=draw.say(
            "Write down the nodes in the order of the visits until the next one is among them already; its position "
            "parts the way in from the circle.",
            "Since every node has one successor, the first repeated node closes the circle; the list of visited nodes "
            "holds all that is asked for.",
        ),
        difficulty=2,
    )


_NEWS_THAT_SPREADS_BODIES = (
    """
    $knows = $begin
    $start
    for _ in range($k):
        $knows = {
            node
            for node, others in enumerate($graph)
            if $keepsum(other in $knows for other in others) >= $n
        }
        $record
    return $end
    """,
    """
    $knows = $begin
    $start
    for _ in range($k):
        after = set()
        for node in range(len($graph)):
            if $keeplen($knows.intersection($graph[node])) >= $n:
                after.add(node)
        $knows = after
        $record
    return $end
    """,
)


@family("graphs", 3)
def news_that_spreads(draw: Draw) -> Drawn:
    """Who knows after some rounds, if a node learns something from enough neighbours."""
    need, forget = draw.integer(1, 2), draw.chance(0.3)
    rounds = draw.chance(0.5)
    call = draw.name("spread_news", "informed", "infection", "wake_up")
    graph, k = draw.name("graph", "links", "neighbours"), draw.name("rounds", "days", "steps")
    first = draw.choice(("0", "0 and 1", "1 and 3", "0, 1 and 2"))
    begin = [int(each) for each in first.replace("and", ",").replace(" ", "").split(",")]
    names = {
        "graph": graph,
        "k": k,
        "knows": draw.name("knows", "awake", "informed"),
        "first": f"nodes {first}" if len(begin) > 1 else f"node {first}",
        "begin": str(set(begin)) if len(begin) > 1 else "{0}",
        "need": f"at least {need} of its neighbours" if need > 1 else "one or more of its neighbours",
        "n": need,
        "forget": "Whoever knows keeps knowing."
        if not forget
        else (
            "A node that knows forgets in the next round unless it learns the news again from its neighbours in the "
            "same way."
        ),
        "keep": "" if forget else "node in $knows or ",
        "what": "how many nodes know after each round, as a list of `$k` numbers"
        if rounds
        else "the ascending list of the nodes that know after `$k` rounds",
        "about": told(draw, MUTUAL_WORDS, graph),
    }
    names["what"] = fill(str(names["what"]), k=k)
    names["keep"] = fill(str(names["keep"]), knows=names["knows"])

    def oracle(given: list[list[int]], times: int) -> list[int]:
        state = [node in begin for node in range(len(given))]
        history = []
        for _ in range(times):
            heard = [[state[b] for b in given[a]].count(True) for a in range(len(given))]
            state = [heard[a] >= need or (state[a] and not forget) for a in range(len(given))]
            history.append(state.count(True))
        return history if rounds else [a for a, knows in enumerate(state) if knows]

    body = draw.source(
        *_NEWS_THAT_SPREADS_BODIES,
        **names,
        keepsum=f"{names['keep']}sum",
        keeplen=f"{names['keep']}len",
        start="history = []" if rounds else "",
        record=f"history.append(len({names['knows']}))" if rounds else "",
        end="history" if rounds else f"sorted({names['knows']})",
    )
    return Drawn(
        call=call,
        parameters=(Parameter(graph, MUTUAL), Parameter(k, STEPS)),
        returns="list[int]",
        say=draw.say(
            "Return $what. At first $first of the network know some news. In each round, all at once, every node "
            "learns it if it was known to $need before the round. $forget $about",
            "Simulate `$k` rounds in which news spreads, beginning with $first, and return $what. In a round a node "
            "learns the news if $need knew it when the round began. $forget $about",
            "Let news spread for `$k` rounds. In the beginning $first know it, and then, in every round at the same "
            "time, each node learns it if it was known to $need just before. $forget Return $what. $about",
            **names,
        ),
        body=tidied(body),
        oracle=oracle,
        idea=draw.say(
            "Compute who knows after a round from who knew before it, without mixing the two, and repeat as often as "
            "asked.",
            "Each round makes a new set of knowing nodes by counting, for every node, the neighbours in the old set.",
        ),
        difficulty=3,
    )


_TASKS_IN_TIME_BODIES = (
    """
    @cache
    def finish(task):
        begin = max((finish(needed) for needed in $graph[task]), default=0)
        return begin + $cost

    return $end
    """,
    """
    $done = {}

    def finish(task):
        if task not in $done:
            begin = 0
            for needed in $graph[task]:
                begin = max(begin, finish(needed))
            $done[task] = begin + $cost
        return $done[task]

    return $end
    """,
    """
    $done = {}
    while len($done) < len($graph):
        for task, needed in $graph.items():
            if task not in $done and all(other in $done for other in needed):
                begin = max(($done[other] for other in needed), default=0)
                $done[task] = begin + $cost
    return $loop_end
    """,
)


@family("graphs", 3, 4)
def tasks_in_time(draw: Draw) -> Drawn:
    """When tasks can be finished that need others first, each taking a time by a rule."""
    k = draw.integer(1, 4)
    words, source, meaning = one_of(
        draw,
        (f"every task takes {k} hours" if k > 1 else "every task takes one hour", f"{k}", lambda needs: k),
        (
            "a task takes one hour and another one for each task that it needs directly",
            "1 + len($graph[task])",
            lambda needs: sum(1 for _ in needs) + 1,
        ),
        (
            f"a task takes {k + 1} hours if it needs nothing and one hour otherwise",
            f"1 if $graph[task] else {k + 1}",
            lambda needs: (1, k + 1)[len(needs) == 0],
        ),
    )
    table = draw.chance()
    call = draw.name("finish_times", "earliest_end", "plan_tasks", "project_hours")
    graph = draw.name("needs", "tasks", "requires")
    names = {
        "graph": graph,
        "done": draw.name("done", "finished", "times"),
        "words": words,
        "cost": fill(f"({source})" if " if " in source else source, graph=graph),
        "about": told(draw, TASKS_WORDS, graph),
        ("what"): (
            "a dictionary with the earliest hour at which each task can be finished if a task begins as soon as all "
            "that it needs is finished (keys in the order of the tasks in `$graph`)"
        )
        if table
        else (
            "the number of hours after which all tasks can be finished if a task begins as soon as all that it needs "
            "is finished"
        ),
    }
    names["what"] = fill(names["what"], graph=graph)
    names["end"] = (
        f"{{task: finish(task) for task in {graph}}}"
        if table
        else f"max((finish(task) for task in {graph}), default=0)"
    )
    names["loop_end"] = (
        f"{{task: {names['done']}[task] for task in {graph}}}" if table else f"max({names['done']}.values(), default=0)"
    )

    def oracle(given: dict[str, list[str]]) -> dict[str, int] | int:
        ends = {task: meaning(needs) for task, needs in given.items()}
        for _ in given:
            ends = {task: meaning(needs) + max([0, *(ends[each] for each in needs)]) for task, needs in given.items()}
        return ends if table else sorted([0, *ends.values()])[-1]

    body = draw.source(
        *_TASKS_IN_TIME_BODIES,
        **names,
    )
    return Drawn(
        call=call,
        parameters=(Parameter(graph, TASKS),),
        returns="dict[str, int]" if table else "int",
        say=draw.say(
            "Return $what. Any number of tasks can be under way at once; the work begins at hour 0, and $words. $about",
            "Plan a project that begins at hour 0 and in which $words; tasks may run side by side. Return $what. "
            "$about",
            "Return $what, given that there are enough workers for all tasks at once, that the first tasks begin at "
            "hour 0 and that $words. $about",
            **names,
        ),
        body=body,
        prelude=imports(body, "from functools import cache"),
        oracle=oracle,
        idea=draw.say(
            "A task ends its own time after the last of the tasks that it needs; the ends of these are found in the "
            "same way and kept.",
            "The end of each task follows from the ends of its prerequisites, so they are worked out in an order that "
            "respects the needs.",
        ),
        difficulty=3,
    )
