"""Graphs as inputs, what statements say of them, and slow ways to know about them for the oracles of their families."""

from __future__ import annotations

from itertools import product
from random import Random

from titrant.synthesize.generator.domains import Integers, Made
from titrant.synthesize.generator.draw import Draw, fill
from titrant.synthesize.generator.pieces import Piece

FAR = 10**6


def _pairs(random: Random, nodes: int, share: float) -> list[tuple[int, int]]:
    return [(a, b) for a, b in product(range(nodes), repeat=2) if a != b and random.random() < share]


def _directed(random: Random) -> list[list[int]]:
    nodes, share = random.randint(4, 7), random.choice((0.15, 0.25, 0.4))
    found: list[list[int]] = [[] for _ in range(nodes)]
    for a, b in _pairs(random, nodes, share):
        found[a].append(b)
    return found


def _mutual(random: Random) -> list[list[int]]:
    nodes, share = random.randint(4, 7), random.choice((0.12, 0.2, 0.3))
    found: list[list[int]] = [[] for _ in range(nodes)]
    for a, b in _pairs(random, nodes, share):
        if b not in found[a]:
            found[a].append(b)
            found[b].append(a)
    return [sorted(each) for each in found]


def _links(random: Random) -> list[tuple[int, int]]:
    found = {(min(pair), max(pair)) for pair in _pairs(random, random.randint(2, 7), random.choice((0.1, 0.2, 0.35)))}
    pairs = [pair if random.random() < 0.7 else pair[::-1] for pair in sorted(found)]
    random.shuffle(pairs)
    return pairs


def _arrows(random: Random) -> list[tuple[int, int]]:
    found = _pairs(random, random.randint(2, 6), random.choice((0.12, 0.2, 0.3)))
    random.shuffle(found)
    return found


def _roads(random: Random) -> list[tuple[int, int, int]]:
    return [(a, b, random.randint(1, 12)) for a, b in _links(random)]


def _acyclic(random: Random) -> list[list[int]]:
    nodes, share = random.randint(4, 7), random.choice((0.25, 0.4, 0.6))
    names = list(range(nodes))
    random.shuffle(names)
    found: list[list[int]] = [[] for _ in range(nodes)]
    for a in range(nodes):
        for b in range(a + 1, nodes):
            if random.random() < share:
                found[names[a]].append(names[b])
    return [sorted(each) for each in found]


def _nexts(random: Random) -> list[int]:
    nodes = random.randint(4, 9)
    return [random.randrange(nodes) for _ in range(nodes)]


def _parents(random: Random) -> list[int]:
    return [-1] + [random.randrange(node) for node in range(1, random.randint(1, 9))]


def _heights(random: Random) -> list[list[int]]:
    rows, columns = random.randint(1, 5), random.randint(1, 5)
    return [[random.randint(0, 9) for _ in range(columns)] for _ in range(rows)]


def _maze(random: Random) -> list[str]:
    rows, columns, walls = random.randint(1, 5), random.randint(1, 6), random.choice((0.2, 0.35, 0.5))
    return ["".join("#" if random.random() < walls else "." for _ in range(columns)) for _ in range(rows)]


def _friends(random: Random) -> dict[str, list[str]]:
    graph = _mutual(random)
    names = random.sample(("ada", "ben", "cleo", "dan", "eve", "finn", "gus"), len(graph))
    return {names[a]: [names[b] for b in graph[a]] for a in range(len(graph))}


def _tasks(random: Random) -> dict[str, list[str]]:
    graph = _acyclic(random)
    return {"abcdefg"[a]: ["abcdefg"[b] for b in graph[a]] for a in range(len(graph))}


DIRECTED = Made("directed graphs of 4 to 7 nodes", "list[list[int]]", _directed)
MUTUAL = Made("undirected graphs of 4 to 7 nodes", "list[list[int]]", _mutual)
LINKS = Made("undirected edges among up to 7 nodes", "list[tuple[int, int]]", _links)
ARROWS = Made("directed edges among up to 6 nodes", "list[tuple[int, int]]", _arrows)
ROADS = Made("undirected edges of length 1 to 12", "list[tuple[int, int, int]]", _roads)
ACYCLIC = Made("directed graphs of 4 to 7 nodes without cycles", "list[list[int]]", _acyclic)
NEXTS = Made("one next node for each of 4 to 9", "list[int]", _nexts)
PARENTS = Made("parents that come before their children", "list[int]", _parents)
HEIGHTS = Made("grids of digits up to 5 by 5", "list[list[int]]", _heights)
MAZE = Made("rows of dots and walls up to 5 by 6", "list[str]", _maze)
FRIENDS = Made("friends by name, mutual", "dict[str, list[str]]", _friends)
TASKS = Made("what each task needs, without cycles", "dict[str, list[str]]", _tasks)
NODE = Integers(0, 3)
STEPS = Integers(0, 5)

DIRECTED_WORDS = (
    "`$graph` gives for every node (a position in the list) the list of the nodes to which an edge leads from it.",
    "Entry i of `$graph` lists the nodes that can be reached from node i in one step.",
    "The graph is directed: position i of `$graph` holds the nodes to which node i points.",
)
MUTUAL_WORDS = (
    "`$graph` gives for every node (a position in the list) the sorted list of its neighbours; edges have no "
    "direction.",
    "Entry i of `$graph` lists the neighbours of node i, and whoever is listed for i also lists i.",
    "The graph is undirected, and position i of `$graph` holds the neighbours of node i in ascending order.",
)
LINKS_WORDS = (
    "`$graph` is a list of pairs of nodes, each an edge without direction; no edge is there twice.",
    "Each pair in `$graph` joins two different nodes, and the order in a pair means nothing. The nodes are those that "
    "occur in a pair.",
    "The undirected graph is given by its edges `$graph`, every one a pair of different nodes and listed once; there "
    "are no nodes but those in the pairs.",
)
ROADS_WORDS = (
    "Each entry (a, b, length) of `$graph` is a road between the places a and b that can be used both ways.",
    "`$graph` lists undirected edges as tuples of two nodes and a positive length.",
    "The edges in `$graph` are triples: two nodes, in any order, and the length of the way between them.",
)
PARENTS_WORDS = (
    "Node 0 is the root of the tree; `$graph` gives the parent of every node, -1 for the root, and a parent always "
    "has a smaller number than its child.",
    "The tree is given by `$graph`: entry i is the parent of node i, which is less than i, and entry 0 is -1 since "
    "node 0 is the root.",
    "In `$graph`, a list of parents, node 0 is the root (its entry is -1) and every other node has a parent with a "
    "smaller number.",
)
TASKS_WORDS = (
    "`$graph` gives for every task the tasks that must be finished before it can begin.",
    "In the dictionary `$graph` each task stands with the list of the tasks that it needs; needs never run in a "
    "circle.",
    "Keys of `$graph` are tasks and values their prerequisites, all of which are keys too; there are no cycles.",
)


def told(draw: Draw, wordings: tuple[str, ...], graph: str) -> str:
    """One of the descriptions, of the parameter of this name."""
    return fill(draw.choice(wordings), graph=graph)


def distances(graph: list[list[int]]) -> list[list[int]]:
    """The number of steps from each node to each other, FAR where there is no way; by Floyd and Warshall."""
    nodes = range(len(graph))
    found = [[0 if a == b else 1 if b in graph[a] else FAR for b in nodes] for a in nodes]
    for middle in nodes:
        for a in nodes:
            for b in nodes:
                found[a][b] = min(found[a][b], found[a][middle] + found[middle][b])
    return found


def adjacency(links: list[tuple[int, int]]) -> tuple[list[int], list[list[int]]]:
    """The nodes of undirected edges in ascending order, and the neighbours of each as positions in that list."""
    nodes = sorted({node for pair in links for node in pair})
    near = [[j for j, b in enumerate(nodes) if (a, b) in links or (b, a) in links] for a in nodes]
    return nodes, near


def node_test(draw: Draw) -> Piece:
    """Whether the number of a node is something."""
    low, high = draw.integer(1, 3), draw.integer(2, 4)
    options = (
        Piece("even", "$x % 2 == 0", lambda x: not x & 1),
        Piece("odd", "$x % 2 == 1", lambda x: bool(x & 1)),
        Piece(f"at least {low}", f"$x >= {low}", lambda x: x not in range(low)),
        Piece(f"at most {high}", f"$x <= {high}", lambda x: x in range(high + 1)),
        Piece("divisible by 3", "$x % 3 == 0", lambda x: x in (0, 3, 6, 9)),
        Piece("not divisible by 3", "$x % 3 != 0", lambda x: x not in (0, 3, 6, 9)),
        Piece(f"other than {low}", f"$x != {low}", lambda x: x < low or x > low),
    )
    return draw.choice(options)
